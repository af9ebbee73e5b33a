//! Transfer syntaxes: which are taken for storage, and which of several. PS3.5 §10, §A.

/// Implicit VR Little Endian, which every application entity supports (PS3.5 §10.1).
pub const IMPLICIT_LE: &str = "1.2.840.10008.1.2";
/// Explicit VR Little Endian.
pub const EXPLICIT_LE: &str = "1.2.840.10008.1.2.1";
/// Explicit VR Big Endian, retired.
pub const EXPLICIT_BE: &str = "1.2.840.10008.1.2.2";
/// Deflated Explicit VR Little Endian.
pub const DEFLATED_LE: &str = "1.2.840.10008.1.2.1.99";

/// What identifiers and other data sets that are read at once may come in, the better one first.
pub const MESSAGE_SYNTAXES: &[&str] = &[EXPLICIT_LE, IMPLICIT_LE];

/// What instances may come in, the better one first: as they are first, then without loss, then with. Data
/// sets are kept as they come, so that no decoder is needed. Not among them are syntaxes whose pixel data is
/// elsewhere (JPIP, SMPTE ST 2110) and the retired processes of JPEG.
pub const STORABLE_SYNTAXES: &[&str] = &[
    EXPLICIT_LE,
    IMPLICIT_LE,
    DEFLATED_LE,
    "1.2.840.10008.1.2.1.98",
    "1.2.840.10008.1.2.8.1",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.92",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202",
    "1.2.840.10008.1.2.4.110",
    "1.2.840.10008.1.2.4.111",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.93",
    "1.2.840.10008.1.2.4.203",
    "1.2.840.10008.1.2.4.112",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.100",
    "1.2.840.10008.1.2.4.100.1",
    "1.2.840.10008.1.2.4.101",
    "1.2.840.10008.1.2.4.101.1",
    "1.2.840.10008.1.2.4.102",
    "1.2.840.10008.1.2.4.102.1",
    "1.2.840.10008.1.2.4.103",
    "1.2.840.10008.1.2.4.103.1",
    "1.2.840.10008.1.2.4.104",
    "1.2.840.10008.1.2.4.104.1",
    "1.2.840.10008.1.2.4.105",
    "1.2.840.10008.1.2.4.105.1",
    "1.2.840.10008.1.2.4.106",
    "1.2.840.10008.1.2.4.106.1",
    "1.2.840.10008.1.2.4.107",
    "1.2.840.10008.1.2.4.108",
    EXPLICIT_BE,
];

/// The one of `offered` that an instance is best taken in. `others` are taken besides the usual ones, where
/// none of those is offered.
pub fn preferred_for_storage<'a>(offered: &'a [String], others: &[String]) -> Option<&'a str> {
    let usual = STORABLE_SYNTAXES.iter().find_map(|syntax| offered.iter().find(|offer| offer == syntax));
    usual.or_else(|| offered.iter().find(|offer| others.contains(offer))).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(offered: &[&str], others: &[&str]) -> Option<String> {
        let texts = |uids: &[&str]| uids.iter().map(|uid| (*uid).to_owned()).collect::<Vec<_>>();
        preferred_for_storage(&texts(offered), &texts(others)).map(str::to_owned)
    }

    #[test]
    fn what_needs_no_decoder_wins_and_what_has_no_pixels_never_does() {
        let lossless = "1.2.840.10008.1.2.4.70";
        assert_eq!(chosen(&[IMPLICIT_LE, EXPLICIT_LE], &[]).as_deref(), Some(EXPLICIT_LE));
        assert_eq!(chosen(&["1.2.840.10008.1.2.4.50", lossless], &[]).as_deref(), Some(lossless));
        assert_eq!(chosen(&[EXPLICIT_BE, IMPLICIT_LE], &[]).as_deref(), Some(IMPLICIT_LE));
        assert_eq!(chosen(&[EXPLICIT_BE], &[]).as_deref(), Some(EXPLICIT_BE));
        assert_eq!(chosen(&["1.2.840.10008.1.2.4.94"], &[]), None);
        let private = "1.2.840.113619.5.2";
        assert_eq!(chosen(&[private], &[]), None);
        assert_eq!(chosen(&[private], &[private]).as_deref(), Some(private));
        assert_eq!(chosen(&[private, IMPLICIT_LE], &[private]).as_deref(), Some(IMPLICIT_LE));
    }
}
