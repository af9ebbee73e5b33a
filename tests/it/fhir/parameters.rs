//! Search parameters that an administrator adds. R4 searchparameter.html.

use causeway::access::Role;
use serde_json::{Value, json};

use crate::each_backend;
use crate::support::samples::eventually;
use crate::support::{Answer, Backend, Client, PUBLIC_URL, Program, TestGateway};

each_backend!(
    an_added_parameter_finds_what_was_there_before,
    who_changes_a_parameter_changes_what_is_found,
    what_cannot_be_searched_by_is_refused,
    every_node_sees_a_new_parameter,
    a_kill_in_the_middle_loses_no_row,
    references_with_our_own_address_are_followed,
    codes_are_named_by_value_sets,
);

fn mood(status: &str) -> Value {
    json!({"resourceType": "SearchParameter", "id": "mood", "url": "https://a.example/SearchParameter/mood",
           "name": "Mood", "status": status, "description": "How they feel", "code": "mood", "base": ["Patient"],
           "type": "token", "expression": "Patient.extension('https://a.example/mood').value"})
}

fn patient(id: &str, mood: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "extension": [{"url": "https://a.example/mood", "valueCode": mood}]})
}

async fn put(client: &Client, resource: &Value) -> Answer {
    let path = format!(
        "/fhir/r4/{}/{}",
        resource["resourceType"].as_str().expect("type"),
        resource["id"].as_str().expect("id")
    );
    let answer = client.put(&path, resource).await;
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    answer
}

fn ids(answer: &Answer) -> Vec<String> {
    let bundle = answer.json();
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| entry["resource"]["id"].as_str().unwrap_or_default().to_owned()).collect()
}

/// What a search by a parameter gives once its rows are there; until then it says so.
async fn found(client: &Client, search: &str) -> Vec<String> {
    eventually("the parameter is indexed", async || {
        let answer = client.send("GET", &format!("/fhir/r4/{search}"), &[("Prefer", "handling=strict")], b"").await;
        if answer.status == 503 {
            assert_eq!(answer.json()["issue"][0]["code"], "transient", "{}", answer.text());
            assert!(answer.header("retry-after").is_some());
            return None;
        }
        Some(ids(&answer.expect(200)))
    })
    .await
}

async fn an_added_parameter_finds_what_was_there_before(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (admin, client) = (gateway.role(Role::Admin).await, gateway.role(Role::Integrator).await);
    for (id, mood) in [("a", "good"), ("b", "bad"), ("c", "good")] {
        put(&client, &patient(id, mood)).await;
    }
    for someone in [&client, &gateway.radiologist().await, &gateway.role(Role::Clinician).await] {
        assert_eq!(someone.put("/fhir/r4/SearchParameter/mood", &mood("active")).await.status, 403);
    }
    let unknown = client.get("/fhir/r4/Patient?mood=good").await.expect(200);
    assert!(unknown.text().contains("is not known"), "{}", unknown.text());

    put(&admin, &mood("active")).await;
    assert_eq!(found(&client, "Patient?mood=good").await, ["a", "c"]);
    put(&client, &patient("d", "good")).await;
    put(&client, &patient("a", "bad")).await;
    assert_eq!(found(&client, "Patient?mood=good").await, ["c", "d"]);
    assert_eq!(found(&client, "Patient?mood:not=good").await, ["a", "b"]);
    assert_eq!(found(&client, "Patient?mood:missing=true").await, [""; 0]);
    put(
        &client,
        &json!({"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"},
                         "subject": {"reference": "Patient/d"}}),
    )
    .await;
    assert_eq!(found(&client, "Observation?patient.mood=good").await, ["o"]);
    assert_eq!(found(&client, "Patient?_sort=-mood&mood=good").await.len(), 2);

    let statement = gateway.nobody().get("/fhir/r4/metadata").await.expect(200).json();
    let resources = statement["rest"][0]["resource"].as_array().expect("resources");
    let of_patient = resources.iter().find(|one| one["type"] == "Patient").expect("there");
    let params = of_patient["searchParam"].as_array().expect("parameters");
    assert!(
        params.iter().any(|one| one["name"] == "mood" && one["definition"] == "https://a.example/SearchParameter/mood")
    );
    let other = gateway.add_tenant("other").await;
    let stranger = gateway.bearer(&other, None).get("/fhir/r4/metadata").await.expect(200).text();
    assert!(!stranger.contains("a.example"), "another tenant's");

    // Those who run the gateway see how far it is, and may read what they have added.
    let jobs = admin.get("/api/admin/jobs?kind=search.index").await.expect(200).json();
    assert_eq!(jobs["items"][0]["progress"], 100, "{jobs}");
    assert_eq!(ids(&admin.get("/fhir/r4/SearchParameter?code=mood").await.expect(200)), ["mood"]);
    admin.get("/fhir/r4/SearchParameter/mood").await.expect(200);
    assert_eq!(admin.get("/fhir/r4/Patient/a").await.status, 403);
}

