//! Person names: an object with parts, or a DICOM PN text. PS3.5 §6.2.1.

use crate::base::ProblemCode;
use crate::fhir::Json;
use crate::report::PersonName;

use super::path::Path;
use super::reader::{Members, Reader};
use super::text::{self, Flaw};

/// A name. A PN text is split, and its parts are held to the same rules.
pub(super) fn person_name(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<PersonName> {
    let Some(pn) = json.as_str() else { return parts(reader, json, path) };
    // Three groups of 64 characters, which decomposed may be four times as long.
    if let Err(flaw) = text::dicom_line(pn, 4 * 3 * GROUP_LENGTH) {
        reader.problem(path, flaw.code(), flaw.detail());
        return None;
    }
    let Some(name) = PersonName::from_pn(pn) else {
        let rule = "must have no more than three groups of five components each";
        reader.problem(path, ProblemCode::Value, rule);
        return None;
    };
    parts(reader, &name.to_json(), path)
}

fn parts(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<PersonName> {
    if !matches!(json, Json::Object(_)) {
        reader.wrong_type(json, path, "an object with the parts of a name, or a DICOM PN text");
        return None;
    }
    let known = ["family", "given", "prefix", "suffix", "ideographic", "phonetic"];
    let members = reader.object(json, path, &known)?;
    let family = members.required(reader, "family", component);
    let given = members.optional(reader, "given", given);
    let prefix = members.optional(reader, "prefix", component);
    let suffix = members.optional(reader, "suffix", component);
    let ideographic = members.optional(reader, "ideographic", group);
    let phonetic = members.optional(reader, "phonetic", group);
    let name = PersonName { family: family?, given: given.unwrap_or_default(), prefix, suffix, ideographic, phonetic };
    within_a_group(reader, &members, &name);
    Some(name)
}

/// The alphabetic group as a whole; each part alone was looked at before.
fn within_a_group(reader: &mut Reader<'_>, members: &Members<'_, '_>, name: &PersonName) {
    if name.alphabetic().chars().count() > GROUP_LENGTH {
        let rule = format!("must not be longer than {GROUP_LENGTH} characters with all its parts");
        reader.problem(members.path, ProblemCode::TooLong, rule);
    }
}

/// Given names. The first may be empty where others follow (`Doe^^Middle`); the others are split at white
/// space, because PN keeps them as one component.
fn given(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<Vec<String>> {
    let count = json.as_array().map_or(0, <[Json]>::len);
    let mut position = 0;
    let texts = reader.items(json, path, GROUP_LENGTH, |reader, item, path| {
        position += 1;
        if position == 1 && count > 1 && item.as_str() == Some("") {
            return Some(String::new());
        }
        component(reader, item, path)
    });
    let mut names = texts?.into_iter();
    let first = names.next()?;
    let rest = names.flat_map(|name| name.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    Some(std::iter::once(first).chain(rest).collect())
}

fn component(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<String> {
    let text = reader.text(json, path, component_text)?;
    if text.contains(['^', '=']) {
        reader.problem(path, ProblemCode::Value, "must not hold ^ or =, which separate the parts of a DICOM name");
        return None;
    }
    Some(text)
}

/// A component group as PN text: at most five components.
fn group(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<String> {
    let text = reader.string(json, path)?;
    if text.contains('=') {
        reader.problem(path, ProblemCode::Value, "must not hold =, which separates the groups of a DICOM name");
        return None;
    }
    if text.split('^').count() > 5 {
        reader.problem(path, ProblemCode::Value, "must have no more than five components");
        return None;
    }
    reader.text(json, path, |text| {
        let components: Result<Vec<String>, Flaw> = text
            .split('^')
            .map(|component| match component_text(component) {
                Err(Flaw::Empty) => Ok(String::new()),
                other => other,
            })
            .collect();
        let group = components?.join("^");
        text::dicom_line(group.trim_end_matches('^'), GROUP_LENGTH)
    })
}

fn component_text(text: &str) -> Result<String, Flaw> {
    text::dicom_line(text, GROUP_LENGTH)
}

/// Characters in a component group. PS3.5 §6.2.
const GROUP_LENGTH: usize = 64;
