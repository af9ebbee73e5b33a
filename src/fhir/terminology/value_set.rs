//! A value set as it is defined, read from the embedded table or from a ValueSet resource. R4
//! valueset.html.

use crate::base::{ProblemCode, Problems};
use crate::fhir::{Json, Object};

use super::concept::{Designation, Text};

/// A value set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueSet {
    /// Canonical URL, without version.
    pub url: Option<Text>,
    /// Its version.
    pub version: Option<Text>,
    /// What it includes.
    pub include: Vec<Part>,
    /// What it takes out again.
    pub exclude: Vec<Part>,
    /// Whether inactive codes belong to it; unsaid they do. R4 ValueSet.compose.inactive.
    pub has_inactive: Option<bool>,
    /// The codes of its expansion, where it has no definition.
    pub expansion: Option<Vec<Contained>>,
    /// What goes before the expansion in an answer.
    pub(super) head: Head,
}

/// What is shown of a value set besides its codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Head {
    /// One of the embedded table: id, name, title, status, experimental.
    Table { id: Text, name: Text, title: Option<Text>, status: Text, experimental: Option<bool> },
    /// The resource.
    Resource(Box<Object>),
}

/// An include or an exclude: codes that meet all of its conditions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// Code system.
    pub system: Option<Text>,
    /// Its version.
    pub version: Option<Text>,
    /// Only these codes of it; all if there is none.
    pub concepts: Vec<Listed>,
    /// Only codes that pass all of these.
    pub filters: Vec<Filter>,
    /// Only codes that are in all of these value sets.
    pub value_sets: Vec<Text>,
}

/// A code that a value set lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The code.
    pub code: Text,
    /// What people are shown here; unsaid it is what the code system says.
    pub display: Option<Text>,
    /// Other texts for it.
    pub designations: Vec<Designation>,
}

/// A condition on the concepts of a code system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Property of the concepts.
    pub property: Text,
    /// How it is compared: a code of R4 valueset-filter-operator.html.
    pub op: Text,
    /// What it is compared with.
    pub value: Text,
}

/// A code of an expansion that came with a value set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contained {
    /// Code system.
    pub system: Text,
    /// The code and its texts.
    pub listed: Listed,
    /// Whether it only groups others.
    pub is_abstract: bool,
    /// Whether it is not to be used any more.
    pub is_inactive: bool,
}

impl ValueSet {
    /// Reads a ValueSet resource.
    ///
    /// A value set with a definition is what the definition says; an expansion that it came with counts
    /// only where there is no definition.
    pub fn of_resource(json: &Json) -> Result<Self, Problems> {
        let wrong = || Problems::one("", ProblemCode::Structure, "is not a ValueSet");
        let resource = json.as_object().ok_or_else(wrong)?;
        let text = |key: &str| json.text_at(&[key]).map(|text| Text::from(text.to_owned()));
        let compose = json.get("compose");
        let parts = |key: &str| -> Result<Vec<Part>, Problems> {
            let items = compose.map(|compose| compose.items(key)).unwrap_or_default();
            items.iter().enumerate().map(|(at, item)| Part::of_json(item, &format!("compose.{key}[{at}]"))).collect()
        };
        let mut contained = Vec::new();
        let expansion = json.get("expansion").filter(|_| compose.is_none());
        if let Some(expansion) = expansion {
            gather(expansion.items("contains"), &mut contained);
        }
        Ok(Self {
            url: text("url"),
            version: text("version"),
            include: parts("include")?,
            exclude: parts("exclude")?,
            has_inactive: compose.and_then(|compose| compose.get("inactive")?.as_bool()),
            expansion: expansion.is_some().then_some(contained),
            head: Head::Resource(Box::new(resource.clone())),
        })
    }

    /// The value set of all codes of a code system.
    pub(super) fn of_system(url: &str, system: &str) -> Self {
        let head = Object::new()
            .with("resourceType", Json::string("ValueSet"))
            .with("url", Json::string(url))
            .with("status", Json::string("active"));
        Self {
            url: Some(url.to_owned().into()),
            version: None,
            include: vec![Part { system: Some(system.to_owned().into()), ..Part::default() }],
            exclude: Vec::new(),
            has_inactive: None,
            expansion: None,
            head: Head::Resource(Box::new(head)),
        }
    }

    /// What people call it: its URL, with its version if it has one.
    pub fn canonical(&self) -> String {
        let url = self.url.as_deref().unwrap_or("the value set");
        match &self.version {
            Some(version) => format!("{url}|{version}"),
            None => url.to_owned(),
        }
    }

    /// Everything that its definition refers to.
    pub fn references(&self) -> Vec<Canonical> {
        let mut found = Vec::new();
        for part in self.include.iter().chain(&self.exclude) {
            let system =
                part.system.as_deref().map(|url| Canonical::new(Kind::CodeSystem, url, part.version.as_deref()));
            let sets = part.value_sets.iter().map(|text| Canonical::parse(Kind::ValueSet, text));
            for each in system.into_iter().chain(sets) {
                if !found.contains(&each) {
                    found.push(each);
                }
            }
        }
        found
    }

