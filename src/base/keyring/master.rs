//! Master keys: they wrap the tenants' keys and nothing else, so that a new master key costs one short
//! update a key and touches no data.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use zeroize::{Zeroize, Zeroizing};

use super::{KeyId, KeyPurpose};
use crate::base::{DataKey, SealError, TenantId};

/// Why a text holds no master key. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// Nothing but blank lines and comments.
    #[error("holds no key")]
    Empty,
    /// A line is neither 64 hexadecimal digits nor the Base64 of 32 bytes.
    #[error("line {line} is neither 64 hexadecimal digits nor the base64 of 32 bytes")]
    Form {
        /// Number of the line, from 1.
        line: usize,
    },
    /// A line holds a key that cannot have come from a random generator.
    #[error("line {line} holds a key of equal bytes")]
    Weak {
        /// Number of the line, from 1.
        line: usize,
    },
    /// A line repeats the key of an earlier one.
    #[error("line {line} repeats a key")]
    Repeated {
        /// Number of the line, from 1.
        line: usize,
    },
}

/// Why a wrapped key could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrapError {
    /// The bytes are not a wrapped key of a form that this version knows.
    #[error("not a wrapped key")]
    Form,
    /// None of the master keys has wrapped it.
    #[error("wrapped by a master key that is not at hand")]
    UnknownMaster,
    /// The master key is the right one, but the bytes were changed or belong to another row.
    #[error(transparent)]
    Sealed(#[from] SealError),
}

/// A 256-bit key that wraps the keys of tenants.
pub struct MasterKey {
    key: DataKey,
    id: MasterId,
}

/// The first bytes of a one-way function of a master key: they tell which one has wrapped a key.
type MasterId = [u8; MASTER_ID_BYTES];

/// The master key that wraps, and older ones that still unwrap during a rotation.
#[derive(Debug)]
pub struct MasterKeys {
    current: MasterKey,
    older: Vec<MasterKey>,
}

impl MasterKey {
    /// From its 32 bytes.
    pub fn new(bytes: [u8; 32]) -> Result<Self, SealError> {
        let mut digest = blake3::derive_key(MASTER_ID_CONTEXT, &bytes);
        let mut id = [0; MASTER_ID_BYTES];
        id.iter_mut().zip(digest.iter()).for_each(|(id, digest)| *id = *digest);
        digest.zeroize();
        Ok(Self { key: DataKey::new(bytes)?, id })
    }

    /// A new random key.
    pub fn random() -> Result<Self, SealError> {
        let mut bytes = Zeroizing::new([0; 32]);
        crate::base::seal::fill_random(bytes.as_mut())?;
        Self::new(*bytes)
    }

    /// The key as 64 hexadecimal digits, for the file that keeps it.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.key.expose()))
    }
}

impl MasterKeys {
    /// With `key` alone.
    pub fn new(key: MasterKey) -> Self {
        Self { current: key, older: Vec::new() }
    }

    /// Reads the keys of a key file, an environment variable or the output of a command: one key a line,
    /// 64 hexadecimal digits or the Base64 of 32 bytes; blank lines and lines that begin with `#` are
    /// skipped. The first key wraps; the others only unwrap what they wrapped before.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let mut keys: Vec<MasterKey> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let (line, text) = (index + 1, line.trim());
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let bytes = decode(text).ok_or(MasterKeyError::Form { line })?;
            if bytes.windows(2).all(|pair| pair.first() == pair.last()) {
                return Err(MasterKeyError::Weak { line });
            }
            let key = MasterKey::new(*bytes).map_err(|SealError| MasterKeyError::Form { line })?;
            if keys.iter().any(|known| known.id == key.id) {
                return Err(MasterKeyError::Repeated { line });
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        let current = keys.next().ok_or(MasterKeyError::Empty)?;
        Ok(Self { current, older: keys.collect() })
    }

