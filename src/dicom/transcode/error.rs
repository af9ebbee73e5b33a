//! Why an instance cannot be had in another transfer syntax.

use super::super::pixel::PixelError;

/// What is wrong with an instance, or too much of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TranscodeError {
    /// The marker `DICM` is missing.
    #[error("is not a DICOM file")]
    NotDicom,
    /// The file meta information does not say how the data set is encoded.
    #[error("has no transfer syntax")]
    NoTransferSyntax,
    /// There is no way from this transfer syntax to the one that is asked for.
    #[error("transfer syntax {0} cannot be converted")]
    TransferSyntax(String),
    /// Something within the instance has no form in the other transfer syntax that the gateway can make.
    #[error("{what} cannot be converted")]
    Unsupported {
        /// What.
        what: &'static str,
    },
    /// The bytes are not elements and items as PS3.5 §7 has them.
    #[error("{what} at byte {offset} of the data set")]
    Structure {
        /// What is wrong.
        what: &'static str,
        /// Where.
        offset: u64,
    },
    /// The file ends before the data set does.
    #[error("ends too early")]
    Truncated,
    /// There is more of something than the limit.
    #[error("has more than {max} {what}")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// The limit.
        max: u64,
    },
    /// The deflated data set is damaged.
    #[error("cannot be inflated")]
    Inflate,
    /// The frames cannot be converted.
    #[error("its pixel data {0}")]
    Pixels(#[from] PixelError),
}

impl TranscodeError {
    /// Whether the instance is sound, and only not to be had in this transfer syntax.
    pub fn is_unsupported(&self) -> bool {
        match self {
            Self::TransferSyntax(_) | Self::Unsupported { .. } | Self::TooLarge { .. } => true,
            Self::Pixels(error) => error.is_unsupported(),
            _ => false,
        }
    }
}
