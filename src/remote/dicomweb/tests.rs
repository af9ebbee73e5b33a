use serde_json::{Value, json};

use super::*;
use crate::base::{Retry, Uid};
use crate::dicom::sample_study;
use crate::dicom::source::{ImageAddress, PictureForm, SourceError, StudySource};
use crate::dicom::status::StoreClass;
use crate::remote::testing::{Reply, Server, clock, slices};

async fn peer(server: &Server) -> DicomwebPeer {
    DicomwebPeer::new(&server.settings(PeerKind::Dicomweb), clock()).await.expect("good settings")
}

fn uid(slice: u8) -> String {
    sample_study::sop_instance_uid(slice).to_string()
}

/// An item of a STOW-RS response.
fn item(slice: u8, reason: Option<(&str, u16)>) -> Value {
    let mut item = json!({
        "00081150": {"vr": "UI", "Value": [sample_study::SOP_CLASS_UID]},
        "00081155": {"vr": "UI", "Value": [uid(slice)]},
    });
    if let Some((tag, reason)) = reason {
        item[tag] = json!({"vr": "US", "Value": [reason]});
    }
    item
}

async fn stored(status: u16, body: Value, count: usize) -> Result<Vec<StoreOutcome>, HttpError> {
    let server = Server::start(move |_| match &body {
        Value::Null => Reply::new(status, ""),
        body => Reply::json(status, body),
    })
    .await;
    peer(&server).await.store(&slices(count)).await
}

fn classes(outcomes: &[StoreOutcome]) -> Vec<StoreClass> {
    outcomes.iter().map(|outcome| outcome.class).collect()
}

#[tokio::test]
async fn a_request_is_multipart_with_each_file_as_it_is() {
    let server = Server::start(|_| Reply::new(200, "")).await;
    let slices = slices(2);
    let outcomes = peer(&server).await.store(&slices).await.expect("stored");
    assert_eq!(classes(&outcomes), [StoreClass::Success; 2]);
    assert_eq!(outcomes[0].status, None, "a peer that names nothing gave no status");
    let request = &server.requests()[0];
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/base/studies"));
    assert_eq!(request.header("accept"), Some("application/dicom+json"));
    let boundary = request
        .header("content-type")
        .and_then(|value| value.strip_prefix("multipart/related; type=\"application/dicom\"; boundary="))
        .expect("a boundary");
    let mut expected = Vec::new();
    for slice in &slices {
        expected.extend_from_slice(format!("--{boundary}\r\nContent-Type: application/dicom\r\n\r\n").as_bytes());
        expected.extend_from_slice(slice.file());
        expected.extend_from_slice(b"\r\n");
    }
    expected.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    assert_eq!(request.body, expected);
}

#[tokio::test]
async fn each_instance_gets_what_the_response_says_of_it() {
    let body = json!({
        "00081199": {"vr": "SQ", "Value": [item(1, None), item(2, Some(("00081196", 0xB007)))]},
        "00081198": {"vr": "SQ", "Value": [
            item(3, Some(("00081197", 0xA700))), item(4, Some(("00081197", 0x0122))), item(5, Some(("00081197", 0xB00E))),
        ]},
    });
    let outcomes = stored(202, body, 5).await.expect("answered");
    let expected =
        [StoreClass::Success, StoreClass::Warning, StoreClass::Refused, StoreClass::Failed, StoreClass::Failed];
    assert_eq!(classes(&outcomes), expected);
    let statuses: Vec<_> = outcomes.iter().map(|outcome| outcome.status.map(|status| status.0)).collect();
    assert_eq!(statuses, [Some(0), Some(0xB007), Some(0xA700), Some(0x0122), Some(0xB00E)]);
    assert_eq!(outcomes[3].comment.as_deref(), Some("SOP class not supported"));
}

