//! Code systems, and the LOINC code that a report gets when its source names none.
//!
//! The table is small on purpose: a wrong code does harm, a general one does not. Codes and names are
//! LOINC's own (long common names); body sites are SNOMED CT concepts of PS3.16 CID 4 and CID 4031.
//! LOINC is copyright Regenstrief Institute, Inc. and the LOINC Committee, and is available at no cost
//! under the licence at loinc.org/license.

use super::Concept;

/// URIs of the code systems that reports use. R4 terminologies-systems.html, PS3.16 table 8-1.
pub mod systems {
    /// LOINC; DICOM designator `LN`.
    pub const LOINC: &str = "http://loinc.org";
    /// SNOMED CT; DICOM designator `SCT`.
    pub const SNOMED: &str = "http://snomed.info/sct";
    /// UCUM; DICOM designator `UCUM`.
    pub const UCUM: &str = "http://unitsofmeasure.org";
    /// The DICOM controlled terminology of PS3.16 annex D; DICOM designator `DCM`.
    pub const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
    /// RadLex; DICOM designator `RADLEX`.
    pub const RADLEX: &str = "http://radlex.org";
}

/// The LOINC code of a report by the modality of its images, `(0008,0060)`, and the body site examined:
/// the most specific row of the table that fits, else that of the modality, else 18748-4.
pub fn report_code(modality: Option<&str>, body_site: Option<&Concept>) -> Concept {
    let kind = modality.and_then(Kind::of_modality);
    let site = body_site.filter(|site| site.system == systems::SNOMED).map(|site| site.code.as_str());
    let specific = kind.zip(site).and_then(|(kind, site)| {
        BY_SITE.iter().find(|row| row.kind == kind && row.sites.contains(&site)).map(|row| row.code)
    });
    let general = kind.and_then(|kind| BY_KIND.iter().find(|(of, _)| *of == kind).map(|(_, code)| *code));
    let (code, display) = specific.or(general).unwrap_or(LAST_RESORT);
    Concept { system: systems::LOINC.to_owned(), code: code.to_owned(), display: display.to_owned() }
}

/// What the table tells apart among modalities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ct,
    Mr,
    Us,
    Xray,
    Mammography,
    NuclearMedicine,
}

impl Kind {
    /// Defined terms of Modality, PS3.3 §C.7.3.1.1.1.
    fn of_modality(modality: &str) -> Option<Self> {
        match modality {
            "CT" => Some(Self::Ct),
            "MR" => Some(Self::Mr),
            "US" => Some(Self::Us),
            "CR" | "DX" => Some(Self::Xray),
            "MG" => Some(Self::Mammography),
            "NM" => Some(Self::NuclearMedicine),
            _ => None,
        }
    }
}

struct Row {
    kind: Kind,
    /// SNOMED CT codes of the body sites.
    sites: &'static [&'static str],
    code: (&'static str, &'static str),
}

const fn row(kind: Kind, sites: &'static [&'static str], code: &'static str, display: &'static str) -> Row {
    Row { kind, sites, code: (code, display) }
}

const HEAD: &[&str] = &["69536005", "12738006"];
const CHEST: &[&str] = &["51185008", "39607008"];
/// 818981001 is what PS3.16 CID 4 has since 2021, 113345001 what it had before.
const ABDOMEN: &[&str] = &["818981001", "113345001"];
const ABDOMEN_AND_PELVIS: &[&str] = &["416949008"];
const PELVIS: &[&str] = &["12921003"];
const NECK: &[&str] = &["45048000"];
const CERVICAL_SPINE: &[&str] = &["122494005"];
const THORACIC_SPINE: &[&str] = &["122495006"];
const LUMBAR_SPINE: &[&str] = &["122496007"];
const HEART: &[&str] = &["80891009"];
const LIVER: &[&str] = &["10200004"];
const PANCREAS: &[&str] = &["15776009"];
const SPLEEN: &[&str] = &["78961009"];
const SHOULDER: &[&str] = &["16982005"];
const FOOT: &[&str] = &["56459004"];
const HIP: &[&str] = &["29836001"];
const BREAST: &[&str] = &["76752008"];

