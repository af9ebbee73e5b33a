//! Where facts and rendered images of a study come from: an archive that is asked over its REST
//! interface or over DICOMweb. Here is what is asked and answered; who asks is in `remote`.

use futures_util::future::BoxFuture;

use crate::base::{Retry, Uid};

use super::study::StudyFacts;

/// An archive that can be asked about studies.
pub trait StudySource: Send + Sync {
    /// What the archive knows of a study; `None` if it does not know the study.
    fn study<'a>(&'a self, study_instance_uid: &'a Uid) -> BoxFuture<'a, Result<Option<FoundStudy>, SourceError>>;

    /// An image as the archive renders it; `None` if the archive does not hold it.
    fn rendered<'a>(&'a self, image: &'a ImageAddress) -> BoxFuture<'a, Result<Option<RenderedImage>, SourceError>>;
}

/// The answer to a question about a study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundStudy {
    /// What the archive knows.
    pub facts: StudyFacts,
    /// How many series and instances the archive listed without the UIDs that PS3.5 §9.1 demands.
    /// They are not in `facts`; the caller names them in its loss report.
    pub unusable: usize,
}

/// An image in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageAddress {
    /// Study (0020,000D).
    pub study_instance_uid: Uid,
    /// Series (0020,000E).
    pub series_instance_uid: Uid,
    /// Instance (0008,0018).
    pub sop_instance_uid: Uid,
    /// Frame, counted from 1; the first where absent.
    pub frame: Option<u32>,
    /// Longest side of the picture in pixels that is of use; an archive may ignore it.
    pub longest_side_px: Option<u32>,
}

/// A picture as an archive rendered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedImage {
    /// Form of the bytes, as their first bytes say.
    pub form: PictureForm,
    /// The file.
    pub bytes: Vec<u8>,
}

/// The forms of a rendered picture that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureForm {
    /// ISO/IEC 15948.
    Png,
    /// ISO/IEC 10918.
    Jpeg,
}

impl PictureForm {
    /// The form whose signature `bytes` begin with.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else {
            None
        }
    }
}

/// Why an archive gave no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The archive cannot be reached now, or answered that it is busy.
    #[error("archive cannot be reached: {detail}")]
    Unavailable {
        /// What failed, without address and content.
        detail: String,
        /// When to ask again.
        retry: Retry,
    },
    /// The archive refuses the question.
    #[error("archive refuses: {detail}")]
    Refused {
        /// What it answered, without content.
        detail: String,
    },
    /// The study or the answer is larger than we take.
    #[error("archive lists more than {limit} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// Greatest number taken.
        limit: usize,
    },
    /// The answer is not what the interface promises.
    #[error("archive answers unreadably: {detail}")]
    Unreadable {
        /// What is wrong with it, without content.
        detail: &'static str,
    },
}

impl SourceError {
    /// Whether asking again may help.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Unavailable { retry, .. } => *retry,
            Self::Refused { .. } | Self::TooLarge { .. } | Self::Unreadable { .. } => Retry::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_what_its_first_bytes_say() {
        assert_eq!(PictureForm::of(b"\x89PNG\r\n\x1a\n...."), Some(PictureForm::Png));
        assert_eq!(PictureForm::of(b"\xff\xd8\xff\xe0"), Some(PictureForm::Jpeg));
        assert_eq!(PictureForm::of(b"<html>"), None);
        assert_eq!(PictureForm::of(b""), None);
    }
}
