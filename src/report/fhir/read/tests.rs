use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::fhir::JsonLimits;
use crate::report::Report;
use crate::report::fhir::testing::{Case, any_report};
use crate::report::fhir::{Ids, content_bundle, resources, transaction_bundle};
use crate::report::sample::sample;

const CONTAINED: &str = include_str!("../../../../fixtures/fhir/foreign/contained.json");
const CONTAINED_LOSSES: &str = include_str!("../../../../fixtures/fhir/foreign/contained.losses.txt");
const SYNTHEA: &str = include_str!("../../../../fixtures/fhir/foreign/synthea.json");
const US_CORE_NOTE: &str = include_str!("../../../../fixtures/fhir/foreign/us-core-note.json");

fn parse(text: &str) -> Json {
    Json::parse(text.as_bytes(), &JsonLimits::default()).expect("valid JSON")
}

fn ids(case: &Case) -> Ids {
    Ids::derived(&case.report, &case.letterhead)
}

fn import(document: &Json) -> Result<(Report, Losses), Problems> {
    read_document(document, &ReadOptions { public_url: Some("https://here.example"), ..ReadOptions::default() })
}

fn problems(document: &Json) -> Vec<String> {
    import(document).expect_err("is refused").iter().map(ToString::to_string).collect()
}

/// The document with a member of an object at a path set, or taken away.
fn with(mut document: Json, path: &[&str], key: &str, value: Option<&str>) -> Json {
    let place = path.iter().fold(&mut document, |json, step| match json {
        Json::Object(object) => object.get_mut(step).expect("a member"),
        Json::Array(items) => &mut items[step.parse::<usize>().expect("an index")],
        _ => panic!("no way further"),
    });
    let object = place.as_object_mut().expect("an object");
    match value {
        Some(value) => object.set(key, parse(value)),
        None => object.remove(key),
    };
    document
}

#[test]
fn every_sample_is_read_back_from_its_own_resources() {
    for index in 0..60 {
        let case = Case::of(sample(1, index));
        let written = resources(&case.rendering(), &ids(&case), &case.attachments()).expect("writes");
        assert_eq!(read_resources(&written), Ok(case.report.clone()), "sample {index}");
        let own: Vec<Json> = written
            .into_iter()
            .filter(|resource| matches!(resource.text_at(&["resourceType"]), Some("DiagnosticReport" | "Observation")))
            .collect();
        assert_eq!(read_resources(&own), Ok(case.report), "sample {index}");
    }
}

#[test]
fn our_own_bundle_loses_the_record_and_nothing_of_the_report() {
    for index in 0..30 {
        let case = Case::of(sample(2, index));
        let bundle = content_bundle(&case.rendering(), &ids(&case), &case.attachments()).expect("writes");
        let (report, losses) = read_document(&bundle, &ReadOptions::default()).expect("reads");
        assert_eq!(report, case.report, "sample {index}");
        let whole = ["Organization", "Provenance", "DocumentReference"].map(|name| format!("{name} is not carried"));
        let elements = ["issued", "performer[0]", "presentedForm[0]", "presentedForm[1]", "presentedForm[2]"]
            .map(|element| format!("Bundle.entry[0].resource.{element}"));
        for loss in &losses.0 {
            let known = whole.contains(&loss.detail) || elements.contains(&loss.path);
            assert!(known, "sample {index}: {} {}", loss.path, loss.detail);
        }
    }
}

