//! Values of data sets in the DICOM JSON model (PS3.18 §F.2).

use crate::fhir::{Json, JsonLimits};

use super::super::egress::HttpError;

/// The data sets of an answer: an array of them, a single one, or nothing at all (204).
pub(super) fn data_sets(body: &[u8]) -> Result<Vec<Json>, HttpError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Vec::new());
    }
    let unreadable = HttpError::Unreadable("no DICOM JSON");
    match Json::parse(body, &JsonLimits::default()) {
        Ok(Json::Array(data_sets)) if data_sets.iter().all(|item| item.as_object().is_some()) => Ok(data_sets),
        Ok(data_set @ Json::Object(_)) => Ok(vec![data_set]),
        _ => Err(unreadable),
    }
}

/// The first value of the element `tag` (eight upper-case hexadecimal digits) as text. A PN gives its
/// component groups with `=` between them (PS3.5 §6.2.1).
pub(super) fn text(data_set: &Json, tag: &str) -> Option<String> {
    match data_set.get(tag)?.items("Value").first()? {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        name @ Json::Object(_) => {
            let group = |key| name.get(key).and_then(Json::as_str).unwrap_or_default();
            let groups = [group("Alphabetic"), group("Ideographic"), group("Phonetic")].join("=");
            Some(groups.trim_end_matches('=').to_owned())
        }
        _ => None,
    }
}

/// The items of the sequence `tag`.
pub(super) fn items<'a>(data_set: &'a Json, tag: &str) -> &'a [Json] {
    data_set.get(tag).map(|element| element.items("Value")).unwrap_or_default()
}

/// The first value of the element `tag` as an unsigned short.
pub(super) fn unsigned(data_set: &Json, tag: &str) -> Option<u16> {
    text(data_set, tag)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_each_kind_are_read() {
        let body = br#"[{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Yamada^Tarou","Ideographic":"\u5c71\u7530^\u592a\u90ce"}]},
            "00200013":{"vr":"IS","Value":[7]},"00080018":{"vr":"UI","Value":["1.2"]},"00100020":{"vr":"LO"},
            "00081197":{"vr":"US","Value":["272"]}}]"#;
        let data_sets = data_sets(body).expect("reads");
        let data_set = &data_sets[0];
        assert_eq!(text(data_set, "00100010").as_deref(), Some("Yamada^Tarou=山田^太郎"));
        assert_eq!(text(data_set, "00200013").as_deref(), Some("7"));
        assert_eq!(text(data_set, "00100020"), None);
        assert_eq!(unsigned(data_set, "00081197"), Some(272));
    }

    #[test]
    fn nothing_is_no_data_set_and_other_things_are_errors() {
        assert_eq!(data_sets(b" \n").expect("reads"), Vec::new());
        assert_eq!(data_sets(b"{}").expect("reads").len(), 1);
        for bad in [b"[1]".as_slice(), b"<xml/>", b"\"x\""] {
            assert!(data_sets(bad).is_err());
        }
    }
}
