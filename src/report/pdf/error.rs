//! What can go wrong when a PDF is written or read back.

use crate::base::Retry;

/// Why a PDF could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// The letterhead's logo cannot be shown.
    #[error("the logo cannot be shown: {0}")]
    Logo(ImageProblem),
    /// No shipped font has a glyph for a character. Only the strict rendering fails with it; the other
    /// prints the code point and names the character in the loss report.
    #[error("{path} has the character U+{:04X}, for which no font has a glyph", u32::from(*character))]
    MissingGlyph {
        /// Element of the report, `sections.findings`.
        path: String,
        /// The character.
        character: char,
    },
    /// Two attachments have the same name.
    #[error("two attachments are called {0}")]
    DuplicateAttachment(String),
    /// The report would fill more pages than are allowed.
    #[error("the document has more than {limit} pages")]
    TooManyPages {
        /// Greatest number of pages.
        limit: usize,
    },
    /// The report uses more than 65535 pieces of text with a glyph of their own in one font.
    #[error("the document has too many different glyphs")]
    TooManyGlyphs,
    /// A font that comes with the program cannot be read.
    #[error("font {0} cannot be read")]
    Font(&'static str),
    /// A font that comes with the program cannot be cut down to the glyphs in use.
    #[error("font {name} cannot be subset: {detail}")]
    Subset {
        /// PostScript name.
        name: &'static str,
        /// What the subsetter said.
        detail: String,
    },
    /// The PDF cannot be put together or taken apart.
    #[error("the PDF is malformed")]
    Pdf(#[from] lopdf::Error),
    /// The file is larger than what is read.
    #[error("the file is larger than {limit} bytes")]
    FileTooLarge {
        /// Greatest size in bytes.
        limit: usize,
    },
    /// What is embedded is larger than what is read.
    #[error("the embedded files are larger than {limit} bytes")]
    EmbeddedTooLarge {
        /// Greatest size in bytes.
        limit: usize,
    },
    /// The PDF has more embedded files than are read.
    #[error("the PDF has more than {limit} embedded files")]
    TooManyEmbedded {
        /// Greatest number.
        limit: usize,
    },
    /// The PDF is encrypted; those that Causeway writes are not (ISO 19005-3 §6.1.3).
    #[error("the PDF is encrypted")]
    Encrypted,
}

/// Why bytes cannot be shown as an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImageProblem {
    /// They are neither PNG nor JPEG.
    #[error("neither PNG nor JPEG")]
    Format,
    /// They begin like an image but cannot be decoded.
    #[error("damaged")]
    Damaged,
    /// There are too many of them.
    #[error("more than {limit} bytes")]
    Bytes {
        /// Greatest number of bytes.
        limit: usize,
    },
    /// The image has too many pixels.
    #[error("more than {limit} pixels")]
    Pixels {
        /// Greatest number of pixels.
        limit: u64,
    },
}

impl PdfError {
    /// Rendering is a pure function: what failed fails again.
    pub fn retry(&self) -> Retry {
        Retry::Never
    }
}
