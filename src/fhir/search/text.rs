//! Text as search compares it, and the escapes of values. R4 search.html#string, search.html#escaping.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The form in which text is compared: small letters, without accents, with single spaces. Compatibility forms
/// (ligatures, wide letters) become what they stand for. Punctuation stays.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    if text.is_ascii() {
        for byte in text.bytes() {
            push(&mut out, char::from(byte.to_ascii_lowercase()));
        }
    } else {
        for letter in text.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase) {
            match letter {
                // What Unicode does not decompose, and people type without its stroke.
                'ß' => out.push_str("ss"),
                'æ' => out.push_str("ae"),
                'œ' => out.push_str("oe"),
                'ø' => out.push('o'),
                'đ' => out.push('d'),
                'ł' => out.push('l'),
                'ı' => out.push('i'),
                'ς' => out.push('σ'),
                // Lower-casing a letter may bring a mark of its own: İ becomes i and a dot above.
                mark if is_combining_mark(mark) => {}
                other => push(&mut out, other),
            }
        }
    }
    out.truncate(out.trim_end().len());
    out
}

fn push(out: &mut String, letter: char) {
    if !letter.is_whitespace() {
        out.push(letter);
    } else if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

/// The parts of `text` between separators that no backslash stands before. The parts keep their escapes.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (index, letter) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if letter == '\\' {
            escaped = true;
        } else if letter == separator {
            parts.push(text.get(start..index).unwrap_or_default());
            start = index + letter.len_utf8();
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

/// A text with the escapes that make it one value. R4 search.html#escaping.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, ',' | '$' | '|' | '\\') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// Undoes the escapes `\,` `\$` `\|` `\\`. Any other backslash stands for itself.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letters.peek() {
            Some(next @ (',' | '$' | '|' | '\\')) if letter == '\\' => {
                out.push(*next);
                letters.next();
            }
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn folding_leaves_letters() {
        let cases = [
            ("Müller", "muller"),
            ("MU\u{308}LLER", "muller"),
            ("García  Márquez\t ", "garcia marquez"),
            ("Øst Łódź Straße Æ", "ost lodz strasse ae"),
            ("İstanbul", "istanbul"),
            ("ﬁne Ｗide", "fine wide"),
            ("Νίκος ΝΙΚΟΣ", "νικοσ νικοσ"),
            ("山田", "山田"),
            ("O'Brien", "o'brien"),
            ("", ""),
        ];
        for (text, folded) in cases {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn escapes_hold_separators() {
        assert_eq!(split(r"a\,b,c,", ','), [r"a\,b", "c", ""]);
        assert_eq!(split(r"a\\|b|c\|d", '|'), [r"a\\", "b", r"c\|d"]);
        assert_eq!(unescape(r"a\,b\$c\|d\\e\x\"), r"a,b$c|d\e\x\");
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in any::<String>()) {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn parts_are_the_text(text in "[a\\\\,$|é]{0,20}") {
            prop_assert_eq!(split(&text, ',').join(","), text);
        }
    }
}
