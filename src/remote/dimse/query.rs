//! C-FIND. PS3.4 §C.4.1, PS3.7 §9.1.2.

use crate::dicom::dimse::{Command, EXPLICIT_LE, QueryModel, element, field};
use crate::dicom::element::DataSet;
use crate::dicom::part10::{self, ReadLimits, TransferSyntax};

use super::DimsePeer;
use super::association::{Association, check_answer};
use super::contexts::Proposals;
use super::error::DimseError;

/// What came of a query.
#[derive(Debug, Clone)]
pub struct Matches {
    /// The matches, as the peer answered them; their text is Unicode.
    pub data_sets: Vec<DataSet>,
    /// Whether there may be more, because `limit` was reached and the query cancelled.
    pub is_cut: bool,
}

impl DimsePeer {
    /// Asks for what matches `identifier`, at most `limit` data sets.
    pub async fn find(&self, model: QueryModel, identifier: &DataSet, limit: usize) -> Result<Matches, DimseError> {
        let (mut association, context_id, syntax) = self.service(model.find(), "C-FIND").await?;
        match find(&mut association, context_id, syntax, model, identifier, limit).await {
            Ok(matches) => {
                association.release().await;
                Ok(matches)
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

    /// An association for one service, its context, and the syntax of its data sets.
    pub(super) async fn service(
        &self,
        sop_class_uid: &str,
        name: &'static str,
    ) -> Result<(Association, u8, TransferSyntax), DimseError> {
        self.associate(&Proposals::service(sop_class_uid), sop_class_uid, name).await
    }

    pub(super) async fn associate(
        &self,
        proposals: &Proposals,
        sop_class_uid: &str,
        name: &'static str,
    ) -> Result<(Association, u8, TransferSyntax), DimseError> {
        let association = Association::request(&self.address, proposals).await?;
        let accepted = proposals.accepted(association.acceptance(), sop_class_uid).next();
        match accepted.map(|context| (context.id, syntax_of(&context.transfer_syntax))) {
            Some((context_id, syntax)) => Ok((association, context_id, syntax)),
            None => {
                association.release().await;
                Err(DimseError::NotAccepted(name))
            }
        }
    }
}

async fn find(
    association: &mut Association,
    context_id: u8,
    syntax: TransferSyntax,
    model: QueryModel,
    identifier: &DataSet,
    limit: usize,
) -> Result<Matches, DimseError> {
    let message_id = association.message_id();
    let request = Command::query_request(field::C_FIND_RQ, message_id, model.find(), None);
    let identifier = encode(identifier, syntax)?;
    association.request_data(context_id, &request, Some(&identifier)).await?;
    let mut matches = Matches { data_sets: Vec::new(), is_cut: false };
    loop {
        let response = association.message().await?;
        check_answer(&response, context_id, message_id, field::C_FIND_RSP)?;
        match response.command.u16(element::STATUS).ok_or(DimseError::Protocol("an answer without status"))? {
            0xFF00 | 0xFF01 if matches.data_sets.len() < limit => {
                matches.data_sets.push(decode(&response.data_set, syntax)?);
            }
            0xFF00 | 0xFF01 => {
                if !matches.is_cut {
                    association.request_data(context_id, &Command::cancel_request(message_id), None).await?;
                }
                matches.is_cut = true;
            }
            0x0000 => return Ok(matches),
            0xFE00 if matches.is_cut => return Ok(matches),
            status => return Err(failed(&response.command, status)),
        }
    }
}

/// A failure that the peer answered.
pub(super) fn failed(response: &Command, status: u16) -> DimseError {
    let comment = response.text(element::ERROR_COMMENT).filter(|comment| !comment.is_empty());
    DimseError::Failed { status, comment }
}

pub(super) fn encode(data_set: &DataSet, syntax: TransferSyntax) -> Result<bytes::Bytes, DimseError> {
    part10::encode(data_set, syntax).map(Into::into).map_err(|error| DimseError::Encode(error.to_string()))
}

pub(super) fn decode(bytes: &[u8], syntax: TransferSyntax) -> Result<DataSet, DimseError> {
    let read = part10::read_data_set(bytes, syntax, &ReadLimits::default());
    Ok(read.map_err(|_detail| DimseError::Protocol("a data set that cannot be read"))?.data_set)
}

/// The syntax of a context in which only [`super::contexts::Proposals::service`] was proposed.
fn syntax_of(uid: &str) -> TransferSyntax {
    if uid == EXPLICIT_LE { TransferSyntax::ExplicitVrLittleEndian } else { TransferSyntax::ImplicitVrLittleEndian }
}
