//! C-STORE of instances that come as streams, on associations that are kept while they serve: a retrieval
//! to another system, or a folder of files. PS3.4 §B, PS3.7 §9.1.1.

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _};

use crate::base::{AeTitle, Uid};
use crate::dicom::dimse::{Command, Recoder, can_recode, element, field};
use crate::dicom::status::{StoreClass, StoreOutcome};

use super::association::{Address, Association};
use super::contexts::{Chosen, Proposals};
use super::error::DimseError;
use super::store::answered;

/// An instance that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// SOP class (0008,0016).
    pub sop_class_uid: Uid,
    /// SOP instance (0008,0018).
    pub sop_instance_uid: Uid,
    /// Transfer syntax of the data set.
    pub transfer_syntax_uid: Uid,
}

/// Who had the instances moved. PS3.7 §9.1.1.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Originator {
    /// AE title of the one that asked for the C-MOVE.
    pub ae_title: AeTitle,
    /// Message id of the C-MOVE request.
    pub message_id: u16,
}

/// Sends instances to a peer, one after the other.
pub struct Sender {
    address: Address,
    originator: Option<Originator>,
    /// Kinds of instances that are to come, so that an association proposes them at once.
    expected: Vec<(Uid, Uid)>,
    open: Option<(Association, Proposals)>,
}

impl Sender {
    pub(super) fn new(address: Address, originator: Option<Originator>, expected: Vec<(Uid, Uid)>) -> Self {
        Self { address, originator, expected, open: None }
    }

    /// Opens an association that takes all that is expected, as far as one can, so that it is known now
    /// whether the peer can be talked to.
    pub async fn connect(&mut self) -> Result<(), DimseError> {
        let Some((class, syntax)) = self.expected.first().cloned() else { return Ok(()) };
        self.associate(&class, &syntax).await.map(|_open| ())
    }

    /// Sends an instance whose data set comes from `data_set`, and gives what the peer answered. An error is
    /// one of the association, which is opened anew for the next instance; of this one it is not known
    /// whether the peer has it.
    pub async fn send(
        &mut self,
        instance: &Outgoing,
        data_set: BoxStream<'static, Result<Bytes, DimseError>>,
    ) -> Result<StoreOutcome, DimseError> {
        let Outgoing { sop_class_uid, sop_instance_uid, transfer_syntax_uid } = instance;
        let originator = self.originator.clone();
        let (mut association, proposals) = match self.open.take() {
            Some(open) if open.1.has_storage(sop_class_uid, transfer_syntax_uid) => open,
            former => {
                if let Some((association, _)) = former {
                    association.release().await;
                }
                self.associate(sop_class_uid, transfer_syntax_uid).await?;
                match self.open.take() {
                    Some(open) => open,
                    None => return Err(DimseError::Protocol("no association")),
                }
            }
        };
        let from = transfer_syntax_uid.as_str();
        let chosen = proposals.choose(association.acceptance(), sop_class_uid, transfer_syntax_uid, |to| {
            from == to || can_recode(from, to)
        });
        let Some(Chosen { id, transfer_syntax_uid: to }) = chosen else {
            let why = proposals.refusal(association.acceptance(), sop_class_uid);
            self.open = Some((association, proposals));
            return Ok(StoreOutcome::without_status(sop_class_uid, sop_instance_uid, StoreClass::NotAccepted, why));
        };
        let message_id = association.message_id();
        let mut request = Command::store_request(message_id, sop_class_uid, sop_instance_uid);
        if let Some(Originator { ae_title, message_id }) = originator {
            request = request
                .with_text(element::MOVE_ORIGINATOR, ae_title.as_str())
                .with_u16(element::MOVE_ORIGINATOR_MESSAGE_ID, message_id);
        }
        let data_set = match Recoder::new(from, &to).filter(|_| from != to) {
            Some(recoder) => recoded(recoder, data_set),
            None => data_set,
        };
        match association.exchange_stream(id, message_id, &request, data_set, field::C_STORE_RSP).await {
            Ok(response) => {
                let outcome = answered(&response.command, sop_class_uid, sop_instance_uid);
                self.open = Some((association, proposals));
                outcome
            }
            Err(error) => {
                association.abort().await;
                Err(error)
            }
        }
    }

    /// Releases the association.
    pub async fn close(mut self) {
        if let Some((association, _)) = self.open.take() {
            association.release().await;
        }
    }

    /// Opens an association for this kind of instance, and the expected ones that fit beside it.
    async fn associate(&mut self, sop_class_uid: &Uid, transfer_syntax_uid: &Uid) -> Result<(), DimseError> {
        let mut proposals = Proposals::default();
        proposals.add_storage(sop_class_uid, transfer_syntax_uid);
        for (class, syntax) in &self.expected {
            if !proposals.add_storage(class, syntax) {
                break;
            }
        }
        let association = Association::request(&self.address, &proposals).await?;
        self.open = Some((association, proposals));
        Ok(())
    }
}

/// A data set in another transfer syntax.
pub(super) fn recoded(
    recoder: Recoder,
    data_set: BoxStream<'static, Result<Bytes, DimseError>>,
) -> BoxStream<'static, Result<Bytes, DimseError>> {
    let state = (Some(recoder), data_set);
    let pieces = futures_util::stream::try_unfold(state, |(recoder, mut data_set)| async move {
        let Some(mut recoder) = recoder else { return Ok(None) };
        let mut out = Vec::new();
        let failed = |error: crate::dicom::dimse::RecodeError| DimseError::Encode(error.to_string());
        match data_set.next().await {
            Some(piece) => {
                recoder.push(&piece?, &mut out).map_err(failed)?;
                Ok(Some((Bytes::from(out), (Some(recoder), data_set))))
            }
            None => {
                recoder.finish(&mut out).map_err(failed)?;
                Ok(Some((Bytes::from(out), (None, data_set))))
            }
        }
    });
    pieces.boxed()
}
