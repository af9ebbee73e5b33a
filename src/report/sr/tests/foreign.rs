//! Documents of other makers.

use proptest::prelude::*;

use super::*;
use crate::report::model::Laterality;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../../fixtures/dicom/sr/", $name))
    };
}

#[test]
fn a_basic_text_report_of_another_maker_keeps_its_words() {
    let reading = read(fixture!("reportsi.dcm")).expect("read");
    let report = &reading.report;
    assert_eq!(report.status, ReportStatus::Preliminary);
    assert_eq!(report.patient.name.family, "Last Name");
    assert_eq!(report.code.display, "Document Title");
    assert_eq!(report.code.system, "urn:oid:1.2.276.0.7230010.3.0.0.1");
    let findings = report.sections.findings.as_deref().expect("a text");
    for words in ["Observation Context Mode: DIRECT", "Recording Observer's Name: Enter text", "Enter text"] {
        assert!(findings.contains(words), "{words} in {findings}");
    }
    assert!(reading.losses.0.iter().any(|loss| loss.path == "patient.id"));
    assert_eq!(reading.content_digest, None);
}

#[test]
fn a_comprehensive_report_of_another_maker_keeps_its_words() {
    let reading = read(fixture!("test-SR.dcm")).expect("read");
    let report = &reading.report;
    assert_eq!(report.status, ReportStatus::Amended, "verified, with a predecessor");
    assert_eq!(report.verifier.as_ref().map(|verifier| verifier.id.as_str()), Some("1705"));
    let findings = report.sections.findings.as_deref().expect("a text");
    for words in ["A mass of", "Diameter: 3 cm", "was detected.", "Inferred Sample Text", "Sample Code 1", "§"] {
        assert!(findings.contains(words), "{words} in {findings}");
    }
    assert!(!findings.contains('\r'));
    assert!(report.measurements.is_empty(), "a unit that is not UCUM is text");
    assert!(reading.losses.0.iter().any(|loss| loss.detail.contains("more than the one verifier")));
}

#[test]
fn measurements_of_another_maker_are_measurements() {
    for file in [&fixture!("tid1500_comprehensive.dcm")[..], fixture!("tid1500_comprehensive3d.dcm")] {
        let reading = read(file).expect("read");
        let report = &reading.report;
        assert_eq!(report.status, ReportStatus::Final);
        assert_eq!(report.language.as_deref(), Some("en-US"));
        let [measurement] = report.measurements.as_slice() else { panic!("{:?}", report.measurements) };
        assert_eq!((measurement.value.as_str(), measurement.unit.as_str()), ("8.2", "mm"));
        assert_eq!(measurement.label, "Long Axis");
        assert_eq!(measurement.tracking_id.as_deref(), Some("Lesion 1"));
        assert_eq!(measurement.laterality, Some(Laterality::Right));
        assert_eq!(measurement.body_site.as_ref().map(|site| site.code.as_str()), Some("39607008"));
        assert!(measurement.image.is_some());
        let [finding] = report.structured_findings.as_slice() else { panic!("{:?}", report.structured_findings) };
        assert_eq!(finding.text, "Nodule");
        assert_eq!(report.code.code, "25045-6");
    }
}

#[test]
fn headings_old_and_new_are_the_same_sections() {
    let report = read(fixture!("basic_text_final_dcm_codes.dcm")).expect("read").report;
    assert_eq!(report.sections.clinical_history.as_deref(), Some("Husten seit 3 Wochen"));
    assert!(report.sections.findings.as_deref().is_some_and(|text| text.contains('\n')));
    assert_eq!(report.key_images.len(), 1);
    assert_eq!(report.patient.name.family, "Österreicher");
    assert_eq!(report.order.and_then(|order| order.placer_number).as_deref(), Some("PL-77"));
    let report = read(fixture!("basic_text_prelim.dcm")).expect("read").report;
    assert_eq!(report.status, ReportStatus::Preliminary);
    let report = read(fixture!("basic_text_amended.dcm")).expect("read").report;
    assert_eq!(report.status, ReportStatus::Amended);
}

#[test]
fn what_is_no_report_is_refused_and_what_is_broken_is_read_as_far_as_it_goes() {
    for file in [&fixture!("kos.dcm")[..], fixture!("encapsulated_pdf.dcm")] {
        assert!(matches!(read(file), Err(SrReadError::NotAReport(_))));
    }
    assert!(matches!(read(b"not DICOM"), Err(SrReadError::Part10(_))));
    let reading = read(fixture!("broken/sr_text_without_value.dcm")).expect("read");
    assert!(reading.losses.0.iter().any(|loss| loss.detail == "has no value that can be read"));
    assert!(read(fixture!("broken/sr_num_in_basic_text.dcm")).is_ok());
    assert!(read(fixture!("broken/reportsi_with_empty_number_tags.dcm")).is_ok());
}

proptest! {
    #[test]
    fn a_changed_byte_never_panics(at in 132..4900_usize, byte in any::<u8>()) {
        let mut file = fixture!("tid1500_comprehensive.dcm").to_vec();
        if let Some(place) = file.get_mut(at) {
            *place = byte;
        }
        let _ = read(&file);
    }
}
