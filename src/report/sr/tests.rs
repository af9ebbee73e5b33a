mod foreign;
mod wild;

use dicom_dictionary_std::{tags, uids};

use super::super::{Edition, Letterhead, Losses, Predecessor, Rendered, Rendering, Report, ReportStatus, Twin, sample};
use super::*;
use crate::base::{Date, TenantId, Timestamp, Uid, VersionId};
use crate::dicom::element;
use crate::dicom::part10::{self, ReadLimits};
use crate::dicom::study::{InstanceFacts, SeriesFacts, StudyFacts};
use crate::fhir::Json;

/// A report version with all that it takes to render it.
pub(crate) struct Case {
    pub(crate) report: Report,
    pub(crate) edition: Edition,
    pub(crate) facts: StudyFacts,
    pub(crate) letterhead: Letterhead,
}

impl Case {
    pub(crate) fn of(report: Report) -> Self {
        let recorded_at = Timestamp::parse("2026-02-03T04:05:06.789Z").expect("valid");
        let edition = Edition {
            tenant: TenantId::default_tenant(),
            version: VersionId(2),
            recorded_at,
            verified_at: report.status.is_verified().then_some(recorded_at),
            predecessor: None,
            reason: None,
        };
        Self { report, edition, facts: StudyFacts::default(), letterhead: Letterhead::default() }
    }

    pub(crate) fn sample(index: u32) -> Self {
        Self::of(sample::sample(11, index))
    }

    /// With an archive that knows all images of the report, of one SOP class where the report says none.
    pub(crate) fn archived(mut self) -> Self {
        for image in self.report.referenced_images() {
            if self.facts.instance(&image.sop_instance_uid).is_some() {
                continue;
            }
            let class = image.sop_class_uid.clone().unwrap_or_else(|| uid("1.2.840.10008.5.1.4.1.1.2"));
            let instance =
                InstanceFacts { uid: image.sop_instance_uid.clone(), sop_class_uid: class, number: None, frames: None };
            match self.facts.series.iter_mut().find(|series| series.uid == image.series_instance_uid) {
                Some(series) => series.instances.push(instance),
                None => self.facts.series.push(SeriesFacts {
                    uid: image.series_instance_uid.clone(),
                    modality: "CT".into(),
                    number: None,
                    description: None,
                    body_part: None,
                    instances: vec![instance],
                }),
            }
        }
        self
    }

    pub(crate) fn with<T>(&self, render: impl FnOnce(&Rendering<'_>) -> T) -> T {
        let none = Losses::new();
        render(&Rendering {
            report: &self.report,
            edition: &self.edition,
            content_digest: self.report.content_digest(),
            study: &self.facts,
            letterhead: &self.letterhead,
            images: &[],
            missing: &none,
            public_url: "http://127.0.0.1:8080",
        })
    }

    fn render(&self) -> Rendered {
        self.with(render).expect("rendered")
    }
}

pub(crate) fn uid(text: &str) -> Uid {
    Uid::parse(text).expect("valid")
}

/// Paths at which two JSON values differ.
fn differences(left: &Json, right: &Json, path: &str, out: &mut Vec<String>) {
    match (left, right) {
        (Json::Object(left), Json::Object(right)) => {
            let keys = left.iter().chain(right.iter()).map(|(key, _)| key);
            let mut seen: Vec<&str> = Vec::new();
            for key in keys {
                if seen.contains(&key) {
                    continue;
                }
                seen.push(key);
                let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                match (left.get(key), right.get(key)) {
                    (Some(left), Some(right)) => differences(left, right, &path, out),
                    _ => out.push(path),
                }
            }
        }
        (Json::Array(left), Json::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                differences(left, right, &format!("{path}[{index}]"), out);
            }
        }
        _ if left == right => {}
        _ => out.push(path.to_owned()),
    }
}

