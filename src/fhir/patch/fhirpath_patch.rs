//! FHIRPath Patch. R4 fhirpatch.html. The patch is a `Parameters` resource whose parameters `operation` have
//! parts: `type` (add, insert, delete, replace, move) and `path`, and by type `name`, `value`, `index`,
//! `source`, `destination`. Whether an element is a list, and which types it takes, the base definitions say.
//!
//! Paths are the subset that [`path`] describes. Where they name an element of a choice it is without the
//! type. A primitive is replaced and deleted together with its extensions, and what a deletion leaves empty
//! goes with it, as FHIR has no empty objects.

use crate::fhir::structure::{ElementDef, TypeDef};
use crate::fhir::{Json, Object};

use super::{Budget, PatchError, PatchFault, PatchLimits, apply_all, read_all};

mod edit;
mod path;
mod select;
mod value;

use path::{Path, Step};
use select::{Node, Place, at, object_at, select};
use value::{Formed, Value};

/// A patch that was read and is well-formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FhirPathPatch {
    operations: Vec<Operation>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operation {
    Add { path: Path, name: String, value: Value },
    Insert { path: Path, index: usize, value: Value },
    Delete { path: Path },
    Replace { path: Path, value: Value },
    Move { path: Path, source: usize, destination: usize },
}

impl FhirPathPatch {
    /// Reads a `Parameters` resource. Parts that an operation has no use for are errors. All errors are
    /// [`super::PatchFaultClass::Malformed`] or `TooLarge`.
    pub fn read(parameters: &Json, limits: &PatchLimits) -> Result<Self, PatchError> {
        let shape = || PatchError::of_patch(PatchFault::Shape("a Parameters resource"));
        if parameters.get("resourceType").and_then(Json::as_str) != Some("Parameters") {
            return Err(shape());
        }
        let items = match parameters.get("parameter") {
            None => &[],
            Some(items) => items.as_array().ok_or_else(shape)?,
        };
        Ok(Self { operations: read_all(items, limits, operation)? })
    }

    /// The resource with all operations applied in order; none is applied if one fails. The result has the
    /// same `resourceType` and `id`.
    pub fn apply(&self, resource: &Json, limits: &PatchLimits) -> Result<Json, PatchError> {
        apply_all(&self.operations, resource, limits, Operation::apply)
    }
}

/// Reads a patch and applies it: [`FhirPathPatch::read`] and [`FhirPathPatch::apply`].
pub fn apply(resource: &Json, parameters: &Json, limits: &PatchLimits) -> Result<Json, PatchError> {
    FhirPathPatch::read(parameters, limits)?.apply(resource, limits)
}

fn operation(item: &Json) -> Result<Operation, PatchFault> {
    let shape = PatchFault::Shape("parameters named `operation`");
    if item.get("name").and_then(Json::as_str) != Some("operation") {
        return Err(shape);
    }
    let mut parts = Parts::read(item.get("part").and_then(Json::as_array).ok_or(PatchFault::Missing("part"))?)?;
    let kind = parts.text("type")?;
    let path = Path::parse(&parts.text("path")?).ok_or(PatchFault::Invalid("path"))?;
    let operation = match kind.as_str() {
        "add" => Operation::Add { path, name: parts.text("name")?, value: parts.value()? },
        "insert" => Operation::Insert { path, index: parts.index("index")?, value: parts.value()? },
        "delete" => Operation::Delete { path },
        "replace" => Operation::Replace { path, value: parts.value()? },
        "move" => Operation::Move { path, source: parts.index("source")?, destination: parts.index("destination")? },
        _ => return Err(PatchFault::UnknownOperation),
    };
    parts.none_left()?;
    Ok(operation)
}

