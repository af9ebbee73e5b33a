use std::io::Write as _;

use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR, dicom_value};
use dicom_dictionary_std::{tags, uids};
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use dicom_transfer_syntax_registry::entries;
use proptest::prelude::*;

use super::*;

/// A data set with texts of another character set, sequences in sequences, and numbers of all widths.
fn sample() -> InMemDicomObject {
    let meaning = DataElement::new(tags::CODE_MEANING, VR::LO, PrimitiveValue::from("Befund größer"));
    let inner = InMemDicomObject::from_element_iter([
        DataElement::new(tags::CODE_VALUE, VR::SH, PrimitiveValue::from("121071")),
        DataElement::new(
            tags::CONCEPT_NAME_CODE_SEQUENCE,
            VR::SQ,
            DataSetSequence::from(vec![InMemDicomObject::from_element_iter([meaning])]),
        ),
    ]);
    InMemDicomObject::from_element_iter([
        DataElement::new(tags::SPECIFIC_CHARACTER_SET, VR::CS, PrimitiveValue::from("ISO_IR 192")),
        DataElement::new(tags::SOP_CLASS_UID, VR::UI, PrimitiveValue::from(uids::BASIC_TEXT_SR_STORAGE)),
        DataElement::new(tags::PATIENT_NAME, VR::PN, PrimitiveValue::from("Παπαδοπούλου^Ελένη")),
        DataElement::new(tags::ROWS, VR::US, dicom_value!(U16, [513])),
        DataElement::new(tags::PIXEL_REPRESENTATION, VR::US, dicom_value!(U16, [1])),
        DataElement::new(tags::SMALLEST_IMAGE_PIXEL_VALUE, VR::SS, dicom_value!(I16, [-2])),
        DataElement::new(tags::CONTENT_SEQUENCE, VR::SQ, DataSetSequence::from(vec![inner])),
        DataElement::new(tags::TEXT_VALUE, VR::UT, PrimitiveValue::from("x".repeat(70_000))),
        DataElement::new(Tag(0x0099, 0x0010), VR::LO, PrimitiveValue::from("MAKER")),
        DataElement::new(Tag(0x0099, 0x1001), VR::UN, PrimitiveValue::from(vec![1u8, 2, 3, 4])),
        DataElement::new(tags::REAL_WORLD_VALUE_SLOPE, VR::FD, dicom_value!(F64, [0.1])),
        DataElement::new(tags::PIXEL_DATA, VR::OW, dicom_value!(U16, [1, 2, 3])),
    ])
}

fn encoded(object: &InMemDicomObject, syntax: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let syntax = match syntax {
        IMPLICIT_LE => entries::IMPLICIT_VR_LITTLE_ENDIAN.erased(),
        EXPLICIT_BE => entries::EXPLICIT_VR_BIG_ENDIAN.erased(),
        _ => entries::EXPLICIT_VR_LITTLE_ENDIAN.erased(),
    };
    object.write_dataset_with_ts(&mut bytes, &syntax).expect("writes");
    bytes
}

fn decoded(bytes: &[u8], syntax: &str) -> InMemDicomObject {
    let syntax = match syntax {
        IMPLICIT_LE => entries::IMPLICIT_VR_LITTLE_ENDIAN.erased(),
        _ => entries::EXPLICIT_VR_LITTLE_ENDIAN.erased(),
    };
    InMemDicomObject::read_dataset_with_ts(bytes, &syntax).expect("reads")
}

fn recoded(bytes: &[u8], from: &str, to: &str, size: usize) -> Result<Vec<u8>, RecodeError> {
    let mut recoder = Recoder::new(from, to).expect("there is a way");
    let mut out = Vec::new();
    for piece in bytes.chunks(size) {
        recoder.push(piece, &mut out)?;
    }
    recoder.finish(&mut out)?;
    Ok(out)
}

/// The bytes of a value without what fills it up to an even length. PS3.5 §6.2.
fn unpadded(element: &InMemElement) -> Vec<u8> {
    let mut bytes = element.value().to_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default();
    if matches!(bytes.last(), Some(0 | b' ')) {
        bytes.pop();
    }
    bytes
}

#[test]
fn every_way_says_the_same() {
    let object = sample();
    for from in [EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE] {
        for to in [EXPLICIT_LE, IMPLICIT_LE] {
            let bytes = recoded(&encoded(&object, from), from, to, 7).expect("converts");
            let read = decoded(&bytes, to);
            for element in &object {
                let tag = element.header().tag;
                let there = read.element(tag).expect("is there");
                if to == EXPLICIT_LE && tag != Tag(0x0099, 0x1001) {
                    assert_eq!(there.vr(), element.vr(), "{from} {to} {tag}");
                }
                if element.vr() != VR::SQ {
                    assert_eq!(unpadded(there), unpadded(element), "{from} {to} {tag}");
                }
            }
            let path = (tags::CONTENT_SEQUENCE, 0, tags::CONCEPT_NAME_CODE_SEQUENCE, 0, tags::CODE_MEANING);
            assert_eq!(read.value_at(path).expect("there").to_str().expect("text"), "Befund größer");
        }
    }
}