/// Holds a document to its promise: what is read back equals what was written, save for what the
/// writer's losses name. Returns the losses of both ways.
fn comes_back(case: &Case, headings: HeadingCodes) -> (Losses, Losses) {
    let rendered = case.with(|rendering| render_with(rendering, headings)).expect("rendered");
    let reading = read(&rendered.bytes).expect("read");
    assert_eq!(reading.content_digest, Some(case.report.content_digest()));
    let (expected, _) = reconcile(&case.report, &case.facts).expect("the same patient");
    let mut paths = Vec::new();
    differences(&expected.to_json(), &reading.report.to_json(), "", &mut paths);
    for path in paths {
        let named = rendered.losses.0.iter().any(|loss| path.starts_with(&loss.path) || loss.path.starts_with(&path));
        assert!(named, "{path} differs and is not named in {:?}", rendered.losses);
    }
    (rendered.losses, reading.losses)
}

#[test]
fn samples_come_back() {
    for index in 0..80 {
        let case = Case::sample(index).archived();
        for headings in [HeadingCodes::Ln, HeadingCodes::Dcm] {
            let (written, read) = comes_back(&case, headings);
            let written: Vec<_> = written.0.iter().filter(|loss| loss.path != "verifier").collect();
            assert!(written.is_empty(), "{index}: {written:?}");
            assert!(read.is_empty(), "{index}: {read:?}");
        }
        let unarchived = Case::sample(index);
        comes_back(&unarchived, HeadingCodes::Ln);
    }
}

#[test]
fn the_same_version_gives_the_same_bytes() {
    for index in 0..10 {
        let case = Case::sample(index);
        assert_eq!(case.render(), case.render());
        let (sop_class, sop_instance) = case.render().sop.expect("a DICOM form");
        let expected =
            Edition::sop_instance_uid(&case.edition.tenant, &case.report.id, case.edition.version, Twin::DicomSr);
        assert_eq!(sop_instance, expected);
        let measured = !case.report.measurements.is_empty();
        let class = if measured { uids::COMPREHENSIVE_SR_STORAGE } else { uids::BASIC_TEXT_SR_STORAGE };
        assert_eq!(sop_class.as_str(), class);
    }
}

fn first(wanted: impl Fn(&Report) -> bool) -> Case {
    (0..10_000).map(Case::sample).find(|case| wanted(&case.report)).expect("one of ten thousand")
}

fn data_set(rendered: &Rendered) -> element::DataSet {
    part10::read(&rendered.bytes, &ReadLimits::default()).expect("read").content.data_set
}

#[test]
fn flags_say_how_far_the_report_is() {
    for (status, flags, preliminary) in [
        (ReportStatus::Draft, ("PARTIAL", "UNVERIFIED"), "PRELIMINARY"),
        (ReportStatus::Preliminary, ("COMPLETE", "UNVERIFIED"), "PRELIMINARY"),
        (ReportStatus::Final, ("COMPLETE", "VERIFIED"), "FINAL"),
        (ReportStatus::Corrected, ("COMPLETE", "VERIFIED"), "FINAL"),
    ] {
        let set = data_set(&first(|report| report.status == status).render());
        let flag = |tag| element::text(&set, tag).expect("a flag");
        assert_eq!(flag(tags::COMPLETION_FLAG), flags.0);
        assert_eq!(flag(tags::VERIFICATION_FLAG), flags.1);
        assert_eq!(flag(tags::PRELIMINARY_FLAG), preliminary);
        assert_eq!(element::items(&set, tags::VERIFYING_OBSERVER_SEQUENCE).len(), usize::from(status.is_verified()));
    }
    for status in [ReportStatus::Cancelled, ReportStatus::EnteredInError] {
        let mut case = Case::sample(0);
        case.report.status = status;
        assert!(matches!(case.with(render), Err(SrError::Status(_))));
    }
    let mut case = first(|report| report.status == ReportStatus::Final);
    case.edition.verified_at = None;
    assert!(matches!(case.with(render), Err(SrError::NotVerified)));
}

