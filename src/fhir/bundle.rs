//! Bundles: putting them together, and finding what a reference in them points at.
//! R4 bundle.html#references.

use std::collections::HashMap;

use super::reference::{Literal, Target};
use super::{Json, Object};

/// What a bundle is for. R4 valueset-bundle-type.html.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BundleType {
    /// A set of resources, nothing more.
    Collection,
    /// Changes that are made together or not at all.
    Transaction,
}

impl BundleType {
    /// The code as FHIR writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Collection => "collection",
            Self::Transaction => "transaction",
        }
    }
}

/// One entry of a bundle that we write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `Bundle.entry.fullUrl`; unique in the bundle.
    pub full_url: String,
    /// The resource.
    pub resource: Json,
    /// What a server shall do with it; in transactions.
    pub request: Option<Request>,
}

/// What a server shall do with an entry. R4 bundle.html, `Bundle.entry.request`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `POST` or `PUT`.
    pub method: &'static str,
    /// URL relative to the server's base.
    pub url: String,
    /// Search that keeps a create from being done twice.
    pub if_none_exist: Option<String>,
}

/// A resource in a bundle or in the `contained` of another one, and where it is.
#[derive(Debug, Clone, Copy)]
pub struct Located<'a> {
    /// The resource.
    pub resource: &'a Json,
    /// Index of its entry; 0 if the document is a single resource.
    pub entry: usize,
    /// Index in `contained` of the entry's resource, if it is contained.
    pub contained: Option<usize>,
}

/// The resources of a document, to be found by reference.
#[derive(Debug)]
pub struct Resources<'a> {
    /// Full URL and resource of each entry.
    entries: Vec<(Option<&'a str>, &'a Json)>,
    layout: Layout,
    by_url: HashMap<&'a str, usize>,
    by_id: HashMap<(&'a str, &'a str), usize>,
    /// Positions in `contained`, by entry and id.
    contained: HashMap<(usize, &'a str), usize>,
}

/// How the resources came; it is what a path into them begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Single,
    Bundle,
    Loose,
}

/// The members of an entry's `request` and the entry itself.
impl From<Entry> for Json {
    fn from(entry: Entry) -> Self {
        let object = Object::new().with("fullUrl", Self::string(entry.full_url)).with("resource", entry.resource);
        match entry.request {
            None => object.into(),
            Some(request) => {
                let request = Object::new()
                    .with("method", Self::string(request.method))
                    .with("url", Self::string(request.url))
                    .with_text("ifNoneExist", request.if_none_exist);
                object.with("request", request.into()).into()
            }
        }
    }
}

impl<'a> Resources<'a> {
    /// The resources of `document`: the entries of a Bundle, or the document itself. Entries without a
    /// resource are left out of sight but keep their index.
    pub fn of(document: &'a Json) -> Self {
        if document.text_at(&["resourceType"]) != Some("Bundle") {
            return Self::new(vec![(None, document)], Layout::Single);
        }
        let entries = document
            .items("entry")
            .iter()
            .map(|entry| (entry.text_at(&["fullUrl"]), entry.get("resource").unwrap_or(&Json::Null)))
            .collect();
        Self::new(entries, Layout::Bundle)
    }

    /// Loose resources, which refer to each other as `Type/id`.
    pub fn loose(resources: &'a [Json]) -> Self {
        Self::new(resources.iter().map(|resource| (None, resource)).collect(), Layout::Loose)
    }

    fn new(entries: Vec<(Option<&'a str>, &'a Json)>, layout: Layout) -> Self {
        let mut found =
            Self { entries, layout, by_url: HashMap::new(), by_id: HashMap::new(), contained: HashMap::new() };
        for (index, (url, resource)) in found.entries.iter().enumerate() {
            if let Some(url) = url {
                found.by_url.entry(url).or_insert(index);
            }
            if let (Some(name), Some(id)) = (resource.text_at(&["resourceType"]), resource.text_at(&["id"])) {
                found.by_id.entry((name, id)).or_insert(index);
            }
            for (position, contained) in resource.items("contained").iter().enumerate() {
                if let Some(id) = contained.text_at(&["id"]) {
                    found.contained.entry((index, id)).or_insert(position);
                }
            }
        }
        found
    }

    /// The FHIRPath of an entry's resource: `Bundle.entry[3].resource`, or the type of a resource that
    /// came alone.
    pub fn path(&self, entry: usize) -> String {
        match self.layout {
            Layout::Bundle => format!("Bundle.entry[{entry}].resource"),
            Layout::Single | Layout::Loose => {
                let resource = self.entries.get(entry).map(|(_, resource)| *resource);
                resource.and_then(|resource| resource.text_at(&["resourceType"])).unwrap_or("Resource").to_owned()
            }
        }
    }

