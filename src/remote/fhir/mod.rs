//! A FHIR R4 server as client: a transaction is pushed (R4 http.html#transaction), and the answer is
//! read entry by entry. What the server says in words is not kept: it may repeat patient data.

mod response;

pub use response::{EntryOutcome, Issue, PushOutcome};

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderValue;

use crate::base::{Clock, Retry};
use crate::fhir::{Json, JsonLimits};

use super::egress::{HttpError, retry_of};
use super::http::{HttpPeer, Outgoing};
use super::peer::{PeerKind, PeerSettings};

/// A FHIR server. Made once and shared.
pub struct FhirPeer {
    http: HttpPeer,
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

/// Why a server did not take a bundle.
#[derive(Debug, thiserror::Error)]
pub enum FhirError {
    /// No usable answer at all.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The document to push is not a Bundle of type transaction or batch.
    #[error("document is not a transaction or batch bundle")]
    NotABundle,
    /// The server refused the bundle as a whole; nothing was stored.
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
    /// Whether the same bundle may succeed later. A conflict (409) is between two writers, so it may;
    /// a failed precondition (412) is in the data, so it may not.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Http(error) => error.retry(),
            Self::NotABundle => Retry::Never,
            Self::Refused { status: 409, retry_after, .. } => retry_after.map_or(Retry::Backoff, Retry::After),
            Self::Refused { status, retry_after, .. } => retry_of(*status, *retry_after),
        }
    }
}

impl FhirPeer {
    /// For these settings.
    pub async fn new(settings: &PeerSettings, clock: Arc<dyn Clock>) -> Result<Self, HttpError> {
        Ok(Self { http: HttpPeer::new(settings, PeerKind::Fhir, clock).await? })
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
        let document = Json::parse(&answer.body, &JsonLimits::default()).ok();
        if !answer.is_success() {
            let issues = document.as_ref().map(response::issues).unwrap_or_default();
            return Err(FhirError::Refused { status: answer.status, issues, retry_after: answer.retry_after });
        }
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
