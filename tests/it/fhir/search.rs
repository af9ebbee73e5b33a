//! search over HTTP. R4 http.html#search, search.html.

use std::collections::BTreeSet;

use causeway::access::Role;
use causeway::base::TenantId;
use causeway::ops::tokens::TokenRequest;
use serde_json::{Value, json};

use crate::each_backend;
use crate::support::samples::{create, measured};
use crate::support::{Answer, Backend, Client, PUBLIC_URL, TestGateway, token};

each_backend!(
    a_report_is_found_by_all_that_it_says,
    what_belongs_together_comes_together,
    a_form_asks_like_a_query,
    pages_lose_and_repeat_nothing_while_others_write,
    parts_are_tagged,
    what_cannot_be_asked_is_named,
    a_compartment_holds_its_own,
    nobody_finds_what_they_may_not_see,
);

fn entries(bundle: &Value) -> Vec<Value> {
    bundle["entry"].as_array().cloned().unwrap_or_default()
}

/// `Type/id` of the entries of a mode.
fn listed(answer: &Answer, mode: &str) -> Vec<String> {
    entries(&answer.json())
        .iter()
        .filter(|entry| entry["search"]["mode"] == mode)
        .map(|entry| {
            let resource = &entry["resource"];
            let place = format!(
                "{}/{}",
                resource["resourceType"].as_str().expect("type"),
                resource["id"].as_str().expect("id")
            );
            assert_eq!(entry["fullUrl"], json!(format!("{PUBLIC_URL}/fhir/r4/{place}")));
            place
        })
        .collect()
}

fn link<'a>(bundle: &'a Value, relation: &str) -> Option<&'a str> {
    let links = bundle["link"].as_array().expect("links");
    links.iter().find(|link| link["relation"] == relation).and_then(|link| link["url"].as_str())
}

/// A URL of ours as this client asks for it.
fn path_of(url: &str) -> &str {
    url.strip_prefix(PUBLIC_URL).expect("is ours")
}

async fn find(client: &Client, search: &str) -> Answer {
    client.get(&format!("/fhir/r4/{search}")).await.expect(200)
}

async fn put(client: &Client, resource: Value) {
    let path = format!(
        "/fhir/r4/{}/{}",
        resource["resourceType"].as_str().expect("type"),
        resource["id"].as_str().expect("id")
    );
    let answer = client.put(&path, &resource).await;
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
}

fn patient(id: &str, family: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "name": [{"family": family}], "gender": "female",
           "identifier": [{"system": "urn:hospital", "value": id}]})
}

