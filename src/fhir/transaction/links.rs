//! What the references in a transaction point at: its own entries, by their full URLs. R4 bundle.html#references.

use std::collections::HashMap;

use crate::base::{LogicalId, VersionId};
use crate::fhir::Json;
use crate::fhir::reference::{Literal, Target};

/// A resource that an entry made, changed or found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) resource_type: String,
    pub(super) id: LogicalId,
    /// Its version after the transaction where its id is new: what names a version then means this one. `None`
    /// where the id stays, and with it the meaning of a version.
    pub(super) version: Option<VersionId>,
}

/// The links of a transaction by all the names that they have in it.
#[derive(Debug, Default)]
pub(super) struct Links<'a> {
    named: Vec<Named>,
    /// URNs and URLs that do not end in a type and an id.
    by_url: HashMap<&'a str, usize>,
    /// URLs by what stands before `Type/id`, and that.
    by_place: HashMap<(&'a str, &'a str), usize>,
    /// Entries without a full URL: many senders leave it out and use the id in the resource.
    by_id: HashMap<(&'a str, &'a str), usize>,
}

#[derive(Debug)]
struct Named {
    link: Link,
    /// Whether its full URL is its canonical URL too: then in an element that is no reference it is a name,
    /// which does not change with the place where the resource is kept.
    is_canonical: bool,
}

/// Where a text stands that may be a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// `Reference.reference`
    Reference,
    /// An element of type `url`, or a link in a narrative: where something is.
    Place,
    /// An element of type `uri`, `canonical`, `oid` or `uuid`: a name, or where something is.
    Name,
}

/// What a text is found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// Not a link into the transaction.
    Nothing,
    /// A link; the text that it becomes.
    Link(String),
    /// A reference by a URN that no entry has.
    Dangling,
}

impl<'a> Links<'a> {
    /// Adds what an entry with this full URL and this resource came to.
    pub(super) fn add(&mut self, full_url: Option<&'a str>, body: Option<&'a Json>, link: Link) {
        let place = self.named.len();
        let named = |member| body.and_then(|body| body.text_at(&[member]));
        let is_canonical = full_url.is_some() && named("url") == full_url;
        match full_url {
            Some(url) => match Target::parse(url) {
                Target::Absolute(base, _) => {
                    self.by_place.entry((base, behind(url, base))).or_insert(place);
                }
                _ => {
                    self.by_url.entry(url).or_insert(place);
                }
            },
            None => {
                if let (Some(name), Some(id)) = (named("resourceType"), named("id")) {
                    self.by_id.entry((name, id)).or_insert(place);
                }
            }
        }
        self.named.push(Named { link, is_canonical });
    }

    /// What `text` is, in a resource whose relative references begin at `base`.
    pub(super) fn find(&self, text: &str, role: Role, base: Base<'_>) -> Found {
        // Canonical URLs may have a version behind them, others a part of the resource.
        let (url, tail) = match text.find(['|', '#']) {
            Some(at) if at > 0 && role != Role::Reference => text.split_at(at),
            _ => (text, ""),
        };
        let (place, version) = match Target::parse(url) {
            Target::Urn(urn) => (self.by_url.get(urn).copied(), None),
            Target::Absolute(base, literal) => {
                (self.by_place.get(&(base, unversioned(behind(url, base)))).copied(), literal.version)
            }
            Target::Relative(literal) => (self.relative(url, literal, base), literal.version),
            Target::Other(other) => (self.by_url.get(other).copied(), None),
            Target::Contained(_) | Target::Conditional(..) => (None, None),
        };
        let Some(named) = place.and_then(|place| self.named.get(place)) else {
            let is_urn = role == Role::Reference && matches!(Target::parse(url), Target::Urn(_));
            return if is_urn { Found::Dangling } else { Found::Nothing };
        };
        if named.is_canonical && role == Role::Name {
            return Found::Nothing;
        }
        let Link { resource_type, id, version: newest } = &named.link;
        let history = match (version, newest) {
            (Some(_), Some(newest)) => format!("/_history/{newest}"),
            (Some(same), None) => format!("/_history/{same}"),
            (None, _) => String::new(),
        };
        Found::Link(format!("{resource_type}/{id}{history}{tail}"))
    }

    fn relative(&self, url: &str, literal: Literal<'_>, base: Base<'_>) -> Option<usize> {
        let Base::Of(base) = base else { return None };
        let by_base = base.and_then(|base| self.by_place.get(&(base, unversioned(url))));
        by_base.or_else(|| self.by_id.get(&(literal.resource_type, literal.id))).copied()
    }
}

