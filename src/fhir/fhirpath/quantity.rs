//! Amounts with a unit: `4 'mg'`, `3 days`. FHIRPath 2.0.0 §Quantity; R4 fhirpath.html#quantity. Units are those
//! of UCUM, or words for spans of the calendar.

use std::cmp::Ordering;
use std::fmt;

use super::decimal::Decimal;

/// Words for spans of time. FHIRPath 2.0.0 §Time-valued Quantities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words themselves")]
pub enum Calendar {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
}

impl Calendar {
    /// The span behind a word, singular or plural.
    pub fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "year" | "years" => Self::Year,
            "month" | "months" => Self::Month,
            "week" | "weeks" => Self::Week,
            "day" | "days" => Self::Day,
            "hour" | "hours" => Self::Hour,
            "minute" | "minutes" => Self::Minute,
            "second" | "seconds" => Self::Second,
            "millisecond" | "milliseconds" => Self::Millisecond,
            _ => return None,
        })
    }

    /// The span behind a UCUM code. Years and months of UCUM are not those of the calendar.
    pub fn of_ucum(code: &str) -> Option<Self> {
        Some(match code {
            "wk" => Self::Week,
            "d" => Self::Day,
            "h" => Self::Hour,
            "min" => Self::Minute,
            "s" => Self::Second,
            "ms" => Self::Millisecond,
            _ => return None,
        })
    }

    fn word(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Week => "week",
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Second => "second",
            Self::Millisecond => "millisecond",
        }
    }

    fn ucum(self) -> &'static str {
        match self {
            Self::Year => "a",
            Self::Month => "mo",
            Self::Week => "wk",
            Self::Day => "d",
            Self::Hour => "h",
            Self::Minute => "min",
            Self::Second => "s",
            Self::Millisecond => "ms",
        }
    }
}

/// A unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// A span of the calendar.
    Calendar(Calendar),
    /// A UCUM code; `1` for none.
    Ucum(Box<str>),
}

/// An amount.
#[derive(Debug, Clone)]
pub struct Quantity {
    /// How much.
    pub value: Decimal,
    /// Of what.
    pub unit: Unit,
}

impl Quantity {
    /// A number without a unit.
    pub fn of_number(value: Decimal) -> Self {
        Self { value, unit: Unit::Ucum("1".into()) }
    }

    /// Reads `4 'mg'`, `3 days`, `1.0`. FHIRPath 2.0.0 §toQuantity.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|letter: char| !letter.is_ascii_digit() && !matches!(letter, '.' | '+' | '-'));
        let (number, unit) = text.split_at_checked(end.unwrap_or(text.len()))?;
        let value = Decimal::parse(number)?;
        let trimmed = unit.trim_start();
        if trimmed.is_empty() {
            return Some(Self::of_number(value));
        }
        if let Some(code) = trimmed.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            return (!code.is_empty() && !code.contains('\'')).then(|| Self { value, unit: Unit::Ucum(code.into()) });
        }
        let word = Calendar::of_word(trimmed).filter(|_| trimmed.len() < unit.len())?;
        Some(Self { value, unit: Unit::Calendar(word) })
    }

    /// Which is less; `None` if the units do not go together.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(self.value.cmp(&other.value_in(&self.unit)?))
    }

    /// Whether both are the same when rounded to the digits of the one that has fewer. Years and months are those
    /// of UCUM here. FHIRPath 2.0.0 §Equivalent.
    pub fn is_equivalent(&self, other: &Self) -> bool {
        let ucum = |unit: &Unit| match unit {
            Unit::Calendar(span) => Unit::Ucum(span.ucum().into()),
            Unit::Ucum(_) => unit.clone(),
        };
        let other = Self { value: other.value, unit: ucum(&other.unit) };
        other.value_in(&ucum(&self.unit)).is_some_and(|value| {
            let places = self.value.stripped().scale().min(other.value.stripped().scale());
            let places = places.min(value.stripped().scale());
            self.value.rounded(places) == value.rounded(places)
        })
    }

    /// Whether both have the same dimension.
    pub fn is_comparable(&self, other: &Self) -> bool {
        factor(&self.unit, &other.unit).is_some()
    }

    /// Sum, in the unit of this one.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        Some(Self { value: self.value.plus(other.value_in(&self.unit)?)?, unit: self.unit.clone() })
    }

    /// With the other sign.
    #[must_use]
    pub fn negate(&self) -> Self {
        Self { value: self.value.negate(), unit: self.unit.clone() }
    }

    /// Product.
    pub fn times(&self, other: &Self) -> Option<Self> {
        let unit = match (self.unit.code(), other.unit.code()) {
            ("1", _) => other.unit.clone(),
            (_, "1") => self.unit.clone(),
            (left, right) => Unit::Ucum(combined(left, '.', right)?),
        };
        Some(Self { value: self.value.times(other.value)?, unit })
    }

    /// Quotient; `None` by zero.
    pub fn divided_by(&self, other: &Self) -> Option<Self> {
        let unit = match (self.unit.code(), other.unit.code()) {
            (_, "1") => self.unit.clone(),
            (left, right) if left == right => Unit::Ucum("1".into()),
            (left, right) => Unit::Ucum(combined(left, '/', right)?),
        };
        Some(Self { value: self.value.divided_by(other.value)?, unit })
    }

    fn value_in(&self, unit: &Unit) -> Option<Decimal> {
        if self.unit == *unit {
            return Some(self.value);
        }
        self.value.times(factor(&self.unit, unit)?)
    }
}

