//! The canary: a report whose every text, name and number is recognizable goes through everything there is,
//! and is then looked for where no patient data may be: logs, figures, errors, names of files, rows and
//! blobs.

use serde_json::{Value, json};

use crate::each_backend;
use crate::support::samples::{create, eventually, export, exported, finished, fixture, items, text, with, without};
use crate::support::{Backend, Client, PROGRAM, Program, WebPeer, files_below};

each_backend!(patient_data_is_where_it_belongs_and_nowhere_else);

/// Stands in every text that says something about a person: names, findings, captions, reasons.
const CANARY: &str = "kanarie";
/// Stands in every identifier. Those are in the search index in the clear, because they are looked up (ADR 5):
/// that table may hold them, and no other.
const RINGED: &str = "zeisig";
/// A birth date of nobody, as FHIR and as DICOM write it.
const BIRTH_DATES: [&str; 2] = ["1907-11-23", "19071123"];
const PATIENT_ID: &str = "Zeisig-PID";
const ACCESSION: &str = "ZEISIG-ACC";

/// A report of canaries only, as far as its members hold text about people.
fn report() -> Value {
    let mut report = fixture("ct-chest-nodule-final", "preliminary");
    let mut count = 0;
    sing(&mut report, "", &mut count);
    assert!(count > 20, "{count} canaries");
    let report = with(report, "/patient/id", PATIENT_ID);
    let report = with(report, "/patient/birthDate", BIRTH_DATES[0]);
    with(report, "/study/accessionNumber", ACCESSION)
}

/// Puts a canary in the place of every text that is not of a fixed form: a code, a date, a UID, a unit.
fn sing(value: &mut Value, path: &str, count: &mut usize) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                sing(member, &format!("{path}/{name}"), count);
            }
        }
        Value::Array(items) => {
            for item in items {
                sing(item, path, count);
            }
        }
        Value::String(text) => {
            let name = path.rsplit('/').next().unwrap_or_default();
            if FIXED.contains(&name) || name.ends_with("UID") || CONCEPTS.iter().any(|part| path.contains(part)) {
                return;
            }
            *count += 1;
            let bird = if IDENTIFIERS.contains(&name) { "Zeisig" } else { "Kanarie" };
            *text = format!("{bird} {count}");
        }
        _ => {}
    }
}

/// Members whose values come from a closed set or have a form, and concepts, which say what and not who.
const FIXED: [&str; 12] = [
    "status",
    "birthDate",
    "sex",
    "studyDate",
    "studyTime",
    "modality",
    "laterality",
    "severity",
    "value",
    "unit",
    "language",
    "role",
];
/// Members that say which and not what. An organization has no identifier but its name.
const IDENTIFIERS: [&str; 6] = ["id", "issuer", "trackingId", "placerNumber", "fillerNumber", "organization"];
const CONCEPTS: [&str; 4] = ["/code/", "/bodySite/", "/method/", "/procedureCode/"];

async fn patient_data_is_where_it_belongs_and_nowhere_else(backend: Backend) {
    let program = Program::with(&backend, "\n[log]\nlevel = \"trace\"\nformat = \"json\"\n").await;
    let serving = program.serve().await;
    let doctor = serving.client(&program.token("radiologist"));
    let admin = serving.client(&program.token("admin"));
    // A peer that repeats what it was told when it refuses it.
    let echo = WebPeer::start(|request| {
        let said = format!("Kanarie echo of {}", request.target);
        let issue = json!({"severity": "error", "code": "invalid", "diagnostics": said, "details": {"text": said}});
        let outcome = json!({"resourceType": "OperationOutcome", "issue": [issue]});
        (422, "application/fhir+json", outcome.to_string().into_bytes())
    });

    live(&doctor, &admin, &echo.url).await;
    let errors = fail(&doctor).await;
    let figures = admin.get("/metrics").await.expect(200).text();
    let from_command = offline(&program);
    serving.stop().await;

    for (name, text) in errors.iter().chain(&from_command).chain(&program.logs()) {
        assert_silent(name, text.as_bytes());
    }
    assert_silent("/metrics", figures.as_bytes());
    assert!(program.logs().iter().any(|(_, log)| log.lines().count() > 100), "the log is loud enough to tell");
    for path in files_below(&program.data_dir()) {
        assert_silent("the name of a file", path.to_string_lossy().as_bytes());
        assert_silent(&path.display().to_string(), &std::fs::read(&path).expect("is read"));
    }
    look_at_rows(&program, &backend).await;
}

