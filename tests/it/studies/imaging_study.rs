//! A study that has settled is an ImagingStudy, as long as it is kept.

use causeway::access::Role;
use causeway::base::Uid;
use causeway::dicom::query::StudyScope;
use serde_json::{Value, json};

use super::{Made, archivist, store, store_all};
use crate::each_backend;
use crate::support::samples::eventually;
use crate::support::{Backend, Client, PUBLIC_URL, TestGateway};

each_backend!(a_settled_study_is_an_imaging_study, what_somebody_else_keeps_stays, a_study_knows_whose_it_is);

const STUDY: &str = "1.2.7";

fn made(series: u32, number: u32) -> Made {
    Made::new(STUDY, &format!("1.2.7.{series}"), &format!("1.2.7.{series}.{number}"))
        .with(0x8, 0x20, *b"DA", "20261122")
        .with(0x8, 0x30, *b"TM", "093000")
        .with(0x8, 0x50, *b"SH", "ACC7")
        .with(0x8, 0x60, *b"CS", "CT")
        .with(0x8, 0x1030, *b"LO", "Chest")
        .with(0x10, 0x10, *b"PN", "Doe^Jane")
        .with(0x10, 0x20, *b"LO", "P7")
        .with(0x10, 0x21, *b"LO", "1.2.3.4")
        .with(0x20, 0x11, *b"IS", &series.to_string())
        .with(0x20, 0x13, *b"IS", &number.to_string())
}

async fn gateway(backend: &Backend) -> TestGateway {
    TestGateway::with(backend, &["archive.settle=5s"], "").await
}

/// The ImagingStudy of the study, once it says that it has so many instances.
async fn settled(gateway: &TestGateway, reader: &Client, instances: u64) -> Value {
    eventually("the ImagingStudy", async || {
        gateway.clock.advance_seconds(15);
        let study = found(reader).await?;
        (study["numberOfInstances"] == instances).then_some(study)
    })
    .await
}

async fn found(reader: &Client) -> Option<Value> {
    let path = format!("/fhir/r4/ImagingStudy?identifier=urn:dicom:uid|urn:oid:{STUDY}");
    let bundle = reader.get(&path).await.expect(200).json();
    bundle["entry"].as_array().and_then(|entries| entries.first()).map(|entry| entry["resource"].clone())
}