/// By modality and body site.
const BY_SITE: &[Row] = &[
    row(Kind::Ct, HEAD, "24725-4", "CT Head"),
    row(Kind::Ct, CHEST, "24627-2", "CT Chest"),
    row(Kind::Ct, ABDOMEN, "41806-1", "CT Abdomen"),
    row(Kind::Ct, ABDOMEN_AND_PELVIS, "44115-4", "CT Abdomen and Pelvis"),
    row(Kind::Ct, PELVIS, "24865-8", "CT Pelvis"),
    row(Kind::Ct, CERVICAL_SPINE, "24932-6", "CT Cervical spine"),
    row(Kind::Ct, THORACIC_SPINE, "24978-9", "CT Thoracic spine"),
    row(Kind::Ct, LUMBAR_SPINE, "24963-1", "CT Lumbar spine"),
    row(Kind::Ct, HEART, "58744-4", "CT Heart"),
    row(Kind::Ct, LIVER, "24814-6", "CT Liver"),
    row(Kind::Ct, PANCREAS, "24857-5", "CT Pancreas"),
    row(Kind::Ct, SPLEEN, "24988-8", "CT Spleen"),
    row(Kind::Mr, HEAD, "24590-2", "MR Brain"),
    row(Kind::Mr, NECK, "24839-3", "MR Neck"),
    row(Kind::Mr, CHEST, "24629-8", "MR Chest"),
    row(Kind::Mr, HEART, "24748-6", "MR Heart"),
    row(Kind::Mr, ABDOMEN, "24556-3", "MR Abdomen"),
    row(Kind::Mr, PELVIS, "24867-4", "MR Pelvis"),
    row(Kind::Mr, CERVICAL_SPINE, "24935-9", "MR Cervical spine"),
    row(Kind::Mr, THORACIC_SPINE, "24980-5", "MR Thoracic spine"),
    row(Kind::Mr, LUMBAR_SPINE, "24968-0", "MR Lumbar spine"),
    row(Kind::Mr, &["72696002"], "24802-1", "MR Knee"),
    row(Kind::Mr, SHOULDER, "24905-2", "MR Shoulder"),
    row(Kind::Mr, FOOT, "24707-2", "MR Foot"),
    row(Kind::Mr, &["85562004"], "24720-5", "MR Hand"),
    row(Kind::Us, ABDOMEN, "24558-9", "US Abdomen"),
    row(Kind::Us, PELVIS, "24869-0", "US Pelvis"),
    row(Kind::Us, &["69748006"], "25010-0", "US Thyroid gland"),
    row(Kind::Us, NECK, "24842-7", "US Neck"),
    row(Kind::Us, CHEST, "24630-6", "US Chest"),
    row(Kind::Us, BREAST, "24601-7", "US Breast"),
    row(Kind::Us, &["28231008"], "24711-4", "US Gallbladder"),
    row(Kind::Us, PANCREAS, "24859-1", "US Pancreas"),
    row(Kind::Us, SPLEEN, "24990-4", "US Spleen"),
    row(Kind::Us, &["89837001"], "25019-1", "US Urinary bladder"),
    row(Kind::Us, SHOULDER, "24907-8", "US Shoulder"),
    row(Kind::Us, HIP, "24760-1", "US Hip"),
    row(Kind::Xray, CHEST, "30745-4", "XR Chest Views"),
    row(Kind::Xray, CERVICAL_SPINE, "24946-6", "XR Cervical spine Views"),
    row(Kind::Xray, THORACIC_SPINE, "24983-9", "XR Thoracic spine Views"),
    row(Kind::Xray, LUMBAR_SPINE, "24972-2", "XR Lumbar spine Views"),
    row(Kind::Xray, SHOULDER, "24909-4", "XR Shoulder Views"),
    row(Kind::Xray, HIP, "24762-7", "XR Hip Views"),
    row(Kind::Xray, FOOT, "24709-8", "XR Foot Views"),
];

/// By modality alone. Mammography has one body site; whether it was screening or diagnostic is for the
/// source to say.
const BY_KIND: &[(Kind, (&str, &str))] = &[
    (Kind::Ct, ("25045-6", "CT Unspecified body region")),
    (Kind::Mr, ("25056-3", "MR Unspecified body region")),
    (Kind::Us, ("25061-3", "US Unspecified body region")),
    (Kind::Xray, ("43468-8", "XR Unspecified body region Views")),
    (Kind::Mammography, ("36625-2", "MG Breast Views")),
    (Kind::NuclearMedicine, ("49118-3", "NM Unspecified body region Views")),
];

