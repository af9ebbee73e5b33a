//! Reports that no one would write, and that are valid all the same.

use proptest::prelude::*;

use super::super::super::model::{
    Author, Concept, Finding, ImageRef, KeyImage, Laterality, Measurement, Order, Patient, PersonName, Sections,
    Severity, Sex, Study, Verifier,
};
use super::*;
use crate::base::{Decimal, LogicalId, TimeOfDay};

/// Text of all kinds: spaces at the ends, backslashes, control characters, emoji, right to left.
fn text(max: usize) -> impl Strategy<Value = String> {
    let character = prop_oneof![
        8 => proptest::char::range('a', 'z'),
        1 => prop::sample::select(vec!['\n', '\t', ' ', '\\', '^', '=', '"', '<', '\u{7}', '\u{85}', 'ä', '山', 'ع', '\u{1F468}', '\u{200D}']),
    ];
    prop::collection::vec(character, 0..max).prop_map(|characters| characters.into_iter().collect())
}

/// Text that may be absent; an empty one is the same as that.
fn option(max: usize) -> impl Strategy<Value = Option<String>> {
    prop::option::of(text(max)).prop_map(|text| text.filter(|text| !text.is_empty()))
}

fn concept() -> impl Strategy<Value = Concept> {
    let system = prop_oneof![
        Just("http://snomed.info/sct".to_owned()),
        Just("http://loinc.org".to_owned()),
        "http://[a-z]{1,8}\\.example/[a-z/]{0,10}",
        "urn:oid:1\\.2\\.[1-9][0-9]{0,6}",
    ];
    let code = prop_oneof!["[!-~]{1,12}", "[a-zA-Z0-9-]{17,40}", "urn:[a-z]{1,30}"];
    (system, code, text(90)).prop_map(|(system, code, display)| Concept { system, code, display })
}

fn name() -> impl Strategy<Value = PersonName> {
    let part = || option(20);
    (text(20), prop::collection::vec(text(12), 0..3), part(), part(), part(), part()).prop_map(
        |(family, given, prefix, suffix, ideographic, phonetic)| PersonName {
            family,
            given,
            prefix,
            suffix,
            ideographic,
            phonetic,
        },
    )
}

fn image() -> impl Strategy<Value = ImageRef> {
    let class = prop::sample::select(vec![
        None,
        Some("1.2.840.10008.5.1.4.1.1.2"),
        Some("1.2.840.10008.5.1.4.1.1.9.1.1"),
        Some("1.2.840.10008.5.1.4.1.1.88.11"),
        Some("1.2.3"),
    ]);
    (1..4_u32, 1..6_u32, class, prop::option::of(1..200_u32)).prop_map(|(series, instance, class, frame)| ImageRef {
        series_instance_uid: uid(&format!("2.25.{series}")),
        sop_instance_uid: uid(&format!("2.25.10{instance}")),
        sop_class_uid: class.map(uid),
        frame,
    })
}

fn decimal() -> impl Strategy<Value = Decimal> {
    "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,18})?".prop_filter_map("a decimal", |text| Decimal::parse(&text))
}

fn finding() -> impl Strategy<Value = Finding> {
    let coded = (prop::option::of(concept()), prop::option::of(concept()));
    let graded = (
        prop::option::of(prop::sample::select(Laterality::ALL)),
        prop::option::of(prop::sample::select(Severity::ALL)),
        any::<bool>(),
    );
    (text(40), coded, graded, prop::collection::vec(image(), 0..3)).prop_map(
        |(text, (code, body_site), (laterality, severity, critical), images)| Finding {
            id: String::new(),
            code,
            text,
            body_site,
            laterality,
            severity,
            critical,
            images,
        },
    )
}

fn measurement() -> impl Strategy<Value = Measurement> {
    let coded = (prop::option::of(concept()), prop::option::of(concept()), prop::option::of(concept()));
    let unit = prop::sample::select(vec!["mm", "1", "[hnsf'U]", "g/ml{SUVbw}", "mg/(24.h.kg.m2.cm3)"]);
    let tracking = prop::option::of(prop::sample::select(vec!["lesion 1", "lesion 2", "m0", "m1"]));
    let side = prop::option::of(prop::sample::select(Laterality::ALL));
    (coded, text(80), decimal(), unit, tracking, side, prop::option::of(image())).prop_map(
        |((code, body_site, method), label, value, unit, tracking_id, laterality, image)| Measurement {
            id: String::new(),
            code,
            label,
            value,
            unit: unit.to_owned(),
            body_site,
            laterality,
            method,
            tracking_id: tracking_id.map(str::to_owned),
            image,
        },
    )
}

