use proptest::prelude::*;

use super::*;
use crate::base::VersionId;
use crate::report::fhir::testing::{Case, any_report, small};
use crate::report::{ReportStatus, sample::sample};

fn ids(case: &Case) -> Ids {
    Ids::derived(&case.report, &case.letterhead)
}

fn amended() -> Case {
    let mut report = small();
    report.status = ReportStatus::Amended;
    Case::of(report)
}

fn references(json: &Json, found: &mut Vec<String>) {
    match json {
        Json::Array(items) => items.iter().for_each(|item| references(item, found)),
        Json::Object(object) => {
            found.extend(object.get("reference").and_then(Json::as_str).map(str::to_owned));
            object.iter().for_each(|(_, value)| references(value, found));
        }
        _ => {}
    }
}

/// The whole form, to be read by people: `fixtures/fhir/report.{bundle,transaction}.json`.
#[test]
fn a_report_has_this_form() {
    let case = amended();
    let content = content_bundle(&case.rendering(), &ids(&case), &case.attachments()).expect("writes");
    assert_eq!(content.to_pretty(), include_str!("../../../../fixtures/fhir/report.bundle.json"));
    let transaction = transaction_bundle(&case.rendering(), &ids(&case), &case.attachments()).expect("writes");
    assert_eq!(transaction.to_pretty(), include_str!("../../../../fixtures/fhir/report.transaction.json"));
}

fn holds_nothing_empty(json: &Json) -> bool {
    match json {
        Json::Null => false,
        Json::String(text) => !text.trim().is_empty(),
        Json::Array(items) => !items.is_empty() && items.iter().all(holds_nothing_empty),
        Json::Object(object) => !object.is_empty() && object.iter().all(|(_, value)| holds_nothing_empty(value)),
        Json::Bool(_) | Json::Number(_) => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// R4 json.html: no empty objects, arrays and strings; no null (repeating primitives alone may have
    /// it, and ours have not).
    #[test]
    fn nothing_empty_is_written(report in any_report()) {
        let case = Case::of(report);
        for bundle in [
            content_bundle(&case.rendering(), &ids(&case), &case.attachments()).expect("writes"),
            transaction_bundle(&case.rendering(), &ids(&case), &[]).expect("writes"),
        ] {
            prop_assert!(holds_nothing_empty(&bundle), "{}", bundle);
        }
    }
}

#[test]
fn references_of_a_collection_stay_within_it() {
    for index in 0..20 {
        let case = Case::of(sample(8, index));
        let content = content_bundle(&case.rendering(), &ids(&case), &[]).expect("writes");
        let here: Vec<&str> = content.items("entry").iter().filter_map(|entry| entry.text_at(&["fullUrl"])).collect();
        let mut found = Vec::new();
        references(&content, &mut found);
        for reference in found {
            let current = format!("/_history/{}", case.edition.version);
            let former = case.edition.predecessor.as_ref().map(|former| format!("/_history/{}", former.version));
            if former.is_some_and(|former| reference.ends_with(&former)) {
                continue;
            }
            let url = format!("https://gateway.example/t/one/fhir/r4/{}", reference.trim_end_matches(&current));
            assert!(here.contains(&url.as_str()), "{reference}");
        }
    }
}

#[test]
fn a_transaction_speaks_of_its_entries_only_and_can_be_repeated() {
    let case = amended();
    let transaction = transaction_bundle(&case.rendering(), &ids(&case), &case.attachments()).expect("writes");
    let entries = transaction.items("entry");
    let here: Vec<&str> = entries.iter().filter_map(|entry| entry.text_at(&["fullUrl"])).collect();
    let mut found = Vec::new();
    references(&transaction, &mut found);
    assert!(found.iter().all(|reference| here.contains(&reference.as_str())));
    for entry in entries {
        let request = |key: &str| entry.text_at(&["request", key]).unwrap_or_default();
        let name = entry.text_at(&["resource", "resourceType"]).expect("a type");
        assert!(entry.at(&["resource", "id"]).is_none());
        if request("method") == "POST" {
            assert_eq!(request("url"), name);
            assert!(!request("ifNoneExist").is_empty(), "{name}");
        } else {
            assert!(request("url").starts_with(&format!("{name}?identifier=https%3A%2F%2F")), "{}", request("url"));
        }
    }
    let search = |name: &str| {
        let entry = entries.iter().find(|entry| entry.text_at(&["resource", "resourceType"]) == Some(name));
        entry.and_then(|entry| entry.text_at(&["request", "ifNoneExist"]))
    };
    let accession = "identifier=https%3A%2F%2Fgateway.example%2Ft%2Fone%2Fid%2Faccession|A%5C%7C1";
    assert_eq!(search("ServiceRequest"), Some(accession));
    assert_eq!(search("ImagingStudy"), Some("identifier=urn%3Adicom%3Auid|urn%3Aoid%3A1.2.3.4"));
}

#[test]
fn the_same_version_gives_the_same_bytes_and_another_one_others() {
    let mut case = amended();
    let render = |case: &Case| render(&case.rendering(), &ids(case), &case.attachments()).expect("renders");
    let first = render(&case);
    assert_eq!(first, render(&case));
    case.edition.version = VersionId(4);
    assert_ne!(first.bytes, render(&case).bytes);
}
