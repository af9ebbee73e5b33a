//! The images that the report refers to: numbered where they are first named, listed in full at the end.

use std::collections::BTreeMap;

use crate::base::Uid;
use crate::report::{ImageRef, Report};

use super::PdfError;
use super::block::Block;
use super::content::Draft;
use super::style::Style;
use super::table::{Column, Table};

/// Numbers of images, from 1.
pub(super) struct References<'a> {
    numbers: BTreeMap<Key<'a>, usize>,
    images: Vec<&'a ImageRef>,
}

type Key<'a> = (&'a Uid, &'a Uid, Option<&'a Uid>, Option<u32>);

impl<'a> References<'a> {
    /// Numbers the images of a report in the order in which the document names them.
    pub(super) fn of(report: &'a Report) -> Self {
        let mut out = Self { numbers: BTreeMap::new(), images: Vec::new() };
        let findings = report.structured_findings.iter().flat_map(|finding| &finding.images);
        let measurements = report.measurements.iter().filter_map(|measurement| measurement.image.as_ref());
        let key_images = report.key_images.iter().map(|key| &key.image);
        for image in findings.chain(measurements).chain(key_images) {
            let next = out.images.len() + 1;
            if *out.numbers.entry(key(image)).or_insert(next) == next {
                out.images.push(image);
            }
        }
        out
    }

    /// The number of an image in brackets, `[3]`.
    pub(super) fn number(&self, image: &ImageRef) -> String {
        self.numbers.get(&key(image)).map(|number| format!("[{number}]")).unwrap_or_default()
    }
}

fn key(image: &ImageRef) -> Key<'_> {
    (&image.sop_instance_uid, &image.series_instance_uid, image.sop_class_uid.as_ref(), image.frame)
}

/// The list of all images referred to.
pub(super) fn write(draft: &mut Draft<'_>) -> Result<(), PdfError> {
    if draft.references.images.is_empty() {
        return Ok(());
    }
    let is_known = !draft.rendering.study.series.is_empty();
    let place_width = if is_known { 150.0 } else { 0.0 };
    let mut columns = vec![
        Column::text("No.", 34.0),
        Column::text("Image", draft.flow.width() - 34.0 - 52.0 - place_width),
        Column::text("Frame", 52.0),
    ];
    if is_known {
        columns.push(Column::text("In the archive", place_width));
    }
    let mut table = Table::new(draft, "Referenced Images", columns)?;
    let images = std::mem::take(&mut draft.references.images);
    for (index, image) in images.iter().enumerate() {
        let shaper = &mut draft.shaper;
        let number = Block::of(shaper, "", &(index + 1).to_string(), Style::DETAIL, table.text_width(0))?;
        let mut uids = Block::of(shaper, "", image.sop_instance_uid.as_str(), Style::DETAIL_INK, table.text_width(1))?;
        uids.push(shaper, "", &format!("series {}", image.series_instance_uid), Style::DETAIL)?;
        if let Some(class) = &image.sop_class_uid {
            uids.push(shaper, "", &format!("class {class}"), Style::DETAIL)?;
        }
        let frame = image.frame.map(|frame| frame.to_string()).unwrap_or_default();
        let frame = Block::of(shaper, "", &frame, Style::DETAIL, table.text_width(2))?;
        let mut cells = vec![number, uids, frame];
        if is_known {
            let mut place = Block::new(table.text_width(3));
            if let Some((series, instance)) = draft.rendering.study.instance(&image.sop_instance_uid) {
                let number =
                    |word: &str, number: Option<i32>| number.map(|n| format!("{word} {n}")).unwrap_or_default();
                let description = series.description.as_deref().unwrap_or_default();
                let (series, image) = (number("series", series.number), number("image", instance.number));
                place.push_parts(shaper, "study", &[&series, &image, description], Style::DETAIL)?;
            }
            cells.push(place);
        }
        table.row(&mut draft.flow, &cells)?;
    }
    draft.references.images = images;
    Ok(())
}
