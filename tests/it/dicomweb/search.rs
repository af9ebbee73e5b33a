//! QIDO-RS. PS3.18 §10.6.

use serde_json::{Value, json};

use crate::each_backend;
use crate::support::{Backend, Client, PUBLIC_URL, TestGateway};

use super::help::{file, files, get, image, image_set, integrator, stow, value};

each_backend!(
    each_level_returns_its_attributes,
    each_kind_of_matching_finds,
    what_cannot_be_searched_is_refused,
    pages_are_whole_and_say_what_is_left,
    viewers_get_what_they_ask_for,
    odd_character_sets_come_out_right,
    nothing_found_may_be_told_in_two_ways,
);

async fn loaded(gateway: &TestGateway) -> Client {
    let client = integrator(gateway).await;
    let all: Vec<Vec<u8>> =
        files("studies").iter().filter(|name| !name.contains("DICOMDIR")).map(|name| file(name)).collect();
    stow(&client, &all).await.expect(200);
    client
}

async fn found(client: &Client, path: &str) -> Vec<Value> {
    let answer = get(client, &format!("/dicom-web{path}"), &[]).await.expect(200);
    assert_eq!(answer.must("content-type"), "application/dicom+json");
    answer.json().as_array().cloned().expect("a list")
}

async fn each_level_returns_its_attributes(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = loaded(&gateway).await;
    let studies = found(&client, "/studies").await;
    assert!(studies.len() > 1);
    for study in &studies {
        for tag in [
            "00080005", "00080020", "00080030", "00080050", "00080056", "00080061", "00080090", "00081190", "00100010",
            "00100020", "00100030", "00100040", "0020000D", "00200010", "00201206", "00201208",
        ] {
            assert!(study.get(tag).is_some(), "{tag} is not in {study}");
        }
        let uid = value(study, "0020000D").as_str().expect("a UID");
        assert_eq!(value(study, "00081190"), &json!(format!("{PUBLIC_URL}/dicom-web/studies/{uid}")));
        assert_eq!(value(study, "00080005"), "ISO_IR 192");
        assert!(study.get("00080060").is_none() && study.get("00080018").is_none(), "nothing of lower levels");
        let keys: Vec<&String> = study.as_object().expect("an object").keys().collect();
        assert!(keys.is_sorted(), "{keys:?}");
        let series = found(&client, &format!("/studies/{uid}/series")).await;
        assert_eq!(value(study, "00201206"), series.len());
        let instances = found(&client, &format!("/studies/{uid}/instances")).await;
        assert_eq!(value(study, "00201208"), instances.len());
        let mut counted = 0;
        for one in &series {
            for tag in ["00080060", "00081190", "0020000D", "0020000E", "00200011", "00201209"] {
                assert!(one.get(tag).is_some(), "{tag} is not in {one}");
            }
            let uid_of_series = value(one, "0020000E").as_str().expect("a UID");
            let inside = found(&client, &format!("/studies/{uid}/series/{uid_of_series}/instances")).await;
            assert_eq!(value(one, "00201209"), inside.len());
            counted += inside.len();
            for instance in &inside {
                for tag in ["00080016", "00080018", "00081190", "00200013"] {
                    assert!(instance.get(tag).is_some(), "{tag} is not in {instance}");
                }
            }
        }
        assert_eq!(counted, instances.len());
    }
    let all = found(&client, "/series").await;
    assert!(all.iter().all(|series| series.get("00100020").is_some()), "those of the study are with them");
    let all = found(&client, "/instances?includefield=all").await;
    assert!(all.iter().all(|instance| instance.get("00100020").is_some() && instance.get("00080060").is_some()));
    assert!(found(&client, "/studies/1.2.3/series").await.is_empty(), "an unknown study has none");
}

