//! Sending renditions to a peer, by whatever it speaks, and reading what it answered for each.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::base::{Clock, Retry, Uid};
use crate::dicom::status::{StoreClass, StoreOutcome, StoreStatus};
use crate::fhir::Json;
use crate::remote::dicomweb::DicomwebPeer;
use crate::remote::dimse::{DimseError, DimsePeer};
use crate::remote::fhir::{FhirError, FhirPeer, PushOutcome};
use crate::remote::orthanc::OrthancPeer;
use crate::remote::{HttpError, Instance, PeerKind, PeerSettings};
use crate::store::DeliveryState;

/// What a peer made of one rendition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// What it amounts to: sent, sent with a warning, refused, or pending where it may be taken later.
    pub(super) state: DeliveryState,
    /// SOP instance of DICOM renditions.
    pub(super) sop_instance_uid: Option<Uid>,
    /// What the peer said, `0000H success`, `HTTP 201`.
    pub(super) text: String,
    /// How soon to try again.
    pub(super) retry: Retry,
}

/// Offers instances to a DICOM peer. There is an answer for each, in the same order. `again` says that
/// they may have reached the peer before without our knowing.
pub(super) async fn send_instances(
    peer: &PeerSettings,
    clock: Arc<dyn Clock>,
    files: Vec<Bytes>,
    again: bool,
) -> Result<Vec<Answer>, Answer> {
    let parsed: Result<Vec<Instance>, _> = files.into_iter().map(Instance::parse).collect();
    let instances = parsed.map_err(|error| refused(format!("rendition: {error}")))?;
    let outcomes = match peer.kind {
        PeerKind::Dimse => {
            let dimse = DimsePeer::new(peer).await.map_err(|error| of_dimse(&error))?;
            dimse.store(&instances).await.map_err(|error| of_dimse(&error))?
        }
        PeerKind::Dicomweb => {
            let web = DicomwebPeer::new(peer, clock).await.map_err(|error| of_http(&error))?;
            web.store(&instances).await.map_err(|error| of_http(&error))?
        }
        PeerKind::Orthanc => {
            let orthanc = OrthancPeer::new(peer, clock).await.map_err(|error| of_http(&error))?;
            orthanc.store(&instances).await.map_err(|error| of_http(&error))?
        }
        PeerKind::Fhir => return Err(refused("a FHIR server takes no DICOM instances".into())),
    };
    Ok(outcomes.iter().map(|outcome| of_outcome(outcome, again)).collect())
}

/// Pushes a transaction to a FHIR server.
pub(super) async fn push(peer: &PeerSettings, clock: Arc<dyn Clock>, bundle: &Json) -> Answer {
    let pushed = match FhirPeer::new(peer, clock).await {
        Ok(server) => server.push(bundle).await,
        Err(error) => return of_http(&error),
    };
    match pushed {
        Ok(outcome) => of_push(&outcome),
        Err(error @ (FhirError::NotABundle | FhirError::NotSendable(_))) => refused(error.to_string()),
        Err(FhirError::Http(error)) => of_http(&error),
        Err(error @ FhirError::Refused { .. }) => again_or_never(error.retry(), error.to_string()),
    }
}

fn of_outcome(outcome: &StoreOutcome, again: bool) -> Answer {
    let said = outcome.status.map(|status| format!("{status} {}", status.meaning()));
    let own = outcome.comment.clone().unwrap_or_else(|| outcome.class.as_str().to_owned());
    let text = said.unwrap_or(own);
    // An instance of ours has the same bytes under the same UID each time: a peer that holds it already,
    // after an attempt whose answer was lost, holds what we sent.
    let held = again && outcome.status == Some(StoreStatus::DUPLICATE_SOP_INSTANCE);
    let state = match outcome.class {
        StoreClass::Success => DeliveryState::Sent,
        StoreClass::Warning => DeliveryState::SentWithWarning,
        StoreClass::Failed if held => DeliveryState::SentWithWarning,
        StoreClass::Failed | StoreClass::NotAccepted => DeliveryState::Refused,
        StoreClass::Refused | StoreClass::Unanswered => DeliveryState::Pending,
    };
    let retry = outcome.class.retry().unwrap_or(Retry::Never);
    Answer { state, sop_instance_uid: Some(outcome.sop_instance_uid.clone()), text, retry }
}

fn of_push(outcome: &PushOutcome) -> Answer {
    let Some(bad) = outcome.entries.iter().find(|entry| !entry.is_taken()) else {
        return Answer {
            state: DeliveryState::Sent,
            sop_instance_uid: None,
            text: "HTTP 200".into(),
            retry: Retry::Never,
        };
    };
    // A server that breaks the rule of all or nothing has taken a part; the same bundle again mends it.
    let retry = if bad.status >= 500 { Retry::Backoff } else { Retry::Never };
    again_or_never(retry, format!("an entry was answered with {}", bad.status))
}

fn of_dimse(error: &DimseError) -> Answer {
    again_or_never(error.retry(), error.to_string())
}

fn of_http(error: &HttpError) -> Answer {
    again_or_never(error.retry(), error.to_string())
}

fn again_or_never(retry: Retry, text: String) -> Answer {
    let state = if retry == Retry::Never { DeliveryState::Refused } else { DeliveryState::Pending };
    Answer { state, sop_instance_uid: None, text, retry }
}

fn refused(text: String) -> Answer {
    again_or_never(Retry::Never, text)
}

impl Answer {
    /// The longer wait of two answers that are to be tried again.
    pub(super) fn later(left: Retry, right: Retry) -> Retry {
        match (left, right) {
            (Retry::After(left), Retry::After(right)) => Retry::After(Duration::max(left, right)),
            (Retry::After(wait), _) | (_, Retry::After(wait)) => Retry::After(wait),
            (Retry::Backoff, _) | (_, Retry::Backoff) => Retry::Backoff,
            (Retry::Never, Retry::Never) => Retry::Never,
        }
    }
}
