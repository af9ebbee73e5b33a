//! Practitioner, and references to practitioners with what the report says of them.

use fhir_sdk::r4b::types::{ExtensionValue, Identifier, Reference};

use crate::base::LogicalId;
use crate::fhir::Json;
use crate::report::PersonName;
use crate::report::fhir::terms::{AUTHOR, REFERRER, Term, VERIFIER};

use super::body::Body;
use super::claims::{PRACTITIONER, claimed, practitioner};
use super::name::human_names;
use super::types::{compound, part, plain_identifier, reference, term, text_part};
use super::{Context, WriteError};

/// A person that a report refers to.
struct Person<'a> {
    id: &'a LogicalId,
    function: Term,
    /// System and value.
    identifier: (String, String),
    name: &'a PersonName,
    role: Option<&'a str>,
    organization: Option<&'a str>,
}

/// The Practitioners, each id once.
pub(super) fn write_all(context: &Context<'_>) -> Result<Vec<Json>, WriteError> {
    let people = [Some(author(context)), verifier(context), referrer(context)];
    let mut written: Vec<&LogicalId> = Vec::new();
    let mut resources = Vec::new();
    for person in people.into_iter().flatten() {
        if !written.contains(&person.id) {
            resources.push(write(context, &person)?);
            written.push(person.id);
        }
    }
    Ok(resources)
}

/// The author with what the report says of them.
pub(super) fn stated_author(context: &Context<'_>) -> Result<Reference, WriteError> {
    stated(&author(context))
}

/// The verifier with what the report says of them.
pub(super) fn stated_verifier(context: &Context<'_>) -> Result<Option<Reference>, WriteError> {
    verifier(context).map(|person| stated(&person)).transpose()
}

/// The referring physician with what the report says of them.
pub(super) fn stated_referrer(context: &Context<'_>) -> Result<Option<Reference>, WriteError> {
    referrer(context).map(|person| stated(&person)).transpose()
}

/// The author alone.
pub(super) fn author_reference(context: &Context<'_>) -> Result<Reference, WriteError> {
    plain(&author(context))
}

/// The verifier alone.
pub(super) fn verifier_reference(context: &Context<'_>) -> Result<Option<Reference>, WriteError> {
    verifier(context).map(|person| plain(&person)).transpose()
}

/// The referring physician alone.
pub(super) fn referrer_reference(context: &Context<'_>) -> Result<Option<Reference>, WriteError> {
    referrer(context).map(|person| plain(&person)).transpose()
}

fn author<'a>(context: &'a Context<'_>) -> Person<'a> {
    let author = &context.rendering.report.author;
    Person {
        id: &context.ids.author,
        function: AUTHOR,
        identifier: (context.system("practitioner"), author.id.clone()),
        name: &author.name,
        role: Some(&author.role),
        organization: None,
    }
}

fn verifier<'a>(context: &'a Context<'_>) -> Option<Person<'a>> {
    let verifier = context.rendering.report.verifier.as_ref()?;
    Some(Person {
        id: &context.ids.verifier,
        function: VERIFIER,
        identifier: (context.system("practitioner"), verifier.id.clone()),
        name: &verifier.name,
        role: None,
        organization: verifier.organization.as_deref(),
    })
}

/// DICOM gives the referring physician no id: the person is the one whom this study names.
fn referrer<'a>(context: &'a Context<'_>) -> Option<Person<'a>> {
    let study = &context.rendering.report.study;
    Some(Person {
        id: &context.ids.referring_physician,
        function: REFERRER,
        identifier: (context.system("referring-physician"), study.study_instance_uid.to_string()),
        name: study.referring_physician.as_ref()?,
        role: None,
        organization: None,
    })
}

fn write(context: &Context<'_>, person: &Person<'_>) -> Result<Json, WriteError> {
    let profiles = claimed(PRACTITIONER, practitioner(person.name));
    let body = Body::new("Practitioner", person.id, &context.source(), &profiles)?
        .with_all("identifier", &[identifier(person)?])?
        .with_all("name", &human_names(person.name)?)?;
    Ok(body.finish())
}

fn identifier(person: &Person<'_>) -> Result<Identifier, WriteError> {
    let (system, value) = &person.identifier;
    Ok(plain_identifier(system, value)?)
}

fn plain(person: &Person<'_>) -> Result<Reference, WriteError> {
    let mut reference = reference("Practitioner", person.id)?;
    reference.display = Some(person.name.to_display()).filter(|display| !display.is_empty());
    Ok(reference)
}

fn stated(person: &Person<'_>) -> Result<Reference, WriteError> {
    let mut parts = vec![part("function", ExtensionValue::Coding(term(person.function)?))?];
    for name in human_names(person.name)? {
        parts.push(part("name", ExtensionValue::HumanName(name))?);
    }
    parts.extend(text_part("role", person.role)?);
    parts.extend(text_part("organization", person.organization)?);
    let mut reference = plain(person)?;
    reference.identifier = Some(identifier(person)?);
    reference.extension = vec![compound("reported-person", parts)?];
    Ok(reference)
}