async fn each_kind_of_matching_finds(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = loaded(&gateway).await;
    let all = found(&client, "/studies").await;
    let first = &all[0];
    let text = |tag: &str| value(first, tag).as_str().unwrap_or_default().to_owned();
    let (uid, patient, date) = (text("0020000D"), text("00100020"), text("00080020"));
    let name = first["00100010"]["Value"][0]["Alphabetic"].as_str().expect("a name").to_owned();
    let family = name.split('^').next().expect("a part").to_lowercase();
    let holds = async |parameter: &str| {
        let rows = found(&client, &format!("/studies?{parameter}")).await;
        (rows.len(), rows.iter().any(|row| value(row, "0020000D") == uid.as_str()))
    };
    for parameter in [
        format!("StudyInstanceUID={uid}"),
        format!("0020000D={uid}"),
        format!("StudyInstanceUID={uid},1.2.3"),
        format!("StudyInstanceUID=1.2.3%5C{uid}"),
        format!("PatientID={patient}"),
        format!("patientid={patient}"),
        format!("PatientName={}", name.to_uppercase().replace('^', "%5E")),
        format!("PatientName={family}*"),
        format!("PatientName=%2A{}%2A", &family[1..]),
        format!("PatientName=?{}*", &family[1..]),
        format!("StudyDate={date}"),
        format!("StudyDate={date}-"),
        format!("StudyDate=-{date}"),
        format!("StudyDate={date}-{date}"),
        "PatientID=".to_owned(),
        "PatientID=*".to_owned(),
        "StudyDate=19000101-20991231".to_owned(),
    ] {
        assert!(holds(&parameter).await.1, "{parameter}");
    }
    for parameter in [
        "StudyInstanceUID=1.2.3".to_owned(),
        "PatientID=nobody".to_owned(),
        "PatientID=%25".to_owned(),
        "PatientID=_".to_owned(),
        format!("PatientID={}", patient.replace(|_: char| true, "_")),
        "StudyDate=19000101-19000102".to_owned(),
        "ModalitiesInStudy=XX".to_owned(),
    ] {
        assert_eq!(holds(&parameter).await.0, 0, "{parameter}");
    }
    let modality = text("00080061");
    assert!(holds(&format!("ModalitiesInStudy={modality}")).await.1);
    assert!(holds(&format!("ModalitiesInStudy=XX,{modality}")).await.1);
    let series = found(&client, &format!("/series?Modality={modality}&PatientID={patient}")).await;
    assert!(!series.is_empty() && series.iter().all(|one| value(one, "00080060") == modality.as_str()));
    // Nothing in it, or nothing that is there.
    let mut bare = image_set(77, 1, 1);
    causeway::dicom::element::put_empty(&mut bare, dicom_dictionary_std::tags::ACCESSION_NUMBER, dicom_core::VR::SH);
    let written =
        causeway::dicom::part10::write(&bare, causeway::dicom::part10::TransferSyntax::ExplicitVrLittleEndian);
    stow(&client, &[written.expect("is written"), image(78, 1, 1)]).await.expect(200);
    let empty = found(&client, "/studies?AccessionNumber=%22%22&emptyvaluematching=true&PatientID=P7*").await;
    assert_eq!(empty.len(), 1);
    assert_eq!(value(&empty[0], "00100020"), "P77");
    let many = "/studies?multiplevaluematching=true&PatientID=%22P77%22%5C%22P78%22";
    assert_eq!(found(&client, many).await.len(), 2);
}

async fn what_cannot_be_searched_is_refused(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = loaded(&gateway).await;
    let long = format!("PatientName={}", "*a".repeat(3000));
    for bad in [
        "FooBar=1",
        "Rows=512",
        "00280010=512",
        "RescaleSlope=1",
        "Modality=CT",
        "StudyDate=2026-11-20",
        "StudyDate=20261320",
        "StudyInstanceUID=1.x",
        "PatientID=a&PatientID=b",
        "PatientID=a&00100020=a",
        "PatientID=a%00b",
        "limit=-1",
        "limit=x",
        "offset=-5",
        "fuzzymatching=maybe",
        "includefield=FooBar",
        long.as_str(),
    ] {
        let answer = get(&client, &format!("/dicom-web/studies?{bad}"), &[]).await;
        assert_eq!(answer.status, 400, "{bad:.60}: {}", answer.text());
    }
    get(&client, "/dicom-web/studies", &[("Accept", "application/dicom+xml")]).await.expect(406);
    get(&client, "/dicom-web/studies/1..2/series", &[]).await.expect(400);
}

