//! Lesions drawn from a protocol: the numbers, and with the same numbers the sentences, the coded findings
//! and the measurements.

use crate::base::Decimal;
use crate::report::{Concept, Finding, Laterality, Measurement, Severity};

use super::archive::Archive;
use super::protocol::{Lesion, Place, Protocol, Quantity, Spread, Survey};
use super::rng::Rng;

/// What was found, in words, codes and numbers.
#[derive(Default)]
pub(super) struct Content {
    /// Sentences of the findings section.
    pub(super) sentences: Vec<String>,
    /// Items of the impression.
    pub(super) impressions: Vec<String>,
    /// Coded findings.
    pub(super) findings: Vec<Finding>,
    /// Measurements.
    pub(super) measurements: Vec<Measurement>,
    /// Words of normal findings that would contradict what was found.
    excluded: Vec<&'static str>,
}

impl Content {
    /// Adds a lesion with its sentence, its coded finding and its measurements.
    pub(super) fn add_lesion(&mut self, rng: &mut Rng, lesion: &Lesion, archive: &Archive) {
        let place = rng.pick(lesion.places);
        self.excluded.extend(lesion.excludes);
        let values = draw(rng, lesion.quantities);
        let size = size(lesion.quantities, &values);
        let fill = |template: &str| template.replace("{place}", place.words).replace("{size}", &size);
        let sentence = fill(rng.phrase(lesion.sentences));
        self.impressions.push(fill(rng.phrase(lesion.impressions)));
        self.add_finding(rng, lesion, place, sentence.clone(), archive);
        self.sentences.push(sentence);
        let tracking = rng.chance(40).then(|| format!("{} {}", lesion.noun, self.findings.len()));
        for (quantity, value) in lesion.quantities.iter().zip(&values) {
            let label = format!("{} ({}), {}", lesion.noun, place.words, quantity.label);
            self.add_measurement(rng, label, quantity, value, place, tracking.clone(), archive);
        }
    }

    /// Adds measurements of a survey until there are `count`.
    pub(super) fn add_survey(&mut self, rng: &mut Rng, survey: &Survey, count: usize, archive: &Archive) {
        self.sentences.push(survey.sentence.to_owned());
        let targets = (1u32..).flat_map(|round| survey.places.iter().map(move |place| (round, place)));
        for (number, (round, place)) in (1..).zip(targets) {
            let values = draw(rng, survey.quantities);
            let tracking = survey.follows_lesions.then(|| format!("T{number:02}"));
            for (quantity, value) in survey.quantities.iter().zip(&values) {
                if self.measurements.len() >= count {
                    return;
                }
                let label = match (survey.follows_lesions, round) {
                    (true, _) => format!("lesion {number} ({}), {}", place.words, quantity.label),
                    (false, 1) => format!("{}, {}", place.words, quantity.label),
                    (false, _) => format!("{}, {} (reading {round})", place.words, quantity.label),
                };
                self.add_measurement(rng, label, quantity, value, place, tracking.clone(), archive);
            }
        }
    }

    fn add_finding(&mut self, rng: &mut Rng, lesion: &Lesion, place: &Place, text: String, archive: &Archive) {
        let images = rng.between(0, 3);
        self.findings.push(Finding {
            id: format!("f{}", self.findings.len() + 1),
            code: lesion.code.map(super::terms::Term::concept),
            text,
            body_site: Some(place.site.concept()),
            laterality: place.side,
            severity: lesion.graded.then(|| *rng.pick(Severity::ALL)),
            critical: lesion.critical,
            images: archive.images(rng, images),
        });
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one measurement, each of its own type")]
    fn add_measurement(
        &mut self,
        rng: &mut Rng,
        label: String,
        quantity: &Quantity,
        value: &Value,
        place: &Place,
        tracking_id: Option<String>,
        archive: &Archive,
    ) {
        let Some(value) = Decimal::parse(&value.to_text(quantity.decimals)) else { return };
        let image = rng.chance(60).then(|| archive.image(rng));
        self.measurements.push(Measurement {
            id: format!("m{}", self.measurements.len() + 1),
            code: quantity.code.map(super::terms::Term::concept),
            label,
            value,
            unit: quantity.unit.to_owned(),
            body_site: Some(place.site.concept()),
            laterality: place.side,
            method: quantity.method.map(super::terms::Term::concept),
            tracking_id,
            image,
        });
    }
}

/// A paragraph on one lesion of a long follow-up, with its size now and before.
pub(super) fn follow_up(rng: &mut Rng, protocol: &Protocol, number: u32, prior: &str) -> Option<String> {
    let lesion = protocol.lesions.first()?;
    let place = rng.pick(lesion.places);
    let values = draw(rng, lesion.quantities);
    let before = size(lesion.quantities, &draw(rng, lesion.quantities));
    let now = size(lesion.quantities, &values);
    let first = rng.phrase(lesion.sentences).replace("{place}", place.words).replace("{size}", &now);
    let mut out = format!("Lesion {number}. {first}");
    for phrase in [rng.phrase(COURSE), rng.phrase(READING), rng.phrase(REMARK)] {
        out.push(' ');
        out.push_str(&phrase.replace("{before}", &before).replace("{date}", prior));
    }
    Some(out)
}

/// Whether a long follow-up of the protocol's first lesion makes sense.
pub(super) fn has_follow_up(protocol: &Protocol) -> bool {
    matches!(protocol.modality, "CT" | "MR")
        && protocol.lesions.first().is_some_and(|lesion| lesion.code.is_some() && !lesion.critical)
}

/// A measured value in units of its last digit.
pub(super) struct Value(i64);

impl Value {
    fn to_text(&self, decimals: u32) -> String {
        let scale = 10u64.pow(decimals);
        let size = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        match decimals {
            0 => format!("{sign}{size}"),
            _ => format!("{sign}{}.{:0width$}", size / scale, size % scale, width = decimals as usize),
        }
    }
}

/// Values of the quantities of one lesion, in keeping with each other.
pub(super) fn draw(rng: &mut Rng, quantities: &[Quantity]) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    for quantity in quantities {
        let first = values.first().map_or(0, |value| value.0);
        let second = values.get(1).map_or(first, |value| value.0);
        let value = match quantity.spread {
            Spread::Between(from, to) => i64::from(rng.between(from, to)),
            Spread::OfFirst(from, to) => (first * i64::from(rng.between(from, to)) / 100).max(1),
            Spread::Minus(from, to) => -i64::from(rng.between(from, to)),
            // Six decimals of pi over six; tenths of a millimetre cubed are thousandths of a cubic one.
            Spread::Ellipsoid => first * second * second * 523_599 / 1_000_000 / 100,
        };
        values.push(Value(value));
    }
    values
}