async fn a_settled_study_is_an_imaging_study(backend: Backend) {
    let gateway = gateway(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    let reader = gateway.role(Role::Integrator).await;
    for (series, number) in [(1, 1), (1, 2), (2, 1)] {
        store(ops, &actor, &made(series, number).file()).await;
    }
    assert_eq!(found(&reader).await, None, "not before it has settled");
    let study = settled(&gateway, &reader, 3).await;
    assert_eq!(study["meta"]["source"], format!("{PUBLIC_URL}/dicom-web"));
    assert_eq!(study["status"], "available");
    assert_eq!(study["started"], "2026-11-22");
    assert_eq!(study["description"], "Chest");
    assert_eq!(study["numberOfSeries"], 2);
    assert_eq!(study["modality"], json!([{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT"}]));
    assert_eq!(study["series"][0]["uid"], "1.2.7.1");
    assert_eq!(study["series"][0]["instance"][1]["uid"], "1.2.7.1.2");
    assert_eq!(study["series"][1]["instance"][0]["sopClass"]["code"], "urn:oid:1.2.840.10008.5.1.4.1.1.2");
    assert_eq!(study["subject"]["identifier"]["value"], "P7");
    assert_eq!(study["subject"]["reference"], Value::Null, "nobody has that identifier");
    let endpoint = study["endpoint"][0]["reference"].as_str().expect("names one");
    let endpoint = reader.get(&format!("/fhir/r4/{endpoint}")).await.expect(200).json();
    assert_eq!(endpoint["address"], format!("{PUBLIC_URL}/dicom-web"));
    assert_eq!(endpoint["connectionType"]["code"], "dicom-wado-rs");

    // The same again changes nothing; another instance makes a version.
    let id = study["id"].as_str().expect("has one").to_owned();
    let uid = Uid::parse(STUDY).expect("valid");
    assert_eq!(ops.settle_now(&actor, &uid).await.expect("settles").map(|id| id.to_string()), Some(id.clone()));
    assert_eq!(study["meta"]["versionId"], found(&reader).await.expect("is there")["meta"]["versionId"]);
    store(ops, &actor, &made(2, 2).file()).await;
    let changed = settled(&gateway, &reader, 4).await;
    assert_eq!((changed["id"].as_str(), changed["meta"]["versionId"].as_str()), (Some(id.as_str()), Some("2")));

    // Without one instance it says so, without any it is gone.
    let scope = |instance: Option<&str>| StudyScope {
        study: uid.clone(),
        series: None,
        instance: instance.map(|instance| Uid::parse(instance).expect("valid")),
    };
    ops.delete_study(&actor, &scope(Some("1.2.7.2.2"))).await.expect("is deleted");
    settled(&gateway, &reader, 3).await;
    ops.delete_study(&actor, &scope(None)).await.expect("is deleted");
    assert_eq!(found(&reader).await, None);
    reader.get(&format!("/fhir/r4/ImagingStudy/{id}")).await.expect(410);

    // And it may come again.
    store(ops, &actor, &made(1, 1).file()).await;
    let again = settled(&gateway, &reader, 1).await;
    assert_eq!(again["id"], id.as_str());
}

async fn a_study_knows_whose_it_is(backend: Backend) {
    let gateway = gateway(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    let writer = gateway.role(Role::Integrator).await;
    let patient = json!({
        "resourceType": "Patient",
        "identifier": [{"system": "urn:oid:1.2.3.4", "value": "P7"}],
        "name": [{"family": "Doe", "given": ["Jane"]}],
    });
    let patient = writer.post("/fhir/r4/Patient", &patient).await.expect(201).json();
    let patient = format!("Patient/{}", patient["id"].as_str().expect("has one"));
    let other = json!({"resourceType": "Patient", "identifier": [{"system": "urn:oid:1.2.3.5", "value": "P7"}]});
    writer.post("/fhir/r4/Patient", &other).await.expect(201);
    let order = json!({
        "resourceType": "ServiceRequest",
        "identifier": [{"system": "http://ris.example/accession", "value": "ACC7"}],
        "status": "active", "intent": "order", "subject": {"reference": patient},
    });
    let order = writer.post("/fhir/r4/ServiceRequest", &order).await.expect(201).json();
    store_all(ops, &actor, &[("one".into(), made(1, 1).file())]).await;
    let study = settled(&gateway, &writer, 1).await;
    assert_eq!(study["subject"]["reference"], patient.as_str());
    assert_eq!(study["subject"]["display"], "Jane Doe");
    let order = format!("ServiceRequest/{}", order["id"].as_str().expect("has one"));
    assert_eq!(study["basedOn"][0]["reference"], order.as_str());
    // It is in the patient's compartment.
    let everything = writer.get(&format!("/fhir/r4/{patient}/ImagingStudy")).await.expect(200).json();
    assert_eq!(everything["entry"].as_array().map(Vec::len), Some(1));
}

async fn what_somebody_else_keeps_stays(backend: Backend) {
    let flags = ["archive.settle=5s", "archive.imaging_studies=stored"];
    let gateway = TestGateway::with(&backend, &flags, "").await;
    let (ops, actor) = (gateway.ops(), archivist());
    let writer = gateway.role(Role::Integrator).await;
    let theirs = json!({
        "resourceType": "ImagingStudy",
        "identifier": [{"system": "urn:dicom:uid", "value": format!("urn:oid:{STUDY}")}],
        "status": "available", "subject": {"display": "somebody"},
    });
    let theirs = writer.post("/fhir/r4/ImagingStudy", &theirs).await.expect(201).json();
    store(ops, &actor, &made(1, 1).file()).await;
    let uid = Uid::parse(STUDY).expect("valid");
    assert_eq!(ops.settle_now(&actor, &uid).await.expect("settles"), None);
    let found = found(&writer).await.expect("is there");
    assert_eq!((&found["id"], &found["meta"]["versionId"]), (&theirs["id"], &json!("1")));
}
