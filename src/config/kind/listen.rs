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

/// Where a listener waits, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// There.
    At(SocketAddr),
    /// There is none.
    Off,
}

impl Listen {
    /// The address, if there is one.
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::At(address) => Some(address),
            Self::Off => None,
        }
    }
}

impl Setting for Listen {
    fn shape() -> String {
        "address and port, or `off`".into()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        if given.text()?.trim() == "off" {
            return Ok(Self::Off);
        }
        let address = SocketAddr::read(given);
        address
            .map(Self::At)
            .map_err(|_malformed| "must be an ip address and a port, as \"127.0.0.1:11112\", or \"off\"".into())
    }

    fn write(&self) -> Option<toml::Value> {
        Some(match self {
            Self::At(address) => address.to_string().into(),
            Self::Off => "off".into(),
        })
    }
}
