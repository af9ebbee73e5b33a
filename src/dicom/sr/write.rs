//! Content items as data set items. PS3.3 §C.17.3, §C.18.

use dicom_core::VR;
use dicom_core::value::PrimitiveValue;
use dicom_dictionary_std::tags;

use super::super::code::put_code;
use super::super::element::{self, DataSet, put_items, put_text, put_value};
use super::{ContentItem, ImageReference, ItemValue, NumericValue, SopReference, SrDocument};

impl SrDocument {
    /// Puts the root's attributes and the tree below it into the data set of the document.
    pub fn put(&self, set: &mut DataSet) {
        put_item(set, &self.root);
    }
}

/// Recursion goes as deep as the tree, which our own writers keep flat and the reader limits.
fn put_item(set: &mut DataSet, item: &ContentItem) {
    if let Some(relationship) = &item.relationship
        && !relationship.as_str().is_empty()
    {
        put_text(set, tags::RELATIONSHIP_TYPE, VR::CS, relationship.as_str());
    }
    if !item.value.value_type().is_empty() {
        put_text(set, tags::VALUE_TYPE, VR::CS, item.value.value_type());
    }
    if let Some(concept) = &item.concept {
        put_code(set, tags::CONCEPT_NAME_CODE_SEQUENCE, concept);
    }
    if let Some(observed_at) = &item.observed_at {
        put_text(set, tags::OBSERVATION_DATE_TIME, VR::DT, observed_at.as_str());
    }
    if let Some(uid) = &item.observation_uid {
        put_text(set, tags::OBSERVATION_UID, VR::UI, uid.as_str());
    }
    put_item_value(set, &item.value);
    if !item.children.is_empty() {
        let children = item.children.iter().map(|child| {
            let mut set = DataSet::new_empty();
            put_item(&mut set, child);
            set
        });
        put_items(set, tags::CONTENT_SEQUENCE, children.collect());
    }
}

fn put_item_value(set: &mut DataSet, value: &ItemValue) {
    match value {
        ItemValue::Container { is_continuous, template } => {
            let continuity = if *is_continuous { "CONTINUOUS" } else { "SEPARATE" };
            put_text(set, tags::CONTINUITY_OF_CONTENT, VR::CS, continuity);
            if let Some(template) = template {
                let mut item = DataSet::new_empty();
                put_text(&mut item, tags::MAPPING_RESOURCE, VR::CS, "DCMR");
                put_text(&mut item, tags::TEMPLATE_IDENTIFIER, VR::CS, template.as_str());
                put_items(set, tags::CONTENT_TEMPLATE_SEQUENCE, vec![item]);
            }
        }
        ItemValue::Text(text) => put_text(set, tags::TEXT_VALUE, VR::UT, text.as_str()),
        ItemValue::Code(code) => put_code(set, tags::CONCEPT_CODE_SEQUENCE, code),
        ItemValue::Num(number) => put_number(set, number),
        ItemValue::PersonName(name) => put_text(set, tags::PERSON_NAME, VR::PN, name.as_str()),
        ItemValue::Date(date) => put_text(set, tags::DATE, VR::DA, date.as_str()),
        ItemValue::Time(time) => put_text(set, tags::TIME, VR::TM, time.as_str()),
        ItemValue::DateTime(date_time) => put_text(set, tags::DATE_TIME, VR::DT, date_time.as_str()),
        ItemValue::Uid(uid) => put_text(set, tags::UID, VR::UI, uid.as_str()),
        ItemValue::Image(image) => put_items(set, tags::REFERENCED_SOP_SEQUENCE, vec![image_item(image)]),
        ItemValue::Composite(sop) => put_items(set, tags::REFERENCED_SOP_SEQUENCE, vec![sop.to_item()]),
        ItemValue::Waveform(sop, channels) => {
            let mut item = sop.to_item();
            if !channels.is_empty() {
                let channels = PrimitiveValue::U16(channels.as_slice().into());
                put_value(&mut item, tags::REFERENCED_WAVEFORM_CHANNELS, VR::US, channels);
            }
            put_items(set, tags::REFERENCED_SOP_SEQUENCE, vec![item]);
        }
        ItemValue::Scoord { graphic_type, points } => {
            put_text(set, tags::GRAPHIC_TYPE, VR::CS, graphic_type.as_str());
            put_value(set, tags::GRAPHIC_DATA, VR::FL, PrimitiveValue::F32(points.as_slice().into()));
        }
        ItemValue::Reference(way) => {
            let way = PrimitiveValue::U32(way.as_slice().into());
            put_value(set, tags::REFERENCED_CONTENT_ITEM_IDENTIFIER, VR::UL, way);
        }
        ItemValue::Other { elements, .. } => elements.iter().for_each(|element| {
            set.put(element.clone());
        }),
    }
}

fn put_number(set: &mut DataSet, number: &NumericValue) {
    let mut items = Vec::new();
    if number.value.is_some() || number.units.is_some() {
        let mut item = DataSet::new_empty();
        element::put_optional_text(&mut item, tags::NUMERIC_VALUE, VR::DS, number.value.as_deref());
        if let Some(float) = number.floating_point {
            put_value(&mut item, tags::FLOATING_POINT_VALUE, VR::FD, float);
        }
        if let Some(units) = &number.units {
            put_code(&mut item, tags::MEASUREMENT_UNITS_CODE_SEQUENCE, units);
        }
        items.push(item);
    }
    put_items(set, tags::MEASURED_VALUE_SEQUENCE, items);
    if let Some(qualifier) = &number.qualifier {
        put_code(set, tags::NUMERIC_VALUE_QUALIFIER_CODE_SEQUENCE, qualifier);
    }
}

fn image_item(image: &ImageReference) -> DataSet {
    let mut item = image.sop.to_item();
    if !image.frames.is_empty() {
        let frames: Vec<String> = image.frames.iter().map(u32::to_string).collect();
        put_text(&mut item, tags::REFERENCED_FRAME_NUMBER, VR::IS, frames.join("\\"));
    }
    for element in &image.rest {
        item.put(element.clone());
    }
    item
}

impl SopReference {
    /// As an item of (0008,1199) and its like.
    pub fn to_item(&self) -> DataSet {
        let mut item = DataSet::new_empty();
        put_text(&mut item, tags::REFERENCED_SOP_CLASS_UID, VR::UI, self.sop_class_uid.as_str());
        put_text(&mut item, tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, self.sop_instance_uid.as_str());
        item
    }
}
