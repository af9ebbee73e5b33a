//! The table of measurements. Values stand with their decimal points below each other, digit for digit
//! as they were written.

use crate::report::Measurement;

use super::PdfError;
use super::block::Block;
use super::content::Draft;
use super::shape::Shaper;
use super::style::Style;
use super::table::{Column, Table};
use super::words;

/// Writes the table, if there are measurements.
pub(super) fn write(draft: &mut Draft<'_>) -> Result<(), PdfError> {
    let measurements = &draft.rendering.report.measurements;
    if measurements.is_empty() {
        return Ok(());
    }
    let width = draft.flow.width();
    let columns = vec![
        Column::text("No.", 28.0),
        Column::text("Measurement", width - 28.0 - 66.0 - 64.0 - 110.0 - 42.0),
        Column::number("Value", 66.0),
        Column::text("Unit", 64.0),
        Column::text("Site", 110.0),
        Column::text("Image", 42.0),
    ];
    let mut table = Table::new(draft, "Measurements", columns)?;
    let axis = DecimalAxis::of(&mut draft.shaper, measurements, table.text_width(2))?;
    for (index, measurement) in measurements.iter().enumerate() {
        let cells = cells(draft, &table, &axis, index, measurement)?;
        table.row(&mut draft.flow, &cells)?;
    }
    Ok(())
}

fn cells(
    draft: &mut Draft<'_>,
    table: &Table,
    axis: &DecimalAxis,
    index: usize,
    measurement: &Measurement,
) -> Result<[Block; 6], PdfError> {
    let path = format!("measurements[{index}]");
    let image = measurement.image.as_ref().map(|image| draft.references.number(image)).unwrap_or_default();
    let shaper = &mut draft.shaper;
    let number = Block::of(shaper, "", &(index + 1).to_string(), Style::CELL, table.text_width(0))?;
    let mut label = Block::of(shaper, &format!("{path}.label"), &measurement.label, Style::CELL, table.text_width(1))?;
    let id = format!("ID {}", measurement.id);
    let code = measurement.code.as_ref().map(|code| words::coded(code, &measurement.label)).unwrap_or_default();
    let method = measurement.method.as_ref().map(|method| format!("method {}", words::coded(method, "")));
    let tracking = measurement.tracking_id.as_ref().map(|id| format!("tracked as {id}"));
    let (method, tracking) = (method.unwrap_or_default(), tracking.unwrap_or_default());
    label.push_parts(shaper, &path, &[&id, &code, &method, &tracking], Style::DETAIL)?;
    let mut value = Block::of(shaper, "", measurement.value.as_str(), Style::NUMBER, table.text_width(2))?;
    value.indent_first(axis.indent(shaper, measurement)?);
    let unit =
        Block::of(shaper, &format!("{path}.unit"), words::unit(&measurement.unit), Style::CELL, table.text_width(3))?;
    let mut site = Block::new(table.text_width(4));
    let place = words::site(measurement.body_site.as_ref(), measurement.laterality);
    site.push(shaper, &format!("{path}.bodySite"), &place, Style::CELL)?;
    if let Some(concept) = &measurement.body_site {
        site.push(shaper, &format!("{path}.bodySite"), &words::code(concept), Style::DETAIL)?;
    }
    let image = Block::of(shaper, "", &image, Style::CELL, table.text_width(5))?;
    Ok([number, label, value, unit, site, image])
}

/// Where the decimal points of a column stand: as far right as the longest fraction allows.
struct DecimalAxis {
    /// Points from the left edge of the column.
    at: f32,
}

impl DecimalAxis {
    fn of(shaper: &mut Shaper, measurements: &[Measurement], width: f32) -> Result<Self, PdfError> {
        let (mut before, mut after) = (0.0_f32, 0.0_f32);
        for measurement in measurements {
            let value = measurement.value.as_str();
            let whole = width_of(shaper, value)?;
            let integer = width_of(shaper, integer_part(value))?;
            // A value that needs several lines has no place on the axis.
            if whole <= width {
                before = before.max(integer);
                after = after.max(whole - integer);
            }
        }
        Ok(Self { at: before.max(width - after) })
    }

    fn indent(&self, shaper: &mut Shaper, measurement: &Measurement) -> Result<f32, PdfError> {
        Ok((self.at - width_of(shaper, integer_part(measurement.value.as_str()))?).max(0.0))
    }
}

fn integer_part(value: &str) -> &str {
    value.split('.').next().unwrap_or(value)
}

fn width_of(shaper: &mut Shaper, text: &str) -> Result<f32, PdfError> {
    Ok(shaper.shape("", text, Style::NUMBER)?.width())
}
