//! Who was examined, and who took part: patient, study, order, author, verifier.

use crate::base::{Date, TimeOfDay, Uid};
use crate::report::{Author, Concept, Order, Patient, Sex, Study, Verifier, codes};

use super::names;
use super::protocol::Protocol;
use super::rng::Rng;

/// A patient whom the protocol suits.
pub(super) fn patient(rng: &mut Rng, key: &str, protocol: &Protocol) -> Patient {
    let sex = protocol.sex.or_else(|| match rng.between(1, 20) {
        1..=9 => Some(Sex::Female),
        10..=18 => Some(Sex::Male),
        19 => Some(Sex::Other),
        _ => None,
    });
    Patient {
        id: format!("SYN-{:08}", serial(key)),
        issuer: rng.chance(85).then(|| "CAUSEWAY-SAMPLE".to_owned()),
        name: names::person(rng, sex),
        birth_date: if rng.chance(92) { date(rng, 1928, 2005) } else { None },
        sex,
    }
}

/// A study of the protocol, years after the birth of the patient.
pub(super) fn study(rng: &mut Rng, key: &str, protocol: &Protocol, birth: Option<&Date>) -> Study {
    // The births end in 2005, so every study date is behind them.
    let study_date = if birth.is_some() || rng.chance(80) { date(rng, 2019, 2025) } else { None };
    let study_time = if study_date.is_some() && rng.chance(85) { time(rng) } else { None };
    Study {
        study_instance_uid: Uid::derived(&["sample study", key]),
        accession_number: rng.chance(90).then(|| format!("SYN{:010}", serial(key))),
        study_date,
        study_time,
        modality: Some(protocol.modality.to_owned()),
        description: rng.chance(90).then(|| rng.phrase(protocol.descriptions).to_owned()),
        body_site: rng.chance(85).then(|| protocol.site.concept()),
        referring_physician: rng.chance(75).then(|| names::person(rng, None)),
    }
}

/// The order, where there is one.
pub(super) fn order(rng: &mut Rng, key: &str, study: &Study) -> Option<Order> {
    let code: Concept = codes::report_code(study.modality.as_deref(), study.body_site.as_ref());
    rng.chance(65).then(|| Order {
        placer_number: Some(format!("PLC-{:07}", serial(key) % 10_000_000)),
        filler_number: rng.chance(60).then(|| format!("FIL-{:07}", serial(key) % 10_000_000)),
        procedure_code: rng.chance(50).then_some(code),
    })
}

/// Who wrote the report.
pub(super) fn author(rng: &mut Rng) -> Author {
    Author {
        id: format!("rad-{:04}", rng.between(1, 9999)),
        name: names::person(rng, None),
        role: rng.phrase(&["radiologist", "resident", "consultant radiologist", "neuroradiologist"]).to_owned(),
    }
}

/// Who answers for it.
pub(super) fn verifier(rng: &mut Rng) -> Verifier {
    let organization =
        *rng.pick(&["Example General Hospital", "Klinikum Beispielstadt", "例示総合病院", "Νοσοκομείο Παράδειγμα"]);
    Verifier {
        id: format!("rad-{:04}", rng.between(1, 9999)),
        name: names::person(rng, None),
        organization: rng.chance(80).then(|| organization.to_owned()),
    }
}

/// A date between two years.
pub(super) fn date(rng: &mut Rng, from: u32, to: u32) -> Option<Date> {
    Date::parse(&format!("{:04}-{:02}-{:02}", rng.between(from, to), rng.between(1, 12), rng.between(1, 28)))
}

fn time(rng: &mut Rng) -> Option<TimeOfDay> {
    let whole = format!("{:02}:{:02}:{:02}", rng.between(0, 23), rng.between(0, 59), rng.between(0, 59));
    let text = match rng.between(1, 4) {
        1 => format!("{whole}.{:03}", rng.between(0, 999)),
        2 => format!("{whole}.{:06}", rng.between(0, 999_999)),
        _ => whole,
    };
    TimeOfDay::parse(&text)
}

/// A number of eight digits that belongs to the key.
fn serial(key: &str) -> u64 {
    let digest = crate::base::Blake3::of(key.as_bytes());
    let number = digest.as_bytes().iter().take(8).fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
    number % 100_000_000
}
