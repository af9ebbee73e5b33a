//! The walk through a resource, beside the definitions of its types.

use std::borrow::Cow;

use crate::fhir::outcome::Severity;
use crate::fhir::{Json, Object};

use super::contained::Container;
use super::path::{Step, expression, is_plain};
use super::table::{Class, Member, TypeDef, definitions};
use super::{Issue, IssueCode, Limits};

mod datatype;
mod scalar;

/// What is wrong with a resource; nothing if it is as R4 wants it. See [`super`] for what is looked at.
pub fn check(resource: &Json, limits: &Limits) -> Vec<Issue> {
    let mut checker = Checker {
        limits,
        conditional_references: limits.conditional_references,
        issues: Vec::new(),
        dropped: 0,
        path: Vec::new(),
        depth: 0,
        containers: Vec::new(),
    };
    checker.resource(resource, Place::Own);
    checker.finish()
}

/// Where a resource stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// By itself, or as one of many in a Bundle or in Parameters.
    Own,
    /// In `contained`.
    Contained(usize),
}

struct Checker<'a> {
    limits: &'a Limits,
    conditional_references: bool,
    issues: Vec<Issue>,
    dropped: usize,
    path: Vec<Step<'a>>,
    depth: usize,
    containers: Vec<Container<'a>>,
}

/// An object and what belongs to reading it.
#[derive(Clone, Copy)]
struct Members<'a> {
    object: &'a Object,
    def: &'static TypeDef,
    /// Whether any name starts with `_`: most objects have none, and need no look for siblings.
    has_siblings: bool,
}

impl<'a> Members<'a> {
    fn new(object: &'a Object, def: &'static TypeDef) -> Self {
        Self { object, def, has_siblings: object.iter().any(|(name, _)| name.starts_with('_')) }
    }

    /// The member `_name`.
    fn sibling(&self, name: &str) -> Option<&'a Json> {
        if !self.has_siblings {
            return None;
        }
        self.object.iter().find(|(key, _)| key.strip_prefix('_') == Some(name)).map(|(_, value)| value)
    }
}

impl<'a> Checker<'a> {
    fn resource(&mut self, value: &'a Json, place: Place) {
        let Some(object) = value.as_object() else {
            return self.error(IssueCode::Structure, "a resource is an object");
        };
        let Some(name) = object.get("resourceType") else {
            return self.error(IssueCode::Required, "`resourceType` is missing");
        };
        let Some(def) = name.as_str().and_then(|name| definitions().resource(name)) else {
            return self.error(IssueCode::Structure, "`resourceType` is not a resource type of R4");
        };
        if self.path.is_empty() {
            self.path.push(Step::Name(def.name));
        }
        let outer = self.conditional_references;
        if def.name == "Bundle" && object.get("type").and_then(Json::as_str) == Some("transaction") {
            self.conditional_references = true;
        }
        match place {
            Place::Own => {
                self.containers.push(Container::new(value));
                self.members(Members::new(object, def), true);
                if let Some(container) = self.containers.pop() {
                    self.contained_rules(&container);
                }
            }
            Place::Contained(at) => {
                self.contained_resource(object);
                if let Some(container) = self.containers.last_mut() {
                    container.inside = Some(at);
                }
                self.members(Members::new(object, def), true);
                if let Some(container) = self.containers.last_mut() {
                    container.inside = None;
                }
            }
        }
        self.conditional_references = outer;
    }

    /// dom-2, dom-4 and dom-5.
    fn contained_resource(&mut self, object: &Object) {
        if object.get("contained").is_some() {
            self.error(IssueCode::Invariant, "a contained resource does not contain others (dom-2)");
        }
        let meta = object.get("meta");
        let has = |name| meta.is_some_and(|meta| meta.get(name).is_some());
        if has("versionId") || has("lastUpdated") {
            self.error(IssueCode::Invariant, "a contained resource has no version and no last update (dom-4)");
        }
        if has("security") {
            self.error(IssueCode::Invariant, "a contained resource has no security label (dom-5)");
        }
    }

