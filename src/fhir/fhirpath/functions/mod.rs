//! The functions of FHIRPath, and those that R4 adds.

mod boundary;
mod collections;
mod convert;
mod encode;
mod math;
mod reference;
mod strings;

use super::EvaluateError;
use super::ast::{Call, Expr, Function};
use super::evaluate::{Evaluator, Focus, Items, as_type, boolean, integer, is_type, maybe, single, truth};
use super::item::Item;
use super::temporal::Temporal;

pub(super) use strings::pattern;

impl<'a> Evaluator<'_, 'a> {
    /// A function on `input`. Its arguments are evaluated on `focus`, those that are asked of each item on the
    /// items.
    pub(super) fn call(
        &mut self,
        call: &'a Call,
        input: Items<'a>,
        focus: Focus<'_, 'a>,
    ) -> Result<Items<'a>, EvaluateError> {
        use Function as F;
        let arguments = call.arguments.as_slice();
        Ok(match call.function {
            F::Empty => boolean(input.is_empty()),
            F::Count => integer(input.len()),
            F::Not => maybe(truth(&input)?.map(|value| !value)),
            F::Exists | F::All | F::Where | F::Select | F::Repeat | F::Aggregate | F::Sort | F::Trace => {
                self.each(call.function, arguments, input, focus)?
            }
            F::Iif => self.iif(arguments, &input, focus)?,
            F::Is => match &call.of_type {
                Some(name) => is_type(&input, name)?,
                None => Vec::new(),
            },
            F::As => match &call.of_type {
                Some(name) => as_type(input, name)?,
                None => Vec::new(),
            },
            F::OfType => input
                .into_iter()
                .filter(|item| call.of_type.as_ref().is_some_and(|name| item.is_of_type(name)))
                .collect(),
            F::AllTrue | F::AnyTrue | F::AllFalse | F::AnyFalse => {
                boolean(collections::booleans(call.function, &input)?)
            }
            F::Distinct => self.distinct(input)?,
            F::IsDistinct => {
                let count = input.len();
                boolean(self.distinct(input)?.len() == count)
            }
            F::SubsetOf | F::SupersetOf | F::Intersect | F::Exclude | F::Union | F::Combine => {
                let other = self.argument(arguments, 0, focus)?;
                self.sets(call.function, input, other)?
            }
            F::Single => single(&input)?.cloned().into_iter().collect(),
            F::First => input.into_iter().take(1).collect(),
            F::Last => input.into_iter().next_back().into_iter().collect(),
            F::Tail => input.into_iter().skip(1).collect(),
            F::Skip | F::Take => {
                let Some(count) = self.integer_argument(arguments, 0, focus)? else { return Ok(Vec::new()) };
                let count = usize::try_from(count).unwrap_or(0);
                if call.function == F::Skip {
                    input.into_iter().skip(count).collect()
                } else {
                    input.into_iter().take(count).collect()
                }
            }
            F::Children => self.children(&input)?,
            F::Descendants => self.descendants(&input)?,
            F::Now | F::Today | F::TimeOfDay => self.clock(call.function)?,
            F::Type => input.iter().map(type_of).collect(),
            F::Extension => self.extension(&input, arguments, focus)?,
            F::HasValue => {
                let has_value = match input.as_slice() {
                    [Item::Node(node)] => node.has_value(),
                    [item] => item.system_type().is_some(),
                    _ => false,
                };
                boolean(has_value)
            }
            F::GetValue => match single(&input)? {
                Some(Item::Node(node)) if !node.has_value() => Vec::new(),
                item => item.cloned().map(Item::into_value).into_iter().collect(),
            },
            F::Resolve => self.resolve(&input)?,
            F::HtmlChecks => match single(&input)?.and_then(Item::to_text) {
                Some(text) => boolean(crate::fhir::structure::narrative::check(&text).is_ok()),
                None => Vec::new(),
            },
            F::ConformsTo => self.conforms_to(&input, arguments, focus)?,
            // No terminology is known here; nothing is how FHIRPath says that.
            F::MemberOf => {
                self.argument(arguments, 0, focus)?;
                Vec::new()
            }
            F::Abs | F::Ceiling | F::Exp | F::Floor | F::Ln | F::Log | F::Power | F::Round | F::Sqrt | F::Truncate => {
                self.math(call.function, &input, arguments, focus)?
            }
            F::LowBoundary | F::HighBoundary | F::Precision | F::Comparable => {
                self.boundary(call.function, &input, arguments, focus)?
            }
            F::ToQuantity | F::ConvertsToQuantity => {
                let unit = self.text_argument(arguments, 0, focus)?;
                convert::quantity(call.function, &input, unit.as_deref())?
            }
            F::ToBoolean
            | F::ConvertsToBoolean
            | F::ToInteger
            | F::ConvertsToInteger
            | F::ToDecimal
            | F::ConvertsToDecimal
            | F::ToDate
            | F::ConvertsToDate
            | F::ToDateTime
            | F::ConvertsToDateTime
            | F::ToTime
            | F::ConvertsToTime
            | F::ToString
            | F::ConvertsToString => convert::convert(call.function, &input)?,
            F::IndexOf
            | F::Substring
            | F::StartsWith
            | F::EndsWith
            | F::Contains
            | F::Upper
            | F::Lower
            | F::Replace
            | F::Matches
            | F::MatchesFull
            | F::ReplaceMatches
            | F::Length
            | F::ToChars
            | F::Encode
            | F::Decode
            | F::Escape
            | F::Unescape
            | F::Trim
            | F::Split
            | F::Join => self.strings(call, &input, focus)?,
        })
    }

    /// The value of an argument; nothing if it is not given.
    pub(super) fn argument(
        &mut self,
        arguments: &'a [Expr],
        at: usize,
        focus: Focus<'_, 'a>,
    ) -> Result<Items<'a>, EvaluateError> {
        arguments.get(at).map_or(Ok(Vec::new()), |argument| self.eval(argument, focus))
    }

    /// A whole number; `None` for nothing.
    pub(super) fn integer_argument(
        &mut self,
        arguments: &'a [Expr],
        at: usize,
        focus: Focus<'_, 'a>,
    ) -> Result<Option<i64>, EvaluateError> {
        match single(&self.argument(arguments, at, focus)?)?.map(Item::value).as_deref() {
            None => Ok(None),
            Some(Item::Integer(value)) => Ok(Some(*value)),
            Some(_) => Err(EvaluateError::Type("an integer argument")),
        }
    }

    /// A text; `None` for nothing.
    pub(super) fn text_argument(
        &mut self,
        arguments: &'a [Expr],
        at: usize,
        focus: Focus<'_, 'a>,
    ) -> Result<Option<String>, EvaluateError> {
        match single(&self.argument(arguments, at, focus)?)?.map(Item::value).as_deref() {
            None => Ok(None),
            Some(Item::String(text)) => {
                self.budget.text(text.len())?;
                Ok(Some(text.clone().into_owned()))
            }
            Some(Item::Node(node)) if node.is_primitive() => Ok(None),
            Some(_) => Err(EvaluateError::Type("a string argument")),
        }
    }

    fn iif(
        &mut self,
        arguments: &'a [Expr],
        input: &[Item<'a>],
        focus: Focus<'_, 'a>,
    ) -> Result<Items<'a>, EvaluateError> {
        single(input)?;
        let focus = Focus { this: input, ..focus };
        let condition = self.argument(arguments, 0, focus)?;
        let is_true = match single(&condition)?.map(Item::value).as_deref() {
            None => false,
            Some(Item::Boolean(value)) => *value,
            Some(_) if self.is_strict => return Err(EvaluateError::Type("iif")),
            Some(_) => true,
        };
        self.argument(arguments, if is_true { 1 } else { 2 }, focus)
    }

    fn clock(&mut self, function: Function) -> Result<Items<'a>, EvaluateError> {
        let now = self.environment.now.and_then(Temporal::instant).ok_or(EvaluateError::Clock)?;
        Ok(vec![Item::Temporal(match function {
            Function::Today => now.to_date(),
            Function::TimeOfDay => now.to_time(),
            _ => now,
        })])
    }
}

/// R4 fhirpath.html#types.
fn type_of<'a>(item: &Item<'a>) -> Item<'a> {
    match item {
        Item::Node(node) => Item::Type { namespace: "FHIR", name: node.def().map_or("Element", |def| def.name) },
        Item::Type { .. } => Item::Type { namespace: "System", name: "Any" },
        _ => Item::Type { namespace: "System", name: item.system_type().map_or("Any", super::SystemType::name) },
    }
}
