//! The metadata of studies.

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};

use crate::access::{Actor, Operation};
use crate::base::Blake3;
use crate::dicom::query::StudyScope;

use super::super::{Error, Ops};

/// Metadata of instances as a DICOM JSON array.
pub struct Metadata {
    /// How many instances.
    pub instances: usize,
    /// Changes whenever the metadata does; for entity tags.
    pub digest: Blake3,
}

impl Ops {
    /// The metadata of a study, series or instance, ordered as [`Ops::held_instances`] orders.
    pub async fn study_metadata(&self, actor: &Actor, _scope: &StudyScope) -> Result<Metadata, Error> {
        self.authorize(actor, Operation::StudyRead).await?;
        Err(Error::Busy("not ready".into()))
    }
}

impl Metadata {
    /// The JSON array in pieces. `retrieve_base` is the URL of the DICOMweb service, without a slash at its end; every
    /// `BulkDataURI` is `{retrieve_base}/studies/{s}/series/{e}/instances/{i}/bulkdata/{way}`.
    pub fn body(self, _retrieve_base: &str) -> BoxStream<'static, Result<Bytes, Error>> {
        stream::empty().boxed()
    }
}
