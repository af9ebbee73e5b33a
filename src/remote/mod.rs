//! Clients of other systems: DICOM peers over DIMSE and DICOMweb, Orthanc, FHIR servers. Values of
//! lower levels go in (Part-10 bytes, FHIR documents, addresses of images), outcomes come out as the
//! peer gave them. Every wait and every answer has a limit; no error holds patient data or a URL.

mod auth;
pub mod dicomweb;
pub mod dimse;
pub mod egress;
mod facts;
pub mod fhir;
pub mod hook;
mod http;
pub mod instance;
pub mod orthanc;
pub mod peer;
#[cfg(test)]
mod testing;
pub mod tls;

use std::sync::Arc;

use crate::base::Clock;
use crate::dicom::source::StudySource;

pub use auth::TokenError;
pub use egress::HttpError;
pub use instance::{Instance, InstanceError};
pub use peer::{PeerKind, PeerSettings};

/// The archive at a peer, if a peer of its kind can be asked about studies.
pub async fn source(settings: &PeerSettings, clock: Arc<dyn Clock>) -> Result<Option<Box<dyn StudySource>>, HttpError> {
    match settings.kind {
        PeerKind::Orthanc => Ok(Some(Box::new(orthanc::OrthancPeer::new(settings, clock).await?))),
        PeerKind::Dicomweb => Ok(Some(Box::new(dicomweb::DicomwebPeer::new(settings, clock).await?))),
        PeerKind::Dimse | PeerKind::Fhir => Ok(None),
    }
}
