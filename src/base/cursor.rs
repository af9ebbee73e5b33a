//! Page cursors: opaque to the client, signed, so that a changed one is refused.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The key that page cursors are signed with.
pub struct CursorKey(hmac::Key);

/// A place in a keyset-ordered listing: the values of the sort key of the last row that was shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cursor {
    /// What listing it belongs to, with its filters; a cursor of another listing is refused.
    pub listing: String,
    /// Sort key of the last row shown.
    pub after: Vec<String>,
}

impl CursorKey {
    /// From key bytes.
    pub fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The cursor as a URL-safe text.
    pub fn write(&self, cursor: &Cursor) -> String {
        let body = serde_json::to_vec(cursor).unwrap_or_default();
        let tag = hmac::sign(&self.0, &body);
        let mut bytes = tag.as_ref().to_vec();
        bytes.extend_from_slice(&body);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The cursor of `text` if its signature is ours and it belongs to `listing`.
    pub fn read(&self, listing: &str, text: &str) -> Option<Cursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (tag, body) = bytes.split_at_checked(32)?;
        hmac::verify(&self.0, body, tag).ok()?;
        let cursor: Cursor = serde_json::from_slice(body).ok()?;
        (cursor.listing == listing).then_some(cursor)
    }
}

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_cursor_is_refused() {
        let key = CursorKey::new(&[7; 32]);
        let cursor = Cursor { listing: "reports?status=final".into(), after: vec!["1".into(), "a".into()] };
        let text = key.write(&cursor);
        assert_eq!(key.read("reports?status=final", &text), Some(cursor));
        assert_eq!(key.read("reports", &text), None);
        let changed: String = text.chars().rev().collect();
        assert_eq!(key.read("reports?status=final", &changed), None);
        assert_eq!(CursorKey::new(&[8; 32]).read("reports?status=final", &text), None);
    }
}
