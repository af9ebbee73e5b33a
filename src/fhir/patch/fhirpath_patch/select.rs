//! Where a path leads: the elements of a resource that it names, with their definitions.

use crate::fhir::patch::json_patch::same_number;
use crate::fhir::structure::{Class, ElementDef, TypeDef, TypeRef, choice_name, definitions};
use crate::fhir::{Json, Object};

use super::edit::sibling;
use super::path::{Criterion, Literal, Step};
use super::{Budget, PatchFault};

/// One element of a resource: where it is, and what it is.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Members and indexes from the root of the document. Of a primitive the way to its value, although
    /// only the member with `_` in front may be there.
    pub(super) place: Vec<Place>,
    /// Type of the value.
    pub(super) def: &'static TypeDef,
    /// The element that it is a value of; `None` for the resource itself.
    pub(super) element: Option<&'static ElementDef>,
}

/// A step in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Member(String),
    Index(usize),
}

impl Node {
    /// The object that it is a member of, the member, and the index if that is a list.
    pub(super) fn slot(&self) -> Option<(&[Place], &str, Option<usize>)> {
        match self.place.as_slice() {
            [before @ .., Place::Member(member), Place::Index(at)] => Some((before, member, Some(*at))),
            [before @ .., Place::Member(member)] => Some((before, member, None)),
            _ => None,
        }
    }

    /// Where its elements are, and whose elements they are: for a primitive id and extensions, which are in
    /// the member with `_` in front.
    pub(super) fn inside(&self) -> (Vec<Place>, Option<&'static TypeDef>) {
        if !matches!(self.def.class, Class::Primitive(_)) {
            return (self.place.clone(), Some(self.def));
        }
        let mut place = self.place.clone();
        if let Some(Place::Member(member)) = place.iter_mut().rev().find(|step| matches!(step, Place::Member(_))) {
            *member = sibling(member);
        }
        (place, definitions().find("Element"))
    }
}

/// The elements that a path leads to, in document order.
pub(super) fn select(
    document: &Json,
    root: &str,
    steps: &[Step],
    budget: &mut Budget,
) -> Result<Vec<Node>, PatchFault> {
    let name = document.get("resourceType").and_then(Json::as_str);
    let def = name.and_then(|name| definitions().resource(name)).ok_or(PatchFault::WrongKind)?;
    if def.name != root {
        return Err(PatchFault::NotThere);
    }
    let mut nodes = vec![Node { place: Vec::new(), def, element: None }];
    for step in steps {
        nodes = match step {
            Step::Name(name) => {
                let mut found = Vec::new();
                for node in &nodes {
                    children(document, node, name, budget, &mut found)?;
                }
                found
            }
            Step::Index(at) => nodes.into_iter().nth(*at).into_iter().collect(),
            Step::Last => nodes.pop().into_iter().collect(),
            Step::OfType(name) => nodes.into_iter().filter(|node| node.def.name == name).collect(),
            Step::Where(criteria) => {
                let mut kept = Vec::new();
                for node in nodes {
                    let mut holds = true;
                    for criterion in criteria {
                        holds = holds && meets(document, &node, criterion, budget)?;
                    }
                    if holds {
                        kept.push(node);
                    }
                }
                kept
            }
        };
    }
    Ok(nodes)
}

/// What is at a place.
pub(super) fn at<'a>(document: &'a Json, place: &[Place]) -> Option<&'a Json> {
    place.iter().try_fold(document, |value, step| match (step, value) {
        (Place::Member(name), Json::Object(object)) => object.get(name),
        (Place::Index(index), Json::Array(items)) => items.get(*index),
        _ => None,
    })
}

/// The object at a place, to be changed.
pub(super) fn object_at<'a>(document: &'a mut Json, place: &[Place]) -> Option<&'a mut Object> {
    let value = place.iter().try_fold(document, |value, step| match (step, value) {
        (Place::Member(name), Json::Object(object)) => object.get_mut(name),
        (Place::Index(index), Json::Array(items)) => items.get_mut(*index),
        _ => None,
    });
    value?.as_object_mut()
}

/// The values of the element `name` of a node.
fn children(
    document: &Json,
    node: &Node,
    name: &str,
    budget: &mut Budget,
    found: &mut Vec<Node>,
) -> Result<(), PatchFault> {
    let (place, def) = node.inside();
    let element = def.and_then(|def| def.element(name)).ok_or(PatchFault::NoSuchElement)?;
    let Some(object) = at(document, &place).and_then(Json::as_object) else { return Ok(()) };
    let before = found.len();
    for of_type in &element.types {
        let Some(def) = definitions().get(of_type) else { continue };
        let member = if element.is_choice { choice_name(element.name, def.name) } else { element.name.to_owned() };
        values(object, &place, &member, element, of_type, found);
    }
    budget.visit(element.types.len() + found.len() - before)
}

fn values(
    object: &Object,
    place: &[Place],
    member: &str,
    element: &'static ElementDef,
    of_type: &'static TypeRef,
    found: &mut Vec<Node>,
) {
    let value = object.get(member);
    let extensions = object.get(&sibling(member));
    let mut add = |index: Option<usize>, value: Option<&Json>| {
        let mut place = place.to_vec();
        place.push(Place::Member(member.to_owned()));
        place.extend(index.map(Place::Index));
        if let Some(def) = actual(of_type, value) {
            found.push(Node { place, def, element: Some(element) });
        }
    };
    if !element.is_list() {
        if value.is_some() || extensions.is_some() {
            add(None, value);
        }
        return;
    }
    let items = |list: Option<&Json>| list.and_then(Json::as_array).map_or(0, <[Json]>::len);
    for index in 0..items(value).max(items(extensions)) {
        add(Some(index), value.and_then(Json::as_array).and_then(|items| items.get(index)));
    }
}

/// The type of a value; what is a resource says itself which.
fn actual(of_type: &TypeRef, value: Option<&Json>) -> Option<&'static TypeDef> {
    let def = definitions().get(of_type)?;
    if def.class != Class::Resource {
        return Some(def);
    }
    definitions().resource(value?.get("resourceType")?.as_str()?)
}

/// Whether a node has exactly one value at the path, and it is that of the literal.
fn meets(document: &Json, node: &Node, criterion: &Criterion, budget: &mut Budget) -> Result<bool, PatchFault> {
    let mut nodes = vec![node.clone()];
    for name in &criterion.path {
        let mut found = Vec::new();
        for node in &nodes {
            children(document, node, name, budget, &mut found)?;
        }
        nodes = found;
    }
    let [only] = nodes.as_slice() else { return Ok(false) };
    Ok(match (at(document, &only.place), &criterion.literal) {
        (Some(Json::String(text)), Literal::String(literal)) => text == literal,
        (Some(Json::Number(text)), Literal::Number(literal)) => same_number(text, literal),
        (Some(Json::Bool(value)), Literal::Bool(literal)) => value == literal,
        _ => false,
    })
}
