//! `fhir package` and `fhir validation`, beside a running server, which is another node: it sees what they change.

use std::time::Duration;

use serde_json::{Value, json};

use super::document;
use crate::each_backend;
use crate::support::{Answer, Backend, Client, Program};

each_backend!(a_server_sees_packages_come_and_go, what_cannot_be_done_is_said);

const PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/fhir/us_core_610.tgz");

fn bare() -> Value {
    json!({"resourceType": "Patient",
        "meta": {"profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"]}})
}

/// A write, once the server has looked again.
async fn later(client: &Client) -> Answer {
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    client.post("/fhir/r4/Patient", &bare()).await
}

async fn a_server_sees_packages_come_and_go(backend: Backend) {
    let program = Program::new(&backend).await;
    let serving = program.serve().await;
    let client = serving.client(&program.token("radiologist"));
    client.post("/fhir/r4/Patient", &bare()).await.expect(201);

    assert_eq!(program.ok(&["fhir", "package", "list"]), "\n");
    let said = program.ok(&["fhir", "package", "add", PACKAGE]);
    assert!(said.starts_with("hl7.fhir.us.core#6.1.0 installed\n    59  StructureDefinition\n"), "{said}");
    assert!(said.contains("not installed, but built upon: us.nlm.vsac#"), "{said}");
    let again = document(&program.ok(&["fhir", "package", "add", PACKAGE, "--json"]));
    assert_eq!((&again["name"], &again["wasThere"]), (&json!("hl7.fhir.us.core"), &json!(true)));
    assert_eq!(again["definitions"]["ValueSet"], 36);
    assert_eq!(program.ok(&["fhir", "package", "list"]), "hl7.fhir.us.core#6.1.0  http://hl7.org/fhir/us/core\n");
    let listed = document(&program.ok(&["fhir", "package", "list", "--json"]));
    assert_eq!(listed["items"][0]["canonical"], "http://hl7.org/fhir/us/core");
    later(&client).await.expect(422);

    assert_eq!(program.ok(&["fhir", "validation"]), "reject\n");
    assert_eq!(program.ok(&["fhir", "validation", "warn"]), "warn\n");
    assert_eq!(document(&program.ok(&["fhir", "validation", "--json"]))["policy"], "warn");
    later(&client).await.expect(201);
    program.ok(&["fhir", "validation", "reject"]);
    later(&client).await.expect(422);

    assert_eq!(
        program.ok(&["fhir", "package", "remove", "hl7.fhir.us.core#6.1.0"]),
        "removed hl7.fhir.us.core#6.1.0\n"
    );
    later(&client).await.expect(201);
    serving.stop().await;
}

async fn what_cannot_be_done_is_said(backend: Backend) {
    let program = Program::new(&backend).await;
    program.serve().await.stop().await;
    let absent = program.fails(&["fhir", "package", "remove", "hl7.fhir.us.core"]);
    assert!(absent.contains("hl7.fhir.us.core is not installed"), "{absent}");
    let nowhere = program.fails(&["fhir", "package", "add", "nowhere.tgz"]);
    assert!(nowhere.contains("nowhere.tgz cannot be read"), "{nowhere}");
    std::fs::write(program.path("odd.tgz"), b"not a package").expect("is written");
    let odd = program.fails(&["fhir", "package", "add", "odd.tgz"]);
    assert!(odd.contains("not compressed by gzip"), "{odd}");
    let tenant = program.fails(&["fhir", "package", "add", PACKAGE, "--tenant", "nowhere"]);
    assert!(tenant.contains("not found"), "{tenant}");
}
