//! Studies: instances come in from C-STORE and STOW-RS, are found, read and deleted. The edges know PDUs and
//! multiparts; what is stored, and what a query means, is decided here alone.

mod behind;
mod delete;
mod disk;
mod facts;
mod find;
mod found;
mod frames;
mod gather;
mod imaging_study;
mod intake;
mod keep;
mod local;
mod metadata;
mod read;
mod receive;
mod settings;
mod settle;

use crate::base::{AeTitle, Blake3, Timestamp, Uid};
use crate::blob::BlobRef;
use crate::dicom::status::StoreStatus;

pub(in crate::ops) use behind::Archives;
pub use behind::{ArchiveBehind, BehindSettings, Followed, PassRequest, Stale};
pub use find::Found;
pub use found::{FoundRow, returned};
pub use frames::{FrameError, StoredImage};
pub(in crate::ops) use gather::Gathering;
pub(in crate::ops) use local::LocalArchive;
pub use metadata::Metadata;
pub use receive::Incoming;
pub use settings::{Duplicates, StudySettings};
pub use settle::StudyChangedPayload;

/// Who sends, as file meta information and audit name it. PS3.10 §7.1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// AE title of the sender.
    pub calling_ae_title: Option<AeTitle>,
    /// AE title that the sender called.
    pub called_ae_title: Option<AeTitle>,
}

/// How an instance comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// C-STORE: the data set alone.
    DataSet {
        /// Transfer syntax of the presentation context.
        transfer_syntax_uid: String,
        /// Affected SOP Class UID (0000,0002).
        sop_class_uid: Uid,
        /// Affected SOP Instance UID (0000,1000).
        sop_instance_uid: Uid,
    },
    /// STOW-RS: a whole Part 10 file.
    Part10,
}

/// What became of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Study, if it could be read.
    pub study_instance_uid: Option<Uid>,
    /// Series, if it could be read.
    pub series_instance_uid: Option<Uid>,
    /// SOP class, if it could be read.
    pub sop_class_uid: Option<Uid>,
    /// SOP instance, if it could be read.
    pub sop_instance_uid: Option<Uid>,
    /// 0000, B007, or why it is not stored. The same codes serve C-STORE and STOW-RS.
    pub status: StoreStatus,
    /// What is wrong with it, in at most 64 characters without patient data.
    pub comment: Option<&'static str>,
    /// Whether the same instance was stored already, byte for byte.
    pub was_there: bool,
}

/// An instance that is stored. Its bytes are a Part 10 file: zero preamble, our file meta information, and the
/// data set as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldInstance {
    /// Study (0020,000D).
    pub study_instance_uid: Uid,
    /// Series (0020,000E).
    pub series_instance_uid: Uid,
    /// SOP instance (0008,0018).
    pub sop_instance_uid: Uid,
    /// SOP class (0008,0016).
    pub sop_class_uid: Uid,
    /// How the data set is encoded.
    pub transfer_syntax_uid: String,
    /// Address and length of the file.
    pub blob: BlobRef,
    /// BLAKE3 of the data set.
    pub data_set_digest: Blake3,
    /// First byte of the data set within the file.
    pub data_set_offset: u64,
    /// First byte of the element (7FE0,0010), (7FE0,0008) or (7FE0,0009) within the file; none if there is none, or if
    /// the data set is deflated.
    pub pixel_data_offset: Option<u64>,
    /// Series number (0020,0011).
    pub series_number: Option<i64>,
    /// Modality (0008,0060), empty if there is none.
    pub modality: String,
    /// Instance number (0020,0013).
    pub instance_number: Option<i64>,
    /// Number of frames (0028,0008).
    pub number_of_frames: Option<u32>,
    /// Rows (0028,0010).
    pub rows: Option<u32>,
    /// Columns (0028,0011).
    pub columns: Option<u32>,
    /// When it was stored.
    pub received_at: Timestamp,
}
