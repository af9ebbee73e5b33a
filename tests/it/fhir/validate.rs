//! Validation: on writes, by policy, and by `$validate`. R4 validation.html, resource-operation-validate.html.

use causeway::access::Role;
use causeway::fhir::profile::Policy;
use serde_json::{Value, json};

use super::packages::{admin, with_us_core};
use crate::each_backend;
use crate::support::{Answer, Backend, Client, TestGateway};

each_backend!(
    a_write_is_held_to_the_profiles_that_it_claims,
    a_transaction_is_held_to_them_too,
    the_policy_says_what_becomes_of_what_breaks_rules,
    what_is_no_fhir_is_refused_whatever_the_policy,
    a_resource_is_validated_by_itself_and_by_parameters,
    a_stored_resource_is_validated,
    modes_ask_what_the_action_would_meet,
    a_wrong_question_is_an_error,
);

const PATIENT: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";

fn bare() -> Value {
    json!({"resourceType": "Patient", "meta": {"profile": [PATIENT]}, "name": [{"family": "Aubel"}]})
}

fn whole() -> Value {
    let mut patient = bare();
    patient["identifier"] = json!([{"system": "urn:h", "value": "1"}]);
    patient["gender"] = json!("female");
    patient
}

/// Severity, code and place of each issue.
#[track_caller]
fn issues(answer: &Answer) -> Vec<(String, String, String)> {
    let body = answer.json();
    assert_eq!(body["resourceType"], "OperationOutcome", "{body}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = body["issue"].as_array().expect("issues");
    all.iter().map(|one| (text(&one["severity"]), text(&one["code"]), text(&one["expression"][0]))).collect()
}

#[track_caller]
fn errors(answer: &Answer) -> Vec<String> {
    let all = issues(answer).into_iter();
    all.filter(|(severity, ..)| severity == "error").map(|(_, code, place)| format!("{code} {place}")).collect()
}

async fn post_for_outcome(client: &Client, path: &str, body: &Value) -> Answer {
    let headers = [("Content-Type", "application/fhir+json"), ("Prefer", "return=OperationOutcome")];
    client.send("POST", path, &headers, body.to_string().as_bytes()).await
}

async fn a_write_is_held_to_the_profiles_that_it_claims(backend: Backend) {
    let gateway = with_us_core(&backend).await;
    let client = gateway.role(Role::Radiologist).await;
    let refused = client.post("/fhir/r4/Patient", &bare()).await.expect(422);
    assert_eq!(errors(&refused), ["required Patient.identifier", "required Patient.gender"]);
    let made = client.post("/fhir/r4/Patient", &whole()).await.expect(201).json();
    let id = made["id"].as_str().expect("an id");
    // Nobody takes it away by an update or a patch.
    let mut update = bare();
    update["id"] = json!(id);
    client.put(&format!("/fhir/r4/Patient/{id}"), &update).await.expect(422);
    let patch = json!([{"op": "remove", "path": "/gender"}]);
    let headers = [("Content-Type", "application/json-patch+json")];
    let path = format!("/fhir/r4/Patient/{id}");
    let refused = client.send("PATCH", &path, &headers, patch.to_string().as_bytes()).await.expect(422);
    assert_eq!(errors(&refused), ["required Patient.gender"]);
    // Who claims nothing is held to the base alone; a claim that cannot be checked is noted.
    client.post("/fhir/r4/Patient", &json!({"resourceType": "Patient"})).await.expect(201);
    let mut other = whole();
    other["meta"]["profile"] = json!(["http://example.org/unknown"]);
    let kept = post_for_outcome(&client, "/fhir/r4/Patient", &other).await.expect(201);
    let unknown = ("warning".to_owned(), "not-found".to_owned(), "Patient.meta.profile[0]".to_owned());
    assert!(issues(&kept).contains(&unknown), "{}", kept.text());
    assert_eq!(client.get("/fhir/r4/Patient?_summary=count").await.expect(200).json()["total"], 3);
}

async fn a_transaction_is_held_to_them_too(backend: Backend) {
    let gateway = with_us_core(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let post = |resource: Value| json!({"resource": resource, "request": {"method": "POST", "url": "Patient"}});
    let bundle = |kind: &str| json!({"resourceType": "Bundle", "type": kind, "entry": [post(whole()), post(bare())]});
    let refused = client.post("/fhir/r4", &bundle("transaction")).await.expect(422);
    assert_eq!(
        errors(&refused),
        ["required Bundle.entry[1].resource.identifier", "required Bundle.entry[1].resource.gender"]
    );
    assert_eq!(client.get("/fhir/r4/Patient").await.expect(200).json()["total"], 0);
    let done = client.post("/fhir/r4", &bundle("batch")).await.expect(200).json();
    let status = |at: usize| done["entry"][at]["response"]["status"].as_str().map(|text| text[..3].to_owned());
    assert_eq!((status(0).as_deref(), status(1).as_deref()), (Some("201"), Some("422")));
}

async fn the_policy_says_what_becomes_of_what_breaks_rules(backend: Backend) {
    let gateway = with_us_core(&backend).await;
    let client = gateway.role(Role::Radiologist).await;
    let ops = gateway.ops();
    assert_eq!(ops.validation_policy(&admin()).await.expect("is read"), Policy::Reject);
    // An invariant, a required code and a profile.
    let odd = json!({"resourceType": "Patient", "meta": {"profile": [PATIENT]}, "gender": "unsure", "contact": [{"gender": "male"}]});
    client.post("/fhir/r4/Patient", &odd).await.expect(400);

    ops.set_validation_policy(&admin(), Policy::Warn).await.expect("is set");
    let kept = post_for_outcome(&client, "/fhir/r4/Patient", &odd).await.expect(201);
    let found = issues(&kept);
    assert!(found.iter().all(|(severity, ..)| severity != "error"), "{found:?}");
    for (code, place) in
        [("code-invalid", "Patient.gender"), ("invariant", "Patient.contact[0]"), ("required", "Patient.identifier")]
    {
        assert!(found.contains(&("warning".into(), code.into(), place.into())), "{code} {place}: {found:?}");
    }
    let entry = json!({"resource": odd, "request": {"method": "POST", "url": "Patient"}});
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [entry]});
    let done = post_for_outcome(&client, "/fhir/r4", &bundle).await.expect(200).json();
    let outcome = &done["entry"][0]["response"]["outcome"]["issue"];
    assert!(outcome.as_array().is_some_and(|all| all.len() > 3), "{done}");

    ops.set_validation_policy(&admin(), Policy::Off).await.expect("is set");
    let kept = post_for_outcome(&client, "/fhir/r4/Patient", &odd).await.expect(201);
    assert_eq!(issues(&kept).len(), 1);
    // Who asks is told all the same.
    let asked = client.post("/fhir/r4/Patient/$validate", &odd).await.expect(200);
    assert!(errors(&asked).contains(&"code-invalid Patient.gender".to_owned()), "{}", asked.text());

    ops.set_validation_policy(&admin(), Policy::Reject).await.expect("is set");
    client.post("/fhir/r4/Patient", &odd).await.expect(400);
}

