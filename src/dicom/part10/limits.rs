//! How much of a stranger's file is looked at, and what can be wrong with it.

use dicom_core::Tag;

/// Limits on what is read. Nothing is allocated for bytes that are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimits {
    /// Greatest size of the file, and of a data set when it is inflated.
    pub max_bytes: usize,
    /// Greatest number of sequences within sequences.
    pub max_depth: usize,
    /// Greatest number of elements and items together.
    pub max_elements: usize,
}

impl Default for ReadLimits {
    /// 256 MiB, 512 levels, a million elements: more than any report in the field, and an SR tree of
    /// 256 levels is read whole.
    fn default() -> Self {
        Self { max_bytes: 256 << 20, max_depth: 512, max_elements: 1_000_000 }
    }
}

/// Why a file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Part10Error {
    /// The marker `DICM` is missing.
    #[error("is not a DICOM file")]
    NotDicom,
    /// The file meta information does not say how the data set is encoded.
    #[error("has no transfer syntax")]
    NoTransferSyntax,
    /// Documents are not exchanged in this transfer syntax.
    #[error("transfer syntax {0} is not supported")]
    TransferSyntax(String),
    /// The file, or what it inflates to, is larger than the limit.
    #[error("is larger than {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// Sequences lie deeper in each other than the limit.
    #[error("has more than {max} levels of sequences")]
    TooDeep {
        /// The limit.
        max: usize,
    },
    /// There are more elements than the limit.
    #[error("has more than {max} elements")]
    TooManyElements {
        /// The limit.
        max: usize,
    },
    /// A length field points behind the bytes that are there.
    #[error("ends before the element at byte {offset} does")]
    Truncated {
        /// Where the element begins, counted from the start of the data set or file.
        offset: usize,
    },
    /// The bytes are not elements and items as PS3.5 §7 has them.
    #[error("{what} at byte {offset}")]
    Structure {
        /// What is wrong.
        what: &'static str,
        /// Where.
        offset: usize,
    },
    /// The deflated data set cannot be inflated.
    #[error("cannot be inflated")]
    Inflate(#[source] std::io::Error),
    /// A value is longer than its length field can say.
    #[error("the value of {tag} is too long")]
    ValueTooLong {
        /// Which element.
        tag: Tag,
    },
}
