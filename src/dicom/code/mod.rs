//! Coded entries of data sets and their coding schemes. A DICOM code names its scheme by a short
//! designator, FHIR by a URI; [`CodingSchemes`] knows both and carries those that DICOM has no
//! designator for in (0008,0110). PS3.3 §8, PS3.16 §8.

mod scheme;
mod snomed;

pub use scheme::{CodingScheme, CodingSchemes};

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::element::{self, DataSet};
use super::value::TextVr;

/// A coded entry. PS3.3 §8.8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Code value, of any length; (0008,0100), (0008,0119) or (0008,0120).
    pub value: String,
    /// Coding scheme designator (0008,0102), as `SCT`.
    pub scheme: String,
    /// Coding scheme version (0008,0103).
    pub version: Option<String>,
    /// Code meaning (0008,0104); may be longer here than the 64 characters that are written.
    pub meaning: String,
}

/// A coded entry that the standard defines, for tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// Code value.
    pub value: &'static str,
    /// Coding scheme designator.
    pub scheme: &'static str,
    /// Code meaning.
    pub meaning: &'static str,
}

impl Term {
    /// A term of any scheme.
    pub const fn new(value: &'static str, scheme: &'static str, meaning: &'static str) -> Self {
        Self { value, scheme, meaning }
    }

    /// A term of the DICOM Content Mapping Resource, PS3.16 Annex D.
    pub const fn dcm(value: &'static str, meaning: &'static str) -> Self {
        Self::new(value, "DCM", meaning)
    }

    /// A term of LOINC.
    pub const fn ln(value: &'static str, meaning: &'static str) -> Self {
        Self::new(value, "LN", meaning)
    }

    /// A term of SNOMED CT.
    pub const fn sct(value: &'static str, meaning: &'static str) -> Self {
        Self::new(value, "SCT", meaning)
    }

    /// The term as an entry.
    pub fn to_code(self) -> Code {
        Code::new(self.value, self.scheme, self.meaning)
    }
}

impl Code {
    /// An entry without a version.
    pub fn new(value: impl Into<String>, scheme: impl Into<String>, meaning: impl Into<String>) -> Self {
        Self { value: value.into(), scheme: scheme.into(), version: None, meaning: meaning.into() }
    }

    /// Whether it is the term. Meanings do not count (PS3.16 §6.2.4 leaves them to the language), and a
    /// retired SNOMED-RT code is the SNOMED CT one that took its place.
    pub fn is(&self, term: Term) -> bool {
        let (scheme, value) = self.identity();
        scheme == term.scheme && value == term.value
    }

    /// Designator and value, with retired SNOMED-RT codes translated where PS3.16 has a successor.
    pub fn identity(&self) -> (&str, &str) {
        match snomed::successor(&self.scheme, &self.value) {
            Some(value) => ("SCT", value),
            None => (self.scheme.as_str(), self.value.as_str()),
        }
    }

    /// Writes it as an item of a code sequence. PS3.3 §8.1: up to 16 characters in Code Value, a URI in
    /// URN Code Value, anything else in Long Code Value. The meaning is cut to 64 characters.
    pub fn to_item(&self) -> DataSet {
        let mut item = DataSet::new_empty();
        let looks_like_uri = self.value.starts_with("urn:") || self.value.contains("://");
        if self.value.chars().count() <= 16 {
            element::put_text(&mut item, tags::CODE_VALUE, VR::SH, self.value.as_str());
        } else if looks_like_uri {
            element::put_text(&mut item, tags::URN_CODE_VALUE, VR::UR, self.value.as_str());
        } else {
            element::put_text(&mut item, tags::LONG_CODE_VALUE, VR::UC, self.value.as_str());
        }
        element::put_text(&mut item, tags::CODING_SCHEME_DESIGNATOR, VR::SH, self.scheme.as_str());
        if let Some(version) = &self.version {
            element::put_text(&mut item, tags::CODING_SCHEME_VERSION, VR::SH, version.as_str());
        }
        element::put_text(&mut item, tags::CODE_MEANING, VR::LO, TextVr::Lo.fit(&self.meaning).text);
        item
    }

    /// Reads an item of a code sequence; `None` if it has no value in any of the three places. A missing
    /// scheme or meaning, which foreign documents have, is an empty text.
    pub fn from_item(item: &DataSet) -> Option<Self> {
        let value = [tags::CODE_VALUE, tags::LONG_CODE_VALUE, tags::URN_CODE_VALUE]
            .into_iter()
            .find_map(|tag| element::text(item, tag))?;
        let text = |tag| element::text(item, tag);
        Some(Self {
            value,
            scheme: text(tags::CODING_SCHEME_DESIGNATOR).unwrap_or_default(),
            version: text(tags::CODING_SCHEME_VERSION),
            meaning: text(tags::CODE_MEANING).unwrap_or_default(),
        })
    }

    /// The first entry of a code sequence.
    pub fn from_sequence(set: &DataSet, tag: Tag) -> Option<Self> {
        Self::from_item(element::first_item(set, tag)?)
    }
}

/// Writes a code sequence of one entry.
pub fn put_code(set: &mut DataSet, tag: Tag, code: &Code) {
    element::put_items(set, tag, vec![code.to_item()]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_value_chooses_its_element() {
        for (value, tag) in [
            ("39607008", tags::CODE_VALUE),
            ("123456789012345678901234", tags::LONG_CODE_VALUE),
            ("urn:oid:1.2.3.4.5.6.7", tags::URN_CODE_VALUE),
        ] {
            let code = Code::new(value, "99X", "what it means");
            let item = code.to_item();
            assert!(item.get(tag).is_some(), "{value}");
            assert_eq!(Code::from_item(&item), Some(code));
        }
        let long = Code::new("1", "99X", "ä".repeat(80));
        assert_eq!(Code::from_item(&long.to_item()).map(|code| code.meaning), Some("ä".repeat(64)));
    }

    #[test]
    fn retired_snomed_codes_are_their_successors() {
        assert!(Code::new("T-28000", "SRT", "Lung").is(Term::sct("39607008", "Lung structure")));
        assert!(Code::new("G-C0E3", "SNM3", "Finding Site").is(Term::sct("363698007", "Finding Site")));
        assert!(!Code::new("T-28000", "99X", "Lung").is(Term::sct("39607008", "Lung structure")));
        assert_eq!(Code::new("Z-0", "SRT", "?").identity(), ("SRT", "Z-0"));
    }
}