async fn what_is_no_fhir_is_refused_whatever_the_policy(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Radiologist).await;
    for policy in Policy::ALL {
        gateway.ops().set_validation_policy(&admin(), policy).await.expect("is set");
        for (wrong, place) in [
            (json!({"resourceType": "Patient", "sex": "f"}), "Patient.sex"),
            (json!({"resourceType": "Patient", "name": {"family": "x"}}), "Patient.name"),
            (json!({"resourceType": "Patient", "birthDate": "yesterday"}), "Patient.birthDate"),
            (json!({"resourceType": "Patient", "link": [{"type": "refer"}]}), "Patient.link[0].other"),
        ] {
            let refused = client.post("/fhir/r4/Patient", &wrong).await.expect(400);
            assert!(errors(&refused).iter().any(|error| error.ends_with(place)), "{policy:?} {}", refused.text());
        }
    }
}

async fn a_resource_is_validated_by_itself_and_by_parameters(backend: Backend) {
    let gateway = with_us_core(&backend).await;
    let client = gateway.role(Role::Clinician).await;
    let path = "/fhir/r4/Patient/$validate";
    let good = client.post(path, &whole()).await.expect(200);
    assert_eq!(issues(&good)[0], ("information".to_owned(), "informational".to_owned(), String::new()));
    assert!(errors(&good).is_empty() && good.text().contains("all ok"));
    let bad = client.post(path, &bare()).await.expect(200);
    assert_eq!(errors(&bad), ["required Patient.identifier", "required Patient.gender"]);
    assert!(!bad.text().contains("all ok"));

    let plain = json!({"resourceType": "Patient"});
    assert!(errors(&client.post(path, &plain).await.expect(200)).is_empty());
    let named = client.post(&format!("{path}?profile={PATIENT}"), &plain).await.expect(200);
    assert_eq!(errors(&named).len(), 3);
    let parameters = json!({"resourceType": "Parameters", "parameter": [
        {"name": "resource", "resource": plain}, {"name": "profile", "valueUri": PATIENT}, {"name": "mode", "valueCode": "profile"},
    ]});
    assert_eq!(errors(&client.post(path, &parameters).await.expect(200)).len(), 3);
    let unknown = client.post(&format!("{path}?profile=http://example.org/x"), &plain).await.expect(200);
    assert_eq!(errors(&unknown), ["not-found Patient"]);

    let broken = json!({"resourceType": "Patient", "sex": "f"});
    assert_eq!(errors(&client.post(path, &broken).await.expect(200)), ["structure Patient.sex"]);
    let other = json!({"resourceType": "Basic", "code": {"text": "x"}});
    assert_eq!(errors(&client.post(path, &other).await.expect(200)), ["structure resourceType"]);
    // Parameters are a resource too.
    let empty = json!({"resourceType": "Parameters", "parameter": [{"name": "x", "valueString": "y"}]});
    assert!(errors(&client.post("/fhir/r4/Parameters/$validate", &empty).await.expect(200)).is_empty());
    assert_eq!(client.get("/fhir/r4/Patient").await.expect(200).json()["total"], 0, "nothing was kept");
}