    /// The resource that an expansion is put into: with its definition, or without.
    pub(super) fn resource(&self, with_definition: bool) -> Object {
        match &self.head {
            Head::Resource(resource) => {
                let keep = |key: &str| {
                    let is_definition = matches!(key, "compose" | "text" | "contained" | "description" | "purpose");
                    key != "expansion" && (with_definition || !is_definition)
                };
                resource
                    .iter()
                    .filter(|(key, _)| keep(key))
                    .map(|(key, value)| (key.to_owned(), value.clone()))
                    .collect()
            }
            Head::Table { id, name, title, status, experimental } => {
                let mut resource = Object::new()
                    .with("resourceType", Json::string("ValueSet"))
                    .with("id", Json::string(&**id))
                    .with_text("url", self.url.as_deref())
                    .with_text("version", self.version.as_deref())
                    .with("name", Json::string(&**name))
                    .with_text("title", title.as_deref())
                    .with("status", Json::string(&**status));
                if let Some(experimental) = experimental {
                    resource.set("experimental", Json::Bool(*experimental));
                }
                if with_definition {
                    resource.set("compose", self.compose());
                }
                resource
            }
        }
    }

    fn compose(&self) -> Json {
        let mut compose = Object::new();
        if let Some(has_inactive) = self.has_inactive {
            compose.set("inactive", Json::Bool(has_inactive));
        }
        compose
            .with_items("include", self.include.iter().map(Part::to_json).collect())
            .with_items("exclude", self.exclude.iter().map(Part::to_json).collect())
            .into()
    }
}

impl Part {
    fn of_json(json: &Json, path: &str) -> Result<Self, Problems> {
        let text = |json: &Json, key: &str| json.text_at(&[key]).map(|text| Text::from(text.to_owned()));
        let missing = |element: &str| {
            Problems::one(format!("{path}.{element}"), ProblemCode::Required, "a part of the ValueSet has none")
        };
        let concepts = json.items("concept").iter().map(|item| {
            let designations = item.items("designation").iter().filter_map(Designation::of_json).collect();
            let code = text(item, "code").ok_or_else(|| missing("concept.code"))?;
            Ok(Listed { code, display: text(item, "display"), designations })
        });
        let filters = json.items("filter").iter().map(|item| {
            let part = |key: &str| text(item, key).ok_or_else(|| missing(&format!("filter.{key}")));
            Ok(Filter { property: part("property")?, op: part("op")?, value: part("value")? })
        });
        let value_sets = json.items("valueSet").iter().filter_map(Json::as_str);
        let part = Self {
            system: text(json, "system"),
            version: text(json, "version"),
            concepts: concepts.collect::<Result<_, Problems>>()?,
            filters: filters.collect::<Result<_, Problems>>()?,
            value_sets: value_sets.map(|text| Text::from(text.to_owned())).collect(),
        };
        // vsd-1, vsd-2, vsd-3 of R4 valueset.html.
        let rule = |detail: &str| Err(Problems::one(path, ProblemCode::Invariant, detail));
        match &part.system {
            None if part.value_sets.is_empty() => rule("names neither a code system nor a value set"),
            None if !part.concepts.is_empty() || !part.filters.is_empty() => rule("names no code system"),
            Some(_) if !part.concepts.is_empty() && !part.filters.is_empty() => rule("has both concepts and filters"),
            _ => Ok(part),
        }
    }

    fn to_json(&self) -> Json {
        let concept = |listed: &Listed| {
            Object::new()
                .with("code", Json::string(&*listed.code))
                .with_text("display", listed.display.as_deref())
                .with_items("designation", listed.designations.iter().map(Designation::to_json).collect())
                .into()
        };
        let filter = |filter: &Filter| {
            Object::new()
                .with("property", Json::string(&*filter.property))
                .with("op", Json::string(&*filter.op))
                .with("value", Json::string(&*filter.value))
                .into()
        };
        Object::new()
            .with_text("system", self.system.as_deref())
            .with_text("version", self.version.as_deref())
            .with_items("concept", self.concepts.iter().map(concept).collect())
            .with_items("filter", self.filters.iter().map(filter).collect())
            .with_items("valueSet", self.value_sets.iter().map(|url| Json::string(&**url)).collect())
            .into()
    }
}

fn gather(items: &[Json], out: &mut Vec<Contained>) {
    for item in items {
        let text = |key: &str| item.text_at(&[key]).map(|text| Text::from(text.to_owned()));
        let is = |key: &str| item.get(key).and_then(Json::as_bool).unwrap_or(false);
        // Without a code an entry only heads those below it.
        if let (Some(system), Some(code)) = (text("system"), text("code")) {
            let designations = item.items("designation").iter().filter_map(Designation::of_json).collect();
            out.push(Contained {
                system,
                listed: Listed { code, display: text("display"), designations },
                is_abstract: is("abstract"),
                is_inactive: is("inactive"),
            });
        }
        gather(item.items("contains"), out);
    }
}

/// Something that is known by its canonical URL. R4 references.html#canonical.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Canonical {
    /// What it is.
    pub kind: Kind,
    /// Its URL.
    pub url: String,
    /// Its version, if a certain one is meant.
    pub version: Option<String>,
}

/// What a canonical URL names here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A ValueSet.
    ValueSet,
    /// A CodeSystem.
    CodeSystem,
}

impl Kind {
    /// The resource type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ValueSet => "ValueSet",
            Self::CodeSystem => "CodeSystem",
        }
    }
}

impl Canonical {
    /// Of a URL and a version.
    pub fn new(kind: Kind, url: &str, version: Option<&str>) -> Self {
        Self { kind, url: url.to_owned(), version: version.map(ToOwned::to_owned) }
    }

    /// Reads `url` or `url|version`. A fragment at the end is not taken off: it names something else.
    pub fn parse(kind: Kind, text: &str) -> Self {
        match text.split_once('|') {
            Some((url, version)) => Self::new(kind, url, Some(version)),
            None => Self::new(kind, text, None),
        }
    }
}

impl std::fmt::Display for Canonical {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.url)?;
        match &self.version {
            Some(version) => write!(f, "|{version}"),
            None => Ok(()),
        }
    }
}
