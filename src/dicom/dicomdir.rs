//! The directory of a medium: which files it names, and what they are. PS3.3 Annex F, PS3.10 §8.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::element::{self, DataSet};
use super::part10::{Part10Error, ReadLimits, read};

/// A file that a directory names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferencedFile {
    /// Its Referenced File ID (0004,1500): the folders it lies in, and its name.
    pub components: Vec<String>,
    /// Referenced SOP Instance UID in File (0004,1511), if it is said.
    pub sop_instance_uid: Option<String>,
}

/// What a directory names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directory {
    /// Files, in the order of its records, each once.
    pub files: Vec<ReferencedFile>,
    /// Referenced File IDs that lead out of the medium or are none, as they stand there; components are separated by
    /// backslashes.
    pub refused: Vec<String>,
}

impl Directory {
    /// From the bytes of a file named `DICOMDIR`. Records that are not in use are passed over (PS3.3 §F.3.2.2.1).
    pub fn parse(bytes: &[u8]) -> Result<Self, DirectoryError> {
        let limits = ReadLimits { max_elements: MAX_ELEMENTS, ..ReadLimits::default() };
        let file = read(bytes, &limits)?;
        if file.sop_class_uid.as_deref() != Some(MEDIA_STORAGE_DIRECTORY) {
            return Err(DirectoryError::NoDirectory);
        }
        let mut directory = Self::default();
        let mut seen = std::collections::HashSet::new();
        for record in element::items(&file.content.data_set, tags::DIRECTORY_RECORD_SEQUENCE) {
            let is_unused = number(record, tags::RECORD_IN_USE_FLAG) == Some(0);
            let Some(id) = element::text(record, tags::REFERENCED_FILE_ID).filter(|_| !is_unused) else { continue };
            let components: Vec<String> =
                id.split('\\').map(|part| part.trim_matches([' ', '\0']).to_owned()).collect();
            if !components.iter().all(|component| is_name(component)) {
                directory.refused.push(id);
            } else if seen.insert(components.clone()) {
                let sop_instance_uid = element::text(record, tags::REFERENCED_SOP_INSTANCE_UID_IN_FILE);
                directory.files.push(ReferencedFile { components, sop_instance_uid });
            }
        }
        Ok(directory)
    }
}

/// Why a file is no directory that can be followed.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] Part10Error),
    /// It is a DICOM file of another kind.
    #[error("is no Media Storage Directory")]
    NoDirectory,
}

/// Whether a component is the name of one file or folder below where it stands. Longer names, and letters that PS3.10
/// §8.2 does not have, occur; what means another place does not.
fn is_name(component: &str) -> bool {
    !matches!(component, "" | "." | "..")
        && component.len() <= MAX_NAME_BYTES
        && !component.chars().any(|character| character.is_control() || matches!(character, '/' | '\\' | ':'))
}

fn number(set: &DataSet, tag: Tag) -> Option<u16> {
    set.get(tag)?.to_int().ok()
}

/// Media Storage Directory Storage. PS3.6 Table A-1.
const MEDIA_STORAGE_DIRECTORY: &str = "1.2.840.10008.1.3.10";
/// A record has some twenty elements; a medium may have a hundred thousand files.
const MAX_ELEMENTS: usize = 8_000_000;
const MAX_NAME_BYTES: usize = 255;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn fixture() -> Vec<u8> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dicom/studies/DICOMDIR.dcm");
        std::fs::read(path).expect("is there")
    }

    #[test]
    fn each_record_with_a_file_is_one() {
        let directory = Directory::parse(&fixture()).expect("is one");
        assert_eq!(directory.files.len(), 31);
        let first = &directory.files[0];
        assert_eq!(first.components, ["77654033", "CR1", "6154"]);
        assert_eq!(first.sop_instance_uid.as_deref(), Some("1.3.6.1.4.1.5962.1.1.0.0.0.1196527414.5534.0.11"));
        assert!(directory.refused.is_empty());
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        let mut bytes = fixture();
        let place = bytes.windows(17).position(|window| window == b"77654033\\CR1\\6154").expect("is there");
        bytes[place..place + 17].copy_from_slice(b"..\\..\\..\\etc/pass");
        let directory = Directory::parse(&bytes).expect("is one");
        assert_eq!(directory.files.len(), 30);
        assert_eq!(directory.refused, ["..\\..\\..\\etc/pass"]);
        for name in ["", ".", "..", "a/b", "C:", "a\0"] {
            assert!(!is_name(name), "{name}");
        }
        assert!(is_name("IMG00001.DCM;1"));
    }

    #[test]
    fn other_files_are_no_directories() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dicom/sr/test-SR.dcm");
        let other = std::fs::read(path).expect("is there");
        assert!(matches!(Directory::parse(&other), Err(DirectoryError::NoDirectory)));
        assert!(matches!(Directory::parse(b"README"), Err(DirectoryError::File(Part10Error::NotDicom))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_changed_directory_is_read_or_refused(changes in proptest::collection::vec((132..11_000_usize, any::<u8>()), 1..20)) {
            let mut bytes = fixture();
            for (place, byte) in changes {
                if let Some(changed) = bytes.get_mut(place) {
                    *changed = byte;
                }
            }
            if let Ok(directory) = Directory::parse(&bytes) {
                for file in directory.files {
                    prop_assert!(file.components.iter().all(|component| is_name(component)));
                }
            }
        }
    }
}
