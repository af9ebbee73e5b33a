//! `[dimse]`: DICOM's own network protocol.

use super::section::section;
use crate::base::AeTitle;

section! {
    /// DICOM's own network protocol (PS3.8).
    Dimse {
        /// Application entity title that the gateway calls peers with, where a peer names no other one.
        ae_title: AeTitle = AeTitle::causeway();
    }
}
