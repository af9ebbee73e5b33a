//! `[archive]`: who is asked for the facts of a study.

use std::time::Duration;

use super::kind::choice;
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
        /// Whether clients may write ImagingStudy resources. Where the studies themselves come through the
        /// gateway, nobody but the gateway should; where they do not, another system may keep them here.
        imaging_studies: ImagingStudies = ImagingStudies::Derived;
    }
}

choice! {
    /// Who writes ImagingStudy resources.
    ImagingStudies {
        /// The gateway alone, out of studies.
        Derived = "derived",
        /// Clients too.
        Stored = "stored",
    }
}
