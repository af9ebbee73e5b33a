//! Sections, coded findings and key images: heading containers with text. TID 2000 rows 5 to 11.

use crate::dicom::sr::{ContentItem, ItemValue, Relationship};
use crate::dicom::value::TextVr;

use super::super::super::model::{Finding, Laterality, SectionKind};
use super::super::evidence::Evidence;
use super::super::header::Header;
use super::super::terms::{self, HeadingCodes};

/// The container of a section, if the report has it. Coded findings stand in that of the findings.
pub(super) fn section(
    header: &mut Header<'_>,
    evidence: &mut Evidence<'_>,
    kind: SectionKind,
    headings: HeadingCodes,
) -> Option<ContentItem> {
    let (heading, element) = terms::heading(kind, headings);
    let mut children = Vec::new();
    if let Some(text) = header.report.sections.get(kind).map(str::to_owned) {
        let path = format!("sections.{}", kind.json_name());
        let text = header.coder.fit(TextVr::Ut, &text, &path);
        if text.is_empty() {
            header.coder.losses.add(path, "is empty and is left out");
        } else {
            children.push(ContentItem::text(Relationship::Contains, element, text));
        }
    }
    if kind == SectionKind::Findings {
        for (index, found) in header.report.structured_findings.clone().iter().enumerate() {
            children.push(finding(header, evidence, found, &format!("structuredFindings[{index}]")));
        }
    }
    (!children.is_empty()).then(|| ContentItem::container(Relationship::Contains, heading.to_code(), children))
}

/// The words, and below them what is known in codes. The id marks it as a coded finding.
fn finding(header: &mut Header<'_>, evidence: &mut Evidence<'_>, finding: &Finding, path: &str) -> ContentItem {
    let coder = &mut header.coder;
    let mut text = coder.fit(TextVr::Ut, &finding.text, &format!("{path}.text"));
    if text.is_empty() {
        coder.losses.add(format!("{path}.text"), "is empty; what is known in codes stands for it");
        let code = finding.code.as_ref().map(|code| TextVr::Ut.fit(&code.display).text);
        text = code.filter(|display| !display.is_empty()).unwrap_or_else(|| "-".to_owned());
    }
    let id = coder.fit(TextVr::Ut, &finding.id, &format!("{path}.id"));
    let property = Relationship::HasProperties;
    let mut children = vec![ContentItem::text(property.clone(), coder.own(terms::FINDING_ID), id)];
    if let Some(code) = &finding.code {
        let code = coder.code(code, &format!("{path}.code"));
        children.push(ContentItem::code(property.clone(), terms::FINDING, code));
    }
    let site = finding.body_site.as_ref().map(|site| coder.code(site, &format!("{path}.bodySite")));
    children.extend(place(&property, site, finding.laterality));
    if let Some(severity) = finding.severity {
        let code = terms::severity(severity).to_code();
        children.push(ContentItem::code(property.clone(), terms::SEVERITY, code));
    }
    if finding.critical {
        let concept = coder.own(terms::ACTIONABLE);
        children.push(ContentItem::code(property, concept, terms::ACTIONABLE_AT_ONCE.to_code()));
    }
    for (index, image) in finding.images.iter().enumerate() {
        let path = format!("{path}.images[{index}]");
        children.extend(evidence.image(image, &path, &mut coder.losses).map(illustration));
    }
    ContentItem::text(Relationship::Contains, terms::FINDING, text).with(children)
}

/// A site with its side, or the side alone.
pub(super) fn place(
    relationship: &Relationship,
    site: Option<crate::dicom::code::Code>,
    laterality: Option<Laterality>,
) -> Option<ContentItem> {
    let side = laterality.map(|side| terms::laterality(side).to_code());
    match (site, side) {
        (Some(site), side) => {
            let side = side.map(|side| ContentItem::code(Relationship::HasConceptMod, terms::LATERALITY, side));
            Some(ContentItem::code(relationship.clone(), terms::FINDING_SITE, site).with(side))
        }
        (None, Some(side)) => Some(ContentItem::code(relationship.clone(), terms::LATERALITY, side)),
        (None, None) => None,
    }
}

/// The key images: each caption is inferred from its image, and an image without a caption stands
/// alone. A caption stays even where its image cannot be referred to.
pub(super) fn key_images(
    header: &mut Header<'_>,
    evidence: &mut Evidence<'_>,
    headings: HeadingCodes,
) -> Option<ContentItem> {
    let mut children = Vec::new();
    for (index, key) in header.report.key_images.clone().iter().enumerate() {
        let path = format!("keyImages[{index}]");
        let caption = key.caption.as_deref().unwrap_or_default();
        let caption = header.coder.fit(TextVr::Ut, caption, &format!("{path}.caption"));
        if key.caption.is_some() && caption.is_empty() {
            header.coder.losses.add(format!("{path}.caption"), "is empty and is left out");
        }
        let image = evidence.image(&key.image, &path, &mut header.coder.losses);
        if !caption.is_empty() {
            let item = ContentItem::text(Relationship::Contains, terms::KEY_OBJECT_DESCRIPTION, caption);
            children.push(item.with(image.map(illustration)));
        } else if let Some(image) = image {
            children.push(ContentItem::new(Relationship::Contains, terms::BEST_ILLUSTRATION.to_code(), image));
        }
    }
    let heading = terms::key_images_heading(headings).to_code();
    (!children.is_empty()).then(|| ContentItem::container(Relationship::Contains, heading, children))
}

fn illustration(image: ItemValue) -> ContentItem {
    ContentItem::new(Relationship::InferredFrom, terms::BEST_ILLUSTRATION.to_code(), image)
}