#[tokio::test]
async fn an_instance_that_the_response_does_not_name_is_not_taken_for_stored() {
    let one = json!({"00081199": {"vr": "SQ", "Value": [item(1, None)]}});
    let outcomes = stored(200, one.clone(), 2).await.expect("answered");
    assert_eq!(classes(&outcomes), [StoreClass::Success, StoreClass::Unanswered]);
    let outcomes = stored(202, Value::Null, 1).await.expect("answered");
    assert_eq!(classes(&outcomes), [StoreClass::Unanswered]);
    let outcomes = stored(409, Value::Null, 1).await.expect("answered");
    assert_eq!(classes(&outcomes), [StoreClass::Failed]);
    let mut unread = one;
    unread["0008119A"] = json!({"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [49152]}}]});
    let outcomes = stored(202, unread, 2).await.expect("answered");
    assert_eq!(classes(&outcomes), [StoreClass::Success, StoreClass::Failed]);
    let both = json!({
        "00081199": {"vr": "SQ", "Value": [item(1, None)]},
        "00081198": {"vr": "SQ", "Value": [item(1, Some(("00081197", 272)))]},
    });
    assert_eq!(classes(&stored(202, both, 1).await.expect("answered")), [StoreClass::Refused]);
}

#[tokio::test]
async fn a_refused_request_is_an_error_with_its_retry() {
    for (status, retry) in [
        (400, Retry::Never),
        (401, Retry::Never),
        (302, Retry::Never),
        (413, Retry::Never),
        (415, Retry::Never),
        (503, Retry::Backoff),
    ] {
        let error = stored(status, Value::Null, 1).await.expect_err("refused");
        assert_eq!(error.retry(), retry, "{status}");
    }
}

#[tokio::test]
async fn later_batches_do_not_take_back_what_is_stored() {
    let server =
        Server::start(|request| if request.body.len() > 300_000 { Reply::new(200, "") } else { Reply::new(503, "") })
            .await;
    let many: Vec<_> = slices(1).into_iter().cycle().take(103).collect();
    let outcomes = peer(&server).await.store(&many).await.expect("first batch");
    assert_eq!(outcomes.len(), 103);
    assert!(classes(&outcomes[..100]).iter().all(|class| *class == StoreClass::Success));
    assert!(classes(&outcomes[100..]).iter().all(|class| *class == StoreClass::Unanswered));
}

/// The sample study as QIDO-RS lists it, in pages of two.
fn archive(request: &crate::remote::testing::Request) -> Reply {
    let (path, query) = request.target.split_once('?').expect("a query");
    let parameter = |name: &str| {
        url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let offset = parameter("offset").map_or(0, |offset| offset.parse::<usize>().expect("a number"));
    let value = |vr: &str, value: Value| json!({"vr": vr, "Value": [value]});
    let matches = match path.trim_start_matches("/base/studies").matches('/').count() {
        0 => vec![json!({
            "0020000D": value("UI", json!(sample_study::STUDY_INSTANCE_UID)),
            "00100020": value("LO", json!("P1")), "00100021": value("LO", json!("ISSUER")),
            "00100010": value("PN", json!({"Alphabetic": "A^B", "Phonetic": "x^y"})),
            "00080050": {"vr": "SH"},
        })],
        2 => vec![json!({
            "0020000E": value("UI", json!(sample_study::SERIES_INSTANCE_UID)), "00080060": value("CS", json!("CT")),
            "00200011": value("IS", json!(1)), "00201209": value("IS", json!(5)),
        })],
        _ => (1..=5)
            .rev()
            .map(|slice| {
                json!({
                    "00080018": value("UI", json!(uid(slice))), "00080016": value("UI", json!(sample_study::SOP_CLASS_UID)),
                    "00200013": value("IS", json!(slice)), "00280008": value("IS", json!(3)),
                })
            })
            .collect(),
    };
    Reply::json(200, &Value::Array(matches.into_iter().skip(offset).take(2).collect()))
}

#[tokio::test]
async fn a_study_is_read_page_by_page() {
    let server = Server::start(archive).await;
    let study = Uid::parse(sample_study::STUDY_INSTANCE_UID).expect("valid");
    let found = peer(&server).await.study(&study).await.expect("answers").expect("known");
    assert_eq!(found.facts.patient_name.as_deref(), Some("A^B==x^y"));
    assert_eq!(found.facts.issuer_of_patient_id.as_deref(), Some("ISSUER"));
    assert_eq!(found.facts.accession_number, None);
    let series = &found.facts.series[0];
    assert_eq!((series.modality.as_str(), series.number), ("CT", Some(1)));
    let numbers: Vec<_> = series.instances.iter().map(|instance| instance.number).collect();
    assert_eq!(numbers, (1..=5).map(Some).collect::<Vec<_>>());
    assert_eq!(series.instances[0].frames, Some(3));
    assert_eq!(found.unusable, 0);
    let other = Uid::parse("1.2.3").expect("valid");
    assert_eq!(peer(&server).await.study(&other).await, Ok(None), "a server that ignores the key finds nothing");
}

#[tokio::test]
async fn texts_come_from_an_instance_where_the_search_has_lost_characters() {
    let server = Server::start(|request| {
        if request.target.ends_with("/metadata") {
            return Reply::json(
                200,
                &json!([{"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Διονυσιος"}]},
                    "0008103E": {"vr": "LO", "Value": ["θώρακας"]}}]),
            );
        }
        let mut reply = archive(request);
        let mut matches: Value = serde_json::from_slice(&reply.body).expect("JSON");
        for found in matches.as_array_mut().expect("a list") {
            found["00080005"] = json!({"vr": "CS", "Value": ["ISO_IR 100"]});
        }
        reply.body = matches.to_string().into();
        reply
    })
    .await;
    let study = Uid::parse(sample_study::STUDY_INSTANCE_UID).expect("valid");
    let found = peer(&server).await.study(&study).await.expect("answers").expect("known");
    assert_eq!(found.facts.patient_name.as_deref(), Some("Διονυσιος"));
    assert_eq!(found.facts.series[0].description.as_deref(), Some("θώρακας"));
    assert_eq!(found.facts.series[0].instances.len(), 5);
}

