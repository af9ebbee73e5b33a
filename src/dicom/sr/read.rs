//! Data set items as content items. Strangers' documents are taken as they are: what is missing or
//! unknown is kept as far as it goes and noted.

use dicom_dictionary_std::tags;

use super::super::code::Code;
use super::super::element::{self, DataSet, text};
use super::{ContentItem, ImageReference, ItemValue, NumericValue, Relationship, SopReference, SrDocument};

/// Limits on the tree that is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SrLimits {
    /// Greatest number of levels, the root counted.
    pub max_depth: usize,
    /// Greatest number of items.
    pub max_items: usize,
}

impl Default for SrLimits {
    /// 320 levels and 200,000 items.
    fn default() -> Self {
        Self { max_depth: 320, max_items: 200_000 }
    }
}

/// Why there is no tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SrTreeError {
    /// The data set has neither a value type nor content.
    #[error("has no content tree")]
    NoTree,
    /// The tree is deeper than the limit.
    #[error("has a content tree of more than {max} levels")]
    TooDeep {
        /// The limit.
        max: usize,
    },
    /// The tree has more items than the limit.
    #[error("has more than {max} content items")]
    TooManyItems {
        /// The limit.
        max: usize,
    },
}

/// Something that is not as the standard asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Place in the tree, `1.3.2`: the root is 1.
    pub position: String,
    /// What it is.
    pub kind: NoteKind,
}

/// What is not as the standard asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteKind {
    /// There is no value, or it cannot be read.
    NoValue,
    /// There is neither a value type nor a reference.
    NoValueType,
    /// The value type is not one that the gateway looks into.
    OpaqueValueType(String),
    /// The relationship is missing or not in the standard.
    UnknownRelationship,
}

impl NoteKind {
    /// For a loss report: lower case, without a value of the document.
    pub fn as_text(&self) -> &'static str {
        match self {
            Self::NoValue => "has no value that can be read",
            Self::NoValueType => "has no value type",
            Self::OpaqueValueType(_) => "has a value type that is not looked into",
            Self::UnknownRelationship => "has no known relationship to its parent",
        }
    }
}

impl SrDocument {
    /// The tree of a data set whose text is Unicode, and what is wrong with it (at most 1000 notes).
    pub fn of(set: &DataSet, limits: &SrLimits) -> Result<(Self, Vec<Note>), SrTreeError> {
        if set.get(tags::VALUE_TYPE).is_none() && set.get(tags::CONTENT_SEQUENCE).is_none() {
            return Err(SrTreeError::NoTree);
        }
        let mut notes = Vec::new();
        let mut count = 1;
        let mut root = shallow(set, None, &mut notes);
        root.relationship = None;
        let mut open = vec![Open { item: root, children: element::items(set, tags::CONTENT_SEQUENCE), next: 0 }];
        loop {
            let Some(top) = open.last_mut() else { return Err(SrTreeError::NoTree) };
            if let Some(child) = top.children.get(top.next) {
                top.next += 1;
                count += 1;
                if count > limits.max_items {
                    return Err(SrTreeError::TooManyItems { max: limits.max_items });
                }
                if open.len() >= limits.max_depth {
                    return Err(SrTreeError::TooDeep { max: limits.max_depth });
                }
                let item = shallow(child, Some(&open), &mut notes);
                open.push(Open { item, children: element::items(child, tags::CONTENT_SEQUENCE), next: 0 });
                continue;
            }
            let Some(Open { item, .. }) = open.pop() else { return Err(SrTreeError::NoTree) };
            match open.last_mut() {
                Some(parent) => parent.item.children.push(item),
                None => return Ok((Self { root: item }, notes)),
            }
        }
    }
}

/// An item whose children are being read.
struct Open<'a> {
    item: ContentItem,
    children: &'a [DataSet],
    next: usize,
}

