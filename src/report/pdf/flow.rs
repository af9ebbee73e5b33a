//! Pages one after the other: where the next thing goes, and what happens when a page is full.

use super::PdfError;
use super::block::Block;
use super::glyphs::GlyphSet;
use super::sheet::Sheet;
use super::style::Color;

/// The document as it grows. `y` counts in points from the upper edge of the page.
pub(super) struct Flow {
    /// Pages so far; the last is being written.
    pub(super) sheets: Vec<Sheet>,
    /// Glyphs in use.
    pub(super) glyphs: GlyphSet,
    /// Where the next thing goes.
    pub(super) y: f32,
    /// Width and height of a page.
    pub(super) page: [f32; 2],
    /// What stands at the top of each page but the first.
    running_head: Option<Block>,
    /// Headings with the page (from 0) and the height that they stand at.
    pub(super) marks: Vec<Mark>,
}

/// A heading, for the outline.
pub(super) struct Mark {
    /// Words.
    pub(super) title: String,
    /// Page, from 0.
    pub(super) page: usize,
    /// Points from the lower edge of the page.
    pub(super) height: f32,
}

/// A heading that is about to be written.
pub(super) struct Heading {
    /// Words.
    pub(super) title: &'static str,
    /// Its lines.
    pub(super) block: Block,
}

impl Heading {
    /// Writes it, on a page that has room for `following` more points.
    pub(super) fn write(self, flow: &mut Flow, following: f32) -> Result<(), PdfError> {
        flow.skip(11.0);
        flow.need(self.block.height() + 2.0 + following)?;
        flow.mark(self.title);
        flow.block(&self.block, SIDE, None)?;
        flow.y += 2.0;
        Ok(())
    }
}

/// Points between the text and the left and right edges.
pub(super) const SIDE: f32 = 51.0;

const TOP: f32 = 42.0;
const BOTTOM: f32 = 62.0;

/// Most pages that a document may have.
pub(super) const MAX_PAGES: usize = 5000;

impl Flow {
    /// An empty document with one page.
    pub(super) fn new(page: [f32; 2]) -> Self {
        let [_, height] = page;
        Self {
            sheets: vec![Sheet::new(height)],
            glyphs: GlyphSet::default(),
            y: TOP,
            page,
            running_head: None,
            marks: Vec::new(),
        }
    }

    /// Width of the text.
    pub(super) fn width(&self) -> f32 {
        let [width, _] = self.page;
        width - 2.0 * SIDE
    }

    /// Where the text ends.
    pub(super) fn bottom(&self) -> f32 {
        let [_, height] = self.page;
        height - BOTTOM
    }

    /// Height that is left on the page.
    pub(super) fn room(&self) -> f32 {
        self.bottom() - self.y
    }

    /// Height of the text on any page but the first.
    pub(super) fn full_height(&self) -> f32 {
        self.bottom() - self.first_y()
    }

    /// The page that is being written, and the glyphs in use.
    pub(super) fn sheet(&mut self) -> Option<(&mut Sheet, &mut GlyphSet)> {
        self.sheets.last_mut().map(|sheet| (sheet, &mut self.glyphs))
    }

    /// Sets what stands at the top of each page but the first.
    pub(super) fn set_running_head(&mut self, head: Block) {
        self.running_head = Some(head);
    }

    fn first_y(&self) -> f32 {
        TOP + self.running_head.as_ref().map_or(0.0, |head| head.height() + 14.0)
    }

    /// Begins a new page.
    pub(super) fn turn(&mut self) -> Result<(), PdfError> {
        if self.sheets.len() >= MAX_PAGES {
            return Err(PdfError::TooManyPages { limit: MAX_PAGES });
        }
        let [_, height] = self.page;
        let width = self.width();
        self.y = self.first_y();
        let mut sheet = Sheet::new(height);
        if let Some(head) = &self.running_head {
            head.draw_all(&mut sheet, &mut self.glyphs, [SIDE, TOP - 6.0])?;
            sheet.rule(SIDE, TOP - 6.0 + head.height() + 3.0, width, 0.6, Color::Rule);
        }
        self.sheets.push(sheet);
        Ok(())
    }

    /// Begins a new page unless `height` points are left.
    pub(super) fn need(&mut self, height: f32) -> Result<(), PdfError> {
        if self.room() < height && self.y > self.first_y() + 0.1 { self.turn() } else { Ok(()) }
    }

    /// Leaves some room empty, but not at the top of a page.
    pub(super) fn skip(&mut self, height: f32) {
        if self.sheets.len() == 1 || self.y > self.first_y() + 0.1 {
            self.y += height;
        }
    }

    /// Notes a heading at this place for the outline.
    pub(super) fn mark(&mut self, title: &str) {
        let [_, height] = self.page;
        let page = self.sheets.len() - 1;
        self.marks.push(Mark { title: title.to_owned(), page, height: height - self.y });
    }

    /// Writes a stack of lines from `x` on, over as many pages as it takes. At least two lines of it
    /// stand together on either side of a page's end. `bar` draws a line of that colour where lines begin.
    pub(super) fn block(&mut self, block: &Block, x: f32, bar: Option<Color>) -> Result<(), PdfError> {
        self.lines(block, 0, x, bar)
    }

    /// Writes the lines of a stack from `from` on.
    pub(super) fn rest(&mut self, block: &Block, from: usize, x: f32) -> Result<(), PdfError> {
        self.lines(block, from, x, None)
    }

    fn lines(&mut self, block: &Block, mut from: usize, x: f32, bar: Option<Color>) -> Result<(), PdfError> {
        let total = block.len();
        while from < total {
            let mut count = block.fitting(from, self.room());
            let left = total - from;
            if count < left {
                if left - count == 1 && count > 2 {
                    count -= 1;
                }
                if count < 2 && self.y > self.first_y() + 0.1 {
                    self.turn()?;
                    continue;
                }
                count = count.max(1);
            }
            let height = block.height_of(from..from + count);
            let y = self.y;
            let [width, _] = self.page;
            if let Some((sheet, glyphs)) = self.sheet() {
                if let Some(color) = bar {
                    let bar_x = if block.is_rtl() { width - SIDE + 6.8 } else { x - 9.0 };
                    sheet.fill([bar_x, y + 1.0, 2.2, height - 2.0], color);
                }
                block.draw(sheet, glyphs, from..from + count, [x, y])?;
            }
            self.y += height;
            from += count;
            if from < total {
                self.turn()?;
            }
        }
        Ok(())
    }
}
