//! DICOMweb as user agent (PS3.18): STOW-RS for what we deliver, QIDO-RS and WADO-RS for what an
//! archive knows of a study and for rendered images.

mod json;
mod source;
mod stow;
mod stow_response;
mod trial;

use std::sync::Arc;

use crate::base::Clock;
use crate::dicom::status::StoreOutcome;

use super::egress::HttpError;
use super::http::{HttpPeer, Outgoing};
use super::instance::Instance;
use super::peer::{PeerKind, PeerSettings};

pub(in crate::remote) use trial::Tried;

/// A DICOMweb peer. Made once and shared.
pub struct DicomwebPeer {
    http: HttpPeer,
}

impl DicomwebPeer {
    /// For these settings.
    pub async fn new(settings: &PeerSettings, clock: Arc<dyn Clock>) -> Result<Self, HttpError> {
        Ok(Self { http: HttpPeer::new(settings, PeerKind::Dicomweb, clock).await? })
    }

    /// STOW-RS of all instances. There is one outcome for each, in the same order. An error means that
    /// no instance was taken; once one was, the rest is `Unanswered` when a later request fails.
    pub async fn store(&self, instances: &[Instance]) -> Result<Vec<StoreOutcome>, HttpError> {
        stow::instances(&self.http, instances).await
    }

    /// Asks for at most one study, to see whether the peer speaks QIDO-RS and lets us in.
    pub async fn probe(&self) -> Result<(), HttpError> {
        let request = Outgoing::get(self.http.url(&["studies"]), DICOM_JSON, PROBE_BYTES).with_query([("limit", "1")]);
        let answer = self.http.send(&request).await?.into_success()?;
        json::data_sets(&answer.body).map(|_studies| ())
    }
}

/// Media type of the DICOM JSON model.
const DICOM_JSON: &str = "application/dicom+json";
/// Greatest length of an answer that lists one study.
const PROBE_BYTES: usize = 4 << 20;

#[cfg(test)]
mod tests;
