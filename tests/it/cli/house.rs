//! Commands beside a running server: tokens, tenants, peers, keys, reports, jobs, the audit log.

use causeway::base::TenantId;
use causeway::base::keyring::MasterKey;
use serde_json::json;

use super::{document, texts};
use crate::each_backend;
use crate::support::samples::{create, export, exported, finished, items, short, text};
use crate::support::{Backend, Program, write_private};

each_backend!(
    a_minted_token_opens_what_it_says_until_it_is_taken_back,
    a_tenant_is_served_once_it_is_made,
    peers_come_and_go,
    keys_are_rotated_and_wrapped_anew,
    reports_and_jobs_are_seen_from_the_command_line,
    the_audit_chain_is_checked_and_a_forgery_found,
);

async fn a_minted_token_opens_what_it_says_until_it_is_taken_back(backend: Backend) {
    let program = Program::new(&backend).await;
    let serving = program.serve().await;
    let mint = ["token", "mint", "--user", "jones", "--name", "Jones^Jo", "--role", "radiologist", "--json"];
    let minted = document(&program.ok(&mint));
    let client = serving.client(&text(&minted, "access_token"));
    assert_eq!(minted["token_type"], "Bearer");
    let (report, _) = create(&client, &short("final")).await;
    client.get("/api/admin/jobs").await.expect(403);

    let scoped = [&mint[..], &["--scope", "user/DiagnosticReport.s", "--lifetime", "600"]].concat();
    let scoped = serving.client(&text(&document(&program.ok(&scoped)), "access_token"));
    scoped.get("/api/reports").await.expect(200);
    scoped.get(&format!("/api/reports/{report}")).await.expect(403);

    assert_eq!(program.ok(&["token", "revoke", &text(&minted, "jti")]), "revoked\n");
    let answer = client.get("/api/reports").await.expect(401);
    assert!(answer.must("www-authenticate").contains("invalid_token"));
    scoped.get("/api/reports").await.expect(200);

    for (arguments, reason) in [
        (&["--role", "surgeon"][..], "admin, radiologist, clinician, integrator, auditor"),
        (&["--role", "admin", "--scope", "everything"], "none of the scopes"),
        (&["--role", "admin", "--lifetime", "0"], "positive number of seconds"),
        (&["--role", "admin", "--tenant", "nowhere"], "not found"),
    ] {
        let said = program.fails(&[&["token", "mint", "--user", "jones"], arguments].concat());
        assert!(said.contains(reason), "{arguments:?}: {said}");
    }
    serving.stop().await;
}

async fn a_tenant_is_served_once_it_is_made(backend: Backend) {
    let program = Program::new(&backend).await;
    let serving = program.serve().await;
    assert_eq!(program.ok(&["tenant", "list"]), "default\n");
    assert_eq!(texts(&document(&program.ok(&["tenant", "add", "north", "--json"]))["items"]), ["default", "north"]);
    program.ok(&["tenant", "add", "north"]);
    assert_eq!(program.ok(&["tenant", "list"]), "default\nnorth\n", "made once");
    serving.stop().await;

    let serving = program.serve().await;
    let token = program.ok(&["token", "mint", "--user", "n", "--role", "radiologist", "--tenant", "north"]);
    let north = TenantId::parse("north").expect("valid");
    let (theirs, ours) = (serving.client_of(&north, token.trim()), serving.client(&program.token("radiologist")));
    let (report, _) = create(&theirs, &short("final")).await;
    exported(&theirs, &report, "pdf").await;
    ours.get(&format!("/api/reports/{report}")).await.expect(404);
    serving.client(token.trim()).get("/api/reports").await.expect(401);
    serving.stop().await;
    for tenant in ["default", "north"] {
        assert!(program.ok(&["audit", "verify", "--tenant", tenant]).starts_with("whole: "));
    }
}

async fn peers_come_and_go(backend: Backend) {
    let program = Program::new(&backend).await;
    let serving = program.serve().await;
    let admin = serving.client(&program.token("admin"));
    let dimse =
        ["peer", "add", "pacs", "--kind", "dimse", "--host", "127.0.0.1", "--port", "9", "--called-ae-title", "PACS"];
    assert_eq!(program.ok(&dimse), "added pacs\n");
    let settings = json!({
        "name": "ehr", "kind": "fhir", "url": "http://127.0.0.1:9/fhir",
        "auth": {"type": "basic", "username": "gateway", "password": "hunter2"},
    });
    std::fs::write(program.path("ehr.json"), settings.to_string()).expect("is written");
    program.ok(&["peer", "add", "--file", "ehr.json"]);

    let listed = program.ok(&["peer", "list"]);
    assert!(listed.contains("pacs  dimse  127.0.0.1:9") && listed.contains("ehr  fhir  http://127.0.0.1:9/fhir"));
    let json = program.ok(&["peer", "list", "--json"]);
    assert!(!json.contains("hunter2") && json.contains("***"), "{json}");
    assert_eq!(document(&json)["items"], admin.get("/api/admin/peers").await.expect(200).json()["items"]);

    let tried = program.run(&["peer", "test", "pacs"]);
    assert_eq!(tried.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&tried.stdout).contains("PROBLEM"));
    for (arguments, reason) in [
        (&["peer", "add", "x", "--kind", "gopher"][..], "dimse, dicomweb, fhir or orthanc"),
        (&["peer", "add", "x", "--kind", "dimse", "--host", "h"], "--port"),
        (&["peer", "add", "x", "--kind", "fhir"], "--url"),
        (&["peer", "add", "--file", "absent.json"], "absent.json cannot be read"),
        (&["peer", "remove", "nobody"], "not found"),
        (&["peer", "test", "nobody"], "not found"),
    ] {
        let said = program.fails(arguments);
        assert!(said.contains(reason), "{arguments:?}: {said}");
    }
    assert_eq!(program.ok(&["peer", "remove", "pacs"]), "removed pacs\n");
    assert_eq!(items(&admin.get("/api/admin/peers").await.expect(200)).len(), 1);
    serving.stop().await;
}

