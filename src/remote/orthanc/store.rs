//! `POST /instances`: one request for each instance.

use reqwest::header::HeaderValue;

use crate::dicom::status::{StoreClass, StoreOutcome, StoreStatus};
use crate::remote::egress::HttpError;
use crate::remote::http::{Answer, Outgoing};
use crate::remote::instance::Instance;

use super::{JSON, OrthancPeer, read};

/// Stores every instance. See [`OrthancPeer::store`].
pub(super) async fn instances(peer: &OrthancPeer, instances: &[Instance]) -> Result<Vec<StoreOutcome>, HttpError> {
    let mut outcomes: Vec<StoreOutcome> = Vec::with_capacity(instances.len());
    while let Some(rest) = instances.get(outcomes.len()..)
        && let Some(instance) = rest.first()
    {
        match store(peer, instance).await {
            Ok(outcome) => outcomes.push(outcome),
            Err(error) if outcomes.is_empty() => return Err(error),
            Err(error) => {
                let why = error.to_string();
                outcomes.extend(rest.iter().map(|instance| outcome(instance, StoreClass::Unanswered, &why)));
            }
        }
    }
    Ok(outcomes)
}

async fn store(peer: &OrthancPeer, instance: &Instance) -> Result<StoreOutcome, HttpError> {
    let url = peer.http.url(&["instances"]);
    let content_type = HeaderValue::from_static("application/dicom");
    let body = vec![instance.file().clone()];
    let answer = peer.http.send(&Outgoing::post(url, content_type, JSON, body, MAX_ANSWER_BYTES)).await?;
    if answer.status == 400 {
        return Ok(outcome(instance, StoreClass::Failed, "Orthanc cannot read the instance"));
    }
    let Answer { status: 200 | 201, .. } = answer else { return Err(answer.to_error(None)) };
    let body = read(&answer)?;
    match (body.text_at(&["Status"]), body.text_at(&["ID"])) {
        (Some("Success"), _) => {
            Ok(StoreOutcome::answered(&instance.sop_class_uid, &instance.sop_instance_uid, StoreStatus::SUCCESS, None))
        }
        (Some("AlreadyStored"), Some(id)) => already_stored(peer, instance, id).await,
        (Some("FilteredOut"), _) => Ok(outcome(instance, StoreClass::Failed, "Orthanc filtered the instance out")),
        _ => Err(HttpError::Unreadable("no status of a stored instance")),
    }
}

/// Orthanc keeps the first file of a UID and does not compare. What it holds is fetched and compared:
/// after a lost answer it is this very data set. Its File Meta Information is Orthanc's own if it came
/// over DIMSE.
async fn already_stored(peer: &OrthancPeer, instance: &Instance, id: &str) -> Result<StoreOutcome, HttpError> {
    let limit = instance.file().len() + MAX_META_BYTES;
    let request = Outgoing::get(peer.http.url(&["instances", id, "file"]), "application/dicom", limit);
    let same = match peer.http.send(&request).await {
        Ok(answer) => Instance::parse(answer.into_success()?.body).is_ok_and(|held| {
            held.transfer_syntax_uid == instance.transfer_syntax_uid && held.data_set() == instance.data_set()
        }),
        Err(HttpError::TooLarge { .. }) => false,
        Err(error) => return Err(error),
    };
    let (sop_class_uid, sop_instance_uid) = (&instance.sop_class_uid, &instance.sop_instance_uid);
    Ok(if same {
        StoreOutcome::answered(sop_class_uid, sop_instance_uid, StoreStatus::SUCCESS, Some("already stored, equal"))
    } else {
        outcome(instance, StoreClass::Failed, "Orthanc holds another data set under this UID")
    })
}

fn outcome(instance: &Instance, class: StoreClass, comment: &str) -> StoreOutcome {
    StoreOutcome::without_status(&instance.sop_class_uid, &instance.sop_instance_uid, class, comment)
}

/// Greatest length of an answer to a stored instance.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// What File Meta Information may be longer by than ours.
const MAX_META_BYTES: usize = 64 << 10;
