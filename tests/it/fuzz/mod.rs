//! What strangers send, bent out of shape: real samples with bytes and parts changed at random, the same ones in every
//! run. Whatever comes, nothing panics, limits hold, and what is refused is named. A failure prints the seed of its
//! case.

#[cfg(test)]
mod mutate;

use causeway::base::Timestamp;
use causeway::fhir::patch::{PatchLimits, fhirpath_patch, json_patch};
use causeway::fhir::search::query::{Codes, MOST_CODES};
use causeway::fhir::search::{Help, QueryContext, QueryError, QueryLimits, Registry, SearchQuery, extract};
use causeway::fhir::transaction::{EntryError, ReadError, read};
use causeway::fhir::{Json, JsonLimits, structure};

use mutate::Mutator;

const SYNTHEA: &str = include_str!("../../../fixtures/fhir/search/synthea.ndjson");
const FHIR_PATCHES: &str = include_str!("../../../fixtures/fhir/patch/fhir-patch-tests.json");
const JSON_PATCHES: &str = include_str!("../../../fixtures/fhir/patch/json-patch-tests.json");
const TRANSACTION: &str = include_str!("../../../fixtures/fhir/transaction/synthea-patient.json");

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes(), &JsonLimits::default()).expect("a sample")
}

/// Runs `check` with changing luck; says which seed it was if it panics.
fn cases(count: u64, check: impl Fn(&mut Mutator)) {
    for seed in 1..=count {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&mut Mutator::new(seed))));
        assert!(outcome.is_ok(), "seed {seed}");
    }
}

/// How deep a document nests.
fn depth(json: &Json) -> usize {
    match json {
        Json::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Json::Object(object) => 1 + object.iter().map(|(_, value)| depth(value)).max().unwrap_or_default(),
        _ => 0,
    }
}

#[test]
fn any_bytes_are_a_document_or_an_error() {
    let samples: Vec<&str> = SYNTHEA.lines().step_by(7).collect();
    let limits = JsonLimits { depth: 20, values: 2_000 };
    cases(4_000, |mutator| {
        let mut bytes = mutator.one(&samples).as_bytes().to_vec();
        mutator.bytes(&mut bytes);
        let Ok(document) = Json::parse(&bytes, &limits) else { return };
        assert!(depth(&document) <= limits.depth, "the limit on depth holds");
        for text in [document.to_text(), document.to_pretty()] {
            assert_eq!(Json::parse(text.as_bytes(), &limits).as_ref(), Ok(&document), "it is read as it was written");
        }
        assert_eq!(json(&document.to_text()).to_text(), document.to_text());
        for issue in structure::check(&document, &structure::Limits::default()) {
            assert!(!issue.diagnostics.is_empty(), "what is wrong is said");
        }
        let _found_by = extract(&document);
    });
}

#[test]
fn deep_and_wide_documents_stop_at_the_limit() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        for levels in [10, 64, 65, 500, 100_000] {
            let text = format!("{}1{}", open.repeat(levels), close.repeat(levels));
            assert_eq!(Json::parse(text.as_bytes(), &JsonLimits::default()).is_ok(), levels <= 64, "{levels} levels");
        }
    }
    let wide = format!("[{}1]", "1,".repeat(3_000));
    assert!(Json::parse(wide.as_bytes(), &JsonLimits { depth: 5, values: 2_000 }).is_err());
}

#[test]
fn any_resource_is_checked_to_the_end() {
    let samples: Vec<Json> = SYNTHEA.lines().step_by(5).map(json).collect();
    cases(1_500, |mutator| {
        let mut resource = mutator.one(&samples).clone();
        mutator.json(&mut resource);
        let issues = structure::check(&resource, &structure::Limits::default());
        let kind = resource.text_at(&["resourceType"]).map(str::to_owned);
        for issue in issues.iter().filter(|issue| issue.is_error()) {
            assert!(!issue.diagnostics.is_empty());
            let begins =
                kind.as_deref().is_none_or(|kind| issue.expression.is_empty() || issue.expression.starts_with(kind));
            assert!(begins, "{} names an element", issue.expression);
        }
        if issues.is_empty() {
            let _issues = structure::invariants::check(&resource, &structure::Limits::default());
        }
        let _found_by = extract(&resource);
    });
}

