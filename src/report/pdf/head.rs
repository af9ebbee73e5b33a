//! The first page's top: letterhead, title and state, who was examined and what for.

use crate::base::Date;
use crate::report::Concept;

use super::PdfError;
use super::block::Block;
use super::content::Draft;
use super::flow::SIDE;
use super::picture::Picture;
use super::shape::Span;
use super::style::{Color, Style};
use super::words;

/// Organization, its lines and its logo.
pub(super) fn letterhead(draft: &mut Draft<'_>) -> Result<(), PdfError> {
    let letterhead = draft.rendering.letterhead;
    let logo = letterhead.logo.as_deref().map(|bytes| Picture::read(bytes).map_err(PdfError::Logo)).transpose()?;
    let lines = letterhead.lines.iter().filter(|line| !line.is_empty());
    if letterhead.organization.is_empty() && lines.clone().next().is_none() && logo.is_none() {
        return Ok(());
    }
    let size = logo.as_ref().map_or([0.0, 0.0], |logo| fitted(logo, LOGO));
    let [logo_width, logo_height] = size;
    let width = draft.flow.width() - if logo.is_some() { logo_width + 16.0 } else { 0.0 };
    let mut block = Block::new(width);
    if !letterhead.organization.is_empty() {
        block.push(&mut draft.shaper, "letterhead.organization", &letterhead.organization, Style::ORGANIZATION)?;
    }
    for line in lines {
        block.push(&mut draft.shaper, "letterhead.lines", line, Style::SMALL)?;
    }
    let top = draft.flow.y;
    let height = block.height().max(logo_height);
    if let Some(logo) = logo {
        draft.keep_image("Logo", logo);
        let x = SIDE + draft.flow.width() - logo_width;
        if let Some((sheet, _)) = draft.flow.sheet() {
            sheet.image("Logo", [x, top, logo_width, logo_height]);
        }
    }
    if block.height() <= draft.flow.room() / 2.0 {
        if let Some((sheet, glyphs)) = draft.flow.sheet() {
            block.draw_all(sheet, glyphs, [SIDE, top + (height - block.height()) / 2.0])?;
        }
        draft.flow.y = top + height;
    } else {
        draft.flow.block(&block, SIDE, None)?;
    }
    let (y, width) = (draft.flow.y + 8.0, draft.flow.width());
    if let Some((sheet, _)) = draft.flow.sheet() {
        sheet.rule(SIDE, y, width, 1.4, Color::Accent);
    }
    draft.flow.y = y + 1.4;
    Ok(())
}

/// What kind of report it is, and its state.
pub(super) fn title(draft: &mut Draft<'_>) -> Result<(), PdfError> {
    let report = draft.rendering.report;
    draft.flow.y += 14.0;
    let style = if report.status.is_verified() { Style::STATE } else { Style::STATE_ALERT };
    let state = Block::of(&mut draft.shaper, "status", words::state(report.status), style, 160.0)?;
    let state_width = state.used_width() + 16.0;
    let width = draft.flow.width() - state_width - 16.0;
    let mut block = Block::of(&mut draft.shaper, "code.display", &report.code.display, Style::TITLE, width)?;
    block.push(&mut draft.shaper, "code", &words::code(&report.code), Style::DETAIL)?;
    draft.flow.mark(&report.code.display);
    let (x, y) = (SIDE + draft.flow.width() - state_width, draft.flow.y + 5.0);
    if let Some((sheet, glyphs)) = draft.flow.sheet() {
        sheet.fill([x, y, state_width, state.height() + 5.0], Color::Ground);
        sheet.fill([x, y, 2.0, state.height() + 5.0], style.color);
        state.draw_all(sheet, glyphs, [x + 9.0, y + 2.5])?;
    }
    draft.flow.block(&block, SIDE, None)?;
    draft.flow.y += 8.0;
    Ok(())
}