/// The parts of an operation that were not asked for yet.
struct Parts {
    left: Vec<(&'static str, Value)>,
}

impl Parts {
    fn read(items: &[Json]) -> Result<Self, PatchFault> {
        let mut left: Vec<(&'static str, Value)> = Vec::new();
        for item in items {
            let part = item.as_object().ok_or(PatchFault::Invalid("part"))?;
            let name = part.get("name").and_then(Json::as_str).ok_or(PatchFault::Missing("name"))?;
            let name = PARTS.iter().find(|known| **known == name).ok_or(PatchFault::Unused("part"))?;
            if left.iter().any(|(other, _)| other == name) {
                return Err(PatchFault::Invalid(name));
            }
            left.push((name, Value::read(part)?.ok_or(PatchFault::Missing("value"))?));
        }
        Ok(Self { left })
    }

    fn take(&mut self, name: &'static str) -> Result<Value, PatchFault> {
        let at = self.left.iter().position(|(other, _)| *other == name).ok_or(PatchFault::Missing(name))?;
        Ok(self.left.remove(at).1)
    }

    fn value(&mut self) -> Result<Value, PatchFault> {
        self.take("value")
    }

    /// A text, as a code or as a string.
    fn text(&mut self, name: &'static str) -> Result<String, PatchFault> {
        match self.take(name)? {
            Value::Typed { type_name: "code" | "string", json: Some(Json::String(text)), sibling: None } => Ok(text),
            _ => Err(PatchFault::Invalid(name)),
        }
    }

    fn index(&mut self, name: &'static str) -> Result<usize, PatchFault> {
        match self.take(name)? {
            Value::Typed { type_name: "integer", json: Some(Json::Number(text)), sibling: None } => {
                text.parse().ok().ok_or(PatchFault::Invalid(name))
            }
            _ => Err(PatchFault::Invalid(name)),
        }
    }

    fn none_left(&self) -> Result<(), PatchFault> {
        self.left.first().map_or(Ok(()), |(name, _)| Err(PatchFault::Unused(name)))
    }
}

impl Operation {
    fn apply(&self, document: &mut Json, budget: &mut Budget) -> Result<(), PatchFault> {
        match self {
            Self::Add { path, name, value } => {
                let parent = one(select(document, &path.root, &path.steps, budget)?)?;
                let (place, def) = parent.inside();
                let element = element(def, name)?;
                let formed = formed(value, element, &place, budget)?;
                if place != parent.place {
                    make_sibling(document, &parent)?;
                }
                value::put(object_at(document, &place).ok_or(PatchFault::WrongKind)?, element, formed)
            }
            Self::Insert { path, index, value } => {
                let (place, element) = list(document, path, budget)?;
                let formed = formed(value, element, &place, budget)?;
                edit::insert(object_at(document, &place).ok_or(PatchFault::WrongKind)?, *index, formed)
            }
            Self::Delete { path } => {
                let nodes = select(document, &path.root, &path.steps, budget)?;
                if nodes.is_empty() { Ok(()) } else { delete(document, &one(nodes)?) }
            }
            Self::Replace { path, value } => {
                let node = one(select(document, &path.root, &path.steps, budget)?)?;
                let (parent, member, at) = node.slot().ok_or(PatchFault::WrongKind)?;
                let formed = formed(value, node.element.ok_or(PatchFault::WrongKind)?, parent, budget)?;
                edit::replace(object_at(document, parent).ok_or(PatchFault::WrongKind)?, member, at, formed);
                Ok(())
            }
            Self::Move { path, source, destination } => {
                let (place, element) = list(document, path, budget)?;
                let object = object_at(document, &place).ok_or(PatchFault::WrongKind)?;
                edit::shift(object, element.name, *source, *destination)
            }
        }
    }
}

fn one(nodes: Vec<Node>) -> Result<Node, PatchFault> {
    let mut nodes = nodes.into_iter();
    match (nodes.next(), nodes.next()) {
        (Some(node), None) => Ok(node),
        (None, _) => Err(PatchFault::NotThere),
        (Some(_), Some(_)) => Err(PatchFault::Ambiguous),
    }
}

fn element(def: Option<&'static TypeDef>, name: &str) -> Result<&'static ElementDef, PatchFault> {
    def.and_then(|def| def.element(name)).ok_or(PatchFault::NoSuchElement)
}

fn formed(
    value: &Value,
    element: &'static ElementDef,
    place: &[Place],
    budget: &mut Budget,
) -> Result<Formed, PatchFault> {
    let formed = value.form(element)?;
    for json in [&formed.json, &formed.sibling].into_iter().flatten() {
        budget.spend(json, place.len() + 1 + usize::from(element.is_list()))?;
    }
    Ok(formed)
}

/// The one list that a path names: the object that it is in, and its element.
fn list(document: &Json, path: &Path, budget: &mut Budget) -> Result<(Vec<Place>, &'static ElementDef), PatchFault> {
    let (steps, name): (&[Step], &str) = path.split_name().ok_or(PatchFault::WrongKind)?;
    let parent = one(select(document, &path.root, steps, budget)?)?;
    let (place, def) = parent.inside();
    let element = element(def, name)?;
    if element.is_list() && at(document, &place).is_some() { Ok((place, element)) } else { Err(PatchFault::WrongKind) }
}

/// Makes the object for id and extensions of a primitive, if it is not there.
fn make_sibling(document: &mut Json, primitive: &Node) -> Result<(), PatchFault> {
    let (parent, member, index) = primitive.slot().ok_or(PatchFault::WrongKind)?;
    let object = object_at(document, parent).ok_or(PatchFault::WrongKind)?;
    let name = edit::sibling(member);
    let Some(index) = index else {
        if object.get(&name).is_none() {
            object.set(name, Object::new().into());
        }
        return Ok(());
    };
    let length = edit::length(object, member);
    if object.get(&name).is_none() {
        object.set(name.clone(), Json::Array(Vec::new()));
    }
    let Some(Json::Array(items)) = object.get_mut(&name) else { return Err(PatchFault::WrongKind) };
    items.resize(length, Json::Null);
    match items.get_mut(index) {
        Some(item @ Json::Null) => *item = Object::new().into(),
        Some(_) => {}
        None => return Err(PatchFault::WrongKind),
    }
    Ok(())
}

/// Takes an element out, and what is then empty around it.
fn delete(document: &mut Json, node: &Node) -> Result<(), PatchFault> {
    let mut place = node.place.as_slice();
    loop {
        let (parent, member, index) = match place {
            [before @ .., Place::Member(member), Place::Index(at)] => (before, member, Some(*at)),
            [before @ .., Place::Member(member)] => (before, member, None),
            _ => return Err(PatchFault::WrongKind),
        };
        let object = object_at(document, parent).ok_or(PatchFault::WrongKind)?;
        // What is in the member with `_` in front leaves the value beside it alone.
        match (member.strip_prefix('_'), index) {
            (None, _) => edit::remove(object, member, index),
            (Some(_), None) => drop(object.remove(member)),
            (Some(plain), Some(at)) => edit::clear_sibling(object, plain, at),
        }
        if !object.is_empty() || parent.is_empty() {
            return Ok(());
        }
        place = parent;
    }
}

const PARTS: [&str; 7] = ["type", "path", "name", "value", "index", "source", "destination"];

#[cfg(test)]
mod tests;
