//! One page: text, rectangles, rules and images at places counted in points from the upper left corner,
//! kept as printpdf operations.

use std::collections::BTreeMap;

use printpdf::{
    Codepoint, DictItem, FontId, Op, PaintMode, PdfFontHandle, Pt, Rect, Rgb, TextItem, TextMatrix, TextRenderingMode,
    XObjectId, XObjectTransform,
};

use super::PdfError;
use super::fonts::FaceId;
use super::glyphs::GlyphSet;
use super::line::Line;
use super::shape::{Paragraph, Run};
use super::style::Color;

/// A page that is being written.
pub(super) struct Sheet {
    /// Operations so far.
    pub(super) ops: Vec<Op>,
    height: f32,
    fill: Option<Color>,
    font: Option<(FaceId, f32)>,
    is_thickened: bool,
}

impl Sheet {
    /// An empty page of `height` points.
    pub(super) fn new(height: f32) -> Self {
        Self { ops: Vec::new(), height, fill: None, font: None, is_thickened: false }
    }

    /// Fills a rectangle whose upper left corner is at `x`, `y`.
    pub(super) fn fill(&mut self, [x, y, width, height]: [f32; 4], color: Color) {
        self.set_fill(color);
        let rectangle = Rect {
            x: point(x),
            y: point(self.height - y - height),
            width: point(width),
            height: point(height),
            mode: Some(PaintMode::Fill),
            winding_order: None,
        };
        self.ops.push(Op::DrawRectangle { rectangle });
    }

    /// A horizontal line from `x` on, `width` long, below `y`.
    pub(super) fn rule(&mut self, x: f32, y: f32, width: f32, thickness: f32, color: Color) {
        self.fill([x, y, width, thickness], color);
    }

    /// Shows an image in the rectangle whose upper left corner is at `x`, `y`.
    pub(super) fn image(&mut self, name: &str, [x, y, width, height]: [f32; 4]) {
        let transform = XObjectTransform {
            translate_x: Some(point(x)),
            translate_y: Some(point(self.height - y - height)),
            scale_x: Some(point(width).0),
            scale_y: Some(point(height).0),
            no_auto_scale: true,
            ..XObjectTransform::default()
        };
        self.ops.push(Op::UseXobject { id: XObjectId(name.to_owned()), transform });
    }

    /// Draws a form that covers the page.
    pub(super) fn form(&mut self, name: &str) {
        let transform = XObjectTransform { no_auto_scale: true, ..XObjectTransform::default() };
        self.ops.push(Op::UseXobject { id: XObjectId(name.to_owned()), transform });
    }

    /// Writes a line of a paragraph: `x` is its left end, `y` its base line.
    pub(super) fn text(
        &mut self,
        glyphs: &mut GlyphSet,
        paragraph: &Paragraph,
        line: &Line,
        x: f32,
        y: f32,
    ) -> Result<(), PdfError> {
        let matrix = [1.0, 0.0, 0.0, 1.0, round(x), round(self.height - y)];
        if line.clusters.is_empty() {
            return Ok(());
        }
        self.ops.push(Op::StartTextSection);
        self.ops.push(Op::SetTextMatrix { matrix: TextMatrix::Raw(matrix) });
        let mut pen = Pen::default();
        for cluster in paragraph.visual(line) {
            let Some(run) = paragraph.runs.get(cluster.run) else { continue };
            self.select(run, &mut pen);
            let shown = paragraph.text.get(cluster.text.clone()).unwrap_or_default();
            let members = paragraph.glyphs.get(cluster.glyphs.clone()).unwrap_or_default();
            // Several glyphs together show several characters: which shows which cannot be said, so the
            // text is written beside them (ISO 32000-1 §14.9.4). From right to left the readers that turn
            // text round would turn this round too; there each glyph gets a character, in their order.
            let singles: Vec<&str> = if run.level.is_rtl() { characters(shown) } else { Vec::new() };
            let is_spread = singles.len() == members.len();
            let is_marked = members.len() > 1 && !is_spread;
            if is_marked {
                pen.flush(&mut self.ops);
                self.ops.push(begin_actual_text(shown));
            }
            let face = run.face.face()?;
            let mut right = pen.target;
            for (index, glyph) in members.iter().enumerate() {
                let text = match (is_spread, index) {
                    (true, _) => singles.iter().rev().nth(index).copied().unwrap_or(NOTHING),
                    (false, 0) => shown,
                    (false, _) => NOTHING,
                };
                let code = glyphs.code(run.face, glyph.id, text)?;
                pen.put(&mut self.ops, code, face.width(glyph.id), glyph.dx, glyph.dy, run.style.size);
                right = pen.actual;
                pen.target += glyph.advance * run.style.size / 1000.0;
            }
            if is_marked {
                if (pen.target - right).abs() > run.style.size * 0.05
                    && let Some(space) = face.shaper.glyph_index(' ')
                {
                    // Readers take such a piece of text to reach from its first glyph to its last. That
                    // would be a mark over the middle of a letter, and the next letter too far away to be
                    // of the same word: a space ends the piece where its advance ends.
                    let code = glyphs.code(run.face, space.0, NOTHING)?;
                    let width = face.width(space.0);
                    #[expect(clippy::cast_precision_loss, reason = "widths are a few thousand at most")]
                    let back = -(width as f32);
                    pen.put(&mut self.ops, code, width, back, 0.0, run.style.size);
                }
                pen.flush(&mut self.ops);
                self.ops.push(Op::EndMarkedContentWithProperties);
            }
        }
        pen.flush(&mut self.ops);
        pen.level(&mut self.ops, 0.0);
        self.ops.push(Op::EndTextSection);
        Ok(())
    }