/// For everything else.
const LAST_RESORT: (&str, &str) = ("18748-4", "Diagnostic imaging study");

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Whether the code of a LOINC or SNOMED CT concept has its check digit; true for other systems.
    pub(crate) fn has_check_digit(concept: &Concept) -> bool {
        match concept.system.as_str() {
            systems::LOINC => has_luhn_digit(&concept.code),
            systems::SNOMED => has_verhoeff_digit(&concept.code),
            _ => true,
        }
    }

    /// LOINC's check digit is Luhn's (mod 10) over the digits before the hyphen.
    fn has_luhn_digit(code: &str) -> bool {
        let (number, check) = code.split_once('-').expect("a hyphen");
        let sum: u32 = number
            .chars()
            .rev()
            .map(|digit| digit.to_digit(10).expect("a digit"))
            .enumerate()
            .map(|(index, digit)| if index % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit })
            .sum();
        ((10 - sum % 10) % 10).to_string() == check
    }

    /// SNOMED CT identifiers end in a check digit by Verhoeff's scheme.
    fn has_verhoeff_digit(code: &str) -> bool {
        const PERMUTE: [usize; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
        let product = |a: usize, b: usize| match (a < 5, b < 5) {
            (true, true) => (a + b) % 5,
            (true, false) => (a + b - 5) % 5 + 5,
            (false, true) => (a - b) % 5 + 5,
            (false, false) => (a + 5 - b) % 5,
        };
        let digits = code.chars().rev().map(|digit| digit.to_digit(10).expect("a digit") as usize);
        let check = digits.enumerate().fold(0, |check, (position, digit)| {
            let permuted = (0..position % 8).fold(digit, |digit, _| PERMUTE[digit]);
            product(check, permuted)
        });
        check == 0
    }

    fn site(code: &str) -> Concept {
        Concept { system: systems::SNOMED.into(), code: code.into(), display: "site".into() }
    }

    #[test]
    fn the_most_specific_row_is_taken() {
        let code = |modality, site: Option<&Concept>| report_code(modality, site).code;
        assert_eq!(code(Some("CT"), Some(&site("51185008"))), "24627-2");
        assert_eq!(code(Some("DX"), Some(&site("51185008"))), "30745-4");
        assert_eq!(code(Some("CT"), Some(&site("1"))), "25045-6");
        assert_eq!(code(Some("MR"), None), "25056-3");
        assert_eq!(code(Some("MG"), Some(&site("76752008"))), "36625-2");
        assert_eq!(code(Some("XA"), Some(&site("51185008"))), "18748-4");
        assert_eq!(code(None, Some(&site("51185008"))), "18748-4");
        let other = Concept { system: systems::RADLEX.into(), ..site("51185008") };
        assert_eq!(code(Some("CT"), Some(&other)), "25045-6");
    }

    #[test]
    fn every_code_of_the_table_has_its_check_digit() {
        for (code, display) in
            BY_SITE.iter().map(|row| row.code).chain(BY_KIND.iter().map(|(_, code)| *code)).chain([LAST_RESORT])
        {
            assert!(has_luhn_digit(code), "{code}");
            assert!(display.chars().count() <= 64);
        }
        for code in BY_SITE.iter().flat_map(|row| row.sites) {
            assert!(has_verhoeff_digit(code), "{code}");
        }
    }

    #[test]
    fn a_wrong_digit_is_found() {
        assert!(has_verhoeff_digit("39607008") && has_verhoeff_digit("51440002"));
        assert!(!has_verhoeff_digit("39607009") && !has_verhoeff_digit("39670008"));
        assert!(!has_luhn_digit("18748-5") && !has_luhn_digit("18784-4"));
    }

    #[test]
    fn no_two_rows_fit_the_same_study() {
        for (index, row) in BY_SITE.iter().enumerate() {
            for other in BY_SITE.iter().skip(index + 1) {
                let overlap = row.kind == other.kind && row.sites.iter().any(|site| other.sites.contains(site));
                assert!(!overlap, "{} and {}", row.code.0, other.code.0);
            }
        }
    }
}
