//! The key images of a report as a Key Object Selection document. PS3.3 §A.35.4, TID 2010.

use dicom_dictionary_std::tags;

use crate::dicom::code::Code;
use crate::dicom::element::{DataSet, put_items};
use crate::dicom::sr::{ContentItem, ItemValue, Relationship, SrDocument, SrLimits, SrTreeError};
use crate::dicom::value::TextVr;

use super::sr::{DocumentKind, Evidence, Header, SrError, language_name, terms};
use super::{Losses, Rendered, Rendering};

/// The document titled "Of Interest" that selects the key images, and what it does not carry. There is
/// none when the report has no key images, or when the SOP class of not one of them is known.
///
/// A selection has one description (TID 2010 row 8): the captions stand in it line by line, each with
/// the number of its image where there are several.
pub fn render(rendering: &Rendering<'_>) -> Result<(Option<Rendered>, Losses), SrError> {
    let mut header = Header::begin(rendering, DocumentKind::KeyObjectSelection)?;
    let mut evidence = Evidence::new(rendering.study);
    let mut images = Vec::new();
    let mut captions = Vec::new();
    for (index, key) in header.report.key_images.clone().iter().enumerate() {
        let Some(value) = evidence.image(&key.image, &format!("keyImages[{index}]"), &mut header.coder.losses) else {
            continue;
        };
        images.push(ContentItem::new(Relationship::Contains, None, value));
        captions.extend(key.caption.as_deref().map(|caption| (images.len(), caption.to_owned())));
    }
    if images.is_empty() {
        return Ok((None, header.coder.losses));
    }
    let value = ItemValue::Container { is_continuous: false, template: Some("2010".to_owned()) };
    let mut root = ContentItem::new(Relationship::Contains, terms::OF_INTEREST.to_code(), value);
    root.relationship = None;
    if let Some(tag) = &header.report.language {
        let language = Code::new(tag.as_str(), "RFC5646", language_name(tag));
        root.children.push(ContentItem::code(Relationship::HasConceptMod, terms::LANGUAGE, language));
    }
    let author = TextVr::Pn.fit(&header.report.author.name.to_pn()).text;
    if !author.is_empty() {
        let concept = terms::PERSON_OBSERVER_NAME.to_code();
        root.children.extend([
            ContentItem::code(Relationship::HasObsContext, terms::OBSERVER_TYPE, terms::PERSON.to_code()),
            ContentItem::new(Relationship::HasObsContext, concept, ItemValue::PersonName(author)),
        ]);
    }
    if let Some(description) = description(&captions, images.len()) {
        let description = header.coder.fit(TextVr::Ut, &description, "keyImages");
        root.children.push(ContentItem::text(Relationship::Contains, terms::KEY_OBJECT_DESCRIPTION, description));
    }
    root.children.append(&mut images);
    if let Some(item) = header.request_item() {
        put_items(&mut header.set, tags::REFERENCED_REQUEST_SEQUENCE, vec![item]);
    }
    let items = evidence.of_references(&header.report.study.study_instance_uid);
    put_items(&mut header.set, tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE, items);
    SrDocument { root }.put(&mut header.set);
    let rendered = header.finish()?;
    let losses = rendered.losses.clone();
    Ok((Some(rendered), losses))
}

/// An image that a selection refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedImage {
    /// SOPInstanceUID.
    pub sop_instance_uid: String,
    /// Frame number, from 1; `None` selects the whole instance.
    pub frame: Option<u32>,
}

/// What a Key Object Selection document selects, in its order.
pub fn selected(set: &DataSet) -> Result<Vec<SelectedImage>, SrTreeError> {
    let (document, _notes) = SrDocument::of(set, &SrLimits::default())?;
    let images = document.root.children.iter().filter_map(|item| match &item.value {
        ItemValue::Image(image) => Some(SelectedImage {
            sop_instance_uid: image.sop.sop_instance_uid.clone(),
            frame: image.frames.first().copied(),
        }),
        _ => None,
    });
    Ok(images.collect())
}

fn description(captions: &[(usize, String)], images: usize) -> Option<String> {
    match captions {
        [] => None,
        [(_, caption)] if images == 1 => Some(caption.clone()),
        several => {
            let lines = several.iter().map(|(number, caption)| format!("{number}: {}", caption.replace('\n', " ")));
            Some(lines.collect::<Vec<_>>().join("\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sr::tests::Case;
    use super::*;
    use crate::dicom::element;
    use crate::dicom::part10::{self, ReadLimits};

    #[test]
    fn every_key_image_is_selected_and_nothing_else_is_listed() {
        let mut seen = 0;
        for index in 0..40 {
            let case = Case::sample(index).archived();
            let (rendered, losses) = case.with(render).expect("rendered");
            assert!(losses.is_empty(), "{losses:?}");
            let Some(rendered) = rendered else {
                assert!(case.report.key_images.is_empty());
                continue;
            };
            let set = part10::read(&rendered.bytes, &ReadLimits::default()).expect("read").content.data_set;
            let (document, notes) = SrDocument::of(&set, &SrLimits::default()).expect("a tree");
            assert!(notes.is_empty());
            let images = document.root.children.iter().filter(|item| matches!(item.value, ItemValue::Image(_)));
            assert_eq!(images.count(), case.report.key_images.len());
            let wanted =
                case.report.key_images.iter().map(|key| (key.image.sop_instance_uid.as_str(), key.image.frame));
            let found = selected(&set).expect("a tree");
            assert!(wanted.eq(found.iter().map(|image| (image.sop_instance_uid.as_str(), image.frame))));
            let study = element::first_item(&set, tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE);
            let series = element::items(study.expect("evidence"), tags::REFERENCED_SERIES_SEQUENCE);
            let listed = series.iter().map(|series| element::items(series, tags::REFERENCED_SOP_SEQUENCE).len());
            let mut instances: Vec<_> = case.report.key_images.iter().map(|key| &key.image.sop_instance_uid).collect();
            instances.sort_unstable();
            instances.dedup();
            assert_eq!(listed.sum::<usize>(), instances.len());
            seen += 1;
        }
        assert!(seen > 5);
    }

    #[test]
    fn unknown_classes_leave_nothing_to_select() {
        let mut case = (0..1_000).map(Case::sample).find(|case| !case.report.key_images.is_empty()).expect("one");
        case.report.structured_findings.clear();
        case.report.measurements.clear();
        for key in &mut case.report.key_images {
            key.image.sop_class_uid = None;
        }
        let (rendered, losses) = case.with(render).expect("rendered");
        assert!(rendered.is_none());
        assert_eq!(losses.0.len(), case.report.key_images.len());
        assert!(losses.0[0].path.starts_with("keyImages[0]"));
    }
}