#[test]
fn shared_resources_may_grow_without_changing_the_report() {
    let case = Case::of(sample(3, 1));
    let mut written = resources(&case.rendering(), &ids(&case), &[]).expect("writes");
    for resource in &mut written {
        if let (Some("Patient"), Json::Object(object)) =
            (resource.text_at(&["resourceType"]).map(str::to_owned).as_deref(), &mut *resource)
        {
            object.set("birthDate", Json::string("1900-01-01"));
            object.set("name", parse(r#"[{"family":"Somebody","given":["Else"]}]"#));
        }
    }
    assert_eq!(read_resources(&written), Ok(case.report));
}

#[test]
fn a_document_of_others_is_carried_as_far_as_it_goes() {
    let (report, losses) = import(&parse(CONTAINED)).expect("reads");
    let losses: Vec<String> = losses.0.iter().map(|loss| format!("{}: {}", loss.path, loss.detail)).collect();
    assert_eq!(losses, CONTAINED_LOSSES.lines().collect::<Vec<_>>());
    assert_eq!(report.patient.id, "4711");
    assert_eq!(report.patient.issuer.as_deref(), Some("1.2.36.146.595"));
    assert_eq!(report.patient.name.to_pn(), "Doe^Jane^Mary Ann^Dr");
    assert_eq!(report.study.accession_number.as_deref(), Some("ACC-9"));
    assert_eq!(report.sections.technique.as_deref(), Some("Without contrast.\n1 mm slices."));
    assert_eq!(report.author.role, "consultant radiologist");
    assert_eq!(report.verifier.and_then(|verifier| verifier.organization).as_deref(), Some("Example Radiology"));
    let findings: Vec<_> = report.structured_findings.iter().map(|finding| finding.text.as_str()).collect();
    assert_eq!(findings, ["Measurement Group: Nodule", "Second nodule: <4 mm"]);
    assert!(report.structured_findings[0].critical);
    let values: Vec<_> = report.measurements.iter().map(|item| (item.label.as_str(), item.value.as_str())).collect();
    assert_eq!(values, [("Long axis", "12.50"), ("Ascending", "31")]);
    assert_eq!(report.measurements[0].tracking_id.as_deref(), Some("nodule 1"));
}

#[test]
fn bundles_of_others_are_read() {
    let (report, losses) = import(&parse(SYNTHEA)).expect("reads");
    assert_eq!(report.measurements.len(), 11);
    assert_eq!(report.measurements[0].value.as_str(), "7.505813447708264");
    assert_eq!(report.measurements[0].unit, "10*3/uL");
    assert!(losses.0.iter().any(|loss| loss.path == "Bundle.entry[2].resource" && loss.detail.contains("Encounter")));
    let (report, losses) = import(&parse(US_CORE_NOTE)).expect("reads");
    assert!(report.sections.findings.is_some_and(|text| text.contains("# Chief Complaint")));
    assert!(losses.0.iter().any(|loss| loss.path == "Bundle.entry[0].resource.presentedForm[0]"));
}

/// What is said must be in the report or among the losses; identifiers of systems, references and codes
/// that stand for parts of the report are not said by anybody.
#[test]
fn nothing_is_lost_in_silence() {
    for text in [CONTAINED, SYNTHEA, US_CORE_NOTE] {
        let document = parse(text);
        let (report, losses) = import(&document).expect("reads");
        let said = report.to_json().to_text();
        let root = document.text_at(&["resourceType"]).expect("a type").to_owned();
        let mut leaves = Vec::new();
        collect(&document, &root, &mut leaves);
        for (path, value) in leaves {
            let lost = losses.0.iter().any(|loss| path.starts_with(&loss.path));
            let quoted = Json::string(value.replace("\r\n", "\n").trim()).to_text();
            let carried =
                said.contains(quoted.trim_matches('"')) || value.chars().count() > 64 && said.contains(&value[..60]);
            let plumbing =
                [".resourceType", ".id", ".fullUrl", ".reference", ".use", ".system", ".method", ".url", ".div"];
            let in_other_words = [
                ".type",
                ".text.status",
                ".profile[0]",
                ".type.coding[0].code",
                ".type.coding[0].display",
                ".type.text",
                ".gender",
                ".birthDate",
                ".status",
                ".started",
                ".effectiveDateTime",
                ".effectivePeriod.start",
                ".interpretation[0].coding[0].code",
                ".code.coding[0].code",
                ".code.coding[0].display",
                ".display",
                ".value",
                ".bodySite.coding[1].code",
                ".category[0].coding[0].code",
                ".category[0].text",
            ];
            let accounted = plumbing.iter().chain(&in_other_words).any(|end| path.ends_with(end));
            assert!(lost || carried || accounted, "{path}: {value}");
        }
    }
}

fn collect(json: &Json, path: &str, leaves: &mut Vec<(String, String)>) {
    match json {
        Json::Object(object) => object
            .iter()
            .for_each(|(key, value)| collect(value, &format!("{path}.{}", key.trim_start_matches('_')), leaves)),
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| collect(item, &format!("{path}[{index}]"), leaves));
        }
        Json::String(text) => leaves.push((path.to_owned(), text.clone())),
        Json::Number(text) => leaves.push((path.to_owned(), text.to_string())),
        Json::Bool(_) | Json::Null => {}
    }
}

