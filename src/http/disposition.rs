//! Names for files in `Content-Disposition`. RFC 6266, RFC 8187.

use std::fmt::Write as _;

use actix_web::http::header::HeaderValue;

/// What the browser does with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Shows it.
    Inline,
    /// Saves it.
    Attachment,
}

/// The field value: a plain ASCII name for those who know no other, and the name itself in UTF-8 where it
/// differs. What could leave the folder or the header is taken out of the name.
pub fn content_disposition(disposition: Disposition, name: &str) -> HeaderValue {
    let kind = match disposition {
        Disposition::Inline => "inline",
        Disposition::Attachment => "attachment",
    };
    let name = safe(name);
    let plain: String = name.chars().map(|letter| if letter.is_ascii() { letter } else { '_' }).collect();
    let mut value = format!("{kind}; filename=\"{plain}\"");
    if plain != name {
        value.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                value.push(char::from(byte));
            } else {
                let _ = write!(value, "%{byte:02X}");
            }
        }
    }
    HeaderValue::from_str(&value).unwrap_or_else(|_error| HeaderValue::from_static("attachment"))
}

/// The name without separators, control and format characters, quotes, percent signs (some clients decode
/// them in the plain name) and leading dots, and of a length that every file system takes.
fn safe(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        let forbidden = letter.is_control() || is_bidi_control(letter) || r#"/\:*?"<>|%;"#.contains(letter);
        let letter = if forbidden { '_' } else { letter };
        if out.len() + letter.len_utf8() > MAX_NAME_BYTES {
            break;
        }
        out.push(letter);
    }
    let out = out.trim_matches(|letter: char| letter == '.' || letter.is_whitespace());
    if out.is_empty() { "download".to_owned() } else { out.to_owned() }
}

/// Characters that turn the direction of writing, and so can hide an extension. UAX #9 §2.
fn is_bidi_control(letter: char) -> bool {
    matches!(letter, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

const MAX_NAME_BYTES: usize = 150;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn attachment(name: &str) -> String {
        content_disposition(Disposition::Attachment, name).to_str().expect("ASCII").to_owned()
    }

    #[test]
    fn names_of_all_alphabets_have_a_plain_form_beside_them() {
        assert_eq!(attachment("report-7.pdf"), "attachment; filename=\"report-7.pdf\"");
        assert_eq!(attachment("Müller.pdf"), "attachment; filename=\"M_ller.pdf\"; filename*=UTF-8''M%C3%BCller.pdf");
        assert_eq!(attachment("山田.pdf"), "attachment; filename=\"__.pdf\"; filename*=UTF-8''%E5%B1%B1%E7%94%B0.pdf");
    }

    #[test]
    fn a_name_cannot_leave_its_folder_or_its_header() {
        for name in [
            "../../etc/passwd",
            "..\\..\\boot.ini",
            "a\r\nSet-Cookie: x=1",
            "a\"; filename=\"b.exe",
            "a\u{0}b",
            "a%2F..%2Fb",
            "C:\\x",
            "...",
            "",
            "re\u{202e}fdp.exe",
        ] {
            let value = attachment(name);
            let inside = value.trim_start_matches("attachment; filename=\"");
            assert!(!value.contains(['\r', '\n', '\\', '/', '\u{0}']), "{value}");
            assert_eq!(value.matches('"').count(), 2, "{value}");
            assert!(!inside.starts_with('.'), "{value}");
        }
        assert!(attachment(&"é".repeat(500)).len() < 1000);
        assert_eq!(attachment("..."), "attachment; filename=\"download\"");
    }

    proptest! {
        #[test]
        fn any_name_stays_in_its_quotes(name in "\\PC{0,80}|[\\x00-\\x7f]{0,80}") {
            let value = attachment(&name);
            prop_assert_eq!(value.matches('"').count(), 2);
            prop_assert!(!value.contains(['\\', '/', '\r', '\n']));
        }
    }
}
