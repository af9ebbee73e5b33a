//! Bad input: each gets a 4xx that names every offending field, changes nothing and leaves no file behind.

use std::collections::BTreeSet;
use std::path::PathBuf;

use causeway::access::Role;
use serde_json::{Value, json};

use crate::each_backend;
use crate::support::samples::{create, measured, short, with, without};
use crate::support::{Answer, Backend, Client, TestGateway};

each_backend!(
    what_is_not_json_is_refused,
    every_wrong_field_of_a_report_is_named,
    all_wrong_fields_are_named_at_once,
    what_is_too_large_is_not_read,
    changes_are_held_to_the_same_rules,
    letterheads_are_held_to_their_form,
    tokens_are_held_to_their_form,
    requests_are_held_to_their_protocol,
);

/// What must be as it was: rows and files.
async fn state(gateway: &TestGateway) -> (String, BTreeSet<PathBuf>) {
    gateway.idle().await;
    (gateway.rows().await, gateway.files())
}

async fn post_bytes(client: &Client, path: &str, body: &[u8]) -> Answer {
    client.send("POST", path, &[("Content-Type", "application/json")], body).await
}

async fn what_is_not_json_is_refused(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let before = state(&gateway).await;
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    let wide = format!("[{}0]", "0,".repeat(2_000_000));
    for (what, body) in [
        ("nothing", &b""[..]),
        ("half of it", b"{\"status\": \"draft\""),
        ("two of them", b"{} {}"),
        ("a list", b"[]"),
        ("a text", b"\"report\""),
        ("not UTF-8", b"{\"status\": \"\xff\"}"),
        ("a lone surrogate", b"{\"status\": \"\\ud800\"}"),
        ("a byte order mark", b"\xef\xbb\xbf{}"),
        ("a raw control character", b"{\"status\": \"a\x07b\"}"),
        ("a comment", b"{} // x"),
        ("a comma too many", b"{\"status\": \"draft\",}"),
        ("NaN", b"{\"measurements\": [{\"value\": NaN}]}"),
        ("an infinite number", b"{\"measurements\": [{\"value\": Infinity}]}"),
        ("nested without end", &deep),
        ("values without end", wide.as_bytes()),
    ] {
        let refused = post_bytes(&doctor, "/api/reports", body).await.expect(400);
        assert_eq!(refused.header("content-type"), Some("application/problem+json"), "{what}");
        assert!(refused.body.len() < 20_000, "{what}");
    }
    let twice =
        post_bytes(&doctor, "/api/reports", b"{\"status\": \"draft\", \"status\": \"final\"}").await.expect(400);
    assert!(twice.text().contains("status"), "{}", twice.text());
    assert_eq!(state(&gateway).await, before);
}

