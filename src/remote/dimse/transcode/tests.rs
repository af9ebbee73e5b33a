use std::io::Write as _;

use dicom_core::{DataElement, PrimitiveValue, Tag, VR, dicom_value};
use dicom_dictionary_std::{tags, uids};
use dicom_object::InMemDicomObject;
use dicom_transfer_syntax_registry::entries;
use proptest::prelude::*;

use super::*;

/// A data set with texts of another character set, sequences in sequences, and binary values.
fn sample() -> InMemDicomObject {
    let inner =
        InMemDicomObject::from_element_iter([
            DataElement::new(tags::CODE_VALUE, VR::SH, PrimitiveValue::from("121071")),
            DataElement::new(
                tags::CONCEPT_NAME_CODE_SEQUENCE,
                VR::SQ,
                dicom_core::value::DataSetSequence::from(vec![InMemDicomObject::from_element_iter([
                    DataElement::new(tags::CODE_MEANING, VR::LO, PrimitiveValue::from("Befund größer")),
                ])]),
            ),
        ]);
    InMemDicomObject::from_element_iter([
        DataElement::new(tags::SPECIFIC_CHARACTER_SET, VR::CS, PrimitiveValue::from("ISO_IR 192")),
        DataElement::new(tags::SOP_CLASS_UID, VR::UI, PrimitiveValue::from(uids::BASIC_TEXT_SR_STORAGE)),
        DataElement::new(tags::PATIENT_NAME, VR::PN, PrimitiveValue::from("Παπαδοπούλου^Ελένη")),
        DataElement::new(tags::CONTENT_SEQUENCE, VR::SQ, dicom_core::value::DataSetSequence::from(vec![inner])),
        DataElement::new(tags::TEXT_VALUE, VR::UT, PrimitiveValue::from("x".repeat(70_000))),
        DataElement::new(Tag(0x0099, 0x1001), VR::UN, PrimitiveValue::from(vec![1u8, 2, 3, 4])),
        DataElement::new(tags::PIXEL_DATA, VR::OW, dicom_value!(U16, [1, 2, 3])),
    ])
}

fn explicit(object: &InMemDicomObject) -> Vec<u8> {
    let mut bytes = Vec::new();
    object.write_dataset_with_ts(&mut bytes, &entries::EXPLICIT_VR_LITTLE_ENDIAN.erased()).expect("writes");
    bytes
}

fn read_implicit(bytes: &[u8]) -> InMemDicomObject {
    InMemDicomObject::read_dataset_with_ts(bytes, &entries::IMPLICIT_VR_LITTLE_ENDIAN.erased()).expect("reads")
}

#[test]
fn the_implicit_form_says_the_same() {
    let object = sample();
    let converted = data_set(explicit(&object).into(), EXPLICIT_LE, IMPLICIT_LE).expect("converts");
    let read = read_implicit(&converted);
    for tag in [tags::PATIENT_NAME, tags::TEXT_VALUE, tags::SOP_CLASS_UID] {
        let text = |object: &InMemDicomObject| object.element(tag).expect("there").to_str().expect("text").into_owned();
        assert_eq!(text(&read), text(&object));
    }
    let meaning = read
        .value_at((tags::CONTENT_SEQUENCE, 0, tags::CONCEPT_NAME_CODE_SEQUENCE, 0, tags::CODE_MEANING))
        .expect("there")
        .to_str()
        .expect("text")
        .into_owned();
    assert_eq!(meaning, "Befund größer");
    assert_eq!(read.element(tags::PIXEL_DATA).expect("there").to_multi_int::<u16>().expect("numbers"), [1, 2, 3]);
}

