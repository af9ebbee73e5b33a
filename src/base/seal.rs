//! Sealing of small values with AES-256-GCM: database bodies, wrapped keys, peer credentials.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroize;

/// A value could not be opened or sealed. It says nothing about why: that would help an attacker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed value cannot be opened with this key")]
pub struct SealError;

/// A 256-bit key for AES-256-GCM.
pub struct DataKey {
    key: LessSafeKey,
    bytes: [u8; 32],
}

impl DataKey {
    /// From its 32 bytes.
    pub fn new(bytes: [u8; 32]) -> Result<Self, SealError> {
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_unspecified| SealError)?;
        Ok(Self { key: LessSafeKey::new(key), bytes })
    }

    /// A new random key.
    pub fn random() -> Result<Self, SealError> {
        let mut bytes = [0; 32];
        fill_random(&mut bytes)?;
        Self::new(bytes)
    }

    /// Nonce, ciphertext and tag of `plain`. `context` is authenticated, not stored: opening needs the
    /// same one, so that a sealed value cannot be moved to another row.
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_BYTES];
        fill_random(&mut nonce)?;
        let mut out = Vec::with_capacity(NONCE_BYTES + plain.len() + TAG_BYTES);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(plain);
        let (_, body) = out.split_at_mut(NONCE_BYTES);
        let tag = self
            .key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), body)
            .map_err(|_unspecified| SealError)?;
        out.extend_from_slice(tag.as_ref());
        Ok(out)
    }

    /// Opens what [`DataKey::seal`] made with the same context.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (nonce, body) = sealed.split_at_checked(NONCE_BYTES).ok_or(SealError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_unspecified| SealError)?;
        let mut body = body.to_vec();
        let length =
            self.key.open_in_place(nonce, Aad::from(context), &mut body).map_err(|_unspecified| SealError)?.len();
        body.truncate(length);
        Ok(body)
    }

    /// The key's bytes, to be wrapped by another key.
    pub fn expose(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl Drop for DataKey {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(***)")
    }
}

/// Fills `bytes` from the operating system's generator.
pub fn fill_random(bytes: &mut [u8]) -> Result<(), SealError> {
    aws_lc_rs::rand::fill(bytes).map_err(|_unspecified| SealError)
}

/// Bytes of the nonce before the ciphertext. NIST SP 800-38D §5.2.1.1.
pub const NONCE_BYTES: usize = 12;
/// Bytes of the tag after the ciphertext.
pub const TAG_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_unchanged_and_in_its_place() {
        let key = DataKey::random().expect("random");
        let mut sealed = key.seal(b"row 1", b"plain").expect("seals");
        assert_eq!(key.open(b"row 1", &sealed).expect("opens"), b"plain");
        assert_eq!(key.open(b"row 2", &sealed), Err(SealError));
        assert_eq!(DataKey::random().expect("random").open(b"row 1", &sealed), Err(SealError));
        sealed[NONCE_BYTES] ^= 1;
        assert_eq!(key.open(b"row 1", &sealed), Err(SealError));
        assert_eq!(key.open(b"row 1", b"short"), Err(SealError));
    }
}