#[test]
fn any_text_is_a_search_or_an_error_that_names_its_parameter() {
    let samples = [
        ("DiagnosticReport", "subject:Patient.name", "peter"),
        ("DiagnosticReport", "result.encounter.status", "finished,planned"),
        ("Patient", "_has:ImagingStudy:patient:modality", "CT"),
        ("Patient", "_has:Observation:patient:_has:Provenance:target:recorded", "ge2024"),
        ("Patient", "identifier:of-type", r"http://a|MR|12\,3"),
        ("Patient", "birthdate", "ge1970-01-01T00:00:00 01:00"),
        ("Observation", "code-value-quantity", "http://loinc.org|8480-6$gt140"),
        ("Observation", "value-quantity", "ap5.40e-3|http://unitsofmeasure.org|mg"),
        ("Observation", "code:in", "http://hl7.org/fhir/ValueSet/observation-vitalsignresult"),
        ("Observation", "code:below", "http://loinc.org|LP1"),
        ("ValueSet", "url:below", "http://a.example/"),
        ("Patient", "_sort", "-birthdate,family"),
        ("Patient", "_include:iterate", "Patient:organization:Organization"),
        ("Patient", "_revinclude", "Provenance:target"),
        ("Patient", "_elements", "name,birthDate"),
        ("Patient", "_count", "1000000000"),
        ("Patient", "_summary", "count"),
        ("Patient", "_total", "accurate"),
        ("ImagingStudy", "identifier", "urn:dicom:uid|urn:oid:1.2.3"),
        ("", "_type", "Patient,Observation"),
    ];
    let letters = [
        ":", ".", "|", "$", ",", "\\", "%00", "\0", "é", "٣", "ge", "eq", "-", "9", "_has:", "missing", "not",
        "\u{202e}",
    ];
    let limits = QueryLimits { count: 50, depth: 3, values: 40 };
    let context = QueryContext {
        registry: Registry::r4(),
        base: "https://gateway.example/fhir/r4",
        now: Timestamp(1_700_000_000_000_000),
        limits,
    };
    let codes = Codes::new();
    cases(20_000, |mutator| {
        let mut pairs = Vec::new();
        let (kind, ..) = *mutator.one(&samples);
        for _ in 0..=mutator.below(3) {
            let (_, name, value) = *mutator.one(&samples);
            pairs.push((mutator.text(name, &letters), mutator.text(value, &letters)));
        }
        let (own, ..) = samples[mutator.below(samples.len())];
        let kind = if mutator.below(4) == 0 { own } else { kind };
        let help = Help { codes: (mutator.below(2) == 0).then_some(&codes), zone_seconds: 3600 };
        match SearchQuery::parse_with(context, help, Some(kind).filter(|kind| !kind.is_empty()), &pairs) {
            Ok(query) => {
                assert!(query.count.is_none_or(|count| count <= limits.count), "more than the limit");
                assert!(query.criteria.len() <= pairs.len());
            }
            Err(QueryError::TooMany) => {}
            Err(error) => {
                let named = error.parameter().expect("a parameter is named");
                assert!(named.chars().count() <= 100 && !error.to_string().is_empty());
                let is_asked = |(name, _): &(String, String)| name.starts_with(named) || name.contains(named);
                assert!(pairs.iter().any(is_asked) || named.starts_with('_'), "{named} was asked for");
            }
        }
    });
    let long = ["subject.".repeat(20), "_has:Observation:patient:".repeat(20)].map(|chain| format!("{chain}name"));
    for chain in long {
        let pairs = [(chain, "x".to_owned())];
        assert!(
            SearchQuery::parse(context, Some("Patient"), &pairs).is_ok_and(|query| query.criteria.is_empty())
                || SearchQuery::parse(context, Some("Patient"), &pairs).is_err()
        );
    }
    // SQLite takes no more values in one statement.
    const { assert!(MOST_CODES < 32_766) };
}