#[test]
fn lengths_of_sequences_are_counted_anew() {
    // (0040,A730) SQ of 26 bytes: one item of 18 bytes: (0040,A160) UT of 6 bytes.
    let mut bytes = vec![0x40, 0, 0x30, 0xA7, b'S', b'Q', 0, 0, 26, 0, 0, 0];
    bytes.extend_from_slice(&[0xFE, 0xFF, 0, 0xE0, 18, 0, 0, 0]);
    bytes.extend_from_slice(&[0x40, 0, 0x60, 0xA1, b'U', b'T', 0, 0, 6, 0, 0, 0]);
    bytes.extend_from_slice(b"abcdef");
    let mut expected = vec![0x40, 0, 0x30, 0xA7, 22, 0, 0, 0];
    expected.extend_from_slice(&[0xFE, 0xFF, 0, 0xE0, 14, 0, 0, 0]);
    expected.extend_from_slice(&[0x40, 0, 0x60, 0xA1, 6, 0, 0, 0]);
    expected.extend_from_slice(b"abcdef");
    assert_eq!(implicit(&bytes), Ok(expected));
    for cut in 1..bytes.len() {
        assert!(implicit(&bytes[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn an_unknown_sequence_is_copied_as_it_is() {
    let content: &[u8] = &[
        0xFE, 0xFF, 0, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF, 0x10, 0, 0x10, 0, 2, 0, 0, 0, b'A', b'B', 0xFE, 0xFF, 0x0D, 0xE0,
        0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0,
    ];
    let mut bytes = vec![0x99, 0, 1, 0x10, b'U', b'N', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF];
    bytes.extend_from_slice(content);
    bytes.extend_from_slice(&[0x99, 0, 2, 0x10, b'U', b'S', 2, 0, 7, 0]);
    let mut expected = vec![0x99, 0, 1, 0x10, 0xFF, 0xFF, 0xFF, 0xFF];
    expected.extend_from_slice(content);
    expected.extend_from_slice(&[0x99, 0, 2, 0x10, 2, 0, 0, 0, 7, 0]);
    assert_eq!(implicit(&bytes), Ok(expected));
}

#[test]
fn compressed_pixel_data_is_refused() {
    let bytes = [0xE0, 0x7F, 0x10, 0, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF];
    assert_eq!(implicit(&bytes), Err(TranscodeError::Compressed));
}

#[test]
fn a_deflated_data_set_is_inflated_first() {
    let plain = explicit(&sample());
    let mut deflated = Vec::new();
    {
        let Some(Codec::Dataset(Some(adapter))) = TransferSyntaxRegistry.get(DEFLATED_LE).map(TransferSyntax::codec)
        else {
            panic!("no deflate")
        };
        let mut writer = adapter.adapt_writer(Box::new(&mut deflated));
        writer.write_all(&plain).expect("writes");
        writer.flush().expect("flushes");
    }
    let inflated = data_set(deflated.clone().into(), DEFLATED_LE, EXPLICIT_LE).expect("inflates");
    assert_eq!(inflated.as_ref(), plain);
    let converted = data_set(deflated.into(), DEFLATED_LE, IMPLICIT_LE).expect("converts");
    assert_eq!(converted.as_ref(), implicit(&plain).expect("converts"));
    assert_eq!(data_set(Bytes::from_static(&[0xFF; 9]), DEFLATED_LE, EXPLICIT_LE), Err(TranscodeError::Inflate));
}

#[test]
fn no_data_set_of_odd_length_leaves() {
    let odd = Bytes::from_static(&[8, 0, 5, 0, b'C', b'S', 1, 0, b'x']);
    assert_eq!(data_set(odd.clone(), EXPLICIT_LE, EXPLICIT_LE), Err(TranscodeError::Odd));
    assert_eq!(data_set(odd, EXPLICIT_LE, IMPLICIT_LE), Err(TranscodeError::Odd));
    let deflated = data_set(Bytes::from_static(b"abc"), DEFLATED_LE, DEFLATED_LE);
    assert_eq!(deflated, Ok(Bytes::from_static(b"abc\0")));
}

#[test]
fn nesting_has_a_limit() {
    let mut bytes = Vec::new();
    for _ in 0..5_000 {
        bytes.extend_from_slice(&[0x40, 0, 0x30, 0xA7, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
        bytes.extend_from_slice(&[0xFE, 0xFF, 0, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF]);
    }
    assert_eq!(implicit(&bytes), Err(TranscodeError::Depth));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = implicit(&bytes);
    }

    #[test]
    fn a_damaged_data_set_never_makes_it_panic(at in 0usize..400, byte: u8) {
        let mut bytes = explicit(&sample());
        if let Some(target) = bytes.get_mut(at) {
            *target = byte;
        }
        let _ = implicit(&bytes);
    }
}
