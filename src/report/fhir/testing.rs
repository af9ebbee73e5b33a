//! What the tests of both directions share.

use proptest::prelude::*;

use crate::base::{Date, Decimal, LogicalId, TenantId, TimeOfDay, Timestamp, Uid, VersionId};
use crate::dicom::study::StudyFacts;
use crate::report::codes::systems;
use crate::report::sample::sample;
use crate::report::{
    Author, Concept, Edition, Finding, ImageRef, KeyImage, Laterality, Letterhead, Losses, Measurement, Order, Patient,
    PersonName, Predecessor, Rendering, Report, ReportLimits, ReportStatus, Sections, Severity, Sex, Study, Verifier,
};

use super::write::Attachment;

/// What a rendering borrows.
pub(super) struct Case {
    pub(super) report: Report,
    pub(super) edition: Edition,
    pub(super) study: StudyFacts,
    pub(super) letterhead: Letterhead,
    missing: Losses,
}

impl Case {
    pub(super) fn of(report: Report) -> Self {
        let recorded_at = Timestamp::parse("2026-02-03T04:05:06.070Z").expect("valid");
        let predecessor = (report.status.is_verified() && !report.status.may_begin()).then(|| Predecessor {
            version: VersionId(2),
            sop_class_uid: Uid::parse("1.2.840.10008.5.1.4.1.1.88.11").expect("valid"),
            sop_instance_uid: Uid::derived(&["predecessor"]),
        });
        let edition = Edition {
            tenant: TenantId::default_tenant(),
            version: VersionId(if predecessor.is_some() { 3 } else { 1 }),
            recorded_at,
            verified_at: report.status.is_verified().then_some(recorded_at),
            reason: predecessor.is_some().then(|| "measurement <b>corrected</b>".to_owned()),
            predecessor,
        };
        let letterhead = Letterhead {
            organization: "Radiology Partners & Co".to_owned(),
            lines: vec!["1 Main Street".to_owned(), "Springfield".to_owned()],
            ..Letterhead::default()
        };
        Self { report, edition, study: StudyFacts::default(), letterhead, missing: Losses::new() }
    }

    pub(super) fn rendering(&self) -> Rendering<'_> {
        Rendering {
            report: &self.report,
            edition: &self.edition,
            content_digest: self.report.content_digest(),
            study: &self.study,
            letterhead: &self.letterhead,
            images: &[],
            missing: &self.missing,
            public_url: "https://gateway.example/t/one",
        }
    }

    /// A text that stands inline, and two files that are fetched.
    pub(super) fn attachments(&self) -> [Attachment<'static>; 3] {
        let file = |content_type, title, url, bytes| Attachment {
            content_type,
            title,
            url: Some(url),
            bytes,
            inline: false,
            creation: self.edition.recorded_at,
        };
        [
            Attachment {
                inline: true,
                ..file(
                    "text/plain; charset=utf-8",
                    "Report as text",
                    "https://gateway.example/t/one/x.txt",
                    Some(&b"text"[..]),
                )
            },
            file("application/pdf", "Report as PDF", "https://gateway.example/t/one/x.pdf", Some(&b"%PDF-1.7"[..])),
            file("application/dicom", "Report as DICOM SR", "https://gateway.example/t/one/x.dcm", None),
        ]
    }
}

/// Any valid report: a sample whose texts, names, codes and values are replaced by arbitrary ones, in the
/// normal form that every report has.
pub(super) fn any_report() -> impl Strategy<Value = Report> {
    let text = || prop_oneof![3 => "\\PC{1,40}", 1 => "[<>&\"'\\n\\t a-z\u{3000}\u{e000}😀]{1,40}"];
    let line = || prop_oneof!["[^\\p{C}\\\\\u{2028}\u{2029}]{1,20}", "[a-zA-Z0-9 ./|%+-]{1,20}"];
    let name = || {
        (
            "[^\\p{C}\\\\^=\u{2028}\u{2029}]{1,12}",
            prop::option::of("[a-zé .]{1,8}"),
            prop::option::of("[\\^あ-ん山田 ]{1,9}"),
        )
    };
    let decimal = "-?[1-9][0-9]{0,8}(\\.[0-9]{1,9})?";
    (
        (any::<u64>(), 0_u32..50),
        (prop::collection::vec(text(), 8), prop::collection::vec(line(), 12)),
        (name(), name(), name()),
        prop::collection::vec(decimal, 4),
        (prop::sample::select(ReportStatus::ALL.to_vec()), any::<u16>()),
    )
        .prop_filter_map(
            "not a valid report",
            |((seed, index), (texts, lines), names, values, (status, flags))| {
                let mut report = sample(seed, index);
                let mut texts = texts.into_iter();
                let mut lines = lines.into_iter();
                let flag = |bit: u16| flags & (1 << bit) != 0;
                let named =
                    |name: &mut PersonName, (family, given, other): (String, Option<String>, Option<String>)| {
                        name.family = family;
                        name.given = given.into_iter().chain(flag(0).then(|| "Zweitname".to_owned())).collect();
                        name.ideographic = other.clone();
                        name.phonetic = other.filter(|_| flag(1));
                        name.prefix = flag(2).then(|| "Dr. med.".to_owned());
                    };
                named(&mut report.patient.name, names.0);
                named(&mut report.author.name, names.1);
                if let Some(verifier) = &mut report.verifier {
                    named(&mut verifier.name, names.2);
                    verifier.organization = if flag(3) { lines.next() } else { None };
                    if flag(4) {
                        verifier.id.clone_from(&report.author.id);
                    }
                }
                report.patient.issuer = if flag(5) { lines.next() } else { None };
                report.patient.id = lines.next()?;
                report.patient.sex = if flag(6) { None } else { Some(Sex::Other) };
                report.author.role = lines.next()?;
                report.study.description = if flag(7) { lines.next() } else { None };
                report.study.study_time = report.study.study_time.filter(|_| flag(8));
                report.sections.findings = texts.next();
                report.sections.impression = texts.next().filter(|_| flag(9));
                report.sections.comparison = texts.next();
                for (finding, text) in report.structured_findings.iter_mut().zip(texts) {
                    finding.text = text;
                    finding.code = finding.code.take().filter(|_| flag(10));
                    finding.body_site = finding.body_site.take().filter(|_| flag(11));
                }
                for (measurement, value) in report.measurements.iter_mut().zip(values) {
                    measurement.value = Decimal::parse(&value)?;
                    if let Some(line) = lines.next() {
                        measurement.id = line;
                    }
                    measurement.tracking_id = lines.next();
                }
                report.order = flag(12).then(|| Order { filler_number: lines.next(), ..Order::default() });
                report.study.accession_number = report.study.accession_number.filter(|_| flag(13));
                report.status = status;
                crate::report::read::check(&report, &ReportLimits::default()).ok()
            },
        )
}

