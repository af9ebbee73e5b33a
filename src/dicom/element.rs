//! Putting elements into data sets and getting them out again. Text is Unicode on both sides:
//! `dicom::part10` decodes what it reads, and writes (0008,0005) as `ISO_IR 192`.

use dicom_core::value::{DataSetSequence, PrimitiveValue};
use dicom_core::{DataElement, Tag, VR};
use dicom_object::InMemDicomObject;

/// A data set with the standard dictionary.
pub type DataSet = InMemDicomObject;

/// Sets a text element. Several values are separated by backslashes (PS3.5 §6.2) where the VR has them.
pub fn put_text(set: &mut DataSet, tag: Tag, vr: VR, text: impl Into<String>) {
    set.put(DataElement::new(tag, vr, PrimitiveValue::Str(text.into())));
}

/// Sets a text element, with no value where there is none (type 2).
pub fn put_optional_text(set: &mut DataSet, tag: Tag, vr: VR, text: Option<impl Into<String>>) {
    match text.map(Into::into).filter(|text| !text.is_empty()) {
        Some(text) => put_text(set, tag, vr, text),
        None => put_empty(set, tag, vr),
    }
}

/// Sets an element without a value.
pub fn put_empty(set: &mut DataSet, tag: Tag, vr: VR) {
    if vr == VR::SQ {
        put_items(set, tag, Vec::new());
    } else {
        set.put(DataElement::new(tag, vr, PrimitiveValue::Empty));
    }
}

/// Sets a sequence.
pub fn put_items(set: &mut DataSet, tag: Tag, items: Vec<DataSet>) {
    set.put(DataElement::new(tag, VR::SQ, DataSetSequence::from(items)));
}

/// Sets an element of numbers or bytes.
pub fn put_value(set: &mut DataSet, tag: Tag, vr: VR, value: impl Into<PrimitiveValue>) {
    set.put(DataElement::new(tag, vr, value.into()));
}

/// The text of an element without its padding; `None` if it is absent, empty or no text.
///
/// Spaces at the end never count (PS3.5 §6.2); those at the front count in ST, LT, UT and UC only.
pub fn text(set: &DataSet, tag: Tag) -> Option<String> {
    let element = set.get(tag)?;
    let raw = element.value().to_raw_str().ok()?;
    let ended = raw.trim_end_matches([' ', '\0']);
    let kept =
        if matches!(element.vr(), VR::ST | VR::LT | VR::UT | VR::UC) { ended } else { ended.trim_start_matches(' ') };
    (!kept.is_empty()).then(|| kept.to_owned())
}

/// The items of a sequence; none if it is absent or no sequence.
pub fn items(set: &DataSet, tag: Tag) -> &[DataSet] {
    set.get(tag).and_then(|element| element.items()).unwrap_or_default()
}

/// The first item of a sequence.
pub fn first_item(set: &DataSet, tag: Tag) -> Option<&DataSet> {
    items(set, tag).first()
}

#[cfg(test)]
mod tests {
    use dicom_dictionary_std::tags;

    use super::*;

    #[test]
    fn padding_goes_and_meaning_stays() {
        let mut set = DataSet::new_empty();
        put_text(&mut set, tags::PATIENT_ID, VR::LO, " P1 ");
        put_text(&mut set, tags::TEXT_VALUE, VR::UT, "  indented \0");
        put_text(&mut set, tags::STUDY_INSTANCE_UID, VR::UI, "1.2\0");
        put_optional_text(&mut set, tags::ACCESSION_NUMBER, VR::SH, None::<String>);
        put_empty(&mut set, tags::REFERENCED_STUDY_SEQUENCE, VR::SQ);
        assert_eq!(text(&set, tags::PATIENT_ID).as_deref(), Some("P1"));
        assert_eq!(text(&set, tags::TEXT_VALUE).as_deref(), Some("  indented"));
        assert_eq!(text(&set, tags::STUDY_INSTANCE_UID).as_deref(), Some("1.2"));
        assert_eq!(text(&set, tags::ACCESSION_NUMBER), None);
        assert_eq!(text(&set, tags::PATIENT_NAME), None);
        assert!(set.get(tags::ACCESSION_NUMBER).is_some());
        assert!(items(&set, tags::REFERENCED_STUDY_SEQUENCE).is_empty());
    }
}
