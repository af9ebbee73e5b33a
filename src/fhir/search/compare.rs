//! What a value in a request means for a value in the index. [`Comparison::matches`] is the reference: what the
//! database does must give the same. R4 search.html#prefix, search.html#ptypes.

use super::units;
use super::value::{IndexValue, Precise};
use crate::base::Timestamp;
use crate::fhir::temporal::Range;

/// Prefixes of numbers, quantities and dates. R4 search.html#prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// Equal; the same as no prefix.
    Eq,
    /// Not equal.
    Ne,
    /// Greater.
    Gt,
    /// Less.
    Lt,
    /// Greater or equal.
    Ge,
    /// Less or equal.
    Le,
    /// Starts after.
    Sa,
    /// Ends before.
    Eb,
    /// Approximately.
    Ap,
}

/// One value of a request, compiled. A parameter matches if one of its values does.
#[derive(Debug, Clone, PartialEq)]
pub enum Comparison {
    /// A token.
    Token(TokenMatch),
    /// `:text`: display or text begins with this, folded.
    TokenText(String),
    /// `:of-type`
    OfType {
        /// System of the type.
        system: String,
        /// Code of the type.
        code: String,
        /// Value of the identifier.
        value: String,
    },
    /// A string.
    String(StringMatch),
    /// A reference.
    Reference(ReferenceMatch),
    /// `:identifier` of a reference.
    Identifier(TokenMatch),
    /// A date.
    Date(DateMatch),
    /// A number.
    Number(NumberMatch),
    /// A quantity.
    Quantity(QuantityMatch),
    /// A URI.
    Uri(UriMatch),
    /// One of each component, in one element.
    Composite(Vec<Comparison>),
}

/// R4 search.html#token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenMatch {
    /// Which system.
    pub system: SystemMatch,
    /// The codes, of which any does; none stands for every code: `system|`.
    pub codes: Vec<String>,
}

/// What stands before `|` in a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SystemMatch {
    /// `code`: any system or none.
    Any,
    /// `|code`: no system.
    Absent,
    /// `system|code`: this system.
    Is(String),
    /// The same where elements of the parameter have this system without saying so: this system or none.
    IsOrImplied(String),
}

/// R4 search.html#string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StringMatch {
    /// Begins with this, folded.
    Starts(String),
    /// `:contains` this, folded.
    Contains(String),
    /// `:exact`ly this.
    Exact(String),
}

/// R4 search.html#reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceMatch {
    /// A resource of this server.
    Local {
        /// Its types, of which any does; none stands for every type.
        types: Vec<String>,
        /// Its id.
        id: String,
        /// Its version; `None` for every version and for references that name none.
        version: Option<String>,
    },
    /// A URL, absolute or canonical.
    Url {
        /// Without version.
        url: String,
        /// As for a local one.
        version: Option<String>,
    },
}

/// R4 search.html#date, over ranges of instants that end before `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateMatch {
    /// How to compare.
    pub prefix: Prefix,
    /// What the value stands for; for `ap` already widened.
    pub range: Range,
    /// What it stands for where no whole days of the calendar are meant, if that is something else: a day without a
    /// zone begins at midnight in the zone of the server. R4 search.html#date.
    pub instants: Option<Range>,
}

/// R4 search.html#number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NumberMatch {
    /// How to compare.
    pub prefix: Prefix,
    /// The value. `eq` and `ne` compare with its range, `ap` with ten percent around it, the others with itself.
    pub number: Precise,
}

/// R4 search.html#quantity.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantityMatch {
    /// The number.
    pub number: NumberMatch,
    /// The unit.
    pub unit: UnitMatch,
}

/// What stands behind the number of a quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitMatch {
    /// Nothing: any unit.
    Any,
    /// `|system|code`
    Coded {
        /// URI of the system.
        system: String,
        /// Code of the unit; `None` if any.
        code: Option<String>,
    },
    /// `||unit`: code or text of the unit.
    Named(String),
}

/// R4 search.html#uri.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UriMatch {
    /// The same.
    Is(String),
    /// `:below`: begins with this.
    Below(String),
    /// `:above`: this begins with it.
    Above(String),
}

impl Comparison {
    /// Whether `value` is what the request asks for. Values of another kind are not.
    pub fn matches(&self, value: &IndexValue) -> bool {
        match (self, value) {
            (Self::Token(wanted), IndexValue::Token { system, code }) => wanted.matches(system.as_deref(), code),
            (Self::Identifier(wanted), IndexValue::Identifier { system, value }) => {
                wanted.matches(system.as_deref(), value)
            }
            (Self::TokenText(prefix), IndexValue::TokenText(text)) => text.starts_with(prefix.as_str()),
            (
                Self::OfType { system, code, value },
                IndexValue::OfType { system: has_system, code: has_code, value: has_value },
            ) => has_system.as_ref() == Some(system) && code == has_code && value == has_value,
            (Self::String(wanted), IndexValue::String { folded, exact }) => match wanted {
                StringMatch::Starts(prefix) => folded.starts_with(prefix.as_str()),
                StringMatch::Contains(part) => folded.contains(part.as_str()),
                StringMatch::Exact(text) => text == exact,
            },
            (Self::Reference(wanted), _) => wanted.matches(value),
            (Self::Date(wanted), IndexValue::Date { from, until }) => {
                wanted.matches(Range { from: Timestamp(*from), until: Timestamp(*until) })
            }
            (Self::Number(wanted), IndexValue::Number { low, high }) => wanted.matches(*low, *high),
            (Self::Quantity(wanted), IndexValue::Quantity { low, high, system, code, unit }) => {
                wanted.matches((*low, *high), system.as_deref(), code.as_deref(), unit.as_deref())
            }
            (Self::Uri(wanted), IndexValue::Uri(uri)) => match wanted {
                UriMatch::Is(text) => text == uri,
                UriMatch::Below(text) => uri.starts_with(text.as_str()),
                UriMatch::Above(text) => text.starts_with(uri.as_str()),
            },
            (Self::Composite(wanted), IndexValue::Composite(components)) => {
                wanted.len() == components.len()
                    && wanted.iter().zip(components).all(|(one, values)| values.iter().any(|value| one.matches(value)))
            }
            _ => false,
        }
    }
}

