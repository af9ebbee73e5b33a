//! Where a listener waits.

use std::net::SocketAddr;

use crate::config::setting::{Given, Refusal, Setting};

impl Setting for SocketAddr {
    fn shape() -> String {
        "address and port".into()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        given
            .text()?
            .trim()
            .parse()
            .map_err(|_malformed| "must be an ip address and a port, as \"127.0.0.1:8080\"".into())
    }

    fn write(&self) -> Option<toml::Value> {
        Some(self.to_string().into())
    }
}
