//! Retired SNOMED-RT codes and the SNOMED CT concepts that took their place. PS3.16 §8.1 and Annex D.

/// The SNOMED CT concept id for a code of one of the retired designators (PS3.16 Table 8-1), if there
/// is one.
pub(super) fn successor(scheme: &str, value: &str) -> Option<&'static str> {
    if !matches!(scheme, "SRT" | "SNM3" | "99SDM") {
        return None;
    }
    let mut rest = TABLE;
    while !rest.is_empty() {
        let middle = rest.len() / 2;
        let start = rest.get(..middle)?.rfind('\n').map_or(0, |before| before + 1);
        let length = rest.get(start..)?.find('\n')?;
        let line = rest.get(start..start + length)?;
        let (old, new) = line.split_once('\t')?;
        match old.cmp(value) {
            std::cmp::Ordering::Equal => return Some(new),
            std::cmp::Ordering::Less => rest = rest.get(start + length + 1..)?,
            std::cmp::Ordering::Greater => rest = rest.get(..start)?,
        }
    }
    None
}

/// A line for each code, old and new separated by a tab, in byte order of the old.
const TABLE: &str = include_str!("srt_to_sct.tsv");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_found() {
        for line in TABLE.lines() {
            let (old, new) = line.split_once('\t').expect("two columns");
            assert_eq!(successor("SRT", old), Some(new), "{old}");
        }
        for missing in ["", "A", "T-2800", "T-280000", "~", "\n"] {
            assert_eq!(successor("SRT", missing), None, "{missing}");
        }
    }
}