fn sections() -> impl Strategy<Value = Sections> {
    prop::array::uniform6(option(60)).prop_map(
        |[clinical_history, technique, comparison, findings, impression, recommendations]| Sections {
            clinical_history,
            technique,
            comparison,
            findings,
            impression,
            recommendations,
        },
    )
}

fn subject() -> impl Strategy<Value = (Patient, Study)> {
    let patient = (text(70), option(20), name(), any::<bool>(), prop::option::of(prop::sample::select(Sex::ALL)))
        .prop_map(|(id, issuer, name, born, sex)| Patient {
            id,
            issuer,
            name,
            birth_date: born.then(|| Date::parse("1970-02-28").expect("valid")),
            sex,
        });
    let modality = prop::option::of(prop::sample::select(vec!["CT", "MR", "US", "QQ"]));
    let study =
        (option(20), any::<bool>(), modality, option(90), prop::option::of(concept()), prop::option::of(name()))
            .prop_map(|(accession_number, dated, modality, description, body_site, referring_physician)| Study {
                study_instance_uid: uid("2.25.4711"),
                accession_number,
                study_date: dated.then(|| Date::parse("2026-02-01").expect("valid")),
                study_time: dated.then(|| TimeOfDay::parse("08:15:00.5").expect("valid")),
                modality: modality.map(str::to_owned),
                description,
                body_site,
                referring_physician,
            });
    (patient, study)
}

fn report() -> impl Strategy<Value = Report> {
    let status = prop::sample::select(vec![
        ReportStatus::Draft,
        ReportStatus::Preliminary,
        ReportStatus::Final,
        ReportStatus::Amended,
        ReportStatus::Corrected,
        ReportStatus::Appended,
    ]);
    let people = (name(), text(70), text(70), text(70), option(70));
    let order = prop::option::of((option(70), option(70), prop::option::of(concept())));
    let key_images = prop::collection::vec((image(), option(40)), 0..4);
    let content =
        (sections(), prop::collection::vec(finding(), 0..4), prop::collection::vec(measurement(), 0..6), key_images);
    let language = prop::option::of(prop::sample::select(vec!["de", "ja-JP", "sl-rozaj-biske-1994"]));
    (status, subject(), concept(), content, people, (order, language)).prop_map(
        |(
            status,
            (patient, study),
            code,
            (sections, findings, measurements, key_images),
            people,
            (order, language),
        )| {
            let (mut name, id, role, verifier_id, organization) = people;
            name.family.insert(0, 'N');
            let mut report = Report {
                id: LogicalId::derived(&["wild"]),
                status,
                patient,
                study,
                code,
                sections,
                structured_findings: findings,
                measurements,
                key_images: key_images.into_iter().map(|(image, caption)| KeyImage { image, caption }).collect(),
                author: Author { id, name: name.clone(), role },
                verifier: Some(Verifier { id: verifier_id, name, organization }),
                language: language.map(str::to_owned),
                order: order.map(|(placer_number, filler_number, procedure_code)| Order {
                    placer_number,
                    filler_number,
                    procedure_code,
                }),
            };
            for (index, finding) in report.structured_findings.iter_mut().enumerate() {
                finding.id = format!("f{index}");
            }
            for (index, measurement) in report.measurements.iter_mut().enumerate() {
                measurement.id = format!("m{index}");
            }
            report
        },
    )
}

proptest! {
    #[test]
    fn what_differs_is_named(report in report(), dcm in any::<bool>()) {
        let headings = if dcm { HeadingCodes::Dcm } else { HeadingCodes::Ln };
        comes_back(&Case::of(report), headings);
    }

    /// What `report::read` holds to be valid comes back whole, but for what the standard has no room for.
    #[test]
    fn what_is_valid_comes_back(report in report()) {
        let Ok(report) = crate::report::read::check(&report, &crate::report::read::ReportLimits::default()) else {
            return Ok(());
        };
        let case = Case::of(report).archived();
        let (written, read) = comes_back(&case, HeadingCodes::Ln);
        let known = ["is rounded to 16", "only a verified version", "is no image", "allow", "are not kept", "cut"];
        for loss in written.0.iter().filter(|loss| !loss.detail.starts_with("differs from what is known")) {
            prop_assert!(known.iter().any(|known| loss.detail.contains(known)), "{loss:?}");
        }
        prop_assert!(read.is_empty(), "{read:?}");
    }
}
