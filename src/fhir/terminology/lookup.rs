//! `CodeSystem/$lookup` and `CodeSystem/$subsumes`. R4 codesystem-operation-lookup.html,
//! codesystem-operation-subsumes.html.
//!
//! Not supported and therefore refused by name: `date`.

use crate::base::{ProblemCode, Problems};
use crate::fhir::{Json, Object};

use super::code_system::{CodeSystem, Content};
use super::concept::{Concept, Designation, PropertyValue};
use super::fault::Fault;
use super::input::{Coding, Inputs};
use super::library::Library;
use super::target::Level;
use super::value_set::{Canonical, Kind};

/// What is asked of `$lookup`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupRequest {
    /// The code system.
    pub system: Canonical,
    code: String,
    language: Option<String>,
    /// What is wanted; everything if nothing is named.
    properties: Vec<String>,
}

/// What is asked of `$subsumes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubsumesRequest {
    /// The code system; the one of the path if there is none.
    pub system: Option<Canonical>,
    code_a: String,
    code_b: String,
}

impl LookupRequest {
    /// Reads the parameters of the operation.
    pub fn read(mut inputs: Inputs) -> Result<Self, Problems> {
        let (code, system) = (inputs.text("code"), inputs.text("system"));
        let (version, coding) = (inputs.text("version"), inputs.coding("coding"));
        let language = inputs.language("displayLanguage");
        let properties = inputs.texts("property");
        let found = match (code, system, coding) {
            (Some(code), Some(system), None) => Some((code, system, version)),
            (None, None, Some(Coding { system: Some(system), code: Some(code), version: own, .. })) => {
                Some((code, system, version.or(own)))
            }
            (None, None, Some(_)) => {
                inputs.refuse("coding", ProblemCode::Required, "has a system and a code");
                None
            }
            _ => {
                inputs.refuse("code", ProblemCode::Required, "code and system, or a coding, are there");
                None
            }
        };
        let request = found.map(|(code, system, version)| Self {
            system: Canonical::new(Kind::CodeSystem, &system, version.as_deref()),
            code,
            language,
            properties,
        });
        inputs.finish(request)
    }

    fn wants(&self, name: &str) -> bool {
        self.properties.is_empty() || self.asks_for(name)
    }

    fn asks_for(&self, name: &str) -> bool {
        self.properties.iter().any(|each| each == name)
    }

    fn wants_designation(&self, designation: &Designation) -> bool {
        let of_language = |property: &String| {
            let language = property.strip_prefix("lang.");
            language.is_some_and(|language| designation.language.as_deref() == Some(language))
        };
        self.wants("designation") || self.properties.iter().any(of_language)
    }
}

impl SubsumesRequest {
    /// Reads the parameters of the operation.
    pub fn read(mut inputs: Inputs, level: Level) -> Result<Self, Problems> {
        let (system, version) = (inputs.text("system"), inputs.text("version"));
        let mut systems: Vec<(String, Option<String>)> = system.into_iter().map(|url| (url, version.clone())).collect();
        if systems.is_empty() && version.is_some() {
            inputs.refuse("version", ProblemCode::Invariant, "goes with system only");
        }
        let mut side = |code: &str, coding: &str| match (inputs.text(code), inputs.coding(coding)) {
            (Some(code), None) => Some(code),
            (None, Some(Coding { code: Some(code), system, version, .. })) => {
                systems.extend(system.map(|url| (url, version)));
                Some(code)
            }
            _ => {
                inputs.refuse(code, ProblemCode::Required, format!("one of {code} and {coding} is there"));
                None
            }
        };
        let (code_a, code_b) = (side("codeA", "codingA"), side("codeB", "codingB"));
        let mut systems = systems.into_iter();
        let first = systems.next();
        if systems.any(|(url, _)| first.as_ref().is_none_or(|(first, _)| *first != url)) {
            inputs.refuse("system", ProblemCode::Invariant, "both codes are of one code system");
        }
        if level == Level::Type && first.is_none() {
            inputs.refuse("system", ProblemCode::Required, "the code system is named");
        }
        let system = first.map(|(url, version)| Canonical::new(Kind::CodeSystem, &url, version.as_deref()));
        let request = code_a.zip(code_b).map(|(code_a, code_b)| Self { system, code_a, code_b });
        inputs.finish(request)
    }
}

