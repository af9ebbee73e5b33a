use std::collections::BTreeSet;

use super::*;
use crate::report::Sex;
use crate::report::codes::tests::has_check_digit;

const COUNT: u32 = 400;

fn all() -> impl Iterator<Item = Report> {
    (0..COUNT).map(|index| sample(7, index))
}

#[test]
fn the_same_seed_gives_the_same_reports() {
    for index in 0..20 {
        assert_eq!(sample(42, index), sample(42, index));
        assert_ne!(sample(42, index), sample(43, index));
    }
    let digests: BTreeSet<String> = all().map(|report| report.content_digest().to_hex()).collect();
    assert_eq!(digests.len(), COUNT as usize);
}

#[test]
fn the_samples_are_mixed() {
    let reports: Vec<Report> = all().collect();
    let any = |what: &dyn Fn(&Report) -> bool| reports.iter().filter(|report| what(report)).count();
    let length = |report: &Report| report.sections.findings.as_deref().unwrap_or_default().chars().count();
    for status in STATUSES {
        assert!(any(&|report| report.status == *status) > 5, "{status:?}");
    }
    for modality in ["CT", "MR", "CR", "DX", "US", "MG"] {
        assert!(any(&|report| report.study.modality.as_deref() == Some(modality)) > 5, "{modality}");
    }
    for range in
        ['α'..='ω', 'а'..='я', 'ぁ'..='ん', '가'..='힣', '一'..='龠', 'ا'..='ي', 'א'..='ת', '\u{300}'..='\u{31b}']
    {
        assert!(any(&|report| report.to_json().to_text().contains(|letter| range.contains(&letter))) > 3, "{range:?}");
    }
    assert!(any(&|report| report.measurements.is_empty()) > 20);
    assert!(any(&|report| report.measurements.len() > 150) > 3);
    assert!(reports.iter().all(|report| report.measurements.len() <= 200));
    assert!(any(&|report| length(report) > 30_000) > 3, "twelve pages");
    assert!(any(&|report| length(report) < 200) > 3);
    assert!(any(&|report| report.structured_findings.iter().any(|finding| finding.critical)) > 5);
    assert!(any(&|report| report.key_images.is_empty()) > 20 && any(&|report| report.key_images.len() > 3) > 20);
    assert!(any(&|report| report.order.is_none()) > 20);
    assert!(any(&|report| report.verifier.is_none()) > 20);
}

#[test]
fn words_and_numbers_agree() {
    for report in all() {
        assert!(report.patient.id.starts_with("SYN-"));
        if report.study.modality.as_deref() == Some("MG") {
            assert_eq!(report.patient.sex, Some(Sex::Female));
        }
        let text: String = report.structured_findings.iter().map(|finding| finding.text.as_str()).collect();
        assert!(!text.contains('{') && !text.contains('}'));
        for (kind, section) in report.sections.present() {
            assert!(!section.contains(['{', '}']), "{}", kind.json_name());
        }
        for finding in &report.structured_findings {
            assert!(report.sections.findings.as_deref().is_some_and(|findings| findings.contains(&finding.text)));
        }
        for measurement in &report.measurements {
            assert!(measurement.label.chars().count() <= 64, "{}", measurement.label);
            assert!(measurement.value.as_str().len() <= 16, "DICOM DS holds it");
            assert!(ucum::validate(&measurement.unit).is_ok(), "{}", measurement.unit);
        }
    }
}

#[test]
fn every_code_has_its_check_digit() {
    for report in all() {
        let findings = report.structured_findings.iter().flat_map(|finding| [&finding.code, &finding.body_site]);
        let measured = report
            .measurements
            .iter()
            .flat_map(|measurement| [&measurement.code, &measurement.body_site, &measurement.method]);
        for concept in findings.chain(measured).chain([&report.study.body_site]).flatten() {
            assert!(has_check_digit(concept), "{}", concept.code);
        }
    }
}