#[test]
fn a_correction_names_its_predecessor_and_its_reason() {
    let mut case = first(|report| report.status == ReportStatus::Corrected);
    case.edition.predecessor = Some(Predecessor {
        version: VersionId(1),
        sop_class_uid: uid(uids::BASIC_TEXT_SR_STORAGE),
        sop_instance_uid: uid("2.25.99"),
    });
    case.edition.reason = Some("the side was wrong".into());
    let rendered = case.render();
    let set = data_set(&rendered);
    assert_eq!(
        element::text(&set, tags::COMPLETION_FLAG_DESCRIPTION).as_deref(),
        Some("corrected: the side was wrong")
    );
    let study = element::first_item(&set, tags::PREDECESSOR_DOCUMENTS_SEQUENCE).expect("a predecessor");
    let series = element::first_item(study, tags::REFERENCED_SERIES_SEQUENCE).expect("a series");
    assert_eq!(element::text(series, tags::SERIES_INSTANCE_UID), element::text(&set, tags::SERIES_INSTANCE_UID));
    comes_back(&case, HeadingCodes::Ln);
    case.edition.reason = Some("x".repeat(80));
    assert_eq!(case.render().losses.0.last().map(|loss| loss.path.as_str()), Some("edition.reason"));
}

#[test]
fn nothing_is_sent_into_the_study_of_another_patient() {
    let mut case = first(|report| report.patient.birth_date.is_some());
    let id = case.report.patient.id.clone();
    case.facts.patient_id = Some(format!("{id} "));
    case.facts.patient_birth_date = case.report.patient.birth_date.as_ref().map(Date::to_da);
    case.facts.patient_name = Some("Somebody^Else".into());
    let rendered = case.render();
    assert!(rendered.losses.0.iter().any(|loss| loss.path == "patient.name"));
    case.facts.patient_birth_date = Some("18500101".into());
    let refused = case.with(render);
    assert!(matches!(refused, Err(SrError::PatientMismatch { element: "patient.birthDate" })));
    case.facts.patient_id = Some("another".into());
    assert!(matches!(case.with(render), Err(SrError::PatientMismatch { element: "patient.id" })));
}

#[test]
fn the_archive_completes_the_study_and_never_overrules_the_report() {
    let mut case = Case::sample(0);
    case.report.study.accession_number = None;
    case.report.study.study_date = None;
    case.report.study.study_time = None;
    case.report.study.description = Some("of the report".into());
    case.facts.accession_number = Some("ACC-9".into());
    case.facts.study_date = Some("20240229".into());
    case.facts.study_time = Some("0815".into());
    case.facts.study_id = Some("S1".into());
    case.facts.description = Some("of the archive".into());
    let rendered = case.render();
    let set = data_set(&rendered);
    let text = |tag| element::text(&set, tag);
    assert_eq!(text(tags::ACCESSION_NUMBER).as_deref(), Some("ACC-9"));
    assert_eq!(text(tags::STUDY_DATE).as_deref(), Some("20240229"));
    assert_eq!(text(tags::STUDY_TIME).as_deref(), Some("081500"));
    assert_eq!(text(tags::STUDY_ID).as_deref(), Some("S1"));
    assert_eq!(text(tags::STUDY_DESCRIPTION).as_deref(), Some("of the report"));
    assert!(rendered.losses.0.iter().any(|loss| loss.path == "study.description"));
    comes_back(&case, HeadingCodes::Ln);
}

#[test]
fn the_whole_study_is_evidence_but_not_its_documents() {
    let mut case = first(|report| !report.key_images.is_empty()).archived();
    let series = |number: u32, modality: &str| SeriesFacts {
        uid: uid(&format!("2.25.{number}")),
        modality: modality.into(),
        number: None,
        description: None,
        body_part: None,
        instances: vec![InstanceFacts {
            uid: uid(&format!("2.25.{number}1")),
            sop_class_uid: uid("1.2.840.10008.5.1.4.1.1.2"),
            number: None,
            frames: None,
        }],
    };
    let before = case.facts.series.len();
    case.facts.series.extend([series(500, "MR"), series(501, "SR")]);
    let set = data_set(&case.render());
    let study = element::first_item(&set, tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE).expect("evidence");
    assert_eq!(element::items(study, tags::REFERENCED_SERIES_SEQUENCE).len(), before + 1);
}
