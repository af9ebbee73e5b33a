//! Blobs in a bucket, or in memory. Small objects are uploaded in one request, larger ones in parts out
//! of a file, so that memory stays bounded.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::memory::InMemory;
use object_store::path::Path as ObjectPath;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, RetryConfig};

use super::BlobError;
use super::stage::{Staged, StagedFile, Staging};
use crate::base::{Blake3, TenantId, Timestamp};
use crate::config::S3;

#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) store: Arc<dyn ObjectStore>,
    /// Path in the bucket, without slashes at its ends; may be empty.
    prefix: String,
    staging: Option<Arc<Staging>>,
}

impl Bucket {
    /// A bucket of S3 or of a service that speaks like it. Large objects wait below `spool`, sealed, until
    /// they are uploaded.
    pub(super) fn s3(bucket: &str, prefix: &str, settings: &S3, spool: &Path) -> Result<Self, BlobError> {
        let builder = match (&settings.access_key_id, settings.secret_access_key.get()) {
            (Some(id), Some(secret)) => {
                AmazonS3Builder::new().with_access_key_id(id).with_secret_access_key(secret.expose())
            }
            _ => AmazonS3Builder::from_env(),
        };
        // Jobs come back by themselves, and a request must not wait for minutes.
        let retry = RetryConfig { max_retries: 3, retry_timeout: Duration::from_secs(20), ..RetryConfig::default() };
        let builder = builder.with_retry(retry);
        let builder = builder.with_bucket_name(bucket).with_allow_http(settings.allow_http);
        let builder = match &settings.endpoint {
            Some(endpoint) => builder.with_endpoint(endpoint.as_str()),
            None => builder,
        };
        let builder = match &settings.region {
            Some(region) => builder.with_region(region),
            None => builder,
        };
        let store = builder.build().map_err(|error| BlobError::Settings(Box::new(error)))?;
        let staging = Staging::open(spool).map_err(BlobError::io)?;
        Ok(Self { store: Arc::new(store), prefix: prefix.to_owned(), staging: Some(Arc::new(staging)) })
    }

    /// Nowhere: for tests.
    pub(super) fn in_memory() -> Self {
        Self { store: Arc::new(InMemory::new()), prefix: String::new(), staging: None }
    }

    /// In memory, but with a spool, so that large objects go the way that they go to S3.
    #[cfg(test)]
    pub(super) fn in_memory_with_spool(spool: &Path) -> Self {
        let staging = Some(Arc::new(Staging::open(spool).expect("spool")));
        Self { staging, ..Self::in_memory() }
    }

    /// A place for an object.
    pub(super) fn stage(&self) -> Staged {
        Staged::new(self.staging.clone(), PART)
    }

    /// Uploads a staged object.
    pub(super) async fn publish(&self, tenant: &TenantId, digest: Blake3, staged: Staged) -> Result<(), BlobError> {
        let path = self.path(tenant, digest);
        let Staged { bytes, file, length, .. } = staged;
        let Some(file) = file else {
            self.store.put(&path, bytes.into()).await.map_err(|error| BlobError::store(digest, error))?;
            return Ok(());
        };
        let mut upload = self.store.put_multipart(&path).await.map_err(|error| BlobError::store(digest, error))?;
        let uploaded = upload_parts(upload.as_mut(), digest, file, length).await;
        if uploaded.is_err()
            && let Err(error) = upload.abort().await
        {
            tracing::warn!(error = %error, "an upload that failed could not be taken back");
        }
        uploaded
    }

    /// Removes a blob, if it is not newer than `limit`. Says whether it was there and went.
    pub(super) async fn delete(
        &self,
        tenant: &TenantId,
        digest: Blake3,
        limit: Option<Timestamp>,
    ) -> Result<bool, BlobError> {
        let path = self.path(tenant, digest);
        // Deleting what is not there succeeds on S3, so it is looked for first.
        match self.store.head(&path).await {
            Ok(meta) if limit.is_some_and(|limit| meta.last_modified.timestamp_micros() > limit.0) => return Ok(false),
            Ok(_) => {}
            Err(object_store::Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(BlobError::store(digest, error)),
        }
        match self.store.delete(&path).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(BlobError::store(digest, error)),
        }
    }

    /// Path of what belongs to a tenant, or of everything.
    pub(super) fn prefix(&self, tenant: Option<&TenantId>) -> Option<ObjectPath> {
        let parts = [self.prefix.as_str(), tenant.map(TenantId::as_str).unwrap_or_default()];
        let path = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
        (!path.is_empty()).then(|| ObjectPath::from(path))
    }

    /// Path of a blob.
    pub(super) fn path(&self, tenant: &TenantId, digest: Blake3) -> ObjectPath {
        let path = super::path(tenant, digest);
        ObjectPath::from(if self.prefix.is_empty() { path } else { format!("{}/{path}", self.prefix) })
    }

    /// Whether the bucket answers and the spool can be written.
    pub(super) async fn probe(&self) -> Result<(), BlobError> {
        if let Some(staging) = self.staging.clone() {
            let probed = tokio::task::spawn_blocking(move || staging.probe()).await.map_err(BlobError::task)?;
            probed.map_err(BlobError::io)?;
        }
        let mut listing = self.store.list(self.prefix(None).as_ref());
        listing.next().await.transpose().map_err(|error| BlobError::Unavailable(Box::new(error)))?;
        Ok(())
    }
}

async fn upload_parts(
    upload: &mut dyn MultipartUpload,
    digest: Blake3,
    file: StagedFile,
    length: u64,
) -> Result<(), BlobError> {
    let failed = |error| BlobError::store(digest, error);
    // S3 takes 10,000 parts at most.
    let part = usize::try_from(length.div_ceil(MOST_PARTS)).unwrap_or(usize::MAX).max(PART);
    let (mut file, mut under_way, mut first) = (file, FuturesUnordered::new(), true);
    loop {
        let read = tokio::task::spawn_blocking(move || read_part(file, part, first)).await.map_err(BlobError::task)?;
        let (back, bytes) = read.map_err(BlobError::io)?;
        (file, first) = (back, false);
        if bytes.is_empty() {
            break;
        }
        if under_way.len() >= PARTS_AT_ONCE {
            under_way.try_next().await.map_err(failed)?;
        }
        under_way.push(upload.put_part(bytes.into()));
    }
    while under_way.try_next().await.map_err(failed)?.is_some() {}
    upload.complete().await.map_err(failed)?;
    Ok(())
}

fn read_part(mut staged: StagedFile, length: usize, first: bool) -> std::io::Result<(StagedFile, Bytes)> {
    let file = if first { staged.rewound()? } else { staged.file() };
    let mut bytes = Vec::with_capacity(length);
    file.take(length as u64).read_to_end(&mut bytes)?;
    Ok((staged, bytes.into()))
}

/// Greatest object in one request, and size of the parts of larger ones. S3 asks for 5 MiB at least.
const PART: usize = 8 * 1024 * 1024;
const PARTS_AT_ONCE: usize = 4;
const MOST_PARTS: u64 = 9_000;
