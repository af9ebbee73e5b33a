//! Mathematics. FHIRPath 2.0.0 §Math. Roots and logarithms are computed in floating point, to 15 digits.

use crate::fhir::fhirpath::EvaluateError;
use crate::fhir::fhirpath::ast::{Expr, Function};
use crate::fhir::fhirpath::decimal::Decimal;
use crate::fhir::fhirpath::equality::as_decimal;
use crate::fhir::fhirpath::evaluate::{Evaluator, Focus, Items, single};
use crate::fhir::fhirpath::item::Item;
use crate::fhir::fhirpath::quantity::Quantity;

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn math(
        &mut self,
        function: Function,
        input: &[Item<'a>],
        arguments: &'a [Expr],
        focus: Focus<'_, 'a>,
    ) -> Result<Items<'a>, EvaluateError> {
        use Function as F;
        let Some(item) = single(input)? else { return Ok(Vec::new()) };
        let value = item.value();
        if let (F::Abs, Item::Quantity(amount)) = (function, &*value) {
            let amount = Quantity { value: amount.value.abs(), unit: amount.unit.clone() };
            return Ok(vec![Item::Quantity(Box::new(amount))]);
        }
        let Some(number) = as_decimal(&value) else { return Err(EvaluateError::Type(function.name())) };
        let is_integer = matches!(*value, Item::Integer(_));
        let whole = |number: Decimal| number.to_integer().map(Item::Integer);
        let float = |number: f64| Decimal::from_float(number).map(Item::Decimal);
        let result = match function {
            F::Abs if is_integer => whole(number.abs()),
            F::Abs => Some(Item::Decimal(number.abs())),
            F::Ceiling => whole(number.ceiling()),
            F::Floor => whole(number.floor()),
            F::Truncate => whole(number.truncated()),
            F::Exp => float(number.to_float().exp()),
            F::Ln => float(number.to_float().ln()),
            F::Sqrt => float(number.to_float().sqrt()),
            F::Round => {
                let places = self.integer_argument(arguments, 0, focus)?.unwrap_or(0);
                let places = u32::try_from(places).or(Err(EvaluateError::Type("round")))?;
                Some(if is_integer { value.into_owned() } else { Item::Decimal(number.rounded(places)) })
            }
            _ => {
                let other = self.argument(arguments, 0, focus)?;
                let Some(other) = single(&other)? else { return Ok(Vec::new()) };
                let other = other.value();
                let Some(operand) = as_decimal(&other) else { return Err(EvaluateError::Type(function.name())) };
                if function == F::Log {
                    float(number.to_float().ln() / operand.to_float().ln())
                } else {
                    match operand.to_integer().and_then(|exponent| power(number, exponent)) {
                        Some(exact) if is_integer => whole(exact).or(Some(Item::Decimal(exact))),
                        Some(exact) => Some(Item::Decimal(exact)),
                        None => float(number.to_float().powf(operand.to_float())),
                    }
                }
            }
        };
        Ok(result.into_iter().collect())
    }
}

/// An exact power; `None` if it is too great or the exponent is negative.
fn power(base: Decimal, exponent: i64) -> Option<Decimal> {
    let mut result = Decimal::from_integer(1);
    // No power beyond this is exact in 38 digits, but those of 0, 1 and -1, which floating point has too.
    for _ in 0..u8::try_from(exponent).ok()? {
        result = result.times(base)?;
    }
    Some(result)
}
