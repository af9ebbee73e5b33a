//! What stands directly under the root.

use crate::dicom::code::Code;
use crate::dicom::sr::{ContentItem, ItemValue, Relationship};

use super::super::super::Report;
use super::super::super::model::PersonName;
use super::super::terms::{self, HeadingCodes, OWN_SCHEME};
use super::super::write::UNDETERMINED;
use super::finding::section_of;
use super::{Reading, append, line, lines};

impl Reading<'_> {
    /// Reads the tree into the report's content.
    pub(super) fn content(&mut self, root: &ContentItem, report: &mut Report) {
        let mut procedure = None;
        for (index, child) in root.children.iter().enumerate() {
            let position = format!("1.{}", index + 1);
            if self.context(child, report, &mut procedure, &position) {
                continue;
            }
            let heading = child.concept.as_ref().filter(|_| matches!(child.value, ItemValue::Container { .. }));
            match heading {
                Some(heading) if is_key_images(heading) => self.key_images(child, &position),
                Some(heading) if heading.is(terms::IMAGING_MEASUREMENTS) || heading.is(terms::DERIVED_MEASUREMENTS) => {
                    self.measurement_groups(child, &position);
                }
                Some(heading) if heading.is(terms::IMAGE_LIBRARY) => {
                    self.lose(&position, "is an image library, which is not carried");
                }
                Some(heading) => match section_of(heading) {
                    Some((kind, is_near)) => self.section(kind, child, is_near, &position),
                    None => self.keep_as_text(child, &position),
                },
                None => self.unheaded(child, &position),
            }
        }
        if !self.is_own {
            self.title(root.concept.as_ref(), procedure, report);
            if report.author.name == PersonName::default() {
                self.losses.add("author", "is not said");
            }
        }
    }

    /// Context of the whole document: language, people, procedure, acquisition. Says whether the item
    /// was one of them.
    fn context(
        &mut self,
        item: &ContentItem,
        report: &mut Report,
        procedure: &mut Option<Code>,
        position: &str,
    ) -> bool {
        match &item.value {
            ItemValue::Code(code) if item.is(terms::LANGUAGE) && report.language.is_none() => {
                report.language = Some(line(&code.value)).filter(|tag| tag != UNDETERMINED);
            }
            ItemValue::Code(code) if item.is(terms::OBSERVER_TYPE) && code.is(terms::PERSON) => {}
            ItemValue::Code(code) if item.is(terms::PROCEDURE_REPORTED) && procedure.is_none() => {
                *procedure = Some(code.clone());
            }
            ItemValue::Code(code) if item.is(terms::MODALITY) && is_of_images(item) => {
                report.study.modality = Some(line(&code.value));
            }
            ItemValue::Code(code) if item.is(terms::TARGET_REGION) && is_of_images(item) => {
                report.study.body_site = Some(self.concept(code));
            }
            ItemValue::PersonName(name) if item.is(terms::PERSON_OBSERVER_NAME) => {
                return self.author_in_content(item, name, report, position);
            }
            ItemValue::Code(code) if item.is(terms::OBSERVER_ROLE) && report.author.role.is_empty() => {
                report.author.role = line(&code.meaning);
            }
            _ => return false,
        }
        self.keep_below(item, position);
        true
    }

    /// The author's name and role; another name than the one in the document's header is a second
    /// observer.
    fn author_in_content(&mut self, item: &ContentItem, name: &str, report: &mut Report, position: &str) -> bool {
        let name = self.name(&line(name), "author.name");
        if report.author.name == PersonName::default() {
            report.author.name = name;
        } else if report.author.name != name {
            return false;
        }
        for child in &item.children {
            match child.as_text() {
                Some(role) if child.is(terms::OBSERVER_ROLE) && report.author.role.is_empty() => {
                    report.author.role = lines(role);
                    self.keep_below(child, position);
                }
                _ => self.keep_as_text(child, position),
            }
        }
        true
    }

    /// A text or another item without a heading: it belongs to the findings.
    fn unheaded(&mut self, item: &ContentItem, position: &str) {
        match item.as_text() {
            Some(text) if item.relationship == Some(Relationship::Contains) => {
                self.lose(position, "has no heading; it stands in the findings");
                append(&mut self.sections.findings, &lines(text));
                self.keep_below(item, position);
            }
            _ => self.keep_as_text(item, position),
        }
    }

    /// The report's code in a foreign document: its title, or the procedure where the title is one that
    /// any report could have.
    fn title(&mut self, title: Option<&Code>, procedure: Option<Code>, report: &mut Report) {
        let is_general = |title: &Code| GENERAL_TITLES.iter().any(|general| title.is(*general));
        let title = title.filter(|title| title.scheme != OWN_SCHEME);
        let code = match (title, procedure) {
            (Some(title), Some(procedure)) if is_general(title) => Some(procedure),
            (Some(title), procedure) => {
                if procedure.is_some() {
                    self.losses.add("code", "the procedure reported is not carried beside the title");
                }
                Some(title.clone())
            }
            (None, procedure) => procedure,
        };
        if let Some(code) = code {
            report.code = self.concept(&code);
        }
    }
}

fn is_of_images(item: &ContentItem) -> bool {
    item.relationship == Some(Relationship::HasAcqContext) && item.children.is_empty()
}

fn is_key_images(heading: &Code) -> bool {
    [HeadingCodes::Ln, HeadingCodes::Dcm].into_iter().any(|codes| heading.is(terms::key_images_heading(codes)))
}

/// Titles that say nothing about the procedure.
const GENERAL_TITLES: &[crate::dicom::code::Term] = &[
    terms::DIAGNOSTIC_IMAGING_REPORT,
    crate::dicom::code::Term::ln("11528-7", "Radiology Report"),
    terms::MEASUREMENT_REPORT,
];
