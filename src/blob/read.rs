//! Reads sealed objects. Header and trailer come first: what is handed out belongs to the digest that was
//! asked for, from the first byte on.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};

use super::format::{HEADER_BYTES, Header, Layout, TRAILER_BYTES};
use super::seal::{ObjectKey, Opener};
use super::{Blob, BlobError};
use crate::base::{Blake3, KeyId, KeyPurpose, Keyring, TenantId};
use crate::telemetry::metric;

/// A sealed object that was found, with its header and trailer.
pub(super) struct Found {
    digest: Blake3,
    source: Source,
    layout: Layout,
    header: Header,
    trailer: Bytes,
}

/// Where the rest of a sealed object is read from. Each of them keeps to the object that was found, also
/// when another one takes its name.
enum Source {
    Whole(Bytes),
    File(File),
    Bucket { store: Arc<dyn ObjectStore>, path: ObjectPath, e_tag: Option<String> },
}

/// Content on its way out.
struct Body {
    sealed: BoxStream<'static, Result<Bytes, BlobError>>,
    opener: Opener,
    /// Content of the first chunk that is not wanted.
    skip: usize,
    /// Content that is still to be handed out.
    left: u64,
    /// Hashes the content where all of it is read.
    hasher: Option<blake3::Hasher>,
    digest: Blake3,
}

impl Found {
    /// Reads the beginning and the end of a file.
    pub(super) fn in_file(digest: Blake3, mut file: File) -> Result<Self, BlobError> {
        let mut read = || {
            let length = file.metadata()?.len();
            let start = read_at(&mut file, 0..length.min(WHOLE))?;
            let end = read_at(&mut file, length.saturating_sub(TRAILER_BYTES as u64)..length)?;
            Ok((length, start, end))
        };
        let (length, start, end) = read().map_err(BlobError::io)?;
        let source = if length <= WHOLE { Source::Whole(start.clone()) } else { Source::File(file) };
        Self::new(digest, length, source, &start, end)
    }

    /// Fetches the beginning of an object, which is all of most, and the end of a larger one.
    pub(super) async fn in_bucket(
        digest: Blake3,
        store: Arc<dyn ObjectStore>,
        path: ObjectPath,
    ) -> Result<Self, BlobError> {
        let failed = |error| BlobError::store(digest, error);
        let options = GetOptions::new().with_range(Some(GetRange::Bounded(0..WHOLE)));
        let got = match store.get_opts(&path, options).await {
            // An object of no bytes has no range, and says so in as many ways as there are services.
            Err(object_store::Error::Generic { .. }) if store.head(&path).await.is_ok_and(|meta| meta.size == 0) => {
                return Err(BlobError::Damaged(digest));
            }
            got => got.map_err(failed)?,
        };
        let (length, e_tag) = (got.meta.size, got.meta.e_tag.clone());
        let start = got.bytes().await.map_err(failed)?;
        if length <= WHOLE {
            let end = start.slice(start.len().saturating_sub(TRAILER_BYTES)..);
            return Self::new(digest, length, Source::Whole(start.clone()), &start, end);
        }
        let source = Source::Bucket { store, path, e_tag };
        let end = source.bytes(digest, length - TRAILER_BYTES as u64..length).await?;
        Self::new(digest, length, source, &start, end)
    }

    fn new(digest: Blake3, length: u64, source: Source, start: &[u8], trailer: Bytes) -> Result<Self, BlobError> {
        let damaged = BlobError::Damaged(digest);
        let Some(head) = start.first_chunk::<HEADER_BYTES>() else { return Err(damaged) };
        let Some(header) = Header::parse(head) else {
            let ours = Header::is_of_another_form(head);
            return Err(if ours { BlobError::UnknownForm(digest) } else { damaged });
        };
        let layout = Layout::of_sealed(length).ok_or(damaged)?;
        Ok(Self { digest, source, layout, header, trailer })
    }

    /// The tenant's key that it was sealed with.
    pub(super) fn key(&self) -> KeyId {
        self.header.key
    }

