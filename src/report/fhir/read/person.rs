//! Practitioners to authors, verifiers and referring physicians.

use crate::base::ProblemCode;
use crate::fhir::reference::Target;
use crate::report::fhir::terms::{AUTHOR, Term, VERIFIER};
use crate::report::{Author, PersonName, Verifier};

use super::Manner;
use super::coded;
use super::name::person_name;
use super::trace::Element;

/// A person as a document has them.
struct Person {
    id: String,
    name: PersonName,
    role: Option<String>,
    organization: Option<String>,
}

/// Who wrote the report, and who answers for it.
pub(super) struct People<'t, 'a> {
    pub(super) author: Option<Author>,
    pub(super) verifier: Option<Verifier>,
    /// The reference to the author, to be known again.
    pub(super) author_reference: Option<Element<'t, 'a>>,
}

/// The author and the verifier of a report. In reports of others the author is the first person among the
/// performers, the verifier the first among those who interpreted the results; one may stand for both.
pub(super) fn read<'t, 'a>(report: Element<'t, 'a>, manner: Manner, is_verified: bool) -> People<'t, 'a> {
    if manner == Manner::Stated {
        return stated_people(report);
    }
    let performer = best(report.children("performer"));
    let interpreter = best(report.children("resultsInterpreter"));
    let Some((author_reference, is_performer)) =
        performer.map(|reference| (reference, true)).or(interpreter.map(|reference| (reference, false)))
    else {
        report.problem(ProblemCode::Required, "performer or resultsInterpreter: a report must name a person");
        return People { author: None, verifier: None, author_reference: None };
    };
    let author = person(author_reference);
    author_reference.becomes("author");
    let verifier = match interpreter {
        Some(reference) => {
            reference.becomes("verifier");
            Some(person(reference))
        }
        None if is_verified => {
            author_reference.remark("nobody else is named: they count as the verifier of this verified report");
            author_reference.becomes("verifier");
            Some(person(author_reference))
        }
        None => None,
    };
    // An interpreter of an unverified report has not verified it; they are its author if nobody else is.
    let verifier = verifier.filter(|_| is_verified || is_performer);
    let word = if is_performer { "performer" } else { "results interpreter" };
    People {
        author: Some(Author { id: author.id, name: author.name, role: author.role.unwrap_or_else(|| word.to_owned()) }),
        verifier: verifier.map(|person| Verifier {
            id: person.id,
            name: person.name,
            organization: person.organization,
        }),
        author_reference: Some(author_reference),
    }
}

fn stated_people<'t, 'a>(report: Element<'t, 'a>) -> People<'t, 'a> {
    let function = |reference: &Element<'t, 'a>, function: Term| {
        let coding =
            reference.extension("reported-person").and_then(|stated| stated.part("function")?.child("valueCoding"));
        coding.is_some_and(|coding| coded::is_term(coding, function))
    };
    let find = |term: Term| report.children("resultsInterpreter").find(|reference| function(reference, term));
    let author_reference = find(AUTHOR);
    let author = author_reference.and_then(|reference| {
        reference.becomes("author");
        let person = stated(reference)?;
        Some(Author { id: person.id, name: person.name, role: person.role.unwrap_or_default() })
    });
    if author.is_none() {
        report.problem(ProblemCode::Required, "resultsInterpreter: the report states no author");
    }
    let verifier = find(VERIFIER).and_then(|reference| {
        reference.becomes("verifier");
        let person = stated(reference)?;
        Some(Verifier { id: person.id, name: person.name, organization: person.organization })
    });
    People { author, verifier, author_reference }
}

/// The name that a reference to the referring physician stands for.
pub(super) fn referrer(reference: Element<'_, '_>, manner: Manner) -> Option<PersonName> {
    if manner == Manner::Stated {
        return Some(stated(reference)?.name);
    }
    is_person(reference).then(|| person(reference).name)
}

