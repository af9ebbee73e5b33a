//! What a DIMSE peer takes: echo, negotiation, and, where it may be tried, storage, commitment and query.

use std::time::Duration;

use dicom_core::VR;
use dicom_dictionary_std::tags;

use crate::base::Uid;
use crate::dicom::dimse::{CommitmentRequest, PROVIDED, QueryModel, Reference, STORAGE_COMMITMENT};
use crate::dicom::element::{self, DataSet};
use crate::dicom::status::{StoreClass, StoreOutcome, StoreStatus};
use crate::remote::dimse::{DimseError, DimsePeer};
use crate::remote::peer::PeerSettings;

use super::{Level, PeerReport, Trial, object, sop_classes};

pub(super) async fn test(settings: &PeerSettings, trial: &Trial, report: &mut PeerReport) {
    let peer = match DimsePeer::new(settings).await {
        Ok(peer) => peer,
        Err(error) => return report.add(Level::Problem, error.to_string()),
    };
    match peer.echo().await {
        Ok(echo) => {
            let by = echo.implementation.map(|name| format!(" by {name}")).unwrap_or_default();
            report.add(Level::Good, format!("echo answered in {} ms{by}", echo.round_trip.as_millis()));
        }
        Err(DimseError::NoVerification) => {
            report.add(Level::Notice, "association accepted, but not for verification (C-ECHO)");
        }
        Err(error) => return report.add(Level::Problem, format!("{error}{}", advice(&error))),
    }
    let classes = sop_classes(settings);
    let wanted: Vec<_> = classes.iter().filter_map(|(uid, _, _)| Uid::parse(uid).ok()).collect();
    let services: Vec<_> = SERVICES.iter().filter_map(|uid| Uid::parse(uid).ok()).collect();
    let offers = match peer.offers(&[wanted, services].concat()).await {
        Ok(offers) => offers,
        Err(error) => {
            let text = format!("storage cannot be negotiated: {error}{}", advice(&error));
            return report.add(Level::Problem, text);
        }
    };
    let takes = |uid: &str| {
        offers.iter().any(|offer| offer.sop_class_uid.as_str() == uid && !offer.transfer_syntax_uids.is_empty())
    };
    for (uid, name, _) in &classes {
        if takes(uid) {
            report.add(Level::Good, format!("{name} is accepted"));
        } else {
            report.add(Level::Problem, format!("{name} is not accepted"));
        }
    }
    for uid in SERVICES {
        let name = PROVIDED.iter().find(|(known, _, _)| known == uid).map_or(*uid, |(_, name, _)| *name);
        if takes(uid) {
            report.add(Level::Good, format!("{name} is accepted"));
        } else {
            report.add(Level::Notice, format!("{name} is not accepted; deliveries do not need it"));
        }
    }
    if trial.stores {
        if takes(object::SOP_CLASS_UID) {
            stored(&peer, takes(STORAGE_COMMITMENT), takes(QueryModel::StudyRoot.find()), report).await;
        } else {
            report.add(Level::Notice, "nothing was stored: the test object is a basic text SR, which is not accepted");
        }
    }
}

/// Stores the test object, and asks about it.
async fn stored(peer: &DimsePeer, commits: bool, finds: bool, report: &mut PeerReport) {
    let Some(instance) = object::instance() else { return };
    let outcome = match peer.store(&[instance]).await {
        Ok(outcomes) => outcomes.into_iter().next(),
        Err(error) => return report.add(Level::Problem, format!("cannot be stored to: {error}{}", advice(&error))),
    };
    let Some(outcome) = outcome else { return };
    if !outcome.class.is_kept() && outcome.status != Some(StoreStatus::DUPLICATE_SOP_INSTANCE) {
        return report.add(Level::Problem, refusal(&outcome));
    }
    if outcome.class == StoreClass::Warning {
        report.add(Level::Notice, format!("warned of {}: {}", object::name(), said(&outcome)));
    }
    report.add(Level::Good, format!("has taken {}", object::name()));
    if commits {
        committed(peer, report).await;
    }
    if finds {
        found(peer, report).await;
    }
    report.add(
        Level::Notice,
        format!("{} stays there, because nothing can be deleted over DIMSE: delete it by hand", object::name()),
    );
}