    /// Content of the object, all of it or a range.
    pub(super) fn open(self, tenant: &TenantId, keys: &Keyring, range: Option<Range<u64>>) -> Result<Blob, BlobError> {
        let (digest, size) = (self.digest, self.layout.size);
        let key = keys
            .find(tenant, KeyPurpose::Data, self.header.key)
            .ok_or(BlobError::UnknownKey { digest, key: self.header.key })?;
        let key = ObjectKey::derive(tenant, &key.key, &self.header)?;
        let trailer = key.open_trailer(&self.trailer);
        if !trailer.is_ok_and(|blob| blob.digest == digest && blob.size == size) {
            return Err(BlobError::Damaged(digest));
        }
        let whole = range.is_none();
        let range = range.unwrap_or(0..size);
        if range.start > range.end || (range.start >= size && !whole) {
            return Err(BlobError::Range { digest, size });
        }
        let range = range.start..range.end.min(size);
        let left = range.end - range.start;
        let body = if left == 0 && !whole {
            stream::empty().boxed()
        } else {
            let chunks = self.layout.chunks_of(&range);
            let place = self.layout.place_of(&chunks);
            let body = Body {
                sealed: self.source.stream(digest, place),
                opener: Opener::new(key, self.layout, &chunks),
                skip: usize::try_from(range.start % super::format::CHUNK as u64).unwrap_or_default(),
                left,
                hasher: whole.then(blake3::Hasher::new),
                digest,
            };
            stream::try_unfold(body, async |mut body| Ok(body.next().await?.map(|bytes| (bytes, body)))).boxed()
        };
        Ok(Blob { digest, size, range, body })
    }
}

impl Source {
    /// Bytes of the sealed object, in pieces.
    fn stream(self, digest: Blake3, place: Range<u64>) -> BoxStream<'static, Result<Bytes, BlobError>> {
        match self {
            Self::Whole(bytes) => stream::once(async move { slice(&bytes, &place, digest) }).boxed(),
            Self::File(file) => stream::try_unfold((file, place), pieces).boxed(),
            Self::Bucket { .. } => stream::once(async move { self.request(digest, place).await }).try_flatten().boxed(),
        }
    }

    async fn bytes(&self, digest: Blake3, place: Range<u64>) -> Result<Bytes, BlobError> {
        let pieces: Vec<Bytes> = self.request(digest, place).await?.try_collect().await?;
        Ok(pieces.concat().into())
    }

    async fn request(
        &self,
        digest: Blake3,
        place: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, BlobError>>, BlobError> {
        let Self::Bucket { store, path, e_tag } = self else { return Ok(stream::empty().boxed()) };
        let options = GetOptions::new().with_range(Some(place)).with_if_match(e_tag.clone());
        let got = store.get_opts(path, options).await.map_err(|error| BlobError::store(digest, error))?;
        Ok(got.into_stream().map_err(move |error| BlobError::store(digest, error)).boxed())
    }
}

impl Body {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        loop {
            while let Some(chunk) = self.opener.next() {
                let chunk = chunk.map_err(|_sealed| BlobError::Damaged(self.digest))?;
                self.check(&chunk)?;
                let from = self.skip.min(chunk.len());
                self.skip -= from;
                let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(chunk.len() - from);
                self.left -= length as u64;
                if length > 0 {
                    metrics::counter!(metric::BLOB_BYTES, "operation" => "read").increment(length as u64);
                    return Ok(Some(chunk.slice(from..from + length)));
                }
            }
            if self.opener.is_done() {
                return Ok(None);
            }
            match self.sealed.next().await {
                Some(bytes) => self.opener.push(&bytes?),
                None => return Err(BlobError::Damaged(self.digest)),
            }
        }
    }

    /// Compares the digest before the last chunk leaves.
    fn check(&mut self, chunk: &[u8]) -> Result<(), BlobError> {
        let Some(hasher) = &mut self.hasher else { return Ok(()) };
        hasher.update(chunk);
        if self.opener.is_done() && Blake3::from_hasher(hasher) != self.digest {
            return Err(BlobError::Damaged(self.digest));
        }
        Ok(())
    }
}

/// The next piece of a file.
async fn pieces((mut file, place): (File, Range<u64>)) -> Result<Option<(Bytes, (File, Range<u64>))>, BlobError> {
    if place.is_empty() {
        return Ok(None);
    }
    let end = place.end.min(place.start + PIECE);
    let read = tokio::task::spawn_blocking(move || read_at(&mut file, place.start..end).map(|bytes| (bytes, file)));
    let (bytes, file) = read.await.map_err(BlobError::task)?.map_err(BlobError::io)?;
    Ok(Some((bytes, (file, end..place.end))))
}

/// Reads a range of a file; less where the file ends before it.
fn read_at(file: &mut File, place: Range<u64>) -> io::Result<Bytes> {
    file.seek(SeekFrom::Start(place.start))?;
    let length = place.end - place.start;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

fn slice(bytes: &Bytes, place: &Range<u64>, digest: Blake3) -> Result<Bytes, BlobError> {
    let place = usize::try_from(place.start).ok().zip(usize::try_from(place.end).ok());
    match place.filter(|(start, end)| start <= end && *end <= bytes.len()) {
        Some((start, end)) => Ok(bytes.slice(start..end)),
        None => Err(BlobError::Damaged(digest)),
    }
}

/// Objects up to this length are read in one go.
const WHOLE: u64 = 256 * 1024;
/// What is read from a file at once.
const PIECE: u64 = 1024 * 1024;
