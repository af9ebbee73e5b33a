//! The FHIR resources that a report is kept as: plain reads, shared resources, what an amendment leaves of
//! them, and tenants that see only their own.

use causeway::access::Role;
use causeway::base::{LogicalId, TenantId, VersionId};
use causeway::report::fhir::ids::{finding_id, measurement_id, provenance_id};
use dicom_dictionary_std::tags;
use serde_json::{Value, json};

use crate::each_backend;
use crate::support::samples::{create, items, measured, saying, short, text, with};
use crate::support::{Answer, Backend, Client, PUBLIC_URL, TestGateway, token};

each_backend!(
    every_resource_of_a_report_is_read,
    reads_tell_what_is_not_there,
    reports_share_their_patient,
    an_amendment_withdraws_what_it_leaves_out,
    an_amendment_names_its_predecessor_everywhere,
    what_is_presented_can_be_fetched,
    tenants_see_their_own,
);

fn id(text: &str) -> LogicalId {
    LogicalId::parse(text).expect("valid")
}

async fn resource(client: &Client, reference: &str) -> Answer {
    client.get(&format!("/fhir/r4/{reference}")).await.expect(200)
}

async fn provenance(client: &Client, report: &str, version: i32) -> Value {
    resource(client, &format!("Provenance/{}", provenance_id(&id(report), VersionId(version)))).await.json()
}

/// The references of a Provenance to what makes up its version.
fn references(provenance: &Value) -> Vec<String> {
    let targets = provenance["target"].as_array().expect("targets").iter();
    let sources = provenance["entity"].as_array().expect("entities").iter().filter(|entity| entity["role"] == "source");
    let what = sources.map(|entity| &entity["what"]);
    targets.chain(what).map(|reference| text(reference, "reference")).collect()
}

async fn every_resource_of_a_report_is_read(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &measured("final")).await;
    let all = references(&provenance(&doctor, &report, 1).await);
    let mut kinds: Vec<&str> = all.iter().map(|reference| reference.split('/').next().expect("a type")).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in [
        "DiagnosticReport",
        "DocumentReference",
        "ImagingStudy",
        "Observation",
        "Patient",
        "Practitioner",
        "ServiceRequest",
    ] {
        assert!(kinds.contains(&kind), "{kind} is not among {kinds:?}");
    }
    let clinician = gateway.role(Role::Clinician).await;
    for reference in &all {
        let (current, version) = reference.split_once("/_history/").expect("names a version");
        let read = resource(&clinician, current).await;
        assert_eq!(read.header("content-type"), Some("application/fhir+json; charset=utf-8"));
        assert_eq!(read.tag(), format!("W/\"{version}\""));
        let json = read.json();
        assert_eq!((format!("{}/{}", text(&json, "resourceType"), text(&json, "id")).as_str()), current);
        assert_eq!(json["meta"]["versionId"], version);
        assert!(read.header("last-modified").is_some());
        assert_eq!(resource(&clinician, reference).await.body, read.body, "vread gives the same bytes");
        let same = clinician.get_if(&format!("/fhir/r4/{current}"), "If-None-Match", &read.tag()).await;
        assert!(same.expect(304).body.is_empty());
        let alias = clinician.get(&format!("/fhir/{current}")).await.expect(200);
        assert_eq!(alias.body, read.body);
        let pretty = clinician.get(&format!("/fhir/r4/{current}?_pretty=true")).await.expect(200);
        assert!(pretty.json() == json && pretty.body.len() > read.body.len());
    }
    let measurement = measurement_id(&id(&report), "m4");
    let body = resource(&doctor, &format!("Observation/{measurement}")).await.text();
    assert!(body.contains("\"value\":35.0"), "the digits of the decimal are those of the report: {body}");
}

