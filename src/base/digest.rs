//! Digests: BLAKE3 for our own addressing, SHA-256 where a standard or a reader asks for it.

use std::fmt;

/// A BLAKE3 digest; the address of a blob.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Blake3([u8; 32]);

/// A SHA-256 digest (FIPS 180-4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256([u8; 32]);

impl Blake3 {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// From a finished hasher.
    pub fn from_hasher(hasher: &blake3::Hasher) -> Self {
        Self(*hasher.finalize().as_bytes())
    }
}

impl Sha256 {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        let mut out = [0; 32];
        out.copy_from_slice(digest.as_ref());
        Self(out)
    }
}

/// The SHA-1 of `bytes`, which FHIR R4 asks for in `Attachment.hash` (datatypes.html#attachment).
/// It is a checksum there, not a protection.
pub fn sha1(bytes: &[u8]) -> [u8; 20] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let mut out = [0; 20];
    out.copy_from_slice(digest.as_ref());
    out
}

macro_rules! hex_digest {
    ($($name:ident),*) => {$(
        impl $name {
            /// Parses 64 lower-case hexadecimal digits.
            pub fn parse(text: &str) -> Option<Self> {
                let lower = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
                let mut out = [0; 32];
                (lower && hex::decode_to_slice(text, &mut out).is_ok()).then_some(Self(out))
            }

            /// 64 lower-case hexadecimal digits.
            pub fn to_hex(self) -> String {
                hex::encode(self.0)
            }

            /// From its 32 bytes.
            pub fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.to_hex())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.to_hex())
            }
        }
    )*};
}

hex_digest!(Blake3, Sha256);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_match_published_vectors() {
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Sha256::of(b"abc").to_hex(), sha256);
        assert_eq!(Sha256::parse(sha256), Some(Sha256::of(b"abc")));
        assert_eq!(Sha256::parse(&sha256.to_uppercase()), None);
        assert_eq!(hex::encode(sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
    }
}
