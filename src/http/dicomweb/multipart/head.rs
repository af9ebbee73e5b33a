//! The header fields of a part.

use super::super::media::Media;

/// What a part says of itself. RFC 2045 §3; other fields are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::http::dicomweb) struct PartHead {
    /// `Content-Type`; `None` where it is not there or is no media type.
    pub(in crate::http::dicomweb) content_type: Option<Media>,
    /// Whether there is a `Content-Type` at all.
    pub(in crate::http::dicomweb) has_content_type: bool,
    /// `Content-Location`, as it stands there.
    pub(in crate::http::dicomweb) location: Option<String>,
}

impl PartHead {
    /// Reads the lines in front of the empty one. A field that is folded over lines is put together (RFC 5322 §2.2.3);
    /// of a field that stands twice the first one counts; bytes that are not UTF-8 are replaced.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)) {
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = fields.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        let field = |name: &str| fields.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str());
        Self {
            content_type: field("content-type").and_then(Media::parse),
            has_content_type: field("content-type").is_some(),
            location: field("content-location").map(str::to_owned),
        }
    }
}
