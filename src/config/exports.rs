//! `[exports]`: export sessions of reports.

use std::time::Duration;

use super::section::section;

section! {
    /// Export sessions.
    Exports {
        /// How long a finished export can be downloaded.
        retention: Duration = Duration::from_hours(24), within "1m", "3650d";
    }
}
