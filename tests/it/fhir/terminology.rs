//! Questions about code systems and value sets. R4 terminology-service.html.

use causeway::access::Role;
use serde_json::{Value, json};

use crate::each_backend;
use crate::support::{Answer, Backend, TestGateway, token};

each_backend!(
    value_sets_of_r4_are_expanded,
    what_a_tenant_stored_is_expanded_by_its_id,
    what_a_tenant_stored_is_found_by_its_url,
    codes_are_validated,
    codes_are_looked_up_and_compared,
    what_cannot_be_answered_is_named,
    operations_that_do_not_exist_are_not_supported,
    the_capability_statement_lists_them,
);

const GENDER: &str = "http://hl7.org/fhir/ValueSet/administrative-gender";

fn codes(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    let contains = body["expansion"]["contains"].as_array().cloned().unwrap_or_default();
    contains.iter().map(|each| each["code"].as_str().expect("a code").to_owned()).collect()
}

fn parameter(answer: &Answer, name: &str) -> Value {
    let body = answer.json();
    assert_eq!(body["resourceType"], "Parameters");
    let found = body["parameter"].as_array().expect("parameters").iter().find(|each| each["name"] == name);
    let found = found.cloned().unwrap_or_default();
    found
        .as_object()
        .and_then(|found| found.iter().find(|(key, _)| key.starts_with("value")))
        .map_or(Value::Null, |(_, value)| value.clone())
}

fn issue(answer: &Answer) -> (String, String) {
    let body = answer.json();
    assert_eq!(body["resourceType"], "OperationOutcome");
    let text = |key: &str| body["issue"][0][key].as_str().unwrap_or_default().to_owned();
    (text("code"), text("diagnostics"))
}

async fn value_sets_of_r4_are_expanded(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Clinician).await;
    let by_get = client.get(&format!("/fhir/r4/ValueSet/$expand?url={GENDER}")).await.expect(200);
    assert_eq!(codes(&by_get), ["male", "female", "other", "unknown"]);
    assert!(by_get.header("content-type").is_some_and(|kind| kind.starts_with("application/fhir+json")));
    let body = by_get.json();
    assert_eq!((&body["resourceType"], &body["expansion"]["total"]), (&json!("ValueSet"), &json!(4)));
    assert!(body["expansion"]["identifier"].as_str().is_some_and(|text| text.starts_with("urn:uuid:")));
    assert!(body["expansion"]["timestamp"].is_string());

    let asked = json!({"resourceType": "Parameters", "parameter": [
        {"name": "url", "valueUri": GENDER}, {"name": "count", "valueInteger": 1}, {"name": "offset", "valueInteger": 1},
    ]});
    assert_eq!(codes(&client.post("/fhir/r4/ValueSet/$expand", &asked).await.expect(200)), ["female"]);
    assert_eq!(codes(&client.post("/fhir/ValueSet/$expand", &asked).await.expect(200)), ["female"]);

    let given = json!({"resourceType": "ValueSet", "status": "draft", "compose": {"include": [
        {"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor",
         "filter": [{"property": "concept", "op": "descendent-of", "value": "UNK"}]},
    ]}});
    let expanded = client.post("/fhir/r4/ValueSet/$expand?filter=not+asked", &given).await.expect(200);
    assert_eq!(codes(&expanded), ["NASK"]);
}

