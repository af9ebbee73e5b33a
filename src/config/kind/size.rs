//! Numbers of bytes: `512`, `64KiB`, `16MiB`, `10MB`.

use crate::config::setting::{Given, Refusal, Setting};

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// So many mebibytes.
    pub const fn mebibytes(count: u64) -> Self {
        Self(count * 1024 * 1024)
    }

    /// As a length in memory; the greatest one where it does not fit.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl Setting for ByteSize {
    fn shape() -> String {
        "size".into()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        let refusal = || Refusal::from("must be a number of bytes, with a unit if need be, as \"16MiB\"");
        if let Ok(bytes) = given.integer() {
            return Ok(Self(bytes));
        }
        given.text().ok().and_then(parse).ok_or_else(refusal)
    }

    fn write(&self) -> Option<toml::Value> {
        let even = |size: &u64| self.0 > 0 && self.0.is_multiple_of(*size);
        let text = match UNITS.into_iter().filter(|(unit, _)| unit.ends_with("iB")).find(|(_, size)| even(size)) {
            Some((unit, size)) => format!("{}{unit}", self.0 / size),
            None => format!("{}B", self.0),
        };
        Some(text.into())
    }

    fn magnitude(&self) -> Option<u64> {
        Some(self.0)
    }
}

fn parse(text: &str) -> Option<ByteSize> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit())?);
    let (_, size) = UNITS.into_iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(size).map(ByteSize)
}

/// Units with their bytes, the greatest first.
const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1000),
    ("B", 1),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_may_have_a_unit() {
        for (text, bytes, shown) in [
            ("0", 0, "0B"),
            ("512", 512, "512B"),
            ("1024B", 1024, "1KiB"),
            ("64KiB", 65_536, "64KiB"),
            ("16 MiB", 16_777_216, "16MiB"),
            ("10MB", 10_000_000, "10000000B"),
            ("4GiB", 4_294_967_296, "4GiB"),
        ] {
            let size = ByteSize::read(&Given::Environment(text)).expect(text);
            assert_eq!(size, ByteSize(bytes), "{text}");
            assert_eq!(size.write(), Some(shown.into()));
        }
        for bad in ["", "MiB", "-1", "1.5MiB", "16mib", "16 M", "99999999TiB", "18446744073709551616"] {
            assert!(ByteSize::read(&Given::Environment(bad)).is_err(), "{bad}");
        }
    }
}
