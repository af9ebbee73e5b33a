//! The object that a test stores: a small Basic Text SR that says what it is. It speaks of no person, has UIDs of its
//! own below 2.25, and is the same every time, so that a second test leaves no second one.

use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};

use crate::base::Uid;
use crate::dicom::element::{DataSet, put_empty, put_items, put_text};
use crate::dicom::part10::{self, TransferSyntax};
use crate::remote::instance::Instance;

/// Study Instance UID.
pub(super) const STUDY_UID: &str = "2.25.171839462750183645091827364550918273601";
/// Series Instance UID.
pub(super) const SERIES_UID: &str = "2.25.171839462750183645091827364550918273602";
/// SOP Instance UID.
pub(super) const INSTANCE_UID: &str = "2.25.171839462750183645091827364550918273603";
/// Patient ID (0010,0020).
pub(super) const PATIENT_ID: &str = "CAUSEWAY-TEST";
/// Its SOP class.
pub(super) const SOP_CLASS_UID: &str = uids::BASIC_TEXT_SR_STORAGE;

/// The object; `None` cannot be, for it is always the same.
pub(super) fn instance() -> Option<Instance> {
    let file = part10::write(&data_set(), TransferSyntax::ExplicitVrLittleEndian).ok()?;
    Instance::parse(file.into()).ok()
}

/// How it is called in findings.
pub(super) fn name() -> String {
    format!("the test object (patient ID {PATIENT_ID}, study {STUDY_UID})")
}

/// A UID of the object.
pub(super) fn uid(text: &str) -> Option<Uid> {
    Uid::parse(text).ok()
}

fn data_set() -> DataSet {
    let mut set = DataSet::new_empty();
    for (tag, vr, value) in [
        (tags::SOP_CLASS_UID, VR::UI, SOP_CLASS_UID),
        (tags::SOP_INSTANCE_UID, VR::UI, INSTANCE_UID),
        (tags::STUDY_INSTANCE_UID, VR::UI, STUDY_UID),
        (tags::SERIES_INSTANCE_UID, VR::UI, SERIES_UID),
        (tags::STUDY_DATE, VR::DA, "20000101"),
        (tags::STUDY_TIME, VR::TM, "000000"),
        (tags::CONTENT_DATE, VR::DA, "20000101"),
        (tags::CONTENT_TIME, VR::TM, "000000"),
        (tags::MODALITY, VR::CS, "SR"),
        (tags::MANUFACTURER, VR::LO, "Causeway"),
        (tags::STUDY_DESCRIPTION, VR::LO, "Connection test, may be deleted"),
        (tags::SERIES_DESCRIPTION, VR::LO, "Connection test, may be deleted"),
        (tags::PATIENT_NAME, VR::PN, "Causeway^Connection Test"),
        (tags::PATIENT_ID, VR::LO, PATIENT_ID),
        (tags::SERIES_NUMBER, VR::IS, "1"),
        (tags::INSTANCE_NUMBER, VR::IS, "1"),
        (tags::COMPLETION_FLAG, VR::CS, "PARTIAL"),
        (tags::VERIFICATION_FLAG, VR::CS, "UNVERIFIED"),
        (tags::VALUE_TYPE, VR::CS, "CONTAINER"),
        (tags::CONTINUITY_OF_CONTENT, VR::CS, "SEPARATE"),
    ] {
        put_text(&mut set, tag, vr, value);
    }
    for (tag, vr) in [
        (tags::PATIENT_BIRTH_DATE, VR::DA),
        (tags::PATIENT_SEX, VR::CS),
        (tags::STUDY_ID, VR::SH),
        (tags::ACCESSION_NUMBER, VR::SH),
        (tags::REFERRING_PHYSICIAN_NAME, VR::PN),
        (tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, VR::SQ),
        (tags::PERFORMED_PROCEDURE_CODE_SEQUENCE, VR::SQ),
    ] {
        put_empty(&mut set, tag, vr);
    }
    put_items(&mut set, tags::CONCEPT_NAME_CODE_SEQUENCE, vec![code("121070", "Findings")]);
    let mut text = DataSet::new_empty();
    put_text(&mut text, tags::RELATIONSHIP_TYPE, VR::CS, "CONTAINS");
    put_text(&mut text, tags::VALUE_TYPE, VR::CS, "TEXT");
    put_items(&mut text, tags::CONCEPT_NAME_CODE_SEQUENCE, vec![code("121071", "Finding")]);
    put_text(
        &mut text,
        tags::TEXT_VALUE,
        VR::UT,
        "This is a test of a connection. It speaks of no patient and may be deleted.",
    );
    put_items(&mut set, tags::CONTENT_SEQUENCE, vec![text]);
    set
}

/// A code of PS3.16.
fn code(value: &str, meaning: &str) -> DataSet {
    let mut code = DataSet::new_empty();
    put_text(&mut code, tags::CODE_VALUE, VR::SH, value);
    put_text(&mut code, tags::CODING_SCHEME_DESIGNATOR, VR::SH, "DCM");
    put_text(&mut code, tags::CODE_MEANING, VR::LO, meaning);
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_is_the_same_every_time_and_names_itself() {
        let (one, other) = (instance().expect("is one"), instance().expect("is one"));
        assert_eq!(one.file(), other.file());
        assert_eq!((one.sop_class_uid.as_str(), one.sop_instance_uid.as_str()), (SOP_CLASS_UID, INSTANCE_UID));
        assert!(uid(STUDY_UID).is_some() && uid(SERIES_UID).is_some());
        let text = String::from_utf8_lossy(one.file()).into_owned();
        assert!(text.contains(PATIENT_ID) && text.contains("may be deleted"));
    }
}
