//! `$everything`. R4 patient-operation-everything.html.

use std::collections::BTreeSet;

use causeway::access::Role;
use causeway::base::TenantId;
use causeway::ops::tokens::TokenRequest;
use serde_json::{Value, json};

use crate::each_backend;
use crate::support::samples::text;
use crate::support::{Backend, Client, PUBLIC_URL, TestGateway, token};

each_backend!(
    a_patient_comes_with_all_that_is_theirs_and_nobody_elses,
    times_and_types_narrow_it,
    pages_neither_repeat_nor_leave_out,
    every_patient_comes_one_after_the_other,
    scopes_hold_for_every_resource,
    bad_input_is_refused,
    large_ones_are_quick,
);

fn to(target: &str) -> Value {
    json!({"reference": target})
}

/// Two patients who share a group, a hospital and an appointment.
async fn fill(client: &Client) {
    let resources = [
        json!({"resourceType": "Organization", "id": "trust", "name": "Trust"}),
        json!({"resourceType": "Organization", "id": "hospital", "name": "North", "partOf": to("Organization/trust")}),
        json!({"resourceType": "Organization", "id": "elsewhere", "name": "South"}),
        json!({"resourceType": "Practitioner", "id": "dr-1", "name": [{"family": "Grey"}]}),
        json!({"resourceType": "Practitioner", "id": "dr-2", "name": [{"family": "Doe"}]}),
        json!({"resourceType": "Medication", "id": "m-1", "code": {"text": "x"}}),
        json!({"resourceType": "Patient", "id": "p-1", "managingOrganization": to("Organization/hospital")}),
        json!({"resourceType": "Patient", "id": "p-2", "generalPractitioner": [to("Practitioner/dr-2")]}),
        json!({"resourceType": "Encounter", "id": "e-1", "status": "finished", "class": {"code": "AMB"},
            "subject": to("Patient/p-1"), "period": {"start": "2020-01-01", "end": "2020-01-05"}}),
        json!({"resourceType": "Observation", "id": "o-old", "status": "final", "code": {"text": "a"},
            "subject": to("Patient/p-1"), "effectiveDateTime": "2020-01-02", "performer": [to("Practitioner/dr-1")]}),
        json!({"resourceType": "Observation", "id": "o-new", "status": "final", "code": {"text": "a"},
            "subject": to(&format!("{PUBLIC_URL}/fhir/r4/Patient/p-1")), "effectiveDateTime": "2024-05-10"}),
        json!({"resourceType": "Observation", "id": "o-undated", "status": "final", "code": {"text": "a"},
            "subject": to("Patient/p-1")}),
        json!({"resourceType": "Observation", "id": "o-2", "status": "final", "code": {"text": "\"reference\":\"Organization/elsewhere\""},
            "subject": to("Patient/p-2"), "effectiveDateTime": "2024-05-10"}),
        json!({"resourceType": "MedicationRequest", "id": "mr-1", "status": "active", "intent": "order",
            "medicationReference": to("Medication/m-1"), "subject": to("Patient/p-1"), "authoredOn": "2024-05-11"}),
        json!({"resourceType": "Device", "id": "d-1", "patient": to("Patient/p-1"), "owner": to("Organization/hospital")}),
        json!({"resourceType": "Device", "id": "d-2", "patient": to("Patient/p-2")}),
        json!({"resourceType": "Device", "id": "scanner"}),
        json!({"resourceType": "Procedure", "id": "pr-1", "status": "completed", "subject": to("Patient/p-1"),
            "performedDateTime": "2024-05-10", "usedReference": [to("Device/d-2"), to("Device/scanner")]}),
        json!({"resourceType": "Appointment", "id": "ap", "status": "booked", "start": "2024-05-10T10:00:00Z",
            "end": "2024-05-10T11:00:00Z",
            "participant": [{"actor": to("Patient/p-1"), "status": "accepted"}, {"actor": to("Patient/p-2"), "status": "accepted"}]}),
        json!({"resourceType": "Group", "id": "g-1", "type": "person", "actual": true,
            "member": [{"entity": to("Patient/p-1")}, {"entity": to("Patient/p-2")}]}),
    ];
    for resource in resources {
        let path = format!("/fhir/r4/{}/{}", text(&resource, "resourceType"), text(&resource, "id"));
        client.put(&path, &resource).await.expect(201);
    }
}

