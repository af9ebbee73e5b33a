//! Sections, coded findings and key images.

use std::collections::HashSet;

use crate::base::Uid;
use crate::dicom::code::{Code, Term};
use crate::dicom::sr::{ContentItem, ImageReference, ItemValue, SopReference};

use super::super::super::model::{Concept, Finding, ImageRef, KeyImage, Laterality, SectionKind, Severity};
use super::super::terms;
use super::{Reading, append, line, lines};

impl Reading<'_> {
    /// A heading container. `is_near` says that the heading is not the section's own: it is kept in front
    /// of the text.
    pub(super) fn section(&mut self, kind: SectionKind, container: &ContentItem, is_near: bool, position: &str) {
        let mut pieces: Vec<String> = Vec::new();
        for (index, child) in container.children.iter().enumerate() {
            let position = format!("{position}.{}", index + 1);
            match child.as_text() {
                Some(_) if kind == SectionKind::Findings && child.child(terms::FINDING_ID).is_some() => {
                    let finding = self.finding(child, &position);
                    self.findings.push(finding);
                }
                Some(text) => {
                    pieces.push(lines(text));
                    for (index, below) in child.children.iter().enumerate() {
                        let below_position = format!("{position}.{}", index + 1);
                        let text = self.as_lines(below, &below_position);
                        if !text.is_empty() {
                            self.lose(&below_position, "is kept as text below its parent");
                        }
                        pieces.extend(text.into_iter().map(|line| format!("  {line}")));
                    }
                }
                None => {
                    self.measured_in_text(child, &position);
                    let text = self.as_lines(child, &position);
                    if !text.is_empty() {
                        self.lose(&position, "is kept as text of its section");
                    }
                    pieces.extend(text);
                }
            }
        }
        if pieces.is_empty() {
            return;
        }
        let mut text = pieces.join("\n");
        if is_near {
            let heading = container.concept.as_ref().map(|concept| line(&concept.meaning)).unwrap_or_default();
            self.lose(position, "has a heading that stands in front of its text now");
            text = format!("{heading}:\n{text}");
        }
        append(self.sections.slot(kind), &text);
    }

    /// Our way of writing a coded finding: a text with its codes as properties.
    fn finding(&mut self, item: &ContentItem, position: &str) -> Finding {
        let mut finding = Finding {
            id: String::new(),
            code: None,
            text: item.as_text().map(lines).unwrap_or_default(),
            body_site: None,
            laterality: None,
            severity: None,
            critical: false,
            images: Vec::new(),
        };
        for (index, child) in item.children.iter().enumerate() {
            let position = format!("{position}.{}", index + 1);
            match &child.value {
                ItemValue::Text(id) if child.is(terms::FINDING_ID) && finding.id.is_empty() => finding.id = lines(id),
                ItemValue::Code(code) if child.is(terms::FINDING) && finding.code.is_none() => {
                    finding.code = Some(self.concept(code));
                }
                ItemValue::Code(_) if child.is(terms::FINDING_SITE) || child.is(terms::LATERALITY) => {
                    self.place(child, &position, &mut finding.body_site, &mut finding.laterality);
                    continue;
                }
                ItemValue::Code(code) if child.is(terms::SEVERITY) && severity(code).is_some() => {
                    finding.severity = severity(code);
                }
                ItemValue::Code(code) if child.is(terms::ACTIONABLE) && code.is(terms::ACTIONABLE_AT_ONCE) => {
                    finding.critical = true;
                }
                value => match image_of(value) {
                    Some(image) => finding.images.extend(self.images(&image, &position)),
                    None => {
                        self.keep_as_text(child, &position);
                        continue;
                    }
                },
            }
            self.keep_below(child, &position);
        }
        finding.id = self.finding_ids.take(finding.id, 'f');
        finding
    }

    /// A finding site with its side, or the side alone.
    pub(super) fn place(
        &mut self,
        item: &ContentItem,
        position: &str,
        site: &mut Option<Concept>,
        side: &mut Option<Laterality>,
    ) {
        let Some(code) = item.as_code() else { return };
        if item.is(terms::LATERALITY) {
            match laterality(code) {
                Some(known) => {
                    *side = Some(known);
                    self.keep_below(item, position);
                }
                None => self.keep_as_text(item, position),
            }
            return;
        }
        if site.is_some() {
            self.keep_as_text(item, position);
            return;
        }
        *site = Some(self.concept(code));
        for (index, below) in item.children.iter().enumerate() {
            let known = below.as_code().filter(|_| below.is(terms::LATERALITY)).and_then(laterality);
            let position = format!("{position}.{}", index + 1);
            match known {
                Some(known) => {
                    *side = Some(known);
                    self.keep_below(below, &position);
                }
                None => self.keep_as_text(below, &position),
            }
        }
    }

    /// The container of key images: captions with the image that they are inferred from, and images.
    pub(super) fn key_images(&mut self, container: &ContentItem, position: &str) {
        for (index, child) in container.children.iter().enumerate() {
            let position = format!("{position}.{}", index + 1);
            let mut images: Vec<ImageRef> = Vec::new();
            if let Some(image) = image_of(&child.value) {
                images.extend(self.images(&image, &position));
            } else if child.as_text().is_none() {
                self.keep_as_text(child, &position);
                continue;
            }
            for (index, below) in child.children.iter().enumerate() {
                let position = format!("{position}.{}", index + 1);
                match image_of(&below.value) {
                    Some(image) if below.children.is_empty() => images.extend(self.images(&image, &position)),
                    _ => self.keep_as_text(below, &position),
                }
            }
            for image in &images {
                self.key_instances.insert((image.sop_instance_uid.clone(), image.frame));
            }
            match child.as_text() {
                Some(text) if images.is_empty() => {
                    if self.is_own {
                        self.lose(&position, "is the caption of an image that could not be referred to");
                    } else {
                        self.lose(&position, "is kept as text in the findings");
                        self.rest.push(lines(text));
                    }
                }
                Some(text) => {
                    let caption = Some(lines(text));
                    self.key_images
                        .extend(images.into_iter().map(|image| KeyImage { image, caption: caption.clone() }));
                }
                None => {
                    self.key_images.extend(images.into_iter().map(|image| KeyImage { image, caption: None }));
                }
            }
        }
    }
}

