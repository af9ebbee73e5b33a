//! A FHIR R4 server as client. Resources are read, searched for page by page, made and updated, by id or by criteria;
//! such a call waits and is made again where that may help and does no harm. A transaction is pushed
//! (R4 http.html#transaction), and the answer is read entry by entry. What the server says in words is not kept: it
//! may repeat patient data.

mod instance;
mod response;
mod retry;
mod search;

pub use instance::{Addressed, Kept};
pub use response::{EntryOutcome, Issue, PushOutcome};
pub use retry::Patience;
pub use search::Pages;

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderValue;

use crate::base::{Clock, Retry};
use crate::fhir::{Json, JsonLimits};

use super::egress::{HttpError, retry_of};
use super::http::{Answer, HttpPeer, Outgoing};
use super::peer::{PeerKind, PeerSettings};

/// A FHIR server. Made once and shared.
pub struct FhirPeer {
    http: HttpPeer,
    patience: Patience,
}

/// What a FHIR server says of itself. R4 capabilitystatement.html.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FhirServer {
    /// `fhirVersion`, as `4.0.1`.
    pub fhir_version: String,
    /// `software.name` and `software.version`.
    pub software: Option<String>,
    /// Whether it lists the interaction `transaction`.
    pub takes_transactions: bool,
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum FhirError {
    /// No usable answer at all.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The call cannot be made: this part of it is missing, or cannot be sent.
    #[error("{0} is missing or cannot be sent")]
    NotSendable(&'static str),
    /// The document to push is not a Bundle of type transaction or batch.
    #[error("document is not a transaction or batch bundle")]
    NotABundle,
    /// The server refused the call, a bundle as a whole; nothing was stored.
    #[error("server answered {status}{}", issues.first().map(|issue| format!(" ({issue})")).unwrap_or_default())]
    Refused {
        /// HTTP status code.
        status: u16,
        /// What the OperationOutcome said in codes.
        issues: Vec<Issue>,
        /// What Retry-After said.
        retry_after: Option<Duration>,
    },
}

impl FhirError {
    /// Whether the same call may succeed later. A conflict (409) is between two writers, so it may;
    /// a failed precondition (412) is in the data, so it may not.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Http(error) => error.retry(),
            Self::NotABundle | Self::NotSendable(_) => Retry::Never,
            Self::Refused { status: 409, retry_after, .. } => retry_after.map_or(Retry::Backoff, Retry::After),
            Self::Refused { status, retry_after, .. } => retry_of(*status, *retry_after),
        }
    }
}

impl FhirError {
    /// Whether the server surely did nothing: it was not reached, or it said that it had too much to do.
    fn is_undone(&self) -> bool {
        matches!(self, Self::Http(HttpError::Connect(_)) | Self::Refused { status: 429 | 503, .. })
    }
}

/// The error that an answer is.
fn refusal(answer: &Answer) -> FhirError {
    let document = Json::parse(&answer.body, &JsonLimits::default()).ok();
    let issues = document.as_ref().map(response::issues).unwrap_or_default();
    FhirError::Refused { status: answer.status, issues, retry_after: answer.retry_after }
}

impl FhirPeer {
    /// For these settings.
    pub async fn new(settings: &PeerSettings, clock: Arc<dyn Clock>) -> Result<Self, HttpError> {
        let http = HttpPeer::new(settings, PeerKind::Fhir, clock).await?;
        Ok(Self { http, patience: Patience::default() })
    }

    /// This peer with more patience, or with less. Bundles that are pushed are sent once: they are pushed by jobs.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Posts a Bundle of type transaction (all or nothing) or batch to the base of the server.
    pub async fn push(&self, bundle: &Json) -> Result<PushOutcome, FhirError> {
        let is_bundle = bundle.text_at(&["resourceType"]) == Some("Bundle")
            && matches!(bundle.text_at(&["type"]), Some("transaction" | "batch"));
        if !is_bundle {
            return Err(FhirError::NotABundle);
        }
        let content_type = HeaderValue::from_static("application/fhir+json; charset=utf-8");
        let body = vec![bundle.to_text().into()];
        let request = Outgoing::post(self.http.url(&[]), content_type, FHIR_JSON, body, MAX_ANSWER_BYTES);
        let answer = self.http.send(&request).await?;
        if !answer.is_success() {
            return Err(refusal(&answer));
        }
        let document = Json::parse(&answer.body, &JsonLimits::default()).ok();
        let document = document.ok_or(HttpError::Unreadable("no JSON in answer to a bundle"))?;
        Ok(PushOutcome::read(&document, bundle.items("entry").len())?)
    }

    /// `GET metadata`.
    pub async fn metadata(&self) -> Result<FhirServer, HttpError> {
        let request = Outgoing::get(self.http.url(&["metadata"]), FHIR_JSON, MAX_ANSWER_BYTES);
        let answer = self.http.send(&request).await?.into_success()?;
        let statement = Json::parse(&answer.body, &JsonLimits::default()).ok();
        let statement = statement
            .filter(|statement| statement.text_at(&["resourceType"]) == Some("CapabilityStatement"))
            .ok_or(HttpError::Unreadable("no CapabilityStatement"))?;
        let software = statement.text_at(&["software", "name"]).map(|name| {
            format!("{name} {}", statement.text_at(&["software", "version"]).unwrap_or_default()).trim_end().to_owned()
        });
        let takes_transactions = statement
            .items("rest")
            .iter()
            .flat_map(|rest| rest.items("interaction"))
            .any(|interaction| interaction.text_at(&["code"]) == Some("transaction"));
        Ok(FhirServer {
            fhir_version: statement.text_at(&["fhirVersion"]).unwrap_or_default().to_owned(),
            software,
            takes_transactions,
        })
    }
}

const FHIR_JSON: &str = "application/fhir+json";
/// Greatest length of an answer.
const MAX_ANSWER_BYTES: usize = 64 << 20;

#[cfg(test)]
mod tests;
