//! Identifiers of those who act and of what they act with. Each parses at the edge and never fails later.

use std::fmt;

use crate::base::id::IdError;

macro_rules! actor_id {
    ($(#[$doc:meta])* $name:ident, max $max:literal, $allowed:expr, $rule:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// Parses and checks the text.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let allowed: fn(char) -> bool = $allowed;
                if text.is_empty() {
                    return Err(IdError::Empty);
                }
                if text.chars().count() > $max {
                    return Err(IdError::TooLong { max: $max });
                }
                if text.chars().all(allowed) { Ok(Self(text.into())) } else { Err(IdError::Form($rule)) }
            }

            /// The text as it is written.
            pub fn as_str(&self) -> &str {
                &self.0
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

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

actor_id! {
    /// A user of a tenant: the `sub` of their tokens. OpenID Connect Core §2: at most 255 characters of
    /// ASCII; here without spaces, so that it stays one word in logs.
    UserId, max 255, |letter| letter.is_ascii_graphic(), "may hold printable ASCII without spaces only"
}

actor_id! {
    /// A registered client. RFC 6749 §A.1, here without spaces.
    ClientId, max 255, |letter| letter.is_ascii_graphic(), "may hold printable ASCII without spaces only"
}

actor_id! {
    /// The `jti` of a token. RFC 7519 §4.1.7.
    TokenId, max 128, |letter| letter.is_ascii_graphic(), "may hold printable ASCII without spaces only"
}

actor_id! {
    /// The name of one request in answers, logs and the audit log: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    RequestId, max 64, |letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-'),
    "may hold A-Z, a-z, 0-9, '.', '_' and '-' only"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_hold_nothing_that_could_break_a_log_line() {
        assert!(RequestId::parse("a.B_9-z").is_ok());
        let long = "a".repeat(65);
        for bad in ["", " ", "a b", "a\nb", "a\u{1b}[31m", "ä", "{}", long.as_str()] {
            assert!(RequestId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn users_are_one_ascii_word() {
        assert!(UserId::parse("dr.jones@example.org").is_ok());
        for bad in ["", "a b", "a\tb", "ｄｒ", "a\u{0}"] {
            assert!(UserId::parse(bad).is_err(), "{bad:?}");
        }
    }
}
