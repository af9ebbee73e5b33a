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
    let style = Style::VALUE;
    let plain = |text| Span { text, style };
    let verifier = report.verifier.as_ref();
    let name = verifier.map(|verifier| person(&verifier.name)).unwrap_or_default();
    let organization = verifier.and_then(|verifier| verifier.organization.as_deref()).unwrap_or_default();
    let id = verifier.map(|verifier| format!("ID {}", verifier.id)).unwrap_or_default();
    let begin = match (edition.verified_at, verifier) {
        (Some(_), Some(_)) => "Electronically verified by ",
        (Some(_), None) => "Electronically verified",
        (None, _) => "To be verified by ",
    };
    if edition.verified_at.is_none() {
        block.push(shaper, "", "Not verified", Style::ALERT)?;
    }
    if edition.verified_at.is_some() || verifier.is_some() {
        let mut spans = vec![plain(begin), Span { text: &name, style: Style::STRONG }];
        for text in [organization, &id].into_iter().filter(|text| !text.is_empty()) {
            spans.extend([plain(words::DOT), plain(text)]);
        }
        block.push_phrase(shaper, "verifier", &spans)?;
    }
    if let Some(time) = edition.verified_at {
        block.push(shaper, "", &words::instant(time), style)?;
    }
    let (name, id) = (person(&report.author.name), format!("ID {}", report.author.id));
    let author = [
        plain("Written by "),
        plain(&name),
        plain(words::DOT),
        plain(&report.author.role),
        plain(words::DOT),
        plain(&id),
    ];
    block.push_phrase(shaper, "author", &author)?;
    let recorded = format!("Version {} recorded {}", edition.version, words::instant(edition.recorded_at));
    let follows = edition.predecessor.as_ref().map(|before| format!("follows verified version {}", before.version));
    block.push_parts(shaper, "", &[&recorded, &follows.unwrap_or_default()], Style::SMALL)?;
    if let Some(reason) = &edition.reason {
        let label = Span { text: "Reason for this version: ", style: Style::SMALL };
        block.push_phrase(shaper, "reason", &[label, Span { text: reason, style: Style::SMALL }])?;
    }
    for file in draft.embedded {
        let name = format!("Attached: {}", file.name);
        block.push_parts(shaper, "attachments", &[&name, file.description], Style::DETAIL)?;
    }
    Ok(block)
}

fn person(name: &PersonName) -> String {
    let other = words::other_scripts(name);
    let display = name.to_display();
    if other.is_empty() || display.is_empty() { format!("{display}{other}") } else { format!("{display} ({other})") }
}
