//! The fonts that come with the program: which there are, which one has a glyph, what they measure.
//! Each is parsed once in a process, when it is first needed. Where they are from: `fonts/README.md`.

use std::collections::HashMap;
use std::sync::OnceLock;

use rustybuzz::ttf_parser::GlyphId;

use super::PdfError;

/// One font file: a family in a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FaceId {
    family: u8,
    bold: bool,
}

/// A parsed font file.
pub(super) struct Face {
    /// PostScript name.
    pub(super) name: &'static str,
    /// The file.
    pub(super) bytes: &'static [u8],
    /// Tables, ready for shaping.
    pub(super) shaper: rustybuzz::Face<'static>,
    /// Thousandths of an em in one font unit.
    pub(super) scale: f32,
}

impl FaceId {
    /// The font file of a family for a weight; families without a bold file give the regular one.
    pub(super) fn new(family: Family, bold: bool) -> Self {
        let has_bold = FAMILIES.get(usize::from(family.0)).is_some_and(|family| family.bold.is_some());
        Self { family: family.0, bold: bold && has_bold }
    }

    /// The name by which pages call the font.
    pub(super) fn resource_name(self) -> String {
        format!("T{}{}", self.family, if self.bold { "b" } else { "" })
    }

    /// Whether the strokes of the file are bold.
    pub(super) fn is_bold(self) -> bool {
        self.bold
    }

    /// The parsed file.
    pub(super) fn face(self) -> Result<&'static Face, PdfError> {
        let index = usize::from(self.family);
        let Some(family) = FAMILIES.get(index) else { return Err(PdfError::Font("unknown")) };
        let source = family.bold.as_ref().filter(|_| self.bold).unwrap_or(&family.regular);
        let cell = PARSED.get(index).and_then(|weights| weights.get(usize::from(self.bold)));
        cell.and_then(|cell| cell.get_or_init(|| source.parse()).as_ref()).ok_or(PdfError::Font(source.name))
    }
}

impl Face {
    /// Advance width of a glyph in thousandths of an em, rounded as it is written into `W`.
    #[expect(clippy::cast_possible_truncation, reason = "an advance is at most 65535 thousandths of a few ems")]
    pub(super) fn width(&self, glyph: u16) -> i64 {
        let advance = self.shaper.glyph_hor_advance(GlyphId(glyph)).unwrap_or_default();
        (f32::from(advance) * self.scale).round() as i64
    }
}

/// A font family; its number is its place in the order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Family(u8);

impl Family {
    /// Latin, Greek, Cyrillic and combining marks; everything that the program writes by itself.
    pub(super) const MAIN: Self = Self(0);

    /// How much larger the family is set than the main one.
    pub(super) fn enlarged(self) -> f32 {
        FAMILIES.get(usize::from(self.0)).map_or(1.0, |family| family.enlarged)
    }
}

/// Finds families for characters and remembers what it found.
#[derive(Default)]
pub(super) struct Families {
    of_character: HashMap<char, Option<Family>>,
}

impl Families {
    /// The family with glyphs for all of a grapheme's visible characters: `current` if it has them and
    /// the characters are `neutral` (punctuation, digits, spaces), else the first in order of
    /// preference. `None` if there is none.
    pub(super) fn find(
        &mut self,
        grapheme: &str,
        neutral: bool,
        current: Option<Family>,
    ) -> Result<Option<Family>, PdfError> {
        if let (true, Some(current)) = (neutral, current)
            && has_all(current, grapheme)?
        {
            return Ok(Some(current));
        }
        let mut characters = grapheme.chars();
        if let (Some(character), None) = (characters.next(), characters.next()) {
            if let Some(known) = self.of_character.get(&character) {
                return Ok(*known);
            }
            let found = first_with(grapheme)?;
            self.of_character.insert(character, found);
            return Ok(found);
        }
        first_with(grapheme)
    }
}

fn first_with(grapheme: &str) -> Result<Option<Family>, PdfError> {
    for index in 0..FAMILIES.len() {
        let Ok(index) = u8::try_from(index) else { break };
        if has_all(Family(index), grapheme)? {
            return Ok(Some(Family(index)));
        }
    }
    Ok(None)
}

