//! What stands on every page: which version of which report it is, its digest, the page's number, and a
//! word across a page that must not be taken for a valid report.

use super::PdfError;
use super::block::Block;
use super::content::Draft;
use super::flow::SIDE;
use super::shape::Span;
use super::style::{Color, Style};
use super::words;

/// Writes the feet and watermarks of all pages.
pub(super) fn write(draft: &mut Draft<'_>) -> Result<(), PdfError> {
    let (report, edition) = (draft.rendering.report, draft.rendering.edition);
    let [page_width, page_height] = draft.flow.page;
    let width = draft.flow.width();
    let version = format!("version {}", edition.version);
    let id = format!("Report {}", report.id);
    let text = words::joined([id.as_str(), &version, words::state(report.status)]);
    let mut left = Block::of(&mut draft.shaper, "", &text, Style::DETAIL, width - NUMBER_WIDTH)?;
    let digest = format!("Content SHA-256 {}", draft.rendering.content_digest);
    left.push(&mut draft.shaper, "", &digest, Style::DETAIL)?;
    let watermark = match words::watermark(report.status) {
        Some(text) => Some(watermark(draft, text)?),
        None => None,
    };
    let count = draft.flow.sheets.len();
    let glyphs = &mut draft.flow.glyphs;
    for (index, sheet) in draft.flow.sheets.iter_mut().enumerate() {
        let number = format!("Page {} of {count}", index + 1);
        let mut number = Block::of(&mut draft.shaper, "", &number, Style::DETAIL, NUMBER_WIDTH)?;
        number.align_right();
        let y = page_height - FOOT;
        sheet.rule(SIDE, y, width, 0.6, Color::Rule);
        left.draw_all(sheet, glyphs, [SIDE, y + 5.0])?;
        number.draw_all(sheet, glyphs, [SIDE + width - NUMBER_WIDTH, y + 5.0])?;
        if let Some(paragraph) = &watermark {
            let angle = (page_height / page_width).atan();
            sheet.across(glyphs, paragraph, [page_width / 2.0, page_height / 2.0], angle)?;
        }
    }
    Ok(())
}

/// A word as large as the diagonal of the page allows.
fn watermark(draft: &mut Draft<'_>, text: &str) -> Result<super::shape::Paragraph, PdfError> {
    let [width, height] = draft.flow.page;
    let style = Style::WATERMARK;
    let natural = draft.shaper.shape("", &[Span { text, style }])?.width();
    let size = (style.size * width.hypot(height) * 0.74 / natural).min(style.size);
    draft.shaper.shape("", &[Span { text, style: Style { size, ..style } }])
}

const NUMBER_WIDTH: f32 = 90.0;
const FOOT: f32 = 50.0;
