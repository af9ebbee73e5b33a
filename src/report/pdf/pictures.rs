//! Key images, two beside each other, each with what it shows. An image that could not be had leaves a
//! frame that says so.

use crate::report::KeyImage;

use super::block::Block;
use super::content::Draft;
use super::flow::SIDE;
use super::head::fitted;
use super::picture::{MAX_BYTES, Picture};
use super::style::{Color, Style};
use super::{ImageProblem, PdfError};

/// Most bytes of images in one document.
const MAX_TOTAL_BYTES: usize = 4 * MAX_BYTES;
const GAP: f32 = 16.0;
const HEIGHT: f32 = 210.0;
const EMPTY_HEIGHT: f32 = 46.0;

/// Writes the key images, if there are any.
pub(super) fn write(draft: &mut Draft<'_>) -> Result<(), PdfError> {
    let keys = &draft.rendering.report.key_images;
    let width = (draft.flow.width() - GAP) / 2.0;
    let mut total = 0;
    for (row, pair) in keys.chunks(2).enumerate() {
        let cells = pair
            .iter()
            .enumerate()
            .map(|(column, key)| cell(draft, 2 * row + column, key, width, &mut total))
            .collect::<Result<Vec<_>, _>>()?;
        let image_height =
            cells.iter().map(|cell| cell.size.map_or(EMPTY_HEIGHT, |[_, height]| height)).fold(0.0, f32::max);
        let caption_height = cells.iter().map(|cell| cell.caption.height()).fold(0.0, f32::max);
        let height = image_height + 4.0 + caption_height + 8.0;
        if row == 0 {
            draft.heading("Key Images")?.write(&mut draft.flow, height)?;
        }
        draft.flow.need(height.min(draft.flow.full_height()))?;
        draw(draft, &cells, width, image_height)?;
    }
    Ok(())
}

struct Cell {
    name: String,
    /// Why there is no image.
    problem: Block,
    /// Size on the page; `None` if there is no image.
    size: Option<[f32; 2]>,
    caption: Block,
}

fn cell(draft: &mut Draft<'_>, index: usize, key: &KeyImage, width: f32, total: &mut usize) -> Result<Cell, PdfError> {
    let path = format!("keyImages[{index}]");
    let name = format!("Key{}", index + 1);
    let pixels = draft.rendering.images.iter().find(|image| image.index == index);
    let mut size = None;
    let mut problem = "";
    match pixels {
        None => {
            problem = "Image not available";
            if !draft.losses.0.iter().any(|loss| loss.path.starts_with(&path)) {
                draft.losses.add(&path, "the image was not available; its reference is shown");
            }
        }
        Some(image) => match read(&image.bytes, total) {
            Ok(picture) => {
                size = Some(fitted(&picture, [width, HEIGHT]));
                draft.keep_image(&name, picture);
            }
            Err(error) => {
                problem = "Image cannot be shown";
                draft.losses.add(&path, format!("the image cannot be shown: {error}"));
            }
        },
    }
    let mut caption = Block::new(width);
    let reference = draft.references.number(&key.image);
    let heading = format!("Key image {}", index + 1);
    caption.push_parts(&mut draft.shaper, "", &[&heading, &reference], Style::DETAIL)?;
    if let Some(text) = &key.caption {
        caption.push(&mut draft.shaper, &format!("{path}.caption"), text, Style::CELL)?;
    }
    let mut problem = Block::of(&mut draft.shaper, "", problem, Style::SMALL, width)?;
    problem.align_center();
    Ok(Cell { name, problem, size, caption })
}

fn read(bytes: &[u8], total: &mut usize) -> Result<Picture, ImageProblem> {
    if *total + bytes.len() > MAX_TOTAL_BYTES {
        return Err(ImageProblem::Bytes { limit: MAX_TOTAL_BYTES });
    }
    let picture = Picture::read(bytes)?;
    *total += bytes.len();
    Ok(picture)
}

fn draw(draft: &mut Draft<'_>, cells: &[Cell], width: f32, image_height: f32) -> Result<(), PdfError> {
    let top = draft.flow.y;
    let mut x = SIDE;
    let mut caption_height: f32 = 0.0;
    let room = draft.flow.room() - image_height - 4.0;
    for cell in cells {
        let Some((sheet, glyphs)) = draft.flow.sheet() else { return Ok(()) };
        match cell.size {
            Some([image_width, height]) => sheet.image(&cell.name, [x, top, image_width, height]),
            None => {
                sheet.fill([x, top, width, EMPTY_HEIGHT], Color::Ground);
                let middle = top + (EMPTY_HEIGHT - cell.problem.height()) / 2.0;
                cell.problem.draw_all(sheet, glyphs, [x, middle])?;
            }
        }
        let below = top + cell.size.map_or(EMPTY_HEIGHT, |[_, height]| height) + 4.0;
        let fitting = cell.caption.fitting(0, room);
        cell.caption.draw(sheet, glyphs, 0..fitting, [x, below])?;
        caption_height = caption_height.max(cell.caption.height_of(0..fitting));
        x += width + GAP;
    }
    draft.flow.y = top + image_height + 4.0 + caption_height + 8.0;
    // What is left of captions that are longer than a page stands below.
    for cell in cells {
        let fitting = cell.caption.fitting(0, room);
        if fitting < cell.caption.len() {
            draft.flow.rest(&cell.caption, fitting, SIDE)?;
        }
    }
    Ok(())
}
