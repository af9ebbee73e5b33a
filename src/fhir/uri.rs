//! Percent-encoding for what goes into URLs and search queries.

use std::fmt::Write as _;

/// Encodes everything but the unreserved characters of RFC 3986 §2.3, so that the result is one
/// component of any URL.
pub fn encode_component(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _never_fails = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Undoes [`encode_component`]. `None` if an escape is broken or the bytes are not UTF-8. A plus sign
/// stays one.
pub fn decode_component(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            let (digits, tail) = tail.split_at_checked(2)?;
            let mut byte = [0];
            hex::decode_to_slice(digits, &mut byte).ok()?;
            out.extend_from_slice(&byte);
            rest = tail;
        } else {
            out.push(first);
            rest = tail;
        }
    }
    String::from_utf8(out).ok()
}

/// A token in a search query, `system|value`, with the escapes of R4 search.html#escaping and ready to
/// stand behind `name=` in a URL.
pub fn token(system: Option<&str>, value: &str) -> String {
    let escape = |text: &str| {
        let mut escaped = String::with_capacity(text.len());
        for letter in text.chars() {
            if matches!(letter, '\\' | ',' | '$' | '|') {
                escaped.push('\\');
            }
            escaped.push(letter);
        }
        encode_component(&escaped)
    };
    match system {
        Some(system) => format!("{}|{}", escape(system), escape(value)),
        None => escape(value),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_escape_what_search_gives_a_meaning() {
        assert_eq!(token(Some("urn:dicom:uid"), "urn:oid:1.2"), "urn%3Adicom%3Auid|urn%3Aoid%3A1.2");
        assert_eq!(token(None, "a|b,c$d\\e f"), "a%5C%7Cb%5C%2Cc%5C%24d%5C%5Ce%20f");
    }

    #[test]
    fn broken_escapes_are_refused() {
        for broken in ["%", "%1", "%zz", "%ff", "a%2"] {
            assert_eq!(decode_component(broken), None, "{broken}");
        }
        assert_eq!(decode_component("a+b%20c").as_deref(), Some("a+b c"));
    }

    proptest! {
        #[test]
        fn encoding_is_undone(text in any::<String>()) {
            prop_assert_eq!(decode_component(&encode_component(&text)), Some(text));
        }
    }
}
