//! What resources are found by, and the ranges that numbers stand for.

/// A value of a search parameter in a resource. R4 search.html#ptypes. The order is only there to be fixed.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub enum IndexValue {
    /// A code, identifier, flag or contact. R4 search.html#token.
    Token {
        /// URI of the system. Elements of type `code` have none here: see `Definition::systems`.
        system: Option<String>,
        /// The code itself, in its own case.
        code: String,
    },
    /// Display or text of a token, folded: for `:text`.
    TokenText(String),
    /// An identifier with its type: for `:of-type`.
    OfType {
        /// URI of the system of the type.
        system: Option<String>,
        /// Code of the type.
        code: String,
        /// Value of the identifier.
        value: String,
    },
    /// A text. R4 search.html#string.
    String {
        /// As [`super::text::fold`] makes it.
        folded: String,
        /// As it stands in the resource: for `:exact`.
        exact: String,
    },
    /// A resource of this server. R4 search.html#reference.
    Reference {
        /// Resource type.
        resource_type: String,
        /// Logical id.
        id: String,
        /// Version, if the reference names one.
        version: Option<String>,
    },
    /// A resource elsewhere, or one that is known by a canonical URL.
    Url {
        /// Without version.
        url: String,
        /// Of a canonical behind `|`, else behind `/_history/`.
        version: Option<String>,
    },
    /// `Reference.identifier`: for `:identifier`.
    Identifier {
        /// URI of the system.
        system: Option<String>,
        /// Value of the identifier.
        value: String,
    },
    /// A date, time or period in microseconds since 1970 UTC; `i64::MIN` and `i64::MAX` are open ends.
    /// R4 search.html#date.
    Date {
        /// First microsecond.
        from: i64,
        /// First microsecond behind it.
        until: i64,
    },
    /// A number: the least and the greatest that it may be. They differ for ranges; open ends are infinite.
    /// R4 search.html#number.
    Number {
        /// The least.
        low: f64,
        /// The greatest.
        high: f64,
    },
    /// A number with a unit; `low` and `high` as for numbers. R4 search.html#quantity.
    Quantity {
        /// The least.
        low: f64,
        /// The greatest.
        high: f64,
        /// URI of the system of the unit.
        system: Option<String>,
        /// Code of the unit.
        code: Option<String>,
        /// The unit as people read it.
        unit: Option<String>,
    },
    /// A URI. R4 search.html#uri.
    Uri(String),
    /// One element of a composite parameter: for each component the values that this element has. Every component
    /// has at least one. R4 search.html#composite.
    Composite(Vec<Vec<IndexValue>>),
}

impl IndexValue {
    /// The combinations of a composite value, one of each component, for tables that hold one in a row. Another value
    /// is its own only combination. Their number is the product of the lengths: callers bound it.
    pub fn tuples(&self) -> impl Iterator<Item = Vec<&Self>> {
        let components: Vec<Vec<&Self>> = match self {
            Self::Composite(components) => components.iter().map(|values| values.iter().collect()).collect(),
            single => vec![vec![single]],
        };
        let count = components.iter().map(Vec::len).product::<usize>();
        (0..count).map(move |number| {
            let mut rest = number;
            let pick = |values: &Vec<&'_ Self>, rest: &mut usize| {
                let index = *rest % values.len().max(1);
                *rest /= values.len().max(1);
                index
            };
            components.iter().filter_map(|values| values.get(pick(values, &mut rest)).copied()).collect()
        })
    }
}

/// A decimal as it was written: its value and half of what its last digit stands for on both sides.
/// `100` is [99.5, 100.5), `100.00` is [99.995, 100.005), `1e2` is [95, 105). R4 search.html#number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Precise {
    /// The value.
    pub value: f64,
    /// The least value that is written like this.
    pub low: f64,
    /// The first value above that is not.
    pub high: f64,
}

impl Precise {
    /// Reads a decimal (R4 datatypes.html#decimal, with a leading plus and zeros too). Bounds are computed in
    /// decimal, so that they are the same numbers as those that the same digits in a resource stand for.
    pub fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (text.get(..at)?, text.get(at + 1..)?.parse::<i32>().ok().filter(|e| e.abs() <= 400)?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let shaped = !whole.is_empty() && numeric(whole) && numeric(fraction) && !digits.ends_with('.');
        // More digits than any measurement has; the limit keeps the arithmetic below exact.
        if !shaped || whole.len() + fraction.len() > 36 {
            return None;
        }
        // The standard's own example takes `1e2` for `1.0e2`.
        let fraction = if fraction.is_empty() && mantissa.len() < text.len() { "0" } else { fraction };
        let unscaled: i128 = format!("{whole}{fraction}").parse().ok()?;
        let unscaled = if negative { -unscaled } else { unscaled };
        let exponent = exponent - i32::try_from(fraction.len()).ok()?;
        let at = |tenths: i128| format!("{tenths}e{}", exponent - 1).parse::<f64>().ok().filter(|n| n.is_finite());
        Some(Self { value: at(unscaled * 10)?, low: at(unscaled * 10 - 5)?, high: at(unscaled * 10 + 5)? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn precision_is_in_the_digits() {
        let cases = [
            ("100", 100.0, 99.5, 100.5),
            ("100.00", 100.0, 99.995, 100.005),
            ("1e2", 100.0, 95.0, 105.0),
            ("1.0e2", 100.0, 95.0, 105.0),
            ("1.00e2", 100.0, 99.5, 100.5),
            ("-5.4", -5.4, -5.45, -5.35),
            ("+0.10", 0.1, 0.095, 0.105),
            ("0", 0.0, -0.5, 0.5),
            ("5e-3", 0.005, 0.00495, 0.00505),
        ];
        for (text, value, low, high) in cases {
            assert_eq!(Precise::parse(text), Some(Precise { value, low, high }), "{text}");
        }
        for bad in ["", ".", "1.", ".5", "a", "1e", "1e1.5", "--1", "1e999", "0x1", "1 ", "٣", "NaN", "1e2e3"] {
            assert_eq!(Precise::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn composites_have_all_combinations() {
        let uri = |text: &str| IndexValue::Uri(text.to_owned());
        let value = IndexValue::Composite(vec![vec![uri("a"), uri("b")], vec![uri("1"), uri("2"), uri("3")]]);
        let tuples: Vec<_> = value.tuples().collect();
        assert_eq!(tuples.len(), 6);
        assert!(tuples.contains(&vec![&uri("b"), &uri("3")]) && tuples.contains(&vec![&uri("a"), &uri("1")]));
        assert_eq!(uri("a").tuples().collect::<Vec<_>>(), [[&uri("a")]]);
    }

    proptest! {
        #[test]
        fn the_range_holds_the_value(text in "-?[0-9]{1,12}(\\.[0-9]{1,12})?(e-?[0-9]{1,2})?|\\PC*") {
            if let Some(precise) = Precise::parse(&text) {
                prop_assert!(precise.low <= precise.value && precise.value <= precise.high);
                prop_assert_eq!(text.parse::<f64>().ok(), Some(precise.value));
            }
        }
    }
}
