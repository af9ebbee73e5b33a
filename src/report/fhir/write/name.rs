//! Person names: the groups of DICOM PN as one HumanName each. spec: PS3.5 §6.2.1.2,
//! R4 extension-iso21090-en-representation.html.

use fhir_sdk::r4b::codes::NameUse;
use fhir_sdk::r4b::types::{Extension, ExtensionValue, FieldExtension, HumanName};

use crate::report::PersonName;

use super::WriteError;
use super::types::field;

/// The name as FHIR has it: the alphabetic form, then the ideographic and the phonetic one. A name without
/// any part gives none.
pub(super) fn human_names(name: &PersonName) -> Result<Vec<HumanName>, WriteError> {
    let mut names = Vec::new();
    let several = name.ideographic.is_some() || name.phonetic.is_some();
    if !name.alphabetic().is_empty() || name.prefix.is_some() || name.suffix.is_some() || !name.given.is_empty() {
        let components = Components {
            family: &name.family,
            given: name.given.iter().map(String::as_str).collect(),
            prefix: name.prefix.as_deref().unwrap_or_default(),
            suffix: name.suffix.as_deref().unwrap_or_default(),
        };
        let display = name.to_display();
        names.push(components.human_name(several.then_some("ABC"), &display)?);
    }
    for (group, representation) in [(&name.ideographic, "IDE"), (&name.phonetic, "SYL")] {
        if let Some(group) = group {
            names.push(group_name(group, representation)?);
        }
    }
    Ok(names)
}

/// Whether each HumanName has a family name. US Core Practitioner.
pub(super) fn all_have_family(name: &PersonName) -> bool {
    let groups = [&name.ideographic, &name.phonetic];
    !name.family.is_empty()
        && groups.into_iter().flatten().all(|group| Components::of(group).is_some_and(|parts| !parts.family.is_empty()))
}

/// Whether each HumanName has a family name or a given one. US Core Patient, us-core-6.
pub(super) fn all_have_family_or_given(name: &PersonName) -> bool {
    let groups = [&name.ideographic, &name.phonetic];
    (!name.family.is_empty() || name.given.iter().any(|given| !given.is_empty()))
        && groups.into_iter().flatten().all(|group| {
            Components::of(group)
                .is_some_and(|parts| !parts.family.is_empty() || parts.given.iter().any(|given| !given.is_empty()))
        })
}

/// A group that is not written as its components would be keeps its text instead.
fn group_name(group: &str, representation: &str) -> Result<HumanName, WriteError> {
    match Components::of(group) {
        Some(components) => components.human_name(Some(representation), ""),
        None => Ok(HumanName::builder()
            .extension(vec![en_representation(representation)?])
            .text(group.to_owned())
            .build()?),
    }
}

/// What a name is made of; empty texts where there is nothing.
struct Components<'a> {
    family: &'a str,
    given: Vec<&'a str>,
    prefix: &'a str,
    suffix: &'a str,
}

impl<'a> Components<'a> {
    /// The components of a PN group, if joining them gives the group again.
    fn of(group: &'a str) -> Option<Self> {
        let mut parts = group.split('^');
        let mut next = || parts.next().unwrap_or_default();
        let (family, given, middle, prefix, suffix) = (next(), next(), next(), next(), next());
        let given = match (given, middle) {
            ("", "") => Vec::new(),
            (given, "") => vec![given],
            (given, middle) => vec![given, middle],
        };
        let components = Self { family, given, prefix, suffix };
        (!group.is_empty() && components.to_group() == group).then_some(components)
    }

    fn to_group(&self) -> String {
        let given = |index: usize| self.given.get(index).copied().unwrap_or_default();
        [self.family, given(0), given(1), self.prefix, self.suffix].join("^").trim_end_matches('^').to_owned()
    }

    fn human_name(&self, representation: Option<&str>, text: &str) -> Result<HumanName, WriteError> {
        let mut name = HumanName::builder().r#use(NameUse::Official);
        if let Some(representation) = representation {
            name = name.extension(vec![en_representation(representation)?]);
        }
        if !text.is_empty() {
            name = name.text(text.to_owned());
        }
        if !self.family.is_empty() {
            name = name.family(self.family.to_owned());
        }
        if !self.prefix.is_empty() {
            name = name.prefix(vec![Some(self.prefix.to_owned())]);
        }
        if !self.suffix.is_empty() {
            name = name.suffix(vec![Some(self.suffix.to_owned())]);
        }
        // A middle name without a first one says what it is: FHIR has no empty strings, and its JSON
        // schema no gaps in lists.
        let given = match self.given.split_first() {
            Some((&"", middle)) => {
                name =
                    name.given_ext(middle.iter().map(|_| Ok(Some(middle_name()?))).collect::<Result<_, WriteError>>()?);
                middle
            }
            _ => self.given.as_slice(),
        };
        Ok(name.given(given.iter().map(|given| Some((*given).to_owned())).collect()).build()?)
    }
}

/// R4 extension-iso21090-en-qualifier.html.
fn middle_name() -> Result<FieldExtension, WriteError> {
    let qualifier = Extension::builder()
        .url("http://hl7.org/fhir/StructureDefinition/iso21090-EN-qualifier".to_owned())
        .value(ExtensionValue::Code("MID".to_owned()))
        .build()?;
    Ok(field(vec![qualifier])?)
}

fn en_representation(code: &str) -> Result<Extension, WriteError> {
    Ok(Extension::builder()
        .url("http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation".to_owned())
        .value(ExtensionValue::Code(code.to_owned()))
        .build()?)
}