    /// Wraps a tenant's key: version, id of the master key, nonce, ciphertext and tag; 69 bytes. Tenant,
    /// purpose and id are authenticated, so that a row cannot take the place of another.
    pub fn wrap(&self, tenant: &TenantId, id: KeyId, purpose: KeyPurpose, key: &DataKey) -> Result<Vec<u8>, SealError> {
        let sealed = self.current.key.seal(&context(tenant, id, purpose), key.expose())?;
        let mut out = Vec::with_capacity(1 + MASTER_ID_BYTES + sealed.len());
        out.push(WRAP_VERSION);
        out.extend_from_slice(&self.current.id);
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    /// Unwraps what [`MasterKeys::wrap`] made, with the current master key or an older one.
    pub fn unwrap(
        &self,
        tenant: &TenantId,
        id: KeyId,
        purpose: KeyPurpose,
        wrapped: &[u8],
    ) -> Result<DataKey, WrapError> {
        let (master, sealed) = split(wrapped)?;
        let master = self.all().find(|key| key.id == master).ok_or(WrapError::UnknownMaster)?;
        let plain = Zeroizing::new(master.key.open(&context(tenant, id, purpose), sealed)?);
        let bytes = <[u8; 32]>::try_from(plain.as_slice()).map_err(|_wrong_length| WrapError::Form)?;
        Ok(DataKey::new(bytes)?)
    }

    /// The same key wrapped by the current master key, or `None` if it is already.
    pub fn rewrap(
        &self,
        tenant: &TenantId,
        id: KeyId,
        purpose: KeyPurpose,
        wrapped: &[u8],
    ) -> Result<Option<Vec<u8>>, WrapError> {
        if split(wrapped)?.0 == self.current.id {
            return Ok(None);
        }
        let key = self.unwrap(tenant, id, purpose, wrapped)?;
        Ok(Some(self.wrap(tenant, id, purpose, &key)?))
    }

    /// Whether there are older keys: a rotation is under way or its end was not written down.
    pub fn has_older(&self) -> bool {
        !self.older.is_empty()
    }

    fn all(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(&self.current).chain(&self.older)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

fn decode(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut out = Zeroizing::new([0; 32]);
    if text.len() == 64 {
        hex::decode_to_slice(text, out.as_mut()).ok()?;
        return Some(out);
    }
    let engines = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
    let bytes = engines.into_iter().find_map(|engine| engine.decode(text).ok()).map(Zeroizing::new)?;
    *out = <[u8; 32]>::try_from(bytes.as_slice()).ok()?;
    Some(out)
}

fn split(wrapped: &[u8]) -> Result<(MasterId, &[u8]), WrapError> {
    let (version, rest) = wrapped.split_first().ok_or(WrapError::Form)?;
    let (master, sealed) = rest.split_first_chunk::<MASTER_ID_BYTES>().ok_or(WrapError::Form)?;
    if *version == WRAP_VERSION { Ok((*master, sealed)) } else { Err(WrapError::Form) }
}

fn context(tenant: &TenantId, id: KeyId, purpose: KeyPurpose) -> Vec<u8> {
    // None of the texts can hold a NUL, so the parts cannot run into each other.
    format!("{WRAP_CONTEXT}\0{tenant}\0{}\0{id}", purpose.as_str()).into_bytes()
}

const WRAP_VERSION: u8 = 1;
const WRAP_CONTEXT: &str = "causeway wrapped key";
const MASTER_ID_BYTES: usize = 8;
const MASTER_ID_CONTEXT: &str = "causeway 2026-01 id of a master key";

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(byte: u8) -> String {
        hex::encode((0..32).map(|index| byte ^ index).collect::<Vec<u8>>())
    }

    #[test]
    fn a_wrapped_key_opens_only_in_its_row_and_under_its_master_key() {
        let keys = MasterKeys::new(MasterKey::random().expect("random"));
        let (tenant, id, key) = (TenantId::default_tenant(), KeyId::random(), DataKey::random().expect("random"));
        let wrapped = keys.wrap(&tenant, id, KeyPurpose::Data, &key).expect("wraps");
        assert_eq!(wrapped.len(), 69);
        assert_eq!(keys.unwrap(&tenant, id, KeyPurpose::Data, &wrapped).expect("opens").expose(), key.expose());
        let other = TenantId::parse("other").expect("valid");
        for (tenant, id, purpose) in [
            (&other, id, KeyPurpose::Data),
            (&tenant, KeyId::random(), KeyPurpose::Data),
            (&tenant, id, KeyPurpose::Token),
        ] {
            assert_eq!(keys.unwrap(tenant, id, purpose, &wrapped).map(|_| ()), Err(WrapError::Sealed(SealError)));
        }
        let stranger = MasterKeys::new(MasterKey::random().expect("random"));
        assert_eq!(stranger.unwrap(&tenant, id, KeyPurpose::Data, &wrapped).map(|_| ()), Err(WrapError::UnknownMaster));
        for cut in [0, 1, 8] {
            assert_eq!(keys.unwrap(&tenant, id, KeyPurpose::Data, &wrapped[..cut]).map(|_| ()), Err(WrapError::Form));
        }
        let mut next = wrapped;
        next[0] = 2;
        assert_eq!(keys.unwrap(&tenant, id, KeyPurpose::Data, &next).map(|_| ()), Err(WrapError::Form));
    }

    #[test]
    fn rotation_wraps_anew_once() {
        let (tenant, id, key) = (TenantId::default_tenant(), KeyId::random(), DataKey::random().expect("random"));
        let old = MasterKeys::parse(&fixed(1)).expect("valid");
        let wrapped = old.wrap(&tenant, id, KeyPurpose::Token, &key).expect("wraps");
        let both = MasterKeys::parse(&format!("# new\n{}\n\n# old\n{}\n", fixed(2), fixed(1))).expect("valid");
        assert!(both.has_older());
        assert_eq!(both.unwrap(&tenant, id, KeyPurpose::Token, &wrapped).expect("opens").expose(), key.expose());
        let again = both.rewrap(&tenant, id, KeyPurpose::Token, &wrapped).expect("opens").expect("is old");
        assert_eq!(both.rewrap(&tenant, id, KeyPurpose::Token, &again), Ok(None));
        let new = MasterKeys::parse(&fixed(2)).expect("valid");
        assert_eq!(new.unwrap(&tenant, id, KeyPurpose::Token, &again).expect("opens").expose(), key.expose());
        assert_eq!(new.rewrap(&tenant, id, KeyPurpose::Token, &wrapped), Err(WrapError::UnknownMaster));
    }

    #[test]
    fn a_key_file_is_hexadecimal_or_base64() {
        let bytes = hex::decode(fixed(3)).expect("hex");
        for text in [
            fixed(3),
            fixed(3).to_uppercase(),
            STANDARD.encode(&bytes),
            STANDARD_NO_PAD.encode(&bytes),
            URL_SAFE.encode(&bytes),
            URL_SAFE_NO_PAD.encode(&bytes),
            format!("\r\n# made by openssl rand -hex 32\r\n  {}  \r\n", fixed(3)),
        ] {
            let keys = MasterKeys::parse(&text).expect("valid");
            assert_eq!(*keys.current.to_hex(), fixed(3), "{text}");
        }
        for (text, error) in [
            ("", MasterKeyError::Empty),
            ("# only a comment\n\n", MasterKeyError::Empty),
            ("secret", MasterKeyError::Form { line: 1 }),
            (&fixed(3)[..62], MasterKeyError::Form { line: 1 }),
            (&"00".repeat(32), MasterKeyError::Weak { line: 1 }),
            (&format!("{0}\n{0}", fixed(3)), MasterKeyError::Repeated { line: 2 }),
            (&format!("{}\n{}", fixed(3), "é".repeat(32)), MasterKeyError::Form { line: 2 }),
        ] {
            assert_eq!(MasterKeys::parse(text).map(|_| ()), Err(error), "{text}");
        }
        assert_eq!(format!("{:?}", MasterKeys::parse(&fixed(3)).expect("valid").current), "MasterKey(***)");
    }
}
