//! `[subscriptions]`: FHIR Subscriptions and those who are told.

use std::path::PathBuf;
use std::time::Duration;

use super::section::section;

section! {
    /// FHIR Subscriptions.
    Subscriptions {
        /// Subscriptions of one tenant that may be on at the same time.
        per_tenant: u32 = 1000, within "1", "100000";
        /// Attempts at a notification before the subscription is in error; the waits are those of `jobs.backoff`.
        attempts: u32 = 20, within "1", "1000";
        /// The shortest heartbeat period that a subscription may ask for.
        shortest_heartbeat: Duration = Duration::from_secs(10), within "1s", "1h";
        /// How long a subscriber may take to answer; a subscription may ask for less.
        timeout: Duration = Duration::from_secs(30), within "1s", "5m";
        /// Most events in one notification; a subscription may ask for less.
        events_per_notification: u32 = 100, within "1", "1000";
        /// How long events can be asked for again that nobody waits for.
        keep_events: Duration = Duration::from_hours(7 * 24), within "1h", "3650d";
        /// How long a WebSocket binding token is good, and with it what is bound by it.
        binding: Duration = Duration::from_hours(1), within "1m", "24h";
        /// WebSockets that may be open at the same time on this node.
        sockets: u32 = 1000, within "1", "100000";
        /// Whether endpoints may be `http`. Only where nobody else hears the network.
        allow_http: bool = false;
        /// Whether endpoints may be at addresses of private networks and of this machine: whoever may write a Subscription can then make the gateway send requests there.
        allow_private_addresses: bool = false;
        /// PEM file with the authorities that certificates of endpoints must come from; those of the system where it is not set.
        ca_file: Option<PathBuf> = None;
    }
}
