//! ISO 2022 as DICOM uses it: two graphic halves, G0 below and G1 above 0x80, that escape sequences
//! exchange. PS3.5 §6.1.2.5, PS3.3 Tables C.12-3 and C.12-4.

use encoding_rs::{
    EUC_JP, EUC_KR, Encoding, GBK, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6, ISO_8859_7, ISO_8859_8,
    ISO_8859_15, WINDOWS_874, WINDOWS_1252, WINDOWS_1254,
};

use super::{Decoded, TextKind};

/// A set of graphic characters that can stand in G0 or G1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Graphic {
    /// ISO 646, in G0.
    Ascii,
    /// JIS X 0201 romaji, in G0.
    Romaji,
    /// JIS X 0201 katakana, in G1.
    Katakana,
    /// ISO 8859-1, in G1.
    Latin1,
    /// The upper half of another 8-bit set, in G1.
    Upper(&'static Encoding),
    /// JIS X 0208, two bytes, in G0.
    JisX0208,
    /// JIS X 0212, two bytes, in G0.
    JisX0212,
    /// KS X 1001, two bytes, in G1.
    KsX1001,
    /// GB 2312, two bytes, in G1.
    Gb2312,
}

impl Graphic {
    /// The lower and the upper half that a normalised term of (0008,0005) brings.
    pub(super) fn of_term(term: &str) -> Option<(Self, Option<Self>)> {
        Some(match term {
            "" | "IR 6" => (Self::Ascii, None),
            "IR 13" => (Self::Romaji, Some(Self::Katakana)),
            "IR 58" => (Self::Ascii, Some(Self::Gb2312)),
            "IR 87" => (Self::JisX0208, None),
            "IR 100" => (Self::Ascii, Some(Self::Latin1)),
            "IR 101" => (Self::Ascii, Some(Self::Upper(ISO_8859_2))),
            "IR 109" => (Self::Ascii, Some(Self::Upper(ISO_8859_3))),
            "IR 110" => (Self::Ascii, Some(Self::Upper(ISO_8859_4))),
            "IR 126" => (Self::Ascii, Some(Self::Upper(ISO_8859_7))),
            "IR 127" => (Self::Ascii, Some(Self::Upper(ISO_8859_6))),
            "IR 138" => (Self::Ascii, Some(Self::Upper(ISO_8859_8))),
            "IR 144" => (Self::Ascii, Some(Self::Upper(ISO_8859_5))),
            "IR 148" => (Self::Ascii, Some(Self::Upper(WINDOWS_1254))),
            "IR 149" => (Self::Ascii, Some(Self::KsX1001)),
            "IR 159" => (Self::JisX0212, None),
            "IR 166" => (Self::Ascii, Some(Self::Upper(WINDOWS_874))),
            "IR 203" => (Self::Ascii, Some(Self::Upper(ISO_8859_15))),
            _ => return None,
        })
    }

    /// The set that an escape sequence designates; `bytes` begin behind ESC. Also says how many bytes
    /// the sequence has behind ESC.
    fn of_escape(bytes: &[u8]) -> Option<(Self, usize)> {
        Some(match bytes {
            [b'(', b'B', ..] => (Self::Ascii, 2),
            [b'(', b'J', ..] => (Self::Romaji, 2),
            [b')', b'I', ..] => (Self::Katakana, 2),
            [b'$', b'B' | b'@', ..] => (Self::JisX0208, 2),
            [b'$', b'(', b'D', ..] => (Self::JisX0212, 3),
            [b'$', b')', b'C', ..] => (Self::KsX1001, 3),
            [b'$', b')', b'A', ..] => (Self::Gb2312, 3),
            [b'-', last, ..] => {
                let upper = match last {
                    b'A' => Self::Latin1,
                    b'B' => Self::Upper(ISO_8859_2),
                    b'C' => Self::Upper(ISO_8859_3),
                    b'D' => Self::Upper(ISO_8859_4),
                    b'F' => Self::Upper(ISO_8859_7),
                    b'G' => Self::Upper(ISO_8859_6),
                    b'H' => Self::Upper(ISO_8859_8),
                    b'L' => Self::Upper(ISO_8859_5),
                    b'M' => Self::Upper(WINDOWS_1254),
                    b'T' => Self::Upper(WINDOWS_874),
                    b'b' => Self::Upper(ISO_8859_15),
                    _ => return None,
                };
                (upper, 2)
            }
            _ => return None,
        })
    }

    fn is_lower(self) -> bool {
        matches!(self, Self::Ascii | Self::Romaji | Self::JisX0208 | Self::JisX0212)
    }

    fn bytes_per_character(self) -> usize {
        if matches!(self, Self::JisX0208 | Self::JisX0212 | Self::KsX1001 | Self::Gb2312) { 2 } else { 1 }
    }