/// What is known about a code: Parameters.
pub fn lookup(library: &Library, request: &LookupRequest) -> Result<Json, Fault> {
    let Canonical { url, version, .. } = &request.system;
    let unknown = || Fault::UnknownCodeSystem(request.system.to_string());
    let system = library.with_concepts(url, version.as_deref()).ok_or_else(unknown)?;
    let place = find(system, &request.code)?;
    let concept = system.concepts().get(place as usize).ok_or_else(|| Fault::UnknownCode(url.clone()))?;
    let mut out = vec![text("name", "valueString", system.shown_name())];
    if let Some(version) = system.version.as_deref().filter(|_| request.wants("version")) {
        out.push(text("version", "valueString", version));
    }
    let display = concept.display_in(request.language.as_deref()).unwrap_or(&concept.code);
    out.push(text("display", "valueString", display));
    let designations = concept.designations.iter().filter(|each| request.wants_designation(each));
    out.extend(designations.map(designation));
    if request.asks_for("url") {
        out.push(property("url", "valueString", Json::string(&*system.url), None));
    }
    if let Some(definition) = concept.definition().filter(|_| request.wants("definition")) {
        out.push(property("definition", "valueString", Json::string(definition), None));
    }
    let relatives = |name: &'static str, places: Vec<u32>| {
        let concepts = places.into_iter().filter_map(|place| system.concepts().get(place as usize));
        concepts.map(move |each| {
            property(name, "valueCode", Json::string(&*each.code), each.display_in(request.language.as_deref()))
        })
    };
    if request.wants("parent") {
        out.extend(relatives("parent", system.parents(place).to_vec()));
    }
    if request.wants("child") {
        out.extend(relatives("child", system.children(place).collect()));
    }
    out.extend(flags(request, concept));
    for each in concept.properties.iter().filter(|each| !FROM_HIERARCHY.contains(&&*each.code)) {
        if request.wants(&each.code) {
            let (key, value) = each.value.to_json();
            let described = match &each.value {
                PropertyValue::Code(code) => system.concept(code).and_then(|other| other.display.as_deref()),
                _ => None,
            };
            out.push(property(&each.code, key, value, described));
        }
    }
    Ok(Object::new().with("resourceType", Json::string("Parameters")).with("parameter", Json::Array(out)).into())
}

/// What is said of every concept that is asked for it, or that differs from the others.
fn flags(request: &LookupRequest, concept: &Concept) -> Vec<Json> {
    let told = |name: &str| concept.properties.iter().any(|property| property.code == name);
    let flags = [("inactive", concept.is_inactive), ("notSelectable", concept.is_abstract)];
    let wanted = flags
        .into_iter()
        .filter(|(name, flag)| !told(name) && (request.asks_for(name) || (*flag && request.properties.is_empty())));
    wanted.map(|(name, flag)| property(name, "valueBoolean", Json::Bool(flag), None)).collect()
}

/// How two codes are related: Parameters with `outcome`.
pub fn subsumes(system: &CodeSystem, request: &SubsumesRequest) -> Result<Json, Fault> {
    if !system.is_subsuming {
        return Err(Fault::NoSubsumption(system.url.to_string()));
    }
    let (a, b) = (find(system, &request.code_a)?, find(system, &request.code_b)?);
    let outcome = if a == b {
        "equivalent"
    } else if system.above(b).contains(&a) {
        "subsumes"
    } else if system.above(a).contains(&b) {
        "subsumed-by"
    } else {
        "not-subsumed"
    };
    let items = vec![text("outcome", "valueCode", outcome)];
    Ok(Object::new().with("resourceType", Json::string("Parameters")).with("parameter", Json::Array(items)).into())
}

fn find(system: &CodeSystem, code: &str) -> Result<u32, Fault> {
    let url = || system.url.to_string();
    system.place(code).ok_or_else(|| match system.content {
        Content::Complete => Fault::UnknownCode(url()),
        Content::Partial => Fault::Partial(url()),
        Content::NotPresent | Content::Supplement => Fault::UnknownCodeSystem(url()),
    })
}

fn text(name: &str, key: &str, value: &str) -> Json {
    Object::new().with("name", Json::string(name)).with(key, Json::string(value)).into()
}

fn group(name: &str, parts: Vec<Json>) -> Json {
    Object::new().with("name", Json::string(name)).with("part", Json::Array(parts)).into()
}

fn designation(designation: &Designation) -> Json {
    let mut parts = Vec::new();
    parts.extend(designation.language.as_deref().map(|language| text("language", "valueCode", language)));
    let usage = designation.use_coding();
    parts
        .extend(usage.map(|coding| Object::new().with("name", Json::string("use")).with("valueCoding", coding).into()));
    parts.push(text("value", "valueString", &designation.value));
    group("designation", parts)
}

fn property(code: &str, key: &str, value: Json, description: Option<&str>) -> Json {
    let mut parts = vec![text("code", "valueCode", code)];
    parts.push(Object::new().with("name", Json::string("value")).with(key, value).into());
    parts.extend(description.map(|description| text("description", "valueString", description)));
    group("property", parts)
}

/// Properties that are given from the hierarchy, where their other direction is in it too.
const FROM_HIERARCHY: &[&str] = &["parent", "child"];

#[cfg(test)]
mod tests;