async fn reads_tell_what_is_not_there(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let metadata = gateway.nobody().get("/fhir/r4/metadata").await.expect(200).json();
    assert_eq!((&metadata["fhirVersion"], &metadata["status"]), (&json!("4.0.1"), &json!("active")));
    let offered = metadata["rest"][0]["resource"].as_array().expect("resources").clone();
    assert!(offered.iter().any(|offer| offer["type"] == "DiagnosticReport"));
    assert_eq!(gateway.nobody().get("/fhir/metadata").await.expect(200).json(), metadata);

    for (path, status, code) in [
        ("/fhir/r4/Patient/nothing", 404, "not-found"),
        ("/fhir/r4/Patient/nothing/_history/1", 404, "not-found"),
        ("/fhir/r4/Patients/nothing", 404, "not-found"),
        ("/fhir/r4/Patient/a%20b", 400, "value"),
        ("/fhir/r4/nowhere/at/all/1", 404, "not-found"),
    ] {
        let answer = doctor.get(path).await.expect(status);
        assert_eq!(answer.header("content-type"), Some("application/fhir+json; charset=utf-8"), "{path}");
        let outcome = answer.json();
        let found = (&outcome["resourceType"], &outcome["issue"][0]["code"]);
        assert_eq!(found, (&json!("OperationOutcome"), &json!(code)), "{path}");
    }
    let stranger = gateway.nobody().get("/fhir/r4/Patient/nothing").await.expect(401);
    assert_eq!(stranger.json()["issue"][0]["code"], "login");
    assert!(stranger.must("www-authenticate").starts_with("Bearer"));
    let admin = gateway.role(Role::Admin).await.get("/fhir/r4/Patient/nothing").await.expect(403);
    assert_eq!(admin.json()["issue"][0]["code"], "forbidden");
    doctor.get("/fhir/r4/Patient").await.expect(200);
    doctor.delete("/fhir/r4/Patient/x").await.expect(403);
}

async fn reports_share_their_patient(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (first, _) = create(&doctor, &short("final")).await;
    let before = doctor.get(&format!("/api/reports/{first}")).await.json();
    let subject = async |report: &str| {
        text(&resource(&doctor, &format!("DiagnosticReport/{report}")).await.json()["subject"], "reference")
    };
    let (second, _) = create(&doctor, &saying(short("final"), "Seen again.")).await;
    assert_eq!(subject(&first).await, subject(&second).await);
    let patient = resource(&doctor, &subject(&first).await).await;
    assert_eq!(patient.json()["meta"]["versionId"], "1", "nothing new was said of the patient");

    let renamed = with(short("final"), "/patient/name/family", "Smirnova");
    let (third, _) = create(&doctor, &renamed).await;
    assert_eq!(subject(&third).await, subject(&first).await);
    let patient = resource(&doctor, &subject(&first).await).await.json();
    assert_eq!((&patient["meta"]["versionId"], &patient["name"][0]["family"]), (&json!("2"), &json!("Smirnova")));
    let after = doctor.get(&format!("/api/reports/{first}")).await.json();
    assert_eq!(after, before, "a report says what it said, whatever others say later");

    let elsewhere = with(short("final"), "/patient/issuer", "ANOTHER HOSPITAL");
    let (fourth, _) = create(&doctor, &elsewhere).await;
    assert_ne!(subject(&fourth).await, subject(&first).await, "the same number of another issuer is someone else");
}

