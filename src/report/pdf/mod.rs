//! The report as a PDF/A-3b document. A `Rendering` and the files to be attached come in, a file goes
//! out; the same input always gives the same bytes. Text is shaped and set here (`shape`, `line`,
//! `block`), pages are written with printpdf (`sheet`), and a pass with lopdf makes the file an archive
//! document (`finish`). Why fonts and glyphs are handled this way: `docs/adr/`.

mod block;
mod content;
mod direction;
mod embed;
mod error;
mod findings;
mod finish;
mod flow;
mod fonts;
mod foot;
mod glyphs;
mod head;
mod icc;
mod items;
mod line;
mod measurements;
mod picture;
mod pictures;
mod read;
mod references;
mod shape;
mod sheet;
mod signature;
mod style;
mod table;
mod watermark;
mod words;
mod xmp;

pub use content::{render, render_strict};
pub use error::{ImageProblem, PdfError};
pub use read::{content_digest, embedded_files};

/// Whether bytes are an image that a document can show, as a logo must be.
pub fn check_image(bytes: &[u8]) -> Result<(), ImageProblem> {
    picture::Picture::read(bytes).map(|_| ())
}

/// A file that the PDF carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Embedded<'a> {
    /// Name, unique within the PDF, as `report.fhir.json`.
    pub name: &'a str,
    /// Media type without parameters.
    pub media_type: &'a str,
    /// Content.
    pub bytes: &'a [u8],
    /// What it is, for people.
    pub description: &'a str,
    /// What it is to the document.
    pub relationship: Relationship,
}

/// What an embedded file is to the document. ISO 32000-2 §7.11.3, ISO 19005-3 §6.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relationship {
    /// The same content in another form.
    Alternative,
    /// What the document was made from.
    Source,
    /// Data behind what the document shows.
    Data,
}

impl Relationship {
    /// The name in the file specification.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alternative => "Alternative",
            Self::Source => "Source",
            Self::Data => "Data",
        }
    }
}

#[cfg(test)]
mod tests;
