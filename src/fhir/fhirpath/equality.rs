//! When items are equal, equivalent, or the same for `distinct` and its like. FHIRPath 2.0.0 §Equality.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use crate::fhir::Json;

use super::EvaluateError;
use super::decimal::Decimal;
use super::evaluate::Budget;
use super::item::Item;
use super::node::Node;
use super::quantity::Quantity;

/// `=` on single items; `None` if that is not known.
pub(super) fn equal(left: &Item<'_>, right: &Item<'_>, budget: &mut Budget) -> Result<Option<bool>, EvaluateError> {
    budget.step()?;
    Ok(match (&*left.value(), &*right.value()) {
        (Item::Boolean(left), Item::Boolean(right)) => Some(left == right),
        (Item::String(left), Item::String(right)) => {
            budget.text(left.len().min(right.len()))?;
            Some(left == right)
        }
        (Item::Integer(left), Item::Integer(right)) => Some(left == right),
        (Item::Temporal(left), Item::Temporal(right)) => {
            let is_time = |of: &super::temporal::Temporal| of.kind() == super::temporal::Kind::Time;
            if is_time(left) == is_time(right) {
                left.compare(right).map(|order| order == Ordering::Equal)
            } else {
                Some(false)
            }
        }
        (Item::Type { namespace, name }, Item::Type { namespace: other_namespace, name: other }) => {
            Some((namespace, name) == (other_namespace, other))
        }
        (Item::Node(left), Item::Node(right)) => Some(equal_nodes(left, right, budget)?),
        (left, right) => match (as_decimal(left), as_decimal(right)) {
            (Some(left), Some(right)) => Some(left == right),
            _ => match (as_quantity(left), as_quantity(right)) {
                (Some(left), Some(right)) => left.compare(&right).map(|order| order == Ordering::Equal),
                _ => Some(false),
            },
        },
    })
}

/// `~` on single items.
pub(super) fn equivalent(left: &Item<'_>, right: &Item<'_>, budget: &mut Budget) -> Result<bool, EvaluateError> {
    budget.step()?;
    Ok(match (&*left.value(), &*right.value()) {
        (Item::String(left), Item::String(right)) => {
            budget.text(left.len() + right.len())?;
            folded(left) == folded(right)
        }
        (Item::Temporal(left), Item::Temporal(right)) => {
            left.kind() == right.kind() && left.compare(right) == Some(Ordering::Equal)
        }
        (Item::Node(left), Item::Node(right)) => equivalent_nodes(left, right, budget)?,
        (left, right) => match (as_decimal(left), as_decimal(right)) {
            (Some(left), Some(right)) => {
                let places = left.stripped().scale().min(right.stripped().scale());
                left.rounded(places) == right.rounded(places)
            }
            _ => match (as_quantity(left), as_quantity(right)) {
                (Some(left), Some(right)) => left.is_equivalent(&right),
                _ => equal(left, right, budget)? == Some(true),
            },
        },
    })
}

