//! A report version as a structured report.

mod document;
mod measurements;
mod narrative;

pub(super) use document::NO_ORGANIZATION;

use dicom_dictionary_std::tags;

use crate::dicom::code::{Code, Term, put_code};
use crate::dicom::sr::{ContentItem, ItemValue, Relationship, SrDocument};
use crate::dicom::value::TextVr;

use super::super::codes::systems;
use super::super::model::SectionKind;
use super::super::{Rendered, Rendering};
use super::SrError;
use super::evidence::Evidence;
use super::header::{DocumentKind, Header};
use super::language::language_name;
use super::terms::{self, HeadingCodes};

/// The report as SR with LOINC headings. The same rendering gives the same bytes.
pub fn render(rendering: &Rendering<'_>) -> Result<Rendered, SrError> {
    render_with(rendering, HeadingCodes::Ln)
}

/// The report as SR with the headings that a destination understands.
pub fn render_with(rendering: &Rendering<'_>, headings: HeadingCodes) -> Result<Rendered, SrError> {
    let measured = !rendering.report.measurements.is_empty();
    let kind = if measured { DocumentKind::ComprehensiveSr } else { DocumentKind::BasicTextSr };
    let mut header = Header::begin(rendering, kind)?;
    let mut evidence = Evidence::new(rendering.study);
    let title = title(&header, measured);
    let mut root = ContentItem::new(
        Relationship::Contains,
        title.to_code(),
        ItemValue::Container {
            is_continuous: false,
            template: Some(if measured { "1500" } else { "2000" }.to_owned()),
        },
    );
    root.relationship = None;
    root.children = context(&mut header, title, measured);
    for kind in SectionKind::ALL {
        root.children.extend(narrative::section(&mut header, &mut evidence, kind, headings));
        if kind == SectionKind::Findings {
            root.children.extend(measurements::container(&mut header, &mut evidence));
        }
    }
    root.children.extend(narrative::key_images(&mut header, &mut evidence, headings));
    document::put(&mut header, &evidence)?;
    let document = SrDocument { root };
    document.put(&mut header.set);
    header.finish()
}

/// The root's concept name: in TID 2000 the report's own code where CID 7000 has it.
fn title(header: &Header<'_>, measured: bool) -> Term {
    if measured {
        return terms::MEASUREMENT_REPORT;
    }
    let code = &header.report.code;
    let known = terms::TITLES.iter().find(|title| code.system == systems::LOINC && title.value == code.code);
    known.copied().unwrap_or(terms::DIAGNOSTIC_IMAGING_REPORT)
}

/// What holds for the whole document: language, procedure, author, acquisition. TID 1204, 1001, 1003.
fn context(header: &mut Header<'_>, title: Term, measured: bool) -> Vec<ContentItem> {
    let report = header.report.clone();
    let coder = &mut header.coder;
    let mut items = Vec::new();
    // TID 2000 row 2: the language has to be said.
    let tag = report.language.as_deref().unwrap_or(UNDETERMINED);
    if report.language.as_deref() == Some(UNDETERMINED) {
        coder.losses.add("language", "is undetermined, as if it were not said");
    }
    let language = Code::new(tag, "RFC5646", language_name(tag));
    items.push(ContentItem::code(Relationship::HasConceptMod, terms::LANGUAGE, language));
    // The report's code stands in (0040,A372) in any case, where the reader looks for it.
    let code = coder.code(&report.code, "code");
    if measured {
        let procedure = terms::procedure(report.study.modality.as_deref()).to_code();
        items.push(ContentItem::code(Relationship::HasConceptMod, terms::PROCEDURE_REPORTED, procedure));
    } else if code != title.to_code() {
        items.push(ContentItem::code(Relationship::HasConceptMod, terms::PROCEDURE_REPORTED, code.clone()));
    }
    put_code(&mut header.set, tags::PERFORMED_PROCEDURE_CODE_SEQUENCE, &code);
    items.push(ContentItem::code(Relationship::HasObsContext, terms::OBSERVER_TYPE, terms::PERSON.to_code()));
    let name = coder.name(&report.author.name, "author.name");
    let role = coder.fit(TextVr::Ut, &report.author.role, "author.role");
    if name.is_empty() {
        coder.losses.add("author.name", "is empty; the author is named by id only");
    } else {
        let concept = terms::PERSON_OBSERVER_NAME.to_code();
        let mut author = ContentItem::new(Relationship::HasObsContext, concept, ItemValue::PersonName(name));
        // CID 7452 has no word for many who write reports: the role is said in the words of the source.
        if !role.is_empty() {
            author = author.with([ContentItem::text(Relationship::HasProperties, terms::OBSERVER_ROLE, role)]);
        }
        items.push(author);
    }
    if let Some(modality) = &report.study.modality {
        let code = match terms::modality(modality) {
            Some(term) => term.to_code(),
            None => coder.unlisted(modality),
        };
        items.push(ContentItem::code(Relationship::HasAcqContext, terms::MODALITY, code));
    }
    if let Some(site) = &report.study.body_site {
        let code = coder.code(site, "study.bodySite");
        items.push(ContentItem::code(Relationship::HasAcqContext, terms::TARGET_REGION, code));
    }
    items
}

/// BCP 47 for a language that is not known (RFC 5646 §4.1).
pub(super) const UNDETERMINED: &str = "und";
