//! Where a request came from, also behind proxies.

use std::net::IpAddr;
use std::str::FromStr;

use actix_web::http::header::HeaderMap;

/// A range of addresses, `10.0.0.0/8`; a single address is the range of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

/// A text is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an IP address or a network like 10.0.0.0/8")]
pub struct NetworkError;

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (base, prefix) = match text.split_once('/') {
            Some((base, prefix)) => (base, Some(prefix)),
            None => (text, None),
        };
        let base: IpAddr = base.parse().map_err(|_error| NetworkError)?;
        let longest = if base.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().ok().filter(|prefix| *prefix <= longest).ok_or(NetworkError)?,
            None => longest,
        };
        Ok(Self { base, prefix })
    }
}

impl Network {
    /// Whether `address` lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let cut = |bits: u32| bits.checked_shr(32 - u32::from(self.prefix)).unwrap_or(0);
                cut(base.to_bits()) == cut(address.to_bits())
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let cut = |bits: u128| bits.checked_shr(128 - u32::from(self.prefix)).unwrap_or(0);
                cut(base.to_bits()) == cut(address.to_bits())
            }
            _ => false,
        }
    }
}

/// The client's address: the peer's own, or, where the peer is a proxy that is trusted, the last one in
/// `X-Forwarded-For` that is not such a proxy. What stands before it could be anyone's invention.
pub(super) fn client(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[Network]) -> Option<IpAddr> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let peer = peer?.to_canonical();
    if !is_trusted(peer) {
        return Some(peer);
    }
    let fields: Vec<&str> = headers.get_all("x-forwarded-for").filter_map(|value| value.to_str().ok()).collect();
    let mut last = peer;
    for hop in fields.iter().rev().flat_map(|field| field.rsplit(',')) {
        let Ok(hop) = hop.trim().parse::<IpAddr>() else {
            return Some(last);
        };
        last = hop.to_canonical();
        if !is_trusted(last) {
            return Some(last);
        }
    }
    Some(last)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn forwarded(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            let name = HeaderName::from_static("x-forwarded-for");
            headers.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        headers
    }

    #[test]
    fn networks_hold_their_addresses() {
        let network: Network = "10.1.0.0/16".parse().expect("valid");
        assert!(network.contains(ip("10.1.255.1")));
        assert!(!network.contains(ip("10.2.0.1")));
        assert!(!network.contains(ip("::1")));
        assert!("0.0.0.0/0".parse::<Network>().expect("valid").contains(ip("192.0.2.1")));
        assert!("2001:db8::/32".parse::<Network>().expect("valid").contains(ip("2001:db8:1::1")));
        assert!("::1".parse::<Network>().expect("valid").contains(ip("::1")));
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "x", "10.0.0.0/", "10.0.0.0/-1"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_trusted_proxies_say_where_a_request_came_from() {
        let trusted = ["10.0.0.0/8".parse().expect("valid")];
        let found = |peer: &str, values: &[&str]| client(Some(ip(peer)), &forwarded(values), &trusted);
        assert_eq!(found("192.0.2.1", &["203.0.113.9"]), Some(ip("192.0.2.1")));
        assert_eq!(found("10.0.0.1", &["203.0.113.9"]), Some(ip("203.0.113.9")));
        assert_eq!(found("10.0.0.1", &["1.1.1.1, 203.0.113.9, 10.0.0.2"]), Some(ip("203.0.113.9")));
        assert_eq!(found("10.0.0.1", &["1.1.1.1", "203.0.113.9"]), Some(ip("203.0.113.9")));
        assert_eq!(found("10.0.0.1", &["203.0.113.9, unknown"]), Some(ip("10.0.0.1")));
        assert_eq!(found("10.0.0.1", &[]), Some(ip("10.0.0.1")));
        assert_eq!(client(None, &forwarded(&["203.0.113.9"]), &trusted), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[0-9a-f:./]{0,24}", address in any::<[u8; 16]>()) {
            if let Ok(network) = text.parse::<Network>() {
                prop_assert!(network.contains(network.base));
                let _ = network.contains(IpAddr::from(address));
            }
            let _ = client(Some(ip("10.0.0.1")), &forwarded(&[&text]), &["10.0.0.0/8".parse().expect("valid")]);
        }
    }
}