/// `=` on collections: the same items in the same order.
pub(super) fn equal_lists(
    left: &[Item<'_>],
    right: &[Item<'_>],
    budget: &mut Budget,
) -> Result<Option<bool>, EvaluateError> {
    if left.is_empty() || right.is_empty() {
        return Ok(None);
    }
    if left.len() != right.len() {
        return Ok(Some(false));
    }
    let mut is_known = true;
    for (left, right) in left.iter().zip(right) {
        match equal(left, right, budget)? {
            Some(true) => {}
            Some(false) => return Ok(Some(false)),
            None => is_known = false,
        }
    }
    Ok(is_known.then_some(true))
}

/// `~` on collections: the same items in any order.
pub(super) fn equivalent_lists(
    left: &[Item<'_>],
    right: &[Item<'_>],
    budget: &mut Budget,
) -> Result<bool, EvaluateError> {
    if left.len() != right.len() {
        return Ok(false);
    }
    let mut rest: Vec<&Item<'_>> = right.iter().collect();
    for item in left {
        let mut found = None;
        for (at, other) in rest.iter().enumerate() {
            if equivalent(item, other, budget)? {
                found = Some(at);
                break;
            }
        }
        match found {
            Some(at) => rest.swap_remove(at),
            None => return Ok(false),
        };
    }
    Ok(true)
}

/// Whole and broken numbers alike.
pub(super) fn as_decimal(item: &Item<'_>) -> Option<Decimal> {
    match item {
        Item::Integer(value) => Some(Decimal::from_integer(*value)),
        Item::Decimal(value) => Some(*value),
        _ => None,
    }
}

/// Amounts, and numbers as amounts without a unit.
pub(super) fn as_quantity(item: &Item<'_>) -> Option<Quantity> {
    match item {
        Item::Quantity(value) => Some((**value).clone()),
        _ => as_decimal(item).map(Quantity::of_number),
    }
}

/// A set of items.
#[derive(Default)]
pub(super) struct Seen<'a> {
    by_hash: HashMap<u64, Vec<Item<'a>>>,
}

impl<'a> Seen<'a> {
    /// All items of a collection.
    pub(super) fn of(items: &[Item<'a>], budget: &mut Budget) -> Result<Self, EvaluateError> {
        let mut seen = Self::default();
        for item in items {
            seen.insert(item, budget)?;
        }
        Ok(seen)
    }

    /// Whether an item was not in the set; it is then.
    pub(super) fn insert(&mut self, item: &Item<'a>, budget: &mut Budget) -> Result<bool, EvaluateError> {
        let alike = self.by_hash.entry(hash(item, budget)?).or_default();
        for other in alike.iter() {
            if equal(item, other, budget)? == Some(true) {
                return Ok(false);
            }
        }
        alike.push(item.clone());
        Ok(true)
    }

    /// Whether an item is in the set.
    pub(super) fn contains(&self, item: &Item<'a>, budget: &mut Budget) -> Result<bool, EvaluateError> {
        let alike = self.by_hash.get(&hash(item, budget)?).map(Vec::as_slice).unwrap_or_default();
        for other in alike {
            if equal(item, other, budget)? == Some(true) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The same for items that are equal. Dates in different zones and amounts in different units may be, so that they
/// share one value.
fn hash(item: &Item<'_>, budget: &mut Budget) -> Result<u64, EvaluateError> {
    let mut hasher = DefaultHasher::new();
    match &*item.value() {
        Item::Node(node) => {
            return Ok(match node.json() {
                Some(json) => hash_json(json, budget)?,
                None => 3,
            });
        }
        Item::Boolean(value) => value.hash(&mut hasher),
        Item::String(text) => {
            budget.text(text.len())?;
            text.hash(&mut hasher);
        }
        Item::Type { name, .. } => name.hash(&mut hasher),
        Item::Temporal(_) => 1_u8.hash(&mut hasher),
        // A number is also an amount without a unit.
        Item::Integer(_) | Item::Decimal(_) | Item::Quantity(_) => {
            match as_quantity(&item.value()).filter(|amount| amount.unit.code() == "1") {
                Some(amount) => amount.value.key().hash(&mut hasher),
                None => 2_u8.hash(&mut hasher),
            }
        }
    }
    Ok(hasher.finish())
}

fn hash_json(json: &Json, budget: &mut Budget) -> Result<u64, EvaluateError> {
    budget.step()?;
    let mut hasher = DefaultHasher::new();
    match json {
        Json::Null => {}
        Json::Bool(value) => value.hash(&mut hasher),
        Json::Number(text) => Decimal::parse(text).map(Decimal::key).hash(&mut hasher),
        Json::String(text) => {
            budget.text(text.len())?;
            text.hash(&mut hasher);
        }
        Json::Array(items) => {
            for item in items {
                hash_json(item, budget)?.hash(&mut hasher);
            }
        }
        Json::Object(object) => {
            // The order of members does not matter.
            let mut sum = 0_u64;
            for (key, value) in object.iter() {
                let mut member = DefaultHasher::new();
                key.hash(&mut member);
                hash_json(value, budget)?.hash(&mut member);
                sum = sum.wrapping_add(member.finish());
            }
            sum.hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}

fn equal_nodes(left: &Node<'_>, right: &Node<'_>, budget: &mut Budget) -> Result<bool, EvaluateError> {
    if left.def().map(|def| def.name) != right.def().map(|def| def.name) {
        return Ok(false);
    }
    for (left, right) in [(left.json(), right.json()), (left.sibling(), right.sibling())] {
        let is_equal = match (left, right) {
            (Some(left), Some(right)) => equal_json(left, right, budget)?,
            (None, None) => true,
            _ => false,
        };
        if !is_equal {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equal_json(left: &Json, right: &Json, budget: &mut Budget) -> Result<bool, EvaluateError> {
    budget.step()?;
    Ok(match (left, right) {
        (Json::Number(left), Json::Number(right)) => {
            left == right || matches!((Decimal::parse(left), Decimal::parse(right)), (Some(l), Some(r)) if l == r)
        }
        (Json::Array(left), Json::Array(right)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            for (left, right) in left.iter().zip(right) {
                if !equal_json(left, right, budget)? {
                    return Ok(false);
                }
            }
            true
        }
        (Json::Object(left), Json::Object(right)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            for (key, value) in left.iter() {
                match right.get(key) {
                    Some(other) if equal_json(value, other, budget)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (Json::String(left), Json::String(right)) => {
            budget.text(left.len().min(right.len()))?;
            left == right
        }
        (left, right) => left == right,
    })
}

/// Children pair by pair, each equivalent to some other.
fn equivalent_nodes(left: &Node<'_>, right: &Node<'_>, budget: &mut Budget) -> Result<bool, EvaluateError> {
    if left.def().map(|def| def.name) != right.def().map(|def| def.name) {
        return Ok(false);
    }
    let children = |of: &Node<'_>| {
        let mut found = 0_usize;
        of.children(&mut |_| found += 1);
        found
    };
    if children(left) == 0 && children(right) == 0 {
        return equal_nodes(left, right, budget);
    }
    let (mut mine, mut others) = (Vec::new(), Vec::new());
    left.children(&mut |child| mine.push(Item::Node(child)));
    right.children(&mut |child| others.push(Item::Node(child)));
    equivalent_lists(&mine, &others, budget)
}

/// Without case, and with one space where there is white space. FHIRPath 2.0.0 §Equivalent.
fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, word) in text.split_whitespace().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        out.push_str(&word.to_lowercase());
    }
    out
}
