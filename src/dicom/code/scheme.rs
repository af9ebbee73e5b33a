//! Coding scheme designators and the URIs by which FHIR knows the same code systems.

use dicom_core::VR;
use dicom_dictionary_std::tags;

use crate::base::{Sha256, Uid};

use super::super::element::{self, DataSet};
use super::super::value::TextVr;

/// A coding scheme that a data set describes. PS3.3 §C.12.1.1.3 (Coding Scheme Identification).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodingScheme {
    /// Designator (0008,0102).
    pub designator: String,
    /// UID (0008,010C).
    pub uid: Option<String>,
    /// URI that FHIR uses for it: (0008,010E) of the resource of type `FHIR`.
    pub system: Option<String>,
    /// Name (0008,0115).
    pub name: Option<String>,
}

/// The coding schemes of one data set: those that the standard defines, and those in (0008,0110).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodingSchemes {
    described: Vec<CodingScheme>,
}

impl CodingSchemes {
    /// Only those that the standard defines.
    pub fn new() -> Self {
        Self::default()
    }

    /// With those that a data set describes, the first 256 of them.
    pub fn of(set: &DataSet) -> Self {
        let described = element::items(set, tags::CODING_SCHEME_IDENTIFICATION_SEQUENCE)
            .iter()
            .take(MAX_DESCRIBED)
            .filter_map(|item| {
                let text = |tag| element::text(item, tag);
                let system = element::items(item, tags::CODING_SCHEME_RESOURCES_SEQUENCE)
                    .iter()
                    .find(|resource| element::text(resource, tags::CODING_SCHEME_URL_TYPE).as_deref() == Some("FHIR"))
                    .and_then(|resource| element::text(resource, tags::CODING_SCHEME_URL));
                Some(CodingScheme {
                    designator: text(tags::CODING_SCHEME_DESIGNATOR)?,
                    uid: text(tags::CODING_SCHEME_UID),
                    system,
                    name: text(tags::CODING_SCHEME_NAME),
                })
            })
            .collect();
        Self { described }
    }

    /// Describes a scheme of our own making, unless the designator is described already.
    pub fn describe(&mut self, scheme: CodingScheme) {
        if !self.described.iter().any(|known| known.designator == scheme.designator) {
            self.described.push(scheme);
        }
    }

    /// The designator for a FHIR code system. One that DICOM does not know gets a private designator
    /// that follows from its URI, and is described, so that [`Self::system`] finds the URI again.
    pub fn designator(&mut self, system: &str) -> String {
        let known = SYSTEMS.iter().find(|(_, known)| *known == system).map(|(designator, _)| *designator);
        if let Some(known) = known {
            return known.to_owned();
        }
        let is_free = |designator: &&str| {
            let taken = SYSTEMS.iter().chain(RETIRED).any(|(known, _)| known == designator);
            !designator.is_empty() && !taken && TextVr::Sh.fit(designator).text == **designator
        };
        if let Some(designator) = system.strip_prefix(UNNAMED).filter(is_free) {
            return designator.to_owned();
        }
        let hex = Sha256::of(system.as_bytes()).to_hex().to_uppercase();
        let designator = format!("99{}", hex.get(..12).unwrap_or_default());
        let uid = system.strip_prefix("urn:oid:").and_then(|oid| Uid::parse(oid).ok());
        self.describe(CodingScheme {
            designator: designator.clone(),
            uid: uid.map(|uid| uid.to_string()),
            system: Some(system.to_owned()),
            name: None,
        });
        designator
    }

    /// The FHIR code system of a designator: the one that the standard fixes, the one that the data set
    /// describes, or a URN made of the designator alone.
    pub fn system(&self, designator: &str) -> String {
        if let Some((_, system)) = SYSTEMS.iter().chain(RETIRED).find(|(known, _)| *known == designator) {
            return (*system).to_owned();
        }
        let described = self.described.iter().find(|scheme| scheme.designator == designator);
        let system = described.and_then(|scheme| {
            let by_uid = || Some(format!("urn:oid:{}", Uid::parse(scheme.uid.as_deref()?).ok()?));
            scheme.system.clone().or_else(by_uid)
        });
        system.unwrap_or_else(|| format!("{UNNAMED}{designator}"))
    }

    /// Writes (0008,0110), if there is anything to describe.
    pub fn put(&self, set: &mut DataSet) {
        if self.described.is_empty() {
            return;
        }
        let items = self.described.iter().map(CodingScheme::to_item).collect();
        element::put_items(set, tags::CODING_SCHEME_IDENTIFICATION_SEQUENCE, items);
    }
}

