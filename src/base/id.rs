//! Identifiers that must not be swapped by accident. Each parses at the edge and never fails later.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// Why a text is not the identifier that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is empty.
    #[error("must not be empty")]
    Empty,
    /// The text is longer than the standard allows.
    #[error("is longer than {max} characters")]
    TooLong {
        /// Greatest number of characters.
        max: usize,
    },
    /// The text holds a character that the standard does not allow.
    #[error("{0}")]
    Form(&'static str),
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $check:expr $(, kept $kept:expr)?) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// Parses and checks the text.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let check: fn(&str) -> Result<(), IdError> = $check;
                check(text)?;
                Ok(Self(text.into()))
            }

            /// The text as it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                // Where what is kept may be of a freer form than what is new, this reads what was kept.
                let checks: &[fn(&str) -> Result<(), IdError>] = &[$($kept,)? $check];
                checks.first().map_or(Ok(()), |check| check(&text)).map_err(serde::de::Error::custom)?;
                Ok(Self(text.as_ref().into()))
            }
        }
    };
}

text_id! {
    /// A DICOM unique identifier. PS3.5 §9.1: at most 64 characters, digits in components that are
    /// separated by full stops, no component with a leading zero unless it is the digit 0 alone.
    Uid, check_uid, kept check_device_uid
}

text_id! {
    /// A FHIR logical id. R4 datatypes.html#id: 1 to 64 of `A-Z a-z 0-9 - .`.
    LogicalId, check_logical_id
}

text_id! {
    /// The name of a tenant: 1 to 40 of `a-z 0-9 -`, beginning with a letter.
    TenantId, |text| check_slug(text, 40)
}

text_id! {
    /// The name of a peer system: 1 to 64 of `a-z 0-9 -`, beginning with a letter.
    PeerName, |text| check_slug(text, 64)
}

text_id! {
    /// A DICOM application entity title without its padding. PS3.5 §6.2 (AE): 1 to 16 characters of
    /// ISO 646 without backslash and control characters, not all spaces, case-sensitive.
    AeTitle, check_ae_title
}

impl Uid {
    /// As [`Uid::parse`], but components may have leading zeros, which devices write: what they are named by
    /// is kept and found under that name.
    pub fn parse_lenient(text: &str) -> Result<Self, IdError> {
        check_device_uid(text)?;
        Ok(Self(text.into()))
    }

    /// Whether it has a component with a leading zero, against PS3.5 §9.1.
    pub fn has_leading_zero(&self) -> bool {
        self.0.split('.').any(|component| component.len() > 1 && component.starts_with('0'))
    }

    /// A UID under `2.25.` from a UUID. PS3.5 §B.2.
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(format!("2.25.{}", uuid.as_u128()).into())
    }

    /// The UID that always comes out of the same parts: `2.25.` and a UUIDv5 of them.
    pub fn derived(parts: &[&str]) -> Self {
        Self::from_uuid(derived_uuid(parts))
    }
}

impl LogicalId {
    /// A new random id (UUIDv7: ids that were made later sort later).
    pub fn random() -> Self {
        Self(Uuid::now_v7().hyphenated().to_string().into())
    }

    /// The id that always comes out of the same parts: a UUIDv5 of them.
    pub fn derived(parts: &[&str]) -> Self {
        Self(derived_uuid(parts).hyphenated().to_string().into())
    }
}

impl TenantId {
    /// The tenant that lives at the root of every path.
    pub fn default_tenant() -> Self {
        Self("default".into())
    }
}

impl AeTitle {
    /// The title of this gateway unless it is told another one.
    pub fn causeway() -> Self {
        Self("CAUSEWAY".into())
    }
}

/// UUIDv5 in this product's namespace. The parts are length-prefixed, so that `["a", "bc"]` and
/// `["ab", "c"]` differ.
pub fn derived_uuid(parts: &[&str]) -> Uuid {
    let mut name = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        name.extend_from_slice(&(part.len() as u64).to_be_bytes());
        name.extend_from_slice(part.as_bytes());
    }
    Uuid::new_v5(&NAMESPACE, &name)
}

