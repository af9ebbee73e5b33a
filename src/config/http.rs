//! `[http]`: the HTTP listener.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::kind::{ByteSize, HttpUrl};
use super::section::section;

section! {
    /// The HTTP listener: FHIR, reports, exports, health and metrics.
    Http {
        /// Where it listens. Nothing but this machine reaches it unless told so.
        listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        /// What every URL that leaves the gateway begins with: the address that clients and the proxy in
        /// front know it by.
        public_url: HttpUrl = HttpUrl::of_listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))), shown "http://{http.listen}";
        /// Origins whose pages may read answers in a browser, as `https://viewer.example.org`; `*` means every origin.
        /// A page still needs a token.
        allowed_origins: Vec<String> = Vec::new();
        /// Greatest size of a request body; a greater one is answered with 413.
        max_body_bytes: ByteSize = ByteSize::mebibytes(16), within "1KiB", "1GiB";
        /// How long a request may take; what takes longer runs as a job.
        request_timeout: Duration = Duration::from_secs(30), within "1s", "1h";
        /// Number of threads that serve requests. Not set: one for each processor.
        workers: Option<u32> = None, within "1", "1024";
        /// How long running requests may go on after the gateway was told to stop.
        shutdown_timeout: Duration = Duration::from_secs(30), within "0s", "10m";
    }
}
