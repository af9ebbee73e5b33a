//! Lengths of time: `250ms`, `30s`, `5m`, `24h`, `7d`.

use std::time::Duration;

use crate::config::setting::{Given, Refusal, Setting};

impl Setting for Duration {
    fn shape() -> String {
        "duration".into()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        given
            .text()
            .ok()
            .and_then(parse)
            .ok_or("must be a duration with its unit (ms, s, m, h or d), as \"30s\"".into())
    }

    fn write(&self) -> Option<toml::Value> {
        let millis = self.as_millis();
        let (unit, size) = UNITS
            .into_iter()
            .find(|(unit, size)| {
                let count = millis / u128::from(*size);
                // A day is written as 24h: `1d` is no clearer.
                count > 0 && millis.is_multiple_of(u128::from(*size)) && (*unit != "d" || count > 1)
            })
            .unwrap_or(("s", 1000));
        Some(format!("{}{unit}", millis / u128::from(size)).into())
    }

    fn magnitude(&self) -> Option<u64> {
        u64::try_from(self.as_millis()).ok()
    }
}

fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit())?);
    let (_, size) = UNITS.into_iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(size).map(Duration::from_millis)
}

/// Units with their milliseconds, the longest first.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit() {
        for (text, millis, shown) in [
            ("250ms", 250, "250ms"),
            ("30s", 30_000, "30s"),
            ("90 s", 90_000, "90s"),
            ("5m", 300_000, "5m"),
            ("120m", 7_200_000, "2h"),
            ("24h", 86_400_000, "24h"),
            ("7d", 604_800_000, "7d"),
            ("0s", 0, "0s"),
        ] {
            let duration = Duration::read(&Given::Environment(text)).expect(text);
            assert_eq!(duration, Duration::from_millis(millis));
            assert_eq!(Setting::write(&duration), Some(shown.into()));
        }
        for bad in
            ["", "30", "s", "-1s", "1.5s", "1h30m", "1w", "99999999999999999999s", "18446744073709551615d", "３s"]
        {
            assert!(Duration::read(&Given::Environment(bad)).is_err(), "{bad}");
        }
    }
}