async fn every_wrong_field_of_a_report_is_named(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let before = state(&gateway).await;
    let good = measured("preliminary");
    let twin = |path: &str| good.pointer(path).expect("is there").clone();
    let long_uid = format!("1.{}", "2".repeat(63));
    for (pointer, value, named) in [
        ("/colour", json!("red"), "colour"),
        ("/patient/colour", json!("red"), "patient.colour"),
        ("/measurements/1/colour", json!("red"), "measurements[1].colour"),
        ("/id", json!("no/id"), "id"),
        ("/id", json!(""), "id"),
        ("/status", json!("done"), "status"),
        ("/status", json!("Final"), "status"),
        ("/status", Value::Null, "status"),
        ("/patient/birthDate", json!("2025-02-30"), "patient.birthDate"),
        ("/patient/birthDate", json!("1961-04"), "patient.birthDate"),
        ("/patient/birthDate", json!("2999-01-01"), "patient.birthDate"),
        ("/patient/sex", json!("X"), "patient.sex"),
        ("/patient/id", json!("a\\b"), "patient.id"),
        ("/patient/id", json!("a\u{0}b"), "patient.id"),
        ("/patient/id", json!("x".repeat(65)), "patient.id"),
        ("/patient/name/family", json!("Doe^Jane"), "patient.name.family"),
        ("/patient/name/family", json!("x".repeat(65)), "patient.name.family"),
        ("/patient/name/ideographic", json!("a^b^c^d^e^f"), "patient.name.ideographic"),
        ("/patient/name", json!("a^b^c^d^e^f"), "patient.name"),
        ("/patient/name", json!("a=b=c=d"), "patient.name"),
        ("/patient/name", json!({}), "patient.name.family"),
        ("/study/studyDate", json!("2023-02-29"), "study.studyDate"),
        ("/study/studyDate", json!("20230228"), "study.studyDate"),
        ("/study/studyTime", json!("25:00:00"), "study.studyTime"),
        ("/study/studyInstanceUID", json!("1.2.03"), "study.studyInstanceUID"),
        ("/study/studyInstanceUID", json!(long_uid), "study.studyInstanceUID"),
        ("/study/studyInstanceUID", json!("1.2.x"), "study.studyInstanceUID"),
        ("/study/studyInstanceUID", json!("1.2."), "study.studyInstanceUID"),
        ("/study/accessionNumber", json!("x".repeat(17)), "study.accessionNumber"),
        ("/study/bodySite/code", json!(""), "study.bodySite.code"),
        ("/sections/findings", json!("a\u{7}b"), "sections.findings"),
        ("/sections/findings", json!(" \n "), "sections.findings"),
        ("/sections/findings", json!(5), "sections.findings"),
        ("/sections/outlook", json!("text"), "sections.outlook"),
        ("/measurements/0/unit", json!("millimetres"), "measurements[0].unit"),
        ("/measurements/0/unit", json!("mm per s per"), "measurements[0].unit"),
        ("/measurements/0/value", json!("NaN"), "measurements[0].value"),
        ("/measurements/0/value", json!("Infinity"), "measurements[0].value"),
        ("/measurements/0/value", json!("1,5"), "measurements[0].value"),
        ("/measurements/0/value", json!("007"), "measurements[0].value"),
        ("/measurements/0/image/sopInstanceUID", json!("0.00"), "measurements[0].image.sopInstanceUID"),
        ("/measurements/1/id", twin("/measurements/0/id"), "measurements[1].id"),
        ("/measurements/0/laterality", json!("up"), "measurements[0].laterality"),
        ("/structuredFindings/0/severity", json!("grave"), "structuredFindings[0].severity"),
        ("/structuredFindings/0/critical", json!("yes"), "structuredFindings[0].critical"),
        ("/structuredFindings/0/images/0/frame", json!(0), "structuredFindings[0].images[0].frame"),
        ("/keyImages/0/seriesInstanceUID", json!("x"), "keyImages[0].seriesInstanceUID"),
        ("/keyImages", json!({}), "keyImages"),
        ("/author/id", json!(""), "author.id"),
        ("/author", json!(null), "author"),
        ("/verifier/name", json!(7), "verifier.name"),
        ("/language", json!("not a tag"), "language"),
        ("/order/placerNumber", json!("a\nb"), "order.placerNumber"),
    ] {
        let body = with(good.clone(), pointer, value.clone());
        let refused = doctor.post("/api/reports", &body).await.expect(400);
        assert_eq!(refused.named(), [named], "{pointer} = {value}");
        let repeats = value.as_str().is_some_and(|text| text.len() > 3 && refused.text().contains(text));
        assert!(!repeats, "the value is not repeated: {}", refused.text());
    }
    for (pointer, named) in [
        ("/patient", "patient"),
        ("/study", "study"),
        ("/author", "author"),
        ("/status", "status"),
        ("/patient/id", "patient.id"),
        ("/patient/name", "patient.name"),
        ("/study/studyInstanceUID", "study.studyInstanceUID"),
        ("/measurements/0", "measurements[0]"),
    ] {
        let body = if pointer.ends_with('0') {
            with(good.clone(), pointer, json!({}))
        } else {
            without(good.clone(), pointer)
        };
        let refused = doctor.post("/api/reports", &body).await.expect(400);
        assert!(refused.named().iter().all(|path| path.starts_with(named)), "{pointer}: {:?}", refused.named());
    }
    let finding = good["structuredFindings"][0].clone();
    let mut doubled = good.clone();
    doubled["structuredFindings"].as_array_mut().expect("findings").push(finding);
    assert_eq!(doctor.post("/api/reports", &doubled).await.expect(400).named(), ["structuredFindings[1].id"]);
    assert_eq!(state(&gateway).await, before);
}

async fn all_wrong_fields_are_named_at_once(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let before = state(&gateway).await;
    let mut bad = measured("done");
    for (pointer, value) in [
        ("/patient/birthDate", json!("yesterday")),
        ("/study/studyInstanceUID", json!("1.02")),
        ("/sections/impression", json!("")),
        ("/measurements/0/unit", json!("furlong per")),
        ("/measurements/3/value", json!("NaN")),
        ("/keyImages/1/sopInstanceUID", json!("x")),
        ("/colour", json!(1)),
    ] {
        bad = with(bad, pointer, value);
    }
    let mut named = doctor.post("/api/reports", &bad).await.expect(400).named();
    named.sort();
    let wanted = [
        "colour",
        "keyImages[1].sopInstanceUID",
        "measurements[0].unit",
        "measurements[3].value",
        "patient.birthDate",
        "sections.impression",
        "status",
        "study.studyInstanceUID",
    ];
    assert_eq!(named, wanted);

    let mut endless = measured("draft");
    let measurement = endless["measurements"][0].clone();
    endless["measurements"] = (0..300).map(|_| with(measurement.clone(), "/unit", "x y")).collect();
    let refused = doctor.post("/api/reports", &endless).await.expect(400);
    assert!((100..=101).contains(&refused.named().len()), "the first hundred are named");
    assert!(refused.json()["problemsLeftOut"].as_u64().is_some_and(|left| left > 100), "and the rest counted");
    assert_eq!(state(&gateway).await, before);
}