/// Everything a report can go through.
async fn live(doctor: &Client, admin: &Client, echo: &str) {
    let (id, tag) = create(doctor, &report()).await;
    let path = format!("/api/reports/{id}");
    let read = doctor.get(&path).await.expect(200).json();
    assert_eq!(read["patient"]["id"], PATIENT_ID, "whoever may read reads it");
    let changed = with(without(read, "/meta"), "/sections/impression", "Kanarie changed");
    let tag = doctor.put_at(&path, &tag, &changed).await.expect(200).tag();
    let finalized = doctor.send("POST", &format!("{path}/finalize"), &[("If-Match", &tag)], b"").await.expect(200);
    let headers = [("If-Match", finalized.tag()), ("Content-Type", "application/json".into())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let content = without(finalized.json(), "/meta");
    let amendment = json!({"reason": "Kanarie reason", "report": with(content, "/status", "amended")});
    doctor.send("POST", &format!("{path}/amend"), &headers, amendment.to_string().as_bytes()).await.expect(200);

    for form in ["fhir", "dicom-sr", "pdf"] {
        exported(doctor, &id, form).await;
        doctor.get(&format!("{path}/versions/1/{form}")).await.expect(200);
    }
    let purposeful = json!({"recipient": "Kanarie Recipient", "purpose": "Kanarie purpose"});
    let ordered = doctor.post(&format!("{path}/export/pdf"), &purposeful).await.expect(202);
    finished(doctor, &text(&ordered.json(), "exportId")).await;
    let other = export(doctor, &id, "pdf").await;
    doctor.delete(&format!("/api/reports/export/{other}")).await;

    let (given_up, _) = create(doctor, &report()).await;
    doctor.post(&format!("/api/reports/{given_up}/cancel"), &json!({"reason": "Kanarie given up"})).await;

    for filter in [format!("/api/reports?patientId={PATIENT_ID}"), format!("/api/reports?accessionNumber={ACCESSION}")]
    {
        assert!(!items(&doctor.get(&filter).await.expect(200)).is_empty(), "{filter}");
    }
    let resource = doctor.get(&format!("/fhir/r4/DiagnosticReport/{id}")).await.expect(200).json();
    let patient = doctor.get(&format!("/fhir/r4/{}", text(&resource["subject"], "reference"))).await.expect(200);
    assert!(patient.text().contains(PATIENT_ID));

    let peers = [
        json!({"name": "echo", "kind": "fhir", "url": echo}),
        json!({"name": "away", "kind": "dicomweb", "url": "http://127.0.0.1:9/dicom-web"}),
        json!({"name": "far", "kind": "dimse", "host": "127.0.0.1", "port": 9, "called_ae_title": "FAR"}),
    ];
    for peer in &peers {
        let name = text(peer, "name");
        admin.put(&format!("/api/admin/peers/{name}"), peer).await.expect(204);
        let forms = if name == "echo" { json!(["fhir"]) } else { json!(["dicom-sr", "dicom-pdf"]) };
        let order = json!({"peers": [name], "formats": forms});
        doctor.post(&format!("{path}/deliver"), &order).await.expect(202);
    }
    eventually("every peer was tried", async || {
        let found = items(&doctor.get(&format!("{path}/deliveries")).await.expect(200));
        found.iter().all(|delivery| delivery["attempts"].as_i64() > Some(0)).then_some(())
    })
    .await;
}

/// Everything that goes wrong with patient data in it; gives the answers.
async fn fail(doctor: &Client) -> Vec<(String, String)> {
    let good = report();
    let bundle = json!({"resourceType": "Bundle", "type": "document", "entry": [
        {"fullUrl": "urn:uuid:Kanarie", "resource": {"resourceType": "Patient", "id": "Kanarie", "name": "Kanarie"}},
        {"resource": {"resourceType": "DiagnosticReport", "status": "Kanarie", "conclusion": "Kanarie"}},
    ]});
    let bodies: Vec<(&str, String)> = vec![
        ("/api/reports", with(good.clone(), "/patient/birthDate", "Kanarie day").to_string()),
        ("/api/reports", with(good.clone(), "/patient/sex", "Kanarie sex").to_string()),
        ("/api/reports", with(good.clone(), "/study/studyInstanceUID", "Kanarie.uid").to_string()),
        ("/api/reports", with(good.clone(), "/study/accessionNumber", "ZEISIG-that-is-too-long-for-SH").to_string()),
        ("/api/reports", with(good.clone(), "/patient/id", "Zeisig\\with^delimiters").to_string()),
        ("/api/reports", with(good.clone(), "/measurements/0/value", "Kanarie").to_string()),
        ("/api/reports", with(good.clone(), "/measurements/0/unit", "Kanarie").to_string()),
        ("/api/reports", with(good.clone(), "/status", "Kanarie").to_string()),
        ("/api/reports", with(good.clone(), "/id", "Kanarie id").to_string()),
        ("/api/reports", with(good.clone(), "/language", "Kanarie language").to_string()),
        ("/api/reports", with(good.clone(), "/patient", "Kanarie").to_string()),
        ("/api/reports", with(good.clone(), "/patient/name/family", "Kanarie\u{1}").to_string()),
        ("/api/reports", good.to_string().replacen("Kanarie", "Kanarie\\x", 1)),
        ("/api/reports", good.to_string().chars().take(700).collect()),
        ("/api/reports/import", bundle.to_string()),
        ("/api/reports/import", bundle.to_string().chars().take(200).collect()),
        ("/api/reports/import", json!({"resourceType": "Kanarie"}).to_string()),
        ("/api/reports/import", "Kanarie".to_owned()),
        ("/api/admin/tokens", json!({"user": "Kanarie"}).to_string()),
    ];
    let mut answers = Vec::new();
    for (path, body) in bodies {
        let answer = doctor.send("POST", path, &[("Content-Type", "application/json")], body.as_bytes()).await;
        assert!((400..500).contains(&answer.status), "{path} took {body}: {}", answer.text());
        answers.push((format!("the answer to {path} {body}"), answer.text()));
    }
    for path in [
        "/api/reports/Kanarie",
        "/api/reports/Kanarie%20Smith",
        "/api/reports/Zeisig/versions/Zeisig/Zeisig",
        "/api/reports?status=Kanarie",
        "/api/reports?from=Kanarie",
        "/api/reports?cursor=Kanarie",
        "/api/reports?studyInstanceUID=Kanarie",
        "/api/reports/export/status/Kanarie",
        "/fhir/r4/Patient/Zeisig",
        "/fhir/r4/Kanarie/1",
        "/Kanarie",
        "/t/Kanarie/api/reports",
    ] {
        let answer = doctor.get(path).await;
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.text());
        answers.push((format!("the answer to {path}"), answer.text()));
    }
    answers
}

