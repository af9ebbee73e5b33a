//! `Bundle.entry.request.url`, and the conditions beside it, which are texts as in header fields.

use crate::base::{LogicalId, VersionId};
use crate::fhir::resource_type;

use super::Versions;

/// What a URL relative to the base names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address<'a> {
    /// `Type` or `Type?query`
    Type(&'a str, Option<&'a str>),
    /// `Type/id`
    Instance(&'a str, LogicalId),
    /// `Type/id/_history/version`
    Version(&'a str, LogicalId, VersionId),
}

/// Why a URL is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum UrlError {
    #[error("must be relative to the base, as Patient/1")]
    NotRelative,
    #[error("names no resource type of R4")]
    UnknownType,
    #[error("has an id that is not 1 to 64 of A-Z, a-z, 0-9, - and .")]
    Id,
    #[error("has a version that is not a whole number greater than 0")]
    Version,
    #[error("operations are not supported in a Bundle")]
    Operation,
    #[error("histories are not supported in a Bundle")]
    History,
    #[error("searches by POST are not supported in a Bundle; use GET")]
    SearchByPost,
    #[error("the whole system is not searched in a Bundle")]
    System,
    #[error("parameters of a read are not supported in a Bundle")]
    Parameters,
    #[error("is not the URL of a type, a resource or a version")]
    Form,
}

impl UrlError {
    /// Whether the URL is right and we cannot do what it asks.
    pub(super) fn is_not_supported(self) -> bool {
        matches!(
            self,
            Self::Operation | Self::History | Self::SearchByPost | Self::System | Self::Parameters | Self::UnknownType
        )
    }
}

/// Reads a URL.
pub(super) fn address(url: &str) -> Result<Address<'_>, UrlError> {
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (url, None),
    };
    if path.starts_with('/') || path.contains(':') || url.contains('#') {
        return Err(UrlError::NotRelative);
    }
    if path.is_empty() {
        return Err(if query.is_some() { UrlError::System } else { UrlError::Form });
    }
    let mut segments = path.split('/');
    let kind = segments.next().unwrap_or_default();
    if kind.starts_with('$') {
        return Err(UrlError::Operation);
    }
    if kind == "_history" {
        return Err(UrlError::History);
    }
    if !resource_type::is_known(kind) {
        return Err(UrlError::UnknownType);
    }
    let id = |text: &str| LogicalId::parse(text).map_err(|_form| UrlError::Id);
    let rest: Vec<&str> = segments.collect();
    let address = match rest.as_slice() {
        [] => return Ok(Address::Type(kind, query)),
        ["_history"] | [_, "_history"] => return Err(UrlError::History),
        ["_search"] => return Err(UrlError::SearchByPost),
        [.., last] if last.starts_with('$') => return Err(UrlError::Operation),
        [one] => Address::Instance(kind, id(one)?),
        [one, "_history", version] => {
            Address::Version(kind, id(one)?, VersionId::parse(version).ok_or(UrlError::Version)?)
        }
        _ => return Err(UrlError::Form),
    };
    if query.is_some() { Err(UrlError::Parameters) } else { Ok(address) }
}

/// Reads `*` or a list of entity tags that name versions, `W/"3"`. RFC 9110 §8.8.3.
pub(super) fn versions(text: &str) -> Option<Versions> {
    let text = text.trim();
    if text == "*" {
        return Some(Versions::Any);
    }
    let version = |tag: &str| {
        let tag = tag.trim();
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        VersionId::parse(tag.strip_prefix('"')?.strip_suffix('"')?)
    };
    text.split(',').map(version).collect::<Option<Vec<_>>>().map(Versions::Listed)
}

/// The criteria of `ifNoneExist`: the part of a search URL after the question mark, which some senders put with
/// what stands before it.
pub(super) fn if_none_exist<'a>(resource_type: &str, text: &'a str) -> Option<&'a str> {
    let query = match text.split_once('?') {
        Some((before, query)) if before.is_empty() || before == resource_type => query,
        // A question mark in a value comes behind its name.
        Some((before, _)) if before.contains('=') => text,
        Some(_) => return None,
        None => text,
    };
    asks(query).then_some(query)
}

/// Whether a query names anything.
pub(super) fn asks(query: &str) -> bool {
    query.split('&').any(|pair| pair.split_once('=').is_some_and(|(name, value)| !name.is_empty() && !value.is_empty()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn urls_are_told_apart() {
        let id = || LogicalId::parse("1").expect("valid");
        let cases = [
            ("Patient", Ok(Address::Type("Patient", None))),
            ("Patient?name=a&_id=1", Ok(Address::Type("Patient", Some("name=a&_id=1")))),
            ("Patient?", Ok(Address::Type("Patient", Some("")))),
            ("Patient/1", Ok(Address::Instance("Patient", id()))),
            ("Patient/1/_history/2", Ok(Address::Version("Patient", id(), VersionId(2)))),
            ("Patient?url=http://a/b", Ok(Address::Type("Patient", Some("url=http://a/b")))),
            ("/Patient/1", Err(UrlError::NotRelative)),
            ("https://a.example/Patient/1", Err(UrlError::NotRelative)),
            ("urn:uuid:1", Err(UrlError::NotRelative)),
            ("Patient/1#x", Err(UrlError::NotRelative)),
            ("patient/1", Err(UrlError::UnknownType)),
            ("metadata", Err(UrlError::UnknownType)),
            ("Patient/a_b", Err(UrlError::Id)),
            ("Patient/", Err(UrlError::Id)),
            ("Patient/1/_history/0", Err(UrlError::Version)),
            ("$export", Err(UrlError::Operation)),
            ("Patient/$everything", Err(UrlError::Operation)),
            ("Patient/1/$everything", Err(UrlError::Operation)),
            ("Patient/1/_history", Err(UrlError::History)),
            ("Patient/_history", Err(UrlError::History)),
            ("_history", Err(UrlError::History)),
            ("Patient/_search", Err(UrlError::SearchByPost)),
            ("?_type=Patient", Err(UrlError::System)),
            ("", Err(UrlError::Form)),
            ("Patient/1?_summary=true", Err(UrlError::Parameters)),
            ("Patient/1/Observation", Err(UrlError::Form)),
        ];
        for (url, expected) in cases {
            assert_eq!(address(url), expected, "{url}");
        }
    }

    #[test]
    fn conditions_are_those_of_header_fields() {
        let listed = |versions: &[i32]| Some(Versions::Listed(versions.iter().copied().map(VersionId).collect()));
        for (text, expected) in [
            ("*", Some(Versions::Any)),
            ("W/\"3\"", listed(&[3])),
            ("\"3\", W/\"4\"", listed(&[3, 4])),
            ("3", None),
            ("W/\"x\"", None),
            ("", None),
            ("W/\"3\",", None),
        ] {
            assert_eq!(versions(text), expected, "{text}");
        }
        for (text, expected) in [
            ("identifier=a|b", Some("identifier=a|b")),
            ("?identifier=a|b", Some("identifier=a|b")),
            ("Patient?identifier=a|b", Some("identifier=a|b")),
            ("url=http://a?b=c", Some("url=http://a?b=c")),
            ("Observation?identifier=a|b", None),
            ("", None),
            ("identifier=", None),
            ("identifier", None),
        ] {
            assert_eq!(if_none_exist("Patient", text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(Patient|/|\\?|_history|[$#:a-z0-9*\"W, é]){0,8}") {
            let _ = (address(&text), versions(&text), if_none_exist("Patient", &text));
        }
    }
}
