//! The word across a page that must not be taken for a valid report. It is drawn as outlines, so that
//! its letters do not get between the words of whoever searches or copies the page; the foot of each
//! page says the same in text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use printpdf::{DictItem, ExternalStream, ExternalXObject, XObject};
use rustybuzz::ttf_parser::{GlyphId, OutlineBuilder};

use super::PdfError;
use super::shape::Paragraph;

/// Largest size in points, and the part of the diagonal that the word fills.
const LARGEST: f32 = 100.0;
const PART: f32 = 0.76;

/// A form that draws `word`, shaped at a size of one point, along the diagonal of a page.
pub(super) fn form(word: &Paragraph, [width, height]: [f32; 2], rgb: [f32; 3]) -> Result<XObject, PdfError> {
    let size = (width.hypot(height) * PART / word.width()).min(LARGEST);
    let (sin, cos) = (height / width.hypot(height), width / width.hypot(height));
    let [red, green, blue] = rgb;
    // The middle of the word, at half the height of capitals, is the middle of the page.
    let (back, down) = (word.width() * size / 2.0, size * 0.36);
    let (x, y) = (width / 2.0 - back * cos + down * sin, height / 2.0 - back * sin - down * cos);
    let mut path = Path { out: String::new(), scale: 0.0, x: 0.0, y: 0.0, at: (0.0, 0.0) };
    let _ = write!(path.out, "/G gs {red} {green} {blue} rg ");
    let _ = write!(path.out, "{cos:.5} {sin:.5} {:.5} {cos:.5} {x:.2} {y:.2} cm ", -sin);
    for cluster in &word.clusters {
        let Some(run) = word.runs.get(cluster.run) else { continue };
        let face = run.face.face()?;
        for glyph in word.glyphs.get(cluster.glyphs.clone()).unwrap_or_default() {
            path.scale = face.scale * size / 1000.0;
            let begin = path.x;
            path.x += glyph.dx * size / 1000.0;
            path.y = glyph.dy * size / 1000.0;
            let _ = face.shaper.outline_glyph(GlyphId(glyph.id), &mut path);
            path.x = begin + glyph.advance * size / 1000.0;
        }
    }
    path.out.push('f');
    let dict = BTreeMap::from([
        ("Type".to_owned(), name("XObject")),
        ("Subtype".to_owned(), name("Form")),
        ("BBox".to_owned(), DictItem::Array([0.0, 0.0, width, height].map(DictItem::Real).to_vec())),
        ("Resources".to_owned(), dictionary([("ExtGState", dictionary([("G", transparent())]))])),
    ]);
    let stream = ExternalStream { dict, content: path.out.into_bytes(), compress: true };
    Ok(XObject::External(ExternalXObject { stream, width: None, height: None, dpi: None }))
}

fn transparent() -> DictItem {
    dictionary([("Type", name("ExtGState")), ("ca", DictItem::Real(0.13))])
}

fn dictionary<const N: usize>(entries: [(&str, DictItem); N]) -> DictItem {
    DictItem::Dict { map: entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect() }
}

fn name(text: &str) -> DictItem {
    DictItem::Name(text.as_bytes().to_vec())
}

/// Outlines as path operators. PDF has cubic curves only, TrueType quadratic ones.
struct Path {
    out: String,
    scale: f32,
    x: f32,
    y: f32,
    at: (f32, f32),
}

impl Path {
    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, self.y + y * self.scale)
    }

    fn curve(&mut self, first: (f32, f32), second: (f32, f32), end: (f32, f32)) {
        let _ = write!(
            self.out,
            "{:.2} {:.2} {:.2} {:.2} {:.2} {:.2} c ",
            first.0, first.1, second.0, second.1, end.0, end.1
        );
        self.at = end;
    }
}

impl OutlineBuilder for Path {
    fn move_to(&mut self, x: f32, y: f32) {
        self.at = self.place(x, y);
        let _ = write!(self.out, "{:.2} {:.2} m ", self.at.0, self.at.1);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.at = self.place(x, y);
        let _ = write!(self.out, "{:.2} {:.2} l ", self.at.0, self.at.1);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let (control, end, start) = (self.place(x1, y1), self.place(x, y), self.at);
        let toward =
            |from: (f32, f32)| (from.0 + (control.0 - from.0) * 2.0 / 3.0, from.1 + (control.1 - from.1) * 2.0 / 3.0);
        self.curve(toward(start), toward(end), end);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.curve(self.place(x1, y1), self.place(x2, y2), self.place(x, y));
    }

    fn close(&mut self) {
        self.out.push_str("h ");
    }
}
