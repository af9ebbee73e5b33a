//! STOW-RS requests (PS3.18 §10.5): batches of Part-10 files as `multipart/related`.

use bytes::Bytes;
use reqwest::header::HeaderValue;
use uuid::Uuid;

use crate::dicom::status::{StoreClass, StoreOutcome};
use crate::remote::egress::HttpError;
use crate::remote::http::{HttpPeer, Outgoing};
use crate::remote::instance::Instance;

use super::{DICOM_JSON, stow_response};

/// Stores every instance. See [`super::DicomwebPeer::store`].
pub(super) async fn instances(http: &HttpPeer, instances: &[Instance]) -> Result<Vec<StoreOutcome>, HttpError> {
    let mut outcomes: Vec<StoreOutcome> = Vec::with_capacity(instances.len());
    while let Some(rest) = instances.get(outcomes.len()..).filter(|rest| !rest.is_empty()) {
        let batch = rest.get(..fitting(rest)).unwrap_or(rest);
        match store(http, batch).await {
            Ok(answered) => outcomes.extend(answered),
            Err(error) if outcomes.is_empty() => return Err(error),
            Err(error) => {
                let why = error.to_string();
                outcomes.extend(rest.iter().map(|instance| {
                    let Instance { sop_class_uid, sop_instance_uid, .. } = instance;
                    StoreOutcome::without_status(sop_class_uid, sop_instance_uid, StoreClass::Unanswered, &why)
                }));
            }
        }
    }
    Ok(outcomes)
}

/// How many of the first instances make one request: at least one.
fn fitting(rest: &[Instance]) -> usize {
    let mut bytes = 0;
    let count = rest.iter().take(MAX_BATCH_INSTANCES).take_while(|instance| {
        bytes += instance.file().len();
        bytes <= MAX_BATCH_BYTES
    });
    count.count().max(1)
}

async fn store(http: &HttpPeer, batch: &[Instance]) -> Result<Vec<StoreOutcome>, HttpError> {
    let (content_type, body) = multipart(batch)?;
    let request = Outgoing::post(http.url(&["studies"]), content_type, DICOM_JSON, body, MAX_ANSWER_BYTES);
    let answer = http.send(&request).await?;
    stow_response::outcomes(&answer, batch)
}

/// A `multipart/related` body and its media type. RFC 2387, PS3.18 §8.6.1.2.
fn multipart(batch: &[Instance]) -> Result<(HeaderValue, Vec<Bytes>), HttpError> {
    let boundary = Uuid::new_v4().simple().to_string();
    // The boundary goes without quotes: servers in use do not take them off.
    let media_type = format!("multipart/related; type=\"application/dicom\"; boundary={boundary}");
    let media_type = HeaderValue::from_str(&media_type).map_err(|_detail| HttpError::Unreadable("a boundary"))?;
    let mut body = Vec::with_capacity(batch.len() * 2 + 1);
    let mut delimiter = format!("--{boundary}\r\n");
    for instance in batch {
        body.push(Bytes::from(format!("{delimiter}Content-Type: application/dicom\r\n\r\n")));
        body.push(instance.file().clone());
        delimiter = format!("\r\n--{boundary}\r\n");
    }
    body.push(Bytes::from(format!("\r\n--{boundary}--\r\n")));
    Ok((media_type, body))
}

/// Greatest number of instances in one request.
const MAX_BATCH_INSTANCES: usize = 100;
/// Length of instances beyond which a request takes no further one.
const MAX_BATCH_BYTES: usize = 64 << 20;
/// Greatest length of a response: a few hundred bytes for each instance.
const MAX_ANSWER_BYTES: usize = 4 << 20;
