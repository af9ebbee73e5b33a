//! A study through QIDO-RS (PS3.18 §10.6) and its images through WADO-RS rendered resources (§10.4).

use futures_util::future::BoxFuture;

use crate::base::Uid;
use crate::dicom::source::{FoundStudy, ImageAddress, RenderedImage, SourceError, StudySource};
use crate::dicom::study::StudyFacts;
use crate::fhir::Json;
use crate::remote::egress::HttpError;
use crate::remote::facts::{
    MAX_INSTANCES, MAX_LIST_BYTES, MAX_PICTURE_BYTES, MAX_SERIES, SeriesText, StudyBuilder, kept, picture,
};
use crate::remote::http::{Answer, HttpPeer, Outgoing};

use super::json::{data_sets, text};
use super::{DICOM_JSON, DicomwebPeer};

impl StudySource for DicomwebPeer {
    fn study<'a>(&'a self, study_instance_uid: &'a Uid) -> BoxFuture<'a, Result<Option<FoundStudy>, SourceError>> {
        Box::pin(study(&self.http, study_instance_uid))
    }

    fn rendered<'a>(&'a self, image: &'a ImageAddress) -> BoxFuture<'a, Result<Option<RenderedImage>, SourceError>> {
        Box::pin(rendered(&self.http, image))
    }
}

async fn study(http: &HttpPeer, study_instance_uid: &Uid) -> Result<Option<FoundStudy>, SourceError> {
    let study_uid = study_instance_uid.as_str();
    let query = [("StudyInstanceUID", study_uid), ("includefield", "00081030,00100021")];
    let studies = search(http, &["studies"], query).await?;
    // A server that ignores a matching key lists every study.
    let found = studies.iter().find(|found| text(found, "0020000D").is_some_and(|uid| uid.trim_end() == study_uid));
    let Some(found) = found else { return Ok(None) };
    let series_path = ["studies", study_uid, "series"];
    let series = all(http, &series_path, "0008103E,00180015", "0020000E", None, MAX_SERIES).await?;
    let mut study = StudyBuilder::new(study_facts(found));
    for (index, series) in series.iter().enumerate() {
        let Some(uid) = text(series, "0020000E").filter(|uid| Uid::parse(uid.trim_end()).is_ok()) else {
            study.add_series(None, SeriesText::default());
            continue;
        };
        let path = ["studies", study_uid, "series", uid.trim_end(), "instances"];
        let expected = text(series, "00201209").and_then(|count| count.trim().parse().ok());
        let instances = all(http, &path, "00080016,00200013,00280008", "00080018", expected, MAX_INSTANCES).await?;
        let first = instances.iter().find_map(|instance| text(instance, "00080018")).filter(|_| is_lossy(found));
        let whole = match first {
            Some(first) => Some(metadata(http, &[path.as_slice(), &[first.trim_end(), "metadata"]].concat()).await?),
            None => None,
        };
        if let Some(whole) = whole.as_ref().filter(|_| index == 0) {
            study.set_facts(study_facts(whole));
        }
        add_series(&mut study, &uid, whole.as_ref().unwrap_or(series));
        for instance in &instances {
            study.add_instance(
                text(instance, "00080018").as_deref(),
                text(instance, "00080016").as_deref(),
                text(instance, "00200013").as_deref(),
                text(instance, "00280008").as_deref(),
            )?;
        }
    }
    Ok(Some(study.finish()))
}

/// Whether the texts of a search result may have lost characters. DICOM JSON is UTF-8 and says so or
/// says nothing (PS3.18 §F.2); Orthanc 1.10 names ISO_IR 100 and drops what that does not have.
fn is_lossy(found: &Json) -> bool {
    text(found, "00080005").is_some_and(|name| !matches!(name.trim(), "" | "ISO_IR 6" | "ISO_IR 192"))
}

/// The metadata of one instance (PS3.18 §10.4.1.1.2), whose texts come from the instance itself.
async fn metadata(http: &HttpPeer, path: &[&str]) -> Result<Json, SourceError> {
    let request = Outgoing::get(http.url(path), DICOM_JSON, MAX_LIST_BYTES);
    let answer = http.send(&request).await?.into_success()?;
    let found = data_sets(&answer.body)?.into_iter().next();
    found.ok_or(SourceError::Unreadable { detail: "no metadata of an instance" })
}

fn add_series(study: &mut StudyBuilder, uid: &str, from: &Json) {
    let (modality, number) = (text(from, "00080060"), text(from, "00200011"));
    let (description, body_part) = (text(from, "0008103E"), text(from, "00180015"));
    study.add_series(
        Some(uid),
        SeriesText {
            modality: modality.as_deref(),
            number: number.as_deref(),
            description: description.as_deref(),
            body_part: body_part.as_deref(),
        },
    );
}

