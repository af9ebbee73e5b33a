//! Blobs: what arrived, what was rendered, what was exported. In comes a stream of bytes, out goes its
//! address, which is its BLAKE3 digest; whoever has tenant, key and address gets the bytes back, all of
//! them or a range. `ops` and `work` write and read; the digests stand in rows of the database.
//!
//! Every object is encrypted with a key of its tenant (`docs/adr/0002-seal-blobs-in-chunks.md`) and lies
//! under its tenant and digest. A put that has returned is on disk, or acknowledged by the
//! bucket. It writes anew what is there already, under the present key and with a new time, so that a
//! garbage collection that spares what is young cannot take what was just put.

mod bucket;
mod directory;
mod disk;
mod error;
mod format;
mod read;
mod seal;
mod space;
mod stage;
mod write;

use std::ops::Range;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};
use object_store::{ObjectStore, ObjectStoreExt};

use self::bucket::Bucket;
use self::directory::Directory;
use self::read::Found;
use self::write::{BATCH, Writer};
use crate::base::{Blake3, Keyring, NamedKey, TenantId, Timestamp};
use crate::config::{self, BlobUrl};
use crate::telemetry::metric;

pub use error::BlobError;

/// Address and length of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobRef {
    /// BLAKE3 of the content.
    pub digest: Blake3,
    /// Length of the content in bytes.
    pub size: u64,
}

/// A blob that was opened. Each piece of the body is authentic; an error ends it.
pub struct Blob {
    /// BLAKE3 of the content.
    pub digest: Blake3,
    /// Length of the whole content in bytes.
    pub size: u64,
    /// What part of the content the body is.
    pub range: Range<u64>,
    /// The content.
    pub body: BoxStream<'static, Result<Bytes, BlobError>>,
}

impl Blob {
    /// One whose content is in memory and known to be authentic, or a part of it, cut as by [`BlobStore::get_range`].
    pub fn of_bytes(digest: Blake3, content: &Bytes, part: Option<Range<u64>>) -> Result<Self, BlobError> {
        let size = content.len() as u64;
        let is_whole = part.is_none();
        let range = part.unwrap_or(0..size);
        if range.start > range.end || (range.start >= size && !is_whole) {
            return Err(BlobError::Range { digest, size });
        }
        let range = range.start..range.end.min(size);
        let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(content.len());
        let piece = content.slice(at(range.start)..at(range.end));
        let body = stream::iter((!piece.is_empty()).then_some(Ok(piece))).boxed();
        Ok(Self { digest, size, range, body })
    }
}

/// What a listing says of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobEntry {
    /// BLAKE3 of the content, as the name says.
    pub digest: Blake3,
    /// Length of the content in bytes, as the length of the object says.
    pub size: u64,
    /// When it was last put.
    pub stored_at: Timestamp,
}

/// The blob store. Clones are the same store.
#[derive(Debug, Clone)]
pub struct BlobStore {
    backend: Arc<Backend>,
}

#[derive(Debug)]
enum Backend {
    Directory(Arc<Directory>),
    Bucket(Bucket),
}

impl BlobStore {
    /// The store that the settings name. Large objects on their way to a bucket wait below `spool`.
    pub fn open(settings: &config::Blob, spool: &Path) -> Result<Self, BlobError> {
        match &settings.url {
            BlobUrl::Directory(path) => Self::directory(path),
            BlobUrl::S3 { bucket, prefix } => {
                let bucket = Bucket::s3(bucket, prefix, &settings.s3, spool)?;
                Ok(Self { backend: Arc::new(Backend::Bucket(bucket)) })
            }
            BlobUrl::Memory => Ok(Self::in_memory()),
        }
    }

    /// A store in a directory, which is made if it is not there. What killed processes left half written
    /// is removed.
    pub fn directory(root: &Path) -> Result<Self, BlobError> {
        let directory = Directory::open(root)?;
        Ok(Self { backend: Arc::new(Backend::Directory(Arc::new(directory))) })
    }

