//! `[jobs]`: the queue and those who work on it.

use std::time::Duration;

use super::section::section;

section! {
    /// The job queue.
    Jobs {
        /// Jobs that run at the same time on this node.
        workers: u32 = 4, within "1", "256";
        /// How long a claimed job belongs to its worker without a sign of life.
        lease: Duration = Duration::from_mins(1), within "5s", "1h";
        /// How often a worker gives a sign of life; at most half of `lease`.
        heartbeat: Duration = Duration::from_secs(15), within "1s", "30m";
        /// How often the queue is looked at when nothing has woken it.
        poll: Duration = Duration::from_secs(2), within "50ms", "5m";
        /// Attempts before a job is a dead letter.
        max_attempts: u32 = 12, within "1", "1000";
        /// The wait after the first failed attempt; it doubles with each further one.
        backoff: Duration = Duration::from_secs(5), within "100ms", "1h";
        /// The longest wait between two attempts.
        backoff_limit: Duration = Duration::from_hours(1), within "1s", "7d";
        /// How long the rows of finished jobs are kept.
        keep_finished: Duration = Duration::from_hours(7 * 24), within "1h", "3650d";
    }
}
