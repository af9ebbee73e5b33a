//! Deleting.

use crate::access::{Actor, Operation};
use crate::dicom::query::StudyScope;
use crate::store::{StoreError, Write, WriteSet};

use super::super::{Attempt, Error, Ops};
use super::read::object_of;

impl Ops {
    /// Deletes a study, series or instance, and the studies and series that have nothing left; gives the number of
    /// instances that were there. Not found if there were none. The bytes go with the next sweep of blobs, the
    /// ImagingStudy with the last instance; if some are left, it is looked at again.
    pub async fn delete_study(&self, actor: &Actor, scope: &StudyScope) -> Result<u64, Error> {
        self.authorize(actor, Operation::StudyDelete).await?;
        self.with_retries(actor, ("ImagingStudy", scope.study.as_str()), || async {
            let there = self.desk(actor).instances(scope).await?.len();
            if there == 0 {
                return Err(Error::NotFound);
            }
            let set = WriteSet::new()
                .with(Write::DeleteInstances(scope.clone()))
                .with(Write::Audit(self.event(actor, Operation::StudyDelete).on(object_of(scope))));
            let all = self.desk(actor).instances(&StudyScope::study(scope.study.clone())).await?.len();
            let set = if there == all {
                set.and(self.imaging_study_deletion(actor, &scope.study).await?)
            } else {
                set.with(Write::Job(self.study_changed(actor, &scope.study, self.now())))
            };
            match self.desk(actor).commit(set).await {
                Ok(()) => Ok(Attempt::Done(there as u64)),
                // The ImagingStudy was written in between.
                Err(StoreError::VersionConflict { .. }) => Ok(Attempt::Spoilt),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }
}