fn position(open: &[Open<'_>]) -> String {
    open.iter().fold("1".to_owned(), |way, level| format!("{way}.{}", level.next))
}

/// The item without its children. `above` is what lies open above it, nothing above the root.
fn shallow(set: &DataSet, above: Option<&[Open<'_>]>, notes: &mut Vec<Note>) -> ContentItem {
    let mut note = |kind| {
        if notes.len() < MAX_NOTES {
            notes.push(Note { position: position(above.unwrap_or_default()), kind });
        }
    };
    let relationship = Relationship::parse(&text(set, tags::RELATIONSHIP_TYPE).unwrap_or_default());
    if matches!(relationship, Relationship::Other(_)) && above.is_some() {
        note(NoteKind::UnknownRelationship);
    }
    let value = match text(set, tags::VALUE_TYPE) {
        Some(value_type) => value_of(set, &value_type).unwrap_or_else(|| {
            let elements: Vec<_> =
                set.into_iter().filter(|element| !is_structure(element.header().tag)).cloned().collect();
            note(match value_type.as_str() {
                "TEXT" | "CODE" | "NUM" | "PNAME" | "DATE" | "TIME" | "DATETIME" | "UIDREF" | "IMAGE" | "COMPOSITE"
                | "WAVEFORM" => NoteKind::NoValue,
                _ => NoteKind::OpaqueValueType(value_type.clone()),
            });
            ItemValue::Other { value_type, elements }
        }),
        None => match set.get(tags::REFERENCED_CONTENT_ITEM_IDENTIFIER).and_then(|way| way.to_multi_int().ok()) {
            Some(way) => ItemValue::Reference(way),
            None => {
                note(NoteKind::NoValueType);
                ItemValue::Other { value_type: String::new(), elements: Vec::new() }
            }
        },
    };
    ContentItem {
        relationship: Some(relationship),
        concept: Code::from_sequence(set, tags::CONCEPT_NAME_CODE_SEQUENCE),
        value,
        observed_at: text(set, tags::OBSERVATION_DATE_TIME),
        observation_uid: text(set, tags::OBSERVATION_UID),
        children: Vec::new(),
    }
}

fn value_of(set: &DataSet, value_type: &str) -> Option<ItemValue> {
    Some(match value_type {
        "CONTAINER" => {
            let template = element::first_item(set, tags::CONTENT_TEMPLATE_SEQUENCE);
            ItemValue::Container {
                is_continuous: text(set, tags::CONTINUITY_OF_CONTENT).as_deref() == Some("CONTINUOUS"),
                template: template.and_then(|item| text(item, tags::TEMPLATE_IDENTIFIER)),
            }
        }
        "TEXT" => ItemValue::Text(text(set, tags::TEXT_VALUE)?),
        "CODE" => ItemValue::Code(Code::from_sequence(set, tags::CONCEPT_CODE_SEQUENCE)?),
        "NUM" => ItemValue::Num(number(set)?),
        "PNAME" => ItemValue::PersonName(text(set, tags::PERSON_NAME)?),
        "DATE" => ItemValue::Date(text(set, tags::DATE)?),
        "TIME" => ItemValue::Time(text(set, tags::TIME)?),
        "DATETIME" => ItemValue::DateTime(text(set, tags::DATE_TIME)?),
        "UIDREF" => ItemValue::Uid(text(set, tags::UID)?),
        "IMAGE" => ItemValue::Image(image(element::first_item(set, tags::REFERENCED_SOP_SEQUENCE)?)?),
        "COMPOSITE" => {
            ItemValue::Composite(SopReference::of(element::first_item(set, tags::REFERENCED_SOP_SEQUENCE)?)?)
        }
        "WAVEFORM" => {
            let item = element::first_item(set, tags::REFERENCED_SOP_SEQUENCE)?;
            let channels = item.get(tags::REFERENCED_WAVEFORM_CHANNELS).and_then(|element| element.to_multi_int().ok());
            ItemValue::Waveform(SopReference::of(item)?, channels.unwrap_or_default())
        }
        "SCOORD" => {
            let known = |tag| is_structure(tag) || tag == tags::GRAPHIC_TYPE || tag == tags::GRAPHIC_DATA;
            if set.tags().any(|tag| !known(tag)) {
                return None;
            }
            ItemValue::Scoord {
                graphic_type: text(set, tags::GRAPHIC_TYPE)?,
                points: set.get(tags::GRAPHIC_DATA)?.to_multi_float32().ok()?,
            }
        }
        _ => return None,
    })
}

fn number(set: &DataSet) -> Option<NumericValue> {
    set.get(tags::MEASURED_VALUE_SEQUENCE)?;
    let qualifier = Code::from_sequence(set, tags::NUMERIC_VALUE_QUALIFIER_CODE_SEQUENCE);
    let Some(measured) = element::first_item(set, tags::MEASURED_VALUE_SEQUENCE) else {
        return Some(NumericValue { qualifier, ..NumericValue::default() });
    };
    Some(NumericValue {
        value: text(measured, tags::NUMERIC_VALUE),
        floating_point: measured.get(tags::FLOATING_POINT_VALUE).and_then(|value| value.to_float64().ok()),
        units: Code::from_sequence(measured, tags::MEASUREMENT_UNITS_CODE_SEQUENCE),
        qualifier,
    })
}

fn image(item: &DataSet) -> Option<ImageReference> {
    let own = [tags::REFERENCED_SOP_CLASS_UID, tags::REFERENCED_SOP_INSTANCE_UID, tags::REFERENCED_FRAME_NUMBER];
    let frames = text(item, tags::REFERENCED_FRAME_NUMBER).unwrap_or_default();
    Some(ImageReference {
        sop: SopReference::of(item)?,
        frames: frames.split('\\').filter_map(|frame| frame.trim().parse().ok()).collect(),
        rest: item.into_iter().filter(|element| !own.contains(&element.header().tag)).cloned().collect(),
    })
}

impl SopReference {
    /// From an item of (0008,1199) and its like; `None` if it names no instance.
    pub fn of(item: &DataSet) -> Option<Self> {
        Some(Self {
            sop_class_uid: text(item, tags::REFERENCED_SOP_CLASS_UID).unwrap_or_default(),
            sop_instance_uid: text(item, tags::REFERENCED_SOP_INSTANCE_UID)?,
        })
    }
}

/// Whether an element belongs to the tree rather than to a value.
fn is_structure(tag: dicom_core::Tag) -> bool {
    [
        tags::RELATIONSHIP_TYPE,
        tags::VALUE_TYPE,
        tags::CONCEPT_NAME_CODE_SEQUENCE,
        tags::OBSERVATION_DATE_TIME,
        tags::OBSERVATION_UID,
        tags::CONTENT_SEQUENCE,
    ]
    .contains(&tag)
}

const MAX_NOTES: usize = 1000;
