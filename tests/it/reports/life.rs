//! What may follow what, who answers for it, and which version a change is meant for.

use causeway::access::Role;
use causeway::base::TenantId;
use serde_json::{Value, json};

use crate::each_backend;
use crate::support::samples::{content, create, items, measured, saying, short, text, with, without};
use crate::support::{Backend, PUBLIC_URL, TestGateway, token};

each_backend!(
    a_draft_becomes_final,
    someone_answers_for_a_verified_report,
    a_verified_report_changes_by_amendment_only,
    an_addendum_only_adds,
    reports_end_in_three_ways,
    a_report_begins_unfinished_or_final,
    every_action_in_every_state,
);

async fn a_draft_becomes_final(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let draft = without(measured("draft"), "/verifier");

    let created = doctor.post("/api/reports", &draft).await.expect(201);
    let (id, first) = (text(&created.json(), "id"), created.json());
    let path = format!("/api/reports/{id}");
    assert_eq!(created.must("location"), format!("{PUBLIC_URL}{path}"));
    assert_eq!(created.tag(), r#"W/"1""#);
    assert!(created.header("last-modified").is_some());
    assert_eq!(without(content(&created), "/id"), draft, "what was sent is what is kept, digit for digit");
    let read = doctor.get(&path).await.expect(200);
    assert_eq!((read.json(), read.tag()), (created.json(), created.tag()));
    assert_eq!(doctor.send("HEAD", &path, &[], b"").await.expect(200).must("etag"), read.tag());
    assert!(doctor.get_if(&path, "If-None-Match", &read.tag()).await.expect(304).body.is_empty());

    let changed = saying(with(draft.clone(), "/status", "preliminary"), "Changed.\nΔ = 1.50 mm");
    doctor.put(&path, &changed).await.expect(428);
    assert_eq!(doctor.put_at(&path, "*", &changed).await.expect(400).named(), ["If-Match"]);
    assert_eq!(doctor.put_at(&path, "two", &changed).await.expect(400).named(), ["If-Match"]);
    doctor.put_at(&path, r#"W/"7""#, &changed).await.expect(412);
    assert_eq!(doctor.get(&path).await.tag(), read.tag(), "nothing has changed");
    let updated = doctor.put_at(&path, &read.tag(), &changed).await.expect(200);
    assert_eq!((updated.tag().as_str(), &updated.json()["status"]), (r#"W/"2""#, &json!("preliminary")));
    let stale = doctor.put_at(&path, &read.tag(), &changed).await.expect(412);
    assert_eq!(stale.json()["currentVersion"], 2);
    doctor.get_if(&path, "If-None-Match", &read.tag()).await.expect(200);

    let verifier = json!({"verifier": {"id": "chief", "name": {"family": "Chief", "given": ["Clara"]}}});
    let verified = doctor.post(&format!("{path}/finalize"), &verifier).await.expect(200);
    assert_eq!((&verified.json()["status"], &verified.json()["verifier"]["id"]), (&json!("final"), &json!("chief")));
    assert_eq!(verified.json()["meta"]["verifiedAt"], verified.json()["meta"]["lastUpdated"]);
    assert_ne!(verified.json()["meta"]["contentDigest"], first["meta"]["contentDigest"]);

    let history = items(&doctor.get(&format!("{path}/history")).await.expect(200));
    let states: Vec<&Value> = history.iter().map(|version| &version["status"]).collect();
    assert_eq!(states, ["final", "preliminary", "draft"]);
    for (version, then) in [(1, &first), (2, &updated.json()), (3, &verified.json())] {
        let read = doctor.get(&format!("{path}/versions/{version}")).await.expect(200);
        assert_eq!((&read.json(), read.tag()), (then, format!("W/\"{version}\"")));
    }
    for nothing in ["0", "4", "-1", "x", "1.0", "99999999999"] {
        doctor.get(&format!("{path}/versions/{nothing}")).await.expect(404);
    }
}

async fn someone_answers_for_a_verified_report(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let unsigned = without(short("preliminary"), "/verifier");

    let (id, tag) = create(&doctor, &unsigned).await;
    let finalize = format!("/api/reports/{id}/finalize");
    let refused = doctor.act(&finalize).await.expect(422);
    assert_eq!(refused.named(), ["verifier"], "the token has no name");
    assert_eq!(doctor.get(&format!("/api/reports/{id}")).await.tag(), tag, "nothing has changed");
    let nameless = doctor.post(&finalize, &json!({"verifier": {"id": "x", "name": {}, "rank": 1}})).await.expect(400);
    assert_eq!(nameless.named(), ["verifier.rank", "verifier.name.family"]);
    let unknown = doctor.post(&finalize, &json!({"verifiers": []})).await.expect(400);
    assert_eq!(unknown.named(), ["verifiers"]);
    let headers = [("If-Match", r#"W/"9""#)];
    doctor.send("POST", &finalize, &headers, b"").await.expect(412);

    let mut request = token("rad-77", &[Role::Radiologist]);
    request.name = Some("Doe^Jane^^Dr".into());
    let named = gateway.client(&TenantId::default_tenant(), request).await;
    let verified = named.act(&finalize).await.expect(200).json();
    let name = json!({"family": "Doe", "given": ["Jane"], "prefix": "Dr"});
    assert_eq!(verified["verifier"], json!({"id": "rad-77", "name": name}));

    let (id, _) = create(&doctor, &short("preliminary")).await;
    let own = doctor.act(&format!("/api/reports/{id}/finalize")).await.expect(200).json();
    assert_eq!(own["verifier"], short("final")["verifier"], "the report names its verifier itself");

    for role in [Role::Clinician, Role::Integrator, Role::Admin, Role::Auditor] {
        gateway.role(role).await.act(&finalize).await.expect(403);
    }
}

async fn a_verified_report_changes_by_amendment_only(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (id, tag) = create(&doctor, &measured("final")).await;
    let path = format!("/api/reports/{id}");
    let before = doctor.get(&path).await.expect(200).json();
    let amend = format!("{path}/amend");
    let amended = saying(measured("amended"), "Another impression.");

    doctor.put_at(&path, &tag, &saying(measured("final"), "Overwritten.")).await.expect(422);
    doctor.send("DELETE", &path, &[("If-Match", &tag)], b"").await.expect(422);
    for action in ["finalize", "cancel"] {
        doctor.act(&format!("{path}/{action}")).await.expect(422);
    }
    for status in ["draft", "preliminary", "final", "cancelled", "entered-in-error"] {
        let body = json!({"report": with(amended.clone(), "/status", status)});
        assert_eq!(doctor.post(&amend, &body).await.expect(422).named(), ["status"], "{status}");
    }
    assert_eq!(doctor.post(&amend, &json!({})).await.expect(400).named(), ["report"]);
    let odd = json!({"report": amended, "reason": "two\nlines"});
    assert_eq!(doctor.post(&amend, &odd).await.expect(400).named(), ["reason"]);
    let other = json!({"report": with(amended.clone(), "/id", "other")});
    assert_eq!(doctor.post(&amend, &other).await.expect(400).named(), ["id"]);
    let stale = json!({"report": with(before.clone(), "/meta/versionId", "2")});
    let headers = [("Content-Type", "application/json"), ("If-Match", tag.as_str())];
    let refused = doctor.send("POST", &amend, &headers, stale.to_string().as_bytes()).await.expect(400);
    assert_eq!(refused.named(), ["meta.versionId"]);
    assert_eq!(doctor.get(&path).await.json(), before, "nothing of all this has changed it");

    let body = json!({"report": amended, "reason": "The level was wrong."});
    let second = doctor.post(&amend, &body).await.expect(200).json();
    assert_eq!((&second["status"], &second["meta"]["versionId"]), (&json!("amended"), &json!("2")));
    assert_eq!(second["meta"]["predecessorVersionId"], "1");
    assert_eq!(second["meta"]["reason"], "The level was wrong.");
    assert_eq!(doctor.get(&format!("{path}/versions/1")).await.expect(200).json(), before);

    // What was read is what may be sent back, changed.
    let corrected = with(second, "/status", "corrected");
    let third = doctor.post(&amend, &json!({"report": corrected})).await.expect(200).json();
    assert_eq!((&third["status"], &third["meta"]["predecessorVersionId"]), (&json!("corrected"), &json!("2")));
    assert_eq!(third["meta"].get("reason"), None);

    let (preliminary, _) = create(&doctor, &short("preliminary")).await;
    let body = json!({"report": short("amended")});
    let early = doctor.post(&format!("/api/reports/{preliminary}/amend"), &body).await.expect(422);
    assert_eq!(early.named(), ["status"]);
}

async fn an_addendum_only_adds(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (id, _) = create(&doctor, &measured("final")).await;
    let amend = format!("/api/reports/{id}/amend");
    let addendum = measured("appended");
    let findings = text(&addendum["sections"], "findings");

    let mut changed = with(addendum.clone(), "/sections/findings", "Something else.");
    changed = without(with(changed, "/measurements/0/value", "17.0"), "/sections/technique");
    let refused = doctor.post(&amend, &json!({"report": changed})).await.expect(422);
    let mut named = refused.named();
    named.sort();
    assert_eq!(named, ["measurements[0].value", "sections.findings", "sections.technique"]);

    let longer = format!("{findings}\n\nAddendum: seen again with the outside study.");
    let mut added = with(addendum, "/sections/findings", longer.as_str());
    added = with(added, "/verifier/id", "rad-0003");
    let appended = doctor.post(&amend, &json!({"report": added})).await.expect(200).json();
    assert_eq!((&appended["status"], &appended["sections"]["findings"]), (&json!("appended"), &json!(longer)));
    assert_eq!(appended["verifier"]["id"], "rad-0003", "another one may answer for the addendum");
}

async fn reports_end_in_three_ways(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;

    let (cancelled, _) = create(&doctor, &short("preliminary")).await;
    let path = format!("/api/reports/{cancelled}");
    let given_up = doctor.post(&format!("{path}/cancel"), &json!({"reason": "Another patient."})).await.expect(200);
    assert_eq!(
        (&given_up.json()["status"], &given_up.json()["meta"]["reason"]),
        (&json!("cancelled"), &json!("Another patient."))
    );
    assert_eq!(given_up.json()["meta"].get("verifiedAt"), None);
    doctor.act(&format!("{path}/finalize")).await.expect(422);
    doctor.put_at(&path, &given_up.tag(), &short("preliminary")).await.expect(422);

    let (withdrawn, tag) = create(&doctor, &short("final")).await;
    let path = format!("/api/reports/{withdrawn}");
    let headers = [("If-Match", tag.as_str())];
    let gone = doctor.send("POST", &format!("{path}/enter-in-error"), &headers, b"").await.expect(200);
    assert_eq!(gone.json()["status"], "entered-in-error");
    doctor.post(&format!("{path}/amend"), &json!({"report": short("amended")})).await.expect(422);
    doctor.act(&format!("{path}/enter-in-error")).await.expect(422);

    let draft = measured("draft");
    let (deleted, tag) = create(&doctor, &draft).await;
    let path = format!("/api/reports/{deleted}");
    doctor.act(&format!("{path}/enter-in-error")).await.expect(422);
    doctor.send("DELETE", &path, &[("If-Match", r#"W/"2""#)], b"").await.expect(412);
    let gone = doctor.send("DELETE", &path, &[("If-Match", &tag)], b"").await.expect(204);
    assert!(gone.body.is_empty());
    doctor.get(&path).await.expect(410);
    doctor.delete(&path).await.expect(410);
    doctor.put_at(&path, &tag, &draft).await.expect(410);
    doctor.act(&format!("{path}/finalize")).await.expect(410);
    doctor.act(&format!("{path}/export/pdf")).await.expect(410);
    doctor.get(&format!("/fhir/r4/DiagnosticReport/{deleted}")).await.expect(410);
    assert_eq!(items(&doctor.get(&format!("{path}/history")).await.expect(200)).len(), 1, "its history stays");
    doctor.get(&format!("{path}/versions/1")).await.expect(200);
    doctor.post("/api/reports", &with(draft, "/id", deleted)).await.expect(409);

    for path in ["/api/reports/nothing", "/api/reports/nothing/history", "/api/reports/no%20id", "/api/reports/%2e%2e"]
    {
        doctor.get(path).await.expect(404);
    }
}

async fn a_report_begins_unfinished_or_final(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    for status in ["draft", "preliminary", "final"] {
        doctor.post("/api/reports", &short(status)).await.expect(201);
    }
    for status in ["amended", "corrected", "appended", "cancelled", "entered-in-error"] {
        assert_eq!(doctor.post("/api/reports", &short(status)).await.expect(422).named(), ["status"], "{status}");
    }
    let unsigned = without(short("final"), "/verifier");
    assert_eq!(doctor.post("/api/reports", &unsigned).await.expect(400).named(), ["verifier"]);
    let silent = without(without(short("final"), "/sections/findings"), "/sections/impression");
    assert_eq!(doctor.post("/api/reports", &silent).await.expect(400).named(), ["sections"]);

    let own = with(short("draft"), "/id", "my-id.1");
    let kept = doctor.post("/api/reports", &own).await.expect(201);
    assert_eq!(kept.json()["id"], "my-id.1");
    doctor.post("/api/reports", &own).await.expect(409);
    let coded = doctor.post("/api/reports", &without(short("draft"), "/code")).await.expect(201);
    assert_eq!(coded.json()["code"]["system"], "http://loinc.org", "a code is supplied where there is none");
}

/// The table of `report::status`, by HTTP: a letter for the status of the answer, `2`xx or 4`22`.
async fn every_action_in_every_state(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let table = [
        //                    update finalize amend correct append cancel in-error delete
        ("draft", "2 2 - - - 2 - 2"),
        ("preliminary", "2 2 - - - 2 2 -"),
        ("final", "- - 2 2 2 - 2 -"),
        ("amended", "- - 2 2 2 - 2 -"),
        ("cancelled", "- - - - - - 2 -"),
        ("entered-in-error", "- - - - - - - -"),
    ];
    let actions = ["update", "finalize", "amended", "corrected", "appended", "cancel", "enter-in-error", "delete"];
    for (state, row) in table {
        for (action, wanted) in actions.into_iter().zip(row.split(' ')) {
            let begin = if matches!(state, "draft" | "preliminary") { state } else { "preliminary" };
            let begin = if state == "amended" { "final" } else { begin };
            let begin = if state == "final" { "final" } else { begin };
            let (id, _) = create(&doctor, &short(begin)).await;
            let path = format!("/api/reports/{id}");
            match state {
                "amended" => {
                    doctor.post(&format!("{path}/amend"), &json!({"report": short("amended")})).await.expect(200)
                }
                "cancelled" => doctor.act(&format!("{path}/cancel")).await.expect(200),
                "entered-in-error" => doctor.act(&format!("{path}/enter-in-error")).await.expect(200),
                _ => doctor.get(&path).await.expect(200),
            };
            let tag = doctor.get(&path).await.tag();
            let answer = match action {
                "update" => doctor.put_at(&path, &tag, &short(begin)).await,
                "amended" | "corrected" | "appended" => {
                    doctor.post(&format!("{path}/amend"), &json!({"report": short(action)})).await
                }
                "delete" => doctor.delete(&path).await,
                _ => doctor.act(&format!("{path}/{action}")).await,
            };
            let found = match answer.status {
                200..=299 => "2",
                422 => "-",
                _ => "?",
            };
            assert_eq!(found, wanted, "{action} in {state}: {} {}", answer.status, answer.text());
        }
    }
}