async fn keys_are_rotated_and_wrapped_anew(backend: Backend) {
    let program = Program::new(&backend).await;
    let serving = program.serve().await;
    let token = program.token("radiologist");
    let client = serving.client(&token);
    let (before, _) = create(&client, &short("final")).await;
    let file = exported(&client, &before, "pdf").await.body;
    assert!(program.ok(&["key", "rotate"]).starts_with("new key "));
    // The server goes on while the key changes under it.
    let (after, _) = create(&client, &short("final")).await;
    serving.stop().await;

    // A new master key above the old one; then the old one is taken away.
    let old = std::fs::read_to_string(program.path("master.key")).expect("is read");
    let new = MasterKey::random().expect("random").to_hex();
    write_private(&program.path("master.key"), &format!("{}\n{old}\n", new.as_str()));
    let rewrapped = document(&program.ok(&["key", "rewrap", "--json"]));
    assert!(rewrapped["rewrapped"].as_i64() >= Some(5), "{rewrapped}");
    write_private(&program.path("master.key"), &new);
    assert_eq!(document(&program.ok(&["key", "rewrap", "--json"]))["rewrapped"], 0);

    let serving = program.serve().await;
    let client = serving.client(&token);
    for report in [&before, &after] {
        client.get(&format!("/api/reports/{report}")).await.expect(200);
    }
    assert!(client.get(&format!("/api/reports/{before}/versions/1/pdf")).await.expect(200).body == file);
    let (third, _) = create(&client, &short("final")).await;
    exported(&client, &third, "fhir").await;
    serving.stop().await;
    assert!(program.ok(&["audit", "verify"]).starts_with("whole: "));

    write_private(&program.path("master.key"), &old);
    let said = program.fails(&["audit", "verify"]);
    assert!(said.contains("master key"), "the old key alone opens nothing: {said}");
}

async fn reports_and_jobs_are_seen_from_the_command_line(backend: Backend) {
    let program = Program::new(&backend).await;
    let serving = program.serve().await;
    let client = serving.client(&program.token("radiologist"));
    std::fs::write(program.path("report.json"), short("final").to_string()).expect("is written");
    let id = program.ok(&["report", "import", "report.json"]).trim().to_owned();
    let read = client.get(&format!("/api/reports/{id}")).await.expect(200).json();
    assert_eq!(read["sections"], short("final")["sections"]);
    let bundle = client.get(&format!("/api/reports/{id}/versions/1/fhir")).await.expect(200).text();
    std::fs::write(program.path("bundle.json"), bundle.replace(&id, "another-id")).expect("is written");
    let imported = program.run(&["report", "import", "bundle.json", "--json"]);
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let listed = document(&program.ok(&["report", "list", "--json"]));
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2), "{listed}");
    assert!(program.ok(&["report", "list", "--limit", "5"]).contains(&format!("{id}  v1  final")));
    let said = program.fails(&["report", "import", "causeway.toml"]);
    assert!(said.contains("causeway: "), "{said}");

    let export = export(&client, &id, "pdf").await;
    finished(&client, &export).await;
    let jobs = document(&program.ok(&["jobs", "list", "--kind", "report.export", "--json"]));
    let job = text(&jobs["items"][0], "id");
    assert_eq!(jobs["items"][0]["state"], "completed");
    assert!(program.ok(&["jobs", "show", &job]).contains("report.export"));
    assert!(program.ok(&["jobs", "list", "--state", "failed"]).trim().is_empty());
    assert!(program.fails(&["jobs", "list", "--state", "asleep"]).contains("no such state"));
    assert!(program.fails(&["jobs", "show", "absent"]).contains("not found"));
    program.fails(&["jobs", "retry", &job]);
    serving.stop().await;
}

async fn the_audit_chain_is_checked_and_a_forgery_found(backend: Backend) {
    let program = Program::new(&backend).await;
    let serving = program.serve().await;
    let client = serving.client(&program.token("radiologist"));
    let (report, _) = create(&client, &short("final")).await;
    client.get(&format!("/api/reports/{report}")).await.expect(200);
    serving.stop().await;
    let verified = document(&program.ok(&["audit", "verify", "--json"]));
    assert_eq!(verified["whole"], true, "{verified}");
    let exported = program.ok(&["audit", "export", "--limit", "100"]);
    assert!(exported.lines().count() > 2 && exported.contains(&report));
    for line in exported.lines() {
        assert_eq!(document(line)["resourceType"], "AuditEvent");
    }

    // Someone with access to the database takes a row out from under the triggers.
    let forge = match backend {
        Backend::Sqlite => "drop trigger audit_seal_is_kept; update audit_seal set hash = prev_hash where seq = 1",
        Backend::Postgres(_) => {
            "alter table audit_seal disable trigger all; update audit_seal set hash = prev_hash where seq = 1"
        }
    };
    assert!(program.database.execute("update audit_seal set hash = prev_hash where seq = 1").await.is_err());
    program.database.execute(forge).await.expect("forges");
    let output = program.run(&["audit", "verify"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.code() == Some(1) && said.starts_with("BROKEN"), "{said}");
    let json = program.run(&["audit", "verify", "--json"]);
    assert_eq!(document(&String::from_utf8_lossy(&json.stdout))["whole"], false);
}
