//! Reading files that are in the archive behind. What is wanted as a whole goes from Orthanc to the reader piece by
//! piece, and its digest is compared on the way. Parts are read out of a copy that is held here for a while: Orthanc
//! gives no parts.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use crate::access::Actor;
use crate::base::Blake3;
use crate::blob::{Blob, BlobError};
use crate::remote::HttpError;
use crate::remote::orthanc::OpenedFile;
use crate::store::{BlobUse, CACHED_OWNER, InstanceSite, StoredInstance, Write, WriteSet};

use super::super::super::{Error, Ops};
use super::super::HeldInstance;
use super::{Behind, FETCHES, unreachable};

/// What the archive behind sends is not what was indexed.
#[derive(Debug, thiserror::Error)]
#[error("the archive behind has another file than the one that was indexed")]
struct OtherFile;

impl Ops {
    /// The file of an instance, or a part of it, out of the archive behind; `None` if it is here.
    pub(in crate::ops::studies) async fn open_behind(
        &self,
        actor: &Actor,
        held: &HeldInstance,
        part: Option<&Range<u64>>,
    ) -> Result<Option<Blob>, Error> {
        let Some(behind) = self.behind(&actor.tenant).await? else { return Ok(None) };
        let place = self.desk(actor).whereabouts(&held.sop_instance_uid).await?.ok_or(Error::NotFound)?;
        if place.site != InstanceSite::There {
            return Ok(None);
        }
        let size = held.blob.size;
        let range = part.map_or(0..size, |part| part.start..part.end.min(size));
        if range.start > range.end {
            return Err(BlobError::Range { digest: held.blob.digest, size }.into());
        }
        let keys = self.store().keyring();
        if place.is_cached {
            match self.blobs().get_range(&actor.tenant, &keys, held.blob.digest, range.clone()).await {
                Ok(blob) => return Ok(Some(blob)),
                Err(BlobError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if range.start <= held.data_set_offset && range.end == size {
            let file = self.remote_file(&behind, &place.remote_id).await?;
            let body = whole(file.body, held.blob.digest, size, range.start);
            return Ok(Some(Blob { digest: held.blob.digest, size, range, body }));
        }
        self.hold(actor, &behind, held, &place.remote_id).await?;
        Ok(Some(self.blobs().get_range(&actor.tenant, &keys, held.blob.digest, range).await?))
    }

    /// Sees to it that the bytes of an instance are here that another one is about to take the place of.
    pub(in crate::ops::studies) async fn hold_former(
        &self,
        actor: &Actor,
        former: &StoredInstance,
    ) -> Result<(), Error> {
        let Some(behind) = self.behind(&actor.tenant).await? else { return Ok(()) };
        let Some(place) = self.desk(actor).whereabouts(&former.instance_uid).await? else { return Ok(()) };
        if place.site != InstanceSite::There {
            return Ok(());
        }
        self.hold(actor, &behind, &HeldInstance::from(former.clone()), &place.remote_id).await
    }

    async fn remote_file(&self, behind: &Behind, id: &str) -> Result<OpenedFile, Error> {
        let file = behind.peer.open_file(id).await.map_err(|error| unreachable(&error))?;
        // Deleted there, and not yet here.
        file.ok_or(Error::NotFound)
    }

    /// Holds a copy of a file of the archive behind. Those who want the same one at once wait for one copy.
    async fn hold(&self, actor: &Actor, behind: &Behind, held: &HeldInstance, id: &str) -> Result<(), Error> {
        let mut hasher = DefaultHasher::new();
        (actor.tenant.as_str(), held.sop_instance_uid.as_str()).hash(&mut hasher);
        let slot = usize::try_from(hasher.finish() % FETCHES as u64).unwrap_or_default();
        let slot = self.shared.archives.fetching.get(slot).ok_or_else(|| Error::Fault("no slot".into()))?;
        let _alone = slot.lock().await;
        let place = self.desk(actor).whereabouts(&held.sop_instance_uid).await?.ok_or(Error::NotFound)?;
        if place.is_cached {
            return Ok(());
        }
        let file = self.remote_file(behind, id).await?;
        let key = self.store().data_key(&actor.tenant)?;
        let body = whole(file.body, held.blob.digest, held.blob.size, 0);
        let blob = match self.blobs().put(&actor.tenant, &key, body).await {
            Err(BlobError::Input(error)) => return Err(of_input(error)),
            put => put?,
        };
        let used = BlobUse {
            digest: blob.digest,
            size: blob.size,
            owner_kind: CACHED_OWNER,
            owner_id: held.sop_instance_uid.as_str().to_owned(),
        };
        Ok(self.desk(actor).commit(WriteSet::new().with(Write::Blob(used))).await?)
    }
}

fn of_input(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    match error.downcast::<BlobError>() {
        Ok(error) => Error::from(*error),
        Err(error) => Error::Fault(error.to_string()),
    }
}

/// The bytes of a file behind the first `skipped` ones. Those of a file of another length or digest end in an error
/// before their last piece.
fn whole(
    body: BoxStream<'static, Result<Bytes, HttpError>>,
    digest: Blake3,
    size: u64,
    skipped: u64,
) -> BoxStream<'static, Result<Bytes, BlobError>> {
    let reading = Reading { body, hasher: blake3::Hasher::new(), digest, size, passed: 0, skipped };
    stream::try_unfold(reading, Reading::next).boxed()
}

struct Reading {
    body: BoxStream<'static, Result<Bytes, HttpError>>,
    hasher: blake3::Hasher,
    digest: Blake3,
    size: u64,
    passed: u64,
    skipped: u64,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, BlobError> {
        let unavailable = |error: HttpError| BlobError::Unavailable(Box::new(error));
        while let Some(mut bytes) = self.body.try_next().await.map_err(unavailable)? {
            self.hasher.update(&bytes);
            let begin = self.passed;
            self.passed += bytes.len() as u64;
            let is_last = self.passed >= self.size;
            if self.passed > self.size || (is_last && Blake3::from_hasher(&self.hasher) != self.digest) {
                tracing::error!("the archive behind has another file than the one that was indexed");
                return Err(BlobError::Unavailable(Box::new(OtherFile)));
            }
            let left = usize::try_from(self.skipped.saturating_sub(begin)).unwrap_or(usize::MAX);
            if left < bytes.len() {
                return Ok(Some((bytes.split_off(left), self)));
            }
        }
        if self.passed < self.size {
            return Err(BlobError::Unavailable(Box::new(OtherFile)));
        }
        Ok(None)
    }
}
