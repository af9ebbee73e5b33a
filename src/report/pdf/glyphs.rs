//! Which glyphs a document uses, and the codes that its pages call them by. A code stands for a glyph
//! together with the text that it shows there: the same glyph for two texts gets two codes, so that
//! what is read from the page is exactly what was written.

use std::collections::{BTreeMap, HashMap};

use subsetter::GlyphRemapper;

use super::PdfError;
use super::fonts::FaceId;

/// The glyphs of all fonts in use.
#[derive(Default)]
pub(super) struct GlyphSet {
    faces: BTreeMap<FaceId, UsedFace>,
}

/// The glyphs of one font in use. Codes count from 1 in the order of first use; 0 is `.notdef`.
#[derive(Default)]
pub(super) struct UsedFace {
    codes: HashMap<u16, HashMap<Box<str>, u16>>,
    /// What the codes stand for; the first entry is that of code 1.
    pub(super) entries: Vec<UsedGlyph>,
    remapper: GlyphRemapper,
}

/// What one code stands for.
pub(super) struct UsedGlyph {
    /// Number in the whole font.
    pub(super) glyph: u16,
    /// Number in the subset.
    pub(super) subset: u16,
    /// The text it shows.
    pub(super) text: Box<str>,
}

impl GlyphSet {
    /// The code of a glyph that shows `text`.
    pub(super) fn code(&mut self, face: FaceId, glyph: u16, text: &str) -> Result<u16, PdfError> {
        let used = self.faces.entry(face).or_default();
        let codes = used.codes.entry(glyph).or_default();
        if let Some(code) = codes.get(text) {
            return Ok(*code);
        }
        let code = u16::try_from(used.entries.len() + 1).ok().ok_or(PdfError::TooManyGlyphs)?;
        codes.insert(text.into(), code);
        let subset = used.remapper.remap(glyph);
        used.entries.push(UsedGlyph { glyph, subset, text: text.into() });
        Ok(code)
    }

    /// The fonts in use, in a stable order.
    pub(super) fn faces(&self) -> impl Iterator<Item = (FaceId, &UsedFace)> {
        self.faces.iter().map(|(id, used)| (*id, used))
    }
}

impl UsedFace {
    /// The font program with the glyphs in use only.
    pub(super) fn program(&self, face: FaceId) -> Result<Vec<u8>, PdfError> {
        let face = face.face()?;
        subsetter::subset(face.bytes, 0, &self.remapper)
            .map_err(|error| PdfError::Subset { name: face.name, detail: error.to_string() })
    }
}
