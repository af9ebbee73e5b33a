//! The rules of text: what is normalised, and what is refused.
//!
//! Texts become NFC, and white space at their ends goes: DICOM does not keep it (PS3.5 §6.2) and FHIR does
//! not want it (R4 datatypes.html#string). Line ends become `\n`. Control characters and noncharacters
//! are refused, because XML, DICOM and fonts have no place for them.

use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::base::ProblemCode;

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Nothing that can be seen is in it.
    Empty,
    /// It is longer than `max` characters.
    TooLong { max: usize },
    /// It holds a control character.
    Control,
    /// It holds a line break where one line is wanted.
    LineBreak,
    /// It holds a backslash, which separates values in DICOM.
    Backslash,
}

impl Flaw {
    pub(super) fn code(self) -> ProblemCode {
        match self {
            Self::Empty => ProblemCode::Required,
            Self::TooLong { .. } => ProblemCode::TooLong,
            Self::Control | Self::LineBreak | Self::Backslash => ProblemCode::Value,
        }
    }

    pub(super) fn detail(self) -> String {
        match self {
            Self::Empty => "must not be empty; leave it out when there is no value".to_owned(),
            Self::TooLong { max } => format!("must not be longer than {max} characters"),
            Self::Control => "must not hold control characters".to_owned(),
            Self::LineBreak => "must be a single line".to_owned(),
            Self::Backslash => "must not hold a backslash".to_owned(),
        }
    }
}

/// One line of at most `max` characters.
pub(super) fn line(text: &str, max: usize) -> Result<String, Flaw> {
    not_hopeless(text, max)?;
    if text.contains(['\n', '\r', '\u{2028}', '\u{2029}']) {
        return Err(Flaw::LineBreak);
    }
    if text.chars().any(is_forbidden) {
        return Err(Flaw::Control);
    }
    within(text, max)
}

/// One line that DICOM can hold as LO or SH: no backslash. PS3.5 §6.2.
pub(super) fn dicom_line(text: &str, max: usize) -> Result<String, Flaw> {
    if text.contains('\\') { Err(Flaw::Backslash) } else { line(text, max) }
}

/// Lines of at most `max` characters together; line feeds and tabs are kept. Line and paragraph
/// separators count as line ends.
pub(super) fn block(text: &str, max: usize) -> Result<String, Flaw> {
    not_hopeless(text, max)?;
    if text.chars().any(|letter| is_forbidden(letter) && !matches!(letter, '\n' | '\r' | '\t')) {
        return Err(Flaw::Control);
    }
    if text.contains(['\r', '\u{2028}', '\u{2029}']) {
        within(&text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n"), max)
    } else {
        within(text, max)
    }
}

/// Whether no twin can carry a character: control characters (C0, DEL, C1) and Unicode noncharacters.
pub(super) fn is_forbidden(letter: char) -> bool {
    let point = u32::from(letter);
    letter.is_control() || (0xfdd0..=0xfdef).contains(&point) || point & 0xfffe == 0xfffe
}

/// Spares a hostile text the work: a character has at most four bytes, and a composed one stands for at
/// most four others.
fn not_hopeless(text: &str, max: usize) -> Result<(), Flaw> {
    if text.trim().len() > max.saturating_mul(16) { Err(Flaw::TooLong { max }) } else { Ok(()) }
}

fn within(text: &str, max: usize) -> Result<String, Flaw> {
    let text = text.trim();
    if !text.chars().any(is_visible) {
        return Err(Flaw::Empty);
    }
    let text = if is_nfc(text) { text.to_owned() } else { text.nfc().collect() };
    if text.len() > max && text.chars().count() > max {
        return Err(Flaw::TooLong { max });
    }
    Ok(text)
}

/// Whether a character shows: white space, joiners, marks of direction and the byte order mark do not.
fn is_visible(letter: char) -> bool {
    let ignorable = matches!(
        u32::from(letter),
        0xad | 0x034f | 0x061c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180e | 0x200b..=0x200f
            | 0x202a..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xe0000..=0xe0fff
    );
    !ignorable && !letter.is_whitespace()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_normalised() {
        assert_eq!(block("a\r\nb\rc\u{2028}d\t\n \n", 100), Ok("a\nb\nc\nd".to_owned()));
        assert_eq!(block("e\u{301}", 1), Ok("é".to_owned()));
        assert_eq!(line("  한글  ".nfd().collect::<String>().as_str(), 2), Ok("한글".to_owned()));
    }

    #[test]
    fn what_no_twin_can_carry_is_refused() {
        for bad in
            ["a\u{0}b", "a\u{b}", "\u{c}", "a\u{7f}", "a\u{85}b", "a\u{ffff}", "\u{fdd0}", "a\u{1fffe}", "\u{1b}[0m"]
        {
            assert_eq!(block(bad, 100), Err(Flaw::Control), "{bad:?}");
            assert_eq!(line(bad, 100), Err(Flaw::Control), "{bad:?}");
        }
        assert_eq!(line("a\tb", 100), Err(Flaw::Control));
        assert_eq!(line("a\n", 100), Err(Flaw::LineBreak));
        assert_eq!(dicom_line("a\\b", 100), Err(Flaw::Backslash));
        for empty in ["", " ", "\u{a0}\u{3000}", "\u{200b}", "\u{feff}"] {
            assert_eq!(block(empty, 100), Err(Flaw::Empty), "{empty:?}");
        }
        assert_eq!(line("abcd", 3), Err(Flaw::TooLong { max: 3 }));
        assert_eq!(line(&"a".repeat(1000), 3), Err(Flaw::TooLong { max: 3 }));
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in any::<String>()) {
            if let Ok(once) = block(&text, 1000) {
                prop_assert_eq!(block(&once, 1000), Ok(once));
            }
            if let Ok(once) = line(&text, 1000) {
                prop_assert_eq!(line(&once, 1000), Ok(once));
            }
        }
    }
}
