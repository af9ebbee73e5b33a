//! A study as Orthanc indexes it, and rendered frames.

use futures_util::future::BoxFuture;
use serde_json::json;

use crate::base::Uid;
use crate::dicom::source::{FoundStudy, ImageAddress, RenderedImage, SourceError, StudySource};
use crate::dicom::study::StudyFacts;
use crate::fhir::Json;
use crate::remote::egress::HttpError;
use crate::remote::facts::{MAX_INSTANCES, MAX_PICTURE_BYTES, MAX_SERIES, SeriesText, StudyBuilder, kept, picture};
use crate::remote::http::Outgoing;

use super::OrthancPeer;

impl StudySource for OrthancPeer {
    fn study<'a>(&'a self, study_instance_uid: &'a Uid) -> BoxFuture<'a, Result<Option<FoundStudy>, SourceError>> {
        Box::pin(study(self, study_instance_uid))
    }

    fn rendered<'a>(&'a self, image: &'a ImageAddress) -> BoxFuture<'a, Result<Option<RenderedImage>, SourceError>> {
        Box::pin(rendered(self, image))
    }
}

async fn study(peer: &OrthancPeer, study_instance_uid: &Uid) -> Result<Option<FoundStudy>, SourceError> {
    let question = json!({
        "Level": "Study", "Expand": true, "CaseSensitive": true, "Limit": 10,
        "Query": { "StudyInstanceUID": study_instance_uid.as_str() },
    });
    let studies = peer.post_json(&["tools", "find"], &question).await?;
    let studies = list(&studies)?;
    // Orthanc keeps a study apart for each patient ID that it came with. Whose it is, is not ours to say.
    let [found] = studies else {
        return match studies {
            [] => Ok(None),
            _ => Err(SourceError::Unreadable { detail: "the study under several patient IDs" }),
        };
    };
    let mut facts = study_facts(found);
    let ids = found.items("Series");
    if ids.len() > MAX_SERIES {
        return Err(SourceError::TooLarge { what: "series", limit: MAX_SERIES });
    }
    let mut series = Vec::with_capacity(ids.len());
    for id in ids.iter().filter_map(Json::as_str) {
        if let Some(found) = present(peer.get_json(&["series", id]).await)? {
            series.push(found);
        }
    }
    // The issuer of the patient ID is not in the index; one instance of the study has it.
    let first = series.iter().find_map(|series| series.items("Instances").first()?.as_str());
    if let Some(id) = first
        && let Some(tags) = present(peer.get_json(&["instances", id, "simplified-tags"]).await)?
    {
        facts.issuer_of_patient_id = kept(tags.text_at(&["IssuerOfPatientID"]));
    }
    let mut study = StudyBuilder::new(facts);
    for series in &series {
        let tag = |name| series.text_at(&["MainDicomTags", name]);
        let text = SeriesText {
            modality: tag("Modality"),
            number: tag("SeriesNumber"),
            description: tag("SeriesDescription"),
            body_part: tag("BodyPartExamined"),
        };
        if study.add_series(tag("SeriesInstanceUID"), text) {
            add_instances(peer, series.items("Instances"), &mut study).await?;
        }
    }
    Ok(Some(study.finish()))
}

/// Adds the instances with these ids of Orthanc to the last series.
async fn add_instances(peer: &OrthancPeer, ids: &[Json], study: &mut StudyBuilder) -> Result<(), SourceError> {
    if ids.len() > MAX_INSTANCES {
        return Err(SourceError::TooLarge { what: "instances", limit: MAX_INSTANCES });
    }
    for batch in ids.chunks(BATCH) {
        let batch: Vec<_> = batch.iter().filter_map(Json::as_str).collect();
        let question = json!({ "Resources": batch, "Level": "Instance", "Metadata": true });
        let instances = peer.post_json(&["tools", "bulk-content"], &question).await.map_err(too_old)?;
        for instance in list(&instances)? {
            let tag = |name| instance.text_at(&["MainDicomTags", name]);
            study.add_instance(
                tag("SOPInstanceUID"),
                instance.text_at(&["Metadata", "SopClassUid"]),
                tag("InstanceNumber"),
                tag("NumberOfFrames"),
            )?;
        }
    }
    Ok(())
}

