//! What a stored resource refers to, seen in its text without reading it as JSON. R4 references.html.

use super::reference::{Literal, Target};

/// The literal references in the JSON text of a resource, as we write it, to resources of the server whose base URL
/// is `base`; in their order, repeated as they are. A quotation mark within a text has a backslash before it, so that
/// no text is taken for a member. What stands with escapes is no reference to a resource of ours.
pub fn mentions<'a>(text: &'a str, base: &'a str) -> impl Iterator<Item = Literal<'a>> {
    text.match_indices(MEMBER).filter_map(move |(at, member)| {
        let (reference, _) = text.get(at + member.len()..)?.split_once('"')?;
        match Target::parse(reference) {
            Target::Relative(literal) => Some(literal),
            Target::Absolute(of, literal) if of == base => Some(literal),
            _ => None,
        }
    })
}

const MEMBER: &str = r#""reference":""#;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fhir::{Json, JsonLimits};

    fn found(json: &str, base: &str) -> Vec<String> {
        let text = Json::parse(json.as_bytes(), &JsonLimits::default()).expect("is JSON").to_text();
        mentions(&text, base).map(|literal| literal.to_string()).collect()
    }

    #[test]
    fn references_are_seen_wherever_they_stand() {
        let json = r##"{"subject" : {"reference": "Patient/1"}, "performer": [{"reference": "Practitioner/2/_history/3"},
            {"reference": "http://here/fhir/Organization/4"}, {"reference": "http://there/fhir/Organization/5"},
            {"reference": "#c"}, {"reference": "urn:uuid:6"}, {"reference": "Nothing/7"}, {"display": "Location/8"}],
            "contained": [{"resourceType": "Basic", "subject": {"reference": "Location/9"}}]}"##;
        assert_eq!(
            found(json, "http://here/fhir"),
            ["Patient/1", "Practitioner/2/_history/3", "Organization/4", "Location/9"]
        );
    }

    #[test]
    fn a_text_that_looks_like_a_reference_is_none() {
        assert_eq!(found(r#"{"text": "\"reference\":\"Patient/1\""}"#, ""), [""; 0]);
        assert_eq!(found(r#"{"text": "x\\\",\"reference\":\"Patient/1\""}"#, ""), [""; 0]);
    }

    proptest! {
        #[test]
        fn any_text_is_looked_through_without_panic(text in "(\"reference\":\"|[A-Z/a-z1\"\\\\é]{0,9}){0,9}") {
            let _ = mentions(&text, "http://here").count();
        }
    }
}
