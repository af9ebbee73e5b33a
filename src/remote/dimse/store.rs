//! C-STORE of a batch (PS3.4 §B, PS3.7 §9.1.1): association by association, instance by instance.

use crate::base::Uid;
use crate::dicom::dimse::{Command, EXPLICIT_LE, element, field};
use crate::dicom::status::{StoreClass, StoreOutcome};
use crate::remote::instance::Instance;

use super::association::{Address, Association};
use super::contexts::Proposals;
use super::error::DimseError;
use super::{status, transcode};

/// Offers every instance to the peer. See [`super::DimsePeer::store`].
pub(super) async fn instances(address: &Address, instances: &[Instance]) -> Result<Vec<StoreOutcome>, DimseError> {
    let mut outcomes = Vec::with_capacity(instances.len());
    while let Some(rest) = instances.get(outcomes.len()..).filter(|rest| !rest.is_empty()) {
        let (proposals, batch) = batch(rest);
        let association = match Association::request(address, &proposals).await {
            Ok(association) => association,
            Err(error) if outcomes.is_empty() => return Err(error),
            Err(error) => {
                outcomes.extend(rest.iter().map(|instance| unanswered(instance, &error)));
                break;
            }
        };
        if let Some(error) = send(association, &proposals, batch, &mut outcomes).await {
            let missing = instances.get(outcomes.len()..).unwrap_or_default();
            outcomes.extend(missing.iter().map(|instance| unanswered(instance, &error)));
        }
    }
    Ok(outcomes)
}

/// The first instances of `rest` that fit into one association, at least one, and what it proposes.
fn batch(rest: &[Instance]) -> (Proposals, &[Instance]) {
    let mut proposals = Proposals::default();
    let fitting = rest
        .iter()
        .take_while(|instance| proposals.add_storage(&instance.sop_class_uid, &instance.transfer_syntax_uid))
        .count();
    (proposals, rest.get(..fitting).unwrap_or_default())
}

/// Sends a batch and adds an outcome for each instance that was answered or cannot be sent. The error
/// is the one that broke the association, if one did.
async fn send(
    mut association: Association,
    proposals: &Proposals,
    batch: &[Instance],
    outcomes: &mut Vec<StoreOutcome>,
) -> Option<DimseError> {
    for instance in batch {
        match offer(&mut association, proposals, instance).await {
            Ok(outcome) => outcomes.push(outcome),
            Err(error) => {
                association.abort().await;
                return Some(error);
            }
        }
    }
    association.release().await;
    None
}

async fn offer(
    association: &mut Association,
    proposals: &Proposals,
    instance: &Instance,
) -> Result<StoreOutcome, DimseError> {
    let Instance { sop_class_uid, sop_instance_uid, transfer_syntax_uid, .. } = instance;
    let refused =
        |why: &str| Ok(StoreOutcome::without_status(sop_class_uid, sop_instance_uid, StoreClass::NotAccepted, why));
    let can_convert = |to: &str| transcode::can_convert(transfer_syntax_uid.as_str(), to);
    let chosen = proposals.choose(association.acceptance(), sop_class_uid, transfer_syntax_uid, can_convert);
    let Some(chosen) = chosen else {
        return refused(proposals.refusal(association.acceptance(), sop_class_uid));
    };
    let converted = transcode::data_set(instance.data_set(), transfer_syntax_uid.as_str(), &chosen.transfer_syntax_uid);
    let data_set = match converted {
        Ok(data_set) => data_set,
        Err(error) => return refused(&error.to_string()),
    };
    let message_id = association.message_id();
    let request = Command::store_request(message_id, sop_class_uid, sop_instance_uid);
    let response = association.exchange(chosen.id, message_id, &request, Some(&data_set), field::C_STORE_RSP).await?;
    answered(&response.command, sop_class_uid, sop_instance_uid)
}

/// The outcome that a response gives.
pub(super) fn answered(
    response: &Command,
    sop_class_uid: &Uid,
    sop_instance_uid: &Uid,
) -> Result<StoreOutcome, DimseError> {
    let status = status(response).ok_or(DimseError::Protocol("an answer without status"))?;
    let comment = response.text(element::ERROR_COMMENT);
    let own_words = || (!status.class().is_kept()).then(|| status.meaning().to_owned());
    let comment = comment.filter(|comment| !comment.is_empty()).or_else(own_words);
    Ok(StoreOutcome::answered(sop_class_uid, sop_instance_uid, status, comment.as_deref()))
}

/// The outcome of an instance whose answer did not come, or that was not sent any more.
fn unanswered(instance: &Instance, error: &DimseError) -> StoreOutcome {
    StoreOutcome::without_status(
        &instance.sop_class_uid,
        &instance.sop_instance_uid,
        StoreClass::Unanswered,
        &error.to_string(),
    )
}

/// Explicit VR Little Endian.
#[expect(clippy::expect_used, reason = "the literal is a UID")]
pub(super) fn explicit_le() -> Uid {
    Uid::parse(EXPLICIT_LE).expect("the literal is a UID")
}
