//! Sections, coded findings and key images.

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
                Some(_) if kind == SectionKind::Findings && child.child(terms::TRACKING_ID).is_some() => {
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
                ItemValue::Text(id) if child.is(terms::TRACKING_ID) => finding.id = lines(id),
                ItemValue::Code(code) if child.is(terms::FINDING) => finding.code = Some(self.concept(code)),
                ItemValue::Code(_) if child.is(terms::FINDING_SITE) || child.is(terms::LATERALITY) => {
                    self.place(child, &position, &mut finding.body_site, &mut finding.laterality);
                }
                ItemValue::Code(code) if child.is(terms::SEVERITY) && severity(code).is_some() => {
                    finding.severity = severity(code);
                }
                ItemValue::Code(code) if child.is(terms::ACTIONABLE) && code.is(terms::ACTIONABLE_AT_ONCE) => {
                    finding.critical = true;
                }
                value => match image_of(value) {
                    Some(image) => finding.images.extend(self.images(&image, &position)),
                    None => self.keep_as_text(child, &position),
                },
            }
        }
        finding.id = unused(finding.id, 'f', self.findings.iter().map(|known| known.id.as_str()));
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
                Some(known) => *side = Some(known),
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
            match known {
                Some(known) => *side = Some(known),
                None => self.keep_as_text(below, &format!("{position}.{}", index + 1)),
            }
        }
    }

    /// The container of key images: captions with the image that they are inferred from, and images.
    pub(super) fn key_images(&mut self, container: &ContentItem, position: &str) {
        for (index, child) in container.children.iter().enumerate() {
            let position = format!("{position}.{}", index + 1);
            let mut images: Vec<ImageRef> = Vec::new();
            for item in std::iter::once(child).chain(&child.children) {
                if let Some(image) = image_of(&item.value) {
                    images.extend(self.images(&image, &position));
                }
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
                None if !images.is_empty() => {
                    self.key_images.extend(images.into_iter().map(|image| KeyImage { image, caption: None }));
                }
                None => self.keep_as_text(child, &position),
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

/// `id` if it is one and not taken, else the next free `f1`, `f2`.
pub(super) fn unused<'i>(id: String, prefix: char, taken: impl Iterator<Item = &'i str>) -> String {
    let taken: std::collections::HashSet<&str> = taken.collect();
    if !id.is_empty() && !taken.contains(id.as_str()) {
        return id;
    }
    let mut number = taken.len();
    loop {
        number += 1;
        let id = format!("{prefix}{number}");
        if !taken.contains(id.as_str()) {
            return id;
        }
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
