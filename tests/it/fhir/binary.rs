//! Binary: content of any type, in and out. R4 binary.html.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway::access::Role;
use causeway::base::TenantId;
use causeway::ops::tokens::TokenRequest;
use serde_json::{Value, json};

use crate::each_backend;
use crate::support::{Answer, Backend, Client, PUBLIC_URL, TestGateway, token};

each_backend!(
    content_comes_back_as_it_went_in,
    versions_keep_their_content,
    parts_of_content_are_what_was_asked_for,
    a_context_decides_who_reads_it,
    bad_input_is_refused,
);

const PDF: &str = "application/pdf";

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at * 31 % 251).expect("is a byte")).collect()
}

async fn stored(client: &Client, kind: &str, bytes: &[u8]) -> String {
    let answer = client.send("POST", "/fhir/r4/Binary", &[("Content-Type", kind)], bytes).await.expect(201);
    answer.json()["id"].as_str().expect("an id").to_owned()
}

async fn narrowed(gateway: &TestGateway, scope: &str) -> Client {
    let request = TokenRequest { scope: Some(scope.to_owned()), ..token("narrow", &[Role::Integrator]) };
    gateway.client(&TenantId::default_tenant(), request).await
}

async fn raw(client: &Client, path: &str, headers: &[(&str, &str)]) -> Answer {
    client.send("GET", path, headers, b"").await
}