async fn who_changes_a_parameter_changes_what_is_found(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (admin, client) = (gateway.role(Role::Admin).await, gateway.role(Role::Integrator).await);
    put(&client, &patient("a", "good")).await;
    let mut other = patient("b", "bad");
    other["maritalStatus"] = json!({"coding": [{"system": "urn:m", "code": "good"}]});
    put(&client, &other).await;
    put(&admin, &mood("draft")).await;
    let strict = [("Prefer", "handling=strict")];
    let ask = async || client.send("GET", "/fhir/r4/Patient?mood=good", &strict, b"").await.status;
    assert_eq!(ask().await, 400, "a draft is no parameter");
    put(&admin, &mood("active")).await;
    assert_eq!(found(&client, "Patient?mood=good").await, ["a"]);

    let mut changed = mood("active");
    changed["expression"] = json!("Patient.maritalStatus");
    put(&admin, &changed).await;
    assert_eq!(found(&client, "Patient?mood=good").await, ["b"]);
    // What is said about it is not what it means.
    changed["description"] = json!("Another text");
    put(&admin, &changed).await;
    assert_eq!(client.get("/fhir/r4/Patient?mood=good").await.status, 200, "nothing is indexed anew");

    changed["status"] = json!("retired");
    put(&admin, &changed).await;
    assert_eq!(ask().await, 400);
    let rows = "select count(*) from search_token t join search_key k on k.no = t.key where k.param = 'mood'";
    let left = async || (gateway.database.count(rows).await == 0).then_some(());
    eventually("its rows are gone", left).await;
    let known = "select count(*) from search_parameter";
    eventually("it is forgotten", async || (gateway.database.count(known).await == 0).then_some(())).await;

    put(&admin, &mood("active")).await;
    assert_eq!(found(&client, "Patient?mood=good").await, ["a"]);
    admin.delete("/fhir/r4/SearchParameter/mood").await.expect(204);
    assert_eq!(ask().await, 400);
    eventually("its rows are gone", left).await;
}

async fn what_cannot_be_searched_by_is_refused(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let admin = gateway.role(Role::Admin).await;
    for (name, value, place) in [
        ("code", json!("gender"), "code"),
        ("code", json!("_mood"), "code"),
        ("code", json!("a.b"), "code"),
        ("expression", json!("Patient.repeat(contact)"), "expression"),
        ("expression", json!("Patient..name"), "expression"),
        ("type", json!("special"), "type"),
        ("type", json!("composite"), "component"),
    ] {
        let mut wrong = mood("active");
        wrong[name] = value.clone();
        let answer = admin.put("/fhir/r4/SearchParameter/mood", &wrong).await.expect(422);
        assert_eq!(answer.json()["issue"][0]["expression"][0], place, "{name} {value}: {}", answer.text());
        // What is no parameter yet may be anything.
        wrong["status"] = json!("draft");
        put(&admin, &wrong).await;
    }
    put(&admin, &mood("active")).await;
    let mut same = mood("active");
    same["id"] = json!("again");
    same["url"] = json!("https://a.example/SearchParameter/again");
    admin.put("/fhir/r4/SearchParameter/again", &same).await.expect(422);
    // What every tenant has may be kept, and changes nothing.
    let shipped = json!({"resourceType": "SearchParameter", "id": "gender", "url": "http://hl7.org/fhir/SearchParameter/individual-gender",
        "name": "gender", "status": "active", "description": "Gender", "code": "gender", "base": ["Patient", "Person"], "type": "token",
        "expression": "Patient.gender | Person.gender"});
    put(&admin, &shipped).await;
}