async fn what_is_too_large_is_not_read(backend: Backend) {
    let gateway = TestGateway::with(&backend, &["http.max_body_bytes=4MiB"], "").await;
    let doctor = gateway.radiologist().await;
    let before = state(&gateway).await;
    // 50 MB of text, as the body says at its beginning, and without saying so.
    let large = with(short("draft"), "/sections/findings", "x".repeat(50_000_000)).to_string();
    post_bytes(&doctor, "/api/reports", large.as_bytes()).await.expect(413);
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 20, "x".repeat(1 << 20));
    let headers = [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")];
    let endless = doctor.send_chunked("POST", "/api/reports", &headers, &chunk.repeat(20)).await;
    assert_eq!(endless.status, 413, "{}", endless.text());
    // A small body that grows: 40 MB of zeros in 40 KB.
    let packed = gzip(&vec![b'0'; 40_000_000]).await;
    assert!(packed.len() < 100_000);
    let headers = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")];
    doctor.send("POST", "/api/reports", &headers, &packed).await.expect(413);
    // Within the limit of bodies, but longer than a section may be.
    let long = with(short("draft"), "/sections/findings", "x".repeat(1_000_001));
    assert_eq!(doctor.post("/api/reports", &long).await.expect(400).named(), ["sections.findings"]);
    doctor.send("GET", &format!("/api/reports?patientId={}", "x".repeat(20_000)), &[], b"").await.expect(414);
    assert_eq!(state(&gateway).await, before);
    let packed = gzip(short("draft").to_string().as_bytes()).await;
    doctor.send("POST", "/api/reports", &headers, &packed).await.expect(201);
}

async fn gzip(bytes: &[u8]) -> Vec<u8> {
    use tokio::io::AsyncWriteExt;
    let mut encoder = async_compression::tokio::write::GzipEncoder::new(Vec::new());
    encoder.write_all(bytes).await.expect("is written");
    encoder.shutdown().await.expect("ends");
    encoder.into_inner()
}