/// What a peer that does not keep an object says, and what helps.
pub(super) fn refusal(outcome: &StoreOutcome) -> String {
    let help = match outcome.status.map(|status| status.0) {
        Some(0xA700..=0xA7FF) => ": it has no room; look at its disk",
        Some(0x0124) => ": it lets this AE title do something else, but not store",
        Some(0xA900..=0xA9FF | 0xC000..=0xCFFF) => ": it checks more than the standard asks for; look at its log",
        Some(0x0122) => ": it accepts the SOP class and does not keep it",
        _ => "",
    };
    format!("refuses {}: {}{help}", object::name(), said(outcome))
}

fn said(outcome: &StoreOutcome) -> String {
    let status = outcome.status.map(|status| format!("{status} {}", status.meaning()));
    let words = [status, outcome.comment.clone()].into_iter().flatten().collect::<Vec<_>>();
    if words.is_empty() { outcome.class.as_str().to_owned() } else { words.join(", ") }
}

async fn committed(peer: &DimsePeer, report: &mut PeerReport) {
    let (Some(class), Some(instance)) = (object::uid(object::SOP_CLASS_UID), object::uid(object::INSTANCE_UID)) else {
        return;
    };
    let number = uuid::Uuid::new_v4().as_u128();
    let Ok(transaction_uid) = Uid::parse(&format!("2.25.{number}")) else { return };
    let references = vec![Reference { sop_class_uid: class, sop_instance_uid: instance }];
    let request = CommitmentRequest { transaction_uid, references };
    match peer.request_commitment(&request, PATIENCE).await {
        Ok(Some(told)) if element::items(&told, tags::FAILED_SOP_SEQUENCE).is_empty() => {
            report.add(Level::Good, "commits storage, and says so on the same association");
        }
        Ok(Some(_)) => report.add(Level::Problem, "says that it does not keep the test object that it has taken"),
        Ok(None) => report.add(
            Level::Notice,
            "takes a request for storage commitment; its report comes later, on an association to our AE title and \
             port, which it has to know",
        ),
        Err(error) => report.add(Level::Notice, format!("does not commit storage: {error}")),
    }
}

async fn found(peer: &DimsePeer, report: &mut PeerReport) {
    let mut identifier = DataSet::new_empty();
    element::put_text(&mut identifier, tags::QUERY_RETRIEVE_LEVEL, VR::CS, "STUDY");
    element::put_text(&mut identifier, tags::STUDY_INSTANCE_UID, VR::UI, object::STUDY_UID);
    element::put_empty(&mut identifier, tags::PATIENT_ID, VR::LO);
    match peer.find(QueryModel::StudyRoot, &identifier, 2).await {
        Ok(matches) if matches.data_sets.len() == 1 => report.add(Level::Good, "finds the test object (C-FIND)"),
        Ok(matches) if matches.data_sets.is_empty() => {
            report.add(Level::Notice, "does not find the test object by its study UID (C-FIND); it may index later");
        }
        Ok(_) => report.add(Level::Problem, "answers a query for one study with several: it ignores the study UID"),
        Err(error) => report.add(Level::Notice, format!("cannot be queried: {error}")),
    }
}

fn advice(error: &DimseError) -> &'static str {
    match error {
        DimseError::Rejected(rejection) if (rejection.source, rejection.reason) == (1, 7) => ": check called_ae_title",
        DimseError::Rejected(rejection) if (rejection.source, rejection.reason) == (1, 3) => {
            ": the peer must know calling_ae_title"
        }
        DimseError::NoAddress => ": check host",
        DimseError::Connect(_) => ": check host and port, and whether a firewall lies between",
        DimseError::Lost(_) | DimseError::Protocol(_) | DimseError::Timeout { .. } => {
            ": check port, and whether the peer wants TLS"
        }
        DimseError::Handshake(_) => ": check that the port speaks TLS, and the certificates",
        _ => "",
    }
}

/// Services beside storage that a peer may have.
const SERVICES: &[&str] =
    &["1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.2", "1.2.840.10008.5.1.4.1.2.2.3", STORAGE_COMMITMENT];
/// How long a report of storage commitment is waited for on the same association.
const PATIENCE: Duration = Duration::from_secs(5);
