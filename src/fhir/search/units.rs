//! Numbers in other units of UCUM. The index keeps what stands in resources; it is what a request asks for that is
//! turned into each of the units that are there, so no stored number is ever another one than its author's.

/// The system of UCUM.
pub const UCUM: &str = "http://unitsofmeasure.org";

/// A number in another unit; `None` if one of the two is no unit of UCUM, or if they measure different things.
///
/// Fourteen digits are kept: what is a decimal of so many digits in the other unit too (`4.5 g` are `4500 mg`,
/// `36.5 Cel` are `97.7 [degF]`) is that decimal, and not its neighbour that floating point would make of it.
pub fn convert(number: f64, from: &str, to: &str) -> Option<f64> {
    // Longer than any code that somebody measures with; the grammar of codes nests.
    if from.len() > MOST_BYTES || to.len() > MOST_BYTES {
        return None;
    }
    let converted = ucum::convert(number, from, to).ok().filter(|number| number.is_finite())?;
    format!("{converted:.13e}").parse().ok()
}

/// Bytes of a code.
const MOST_BYTES: usize = 100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_stay_decimals() {
        for (number, from, to, wanted) in [
            (4.5, "g", "mg", 4500.0),
            (4500.0, "mg", "g", 4.5),
            (0.1, "g", "mg", 100.0),
            (4999.5, "mg", "g", 4.9995),
            (36.5, "Cel", "[degF]", 97.7),
            (5.5, "mmol/L", "umol/L", 5500.0),
            (120.0, "mm[Hg]", "mm[Hg]", 120.0),
            (1.2, "cm", "mm", 12.0),
            (7.0, "mg/dL", "mg/dl", 7.0),
        ] {
            assert_eq!(convert(number, from, to), Some(wanted), "{number} {from} in {to}");
        }
    }

    #[test]
    fn what_measures_something_else_is_not_converted() {
        for (from, to) in [("g", "mm"), ("g", "nonsense"), ("", "g"), ("mg", "mmol"), ("[iU]", "g"), ("[iU]", "1")] {
            assert_eq!(convert(1.0, from, to), None, "{from} in {to}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_unit_or_not(from in "\\PC{0,12}", to in "[a-zA-Z/.0-9\\[\\]{}()'^*-]{0,14}", number in any::<f64>()) {
            let _converted = convert(number, &from, &to);
        }
    }
}
