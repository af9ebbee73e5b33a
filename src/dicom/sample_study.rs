//! A small synthetic CT study for the demonstration: five axial slices of a drawn chest with a nodule in
//! the right lung. No patient, no scanner, no randomness: the same bytes every time.

mod phantom;

use dicom_core::value::C;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use futures_util::future::BoxFuture;
use image::{GrayImage, ImageFormat, imageops};

use crate::base::Uid;

use super::part10::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};
use super::source::{FoundStudy, ImageAddress, PictureForm, RenderedImage, SourceError, StudySource};
use super::study::{InstanceFacts, SeriesFacts, StudyFacts};

/// Study Instance UID.
pub const STUDY_INSTANCE_UID: &str = "2.25.104129031725341967718459116437405291127";
/// Series Instance UID.
pub const SERIES_INSTANCE_UID: &str = "2.25.220473190516233987651034127459861005134";
/// SOP class: CT Image Storage.
pub const SOP_CLASS_UID: &str = uids::CT_IMAGE_STORAGE;
/// Number of slices; instance numbers go from 1 to it.
pub const SLICES: u8 = 5;
/// The slice that shows the nodule best.
pub const NODULE_SLICE: u8 = 3;

/// Patient ID (0010,0020).
pub const PATIENT_ID: &str = "CW-DEMO-0001";
/// Issuer of Patient ID (0010,0021).
pub const ISSUER_OF_PATIENT_ID: &str = "CAUSEWAY-DEMO";
/// Patient's Name (0010,0010).
pub const PATIENT_NAME: &str = "Demo^Synthetic";
/// Patient's Birth Date (0010,0030).
pub const PATIENT_BIRTH_DATE: &str = "19610412";
/// Patient's Sex (0010,0040).
pub const PATIENT_SEX: &str = "F";
/// Accession Number (0008,0050).
pub const ACCESSION_NUMBER: &str = "CWDEMO0001";
/// Study ID (0020,0010).
pub const STUDY_ID: &str = "DEMO1";
/// Study Date (0008,0020).
pub const STUDY_DATE: &str = "20260112";
/// Study Time (0008,0030).
pub const STUDY_TIME: &str = "101500";
/// Study Description (0008,1030).
pub const STUDY_DESCRIPTION: &str = "CT chest, synthetic";
/// Referring Physician's Name (0008,0090).
pub const REFERRING_PHYSICIAN: &str = "Example^Referrer";

/// SOP Instance UID of a slice, `1..=SLICES`.
pub fn sop_instance_uid(slice: u8) -> Uid {
    literal(&format!("2.25.33041290317253419677184591164374052{slice:05}"))
}

/// The five files, in order of their instance numbers: Part 10, Explicit VR Little Endian.
pub fn files() -> Vec<Vec<u8>> {
    (1..=SLICES).map(file).collect()
}

/// A slice as a PNG of 512 by 512 pixels in the window of its DICOM file; none outside `1..=SLICES`.
pub fn png(slice: u8) -> Option<Vec<u8>> {
    (1..=SLICES).contains(&slice).then(|| {
        let size = u32::from(phantom::SIDE);
        let pixels = phantom::hounsfield(slice).into_iter().map(phantom::windowed).collect();
        let image = GrayImage::from_raw(size, size, pixels).unwrap_or_default();
        let image = imageops::resize(&image, size * 4, size * 4, imageops::FilterType::Triangle);
        let mut bytes = std::io::Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).ok().map(|()| bytes.into_inner())
    })?
}

/// What an archive that holds the study would say of it.
pub fn facts() -> StudyFacts {
    let text = |text: &str| Some(text.to_owned());
    let instances = (1..=SLICES).map(|slice| InstanceFacts {
        uid: sop_instance_uid(slice),
        sop_class_uid: literal(SOP_CLASS_UID),
        number: Some(i32::from(slice)),
        frames: None,
    });
    StudyFacts {
        patient_id: text(PATIENT_ID),
        issuer_of_patient_id: text(ISSUER_OF_PATIENT_ID),
        patient_name: text(PATIENT_NAME),
        patient_birth_date: text(PATIENT_BIRTH_DATE),
        patient_sex: text(PATIENT_SEX),
        study_id: text(STUDY_ID),
        accession_number: text(ACCESSION_NUMBER),
        study_date: text(STUDY_DATE),
        study_time: text(STUDY_TIME),
        description: text(STUDY_DESCRIPTION),
        referring_physician: text(REFERRING_PHYSICIAN),
        series: vec![SeriesFacts {
            uid: literal(SERIES_INSTANCE_UID),
            modality: "CT".to_owned(),
            number: Some(1),
            description: text("Axial 5 mm"),
            body_part: text("CHEST"),
            instances: instances.collect(),
        }],
    }
}

