//! What a data set is, and whether it can be stored at all: UIDs that have to be there, and the status that says why
//! not. PS3.4 §B.2.3, PS3.18 §10.5.3.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use crate::base::Uid;

use super::super::status::StoreStatus;
use super::{Header, HeaderError};

/// What an instance is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// (0020,000D).
    pub study_instance_uid: Uid,
    /// (0020,000E).
    pub series_instance_uid: Uid,
    /// (0008,0016).
    pub sop_class_uid: Uid,
    /// (0008,0018).
    pub sop_instance_uid: Uid,
}

/// As much of an [`Identity`] as can be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Uids {
    /// (0020,000D).
    pub study_instance_uid: Option<Uid>,
    /// (0020,000E).
    pub series_instance_uid: Option<Uid>,
    /// (0008,0016).
    pub sop_class_uid: Option<Uid>,
    /// (0008,0018).
    pub sop_instance_uid: Option<Uid>,
}

/// Why an instance is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Status or reason.
    pub status: StoreStatus,
    /// What is wrong, in at most 64 characters without patient data.
    pub comment: &'static str,
}

impl Header {
    /// What the instance is known by, if all of it is there and legal.
    pub fn identity(&self) -> Result<Identity, Refusal> {
        Ok(Identity {
            sop_class_uid: self.uid(tags::SOP_CLASS_UID, "SOP Class UID")?,
            sop_instance_uid: self.uid(tags::SOP_INSTANCE_UID, "SOP Instance UID")?,
            study_instance_uid: self.uid(tags::STUDY_INSTANCE_UID, "Study Instance UID")?,
            series_instance_uid: self.uid(tags::SERIES_INSTANCE_UID, "Series Instance UID")?,
        })
    }

    fn uid(&self, tag: Tag, name: &'static str) -> Result<Uid, Refusal> {
        let Some(text) = self.text(tag) else {
            let comment = match name {
                "SOP Class UID" => "SOP Class UID is missing",
                "SOP Instance UID" => "SOP Instance UID is missing",
                "Study Instance UID" => "Study Instance UID is missing",
                _ => "Series Instance UID is missing",
            };
            return Err(Refusal { status: StoreStatus::MISMATCH, comment });
        };
        Uid::parse_lenient(&text).map_err(|_form| {
            let comment = match name {
                "SOP Class UID" => "SOP Class UID is illegal",
                "SOP Instance UID" => "SOP Instance UID is illegal",
                "Study Instance UID" => "Study Instance UID is illegal",
                _ => "Series Instance UID is illegal",
            };
            Refusal { status: StoreStatus::ILLEGAL_UID, comment }
        })
    }
}

impl From<Identity> for Uids {
    fn from(identity: Identity) -> Self {
        Self {
            study_instance_uid: Some(identity.study_instance_uid),
            series_instance_uid: Some(identity.series_instance_uid),
            sop_class_uid: Some(identity.sop_class_uid),
            sop_instance_uid: Some(identity.sop_instance_uid),
        }
    }
}

impl From<HeaderError> for Refusal {
    fn from(error: HeaderError) -> Self {
        let (status, comment) = match error {
            HeaderError::NotDicom => (StoreStatus::CANNOT_UNDERSTAND, "not a DICOM file"),
            HeaderError::Meta => (StoreStatus::CANNOT_UNDERSTAND, "file meta information is unreadable"),
            HeaderError::NoTransferSyntax => (StoreStatus::CANNOT_UNDERSTAND, "no transfer syntax"),
            HeaderError::TransferSyntax => {
                (StoreStatus::TRANSFER_SYNTAX_NOT_SUPPORTED, "transfer syntax is not supported")
            }
            HeaderError::Truncated => (StoreStatus::CANNOT_UNDERSTAND, "data set ends within an element"),
            HeaderError::Structure(what) => (StoreStatus::CANNOT_UNDERSTAND, what),
            HeaderError::Inflate => (StoreStatus::CANNOT_UNDERSTAND, "data set cannot be inflated"),
            HeaderError::TooDeep => (StoreStatus::CANNOT_UNDERSTAND, "sequences are nested too deeply"),
            HeaderError::TooManyElements => (StoreStatus::CANNOT_UNDERSTAND, "too many elements"),
            HeaderError::HeaderTooLarge => (StoreStatus::OUT_OF_RESOURCES, "too much besides bulk data"),
            HeaderError::TooLarge => (StoreStatus::OUT_OF_RESOURCES, "larger than what is taken"),
        };
        Self { status, comment }
    }
}
