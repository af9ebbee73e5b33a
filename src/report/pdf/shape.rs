//! Text to glyphs: one paragraph is cut into runs of one direction, script, font and style (UAX 9,
//! UAX 24), shaped run by run, and kept as clusters in logical order, each with the text that it shows.
//! Lines are cut from clusters afterwards (`line`), so nothing is shaped twice.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::ops::Range;

use rustybuzz::ttf_parser::Tag;
use rustybuzz::{BufferClusterLevel, Direction, Feature, Language, Script, ShapePlan, UnicodeBuffer};
use unicode_bidi::Level;
use unicode_linebreak::{BreakOpportunity, linebreaks};
use unicode_script::UnicodeScript;
use unicode_segmentation::UnicodeSegmentation;

use crate::report::Losses;

use super::PdfError;
use super::direction::{Directions, is_rtl_language};
use super::fonts::{Face, FaceId, Families, Family, is_default_ignorable};
use super::items::{Item, LONGEST_GRAPHEME, add, is_real, iso15924};
use super::style::Style;

/// A stretch of text in one style.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span<'a> {
    /// Text without line breaks.
    pub(super) text: &'a str,
    /// Look.
    pub(super) style: Style,
}

/// A paragraph that has been shaped.
#[derive(Debug, Clone, Default)]
pub(super) struct Paragraph {
    /// The whole text.
    pub(super) text: String,
    /// Stretches with one font, style and direction.
    pub(super) runs: Vec<Run>,
    /// Clusters in logical order.
    pub(super) clusters: Vec<Cluster>,
    /// Glyphs of all clusters.
    pub(super) glyphs: Vec<Glyph>,
    /// Whether the paragraph as a whole runs from right to left.
    pub(super) is_rtl: bool,
    /// Greatest distance between base lines that a style in it asks for.
    pub(super) leading: f32,
}

/// What the glyphs of several clusters have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// Font file.
    pub(super) face: FaceId,
    /// Look.
    pub(super) style: Style,
    /// Embedding level; odd is right to left. UAX 9 §3.2.
    pub(super) level: Level,
}

/// The smallest piece of text that has glyphs of its own.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    /// Bytes of the paragraph's text.
    pub(super) text: Range<usize>,
    /// Its glyphs, from left to right.
    pub(super) glyphs: Range<usize>,
    /// Index of its run.
    pub(super) run: usize,
    /// Width in points.
    pub(super) advance: f32,
    /// Whether a line may end after it. UAX 14.
    pub(super) may_break: bool,
    /// Whether it is white space, which does not count at the end of a line.
    pub(super) is_space: bool,
}

/// A glyph; distances in thousandths of an em.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glyph {
    /// Number in the font file.
    pub(super) id: u16,
    /// How far the pen moves after it.
    pub(super) advance: f32,
    /// How far right of the pen it stands.
    pub(super) dx: f32,
    /// How far above the base line it stands.
    pub(super) dy: f32,
}

/// Shapes paragraphs and remembers what helps with the next one.
pub(super) struct Shaper {
    families: Families,
    plans: HashMap<(FaceId, bool, Option<Script>), ShapePlan>,
    language: Option<Language>,
    buffer: Option<UnicodeBuffer>,
    is_rtl_language: bool,
    is_strict: bool,
    /// Characters without a glyph, by the element that has them.
    missing: BTreeMap<String, BTreeSet<char>>,
}

impl Shaper {
    /// `language` is a BCP 47 tag and chooses between forms of the same character; `is_strict` makes a
    /// character without a glyph an error.
    pub(super) fn new(language: Option<&str>, is_strict: bool) -> Self {
        Self {
            families: Families::default(),
            plans: HashMap::new(),
            language: language.and_then(|tag| tag.parse().ok()),
            buffer: None,
            is_rtl_language: language.is_some_and(is_rtl_language),
            is_strict,
            missing: BTreeMap::new(),
        }
    }

    /// Shapes a text of one paragraph. `path` names the element of the report that it is from.
    pub(super) fn shape(&mut self, path: &str, text: &str, style: Style) -> Result<Paragraph, PdfError> {
        let directions = Directions::of_text(text, self.is_rtl_language);
        self.shape_spans(path, &[Span { text, style }], &directions)
    }

