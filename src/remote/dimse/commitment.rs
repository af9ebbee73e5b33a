//! Storage commitment: asking a peer for it (PS3.4 §J.3.2), and telling a peer what became of what it asked to have
//! committed (§J.3.3), on an association on which we are the provider.

use std::time::Duration;

use crate::dicom::dimse::{
    Command, CommitmentRequest, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, element, field,
};
use crate::dicom::element::DataSet;
use crate::dicom::part10::TransferSyntax;

use super::DimsePeer;
use super::association::Association;
use super::contexts::Proposals;
use super::error::DimseError;
use super::query::{decode, encode, failed};

impl DimsePeer {
    /// N-EVENT-REPORT of a storage commitment. `event` is 1 when all is committed, 2 when there are failures.
    /// Success means that the peer has acknowledged it.
    pub async fn report_commitment(&self, event: u16, information: &DataSet) -> Result<(), DimseError> {
        let proposals = Proposals::as_provider(STORAGE_COMMITMENT);
        let (mut association, context_id, syntax) =
            self.associate(&proposals, STORAGE_COMMITMENT, "storage commitment").await?;
        let message_id = association.message_id();
        let request = Command::event_report_request(message_id, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, event);
        let information = encode(information, syntax)?;
        let exchanged =
            association.exchange(context_id, message_id, &request, Some(&information), field::N_EVENT_REPORT_RSP).await;
        match exchanged {
            Ok(response) => {
                association.release().await;
                match response.command.u16(element::STATUS) {
                    Some(0) => Ok(()),
                    Some(status) => Err(failed(&response.command, status)),
                    None => Err(DimseError::Protocol("an answer without status")),
                }
            }
            Err(error) => {
                association.abort().await;
                Err(error)
            }
        }
    }
}

impl DimsePeer {
    /// N-ACTION of a storage commitment. The peer has taken the request; its report is given, and acknowledged, if it
    /// comes on this association within `patience`.
    pub async fn request_commitment(
        &self,
        request: &CommitmentRequest,
        patience: Duration,
    ) -> Result<Option<DataSet>, DimseError> {
        let (mut association, context_id, syntax) =
            self.associate(&Proposals::service(STORAGE_COMMITMENT), STORAGE_COMMITMENT, "storage commitment").await?;
        match ask(&mut association, context_id, syntax, request, patience).await {
            Ok(report) => {
                association.release().await;
                Ok(report)
            }
            Err(error) => {
                association.abort().await;
                Err(error)
            }
        }
    }
}

async fn ask(
    association: &mut Association,
    context_id: u8,
    syntax: TransferSyntax,
    request: &CommitmentRequest,
    patience: Duration,
) -> Result<Option<DataSet>, DimseError> {
    let message_id = association.message_id();
    let command = Command::action_request(message_id, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, 1);
    let information = encode(&request.data_set(), syntax)?;
    let response =
        association.exchange(context_id, message_id, &command, Some(&information), field::N_ACTION_RSP).await?;
    match response.command.u16(element::STATUS) {
        Some(0) => {}
        Some(status) => return Err(failed(&response.command, status)),
        None => return Err(DimseError::Protocol("an answer without status")),
    }
    let message = match tokio::time::timeout(patience, association.message()).await {
        Ok(Ok(message)) => message,
        // It reports on another association, and has no more to say on this one.
        Err(_) | Ok(Err(DimseError::Timeout { .. } | DimseError::Lost(_) | DimseError::Protocol(_))) => {
            return Ok(None);
        }
        Ok(Err(error)) => return Err(error),
    };
    if message.command.field() != Some(field::N_EVENT_REPORT_RQ) {
        return Err(DimseError::Protocol("another message than the report of a commitment"));
    }
    let report = decode(&message.data_set, syntax)?;
    association.request_data(message.context_id, &message.command.response(0), None).await?;
    Ok(Some(report))
}
