//! The look of the document: sizes in points, colours in sRGB.

/// How a stretch of text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    /// Size in points.
    pub(super) size: f32,
    /// Whether it is bold.
    pub(super) bold: bool,
    /// Colour.
    pub(super) color: Color,
}

/// The colours in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Color {
    /// Text.
    Ink,
    /// Labels and details.
    Muted,
    /// Headings and rules that lead the eye.
    Accent,
    /// What must not be overlooked.
    Alert,
    /// Thin lines.
    Rule,
    /// Ground of boxes and table heads.
    Ground,
    /// Watermark.
    Shade,
}

impl Color {
    /// Red, green and blue, 0 to 1.
    pub(super) fn rgb(self) -> [f32; 3] {
        match self {
            Self::Ink => [0.10, 0.12, 0.14],
            Self::Muted => [0.36, 0.41, 0.46],
            Self::Accent => [0.09, 0.27, 0.42],
            Self::Alert => [0.68, 0.10, 0.12],
            Self::Rule => [0.80, 0.84, 0.87],
            Self::Ground => [0.95, 0.965, 0.975],
            Self::Shade => [0.55, 0.14, 0.16],
        }
    }
}

impl Style {
    const fn new(size: f32, bold: bool, color: Color) -> Self {
        Self { size, bold, color }
    }

    /// Narrative.
    pub(super) const BODY: Self = Self::new(9.8, false, Color::Ink);
    /// Title of the document.
    pub(super) const TITLE: Self = Self::new(17.0, true, Color::Ink);
    /// Heading of a section.
    pub(super) const HEADING: Self = Self::new(10.8, true, Color::Accent);
    /// State of the report, beside the title.
    pub(super) const STATE: Self = Self::new(8.6, true, Color::Accent);
    /// State of a report that must not be taken for a valid one.
    pub(super) const STATE_ALERT: Self = Self::new(8.6, true, Color::Alert);
    /// Organization in the letterhead.
    pub(super) const ORGANIZATION: Self = Self::new(13.5, true, Color::Accent);
    /// Lines under the organization; captions.
    pub(super) const SMALL: Self = Self::new(8.2, false, Color::Muted);
    /// Names of fields.
    pub(super) const LABEL: Self = Self::new(8.2, false, Color::Muted);
    /// Values of fields.
    pub(super) const VALUE: Self = Self::new(9.2, false, Color::Ink);
    /// Values that identify.
    pub(super) const STRONG: Self = Self::new(9.2, true, Color::Ink);
    /// Head of a table.
    pub(super) const HEAD: Self = Self::new(8.0, true, Color::Accent);
    /// Cells of a table.
    pub(super) const CELL: Self = Self::new(8.8, false, Color::Ink);
    /// Numbers in a table.
    pub(super) const NUMBER: Self = Self::new(8.8, true, Color::Ink);
    /// What must not be overlooked in a table.
    pub(super) const ALERT: Self = Self::new(8.8, true, Color::Alert);
    /// Codes and identifiers under a cell's text; the feet of pages.
    pub(super) const DETAIL: Self = Self::new(7.0, false, Color::Muted);
    /// Identifiers that are a value by themselves.
    pub(super) const DETAIL_INK: Self = Self::new(7.0, false, Color::Ink);
    /// The word across a page, before it is made as large as fits.
    pub(super) const WATERMARK: Self = Self::new(1.0, true, Color::Shade);

    /// Distance between base lines in points.
    pub(super) fn leading(self) -> f32 {
        self.size * 1.45
    }
}
