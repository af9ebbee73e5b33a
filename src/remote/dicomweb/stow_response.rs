//! STOW-RS responses (PS3.18 §10.5.3): what the peer says of each instance, and what its HTTP status
//! says of those that it does not name.

use crate::dicom::status::{StoreClass, StoreOutcome, StoreStatus};
use crate::fhir::Json;
use crate::remote::egress::HttpError;
use crate::remote::http::Answer;
use crate::remote::instance::Instance;

use super::json;

/// One outcome for each instance of the request, in its order.
pub(super) fn outcomes(answer: &Answer, batch: &[Instance]) -> Result<Vec<StoreOutcome>, HttpError> {
    if !matches!(answer.status, 200 | 202 | 400 | 409) {
        return Err(answer.to_error(None));
    }
    let response = json::data_sets(&answer.body).ok().and_then(|data_sets| data_sets.into_iter().next());
    let response =
        response.filter(|response| RESPONSE_SEQUENCES.iter().any(|tag| !json::items(response, tag).is_empty()));
    if response.is_none() && answer.status == 400 {
        return Err(answer.to_error(None));
    }
    let named: Vec<_> = batch.iter().map(|instance| response.as_ref().and_then(|body| named(body, instance))).collect();
    let unnamed = named.iter().filter(|outcome| outcome.is_none()).count();
    // Failures without UIDs are parts that the peer could not read; when there are as many of them as
    // instances without an answer, each of those has failed.
    let all_failed = response.as_ref().is_some_and(|body| json::items(body, OTHER_FAILURES).len() >= unnamed);
    let otherwise = |instance: &Instance| {
        let (class, comment) = match answer.status {
            _ if all_failed => (StoreClass::Failed, "peer could not read the instance"),
            200 if response.is_none() => (StoreClass::Success, "answered 200 without naming instances"),
            400 | 409 => (StoreClass::Failed, "peer stored nothing"),
            _ => (StoreClass::Unanswered, "answer does not name the instance"),
        };
        StoreOutcome::without_status(&instance.sop_class_uid, &instance.sop_instance_uid, class, comment)
    };
    Ok(batch.iter().zip(named).map(|(instance, named)| named.unwrap_or_else(|| otherwise(instance))).collect())
}

/// What the response says of an instance. One that stands among the failures has failed, even if it
/// stands among the stored ones too.
fn named(response: &Json, instance: &Instance) -> Option<StoreOutcome> {
    let find = |sequence| {
        json::items(response, sequence).iter().find(|item| {
            json::text(item, REFERENCED_SOP_INSTANCE_UID)
                .is_some_and(|uid| uid.trim_end_matches(['\0', ' ']) == instance.sop_instance_uid.as_str())
        })
    };
    let Instance { sop_class_uid, sop_instance_uid, .. } = instance;
    let outcome = |status: Option<StoreStatus>, class, comment: Option<&str>| {
        let comment = comment.or_else(|| status.filter(|_| class != StoreClass::Success).map(StoreStatus::meaning));
        let status = status.or((class == StoreClass::Success).then_some(StoreStatus::SUCCESS));
        let filled = StoreOutcome::without_status(sop_class_uid, sop_instance_uid, class, comment.unwrap_or_default());
        StoreOutcome { status, comment: filled.comment.filter(|comment| !comment.is_empty()), ..filled }
    };
    if let Some(failed) = find(FAILED_SOPS) {
        let reason = json::unsigned(failed, FAILURE_REASON).map(StoreStatus);
        // A reason in the range of warnings (B00E of one vendor) is still a failure here.
        let class = match reason.map(StoreStatus::class) {
            Some(StoreClass::Refused) => StoreClass::Refused,
            _ => StoreClass::Failed,
        };
        let comment = json::items(failed, FAILED_ATTRIBUTES).iter().find_map(|item| json::text(item, ERROR_COMMENT));
        return Some(outcome(reason, class, comment.as_deref()));
    }
    let stored = find(REFERENCED_SOPS)?;
    let warning = json::unsigned(stored, WARNING_REASON).filter(|reason| *reason != 0).map(StoreStatus);
    let class = if warning.is_some() { StoreClass::Warning } else { StoreClass::Success };
    Some(outcome(warning, class, None))
}

/// (0008,1199) Referenced SOP Sequence.
const REFERENCED_SOPS: &str = "00081199";
/// (0008,1198) Failed SOP Sequence.
const FAILED_SOPS: &str = "00081198";
/// (0008,119A) Other Failures Sequence.
const OTHER_FAILURES: &str = "0008119A";
const RESPONSE_SEQUENCES: [&str; 3] = [REFERENCED_SOPS, FAILED_SOPS, OTHER_FAILURES];
/// (0008,1155) Referenced SOP Instance UID.
const REFERENCED_SOP_INSTANCE_UID: &str = "00081155";
/// (0008,1196) Warning Reason.
const WARNING_REASON: &str = "00081196";
/// (0008,1197) Failure Reason.
const FAILURE_REASON: &str = "00081197";
/// (0074,1048) Failed Attributes Sequence.
const FAILED_ATTRIBUTES: &str = "00741048";
/// (0000,0902) Error Comment.
const ERROR_COMMENT: &str = "00000902";
