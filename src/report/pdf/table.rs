//! Tables: columns with a head that is repeated on every page, rows whose cells wrap and that break
//! over pages only when they are taller than a page has room for.

use super::PdfError;
use super::block::Block;
use super::content::Draft;
use super::flow::{Flow, Heading, SIDE};
use super::style::{Color, Style};

/// A column.
pub(super) struct Column {
    /// Head.
    pub(super) title: &'static str,
    /// Width in points, with the room between columns.
    pub(super) width: f32,
    /// Whether its text ends at the right edge.
    pub(super) is_right: bool,
}

impl Column {
    /// A column of text.
    pub(super) fn text(title: &'static str, width: f32) -> Self {
        Self { title, width, is_right: false }
    }

    /// A column of numbers.
    pub(super) fn number(title: &'static str, width: f32) -> Self {
        Self { title, width, is_right: true }
    }
}

/// A table that is being written.
pub(super) struct Table {
    columns: Vec<Column>,
    head: Vec<Block>,
    /// What stands above the table; taken when the first row is written.
    heading: Option<Heading>,
}

/// Room between two columns, and above and below a row's text.
pub(super) const GAP: f32 = 7.0;
const PAD: f32 = 3.0;

/// Less room than this is not worth beginning a tall row in.
const LEAST: f32 = 60.0;

impl Table {
    /// A table with these columns under a heading.
    pub(super) fn new(draft: &mut Draft<'_>, title: &'static str, columns: Vec<Column>) -> Result<Self, PdfError> {
        let heading = Some(draft.heading(title)?);
        let shaper = &mut draft.shaper;
        let head = columns
            .iter()
            .map(|column| {
                let mut block = Block::of(shaper, "", column.title, Style::HEAD, column.width - GAP)?;
                if column.is_right {
                    block.align_right();
                }
                Ok(block)
            })
            .collect::<Result<_, PdfError>>()?;
        Ok(Self { columns, head, heading })
    }

    /// Width of the text in a column.
    pub(super) fn text_width(&self, column: usize) -> f32 {
        self.columns.get(column).map_or(0.0, |column| column.width - GAP)
    }

    /// Writes a row. It stays on one page unless it is taller than half a page.
    pub(super) fn row(&mut self, flow: &mut Flow, cells: &[Block]) -> Result<(), PdfError> {
        let height = cells.iter().map(Block::height).fold(0.0, f32::max) + 2.0 * PAD;
        let head_height = self.head_height();
        if let Some(heading) = self.heading.take() {
            heading.write(flow, head_height + height.min(flow.full_height() / 2.0))?;
            self.draw_head(flow)?;
        } else if flow.room() < height && (height < flow.full_height() / 2.0 || flow.room() < LEAST) {
            flow.turn()?;
            self.draw_head(flow)?;
        }
        let mut from = vec![0; cells.len()];
        loop {
            let room = flow.room() - 2.0 * PAD;
            let mut used: f32 = 0.0;
            let mut is_whole = true;
            let mut x = SIDE;
            let y = flow.y;
            let Some((sheet, glyphs)) = flow.sheet() else { return Ok(()) };
            for ((cell, from), column) in cells.iter().zip(&mut from).zip(&self.columns) {
                let count = cell.fitting(*from, room);
                cell.draw(sheet, glyphs, *from..*from + count, [x + GAP / 2.0, y + PAD])?;
                used = used.max(cell.height_of(*from..*from + count));
                *from += count;
                is_whole &= *from == cell.len();
                x += column.width;
            }
            let width = self.columns.iter().map(|column| column.width).sum();
            sheet.rule(SIDE, y + used + 2.0 * PAD, width, 0.5, Color::Rule);
            flow.y += used + 2.0 * PAD + 0.5;
            if is_whole {
                return Ok(());
            }
            flow.turn()?;
            self.draw_head(flow)?;
        }
    }

    fn head_height(&self) -> f32 {
        self.head.iter().map(Block::height).fold(0.0, f32::max) + 2.0 * PAD
    }

    fn draw_head(&self, flow: &mut Flow) -> Result<(), PdfError> {
        let height = self.head_height();
        let y = flow.y;
        let Some((sheet, glyphs)) = flow.sheet() else { return Ok(()) };
        let width: f32 = self.columns.iter().map(|column| column.width).sum();
        sheet.fill([SIDE, y, width, height], Color::Ground);
        sheet.rule(SIDE, y + height - 0.8, width, 0.8, Color::Accent);
        let mut x = SIDE;
        for (block, column) in self.head.iter().zip(&self.columns) {
            block.draw_all(sheet, glyphs, [x + GAP / 2.0, y + PAD])?;
            x += column.width;
        }
        flow.y += height;
        Ok(())
    }
}
