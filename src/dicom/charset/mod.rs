//! Text of data sets in the character sets of PS3.3 §C.12.1.1.2, with and without code extensions (ISO
//! 2022). Decoding never fails: what a set does not know becomes U+FFFD or a likely reading, and the
//! result says so.

mod iso2022;

use encoding_rs::{GB18030, GBK, UTF_8};

use iso2022::{Graphic, Repertoire};

/// What a text is made of: it decides which characters end a code extension. PS3.5 §6.1.2.5.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// LO, SH, UC: values that backslashes separate.
    Values,
    /// PN: values whose parts `^` and `=` separate.
    PersonName,
    /// ST, LT, UT: one value; a backslash is a character of it.
    Text,
}

/// A decoded text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text in Unicode.
    pub text: String,
    /// Whether every byte was what the declared character sets allow.
    pub is_exact: bool,
}

/// The value of (0008,0005), understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharacterSets {
    mode: Mode,
    unknown: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Mode {
    /// An encoding of its own, without code extensions.
    Whole(&'static encoding_rs::Encoding),
    /// Two halves that escape sequences may change.
    Extended(Repertoire),
}

impl Default for CharacterSets {
    fn default() -> Self {
        Self::of("")
    }
}

impl CharacterSets {
    /// From the value of (0008,0005), its terms separated by backslashes; empty where the element is
    /// absent. Spellings that occur in the field (`ISO_IR_100`, `UTF-8`) are understood.
    pub fn of(value: &str) -> Self {
        let terms: Vec<String> = value.split('\\').map(normalised).collect();
        let first = terms.first().map(String::as_str).unwrap_or_default();
        let whole = match first {
            "IR 192" | "UTF 8" | "UTF8" => Some(UTF_8),
            "GB18030" => Some(GB18030),
            "GBK" | "GB2312" => Some(GBK),
            _ => None,
        };
        if let Some(encoding) = whole {
            return Self { mode: Mode::Whole(encoding), unknown: Vec::new() };
        }
        let mut unknown = Vec::new();
        let mut repertoire = Repertoire::default();
        for (index, term) in terms.iter().enumerate() {
            match Graphic::of_term(term) {
                Some(halves) => repertoire.declare(halves, index == 0),
                None => unknown.push(term.clone()),
            }
        }
        Self { mode: Mode::Extended(repertoire), unknown }
    }

    /// Terms of (0008,0005) that the gateway does not know, as it normalised them.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// The text of an element's bytes. Padding is not taken off.
    pub fn decode(&self, bytes: &[u8], kind: TextKind) -> Decoded {
        match &self.mode {
            Mode::Whole(encoding) => {
                let (text, faulty) = encoding.decode_without_bom_handling(bytes);
                Decoded { text: text.into_owned(), is_exact: !faulty }
            }
            Mode::Extended(repertoire) => repertoire.decode(bytes, kind),
        }
    }
}

/// The terms of (0008,0005) that are understood, and what each brings; those with a number also as `ISO 2022 IR`
/// with code extensions. PS3.3 Tables C.12-2 to C.12-5.
pub const TERMS: &[(&str, &str)] = &[
    ("ISO_IR 6", "default repertoire"),
    ("ISO_IR 100", "Latin alphabet No. 1"),
    ("ISO_IR 101", "Latin alphabet No. 2"),
    ("ISO_IR 109", "Latin alphabet No. 3"),
    ("ISO_IR 110", "Latin alphabet No. 4"),
    ("ISO_IR 144", "Cyrillic"),
    ("ISO_IR 127", "Arabic"),
    ("ISO_IR 126", "Greek"),
    ("ISO_IR 138", "Hebrew"),
    ("ISO_IR 148", "Latin alphabet No. 5"),
    ("ISO_IR 203", "Latin alphabet No. 9"),
    ("ISO_IR 13", "Japanese, JIS X 0201"),
    ("ISO_IR 166", "Thai"),
    ("ISO 2022 IR 87", "Japanese, JIS X 0208"),
    ("ISO 2022 IR 159", "Japanese, JIS X 0212"),
    ("ISO 2022 IR 149", "Korean, KS X 1001"),
    ("ISO 2022 IR 58", "Simplified Chinese, GB 2312"),
    ("ISO_IR 192", "Unicode in UTF-8"),
    ("GB18030", "Chinese, GB 18030"),
    ("GBK", "Simplified Chinese, GBK"),
];

/// `ISO_IR 100`, `ISO 2022 IR 100` and their misspellings become `IR 100`.
fn normalised(term: &str) -> String {
    let plain: String = term
        .trim_matches([' ', '\0'])
        .to_ascii_uppercase()
        .chars()
        .map(|character| if matches!(character, '_' | '-') { ' ' } else { character })
        .collect();
    let words: Vec<&str> = plain.split_ascii_whitespace().collect();
    match words.as_slice() {
        ["ISO" | "ISO2022", "IR", number] | ["ISO", "2022", "IR", number] => format!("IR {number}"),
        _ => words.join(" "),
    }
}

#[cfg(test)]
mod tests;