fn has_all(family: Family, grapheme: &str) -> Result<bool, PdfError> {
    let face = FaceId::new(family, false).face()?;
    Ok(grapheme
        .chars()
        .filter(|character| !is_default_ignorable(*character))
        .all(|character| face.shaper.glyph_index(character).is_some()))
}

/// Whether a character is invisible by itself, so that no glyph need exist for it
/// (`Default_Ignorable_Code_Point` of DerivedCoreProperties.txt).
pub(super) fn is_default_ignorable(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

struct FamilyFiles {
    regular: Source,
    bold: Option<Source>,
    /// How much larger it is set, so that its letters look as large as those of the main family.
    enlarged: f32,
}

struct Source {
    name: &'static str,
    bytes: &'static [u8],
}

impl Source {
    fn parse(&self) -> Option<Face> {
        let shaper = rustybuzz::Face::from_slice(self.bytes, 0)?;
        #[expect(clippy::cast_precision_loss, reason = "units per em are at most 16384")]
        let scale = 1000.0 / shaper.units_per_em() as f32;
        Some(Face { name: self.name, bytes: self.bytes, shaper, scale })
    }
}

macro_rules! source {
    ($name:literal) => {
        Source { name: $name, bytes: include_bytes!(concat!("fonts/", $name, ".ttf")) }
    };
}

macro_rules! families {
    ($($regular:literal $(+ $bold:literal)? $(* $enlarged:literal)?),* $(,)?) => {
        [$(FamilyFiles {
            regular: source!($regular),
            bold: families!(@bold $($bold)?),
            enlarged: families!(@size $($enlarged)?),
        }),*]
    };
    (@bold $bold:literal) => { Some(source!($bold)) };
    (@bold) => { None };
    (@size $enlarged:literal) => { $enlarged };
    (@size) => { 1.0 };
}

/// In order of preference: the main family, symbols, then by script. Han, Kana and Hangul come last
/// because that font also has forms of characters that the others draw better.
static FAMILIES: [FamilyFiles; COUNT] = families![
    "NotoSans-Regular" + "NotoSans-Bold",
    "NotoNaskhArabic-Regular" + "NotoNaskhArabic-Bold" * 1.16,
    "NotoSansHebrew-Regular" + "NotoSansHebrew-Bold",
    "NotoSansDevanagari-Regular" + "NotoSansDevanagari-Bold",
    "NotoSansThai-Regular" + "NotoSansThai-Bold",
    "NotoSansBengali-Regular",
    "NotoSansTamil-Regular",
    "NotoSansGujarati-Regular",
    "NotoSansGurmukhi-Regular",
    "NotoSansTelugu-Regular",
    "NotoSansKannada-Regular",
    "NotoSansMalayalam-Regular",
    "NotoSansSinhala-Regular",
    "NotoSansKhmer-Regular",
    "NotoSansLao-Regular",
    "NotoSansMyanmar-Regular",
    "NotoSansEthiopic-Regular",
    "NotoSansArmenian-Regular",
    "NotoSansGeorgian-Regular",
    "DejaVuSansSymbols",
    "DroidSansFallback",
    "DroidSansFallbackExtA",
];

const COUNT: usize = 22;

static PARSED: [[OnceLock<Option<Face>>; 2]; COUNT] = [const { [const { OnceLock::new() }; 2] }; COUNT];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_font_can_be_read() {
        for index in 0..COUNT {
            for bold in [false, true] {
                let id = FaceId::new(Family(u8::try_from(index).expect("few")), bold);
                let face = id.face().expect("readable");
                assert!(face.width(face.shaper.glyph_index(' ').map_or(0, |glyph| glyph.0)) > 0, "{}", face.name);
            }
        }
    }

    #[test]
    fn characters_of_many_scripts_have_a_font() {
        let mut families = Families::default();
        let text = "aßçĀωΩяЇ٣لمگשןकกঅதગਗతಕമකកກမሀաა山田々ァー가힣㐀①→≤≥≈±µ²°×•–“”…™℃Å①■●✓";
        for character in text.chars() {
            assert!(families.find(&character.to_string(), false, None).expect("fonts").is_some(), "{character}");
        }
        assert_eq!(families.find("\u{1f600}", false, None).expect("fonts"), None);
        let accented = families.find("x\u{302}\u{323}", false, None).expect("fonts");
        assert_eq!(accented, Some(Family::MAIN));
    }
}
