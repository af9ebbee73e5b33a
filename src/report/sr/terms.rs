//! The coded terms of our documents. Meanings are those of PS3.16 Annex D and of the context groups
//! named with them.

use super::super::model::{Laterality, SectionKind, Severity};
use crate::dicom::code::Term;

/// Which codes the headings of sections have. PS3.16 CID 7001 was coded with DCM terms until 2019 and
/// has LOINC since; older readers know only the former.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeadingCodes {
    /// LOINC.
    #[default]
    Ln,
    /// The retired codes of the DICOM terminology.
    Dcm,
}

pub(crate) const LANGUAGE: Term = Term::dcm("121049", "Language of Content Item and Descendants");
pub(crate) const OBSERVER_TYPE: Term = Term::dcm("121005", "Observer Type");
pub(crate) const PERSON: Term = Term::dcm("121006", "Person");
pub(crate) const PERSON_OBSERVER_NAME: Term = Term::dcm("121008", "Person Observer Name");
pub(crate) const OBSERVER_ROLE: Term = Term::dcm("121010", "Person Observer's Role in the Organization");
pub(crate) const PROCEDURE_REPORTED: Term = Term::dcm("121058", "Procedure reported");
pub(crate) const MODALITY: Term = Term::dcm("121139", "Modality");
pub(crate) const TARGET_REGION: Term = Term::dcm("123014", "Target Region");
pub(crate) const EQUIVALENT_MEANING: Term = Term::dcm("121050", "Equivalent Meaning of Concept Name");

pub(crate) const IMAGE_LIBRARY: Term = Term::dcm("111028", "Image Library");
pub(crate) const MEASUREMENT_REPORT: Term = Term::dcm("126000", "Imaging Measurement Report");
pub(crate) const IMAGING_MEASUREMENTS: Term = Term::dcm("126010", "Imaging Measurements");
pub(crate) const DERIVED_MEASUREMENTS: Term = Term::dcm("126011", "Derived Imaging Measurements");
pub(crate) const MEASUREMENT_GROUP: Term = Term::dcm("125007", "Measurement Group");
pub(crate) const TRACKING_ID: Term = Term::dcm("112039", "Tracking Identifier");
pub(crate) const TRACKING_UID: Term = Term::dcm("112040", "Tracking Unique Identifier");
pub(crate) const MEASUREMENT_METHOD: Term = Term::sct("370129005", "Measurement Method");
pub(crate) const SOURCE_OF_MEASUREMENT: Term = Term::dcm("121112", "Source of Measurement");

pub(crate) const FINDING: Term = Term::dcm("121071", "Finding");
pub(crate) const FINDING_SITE: Term = Term::sct("363698007", "Finding Site");
pub(crate) const LATERALITY: Term = Term::sct("272741003", "Laterality");
pub(crate) const SEVERITY: Term = Term::sct("246112005", "Severity");
pub(crate) const BEST_ILLUSTRATION: Term = Term::dcm("121080", "Best illustration of finding");
/// PS3.16 CID 7035.
pub(crate) const ACTIONABLE_AT_ONCE: Term = Term::new("RID49480", "RADLEX", "ACR Category 1 Actionable Finding");

pub(crate) const OF_INTEREST: Term = Term::dcm("113000", "Of Interest");
pub(crate) const KEY_OBJECT_DESCRIPTION: Term = Term::dcm("113012", "Key Object Description");

/// PS3.16 CID 7005.
pub(crate) const PROCESSING_EQUIPMENT: Term = Term::dcm("109102", "Processing Equipment");

/// Designator of our own codes.
pub(crate) const OWN_SCHEME: &str = "99CAUSEWAY";
/// The id of a coded finding. Not a tracking identifier (112039): that is observation context, which a
/// text cannot have in Basic Text SR.
pub(crate) const FINDING_ID: Term = Term::new("FINDING-ID", OWN_SCHEME, "Finding identifier");
/// Of which class an actionable finding is.
pub(crate) const ACTIONABLE: Term = Term::new("ACTIONABLE", OWN_SCHEME, "Actionable Finding Classification");
/// All digits of a number that has more than DS can hold.
pub(crate) const EXACT_VALUE: Term = Term::new("EXACT", OWN_SCHEME, "Exact decimal value");