async fn every_node_sees_a_new_parameter(backend: Backend) {
    let program = Program::new(&backend).await;
    let (one, two) = (program.serve().await, program.serve().await);
    let (admin, feeder) = (program.token("admin"), program.token("integrator"));
    let (here, there) = (one.client(&feeder), two.client(&feeder));
    put(&here, &patient("a", "good")).await;
    assert_eq!(ids(&there.get("/fhir/r4/Patient?_id=a").await.expect(200)), ["a"]);
    put(&one.client(&admin), &mood("active")).await;
    // The other node writes by what it knew before.
    put(&there, &patient("b", "good")).await;
    assert_eq!(found(&there, "Patient?mood=good").await, ["a", "b"]);
    assert_eq!(found(&here, "Patient?mood=good").await, ["a", "b"]);
    one.stop().await;
    two.stop().await;
}

async fn a_kill_in_the_middle_loses_no_row(backend: Backend) {
    let program = Program::new(&backend).await;
    let serving = program.serve().await;
    let (admin, feeder) = (program.token("admin"), program.token("integrator"));
    let client = serving.client(&feeder);
    for part in 0..4 {
        let entry = |number: usize| {
            let id = format!("p{part}-{number:03}");
            json!({"resource": patient(&id, "good"), "request": {"method": "PUT", "url": format!("Patient/{id}")}})
        };
        let entries: Vec<Value> = (0..250).map(entry).collect();
        client
            .post("/fhir/r4", &json!({"resourceType": "Bundle", "type": "transaction", "entry": entries}))
            .await
            .expect(200);
    }
    put(&serving.client(&admin), &mood("active")).await;
    let rows = "select count(*) from search_token t join search_key k on k.no = t.key where k.param = 'mood'";
    eventually("it has begun", async || (program.database.count(rows).await > 0).then_some(())).await;
    serving.kill();
    let serving = program.serve().await;
    let client = serving.client(&feeder);
    put(&client, &patient("p0-000", "bad")).await;
    assert_eq!(found(&client, "Patient?mood=good&_count=1000").await.len(), 999);
    assert_eq!(program.database.count(rows).await, 1_000);

    // The same on the way out.
    serving.client(&admin).delete("/fhir/r4/SearchParameter/mood").await.expect(204);
    serving.kill();
    let serving = program.serve().await;
    eventually("its rows are gone", async || (program.database.count(rows).await == 0).then_some(())).await;
    serving.stop().await;
}

async fn references_with_our_own_address_are_followed(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    put(&client, &json!({"resourceType": "Patient", "id": "p", "name": [{"family": "Aubel"}]})).await;
    let observation = |id: &str, subject: &str| {
        json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "x"},
               "subject": {"reference": subject}})
    };
    put(&client, &observation("own", &format!("{PUBLIC_URL}/fhir/r4/Patient/p"))).await;
    put(&client, &observation("alias", &format!("{PUBLIC_URL}/fhir/Patient/p"))).await;
    put(&client, &observation("plain", "Patient/p")).await;
    put(&client, &observation("foreign", "https://elsewhere.example/fhir/r4/Patient/p")).await;
    let mut wanted = ["own", "alias", "plain"].map(str::to_owned).to_vec();
    for search in [
        "Observation?patient.family=aubel".to_owned(),
        "Observation?subject:Patient.family=aubel".to_owned(),
        "Observation?patient=p".to_owned(),
        "Observation?subject=Patient/p".to_owned(),
        format!("Observation?subject={PUBLIC_URL}/fhir/r4/Patient/p"),
    ] {
        let answer = client.get(&format!("/fhir/r4/{search}")).await.expect(200);
        assert_eq!(ids(&answer), wanted, "{search}");
    }
    assert_eq!(ids(&client.get("/fhir/r4/Patient?_has:Observation:patient:status=final").await.expect(200)), ["p"]);
    let together = client.get("/fhir/r4/Patient?_revinclude=Observation:subject").await.expect(200);
    assert_eq!(ids(&together).len(), 4);
    // It stays what was written, and what it is found by changes with it.
    assert!(client.get("/fhir/r4/Observation/own").await.expect(200).text().contains(PUBLIC_URL));
    put(&client, &observation("own", "Patient/q")).await;
    wanted.remove(0);
    assert_eq!(ids(&client.get("/fhir/r4/Observation?patient=p").await.expect(200)), wanted);
}