async fn what_a_tenant_stored_is_expanded_by_its_id(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let set = json!({"resourceType": "ValueSet", "id": "sides", "url": "urn:x:sides", "status": "active", "compose": {
        "include": [{"system": "http://snomed.info/sct", "concept": [
            {"code": "7771000", "display": "Left"}, {"code": "24028007", "display": "Right"}]},
            {"valueSet": [GENDER]}],
        "exclude": [{"system": "http://hl7.org/fhir/administrative-gender", "concept": [{"code": "unknown"}]}]}});
    client.put("/fhir/r4/ValueSet/sides", &set).await.expect(201);
    let expanded = client.get("/fhir/r4/ValueSet/sides/$expand").await.expect(200);
    assert_eq!(codes(&expanded), ["7771000", "24028007", "male", "female", "other"]);
    let body = expanded.json();
    assert_eq!((&body["id"], &body["url"]), (&json!("sides"), &json!("urn:x:sides")));
    assert!(body.get("compose").is_none());
    let whole = client.get("/fhir/r4/ValueSet/sides/$expand?includeDefinition=true").await.expect(200).json();
    assert_eq!(whole["compose"], set["compose"]);

    let system = "http%3A%2F%2Fsnomed.info%2Fsct";
    let asked = format!("/fhir/r4/ValueSet/sides/$validate-code?system={system}&code=7771000&display=left");
    assert_eq!(parameter(&client.get(&asked).await.expect(200), "result"), json!(true));

    let own = json!({"resourceType": "CodeSystem", "id": "ward", "url": "urn:x:ward", "status": "active",
        "content": "complete", "concept": [{"code": "A", "display": "Ward A", "concept": [{"code": "A1"}]}]});
    client.put("/fhir/r4/CodeSystem/ward", &own).await.expect(201);
    let valid = client.get("/fhir/r4/CodeSystem/ward/$validate-code?code=A1").await.expect(200);
    assert_eq!(parameter(&valid, "result"), json!(true));
    let compared = client.get("/fhir/r4/CodeSystem/ward/$subsumes?codeA=A&codeB=A1").await.expect(200);
    assert_eq!(parameter(&compared, "outcome"), json!("subsumes"));

    client.get("/fhir/r4/ValueSet/absent/$expand").await.expect(404);
    client.delete("/fhir/r4/ValueSet/sides").await.expect(204);
    client.get("/fhir/r4/ValueSet/sides/$expand").await.expect(410);
    let twice = client.get(&format!("/fhir/r4/ValueSet/sides/$expand?url={GENDER}")).await.expect(400);
    assert_eq!(twice.json()["issue"][0]["expression"], json!(["url"]));
}

async fn what_a_tenant_stored_is_found_by_its_url(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let system = json!({"resourceType": "CodeSystem", "id": "s", "url": "https://house.example/grades", "status": "active",
        "content": "complete", "concept": [{"code": "one"}, {"code": "two"}]});
    client.put("/fhir/r4/CodeSystem/s", &system).await.expect(201);
    for (id, version, code) in [("old", "1", "one"), ("new", "2", "two")] {
        let set = json!({"resourceType": "ValueSet", "id": id, "url": "https://house.example/some", "version": version,
            "status": "active", "compose": {"include": [
                {"system": "https://house.example/grades", "concept": [{"code": code}]}]}});
        client.put(&format!("/fhir/r4/ValueSet/{id}"), &set).await.expect(201);
    }
    let whole = json!({"resourceType": "ValueSet", "id": "all", "url": "https://house.example/all", "status": "active",
        "compose": {"include": [{"system": "https://house.example/grades"}]}});
    client.put("/fhir/r4/ValueSet/all", &whole).await.expect(201);
    for (asked, wanted) in [
        ("url=https://house.example/some", vec!["two"]),
        ("url=https://house.example/some&valueSetVersion=1", vec!["one"]),
        ("url=https://house.example/all", vec!["one", "two"]),
    ] {
        let answer = client.get(&format!("/fhir/r4/ValueSet/$expand?{asked}")).await.expect(200);
        assert_eq!(codes(&answer), wanted, "{asked}");
    }
    let found =
        client.get("/fhir/r4/CodeSystem/$lookup?system=https://house.example/grades&code=two").await.expect(200);
    assert_eq!(found.json()["resourceType"], "Parameters");
    let other = gateway.add_tenant("other").await;
    let stranger = gateway.client(&other, token("integrator-2", &[Role::Integrator])).await;
    stranger.get("/fhir/r4/ValueSet/$expand?url=https://house.example/all").await.expect(404);
}

async fn codes_are_validated(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Clinician).await;
    let system = "http://hl7.org/fhir/administrative-gender";
    for (code, display, result) in
        [("female", "Female", true), ("female", "Male", false), ("FEMALE", "Female", false), ("x", "X", false)]
    {
        let asked = format!("url={GENDER}&system={system}&code={code}&display={display}");
        let by_get = client.get(&format!("/fhir/r4/ValueSet/$validate-code?{asked}")).await.expect(200);
        assert_eq!(parameter(&by_get, "result"), json!(result), "{asked}");
        assert_eq!(parameter(&by_get, "message").is_null(), result);
        let body = json!({"resourceType": "Parameters", "parameter": [
            {"name": "url", "valueUri": GENDER},
            {"name": "coding", "valueCoding": {"system": system, "code": code, "display": display}}]});
        let by_post = client.post("/fhir/r4/ValueSet/$validate-code", &body).await.expect(200);
        assert_eq!(by_post.json(), by_get.json());
        let in_system = format!("/fhir/r4/CodeSystem/$validate-code?url={system}&code={code}&display={display}");
        assert_eq!(parameter(&client.get(&in_system).await.expect(200), "result"), json!(result), "{asked}");
    }
}

