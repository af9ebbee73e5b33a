//! `import fhir`: what files hold is there afterwards, once, however often the command runs.

use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::document;
use crate::each_backend;
use crate::support::{Backend, Client, Program};

each_backend!(
    files_of_every_form_are_taken_and_nothing_is_taken_twice,
    what_is_refused_is_named_and_tried_again,
    a_report_that_was_cut_off_or_lost_does_no_harm,
);

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/fhir");

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("writes");
    encoder.finish().expect("writes")
}

fn patient(id: &str, family: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "name": [{"family": family}]})
}

fn lines(resources: &[Value]) -> String {
    resources.iter().map(ToString::to_string).collect::<Vec<String>>().join("\n") + "\n"
}

/// Files of every form; a transaction comes before what it refers to by criteria.
fn write_files(folder: &Path) {
    std::fs::create_dir(folder).expect("is made");
    let bundle = |kind: &str, entries: Value| json!({"resourceType": "Bundle", "type": kind, "entry": entries});
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("is written");
    let early = bundle(
        "transaction",
        json!([
            {"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000001",
             "resource": {"resourceType": "Patient", "id": "as-it-was", "name": [{"family": "Early"}]},
             "request": {"method": "POST", "url": "Patient"}},
            {"resource": {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"},
                "subject": {"reference": "urn:uuid:00000000-0000-4000-8000-000000000001"},
                "participant": [{"individual": {"reference": "Practitioner?identifier=urn:x|7"}}]},
             "request": {"method": "POST", "url": "Encounter"}}]),
    );
    write("a-early.json", early.to_string().as_bytes());
    let found = bundle(
        "searchset",
        json!([
            {"fullUrl": "https://other.example/fhir/Patient/found", "resource": patient("found", "Found"),
             "search": {"mode": "match"}},
            {"fullUrl": "https://other.example/fhir/Observation/seen", "search": {"mode": "include"},
             "resource": {"resourceType": "Observation", "id": "seen", "status": "final", "code": {"text": "x"},
                "valueQuantity": {"value": 1.50}, "subject": {"reference": "Patient/found"}}},
            {"resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "informational"}]},
             "search": {"mode": "outcome"}}]),
    );
    let found = found.to_string().replacen("\"value\":1.5}", "\"value\":1.50}", 1);
    write("b-found.json.gz", &packed(&found));
    let mut many: Vec<Value> = (0..450).map(|number| patient(&format!("line-{number}"), "Line")).collect();
    many.push(json!({"resourceType": "Basic", "code": {"text": "without id"}}));
    many.push(json!({"resourceType": "Basic", "code": {"text": "without id"}}));
    many.push(json!({"resourceType": "ImagingStudy", "id": "study", "status": "available", "subject": {"reference": "Patient/line-1"}}));
    write("c-lines.ndjson.gz", &packed(&lines(&many)));
    write("notes.txt", b"not for us");
    std::fs::create_dir(folder.join("d")).expect("is made");
    let practitioner =
        json!({"resourceType": "Practitioner", "id": "p7", "identifier": [{"system": "urn:x", "value": "7"}]});
    write("d/practitioner.json", practitioner.to_string().as_bytes());
    let synthea = std::fs::read_dir(format!("{FIXTURES}/synthea")).expect("is there").flatten();
    let fannie = synthea.map(|file| file.path()).find(|path| path.to_string_lossy().contains("Fannie"));
    std::fs::copy(fannie.expect("is there"), folder.join("d/whole.json.gz")).expect("is copied");
}

/// Runs the import; its exit code, what it prints, and what it says on standard error.
fn import(program: &Program, more: &[&str]) -> (Option<i32>, Value, String) {
    let folder = program.path("files");
    let arguments = [&["import", "fhir", "--json", folder.to_str().expect("UTF-8")], more].concat();
    let output = program.run(&arguments);
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(!printed.is_empty(), "{said}");
    (output.status.code(), document(&printed), said)
}

