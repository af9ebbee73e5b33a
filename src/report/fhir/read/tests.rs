use proptest::prelude::*;

use super::*;
use crate::fhir::JsonLimits;
use crate::report::fhir::testing::{Case, any_report};
use crate::report::fhir::{Ids, content_bundle, resources, transaction_bundle};
use crate::report::sample::sample;

fn parse(text: &str) -> Json {
    Json::parse(text.as_bytes(), &JsonLimits::default()).expect("valid JSON")
}

fn ids(case: &Case) -> Ids {
    Ids::derived(&case.report, &case.letterhead)
}

#[test]
fn every_sample_is_read_back_from_its_resources() {
    for index in 0..60 {
        let case = Case::of(sample(1, index));
        let written = resources(&case.rendering(), &ids(&case), &case.attachments()).expect("writes");
        assert_eq!(read_resources(&written), Ok(case.report.clone()), "sample {index}");
        // Its own resources are enough.
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
        for loss in &losses.0 {
            let known = whole.contains(&loss.detail)
                || ["issued", "performer[0]", "presentedForm[0]", "presentedForm[1]", "presentedForm[2]"]
                    .iter()
                    .any(|element| loss.path == format!("Bundle.entry[0].resource.{element}"));
            assert!(known, "sample {index}: {} {}", loss.path, loss.detail);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_report_is_read_back(report in any_report()) {
        let case = Case::of(report);
        let written = resources(&case.rendering(), &ids(&case), &[]).expect("writes");
        prop_assert_eq!(read_resources(&written), Ok(case.report.clone()));
        let bundle = transaction_bundle(&case.rendering(), &ids(&case), &case.attachments()).expect("writes");
        let (report, _) = read_document(&parse(&bundle.to_text()), &ReadOptions::default()).expect("reads");
        prop_assert_eq!(report, case.report);
    }
}
