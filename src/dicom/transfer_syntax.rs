//! The transfer syntaxes that an archive can keep: all whose bytes hold the whole data set, whether or not
//! anybody here can decode their pixels. PS3.5 §10 and Annex A, PS3.6 Table A-1.

/// How a data set of a transfer syntax is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "PS3.5 §10 has these four choices, each for itself")]
pub struct Encoding {
    /// Whether VRs are left out. PS3.5 §A.1.
    pub is_implicit: bool,
    /// Whether numbers stand with their greatest byte first. PS3.5 §A.3.
    pub is_big_endian: bool,
    /// Whether the whole data set is deflated. PS3.5 §A.5.
    pub is_deflated: bool,
    /// Whether pixel data is a sequence of fragments. PS3.5 §A.4.
    pub is_encapsulated: bool,
}

impl Encoding {
    /// The layout of a transfer syntax; `None` if data sets are not stored in it.
    pub fn of(transfer_syntax_uid: &str) -> Option<Self> {
        let plain = Self { is_implicit: false, is_big_endian: false, is_deflated: false, is_encapsulated: false };
        let rest = transfer_syntax_uid.strip_prefix("1.2.840.10008.1.2")?;
        match rest {
            "" => Some(Self { is_implicit: true, ..plain }),
            ".1" => Some(plain),
            ".1.99" => Some(Self { is_deflated: true, ..plain }),
            ".2" => Some(Self { is_big_endian: true, ..plain }),
            _ => ENCAPSULATED.contains(&rest).then_some(Self { is_encapsulated: true, ..plain }),
        }
    }

    /// UIDs of all transfer syntaxes that data sets are stored in.
    pub fn all() -> impl Iterator<Item = String> {
        let others = ["", ".1", ".1.99", ".2"];
        others.into_iter().chain(ENCAPSULATED).map(|rest| format!("1.2.840.10008.1.2{rest}"))
    }
}

/// What follows 1.2.840.10008.1.2 in the encapsulated ones: uncompressed, JPEG, JPEG-LS, JPEG 2000, JPEG XL, MPEG-2,
/// H.264, HEVC, HTJ2K, RLE, deflated frames. JPIP and SMPTE ST 2110 have the pixels elsewhere.
const ENCAPSULATED: [&str; 49] = [
    ".1.98", ".4.50", ".4.51", ".4.52", ".4.53", ".4.54", ".4.55", ".4.56", ".4.57", ".4.58", ".4.59", ".4.60",
    ".4.61", ".4.62", ".4.63", ".4.64", ".4.65", ".4.66", ".4.70", ".4.80", ".4.81", ".4.90", ".4.91", ".4.92",
    ".4.93", ".4.100", ".4.100.1", ".4.101", ".4.101.1", ".4.102", ".4.102.1", ".4.103", ".4.103.1", ".4.104",
    ".4.104.1", ".4.105", ".4.105.1", ".4.106", ".4.106.1", ".4.107", ".4.108", ".4.110", ".4.111", ".4.112", ".4.201",
    ".4.202", ".4.203", ".5", ".8.1",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_refers_to_pixels_elsewhere_is_not_kept() {
        assert!(Encoding::of("1.2.840.10008.1.2").is_some_and(|encoding| encoding.is_implicit));
        assert!(Encoding::of("1.2.840.10008.1.2.4.90").is_some_and(|encoding| encoding.is_encapsulated));
        for refused in ["1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.204", "1.2.840.10008.1.2.7.1", "1.2.3", ""] {
            assert_eq!(Encoding::of(refused), None, "{refused}");
        }
        assert!(Encoding::all().all(|uid| Encoding::of(&uid).is_some()));
    }
}
