//! The document from top to bottom, and its way through printpdf.

use std::collections::BTreeMap;

use printpdf::{PdfDocument, PdfPage, PdfSaveOptions, Pt, Rect, XObject, XObjectId};

use crate::report::model::SectionKind;
use crate::report::{Losses, PageSize, Rendered, Rendering, Twin};

use super::block::Block;
use super::finish::finish;
use super::flow::{Flow, Heading, SIDE};
use super::picture::Picture;
use super::references::References;
use super::shape::Shaper;
use super::style::{Color, Style};
use super::xmp::{DIGEST_SCHEME, Metadata};
use super::{Embedded, PdfError, findings, foot, head, measurements, pictures, signature};

/// The report as PDF/A-3b (ISO 19005-3) with `embedded` attached. A character that no shipped font has is
/// printed as its number and named in the losses.
pub fn render(rendering: &Rendering<'_>, embedded: &[Embedded<'_>]) -> Result<Rendered, PdfError> {
    write(rendering, embedded, false)
}

/// As [`render`], but a character that no shipped font has is an error.
pub fn render_strict(rendering: &Rendering<'_>, embedded: &[Embedded<'_>]) -> Result<Rendered, PdfError> {
    write(rendering, embedded, true)
}

/// A document that is being written, and what it is written from.
pub(super) struct Draft<'a> {
    /// What is to be shown.
    pub(super) rendering: &'a Rendering<'a>,
    /// Files to be attached.
    pub(super) embedded: &'a [Embedded<'a>],
    /// Text to glyphs.
    pub(super) shaper: Shaper,
    /// Pages.
    pub(super) flow: Flow,
    /// Images by the name that pages call them by.
    pub(super) images: BTreeMap<String, XObject>,
    /// The images that the report refers to, numbered.
    pub(super) references: References<'a>,
    /// What is not shown.
    pub(super) losses: Losses,
}

fn write(rendering: &Rendering<'_>, embedded: &[Embedded<'_>], is_strict: bool) -> Result<Rendered, PdfError> {
    let page = match rendering.letterhead.page_size {
        PageSize::A4 => [595.28, 841.89],
        PageSize::Letter => [612.0, 792.0],
    };
    let mut draft = Draft {
        rendering,
        embedded,
        shaper: Shaper::new(rendering.report.language.as_deref(), is_strict),
        flow: Flow::new(page),
        images: BTreeMap::new(),
        references: References::of(rendering.report),
        losses: rendering.missing.clone(),
    };
    head::letterhead(&mut draft)?;
    head::title(&mut draft)?;
    head::facts(&mut draft)?;
    sections(&mut draft)?;
    findings::write(&mut draft)?;
    measurements::write(&mut draft)?;
    pictures::write(&mut draft)?;
    signature::write(&mut draft)?;
    super::references::write(&mut draft)?;
    foot::write(&mut draft)?;
    draft.into_file()
}

fn sections(draft: &mut Draft<'_>) -> Result<(), PdfError> {
    let report = draft.rendering.report;
    for (kind, text) in report.sections.present() {
        let path = format!("sections.{}", kind.json_name());
        let bar = (kind == SectionKind::Impression).then_some(Color::Accent);
        let width = draft.flow.width();
        let block = Block::of(&mut draft.shaper, &path, text, Style::BODY, width)?;
        draft.heading(kind.heading())?.write(&mut draft.flow, block.height_of(0..2))?;
        draft.flow.block(&block, SIDE, bar)?;
    }
    Ok(())
}

impl Draft<'_> {
    /// The heading of a part of the document.
    pub(super) fn heading(&mut self, title: &'static str) -> Result<Heading, PdfError> {
        let block = Block::of(&mut self.shaper, "", title, Style::HEADING, self.flow.width())?;
        Ok(Heading { title, block })
    }

    /// Keeps an image for the pages under a name.
    pub(super) fn keep_image(&mut self, name: &str, picture: Picture) {
        self.images.insert(name.to_owned(), picture.object);
    }

    fn into_file(self) -> Result<Rendered, PdfError> {
        let Rendering { report, edition, content_digest, public_url, .. } = self.rendering;
        let document = format!("{public_url}/fhir/r4/DiagnosticReport/{}", report.id);
        let metadata = Metadata {
            title: format!("{} · {}", report.code.display, report.id),
            author: report.author.name.to_display(),
            language: report.language.clone().unwrap_or_else(|| "en".to_owned()),
            identifier: format!("{DIGEST_SCHEME}{content_digest}"),
            instance: format!("{document}/_history/{}", edition.version),
            document,
            version: edition.version.to_string(),
            date: edition.recorded_at,
        };
        let mut pdf = PdfDocument::new(&metadata.title);
        pdf.resources.xobjects.map = self.images.into_iter().map(|(name, image)| (XObjectId(name), image)).collect();
        let [width, height] = self.flow.page.map(Pt);
        let whole = Rect::from_wh(width, height);
        let page = |ops| PdfPage { media_box: whole.clone(), trim_box: whole.clone(), crop_box: whole.clone(), ops };
        pdf.pages = self.flow.sheets.into_iter().map(|sheet| page(sheet.ops)).collect();
        // Its warnings speak of fonts that it does not find: they are added afterwards.
        let written = pdf.to_lopdf_document(&PdfSaveOptions::default(), &mut Vec::new());
        let bytes = finish(written, &self.flow.glyphs, &metadata, &self.flow.marks, self.embedded)?;
        let mut losses = self.losses;
        losses.0.extend(self.shaper.losses().0);
        Ok(Rendered { twin: Twin::Pdf, bytes, sop: None, losses })
    }
}
