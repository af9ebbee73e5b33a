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
            _ => ENCAPSULATED.iter().any(|(one, _)| *one == rest).then_some(Self { is_encapsulated: true, ..plain }),
        }
    }

    /// UIDs of all transfer syntaxes that data sets are stored in.
    pub fn all() -> impl Iterator<Item = String> {
        Self::named().map(|(uid, _)| uid)
    }

    /// UIDs and names of all transfer syntaxes that data sets are stored in. PS3.6 Table A-1.
    pub fn named() -> impl Iterator<Item = (String, &'static str)> {
        PLAIN.into_iter().chain(ENCAPSULATED).map(|(rest, name)| (format!("1.2.840.10008.1.2{rest}"), name))
    }
}

/// What follows 1.2.840.10008.1.2 in the encapsulated ones, and their names: uncompressed, JPEG, JPEG-LS, JPEG 2000, JPEG XL, MPEG-2,
/// H.264, HEVC, HTJ2K, RLE, deflated frames. JPIP and SMPTE ST 2110 have the pixels elsewhere.
const ENCAPSULATED: [(&str, &str); 49] = [
    (".1.98", "Encapsulated Uncompressed Explicit VR Little Endian"),
    (".4.50", "JPEG Baseline (Process 1): Default Transfer Syntax for Lossy JPEG 8 Bit Image Compression"),
    (".4.51", "JPEG Extended (Process 2"),
    (".4.52", "JPEG Extended (Process 3"),
    (".4.53", "JPEG Spectral Selection, Non-Hierarchical (Process 6"),
    (".4.54", "JPEG Spectral Selection, Non-Hierarchical (Process 7"),
    (".4.55", "JPEG Full Progression, Non-Hierarchical (Process 10"),
    (".4.56", "JPEG Full Progression, Non-Hierarchical (Process 11"),
    (".4.57", "JPEG Lossless, Non-Hierarchical (Process 14)"),
    (".4.58", "JPEG Lossless, Non-Hierarchical (Process 15) (Retired)"),
    (".4.59", "JPEG Extended, Hierarchical (Process 16"),
    (".4.60", "JPEG Extended, Hierarchical (Process 17"),
    (".4.61", "JPEG Spectral Selection, Hierarchical (Process 20"),
    (".4.62", "JPEG Spectral Selection, Hierarchical (Process 21"),
    (".4.63", "JPEG Full Progression, Hierarchical (Process 24"),
    (".4.64", "JPEG Full Progression, Hierarchical (Process 25"),
    (".4.65", "JPEG Lossless, Hierarchical (Process 28) (Retired)"),
    (".4.66", "JPEG Lossless, Hierarchical (Process 29) (Retired)"),
    (
        ".4.70",
        "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1]): Default Transfer Syntax for Lossless JPEG Image Compression",
    ),
    (".4.80", "JPEG-LS Lossless Image Compression"),
    (".4.81", "JPEG-LS Lossy (Near-Lossless) Image Compression"),
    (".4.90", "JPEG 2000 Image Compression (Lossless Only)"),
    (".4.91", "JPEG 2000 Image Compression"),
    (".4.92", "JPEG 2000 Part 2 Multi-component Image Compression (Lossless Only)"),
    (".4.93", "JPEG 2000 Part 2 Multi-component Image Compression"),
    (".4.100", "MPEG2 Main Profile / Main Level"),
    (".4.100.1", "Fragmentable MPEG2 Main Profile / Main Level"),
    (".4.101", "MPEG2 Main Profile / High Level"),
    (".4.101.1", "Fragmentable MPEG2 Main Profile / High Level"),
    (".4.102", "MPEG-4 AVC/H.264 High Profile / Level 4.1"),
    (".4.102.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1"),
    (".4.103", "MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1"),
    (".4.103.1", "Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1"),
    (".4.104", "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video"),
    (".4.104.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video"),
    (".4.105", "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video"),
    (".4.105.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video"),
    (".4.106", "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2"),
    (".4.106.1", "Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2"),
    (".4.107", "HEVC/H.265 Main Profile / Level 5.1"),
    (".4.108", "HEVC/H.265 Main 10 Profile / Level 5.1"),
    (".4.110", "JPEG XL Lossless"),
    (".4.111", "JPEG XL JPEG Recompression"),
    (".4.112", "JPEG XL"),
    (".4.201", "High-Throughput JPEG 2000 Image Compression (Lossless Only)"),
    (".4.202", "High-Throughput JPEG 2000 with RPCL Options Image Compression (Lossless Only)"),
    (".4.203", "High-Throughput JPEG 2000 Image Compression"),
    (".5", "RLE Lossless"),
    (".8.1", "Deflated Image Frame Compression"),
];

/// The others, whose pixel data is a plain value.
const PLAIN: [(&str, &str); 4] = [
    ("", "Implicit VR Little Endian: Default Transfer Syntax for DICOM"),
    (".1", "Explicit VR Little Endian"),
    (".1.99", "Deflated Explicit VR Little Endian"),
    (".2", "Explicit VR Big Endian (Retired)"),
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
