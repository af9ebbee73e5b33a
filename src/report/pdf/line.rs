//! Clusters to lines: where a paragraph breaks at a width, and in which order a line's clusters stand
//! (UAX 9 §3.4).

use std::ops::Range;

use unicode_bidi::{BidiInfo, Level};

use super::shape::{Cluster, Paragraph};

/// A line of a paragraph.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// Its clusters in logical order, without the white space at its end.
    pub(super) clusters: Range<usize>,
    /// Width in points.
    pub(super) width: f32,
}

impl Paragraph {
    /// Breaks the paragraph so that no line is wider than `width` points, if it can be: at the
    /// opportunities of UAX 14, and within a word only if that is wider than a whole line.
    pub(super) fn wrap(&self, width: f32) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut start = 0;
        let mut used = 0.0;
        let mut opportunity: Option<usize> = None;
        let mut index = 0;
        while let Some(cluster) = self.clusters.get(index) {
            let overflows = !cluster.is_space && index > start && used + cluster.advance > width + TOLERANCE;
            if overflows {
                let end = opportunity.filter(|at| *at > start).unwrap_or(index);
                lines.push(self.line(start..end));
                start = end;
                // What was read past the break is read again; it is less than a line.
                index = end;
                used = 0.0;
                opportunity = None;
                continue;
            }
            used += cluster.advance;
            index += 1;
            if cluster.may_break {
                opportunity = Some(index);
            }
        }
        lines.push(self.line(start..self.clusters.len()));
        lines
    }

    fn line(&self, clusters: Range<usize>) -> Line {
        let all = self.clusters.get(clusters.clone()).unwrap_or_default();
        let trailing = all.iter().rev().take_while(|cluster| cluster.is_space).count();
        let kept = all.get(..all.len() - trailing).unwrap_or_default();
        Line {
            clusters: clusters.start..clusters.end - trailing,
            width: kept.iter().map(|cluster| cluster.advance).sum(),
        }
    }

    /// Width of the paragraph on one line, in points.
    pub(super) fn width(&self) -> f32 {
        self.line(0..self.clusters.len()).width
    }

    /// The clusters of a line from left to right.
    pub(super) fn visual(&self, line: &Line) -> Vec<&Cluster> {
        let clusters = self.clusters.get(line.clusters.clone()).unwrap_or_default();
        let level_of = |cluster: &Cluster| self.runs.get(cluster.run).map_or(Level::ltr(), |run| run.level);
        if clusters.iter().all(|cluster| level_of(cluster).number() == 0) {
            return clusters.iter().collect();
        }
        let levels: Vec<Level> = clusters.iter().map(level_of).collect();
        BidiInfo::reorder_visual(&levels).into_iter().filter_map(|index| clusters.get(index)).collect()
    }
}

/// Points by which a line may be too long, for the errors of adding many widths.
const TOLERANCE: f32 = 0.01;

#[cfg(test)]
mod tests {
    use super::super::shape::Shaper;
    use super::super::style::Style;
    use super::*;

    fn lines(text: &str, width: f32) -> Vec<String> {
        let paragraph = Shaper::new(None, true).shape("test", text, Style::BODY).expect("has all glyphs");
        paragraph
            .wrap(width)
            .iter()
            .map(|line| {
                assert!(line.width <= width + TOLERANCE || line.clusters.len() == 1);
                paragraph.clusters[line.clusters.clone()]
                    .iter()
                    .map(|cluster| &paragraph.text[cluster.text.clone()])
                    .collect()
            })
            .collect()
    }

    fn visual(text: &str) -> String {
        let paragraph = Shaper::new(None, true).shape("test", text, Style::BODY).expect("has all glyphs");
        let line = paragraph.wrap(1000.0).remove(0);
        paragraph.visual(&line).iter().map(|cluster| &paragraph.text[cluster.text.clone()]).collect()
    }

    #[test]
    fn lines_end_between_words() {
        assert_eq!(lines("No focal lesion in the liver.", 64.0), ["No focal", "lesion in the", "liver."]);
        assert_eq!(lines("", 70.0), [""]);
        assert_eq!(lines("  two", 70.0), ["  two"]);
    }

    #[test]
    fn a_word_wider_than_the_line_is_cut() {
        let cut = lines("1.2.840.113619.2.55.3.604688119.971.1268065029.123", 60.0);
        assert!(cut.len() > 3);
        assert_eq!(cut.concat(), "1.2.840.113619.2.55.3.604688119.971.1268065029.123");
        assert_eq!(lines("ab", 1.0), ["a", "b"]);
    }

    #[test]
    fn han_breaks_anywhere_but_before_a_full_stop() {
        assert_eq!(lines("肺野に異常なし。", 9.8 * 7.5), ["肺野に異常な", "し。"]);
    }

    #[test]
    fn right_to_left_text_is_reordered_by_line() {
        assert_eq!(visual("CT של הבטן 12.5 mm"), "CT 12.5 ןטבה לש mm");
        assert_eq!(visual("גודל 12.5 ס״מ"), "מ״ס 12.5 לדוג");
    }
}
