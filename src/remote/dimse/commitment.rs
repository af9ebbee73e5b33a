//! Storage commitment: telling a peer what became of what it asked to have committed (PS3.4 §J.3.3), on an
//! association on which we are the provider.

use crate::dicom::dimse::{Command, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, element, field};
use crate::dicom::element::DataSet;

use super::DimsePeer;
use super::contexts::Proposals;
use super::error::DimseError;
use super::query::{encode, failed};

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