/// What the command line says of a file that it cannot take.
fn offline(program: &Program) -> Vec<(String, String)> {
    let file = program.path("bad.json");
    let bad = with(with(report(), "/patient/birthDate", "Kanarie day"), "/study/studyInstanceUID", "Kanarie");
    std::fs::write(&file, bad.to_string()).expect("is written");
    let file = file.display().to_string();
    [["report", "import", &file].as_slice(), &["report", "render", &file, "--format", "pdf"]]
        .into_iter()
        .map(|arguments| (format!("{PROGRAM} {}", arguments.join(" ")), program.fails(arguments)))
        .collect()
}

/// No row says anything about anybody but those of the search index (ADR 8), and of those that the report interface
/// looks at only the identifiers.
async fn look_at_rows(program: &Program, backend: &Backend) {
    let database = &program.database;
    let tables = match backend {
        Backend::Sqlite => "select name from sqlite_schema where type = 'table'",
        Backend::Postgres(_) => {
            "select table_name::text from information_schema.tables where table_schema = current_schema()"
        }
    };
    let tables = database.texts(tables).await;
    assert!(tables.len() > 15, "{tables:?}");
    for table in tables.iter().filter(|table| !table.starts_with("search_")) {
        let words = if table == "idx_token" { &[CANARY][..] } else { &[CANARY, RINGED] };
        for row in database.texts(&rows_of(program, backend, table).await).await {
            assert_without(words, table, row.as_bytes());
        }
    }
    let identifiers = "select count(*) from idx_token where lower(value) like 'zeisig%'";
    assert!(database.count(identifiers).await > 0, "what is searched for is found");
    let elsewhere = format!("{identifiers} and param not like '%identifier'");
    assert_eq!(database.count(&elsewhere).await, 0);
    for table in ["idx_token", "idx_date"] {
        let about = format!("select count(*) from {table} where resource_type = 'Patient' and param <> 'identifier'");
        assert_eq!(database.count(&about).await, 0, "what a patient is like stands in {table}");
    }
    let names = "select count(*) from search_string where folded like 'kanarie%'";
    assert!(database.count(names).await > 0, "whoever looks for a name finds it");
    let numbers = "select count(*) from search_key where lower(param) like '%kanarie%' or lower(param) like '%zeisig%'";
    assert_eq!(database.count(numbers).await, 0, "what has a number is no value");
}