    fn contained_rules(&mut self, container: &Container<'_>) {
        let at = |index| [Step::Name("contained"), Step::Index(index)];
        for (index, is_double) in container.without_id() {
            let (code, text) = if is_double {
                (IssueCode::Value, "another contained resource has the same id")
            } else {
                (IssueCode::Required, "a contained resource has an id")
            };
            self.within(&at(index), |checker| checker.error(code, text));
        }
        for index in container.orphans() {
            self.within(&at(index), |checker| {
                checker.error(IssueCode::Invariant, "nothing refers to this contained resource (dom-3)");
            });
        }
    }

    /// The members of an object that is not abstract.
    fn members(&mut self, members: Members<'a>, is_resource: bool) {
        let Members { object, def, .. } = members;
        if !self.deeper() {
            return;
        }
        if object.is_empty() {
            self.error(IssueCode::Structure, "an object is not empty");
        }
        // A choice by its element, with the name that it had first.
        let mut choices: Vec<(&'static str, &str)> = Vec::new();
        for (key, value) in object.iter() {
            if is_resource && key == "resourceType" {
                continue;
            }
            let plain = key.strip_prefix('_');
            let name = plain.unwrap_or(key);
            let Some(member) = def.member(name) else {
                self.unknown(key);
                continue;
            };
            if member.element.is_choice {
                match choices.iter().find(|(element, _)| *element == member.element.name) {
                    None => choices.push((member.element.name, name)),
                    Some((_, first)) if *first == name => {}
                    Some(_) => self.within(&[Step::Name(member.element.name)], |checker| {
                        checker.error(IssueCode::Structure, "a choice has one type only");
                    }),
                }
            }
            if plain.is_some() {
                if !takes_sibling(def, member, is_resource) {
                    self.unknown(key);
                } else if object.get(name).is_none() {
                    self.element(member, None, Some(value), is_resource);
                }
            } else {
                self.element(member, Some(value), members.sibling(name), is_resource);
            }
        }
        for element in def.elements.iter().filter(|element| element.min > 0) {
            let is_there = if element.is_choice {
                choices.iter().any(|(name, _)| *name == element.name)
            } else {
                object.get(element.name).is_some() || members.sibling(element.name).is_some()
            };
            if !is_there {
                self.within(&[Step::Name(element.name)], |checker| {
                    checker.error(IssueCode::Required, "the element is required");
                });
            }
        }
        self.depth -= 1;
    }

    /// One element with all its values. `sibling` is the member with `_` in front.
    fn element(
        &mut self,
        member: Member<'static>,
        value: Option<&'a Json>,
        sibling: Option<&'a Json>,
        of_resource: bool,
    ) {
        let element = member.element;
        let Some(def) = definitions().get(member.of_type) else { return };
        let before = self.path.len();
        self.path.push(Step::Name(element.name));
        if element.is_choice {
            self.path.push(Step::OfType(def.name));
        }
        let sibling = if matches!(def.class, Class::Primitive(_)) { sibling } else { None };
        if element.is_list() {
            self.list(member, def, value, sibling);
        } else if [value, sibling].into_iter().flatten().any(|value| matches!(value, Json::Array(_))) {
            self.error(IssueCode::Structure, "the element is not a list");
        } else {
            // Element.id is a string without white space, which its type does not say. R4 element.html.
            let spaced = element.name == "id" && !of_resource;
            if spaced && value.and_then(Json::as_str).is_some_and(|id| id.contains(char::is_whitespace)) {
                self.error(IssueCode::Value, "an id has no white space");
            }
            self.value(member, def, value, sibling, 0);
        }
        self.path.truncate(before);
    }

    fn list(
        &mut self,
        member: Member<'static>,
        def: &'static TypeDef,
        value: Option<&'a Json>,
        sibling: Option<&'a Json>,
    ) {
        let mut lists: [&'a [Json]; 2] = [&[], &[]];
        for (list, value) in lists.iter_mut().zip([value, sibling]) {
            match value {
                Some(Json::Array(items)) if items.is_empty() => {
                    return self.error(IssueCode::Structure, "a list is not empty");
                }
                Some(Json::Array(items)) => *list = items,
                Some(_) => return self.error(IssueCode::Structure, "the element is a list"),
                None => {}
            }
        }
        let [values, siblings] = lists;
        if value.is_some() && sibling.is_some() && values.len() != siblings.len() {
            self.error(IssueCode::Structure, "the list and its sibling with `_` have the same length");
        }
        let length = values.len().max(siblings.len());
        if member.element.max.is_some_and(|max| length > max) {
            self.error(IssueCode::Structure, "the list has too many items");
        }
        if !self.deeper() {
            return;
        }
        for index in 0..length {
            self.path.push(Step::Index(index));
            // A null fills a place whose other half is there.
            let half = |list: &'a [Json]| list.get(index).filter(|item| !matches!(item, Json::Null));
            match (half(values), half(siblings)) {
                (None, None) => self.error(IssueCode::Structure, "the item is null"),
                (value, sibling) => self.value(member, def, value, sibling, index),
            }
            self.path.pop();
        }
        self.depth -= 1;
    }

    /// One value of an element; `index` is its place in a list.
    fn value(
        &mut self,
        member: Member<'static>,
        def: &'static TypeDef,
        value: Option<&'a Json>,
        sibling: Option<&'a Json>,
        index: usize,
    ) {
        if let Class::Primitive(primitive) = def.class {
            if let Some(value) = value {
                self.primitive(primitive, member.element, value);
            }
            if let Some(sibling) = sibling {
                self.sibling(sibling);
            }
            return;
        }
        let Some(value) = value else { return };
        match (def.class, value) {
            (Class::Resource, _) if member.element.name == "contained" => self.resource(value, Place::Contained(index)),
            (Class::Resource, _) => self.resource(value, Place::Own),
            (_, Json::Object(object)) => {
                self.members(Members::new(object, def), false);
                self.datatype(object, def, member);
            }
            _ => self.error(IssueCode::Structure, "the element is an object"),
        }
    }

    /// The id and the extensions of a primitive. R4 json.html#primitive.
    fn sibling(&mut self, sibling: &'a Json) {
        match (sibling, definitions().find("Element")) {
            (Json::Object(object), Some(def)) => self.members(Members::new(object, def), false),
            _ => self.error(IssueCode::Structure, "the sibling with `_` is an object"),
        }
    }

    fn unknown(&mut self, key: &'a str) {
        if is_plain(key) {
            self.within(&[Step::Name(key)], |checker| checker.error(IssueCode::Structure, "there is no such element"));
        } else {
            self.error(IssueCode::Structure, "there is an element whose name is none");
        }
    }

    /// Counts a level of objects and lists. Who gets `true` goes up again.
    fn deeper(&mut self) -> bool {
        if self.depth >= self.limits.depth {
            self.error(IssueCode::TooLong, "the resource is nested too deep");
            return false;
        }
        self.depth += 1;
        true
    }

    fn within(&mut self, steps: &[Step<'a>], act: impl FnOnce(&mut Self)) {
        let before = self.path.len();
        self.path.extend_from_slice(steps);
        act(self);
        self.path.truncate(before);
    }

    fn error(&mut self, code: IssueCode, diagnostics: impl Into<Cow<'static, str>>) {
        self.issue(Severity::Error, code, diagnostics.into());
    }

    fn warning(&mut self, code: IssueCode, diagnostics: &'static str) {
        self.issue(Severity::Warning, code, diagnostics.into());
    }

    fn issue(&mut self, severity: Severity, code: IssueCode, diagnostics: Cow<'static, str>) {
        if self.issues.len() >= self.limits.issues {
            self.dropped += 1;
            return;
        }
        self.issues.push(Issue { severity, code, expression: expression(&self.path), diagnostics });
    }

    fn finish(mut self) -> Vec<Issue> {
        if self.dropped > 0 {
            self.issues.push(Issue {
                severity: Severity::Error,
                code: IssueCode::TooLong,
                expression: String::new(),
                diagnostics: format!("and {} more issues", self.dropped).into(),
            });
        }
        self.issues
    }
}

/// Whether an element can have a sibling with `_`: primitives can, but not what is an attribute in XML.
fn takes_sibling(def: &TypeDef, member: Member<'_>, is_resource: bool) -> bool {
    let is_attribute =
        (member.element.name == "id" && !is_resource) || (def.name == "Extension" && member.element.name == "url");
    let is_primitive = definitions()
        .get(member.of_type)
        .is_some_and(|def| matches!(def.class, Class::Primitive(primitive) if primitive != super::Primitive::Xhtml));
    is_primitive && !is_attribute
}
