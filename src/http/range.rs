//! Byte ranges. RFC 9110 §14.

use std::ops::Range;

/// What a Range field asks of a content of known length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it: there is no such field, or it is one that may be ignored (RFC 9110 §14.2): another unit,
    /// a malformed one, or several ranges, which cost the server more than they bring the client.
    Whole,
    /// These bytes, at least one.
    Part(Range<u64>),
    /// Bytes that are not there.
    Outside,
}

/// Reads a Range field for a content of `total` bytes.
pub(super) fn read(field: Option<&str>, total: u64) -> Asked {
    let Some(spec) = field.and_then(|field| {
        let (unit, spec) = field.split_once('=')?;
        unit.trim().eq_ignore_ascii_case("bytes").then(|| spec.trim())
    }) else {
        return Asked::Whole;
    };
    let Some((first, last)) = spec.split_once('-') else {
        return Asked::Whole;
    };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => part(first, last.saturating_add(1), total),
        (Some(first), None) if last.is_empty() => part(first, total, total),
        (None, Some(suffix)) if first.is_empty() => part(total.saturating_sub(suffix), total, total),
        _ => Asked::Whole,
    }
}

fn part(start: u64, end: u64, total: u64) -> Asked {
    let end = end.min(total);
    if start < end { Asked::Part(start..end) } else { Asked::Outside }
}

/// A number; one too large for 64 bits is behind every end.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_range_is_read_and_others_are_ignored() {
        for (field, asked) in [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=0-99", Asked::Part(0..100)),
            ("bytes=0-100", Asked::Part(0..100)),
            ("bytes=10-", Asked::Part(10..100)),
            ("bytes=-10", Asked::Part(90..100)),
            ("bytes=-1000", Asked::Part(0..100)),
            ("Bytes=99-99999999999999999999999", Asked::Part(99..100)),
            ("bytes=100-", Asked::Outside),
            ("bytes=99999999999999999999999-", Asked::Outside),
            ("bytes=-0", Asked::Outside),
            ("bytes=5-4", Asked::Whole),
            ("bytes=0-0,5-6", Asked::Whole),
            ("bytes=", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("bytes 0-1", Asked::Whole),
            ("lines=0-1", Asked::Whole),
        ] {
            assert_eq!(read(Some(field), 100), asked, "{field}");
        }
        assert_eq!(read(None, 100), Asked::Whole);
        assert_eq!(read(Some("bytes=0-"), 0), Asked::Outside);
    }

    proptest! {
        #[test]
        fn a_range_never_leaves_the_content(field in "bytes=[0-9]{0,21}-[0-9]{0,21}", total in 0_u64..1000) {
            if let Asked::Part(range) = read(Some(&field), total) {
                prop_assert!(range.start < range.end && range.end <= total);
            }
        }

        #[test]
        fn any_field_is_read_without_panic(field in "\\PC{0,40}") {
            let _ = read(Some(&field), 100);
        }
    }
}
