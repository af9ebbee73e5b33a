//! A transaction-response or batch-response (R4 bundle.html#transaction-response), entry by entry, and
//! the codes of an OperationOutcome.

use std::fmt;

use crate::fhir::Json;
use crate::remote::egress::HttpError;

/// What a server did with a bundle.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PushOutcome {
    /// One for each entry of the bundle, in its order.
    pub entries: Vec<EntryOutcome>,
}

/// What a server did with one entry.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EntryOutcome {
    /// HTTP status code of the entry.
    pub status: u16,
    /// Where the resource is now, `Patient/12/_history/1`; relative or absolute, as the server wrote it.
    pub location: Option<String>,
    /// `etag` of the version.
    pub etag: Option<String>,
    /// What the entry's outcome says in codes.
    pub issues: Vec<Issue>,
}

/// An issue of an OperationOutcome without its texts.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Issue {
    /// `fatal`, `error`, `warning`, `information`.
    pub severity: String,
    /// Code of R4 valueset-issue-type.html.
    pub code: String,
    /// First `expression`, if it is a plain path.
    pub expression: Option<String>,
}

impl PushOutcome {
    /// Reads the answer to a bundle with `expected` entries.
    pub(super) fn read(document: &Json, expected: usize) -> Result<Self, HttpError> {
        let is_response = document.text_at(&["resourceType"]) == Some("Bundle")
            && matches!(document.text_at(&["type"]), Some("transaction-response" | "batch-response"));
        if !is_response {
            return Err(HttpError::Unreadable("no transaction-response"));
        }
        let entries: Option<Vec<_>> = document.items("entry").iter().map(EntryOutcome::read).collect();
        match entries {
            Some(entries) if entries.len() == expected => Ok(Self { entries }),
            Some(_) => Err(HttpError::Unreadable("another number of entries than were sent")),
            None => Err(HttpError::Unreadable("an entry without status")),
        }
    }

    /// Whether the server took every entry.
    pub fn is_complete(&self) -> bool {
        self.entries.iter().all(EntryOutcome::is_taken)
    }
}

impl EntryOutcome {
    fn read(entry: &Json) -> Option<Self> {
        let response = entry.get("response")?;
        // `201 Created` and `201` are both in use.
        let status = response.text_at(&["status"])?.split_whitespace().next()?.parse().ok()?;
        let text = |key| response.text_at(&[key]).map(|text| text.chars().take(MAX_CHARS).collect());
        let issues = response.get("outcome").map(issues).unwrap_or_default();
        Some(Self { status, location: text("location"), etag: text("etag"), issues })
    }

    /// Whether the server took the entry, or has it already (304).
    pub fn is_taken(&self) -> bool {
        matches!(self.status, 200..=299 | 304)
    }
}

/// The issues of an OperationOutcome; none if it is something else.
pub(super) fn issues(outcome: &Json) -> Vec<Issue> {
    let issue = |issue: &Json| {
        let code = |key| {
            let plain = |text: &&str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            issue.text_at(&[key]).filter(plain).unwrap_or("unknown").chars().take(MAX_CHARS).collect()
        };
        let expression = issue.text_at(&["expression", "0"]).or_else(|| issue.text_at(&["location", "0"]));
        let expression = expression.filter(|text| is_plain_path(text)).map(str::to_owned);
        Issue { severity: code("severity"), code: code("code"), expression }
    };
    outcome.items("issue").iter().take(MAX_ISSUES).map(issue).collect()
}

/// `Bundle.entry[3].resource.subject`: nothing in it can be a value of the patient's.
fn is_plain_path(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'[' | b']' | b'_' | b'/');
    !text.is_empty() && text.len() <= MAX_CHARS && text.bytes().all(plain)
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.severity, self.code)?;
        self.expression.as_ref().map_or(Ok(()), |expression| write!(f, " at {expression}"))
    }
}

/// Greatest number of issues that are kept.
const MAX_ISSUES: usize = 20;
/// Greatest number of characters of a text that is kept.
const MAX_CHARS: usize = 200;
