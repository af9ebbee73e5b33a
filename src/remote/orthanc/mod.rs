//! Orthanc through its own REST interface: what it knows of a study, rendered images, storing. Needs
//! Orthanc 1.9.4, which brought `/tools/bulk-content`.

mod archive;
mod pass;
mod source;
mod store;
mod trial;

use std::sync::Arc;

use reqwest::header::HeaderValue;

use crate::base::Clock;
use crate::dicom::status::StoreOutcome;
use crate::fhir::{Json, JsonLimits};

use super::egress::HttpError;
use super::http::{Answer, HttpPeer, Outgoing};
use super::instance::Instance;
use super::peer::{PeerKind, PeerSettings};

pub use archive::{Change, Changes, OpenedFile, StoredAs};
pub use pass::{Passed, Passing};

/// An Orthanc. Made once and shared.
pub struct OrthancPeer {
    http: HttpPeer,
}

/// What an Orthanc says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrthancSystem {
    /// Version, as `1.12.4`.
    pub version: String,
    /// Its AE title.
    pub ae_title: Option<String>,
}

impl OrthancPeer {
    /// For these settings.
    pub async fn new(settings: &PeerSettings, clock: Arc<dyn Clock>) -> Result<Self, HttpError> {
        Ok(Self { http: HttpPeer::new(settings, PeerKind::Orthanc, clock).await? })
    }

    /// `GET /system`.
    pub async fn system(&self) -> Result<OrthancSystem, HttpError> {
        let system = self.get_json(&["system"]).await?;
        let version = system.text_at(&["Version"]).ok_or(HttpError::Unreadable("no version of Orthanc"))?;
        let ae_title = system.text_at(&["DicomAet"]).map(str::to_owned);
        Ok(OrthancSystem { version: version.to_owned(), ae_title })
    }

    /// `POST /instances` of each instance. There is one outcome for each, in the same order. An error
    /// means that no instance was taken; once one was, the rest is `Unanswered` when a request fails.
    pub async fn store(&self, instances: &[Instance]) -> Result<Vec<StoreOutcome>, HttpError> {
        store::instances(self, instances).await
    }

    async fn get_json(&self, path: &[&str]) -> Result<Json, HttpError> {
        let request = Outgoing::get(self.http.url(path), JSON, super::facts::MAX_LIST_BYTES);
        read(&self.http.send(&request).await?.into_success()?)
    }

    async fn post_json(&self, path: &[&str], body: &serde_json::Value) -> Result<Json, HttpError> {
        let body = vec![body.to_string().into()];
        let content_type = HeaderValue::from_static(JSON);
        let request = Outgoing::post(self.http.url(path), content_type, JSON, body, super::facts::MAX_LIST_BYTES);
        read(&self.http.send(&request).await?.into_success()?)
    }
}

fn read(answer: &Answer) -> Result<Json, HttpError> {
    Json::parse(&answer.body, &JsonLimits::default()).map_err(|_detail| HttpError::Unreadable("no JSON of Orthanc"))
}

const JSON: &str = "application/json";

#[cfg(test)]
mod tests;
