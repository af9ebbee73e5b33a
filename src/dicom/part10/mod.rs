//! DICOM files of documents: SR, Encapsulated PDF, Key Object Selection. Written with the same bytes
//! every time; read from strangers within limits. PS3.10 §7, PS3.5 §7.
//!
//! The reader is our own: `dicom-object` allocates what a length field says before it looks whether the
//! bytes are there, and knows no ISO 2022. Pixel data is not for here: reading ends in front of it.

mod limits;
mod read;
mod write;

pub use limits::{Part10Error, ReadLimits};
pub use read::{read, read_data_set};
pub use write::{encode, reencode, write};

use dicom_core::VR;

use super::element::DataSet;

/// How a data set is laid out in bytes. PS3.5 §10 and Annex A.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferSyntax {
    /// 1.2.840.10008.1.2, which every peer accepts.
    ImplicitVrLittleEndian,
    /// 1.2.840.10008.1.2.1, which the gateway writes.
    ExplicitVrLittleEndian,
    /// 1.2.840.10008.1.2.1.99, read only.
    DeflatedExplicitVrLittleEndian,
}

impl TransferSyntax {
    /// Those that [`write()`] and [`encode`] know.
    pub const WRITABLE: [Self; 2] = [Self::ExplicitVrLittleEndian, Self::ImplicitVrLittleEndian];

    /// From a transfer syntax UID; `None` if documents are not exchanged in it.
    pub fn of_uid(uid: &str) -> Option<Self> {
        [Self::ImplicitVrLittleEndian, Self::ExplicitVrLittleEndian, Self::DeflatedExplicitVrLittleEndian]
            .into_iter()
            .find(|syntax| syntax.uid() == uid)
    }

    /// Transfer syntax UID.
    pub fn uid(self) -> &'static str {
        match self {
            Self::ImplicitVrLittleEndian => "1.2.840.10008.1.2",
            Self::ExplicitVrLittleEndian => "1.2.840.10008.1.2.1",
            Self::DeflatedExplicitVrLittleEndian => "1.2.840.10008.1.2.1.99",
        }
    }
}

/// A file that was read.
#[derive(Debug, Clone)]
pub struct Part10 {
    /// Media storage SOP class UID (0002,0002), as it stands there.
    pub sop_class_uid: Option<String>,
    /// Media storage SOP instance UID (0002,0003), as it stands there.
    pub sop_instance_uid: Option<String>,
    /// How it was encoded.
    pub transfer_syntax: TransferSyntax,
    /// The data set, and what its text was like.
    pub content: DecodedDataSet,
}

/// A data set whose text is Unicode.
#[derive(Debug, Clone)]
pub struct DecodedDataSet {
    /// The elements in front of any pixel data. (0008,0005) says `ISO_IR 192`, whatever it said before.
    pub data_set: DataSet,
    /// Tags, as `(0010,0010)`, of texts that hold bytes outside their character set; at most 100.
    pub inexact_texts: Vec<String>,
    /// Terms of (0008,0005) that the gateway does not know.
    pub unknown_character_sets: Vec<String>,
}

/// Whether the VR has a length of two bytes in explicit encodings. PS3.5 Table 7.1-2.
pub(super) fn has_short_length(vr: VR) -> bool {
    matches!(
        vr,
        VR::AE
            | VR::AS
            | VR::AT
            | VR::CS
            | VR::DA
            | VR::DS
            | VR::DT
            | VR::FL
            | VR::FD
            | VR::IS
            | VR::LO
            | VR::LT
            | VR::PN
            | VR::SH
            | VR::SL
            | VR::SS
            | VR::ST
            | VR::TM
            | VR::UI
            | VR::UL
            | VR::US
    )
}

/// Implementation Class UID (0002,0012): a UUID drawn once for this product, under 2.25.
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.235504461723848750173451933946853667621";

/// Implementation Version Name (0002,0013), at most 16 characters.
pub const IMPLEMENTATION_VERSION_NAME: &str = "CAUSEWAY_0_1";

#[cfg(test)]
mod tests;