/// The title of a report when its own code is not in CID 7000.
pub(crate) const DIAGNOSTIC_IMAGING_REPORT: Term = Term::ln("18748-4", "Diagnostic Imaging Report");

/// PS3.16 CID 7000, the part in LOINC.
pub(crate) const TITLES: &[Term] = &[
    DIAGNOSTIC_IMAGING_REPORT,
    Term::ln("11528-7", "Radiology Report"),
    Term::ln("25045-6", "CT Report"),
    Term::ln("24725-4", "CT Head Report"),
    Term::ln("24627-2", "CT Chest Report"),
    Term::ln("41806-1", "CT Abdomen Report"),
    Term::ln("25056-3", "MRI Report"),
    Term::ln("24590-2", "MRI Head Report"),
    Term::ln("25061-3", "Ultrasound Report"),
    Term::ln("25010-0", "US Thyroid Report"),
    Term::ln("24601-7", "US Breast Report"),
    Term::ln("24859-1", "US Pancreas Report"),
    Term::ln("24990-4", "US Spleen Report"),
    Term::ln("24907-8", "US Shoulder Report"),
    Term::ln("28614-6", "US Liver Report"),
    Term::ln("38036-0", "US Kidney Report"),
    Term::ln("43468-8", "X-Ray Report"),
    Term::ln("24606-6", "Mammography Screening Report"),
    Term::ln("49118-3", "Nuclear Medicine Report"),
    Term::ln("44136-0", "PET Scan Report"),
    Term::ln("49512-7", "Fluoroscopy Study Report"),
];

/// What kind of procedure was measured in, by the modality of the images. PS3.16 CID 100 as it was in
/// 2022: radiography and angiography came later, and ultrasound is not in it.
pub(crate) fn procedure(modality: Option<&str>) -> Term {
    match modality {
        Some("CT") => Term::ln("25045-6", "CT unspecified body region"),
        Some("MR") => Term::ln("25056-3", "MRI unspecified body region"),
        Some("PT") => Term::ln("44136-0", "PET unspecified body region"),
        Some("NM") => Term::ln("49118-3", "NM unspecified body region"),
        _ => Term::sct("363679005", "Imaging procedure"),
    }
}

/// PS3.16 CID 29 and 33: the terms that are their own code values.
pub(crate) fn modality(text: &str) -> Option<Term> {
    MODALITIES.iter().find(|(value, _)| *value == text).map(|(value, meaning)| Term::dcm(value, meaning))
}

const MODALITIES: &[(&str, &str)] = &[
    ("BMD", "Bone Mineral Densitometry"),
    ("CR", "Computed Radiography"),
    ("CT", "Computed Tomography"),
    ("DMS", "Dermoscopy"),
    ("DX", "Digital Radiography"),
    ("ECG", "Electrocardiography"),
    ("EPS", "Cardiac Electrophysiology"),
    ("ES", "Endoscopy"),
    ("GM", "General Microscopy"),
    ("HD", "Hemodynamic Waveform"),
    ("IO", "Intra-oral Radiography"),
    ("IVOCT", "Intravascular Optical Coherence Tomography"),
    ("IVUS", "Intravascular Ultrasound"),
    ("MG", "Mammography"),
    ("MR", "Magnetic Resonance"),
    ("NM", "Nuclear Medicine"),
    ("OCT", "Optical Coherence Tomography"),
    ("OP", "Ophthalmic Photography"),
    ("OPT", "Ophthalmic Tomography"),
    ("OT", "Other"),
    ("PT", "Positron emission tomography"),
    ("PX", "Panoramic X-Ray"),
    ("RF", "Radiofluoroscopy"),
    ("RG", "Radiographic imaging"),
    ("RTIMAGE", "RT Image"),
    ("SM", "Slide Microscopy"),
    ("TG", "Thermography"),
    ("US", "Ultrasound"),
    ("XA", "X-Ray Angiography"),
    ("XC", "External-camera Photography"),
];

