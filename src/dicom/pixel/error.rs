//! What can be wrong with pixel data.

use dicom_core::Tag;

/// Why a frame cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PixelError {
    /// An attribute that describes an image is missing, or there is no pixel data at all.
    #[error("has no {0}")]
    Missing(Tag),
    /// An attribute has a value that no image can have.
    #[error("has an impossible value of {0}")]
    Value(Tag),
    /// The gateway has no decoder or encoder for this combination.
    #[error("{what} is not supported")]
    Unsupported {
        /// Which.
        what: &'static str,
    },
    /// The image has fewer frames.
    #[error("has no frame {number} of {frames}")]
    NoSuchFrame {
        /// The frame, counted from 1.
        number: u64,
        /// How many there are.
        frames: u32,
    },
    /// Something is larger than the limit.
    #[error("has more than {max} {what}")]
    TooLarge {
        /// Of what there is too much.
        what: &'static str,
        /// The limit.
        max: u64,
    },
    /// The file ends before the frame does.
    #[error("ends within its pixel data")]
    Truncated,
    /// The pixel data element is not as PS3.5 Annex A has it.
    #[error("{what} at byte {offset}")]
    Structure {
        /// What is wrong.
        what: &'static str,
        /// Where in the file.
        offset: u64,
    },
    /// A compressed frame cannot be decoded, or is not the image that the data set describes.
    #[error("the codestream {what}")]
    Codestream {
        /// What is wrong with it.
        what: &'static str,
    },
}

impl PixelError {
    /// Whether another form of the same image may still be had (as it is stored), so that an answer is
    /// rather "not acceptable" than a fault.
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::Unsupported { .. } | Self::TooLarge { .. })
    }

    /// Whether there is no such thing: no pixel data, or no frame of that number.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::NoSuchFrame { .. } | Self::Missing(_))
    }

    pub(super) fn codestream(what: &'static str) -> Self {
        Self::Codestream { what }
    }
}