fn of_mode(bundle: &Value, mode: &str) -> Vec<String> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let wanted = entries.iter().filter(|entry| entry["search"]["mode"] == mode);
    wanted
        .map(|entry| format!("{}/{}", text(&entry["resource"], "resourceType"), text(&entry["resource"], "id")))
        .collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn all(bundle: &Value) -> BTreeSet<String> {
    [of_mode(bundle, "match"), of_mode(bundle, "include")].concat().into_iter().collect()
}

fn next(bundle: &Value) -> Option<String> {
    let links = bundle["link"].as_array().expect("links");
    let next = links.iter().find(|link| link["relation"] == "next")?;
    Some(text(next, "url").strip_prefix(PUBLIC_URL).expect("is ours").to_owned())
}

const MEMBERS: [&str; 9] = [
    "Patient/p-1",
    "Encounter/e-1",
    "Observation/o-old",
    "Observation/o-new",
    "Observation/o-undated",
    "MedicationRequest/mr-1",
    "Device/d-1",
    "Procedure/pr-1",
    "Appointment/ap",
];
const REFERRED: [&str; 5] =
    ["Organization/hospital", "Organization/trust", "Practitioner/dr-1", "Medication/m-1", "Device/scanner"];

async fn a_patient_comes_with_all_that_is_theirs_and_nobody_elses(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    fill(&client).await;
    let bundle = client.get("/fhir/r4/Patient/p-1/$everything").await.expect(200).json();
    assert_eq!(bundle["type"], "searchset");
    assert_eq!(of_mode(&bundle, "match").into_iter().collect::<BTreeSet<_>>(), set(&MEMBERS));
    assert_eq!(of_mode(&bundle, "include").into_iter().collect::<BTreeSet<_>>(), set(&REFERRED));
    assert_eq!((&bundle["total"], next(&bundle)), (&json!(9), None));
    let entry = &bundle["entry"][0];
    assert_eq!(entry["fullUrl"], format!("{PUBLIC_URL}/fhir/r4/Patient/p-1"));
    let posted = json!({"resourceType": "Parameters"});
    assert_eq!(all(&client.post("/fhir/r4/Patient/p-1/$everything", &posted).await.expect(200).json()), all(&bundle));
    client.delete("/fhir/r4/Observation/o-new").await.expect(204);
    let later = client.get("/fhir/Patient/p-1/$everything").await.expect(200).json();
    assert_eq!(later["total"], 8);
    client.delete("/fhir/r4/Patient/p-1").await.expect(204);
    client.get("/fhir/r4/Patient/p-1/$everything").await.expect(410);
}

async fn times_and_types_narrow_it(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    fill(&client).await;
    let matches = async |query: &str| {
        let bundle = client.get(&format!("/fhir/r4/Patient/p-1/$everything?{query}")).await.expect(200).json();
        of_mode(&bundle, "match").into_iter().collect::<BTreeSet<_>>()
    };
    // What speaks of no time of care belongs to every one.
    let timeless = ["Patient/p-1", "Observation/o-undated", "Device/d-1"];
    let old = ["Encounter/e-1", "Observation/o-old"];
    let new = ["Observation/o-new", "MedicationRequest/mr-1", "Procedure/pr-1", "Appointment/ap"];
    assert_eq!(matches("end=2020").await, set(&[&timeless[..], &old[..]].concat()));
    assert_eq!(matches("start=2024-05-10").await, set(&[&timeless[..], &new[..]].concat()));
    assert_eq!(matches("start=2020-01-04&end=2020-12-31").await, set(&[&timeless[..], &old[..1]].concat()));
    assert_eq!(
        matches("start=2024-05-11&end=2024-05-11").await,
        set(&[&timeless[..], &["MedicationRequest/mr-1"]].concat())
    );
    assert_eq!(matches("_type=Encounter,Device").await, set(&["Encounter/e-1", "Device/d-1"]));
    assert_eq!(matches("_type=Group").await, set(&[]));
    let of_type = client.get("/fhir/r4/Patient/p-1/$everything?_type=Practitioner").await.expect(200).json();
    assert_eq!(all(&of_type), set(&["Practitioner/dr-1"]));
    gateway.clock.advance_seconds(3600);
    let now = client.get("/fhir/r4/Patient/p-1").await.expect(200).json();
    client.put("/fhir/r4/Patient/p-1", &now).await.expect(200);
    let since = gateway.now();
    client.put("/fhir/r4/Patient/p-1", &now).await.expect(200);
    assert_eq!(matches(&format!("_since={since}")).await, set(&["Patient/p-1"]));
    let asked = json!({"resourceType": "Parameters", "parameter": [
        {"name": "start", "valueDate": "2024-05-11"}, {"name": "end", "valueDate": "2024-05-11"},
        {"name": "_type", "valueCode": "MedicationRequest"}, {"name": "_count", "valueInteger": 5},
    ]});
    let posted = client.post("/fhir/r4/Patient/p-1/$everything", &asked).await.expect(200).json();
    assert_eq!(all(&posted), set(&["MedicationRequest/mr-1"]));
}

