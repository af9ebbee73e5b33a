//! What an operator sets for the archive.

use std::time::Duration;

use super::BehindSettings;

/// What becomes of an instance whose SOP Instance UID is known with other content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    /// It is refused.
    Reject,
    /// The first one stays; the sender hears that its own was not kept, and the audit log holds its digest.
    KeepFirst,
    /// It takes the place of the first one, whose bytes are kept beside.
    Replace,
}

/// What an operator sets for the archive.
#[derive(Debug, Clone)]
pub struct StudySettings {
    /// What becomes of other content under a known UID.
    pub duplicates: Duplicates,
    /// Longest data set that is taken, in bytes; deflated ones when inflated.
    pub max_instance_bytes: u64,
    /// Longest file that is kept in the database, in bytes; longer ones are blobs.
    pub short_file_bytes: u64,
    /// Space that has to be free where blobs are, in bytes, for an instance to be taken; 0 for no look.
    pub low_water_bytes: u64,
    /// How long a study has to be without a new instance before it counts as settled.
    pub settle: Duration,
    /// Archives that stand behind.
    pub behind: BehindSettings,
}

impl Default for StudySettings {
    fn default() -> Self {
        Self {
            duplicates: Duplicates::Reject,
            max_instance_bytes: 4 << 30,
            short_file_bytes: 64 << 10,
            low_water_bytes: 1 << 30,
            settle: Duration::from_mins(1),
            behind: BehindSettings::default(),
        }
    }
}
