//! Samples changed at random, from a seed.

use causeway::fhir::{Json, Object};

/// What changes samples.
pub(super) struct Mutator {
    state: u64,
}

impl Mutator {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    /// xorshift64*, by S. Vigna.
    fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below this one, which is not zero.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits") % limit
    }

    /// One of them.
    pub(super) fn one<'s, T>(&mut self, samples: &'s [T]) -> &'s T {
        &samples[self.below(samples.len())]
    }

    /// Changes bytes: flips, cuts, repeats, and puts in what parsers stumble over.
    pub(super) fn bytes(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            if bytes.is_empty() {
                return;
            }
            let at = self.below(bytes.len());
            match self.below(7) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes.truncate(at),
                2 => {
                    bytes.remove(at);
                }
                3 => {
                    let end = (at + 1 + self.below(40)).min(bytes.len());
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
                4 => {
                    let put = *self.one(BYTES);
                    bytes.splice(at..at, put.iter().copied());
                }
                5 => bytes.swap(at, 0),
                _ => {
                    let text = *self.one(BYTES);
                    let end = (at + text.len()).min(bytes.len());
                    bytes.splice(at..end, text.iter().copied());
                }
            }
        }
    }

    /// Changes values somewhere in a document.
    pub(super) fn json(&mut self, document: &mut Json) {
        for _ in 0..=self.below(3) {
            let mut left = self.below(60);
            self.somewhere(document, &mut left);
        }
    }

    fn somewhere(&mut self, value: &mut Json, left: &mut usize) {
        if *left == 0 {
            self.change(value);
            return;
        }
        *left -= 1;
        match value {
            Json::Array(items) if !items.is_empty() => {
                let at = self.below(items.len());
                self.somewhere(&mut items[at], left);
            }
            Json::Object(object) if !object.is_empty() => {
                let at = self.below(object.len());
                if let Some((_, inner)) = object.iter_mut().nth(at) {
                    self.somewhere(inner, left);
                }
            }
            leaf => self.change(leaf),
        }
    }

    fn change(&mut self, value: &mut Json) {
        match (self.below(6), &mut *value) {
            (0, Json::Array(items)) if !items.is_empty() => {
                let copy = self.one(items).clone();
                items.push(copy);
            }
            (1, Json::Array(items)) if !items.is_empty() => {
                let at = self.below(items.len());
                items.remove(at);
            }
            (0 | 1, Json::Object(object)) if !object.is_empty() => {
                let at = self.below(object.len());
                let name = object.iter().nth(at).map(|(name, _)| name.to_owned()).unwrap_or_default();
                let inner = object.remove(&name).unwrap_or(Json::Null);
                if self.below(2) == 0 {
                    object.set(*self.one(TEXTS), inner);
                }
            }
            (2, Json::String(text)) => *value = Json::string(self.text(&text.clone(), TEXTS)),
            (3, inner) => *value = Json::Array(vec![inner.clone()]),
            (4, inner) => *value = Object::new().with(*self.one(TEXTS), inner.clone()).into(),
            (5, Json::Object(object)) => {
                let name = *self.one(TEXTS);
                object.set(name, Json::Bool(true));
            }
            _ => *value = self.leaf(),
        }
    }

    fn leaf(&mut self) -> Json {
        match self.below(6) {
            0 => Json::Null,
            1 => Json::Bool(self.below(2) == 0),
            2 => Json::Number((*self.one(NUMBERS)).into()),
            3 => Json::Array(Vec::new()),
            4 => Object::new().into(),
            _ => Json::string(*self.one(TEXTS)),
        }
    }

    /// A text with pieces put in, taken out and doubled.
    pub(super) fn text(&mut self, text: &str, pieces: &[&str]) -> String {
        let mut letters: Vec<String> = text.chars().map(String::from).collect();
        for _ in 0..self.below(4) {
            let at = self.below(letters.len() + 1);
            match self.below(3) {
                0 => letters.insert(at, (*self.one(pieces)).to_owned()),
                1 if at < letters.len() => {
                    letters.remove(at);
                }
                _ => {
                    let copy = letters[at.min(letters.len().saturating_sub(1))..].to_vec();
                    letters.extend(copy.into_iter().take(20));
                }
            }
            if letters.is_empty() {
                letters.push("a".to_owned());
            }
        }
        letters.concat()
    }
}

const BYTES: &[&[u8]] = &[
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"\\u0000",
    b"\\ud800",
    b"\0",
    b"\xff",
    b"\xc0\x80",
    b"1e999",
    b"-0",
    b"0.10",
    b"\"a\":1,\"a\":2",
    b"\xef\xbb\xbf",
    b"\n",
    b"//",
    b"\\",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
];
const TEXTS: &[&str] = &[
    "",
    "id",
    "_id",
    "a b",
    "..",
    "/",
    "~1",
    "~",
    "-",
    "0",
    "9999999999",
    "/name/0/given",
    "Patient",
    "Patient.name[0]",
    "resourceType",
    "Bundle",
    "urn:uuid:x",
    "Patient/1",
    "Patient?identifier=a|b",
    "#a",
    "2024-02-30",
    "true",
    "add",
    "move",
    "replace",
    "%",
    "(",
    "$this",
    "é",
    "\u{202e}",
    "\u{0}",
    "<div>",
    "http://a.example/?a=b&c",
    "POST",
    "W/\"1\"",
];
const NUMBERS: &[&str] =
    &["0", "-0", "1", "-1", "1.0", "0.10", "1e5", "1E-400", "99999999999999999999999999999999999999"];
