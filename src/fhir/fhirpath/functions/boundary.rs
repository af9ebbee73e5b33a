//! The range that an imprecise value stands for. FHIRPath 3.0.0 §Utility: `lowBoundary`, `highBoundary`,
//! `precision`, and `comparable`; the suite of R4 has them, and later forms of R4's own rules use them.

use crate::fhir::fhirpath::EvaluateError;
use crate::fhir::fhirpath::ast::{Expr, Function};
use crate::fhir::fhirpath::decimal::Decimal;
use crate::fhir::fhirpath::equality::{as_decimal, as_quantity};
use crate::fhir::fhirpath::evaluate::{Evaluator, Focus, Items, boolean, single};
use crate::fhir::fhirpath::item::Item;
use crate::fhir::fhirpath::quantity::Quantity;
use crate::fhir::fhirpath::temporal::Kind;

/// Places of a boundary that is not asked for with any.
const PLACES: i64 = 8;
/// Most places that may be asked for; the suite has nothing for 32.
const MAX_PLACES: u32 = 28;

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn boundary(
        &mut self,
        function: Function,
        input: &[Item<'a>],
        arguments: &'a [Expr],
        focus: Focus<'_, 'a>,
    ) -> Result<Items<'a>, EvaluateError> {
        let Some(item) = single(input)? else { return Ok(Vec::new()) };
        let value = item.value();
        let is_low = function == Function::LowBoundary;
        match function {
            Function::Precision => {
                let digits = match &*value {
                    Item::Temporal(at) => at.precision_digits(),
                    number => match as_decimal(number) {
                        Some(number) => i64::from(number.scale()),
                        None => return Err(EvaluateError::Type("precision")),
                    },
                };
                return Ok(vec![Item::Integer(digits)]);
            }
            Function::Comparable => {
                let other = self.argument(arguments, 0, focus)?;
                let Some(other) = single(&other)? else { return Ok(Vec::new()) };
                return match (as_quantity(&value), as_quantity(&other.value())) {
                    (Some(left), Some(right)) => Ok(boolean(left.is_comparable(&right))),
                    _ => Err(EvaluateError::Type("comparable")),
                };
            }
            _ => {}
        }
        let asked = self.integer_argument(arguments, 0, focus)?;
        let bound = match &*value {
            Item::Temporal(at) => {
                let all = match at.kind() {
                    Kind::Date => 8,
                    Kind::DateTime => 17,
                    Kind::Time => 9,
                };
                at.boundary(asked.unwrap_or(all), is_low).map(Item::Temporal)
            }
            Item::Quantity(amount) => number(amount.value, asked, is_low)
                .map(|value| Item::Quantity(Box::new(Quantity { value, unit: amount.unit.clone() }))),
            other => match as_decimal(other) {
                Some(value) => number(value, asked, is_low).map(Item::Decimal),
                None => return Err(EvaluateError::Type(function.name())),
            },
        };
        Ok(bound.into_iter().collect())
    }
}

fn number(value: Decimal, places: Option<i64>, is_low: bool) -> Option<Decimal> {
    let places = u32::try_from(places.unwrap_or(PLACES)).ok().filter(|places| *places <= MAX_PLACES)?;
    let half = value.half_unit();
    let bound = if is_low { value.minus(half)? } else { value.plus(half)? };
    bound.bounded(places, is_low)
}
