//! Encodings of texts. FHIRPath 3.0.0 §Additional String Functions.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::fhir::{Json, JsonLimits};

/// `encode(format)`; `None` for a format that is not known.
pub(super) fn encode(text: &str, format: &str) -> Option<String> {
    Some(match format {
        "hex" => hex::encode(text),
        "base64" => STANDARD.encode(text),
        "urlbase64" => URL_SAFE.encode(text),
        _ => return None,
    })
}

/// `decode(format)`; `None` also for what is not in the format, or no text.
pub(super) fn decode(text: &str, format: &str) -> Option<String> {
    let bytes = match format {
        "hex" => hex::decode(text).ok()?,
        "base64" => STANDARD.decode(text).ok()?,
        "urlbase64" => URL_SAFE.decode(text).ok()?,
        _ => return None,
    };
    String::from_utf8(bytes).ok()
}

/// The characters that HTML escapes.
const HTML: [(&str, &str); 5] = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#39;")];

/// `escape(target)`; `None` for a target that is not known.
pub(super) fn escape(text: &str, target: &str) -> Option<String> {
    match target {
        "html" => Some(HTML.iter().fold(text.to_owned(), |text, (plain, escaped)| text.replace(plain, escaped))),
        "json" => {
            let quoted = Json::string(text).to_text();
            quoted.strip_prefix('"')?.strip_suffix('"').map(str::to_owned)
        }
        _ => None,
    }
}

/// `unescape(target)`; `None` also for what is not escaped like that.
pub(super) fn unescape(text: &str, target: &str) -> Option<String> {
    match target {
        "html" => {
            // The ampersand comes last, so that what it makes is not read again.
            Some(HTML.iter().rev().fold(text.to_owned(), |text, (plain, escaped)| text.replace(escaped, plain)))
        }
        "json" => {
            // Quotation marks may stand as they are: the literals of FHIRPath take their escapes away.
            let quoted = format!("\"{}\"", text.replace("\\\"", "\"").replace('"', "\\\""));
            match Json::parse(quoted.as_bytes(), &JsonLimits::default()) {
                Ok(Json::String(plain)) => Some(plain),
                _ => None,
            }
        }
        _ => None,
    }
}
