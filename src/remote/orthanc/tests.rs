use serde_json::json;

use super::*;
use crate::base::Uid;
use crate::dicom::sample_study;
use crate::dicom::source::{ImageAddress, SourceError, StudySource};
use crate::dicom::status::StoreClass;
use crate::remote::testing::{Reply, Request, Server, clock, slices};

async fn peer(server: &Server) -> OrthancPeer {
    OrthancPeer::new(&server.settings(PeerKind::Orthanc), clock()).await.expect("good settings")
}

fn slice() -> Instance {
    slices(1).remove(0)
}

async fn stored(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Result<StoreOutcome, HttpError> {
    let server = Server::start(answer).await;
    Ok(peer(&server).await.store(&[slice()]).await?.remove(0))
}

#[tokio::test]
async fn a_stored_instance_is_stored() {
    let outcome = stored(|_| Reply::json(200, &json!({"ID": "a", "Status": "Success"}))).await.expect("answered");
    assert_eq!(outcome.class, StoreClass::Success);
    let outcome = stored(|_| Reply::json(200, &json!({"ID": "a", "Status": "FilteredOut"}))).await.expect("answered");
    assert_eq!(outcome.class, StoreClass::Failed);
    let outcome = stored(|_| Reply::json(400, &json!({"Details": "x"}))).await.expect("answered");
    assert_eq!(outcome.class, StoreClass::Failed);
    assert!(matches!(stored(|_| Reply::new(507, "")).await, Err(HttpError::Status { status: 507, .. })));
    assert!(matches!(stored(|_| Reply::new(200, "{}")).await, Err(HttpError::Unreadable(_))));
}

#[tokio::test]
async fn an_instance_that_was_there_before_is_compared() {
    let held = |file: Vec<u8>| {
        move |request: &Request| match request.method.as_str() {
            "POST" => Reply::json(200, &json!({"ID": "a-b", "Status": "AlreadyStored"})),
            _ => {
                assert_eq!(request.target, "/base/instances/a-b/file");
                Reply::new(200, file.clone())
            }
        }
    };
    let same = slice().file().to_vec();
    let outcome = stored(held(same.clone())).await.expect("answered");
    assert_eq!(outcome.class, StoreClass::Success);
    let mut other_preamble = same.clone();
    other_preamble[0] = 1;
    assert_eq!(stored(held(other_preamble)).await.expect("answered").class, StoreClass::Success);
    let mut other = same.clone();
    *other.last_mut().expect("bytes") ^= 1;
    assert_eq!(stored(held(other)).await.expect("answered").class, StoreClass::Failed);
    let longer = [same, vec![0; 10]].concat();
    assert_eq!(stored(held(longer)).await.expect("answered").class, StoreClass::Failed);
}

/// An Orthanc that holds one study of one series with two instances.
fn archive(request: &Request) -> Reply {
    let png = || sample_study::png(3).expect("there");
    match (request.target.as_str(), request.text().as_str()) {
        ("/base/tools/find", question) if question.contains("\"Level\":\"Study\"") => {
            let known = question.contains("\"1.2.3\"");
            let study = json!({
                "ID": "st", "Series": ["se"],
                "MainDicomTags": {"StudyDate": "20260112", "AccessionNumber": ""},
                "PatientMainDicomTags": {"PatientID": "P1", "PatientName": "A^B"},
            });
            Reply::json(200, &if known { json!([study]) } else { json!([]) })
        }
        ("/base/tools/find", question) => {
            Reply::json(200, &if question.contains("\"1.2.5\"") { json!(["in"]) } else { json!([]) })
        }
        ("/base/series/se", _) => Reply::json(
            200,
            &json!({"Instances": ["in", "in2"], "MainDicomTags": {"SeriesInstanceUID": "1.2.4", "Modality": "MR", "SeriesNumber": "2"}}),
        ),
        ("/base/instances/in/simplified-tags", _) => Reply::json(200, &json!({"IssuerOfPatientID": "ISSUER"})),
        ("/base/tools/bulk-content", _) => Reply::json(
            200,
            &json!([
                {"MainDicomTags": {"SOPInstanceUID": "1.2.6", "InstanceNumber": "2"}, "Metadata": {"SopClassUid": "1.2.840.10008.5.1.4.1.1.4"}},
                {"MainDicomTags": {"SOPInstanceUID": "1.2.5", "InstanceNumber": "1"}, "Metadata": {"SopClassUid": "1.2.840.10008.5.1.4.1.1.4"}},
            ]),
        ),
        ("/base/instances/in/frames/0/rendered", _) => Reply::new(200, png()),
        ("/base/instances/in/frames/7/rendered", _) => Reply::json(400, &json!({"HttpStatus": 400})),
        _ => Reply::new(404, ""),
    }
}

#[tokio::test]
async fn a_study_is_read_from_the_index() {
    let server = Server::start(archive).await;
    let peer = peer(&server).await;
    let found = peer.study(&Uid::parse("1.2.3").expect("valid")).await.expect("answers").expect("known");
    assert_eq!(found.facts.patient_id.as_deref(), Some("P1"));
    assert_eq!(found.facts.issuer_of_patient_id.as_deref(), Some("ISSUER"));
    assert_eq!(found.facts.accession_number, None);
    let instances: Vec<_> = found.facts.series[0].instances.iter().map(|instance| instance.uid.as_str()).collect();
    assert_eq!(instances, ["1.2.5", "1.2.6"]);
    assert_eq!(peer.study(&Uid::parse("1.2.9").expect("valid")).await, Ok(None));
}

#[tokio::test]
async fn a_study_under_two_patients_belongs_to_neither() {
    let server = Server::start(|_| Reply::json(200, &json!([{"ID": "a"}, {"ID": "b"}]))).await;
    let answer = peer(&server).await.study(&Uid::parse("1.2.3").expect("valid")).await;
    assert!(matches!(answer, Err(SourceError::Unreadable { .. })));
}

#[tokio::test]
async fn frames_count_from_one() {
    let server = Server::start(archive).await;
    let peer = peer(&server).await;
    let image = |instance: &str, frame| ImageAddress {
        study_instance_uid: Uid::parse("1.2.3").expect("valid"),
        series_instance_uid: Uid::parse("1.2.4").expect("valid"),
        sop_instance_uid: Uid::parse(instance).expect("valid"),
        frame,
        longest_side_px: None,
    };
    for frame in [None, Some(1)] {
        assert!(peer.rendered(&image("1.2.5", frame)).await.expect("answers").is_some());
    }
    for (instance, frame) in [("1.2.5", Some(8)), ("1.2.5", Some(0)), ("1.2.7", None)] {
        assert_eq!(peer.rendered(&image(instance, frame)).await, Ok(None));
    }
}
