//! Who may associate, and with which rights: by calling and called AE title, and by where the connection
//! comes from. An AE title alone proves nothing, so that an entry may be held to addresses.

use std::net::{IpAddr, SocketAddr};

use crate::access::Scopes;
use crate::base::{AeTitle, TenantId};
use crate::dicom::dimse::{AeField, Rejection};

/// Whom the gateway lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callers {
    /// Titles that we are called by, and the tenant of each.
    pub titles: Vec<(AeTitle, TenantId)>,
    /// Whether callers that are in no entry are let in, with all rights.
    pub any: AnyCaller,
    /// Entries for callers.
    pub entries: Vec<Caller>,
}

/// Whether callers without an entry are let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnyCaller {
    /// None.
    No,
    /// Those on this machine.
    Loopback,
    /// All.
    Yes,
}

/// An entry for a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Its AE title.
    pub ae_title: AeTitle,
    /// Where it may come from; anywhere if empty.
    pub places: Vec<Place>,
    /// What it may do.
    pub rights: Rights,
}

/// Where a caller may come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// An address and how many bits of it count.
    Network(IpAddr, u8),
    /// A host name, whose addresses are looked up at each call.
    Host(String),
}

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// Store instances and have storage committed.
    pub store: bool,
    /// Query.
    pub find: bool,
    /// Retrieve.
    pub retrieve: bool,
}

/// A caller that was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Admitted {
    pub(super) calling: AeTitle,
    pub(super) called: AeTitle,
    pub(super) tenant: TenantId,
    pub(super) rights: Rights,
}

impl Callers {
    /// Lets a caller in, or says why not.
    pub(super) async fn admit(
        &self,
        calling: AeField,
        called: AeField,
        from: SocketAddr,
    ) -> Result<Admitted, Rejection> {
        let called = called.title().ok_or(Rejection::CALLED_AE_TITLE)?;
        let tenant = self.titles.iter().find(|(title, _)| *title == called).map(|(_, tenant)| tenant.clone());
        let tenant = tenant.ok_or(Rejection::CALLED_AE_TITLE)?;
        let calling = calling.title().ok_or(Rejection::CALLING_AE_TITLE)?;
        let address = from.ip().to_canonical();
        let mut rights = None;
        for entry in self.entries.iter().filter(|entry| entry.ae_title == calling) {
            if entry.comes_from(address).await {
                rights = Some(entry.rights);
                break;
            }
        }
        // Who has an entry is held to it, also on this machine.
        let has_entry = self.entries.iter().any(|entry| entry.ae_title == calling);
        let is_anyone = match self.any {
            AnyCaller::No => false,
            AnyCaller::Loopback => address.is_loopback(),
            AnyCaller::Yes => true,
        };
        let rights = rights.or_else(|| (is_anyone && !has_entry).then_some(Rights::ALL));
        let rights = rights.ok_or(Rejection::CALLING_AE_TITLE)?;
        Ok(Admitted { calling, called, tenant, rights })
    }
}

impl Caller {
    async fn comes_from(&self, address: IpAddr) -> bool {
        if self.places.is_empty() {
            return true;
        }
        for place in &self.places {
            let is_here = match place {
                Place::Network(network, bits) => is_within(address, network.to_canonical(), *bits),
                Place::Host(host) => match tokio::net::lookup_host((host.as_str(), 0)).await {
                    Ok(mut found) => found.any(|found| found.ip().to_canonical() == address),
                    Err(_unknown) => false,
                },
            };
            if is_here {
                return true;
            }
        }
        false
    }
}

impl Place {
    /// An address, a network as `10.1.0.0/16`, or a host name.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<IpAddr>() {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            return Some(Self::Network(address, bits));
        }
        if let Some((address, bits)) = text.split_once('/') {
            let (address, bits) = (address.parse::<IpAddr>().ok()?, bits.parse::<u8>().ok()?);
            let most = if address.is_ipv4() { 32 } else { 128 };
            return (bits <= most).then_some(Self::Network(address, bits));
        }
        let is_name = !text.is_empty()
            && text.len() <= 253
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
        is_name.then(|| Self::Host(text.to_owned()))
    }
}

impl Rights {
    /// All there are.
    pub const ALL: Self = Self { store: true, find: true, retrieve: true };

    /// The scopes that narrow an actor to these rights.
    pub(super) fn scopes(self) -> Scopes {
        let granted = [(self.store, 'c'), (self.retrieve, 'r'), (self.find, 's')];
        let letters: String = granted.into_iter().filter(|(has, _)| *has).map(|(_, letter)| letter).collect();
        Scopes::parse(&format!("system/ImagingStudy.{letters}"))
    }
}

fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let shift = 32 - u32::from(bits.min(32));
            (u64::from(address.to_bits()) >> shift) == (u64::from(network.to_bits()) >> shift)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let shift = 128 - u32::from(bits.min(128));
            address.to_bits().checked_shr(shift) == network.to_bits().checked_shr(shift)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> AeField {
        AeField::of(&AeTitle::parse(text).expect("valid"))
    }

    fn callers(any: AnyCaller, entries: Vec<Caller>) -> Callers {
        let second = (AeTitle::parse("CLINIC").expect("valid"), TenantId::parse("clinic").expect("valid"));
        Callers { titles: vec![(AeTitle::causeway(), TenantId::default_tenant()), second], any, entries }
    }

    fn entry(title: &str, places: &[&str], rights: Rights) -> Caller {
        Caller {
            ae_title: AeTitle::parse(title).expect("valid"),
            places: places.iter().map(|place| Place::parse(place).expect("a place")).collect(),
            rights,
        }
    }

    async fn admitted(callers: &Callers, calling: &str, called: &str, from: &str) -> Result<Rights, Rejection> {
        let from = SocketAddr::new(from.parse().expect("an address"), 4000);
        callers.admit(field(calling), field(called), from).await.map(|admitted| admitted.rights)
    }

    #[tokio::test]
    async fn without_entries_only_this_machine_is_let_in() {
        let callers = callers(AnyCaller::Loopback, Vec::new());
        assert_eq!(admitted(&callers, "CT1", "CAUSEWAY", "127.0.0.1").await, Ok(Rights::ALL));
        assert_eq!(admitted(&callers, "CT1", "CAUSEWAY", "::1").await, Ok(Rights::ALL));
        assert_eq!(admitted(&callers, "CT1", "CAUSEWAY", "::ffff:127.0.0.1").await, Ok(Rights::ALL));
        assert_eq!(admitted(&callers, "CT1", "CAUSEWAY", "10.0.0.1").await, Err(Rejection::CALLING_AE_TITLE));
        assert_eq!(admitted(&callers, "CT1", "OTHER", "127.0.0.1").await, Err(Rejection::CALLED_AE_TITLE));
        assert_eq!(admitted(&callers, "CT1", "causeway", "127.0.0.1").await, Err(Rejection::CALLED_AE_TITLE));
        let clinic = callers.admit(field("CT1"), field("CLINIC"), "127.0.0.1:1".parse().expect("valid")).await;
        assert_eq!(clinic.map(|admitted| admitted.tenant.to_string()), Ok("clinic".into()));
    }

    #[tokio::test]
    async fn an_entry_holds_a_caller_to_its_places_and_rights() {
        let store = Rights { store: true, find: false, retrieve: false };
        let callers = callers(AnyCaller::Yes, vec![entry("CT1", &["10.1.0.0/16", "fd00::/8"], store)]);
        assert_eq!(admitted(&callers, "CT1", "CAUSEWAY", "10.1.2.3").await, Ok(store));
        assert_eq!(admitted(&callers, "CT1", "CAUSEWAY", "fd12::1").await, Ok(store));
        assert_eq!(admitted(&callers, "CT1", "CAUSEWAY", "10.2.2.3").await, Err(Rejection::CALLING_AE_TITLE));
        assert_eq!(admitted(&callers, "CT1", "CAUSEWAY", "127.0.0.1").await, Err(Rejection::CALLING_AE_TITLE));
        assert_eq!(admitted(&callers, "CT2", "CAUSEWAY", "10.2.2.3").await, Ok(Rights::ALL));
    }

    #[test]
    fn a_place_is_an_address_a_network_or_a_name() {
        assert!(matches!(Place::parse("10.0.0.0/0"), Some(Place::Network(_, 0))));
        assert!(matches!(Place::parse("::1"), Some(Place::Network(_, 128))));
        assert!(matches!(Place::parse("ct1.example.org"), Some(Place::Host(_))));
        for bad in ["", "10.0.0.0/33", "a b", "10.0.0.0/", "ct1/8"] {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
        let any = "1.2.3.4".parse().expect("an address");
        assert!(is_within(any, "10.0.0.0".parse().expect("an address"), 0));
    }

    #[test]
    fn rights_are_scopes_and_no_right_is_none() {
        let none = Rights { store: false, find: false, retrieve: false };
        assert!(none.scopes().grants_nothing());
        assert_eq!(Rights::ALL.scopes().to_claim().as_deref(), Some("system/ImagingStudy.crs"));
    }
}
