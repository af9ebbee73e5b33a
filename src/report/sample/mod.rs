//! Reports that nobody wrote: realistic, valid, and the same for the same seed on every machine. They fill
//! a demonstration (`causeway seed`), property tests and the conformance run.
//!
//! What is found agrees in words, codes and numbers, and with the modality, the body site and the sex of
//! the patient. Patients are synthetic: their ids begin with `SYN-`, their issuer is `CAUSEWAY-SAMPLE`.

mod archive;
mod content;
mod ct;
mod mr;
mod names;
mod narrative;
mod protocol;
mod rng;
mod subject;
mod terms;
mod tongue;
mod us;
mod xray;

use crate::base::LogicalId;

use super::{KeyImage, Report, ReportStatus, codes};
use archive::Archive;
use narrative::Narrative;
use protocol::Protocol;
use rng::Rng;

/// The sample number `index` of the stream `seed`. Every sample is valid: `report::read::read` of its JSON
/// gives it back.
pub fn sample(seed: u64, index: u32) -> Report {
    let mut rng = Rng::new(seed, index);
    let rng = &mut rng;
    let key = format!("{seed}/{index}");
    let protocol = *rng.pick(PROTOCOLS);
    let status = *rng.pick(STATUSES);
    let archive = Archive::new(rng, &key, protocol);
    let patient = subject::patient(rng, &key, protocol);
    let study = subject::study(rng, &key, protocol, patient.birth_date.as_ref());
    let narrative = Narrative::new(rng, protocol, &archive, status, patient.sex);
    let key_images = if rng.chance(50) { 0 } else { rng.between(1, 8) };
    let key_images: Vec<KeyImage> = archive
        .images(rng, key_images)
        .into_iter()
        .map(|image| KeyImage { image, caption: rng.chance(70).then(|| narrative.caption(rng)) })
        .collect();
    Report {
        id: LogicalId::derived(&["sample report", &key]),
        status,
        code: codes::report_code(study.modality.as_deref(), study.body_site.as_ref()),
        order: subject::order(rng, &key, &study),
        author: subject::author(rng),
        verifier: (status.is_verified() || rng.chance(10)).then(|| subject::verifier(rng)),
        language: narrative.language,
        sections: narrative.sections,
        structured_findings: narrative.content.findings,
        measurements: narrative.content.measurements,
        key_images,
        patient,
        study,
    }
}

const PROTOCOLS: &[&Protocol] = &[
    &ct::CHEST,
    &ct::CHEST,
    &ct::CHEST,
    &ct::ABDOMEN,
    &ct::HEAD_PROTOCOL,
    &mr::BRAIN_PROTOCOL,
    &mr::BRAIN_PROTOCOL,
    &mr::SPINE,
    &mr::KNEE_PROTOCOL,
    &xray::CHEST_CR,
    &xray::CHEST_DX,
    &us::ABDOMEN_PROTOCOL,
    &us::THYROID_PROTOCOL,
    &xray::MAMMOGRAPHY,
];

/// A final report is the most common one.
const STATUSES: &[ReportStatus] = &[
    ReportStatus::Draft,
    ReportStatus::Preliminary,
    ReportStatus::Preliminary,
    ReportStatus::Final,
    ReportStatus::Final,
    ReportStatus::Final,
    ReportStatus::Amended,
    ReportStatus::Corrected,
    ReportStatus::Appended,
];

#[cfg(test)]
mod tests;