async fn pages(client: &Client, first: &str) -> Vec<Value> {
    let (mut found, mut path) = (Vec::new(), Some(first.to_owned()));
    while let Some(page) = path {
        let bundle = client.get(&page).await.expect(200).json();
        path = next(&bundle);
        found.push(bundle);
    }
    found
}

async fn pages_neither_repeat_nor_leave_out(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    fill(&client).await;
    for count in [1, 2, 3, 4, 9, 50] {
        let path = format!("/fhir/r4/Patient/p-1/$everything?_count={count}");
        let pages = pages(&client, &path).await;
        assert_eq!(pages.len(), 9_usize.div_ceil(count));
        let matches: Vec<String> = pages.iter().flat_map(|page| of_mode(page, "match")).collect();
        assert_eq!((matches.len(), matches.into_iter().collect::<BTreeSet<_>>()), (9, set(&MEMBERS)), "{count}");
        assert_eq!(pages.iter().flat_map(all).collect::<BTreeSet<_>>(), set(&[&MEMBERS[..], &REFERRED[..]].concat()));
        assert!(pages.iter().all(|page| page["total"] == 9 && of_mode(page, "match").len() <= count));
    }
    let first = client.get("/fhir/r4/Patient/p-1/$everything?_count=2").await.expect(200).json();
    let cursor = next(&first).expect("there is more");
    client.get(&cursor.replace("p-1", "p-2")).await.expect(400);
    client.get(&cursor.replace("_count=2", "_count=3")).await.expect(400);
    client.get(&format!("{cursor}x")).await.expect(400);
}

async fn every_patient_comes_one_after_the_other(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    fill(&client).await;
    let mut expected = set(&MEMBERS);
    expected.extend(set(&["Patient/p-2", "Observation/o-2", "Device/d-2"]));
    for count in [1, 2, 3, 5, 12, 50] {
        let pages = pages(&client, &format!("/fhir/r4/Patient/$everything?_count={count}")).await;
        let matches: Vec<String> = pages.iter().flat_map(|page| of_mode(page, "match")).collect();
        assert_eq!(matches.iter().cloned().collect::<BTreeSet<_>>(), expected, "{count}");
        // What belongs to both may come with each.
        let repeated = matches.len() - expected.len();
        assert!(repeated <= 1 && (repeated == 0 || count < 12), "{count}: {matches:?}");
        assert!(pages.iter().all(|page| page["total"].is_null()));
    }
}

