//! Documents of other makers.

use dicom_core::VR;
use proptest::prelude::*;

use super::*;
use crate::dicom::code::{Code, Term};
use crate::dicom::sr::{ContentItem, ItemValue, NumericValue, Relationship, SrDocument};
use crate::report::model::{Laterality, SectionKind};

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

/// Items of every kind under names that the reader looks for, each text with a number of its own.
fn any_item() -> impl Strategy<Value = ContentItem> {
    let name = prop::sample::select(vec![
        Some(terms::FINDING),
        Some(terms::FINDING_SITE),
        Some(terms::LATERALITY),
        Some(terms::TRACKING_ID),
        Some(terms::IMAGING_MEASUREMENTS),
        Some(terms::MEASUREMENT_GROUP),
        Some(terms::MEASUREMENT_METHOD),
        Some(terms::KEY_OBJECT_DESCRIPTION),
        Some(terms::key_images_heading(HeadingCodes::Ln)),
        Some(terms::heading(SectionKind::Findings, HeadingCodes::Ln).0),
        Some(terms::heading(SectionKind::Impression, HeadingCodes::Dcm).0),
        Some(Term::ln("55107-7", "Addendum")),
        Some(Term::new("X", "99Y", "Something else")),
        None,
    ]);
    let container = ItemValue::Container { is_continuous: false, template: None };
    let value = prop_oneof![
        3 => (0..1_000_000_u32).prop_map(|number| ItemValue::Text(format!("text {number} end"))),
        3 => Just(container),
        1 => Just(ItemValue::Code(terms::FINDING.to_code())),
        1 => Just(ItemValue::Num(NumericValue {
            value: Some("1.50".into()),
            units: Some(Code::new("mm", "UCUM", "mm")),
            ..NumericValue::default()
        })),
        1 => Just(ItemValue::Uid("1.2.3".into())),
        1 => Just(ItemValue::Reference(vec![1, 1])),
        1 => Just(ItemValue::PersonName("A^B".into())),
    ];
    let relationship = prop_oneof![Just(Relationship::Contains), Just(Relationship::HasProperties)];
    (relationship, name, value)
        .prop_map(|(relationship, name, value)| ContentItem::new(relationship, name.map(Term::to_code), value))
}

fn texts(item: &ContentItem) -> Vec<&str> {
    let below = item.children.iter().flat_map(texts);
    item.as_text().into_iter().chain(below).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn every_text_of_any_tree_is_kept(items in prop::collection::vec((any_item(), any::<prop::sample::Index>()), 1..40)) {
        let mut root = ContentItem::container(Relationship::Contains, terms::MEASUREMENT_REPORT.to_code(), Vec::new());
        root.relationship = None;
        for (item, place) in items {
            let mut parent = &mut root;
            for _ in 0..place.index(6) {
                if parent.children.is_empty() {
                    break;
                }
                let last = parent.children.len() - 1;
                parent = &mut parent.children[last];
            }
            parent.children.push(item);
        }
        let mut set = element::DataSet::new_empty();
        element::put_text(&mut set, tags::SOP_CLASS_UID, VR::UI, uids::COMPREHENSIVE_SR_STORAGE);
        element::put_text(&mut set, tags::SOP_INSTANCE_UID, VR::UI, "2.25.1");
        element::put_text(&mut set, tags::STUDY_INSTANCE_UID, VR::UI, "2.25.2");
        let document = SrDocument { root };
        document.put(&mut set);
        let file = part10::write(&set, part10::TransferSyntax::ExplicitVrLittleEndian).expect("written");
        let reading = read(&file).expect("read");
        let json = reading.report.to_json().to_text();
        for text in texts(&document.root) {
            prop_assert!(json.contains(text), "{text} is not in {json}");
        }
    }

    #[test]
    fn a_changed_byte_never_panics(at in 132..4900_usize, byte in any::<u8>()) {
        let mut file = fixture!("tid1500_comprehensive.dcm").to_vec();
        if let Some(place) = file.get_mut(at) {
            *place = byte;
        }
        let _ = read(&file);
    }
}