async fn codes_are_looked_up_and_compared(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Clinician).await;
    let system = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor";
    let found = client.get(&format!("/fhir/r4/CodeSystem/$lookup?system={system}&code=UNK")).await.expect(200);
    assert_eq!(parameter(&found, "display"), json!("unknown"));
    assert!(found.json().to_string().contains(r#"{"name":"code","valueCode":"parent"}"#));
    let body = json!({"resourceType": "Parameters", "parameter": [
        {"name": "coding", "valueCoding": {"system": system, "code": "UNK"}}]});
    assert_eq!(client.post("/fhir/r4/CodeSystem/$lookup", &body).await.expect(200).json(), found.json());
    let compared = format!("/fhir/r4/CodeSystem/$subsumes?system={system}&codeA=NASK&codeB=NI");
    assert_eq!(parameter(&client.get(&compared).await.expect(200), "outcome"), json!("subsumed-by"));
}

async fn what_cannot_be_answered_is_named(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Clinician).await;
    for (path, status, code, named) in [
        ("ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/doc-typecodes", 422, "not-found", "http://loinc.org"),
        ("ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/ucum-units", 422, "not-found", "http://unitsofmeasure.org"),
        ("ValueSet/$expand?url=urn:x:absent", 404, "not-found", "urn:x:absent"),
        ("ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender|9", 404, "not-found", "|9"),
        ("ValueSet/$expand", 400, "required", "url"),
        ("ValueSet/$expand?url=urn:x&date=2020-01-01", 400, "not-supported", "not supported"),
        ("ValueSet/$expand?url=urn:x&count=many", 400, "value", "integer"),
        ("CodeSystem/$lookup?system=http://loinc.org&code=1", 404, "not-found", "http://loinc.org"),
        (
            "CodeSystem/$lookup?system=http://hl7.org/fhir/administrative-gender&code=x",
            404,
            "not-found",
            "no such code",
        ),
        ("CodeSystem/$lookup?code=x", 400, "required", "system"),
        ("CodeSystem/$validate-code?url=urn:x&code=x", 404, "not-found", "urn:x"),
    ] {
        let answer = client.get(&format!("/fhir/r4/{path}")).await.expect(status);
        let (found, diagnostics) = issue(&answer);
        assert_eq!(found, code, "{path}");
        assert!(diagnostics.contains(named), "{path}: {diagnostics}");
    }
    let fhir = [("Content-Type", "application/fhir+json")];
    for body in ["{", "[]", r#"{"resourceType":"Patient"}"#, r#"{"resourceType":"Parameters","parameter":[{}]}"#] {
        client.send("POST", "/fhir/r4/ValueSet/$expand", &fhir, body.as_bytes()).await.expect(400);
    }
    client.send("POST", "/fhir/r4/ValueSet/$expand", &[("Content-Type", "text/plain")], b"x").await.expect(415);
}

async fn operations_that_do_not_exist_are_not_supported(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let body = json!({"resourceType": "Parameters"});
    for path in [
        "Patient/$expand",
        "CodeSystem/$expand",
        "CodeSystem/x/$lookup",
        "ValueSet/$lookup",
        "ValueSet/$no-such",
        "ValueSet/x/$no-such",
        "$no-such",
    ] {
        for answer in
            [client.get(&format!("/fhir/r4/{path}")).await, client.post(&format!("/fhir/r4/{path}"), &body).await]
        {
            assert_eq!(issue(&answer.expect(404)).0, "not-supported", "{path}");
        }
    }
    client.put("/fhir/r4/ValueSet/$expand", &body).await.expect(405);
    client.get("/fhir/r4/Nonsense/$expand").await.expect(404);
}

async fn the_capability_statement_lists_them(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let statement = gateway.role(Role::Clinician).await.get("/fhir/r4/metadata").await.expect(200).json();
    let operations = |kind: &str| {
        let resources = statement["rest"][0]["resource"].as_array().expect("resources");
        let resource = resources.iter().find(|each| each["type"] == kind).expect("is listed");
        let operations = resource["operation"].as_array().cloned().unwrap_or_default();
        operations.iter().map(|each| each["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(operations("ValueSet"), "expand validate-code validate meta meta-add meta-delete");
    assert_eq!(operations("CodeSystem"), "lookup validate-code subsumes validate meta meta-add meta-delete");
    assert_eq!(operations("Patient"), "everything validate meta meta-add meta-delete");
    assert_eq!(operations("Observation"), "lastn validate meta meta-add meta-delete");
    assert_eq!(operations("DocumentReference"), "docref validate meta meta-add meta-delete");
    assert_eq!(operations("AuditEvent"), "validate meta");
    assert_eq!(statement["rest"][0]["operation"][0]["name"], "meta");
}
