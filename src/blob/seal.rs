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

    /// Encrypts `bytes` in place and puts the tag behind them in `out`.
    fn seal(&self, part: Part, index: u64, bytes: &mut [u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        let (nonce, context) = (nonce(part, index), Aad::from(&self.context));
        let tag = self.key.seal_in_place_separate_tag(nonce, context, bytes).map_err(|_unspecified| SealError)?;
        out.extend_from_slice(bytes);
        out.extend_from_slice(tag.as_ref());
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

/// Seals the content of one object.
pub(super) struct Sealer {
    key: ObjectKey,
    hasher: blake3::Hasher,
    /// Content that does not make a chunk yet. A full chunk waits here until more follows: only then it
    /// is known not to be the last one.
    waiting: Vec<u8>,
    chunk: u64,
    size: u64,
    header: Option<[u8; HEADER_BYTES]>,
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
            waiting: Vec::new(),
            chunk: 0,
            size: 0,
            header: Some(header.to_bytes()),
        })
    }

    /// Takes content and appends what can be sealed to `out`.
    pub(super) fn write(&mut self, mut content: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        self.begin(out);
        self.hasher.update(content);
        self.size += content.len() as u64;
        while !content.is_empty() {
            if self.waiting.len() == CHUNK {
                self.key.seal(Part::Chunk, self.chunk, &mut self.waiting, out)?;
                self.chunk += 1;
                self.waiting.clear();
            }
            let (now, later) = content.split_at(content.len().min(CHUNK - self.waiting.len()));
            self.waiting.extend_from_slice(now);
            content = later;
        }
        Ok(())
    }

    /// Appends the last chunk and the trailer.
    pub(super) fn finish(mut self, out: &mut Vec<u8>) -> Result<BlobRef, SealError> {
        self.begin(out);
        self.key.seal(Part::LastChunk, self.chunk, &mut self.waiting, out)?;
        let blob = BlobRef { digest: Blake3::from_hasher(&self.hasher), size: self.size };
        let mut trailer = [0; TRAILER_PLAIN_BYTES];
        let plain = blob.digest.as_bytes().iter().copied().chain(blob.size.to_be_bytes());
        trailer.iter_mut().zip(plain).for_each(|(to, from)| *to = from);
        self.key.seal(Part::Trailer, 0, &mut trailer, out)?;
        Ok(blob)
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if let Some(header) = self.header.take() {
            out.extend_from_slice(&header);
        }
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

    /// Takes bytes of the sealed object.
    pub(super) fn push(&mut self, sealed: &[u8]) {
        self.waiting.extend_from_slice(sealed);
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