async fn scopes_hold_for_every_resource(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    fill(&client).await;
    let narrowed = async |scope: &str| {
        let request = TokenRequest { scope: Some(scope.to_owned()), ..token("narrow", &[Role::Clinician]) };
        gateway.client(&TenantId::default_tenant(), request).await
    };
    let some =
        narrowed("user/Patient.rs user/Observation.rs user/Encounter.r user/Procedure.s user/Organization.r").await;
    let bundle = some.get("/fhir/r4/Patient/p-1/$everything").await.expect(200).json();
    let seen = ["Patient/p-1", "Observation/o-old", "Observation/o-new", "Observation/o-undated"];
    assert_eq!(of_mode(&bundle, "match").into_iter().collect::<BTreeSet<_>>(), set(&seen));
    assert_eq!(of_mode(&bundle, "include").into_iter().collect::<BTreeSet<_>>(), set(&REFERRED[..2]));
    assert_eq!(bundle["total"], 4);
    some.get("/fhir/r4/Patient/nobody/$everything").await.expect(404);
    let by_id = narrowed("user/Patient.r user/Encounter.rs").await;
    let bundle = by_id.get("/fhir/r4/Patient/p-1/$everything").await.expect(200).json();
    assert_eq!(all(&bundle), set(&["Patient/p-1", "Encounter/e-1"]));
    let none = narrowed("user/Observation.rs").await;
    none.get("/fhir/r4/Patient/p-1/$everything").await.expect(403);
    none.get("/fhir/r4/Patient/$everything").await.expect(403);
    narrowed("user/Patient.r").await.get("/fhir/r4/Patient/$everything").await.expect(403);
    // No token has the context of a patient yet: such scopes open nothing.
    let of_patient = narrowed("patient/*.rs user/Observation.rs").await;
    of_patient.get("/fhir/r4/Patient/p-1/$everything").await.expect(403);
    gateway.nobody().get("/fhir/r4/Patient/p-1/$everything").await.expect(401);
    gateway.role(Role::Admin).await.get("/fhir/r4/Patient/p-1/$everything").await.expect(403);
    let other = gateway.add_tenant("north").await;
    let stranger = gateway.client(&other, token("s", &[Role::Clinician])).await;
    stranger.get("/fhir/r4/Patient/p-1/$everything").await.expect(404);
}

async fn bad_input_is_refused(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    fill(&client).await;
    for (query, named) in [
        ("start=soon", "start"),
        ("end=2024-13", "end"),
        ("_since=x", "_since"),
        ("_type=Nothing", "_type"),
        ("_count=0", "_count"),
        ("_count=-1", "_count"),
        ("_count=many", "_count"),
        ("_cursor=abc", "_cursor"),
        ("colour=red", "colour"),
        ("start=2020&start=2021", "start"),
    ] {
        let refused = client.get(&format!("/fhir/r4/Patient/p-1/$everything?{query}")).await.expect(400);
        assert_eq!(refused.named(), [named], "{query}");
    }
    client.get("/fhir/r4/Patient/p-1/$everything?start=%00").await.expect(400);
    client.get("/fhir/r4/Patient/p-1/$everything?_count=1000000000").await.expect(200);
    client.get("/fhir/r4/Patient/no_such/$everything").await.expect(400);
    client.get("/fhir/r4/Encounter/e-1/$everything").await.expect(404);
    client.get("/fhir/r4/Observation/$everything").await.expect(404);
    client.post("/fhir/r4/Patient/p-1/$everything", &json!({"resourceType": "Patient"})).await.expect(400);
}

async fn large_ones_are_quick(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let mut entries = vec![
        json!({"request": {"method": "PUT", "url": "Patient/p-1"}, "resource": {"resourceType": "Patient", "id": "p-1"}}),
        json!({"request": {"method": "PUT", "url": "Practitioner/dr-1"}, "resource": {"resourceType": "Practitioner", "id": "dr-1"}}),
    ];
    for number in 0..999 {
        let body = json!({"resourceType": "Observation", "status": "final", "code": {"text": "a"}, "subject": to("Patient/p-1"),
            "performer": [to("Practitioner/dr-1")], "valueInteger": number});
        entries.push(json!({"request": {"method": "POST", "url": "Observation"}, "resource": body}));
    }
    let load = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
    client.post("/fhir/r4", &load).await.expect(200);
    let path = "/fhir/r4/Patient/p-1/$everything";
    let mut best = std::time::Duration::MAX;
    for _ in 0..5 {
        let begun = std::time::Instant::now();
        let answer = client.get(path).await.expect(200);
        best = best.min(begun.elapsed());
        assert!(answer.body.len() > 200_000);
    }
    let bundle = client.get(path).await.expect(200).json();
    assert_eq!((&bundle["total"], of_mode(&bundle, "include").len()), (&json!(1000), 1));
    println!("everything of 1,000 resources: {best:?}");
    assert!(best < std::time::Duration::from_secs(2), "{best:?}");
}