fn observation(id: &str, subject: &str, value: i64) -> Value {
    json!({"resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": format!("Patient/{subject}")},
           "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
           "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},
           "valueQuantity": {"value": value, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"}})
}

async fn a_report_is_found_by_all_that_it_says(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &measured("final")).await;
    let resource = doctor.get(&format!("/fhir/r4/DiagnosticReport/{report}")).await.expect(200).json();
    let subject = resource["subject"]["reference"].as_str().expect("a reference");
    let id = subject.strip_prefix("Patient/").expect("a patient");
    let patient = doctor.get(&format!("/fhir/r4/{subject}")).await.expect(200).json();
    let family = patient["name"][0]["family"].as_str().expect("a name").to_lowercase();
    let wanted = vec![format!("DiagnosticReport/{report}")];
    for search in [
        "DiagnosticReport".to_owned(),
        format!("DiagnosticReport?_id={report}"),
        format!("DiagnosticReport?patient={id}"),
        format!("DiagnosticReport?patient=Patient/{id}&status=final"),
        format!("DiagnosticReport?subject:Patient={id}&category=LP29684-5"),
        format!("DiagnosticReport?patient.family={family}"),
        format!("DiagnosticReport?subject:Patient.name={family}&status=final,amended"),
    ] {
        let answer = find(&doctor, &search).await;
        assert_eq!(listed(&answer, "match"), wanted, "{search}");
        assert_eq!(answer.json()["total"], 1, "{search}");
    }
    let stored = entries(&find(&doctor, "DiagnosticReport").await.json())[0]["resource"].clone();
    assert_eq!(stored, resource, "as it is read");
    assert_eq!(find(&doctor, "DiagnosticReport?patient=nobody").await.json()["total"], 0);
    let has = format!("Patient?_has:DiagnosticReport:patient:status=final&_id={id}");
    assert_eq!(listed(&find(&doctor, &has).await, "match"), [subject]);
    let counted = find(&doctor, "Observation?_summary=count").await.json();
    assert!(counted["total"].as_i64() > Some(1) && counted.get("entry").is_none());

    doctor.act(&format!("/api/reports/{report}/enter-in-error")).await;
    let clinician = gateway.role(Role::Clinician).await;
    assert_eq!(listed(&find(&clinician, &format!("DiagnosticReport?_id={report}")).await, "match"), wanted);
}

async fn what_belongs_together_comes_together(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    put(&client, json!({"resourceType": "Organization", "id": "o", "name": "House"})).await;
    let mut owner = patient("p", "Aubel");
    owner["managingOrganization"] = json!({"reference": "Organization/o"});
    put(&client, owner).await;
    for id in ["a", "b"] {
        put(&client, observation(id, "p", 60)).await;
    }
    put(
        &client,
        json!({"resourceType": "Provenance", "id": "v", "target": [{"reference": "Observation/a"}],
                        "recorded": "2026-01-01T00:00:00Z", "agent": [{"who": {"display": "x"}}]}),
    )
    .await;
    let both = find(&client, "Observation?_include=Observation:subject&_revinclude=Provenance:target").await;
    assert_eq!(listed(&both, "match"), ["Observation/a", "Observation/b"]);
    assert_eq!(listed(&both, "include"), ["Patient/p", "Provenance/v"], "each once");
    assert_eq!(both.json()["total"], 2, "only matches count");
    let iterated =
        find(&client, "Observation?_id=a&_include=Observation:patient&_include:iterate=Patient:organization").await;
    assert_eq!(listed(&iterated, "include"), ["Patient/p", "Organization/o"]);
    let all = find(&client, "Observation?_id=a&_include=*").await;
    assert_eq!(listed(&all, "include"), ["Patient/p"]);
    let other = find(&client, "Observation?_id=a&_include=Observation:subject:Group").await;
    assert!(listed(&other, "include").is_empty());
    let own =
        find(&client, "Patient?_id=p&_revinclude=Observation:patient&_revinclude:iterate=Provenance:target").await;
    assert_eq!(listed(&own, "include"), ["Observation/a", "Observation/b", "Provenance/v"]);
}

async fn a_form_asks_like_a_query(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    for (id, family) in [("one", "Ünal"), ("two", "Unger"), ("three", "O'Brien, Sr.")] {
        put(&client, patient(id, family)).await;
    }
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    for (url, body, query, count) in [
        ("", "family=un", "family=un", 2),
        ("?family=un", "_id=two", "family=un&_id=two", 1),
        ("", "family=%C3%BCnal&gender=female", "family=%C3%BCnal&gender=female", 1),
        ("", "family=o%27brien%5C%2C+sr.", "family=o%27brien%5C%2C+sr.", 1),
        ("", "", "", 3),
        ("", "family:exact=unger", "family:exact=unger", 0),
        ("", "identifier=urn:hospital%7Cone,urn:hospital%7Ctwo", "identifier=urn:hospital|one,urn:hospital|two", 2),
        ("", "name=&gender=female", "name=&gender=female", 3),
    ] {
        let posted =
            client.send("POST", &format!("/fhir/r4/Patient/_search{url}"), &form, body.as_bytes()).await.expect(200);
        let asked = find(&client, &format!("Patient?{query}")).await;
        assert_eq!(listed(&posted, "match"), listed(&asked, "match"), "{query}");
        assert_eq!(listed(&asked, "match").len(), count, "{query}");
    }
    let json_form = [("Content-Type", "application/json")];
    client.send("POST", "/fhir/r4/Patient/_search", &json_form, b"{}").await.expect(415);
    let system = client.send("POST", "/fhir/r4/_search", &form, b"_type=Patient,Observation&_id=one").await.expect(200);
    assert_eq!(listed(&system, "match"), ["Patient/one"]);
    assert_eq!(find(&client, "?_type=Patient").await.json()["total"], 3);
}

async fn pages_lose_and_repeat_nothing_while_others_write(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    put(&client, patient("p", "Aubel")).await;
    for number in 0..40 {
        put(&client, observation(&format!("first-{number:02}"), "p", number)).await;
    }
    let writing = async {
        let writers = (0..8).map(|writer| {
            let client = client.clone();
            async move {
                for number in 0..6 {
                    put(&client, observation(&format!("later-{writer}-{number}"), "p", number)).await;
                    put(&client, observation(&format!("first-{:02}", writer * 5), "p", 100 + number)).await;
                }
            }
        });
        futures_util::future::join_all(writers).await;
    };
    let reading = async {
        let mut seen = Vec::new();
        for sort in ["", "&_sort=_id", "&_sort=code,_id"] {
            let mut next = Some(format!("/fhir/r4/Observation?patient=p&_count=7{sort}"));
            let mut found = Vec::new();
            while let Some(url) = next {
                let answer = client.get(&url).await.expect(200);
                found.extend(listed(&answer, "match"));
                next = link(&answer.json(), "next").map(|url| path_of(url).to_owned());
            }
            seen.push(found);
        }
        seen
    };
    let ((), seen) = tokio::join!(writing, reading);
    for found in seen {
        let distinct: BTreeSet<&String> = found.iter().collect();
        assert_eq!(distinct.len(), found.len(), "a match came twice: {found:?}");
        let first = found.iter().filter(|one| one.starts_with("Observation/first-")).count();
        assert_eq!(first, 40, "a match was left out: {found:?}");
    }
    // A last page that is full has no next one.
    let exact = find(&client, "Observation?_count=88").await.json();
    assert_eq!((entries(&exact).len(), link(&exact, "next")), (88, None));
}

async fn parts_are_tagged(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    put(&client, observation("a", "p", 60)).await;
    let part = async |search: &str| {
        let answer = find(&client, search).await.json();
        let resource = entries(&answer)[0]["resource"].clone();
        let tagged = resource["meta"]["tag"][0]["code"] == "SUBSETTED";
        (resource, tagged)
    };
    let (whole, tagged) = part("Observation?_id=a&_summary=false").await;
    assert!(!tagged && whole["text"].is_object());
    let (summary, tagged) = part("Observation?_id=a&_summary=true").await;
    assert!(tagged && summary.get("text").is_none() && summary["valueQuantity"].is_object());
    let (text, tagged) = part("Observation?_id=a&_summary=text").await;
    assert!(tagged && text["text"].is_object() && text["code"].is_object() && text.get("valueQuantity").is_none());
    let (data, _) = part("Observation?_id=a&_summary=data").await;
    assert!(data.get("text").is_none() && data["subject"].is_object());
    let (elements, _) = part("Observation?_id=a&_elements=subject").await;
    assert!(
        elements["subject"].is_object() && elements["status"] == "final" && elements.get("valueQuantity").is_none()
    );
    assert_eq!(entries(&find(&client, "Observation?_count=0").await.json()).len(), 0);
    client.put("/fhir/r4/Observation/a", &elements).await.expect(422);
    assert!(client.get("/fhir/r4/Observation/a").await.expect(200).json()["valueQuantity"].is_object());
    put(&client, patient("p", "Aubel")).await;
    for (sort, wanted) in
        [("_lastUpdated", ["Observation/a", "Patient/p"]), ("-_lastUpdated", ["Patient/p", "Observation/a"])]
    {
        assert_eq!(listed(&find(&client, &format!("?_sort={sort}")).await, "match"), wanted, "{sort}");
    }
}

async fn what_cannot_be_asked_is_named(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    put(&client, patient("p", "Aubel")).await;
    for (search, code, named) in [
        ("Patient?family:below=x", "not-supported", "family:below"),
        ("Patient?_text=x", "not-supported", "_text"),
        ("Patient?birthdate=yesterday", "not-supported", "birthdate"),
        ("Patient?birthdate=2020-13-77", "value", "birthdate"),
        ("Patient?birthdate=xx2020", "not-supported", "birthdate"),
        ("Patient?_count=-1", "value", "_count"),
        ("Patient?_summary=much", "value", "_summary"),
        ("Patient?_include=Patient:nothing", "value", "_include"),
        ("Patient?_revinclude=*", "not-supported", "_revinclude"),
        ("Observation?subject.name=x&focus.name=x", "value", "focus.name"),
        ("Patient?link.link.link.link.link.name=x", "not-supported", "link.link.name"),
        ("Patient?family=%00", "value", ""),
        ("Patient?family=%FF%FE", "value", ""),
        ("Patient?_cursor=AAAA", "value", "_cursor"),
        ("?_type=Dog", "value", "_type"),
    ] {
        let answer = client.get(&format!("/fhir/r4/{search}")).await.expect(400).json();
        assert_eq!(answer["resourceType"], "OperationOutcome", "{search}");
        let issue = &answer["issue"][0];
        assert_eq!(
            (&issue["code"], issue["expression"][0].as_str().unwrap_or_default()),
            (&json!(code), named),
            "{search}: {issue}"
        );
    }
    client.get("/fhir/r4/Dog?name=x").await.expect(404);
    client.get("/fhir/r4/Observation/a/Patient").await.expect(404);
    // More than is served is lowered; what is not known is left out and said, or refused.
    assert_eq!(find(&client, "Patient?_count=1000000000").await.json()["total"], 1);
    let lenient = find(&client, "Patient?shoesize=44&_sort=hat").await;
    assert_eq!((listed(&lenient, "match").len(), entries(&lenient.json()).len()), (1, 2));
    assert!(!link(&lenient.json(), "self").expect("a link").contains("shoesize"), "self says what was used");
    let strict = client.get_if("/fhir/r4/Patient?shoesize=44", "Prefer", "handling=strict").await.expect(400);
    assert_eq!(strict.named(), ["shoesize"]);
    let cursor = link(&find(&client, "Patient?_count=1").await.json(), "next").map(str::to_owned);
    assert_eq!(cursor, None, "one is all there is");
    put(&client, patient("q", "Beyer")).await;
    let bundle = find(&client, "Patient?_count=1").await.json();
    let next = path_of(link(&bundle, "next").expect("there is more")).to_owned();
    client.get(&next.replace("_count=1", "_count=2")).await.expect(400);
    let mut bent = next.clone();
    let last = bent.pop().expect("a letter");
    bent.push(if last == 'A' { 'B' } else { 'A' });
    let bent_answer = client.get(&bent).await;
    assert!(
        bent_answer.status == 400 || bent_answer.body == client.get(&next).await.body,
        "a cursor is ours or refused"
    );
    let rows = gateway.rows().await;
    let long = format!("/fhir/r4/Patient?name={}", "(a+)+".repeat(600));
    assert_eq!(client.get(&long).await.expect(200).json()["total"], 0);
    assert_eq!(gateway.rows().await, rows, "a search changes nothing");
}

async fn a_compartment_holds_its_own(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    for id in ["p", "q"] {
        put(&client, patient(id, "Aubel")).await;
        put(&client, observation(&format!("of-{id}"), id, 60)).await;
    }
    assert_eq!(listed(&find(&client, "Patient/p/Observation").await, "match"), ["Observation/of-p"]);
    assert_eq!(listed(&find(&client, "Patient/p/Observation?status=registered").await, "match"), [""; 0]);
    let all = listed(&find(&client, "Patient/p/*").await, "match");
    assert_eq!(
        all.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        BTreeSet::from(["Observation/of-p", "Patient/p"])
    );
    assert_eq!(listed(&find(&client, "Patient/p/Patient").await, "match"), ["Patient/p"]);
    assert_eq!(listed(&find(&client, "Patient/p/Organization").await, "match"), [""; 0]);
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let posted = client.send("POST", "/fhir/r4/Patient/q/Observation/_search", &form, b"code=8867-4").await.expect(200);
    assert_eq!(listed(&posted, "match"), ["Observation/of-q"]);
}

async fn nobody_finds_what_they_may_not_see(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    put(&client, patient("p", "Aubel")).await;
    put(&client, observation("a", "p", 60)).await;
    let other = gateway.add_tenant("other").await;
    let stranger = gateway.client(&other, token("integrator-2", &[Role::Integrator])).await;
    for search in [
        "Patient",
        "Observation?code=8867-4",
        "Observation?patient.name=aubel",
        "Patient?_has:Observation:patient:code=8867-4",
        "?_id=p",
        "Patient/p/*",
    ] {
        assert_eq!(find(&stranger, search).await.json()["total"], 0, "{search}");
    }
    put(&stranger, observation("mine", "p", 61)).await;
    assert_eq!(
        listed(&find(&client, "Patient?_id=p&_revinclude=Observation:subject").await, "include"),
        ["Observation/a"]
    );
    assert!(listed(&find(&stranger, "Observation?_include=Observation:subject").await, "include").is_empty());
    assert_eq!(
        find(&stranger, "Observation?patient.name=aubel").await.json()["total"],
        0,
        "ids of another house lead nowhere"
    );

    let request = TokenRequest { scope: Some("user/Patient.rs".to_owned()), ..token("narrow", &[Role::Clinician]) };
    let narrow = gateway.client(&TenantId::default_tenant(), request).await;
    assert_eq!(
        find(&narrow, "Patient?_revinclude=Observation:subject").await.json()["entry"].as_array().map(Vec::len),
        Some(1)
    );
    for search in ["Observation", "Patient?_has:Observation:patient:code=8867-4", "?_id=p", "Patient/p/*"] {
        narrow.get(&format!("/fhir/r4/{search}")).await.expect(403);
    }
    gateway.nobody().get("/fhir/r4/Patient").await.expect(401);
    gateway.role(Role::Admin).await.get("/fhir/r4/Patient").await.expect(403);
}