/// What relative references of a resource are relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base<'a> {
    /// The base of the entry's full URL, if that has one.
    Of(Option<&'a str>),
    /// This server: the resource came out of the store.
    Here,
}

impl<'a> Base<'a> {
    /// Of an entry.
    pub(super) fn of(full_url: Option<&'a str>) -> Self {
        Self::Of(full_url.and_then(|url| match Target::parse(url) {
            Target::Absolute(base, _) => Some(base),
            _ => None,
        }))
    }
}

/// `Type/id` with what follows, of a URL that begins with `base`.
fn behind<'a>(url: &'a str, base: &str) -> &'a str {
    url.get(base.len() + 1..).unwrap_or_default()
}

fn unversioned(url: &str) -> &str {
    url.rsplit_once("/_history/").map_or(url, |(url, _)| url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::JsonLimits;

    fn link(resource_type: &str, id: &str) -> Link {
        Link {
            resource_type: resource_type.to_owned(),
            id: LogicalId::parse(id).expect("valid"),
            version: Some(VersionId(4)),
        }
    }

    fn parse(text: &str) -> Json {
        Json::parse(text.as_bytes(), &JsonLimits::default()).expect("valid")
    }

    #[test]
    fn full_urls_are_found_in_all_their_forms() {
        let loose = parse(r#"{"resourceType":"Organization","id":"loose"}"#);
        let mut links = Links::default();
        links.add(Some("urn:uuid:1"), None, link("Patient", "p"));
        links.add(Some("https://a.example/fhir/Practitioner/1"), None, link("Practitioner", "q"));
        links.add(Some("https://a.example/somewhere"), None, link("Binary", "b"));
        links.add(None, Some(&loose), link("Organization", "o"));
        let base = Base::of(Some("https://a.example/fhir/Observation/2"));
        let find = |text| links.find(text, Role::Reference, base);
        let to = |text: &str| Found::Link(text.to_owned());
        assert_eq!(find("urn:uuid:1"), to("Patient/p"));
        assert_eq!(find("https://a.example/fhir/Practitioner/1"), to("Practitioner/q"));
        assert_eq!(find("Practitioner/1"), to("Practitioner/q"));
        assert_eq!(find("Practitioner/1/_history/9"), to("Practitioner/q/_history/4"));
        assert_eq!(find("https://a.example/fhir/Practitioner/1/_history/9"), to("Practitioner/q/_history/4"));
        assert_eq!(find("https://a.example/somewhere"), to("Binary/b"));
        assert_eq!(find("Organization/loose"), to("Organization/o"));
        assert_eq!(find("urn:uuid:2"), Found::Dangling);
        assert_eq!(links.find("urn:uuid:2", Role::Name, base), Found::Nothing);
        for other in ["https://b.example/fhir/Practitioner/1", "Practitioner/2", "#x", "Patient?name=a", "x", ""] {
            assert_eq!(find(other), Found::Nothing, "{other}");
        }
        let elsewhere = |text| links.find(text, Role::Reference, Base::of(Some("urn:uuid:5")));
        assert_eq!(elsewhere("Practitioner/1"), Found::Nothing);
        assert_eq!(elsewhere("Organization/loose"), to("Organization/o"));
        assert_eq!(links.find("Organization/loose", Role::Reference, Base::Here), Found::Nothing);
        assert_eq!(links.find("urn:uuid:1", Role::Reference, Base::Here), to("Patient/p"));
        assert_eq!(links.find("urn:uuid:1|2.0", Role::Name, base), to("Patient/p|2.0"));
        assert_eq!(links.find("urn:uuid:1#part", Role::Place, base), to("Patient/p#part"));
    }

    #[test]
    fn a_canonical_url_stays_the_name_of_its_resource() {
        let url = "http://a.example/fhir/StructureDefinition/colour";
        let body = parse(&format!(r#"{{"resourceType":"StructureDefinition","url":"{url}"}}"#));
        let mut links = Links::default();
        links.add(Some(url), Some(&body), link("StructureDefinition", "new"));
        assert_eq!(links.find(url, Role::Name, Base::Of(None)), Found::Nothing);
        for role in [Role::Reference, Role::Place] {
            let found = links.find(url, role, Base::Of(None));
            assert_eq!(found, Found::Link("StructureDefinition/new".into()));
        }
    }
}