impl TokenMatch {
    fn matches(&self, system: Option<&str>, code: &str) -> bool {
        let system_fits = match &self.system {
            SystemMatch::Any => true,
            SystemMatch::Absent => system.is_none(),
            SystemMatch::Is(wanted) => system == Some(wanted),
            SystemMatch::IsOrImplied(wanted) => system.is_none_or(|system| system == wanted),
        };
        system_fits && (self.codes.is_empty() || self.codes.iter().any(|wanted| wanted == code))
    }
}

impl ReferenceMatch {
    fn matches(&self, value: &IndexValue) -> bool {
        let version_fits = |wanted: &Option<String>, has: &Option<String>| wanted.is_none() || wanted == has;
        match (self, value) {
            (Self::Local { types, id, version }, IndexValue::Reference { resource_type, id: has, version: other }) => {
                id == has && version_fits(version, other) && (types.is_empty() || types.contains(resource_type))
            }
            (Self::Url { url, version }, IndexValue::Url { url: has, version: other }) => {
                url == has && version_fits(version, other)
            }
            _ => false,
        }
    }
}

impl DateMatch {
    /// R4 search.html#prefix, the column for ranges.
    fn matches(&self, has: Range) -> bool {
        let wanted = if is_of_calendar(has) { self.range } else { self.instants.unwrap_or(self.range) };
        let within = wanted.from <= has.from && has.until <= wanted.until;
        match self.prefix {
            Prefix::Eq => within,
            Prefix::Ne => !within,
            Prefix::Gt => has.until > wanted.until,
            Prefix::Lt => has.from < wanted.from,
            Prefix::Ge => has.until > wanted.until || within,
            Prefix::Le => has.from < wanted.from || within,
            Prefix::Sa => has.from >= wanted.until,
            Prefix::Eb => has.until <= wanted.from,
            Prefix::Ap => has.from < wanted.until && wanted.from < has.until,
        }
    }
}

/// Whether a range is one of whole days in UTC: a date, or a period of dates. What has a clock time lasts a second at
/// most, or ends with one.
fn is_of_calendar(range: Range) -> bool {
    let at_midnight = |at: i64| at == i64::MIN || at == i64::MAX || at % DAY_US == 0;
    at_midnight(range.from.0) && at_midnight(range.until.0)
}

/// Microseconds of a day.
pub const DAY_US: i64 = 86_400_000_000;

impl NumberMatch {
    /// The least and the greatest number that `ap` finds. R4 search.html#prefix proposes ten percent.
    pub fn approximate(&self) -> (f64, f64) {
        let tenth = self.number.value.abs() / 10.0;
        (self.number.value - tenth, self.number.value + tenth)
    }

    fn matches(&self, low: f64, high: f64) -> bool {
        let Precise { value, low: from, high: until } = self.number;
        let within = from <= low && high < until;
        match self.prefix {
            Prefix::Eq => within,
            Prefix::Ne => !within,
            Prefix::Gt => high > value,
            Prefix::Lt => low < value,
            Prefix::Ge => high >= value,
            Prefix::Le => low <= value,
            Prefix::Sa => low > value,
            Prefix::Eb => high < value,
            Prefix::Ap => {
                let (from, to) = self.approximate();
                low <= to && from <= high
            }
        }
    }
}

impl QuantityMatch {
    /// The UCUM code that it names.
    pub fn ucum(&self) -> Option<&str> {
        match &self.unit {
            UnitMatch::Coded { system, code: Some(code) } if system == units::UCUM => Some(code),
            _ => None,
        }
    }

    /// What it asks of numbers in another UCUM unit; `None` if that is no unit of the same kind. R4 search.html
    /// #quantity: "comparing quantities in different units".
    pub fn in_unit(&self, other: &str) -> Option<NumberMatch> {
        let own = self.ucum()?;
        if own == other {
            return Some(self.number);
        }
        let to = |number: f64| units::convert(number, own, other);
        let Precise { value, low, high } = self.number.number;
        let number = Precise { value: to(value)?, low: to(low)?, high: to(high)? };
        // Of units that grow in opposite directions, as those of acidity, none is compared with the other.
        (number.low < number.high).then_some(NumberMatch { prefix: self.number.prefix, number })
    }

    fn matches(&self, (low, high): (f64, f64), system: Option<&str>, code: Option<&str>, unit: Option<&str>) -> bool {
        match (self.ucum(), system, code) {
            (Some(_), Some(units::UCUM), Some(code)) => {
                self.in_unit(code).is_some_and(|number| number.matches(low, high))
            }
            _ => self.number.matches(low, high) && self.unit.matches(system, code, unit),
        }
    }
}

impl UnitMatch {
    fn matches(&self, system: Option<&str>, code: Option<&str>, unit: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::Coded { system: wanted, code: wanted_code } => {
                system == Some(wanted) && (wanted_code.is_none() || wanted_code.as_deref() == code)
            }
            Self::Named(name) => code == Some(name) || unit == Some(name),
        }
    }
}
