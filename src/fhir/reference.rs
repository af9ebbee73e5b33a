//! Literal references, as `Reference.reference` holds them. R4 references.html.

use std::fmt;

use super::resource_type;

/// What a literal reference points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// `#id`: a resource in `contained`; an empty id is the container itself.
    Contained(&'a str),
    /// `Type/id` or `Type/id/_history/version`: a resource of the same server or bundle.
    Relative(Literal<'a>),
    /// The same behind `http://` or `https://` and a base, which is without a slash at its end.
    Absolute(&'a str, Literal<'a>),
    /// `urn:uuid:…` or `urn:oid:…`: an entry of the same bundle.
    Urn(&'a str),
    /// `Type?query`: whatever the search finds; in transactions only (R4 http.html#trules).
    Conditional(&'a str, &'a str),
    /// Anything else; it can only be compared as text.
    Other(&'a str),
}

/// Type, id and perhaps version of a resource. The type is one of R4; the id has the form of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Literal<'a> {
    /// Resource type.
    pub resource_type: &'a str,
    /// Logical id.
    pub id: &'a str,
    /// Version, if the reference names one.
    pub version: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Reads a reference. Every text is some target.
    pub fn parse(text: &'a str) -> Self {
        if let Some(id) = text.strip_prefix('#') {
            return Self::Contained(id);
        }
        if text.starts_with("urn:uuid:") || text.starts_with("urn:oid:") {
            return Self::Urn(text);
        }
        if let Some((name, query)) = text.split_once('?') {
            return if resource_type::is_known(name) { Self::Conditional(name, query) } else { Self::Other(text) };
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return Literal::at_end(text).map_or(Self::Other(text), |(base, literal)| Self::Absolute(base, literal));
        }
        match Literal::at_end(text) {
            Some(("", literal)) => Self::Relative(literal),
            _ => Self::Other(text),
        }
    }

    /// The type and id, if the reference names them.
    pub fn literal(&self) -> Option<Literal<'a>> {
        match *self {
            Self::Relative(literal) | Self::Absolute(_, literal) => Some(literal),
            _ => None,
        }
    }
}

impl<'a> Literal<'a> {
    /// Of a resource, without version.
    pub fn new(resource_type: &'a str, id: &'a str) -> Self {
        Self { resource_type, id, version: None }
    }

    /// Reads the end of a path: what stands before it, and the literal.
    fn at_end(text: &'a str) -> Option<(&'a str, Self)> {
        let (path, version) = match text.rsplit_once("/_history/") {
            Some((path, version)) if is_id(version) => (path, Some(version)),
            Some(_) => return None,
            None => (text, None),
        };
        let (before, id) = path.rsplit_once('/')?;
        let (base, name) = before.rsplit_once('/').unwrap_or(("", before));
        (is_id(id) && resource_type::is_known(name)).then_some((base, Self { resource_type: name, id, version }))
    }
}

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.resource_type, self.id)?;
        match self.version {
            Some(version) => write!(f, "/_history/{version}"),
            None => Ok(()),
        }
    }
}

/// R4 datatypes.html#id.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn references_are_told_apart() {
        let patient = Literal::new("Patient", "1");
        let versioned = Literal { version: Some("3"), ..patient };
        let cases = [
            ("#a", Target::Contained("a")),
            ("#", Target::Contained("")),
            ("Patient/1", Target::Relative(patient)),
            ("Patient/1/_history/3", Target::Relative(versioned)),
            ("https://x.example/fhir/Patient/1", Target::Absolute("https://x.example/fhir", patient)),
            ("http://x.example/Patient/1/_history/3", Target::Absolute("http://x.example", versioned)),
            (
                "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
                Target::Urn("urn:uuid:c757873d-ec9a-4326-a141-556f43239520"),
            ),
            ("Practitioner?identifier=a|b", Target::Conditional("Practitioner", "identifier=a|b")),
            ("patient/1", Target::Other("patient/1")),
            ("Patient/a b", Target::Other("Patient/a b")),
            ("Patient", Target::Other("Patient")),
            ("fhir/Patient/1", Target::Other("fhir/Patient/1")),
            ("https://x.example/a.pdf", Target::Other("https://x.example/a.pdf")),
            ("Patient/1/_history/", Target::Other("Patient/1/_history/")),
            ("", Target::Other("")),
        ];
        for (text, target) in cases {
            assert_eq!(Target::parse(text), target, "{text}");
        }
        assert_eq!(versioned.to_string(), "Patient/1/_history/3");
    }

    proptest! {
        #[test]
        fn any_text_is_some_target(text in any::<String>()) {
            if let Target::Relative(literal) = Target::parse(&text) {
                prop_assert_eq!(literal.to_string(), text);
            }
        }
    }
}
