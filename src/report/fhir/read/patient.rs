//! The subject of a DiagnosticReport to the patient of a report.

use crate::base::ProblemCode;
use crate::report::fhir::issuer;
use crate::report::fhir::terms;
use crate::report::fhir::write::identifier_system;
use crate::report::{Patient, PersonName, Sex};

use super::coded::is_of_type;
use super::name::person_name;
use super::time::date_and_time;
use super::trace::Element;
use super::{Manner, ReadOptions};

/// What the report says of its patient beside the ID.
#[derive(Debug, Default, PartialEq, Eq)]
struct Demographics {
    name: PersonName,
    birth_date: Option<crate::base::Date>,
    sex: Option<Sex>,
}

/// The patient. `None` if it is not said who it is; the trace has the reason then.
pub(super) fn read(report: Element<'_, '_>, manner: Manner, options: &ReadOptions<'_>) -> Option<Patient> {
    let Some(subject) = report.child("subject") else {
        report.problem(ProblemCode::Required, "subject: a report is about a patient");
        return None;
    };
    let resource = subject.resolve();
    if let Some(other) = resource.filter(|resource| resource.resource_type() != Some("Patient")) {
        other.problem(ProblemCode::Value, "the subject of a report must be a Patient");
        return None;
    }
    let found = resource.map(demographics);
    let stated = subject.extension("reported-patient").map(stated_demographics);
    let (id, issuer) = identify(subject, resource, manner, options)?;
    let origin = resource.unwrap_or(subject);
    origin.becomes("patient");
    let demographics = if manner == Manner::Stated {
        let stated = stated.unwrap_or_default();
        if let (Some(found), Some(resource)) = (found, resource)
            && found != stated
        {
            resource.remark("says something else of the patient than the report, which is followed");
        }
        stated
    } else {
        match found {
            Some(found) => found,
            None => named_by_reference(subject)?,
        }
    };
    subject.carry_child("display");
    let Demographics { name, birth_date, sex } = demographics;
    Some(Patient { id, issuer, name, birth_date, sex })
}

/// Holds the subject of another resource against that of the report: what belongs to another patient must
/// not come in.
pub(super) fn same(resource: Element<'_, '_>, report: Element<'_, '_>) {
    let (Some(subject), Some(of_report)) = (resource.child("subject"), report.child("subject")) else {
        return;
    };
    let same = match (subject.target(), of_report.target()) {
        (Some(one), Some(other)) => one.is_same(other),
        (None, None) => match (subject.peek("reference"), of_report.peek("reference")) {
            (Some(one), Some(other)) => one == other,
            _ => return,
        },
        _ => {
            subject.lose("is not carried: whether it is the patient of the report cannot be seen");
            return;
        }
    };
    if same {
        subject.carry();
    } else {
        subject.problem(ProblemCode::Invariant, "is not the patient of the report");
    }
}

/// Without a Patient resource the reference may still have a name.
fn named_by_reference(subject: Element<'_, '_>) -> Option<Demographics> {
    let Some(display) = subject.text("display") else {
        subject.problem(ProblemCode::Required, "is not in the document, and has no name");
        return None;
    };
    subject.remark("is not in the document: its display is taken as the family name");
    Some(Demographics {
        name: PersonName { family: display.to_owned(), ..PersonName::default() },
        ..Demographics::default()
    })
}

fn demographics(patient: Element<'_, '_>) -> Demographics {
    if let Some(name) = patient.child("name") {
        name.becomes("patient.name");
    }
    let birth = patient.child("birthDate");
    if let Some(birth) = birth {
        birth.becomes("patient.birthDate");
    }
    Demographics {
        name: person_name(patient.children("name")).unwrap_or_default(),
        birth_date: birth.and_then(|birth| date_and_time(birth).0),
        sex: patient.child("gender").and_then(sex),
    }
}

fn stated_demographics(stated: Element<'_, '_>) -> Demographics {
    stated.carry();
    let names = stated.children("extension").filter(|part| part.peek("url") == Some("name"));
    Demographics {
        name: person_name(names.filter_map(|part| part.child("valueHumanName"))).unwrap_or_default(),
        birth_date: stated.part_text("birthDate", "valueDate").and_then(crate::base::Date::parse),
        sex: stated.part("gender").and_then(|part| part.child("valueCode")).and_then(sex),
    }
}

fn sex(gender: Element<'_, '_>) -> Option<Sex> {
    let text = gender.json.as_str()?;
    let found = Sex::ALL.iter().copied().find(|sex| terms::gender(*sex) == text);
    if found.is_some() || text == "unknown" {
        gender.carry();
    }
    found
}

/// The patient ID and its issuer.
fn identify<'a>(
    subject: Element<'_, 'a>,
    resource: Option<Element<'_, 'a>>,
    manner: Manner,
    options: &ReadOptions<'_>,
) -> Option<(String, Option<String>)> {
    let own = subject.child("identifier").filter(|identifier| identifier.peek("value").is_some());
    let of_resource: Vec<_> = resource
        .into_iter()
        .flat_map(|resource| resource.children("identifier"))
        .filter(|identifier| identifier.peek("value").is_some())
        .collect();
    let best = of_resource
        .iter()
        .find(|identifier| is_of_type(**identifier, "MR"))
        .or_else(|| of_resource.iter().find(|identifier| identifier.peek("use") == Some("usual")))
        .or_else(|| of_resource.iter().find(|identifier| identifier.peek("use") != Some("old")))
        .copied();
    let chosen = if manner == Manner::Stated { own.or(best) } else { best.or(own) };
    let Some(chosen) = chosen else {
        resource.unwrap_or(subject).problem(ProblemCode::Required, "identifier: a patient must have one");
        return None;
    };
    // The same identifier may stand at both places.
    let names = |identifier: Element<'_, 'a>| (identifier.peek("system"), identifier.peek("value"));
    for identifier in of_resource.iter().copied().chain(own).filter(|other| names(*other) == names(chosen)) {
        for key in ["value", "system", "use", "type"] {
            identifier.carry_child(key);
        }
        issuer_in_words(identifier);
    }
    chosen.becomes("patient.id");
    chosen.becomes("patient.issuer");
    Some((chosen.peek("value")?.to_owned(), issuer_of(chosen, manner, options)))
}

/// The issuer: in its own words where the assigner has them, else what the system stands for. The system
/// of a gateway's own stands for no issuer at that gateway only.
fn issuer_of(identifier: Element<'_, '_>, manner: Manner, options: &ReadOptions<'_>) -> Option<String> {
    let system = identifier.peek("system")?;
    if let Some(words) = issuer_in_words(identifier) {
        return Some(words.to_owned());
    }
    let local = match options.public_url {
        Some(public_url) => system == identifier_system(public_url, "patient"),
        None => manner == Manner::Stated,
    };
    (!local).then(|| issuer::from_system(system))
}

/// The words of the assigner, if the system is made from them; they are carried.
fn issuer_in_words<'a>(identifier: Element<'_, 'a>) -> Option<&'a str> {
    let assigner = identifier.child("assigner")?;
    let words = assigner.peek("display")?;
    if Some(issuer::to_system(words).as_str()) != identifier.peek("system") {
        return None;
    }
    assigner.carry();
    Some(words)
}
