//! A stack of lines: the paragraphs of a section, of a table's cell, of a caption.

use std::ops::Range;

use super::PdfError;
use super::glyphs::GlyphSet;
use super::line::Line;
use super::shape::{Paragraph, Shaper, Span};
use super::sheet::Sheet;
use super::style::Style;
use super::words;

/// Lines one below the other, broken for one width.
#[derive(Default)]
pub(super) struct Block {
    paragraphs: Vec<Paragraph>,
    lines: Vec<BlockLine>,
    width: f32,
}

struct BlockLine {
    paragraph: usize,
    line: Line,
    leading: f32,
    /// Points that the line is moved to the right of its margin.
    indent: f32,
}

impl Block {
    /// An empty stack whose lines are at most `width` points wide.
    pub(super) fn new(width: f32) -> Self {
        Self { width, ..Self::default() }
    }

    /// Text in one style; each of its lines is a paragraph.
    pub(super) fn of(shaper: &mut Shaper, path: &str, text: &str, style: Style, width: f32) -> Result<Self, PdfError> {
        let mut block = Self::new(width);
        block.push(shaper, path, text, style)?;
        Ok(block)
    }

    /// Adds text in one style; each of its lines is a paragraph.
    pub(super) fn push(&mut self, shaper: &mut Shaper, path: &str, text: &str, style: Style) -> Result<(), PdfError> {
        for line in text.split(is_line_end) {
            let paragraph = shaper.shape(path, &line.replace('\t', TAB), style)?;
            self.add(paragraph);
        }
        Ok(())
    }

    /// Adds a line of a form: a label, a value and so on, in several styles. Line ends in values become
    /// spaces.
    pub(super) fn push_phrase(&mut self, shaper: &mut Shaper, path: &str, spans: &[Span<'_>]) -> Result<(), PdfError> {
        let breaks = |character: char| character == '\t' || is_line_end(character);
        let joined: Vec<String> = spans.iter().map(|span| span.text.replace(breaks, " ")).collect();
        let spans: Vec<Span<'_>> =
            joined.iter().zip(spans).map(|(text, span)| Span { text, style: span.style }).collect();
        let paragraph = shaper.shape_phrase(path, &spans)?;
        self.add(paragraph);
        Ok(())
    }

    /// Adds a line of values parted by dots; empty ones are left out, and so is a line without any.
    pub(super) fn push_parts(
        &mut self,
        shaper: &mut Shaper,
        path: &str,
        parts: &[&str],
        style: Style,
    ) -> Result<(), PdfError> {
        let mut spans = Vec::new();
        for text in parts.iter().filter(|part| !part.is_empty()) {
            if !spans.is_empty() {
                spans.push(Span { text: words::DOT, style });
            }
            spans.push(Span { text, style });
        }
        if spans.is_empty() { Ok(()) } else { self.push_phrase(shaper, path, &spans) }
    }

    fn add(&mut self, paragraph: Paragraph) {
        // An empty line only sets what follows apart.
        let leading = if paragraph.clusters.is_empty() { paragraph.leading * 0.6 } else { paragraph.leading };
        for line in paragraph.wrap(self.width) {
            let indent = if paragraph.is_rtl { (self.width - line.width).max(0.0) } else { 0.0 };
            self.lines.push(BlockLine { paragraph: self.paragraphs.len(), line, leading, indent });
        }
        self.paragraphs.push(paragraph);
    }

    /// Whether the first line runs from right to left.
    pub(super) fn is_rtl(&self) -> bool {
        self.paragraphs.first().is_some_and(|paragraph| paragraph.is_rtl)
    }

    /// Moves all lines to the right margin.
    pub(super) fn align_right(&mut self) {
        for line in &mut self.lines {
            line.indent = (self.width - line.line.width).max(0.0);
        }
    }

    /// Moves all lines into the middle.
    pub(super) fn align_center(&mut self) {
        for line in &mut self.lines {
            line.indent = (self.width - line.line.width).max(0.0) / 2.0;
        }
    }

    /// Moves the first line to the right, if it is the only one of its paragraph.
    pub(super) fn indent_first(&mut self, by: f32) {
        let is_whole = self.lines.get(1).is_none_or(|line| line.paragraph > 0);
        if let Some(line) = self.lines.first_mut().filter(|_| is_whole) {
            line.indent = by.clamp(0.0, (self.width - line.line.width).max(0.0));
        }
    }

    /// Number of lines.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Width of the widest line in points.
    pub(super) fn used_width(&self) -> f32 {
        self.lines.iter().map(|line| line.line.width).fold(0.0, f32::max)
    }

    /// Height of some of the lines in points.
    pub(super) fn height_of(&self, lines: Range<usize>) -> f32 {
        self.lines.get(lines).unwrap_or_default().iter().map(|line| line.leading).sum()
    }

    /// Height of all lines in points.
    pub(super) fn height(&self) -> f32 {
        self.height_of(0..self.lines.len())
    }

    /// How many lines from `from` on fit into `height` points.
    pub(super) fn fitting(&self, from: usize, height: f32) -> usize {
        let mut left = height + 0.01;
        let rest = self.lines.get(from..).unwrap_or_default();
        rest.iter()
            .take_while(|line| {
                left -= line.leading;
                left >= 0.0
            })
            .count()
    }

    /// Writes some of the lines; `x`, `y` is the upper left corner.
    pub(super) fn draw(
        &self,
        sheet: &mut Sheet,
        glyphs: &mut GlyphSet,
        lines: Range<usize>,
        [x, y]: [f32; 2],
    ) -> Result<(), PdfError> {
        let mut top = y;
        for line in self.lines.get(lines).unwrap_or_default() {
            if let Some(paragraph) = self.paragraphs.get(line.paragraph) {
                sheet.text(glyphs, paragraph, &line.line, x + line.indent, top + line.leading * BASE_LINE)?;
            }
            top += line.leading;
        }
        Ok(())
    }

    /// Writes all lines; `x`, `y` is the upper left corner.
    pub(super) fn draw_all(&self, sheet: &mut Sheet, glyphs: &mut GlyphSet, at: [f32; 2]) -> Result<(), PdfError> {
        self.draw(sheet, glyphs, 0..self.lines.len(), at)
    }
}

/// Where in its height a line has its base line, so that ascenders and descenders of the main family
/// have as much air above as below.
const BASE_LINE: f32 = 0.765;

/// What a tabulator is shown as.
const TAB: &str = "    ";

/// UAX 14 BK, and the line feed.
fn is_line_end(character: char) -> bool {
    matches!(character, '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}
