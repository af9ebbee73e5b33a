//! C-MOVE, which has instances sent to a third party, and C-GET, which has them sent on the same
//! association. PS3.4 §C.4.2, §C.4.3, PS3.7 §9.1.3, §9.1.4.

use bytes::Bytes;

use crate::base::{AeTitle, Uid};
use crate::dicom::dimse::{Command, Event, Message, QueryModel, Suboperations, element, field};
use crate::dicom::element::DataSet;

use super::DimsePeer;
use super::association::{Association, check_answer};
use super::contexts::Proposals;
use super::error::DimseError;
use super::query::{encode, failed};

/// An instance that begins to arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arriving {
    /// SOP class (0008,0016), as the command says.
    pub sop_class_uid: Uid,
    /// SOP instance (0008,0018), as the command says.
    pub sop_instance_uid: Uid,
    /// Transfer syntax of the data set.
    pub transfer_syntax_uid: String,
}

/// What comes next in a C-GET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// An instance begins.
    Begins(Arriving),
    /// A piece of its data set.
    Piece(Bytes),
    /// The instance is whole; [`Retrieval::answer`] has to be called now.
    Ends,
    /// How far it is.
    Progress(Suboperations),
    /// It is over, with this status and these counts.
    Done {
        /// 0000, B000 or FE00.
        status: u16,
        /// How the sub-operations went.
        counts: Suboperations,
    },
}

/// A C-GET that is under way.
pub struct Retrieval {
    association: Association,
    proposals: Proposals,
    context_id: u8,
    message_id: u16,
    /// Context and command of the instance that arrives.
    arriving: Option<(u8, Command)>,
}

impl DimsePeer {
    /// Has what `identifier` names sent to `destination`, and gives how the sub-operations went. `progress`
    /// is told now and then.
    pub async fn move_to(
        &self,
        model: QueryModel,
        identifier: &DataSet,
        destination: &AeTitle,
        mut progress: impl FnMut(Suboperations) + Send,
    ) -> Result<Suboperations, DimseError> {
        let (mut association, context_id, syntax) = self.service(model.move_(), "C-MOVE").await?;
        let message_id = association.message_id();
        let request = Command::query_request(field::C_MOVE_RQ, message_id, model.move_(), Some(destination));
        let moved = async {
            association.request_data(context_id, &request, Some(&encode(identifier, syntax)?)).await?;
            loop {
                let response = association.message().await?;
                check_answer(&response, context_id, message_id, field::C_MOVE_RSP)?;
                match status_of(&response)? {
                    0xFF00 => progress(response.command.suboperations()),
                    0x0000 | 0xB000 => return Ok(response.command.suboperations()),
                    status => return Err(failed(&response.command, status)),
                }
            }
        };
        match moved.await {
            Ok(counts) => {
                association.release().await;
                Ok(counts)
            }
            Err(error @ (DimseError::Failed { .. } | DimseError::Encode(_))) => {
                association.release().await;
                Err(error)
            }
            Err(error) => {
                association.abort().await;
                Err(error)
            }
        }
    }

    /// Begins to retrieve what `identifier` names. `kinds` are the SOP classes and, for each, the transfer
    /// syntaxes that are proposed, one presentation context for each list; an association holds 127 of them.
    pub async fn get(
        &self,
        model: QueryModel,
        identifier: &DataSet,
        kinds: &[(Uid, Vec<&str>)],
    ) -> Result<Retrieval, DimseError> {
        let mut proposals = Proposals::service(model.get());
        for (sop_class_uid, transfer_syntax_uids) in kinds {
            if !proposals.add_receipt(sop_class_uid, transfer_syntax_uids) {
                break;
            }
        }
        let (mut association, context_id, syntax) = self.associate(&proposals, model.get(), "C-GET").await?;
        let message_id = association.message_id();
        let request = Command::query_request(field::C_GET_RQ, message_id, model.get(), None);
        let identifier = encode(identifier, syntax)?;
        association.request_data(context_id, &request, Some(&identifier)).await?;
        Ok(Retrieval { association, proposals, context_id, message_id, arriving: None })
    }
}

impl Retrieval {
    /// Waits for what comes next. An error leaves the association unusable.
    pub async fn next(&mut self) -> Result<Step, DimseError> {
        match self.association.next_event().await? {
            Event::Data { bytes, is_last: false } => Ok(Step::Piece(bytes)),
            Event::Data { bytes, .. } if bytes.is_empty() => Ok(Step::Ends),
            Event::Data { bytes, .. } => {
                self.association.put_back_end();
                Ok(Step::Piece(bytes))
            }
            Event::Command { context_id, command } if command.field() == Some(field::C_STORE_RQ) => {
                let arriving = self.arriving(context_id, &command)?;
                self.arriving = Some((context_id, command));
                Ok(Step::Begins(arriving))
            }
            Event::Command { context_id, command } => {
                let mut data_set = Vec::new();
                let mut is_whole = !command.has_data_set();
                while !is_whole {
                    let Event::Data { bytes, is_last } = self.association.next_event().await? else { continue };
                    data_set.extend_from_slice(&bytes);
                    is_whole = is_last;
                }
                let response = Message { context_id, command, data_set };
                let (context_id, message_id) = (self.context_id, self.message_id);
                check_answer(&response, context_id, message_id, field::C_GET_RSP)?;
                let counts = response.command.suboperations();
                match status_of(&response)? {
                    0xFF00 => Ok(Step::Progress(counts)),
                    status @ (0x0000 | 0xB000 | 0xFE00) => Ok(Step::Done { status, counts }),
                    status => Err(failed(&response.command, status)),
                }
            }
        }
    }

    /// Answers for the instance that has just ended.
    pub async fn answer(&mut self, status: u16) -> Result<(), DimseError> {
        let Some((context_id, request)) = self.arriving.take() else { return Ok(()) };
        self.association.request_data(context_id, &request.response(status), None).await
    }

    /// Asks the peer to stop. What is under way still arrives.
    pub async fn cancel(&mut self) -> Result<(), DimseError> {
        self.association.request_data(self.context_id, &Command::cancel_request(self.message_id), None).await
    }

    /// Ends the association after the last step.
    pub async fn release(self) {
        self.association.release().await;
    }

    /// Ends the association in the middle.
    pub async fn abort(self) {
        self.association.abort().await;
    }

    fn arriving(&self, context_id: u8, command: &Command) -> Result<Arriving, DimseError> {
        let accepted = self.association.acceptance().contexts.iter().find(|context| context.id == context_id);
        let proposed = self.proposals.contexts.iter().find(|context| context.id == context_id);
        let (Some(accepted), Some(_)) = (accepted, proposed) else {
            return Err(DimseError::Protocol("an instance on a context that was not proposed"));
        };
        let uid = |number| command.uid(number).ok_or(DimseError::Protocol("an instance without UIDs"));
        Ok(Arriving {
            sop_class_uid: uid(element::AFFECTED_SOP_CLASS)?,
            sop_instance_uid: uid(element::AFFECTED_SOP_INSTANCE)?,
            transfer_syntax_uid: accepted.transfer_syntax.clone(),
        })
    }
}

fn status_of(response: &Message) -> Result<u16, DimseError> {
    response.command.u16(element::STATUS).ok_or(DimseError::Protocol("an answer without status"))
}