    /// Shapes words of a form with values between them, each piece a span.
    pub(super) fn shape_phrase(&mut self, path: &str, spans: &[Span<'_>]) -> Result<Paragraph, PdfError> {
        self.shape_spans(path, spans, &Directions::of_phrase(spans))
    }

    fn shape_spans(&mut self, path: &str, spans: &[Span<'_>], directions: &Directions) -> Result<Paragraph, PdfError> {
        let text: String = spans.iter().map(|span| span.text).collect();
        let leading = spans.iter().map(|span| span.style.leading()).fold(0.0, f32::max);
        let mut out = Paragraph { is_rtl: directions.is_rtl, leading, ..Paragraph::default() };
        for item in self.itemize(path, &text, spans, directions)? {
            self.shape_item(&text, &item, &mut out)?;
        }
        mark_breaks(&text, &mut out.clusters);
        out.text = text;
        Ok(out)
    }

    fn itemize(
        &mut self,
        path: &str,
        text: &str,
        spans: &[Span<'_>],
        directions: &Directions,
    ) -> Result<Vec<Item>, PdfError> {
        let mut items: Vec<Item> = Vec::new();
        let mut ends = spans
            .iter()
            .scan(0, |end, span| {
                *end += span.text.len();
                Some((*end, span.style))
            })
            .peekable();
        for (start, grapheme) in text.grapheme_indices(true) {
            while ends.peek().is_some_and(|(end, _)| *end <= start) {
                ends.next();
            }
            let Some((_, style)) = ends.peek().copied() else { break };
            let item = self.item(grapheme, start, style, directions, items.last())?;
            let is_short = grapheme.chars().nth(LONGEST_GRAPHEME).is_none();
            if item.family.is_some() && is_short || grapheme.chars().nth(1).is_none() {
                self.note_missing(path, grapheme, &item)?;
                add(&mut items, item, text);
                continue;
            }
            // No font has the whole grapheme, but each of its characters may have one; or it is none that
            // a language has.
            for (offset, character) in grapheme.char_indices() {
                let character = character.encode_utf8(&mut [0; 4]).to_owned();
                let item = self.item(&character, start + offset, style, directions, items.last())?;
                self.note_missing(path, &character, &item)?;
                add(&mut items, item, text);
            }
        }
        Ok(items)
    }

    fn item(
        &mut self,
        piece: &str,
        start: usize,
        style: Style,
        directions: &Directions,
        before: Option<&Item>,
    ) -> Result<Item, PdfError> {
        let level = directions.at(start);
        let current = before.filter(|item| item.style == style && item.level == level).and_then(|item| item.family);
        let script = piece.chars().map(|character| character.script()).find(|script| is_real(*script));
        let family = self.families.find(piece, script.is_none(), current)?;
        let script = script.and_then(|script| iso15924(script.short_name()));
        let unbroken = if piece == " " { 0 } else { piece.chars().count() };
        Ok(Item { text: start..start + piece.len(), style, level, family, script, unbroken })
    }

    fn note_missing(&mut self, path: &str, piece: &str, item: &Item) -> Result<(), PdfError> {
        let Some(character) = piece.chars().next().filter(|_| item.family.is_none()) else { return Ok(()) };
        if self.is_strict {
            return Err(PdfError::MissingGlyph { path: path.to_owned(), character });
        }
        if !self.missing.get(path).is_some_and(|known| known.contains(&character)) {
            self.missing.entry(path.to_owned()).or_default().insert(character);
        }
        Ok(())
    }

    /// The characters without a glyph, a loss for each element that has some.
    pub(super) fn losses(&self) -> Losses {
        let mut losses = Losses::new();
        for (path, characters) in &self.missing {
            let mut named: Vec<String> = characters
                .iter()
                .take(MOST_NAMED)
                .map(|character| format!("U+{:04X}", u32::from(*character)))
                .collect();
            if characters.len() > MOST_NAMED {
                named.push(format!("{} more", characters.len() - MOST_NAMED));
            }
            let detail = format!("no font has {}; numbers are printed in their place", named.join(", "));
            losses.add(path.as_str(), detail);
        }
        losses
    }

    fn shape_item(&mut self, text: &str, item: &Item, out: &mut Paragraph) -> Result<(), PdfError> {
        let Some(source) = text.get(item.text.clone()) else { return Ok(()) };
        let run = out.runs.len();
        let Some(family) = item.family else {
            // The number of the character stands for it: one cluster, so that what is read from the page
            // is the character itself.
            let mut shown = String::new();
            for character in source.chars().filter(|character| !is_default_ignorable(*character)) {
                let _ = write!(shown, "[U+{:04X}]", u32::from(character));
            }
            let face = FaceId::new(Family::MAIN, item.style.bold);
            let stand_in = Item { level: Level::ltr(), script: None, ..item.clone() };
            out.runs.push(Run { face, style: item.style, level: item.level });
            let shaped = self.shape_run(&shown, face.face()?, face, &stand_in);
            let first = out.glyphs.len();
            let size = item.style.size;
            let mut advance = 0.0;
            for (_, glyph) in shaped {
                advance += glyph.advance * size / 1000.0;
                out.glyphs.push(glyph);
            }
            let glyphs = first..out.glyphs.len();
            let text = item.text.clone();
            out.clusters.push(Cluster { text, glyphs, run, advance, may_break: false, is_space: false });
            return Ok(());
        };
        let face = FaceId::new(family, item.style.bold);
        let style = Style { size: item.style.size * family.enlarged(), ..item.style };
        out.runs.push(Run { face, style, level: item.level });
        let shaped = self.shape_run(source, face.face()?, face, item);
        collect(text, &item.text, style.size, run, shaped, out);
        Ok(())
    }

    /// Glyphs from left to right, each with the byte of `source` that its cluster begins at.
    fn shape_run(&mut self, source: &str, face: &Face, id: FaceId, item: &Item) -> Vec<(usize, Glyph)> {
        let direction = if item.level.is_rtl() { Direction::RightToLeft } else { Direction::LeftToRight };
        let mut buffer = self.buffer.take().unwrap_or_default();
        buffer.push_str(source);
        buffer.set_direction(direction);
        // Readers of PDF turn the order of right-to-left text round glyph by glyph, and most of them do
        // so within the text of one glyph too. So there each glyph shows one character: marks stay apart
        // from their letters, and ligatures that are not obligatory are off.
        let (level, features): (_, &[Feature]) = match direction {
            Direction::RightToLeft => (BufferClusterLevel::MonotoneCharacters, &[NO_LIGATURES]),
            _ => (BufferClusterLevel::MonotoneGraphemes, &[]),
        };
        buffer.set_cluster_level(level);
        if let Some(script) = item.script {
            buffer.set_script(script);
        }
        if let Some(language) = &self.language {
            buffer.set_language(language.clone());
        }
        buffer.guess_segment_properties();
        let script = Some(buffer.script());
        let language = self.language.as_ref();
        let plan = self
            .plans
            .entry((id, item.level.is_rtl(), script))
            .or_insert_with(|| ShapePlan::new(&face.shaper, direction, script, language, features));
        let shaped = rustybuzz::shape_with_plan(&face.shaper, plan, buffer);
        let glyphs = shaped.glyph_infos().iter().zip(shaped.glyph_positions());
        let glyphs = glyphs
            .map(|(info, position)| {
                let scaled = |units: i32| thousandths(units, face.scale);
                let glyph = Glyph {
                    id: u16::try_from(info.glyph_id).unwrap_or_default(),
                    advance: scaled(position.x_advance),
                    dx: scaled(position.x_offset),
                    dy: scaled(position.y_offset),
                };
                (usize::try_from(info.cluster).unwrap_or_default(), glyph)
            })
            .collect();
        self.buffer = Some(shaped.clear());
        glyphs
    }
}

/// Most characters that one loss names.
const MOST_NAMED: usize = 20;

const NO_LIGATURES: Feature = Feature { tag: Tag::from_bytes(b"liga"), value: 0, start: 0, end: u32::MAX };

fn collect(text: &str, item: &Range<usize>, size: f32, run: usize, shaped: Vec<(usize, Glyph)>, out: &mut Paragraph) {
    let first_cluster = out.clusters.len();
    for (offset, glyph) in shaped {
        let start = item.start + offset;
        let index = out.glyphs.len();
        out.glyphs.push(glyph);
        let advance = glyph.advance * size / 1000.0;
        let last = out.clusters.len().checked_sub(1).filter(|last| *last >= first_cluster);
        match last.and_then(|last| out.clusters.get_mut(last)).filter(|cluster| cluster.text.start == start) {
            Some(cluster) => {
                cluster.glyphs.end = index + 1;
                cluster.advance += advance;
            }
            None => out.clusters.push(Cluster {
                text: start..start,
                glyphs: index..index + 1,
                run,
                advance,
                may_break: false,
                is_space: false,
            }),
        }
    }
    // Invisible characters may have no glyph at all; their text goes with a neighbour's.
    if out.clusters.len() == first_cluster {
        if let Some(before) = out.clusters.last_mut() {
            before.text.end = item.end;
        }
        return;
    }
    let Some(clusters) = out.clusters.get_mut(first_cluster..) else { return };
    clusters.sort_by_key(|cluster| cluster.text.start);
    if let Some(first) = clusters.first_mut() {
        first.text.start = item.start;
    }
    let mut end = item.end;
    for cluster in clusters.iter_mut().rev() {
        cluster.text.end = end;
        end = cluster.text.start;
        let shown = text.get(cluster.text.clone()).unwrap_or_default();
        cluster.is_space =
            shown.chars().all(|character| matches!(character, ' ' | '\u{3000}' | '\u{2000}'..='\u{200a}'));
    }
}

fn mark_breaks(text: &str, clusters: &mut [Cluster]) {
    // At a soft hyphen a line would need a hyphen that is not in the text, so none ends there.
    let mut breaks = linebreaks(text)
        .filter(|(at, kind)| {
            *kind == BreakOpportunity::Allowed && !text.get(..*at).is_some_and(|t| t.ends_with('\u{ad}'))
        })
        .map(|(at, _)| at)
        .peekable();
    for cluster in clusters {
        while breaks.peek().is_some_and(|at| *at < cluster.text.end) {
            breaks.next();
        }
        cluster.may_break = breaks.peek() == Some(&cluster.text.end);
    }
}

#[expect(clippy::cast_precision_loss, reason = "distances within a font are below 2^24")]
fn thousandths(units: i32, scale: f32) -> f32 {
    units as f32 * scale
}