/// A small report that has a little of everything.
pub(super) fn small() -> Report {
    let concept = |system: &str, code: &str, display: &str| Concept {
        system: system.to_owned(),
        code: code.to_owned(),
        display: display.to_owned(),
    };
    let uid = |text: &str| Uid::parse(text).expect("valid");
    let image = ImageRef {
        series_instance_uid: uid("1.2.3.4.1"),
        sop_instance_uid: uid("1.2.3.4.1.1"),
        sop_class_uid: Some(uid("1.2.840.10008.5.1.4.1.1.2")),
        frame: Some(2),
    };
    Report {
        id: LogicalId::parse("ct-1").expect("valid"),
        status: ReportStatus::Final,
        patient: Patient {
            id: "4711".to_owned(),
            issuer: Some("St. Mary".to_owned()),
            name: PersonName::from_pn("Yamada^Tarou=山田^太郎=やまだ^たろう").expect("valid"),
            birth_date: Date::parse("1961-04-05"),
            sex: Some(Sex::Male),
        },
        study: Study {
            study_instance_uid: uid("1.2.3.4"),
            accession_number: Some("A|1".to_owned()),
            study_date: Date::parse("2026-02-02"),
            study_time: TimeOfDay::parse("08:05:09.120"),
            modality: Some("CT".to_owned()),
            description: Some("CT chest".to_owned()),
            body_site: Some(concept(systems::SNOMED, "51185008", "Thorax")),
            referring_physician: PersonName::from_pn("Roe^Richard"),
        },
        code: concept(systems::LOINC, "24627-2", "CT Chest"),
        sections: Sections {
            findings: Some("Nodule, 12.50 mm < 13 mm.\n\nNo effusion.".to_owned()),
            impression: Some("Nodule.".to_owned()),
            ..Sections::default()
        },
        structured_findings: vec![Finding {
            id: "f1".to_owned(),
            code: Some(concept(systems::SNOMED, "27925004", "Nodule")),
            text: "Nodule in the right upper lobe".to_owned(),
            body_site: Some(concept(systems::SNOMED, "45653009", "Upper lobe of lung")),
            laterality: Some(Laterality::Right),
            severity: Some(Severity::Moderate),
            critical: true,
            images: vec![image.clone()],
        }],
        measurements: vec![Measurement {
            id: "m 1/2".to_owned(),
            code: Some(concept(systems::SNOMED, "103339001", "Long axis")),
            label: "long axis".to_owned(),
            value: Decimal::parse("12.50").expect("valid"),
            unit: "mm".to_owned(),
            body_site: None,
            laterality: Some(Laterality::Right),
            method: Some(concept(systems::DCM, "121206", "Distance")),
            tracking_id: Some("nodule 1".to_owned()),
            image: Some(image.clone()),
        }],
        key_images: vec![KeyImage { image, caption: Some("nodule".to_owned()) }],
        author: Author {
            id: "a1".to_owned(),
            name: PersonName::from_pn("Doe^Jane^^Dr").expect("valid"),
            role: "radiologist".to_owned(),
        },
        verifier: Some(Verifier {
            id: "v1".to_owned(),
            name: PersonName::from_pn("Poe^Edgar").expect("valid"),
            organization: Some("Department of Radiology".to_owned()),
        }),
        language: Some("en-GB".to_owned()),
        order: Some(Order {
            placer_number: Some("P1".to_owned()),
            filler_number: None,
            procedure_code: Some(concept("http://hospital.example/procedures", "CTTHX", "CT thorax")),
        }),
    }
}
