//! DIMSE as service class user: C-ECHO, C-STORE, C-FIND, C-MOVE, C-GET and storage commitment over
//! associations with TLS or without (PS3.7, PS3.8). Instances come in as Part-10 files or as streams; each
//! gets the outcome that the peer answered for it.

mod association;
mod commitment;
mod contexts;
mod error;
mod query;
mod retrieve;
mod sender;
mod store;
mod transcode;

pub use crate::dicom::dimse::{AbortReason, Rejection};
pub use error::DimseError;
pub use query::Matches;
pub use retrieve::{Arriving, Retrieval, Step};
pub use sender::{Originator, Outgoing, Sender};

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::{AeTitle, ProblemCode, Problems, Uid};
use crate::dicom::dimse::{Command, STORAGE_COMMITMENT, VERIFICATION, element, field};
use crate::dicom::status::{StoreOutcome, StoreStatus};

use super::instance::Instance;
use super::peer::{CALLING_AE_TITLE, PeerKind, PeerSettings};
use super::tls::server_name;

use association::{Address, Association, Limits, Tls};
use contexts::Proposals;

/// The SOP classes that peers are called with, beside those of storage.
pub const USED: &[&str] = &[
    VERIFICATION,
    "1.2.840.10008.5.1.4.1.2.1.1",
    "1.2.840.10008.5.1.4.1.2.1.2",
    "1.2.840.10008.5.1.4.1.2.1.3",
    "1.2.840.10008.5.1.4.1.2.2.1",
    "1.2.840.10008.5.1.4.1.2.2.2",
    "1.2.840.10008.5.1.4.1.2.2.3",
    STORAGE_COMMITMENT,
];

/// A DIMSE peer that can be called. Each call is an association of its own.
#[derive(Debug, Clone)]
pub struct DimsePeer {
    address: Address,
}

/// What a peer answered to an echo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// From the echo request to its answer.
    pub round_trip: Duration,
    /// Implementation Version Name of the peer, if it gave one.
    pub implementation: Option<String>,
}

/// What a peer answered to the proposal of a SOP class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The SOP class.
    pub sop_class_uid: Uid,
    /// The transfer syntaxes that it accepts of those proposed; none if it does not take the class.
    pub transfer_syntax_uids: Vec<String>,
}

impl DimsePeer {
    /// For these settings. Certificates are read here, once.
    pub async fn new(settings: &PeerSettings) -> Result<Self, DimseError> {
        let problems = settings.check();
        let (true, PeerKind::Dimse, Some(host), Some(port), Some(called_ae_title)) =
            (problems.is_empty(), settings.kind, &settings.host, settings.port, &settings.called_ae_title)
        else {
            return Err(DimseError::Settings(if problems.is_empty() {
                Problems::one("kind", ProblemCode::Value, "is of another kind")
            } else {
                problems
            }));
        };
        let tls = match &settings.tls {
            None => None,
            Some(tls) => {
                let name = tls.server_name.as_deref().unwrap_or(host);
                let server_name = server_name(name).ok_or_else(|| {
                    DimseError::Settings(Problems::one("tls.server_name", ProblemCode::Value, "is not a host name"))
                })?;
                Some(Tls { config: Arc::new(tls.client_config().await?), server_name })
            }
        };
        let calling_ae_title = match &settings.calling_ae_title {
            Some(title) => title.clone(),
            None => default_calling_ae_title(),
        };
        let limits = Limits {
            connect: settings.timeouts.connect(),
            association: settings.timeouts.association(),
            send: settings.timeouts.send(),
            response: settings.timeouts.response(),
        };
        Ok(Self {
            address: Address {
                host: host.trim_matches(['[', ']']).to_owned(),
                port,
                called_ae_title: called_ae_title.clone(),
                calling_ae_title,
                tls,
                limits,
            },
        })
    }

    /// C-ECHO. PS3.7 §9.1.5.
    pub async fn echo(&self) -> Result<Echo, DimseError> {
        let proposals = Proposals::verification();
        let mut association = Association::request(&self.address, &proposals).await?;
        let context_id = proposals.accepted(association.acceptance(), VERIFICATION).next().map(|context| context.id);
        let Some(context_id) = context_id else {
            association.release().await;
            return Err(DimseError::NoVerification);
        };
        let implementation = association.acceptance().user.implementation_version.clone();
        let message_id = association.message_id();
        let request = Command::echo_request(message_id);
        let started = Instant::now();
        match association.exchange(context_id, message_id, &request, None, field::C_ECHO_RSP).await {
            Ok(response) => {
                let round_trip = started.elapsed();
                association.release().await;
                match response.command.u16(element::STATUS) {
                    Some(0) => Ok(Echo { round_trip, implementation }),
                    Some(status) => Err(DimseError::EchoFailed(status)),
                    None => Err(DimseError::Protocol("an answer without status")),
                }
            }
            Err(error) => {
                association.abort().await;
                Err(error)
            }
        }
    }

    /// Asks which of `sop_class_uids` the peer takes, stored in Explicit VR Little Endian, without
    /// sending anything.
    pub async fn offers(&self, sop_class_uids: &[Uid]) -> Result<Vec<Offer>, DimseError> {
        let mut offers = Vec::with_capacity(sop_class_uids.len());
        // Verification goes along, because some peers reject an association of which they take nothing.
        for batch in sop_class_uids.chunks(63) {
            let mut proposals = Proposals::verification();
            for sop_class_uid in batch {
                proposals.add_storage(sop_class_uid, &store::explicit_le());
            }
            let association = Association::request(&self.address, &proposals).await?;
            offers.extend(batch.iter().map(|sop_class_uid| {
                let accepted = proposals.accepted(association.acceptance(), sop_class_uid.as_str());
                let mut transfer_syntax_uids: Vec<_> =
                    accepted.map(|context| context.transfer_syntax.clone()).collect();
                transfer_syntax_uids.dedup();
                Offer { sop_class_uid: sop_class_uid.clone(), transfer_syntax_uids }
            }));
            association.release().await;
        }
        Ok(offers)
    }

    /// C-STORE of each instance, in order, on one association (on several where they need more than
    /// 128 presentation contexts). There is one outcome for each instance, in the same order. An error
    /// means that no instance was offered; once one was, the rest is `Unanswered` when the association
    /// breaks.
    pub async fn store(&self, instances: &[Instance]) -> Result<Vec<StoreOutcome>, DimseError> {
        store::instances(&self.address, instances).await
    }
}

impl DimsePeer {
    /// A way to send instances one after the other, on associations that are kept. `expected` are the SOP
    /// classes and transfer syntaxes that are to come.
    pub fn sender(&self, originator: Option<Originator>, expected: Vec<(Uid, Uid)>) -> Sender {
        Sender::new(self.address.clone(), originator, expected)
    }
}

#[expect(clippy::expect_used, reason = "the literal is an AE title")]
fn default_calling_ae_title() -> AeTitle {
    AeTitle::parse(CALLING_AE_TITLE).expect("the literal is an AE title")
}

/// The status of a response, as far as it gave one.
fn status(command: &Command) -> Option<StoreStatus> {
    command.u16(element::STATUS).map(StoreStatus)
}

#[cfg(test)]
mod tests;