    fn select(&mut self, run: &Run, pen: &mut Pen) {
        let font = (run.face, run.style.size);
        let thicken = run.style.bold && !run.face.is_bold();
        if self.fill == Some(run.style.color) && self.font == Some(font) && self.is_thickened == thicken {
            return;
        }
        pen.flush(&mut self.ops);
        if self.font != Some(font) {
            let handle = PdfFontHandle::External(FontId(run.face.resource_name()));
            self.ops.push(Op::SetFont { font: handle, size: Pt(run.style.size) });
            self.font = Some(font);
        }
        if self.is_thickened != thicken {
            let mode = if thicken { TextRenderingMode::FillStroke } else { TextRenderingMode::Fill };
            self.ops.push(Op::SetTextRenderingMode { mode });
            self.is_thickened = thicken;
        }
        if thicken {
            // The font has no bold: its outline is drawn too.
            self.ops.push(Op::SetOutlineThickness { pt: point(run.style.size * 0.032) });
            self.ops.push(Op::SetOutlineColor { col: rgb(run.style.color) });
        }
        self.set_fill(run.style.color);
    }

    fn set_fill(&mut self, color: Color) {
        if self.fill != Some(color) {
            self.ops.push(Op::SetFillColor { col: rgb(color) });
            self.fill = Some(color);
        }
    }
}

/// Where the viewer's pen is within a line, and what waits to be shown. Distances in points from the
/// beginning of the line.
#[derive(Default)]
struct Pen {
    /// Where the next cluster begins.
    target: f32,
    /// Where the viewer's pen is.
    actual: f32,
    rise: f32,
    items: Vec<TextItem>,
}

impl Pen {
    fn put(&mut self, ops: &mut Vec<Op>, code: u16, width: i64, dx: f32, dy: f32, size: f32) {
        self.level(ops, round(dy * size / 1000.0));
        let behind = (self.target + dx * size / 1000.0 - self.actual) * 1000.0 / size;
        // Less than half a thousandth of an em is the rounding of widths; it does not add up, because
        // the pen is followed.
        if behind.abs() >= 0.5 {
            let shift = -behind.round();
            match self.items.last_mut() {
                Some(TextItem::GlyphIds(glyphs)) if !glyphs.is_empty() => {
                    if let Some(last) = glyphs.last_mut() {
                        last.offset += shift;
                    }
                }
                _ => self.items.push(TextItem::Offset(shift)),
            }
            self.actual -= shift * size / 1000.0;
        }
        match self.items.last_mut() {
            Some(TextItem::GlyphIds(glyphs)) => glyphs.push(Codepoint::new(code, 0.0)),
            _ => self.items.push(TextItem::GlyphIds(vec![Codepoint::new(code, 0.0)])),
        }
        #[expect(clippy::cast_precision_loss, reason = "widths are a few thousand at most")]
        let width = width as f32;
        self.actual += width * size / 1000.0;
    }

    fn level(&mut self, ops: &mut Vec<Op>, rise: f32) {
        if (self.rise - rise).abs() > 0.004 {
            self.flush(ops);
            ops.push(Op::SetLineOffset { multiplier: rise });
            self.rise = rise;
        }
    }

    fn flush(&mut self, ops: &mut Vec<Op>) {
        if !self.items.is_empty() {
            ops.push(Op::ShowText { items: std::mem::take(&mut self.items) });
        }
    }
}

/// Zero width space: the text of glyphs whose text another one carries.
const NOTHING: &str = "\u{200b}";

fn begin_actual_text(text: &str) -> Op {
    let bytes = utf16(text);
    let map = BTreeMap::from([("ActualText".to_owned(), DictItem::Bytes(bytes))]);
    Op::BeginMarkedContentWithProperties { tag: "Span".to_owned(), properties: DictItem::Dict { map } }
}

fn characters(text: &str) -> Vec<&str> {
    let ends = text.char_indices().map(|(start, character)| start..start + character.len_utf8());
    ends.filter_map(|range| text.get(range)).collect()
}

/// A text string in UTF-16BE with its mark. ISO 32000-1 §7.9.2.2.
pub(super) fn utf16(text: &str) -> Vec<u8> {
    [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect()
}

fn rgb(color: Color) -> printpdf::Color {
    let [r, g, b] = color.rgb();
    printpdf::Color::Rgb(Rgb { r, g, b, icc_profile: None })
}

fn point(value: f32) -> Pt {
    Pt(round(value))
}

fn round(value: f32) -> f32 {
    (value * 1000.0).round() / 1000.0
}