async fn an_amendment_withdraws_what_it_leaves_out(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &measured("final")).await;
    let mut fewer = measured("amended");
    fewer["measurements"].as_array_mut().expect("measurements").truncate(2);
    fewer["structuredFindings"] = json!([{"id": "f2", "text": "No nodule after all."}]);
    fewer["measurements"][0]["value"] = "17.0".into();
    doctor.post(&format!("/api/reports/{report}/amend"), &json!({"report": fewer})).await.expect(200);

    let report_id = id(&report);
    let status = async |observation: &LogicalId, version: &str| {
        text(&resource(&doctor, &format!("Observation/{observation}{version}")).await.json(), "status")
    };
    for gone in [finding_id(&report_id, "f1"), measurement_id(&report_id, "m3"), measurement_id(&report_id, "m4")] {
        assert_eq!(status(&gone, "").await, "entered-in-error");
        assert_eq!(status(&gone, "/_history/1").await, "final", "as it was");
    }
    for kept in [finding_id(&report_id, "f2"), measurement_id(&report_id, "m1")] {
        assert_ne!(status(&kept, "").await, "entered-in-error");
    }
    let now = resource(&doctor, &format!("DiagnosticReport/{report}")).await.json();
    let results: Vec<String> =
        now["result"].as_array().expect("results").iter().map(|result| text(result, "reference")).collect();
    assert!(results.iter().all(|result| !result.contains(measurement_id(&report_id, "m3").as_str())), "{results:?}");
    let former = doctor.get(&format!("/api/reports/{report}/versions/1")).await.expect(200).json();
    assert_eq!(former["measurements"], measured("final")["measurements"], "the version before says what it said");

    // What is named again is valid again.
    doctor.post(&format!("/api/reports/{report}/amend"), &json!({"report": measured("corrected")})).await.expect(200);
    assert_ne!(status(&measurement_id(&report_id, "m3"), "").await, "entered-in-error");
}

async fn an_amendment_names_its_predecessor_everywhere(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &measured("final")).await;
    let body = json!({"report": saying(measured("amended"), "Another one."), "reason": "A study came in."});
    doctor.post(&format!("/api/reports/{report}/amend"), &body).await.expect(200);

    let second = provenance(&doctor, &report, 2).await;
    let revised = second["entity"].as_array().expect("entities").iter().find(|entity| entity["role"] == "revision");
    let revised = text(&revised.expect("is a revision")["what"], "reference");
    assert_eq!(revised, format!("DiagnosticReport/{report}/_history/1"));
    assert_eq!(second["reason"][0]["text"], "A study came in.");

    let sr = async |version: i32| {
        let path = format!("/api/reports/{report}/versions/{version}/dicom-sr");
        let file = doctor.get(&path).await.expect(200);
        assert_eq!(file.header("content-type"), Some("application/dicom"));
        dicom_object::from_reader(std::io::Cursor::new(file.body)).expect("DICOM")
    };
    let (former, amended) = (sr(1).await, sr(2).await);
    assert!(former.element_opt(tags::PREDECESSOR_DOCUMENTS_SEQUENCE).expect("reads").is_none());
    let predecessor = amended.element(tags::PREDECESSOR_DOCUMENTS_SEQUENCE).expect("names it").items().expect("items");
    let study = &predecessor[0];
    let series = &study.element(tags::REFERENCED_SERIES_SEQUENCE).expect("a series").items().expect("items")[0];
    let instance = &series.element(tags::REFERENCED_SOP_SEQUENCE).expect("an instance").items().expect("items")[0];
    let named = |tag| instance.element(tag).expect("is named").to_str().expect("text").into_owned();
    let own = |tag| former.element(tag).expect("is there").to_str().expect("text").into_owned();
    assert_eq!(named(tags::REFERENCED_SOP_INSTANCE_UID), own(tags::SOP_INSTANCE_UID));
    assert_eq!(named(tags::REFERENCED_SOP_CLASS_UID), own(tags::SOP_CLASS_UID));
}