async fn pages_are_whole_and_say_what_is_left(backend: Backend) {
    let gateway = TestGateway::with(&backend, &["dicomweb.max_results=10"], "").await;
    let client = integrator(&gateway).await;
    let images: Vec<Vec<u8>> = (1..=25).map(|study| image(study, 1, 1)).collect();
    stow(&client, &images).await.expect(200);
    let mut seen = Vec::new();
    for (offset, left) in [(0, Some(15)), (10, Some(5)), (20, None)] {
        let answer = get(&client, &format!("/dicom-web/studies?offset={offset}"), &[]).await.expect(200);
        let warning = left.map(|left| {
            format!("299 {PUBLIC_URL}/dicom-web \"There are {left} additional results that can be requested\"")
        });
        assert_eq!(answer.header("warning"), warning.as_deref());
        for row in answer.json().as_array().expect("a list") {
            seen.push((value(row, "00080020").to_string(), value(row, "0020000D").to_string()));
        }
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.windows(2).all(|pair| pair[0].0 >= pair[1].0), "the latest first: {seen:?}");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 25, "none twice");
    let none = get(&client, "/dicom-web/studies?limit=0", &[]).await.expect(200);
    assert_eq!((none.text().as_str(), none.header("warning").is_some()), ("[]", true));
    let capped = get(&client, "/dicom-web/studies?limit=100000", &[]).await.expect(200);
    assert_eq!(capped.json().as_array().map(Vec::len), Some(10));
    assert_eq!(get(&client, "/dicom-web/studies?offset=1000", &[]).await.expect(200).text(), "[]");
}

async fn viewers_get_what_they_ask_for(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = loaded(&gateway).await;
    let ohif = "application/dicom+json, multipart/related; type=application/octet-stream; transfer-syntax=*; transfer-syntax=*";
    let query =
        "/dicom-web/studies?limit=101&offset=0&fuzzymatching=false&includefield=00081030%2C00080060&PatientName=*o*";
    let answer = get(&client, query, &[("Accept", ohif)]).await.expect(200);
    assert_eq!(answer.must("content-type"), "application/dicom+json");
    for row in answer.json().as_array().expect("a list") {
        assert!(row.get("00080061").is_some() && row.get("00201208").is_some() && row.get("00081030").is_some());
    }
    let plain = get(&client, "/dicom-web/studies", &[("Accept", "application/json")]).await.expect(200);
    assert_eq!(plain.must("content-type"), "application/json");
    let by_query = get(&client, "/dicom-web/studies?accept=application/dicom%2Bjson", &[("Accept", "image/png")]).await;
    by_query.expect(200);
    let packed =
        get(&client, "/dicom-web/instances?includefield=all", &[("Accept-Encoding", "gzip")]).await.expect(200);
    assert_eq!(packed.must("content-encoding"), "gzip");
    let fuzzy = get(&client, "/dicom-web/studies?fuzzymatching=true&PatientName=Nobody", &[]).await.expect(200);
    assert_eq!(fuzzy.text(), "[]");
    assert_eq!(
        get(&client, "/dicomweb/studies", &[]).await.expect(200).json(),
        plain.json(),
        "under its other name too"
    );
}

async fn odd_character_sets_come_out_right(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    for (name, group, part) in [
        ("charset/chrH31.dcm", "Ideographic", "山田"),
        ("charset/chrI2.dcm", "Ideographic", "洪"),
        ("charset/chrGreek.dcm", "Alphabetic", "Διον"),
        ("charset/chrX1.dcm", "Ideographic", "王"),
        ("charset/chrRuss.dcm", "Alphabetic", "Л"),
    ] {
        let sent = file(name);
        stow(&client, std::slice::from_ref(&sent)).await;
        let study = super::help::Names::of(&sent).study;
        let rows = found(&client, &format!("/studies?StudyInstanceUID={study}")).await;
        let shown = rows[0]["00100010"]["Value"][0][group].as_str().unwrap_or_default().to_owned();
        assert!(shown.contains(part), "{name}: {shown} in {}", rows[0]["00100010"]);
        let percent = part.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
        let by_name = found(&client, &format!("/studies?PatientName=*{percent}*&StudyInstanceUID={study}")).await;
        assert_eq!(by_name.len(), 1, "{name}");
    }
}

async fn nothing_found_may_be_told_in_two_ways(backend: Backend) {
    let gateway = TestGateway::with(&backend, &["dicomweb.empty_search=no-content"], "").await;
    let client = integrator(&gateway).await;
    let answer = get(&client, "/dicom-web/studies", &[]).await.expect(204);
    assert!(answer.body.is_empty());
}
