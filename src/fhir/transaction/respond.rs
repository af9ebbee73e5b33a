//! The Bundle that answers a batch or a transaction. R4 http.html#transaction-response.

use crate::base::{Timestamp, VersionId};
use crate::fhir::{Json, Object};

use super::Kind;

/// What became of one entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The text of a resource, as it is kept.
    pub resource: Option<Vec<u8>>,
    /// HTTP status: code and phrase.
    pub status: String,
    /// Where the version is that was made.
    pub location: Option<String>,
    /// Its version.
    pub version: Option<VersionId>,
    /// Its instant.
    pub last_modified: Option<Timestamp>,
    /// An OperationOutcome.
    pub outcome: Option<Json>,
}

/// The text of the answer, the entries in the order of the request. Texts of resources are put in as they are.
pub fn respond(kind: Kind, answers: &[Answer]) -> Vec<u8> {
    let resources: usize = answers.iter().filter_map(|answer| answer.resource.as_ref()).map(Vec::len).sum();
    let mut out = Vec::with_capacity(resources + answers.len() * 256 + 128);
    let name = match kind {
        Kind::Batch => "batch-response",
        Kind::Transaction => "transaction-response",
    };
    out.extend_from_slice(br#"{"resourceType":"Bundle","type":""#);
    out.extend_from_slice(name.as_bytes());
    out.push(b'"');
    for (place, answer) in answers.iter().enumerate() {
        out.extend_from_slice(if place == 0 { br#","entry":[{"# } else { b",{" });
        if let Some(resource) = &answer.resource {
            out.extend_from_slice(br#""resource":"#);
            out.extend_from_slice(resource);
            out.push(b',');
        }
        out.extend_from_slice(br#""response":"#);
        out.extend_from_slice(response(answer).to_text().as_bytes());
        out.push(b'}');
    }
    out.extend_from_slice(if answers.is_empty() { b"}" } else { b"]}" });
    out
}

/// A resource that a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Where it is.
    pub full_url: String,
    /// Its text, as it is kept.
    pub resource: Vec<u8>,
}

/// The text of a Bundle of all that a search found. R4 search.html#2.21.1.1; `link` is what was searched for.
pub fn search_set(link: &str, matches: &[Match]) -> Vec<u8> {
    let resources: usize = matches.iter().map(|found| found.resource.len()).sum();
    let mut out = Vec::with_capacity(resources + matches.len() * 256 + 256);
    let link = Object::new().with("relation", Json::string("self")).with("url", Json::string(link));
    let head = Object::new()
        .with("resourceType", Json::string("Bundle"))
        .with("type", Json::string("searchset"))
        .with("total", Json::Number(matches.len().to_string().into()))
        .with_items("link", vec![link.into()]);
    let head = Json::from(head).to_text();
    out.extend_from_slice(head.strip_suffix('}').unwrap_or(&head).as_bytes());
    for (place, found) in matches.iter().enumerate() {
        out.extend_from_slice(if place == 0 { br#","entry":[{"fullUrl":"# } else { br#",{"fullUrl":"# });
        out.extend_from_slice(Json::string(found.full_url.as_str()).to_text().as_bytes());
        out.extend_from_slice(br#","resource":"#);
        out.extend_from_slice(&found.resource);
        out.extend_from_slice(br#","search":{"mode":"match"}}"#);
    }
    out.extend_from_slice(if matches.is_empty() { b"}" } else { b"]}" });
    out
}

fn response(answer: &Answer) -> Json {
    let object = Object::new()
        .with("status", Json::string(answer.status.as_str()))
        .with_text("location", answer.location.as_deref())
        .with_text("etag", answer.version.map(|version| format!("W/\"{version}\"")))
        .with_text("lastModified", answer.last_modified.map(Timestamp::to_fhir));
    match &answer.outcome {
        Some(outcome) => object.with("outcome", outcome.clone()).into(),
        None => object.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::JsonLimits;
    use crate::fhir::structure::{Limits, check};

    #[test]
    fn an_answer_is_a_bundle_with_an_entry_for_each() {
        let made = Answer {
            resource: Some(br#"{"resourceType":"Patient","id":"1"}"#.to_vec()),
            status: "201 Created".to_owned(),
            location: Some("https://a.example/Patient/1/_history/1".to_owned()),
            version: Some(VersionId(1)),
            last_modified: Some(Timestamp(0)),
            outcome: None,
        };
        let failed = Answer {
            status: "404 Not Found".to_owned(),
            outcome: Some(crate::fhir::outcome::error("not-found", "nothing")),
            ..Answer::default()
        };
        let text = respond(Kind::Batch, &[made, failed]);
        assert_eq!(
            String::from_utf8_lossy(&text),
            concat!(
                r#"{"resourceType":"Bundle","type":"batch-response","entry":["#,
                r#"{"resource":{"resourceType":"Patient","id":"1"},"#,
                r#""response":{"status":"201 Created","location":"https://a.example/Patient/1/_history/1","#,
                r#""etag":"W/\"1\"","lastModified":"1970-01-01T00:00:00.000Z"}},"#,
                r#"{"response":{"status":"404 Not Found","outcome":{"resourceType":"OperationOutcome","issue":["#,
                r#"{"severity":"error","code":"not-found","diagnostics":"nothing"}]}}}]}"#
            )
        );
        let bundle = Json::parse(&text, &JsonLimits::default()).expect("valid");
        assert_eq!(check(&bundle, &Limits::default()), []);
        assert_eq!(respond(Kind::Transaction, &[]), br#"{"resourceType":"Bundle","type":"transaction-response"}"#);
    }
}
