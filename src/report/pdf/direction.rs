//! In which direction the characters of a paragraph run (UAX 9).

use unicode_bidi::{Level, ParagraphBidiInfo};

use super::shape::Span;

/// The embedding levels of a paragraph.
pub(super) struct Directions {
    /// A level for each byte; empty if everything runs from left to right.
    levels: Vec<Level>,
    /// Whether the paragraph as a whole runs from right to left.
    pub(super) is_rtl: bool,
}

impl Directions {
    /// Of a text by itself: it begins on the right if its first letter does (UAX 9 §3.3.1), or if it has
    /// such letters at all in a report whose language is written so.
    pub(super) fn of_text(text: &str, is_rtl_language: bool) -> Self {
        let base = if is_rtl_language { Some(Level::rtl()) } else { None };
        match resolved(text, base) {
            Some(info) => Self { is_rtl: info.paragraph_level.is_rtl(), levels: info.levels },
            None => Self { levels: Vec::new(), is_rtl: false },
        }
    }

    /// Of words that belong to a form with values between them: they run from left to right, and each
    /// piece stands for itself, as if in isolates (UAX 9 §2.4.2).
    pub(super) fn of_phrase(spans: &[Span<'_>]) -> Self {
        let mut levels = Vec::new();
        let mut has_rtl = false;
        for span in spans {
            match resolved(span.text, None) {
                Some(info) => {
                    has_rtl = true;
                    levels.extend(info.levels);
                }
                None => levels.resize(levels.len() + span.text.len(), Level::ltr()),
            }
        }
        if !has_rtl {
            levels.clear();
        }
        Self { levels, is_rtl: false }
    }

    /// The level of the character that begins at a byte.
    pub(super) fn at(&self, byte: usize) -> Level {
        self.levels.get(byte).copied().unwrap_or(Level::ltr())
    }
}

/// `None` if everything runs from left to right.
fn resolved(text: &str, base: Option<Level>) -> Option<ParagraphBidiInfo<'_>> {
    // Nothing below U+0590 runs from right to left.
    if text.chars().all(|character| character < '\u{590}') {
        return None;
    }
    let info = ParagraphBidiInfo::new(text, None);
    if !info.has_rtl() {
        return None;
    }
    Some(if base.is_some() { ParagraphBidiInfo::new(text, base) } else { info })
}

/// Whether a language is written from right to left, by its script subtag or else by its primary one.
pub(super) fn is_rtl_language(tag: &str) -> bool {
    let mut subtags = tag.split('-');
    let primary = subtags.next().unwrap_or_default().to_ascii_lowercase();
    match subtags.find(|subtag| subtag.len() == 4 && subtag.bytes().all(|byte| byte.is_ascii_alphabetic())) {
        Some(script) => ["arab", "hebr", "syrc", "thaa", "nkoo"].contains(&script.to_ascii_lowercase().as_str()),
        None => {
            const LANGUAGES: &[&str] =
                &["ar", "he", "iw", "fa", "ur", "ps", "yi", "ji", "sd", "ug", "ckb", "dv", "syr", "arc", "prs", "arz"];
            LANGUAGES.contains(&primary.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::style::Style;
    use super::*;

    #[test]
    fn a_text_begins_where_its_first_letter_or_the_language_says() {
        assert!(Directions::of_text("גוש CT", false).is_rtl);
        assert!(!Directions::of_text("3 T לפני", false).is_rtl);
        assert!(Directions::of_text("3 T לפני", true).is_rtl);
        assert!(!Directions::of_text("Normal.", true).is_rtl);
        assert!(is_rtl_language("ar-EG") && is_rtl_language("az-Arab") && !is_rtl_language("pa-Guru"));
    }

    #[test]
    fn values_in_a_phrase_do_not_run_together() {
        let style = Style::BODY;
        let spans = ["by ", "גוש", " · ", "דג"].map(|text| Span { text, style });
        let directions = Directions::of_phrase(&spans);
        let levels: Vec<u8> = [0, 3, 9, 13].map(|byte| directions.at(byte).number()).to_vec();
        assert_eq!(levels, [0, 1, 0, 1]);
        assert!(!directions.is_rtl);
    }
}
