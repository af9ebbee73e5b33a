//! DICOM issuers of patient IDs as FHIR identifier systems, and back.
//!
//! An issuer that is a URI or an object identifier is used as it is. Any other text becomes a URI under
//! our own canonical base that holds it, so that nothing about it is guessed and it can be read back.

use crate::base::Uid;
use crate::fhir::definitions::CANONICAL_BASE;
use crate::fhir::uri::{decode_component, encode_component};

/// The identifier system of an issuer (0010,0021).
pub(super) fn to_system(issuer: &str) -> String {
    if is_uri(issuer) {
        return issuer.to_owned();
    }
    if is_oid(issuer) {
        return format!("urn:oid:{issuer}");
    }
    format!("{CANONICAL_BASE}/issuer/{}", encode_component(issuer))
}

/// The issuer of an identifier system. [`to_system`] of it is the system again.
pub(super) fn from_system(system: &str) -> String {
    let ours = || {
        let encoded = system.strip_prefix(CANONICAL_BASE)?.strip_prefix("/issuer/")?;
        decode_component(encoded).filter(|issuer| to_system(issuer) == system)
    };
    let oid = || system.strip_prefix("urn:oid:").filter(|oid| is_oid(oid)).map(str::to_owned);
    ours().or_else(oid).unwrap_or_else(|| system.to_owned())
}

fn is_uri(text: &str) -> bool {
    let schemes = ["http://", "https://", "urn:oid:", "urn:uuid:"];
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^'));
    plain && schemes.iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
}

/// Object identifiers have two components at least and begin with 0, 1 or 2. R4 datatypes.html#oid.
fn is_oid(text: &str) -> bool {
    Uid::parse(text).is_ok() && ["0.", "1.", "2."].iter().any(|root| text.starts_with(root))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn uris_and_oids_are_used_as_they_are() {
        let cases = [
            ("http://hospital.example/mrn", "http://hospital.example/mrn"),
            ("urn:oid:1.2.3", "urn:oid:1.2.3"),
            ("1.2.3", "urn:oid:1.2.3"),
            ("St. Mary", "https://causeway.health/fhir/issuer/St.%20Mary"),
            ("5", "https://causeway.health/fhir/issuer/5"),
            ("http://", "https://causeway.health/fhir/issuer/http%3A%2F%2F"),
        ];
        for (issuer, system) in cases {
            assert_eq!(to_system(issuer), system, "{issuer}");
        }
        assert_eq!(from_system("urn:oid:1.2.3"), "1.2.3");
        assert_eq!(from_system("https://causeway.health/fhir/issuer/St.%20Mary"), "St. Mary");
        assert_eq!(from_system("https://causeway.health/fhir/issuer/%"), "https://causeway.health/fhir/issuer/%");
    }

    proptest! {
        #[test]
        fn a_system_is_found_again(issuer in "\\PC{1,64}|[0-9.]{1,20}|https?://[a-z./ ]{0,20}") {
            let system = to_system(&issuer);
            prop_assert!(!system.contains(char::is_whitespace));
            prop_assert_eq!(to_system(&from_system(&system)), system);
        }
    }
}