/// The size in words, `12.5 × 8.0 mm`.
pub(super) fn size(quantities: &[Quantity], values: &[Value]) -> String {
    let mut pairs = quantities.iter().zip(values);
    let Some((quantity, value)) = pairs.next() else { return String::new() };
    let mut text = value.to_text(quantity.decimals);
    if let Some((other, value)) = pairs.next()
        && matches!(other.spread, Spread::OfFirst(..))
        && other.unit == quantity.unit
    {
        text = format!("{text} × {}", value.to_text(other.decimals));
    }
    if quantity.unit.starts_with(|first: char| first.is_ascii_alphabetic()) {
        text = format!("{text} {}", quantity.unit);
    }
    text
}

/// A nodule with two axes whose words are given: for narratives in other languages.
pub(super) struct Nodule<'a> {
    pub(super) sentence: &'a str,
    pub(super) impression: &'a str,
    pub(super) axes: [&'a str; 2],
}

impl Content {
    /// Adds the nodule, in the right upper lobe, with the codes of `lesion`.
    pub(super) fn add_nodule(&mut self, rng: &mut Rng, nodule: &Nodule<'_>, lesion: &Lesion, archive: &Archive) {
        let Some(place) = lesion.places.iter().find(|place| place.side == Some(Laterality::Right)) else { return };
        let values = draw(rng, lesion.quantities);
        let size = size(lesion.quantities, &values);
        let sentence = nodule.sentence.replace("{size}", &size);
        self.add_finding(rng, lesion, place, sentence.clone(), archive);
        self.sentences.push(sentence);
        self.impressions.push(nodule.impression.replace("{size}", &size));
        for ((label, quantity), value) in nodule.axes.iter().zip(lesion.quantities).zip(&values) {
            self.add_measurement(rng, (*label).to_owned(), quantity, value, place, None, archive);
        }
    }

    /// The code of the first finding that has one.
    pub(super) fn first_code(&self) -> Option<&Concept> {
        self.findings.iter().find_map(|finding| finding.code.as_ref())
    }

    /// Whether a normal finding goes with what was found.
    pub(super) fn allows(&self, normal: &str) -> bool {
        !self.excluded.iter().any(|word| normal.contains(word))
    }
}

const COURSE: &[&str] = &[
    "On {date} it measured {before}.",
    "Compared with {date} ({before}) the change is within the error of measurement.",
    "It was {before} on {date}; the course is to be watched.",
    "First seen on {date} with {before}.",
];

const READING: &[&str] = &[
    "Measured on the thin reconstruction in the plane of greatest extent, mean of two readings.",
    "Measured by the same reader with the same window settings as before.",
    "The short axis is perpendicular to the long axis in the same plane.",
    "Partial volume effects limit the precision of the short axis to about half a millimetre.",
];

const REMARK: &[&str] = &[
    "Margin and internal structure are unchanged, and there is no new lesion in its neighbourhood.",
    "No infiltration of adjacent structures; the surrounding tissue is of normal appearance.",
    "It remains a target lesion in the sense of RECIST 1.1.",
    "It remains a non-target lesion; an increase of more than 20 % over nadir is not reached.",
    "Attention is advised at the next examination, because the lower margin has become less distinct.",
];