impl CodingScheme {
    fn to_item(&self) -> DataSet {
        let mut item = DataSet::new_empty();
        element::put_text(&mut item, tags::CODING_SCHEME_DESIGNATOR, VR::SH, self.designator.as_str());
        if let Some(uid) = &self.uid {
            element::put_text(&mut item, tags::CODING_SCHEME_UID, VR::UI, uid.as_str());
        }
        if let Some(name) = &self.name {
            element::put_text(&mut item, tags::CODING_SCHEME_NAME, VR::ST, TextVr::St.fit(name).text);
        }
        if let Some(system) = &self.system {
            let mut resource = DataSet::new_empty();
            element::put_text(&mut resource, tags::CODING_SCHEME_URL_TYPE, VR::CS, "FHIR");
            element::put_text(&mut resource, tags::CODING_SCHEME_URL, VR::UR, system.as_str());
            element::put_items(&mut item, tags::CODING_SCHEME_RESOURCES_SEQUENCE, vec![resource]);
        }
        item
    }
}

/// Designators of PS3.16 Table 8-1 and the URIs of their systems in FHIR (R4
/// terminologies-systems.html). One to one, so that a code comes back under the URI it left with.
const SYSTEMS: &[(&str, &str)] = &[
    ("DCM", "http://dicom.nema.org/resources/ontology/DCM"),
    ("LN", "http://loinc.org"),
    ("SCT", "http://snomed.info/sct"),
    ("UCUM", "http://unitsofmeasure.org"),
    ("RADLEX", "http://radlex.org"),
    ("RFC5646", "urn:ietf:bcp:47"),
    ("ISO639_2", "urn:iso:std:iso:639-2"),
    ("UMLS", "http://www.nlm.nih.gov/research/umls"),
    ("NCIt", "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"),
    ("I10", "http://hl7.org/fhir/sid/icd-10"),
    ("I10C", "http://hl7.org/fhir/sid/icd-10-cm"),
    ("I9C", "http://hl7.org/fhir/sid/icd-9-cm"),
    ("C4", "http://www.ama-assn.org/go/cpt"),
];

/// Retired designators without a system in FHIR: the OIDs of PS3.16 Table 8-1. Their codes are mostly
/// translated before they come here.
const RETIRED: &[(&str, &str)] = &[
    ("SRT", "urn:oid:2.16.840.1.113883.6.99"),
    ("SNM3", "urn:oid:2.16.840.1.113883.6.51"),
    ("99SDM", "urn:oid:2.16.840.1.113883.6.53"),
];

/// They are looked through for each code: a stranger does not make that long.
const MAX_DESCRIBED: usize = 256;

/// In front of a designator that nothing describes.
const UNNAMED: &str = "urn:causeway:coding-scheme:";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_standard_pairs_are_one_to_one() {
        let mut schemes = CodingSchemes::new();
        for (designator, system) in SYSTEMS {
            assert_eq!(schemes.designator(system), *designator);
            assert_eq!(schemes.system(designator), *system);
        }
        assert_eq!(schemes, CodingSchemes::new(), "nothing had to be described");
        assert_eq!(schemes.system("99FOO"), "urn:causeway:coding-scheme:99FOO");
        assert_eq!(schemes.designator("urn:causeway:coding-scheme:99FOO"), "99FOO");
        assert_ne!(schemes.designator("urn:causeway:coding-scheme:LN"), "LN");
        assert_eq!(schemes.system("SRT"), "urn:oid:2.16.840.1.113883.6.99");
    }

    #[test]
    fn a_scheme_with_a_uid_only_is_an_oid() {
        let mut set = DataSet::new_empty();
        let mut schemes = CodingSchemes::new();
        let uid = Some("1.2.276.0.7230010.3.0.0.1".to_owned());
        schemes.describe(CodingScheme { designator: "99_OFFIS_DCMTK".into(), uid, ..CodingScheme::default() });
        schemes.put(&mut set);
        assert_eq!(CodingSchemes::of(&set).system("99_OFFIS_DCMTK"), "urn:oid:1.2.276.0.7230010.3.0.0.1");
    }

    proptest! {
        #[test]
        fn any_system_comes_back(system in "(http://|urn:oid:1\\.|urn:causeway:coding-scheme:)?[a-z0-9./-]{1,40}") {
            let mut schemes = CodingSchemes::new();
            let designator = schemes.designator(&system);
            prop_assert!((1..=16).contains(&designator.chars().count()));
            let mut set = DataSet::new_empty();
            schemes.put(&mut set);
            prop_assert_eq!(CodingSchemes::of(&set).system(&designator), system);
        }
    }
}