fn counts(result: &Value) -> [i64; 3] {
    ["imported", "unchanged", "failed"].map(|name| result[name].as_i64().expect("a number"))
}

fn report(program: &Program) -> Vec<Value> {
    let text = std::fs::read_to_string(program.path("causeway-import.ndjson")).expect("is there");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

async fn total(client: &Client, query: &str) -> i64 {
    let answer = client.get(&format!("/fhir/r4/{query}")).await.expect(200);
    answer.json()["total"].as_i64().expect("a total")
}

async fn files_of_every_form_are_taken_and_nothing_is_taken_twice(backend: Backend) {
    let program = Program::new(&backend).await;
    program.ok(&["db", "migrate"]);
    write_files(&program.path("files"));
    let (code, result, said) = import(&program, &[]);
    // Two of the transaction, two of the search, the lines, a practitioner, a patient of 28 entries.
    assert_eq!((code, counts(&result)), (Some(0), [2 + 2 + 453 + 1 + 28, 0, 0]), "{said} {result}");
    assert!(said.contains("notes.txt") && said.contains("file 5 of 5"), "{said}");

    let (code, again, _) = import(&program, &[]);
    assert_eq!((code, counts(&again)), (Some(0), [0, 0, 0]), "{again}");
    assert_eq!(again["skipped"], 7, "{again}");
    let (code, without, _) = import(&program, &["--report", "another.ndjson"]);
    assert_eq!((code, counts(&without)), (Some(0), [0, 486, 0]), "{without}");

    let serving = program.serve().await;
    let client = serving.client(&program.token("integrator"));
    assert_eq!(total(&client, "Patient?family=line&_summary=count").await, 450);
    assert_eq!(total(&client, "Basic?_summary=count").await, 2, "what is equal in two places is two things");
    assert_eq!(total(&client, "ImagingStudy?_summary=count").await, 1);
    let seen = client.get("/fhir/r4/Observation/seen").await.expect(200);
    assert!(seen.text().contains("\"value\":1.50"), "{}", seen.text());
    assert_eq!(seen.json()["meta"]["versionId"], "1");
    let encounter = client.get("/fhir/r4/Encounter?subject:Patient.name=early").await.expect(200);
    let encounter = &encounter.json()["entry"][0]["resource"];
    assert_eq!(encounter["participant"][0]["individual"]["reference"], "Practitioner/p7");
    let all = client.get("/fhir/r4/_history?_count=1").await.expect(200);
    assert_eq!(all.json()["total"], 486, "each has one version");
    serving.stop().await;
}

async fn what_is_refused_is_named_and_tried_again(backend: Backend) {
    let program = Program::new(&backend).await;
    program.ok(&["db", "migrate"]);
    let folder = program.path("files");
    std::fs::create_dir(&folder).expect("is made");
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).expect("is written");
    let wrong = json!({"resourceType": "Patient", "id": "wrong", "gender": "Secretname"});
    let log = json!({"resourceType": "AuditEvent", "id": "log"});
    write("a.ndjson", lines(&[patient("one", "Secretname"), wrong, log, patient("two", "Secretname")]) + "no JSON\n");
    let lonely = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
        {"resource": {"resourceType": "Observation", "status": "final", "code": {"text": "x"},
            "subject": {"reference": "Patient?identifier=urn:x|Secretname"}},
         "request": {"method": "POST", "url": "Observation"}}]});
    write("b.json", lonely.to_string());
    let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": [
        {"resource": {"resourceType": "Basic", "code": {"text": "x"}}, "request": {"method": "POST", "url": "Basic"}},
        {"resource": {"resourceType": "Basic"}, "request": {"method": "POST", "url": "Basic"}}]});
    write("c.json", batch.to_string());
    write("d.json", json!({"resourceType": "Bundle", "type": "history"}).to_string());
    let (code, result, said) = import(&program, &[]);
    assert_eq!((code, counts(&result)), (Some(1), [3, 0, 6]), "{said} {result}");

    let lines_of_report = report(&program);
    let failed: Vec<(String, i64, String, String)> = lines_of_report
        .iter()
        .flat_map(|line| line["failed"].as_array().into_iter().flatten().map(move |one| (line, one)))
        .map(|(line, one)| {
            let issue = &one["issues"][0];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(&line["file"]), one["line"].as_i64().expect("a number"), text(&issue["code"]), text(&issue["path"]))
        })
        .collect();
    let failed = |file: &str, line: i64| {
        let of = failed.iter().find(|one| one.0 == file && one.1 == line).unwrap_or_else(|| panic!("{failed:?}"));
        (of.2.clone(), of.3.clone())
    };
    assert_eq!(failed("a.ndjson", 2), ("code-invalid".to_owned(), "gender".to_owned()));
    assert_eq!(failed("a.ndjson", 3).0, "not-supported");
    assert_eq!(failed("a.ndjson", 5).0, "structure");
    assert_eq!(failed("b.json", 1), ("not-found".to_owned(), "Bundle.entry[0].resource.subject.reference".to_owned()));
    assert_eq!(failed("c.json", 1).0, "required");
    assert_eq!(failed("d.json", 1), ("not-supported".to_owned(), "Bundle.type".to_owned()));
    let said_all = format!("{lines_of_report:?}{said}");
    assert!(!said_all.contains("Secretname"), "no values of patients: {said_all}");

    // The faults are mended: what was kept stays as it is, the rest comes.
    let identified =
        json!({"resourceType": "Patient", "id": "three", "identifier": [{"system": "urn:x", "value": "Secretname"}]});
    write("e.json", identified.to_string());
    write("a.ndjson", lines(&[patient("one", "Secretname"), patient("wrong", "Right"), patient("two", "Secretname")]));
    let (code, result, said) = import(&program, &[]);
    assert_eq!((code, counts(&result)), (Some(1), [3, 3, 2]), "{said} {result}");
}