async fn what_is_presented_can_be_fetched(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    let presented = resource(&doctor, &format!("DiagnosticReport/{report}")).await.json()["presentedForm"].clone();
    let mut types = Vec::new();
    for form in presented.as_array().expect("forms") {
        let url = text(form, "url");
        let path = url.strip_prefix(PUBLIC_URL).unwrap_or_else(|| panic!("{url} is not ours"));
        let file = doctor.get(path).await.expect(200);
        assert_eq!(file.header("content-type"), form["contentType"].as_str());
        types.push(text(form, "contentType"));
        gateway.nobody().get(path).await.expect(401);
        gateway.role(Role::Admin).await.get(path).await.expect(403);
    }
    assert_eq!(types, ["text/plain; charset=utf-8", "application/pdf", "application/dicom"]);
    let document = resource(&doctor, &format!("DiagnosticReport/{report}")).await;
    let mut bundle = doctor.get(&format!("/api/reports/{report}/versions/1/fhir")).await.expect(200).json();
    let entries = bundle["entry"].as_array_mut().expect("entries");
    let in_bundle =
        entries.iter().map(|entry| &entry["resource"]).find(|found| found["resourceType"] == "DiagnosticReport");
    let in_bundle = in_bundle.expect("is in it");
    assert_eq!(in_bundle["id"], document.json()["id"]);
    for form in in_bundle["presentedForm"].as_array().expect("forms") {
        let path = text(form, "url");
        let file = doctor.get(path.strip_prefix(PUBLIC_URL).expect("ours")).await.expect(200);
        assert_eq!(form["size"].as_u64(), Some(file.body.len() as u64), "{path}");
    }
    doctor.get(&format!("/api/reports/{report}/versions/1/docx")).await.expect(404);
    doctor.get(&format!("/api/reports/{report}/versions/2/pdf")).await.expect(404);
    assert_eq!(doctor.get(&format!("/api/reports/{report}/versions/1/dicom-ko")).await.expect(422).named(), ["format"]);
}

async fn tenants_see_their_own(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let north = gateway.add_tenant("north").await;
    let ours = gateway.radiologist().await;
    let theirs = gateway.client(&north, token("radiologist-1", &[Role::Radiologist])).await;

    let report = with(short("final"), "/id", "same-id");
    ours.post("/api/reports", &report).await.expect(201);
    theirs.get("/api/reports/same-id").await.expect(404);
    assert!(items(&theirs.get("/api/reports").await.expect(200)).is_empty());
    let created = theirs.post("/api/reports", &saying(report, "Theirs.")).await.expect(201);
    assert_eq!(created.must("location"), format!("{PUBLIC_URL}/t/north/api/reports/same-id"));
    assert_eq!(
        ours.get("/api/reports/same-id").await.json()["sections"]["impression"],
        "Normal radiograph of the chest."
    );
    assert_eq!(items(&theirs.get("/api/reports").await.expect(200)).len(), 1);

    let document = resource(&theirs, "DiagnosticReport/same-id").await.json();
    let url = text(&document["presentedForm"][1], "url");
    let path = url.strip_prefix(&format!("{PUBLIC_URL}/t/north")).expect("is theirs");
    theirs.get(path).await.expect(200);

    let started = ours.post("/api/reports/same-id/export/pdf", &json!({})).await.expect(202).json();
    let export = text(&started, "exportId");
    theirs.get(&format!("/api/reports/export/status/{export}")).await.expect(404);
    theirs.get(&format!("/api/reports/export/download/{export}")).await.expect(404);
    crate::support::samples::finished(&ours, &export).await;

    // A token opens its own tenant, wherever it is shown.
    let crossed = gateway.bearer(&north, Some(ours.token().to_owned()));
    let refused = crossed.get("/api/reports").await.expect(401);
    assert!(refused.must("www-authenticate").contains("invalid_token"));
    gateway.bearer(&TenantId::default_tenant(), Some(theirs.token().to_owned())).get("/api/reports").await.expect(401);
    let south = TenantId::parse("south").expect("valid");
    gateway.bearer(&south, Some(ours.token().to_owned())).get("/api/reports").await.expect(404);
    gateway.nobody().get("/t/default/fhir/r4/metadata").await.expect(404);
    gateway.nobody().get("/t/north/health/live").await.expect(404);
    let metadata = gateway.nobody().get("/t/north/fhir/r4/metadata").await.expect(200).json();
    assert_eq!(metadata["implementation"]["url"], format!("{PUBLIC_URL}/t/north/fhir/r4"));
}
