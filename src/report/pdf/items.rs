//! What can be shaped at once: stretches of one style, direction, font and script, not too long.

use std::ops::Range;

use rustybuzz::Script;
use rustybuzz::ttf_parser::Tag;
use unicode_bidi::Level;
use unicode_normalization::char::canonical_combining_class;

use super::fonts::Family;
use super::style::Style;

/// What can be shaped at once.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Bytes of the paragraph.
    pub(super) text: Range<usize>,
    /// Look.
    pub(super) style: Style,
    /// Embedding level.
    pub(super) level: Level,
    /// Font; `None` if there is none.
    pub(super) family: Option<Family>,
    /// Script, unless all its characters belong to any.
    pub(super) script: Option<Script>,
    /// Number of characters since the last space.
    pub(super) unbroken: usize,
}

/// Adds an item, or lets the one before go on if both can be shaped at once.
pub(super) fn add(items: &mut Vec<Item>, item: Item, text: &str) {
    let Some(last) = items.last_mut() else { return items.push(item) };
    let is_alike = last.style == item.style
        && last.level == item.level
        && last.family.is_some()
        && last.family == item.family
        && (last.script.is_none() || item.script.is_none() || last.script == item.script);
    if !is_alike || is_full(last, &item, text) {
        return items.push(item);
    }
    last.unbroken = if item.unbroken == 0 { 0 } else { last.unbroken + item.unbroken };
    last.text.end = item.text.end;
    last.script = last.script.or(item.script);
}

/// The shaper takes a time that grows with the square of some sequences that no language has, and gives
/// up on others (rustybuzz 0.20 counts the glyphs of an Indic syllable in a byte). So a run ends where
/// nothing is lost, after 64 characters without a space; a little later if a conjunct would be cut.
fn is_full(last: &Item, next: &Item, text: &str) -> bool {
    if next.unbroken == 0 {
        return last.text.len() > LONGEST_RUN;
    }
    let end = text.get(last.text.clone()).and_then(|text| text.chars().next_back());
    let is_conjunct = end.is_some_and(|end| canonical_combining_class(end) == VIRAMA);
    last.unbroken + next.unbroken > if is_conjunct { LONGEST_WORD + 8 } else { LONGEST_WORD }
}

/// Most characters without a space that are shaped at once.
const LONGEST_WORD: usize = 64;
/// Most characters of a grapheme that is kept together.
pub(super) const LONGEST_GRAPHEME: usize = 32;
/// Bytes after which a run ends at the next space.
const LONGEST_RUN: usize = 4096;
/// Canonical combining class of viramas (UAX 44 §5.7.4).
const VIRAMA: u8 = 9;

/// Whether a script is one of its own and not common to several.
pub(super) fn is_real(script: unicode_script::Script) -> bool {
    use unicode_script::Script as S;
    !matches!(script, S::Common | S::Inherited | S::Unknown)
}

/// A script by its ISO 15924 code.
pub(super) fn iso15924(short_name: &str) -> Option<Script> {
    let tag: &[u8; 4] = short_name.as_bytes().try_into().ok()?;
    Script::from_iso15924_tag(Tag::from_bytes(tag))
}

#[cfg(test)]
mod tests {
    use super::super::shape::Shaper;
    use super::*;

    #[test]
    fn sequences_that_no_language_has_are_shaped_piece_by_piece() {
        for text in ["क्".repeat(1000), format!("ب{}", "\u{64e}".repeat(3000)), "x\u{301}\u{323}".repeat(500)] {
            let paragraph = Shaper::new(None, true).shape("test", &text, Style::BODY).expect("shapes");
            assert_eq!(paragraph.clusters.last().map(|cluster| cluster.text.end), Some(text.len()));
        }
    }
}
