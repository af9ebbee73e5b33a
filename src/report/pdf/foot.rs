//! What stands on every page: which version of which report it is, its digest, the page's number, and a
//! word across a page that must not be taken for a valid report.

use super::PdfError;
use super::block::Block;
use super::content::Draft;
use super::flow::SIDE;
use super::style::{Color, Style};
use super::{watermark, words};

/// Writes the feet and watermarks of all pages.
pub(super) fn write(draft: &mut Draft<'_>) -> Result<(), PdfError> {
    let (report, edition) = (draft.rendering.report, draft.rendering.edition);
    let [_, page_height] = draft.flow.page;
    let width = draft.flow.width();
    let version = format!("version {}", edition.version);
    let id = format!("Report {}", report.id);
    let mut left = Block::new(width - NUMBER_WIDTH);
    left.push_parts(&mut draft.shaper, "", &[&id, &version, words::foot_state(report.status)], Style::DETAIL)?;
    let digest = format!("Content SHA-256 {}", draft.rendering.content_digest);
    left.push(&mut draft.shaper, "", &digest, Style::DETAIL)?;
    let word = words::watermark(report.status);
    if let Some(word) = word {
        let shaped = draft.shaper.shape("", word, Style::WATERMARK)?;
        draft.images.insert(WATERMARK.to_owned(), watermark::form(&shaped, draft.flow.page, Color::Shade.rgb())?);
    }
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
        if word.is_some() {
            sheet.form(WATERMARK);
        }
    }
    Ok(())
}

const WATERMARK: &str = "Watermark";
const NUMBER_WIDTH: f32 = 90.0;
const FOOT: f32 = 50.0;
