//! Reads sealed objects. Header and trailer come first: what is handed out belongs to the digest that was
//! asked for, from the first byte on.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};
use tokio::task::JoinHandle;

use super::format::{HEADER_BYTES, Header, Layout, SEALED_CHUNK, TRAILER_BYTES};
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
    opener: Opener,
    /// Content of the first chunk that is not wanted.
    skip: usize,
    /// Content that is still to be handed out.
    left: u64,
    /// Hashes the content where all of it is read.
    hasher: Option<blake3::Hasher>,
    digest: Blake3,
}

/// Pieces of content that are ready; an error is the last one.
type Ready = Vec<Result<Bytes, BlobError>>;

impl Found {
    /// Reads the beginning and the end of a file, or all of it if that is not much and most of it is `wanted`.
    pub(super) fn in_file(digest: Blake3, mut file: File, wanted: Option<&Range<u64>>) -> Result<Self, BlobError> {
        let mut read = || {
            let length = file.metadata()?.len();
            let is_wanted = wanted.is_none_or(|range| range.end.saturating_sub(range.start) >= length / 2);
            if length <= SHORT || (length <= WHOLE && is_wanted) {
                return Ok((length, read_at(&mut file, 0..length)?, None));
            }
            let start = read_at(&mut file, 0..HEADER_BYTES as u64)?;
            let end = read_at(&mut file, length - TRAILER_BYTES as u64..length)?;
            Ok((length, start, Some(end)))
        };
        let (length, start, end) = read().map_err(BlobError::io)?;
        match end {
            Some(end) => Self::new(digest, length, Source::File(file), &start, end),
            None => Self::whole(digest, length, start),
        }
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
            return Self::whole(digest, length, start);
        }
        let source = Source::Bucket { store, path, e_tag };
        let end = source.bytes(digest, length - TRAILER_BYTES as u64..length).await?;
        Self::new(digest, length, source, &start, end)
    }

    /// Of an object that was read at once. What is between header and trailer stays the only part of its buffer, so
    /// that it can be opened where it is.
    fn whole(digest: Blake3, length: u64, bytes: Bytes) -> Result<Self, BlobError> {
        let copy = |part: Option<&[u8]>| Bytes::copy_from_slice(part.unwrap_or_default());
        let header = copy(bytes.get(..HEADER_BYTES.min(bytes.len())));
        let trailer = copy(bytes.get(bytes.len().saturating_sub(TRAILER_BYTES)..));
        Self::new(digest, length, Source::Whole(bytes), &header, trailer)
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
                opener: Opener::new(key, self.layout, &chunks),
                skip: usize::try_from(range.start % super::format::CHUNK as u64).unwrap_or_default(),
                left,
                hasher: whole.then(blake3::Hasher::new),
                digest,
            };
            self.source.stream(body, place)
        };
        Ok(Blob { digest, size, range, body })
    }
}