impl Unit {
    /// The UCUM code, that of the nearest unit for a span of the calendar.
    pub fn code(&self) -> &str {
        match self {
            Self::Calendar(span) => span.ucum(),
            Self::Ucum(code) => code,
        }
    }

    /// The span of the calendar; years and months of UCUM are none.
    pub fn span(&self) -> Option<Calendar> {
        match self {
            Self::Calendar(span) => Some(*span),
            Self::Ucum(code) => Calendar::of_ucum(code).or_else(|| Calendar::of_word(code)),
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unit {
            Unit::Calendar(span) => {
                let plural = if self.value == Decimal::from_integer(1) { "" } else { "s" };
                write!(f, "{} {}{plural}", self.value, span.word())
            }
            Unit::Ucum(code) => write!(f, "{} '{code}'", self.value),
        }
    }
}

/// The longest code that a product or quotient may get.
const MAX_CODE_BYTES: usize = 200;

fn combined(left: &str, operator: char, right: &str) -> Option<Box<str>> {
    (left.len() + right.len() < MAX_CODE_BYTES).then(|| format!("({left}){operator}({right})").into())
}

/// By what an amount of `from` is multiplied to be one of `to`.
fn factor(from: &Unit, to: &Unit) -> Option<Decimal> {
    // A year or a month of the calendar has no fixed length in days, but twelve months are a year.
    let months = |unit: &Unit| match unit {
        Unit::Calendar(Calendar::Year) => Some(12),
        Unit::Calendar(Calendar::Month) => Some(1),
        _ => None,
    };
    match (months(from), months(to)) {
        (Some(from), Some(to)) => Decimal::from_integer(from).divided_by(Decimal::from_integer(to)),
        (None, None) if from.code() == to.code() => Some(Decimal::from_integer(1)),
        (None, None) => {
            let (from, to) = (analysis(from.code())?, analysis(to.code())?);
            if from.dimension != to.dimension {
                return None;
            }
            Decimal::from_float(from.factor / to.factor)
        }
        _ => None,
    }
}

/// What UCUM knows of a code; nothing for units whose amounts are not proportional (degrees Celsius, pH).
fn analysis(code: &str) -> Option<ucum::Analysis> {
    if code.len() > 2 * MAX_CODE_BYTES {
        return None;
    }
    ucum::analyze(code).ok().filter(|found| !found.is_special && found.factor > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Quantity {
        Quantity::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn units_are_converted() {
        let compare = |left, right| amount(left).compare(&amount(right));
        assert_eq!(compare("4 'g'", "4000.0 'mg'"), Some(Ordering::Equal));
        assert_eq!(compare("7 days", "1 'wk'"), Some(Ordering::Equal));
        assert_eq!(compare("6 days", "1 week"), Some(Ordering::Less));
        assert_eq!(compare("12 months", "1 year"), Some(Ordering::Equal));
        assert_eq!(compare("1 month", "1 'mo'"), None);
        assert_eq!(compare("1 'g'", "1 'm'"), None);
        assert_eq!(compare("1 'Cel'", "1 'K'"), None);
        assert_eq!(compare("2 'of my own'", "1 'of my own'"), Some(Ordering::Greater));
        let area = amount("2.0 'cm'").times(&amount("2.0 'm'"));
        assert_eq!(area.and_then(|area| area.compare(&amount("0.040 'm2'"))), Some(Ordering::Equal));
    }

    #[test]
    fn texts_are_read() {
        assert_eq!(amount("1 'wk'").to_string(), "1 'wk'");
        assert_eq!(amount("2 week").to_string(), "2 weeks");
        for bad in ["", "wk", "1 wk", "1.a", "1day", "1 'a", "1 ''"] {
            assert!(Quantity::parse(bad).is_none(), "{bad}");
        }
    }
}