async fn a_stored_resource_is_validated(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Radiologist).await;
    let made = client.post("/fhir/r4/Patient", &bare()).await.expect(201).json();
    let path = format!("/fhir/r4/Patient/{}/$validate", made["id"].as_str().expect("an id"));
    assert!(errors(&client.get(&path).await.expect(200)).is_empty());
    gateway.ops().add_package(&admin(), super::packages::US_CORE.to_vec()).await.expect("is installed");
    let found = client.get(&path).await.expect(200);
    assert_eq!(errors(&found), ["required Patient.identifier", "required Patient.gender"]);
    assert!(errors(&client.post(&path, &whole()).await.expect(200)).is_empty());
    client.get("/fhir/r4/Patient/absent/$validate").await.expect(404);
}

async fn modes_ask_what_the_action_would_meet(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Radiologist).await;
    let ask = async |path: &str, body: &Value| errors(&client.post(path, body).await.expect(200));
    let patient = json!({"resourceType": "Patient"});
    assert!(ask("/fhir/r4/Patient/$validate?mode=create", &patient).await.is_empty());
    assert_eq!(ask("/fhir/r4/Patient/$validate?mode=update", &patient).await, ["required id"]);
    let named = json!({"resourceType": "Patient", "id": "a"});
    assert!(ask("/fhir/r4/Patient/$validate?mode=update", &named).await.is_empty());
    assert_eq!(ask("/fhir/r4/Patient/b/$validate?mode=update", &named).await, ["value id"]);
    let study = json!({"resourceType": "ImagingStudy", "status": "available", "subject": {"display": "x"}});
    assert_eq!(ask("/fhir/r4/ImagingStudy/$validate?mode=create", &study).await, ["invariant "]);
    let part = json!({"resourceType": "Patient", "meta": {"tag": [
        {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}]}});
    assert_eq!(ask("/fhir/r4/Patient/$validate?mode=create", &part).await, ["invariant meta.tag"]);
    // JSON null is no resource.
    let headers = [("Content-Type", "application/fhir+json")];
    client.send("POST", "/fhir/r4/Patient/a/$validate?mode=delete", &headers, b"null").await.expect(400);
    let gone = client.send("POST", "/fhir/r4/Patient/a/$validate?mode=delete", &[], b"").await.expect(200);
    assert!(errors(&gone).is_empty());
}

async fn a_wrong_question_is_an_error(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Radiologist).await;
    let patient = json!({"resourceType": "Patient"});
    for (path, status) in [
        ("/fhir/r4/Patient/$validate?mode=sideways", 400),
        ("/fhir/r4/Patient/$validate?mode=profile", 400),
        ("/fhir/r4/Patient/$validate?colour=red", 400),
        ("/fhir/r4/Nothing/$validate", 404),
    ] {
        client.post(path, &patient).await.expect(status);
    }
    client.send("POST", "/fhir/r4/Patient/$validate", &[], b"").await.expect(400);
    let headers = [("Content-Type", "application/fhir+json")];
    client.send("POST", "/fhir/r4/Patient/$validate", &headers, b"{\"resourceType\":").await.expect(400);
    gateway.nobody().post("/fhir/r4/Patient/$validate", &patient).await.expect(401);
}