#[test]
fn early_statuses_are_said_to_be_changed_and_others_refused() {
    for (text, status) in [("registered", ReportStatus::Draft), ("partial", ReportStatus::Preliminary)] {
        let document = with(parse(CONTAINED), &[], "status", Some(&format!("\"{text}\"")));
        let (report, losses) = import(&document).expect("reads");
        assert_eq!(report.status, status);
        assert!(losses.0.iter().any(|loss| loss.path == "DiagnosticReport.status"), "{text}");
    }
    for text in ["unknown", "draft", "FINAL"] {
        let document = with(parse(CONTAINED), &[], "status", Some(&format!("\"{text}\"")));
        assert_eq!(problems(&document), ["DiagnosticReport.status: is not a status that a report can have"]);
    }
}

#[test]
fn what_is_wrong_is_named_by_its_place_in_the_document() {
    let no_study = with(parse(CONTAINED), &[], "imagingStudy", None);
    assert!(problems(&no_study)[0].starts_with("DiagnosticReport: imagingStudy: the study instance UID"));
    let no_patient = with(parse(SYNTHEA), &["entry", "0", "resource"], "subject", None);
    assert_eq!(problems(&no_patient), ["Bundle.entry[0].resource: subject: a report is about a patient"]);
    let long_id = with(
        parse(CONTAINED),
        &["contained", "0", "identifier", "1"],
        "value",
        Some(&format!("\"{}\"", "9".repeat(65))),
    );
    assert_eq!(
        problems(&long_id),
        ["DiagnosticReport.contained[0].identifier[1]: must not be longer than 64 characters (patient.id)"]
    );
    let subject = &["entry", "3", "resource", "subject"];
    let encounter = parse(SYNTHEA).text_at(&["entry", "2", "fullUrl"]).map(|url| format!("\"{url}\""));
    let other_patient = with(parse(SYNTHEA), subject, "reference", encounter.as_deref());
    assert_eq!(problems(&other_patient), ["Bundle.entry[3].resource.subject: is not the patient of the report"]);
    let silent = with(parse(SYNTHEA), &["entry", "0", "resource"], "conclusion", None);
    assert!(problems(&silent)[0].starts_with("Bundle.entry[0].resource: must have findings or an impression"));
}

#[test]
fn a_document_has_one_report() {
    assert_eq!(problems(&parse(r#"{"resourceType":"Patient"}"#)), ["there must be a DiagnosticReport"]);
    assert_eq!(problems(&parse("[]")), ["there must be a DiagnosticReport"]);
    let two = r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"DiagnosticReport"}},
        {"resource":{"resourceType":"DiagnosticReport"}}]}"#;
    assert_eq!(
        problems(&parse(two)),
        ["Bundle.entry[1].resource: is a second DiagnosticReport; there must be one only"]
    );
}

#[test]
fn a_patient_without_issuer_belongs_to_the_gateway_that_knew_them() {
    let mut report = sample(4, 0);
    report.patient.issuer = None;
    let case = Case::of(report);
    let bundle = content_bundle(&case.rendering(), &ids(&case), &[]).expect("writes");
    let issuer = |public_url| {
        let options = ReadOptions { public_url, ..ReadOptions::default() };
        read_document(&bundle, &options).expect("reads").0.patient.issuer
    };
    assert_eq!(issuer(None), None);
    assert_eq!(issuer(Some("https://gateway.example/t/one")), None);
    assert_eq!(issuer(Some("https://here.example")).as_deref(), Some("https://gateway.example/t/one/id/patient"));
}

