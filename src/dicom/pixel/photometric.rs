//! Photometric Interpretation (0028,0004). PS3.3 §C.7.6.3.1.2.

/// What the samples of a pixel mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Photometric {
    /// One sample; the smallest value is white.
    Monochrome1,
    /// One sample; the smallest value is black.
    Monochrome2,
    /// One sample, an index into the palette.
    PaletteColor,
    /// Red, green, blue.
    Rgb,
    /// Luminance and two chrominances of full range.
    YbrFull,
    /// As YBR_FULL, chrominances of each second pixel only.
    YbrFull422,
    /// Luminance and chrominances of video range, chrominances halved both ways: only in video.
    YbrPartial420,
    /// The irreversible multiple component transformation of JPEG 2000.
    YbrIct,
    /// The reversible multiple component transformation of JPEG 2000.
    YbrRct,
    /// The colour space of JPEG XL.
    Xyb,
}

impl Photometric {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Monochrome1, "MONOCHROME1"),
        (Self::Monochrome2, "MONOCHROME2"),
        (Self::PaletteColor, "PALETTE COLOR"),
        (Self::Rgb, "RGB"),
        (Self::YbrFull, "YBR_FULL"),
        (Self::YbrFull422, "YBR_FULL_422"),
        (Self::YbrPartial420, "YBR_PARTIAL_420"),
        (Self::YbrIct, "YBR_ICT"),
        (Self::YbrRct, "YBR_RCT"),
        (Self::Xyb, "XYB"),
    ];

    /// From the defined term; `None` for a retired or private one.
    pub fn of_term(term: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == term).map(|(photometric, _)| photometric)
    }

    /// The defined term.
    pub fn term(self) -> &'static str {
        Self::ALL.into_iter().find(|(photometric, _)| *photometric == self).map_or("", |(_, term)| term)
    }

    /// Samples of each pixel.
    pub fn samples(self) -> u16 {
        if matches!(self, Self::Monochrome1 | Self::Monochrome2 | Self::PaletteColor) { 1 } else { 3 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_go_both_ways() {
        for (photometric, term) in Photometric::ALL {
            assert_eq!(Photometric::of_term(term), Some(photometric));
            assert_eq!(photometric.term(), term);
        }
        assert_eq!(Photometric::of_term("HSV"), None);
    }
}
