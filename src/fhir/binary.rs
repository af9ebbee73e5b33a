//! Binary: content of any media type as a resource. R4 binary.html.
//!
//! The content stands in the resource as base64, like everything else that is stored: a version, a history, a Bundle
//! and an export hold it without knowing of it. What is here finds it in the stored text without reading the rest,
//! and decodes just the bytes that are asked for.

use std::borrow::Cow;
use std::ops::Range;

use base64::engine::general_purpose::{GeneralPurpose, PAD, STANDARD};
use base64::{Engine as _, alphabet};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Json, Object};

/// The elements of a Binary that say what it is. R4 binary.html.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary<'a> {
    /// `contentType`
    pub content_type: String,
    /// `securityContext`
    pub context: Context,
    /// `data`, as base64 without white space.
    pub data: Cow<'a, str>,
}

/// Whose rules of access hold for a Binary. R4 binary.html#security-context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Context {
    /// Its own alone.
    None,
    /// Those of what this refers to.
    Reference(String),
    /// It says that there is one, but not by a literal reference.
    Other,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Elements<'a> {
    content_type: Option<String>,
    #[serde(borrow)]
    security_context: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Literal {
    reference: Option<String>,
}

impl<'a> Binary<'a> {
    /// Finds the elements in the JSON text of a stored Binary; `None` if it is none.
    pub fn find(text: &'a [u8]) -> Option<Self> {
        let elements: Elements<'a> = serde_json::from_slice(text).ok()?;
        let data = match elements.data.map(RawValue::get) {
            None => Cow::Borrowed(""),
            Some(raw) => {
                let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
                if inner.bytes().all(is_plain) {
                    Cow::Borrowed(inner)
                } else {
                    let mut text: String = serde_json::from_str(raw).ok()?;
                    text.retain(|letter| !letter.is_ascii_whitespace());
                    Cow::Owned(text)
                }
            }
        };
        let context = match elements.security_context {
            None => Context::None,
            Some(raw) => match serde_json::from_str(raw.get()) {
                Ok(Literal { reference: Some(reference) }) => Context::Reference(reference),
                _ => Context::Other,
            },
        };
        Some(Self { content_type: elements.content_type.unwrap_or_default(), context, data })
    }
}

/// A Binary as a client would have written it in JSON.
pub fn resource(content_type: &str, context: Option<&str>, content: &[u8]) -> Json {
    let mut binary =
        Object::new().with("resourceType", Json::string("Binary")).with("contentType", Json::string(content_type));
    if let Some(context) = context {
        binary.set("securityContext", Object::new().with("reference", Json::string(context)).into());
    }
    // R4 json.html: a string is never empty.
    if !content.is_empty() {
        binary.set("data", Json::String(STANDARD.encode(content)));
    }
    binary.into()
}

/// How many bytes base64 without white space stands for.
pub fn decoded_len(data: &[u8]) -> u64 {
    let padding = data.iter().rev().take(2).filter(|byte| **byte == b'=').count();
    (data.len() as u64 / 4 * 3).saturating_sub(padding as u64)
}

/// The bytes of a range of what base64 without white space stands for; `None` if it is no base64 there.
pub fn decode(data: &[u8], range: Range<u64>) -> Option<Vec<u8>> {
    if range.is_empty() {
        return Some(Vec::new());
    }
    // Three bytes are four letters.
    let first = usize::try_from(range.start / 3).ok()?;
    let behind = usize::try_from(range.end.div_ceil(3)).ok()?;
    let letters = data.get(first.checked_mul(4)?..behind.checked_mul(4)?.min(data.len()))?;
    let bytes = LENIENT.decode(letters).ok()?;
    let skipped = usize::try_from(range.start % 3).ok()?;
    let length = usize::try_from(range.end - range.start).ok()?;
    bytes.get(skipped..skipped.checked_add(length)?).map(<[u8]>::to_vec)
}

/// Bits of the last letter that stand for nothing may be anything: not every encoder clears them.
const LENIENT: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PAD.with_decode_allow_trailing_bits(true));

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elements_are_found_wherever_they_stand() {
        let text = br#"{"resourceType":"Binary","data":"AQID","meta":{"tag":[{"code":"x"}]},
            "securityContext":{"reference":"Patient/1"},"contentType":"application/pdf"}"#;
        let found = Binary::find(text).expect("is one");
        assert_eq!(found.content_type, "application/pdf");
        assert_eq!(found.context, Context::Reference("Patient/1".into()));
        assert!(matches!(found.data, Cow::Borrowed("AQID")));
        assert_eq!(decode(found.data.as_bytes(), 1..3), Some(vec![2, 3]));
    }

    #[test]
    fn white_space_and_escapes_are_no_content() {
        let found = Binary::find(br#"{"contentType":"a/b","data":"AQ\nID\u0042\/A=="}"#).expect("is one");
        assert_eq!(found.data, "AQIDB/A==");
        let nothing = Binary::find(br#"{"contentType":"a/b"}"#).expect("is one");
        assert_eq!((decoded_len(nothing.data.as_bytes()), nothing.context), (0, Context::None));
        assert_eq!(Binary::find(b"[]"), None);
    }

    #[test]
    fn a_context_that_is_no_literal_reference_is_not_taken_for_none() {
        for context in [r#"{"identifier":{"value":"1"}}"#, "{}", "[]", "7"] {
            let text = format!(r#"{{"contentType":"a/b","securityContext":{context}}}"#);
            assert_eq!(Binary::find(text.as_bytes()).expect("is one").context, Context::Other, "{context}");
        }
    }

    #[test]
    fn bits_that_stand_for_nothing_may_be_anything() {
        assert_eq!(decode(b"AR==", 0..1), Some(vec![1]));
        assert_eq!((decode(b"A===", 0..1), decode(b"%%%%", 0..3)), (None, None));
    }

    #[test]
    fn content_without_bytes_has_no_data() {
        assert_eq!(resource("a/b", None, b"").to_text(), r#"{"resourceType":"Binary","contentType":"a/b"}"#);
    }

    proptest! {
        #[test]
        fn every_part_is_what_went_in(content: Vec<u8>, start in 0_usize..80, length in 0_usize..80) {
            let text = resource("a/b", Some("Patient/1"), &content).to_text();
            let found = Binary::find(text.as_bytes()).expect("is one");
            prop_assert_eq!(decoded_len(found.data.as_bytes()), content.len() as u64);
            let start = start.min(content.len());
            let end = (start + length).min(content.len());
            prop_assert_eq!(decode(found.data.as_bytes(), start as u64..end as u64), Some(content[start..end].to_vec()));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,60}", start in 0_u64..90, end in 0_u64..90) {
            let _ = (Binary::find(text.as_bytes()), decoded_len(text.as_bytes()), decode(text.as_bytes(), start..end));
        }
    }
}