/// A person as the report states them. The Practitioner is looked at for what it says beside that.
fn stated(reference: Element<'_, '_>) -> Option<Person> {
    let stated = reference.extension("reported-person")?;
    stated.carry();
    let names = stated.children("extension").filter(|part| part.peek("url") == Some("name"));
    let name = person_name(names.filter_map(|part| part.child("valueHumanName"))).unwrap_or_default();
    let identifier = reference.child("identifier")?;
    identifier.carry();
    if let Some(resource) = reference.resolve() {
        let found = person_name(resource.children("name")).unwrap_or_default();
        if found != name {
            resource.remark("says something else of the person than the report, which is followed");
        }
        for other in resource.children("identifier").filter(|other| other.peek("value") == identifier.peek("value")) {
            other.carry();
        }
    }
    reference.carry_child("display");
    Some(Person {
        id: identifier.peek("value")?.to_owned(),
        name,
        role: stated.part_text("role", "valueString").map(str::to_owned),
        organization: stated.part_text("organization", "valueString").map(str::to_owned),
    })
}

/// The reference that says most of a person: one to a resource that is here, else any.
fn best<'t, 'a: 't>(references: impl Iterator<Item = Element<'t, 'a>>) -> Option<Element<'t, 'a>> {
    let people: Vec<_> = references.filter(|reference| is_person(*reference)).collect();
    let here = |reference: &&Element<'t, 'a>| reference.target().is_some();
    people.iter().find(here).or(people.first()).copied()
}

/// Whether a reference is to a practitioner, as far as can be seen.
fn is_person(reference: Element<'_, '_>) -> bool {
    let here = reference.target().and_then(Element::resource_type);
    let named =
        reference.peek("reference").and_then(|text| Target::parse(text).literal().map(|found| found.resource_type));
    let kind = here.or(reference.peek("type")).or(named);
    let is_named = reference.peek("display").is_some() || reference.child("identifier").is_some() || here.is_some();
    kind.is_none_or(|kind| matches!(kind, "Practitioner" | "PractitionerRole")) && is_named
}

/// A person of somebody else's report.
fn person(reference: Element<'_, '_>) -> Person {
    let display = reference.peek("display");
    let resource = reference.resolve();
    let (practitioner, role) = match resource {
        Some(role) if role.resource_type() == Some("PractitionerRole") => {
            let practitioner = role.child("practitioner").and_then(Element::resolve);
            if practitioner.is_some()
                && let Some(link) = role.child("practitioner")
            {
                link.carry_child("display");
            }
            (practitioner, Some(role))
        }
        other => (other, None),
    };
    let name = practitioner.and_then(|practitioner| person_name(practitioner.children("name")));
    let name = match (name, display) {
        (Some(name), _) => {
            reference.carry_child("display");
            name
        }
        (None, Some(display)) => {
            reference.carry_child("display");
            reference.remark("has no name but its display, which is taken as the family name");
            PersonName { family: display.to_owned(), ..PersonName::default() }
        }
        (None, None) => PersonName::default(),
    };
    Person {
        id: id(reference, practitioner, &name),
        name,
        role: role.and_then(|role| {
            let code = role.children("code").next()?;
            code.text("text").map(str::to_owned).or_else(|| Some(coded::codeable(code, "")?.display))
        }),
        organization: role.and_then(|role| organization(role.child("organization")?)),
    }
}

/// An identifier, else the logical id, else the name.
fn id(reference: Element<'_, '_>, practitioner: Option<Element<'_, '_>>, name: &PersonName) -> String {
    let identifier = practitioner
        .and_then(|practitioner| {
            practitioner.children("identifier").find(|identifier| identifier.peek("value").is_some())
        })
        .or_else(|| reference.child("identifier").filter(|identifier| identifier.peek("value").is_some()));
    if let Some(value) = identifier.and_then(|identifier| coded::value(identifier, |_| false)) {
        return value.to_owned();
    }
    if let Some(id) = practitioner.and_then(|practitioner| practitioner.peek("id")) {
        reference.remark("has no identifier: its logical id is taken");
        return id.to_owned();
    }
    reference.remark("has no identifier: its name is taken");
    name.to_display()
}

fn organization(reference: Element<'_, '_>) -> Option<String> {
    let name = reference.resolve().and_then(|organization| organization.text("name"));
    let display = reference.peek("display");
    reference.carry_child("display");
    name.or(display).map(str::to_owned)
}
