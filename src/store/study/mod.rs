//! Studies, series and instances: what they are found by stands in columns (docs/adr/0014), what is sent of them in
//! sealed DICOM JSON. Their files are blobs; short ones are kept here (docs/adr/0019).

mod archive;
mod condition;
mod delete;
mod file;
mod find;
mod read;
mod whereabouts;
mod write;

use bytes::Bytes;

use crate::base::{Blake3, Timestamp, Uid};
use crate::dicom::index::{InstanceIndex, SeriesIndex, StudyIndex};

pub use archive::{ArchiveChange, ArchiveFeed, CACHED_OWNER, InstanceSite, RemoteFile};
pub(super) use archive::{after, before};
pub(super) use delete::delete;
pub use find::StudyMatch;
pub use whereabouts::{ArchiveCounts, RemoteInstance, Whereabouts};
pub use write::SealedInstance;
pub(super) use write::insert;

/// An instance that is to be kept. Study and series are made when their first instance comes; what that says of them
/// stays.
#[derive(Debug, Clone, PartialEq)]
pub struct NewInstance {
    /// (0020,000D).
    pub study_uid: Uid,
    /// (0020,000E).
    pub series_uid: Uid,
    /// (0008,0018).
    pub instance_uid: Uid,
    /// (0008,0016).
    pub class_uid: Uid,
    /// What its study is found by.
    pub study: StudyIndex,
    /// DICOM JSON of the study.
    pub study_attributes: String,
    /// What its series is found by.
    pub series: SeriesIndex,
    /// DICOM JSON of the series.
    pub series_attributes: String,
    /// What it is found by itself.
    pub instance: InstanceIndex,
    /// How its data set is encoded.
    pub transfer_syntax_uid: String,
    /// BLAKE3 of its file.
    pub digest: Blake3,
    /// Bytes of its file.
    pub size: u64,
    /// BLAKE3 of its data set.
    pub data_set_digest: Blake3,
    /// Where its data set begins in the file.
    pub data_set_offset: u64,
    /// Where its pixel data begins in the file.
    pub pixel_data_offset: Option<u64>,
    /// What is against the rules, in words of ours.
    pub flaws: String,
    /// DICOM JSON of all of it.
    pub metadata: String,
    /// Its file, where that is kept with it; else the file is a blob.
    pub file: Option<Bytes>,
}

/// An instance as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredInstance {
    /// Number of the row.
    pub no: i64,
    /// (0020,000D).
    pub study_uid: Uid,
    /// (0020,000E).
    pub series_uid: Uid,
    /// (0008,0018).
    pub instance_uid: Uid,
    /// (0008,0016).
    pub class_uid: Uid,
    /// (0008,0060).
    pub modality: String,
    /// (0020,0011).
    pub series_number: Option<i64>,
    /// What it is found by.
    pub instance: InstanceIndex,
    /// How its data set is encoded.
    pub transfer_syntax_uid: String,
    /// BLAKE3 of its file.
    pub digest: Blake3,
    /// Bytes of its file.
    pub size: u64,
    /// BLAKE3 of its data set.
    pub data_set_digest: Blake3,
    /// Where its data set begins in the file.
    pub data_set_offset: u64,
    /// Where its pixel data begins in the file.
    pub pixel_data_offset: Option<u64>,
    /// When it was kept.
    pub received_at: Timestamp,
}

/// What is known where an instance is about to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InstancePlace {
    /// The instance of that UID, if there is one.
    pub instance: Option<StoredInstance>,
    /// Patient ID and issuer of the study, if there is one.
    pub patient: Option<(String, String)>,
}

/// Owner of the blobs of instances.
pub const INSTANCE_OWNER: &str = "instance";
/// Owner of the blobs of instances that others have taken the place of.
const REPLACED_OWNER: &str = "instance.replaced";
/// In a column of numbers: none. It is the greatest, so that what has none comes last.
const NO_NUMBER: i64 = i64::MAX;
/// In a column of sizes: none.
const NO_SIZE: i64 = -1;

/// A size in a column.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
