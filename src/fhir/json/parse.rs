//! The strict reader. Recursive descent with a depth limit; works on bytes that are valid UTF-8.

use std::collections::HashSet;

use super::{Json, Object};

/// How much a document may hold.
#[derive(Debug, Clone, Copy)]
pub struct JsonLimits {
    /// Greatest depth of arrays and objects.
    pub depth: usize,
    /// Greatest number of values of all kinds.
    pub values: usize,
}

impl Default for JsonLimits {
    fn default() -> Self {
        Self { depth: 64, values: 5_000_000 }
    }
}

/// Why a text is not a document that we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct JsonError {
    /// What is wrong.
    pub kind: JsonErrorKind,
    /// Where, in bytes from the beginning.
    pub offset: usize,
}

/// The kinds of errors in a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonErrorKind {
    /// The bytes are not UTF-8.
    #[error("invalid UTF-8")]
    Utf8,
    /// Another character is expected here.
    #[error("unexpected character")]
    Unexpected,
    /// The text ends within a value.
    #[error("unexpected end")]
    End,
    /// Text follows the document.
    #[error("text behind the document")]
    Trailing,
    /// A key stands twice in one object.
    #[error("duplicate key")]
    DuplicateKey,
    /// An escape sequence that JSON does not have, or half of a surrogate pair.
    #[error("invalid escape")]
    Escape,
    /// A control character stands unescaped in a string.
    #[error("control character in a string")]
    Control,
    /// A number is not in the form of RFC 8259 §6, or longer than 1,000 characters.
    #[error("invalid number")]
    Number,
    /// Arrays and objects are nested deeper than the limit.
    #[error("nesting too deep")]
    Depth,
    /// There are more values than the limit.
    #[error("too many values")]
    Values,
}

pub(super) fn document(bytes: &[u8], limits: &JsonLimits) -> Result<Json, JsonError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| JsonError { kind: JsonErrorKind::Utf8, offset: error.valid_up_to() })?;
    let mut reader = Reader { text, bytes, at: 0, depth_left: limits.depth, values_left: limits.values };
    reader.skip_space();
    let value = reader.value()?;
    reader.skip_space();
    if reader.at < bytes.len() { Err(reader.error(JsonErrorKind::Trailing)) } else { Ok(value) }
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth_left: usize,
    values_left: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Json, JsonError> {
        self.values_left = self.values_left.checked_sub(1).ok_or_else(|| self.error(JsonErrorKind::Values))?;
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => self.string().map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(_) => Err(self.error(JsonErrorKind::Unexpected)),
            None => Err(self.error(JsonErrorKind::End)),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Json, JsonError>) -> Result<Json, JsonError> {
        self.depth_left = self.depth_left.checked_sub(1).ok_or_else(|| self.error(JsonErrorKind::Depth))?;
        self.at += 1;
        self.skip_space();
        let value = read(self)?;
        self.depth_left += 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Json, JsonError> {
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut seen: HashSet<String> = HashSet::new();
        if self.take(b'}') {
            return Ok(Json::Object(Object { members }));
        }
        loop {
            let key_at = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.here());
            }
            let key = self.string()?;
            let duplicate = if members.len() < SMALL_OBJECT {
                members.iter().any(|(name, _)| *name == key)
            } else {
                if seen.is_empty() {
                    seen.extend(members.iter().map(|(name, _)| name.clone()));
                }
                !seen.insert(key.clone())
            };
            if duplicate {
                return Err(JsonError { kind: JsonErrorKind::DuplicateKey, offset: key_at });
            }
            self.skip_space();
            self.expect(b':')?;
            self.skip_space();
            let value = self.value()?;
            members.push((key, value));
            self.skip_space();
            if self.take(b'}') {
                return Ok(Json::Object(Object { members }));
            }
            self.expect(b',')?;
            self.skip_space();
        }
    }

    fn array(&mut self) -> Result<Json, JsonError> {
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value()?);
            self.skip_space();
            if self.take(b']') {
                return Ok(Json::Array(items));
            }
            self.expect(b',')?;
            self.skip_space();
        }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let run = self.at;
            while self.peek().is_some_and(|byte| byte != b'"' && byte != b'\\' && byte >= 0x20) {
                self.at += 1;
            }
            out.push_str(self.text.get(run..self.at).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(_) => return Err(self.error(JsonErrorKind::Control)),
                None => return Err(self.error(JsonErrorKind::End)),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let start = self.at;
        self.at += 1;
        let letter = self.peek().ok_or_else(|| self.error(JsonErrorKind::End))?;
        self.at += 1;
        let plain = match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(start),
            _ => return Err(JsonError { kind: JsonErrorKind::Escape, offset: start }),
        };
        Ok(plain)
    }

    fn unicode_escape(&mut self, start: usize) -> Result<char, JsonError> {
        let wrong = JsonError { kind: JsonErrorKind::Escape, offset: start };
        let first = self.hex4().ok_or(wrong)?;
        if !(0xd800..0xe000).contains(&first) {
            return char::from_u32(first).ok_or(wrong);
        }
        let paired = first < 0xdc00 && self.take(b'\\') && self.take(b'u');
        let second = if paired { self.hex4().ok_or(wrong)? } else { 0 };
        if !(0xdc00..0xe000).contains(&second) {
            return Err(wrong);
        }
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or(wrong)
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.bytes.get(self.at..self.at + 4)?;
        let value = digits.iter().try_fold(0, |value, byte| Some(value * 16 + char::from(*byte).to_digit(16)?))?;
        self.at += 4;
        Some(value)
    }

    fn number(&mut self) -> Result<Json, JsonError> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') && self.digits() == 0 {
            return Err(self.error(JsonErrorKind::Number));
        }
        if self.take(b'.') && self.digits() == 0 {
            return Err(self.error(JsonErrorKind::Number));
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            if self.digits() == 0 {
                return Err(self.error(JsonErrorKind::Number));
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        let ends = !self.peek().is_some_and(|byte| byte.is_ascii_digit());
        if ends && text.len() <= LONGEST_NUMBER {
            Ok(Json::Number(text.into()))
        } else {
            Err(JsonError { kind: JsonErrorKind::Number, offset: start })
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, JsonError> {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.error(JsonErrorKind::Unexpected))
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.take(byte) { Ok(()) } else { Err(self.here()) }
    }

    fn here(&self) -> JsonError {
        let kind = if self.at < self.bytes.len() { JsonErrorKind::Unexpected } else { JsonErrorKind::End };
        self.error(kind)
    }

    fn error(&self, kind: JsonErrorKind) -> JsonError {
        JsonError { kind, offset: self.at }
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }
}

/// Below this many members a linear look for duplicates is faster than a set.
const SMALL_OBJECT: usize = 24;
/// Longest number text that is taken.
const LONGEST_NUMBER: usize = 1000;
