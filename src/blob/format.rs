//! The form of a sealed object, version 1; `docs/adr/0002-seal-blobs-in-chunks.md` gives the reasons.
//!
//! ```text
//! header   64 bytes   "causeway", version 1, cipher 1, log2 of the chunk size 16, 0,
//!                     16 bytes id of the tenant's key, 32 bytes salt, 4 bytes 0
//! chunks              65,536 bytes of content each, the last one fewer, each with a tag of 16 bytes;
//!                     content of no bytes is one chunk of no bytes
//! trailer  56 bytes   BLAKE3 of the content and its length (64 bits, big-endian), with a tag
//! ```

use std::ops::Range;

use crate::base::keyring::KeyId;
use crate::base::seal::TAG_BYTES;

/// Content of a chunk, in bytes.
pub(super) const CHUNK: usize = 1 << CHUNK_LOG2;
/// A full chunk with its tag.
pub(super) const SEALED_CHUNK: usize = CHUNK + TAG_BYTES;
/// Bytes before the first chunk.
pub(super) const HEADER_BYTES: usize = 64;
/// Content of the trailer: digest and length.
pub(super) const TRAILER_PLAIN_BYTES: usize = 40;
/// Bytes behind the last chunk.
pub(super) const TRAILER_BYTES: usize = TRAILER_PLAIN_BYTES + TAG_BYTES;
/// Bytes of the salt.
pub(super) const SALT_BYTES: usize = 32;

const MAGIC: &[u8; 8] = b"causeway";
const VERSION: u8 = 1;
const CIPHER: u8 = 1;
const CHUNK_LOG2: u8 = 16;

/// What stands in clear before the chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// The tenant's key that the object's key is derived from.
    pub(super) key: KeyId,
    /// What makes the object's key its own.
    pub(super) salt: [u8; SALT_BYTES],
}

impl Header {
    pub(super) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let fixed = [VERSION, CIPHER, CHUNK_LOG2, 0];
        let all = MAGIC.iter().chain(&fixed).chain(self.key.as_bytes()).chain(&self.salt);
        let mut out = [0; HEADER_BYTES];
        out.iter_mut().zip(all).for_each(|(to, from)| *to = *from);
        out
    }

    /// The header of an object; `None` if it is of another form.
    pub(super) fn parse(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let (_, rest) = bytes.split_at_checked(12)?;
        let (key, rest) = rest.split_first_chunk::<16>()?;
        let (salt, _) = rest.split_first_chunk::<SALT_BYTES>()?;
        let header = Self { key: KeyId::from_bytes(*key), salt: *salt };
        // What is fixed has only one value.
        (header.to_bytes() == *bytes).then_some(header)
    }

    /// Whether these are the first bytes of an object of another version or cipher.
    pub(super) fn is_of_another_form(bytes: &[u8; HEADER_BYTES]) -> bool {
        bytes.starts_with(MAGIC)
    }
}

/// Where the chunks of an object are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Length of the content.
    pub(super) size: u64,
    /// Number of chunks, at least one.
    pub(super) chunks: u64,
}

impl Layout {
    /// The layout of content of so many bytes.
    pub(super) fn of_content(size: u64) -> Self {
        Self { size, chunks: size.div_ceil(CHUNK as u64).max(1) }
    }

    /// The layout of a sealed object of so many bytes; `None` if no content gives that length.
    pub(super) fn of_sealed(length: u64) -> Option<Self> {
        let body = length.checked_sub((HEADER_BYTES + TRAILER_BYTES) as u64)?;
        let chunks = body.div_ceil(SEALED_CHUNK as u64);
        let layout = Self::of_content(body.checked_sub(chunks * TAG_BYTES as u64)?);
        (layout.chunks == chunks).then_some(layout)
    }

    /// Where the trailer is.
    pub(super) fn trailer(&self) -> Range<u64> {
        let start = HEADER_BYTES as u64 + self.size + self.chunks * TAG_BYTES as u64;
        start..start + TRAILER_BYTES as u64
    }

    /// The chunks that hold a range of the content that is not empty.
    pub(super) fn chunks_of(&self, range: &Range<u64>) -> Range<u64> {
        range.start / CHUNK as u64..range.end.div_ceil(CHUNK as u64).clamp(1, self.chunks)
    }

    /// Where chunks are in the sealed object.
    pub(super) fn place_of(&self, chunks: &Range<u64>) -> Range<u64> {
        let start = |chunk| HEADER_BYTES as u64 + chunk * SEALED_CHUNK as u64;
        start(chunks.start)..start(chunks.end).min(self.trailer().start)
    }

    /// Length of a sealed chunk.
    pub(super) fn sealed_chunk(&self, chunk: u64) -> usize {
        let place = self.place_of(&(chunk..chunk + 1));
        usize::try_from(place.end - place.start).unwrap_or(SEALED_CHUNK)
    }

    /// Whether a chunk is the last one.
    pub(super) fn is_last(&self, chunk: u64) -> bool {
        chunk + 1 == self.chunks
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_header_has_one_form() {
        let header = Header { key: KeyId::random(), salt: [7; SALT_BYTES] };
        let bytes = header.to_bytes();
        assert_eq!(Header::parse(&bytes), Some(header));
        for at in (0..12).chain(60..64) {
            let mut other = bytes;
            other[at] ^= 1;
            assert_eq!(Header::parse(&other), None, "byte {at}");
        }
    }

    #[test]
    fn lengths_of_a_few_objects() {
        let chunk = CHUNK as u64;
        for (size, chunks, sealed) in [
            (0, 1, 136),
            (1, 1, 137),
            (chunk, 1, chunk + 136),
            (chunk + 1, 2, chunk + 1 + 152),
            (10 * chunk, 10, 10 * chunk + 120 + 160),
        ] {
            let layout = Layout::of_content(size);
            assert_eq!((layout.chunks, layout.trailer().end), (chunks, sealed));
        }
        assert_eq!(Layout::of_sealed(135), None);
        assert_eq!(Layout::of_sealed(chunk + 137), None, "a second chunk has a tag at least");
    }

    proptest! {
        #[test]
        fn length_and_layout_belong_together(size in 0..1_000_000_u64, cut in 0..1_000_000_u64) {
            let layout = Layout::of_content(size);
            prop_assert_eq!(Layout::of_sealed(layout.trailer().end), Some(layout));
            let sum: u64 = (0..layout.chunks).map(|chunk| layout.sealed_chunk(chunk) as u64).sum();
            prop_assert_eq!(HEADER_BYTES as u64 + sum + TRAILER_BYTES as u64, layout.trailer().end);
            if let Some(other) = Layout::of_sealed(cut) {
                prop_assert_eq!(other.trailer().end, cut);
            }
        }

        #[test]
        fn the_chunks_of_a_range_hold_it(size in 1..1_000_000_u64, from in 0..1_000_000_u64, length in 1..200_000_u64) {
            let layout = Layout::of_content(size);
            let start = from % size;
            let range = start..(start + length).min(size);
            let chunks = layout.chunks_of(&range);
            prop_assert!(chunks.start * CHUNK as u64 <= range.start);
            prop_assert!((chunks.end * CHUNK as u64).min(size) >= range.end);
            prop_assert!(chunks.end <= layout.chunks && chunks.start < chunks.end);
        }
    }
}
