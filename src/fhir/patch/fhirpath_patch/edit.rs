//! Changes of one element of an object, together with the member that has `_` in front. Lists of primitives
//! and of their extensions stay in line. R4 json.html#primitive.

use crate::fhir::structure::{ElementDef, choice_name, definitions};
use crate::fhir::{Json, Object};

use super::PatchFault;
use super::value::Formed;

/// How many values a list has.
pub(super) fn length(object: &Object, member: &str) -> usize {
    let count = |name: &str| object.get(name).and_then(Json::as_array).map_or(0, <[Json]>::len);
    count(member).max(count(&sibling(member)))
}

/// Whether an element has a value, of a choice in any of its types.
pub(super) fn holds(object: &Object, element: &ElementDef) -> bool {
    member_names(element).iter().any(|name| object.get(name).is_some() || object.get(&sibling(name)).is_some())
}

/// The names that an element has in JSON.
pub(super) fn member_names(element: &ElementDef) -> Vec<String> {
    if !element.is_choice {
        return vec![element.name.to_owned()];
    }
    let types = element.types.iter().filter_map(|of_type| definitions().get(of_type));
    types.map(|def| choice_name(element.name, def.name)).collect()
}

/// Inserts a value into a list.
pub(super) fn insert(object: &mut Object, at: usize, formed: Formed) -> Result<(), PatchFault> {
    let Formed { member, json, sibling: extensions } = formed;
    let length = length(object, &member);
    if at > length {
        return Err(PatchFault::Index);
    }
    for (name, value) in [(sibling(&member), extensions), (member, json)] {
        let is_there = object.get(&name).is_some();
        if !is_there && value.is_none() {
            continue;
        }
        if !is_there {
            object.set(name.clone(), Json::Array(Vec::new()));
        }
        let list = items(object, &name).ok_or(PatchFault::WrongKind)?;
        list.resize(length, Json::Null);
        list.insert(at, value.unwrap_or(Json::Null));
    }
    Ok(())
}

/// Takes a value out; `at` is its place if it is in a list.
pub(super) fn remove(object: &mut Object, member: &str, at: Option<usize>) {
    for name in [member.to_owned(), sibling(member)] {
        let Some(at) = at else {
            object.remove(&name);
            continue;
        };
        if let Some(list) = items(object, &name)
            && at < list.len()
        {
            list.remove(at);
            // Neither an empty list nor one of nulls says anything.
            if list.iter().all(|item| matches!(item, Json::Null)) {
                object.remove(&name);
            }
        }
    }
}

/// Puts another value where one is. The member keeps its place, although a choice may change its name.
pub(super) fn replace(object: &mut Object, member: &str, at: Option<usize>, formed: Formed) {
    let length = length(object, member);
    let Formed { member: new, json, sibling: extensions } = formed;
    if new != member {
        return rename(object, member, &new, json, extensions);
    }
    for (name, value) in [(new, json), (sibling(member), extensions)] {
        match (at, value) {
            (None, Some(value)) => drop(object.set(name, value)),
            (None, None) => drop(object.remove(&name)),
            (Some(at), value) => {
                let mut list = match object.get_mut(&name) {
                    Some(Json::Array(items)) => std::mem::take(items),
                    _ => Vec::new(),
                };
                list.resize(length, Json::Null);
                if let Some(place) = list.get_mut(at) {
                    *place = value.unwrap_or(Json::Null);
                }
                if list.iter().all(|item| matches!(item, Json::Null)) {
                    object.remove(&name);
                } else {
                    object.set(name, Json::Array(list));
                }
            }
        }
    }
}

/// Another type of a choice, in the place of the first member that the former one had.
fn rename(object: &mut Object, old: &str, new: &str, json: Option<Json>, extensions: Option<Json>) {
    let mut values = Some([(new.to_owned(), json), (sibling(new), extensions)]);
    let mut result = Object::new();
    for (name, value) in object.iter_mut() {
        if name.strip_prefix('_').unwrap_or(name) != old {
            result.set(name, std::mem::replace(value, Json::Null));
            continue;
        }
        for (name, value) in values.take().into_iter().flatten() {
            if let Some(value) = value {
                result.set(name, value);
            }
        }
    }
    *object = result;
}

/// Moves a value within its list. Both indexes are places in the list: before, and when it has moved.
pub(super) fn shift(object: &mut Object, member: &str, from: usize, to: usize) -> Result<(), PatchFault> {
    let length = length(object, member);
    if from >= length || to >= length {
        return Err(PatchFault::Index);
    }
    for name in [member.to_owned(), sibling(member)] {
        if let Some(list) = items(object, &name) {
            list.resize(length, Json::Null);
            let value = list.remove(from);
            list.insert(to, value);
        }
    }
    Ok(())
}

fn items<'a>(object: &'a mut Object, name: &str) -> Option<&'a mut Vec<Json>> {
    match object.get_mut(name) {
        Some(Json::Array(items)) => Some(items),
        _ => None,
    }
}

/// The name of the member for id and extensions of a primitive.
pub(super) fn sibling(member: &str) -> String {
    format!("_{member}")
}

/// Takes away the id and the extensions of one value of a list, but not the value.
pub(super) fn clear_sibling(object: &mut Object, member: &str, at: usize) {
    let name = sibling(member);
    let has_value = object.get(member).and_then(Json::as_array).and_then(|items| items.get(at));
    if has_value.is_none_or(|value| matches!(value, Json::Null)) {
        return remove(object, member, Some(at));
    }
    if let Some(list) = items(object, &name) {
        if let Some(item) = list.get_mut(at) {
            *item = Json::Null;
        }
        if list.iter().all(|item| matches!(item, Json::Null)) {
            object.remove(&name);
        }
    }
}