#[test]
fn sequences_of_a_length_come_out_with_delimiters_and_group_lengths_not_at_all() {
    let mut bytes = vec![0x40, 0, 0, 0, b'U', b'L', 4, 0, 34, 0, 0, 0];
    bytes.extend_from_slice(&[0x40, 0, 0x30, 0xA7, b'S', b'Q', 0, 0, 26, 0, 0, 0]);
    bytes.extend_from_slice(&[0xFE, 0xFF, 0, 0xE0, 18, 0, 0, 0]);
    bytes.extend_from_slice(&[0x40, 0, 0x60, 0xA1, b'U', b'T', 0, 0, 6, 0, 0, 0]);
    bytes.extend_from_slice(b"abcdef");
    let mut expected = vec![0x40, 0, 0x30, 0xA7, 0xFF, 0xFF, 0xFF, 0xFF];
    expected.extend_from_slice(&ITEM_BEGIN);
    expected.extend_from_slice(&[0x40, 0, 0x60, 0xA1, 6, 0, 0, 0]);
    expected.extend_from_slice(b"abcdef");
    expected.extend_from_slice(&ITEM_END);
    expected.extend_from_slice(&SEQUENCE_END);
    assert_eq!(recoded(&bytes, EXPLICIT_LE, IMPLICIT_LE, 5), Ok(expected));
    for cut in 13..bytes.len() {
        assert!(recoded(&bytes[..cut], EXPLICIT_LE, IMPLICIT_LE, 100).is_err(), "{cut}");
    }
    // An item that reaches over the end of its sequence.
    bytes[28] = 19;
    assert!(recoded(&bytes, EXPLICIT_LE, IMPLICIT_LE, 100).is_err());
}

#[test]
fn what_cannot_be_converted_is_refused() {
    let compressed = [0xE0, 0x7F, 0x10, 0, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF];
    assert_eq!(recoded(&compressed, EXPLICIT_LE, IMPLICIT_LE, 100), Err(RecodeError::Compressed));
    assert!(Recoder::new("1.2.840.10008.1.2.4.70", EXPLICIT_LE).is_none());
    assert!(Recoder::new(EXPLICIT_LE, EXPLICIT_BE).is_none());
    let mut nested = Vec::new();
    for _ in 0..5_000 {
        nested.extend_from_slice(&[0x40, 0, 0x30, 0xA7, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
        nested.extend_from_slice(&ITEM_BEGIN);
    }
    assert_eq!(recoded(&nested, EXPLICIT_LE, IMPLICIT_LE, 100), Err(RecodeError::Depth));
}

#[test]
fn an_odd_value_is_made_even() {
    let odd = [8, 0, 5, 0, b'C', b'S', 1, 0, b'x'];
    assert_eq!(recoded(&odd, EXPLICIT_LE, IMPLICIT_LE, 1), Ok(vec![8, 0, 5, 0, 2, 0, 0, 0, b'x', b' ']));
}

#[test]
fn a_deflated_data_set_is_inflated() {
    let plain = encoded(&sample(), EXPLICIT_LE);
    let mut deflater = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    deflater.write_all(&plain).expect("writes");
    let mut deflated = deflater.finish().expect("finishes");
    let expected = recoded(&plain, EXPLICIT_LE, IMPLICIT_LE, 1_000);
    for size in [1, 100, 1 << 20] {
        assert_eq!(recoded(&deflated, DEFLATED_LE, IMPLICIT_LE, size), expected, "{size}");
    }
    deflated.push(0);
    assert_eq!(recoded(&deflated, DEFLATED_LE, IMPLICIT_LE, 100), expected, "padded");
    assert!(recoded(&deflated[..deflated.len() / 2], DEFLATED_LE, IMPLICIT_LE, 100).is_err());
    assert!(recoded(&[0xFF; 9], DEFLATED_LE, EXPLICIT_LE, 100).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), size in 1_usize..50) {
        for from in [EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE, DEFLATED_LE] {
            let _ = recoded(&bytes, from, EXPLICIT_LE, size);
        }
    }

    #[test]
    fn pieces_of_any_size_give_the_same(size in 1_usize..3_000, at in 0_usize..400, byte: u8) {
        let mut bytes = encoded(&sample(), EXPLICIT_LE);
        prop_assert_eq!(recoded(&bytes, EXPLICIT_LE, IMPLICIT_LE, size), recoded(&bytes, EXPLICIT_LE, IMPLICIT_LE, 1 << 20));
        bytes[at] = byte;
        let _ = recoded(&bytes, EXPLICIT_LE, IMPLICIT_LE, size);
    }
}