/// The study as a source, for a demonstration without an archive.
#[derive(Debug, Clone, Copy, Default)]
pub struct SampleArchive;

impl StudySource for SampleArchive {
    fn study<'a>(&'a self, study_instance_uid: &'a Uid) -> BoxFuture<'a, Result<Option<FoundStudy>, SourceError>> {
        let known = study_instance_uid.as_str() == STUDY_INSTANCE_UID;
        Box::pin(std::future::ready(Ok(known.then(|| FoundStudy { facts: facts(), unusable: 0 }))))
    }

    fn rendered<'a>(&'a self, image: &'a ImageAddress) -> BoxFuture<'a, Result<Option<RenderedImage>, SourceError>> {
        let found = (1..=SLICES).find(|slice| {
            image.study_instance_uid.as_str() == STUDY_INSTANCE_UID
                && image.series_instance_uid.as_str() == SERIES_INSTANCE_UID
                && image.sop_instance_uid == sop_instance_uid(*slice)
                && image.frame.is_none_or(|frame| frame == 1)
        });
        let image = found.and_then(png).map(|bytes| RenderedImage { form: PictureForm::Png, bytes });
        Box::pin(std::future::ready(Ok(image)))
    }
}

#[expect(clippy::expect_used, reason = "writing into memory does not fail, and the meta table is complete")]
fn file(slice: u8) -> Vec<u8> {
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)
        .media_storage_sop_class_uid(SOP_CLASS_UID)
        .media_storage_sop_instance_uid(sop_instance_uid(slice).as_str())
        .implementation_class_uid(IMPLEMENTATION_CLASS_UID)
        .implementation_version_name(IMPLEMENTATION_VERSION_NAME)
        .build()
        .expect("class, instance and transfer syntax are set");
    let mut bytes = Vec::new();
    data_set(slice).with_exact_meta(meta).write_all(&mut bytes).expect("memory takes all bytes");
    bytes
}