async fn a_report_that_was_cut_off_or_lost_does_no_harm(backend: Backend) {
    let program = Program::new(&backend).await;
    program.ok(&["db", "migrate"]);
    let folder = program.path("files");
    std::fs::create_dir(&folder).expect("is made");
    let many: Vec<Value> = (0..500).map(|number| patient(&format!("line-{number}"), "Line")).collect();
    std::fs::write(folder.join("a.ndjson"), lines(&many)).expect("is written");
    let (_, result, said) = import(&program, &["--at-once", "1"]);
    assert_eq!(counts(&result), [500, 0, 0], "{said}");
    let path = program.path("causeway-import.ndjson");
    let text = std::fs::read_to_string(&path).expect("is there");
    assert_eq!(text.lines().count(), 4);

    // As if it had been killed while it wrote of the second part.
    let cut = text.match_indices('\n').nth(1).expect("a line").0 + 40;
    std::fs::write(&path, &text[..cut]).expect("is written");
    let (code, result, _) = import(&program, &[]);
    assert_eq!((code, counts(&result), &result["skipped"]), (Some(0), [0, 300, 0], &json!(1)), "{result}");
    let (_, result, _) = import(&program, &[]);
    assert_eq!((counts(&result), &result["skipped"]), ([0, 0, 0], &json!(3)), "{result}");

    // A file that is another one under the same name is taken.
    std::fs::write(folder.join("a.ndjson"), lines(&[patient("line-0", "Changed")])).expect("is written");
    let (_, result, _) = import(&program, &[]);
    assert_eq!((counts(&result), &result["skipped"]), ([1, 0, 0], &json!(0)), "{result}");

    std::fs::write(&path, "something else\n").expect("is written");
    let folder = folder.to_str().expect("UTF-8");
    assert!(program.fails(&["import", "fhir", folder]).contains("is not a report of an import"));
    assert!(program.fails(&["import", "fhir", folder, "--tenant", "other"]).contains("no tenant other"));
    assert!(program.fails(&["import", "fhir", "nothing.json"]).contains("nothing.json"));
    assert!(program.fails(&["import", "fhir", "master.key"]).contains("is not named"));
}