#[test]
fn a_changed_report_no_longer_fits_its_digest() {
    let mut report = sample(5, 2);
    report.sections.impression = Some("No fracture.".to_owned());
    let case = Case::of(report);
    let bundle = content_bundle(&case.rendering(), &ids(&case), &[]).expect("writes");
    let changed = with(bundle, &["entry", "0", "resource"], "conclusion", Some("\"Fracture.\""));
    let (_, losses) = read_document(&changed, &ReadOptions::default()).expect("reads");
    let digest = "Bundle.entry[0].resource.extension[0]";
    assert!(losses.0.iter().any(|loss| loss.path == digest && loss.detail.starts_with("does not fit the content")));
}

#[test]
fn groups_may_be_nested_as_deep_as_anybody_likes() {
    let chain: Vec<String> = (0..5_000)
        .map(|index| {
            format!(
                r##"{{"resourceType":"Observation","id":"o{index}","status":"final","hasMember":[{{"reference":"#o{}"}}]}}"##,
                index + 1
            )
        })
        .collect();
    let document = with(parse(CONTAINED), &[], "result", Some(r##"[{"reference":"#o0"}]"##));
    let contained = document.items("contained").iter().map(Json::to_text).chain(chain).collect::<Vec<_>>().join(",");
    let document = with(document, &[], "contained", Some(&format!("[{contained}]")));
    assert!(import(&document).is_ok());
}

/// Replaces what stands at the `at`-th place of the document.
fn replace_nth(json: &mut Json, at: &mut usize, value: &Json) {
    if *at == 0 {
        *json = value.clone();
    }
    *at = at.wrapping_sub(1);
    match json {
        Json::Object(object) => object.iter_mut().for_each(|(_, member)| replace_nth(member, at, value)),
        Json::Array(items) => items.iter_mut().for_each(|item| replace_nth(item, at, value)),
        _ => {}
    }
}

fn any_value() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        Just(Json::Object(crate::fhir::Object::new())),
        Just(Json::Array(vec![])),
        Just(Json::Array(vec![Json::Null])),
        any::<String>().prop_map(Json::String),
        "[A-Z][a-z]{2,8}/[a-z0-9]{1,3}|#[a-z]{1,5}|urn:oid:[0-9.]{1,9}|[0-9]{4}(-[0-9]{2}){0,2}".prop_map(Json::String),
        any::<i64>().prop_map(Json::integer),
        Just(Json::Number("1e400".into())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_report_is_read_back(report in any_report()) {
        let case = Case::of(report);
        let written = resources(&case.rendering(), &ids(&case), &[]).expect("writes");
        prop_assert_eq!(read_resources(&written), Ok(case.report.clone()));
        let bundle = transaction_bundle(&case.rendering(), &ids(&case), &case.attachments()).expect("writes");
        let (report, _) = read_document(&parse(&bundle.to_text()), &ReadOptions::default()).expect("reads");
        prop_assert_eq!(report, case.report);
    }

    #[test]
    fn broken_documents_are_read_or_refused(
        which in 0..4_usize,
        changes in prop::collection::vec((any::<Index>(), any_value()), 1..6),
    ) {
        let mut document = match which {
            0 => parse(CONTAINED),
            1 => parse(SYNTHEA),
            2 => parse(US_CORE_NOTE),
            _ => {
                let case = Case::of(sample(6, 3));
                content_bundle(&case.rendering(), &ids(&case), &case.attachments()).expect("writes")
            }
        };
        for (place, value) in changes {
            replace_nth(&mut document, &mut place.index(900), &value);
        }
        if let Ok((report, _)) = import(&document) {
            prop_assert_eq!(crate::report::read::check(&report, &ReportLimits::default()), Ok(report));
        }
        let _either = read_resources(std::slice::from_ref(&document));
    }
}