#[tokio::test]
async fn an_archive_that_is_away_or_answers_nonsense_is_an_error() {
    let study = Uid::parse("1.2.3").expect("valid");
    for (reply, expected) in [
        (Reply::new(503, "").with("Retry-After", "9"), Retry::After(std::time::Duration::from_secs(9))),
        (Reply::new(401, ""), Retry::Never),
        (Reply::new(200, "<html>"), Retry::Never),
        (Reply::new(200, "[]").with("Content-Length", "9999999999"), Retry::Never),
    ] {
        let server = Server::start(move |_| reply.clone()).await;
        let error = peer(&server).await.study(&study).await.expect_err("no answer");
        assert_eq!(error.retry(), expected, "{error}");
        assert!(!error.to_string().contains("127.0.0.1"));
    }
    let nothing = Server::start(|_| Reply::new(204, "")).await;
    assert_eq!(peer(&nothing).await.study(&study).await, Ok(None));
}

fn image(frame: Option<u32>, longest_side_px: Option<u32>) -> ImageAddress {
    ImageAddress {
        study_instance_uid: Uid::parse("1.2.3").expect("valid"),
        series_instance_uid: Uid::parse("1.2.4").expect("valid"),
        sop_instance_uid: Uid::parse("1.2.5").expect("valid"),
        frame,
        longest_side_px,
    }
}

#[tokio::test]
async fn a_picture_is_asked_for_again_when_it_is_too_large() {
    let png = sample_study::png(3).expect("there");
    let server = Server::start(move |_| Reply::new(200, png.clone())).await;
    let peer = peer(&server).await;
    let rendered = peer.rendered(&image(Some(2), Some(512))).await.expect("answers").expect("there");
    assert_eq!(rendered.form, PictureForm::Png);
    peer.rendered(&image(None, Some(256))).await.expect("answers").expect("there");
    let targets: Vec<_> = server.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(
        targets,
        [
            "/base/studies/1.2.3/series/1.2.4/instances/1.2.5/frames/2/rendered",
            "/base/studies/1.2.3/series/1.2.4/instances/1.2.5/rendered",
            "/base/studies/1.2.3/series/1.2.4/instances/1.2.5/rendered?viewport=256,256",
        ]
    );
}

#[tokio::test]
async fn what_is_no_picture_is_no_answer() {
    let of = async |reply: Reply| {
        let server = Server::start(move |_| reply.clone()).await;
        peer(&server).await.rendered(&image(None, None)).await
    };
    assert_eq!(of(Reply::new(404, "")).await, Ok(None));
    assert!(matches!(of(Reply::new(200, "GIF89a")).await, Err(SourceError::Unreadable { .. })));
    assert!(matches!(of(Reply::new(406, "")).await, Err(SourceError::Refused { .. })));
    assert!(matches!(of(Reply::new(500, "")).await, Err(SourceError::Unavailable { .. })));
}
