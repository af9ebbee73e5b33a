//! `[dicomweb]`: the web services of DICOM.

use super::kind::{ByteSize, choice};
use super::section::section;

section! {
    /// DICOMweb: STOW-RS, QIDO-RS, WADO-RS, WADO-URI (PS3.18).
    Dicomweb {
        /// Greatest size of one store request, all its parts together; a greater one is answered with 413.
        max_request_bytes: ByteSize = ByteSize::mebibytes(64 * 1024), within "1MiB", "16TiB";
        /// Greatest number of parts of one store request; more are answered with 413.
        max_parts: u32 = 20000, within "1", "1000000";
        /// Greatest size of metadata and bulk data of one store request that comes as DICOM JSON, which is held in
        /// memory until both are there; a greater one is answered with 413.
        max_metadata_request_bytes: ByteSize = ByteSize::mebibytes(64), within "1MiB", "4GiB";
        /// Most results of one search. Where there are more, the answer says so in a Warning, and `offset` asks for the
        /// next ones.
        max_results: u32 = 1000, within "1", "100000";
        /// How a search is answered that finds nothing.
        empty_search: EmptySearch = EmptySearch::List;
        /// Whether studies, series and instances may be deleted by DELETE, which no standard has.
        delete: bool = true;
    }
}

choice! {
    /// How a search is answered that finds nothing.
    EmptySearch {
        /// With 200 and an empty list, as in current editions of the standard.
        List = "list",
        /// With 204, as in editions up to 2024.
        NoContent = "no-content",
    }
}