/// The version of a resource, counted from 1 in each logical id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct VersionId(pub i32);

impl VersionId {
    /// The first version.
    pub const FIRST: Self = Self(1);

    /// The version after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Parses a decimal number greater than zero without sign or leading zero.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = !text.is_empty() && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse().ok()).flatten().map(Self)
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn check_uid(text: &str) -> Result<(), IdError> {
    check_device_uid(text)?;
    if text.split('.').any(|component| component.len() > 1 && component.starts_with('0')) {
        return Err(IdError::Form("has a component with a leading zero"));
    }
    Ok(())
}

fn check_device_uid(text: &str) -> Result<(), IdError> {
    check_length(text, 64)?;
    for component in text.split('.') {
        if component.is_empty() {
            return Err(IdError::Form("has an empty component"));
        }
        if !component.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(IdError::Form("may hold digits and full stops only"));
        }
    }
    Ok(())
}

fn check_logical_id(text: &str) -> Result<(), IdError> {
    check_length(text, 64)?;
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.') {
        Ok(())
    } else {
        Err(IdError::Form("may hold A-Z, a-z, 0-9, '-' and '.' only"))
    }
}

fn check_slug(text: &str, max: usize) -> Result<(), IdError> {
    check_length(text, max)?;
    let plain = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if plain && text.starts_with(|first: char| first.is_ascii_lowercase()) {
        Ok(())
    } else {
        Err(IdError::Form("may hold a-z, 0-9 and '-' only and begins with a letter"))
    }
}

fn check_ae_title(text: &str) -> Result<(), IdError> {
    check_length(text, 16)?;
    if text.trim() != text {
        return Err(IdError::Form("has leading or trailing spaces"));
    }
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'\\') {
        Ok(())
    } else {
        Err(IdError::Form("may hold printable ASCII without backslash only"))
    }
}

fn check_length(text: &str, max: usize) -> Result<(), IdError> {
    if text.is_empty() {
        Err(IdError::Empty)
    } else if text.chars().count() > max {
        Err(IdError::TooLong { max })
    } else {
        Ok(())
    }
}

/// UUIDv4 drawn once for this product.
const NAMESPACE: Uuid = Uuid::from_u128(0x6c1f_0f63_9a52_4f0e_b1c4_07d3_5a8e_2b91);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_follow_ps3_5_section_9_1() {
        for good in ["1.2.840.10008.1.1", "0", "2.25.329800735698586629295641978511506172918"] {
            assert!(Uid::parse(good).is_ok(), "{good}");
        }
        let long = format!("1.{}", "9".repeat(63));
        for bad in ["", ".", "1..2", "1.02", "1.2.", "1.a", "1.2 ", long.as_str()] {
            assert!(Uid::parse(bad).is_err(), "{bad}");
        }
        let of_device = Uid::parse_lenient("1.02").expect("devices write it");
        assert!(of_device.has_leading_zero());
        let read: Uid = serde_json::from_str("\"1.02\"").expect("is read where it was kept");
        assert_eq!(read, of_device);
        for bad in ["", ".", "1..2", "1.2.", "1.a", "../x", long.as_str()] {
            assert!(Uid::parse_lenient(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn derived_ids_keep_their_parts_apart() {
        assert_ne!(LogicalId::derived(&["a", "bc"]), LogicalId::derived(&["ab", "c"]));
        assert_eq!(Uid::derived(&["a", "bc"]), Uid::derived(&["a", "bc"]));
        assert!(Uid::parse(Uid::derived(&["x"]).as_str()).is_ok());
    }

    #[test]
    fn versions_are_plain_numbers() {
        assert_eq!(VersionId::parse("12"), Some(VersionId(12)));
        for bad in ["", "0", "01", "+1", "-1", "1.0", "99999999999"] {
            assert_eq!(VersionId::parse(bad), None, "{bad}");
        }
    }
}