async fn changes_are_held_to_the_same_rules(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (draft, tag) = create(&doctor, &measured("draft")).await;
    let (verified, _) = create(&doctor, &measured("final")).await;
    let before = state(&gateway).await;
    let bad = with(measured("draft"), "/measurements/0/unit", "x y");
    let path = format!("/api/reports/{draft}");
    assert_eq!(doctor.put_at(&path, &tag, &bad).await.expect(400).named(), ["measurements[0].unit"]);
    doctor.put_at(&path, r#"W/"2""#, &measured("draft")).await.expect(412);
    doctor.put(&path, &measured("draft")).await.expect(428);
    let renamed = with(measured("draft"), "/id", "other");
    assert_eq!(doctor.put_at(&path, &tag, &renamed).await.expect(400).named(), ["id"]);
    for status in ["final", "amended", "cancelled"] {
        assert_eq!(doctor.put_at(&path, &tag, &measured(status)).await.expect(422).named(), ["status"], "{status}");
    }
    for tag in ["W/\"1", "1", "W/\"x\"", "W/\"1\", W/\"2\"", "\"\""] {
        assert_eq!(doctor.put_at(&path, tag, &measured("draft")).await.expect(400).named(), ["If-Match"], "{tag}");
    }
    let amend = format!("/api/reports/{verified}/amend");
    let amendment = json!({"report": with(bad, "/status", "amended"), "reasons": "x"});
    assert_eq!(doctor.post(&amend, &amendment).await.expect(400).named(), ["reasons"]);
    let amendment = without(amendment, "/reasons");
    assert_eq!(doctor.post(&amend, &amendment).await.expect(400).named(), ["measurements[0].unit"]);
    for reason in [json!(""), json!(5), json!("a\u{7}"), json!("x".repeat(1025))] {
        let body = json!({"reason": reason});
        assert_eq!(doctor.post(&format!("{path}/cancel"), &body).await.expect(400).named(), ["reason"], "{body}");
    }
    assert_eq!(state(&gateway).await, before);
}

async fn letterheads_are_held_to_their_form(backend: Backend) {
    use base64::Engine;
    let gateway = TestGateway::new(&backend).await;
    let admin = gateway.role(Role::Admin).await;
    let before = state(&gateway).await;
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let png = causeway::dicom::sample_study::png(1).expect("an image");
    let good = json!({"organization": "Example General", "logo": base64(&png), "pageSize": "letter"});
    let gif = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";
    for (bad, named) in [
        (with(good.clone(), "/logo", base64(b"not an image")), vec!["logo"]),
        (with(good.clone(), "/logo", base64(&png[..png.len() / 2])), vec!["logo"]),
        (with(good.clone(), "/logo", base64(gif)), vec!["logo"]),
        (with(good.clone(), "/logo", base64(b"<svg xmlns='http://www.w3.org/2000/svg'/>")), vec!["logo"]),
        (with(good.clone(), "/logo", "!"), vec!["logo"]),
        (with(good.clone(), "/logo", ""), vec!["logo"]),
        (with(good.clone(), "/pageSize", "a3"), vec!["pageSize"]),
        (with(good.clone(), "/organization", " "), vec!["organization"]),
        (with(good.clone(), "/lines", json!(["ok", "a\u{7}b", ""])), vec!["lines[1]", "lines[2]"]),
        (with(good.clone(), "/lines", json!(["a", "b", "c", "d", "e", "f", "g"])), vec!["lines"]),
        (with(with(good.clone(), "/colour", "red"), "/lines", "x"), vec!["lines", "colour"]),
        (without(good.clone(), "/organization"), vec!["organization"]),
        (json!([]), vec![""]),
    ] {
        let refused = admin.put("/api/admin/letterhead", &bad).await.expect(400);
        assert_eq!(refused.named(), named, "{}", refused.text());
    }
    assert_eq!(state(&gateway).await, before);
    admin.put("/api/admin/letterhead", &good).await.expect(204);
    let read = admin.get("/api/admin/letterhead").await.expect(200);
    assert_eq!(read.json()["logo"], good["logo"]);
    admin.put_at("/api/admin/letterhead", r#"W/"7""#, &good).await.expect(412);
    let doctor = gateway.radiologist().await;
    doctor.put("/api/admin/letterhead", &good).await.expect(403);
    let (report, _) = create(&doctor, &short("final")).await;
    let pdf = crate::support::samples::exported(&doctor, &report, "pdf").await;
    assert!(pdf.body.starts_with(b"%PDF-"), "a report wears it");
}

async fn tokens_are_held_to_their_form(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let admin = gateway.role(Role::Admin).await;
    let before = state(&gateway).await;
    for (bad, named) in [
        (json!({}), vec!["user", "roles"]),
        (json!({"user": "a b", "roles": ["doctor", "admin", "king"]}), vec!["user", "roles[0]", "roles[2]"]),
        (json!({"user": "a", "roles": []}), vec!["roles"]),
        (json!({"user": "a", "roles": ["admin"], "expiresIn": 0}), vec!["expiresIn"]),
        (json!({"user": "a", "roles": ["admin"], "expiresIn": "1h", "colour": 1}), vec!["expiresIn", "colour"]),
        (json!({"user": "a", "roles": ["admin"], "scope": "everything"}), vec!["scope"]),
    ] {
        assert_eq!(admin.post("/api/admin/tokens", &bad).await.expect(400).named(), named, "{bad}");
    }
    let nobody = gateway.nobody();
    assert_eq!(
        nobody.post("/api/auth/bootstrap", &json!({"word": "x"})).await.expect(400).named(),
        ["password", "word"]
    );
    nobody.post("/api/auth/bootstrap", &json!({"password": "123-456"})).await.expect(401);
    admin.delete("/api/admin/tokens/a%20b").await.expect(404);
    assert_eq!(state(&gateway).await, before);
}

async fn requests_are_held_to_their_protocol(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let before = state(&gateway).await;
    let body = short("draft").to_string();
    for content_type in ["text/plain", "application/fhir+json", "application/json; charset=latin1", "json"] {
        let headers = [("Content-Type", content_type)];
        doctor.send("POST", "/api/reports", &headers, body.as_bytes()).await.expect(415);
    }
    doctor.send("POST", "/api/reports", &[], body.as_bytes()).await.expect(415);
    let packed = [("Content-Type", "application/json"), ("Content-Encoding", "br")];
    doctor.send("POST", "/api/reports", &packed, body.as_bytes()).await.expect(415);
    let wrong = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")];
    doctor.send("POST", "/api/reports", &wrong, body.as_bytes()).await.expect(400);
    let patch = doctor.send("PATCH", "/api/reports", &[], b"{}").await.expect(405);
    assert_eq!(patch.must("allow"), "POST, GET, HEAD, OPTIONS");
    doctor.get("/api/nothing").await.expect(404);
    doctor.get("/api/reports/").await.expect(404);
    doctor.get("/api//reports").await.expect(404);
    doctor.get("/api/reports?access_token=x").await.expect(400);
    let many = "x".repeat(40_000);
    let large = doctor.send("GET", "/api/reports", &[("X-Large", &many)], b"").await;
    assert!(matches!(large.status, 400 | 431), "{}", large.status);
    assert_eq!(state(&gateway).await, before);
}
