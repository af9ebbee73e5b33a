//! `[archive]`: who is asked for the facts of a study, and how studies are kept here.

use std::time::Duration;

use super::ByteSize;
use super::kind::choice;
use super::section::section;
use crate::base::PeerName;

section! {
    /// The archive that is asked for the facts and key images of a study, and the one that the gateway itself is.
    Archive {
        /// Name of a peer of kind `orthanc` or `dicomweb`. Not set: the studies that the gateway keeps itself are
        /// used; of others reports are rendered without, and their loss reports say so.
        peer: Option<PeerName> = None;
        /// How long to wait for its answer before a report is rendered without.
        timeout: Duration = Duration::from_secs(10), within "100ms", "5m";
        /// Whether clients may write ImagingStudy resources. Where the studies themselves come through the
        /// gateway, nobody but the gateway should; where they do not, another system may keep them here.
        imaging_studies: ImagingStudies = ImagingStudies::Derived;
        /// What becomes of an instance whose SOP Instance UID is known with other content: refused with status
        /// 0111H; refused too, with its digest in the audit log; or put in the place of the first one, whose bytes
        /// are kept beside. The same bytes again are always a success.
        duplicates: Duplicates = Duplicates::Reject;
        /// Longest data set that is taken.
        max_instance: ByteSize = ByteSize::mebibytes(4096), within "1MiB", "64GiB";
        /// Instances are refused with status A700H while less than this is free where blobs are. 0 switches the
        /// look off; a full disk is refused all the same.
        low_water: ByteSize = ByteSize::mebibytes(1024), within "0", "100TiB";
        /// How long a study has to be without a new instance before it counts as complete.
        settle: Duration = Duration::from_mins(1), within "1s", "1d";
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

choice! {
    /// What becomes of other content under a known SOP Instance UID.
    Duplicates {
        /// Refused.
        Reject = "reject",
        /// Refused, with a record.
        KeepFirst = "keep-first",
        /// Put in the place of the first one.
        Replace = "replace",
    }
}