/// A query for the rows of a table as text, bytes as hexadecimal digits.
async fn rows_of(program: &Program, backend: &Backend, table: &str) -> String {
    if let Backend::Postgres(_) = backend {
        return format!("select t::text from {table} t");
    }
    let columns = program.database.texts(&format!("select name from pragma_table_info('{table}')")).await;
    let columns: Vec<String> = columns.iter().map(|name| format!("coalesce(hex(\"{name}\"), '')")).collect();
    format!("select {} from {table}", columns.join(" || ' ' || "))
}

/// No canary is in `bytes`, of neither kind.
#[track_caller]
fn assert_silent(name: &str, bytes: &[u8]) {
    assert_without(&[CANARY, RINGED], name, bytes);
}

/// None of `words` and no birth date is in `bytes`: not as it is, not in UTF-16, not in hexadecimal digits.
#[track_caller]
fn assert_without(words: &[&str], name: &str, bytes: &[u8]) {
    let lower = bytes.to_ascii_lowercase();
    for word in words.iter().chain(&BIRTH_DATES) {
        let wide: Vec<u8> = word.bytes().flat_map(|byte| [byte, 0]).collect();
        // A text begins in upper or lower case; its digits differ then, and the rest is the same.
        let (small, capital) = (hex(word), hex(&word.to_ascii_uppercase()));
        for needle in [word.as_bytes(), &wide, &small.as_bytes()[2..], capital.as_bytes()] {
            let found = lower.windows(needle.len()).position(|window| window == needle);
            let around = found.map(|at| {
                let around = &bytes[at.saturating_sub(300)..(at + 300).min(bytes.len())];
                String::from_utf8_lossy(around).into_owned()
            });
            assert!(found.is_none(), "{name} holds {word}: …{}…", around.unwrap_or_default());
        }
    }
}

fn hex(word: &str) -> String {
    word.bytes().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
}
