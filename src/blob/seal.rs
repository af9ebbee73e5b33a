//! Seals content into the form of [`super::format`] and opens it again, chunk by chunk.
//!
//! Each object has a key of its own: HKDF-SHA-256 (RFC 5869) of the tenant's key with a random salt.
//! So the counter that numbers the chunks may be the nonce, and no nonce comes twice under a key. Header
//! and tenant are authenticated with every chunk.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf;
use bytes::{Bytes, BytesMut};

use super::BlobRef;
use super::format::{CHUNK, HEADER_BYTES, Header, Layout, SALT_BYTES, TRAILER_BYTES, TRAILER_PLAIN_BYTES};
use crate::base::seal::{NONCE_BYTES, TAG_BYTES, fill_random};
use crate::base::{Blake3, DataKey, NamedKey, SealError, TenantId};

/// What a nonce belongs to; its first byte.
#[derive(Clone, Copy)]
enum Part {
    Chunk = 0,
    LastChunk = 1,
    Trailer = 2,
}

/// The key of one object.
pub(super) struct ObjectKey {
    key: LessSafeKey,
    /// Header and tenant, authenticated with every part.
    context: Vec<u8>,
}

impl ObjectKey {
    /// Derives the key of the object with this header.
    pub(super) fn derive(tenant: &TenantId, key: &DataKey, header: &Header) -> Result<Self, SealError> {
        let unspecified = |_: aws_lc_rs::error::Unspecified| SealError;
        let pseudo_random = hkdf::Salt::new(hkdf::HKDF_SHA256, &header.salt).extract(key.expose());
        let material = pseudo_random.expand(&[PURPOSE], &AES_256_GCM).map_err(unspecified)?;
        let mut context = header.to_bytes().to_vec();
        context.extend_from_slice(tenant.as_str().as_bytes());
        Ok(Self { key: LessSafeKey::new(UnboundKey::from(material)), context })
    }

    /// Encrypts what stands in `bytes` from `start` on, and puts the tag behind it.
    fn seal(&self, part: Part, index: u64, bytes: &mut Vec<u8>, start: usize) -> Result<(), SealError> {
        let (nonce, context) = (nonce(part, index), Aad::from(&self.context));
        let plain = bytes.get_mut(start..).ok_or(SealError)?;
        let tag = self.key.seal_in_place_separate_tag(nonce, context, plain).map_err(|_unspecified| SealError)?;
        bytes.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Opens ciphertext with its tag; what comes out has the tag cut off.
    fn open(&self, part: Part, index: u64, mut sealed: BytesMut) -> Result<Bytes, SealError> {
        let (nonce, context) = (nonce(part, index), Aad::from(&self.context));
        let length = self.key.open_in_place(nonce, context, &mut sealed).map_err(|_unspecified| SealError)?.len();
        sealed.truncate(length);
        Ok(sealed.freeze())
    }

    /// The digest and the length of the content.
    pub(super) fn open_trailer(&self, sealed: &[u8]) -> Result<BlobRef, SealError> {
        let plain = self.open(Part::Trailer, 0, BytesMut::from(sealed))?;
        let (digest, size) = plain.split_first_chunk::<32>().ok_or(SealError)?;
        let size = <[u8; 8]>::try_from(size).map_err(|_wrong_length| SealError)?;
        Ok(BlobRef { digest: Blake3::from_bytes(*digest), size: u64::from_be_bytes(size) })
    }
}

/// Seals the content of one object. Content is copied once, to where it is sealed.
pub(super) struct Sealer {
    key: ObjectKey,
    hasher: blake3::Hasher,
    /// Sealed bytes, and behind them content that does not make a chunk yet. A full chunk waits here until more
    /// follows: only then it is known not to be the last one.
    bytes: Vec<u8>,
    /// Where the sealed bytes end.
    sealed: usize,
    chunk: u64,
    size: u64,
}

impl Sealer {
    /// For an object of `tenant`, with a random salt.
    pub(super) fn new(tenant: &TenantId, key: &NamedKey) -> Result<Self, SealError> {
        let mut salt = [0; SALT_BYTES];
        fill_random(&mut salt)?;
        let header = Header { key: key.id, salt };
        Ok(Self {
            key: ObjectKey::derive(tenant, &key.key, &header)?,
            hasher: blake3::Hasher::new(),
            bytes: header.to_bytes().to_vec(),
            sealed: HEADER_BYTES,
            chunk: 0,
            size: 0,
        })
    }

