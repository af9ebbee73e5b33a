//! Who answers for the report: author, verifier, times, what this version follows, what is attached.

use crate::report::PersonName;

use super::PdfError;
use super::block::Block;
use super::content::Draft;
use super::flow::SIDE;
use super::shape::Span;
use super::style::{Color, Style};
use super::words;

/// Writes the block; it stays on one page if a page can hold it.
pub(super) fn write(draft: &mut Draft<'_>) -> Result<(), PdfError> {
    let block = block(draft)?;
    draft.flow.skip(16.0);
    draft.flow.need((block.height() + 14.0).min(draft.flow.full_height()))?;
    let (top, width) = (draft.flow.y, draft.flow.width());
    if let Some((sheet, _)) = draft.flow.sheet() {
        sheet.rule(SIDE, top, width, 0.8, Color::Accent);
    }
    draft.flow.y += 7.0;
    draft.flow.block(&block, SIDE, None)?;
    draft.flow.y += 4.0;
    Ok(())
}

fn block(draft: &mut Draft<'_>) -> Result<Block, PdfError> {
    let (report, edition) = (draft.rendering.report, draft.rendering.edition);
    let mut block = Block::new(draft.flow.width());
    let shaper = &mut draft.shaper;
    let verifier = report.verifier.as_ref().map(|verifier| {
        let organization = verifier.organization.as_deref().unwrap_or_default();
        (person(&verifier.name), words::joined([organization, format!("ID {}", verifier.id).as_str()]))
    });
    let style = Style::VALUE;
    match (edition.verified_at, verifier) {
        (Some(time), Some((name, rest))) => {
            let rest = format!("  ·  {rest}");
            let spans = [
                Span { text: "Electronically verified by ", style },
                Span { text: &name, style: Style::STRONG },
                Span { text: &rest, style },
            ];
            block.push_spans(shaper, "verifier", &spans)?;
            block.push(shaper, "", &words::instant(time), style)?;
        }
        (Some(time), None) => {
            block.push(shaper, "", &format!("Electronically verified {}", words::instant(time)), style)?;
        }
        (None, verifier) => {
            block.push(shaper, "", "Not verified", Style::ALERT)?;
            if let Some((name, rest)) = verifier {
                block.push(shaper, "verifier", &format!("To be verified by {name}  ·  {rest}"), style)?;
            }
        }
    }
    let author = words::joined([
        format!("Written by {}", person(&report.author.name)).as_str(),
        &report.author.role,
        &format!("ID {}", report.author.id),
    ]);
    block.push(shaper, "author", &author, style)?;
    let recorded = format!("Version {} recorded {}", edition.version, words::instant(edition.recorded_at));
    let follows = edition.predecessor.as_ref().map(|before| format!("follows verified version {}", before.version));
    block.push(shaper, "", &words::joined([recorded.as_str(), &follows.unwrap_or_default()]), Style::SMALL)?;
    if let Some(reason) = &edition.reason {
        block.push(shaper, "reason", &format!("Reason for this version: {reason}"), Style::SMALL)?;
    }
    for file in draft.embedded {
        let text = words::joined([format!("Attached: {}", file.name).as_str(), file.description]);
        block.push(shaper, "attachments", &text, Style::DETAIL)?;
    }
    Ok(block)
}

fn person(name: &PersonName) -> String {
    let other = words::other_scripts(name);
    let display = name.to_display();
    if other.is_empty() || display.is_empty() { format!("{display}{other}") } else { format!("{display} ({other})") }
}
