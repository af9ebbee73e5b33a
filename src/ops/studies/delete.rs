//! Deleting.

use crate::access::{Actor, Operation};
use crate::dicom::query::StudyScope;
use crate::store::{Write, WriteSet};

use super::super::{Error, Ops};
use super::read::object_of;

impl Ops {
    /// Deletes a study, series or instance, and the studies and series that have nothing left; gives the number of
    /// instances that were there. Not found if there were none. The bytes go with the next sweep of blobs.
    pub async fn delete_study(&self, actor: &Actor, scope: &StudyScope) -> Result<u64, Error> {
        self.authorize(actor, Operation::StudyDelete).await?;
        let there = self.desk(actor).instances(scope).await?.len();
        if there == 0 {
            return Err(Error::NotFound);
        }
        let set = WriteSet::new()
            .with(Write::DeleteInstances(scope.clone()))
            .with(Write::Audit(self.event(actor, Operation::StudyDelete).on(object_of(scope))));
        self.desk(actor).commit(set).await?;
        Ok(there as u64)
    }
}
