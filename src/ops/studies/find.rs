//! Finding patients, studies, series and instances.

use crate::access::{Actor, Operation};
use crate::base::Uid;
use crate::dicom::element::DataSet;
use crate::dicom::query::Query;

use super::super::{Error, Ops};

/// What a query found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The matches of the page.
    pub rows: Vec<FoundRow>,
    /// How many there are behind this page; exact.
    pub more: u64,
}

/// A match.
#[derive(Debug, Clone)]
pub struct FoundRow {
    /// Study; none at the level of patients.
    pub study_instance_uid: Option<Uid>,
    /// Series, at its level and below.
    pub series_instance_uid: Option<Uid>,
    /// Instance, at its level.
    pub sop_instance_uid: Option<Uid>,
}

impl Ops {
    /// What a query finds, in a stable order: studies by date and time, the latest first, then UID; series and
    /// instances by number, then UID.
    pub async fn find_studies(&self, actor: &Actor, _query: &Query) -> Result<Found, Error> {
        self.authorize(actor, Operation::StudyFind).await?;
        Err(Error::Busy("not ready".into()))
    }
}

impl FoundRow {
    /// The match as a DICOM JSON object for QIDO-RS: what the level always returns, what was matched by and what was
    /// asked for. `retrieve_base` is the URL of the DICOMweb service, without a slash at its end.
    pub fn write_json(&self, _out: &mut Vec<u8>, _retrieve_base: &str) {}

    /// The match as the identifier of a C-FIND response, in UTF-8: the keys of the request alone. Level, Retrieve AE Title and (0008,0005) are
    /// the caller's.
    pub fn data_set(&self) -> DataSet {
        DataSet::new_empty()
    }
}