async fn codes_are_named_by_value_sets(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    for (id, gender) in [("f", "female"), ("m", "male"), ("o", "other")] {
        put(&client, &json!({"resourceType": "Patient", "id": id, "gender": gender})).await;
    }
    put(&client, &json!({"resourceType": "Patient", "id": "none"})).await;
    let gender = "http://hl7.org/fhir/administrative-gender";
    put(
        &client,
        &json!({"resourceType": "ValueSet", "id": "two", "url": "https://a.example/two", "status": "active", "compose": {"include":
            [{"system": gender, "concept": [{"code": "female"}, {"code": "other"}]}]}}),
    )
    .await;
    put(
        &client,
        &json!({"resourceType": "CodeSystem", "id": "colours", "url": "urn:colours", "status": "active", "content": "complete",
            "hierarchyMeaning": "is-a", "concept": [{"code": "red", "concept": [{"code": "scarlet"}]}, {"code": "blue"}]}),
    )
    .await;
    for (id, code) in [("r", "red"), ("s", "scarlet"), ("b", "blue")] {
        let coding = json!({"coding": [{"system": "urn:colours", "code": code}]});
        put(&client, &json!({"resourceType": "Observation", "id": id, "status": "final", "code": coding})).await;
    }
    let own = format!("{PUBLIC_URL}/fhir/r4/ValueSet/two");
    let by_url = format!("Patient?gender:in={own}");
    for (search, wanted) in [
        ("Patient?gender:in=https://a.example/two", vec!["f", "o"]),
        ("Patient?gender:in=ValueSet/two", vec!["f", "o"]),
        (by_url.as_str(), vec!["f", "o"]),
        ("Patient?gender:not-in=ValueSet/two", vec!["m", "none"]),
        ("Patient?gender:in=http://hl7.org/fhir/ValueSet/administrative-gender", vec!["f", "m", "o"]),
        ("Observation?code:below=urn:colours|red", vec!["r", "s"]),
        ("Observation?code:above=urn:colours|scarlet", vec!["r", "s"]),
        ("Observation?code:below=urn:colours|blue", vec!["b"]),
        ("Observation?code:below=urn:colours|nothing", vec![]),
    ] {
        assert_eq!(ids(&client.get(&format!("/fhir/r4/{search}")).await.expect(200)), wanted, "{search}");
    }
    for (search, name, code) in [
        ("Patient?gender:in=urn:nothing", "gender:in", "not-found"),
        ("Patient?gender:in=ValueSet/nothing", "gender:in", "not-found"),
        ("Observation?code:in=http://hl7.org/fhir/ValueSet/ucum-units", "code:in", "not-found"),
        ("Observation?code:below=http://loinc.org|1-8", "code:below", "not-found"),
        ("Observation?code:below=1-8", "code:below", "value"),
        ("Patient?birthdate:in=urn:nothing", "birthdate:in", "not-supported"),
    ] {
        let issue = client.get(&format!("/fhir/r4/{search}")).await.expect(400).json()["issue"][0].clone();
        assert_eq!(
            (issue["expression"][0].as_str(), issue["code"].as_str()),
            (Some(name), Some(code)),
            "{search}: {issue}"
        );
    }
}
