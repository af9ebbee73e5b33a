//! Where a listener waits, or that it does not.

use std::net::SocketAddr;

use crate::config::setting::{Given, Refusal, Setting};

/// The address of a listener that can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// It does not run.
    Off,
    /// It waits at this address.
    At(SocketAddr),
}

impl Listen {
    /// The address, if the listener runs.
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Off => None,
            Self::At(address) => Some(address),
        }
    }
}

impl Setting for Listen {
    fn shape() -> String {
        "address and port, or `off`".into()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        if given.text()? == "off" { Ok(Self::Off) } else { SocketAddr::read(given).map(Self::At) }
    }

    fn write(&self) -> Option<toml::Value> {
        match self {
            Self::Off => Some("off".into()),
            Self::At(address) => Setting::write(address),
        }
    }
}

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
