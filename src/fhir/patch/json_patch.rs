//! JSON Patch. RFC 6902, R4 http.html#patch. Works on [`Json`], so what is not touched keeps the text of
//! its numbers and the order of its members.

use std::collections::BTreeMap;

use crate::fhir::{Json, Object};

use super::pointer::{Pointer, find_mut, index};
use super::{Budget, PatchError, PatchFault, PatchLimits, apply_all, read_all};

/// A patch that was read and is well-formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPatch {
    operations: Vec<Operation>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operation {
    Add { path: Pointer, value: Json },
    Remove { path: Pointer },
    Replace { path: Pointer, value: Json },
    Move { from: Pointer, path: Pointer },
    Copy { from: Pointer, path: Pointer },
    Test { path: Pointer, value: Json },
}

impl JsonPatch {
    /// Reads an `application/json-patch+json` document. Members that RFC 6902 does not name are ignored,
    /// as its §4 demands. Errors are all [`super::PatchFaultClass::Malformed`] or `TooLarge`.
    pub fn read(patch: &Json, limits: &PatchLimits) -> Result<Self, PatchError> {
        let items = patch.as_array().ok_or_else(|| PatchError::of_patch(PatchFault::Shape("an array")))?;
        Ok(Self { operations: read_all(items, limits, operation)? })
    }

    /// The document with all operations applied in order; none is applied if one fails. The result is an
    /// object with the same `resourceType` and `id`.
    pub fn apply(&self, document: &Json, limits: &PatchLimits) -> Result<Json, PatchError> {
        apply_all(&self.operations, document, limits, Operation::apply)
    }
}

/// Reads a patch and applies it: [`JsonPatch::read`] and [`JsonPatch::apply`].
pub fn apply(document: &Json, patch: &Json, limits: &PatchLimits) -> Result<Json, PatchError> {
    JsonPatch::read(patch, limits)?.apply(document, limits)
}

fn operation(item: &Json) -> Result<Operation, PatchFault> {
    let object = item.as_object().ok_or(PatchFault::Shape("an array of objects"))?;
    let op = text(object, "op")?;
    let path = pointer(object, "path")?;
    let value = || object.get("value").cloned().ok_or(PatchFault::Missing("value"));
    Ok(match op {
        "add" => Operation::Add { path, value: value()? },
        "remove" => Operation::Remove { path },
        "replace" => Operation::Replace { path, value: value()? },
        "move" => {
            let from = pointer(object, "from")?;
            if path.is_below(&from) {
                return Err(PatchFault::MovedIntoItself);
            }
            Operation::Move { from, path }
        }
        "copy" => Operation::Copy { from: pointer(object, "from")?, path },
        "test" => Operation::Test { path, value: value()? },
        _ => return Err(PatchFault::UnknownOperation),
    })
}

fn text<'a>(object: &'a Object, name: &'static str) -> Result<&'a str, PatchFault> {
    object.get(name).ok_or(PatchFault::Missing(name))?.as_str().ok_or(PatchFault::Invalid(name))
}

fn pointer(object: &Object, name: &'static str) -> Result<Pointer, PatchFault> {
    Pointer::parse(text(object, name)?).ok_or(PatchFault::Invalid(name))
}

impl Operation {
    fn apply(&self, document: &mut Json, budget: &mut Budget) -> Result<(), PatchFault> {
        match self {
            Self::Add { path, value } => {
                budget.spend(value, path.level())?;
                add(document, path, value.clone())
            }
            Self::Remove { path } => remove(document, path).map(drop),
            Self::Replace { path, value } => {
                budget.spend(value, path.level())?;
                replace(document, path, value.clone())
            }
            Self::Move { from, path } => {
                if from == path {
                    return from.find(document).map(drop);
                }
                let value = remove(document, from)?;
                budget.spend(&value, path.level())?;
                add(document, path, value)
            }
            Self::Copy { from, path } => {
                let value = from.find(document)?;
                budget.spend(value, path.level())?;
                let value = value.clone();
                add(document, path, value)
            }
            Self::Test { path, value } => {
                if equal(path.find(document)?, value) {
                    Ok(())
                } else {
                    Err(PatchFault::TestFailed)
                }
            }
        }
    }
}

/// RFC 6902 §4.1: sets a member, or inserts before an index; `-` is the end.
fn add(document: &mut Json, path: &Pointer, value: Json) -> Result<(), PatchFault> {
    let Some((parent, token)) = path.split_last() else {
        *document = value;
        return Ok(());
    };
    match find_mut(document, parent)? {
        Json::Object(object) => drop(object.set(token, value)),
        Json::Array(items) if token == "-" => items.push(value),
        Json::Array(items) => {
            let at = index(token).ok_or(PatchFault::NotThere)?;
            if at > items.len() {
                return Err(PatchFault::Index);
            }
            items.insert(at, value);
        }
        _ => return Err(PatchFault::NotThere),
    }
    Ok(())
}

/// RFC 6902 §4.2. Without its root a document would be nothing, so that stays.
fn remove(document: &mut Json, path: &Pointer) -> Result<Json, PatchFault> {
    let (parent, token) = path.split_last().ok_or(PatchFault::WrongKind)?;
    match find_mut(document, parent)? {
        Json::Object(object) => object.remove(token).ok_or(PatchFault::NotThere),
        Json::Array(items) => match index(token) {
            Some(at) if at < items.len() => Ok(items.remove(at)),
            _ => Err(PatchFault::NotThere),
        },
        _ => Err(PatchFault::NotThere),
    }
}

fn replace(document: &mut Json, path: &Pointer, value: Json) -> Result<(), PatchFault> {
    let Some((parent, token)) = path.split_last() else {
        *document = value;
        return Ok(());
    };
    let target = match find_mut(document, parent)? {
        Json::Object(object) => object.get_mut(token),
        Json::Array(items) => index(token).and_then(|at| items.get_mut(at)),
        _ => None,
    };
    *target.ok_or(PatchFault::NotThere)? = value;
    Ok(())
}

/// RFC 6902 §4.6: members in any order, numbers by their value.
fn equal(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => left == right || same_number(left, right),
        (Json::Array(left), Json::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Json::Object(left), Json::Object(right)) => {
            let known: BTreeMap<&str, &Json> = right.iter().collect();
            left.len() == right.len()
                && left.iter().all(|(key, value)| known.get(key).is_some_and(|other| equal(value, other)))
        }
        _ => left == right,
    }
}

/// Whether two JSON numbers have the same value.
pub(super) fn same_number(left: &str, right: &str) -> bool {
    matches!((Decimal::read(left), Decimal::read(right)), (Some(left), Some(right)) if left == right)
}

/// A number as sign, digits without zeros at either end, and the power of ten of the last digit.
#[derive(PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// `None` only if the exponent is beyond 64 bits; such numbers are equal when their texts are.
    fn read(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let (negative, whole) = whole.strip_prefix('-').map_or((false, whole), |rest| (true, rest));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_end_matches('0');
        let dropped = all.len() - digits.len();
        let shift = i64::try_from(dropped).ok()? - i64::try_from(fraction.len()).ok()?;
        let digits = digits.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self { negative: false, digits, exponent: 0 });
        }
        let exponent = exponent.parse::<i64>().ok()?.checked_add(shift)?;
        Some(Self { negative, digits, exponent })
    }
}

#[cfg(test)]
mod tests;