fn study_facts(found: &Json) -> StudyFacts {
    let study = |name| kept(found.text_at(&["MainDicomTags", name]));
    let patient = |name| kept(found.text_at(&["PatientMainDicomTags", name]));
    StudyFacts {
        patient_id: patient("PatientID"),
        issuer_of_patient_id: None,
        patient_name: patient("PatientName"),
        patient_birth_date: patient("PatientBirthDate"),
        patient_sex: patient("PatientSex"),
        study_id: study("StudyID"),
        accession_number: study("AccessionNumber"),
        study_date: study("StudyDate"),
        study_time: study("StudyTime"),
        description: study("StudyDescription"),
        referring_physician: study("ReferringPhysicianName"),
        series: Vec::new(),
    }
}

async fn rendered(peer: &OrthancPeer, image: &ImageAddress) -> Result<Option<RenderedImage>, SourceError> {
    let question = json!({
        "Level": "Instance", "CaseSensitive": true, "Limit": 2,
        "Query": {
            "StudyInstanceUID": image.study_instance_uid.as_str(),
            "SeriesInstanceUID": image.series_instance_uid.as_str(),
            "SOPInstanceUID": image.sop_instance_uid.as_str(),
        },
    });
    let found = peer.post_json(&["tools", "find"], &question).await?;
    let Some(id) = list(&found)?.first().and_then(Json::as_str) else { return Ok(None) };
    // Frames count from 0 in Orthanc and from 1 in DICOM.
    let Some(frame) = image.frame.unwrap_or(1).checked_sub(1) else { return Ok(None) };
    let whole = match frame_of(peer, id, frame, None).await {
        Err(SourceError::TooLarge { .. }) => None,
        Err(error) => return Err(error),
        Ok(None) => return Ok(None),
        Ok(Some(found)) => Some(found),
    };
    match (whole, image.longest_side_px) {
        (Some((rendered, longest)), limit) if limit.is_none_or(|limit| longest <= limit) => Ok(Some(rendered)),
        (_, Some(limit)) => Ok(frame_of(peer, id, frame, Some(limit)).await?.map(|(rendered, _)| rendered)),
        (_, None) => Err(SourceError::TooLarge { what: "bytes", limit: MAX_PICTURE_BYTES }),
    }
}

/// A frame in the window of its file, fitted into a square of `side_px` where one is given, and its
/// longest side.
async fn frame_of(
    peer: &OrthancPeer,
    id: &str,
    frame: u32,
    side_px: Option<u32>,
) -> Result<Option<(RenderedImage, u32)>, SourceError> {
    let url = peer.http.url(&["instances", id, "frames", &frame.to_string(), "rendered"]);
    let request = Outgoing::get(url, "image/png", MAX_PICTURE_BYTES);
    let request = match side_px.map(|side| side.to_string()) {
        Some(side) => request.with_query([("width", side.as_str()), ("height", side.as_str())]),
        None => request,
    };
    let answer = peer.http.send(&request).await?;
    // A frame beyond the last one is a 400 in Orthanc.
    if matches!(answer.status, 400 | 404 | 410) {
        return Ok(None);
    }
    picture(&answer.into_success()?.body).map(Some)
}

fn list(json: &Json) -> Result<&[Json], SourceError> {
    json.as_array().ok_or(SourceError::Unreadable { detail: "no list" })
}

/// What was there a moment ago may be deleted by now.
fn present(answer: Result<Json, HttpError>) -> Result<Option<Json>, HttpError> {
    match answer {
        Ok(json) => Ok(Some(json)),
        Err(HttpError::Status { status: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn too_old(error: HttpError) -> SourceError {
    match error {
        HttpError::Status { status: 404 | 405, .. } => {
            SourceError::Refused { detail: "Orthanc is older than 1.9.4".to_owned() }
        }
        error => error.into(),
    }
}

/// Instances asked for at a time.
const BATCH: usize = 1000;