fn study_facts(found: &Json) -> StudyFacts {
    let value = |tag| kept(text(found, tag).as_deref());
    StudyFacts {
        patient_id: value("00100020"),
        issuer_of_patient_id: value("00100021"),
        patient_name: value("00100010"),
        patient_birth_date: value("00100030"),
        patient_sex: value("00100040"),
        study_id: value("00200010"),
        accession_number: value("00080050"),
        study_date: value("00080020"),
        study_time: value("00080030"),
        description: value("00081030"),
        referring_physician: value("00080090"),
        series: Vec::new(),
    }
}

/// Every match of a search, page by page, each `key` once. A server may give fewer than asked for, so
/// the end is the announced number, or a page without anything new. A server that ignores `offset`
/// gives the same page again and ends it too.
async fn all(
    http: &HttpPeer,
    path: &[&str],
    fields: &str,
    key: &str,
    expected: Option<usize>,
    limit: usize,
) -> Result<Vec<Json>, SourceError> {
    let mut matches: Vec<Json> = Vec::new();
    let mut known = std::collections::HashSet::new();
    loop {
        let offset = matches.len().to_string();
        let page = search(http, path, [("includefield", fields), ("limit", PAGE), ("offset", &offset)]).await?;
        let before = matches.len();
        let new = page.into_iter().filter(|item| text(item, key).is_none_or(|key| known.insert(key)));
        matches.extend(new);
        if matches.len() > limit {
            return Err(SourceError::TooLarge { what: "matches", limit });
        }
        if matches.len() == before || expected.is_some_and(|expected| matches.len() >= expected) {
            return Ok(matches);
        }
    }
}

async fn search<'a>(
    http: &HttpPeer,
    path: &[&str],
    query: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<Json>, HttpError> {
    let request = Outgoing::get(http.url(path), DICOM_JSON, MAX_LIST_BYTES).with_query(query);
    let answer = http.send(&request).await?.into_success()?;
    data_sets(&answer.body)
}

async fn rendered(http: &HttpPeer, image: &ImageAddress) -> Result<Option<RenderedImage>, SourceError> {
    if image.frame == Some(0) {
        return Ok(None);
    }
    let whole = match picture_of(http, image, None).await {
        Err(SourceError::TooLarge { .. }) => None,
        Err(error) => return Err(error),
        Ok(None) => return Ok(None),
        Ok(Some(found)) => Some(found),
    };
    match (whole, image.longest_side_px) {
        (Some((rendered, longest)), limit) if limit.is_none_or(|limit| longest <= limit) => Ok(Some(rendered)),
        (_, Some(limit)) => Ok(picture_of(http, image, Some(limit)).await?.map(|(rendered, _)| rendered)),
        (_, None) => Err(SourceError::TooLarge { what: "bytes", limit: MAX_PICTURE_BYTES }),
    }
}

/// The rendered image, fitted into a square of `side_px` where one is given, and its longest side.
/// PNG is asked for alone first: a list in Accept is refused by servers in use.
async fn picture_of(
    http: &HttpPeer,
    image: &ImageAddress,
    side_px: Option<u32>,
) -> Result<Option<(RenderedImage, u32)>, SourceError> {
    for accept in ["image/png", "image/jpeg"] {
        let answer = http.send(&picture_request(http, image, side_px, accept)).await?;
        match answer.status {
            404 | 410 => return Ok(None),
            400 | 406 | 415 if accept == "image/png" => {}
            _ => {
                let Answer { body, .. } = answer.into_success()?;
                return picture(&body).map(Some);
            }
        }
    }
    Ok(None)
}

fn picture_request(http: &HttpPeer, image: &ImageAddress, side_px: Option<u32>, accept: &'static str) -> Outgoing {
    let frame = image.frame.map(|frame| frame.to_string());
    let mut path = vec![
        "studies",
        image.study_instance_uid.as_str(),
        "series",
        image.series_instance_uid.as_str(),
        "instances",
        image.sop_instance_uid.as_str(),
    ];
    path.extend(frame.iter().flat_map(|frame| ["frames", frame]));
    path.push("rendered");
    let request = Outgoing::get(http.url(&path), accept, MAX_PICTURE_BYTES);
    match side_px {
        Some(side) => request.with_query([("viewport", format!("{side},{side}").as_str())]),
        None => request,
    }
}

/// Matches asked for at a time.
const PAGE: &str = "1000";