    /// Takes content.
    pub(super) fn write(&mut self, mut content: &[u8]) -> Result<(), SealError> {
        self.hasher.update(content);
        self.size += content.len() as u64;
        self.bytes.reserve(content.len() + content.len().div_ceil(CHUNK) * TAG_BYTES);
        while !content.is_empty() {
            let waiting = self.bytes.len() - self.sealed;
            if waiting == CHUNK {
                self.seal(Part::Chunk)?;
                continue;
            }
            let (now, later) = content.split_at(content.len().min(CHUNK - waiting));
            self.bytes.extend_from_slice(now);
            content = later;
        }
        Ok(())
    }

    /// What is sealed and was not taken yet.
    pub(super) fn sealed(&self) -> &[u8] {
        self.bytes.get(..self.sealed).unwrap_or_default()
    }

    /// Forgets what is sealed: it was taken.
    pub(super) fn forget(&mut self) {
        self.bytes.drain(..self.sealed);
        self.sealed = 0;
    }

    /// The last sealed bytes, with the last chunk and the trailer.
    pub(super) fn finish(mut self) -> Result<(BlobRef, Vec<u8>), SealError> {
        self.seal(Part::LastChunk)?;
        let blob = BlobRef { digest: Blake3::from_hasher(&self.hasher), size: self.size };
        self.bytes.extend_from_slice(blob.digest.as_bytes());
        self.bytes.extend_from_slice(&blob.size.to_be_bytes());
        self.key.seal(Part::Trailer, 0, &mut self.bytes, self.sealed)?;
        Ok((blob, self.bytes))
    }

    fn seal(&mut self, part: Part) -> Result<(), SealError> {
        self.key.seal(part, self.chunk, &mut self.bytes, self.sealed)?;
        self.chunk += 1;
        self.sealed = self.bytes.len();
        Ok(())
    }
}

/// Opens chunks that follow each other.
pub(super) struct Opener {
    key: ObjectKey,
    layout: Layout,
    next: u64,
    end: u64,
    waiting: BytesMut,
}

impl Opener {
    /// For the chunks `chunks` of an object.
    pub(super) fn new(key: ObjectKey, layout: Layout, chunks: &std::ops::Range<u64>) -> Self {
        Self { key, layout, next: chunks.start, end: chunks.end, waiting: BytesMut::new() }
    }

    /// Takes bytes of the sealed object. They are opened where they are if all before them were used.
    pub(super) fn push(&mut self, sealed: Bytes) {
        if self.waiting.is_empty() {
            self.waiting = BytesMut::from(sealed);
        } else {
            self.waiting.extend_from_slice(&sealed);
        }
    }

    /// The next chunk, if all of it is there.
    pub(super) fn next(&mut self) -> Option<Result<Bytes, SealError>> {
        if self.is_done() {
            return None;
        }
        let length = self.layout.sealed_chunk(self.next);
        if self.waiting.len() < length {
            return None;
        }
        let part = if self.layout.is_last(self.next) { Part::LastChunk } else { Part::Chunk };
        let sealed = self.waiting.split_to(length);
        let opened = self.key.open(part, self.next, sealed);
        self.next += 1;
        Some(opened)
    }

    /// Whether all chunks were opened.
    pub(super) fn is_done(&self) -> bool {
        self.next >= self.end
    }
}

/// What it belongs to, and its number; so none comes twice in an object.
fn nonce(part: Part, index: u64) -> Nonce {
    let mut bytes = [0; NONCE_BYTES];
    let number = index.to_be_bytes();
    bytes.iter_mut().zip([part as u8, 0, 0, 0].into_iter().chain(number)).for_each(|(to, from)| *to = from);
    Nonce::assume_unique_for_key(bytes)
}

const PURPOSE: &[u8] = b"causeway blob 1";
const _: () = assert!(TRAILER_BYTES == TRAILER_PLAIN_BYTES + TAG_BYTES);