    /// A store that forgets everything at its end.
    pub fn in_memory() -> Self {
        Self { backend: Arc::new(Backend::Bucket(Bucket::in_memory())) }
    }

    /// Writes a blob, in bounded memory. When it returns, the blob is there for good; when it fails or is
    /// dropped, nothing is.
    pub async fn put<S, E>(&self, tenant: &TenantId, key: &NamedKey, content: S) -> Result<BlobRef, BlobError>
    where
        S: Stream<Item = Result<Bytes, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let begun = Instant::now();
        let mut writer = Writer::new(tenant, key, self.stage())?;
        let mut content = pin!(content);
        let (mut pieces, mut length) = (Vec::new(), 0);
        while let Some(piece) = content.next().await {
            let piece = piece.map_err(|error| BlobError::Input(error.into()))?;
            length += piece.len();
            pieces.push(piece);
            if length >= BATCH || pieces.len() >= PIECES {
                let batch = std::mem::take(&mut pieces);
                length = 0;
                writer = blocking(move || writer.write(&batch).map(|()| writer)).await?;
            }
        }
        let blob = self.publish(tenant, writer, pieces).await?;
        metrics::counter!(metric::BLOBS, "operation" => "write").increment(1);
        metrics::counter!(metric::BLOB_BYTES, "operation" => "write").increment(blob.size);
        metrics::histogram!(metric::BLOB_SECONDS, "operation" => "write").record(begun.elapsed());
        Ok(blob)
    }

    /// Writes a blob that is in memory.
    pub async fn put_bytes(&self, tenant: &TenantId, key: &NamedKey, content: Bytes) -> Result<BlobRef, BlobError> {
        let content = stream::iter([Ok::<_, std::convert::Infallible>(content)]);
        self.put(tenant, key, content).await
    }

    /// Opens a blob. Its digest is compared before the last piece leaves.
    pub async fn get(&self, tenant: &TenantId, keys: &Keyring, digest: Blake3) -> Result<Blob, BlobError> {
        self.open_blob(tenant, keys, digest, None).await
    }

    /// Opens a part of a blob; no more than the chunks that hold it is read. The range is cut at the end
    /// of the content and must begin before it.
    pub async fn get_range(
        &self,
        tenant: &TenantId,
        keys: &Keyring,
        digest: Blake3,
        range: Range<u64>,
    ) -> Result<Blob, BlobError> {
        self.open_blob(tenant, keys, digest, Some(range)).await
    }

    /// Reads a blob of at most `limit` bytes into memory.
    pub async fn read(
        &self,
        tenant: &TenantId,
        keys: &Keyring,
        digest: Blake3,
        limit: u64,
    ) -> Result<Bytes, BlobError> {
        let blob = self.get(tenant, keys, digest).await?;
        if blob.size > limit {
            return Err(BlobError::TooLarge { digest, size: blob.size, limit });
        }
        let mut pieces: Vec<Bytes> = blob.body.try_collect().await?;
        Ok(if pieces.len() == 1 { pieces.swap_remove(0) } else { pieces.concat().into() })
    }

    /// What the store says of a blob, without opening it.
    pub async fn head(&self, tenant: &TenantId, digest: Blake3) -> Result<BlobEntry, BlobError> {
        let meta = match &*self.backend {
            Backend::Directory(directory) => directory.head(tenant, digest).await,
            Backend::Bucket(bucket) => bucket.store.head(&bucket.path(tenant, digest)).await,
        };
        let meta = meta.map_err(|error| BlobError::store(digest, error))?;
        entry(&meta).ok_or(BlobError::Damaged(digest))
    }

    /// Writes a blob anew under `key`. It says whether that was needed: not if it is under that key.
    pub async fn reseal(
        &self,
        tenant: &TenantId,
        keys: &Keyring,
        key: &NamedKey,
        digest: Blake3,
    ) -> Result<bool, BlobError> {
        let found = self.find(tenant, digest).await?;
        if found.key() == key.id {
            return Ok(false);
        }
        let blob = found.open(tenant, keys, None)?;
        match self.put(tenant, key, blob.body).await {
            Err(BlobError::Input(source)) => match source.downcast() {
                Ok(unreadable) => Err(*unreadable),
                Err(source) => Err(BlobError::Input(source)),
            },
            put => put.map(|_same| true),
        }
    }

    /// Removes a blob. Says whether it was there.
    pub async fn delete(&self, tenant: &TenantId, digest: Blake3) -> Result<bool, BlobError> {
        self.remove(tenant, digest, None).await
    }

    /// Removes a blob that was last put at `limit` or before: for the garbage collection of what no row
    /// names. Says whether it went. In a directory no put of this process can come between the look at
    /// the time and the removal; in a bucket one can, within the time of one request.
    pub async fn delete_if_older(
        &self,
        tenant: &TenantId,
        digest: Blake3,
        limit: Timestamp,
    ) -> Result<bool, BlobError> {
        self.remove(tenant, digest, Some(limit)).await
    }

    /// All blobs of a tenant, in no order. Objects whose names cannot be ours are passed over with a warning; one
    /// whose length cannot be, as a power cut may leave it, has size 0.
    pub fn list(&self, tenant: &TenantId) -> BoxStream<'static, Result<BlobEntry, BlobError>> {
        let (store, prefix) = match &*self.backend {
            Backend::Directory(directory) => (directory.reader() as _, Some(tenant.as_str().into())),
            Backend::Bucket(bucket) => (Arc::clone(&bucket.store), bucket.prefix(Some(tenant))),
        };
        let listed = store.list(prefix.as_ref()).map_err(|error| BlobError::Unavailable(Box::new(error)));
        let known = listed.try_filter_map(async |meta| {
            let entry = entry(&meta).or_else(|| {
                let digest = Blake3::parse(meta.location.filename()?)?;
                Some(BlobEntry { digest, size: 0, stored_at: Timestamp(meta.last_modified.timestamp_micros()) })
            });
            if entry.is_none() {
                tracing::warn!(object = %meta.location, "an object of the blob store has no name of ours");
            }
            Ok(entry)
        });
        known.boxed()
    }

    /// The tenants that have blobs, or had some.
    pub async fn tenants(&self) -> Result<Vec<TenantId>, BlobError> {
        let (store, prefix) = match &*self.backend {
            Backend::Directory(directory) => (directory.reader() as Arc<dyn ObjectStore>, None),
            Backend::Bucket(bucket) => (Arc::clone(&bucket.store), bucket.prefix(None)),
        };
        let listed = store.list_with_delimiter(prefix.as_ref()).await;
        let listed = listed.map_err(|error| BlobError::Unavailable(Box::new(error)))?;
        let names = listed.common_prefixes.iter().filter_map(|path| path.filename());
        Ok(names.filter_map(|name| TenantId::parse(name).ok()).collect())
    }

    /// Bytes that are free where blobs are, a few seconds old at most; `None` if there is no such number.
    pub async fn free_space(&self) -> Option<u64> {
        match &*self.backend {
            Backend::Directory(directory) => directory.space.free().await,
            Backend::Bucket(_) => None,
        }
    }

    /// Whether the store can be used now; for readiness.
    pub async fn probe(&self) -> Result<(), BlobError> {
        match &*self.backend {
            Backend::Directory(directory) => {
                let staging = Arc::clone(&directory.staging);
                blocking(move || staging.probe().map_err(BlobError::io)).await
            }
            Backend::Bucket(bucket) => bucket.probe().await,
        }
    }

    fn stage(&self) -> stage::Staged {
        match &*self.backend {
            Backend::Directory(directory) => directory.stage(),
            Backend::Bucket(bucket) => bucket.stage(),
        }
    }

    async fn publish(&self, tenant: &TenantId, mut writer: Writer, rest: Vec<Bytes>) -> Result<BlobRef, BlobError> {
        match &*self.backend {
            Backend::Directory(directory) => {
                let (directory, tenant) = (Arc::clone(directory), tenant.clone());
                blocking(move || {
                    writer.write(&rest)?;
                    let (blob, staged) = writer.finish()?;
                    directory.publish(&tenant, blob.digest, &staged).map_err(BlobError::io)?;
                    Ok(blob)
                })
                .await
            }
            Backend::Bucket(bucket) => {
                let (blob, staged) = blocking(move || writer.write(&rest).and_then(|()| writer.finish())).await?;
                bucket.publish(tenant, blob.digest, staged).await?;
                Ok(blob)
            }
        }
    }

    async fn find(&self, tenant: &TenantId, digest: Blake3) -> Result<Found, BlobError> {
        match &*self.backend {
            Backend::Directory(directory) => {
                let (directory, tenant) = (Arc::clone(directory), tenant.clone());
                blocking(move || Found::in_file(digest, directory.open_file(&tenant, digest)?, None)).await
            }
            Backend::Bucket(bucket) => {
                Found::in_bucket(digest, Arc::clone(&bucket.store), bucket.path(tenant, digest)).await
            }
        }
    }

    async fn open_blob(
        &self,
        tenant: &TenantId,
        keys: &Keyring,
        digest: Blake3,
        range: Option<Range<u64>>,
    ) -> Result<Blob, BlobError> {
        let begun = Instant::now();
        let blob = match &*self.backend {
            Backend::Directory(directory) => {
                let (directory, tenant, keys) = (Arc::clone(directory), tenant.clone(), keys.clone());
                blocking(move || {
                    let file = directory.open_file(&tenant, digest)?;
                    Found::in_file(digest, file, range.as_ref())?.open(&tenant, &keys, range)
                })
                .await?
            }
            Backend::Bucket(_) => self.find(tenant, digest).await?.open(tenant, keys, range)?,
        };
        metrics::counter!(metric::BLOBS, "operation" => "read").increment(1);
        metrics::histogram!(metric::BLOB_SECONDS, "operation" => "read").record(begun.elapsed());
        Ok(blob)
    }

    async fn remove(&self, tenant: &TenantId, digest: Blake3, limit: Option<Timestamp>) -> Result<bool, BlobError> {
        match &*self.backend {
            Backend::Directory(directory) => {
                let (directory, tenant) = (Arc::clone(directory), tenant.clone());
                blocking(move || directory.delete(&tenant, digest, limit).map_err(BlobError::io)).await
            }
            Backend::Bucket(bucket) => bucket.delete(tenant, digest, limit).await,
        }
    }
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blob").field("digest", &self.digest).field("size", &self.size).finish_non_exhaustive()
    }
}

/// Runs what may block where it may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    tokio::task::spawn_blocking(work).await.map_err(BlobError::task)?
}

/// `<tenant>/<aa>/<bb>/<digest>`: in a bucket; in a directory [`directory::name`], and this for what former versions
/// have put.
fn path(tenant: &TenantId, digest: Blake3) -> String {
    let name = digest.to_hex();
    let (first, rest) = name.split_at(2);
    let (second, _) = rest.split_at(2);
    format!("{tenant}/{first}/{second}/{name}")
}

fn entry(meta: &object_store::ObjectMeta) -> Option<BlobEntry> {
    Some(BlobEntry {
        digest: Blake3::parse(meta.location.filename()?)?,
        size: format::Layout::of_sealed(meta.size)?.size,
        stored_at: Timestamp(meta.last_modified.timestamp_micros()),
    })
}

/// Pieces of content that wait to be sealed, however small they are.
const PIECES: usize = 4096;

#[cfg(test)]
mod tests;