/// The heading of a section (CID 7001) and the name of the text in it (CID 7002).
pub(crate) fn heading(kind: SectionKind, codes: HeadingCodes) -> (Term, Term) {
    const PROCEDURE_DESCRIPTION: Term = Term::dcm("121065", "Procedure Description");
    let (ln, dcm, element) = match kind {
        SectionKind::ClinicalHistory => {
            let (ln, dcm) = (Term::ln("11329-0", "History"), Term::dcm("121060", "History"));
            (ln, dcm, if codes == HeadingCodes::Ln { ln } else { dcm })
        }
        SectionKind::Technique => (
            Term::ln("55111-9", "Current Procedure Descriptions"),
            Term::dcm("121064", "Current Procedure Descriptions"),
            PROCEDURE_DESCRIPTION,
        ),
        SectionKind::Comparison => (
            Term::ln("55114-3", "Prior Procedure Descriptions"),
            Term::dcm("121066", "Prior Procedure Descriptions"),
            PROCEDURE_DESCRIPTION,
        ),
        SectionKind::Findings => (Term::ln("59776-5", "Findings"), Term::dcm("121070", "Findings"), FINDING),
        SectionKind::Impression => {
            (Term::ln("19005-8", "Impressions"), Term::dcm("121072", "Impressions"), Term::dcm("121073", "Impression"))
        }
        SectionKind::Recommendations => (
            Term::ln("18783-1", "Recommendations"),
            Term::dcm("121074", "Recommendations"),
            Term::dcm("121075", "Recommendation"),
        ),
    };
    (if codes == HeadingCodes::Ln { ln } else { dcm }, element)
}

/// The heading of the key images.
pub(crate) fn key_images_heading(codes: HeadingCodes) -> Term {
    match codes {
        HeadingCodes::Ln => Term::ln("55113-5", "Key Images"),
        HeadingCodes::Dcm => Term::dcm("121180", "Key Images"),
    }
}

/// Other headings of CID 7001 and its forerunners, and the section that their text is closest to.
pub(crate) const NEAR_HEADINGS: &[(Term, SectionKind)] = &[
    (Term::ln("55752-0", "Clinical Information"), SectionKind::ClinicalHistory),
    (Term::ln("18785-6", "Indications for Procedure"), SectionKind::ClinicalHistory),
    (Term::dcm("121109", "Indications for Procedure"), SectionKind::ClinicalHistory),
    (Term::ln("55115-0", "Request"), SectionKind::ClinicalHistory),
    (Term::dcm("121062", "Request"), SectionKind::ClinicalHistory),
    (Term::ln("55108-5", "Patient Presentation"), SectionKind::ClinicalHistory),
    (Term::dcm("121110", "Patient Presentation"), SectionKind::ClinicalHistory),
    (Term::ln("29549-3", "Medications Administered"), SectionKind::Technique),
    (Term::ln("73569-6", "Radiation Exposure and Protection Information"), SectionKind::Technique),
    (Term::ln("55109-3", "Complications"), SectionKind::Technique),
    (Term::dcm("121113", "Complications"), SectionKind::Technique),
    (Term::ln("18834-2", "Previous Findings"), SectionKind::Comparison),
    (Term::dcm("121068", "Previous Findings"), SectionKind::Comparison),
    (Term::ln("18782-3", "Findings"), SectionKind::Findings),
    (Term::ln("55110-1", "Conclusions"), SectionKind::Impression),
    (Term::dcm("121076", "Conclusions"), SectionKind::Impression),
    (Term::ln("55112-7", "Summary"), SectionKind::Impression),
    (Term::dcm("121111", "Summary"), SectionKind::Impression),
    (Term::ln("55107-7", "Addendum"), SectionKind::Impression),
    (Term::dcm("121078", "Addendum"), SectionKind::Impression),
    (Term::ln("73568-8", "Communication of Critical Results"), SectionKind::Recommendations),
];

/// PS3.16 CID 244.
pub(crate) fn laterality(side: Laterality) -> Term {
    match side {
        Laterality::Left => Term::sct("7771000", "Left"),
        Laterality::Right => Term::sct("24028007", "Right"),
        Laterality::Bilateral => Term::sct("51440002", "Bilateral"),
    }
}

/// PS3.16 CID 3716.
pub(crate) fn severity(severity: Severity) -> Term {
    match severity {
        Severity::Mild => Term::sct("255604002", "Mild"),
        Severity::Moderate => Term::sct("6736007", "Moderate"),
        Severity::Severe => Term::sct("24484000", "Severe"),
    }
}
