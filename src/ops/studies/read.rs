//! Reading what is stored.

use std::ops::Range;

use dicom_core::VR;
use futures_util::TryStreamExt as _;

use crate::access::{Actor, Operation};
use crate::audit::{Object, ObjectKind};
use crate::base::Uid;
use crate::blob::{Blob, BlobRef};
use crate::dicom::header::{Bulk, Header, HeaderLimits, Scanner, Step};
use crate::dicom::query::StudyScope;
use crate::store::StoredInstance;

use super::super::{Error, Ops};
use super::HeldInstance;

impl Ops {
    /// The instances of a study or a part of it, by series number, series, instance number and UID. Not found if
    /// there are none that the actor may see. Leaves the reading of the whole scope in the audit log: those who open
    /// one instance after the other come through here first.
    pub async fn held_instances(&self, actor: &Actor, scope: &StudyScope) -> Result<Vec<HeldInstance>, Error> {
        let stored = self.stored_instances(actor, scope).await?;
        Ok(stored.into_iter().map(HeldInstance::from).collect())
    }

    /// Those of some instances that are stored, in the order of their UIDs.
    pub async fn instances_of(&self, actor: &Actor, uids: &[Uid]) -> Result<Vec<HeldInstance>, Error> {
        self.authorize(actor, Operation::StudyFind).await?;
        let stored = self.desk(actor).instances_by_uid(uids).await?;
        let objects = stored.iter().map(object).collect();
        self.note_read(actor, Operation::StudyFind, objects).await?;
        Ok(stored.into_iter().map(HeldInstance::from).collect())
    }

    /// The file of an instance, or a part of it.
    pub async fn open_instance(
        &self,
        actor: &Actor,
        held: &HeldInstance,
        part: Option<Range<u64>>,
    ) -> Result<Blob, Error> {
        self.authorize(actor, Operation::StudyRead).await?;
        if let Some(blob) = self.open_behind(actor, held, part.as_ref()).await? {
            return Ok(blob);
        }
        match self.open_here(actor, held, part.clone()).await {
            Ok(blob) => Ok(blob),
            // It may have been let go of here since it was asked where it is.
            Err(error) => self.open_behind(actor, held, part.as_ref()).await?.ok_or(error),
        }
    }

    /// The file of an instance that is here, or a part of it.
    pub(super) async fn open_here(
        &self,
        actor: &Actor,
        held: &HeldInstance,
        part: Option<Range<u64>>,
    ) -> Result<Blob, Error> {
        if held.blob.size <= LONGEST_SHORT_FILE {
            let (instance, digest) = (&held.sop_instance_uid, held.blob.digest);
            if let Some(file) = self.desk(actor).instance_file(instance, digest).await? {
                return Ok(Blob::of_bytes(digest, &file, part)?);
            }
        }
        let keys = self.store().keyring();
        let blob = match part {
            None => self.blobs().get(&actor.tenant, &keys, held.blob.digest).await?,
            Some(part) => self.blobs().get_range(&actor.tenant, &keys, held.blob.digest, part).await?,
        };
        Ok(blob)
    }

    /// The bulk value at a way as a `BulkDataURI` of the metadata has it: its VR, and where it is in the data set.
    /// Not found if there is none. The data set is read as far as its last byte.
    pub async fn bulk_value(&self, actor: &Actor, held: &HeldInstance, way: &[Step]) -> Result<(VR, Bulk), Error> {
        self.header_of(actor, held).await?.bulk(way).ok_or(Error::NotFound)
    }

    /// The header of an instance, read anew from its file.
    pub async fn header_of(&self, actor: &Actor, held: &HeldInstance) -> Result<Header, Error> {
        let part = held.data_set_offset..held.blob.size;
        let mut blob = self.open_instance(actor, held, Some(part)).await?;
        let unreadable = |error: crate::dicom::header::HeaderError| Error::Fault(format!("a kept instance {error}"));
        let limits = HeaderLimits { max_bytes: u64::MAX, ..HeaderLimits::default() };
        let mut scanner = Scanner::new(&held.transfer_syntax_uid, &limits).map_err(unreadable)?;
        while let Some(bytes) = blob.body.try_next().await? {
            scanner.write(&bytes).map_err(unreadable)?;
        }
        scanner.finish().map_err(unreadable)
    }

    /// The instances of a scope, whose reading is left in the audit log.
    pub(super) async fn stored_instances(
        &self,
        actor: &Actor,
        scope: &StudyScope,
    ) -> Result<Vec<StoredInstance>, Error> {
        self.authorize(actor, Operation::StudyRead).await?;
        let stored = self.desk(actor).instances(scope).await?;
        if stored.is_empty() {
            return Err(Error::NotFound);
        }
        self.note_read(actor, Operation::StudyRead, vec![object_of(scope)]).await?;
        Ok(stored)
    }
}

/// Bytes of a file that may be kept in the database, whatever the setting has been: `archive.short_files` has this
/// limit.
const LONGEST_SHORT_FILE: u64 = 256 << 10;

/// What an audit event says of a scope.
pub(super) fn object_of(scope: &StudyScope) -> Object {
    let study = Some(scope.study.clone());
    match scope.instance.as_ref().or(scope.series.as_ref()) {
        Some(part) => Object::new(ObjectKind::Instance, part.as_str()).of_study(study),
        None => Object::new(ObjectKind::Study, scope.study.as_str()).of_study(study),
    }
}

fn object(stored: &StoredInstance) -> Object {
    Object::new(ObjectKind::Instance, stored.instance_uid.as_str()).of_study(Some(stored.study_uid.clone()))
}

impl From<StoredInstance> for HeldInstance {
    fn from(stored: StoredInstance) -> Self {
        Self {
            study_instance_uid: stored.study_uid,
            series_instance_uid: stored.series_uid,
            sop_instance_uid: stored.instance_uid,
            sop_class_uid: stored.class_uid,
            transfer_syntax_uid: stored.transfer_syntax_uid,
            blob: BlobRef { digest: stored.digest, size: stored.size },
            data_set_digest: stored.data_set_digest,
            data_set_offset: stored.data_set_offset,
            pixel_data_offset: stored.pixel_data_offset,
            series_number: stored.series_number,
            modality: stored.modality,
            instance_number: stored.instance.number,
            number_of_frames: stored.instance.frames,
            rows: stored.instance.rows,
            columns: stored.instance.columns,
            received_at: stored.received_at,
        }
    }
}