async fn content_comes_back_as_it_went_in(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    for length in [0, 1, 2, 3, 100_000] {
        let bytes = content(length);
        let posted = client.send("POST", "/fhir/r4/Binary", &[("Content-Type", PDF)], &bytes).await.expect(201);
        let id = posted.json()["id"].as_str().expect("an id").to_owned();
        assert_eq!(posted.must("location"), format!("{PUBLIC_URL}/fhir/r4/Binary/{id}/_history/1"));
        let path = format!("/fhir/r4/Binary/{id}");
        for accept in [None, Some(PDF), Some("*/*"), Some("image/png")] {
            let headers: Vec<(&str, &str)> = accept.map(|accept| ("Accept", accept)).into_iter().collect();
            let answer = raw(&client, &path, &headers).await.expect(200);
            assert_eq!((answer.must("content-type"), answer.body == bytes), (PDF, true), "{accept:?} {length}");
            assert_eq!(answer.must("x-content-type-options"), "nosniff");
            assert_eq!(answer.must("content-disposition"), format!("attachment; filename=\"Binary-{id}.pdf\""));
            assert_eq!(answer.tag(), "\"1\"");
        }
        let resource = raw(&client, &path, &[("Accept", "application/fhir+json")]).await.expect(200).json();
        assert_eq!((&resource["resourceType"], &resource["contentType"]), (&json!("Binary"), &json!(PDF)));
        let data = (length > 0).then(|| STANDARD.encode(&bytes));
        assert_eq!(resource["data"].as_str(), data.as_deref());
        assert_eq!(raw(&client, &format!("{path}?_format=json"), &[]).await.expect(200).json(), resource);
        let head = client.send("HEAD", &path, &[], b"").await.expect(200);
        assert_eq!((head.must("content-length"), head.body.len()), (length.to_string().as_str(), 0));
        raw(&client, &path, &[("If-None-Match", "W/\"1\"")]).await.expect(304);
        raw(&client, &path, &[("If-None-Match", "W/\"2\"")]).await.expect(200);
        raw(&client, &path, &[("Accept", "application/fhir+xml")]).await.expect(406);
    }
    // What is written as a resource is read as content, white space in it or not.
    let spaced =
        json!({"resourceType": "Binary", "id": "b-1", "data": "AQI\nD", "contentType": "text/plain; charset=utf-8"});
    client.put("/fhir/r4/Binary/b-1", &spaced).await.expect(201);
    let answer = raw(&client, "/fhir/r4/Binary/b-1", &[]).await.expect(200);
    assert_eq!((answer.body.as_slice(), answer.must("content-type")), (&[1, 2, 3][..], "text/plain; charset=utf-8"));
    // JSON that is no Binary is content as well.
    let id = stored(&client, "application/json", br#"{"resourceType":"Patient"}"#).await;
    let json = raw(&client, &format!("/fhir/r4/Binary/{id}"), &[("Accept", "application/json")]).await.expect(200);
    assert_eq!(json.text(), r#"{"resourceType":"Patient"}"#);
    let found = client.get(&format!("/fhir/r4/Binary?_id={id}")).await.expect(200).json();
    assert_eq!(found["entry"][0]["resource"]["data"], STANDARD.encode(br#"{"resourceType":"Patient"}"#));
}

async fn versions_keep_their_content(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let put = async |kind: &str, bytes: &[u8], tag: Option<&str>| {
        let mut headers = vec![("Content-Type", kind), ("Accept", "text/plain")];
        headers.extend(tag.map(|tag| ("If-Match", tag)));
        client.send("PUT", "/fhir/r4/Binary/doc-1", &headers, bytes).await
    };
    let first = put("text/plain", b"one", None).await.expect(201);
    assert!(first.body.is_empty(), "who takes no FHIR JSON is not sent any");
    put("text/csv", b"two", Some("W/\"1\"")).await.expect(200);
    put("text/plain", b"three", Some("W/\"1\"")).await.expect(412);
    for (version, kind, text) in [(1, "text/plain", "one"), (2, "text/csv", "two")] {
        let answer = raw(&client, &format!("/fhir/r4/Binary/doc-1/_history/{version}"), &[]).await.expect(200);
        assert_eq!((answer.text().as_str(), answer.must("content-type")), (text, kind));
    }
    let history = client.get("/fhir/r4/Binary/doc-1/_history").await.expect(200).json();
    assert_eq!((&history["total"], &history["entry"][1]["resource"]["data"]), (&json!(2), &json!("b25l")));
    client.delete("/fhir/r4/Binary/doc-1").await.expect(204);
    raw(&client, "/fhir/r4/Binary/doc-1", &[]).await.expect(410);
    raw(&client, "/fhir/r4/Binary/doc-1/_history/1", &[]).await.expect(200);
}

async fn parts_of_content_are_what_was_asked_for(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let bytes = content(150_000);
    let path = format!("/fhir/r4/Binary/{}", stored(&client, "application/dicom", &bytes).await);
    for (range, part, said) in [
        ("bytes=0-0", &bytes[..1], "bytes 0-0/150000"),
        ("bytes=1-100000", &bytes[1..=100_000], "bytes 1-100000/150000"),
        ("bytes=149998-", &bytes[149_998..], "bytes 149998-149999/150000"),
        ("bytes=-2", &bytes[149_998..], "bytes 149998-149999/150000"),
    ] {
        let answer = raw(&client, &path, &[("Range", range)]).await.expect(206);
        assert_eq!((answer.body == part, answer.must("content-range")), (true, said), "{range}");
    }
    assert_eq!(
        raw(&client, &path, &[("Range", "bytes=150000-")]).await.expect(416).must("content-range"),
        "bytes */150000"
    );
    let other = [("Range", "bytes=0-0"), ("If-Range", "\"2\"")];
    assert_eq!(raw(&client, &path, &other).await.expect(200).body, bytes);
}

async fn a_context_decides_who_reads_it(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let headers = [("Content-Type", PDF), ("X-Security-Context", "Patient/p-1")];
    for (id, headers) in [("mine", &headers[..]), ("open", &headers[..1])] {
        client.send("PUT", &format!("/fhir/r4/Binary/{id}"), headers, b"x").await.expect(201);
    }
    let resource = raw(&client, "/fhir/r4/Binary/mine?_format=json", &[]).await.expect(200).json();
    assert_eq!(resource["securityContext"], json!({"reference": "Patient/p-1"}));
    let elsewhere = json!({"resourceType": "Binary", "id": "far", "contentType": PDF, "data": "AQID",
        "securityContext": {"reference": "http://elsewhere/fhir/Patient/p-1"}});
    client.put("/fhir/r4/Binary/far", &elsewhere).await.expect(201);

    let without = narrowed(&gateway, "user/Binary.cruds user/Observation.rs").await;
    for (id, status) in [("open", 200), ("mine", 404), ("far", 404)] {
        let path = format!("/fhir/r4/Binary/{id}");
        raw(&without, &path, &[]).await.expect(status);
        raw(&without, &format!("{path}?_format=json"), &[]).await.expect(status);
        raw(&without, &format!("{path}/_history/1"), &[]).await.expect(status);
        raw(&without, &format!("{path}/_history"), &[]).await.expect(status);
        raw(&without, &format!("{path}/$meta"), &[]).await.expect(status);
        client.send("HEAD", &path, &[], b"").await.expect(200);
    }
    // It is neither changed nor found, and a Bundle is no way round.
    without.send("PUT", "/fhir/r4/Binary/mine", &headers[..1], b"y").await.expect(404);
    without.delete("/fhir/r4/Binary/mine").await.expect(404);
    let patch = json!([{"op": "remove", "path": "/securityContext"}]).to_string();
    let as_patch = [("Content-Type", "application/json-patch+json")];
    without.send("PATCH", "/fhir/r4/Binary/mine", &as_patch, patch.as_bytes()).await.expect(404);
    without.get("/fhir/r4/Binary?_id=mine").await.expect(403);
    without.get("/fhir/r4/Binary/_history").await.expect(403);
    let read = |kind: &str| json!({"resourceType": "Bundle", "type": kind, "entry": [{"request": {"method": "GET", "url": "Binary/mine"}}]});
    without.post("/fhir/r4", &read("transaction")).await.expect(404);
    let batch = without.post("/fhir/r4", &read("batch")).await.expect(200).json();
    assert!(batch["entry"][0]["response"]["status"].as_str().is_some_and(|status| status.starts_with("404")));
    let write = |request: Value| {
        let body = json!({"resourceType": "Binary", "id": "mine", "contentType": PDF});
        json!({"resourceType": "Bundle", "type": "transaction", "entry": [{"request": request, "resource": body}]})
    };
    without.post("/fhir/r4", &write(json!({"method": "PUT", "url": "Binary/mine"}))).await.expect(404);

    let reader = narrowed(&gateway, "user/Binary.r user/Patient.r").await;
    raw(&reader, "/fhir/r4/Binary/mine", &[]).await.expect(200);
    raw(&reader, "/fhir/r4/Binary/far", &[]).await.expect(404);
    let all = narrowed(&gateway, "user/*.rs").await;
    raw(&all, "/fhir/r4/Binary/far", &[]).await.expect(200);
    assert_eq!(all.get("/fhir/r4/Binary").await.expect(200).json()["total"], 3);
    let of_patient = narrowed(&gateway, "patient/*.rs user/Patient.rs").await;
    raw(&of_patient, "/fhir/r4/Binary/mine", &[]).await.expect(403);
}

async fn bad_input_is_refused(backend: Backend) {
    let gateway = TestGateway::with(&backend, &["http.max_body_bytes=64KiB"], "").await;
    let client = gateway.role(Role::Integrator).await;
    let post =
        async |headers: &[(&str, &str)], bytes: &[u8]| client.send("POST", "/fhir/r4/Binary", headers, bytes).await;
    post(&[("Content-Type", PDF)], &content(70_000)).await.expect(413);
    post(&[("Content-Type", PDF)], &content(60_000)).await.expect(201);
    let chunk = format!("{:x}\r\n{}\r\n", 70_000, "x".repeat(70_000));
    let chunked = [("Content-Type", "text/plain"), ("Transfer-Encoding", "chunked")];
    client.send_chunked("POST", "/fhir/r4/Binary", &chunked, &chunk).await.expect(413);
    post(&[], b"x").await.expect(415);
    post(&[("Content-Type", "nonsense")], b"x").await.expect(415);
    post(&[("Content-Type", "application/fhir+xml")], b"<Binary/>").await.expect(415);
    post(&[("Content-Type", "application/fhir+json")], b"%PDF").await.expect(400);
    for context in ["nobody", "Patient", "Patient/1?x", "urn:uuid:1", "../Patient/1", "#p"] {
        let refused = post(&[("Content-Type", PDF), ("X-Security-Context", context)], b"x").await.expect(400);
        assert_eq!(refused.named(), ["X-Security-Context"], "{context}");
    }
    let other = br#"{"resourceType":"Binary","contentType":"a/b","securityContext":{"reference":"Patient/2"}}"#;
    post(&[("Content-Type", "application/fhir+json"), ("X-Security-Context", "Patient/1")], other).await.expect(400);
    let broken = json!({"resourceType": "Binary", "contentType": PDF, "data": "%%%"});
    client.post("/fhir/r4/Binary", &broken).await.expect(400);
    client.send("POST", "/fhir/r4/Patient", &[("Content-Type", PDF)], b"x").await.expect(415);
    gateway
        .role(Role::Clinician)
        .await
        .send("POST", "/fhir/r4/Binary", &[("Content-Type", PDF)], b"x")
        .await
        .expect(403);
    gateway.nobody().send("POST", "/fhir/r4/Binary", &[("Content-Type", PDF)], b"x").await.expect(401);
}
