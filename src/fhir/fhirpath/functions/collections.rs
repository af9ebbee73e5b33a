//! Existence, filtering, subsetting, combining, navigation. FHIRPath 2.0.0 §Existence to §Combining, §Tree
//! navigation, §Aggregates.

use std::cmp::Ordering;

use crate::fhir::fhirpath::EvaluateError;
use crate::fhir::fhirpath::ast::{Expr, Function};
use crate::fhir::fhirpath::equality::Seen;
use crate::fhir::fhirpath::evaluate::{Evaluator, Focus, Items, boolean, compare, single};
use crate::fhir::fhirpath::item::Item;

/// `allTrue` and its like.
pub(super) fn booleans(function: Function, input: &[Item<'_>]) -> Result<bool, EvaluateError> {
    let mut values = Vec::with_capacity(input.len());
    for item in input {
        match *item.value() {
            Item::Boolean(value) => values.push(value),
            _ => return Err(EvaluateError::Type(function.name())),
        }
    }
    Ok(match function {
        Function::AllTrue => values.iter().all(|value| *value),
        Function::AnyTrue => values.iter().any(|value| *value),
        Function::AllFalse => values.iter().all(|value| !value),
        _ => values.iter().any(|value| !value),
    })
}

impl<'a> Evaluator<'_, 'a> {
    /// Functions whose arguments are asked of each item.
    pub(super) fn each(
        &mut self,
        function: Function,
        arguments: &'a [Expr],
        input: Items<'a>,
        focus: Focus<'_, 'a>,
    ) -> Result<Items<'a>, EvaluateError> {
        let Some(first) = arguments.first() else {
            return Ok(match function {
                Function::Exists => boolean(!input.is_empty()),
                _ => self.sorted(input, &[], focus)?,
            });
        };
        Ok(match function {
            Function::Exists => {
                for (index, item) in input.iter().enumerate() {
                    if self.condition(first, focus.on(item, index))? == Some(true) {
                        return Ok(boolean(true));
                    }
                }
                boolean(false)
            }
            Function::All => {
                for (index, item) in input.iter().enumerate() {
                    if self.condition(first, focus.on(item, index))? != Some(true) {
                        return Ok(boolean(false));
                    }
                }
                boolean(true)
            }
            Function::Where => {
                let mut kept = Vec::new();
                for (index, item) in input.into_iter().enumerate() {
                    if self.condition(first, focus.on(&item, index))? == Some(true) {
                        kept.push(item);
                    }
                }
                kept
            }
            Function::Select => {
                let mut found = Vec::new();
                for (index, item) in input.iter().enumerate() {
                    found.append(&mut self.eval(first, focus.on(item, index))?);
                }
                found
            }
            Function::Repeat => self.repeat(first, input, focus)?,
            Function::Aggregate => {
                let mut total = self.argument(arguments, 1, focus)?;
                for (index, item) in input.iter().enumerate() {
                    total = self.eval(first, Focus { total: Some(&total), ..focus.on(item, index) })?;
                }
                total
            }
            Function::Sort => self.sorted(input, arguments, focus)?,
            // Nothing is logged: what is traced may be data of patients.
            _ => {
                self.text_argument(arguments, 0, focus)?;
                input
            }
        })
    }

    fn repeat(&mut self, next: &'a Expr, input: Items<'a>, focus: Focus<'_, 'a>) -> Result<Items<'a>, EvaluateError> {
        let mut seen = Seen::default();
        let mut found = Vec::new();
        let mut todo = input;
        while !todo.is_empty() {
            let mut new = Vec::new();
            for (index, item) in todo.iter().enumerate() {
                for item in self.eval(next, focus.on(item, index))? {
                    if seen.insert(&item, &mut self.budget)? {
                        new.push(item);
                    }
                }
            }
            found.extend_from_slice(&new);
            todo = new;
        }
        Ok(found)
    }

    /// Ordered by keys; a key with a minus in front counts down. What has no key comes first in
    /// both directions.
    fn sorted(&mut self, input: Items<'a>, keys: &'a [Expr], focus: Focus<'_, 'a>) -> Result<Items<'a>, EvaluateError> {
        let mut keyed = Vec::with_capacity(input.len());
        for (index, item) in input.into_iter().enumerate() {
            let mut values = Vec::with_capacity(keys.len());
            for key in keys {
                let (key, is_descending) = match key {
                    Expr::Negate(inner) => (&**inner, true),
                    _ => (key, false),
                };
                let value = self.eval(key, focus.on(&item, index))?;
                values.push((single(&value)?.cloned(), is_descending));
            }
            if keys.is_empty() {
                values.push((Some(item.clone()), false));
            }
            keyed.push((values, item));
        }
        self.budget.steps(keyed.len() * 16)?;
        let mut error = None;
        keyed.sort_by(|(left, _), (right, _)| {
            for ((left, is_descending), (right, _)) in left.iter().zip(right) {
                let (Some(left), Some(right)) = (left, right) else {
                    match left.is_some().cmp(&right.is_some()) {
                        Ordering::Equal => continue,
                        order => return order,
                    }
                };
                let order = compare(left, right).unwrap_or_else(|found| {
                    error = Some(found);
                    None
                });
                match order {
                    None | Some(Ordering::Equal) => {}
                    Some(order) => return if *is_descending { order.reverse() } else { order },
                }
            }
            Ordering::Equal
        });
        match error {
            Some(error) => Err(error),
            None => Ok(keyed.into_iter().map(|(_, item)| item).collect()),
        }
    }

    pub(super) fn distinct(&mut self, input: Items<'a>) -> Result<Items<'a>, EvaluateError> {
        let mut seen = Seen::default();
        let mut kept = Vec::new();
        for item in input {
            if seen.insert(&item, &mut self.budget)? {
                kept.push(item);
            }
        }
        Ok(kept)
    }

    /// `|`
    pub(in crate::fhir::fhirpath) fn union(
        &mut self,
        mut left: Items<'a>,
        mut right: Items<'a>,
    ) -> Result<Items<'a>, EvaluateError> {
        left.append(&mut right);
        self.distinct(left)
    }

    pub(super) fn sets(
        &mut self,
        function: Function,
        input: Items<'a>,
        other: Items<'a>,
    ) -> Result<Items<'a>, EvaluateError> {
        let mut all_in = |items: &[Item<'a>], of: &[Item<'a>]| -> Result<Items<'a>, EvaluateError> {
            let seen = Seen::of(of, &mut self.budget)?;
            for item in items {
                if !seen.contains(item, &mut self.budget)? {
                    return Ok(boolean(false));
                }
            }
            Ok(boolean(true))
        };
        match function {
            Function::SubsetOf => all_in(&input, &other),
            Function::SupersetOf => all_in(&other, &input),
            Function::Combine => {
                self.budget.steps(input.len() + other.len())?;
                Ok(input.into_iter().chain(other).collect())
            }
            Function::Union => self.union(input, other),
            _ => {
                let wants = function == Function::Intersect;
                let seen = Seen::of(&other, &mut self.budget)?;
                let mut kept = Vec::new();
                for item in input {
                    if seen.contains(&item, &mut self.budget)? == wants {
                        kept.push(item);
                    }
                }
                if wants { self.distinct(kept) } else { Ok(kept) }
            }
        }
    }

    pub(super) fn children(&mut self, input: &[Item<'a>]) -> Result<Items<'a>, EvaluateError> {
        let mut found = Vec::new();
        for item in input {
            if let Item::Node(node) = item {
                node.children(&mut |child| found.push(Item::Node(child)));
            }
        }
        self.budget.steps(found.len())?;
        Ok(found)
    }

    /// Every element below, each before its own children.
    pub(super) fn descendants(&mut self, input: &[Item<'a>]) -> Result<Items<'a>, EvaluateError> {
        let mut found = Vec::new();
        let mut todo: Vec<Item<'a>> = self.children(input)?;
        todo.reverse();
        while let Some(item) = todo.pop() {
            let mut children = self.children(std::slice::from_ref(&item))?;
            children.reverse();
            todo.append(&mut children);
            found.push(item);
        }
        Ok(found)
    }
}