/// Input and patch of the cases of a suite.
fn patches(text: &str, input: &str, patch: &str) -> Vec<(Json, Json)> {
    let suite = json(text);
    let cases = suite.as_array().expect("an array").iter();
    cases.filter_map(|case| Some((case.get(input)?.clone(), case.get(patch)?.clone()))).collect()
}

#[test]
fn any_json_patch_gives_a_document_or_an_error() {
    let samples = patches(JSON_PATCHES, "doc", "patch");
    assert!(samples.len() >= 10);
    let limits = PatchLimits { operations: 20, ..PatchLimits::default() };
    cases(6_000, |mutator| {
        let (mut document, mut patch) = mutator.one(&samples).clone();
        if mutator.below(3) == 0 {
            mutator.json(&mut document);
        }
        mutator.json(&mut patch);
        let before = document.clone();
        match json_patch::apply(&document, &patch, &limits) {
            Ok(patched) => {
                assert!(depth(&patched) <= limits.depth);
                assert_eq!(json_patch::apply(&document, &patch, &limits).as_ref(), Ok(&patched), "each time the same");
            }
            Err(error) => assert!(!error.fault.to_string().is_empty()),
        }
        assert_eq!(document, before, "the document itself is not touched");
    });
}

#[test]
fn any_fhirpath_patch_gives_a_resource_or_an_error() {
    let samples = patches(FHIR_PATCHES, "input", "diff");
    assert!(samples.len() >= 10);
    let limits = PatchLimits { operations: 20, ..PatchLimits::default() };
    cases(6_000, |mutator| {
        let (mut resource, mut patch) = mutator.one(&samples).clone();
        if mutator.below(3) == 0 {
            mutator.json(&mut resource);
        }
        mutator.json(&mut patch);
        match fhirpath_patch::apply(&resource, &patch, &limits) {
            Ok(patched) => {
                assert!(depth(&patched) <= limits.depth);
                assert_eq!(patched.get("resourceType"), resource.get("resourceType"));
                assert_eq!(patched.get("id"), resource.get("id"));
            }
            Err(error) => {
                let count = patch.items("parameter").len();
                assert!(error.operation.is_none_or(|at| at < count.max(1)), "{error:?} names an operation");
            }
        }
    });
}

#[test]
fn any_bundle_is_a_plan_or_an_error_that_names_its_places() {
    let whole = json(TRANSACTION);
    let small = {
        let mut small = whole.clone();
        if let Some(Json::Array(entries)) = small.as_object_mut().and_then(|bundle| bundle.get_mut("entry")) {
            entries.truncate(6);
        }
        small
    };
    cases(1_500, |mutator| {
        let mut bundle = small.clone();
        mutator.json(&mut bundle);
        let count = bundle.items("entry").len();
        match read(bundle, 10) {
            Ok(plan) => {
                assert_eq!(plan.entries.len(), count);
                for (index, entry) in plan.entries.iter().enumerate() {
                    match entry {
                        Ok(entry) => assert_eq!(entry.index, index),
                        Err(EntryError::Invalid(problems)) => assert!(!problems.is_empty()),
                        Err(EntryError::UnknownType) => {}
                    }
                }
            }
            Err(ReadError::TooMany(most)) => assert!(count > most),
            Err(ReadError::Invalid(problems)) => {
                assert!(problems.iter().all(|problem| problem.path.is_empty() || problem.path.starts_with("Bundle")));
                assert!(problems.iter().all(|problem| !problem.detail.is_empty()) && !problems.is_empty());
            }
        }
    });
    let entries = whole.items("entry").len();
    assert!(matches!(read(whole, entries - 1), Err(ReadError::TooMany(_))));
}
