//! Reports that no one would write, and that are valid all the same.

use proptest::prelude::*;

use super::super::super::model::{
    Author, Concept, Finding, ImageRef, KeyImage, Laterality, Measurement, Order, Patient, PersonName, Sections,
    Severity, Sex, Study, Verifier,
};
use super::super::super::read::{ReportLimits, check};
use super::*;
use crate::base::{Decimal, LogicalId, TimeOfDay};

/// Which reports are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Spaces at the ends, backslashes, control characters, too long: what no check has seen.
    Wild,
    /// What `report::read` holds to be valid.
    Valid,
}

impl Kind {
    /// One line, at most `max` characters where that is asked of valid reports.
    fn line(self, max: usize) -> BoxedStrategy<String> {
        match self {
            Self::Wild => wild(max + 10).boxed(),
            Self::Valid => {
                let middle = max - 2;
                pattern(&format!("[a-zé山ع][a-zé山ع .,<&\"'-]{{0,{middle}}}[a-z0-9]"))
            }
        }
    }

    /// Several lines.
    fn lines(self, max: usize) -> BoxedStrategy<String> {
        match self {
            Self::Wild => wild(max).boxed(),
            Self::Valid => pattern(&format!("[a-zé山ع][a-zé山ع .,<&\"'\n\t\u{1F468}\\\\^=-]{{0,{max}}}[a-z0-9]")),
        }
    }

    /// One line that may be absent; an empty one is the same as that.
    fn option(self, max: usize) -> BoxedStrategy<Option<String>> {
        prop::option::of(self.line(max)).prop_map(|text| text.filter(|text| !text.is_empty())).boxed()
    }

    /// Several lines that may be absent.
    fn option_lines(self, max: usize) -> BoxedStrategy<Option<String>> {
        prop::option::of(self.lines(max)).prop_map(|text| text.filter(|text| !text.is_empty())).boxed()
    }
}

fn pattern(regex: &str) -> BoxedStrategy<String> {
    prop::string::string_regex(regex).expect("a pattern").boxed()
}

fn wild(max: usize) -> impl Strategy<Value = String> {
    let odd =
        vec!['\n', '\t', ' ', '\\', '^', '=', '"', '<', '\u{7}', '\u{85}', 'ä', '山', 'ع', '\u{1F468}', '\u{200D}'];
    let character = prop_oneof![8 => proptest::char::range('a', 'z'), 1 => prop::sample::select(odd)];
    prop::collection::vec(character, 0..max).prop_map(|characters| characters.into_iter().collect())
}

fn concept(kind: Kind) -> impl Strategy<Value = Concept> {
    let system = prop_oneof![
        Just("http://snomed.info/sct".to_owned()),
        Just("http://loinc.org".to_owned()),
        "http://[a-z]{1,8}\\.example/[a-z/]{0,10}",
        "urn:oid:1\\.2\\.[1-9][0-9]{0,6}",
    ];
    let code = prop_oneof!["[!-\\[\\]-~]{1,12}", "[a-zA-Z0-9-]{17,40}", "urn:[a-z]{1,30}"];
    (system, code, kind.line(64)).prop_map(|(system, code, display)| Concept { system, code, display })
}

