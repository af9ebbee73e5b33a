//! Data types of FHIR, from our own values. They are typed by fhir-sdk's R4B structs, which are the same
//! as R4 for everything that we write (R4B changed other resources).

use std::num::NonZeroU32;

use fhir_sdk::r4b::codes::IdentifierUse;
use fhir_sdk::r4b::types::{
    CodeableConcept, Coding, Extension, ExtensionValue, FieldExtension, Identifier, Meta, Reference,
};
use fhir_sdk::{BuilderError, Date as FhirDate, DateTime, Instant};

use crate::base::{Date, LogicalId, Timestamp};
use crate::fhir::definitions::{code_system, extension_url};
use crate::fhir::reference::Literal;
use crate::report::Concept;
use crate::report::fhir::terms::{FILLER, IDENTIFIER_TYPE, Term};

use super::WriteError;

type Built<T> = Result<T, BuilderError>;

pub(super) fn coding(system: &str, code: &str, display: Option<&str>) -> Built<Coding> {
    let coding = Coding::builder().system(system.to_owned()).code(code.to_owned());
    match display {
        Some(display) => coding.display(display.to_owned()).build(),
        None => coding.build(),
    }
}

pub(super) fn term(term: Term) -> Built<Coding> {
    coding(term.system, term.code, Some(term.display))
}

pub(super) fn concept_coding(concept: &Concept) -> Built<Coding> {
    coding(&concept.system, &concept.code, Some(&concept.display))
}

/// A concept with these codings, and in words if there are any.
pub(super) fn codeable(codings: Vec<Coding>, text: Option<&str>) -> Built<CodeableConcept> {
    let concept = CodeableConcept::builder().coding(some(codings));
    match text {
        Some(text) => concept.text(text.to_owned()).build(),
        None => concept.build(),
    }
}

pub(super) fn term_concept(of: Term) -> Built<CodeableConcept> {
    codeable(vec![term(of)?], None)
}

/// An identifier of a kind of HL7 v2 table 0203.
pub(super) fn identifier(kind: &str, name: &str, system: &str, value: &str) -> Built<Identifier> {
    Identifier::builder()
        .r#type(codeable(vec![coding(IDENTIFIER_TYPE, kind, Some(name))?], None)?)
        .system(system.to_owned())
        .value(value.to_owned())
        .build()
}

/// An identifier of a kind of our own: report, finding, measurement.
pub(super) fn own_identifier(kind: &str, system: &str, value: &str) -> Built<Identifier> {
    Identifier::builder()
        .r#use(IdentifierUse::Official)
        .r#type(codeable(vec![coding(&code_system("identifier-type"), kind, None)?, term(FILLER)?], None)?)
        .system(system.to_owned())
        .value(value.to_owned())
        .build()
}

/// An identifier without a kind.
pub(super) fn plain_identifier(system: &str, value: &str) -> Built<Identifier> {
    Identifier::builder().system(system.to_owned()).value(value.to_owned()).build()
}

/// A reference to a resource of the same server or bundle.
pub(super) fn reference(resource_type: &str, id: &LogicalId) -> Built<Reference> {
    Reference::builder().reference(Literal::new(resource_type, id.as_str()).to_string()).build()
}

/// One of our extensions with a value.
pub(super) fn extension(name: &str, value: ExtensionValue) -> Built<Extension> {
    Extension::builder().url(extension_url(name)).value(value).build()
}

/// One of our extensions with parts.
pub(super) fn compound(name: &str, parts: Vec<Extension>) -> Built<Extension> {
    Extension::builder().url(extension_url(name)).extension(parts).build()
}

/// A part of an extension.
pub(super) fn part(name: &str, value: ExtensionValue) -> Built<Extension> {
    Extension::builder().url(name.to_owned()).value(value).build()
}

/// A part that holds a text, if there is one.
pub(super) fn text_part(name: &str, text: Option<&str>) -> Built<Option<Extension>> {
    text.map(|text| part(name, ExtensionValue::String(text.to_owned()))).transpose()
}

/// A part that holds a code, if there is one.
pub(super) fn concept_part(name: &str, concept: Option<&Concept>) -> Built<Option<Extension>> {
    concept.map(|concept| part(name, ExtensionValue::Coding(concept_coding(concept)?))).transpose()
}

/// Extensions of a primitive value.
pub(super) fn field(extensions: Vec<Extension>) -> Built<FieldExtension> {
    FieldExtension::builder().extension(extensions).build()
}

/// `meta` with where the resource comes from and the profiles that it keeps.
pub(super) fn meta(source: &str, profiles: &[&str]) -> Built<Meta> {
    Meta::builder()
        .source(source.to_owned())
        .profile(profiles.iter().map(|profile| Some((*profile).to_owned())).collect())
        .build()
}

pub(super) fn date(date: &Date) -> Result<FhirDate, WriteError> {
    date.as_str().parse().map_err(|_unnamed| WriteError::Value("date"))
}

pub(super) fn date_time(date_only: &Date) -> Result<DateTime, WriteError> {
    date(date_only).map(DateTime::Date)
}

pub(super) fn instant(timestamp: Timestamp) -> Instant {
    Instant(timestamp.to_millis().to_utc())
}

pub(super) fn positive(number: u32) -> Result<ExtensionValue, WriteError> {
    NonZeroU32::new(number).map(ExtensionValue::PositiveInt).ok_or(WriteError::Value("frame"))
}

/// Repeating elements are optional one by one in fhir-sdk.
pub(super) fn some<T>(items: Vec<T>) -> Vec<Option<T>> {
    items.into_iter().map(Some).collect()
}
