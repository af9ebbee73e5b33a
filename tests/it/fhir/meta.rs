//! `$meta`, `$meta-add`, `$meta-delete`. R4 resource-operation-meta.html.

use causeway::access::Role;
use causeway::base::TenantId;
use causeway::ops::tokens::TokenRequest;
use serde_json::{Value, json};

use crate::each_backend;
use crate::support::{Answer, Backend, TestGateway, token};

each_backend!(
    what_resources_carry_is_told,
    labels_are_added_and_taken_away_in_versions,
    scopes_hold_for_it,
    bad_input_is_refused,
);

const PROFILE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";

fn tag(code: &str) -> Value {
    json!({"system": "http://example.org/tags", "code": code})
}

fn with_meta(meta: &Value) -> Value {
    json!({"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]})
}

fn returned(answer: &Answer) -> Value {
    let body = answer.json();
    assert_eq!(body["resourceType"], "Parameters");
    body["parameter"][0]["valueMeta"].clone()
}

async fn what_resources_carry_is_told(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let nothing = client.get("/fhir/r4/$meta").await.expect(200).json();
    assert_eq!(nothing, json!({"resourceType": "Parameters"}));
    let patient =
        json!({"resourceType": "Patient", "id": "p-1", "meta": {"profile": [PROFILE], "tag": [tag("b"), tag("a")]}});
    let basic = json!({"resourceType": "Basic", "id": "b-1", "code": {"text": "x"}, "meta": {"tag": [tag("a"), {"code": "c"}],
        "security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]}});
    client.put("/fhir/r4/Patient/p-1", &patient).await.expect(201);
    client.put("/fhir/r4/Basic/b-1", &basic).await.expect(201);
    let of_system = returned(&client.get("/fhir/r4/$meta").await.expect(200));
    let label = json!({"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"});
    let tags = json!([{"code": "c"}, tag("a"), tag("b")]);
    assert_eq!(of_system, json!({"profile": [PROFILE], "security": [label], "tag": tags}));
    let of_type =
        returned(&client.post("/fhir/r4/Patient/$meta", &json!({"resourceType": "Parameters"})).await.expect(200));
    assert_eq!(of_type, json!({"profile": [PROFILE], "tag": [tag("a"), tag("b")]}));
    let one = client.get("/fhir/r4/Patient/p-1/$meta").await.expect(200);
    assert_eq!((&returned(&one)["versionId"], one.tag().as_str()), (&json!("1"), "W/\"1\""));
    assert_eq!(returned(&one)["tag"], json!([tag("b"), tag("a")]));
    assert_eq!(returned(&client.get("/fhir/r4/Patient/p-1/_history/1/$meta").await.expect(200)), returned(&one));
    client.delete("/fhir/r4/Patient/p-1").await.expect(204);
    client.get("/fhir/r4/Patient/p-1/$meta").await.expect(410);
    assert_eq!(client.get("/fhir/r4/Patient/$meta").await.expect(200).json()["parameter"], Value::Null);
}

async fn labels_are_added_and_taken_away_in_versions(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let patient = json!({"resourceType": "Patient", "id": "p-1", "meta": {"tag": [tag("a")]}, "active": true});
    client.put("/fhir/r4/Patient/p-1", &patient).await.expect(201);
    let add = "/fhir/r4/Patient/p-1/$meta-add";
    let added =
        client.post(add, &with_meta(&json!({"tag": [tag("a"), tag("b")], "profile": [PROFILE]}))).await.expect(200);
    assert_eq!((added.tag().as_str(), &returned(&added)["tag"]), ("W/\"2\"", &json!([tag("a"), tag("b")])));
    let again = client.post(add, &with_meta(&json!({"tag": [tag("b")]}))).await.expect(200);
    assert_eq!(again.tag(), "W/\"2\"", "what is there makes no version");
    assert_eq!(client.get("/fhir/r4/Patient?_tag=b").await.expect(200).json()["total"], 1);
    let delete = "/fhir/r4/Patient/p-1/$meta-delete";
    let deleted = client.post(delete, &with_meta(&json!({"tag": [tag("a"), tag("b")]}))).await.expect(200);
    assert_eq!((&returned(&deleted)["tag"], &returned(&deleted)["profile"]), (&Value::Null, &json!([PROFILE])));
    assert_eq!(client.get("/fhir/r4/Patient?_tag=b").await.expect(200).json()["total"], 0);
    let now = client.get("/fhir/r4/Patient/p-1").await.expect(200).json();
    assert_eq!((&now["active"], &now["meta"]["versionId"]), (&json!(true), &json!("3")));
    let history = client.get("/fhir/r4/Patient/p-1/_history").await.expect(200).json();
    assert_eq!(history["total"], 3);
    let body = with_meta(&json!({"tag": [tag("z")]})).to_string();
    let stale = [("Content-Type", "application/fhir+json"), ("If-Match", "W/\"1\"")];
    client.send("POST", add, &stale, body.as_bytes()).await.expect(412);
}

async fn scopes_hold_for_it(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    client.put("/fhir/r4/Patient/p-1", &json!({"resourceType": "Patient", "id": "p-1"})).await.expect(201);
    let narrowed = async |scope: &str| {
        let request = TokenRequest { scope: Some(scope.to_owned()), ..token("narrow", &[Role::Integrator]) };
        gateway.client(&TenantId::default_tenant(), request).await
    };
    let meta = with_meta(&json!({"tag": [tag("a")]}));
    for (scope, of_system, of_type, of_one, change) in [
        ("user/Patient.r", 403, 403, 200, 403),
        ("user/Patient.rs", 403, 200, 200, 403),
        ("user/Patient.u", 403, 403, 403, 200),
        ("user/*.rs", 200, 200, 200, 403),
        ("user/Observation.cruds", 403, 403, 403, 403),
        ("patient/*.cruds user/Observation.cruds", 403, 403, 403, 403),
    ] {
        let client = narrowed(scope).await;
        assert_eq!(client.get("/fhir/r4/$meta").await.status, of_system, "{scope}");
        assert_eq!(client.get("/fhir/r4/Patient/$meta").await.status, of_type, "{scope}");
        assert_eq!(client.get("/fhir/r4/Patient/p-1/$meta").await.status, of_one, "{scope}");
        for operation in ["$meta-add", "$meta-delete"] {
            assert_eq!(
                client.post(&format!("/fhir/r4/Patient/p-1/{operation}"), &meta).await.status,
                change,
                "{scope}"
            );
        }
    }
    gateway.role(Role::Clinician).await.post("/fhir/r4/Patient/p-1/$meta-add", &meta).await.expect(403);
    gateway.nobody().get("/fhir/r4/$meta").await.expect(401);
}

async fn bad_input_is_refused(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    client.put("/fhir/r4/Patient/p-1", &json!({"resourceType": "Patient", "id": "p-1"})).await.expect(201);
    let add = "/fhir/r4/Patient/p-1/$meta-add";
    for (body, named) in [
        (json!({"resourceType": "Parameters"}), "meta"),
        (json!({"resourceType": "Parameters", "parameter": [{"name": "meta", "valueString": "x"}]}), "meta"),
        (with_meta(&json!({"source": "http://example.org"})), "meta"),
        (with_meta(&json!({"tag": [{"system": "x"}]})), "meta.tag"),
        (with_meta(&json!({"profile": [1]})), "meta.profile"),
        (json!({"resourceType": "Patient"}), ""),
    ] {
        let refused = client.post(add, &body).await.expect(400);
        assert!(refused.named().iter().any(|path| path == named), "{body}: {}", refused.text());
    }
    let part =
        json!({"tag": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}]});
    client.post(add, &with_meta(&part)).await.expect(400);
    let meta = with_meta(&json!({"tag": [tag("a")]}));
    client.post("/fhir/r4/Patient/nobody/$meta-add", &meta).await.expect(404);
    client.post("/fhir/r4/Nothing/p-1/$meta-add", &meta).await.expect(404);
    client.post("/fhir/r4/Patient/p-1/_history/1/$meta-add", &meta).await.expect(404);
    client.get(add).await.expect(405);
    client.post("/fhir/r4/ImagingStudy/x/$meta-add", &meta).await.expect(405);
    client.get("/fhir/r4/Patient/p-1/$meta?colour=red").await.expect(400);
    assert_eq!(client.get("/fhir/r4/Patient/p-1").await.expect(200).json()["meta"]["versionId"], "1");
}
