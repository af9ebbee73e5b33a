//! `[archive]`: who is asked for the facts of a study.

use std::time::Duration;

use super::section::section;
use crate::base::PeerName;

section! {
    /// The archive that is asked for the facts and key images of a study.
    Archive {
        /// Name of a peer of kind `orthanc` or `dicomweb`. Not set: reports are rendered without, and
        /// their loss reports say so.
        peer: Option<PeerName> = None;
        /// How long to wait for its answer before a report is rendered without.
        timeout: Duration = Duration::from_secs(10), within "100ms", "5m";
    }
}
