//! Reading what is stored.

use std::ops::Range;

use dicom_core::VR;

use crate::access::{Actor, Operation};
use crate::base::Uid;
use crate::blob::Blob;
use crate::dicom::header::{Bulk, Step};
use crate::dicom::query::StudyScope;

use super::super::{Error, Ops};
use super::HeldInstance;

impl Ops {
    /// The instances of a study or a part of it, by series number, instance number and UID. Not found if there are
    /// none that the actor may see. Leaves the reading of the whole scope in the audit log: those who open one
    /// instance after the other come through here first.
    pub async fn held_instances(&self, actor: &Actor, _scope: &StudyScope) -> Result<Vec<HeldInstance>, Error> {
        self.authorize(actor, Operation::StudyRead).await?;
        Err(Error::NotFound)
    }

    /// Those of some instances that are stored.
    pub async fn instances_of(&self, actor: &Actor, _uids: &[Uid]) -> Result<Vec<HeldInstance>, Error> {
        self.authorize(actor, Operation::StudyFind).await?;
        Ok(Vec::new())
    }

    /// The file of an instance, or a part of it.
    pub async fn open_instance(
        &self,
        actor: &Actor,
        _held: &HeldInstance,
        _part: Option<Range<u64>>,
    ) -> Result<Blob, Error> {
        self.authorize(actor, Operation::StudyRead).await?;
        Err(Error::NotFound)
    }

    /// The bulk value at a way as a `BulkDataURI` of the metadata has it: its VR, and where it is in the data set. Not found if there is none.
    pub async fn bulk_value(&self, actor: &Actor, _held: &HeldInstance, _way: &[Step]) -> Result<(VR, Bulk), Error> {
        self.authorize(actor, Operation::StudyRead).await?;
        Err(Error::NotFound)
    }
}