/// The instance that an item refers to, whatever its value type says of it.
pub(super) fn image_of(value: &ItemValue) -> Option<ImageReference> {
    let whole = |sop: &SopReference| ImageReference { sop: sop.clone(), frames: Vec::new(), rest: Vec::new() };
    match value {
        ItemValue::Image(image) => Some(image.clone()),
        ItemValue::Composite(sop) | ItemValue::Waveform(sop, _) => {
            Uid::parse(&sop.sop_instance_uid).ok().map(|_| whole(sop))
        }
        _ => None,
    }
}

pub(super) fn laterality(code: &Code) -> Option<Laterality> {
    Laterality::ALL.iter().copied().find(|side| code.is(terms::laterality(*side)))
}

fn severity(code: &Code) -> Option<Severity> {
    Severity::ALL.iter().copied().find(|known| code.is(terms::severity(*known)))
}

/// The ids of findings or of measurements.
#[derive(Default)]
pub(super) struct Ids {
    taken: HashSet<String>,
    last: usize,
}

impl Ids {
    /// `id` if it is one and not taken, else the next free `f1`, `f2`; it is taken from then on. Numbers
    /// are never tried twice, so that a document cannot make this slow.
    pub(super) fn take(&mut self, id: String, prefix: char) -> String {
        let mut id = id;
        while id.is_empty() || !self.taken.insert(id.clone()) {
            self.last += 1;
            id = format!("{prefix}{}", self.last);
        }
        id
    }
}

/// The section that a heading stands for, and whether the heading is another than the section's own.
pub(super) fn section_of(concept: &Code) -> Option<(SectionKind, bool)> {
    let own = SectionKind::ALL.into_iter().find(|kind| {
        let is = |codes| concept.is(terms::heading(*kind, codes).0);
        is(terms::HeadingCodes::Ln) || is(terms::HeadingCodes::Dcm)
    });
    let near =
        || terms::NEAR_HEADINGS.iter().find(|(term, _): &&(Term, _)| concept.is(*term)).map(|(_, kind)| (*kind, true));
    own.map(|kind| (kind, false)).or_else(near)
}
