//! The value of an operation, and the JSON that it becomes in the element where it is put.

use crate::fhir::structure::{Class, ElementDef, TypeDef, choice_name, definitions};
use crate::fhir::{Json, Object};

use super::PatchFault;

/// What a `value` part holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// `value[x]`: the type, the value, and the id and extensions of a primitive.
    Typed { type_name: &'static str, json: Option<Json>, sibling: Option<Json> },
    /// `part`s by the names of elements, for types that have no name.
    Parts(Vec<(String, Value)>),
    /// `resource`: for elements that hold one.
    Resource(Json),
}

/// A value in the form that an element has it.
pub(super) struct Formed {
    /// Name of the member, of a choice with the type.
    pub(super) member: String,
    /// The value; absent if a primitive has extensions only.
    pub(super) json: Option<Json>,
    /// What goes into the member with `_` in front.
    pub(super) sibling: Option<Json>,
}

impl Value {
    /// Reads the value of a part. `None` if there is none.
    pub(super) fn read(part: &Object) -> Result<Option<Self>, PatchFault> {
        let mut found: Option<Self> = None;
        for (key, json) in part.iter() {
            let plain = key.strip_prefix('_').unwrap_or(key);
            let value = match plain {
                "name" if plain == key => continue,
                "part" if plain == key => Self::Parts(parts(json)?),
                "resource" if plain == key => Self::Resource(json.clone()),
                _ => {
                    let type_name = type_of_value(plain).ok_or(PatchFault::Invalid("value"))?;
                    let json = Some(json.clone());
                    if plain == key {
                        Self::Typed { type_name, json, sibling: None }
                    } else {
                        Self::Typed { type_name, json: None, sibling: json }
                    }
                }
            };
            found = Some(match found {
                None => value,
                Some(other) => other.joined(value).ok_or(PatchFault::Invalid("value"))?,
            });
        }
        Ok(found)
    }

    /// A primitive with its extensions, from the two members that it is in.
    fn joined(self, other: Self) -> Option<Self> {
        match (self, other) {
            (
                Self::Typed { type_name, json, sibling },
                Self::Typed { type_name: other_type, json: other_json, sibling: other_sibling },
            ) if type_name == other_type && json.is_some() != other_json.is_some() => {
                Some(Self::Typed { type_name, json: json.or(other_json), sibling: sibling.or(other_sibling) })
            }
            _ => None,
        }
    }

    /// The value as `element` has it.
    pub(super) fn form(&self, element: &'static ElementDef) -> Result<Formed, PatchFault> {
        let single = match element.types.as_slice() {
            [only] if !element.is_choice => definitions().get(only),
            _ => None,
        };
        match self {
            Self::Typed { type_name, json, sibling } => {
                let fits = match single {
                    Some(def) => takes(def, type_name, json.as_ref()),
                    None => element
                        .types
                        .iter()
                        .any(|of_type| definitions().get(of_type).is_some_and(|def| def.name == *type_name)),
                };
                if !fits {
                    return Err(PatchFault::ValueType);
                }
                let member =
                    if element.is_choice { choice_name(element.name, type_name) } else { element.name.to_owned() };
                Ok(Formed { member, json: json.clone(), sibling: sibling.clone() })
            }
            Self::Parts(parts) => {
                let def = single.filter(|def| def.class == Class::Complex).ok_or(PatchFault::ValueType)?;
                let json = Some(object_of(def, parts)?.into());
                Ok(Formed { member: element.name.to_owned(), json, sibling: None })
            }
            Self::Resource(json) => {
                single.filter(|def| def.class == Class::Resource).ok_or(PatchFault::ValueType)?;
                Ok(Formed { member: element.name.to_owned(), json: Some(json.clone()), sibling: None })
            }
        }
    }
}

fn parts(json: &Json) -> Result<Vec<(String, Value)>, PatchFault> {
    let items = json.as_array().filter(|items| !items.is_empty()).ok_or(PatchFault::Invalid("value"))?;
    items
        .iter()
        .map(|item| {
            let part = item.as_object().ok_or(PatchFault::Invalid("value"))?;
            let name = part.get("name").and_then(Json::as_str).ok_or(PatchFault::Missing("name"))?;
            let value = Value::read(part)?.ok_or(PatchFault::Missing("value"))?;
            Ok((name.to_owned(), value))
        })
        .collect()
}

/// The type in the name of a `value[x]`.
fn type_of_value(member: &str) -> Option<&'static str> {
    let found = definitions().find("Parameters.parameter")?.member(member)?;
    (found.element.name == "value").then_some(definitions().get(found.of_type)?.name)
}

/// Whether an element of one type takes a value that was sent as another: a `valueString` may be any
/// primitive that it has the format of, and the quantities are one type under several names.
fn takes(def: &TypeDef, sent: &str, json: Option<&Json>) -> bool {
    if def.name == sent {
        return true;
    }
    match (def.class, definitions().find(sent).map(|def| def.class)) {
        (Class::Primitive(target), Some(Class::Primitive(_))) => json.is_none_or(|json| {
            target.takes(json) && json.as_str().or_else(|| json.as_number()).is_none_or(|text| target.accepts(text))
        }),
        _ => QUANTITIES.contains(&def.name) && QUANTITIES.contains(&sent),
    }
}

fn object_of(def: &'static TypeDef, parts: &[(String, Value)]) -> Result<Object, PatchFault> {
    let mut object = Object::new();
    for (name, value) in parts {
        let element = def.element(name).ok_or(PatchFault::NoSuchElement)?;
        let formed = value.form(element)?;
        put(&mut object, element, formed)?;
    }
    Ok(object)
}

/// Puts a value into an object: behind the others of a list, else only where there is none.
pub(super) fn put(object: &mut Object, element: &ElementDef, formed: Formed) -> Result<(), PatchFault> {
    if element.is_list() {
        let length = super::edit::length(object, &formed.member);
        return super::edit::insert(object, length, formed);
    }
    if super::edit::holds(object, element) {
        return Err(PatchFault::Exists);
    }
    let Formed { member, json, sibling } = formed;
    if let Some(sibling) = sibling {
        object.set(format!("_{member}"), sibling);
    }
    if let Some(json) = json {
        object.set(member, json);
    }
    Ok(())
}

const QUANTITIES: [&str; 5] = ["Quantity", "Age", "Count", "Distance", "Duration"];