/// Patient on the left, study and order on the right; and the head of all further pages.
pub(super) fn facts(draft: &mut Draft<'_>) -> Result<(), PdfError> {
    let column = (draft.flow.width() - 2.0 * PAD - 18.0) / 2.0;
    let left = patient(draft, column)?;
    let right = study(draft, column)?;
    let height = |facts: &[Fact]| facts.iter().map(Fact::height).sum::<f32>();
    let below = study_uid(draft, draft.flow.width() - 2.0 * PAD)?;
    let columns_height = height(&left).max(height(&right));
    let box_height = columns_height + height(&below) + 2.0 * PAD - 2.0;
    set_running_head(draft)?;
    if box_height > draft.flow.room() {
        for fact in left.iter().chain(&right).chain(&below) {
            draft.flow.block(&fact.label, SIDE, None)?;
            draft.flow.block(&fact.value, SIDE + LABEL_WIDTH, None)?;
        }
        return Ok(());
    }
    let (top, width) = (draft.flow.y, draft.flow.width());
    if let Some((sheet, glyphs)) = draft.flow.sheet() {
        sheet.fill([SIDE, top, width, box_height], Color::Ground);
        let places =
            [(left, SIDE + PAD, 0.0), (right, SIDE + PAD + column + 18.0, 0.0), (below, SIDE + PAD, columns_height)];
        for (facts, x, down) in places {
            let mut y = top + PAD - 1.0 + down;
            for fact in facts {
                // Both stand on one base line.
                fact.label.draw_all(sheet, glyphs, [x, y + 1.0])?;
                fact.value.draw_all(sheet, glyphs, [x + LABEL_WIDTH, y])?;
                y += fact.height();
            }
        }
    }
    draft.flow.y = top + box_height;
    Ok(())
}

struct Fact {
    label: Block,
    value: Block,
}

impl Fact {
    fn height(&self) -> f32 {
        self.label.height().max(self.value.height()) + 1.0
    }
}

struct Facts<'d, 'a> {
    draft: &'d mut Draft<'a>,
    width: f32,
    list: Vec<Fact>,
}

impl Facts<'_, '_> {
    /// Adds a value with its label, and a line of details under it. Empty values are left out.
    fn add(&mut self, label: &str, path: &str, value: &str, style: Style, detail: &str) -> Result<(), PdfError> {
        if value.is_empty() && detail.is_empty() {
            return Ok(());
        }
        let label = Block::of(&mut self.draft.shaper, "", label, Style::LABEL, LABEL_WIDTH - 4.0)?;
        let mut block = Block::new(self.width - LABEL_WIDTH);
        if !value.is_empty() {
            block.push_phrase(&mut self.draft.shaper, path, &[Span { text: value, style }])?;
        }
        if !detail.is_empty() {
            block.push_phrase(&mut self.draft.shaper, path, &[Span { text: detail, style: Style::DETAIL }])?;
        }
        self.list.push(Fact { label, value: block });
        Ok(())
    }

    fn add_concept(&mut self, label: &str, path: &str, concept: Option<&Concept>) -> Result<(), PdfError> {
        let Some(concept) = concept else { return Ok(()) };
        self.add(label, path, &concept.display, Style::VALUE, &words::code(concept))
    }
}

fn patient(draft: &mut Draft<'_>, width: f32) -> Result<Vec<Fact>, PdfError> {
    let patient = &draft.rendering.report.patient;
    let mut facts = Facts { draft, width, list: Vec::new() };
    facts.add("Patient", "patient.name", &patient.name.to_display(), Style::STRONG, "")?;
    facts.add("", "patient.name", &words::other_scripts(&patient.name), Style::VALUE, "")?;
    let issuer = patient.issuer.as_deref().map(|issuer| format!("issued by {issuer}")).unwrap_or_default();
    facts.add("Patient ID", "patient.id", &patient.id, Style::STRONG, &issuer)?;
    let birth_date = patient.birth_date.as_ref().map_or("", Date::as_str);
    facts.add("Date of birth", "patient.birthDate", birth_date, Style::VALUE, "")?;
    facts.add("Sex", "patient.sex", patient.sex.map_or("", words::sex), Style::VALUE, "")?;
    let order = draft_order(facts.draft);
    facts.add("Placer order", "order.placerNumber", order.0, Style::VALUE, "")?;
    facts.add("Filler order", "order.fillerNumber", order.1, Style::VALUE, "")?;
    facts.add_concept("Procedure", "order.procedureCode", order.2)?;
    Ok(facts.list)
}

