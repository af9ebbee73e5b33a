//! The keyed part of the chain: without the key, whoever rewrites the whole chain is found out.

use std::fmt;

use aws_lc_rs::hmac;

use crate::base::Sha256;

/// A key for the chain's HMAC. It is kept where those who can write to the database cannot read it.
pub struct AuditKey(hmac::Key);

/// An HMAC-SHA-256 (RFC 2104) of a record's hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mac([u8; 32]);

impl AuditKey {
    /// From key bytes; 32 of them are right.
    pub fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The HMAC of a record's hash.
    pub fn sign(&self, hash: &Sha256) -> Mac {
        let tag = hmac::sign(&self.0, hash.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(tag.as_ref());
        Mac(bytes)
    }

    /// Whether `mac` is the HMAC of `hash`; compares in constant time.
    pub fn holds(&self, hash: &Sha256, mac: &Mac) -> bool {
        hmac::verify(&self.0, hash.as_bytes(), &mac.0).is_ok()
    }
}

impl Mac {
    /// Parses 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// 64 lower-case hexadecimal digits.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey(***)")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mac({})", self.to_hex())
    }
}
