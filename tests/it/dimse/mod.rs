//! The DICOM listener, with our own client and with sockets that keep to no rule.

#[cfg(test)]
mod associations;
#[cfg(test)]
mod bad_units;
#[cfg(test)]
mod commitment;
#[cfg(test)]
mod instances;
#[cfg(test)]
mod raw;
#[cfg(test)]
mod retrieval;
#[cfg(test)]
mod tls;

use causeway::base::{AeTitle, PeerName, Uid};
use causeway::remote::PeerSettings;
use causeway::remote::dimse::{DimsePeer, Outgoing};
use futures_util::StreamExt as _;

use crate::support::TestGateway;

/// The client of a gateway, which calls as `CT1`.
pub(crate) fn settings(gateway: &TestGateway) -> PeerSettings {
    let name = PeerName::parse("gateway").expect("valid");
    let mut settings = PeerSettings::dimse(name, "127.0.0.1", gateway.dimse().port(), title("CAUSEWAY"));
    settings.calling_ae_title = Some(title("CT1"));
    settings
}

pub(crate) async fn peer(gateway: &TestGateway) -> DimsePeer {
    DimsePeer::new(&settings(gateway)).await.expect("good settings")
}

pub(crate) fn title(text: &str) -> AeTitle {
    AeTitle::parse(text).expect("valid")
}

pub(crate) fn uid(text: &str) -> Uid {
    Uid::parse(text).expect("valid")
}

/// A file as the network knows it, and its data set.
pub(crate) struct Sample {
    pub(crate) outgoing: Outgoing,
    pub(crate) data_set: Vec<u8>,
}

impl Sample {
    pub(crate) fn of(file: &[u8]) -> Option<Self> {
        let mut reader = causeway::dicom::header::MetaReader::default();
        let (meta, _) = reader.write(file).ok()??;
        let mut reader = causeway::dicom::header::MetaReader::default();
        let data_set = reader.write(file).ok()??.1;
        let uid = |text: Option<String>| Uid::parse_lenient(&text?).ok();
        Some(Self {
            outgoing: Outgoing {
                sop_class_uid: uid(meta.sop_class_uid)?,
                sop_instance_uid: uid(meta.sop_instance_uid)?,
                transfer_syntax_uid: uid(meta.transfer_syntax_uid)?,
            },
            data_set,
        })
    }

    /// The slices of the sample study.
    pub(crate) fn slices() -> Vec<Self> {
        causeway::dicom::sample_study::files().iter().map(|file| Self::of(file).expect("a file")).collect()
    }

    pub(crate) fn kind(&self) -> (Uid, Uid) {
        (self.outgoing.sop_class_uid.clone(), self.outgoing.transfer_syntax_uid.clone())
    }
}

/// Stores samples; gives the status of each.
pub(crate) async fn store(peer: &DimsePeer, samples: &[Sample]) -> Vec<u16> {
    let mut sender = peer.sender(None, samples.iter().map(Sample::kind).collect());
    let mut statuses = Vec::with_capacity(samples.len());
    for sample in samples {
        let pieces: Vec<_> = sample.data_set.chunks(50_000).map(|piece| Ok(piece.to_vec().into())).collect();
        let data_set = futures_util::stream::iter(pieces).boxed();
        let outcome = sender.send(&sample.outgoing, data_set).await.expect("is answered");
        statuses.push(outcome.status.map_or(0xFFFF, |status| status.0));
    }
    sender.close().await;
    statuses
}