fn draft_order<'a>(draft: &Draft<'a>) -> (&'a str, &'a str, Option<&'a Concept>) {
    draft.rendering.report.order.as_ref().map_or(("", "", None), |order| {
        let placer = order.placer_number.as_deref().unwrap_or_default();
        let filler = order.filler_number.as_deref().unwrap_or_default();
        (placer, filler, order.procedure_code.as_ref())
    })
}

fn study(draft: &mut Draft<'_>, width: f32) -> Result<Vec<Fact>, PdfError> {
    let study = &draft.rendering.report.study;
    let mut facts = Facts { draft, width, list: Vec::new() };
    let date = study.study_date.as_ref().map_or("", Date::as_str);
    let time = study.study_time.as_ref().map_or("", |time| time.as_str());
    facts.add("Study date", "study.studyDate", format!("{date} {time}").trim(), Style::STRONG, "")?;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    facts.add("Accession no.", "study.accessionNumber", &text(&study.accession_number), Style::STRONG, "")?;
    facts.add("Study", "study.description", &text(&study.description), Style::VALUE, "")?;
    facts.add("Modality", "study.modality", &text(&study.modality), Style::VALUE, "")?;
    facts.add_concept("Body part", "study.bodySite", study.body_site.as_ref())?;
    if let Some(name) = &study.referring_physician {
        facts.add("Referred by", "study.referringPhysician", &name.to_display(), Style::VALUE, "")?;
        facts.add("", "study.referringPhysician", &words::other_scripts(name), Style::VALUE, "")?;
    }
    Ok(facts.list)
}

/// The UID, which needs the whole width.
fn study_uid(draft: &mut Draft<'_>, width: f32) -> Result<Vec<Fact>, PdfError> {
    let uid = draft.rendering.report.study.study_instance_uid.as_str();
    let mut facts = Facts { draft, width, list: Vec::new() };
    facts.add("Study UID", "study.studyInstanceUID", uid, Style::VALUE, "")?;
    Ok(facts.list)
}

fn set_running_head(draft: &mut Draft<'_>) -> Result<(), PdfError> {
    let report = draft.rendering.report;
    let name = report.patient.name.to_display();
    let name = if name.is_empty() { words::other_scripts(&report.patient.name) } else { name };
    let born = report.patient.birth_date.as_ref().map(|date| format!("born {date}")).unwrap_or_default();
    let accession = report.study.accession_number.as_deref().map(|number| format!("accession {number}"));
    let id = format!("ID {}", report.patient.id);
    let accession = accession.unwrap_or_default();
    let style = Style::DETAIL;
    let bold = Style { bold: true, ..style };
    let mut spans = vec![Span { text: &name, style: bold }];
    for text in [id.as_str(), &born, &accession, &report.code.display].into_iter().filter(|text| !text.is_empty()) {
        spans.extend([Span { text: words::DOT, style }, Span { text, style }]);
    }
    let mut block = Block::new(draft.flow.width());
    block.push_phrase(&mut draft.shaper, "patient.name", &spans)?;
    // A head that fills the page would leave no room for anything else.
    if block.len() <= MOST_HEAD_LINES {
        draft.flow.set_running_head(block);
    }
    Ok(())
}

/// The size at which an image fills a frame without being distorted.
#[expect(clippy::cast_precision_loss, reason = "sides are below 2^24 pixels")]
pub(super) fn fitted(picture: &Picture, [width, height]: [f32; 2]) -> [f32; 2] {
    let (pixels_wide, pixels_high) = (picture.width as f32, picture.height as f32);
    let scale = (width / pixels_wide).min(height / pixels_high);
    [pixels_wide * scale, pixels_high * scale]
}

const LOGO: [f32; 2] = [150.0, 54.0];
const PAD: f32 = 9.0;
const LABEL_WIDTH: f32 = 68.0;
const MOST_HEAD_LINES: usize = 6;
