//! `[sr]`: choices in DICOM structured reports.

use super::kind::choice;
use super::section::section;

section! {
    /// DICOM structured reports.
    Sr {
        /// Codes of section headings (PS3.16 CID 7001): LOINC, or the DCM codes that it had before and that
        /// older readers expect. A peer can have a choice of its own.
        heading_codes: HeadingCodes = HeadingCodes::Ln;
    }
}

choice! {
    /// Code systems of section headings.
    HeadingCodes {
        /// LOINC.
        Ln = "ln",
        /// DICOM's own codes.
        Dcm = "dcm",
    }
}