    /// The resources of the entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = Located<'a>> {
        self.entries
            .iter()
            .enumerate()
            .filter(|(_, (_, resource))| resource.as_object().is_some())
            .map(|(entry, (_, resource))| Located { resource, entry, contained: None })
    }

    /// What `reference`, which stands in the resource of the entry `from` or in one contained there,
    /// points at, if it is here.
    ///
    /// The rules are those of R4 bundle.html#references, and one more: where no full URL fits, an entry
    /// with the same type and id does, because many senders leave full URLs out.
    pub fn resolve(&self, from: usize, reference: &str) -> Option<Located<'a>> {
        let entry = |wanted: &str| self.at(*self.by_url.get(wanted)?);
        match Target::parse(reference) {
            Target::Contained(id) => {
                let container = self.at(from)?;
                if id.is_empty() {
                    return Some(container);
                }
                let at = *self.contained.get(&(from, id))?;
                let resource = container.resource.items("contained").get(at)?;
                Some(Located { resource, entry: from, contained: Some(at) })
            }
            Target::Urn(urn) => entry(urn),
            Target::Absolute(base, literal) => entry(&format!("{base}/{}", unversioned(literal)))
                .or_else(|| self.by_id(unversioned(literal)).filter(|found| self.full_url(found.entry).is_none())),
            Target::Relative(literal) => {
                let literal = unversioned(literal);
                let base = self.full_url(from).and_then(|url| match Target::parse(url) {
                    Target::Absolute(base, _) => Some(base),
                    _ => None,
                });
                base.and_then(|base| entry(&format!("{base}/{literal}"))).or_else(|| self.by_id(literal))
            }
            Target::Conditional(..) | Target::Other(_) => None,
        }
    }

    fn at(&self, entry: usize) -> Option<Located<'a>> {
        let (_, resource) = self.entries.get(entry)?;
        resource.as_object().is_some().then_some(Located { resource, entry, contained: None })
    }

    fn full_url(&self, entry: usize) -> Option<&'a str> {
        self.entries.get(entry)?.0
    }

    fn by_id(&self, literal: Literal<'_>) -> Option<Located<'a>> {
        self.at(*self.by_id.get(&(literal.resource_type, literal.id))?)
    }
}

fn unversioned(literal: Literal<'_>) -> Literal<'_> {
    Literal { version: None, ..literal }
}

/// A Bundle with an id, a time and these entries.
pub fn bundle(bundle_type: BundleType, id: &str, timestamp: &str, entries: Vec<Entry>) -> Json {
    Object::new()
        .with("resourceType", Json::string("Bundle"))
        .with("id", Json::string(id))
        .with("type", Json::string(bundle_type.as_str()))
        .with("timestamp", Json::string(timestamp))
        .with_items("entry", entries.into_iter().map(Json::from).collect())
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::JsonLimits;

    fn parse(text: &str) -> Json {
        Json::parse(text.as_bytes(), &JsonLimits::default()).expect("valid")
    }

    fn id(found: Option<Located<'_>>) -> Option<&str> {
        found.and_then(|found| found.resource.text_at(&["id"]))
    }

    #[test]
    fn references_are_resolved_against_full_urls() {
        let bundle = parse(
            r#"{"resourceType":"Bundle","entry":[
            {"fullUrl":"https://a.example/fhir/DiagnosticReport/1","resource":{"resourceType":"DiagnosticReport","id":"1",
              "contained":[{"resourceType":"Practitioner","id":"p"}]}},
            {"fullUrl":"https://b.example/fhir/Patient/1","resource":{"resourceType":"Patient","id":"1","x":"b"}},
            {"fullUrl":"https://a.example/fhir/Patient/1","resource":{"resourceType":"Patient","id":"1","x":"a"}},
            {"fullUrl":"urn:uuid:5","resource":{"resourceType":"Patient","id":"five"}},
            {"resource":{"resourceType":"Patient","id":"loose"}},
            {"response":{"status":"200"}}]}"#,
        );
        let resources = Resources::of(&bundle);
        let report = 0;
        let patient = resources.resolve(report, "Patient/1/_history/2").expect("found");
        assert_eq!(patient.resource.text_at(&["x"]), Some("a"));
        let other = resources.resolve(report, "https://b.example/fhir/Patient/1").expect("found");
        assert_eq!(other.resource.text_at(&["x"]), Some("b"));
        let practitioner = resources.resolve(report, "#p").expect("found");
        assert_eq!(practitioner.resource.text_at(&["id"]), Some("p"));
        assert_eq!((practitioner.entry, practitioner.contained), (0, Some(0)));
        assert_eq!(resources.path(4), "Bundle.entry[4].resource");
        assert_eq!(id(resources.resolve(report, "#")), Some("1"));
        assert_eq!(id(resources.resolve(report, "urn:uuid:5")), Some("five"));
        assert_eq!(id(resources.resolve(report, "Patient/loose")), Some("loose"));
        assert_eq!(id(resources.resolve(report, "https://c.example/Patient/loose")), Some("loose"));
        for absent in ["#q", "urn:uuid:6", "Patient/2", "https://c.example/Patient/1", "Patient?identifier=1", "x"] {
            assert_eq!(id(resources.resolve(report, absent)), None, "{absent}");
        }
        assert_eq!(resources.iter().count(), 5);
    }

    #[test]
    fn entries_are_written_in_order() {
        let entries = vec![Entry {
            full_url: "urn:uuid:1".to_owned(),
            resource: parse(r#"{"resourceType":"Patient"}"#),
            request: Some(Request {
                method: "POST",
                url: "Patient".to_owned(),
                if_none_exist: Some("identifier=a|b".to_owned()),
            }),
        }];
        assert_eq!(
            bundle(BundleType::Transaction, "x", "2026-01-01T00:00:00Z", entries).to_text(),
            concat!(
                r#"{"resourceType":"Bundle","id":"x","type":"transaction","timestamp":"2026-01-01T00:00:00Z","#,
                r#""entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient"},"#,
                r#""request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=a|b"}}]}"#
            )
        );
    }
}
