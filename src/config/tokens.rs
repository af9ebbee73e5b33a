//! `[tokens]`: bearer tokens.

use std::time::Duration;

use super::section::section;

section! {
    /// Bearer tokens.
    Tokens {
        /// How long an access token is good for, unless it was minted for another time.
        access: Duration = Duration::from_mins(30), within "1m", "24h";
        /// How far clocks may differ when times in a token are checked.
        clock_skew: Duration = Duration::from_secs(30), within "0s", "5m";
    }
}
