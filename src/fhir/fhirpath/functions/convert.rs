//! Conversions. FHIRPath 2.0.0 §Conversion.

use crate::fhir::fhirpath::EvaluateError;
use crate::fhir::fhirpath::ast::Function;
use crate::fhir::fhirpath::decimal::Decimal;
use crate::fhir::fhirpath::equality::as_decimal;
use crate::fhir::fhirpath::evaluate::{Items, boolean, single};
use crate::fhir::fhirpath::item::Item;
use crate::fhir::fhirpath::quantity::{Quantity, Unit};
use crate::fhir::fhirpath::temporal::{Kind, Temporal};

/// `toX` and `convertsToX` without arguments.
pub(super) fn convert<'a>(function: Function, input: &[Item<'a>]) -> Result<Items<'a>, EvaluateError> {
    use Function as F;
    let Some(item) = single(input)? else { return Ok(Vec::new()) };
    let value = item.value();
    let converted = match function {
        F::ToBoolean | F::ConvertsToBoolean => to_boolean(&value).map(Item::Boolean),
        F::ToInteger | F::ConvertsToInteger => to_integer(&value).map(Item::Integer),
        F::ToDecimal | F::ConvertsToDecimal => to_decimal(&value).map(Item::Decimal),
        F::ToDate | F::ConvertsToDate => match &*value {
            Item::Temporal(at) if at.kind() != Kind::Time => Some(Item::Temporal(at.to_date())),
            Item::String(text) => {
                Temporal::date(text).or_else(|| Temporal::date_time(text).map(Temporal::to_date)).map(Item::Temporal)
            }
            _ => None,
        },
        F::ToDateTime | F::ConvertsToDateTime => match &*value {
            Item::Temporal(at) if at.kind() != Kind::Time => Temporal::date_time(&at.to_string()).map(Item::Temporal),
            Item::String(text) => Temporal::date_time(text).map(Item::Temporal),
            _ => None,
        },
        F::ToTime | F::ConvertsToTime => match &*value {
            Item::Temporal(at) if at.kind() == Kind::Time => Some(Item::Temporal(*at)),
            Item::String(text) => Temporal::time(text).map(Item::Temporal),
            _ => None,
        },
        _ => item.to_text().map(|text| Item::String(text.into())),
    };
    let is_question = matches!(
        function,
        F::ConvertsToBoolean
            | F::ConvertsToInteger
            | F::ConvertsToDecimal
            | F::ConvertsToDate
            | F::ConvertsToDateTime
            | F::ConvertsToTime
            | F::ConvertsToString
    );
    Ok(if is_question { boolean(converted.is_some()) } else { converted.into_iter().collect() })
}

/// `toQuantity` and `convertsToQuantity`, perhaps to a unit.
pub(super) fn quantity<'a>(
    function: Function,
    input: &[Item<'a>],
    unit: Option<&str>,
) -> Result<Items<'a>, EvaluateError> {
    let Some(item) = single(input)? else { return Ok(Vec::new()) };
    let read = match &*item.value() {
        Item::Quantity(amount) => Some((**amount).clone()),
        Item::Boolean(value) => Some(Quantity::of_number(Decimal::from_integer(i64::from(*value)))),
        Item::String(text) => Quantity::parse(text),
        number => as_decimal(number).map(Quantity::of_number),
    };
    let converted = match unit {
        None => read,
        Some(code) => read.and_then(|amount| {
            let unit = super::super::quantity::Calendar::of_word(code).map_or(Unit::Ucum(code.into()), Unit::Calendar);
            let none = Quantity { value: Decimal::from_integer(0), unit };
            none.plus(&amount)
        }),
    };
    Ok(match function {
        Function::ConvertsToQuantity => boolean(converted.is_some()),
        _ => converted.map(|amount| Item::Quantity(Box::new(amount))).into_iter().collect(),
    })
}

fn to_boolean(value: &Item<'_>) -> Option<bool> {
    match value {
        Item::Boolean(value) => Some(*value),
        Item::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "1.0" => Some(true),
            "false" | "f" | "no" | "n" | "0" | "0.0" => Some(false),
            _ => None,
        },
        number => match as_decimal(number)?.to_integer()? {
            1 => Some(true),
            0 => Some(false),
            _ => None,
        },
    }
}

fn to_integer(value: &Item<'_>) -> Option<i64> {
    match value {
        Item::Boolean(value) => Some(i64::from(*value)),
        Item::Integer(value) => Some(*value),
        Item::String(text) => text.parse::<i32>().ok().map(i64::from),
        _ => None,
    }
}

fn to_decimal(value: &Item<'_>) -> Option<Decimal> {
    match value {
        Item::Boolean(value) => Some(Decimal::from_integer(i64::from(*value))),
        Item::String(text) if !text.contains(['e', 'E']) => Decimal::parse(text),
        number => as_decimal(number),
    }
}