    /// The character at a place of the set; `code` is as long as the set asks for.
    fn character(self, code: &[u8]) -> Option<char> {
        match (self, code) {
            (Self::Romaji, [0x5c]) => Some('¥'),
            (Self::Romaji, [0x7e]) => Some('‾'),
            (Self::Ascii | Self::Romaji, [byte]) => byte.is_ascii().then_some(char::from(*byte)),
            (Self::Katakana, [byte @ 0xa1..=0xdf]) => char::from_u32(0xff61 + u32::from(*byte) - 0xa1),
            (Self::Latin1, [byte @ 0xa0..=0xff]) => Some(char::from(*byte)),
            (Self::Upper(encoding), [byte @ 0xa0..=0xff]) => one(encoding, &[*byte]),
            (Self::JisX0208, [first, second]) => one(EUC_JP, &[first | 0x80, second | 0x80]),
            (Self::JisX0212, [first, second]) => one(EUC_JP, &[0x8f, first | 0x80, second | 0x80]),
            (Self::KsX1001, [first, second]) => one(EUC_KR, &[*first, *second]),
            (Self::Gb2312, [first, second]) => one(GBK, &[*first, *second]),
            _ => None,
        }
    }
}

/// The one character that the bytes are.
fn one(encoding: &'static Encoding, bytes: &[u8]) -> Option<char> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes)?;
    let mut characters = text.chars();
    characters.next().filter(|_| characters.next().is_none())
}

/// The halves that a value begins with, and what else may be designated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repertoire {
    lower: Graphic,
    upper: Option<Graphic>,
    /// Upper halves of the terms behind the first: used where a text has their bytes but forgot the
    /// escape sequence.
    spare: Vec<Graphic>,
}

impl Default for Repertoire {
    fn default() -> Self {
        Self { lower: Graphic::Ascii, upper: None, spare: Vec::new() }
    }
}

impl Repertoire {
    /// Takes in the sets of a term of (0008,0005); those of the first are where every value begins.
    pub(super) fn declare(&mut self, (lower, upper): (Graphic, Option<Graphic>), is_first: bool) {
        if is_first {
            // A two-byte set cannot be where a value begins (PS3.3 §C.12.1.1.2), though it occurs as the
            // only term: it then needs its escape sequence like any other.
            if lower.bytes_per_character() == 1 {
                self.lower = lower;
            }
            self.upper = upper;
        } else {
            self.spare.extend(upper);
        }
    }

    pub(super) fn decode(&self, bytes: &[u8], kind: TextKind) -> Decoded {
        if self.upper.is_none() && self.spare.is_empty() && !bytes.is_ascii() && !bytes.contains(&ESC) {
            // Nothing was declared for these bytes. UTF-8 does not come about by chance.
            if let Ok(text) = std::str::from_utf8(bytes) {
                return Decoded { text: text.to_owned(), is_exact: false };
            }
        }
        let mut state = State { home: self, lower: self.lower, upper: self.upper, is_exact: true };
        let mut text = String::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some(byte) = rest.first().copied() {
            let taken = state.step(byte, rest, kind, &mut text);
            rest = rest.get(taken.max(1)..).unwrap_or_default();
        }
        Decoded { text, is_exact: state.is_exact }
    }
}

/// Where the decoder stands in a value.
struct State<'a> {
    home: &'a Repertoire,
    lower: Graphic,
    upper: Option<Graphic>,
    is_exact: bool,
}

impl State<'_> {
    /// Takes one character or escape sequence from the front of `rest` and says how long it is.
    fn step(&mut self, byte: u8, rest: &[u8], kind: TextKind, text: &mut String) -> usize {
        match byte {
            ESC => match Graphic::of_escape(rest.get(1..).unwrap_or_default()) {
                Some((graphic, length)) => {
                    if graphic.is_lower() {
                        self.lower = graphic;
                    } else {
                        self.upper = Some(graphic);
                    }
                    return length + 1;
                }
                None => self.fault(text),
            },
            0..=0x20 => {
                text.push(char::from(byte));
                if matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c) {
                    self.reset();
                }
            }
            0x21..=0x7f => {
                let length = self.lower.bytes_per_character();
                let delimits = match byte {
                    b'\\' => kind != TextKind::Text,
                    b'^' | b'=' => kind == TextKind::PersonName,
                    _ => false,
                };
                if delimits && length == 1 {
                    text.push(char::from(byte));
                    self.reset();
                    return 1;
                }
                return self.push(self.lower, rest, text);
            }
            0x80.. => {
                let graphic = self.upper.or_else(|| {
                    self.is_exact = false;
                    self.home.spare.first().copied()
                });
                return self.push(graphic.unwrap_or(Graphic::Latin1), rest, text);
            }
        }
        1
    }

    /// Adds the character at the front of `rest` and says how many bytes it has.
    fn push(&mut self, graphic: Graphic, rest: &[u8], text: &mut String) -> usize {
        let length = graphic.bytes_per_character();
        let code = rest.get(..length).unwrap_or_default();
        if let Some(character) = graphic.character(code) {
            text.push(character);
            return length;
        }
        // Word processors leave their quotation marks in what is declared as Latin-1.
        let likely = rest.get(..1).filter(|_| graphic == Graphic::Latin1).and_then(|byte| one(WINDOWS_1252, byte));
        match likely {
            Some(character) => {
                self.is_exact = false;
                text.push(character);
            }
            None => self.fault(text),
        }
        1
    }

    fn fault(&mut self, text: &mut String) {
        self.is_exact = false;
        text.push(char::REPLACEMENT_CHARACTER);
    }

    fn reset(&mut self) {
        self.lower = self.home.lower;
        self.upper = self.home.upper;
    }
}

const ESC: u8 = 0x1b;
