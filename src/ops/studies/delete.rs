//! Deleting.

use crate::access::{Actor, Operation};
use crate::dicom::query::StudyScope;

use super::super::{Error, Ops};

impl Ops {
    /// Deletes a study, series or instance; gives the number of instances that are gone. Not found if there are none.
    pub async fn delete_study(&self, actor: &Actor, _scope: &StudyScope) -> Result<u64, Error> {
        self.authorize(actor, Operation::StudyDelete).await?;
        Err(Error::NotFound)
    }
}