impl Source {
    /// The content that is in a place of the sealed object. What is in memory is opened at once, what is in a file where
    /// it is read: whoever sends it only sends.
    fn stream(self, mut body: Body, place: Range<u64>) -> BoxStream<'static, Result<Bytes, BlobError>> {
        let digest = body.digest;
        match self {
            Self::Whole(bytes) => stream::iter(match cut(bytes, &place, digest) {
                Ok(bytes) => body.last(bytes),
                Err(damaged) => vec![Err(damaged)],
            })
            .boxed(),
            Self::File(file) => Pieces::of(file, place, body).stream(),
            Self::Bucket { .. } => {
                let sealed = stream::once(async move { self.request(digest, place).await }).try_flatten().boxed();
                let opened = stream::unfold(Some((sealed, body)), async |state| {
                    let (mut sealed, mut body) = state?;
                    match sealed.next().await {
                        Some(Ok(bytes)) => {
                            let ready = body.take(bytes);
                            let goes_on = ready.last().is_none_or(Result::is_ok);
                            Some((ready, goes_on.then_some((sealed, body))))
                        }
                        Some(Err(error)) => Some((vec![Err(error)], None)),
                        None => Some((body.end(), None)),
                    }
                });
                opened.flat_map(stream::iter).boxed()
            }
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
    /// Takes bytes of the sealed object, and gives the content that is ready by now.
    fn take(&mut self, sealed: Bytes) -> Ready {
        let mut ready = Vec::new();
        self.opener.push(sealed);
        while let Some(chunk) = self.opener.next() {
            let chunk = chunk.map_err(|_sealed| BlobError::Damaged(self.digest));
            match chunk.and_then(|chunk| self.check(&chunk).map(|()| chunk)) {
                Ok(chunk) => {
                    let from = self.skip.min(chunk.len());
                    self.skip -= from;
                    let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(chunk.len() - from);
                    self.left -= length as u64;
                    if length > 0 {
                        metrics::counter!(metric::BLOB_BYTES, "operation" => "read").increment(length as u64);
                        ready.push(Ok(chunk.slice(from..from + length)));
                    }
                }
                Err(damaged) => {
                    ready.push(Err(damaged));
                    break;
                }
            }
        }
        ready
    }

    /// Takes the last bytes.
    fn last(&mut self, sealed: Bytes) -> Ready {
        let mut ready = self.take(sealed);
        if ready.last().is_none_or(Result::is_ok) {
            ready.extend(self.end());
        }
        ready
    }

    /// Nothing comes any more: damage, if something is missing.
    fn end(&self) -> Ready {
        if self.opener.is_done() { Vec::new() } else { vec![Err(BlobError::Damaged(self.digest))] }
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

/// A file on its way out: while one piece is used, the next one is read and opened.
struct Pieces {
    reading: Option<JoinHandle<io::Result<(Ready, File, Body)>>>,
    /// What is not being read yet.
    left: Range<u64>,
}

impl Pieces {
    fn of(file: File, place: Range<u64>, body: Body) -> Self {
        let mut pieces = Self { reading: None, left: place };
        pieces.read(file, body);
        pieces
    }

    fn stream(self) -> BoxStream<'static, Result<Bytes, BlobError>> {
        let pieces = stream::unfold(self, async |mut pieces| Some((pieces.next().await?, pieces)));
        pieces.flat_map(stream::iter).boxed()
    }

    async fn next(&mut self) -> Option<Ready> {
        let (ready, file, body) = match self.reading.take()?.await {
            Ok(Ok(read)) => read,
            Ok(Err(error)) => return Some(vec![Err(BlobError::io(error))]),
            Err(error) => return Some(vec![Err(BlobError::task(error))]),
        };
        if ready.last().is_none_or(Result::is_ok) {
            self.read(file, body);
        }
        Some(ready)
    }

    fn read(&mut self, mut file: File, mut body: Body) {
        if self.left.is_empty() {
            return;
        }
        let end = self.left.end.min(self.left.start + PIECE);
        let (place, is_last) = (self.left.start..end, end == self.left.end);
        self.left.start = end;
        self.reading = Some(tokio::task::spawn_blocking(move || {
            let sealed = read_at(&mut file, place)?;
            let ready = if is_last { body.last(sealed) } else { body.take(sealed) };
            Ok((ready, file, body))
        }));
    }
}

/// Reads a range of a file; less where the file ends before it.
fn read_at(file: &mut File, place: Range<u64>) -> io::Result<Bytes> {
    file.seek(SeekFrom::Start(place.start))?;
    let length = place.end - place.start;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// A part of a buffer, of which nothing else is left.
fn cut(mut bytes: Bytes, place: &Range<u64>, digest: Blake3) -> Result<Bytes, BlobError> {
    let place = usize::try_from(place.start).ok().zip(usize::try_from(place.end).ok());
    match place.filter(|(start, end)| start <= end && *end <= bytes.len()) {
        Some((start, end)) => {
            bytes.truncate(end);
            bytes.advance(start);
            Ok(bytes)
        }
        None => Err(BlobError::Damaged(digest)),
    }
}

/// Objects up to this length are read in one go, whatever is wanted of them.
const SHORT: u64 = 64 * 1024;
/// Objects up to this length are read in one go where most of it is wanted, and fetched so from a bucket.
const WHOLE: u64 = 1024 * 1024;
/// What is read from a file at once: chunks that are whole.
const PIECE: u64 = 8 * SEALED_CHUNK as u64;