fn name(kind: Kind) -> impl Strategy<Value = PersonName> {
    let part = || kind.option(10);
    (kind.line(10), prop::collection::vec(given(kind), 0..3), part(), part(), part(), part()).prop_map(
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

/// A given name behind the first has no spaces: in PN, spaces keep them apart.
fn given(kind: Kind) -> BoxedStrategy<String> {
    match kind {
        Kind::Wild => wild(12).boxed(),
        Kind::Valid => pattern("[a-zé山]{1,8}"),
    }
}

/// In a valid report, all places that name an instance say the same of it.
fn image(kind: Kind) -> impl Strategy<Value = ImageRef> {
    const CLASSES: [Option<&str>; 5] = [
        None,
        Some("1.2.840.10008.5.1.4.1.1.2"),
        Some("1.2.840.10008.5.1.4.1.1.9.1.1"),
        Some("1.2.840.10008.5.1.4.1.1.88.11"),
        Some("1.2.3"),
    ];
    (1..4_u32, 0..6_u32, 0..5_usize, prop::option::of(1..200_u32)).prop_map(move |(series, instance, class, frame)| {
        let (series, class) = match kind {
            Kind::Wild => (series, class),
            Kind::Valid => (instance % 3 + 1, usize::try_from(instance).expect("small") % CLASSES.len()),
        };
        ImageRef {
            series_instance_uid: uid(&format!("2.25.{series}")),
            sop_instance_uid: uid(&format!("2.25.10{instance}")),
            sop_class_uid: CLASSES[class].map(uid),
            frame,
        }
    })
}

fn decimal() -> impl Strategy<Value = Decimal> {
    "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,18})?".prop_filter_map("a decimal", |text| Decimal::parse(&text))
}

fn finding(kind: Kind) -> impl Strategy<Value = Finding> {
    let coded = (prop::option::of(concept(kind)), prop::option::of(concept(kind)));
    let graded = (
        prop::option::of(prop::sample::select(Laterality::ALL)),
        prop::option::of(prop::sample::select(Severity::ALL)),
        any::<bool>(),
    );
    (kind.lines(40), coded, graded, prop::collection::vec(image(kind), 0..3)).prop_map(
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

fn measurement(kind: Kind) -> impl Strategy<Value = Measurement> {
    let coded = (prop::option::of(concept(kind)), prop::option::of(concept(kind)), prop::option::of(concept(kind)));
    let unit = prop::sample::select(vec!["mm", "1", "[hnsf'U]", "g/ml{SUVbw}", "mg/(24.h.kg.m2.cm3)"]);
    let tracking = prop::option::of(prop::sample::select(vec!["lesion 1", "lesion 2", "m0", "m1"]));
    let side = prop::option::of(prop::sample::select(Laterality::ALL));
    (coded, kind.line(80), decimal(), unit, tracking, side, prop::option::of(image(kind))).prop_map(
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

fn sections(kind: Kind) -> impl Strategy<Value = Sections> {
    prop::array::uniform6(kind.option_lines(60)).prop_map(
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

fn subject(kind: Kind) -> impl Strategy<Value = (Patient, Study)> {
    let patient =
        (kind.line(64), kind.option(16), name(kind), any::<bool>(), prop::option::of(prop::sample::select(Sex::ALL)))
            .prop_map(|(id, issuer, name, born, sex)| Patient {
                id,
                issuer,
                name,
                birth_date: born.then(|| Date::parse("1970-02-28").expect("valid")),
                sex,
            });
    let modality = prop::option::of(prop::sample::select(vec!["CT", "MR", "US", "QQ"]));
    let study = (
        kind.option(16),
        any::<bool>(),
        modality,
        kind.option(64),
        prop::option::of(concept(kind)),
        prop::option::of(name(kind)),
    )
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

fn report(kind: Kind) -> impl Strategy<Value = Report> {
    let status = prop::sample::select(vec![
        ReportStatus::Draft,
        ReportStatus::Preliminary,
        ReportStatus::Final,
        ReportStatus::Amended,
        ReportStatus::Corrected,
        ReportStatus::Appended,
    ]);
    let people = (name(kind), kind.line(64), kind.line(64), kind.line(64), kind.option(64));
    let order = prop::option::of((kind.option(64), kind.option(64), prop::option::of(concept(kind))));
    let key_images = prop::collection::vec((image(kind), kind.option(40)), 0..4);
    let content = (
        sections(kind),
        prop::collection::vec(finding(kind), 0..4),
        prop::collection::vec(measurement(kind), 0..6),
        key_images,
    );
    let language = prop::option::of(prop::sample::select(vec!["de", "ja-JP", "sl-rozaj-biske-1994"]));
    (status, subject(kind), concept(kind), content, people, (order, language)).prop_map(
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
            report.sections.impression.get_or_insert_with(|| "no change".to_owned());
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

const CASES: u32 = 64;

proptest! {
    // Each case writes and reads a whole document.
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

    #[test]
    fn what_differs_is_named(report in report(Kind::Wild), dcm in any::<bool>()) {
        let headings = if dcm { HeadingCodes::Dcm } else { HeadingCodes::Ln };
        comes_back(&Case::of(report), headings);
    }

    /// What `report::read` holds to be valid comes back whole, but for what the standard has no room for.
    #[test]
    fn what_is_valid_comes_back(report in report(Kind::Valid)) {
        let limits = ReportLimits::default();
        let checked = check(&report, &limits);
        prop_assert!(checked.is_ok(), "{checked:?}");
        let case = Case::of(report).archived();
        let (written, read) = comes_back(&case, HeadingCodes::Ln);
        let known = ["is rounded to 16", "only a verified version", "is no image"];
        for loss in written.0 {
            prop_assert!(known.iter().any(|known| loss.detail.contains(known)), "{loss:?}");
        }
        prop_assert!(read.is_empty(), "{read:?}");
    }
}