/// The CT Image IOD. PS3.3 §A.3.
fn data_set(slice: u8) -> InMemDicomObject {
    let text = |tag: Tag, vr: VR, value: &str| DataElement::new(tag, vr, PrimitiveValue::from(value));
    let several = |tag: Tag, vr: VR, values: &[&str]| {
        let values: C<String> = values.iter().map(|value| (*value).to_owned()).collect();
        DataElement::new(tag, vr, PrimitiveValue::Strs(values))
    };
    let number = |tag: Tag, value: u16| DataElement::new(tag, VR::US, PrimitiveValue::from(value));
    let z = i32::from(slice) - i32::from(NODULE_SLICE);
    let location = (z * phantom::SLICE_MM).to_string();
    let corner = phantom::CORNER_MM;
    let pixels: C<u16> = phantom::hounsfield(slice).into_iter().map(phantom::stored).collect();
    InMemDicomObject::from_element_iter([
        text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192"),
        several(tags::IMAGE_TYPE, VR::CS, &["ORIGINAL", "PRIMARY", "AXIAL"]),
        text(tags::SOP_CLASS_UID, VR::UI, SOP_CLASS_UID),
        text(tags::SOP_INSTANCE_UID, VR::UI, sop_instance_uid(slice).as_str()),
        text(tags::STUDY_DATE, VR::DA, STUDY_DATE),
        text(tags::SERIES_DATE, VR::DA, STUDY_DATE),
        text(tags::ACQUISITION_DATE, VR::DA, STUDY_DATE),
        text(tags::CONTENT_DATE, VR::DA, STUDY_DATE),
        text(tags::STUDY_TIME, VR::TM, STUDY_TIME),
        text(tags::SERIES_TIME, VR::TM, STUDY_TIME),
        text(tags::ACQUISITION_TIME, VR::TM, STUDY_TIME),
        text(tags::CONTENT_TIME, VR::TM, STUDY_TIME),
        text(tags::ACCESSION_NUMBER, VR::SH, ACCESSION_NUMBER),
        text(tags::MODALITY, VR::CS, "CT"),
        text(tags::MANUFACTURER, VR::LO, "Causeway"),
        text(tags::REFERRING_PHYSICIAN_NAME, VR::PN, REFERRING_PHYSICIAN),
        text(tags::STUDY_DESCRIPTION, VR::LO, STUDY_DESCRIPTION),
        text(tags::SERIES_DESCRIPTION, VR::LO, "Axial 5 mm"),
        text(tags::MANUFACTURER_MODEL_NAME, VR::LO, "Drawn phantom"),
        text(tags::PATIENT_NAME, VR::PN, PATIENT_NAME),
        text(tags::PATIENT_ID, VR::LO, PATIENT_ID),
        text(tags::ISSUER_OF_PATIENT_ID, VR::LO, ISSUER_OF_PATIENT_ID),
        text(tags::PATIENT_BIRTH_DATE, VR::DA, PATIENT_BIRTH_DATE),
        text(tags::PATIENT_SEX, VR::CS, PATIENT_SEX),
        text(tags::BODY_PART_EXAMINED, VR::CS, "CHEST"),
        text(tags::SLICE_THICKNESS, VR::DS, &phantom::SLICE_MM.to_string()),
        text(tags::KVP, VR::DS, "120"),
        text(tags::PATIENT_POSITION, VR::CS, "HFS"),
        text(tags::STUDY_INSTANCE_UID, VR::UI, STUDY_INSTANCE_UID),
        text(tags::SERIES_INSTANCE_UID, VR::UI, SERIES_INSTANCE_UID),
        text(tags::STUDY_ID, VR::SH, STUDY_ID),
        text(tags::SERIES_NUMBER, VR::IS, "1"),
        text(tags::ACQUISITION_NUMBER, VR::IS, "1"),
        text(tags::INSTANCE_NUMBER, VR::IS, &slice.to_string()),
        several(tags::IMAGE_POSITION_PATIENT, VR::DS, &[corner, corner, &location]),
        several(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, &["1", "0", "0", "0", "1", "0"]),
        text(tags::FRAME_OF_REFERENCE_UID, VR::UI, Uid::derived(&["sample-study", "frame-of-reference"]).as_str()),
        text(tags::POSITION_REFERENCE_INDICATOR, VR::LO, ""),
        text(tags::SLICE_LOCATION, VR::DS, &location),
        number(tags::SAMPLES_PER_PIXEL, 1),
        text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2"),
        number(tags::ROWS, phantom::SIDE),
        number(tags::COLUMNS, phantom::SIDE),
        several(tags::PIXEL_SPACING, VR::DS, &[phantom::PIXEL_MM, phantom::PIXEL_MM]),
        number(tags::BITS_ALLOCATED, 16),
        number(tags::BITS_STORED, 16),
        number(tags::HIGH_BIT, 15),
        number(tags::PIXEL_REPRESENTATION, 0),
        text(tags::WINDOW_CENTER, VR::DS, &phantom::WINDOW_CENTER.to_string()),
        text(tags::WINDOW_WIDTH, VR::DS, &phantom::WINDOW_WIDTH.to_string()),
        text(tags::RESCALE_INTERCEPT, VR::DS, &(-phantom::OFFSET).to_string()),
        text(tags::RESCALE_SLOPE, VR::DS, "1"),
        text(tags::RESCALE_TYPE, VR::LO, "HU"),
        DataElement::new(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(pixels)),
    ])
}

#[expect(clippy::expect_used, reason = "the literals are UIDs")]
fn literal(uid: &str) -> Uid {
    Uid::parse(uid).expect("the literals are UIDs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_the_same_every_time_and_say_what_the_facts_say() {
        let files = files();
        assert_eq!(files, super::files());
        let facts = facts();
        for (bytes, instance) in files.iter().zip(&facts.series[0].instances) {
            let object = dicom_object::from_reader(bytes.as_slice()).expect("reads");
            let text = |tag: Tag| object.element(tag).expect("there").to_str().expect("text").into_owned();
            assert_eq!(text(tags::SOP_INSTANCE_UID), instance.uid.as_str());
            assert_eq!(text(tags::INSTANCE_NUMBER).parse().ok(), instance.number);
            assert_eq!(Some(text(tags::PATIENT_ID)), facts.patient_id);
            assert_eq!(text(tags::STUDY_INSTANCE_UID), STUDY_INSTANCE_UID);
            assert_eq!(
                object.element(tags::PIXEL_DATA).expect("there").to_bytes().expect("bytes").len(),
                128 * 128 * 2
            );
        }
        assert_eq!(sop_instance_uid(1).as_str(), "2.25.3304129031725341967718459116437405200001");
    }

    #[test]
    fn the_nodule_shows_in_its_slice() {
        let bright = |slice| {
            let nodule = phantom::hounsfield(slice)[phantom::NODULE_AT];
            phantom::windowed(nodule)
        };
        assert!(bright(NODULE_SLICE) > 150);
        assert!(bright(1) < 100 && bright(5) < 100);
        for slice in 1..=SLICES {
            assert_eq!(png(slice).as_deref().and_then(PictureForm::of), Some(PictureForm::Png));
        }
        assert_eq!(png(0), None);
        assert_eq!(png(6), None);
    }
}
