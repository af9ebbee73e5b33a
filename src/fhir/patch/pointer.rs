//! JSON Pointers. RFC 6901.

use crate::fhir::Json;

use super::PatchFault;

/// A pointer into a document: its reference tokens, unescaped. None of them is the whole document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointer {
    tokens: Vec<String>,
}

impl Pointer {
    /// Reads the string form. `None` if it is not empty and does not start with a slash, or holds an
    /// escape other than `~0` and `~1`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self { tokens: Vec::new() });
        }
        let tokens = text.strip_prefix('/')?.split('/').map(unescape).collect::<Option<_>>()?;
        Some(Self { tokens })
    }

    /// How many levels below the root it points.
    pub(super) fn level(&self) -> usize {
        self.tokens.len()
    }

    /// Whether it points to something within what `other` points to.
    pub(super) fn is_below(&self, other: &Self) -> bool {
        self.tokens.len() > other.tokens.len() && self.tokens.starts_with(&other.tokens)
    }

    /// The pointer to the container, and the token within it. `None` for the root.
    pub(super) fn split_last(&self) -> Option<(&[String], &str)> {
        self.tokens.split_last().map(|(last, parents)| (parents, last.as_str()))
    }

    /// What it points to.
    pub(super) fn find<'a>(&self, document: &'a Json) -> Result<&'a Json, PatchFault> {
        self.tokens.iter().try_fold(document, |value, token| match value {
            Json::Object(object) => object.get(token).ok_or(PatchFault::NotThere),
            Json::Array(items) => index(token).and_then(|at| items.get(at)).ok_or(PatchFault::NotThere),
            _ => Err(PatchFault::NotThere),
        })
    }
}

/// What the tokens lead to, to be changed.
pub(super) fn find_mut<'a>(document: &'a mut Json, tokens: &[String]) -> Result<&'a mut Json, PatchFault> {
    tokens.iter().try_fold(document, |value, token| match value {
        Json::Object(object) => object.get_mut(token).ok_or(PatchFault::NotThere),
        Json::Array(items) => index(token).and_then(|at| items.get_mut(at)).ok_or(PatchFault::NotThere),
        _ => Err(PatchFault::NotThere),
    })
}

/// An array index: digits without a leading zero. RFC 6901 §4.
pub(super) fn index(token: &str) -> Option<usize> {
    let plain = token.bytes().all(|byte| byte.is_ascii_digit()) && (token == "0" || !token.starts_with('0'));
    plain.then(|| token.parse().ok()).flatten()
}

fn unescape(token: &str) -> Option<String> {
    let mut out = String::with_capacity(token.len());
    let mut letters = token.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '~' => out.push(match letters.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            }),
            _ => out.push(letter),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_of_rfc_6901_lead_where_it_says() {
        let text = br#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#;
        let document = Json::parse(text, &crate::fhir::JsonLimits::default()).expect("valid");
        let cases = [
            ("/foo/0", r#""bar""#),
            ("/", "0"),
            ("/a~1b", "1"),
            ("/c%d", "2"),
            ("/e^f", "3"),
            ("/g|h", "4"),
            ("/i\\j", "5"),
            ("/k\"l", "6"),
            ("/ ", "7"),
            ("/m~0n", "8"),
        ];
        for (pointer, expected) in cases {
            let found = Pointer::parse(pointer).expect("valid").find(&document).map(Json::to_text);
            assert_eq!(found.as_deref(), Ok(expected), "{pointer}");
        }
        assert_eq!(Pointer::parse("").expect("valid").find(&document), Ok(&document));
        for nothing in ["/foo/2", "/foo/-", "/foo/00", "/foo/01", "/foo/+1", "/foo/bar", "/foo/0/x", "/bar", "//"] {
            let pointer = Pointer::parse(nothing).expect("valid");
            assert_eq!(pointer.find(&document), Err(PatchFault::NotThere), "{nothing}");
        }
        for broken in ["foo", "#/foo", "/~", "/~2", "/a~"] {
            assert_eq!(Pointer::parse(broken), None, "{broken}");
        }
    }
}
