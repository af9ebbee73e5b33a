//! The table of structured findings.

use crate::report::Finding;

use super::PdfError;
use super::block::Block;
use super::content::Draft;
use super::style::Style;
use super::table::{Column, Table};
use super::words;

/// Writes the table, if there are findings.
pub(super) fn write(draft: &mut Draft<'_>) -> Result<(), PdfError> {
    let findings = &draft.rendering.report.structured_findings;
    if findings.is_empty() {
        return Ok(());
    }
    let width = draft.flow.width();
    let columns = vec![
        Column::text("No.", 30.0),
        Column::text("Finding", width - 30.0 - 118.0 - 66.0 - 50.0),
        Column::text("Site", 118.0),
        Column::text("Severity", 66.0),
        Column::text("Images", 50.0),
    ];
    let mut table = Table::new(draft, "Structured Findings", columns)?;
    for (index, finding) in findings.iter().enumerate() {
        let cells = cells(draft, &table, index, finding)?;
        table.row(&mut draft.flow, &cells)?;
    }
    Ok(())
}

fn cells(draft: &mut Draft<'_>, table: &Table, index: usize, finding: &Finding) -> Result<[Block; 5], PdfError> {
    let path = format!("structuredFindings[{index}]");
    let images: Vec<String> = finding.images.iter().map(|image| draft.references.number(image)).collect();
    let shaper = &mut draft.shaper;
    let number = Block::of(shaper, "", &(index + 1).to_string(), Style::CELL, table.text_width(0))?;
    let mut text = Block::new(table.text_width(1));
    if finding.critical {
        text.push(shaper, "", "CRITICAL", Style::ALERT)?;
    }
    let display = finding.code.as_ref().map_or("", |code| code.display.as_str());
    if !display.is_empty() && display != finding.text {
        text.push(shaper, &format!("{path}.code"), display, Style::NUMBER)?;
    }
    text.push(shaper, &format!("{path}.text"), &finding.text, Style::CELL)?;
    let code = finding.code.as_ref().map(words::code).unwrap_or_default();
    text.push_parts(shaper, &path, &[&format!("ID {}", finding.id), &code], Style::DETAIL)?;
    let mut site = Block::new(table.text_width(2));
    let place = words::site(finding.body_site.as_ref(), finding.laterality);
    site.push(shaper, &format!("{path}.bodySite"), &place, Style::CELL)?;
    if let Some(concept) = &finding.body_site {
        site.push(shaper, &format!("{path}.bodySite"), &words::code(concept), Style::DETAIL)?;
    }
    let severity = finding.severity.map_or("", words::severity);
    let severity = Block::of(shaper, "", severity, Style::CELL, table.text_width(3))?;
    let images = Block::of(shaper, "", &images.join(" "), Style::CELL, table.text_width(4))?;
    Ok([number, text, site, severity, images])
}
