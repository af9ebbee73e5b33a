//! Coded concepts and units.

use url::Url;
use uuid::Uuid;

use crate::base::{ProblemCode, Uid};
use crate::fhir::Json;
use crate::report::Concept;

use super::path::Path;
use super::reader::{Reader, dicom_line};
use super::text;

/// A concept, `{system, code, display}`.
pub(super) fn concept(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<Concept> {
    let members = reader.object(json, path, &["system", "code", "display"])?;
    let system = members.required(reader, "system", system);
    let code = members.required(reader, "code", code);
    let display = members.required(reader, "display", dicom_line(DISPLAY_LENGTH));
    Some(Concept { system: system?, code: code?, display: display? })
}

/// A UCUM unit, case-sensitive. Nothing of it is normalised: `Mm` is not `mm`.
pub(super) fn unit(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<String> {
    let unit = reader.string(json, path)?;
    if unit.len() > UNIT_LENGTH {
        reader.problem(path, ProblemCode::TooLong, format!("must not be longer than {UNIT_LENGTH} characters"));
        return None;
    }
    // UCUM §3: the terminal symbols are the printable characters of ASCII without the space.
    let valid = unit.bytes().all(|byte| byte.is_ascii_graphic()) && ucum::validate(unit).is_ok();
    if !valid {
        reader.problem(
            path,
            ProblemCode::Value,
            "must be a UCUM unit in its case-sensitive form; 1 where there is none",
        );
        return None;
    }
    Some(unit.to_owned())
}

fn system(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<String> {
    let text = reader.string(json, path)?;
    if text.len() > SYSTEM_LENGTH {
        reader.problem(path, ProblemCode::TooLong, format!("must not be longer than {SYSTEM_LENGTH} characters"));
        return None;
    }
    if !is_absolute_uri(text) {
        reader.problem(path, ProblemCode::Value, "must be an absolute URI");
        return None;
    }
    Some(text.to_owned())
}

/// A code, R4 datatypes.html#code: no white space at its ends, single spaces within.
fn code(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<String> {
    let given = reader.string(json, path)?;
    let code = reader.text(json, path, |text| text::dicom_line(text, CODE_LENGTH))?;
    let spaced = given.trim() != given || code.contains("  ");
    if spaced || code.chars().any(|letter| letter != ' ' && letter.is_whitespace()) {
        let rule = "must have no white space at its ends and only single spaces within";
        reader.problem(path, ProblemCode::Value, rule);
        return None;
    }
    Some(code)
}

/// Whether a text is a URI with a scheme (RFC 3986 §4.3), and a sound one where it is a `urn:oid:` or a
/// `urn:uuid:` (R4 datatypes.html#uri).
fn is_absolute_uri(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
    let sound = match text.split_once(':') {
        Some(("urn", rest)) => match rest.split_once(':') {
            Some(("oid", oid)) => Uid::parse(oid).is_ok(),
            Some(("uuid", uuid)) => Uuid::try_parse(uuid).is_ok_and(|parsed| parsed.hyphenated().to_string() == uuid),
            Some((_, rest)) => !rest.is_empty(),
            None => false,
        },
        Some((_, rest)) => !rest.is_empty(),
        None => false,
    };
    plain && sound && Url::parse(text).is_ok()
}

/// Code Meaning is LO. PS3.3 §8.3.
const DISPLAY_LENGTH: usize = 64;
const CODE_LENGTH: usize = 64;
const SYSTEM_LENGTH: usize = 255;
const UNIT_LENGTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_absolute_uris() {
        for good in [
            "http://loinc.org",
            "urn:oid:1.2.276.0.76.3.1.999",
            "urn:ietf:bcp:47",
            "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
            "https://example.org/codes?x=1#y",
        ] {
            assert!(is_absolute_uri(good), "{good}");
        }
        for bad in [
            "",
            "loinc",
            "/codes",
            "http://",
            "http://a b",
            "urn:oid:1.02",
            "urn:oid:",
            "urn:uuid:C757873D-EC9A-4326-A141-556F43239520",
            "urn:",
            "urn:x",
            ":x",
            "http://example.org/ä",
        ] {
            assert!(!is_absolute_uri(bad), "{bad}");
        }
    }
}
