use dicom_dictionary_std::uids;
use proptest::prelude::*;

use super::*;
use crate::dicom::element;

use dicom_core::VR;
use dicom_dictionary_std::tags;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../fixtures/dicom/sr/", $name))
    };
}

fn sample() -> DataSet {
    let mut set = DataSet::new_empty();
    element::put_text(&mut set, tags::SOP_CLASS_UID, VR::UI, uids::BASIC_TEXT_SR_STORAGE);
    element::put_text(&mut set, tags::SOP_INSTANCE_UID, VR::UI, "2.25.1");
    element::put_text(&mut set, tags::PATIENT_NAME, VR::PN, "Ünal^Ayşe=山田^太郎");
    let mut item = DataSet::new_empty();
    element::put_text(&mut item, tags::TEXT_VALUE, VR::UT, "  Zeile 1\r\nZeile 2");
    element::put_value(
        &mut item,
        tags::GRAPHIC_DATA,
        VR::FL,
        dicom_core::value::PrimitiveValue::F32(vec![1.5, -2.0].into()),
    );
    element::put_items(&mut set, tags::CONTENT_SEQUENCE, vec![item, DataSet::new_empty()]);
    set
}

#[test]
fn what_is_written_is_read() {
    for syntax in TransferSyntax::WRITABLE {
        let file = write(&sample(), syntax).expect("written");
        assert_eq!(file, write(&sample(), syntax).expect("written"), "the same bytes every time");
        let read = read(&file, &ReadLimits::default()).expect("read");
        assert_eq!(read.transfer_syntax, syntax);
        assert_eq!(read.sop_instance_uid.as_deref(), Some("2.25.1"));
        let set = &read.content.data_set;
        assert_eq!(element::text(set, tags::PATIENT_NAME).as_deref(), Some("Ünal^Ayşe=山田^太郎"));
        let items = element::items(set, tags::CONTENT_SEQUENCE);
        assert_eq!(items.len(), 2);
        assert_eq!(element::text(&items[0], tags::TEXT_VALUE).as_deref(), Some("  Zeile 1\r\nZeile 2"));
        assert_eq!(
            items[0].get(tags::GRAPHIC_DATA).and_then(|data| data.to_multi_float32().ok()),
            Some(vec![1.5, -2.0])
        );
        assert!(read.content.inexact_texts.is_empty());
        for other in TransferSyntax::WRITABLE {
            let again = reencode(&file, other, &ReadLimits::default()).expect("re-encoded");
            assert_eq!(again, write(&sample(), other).expect("written"));
        }
    }
    assert!(IMPLEMENTATION_VERSION_NAME.len() <= 16);
    assert!(crate::base::Uid::parse(IMPLEMENTATION_CLASS_UID).is_ok());
}

#[test]
fn foreign_files_are_read() {
    for file in [
        &fixture!("reportsi.dcm")[..],
        fixture!("test-SR.dcm"),
        fixture!("tid1500_comprehensive.dcm"),
        fixture!("kos.dcm"),
        fixture!("encapsulated_pdf.dcm"),
        fixture!("broken/nested_priv_SQ.dcm"),
        fixture!("broken/priv_SQ.dcm"),
        fixture!("broken/reportsi_with_empty_number_tags.dcm"),
    ] {
        let read = read(file, &ReadLimits::default()).expect("read");
        assert!(read.content.data_set.iter().count() > 1);
        let syntax = TransferSyntax::ExplicitVrLittleEndian;
        let again = encode(&read.content.data_set, syntax).expect("written");
        let set = read_data_set(&again, syntax, &ReadLimits::default()).expect("read").data_set;
        assert_eq!(encode(&set, syntax).expect("written"), again);
    }
}

/// PS3.5 §6.2.2 note 4: a sequence whose VR got lost is in implicit VR inside.
#[test]
fn an_unknown_of_undefined_length_is_an_implicit_sequence() {
    let mut inside = DataSet::new_empty();
    element::put_text(&mut inside, tags::PATIENT_ID, VR::LO, "P1");
    let mut bytes = b"\x40\0\x30\xa7UN\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff".to_vec();
    bytes.extend(encode(&inside, TransferSyntax::ImplicitVrLittleEndian).expect("written"));
    bytes.extend_from_slice(b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0");
    let syntax = TransferSyntax::ExplicitVrLittleEndian;
    let set = read_data_set(&bytes, syntax, &ReadLimits::default()).expect("read").data_set;
    let item = element::first_item(&set, tags::CONTENT_SEQUENCE).expect("an item");
    assert_eq!(element::text(item, tags::PATIENT_ID).as_deref(), Some("P1"));
}

#[test]
fn names_are_unicode_whatever_they_were() {
    let name = |file: &[u8]| {
        let read = read(file, &ReadLimits::default()).expect("read");
        assert_eq!(read.content.inexact_texts, Vec::<String>::new());
        element::text(&read.content.data_set, tags::PATIENT_NAME).expect("a name")
    };
    assert_eq!(name(fixture!("charset/chrH31.dcm")), "Yamada^Tarou=山田^太郎=やまだ^たろう");
    assert_eq!(name(fixture!("charset/chrI2.dcm")), "Hong^Gildong=洪^吉洞=홍^길동");
    assert_eq!(name(fixture!("charset/chrKoreanMulti.dcm")), "김희중");
    assert_eq!(name(fixture!("charset/chrGreek.dcm")), "Διονυσιος");
    let nested = read(fixture!("charset/chrSQEncoding.dcm"), &ReadLimits::default()).expect("read").content.data_set;
    let item = element::first_item(&nested, tags::REQUESTED_PROCEDURE_CODE_SEQUENCE).expect("an item");
    assert_eq!(element::text(item, tags::PATIENT_NAME).as_deref(), Some("ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"));
    assert_eq!(element::text(&nested, tags::REQUESTING_PHYSICIAN).as_deref(), Some("Doctor^Who^^MD"));
}

#[test]
fn what_is_broken_is_refused() {
    let refused = |file: &[u8]| read(file, &ReadLimits::default()).expect_err("refused");
    assert!(matches!(refused(b""), Part10Error::NotDicom));
    assert!(matches!(refused(fixture!("broken/rtplan_truncated.dcm")), Part10Error::Truncated { .. }));
    let file = write(&sample(), TransferSyntax::ExplicitVrLittleEndian).expect("written");
    for end in 0..file.len() {
        assert!(read(&file[..end], &ReadLimits::default()).is_err() || end >= 132, "{end}");
    }
    let few = |limits: ReadLimits| read(&file, &limits).expect_err("refused");
    let limits = ReadLimits::default();
    assert!(matches!(few(ReadLimits { max_bytes: 100, ..limits }), Part10Error::TooLarge { max: 100 }));
    assert!(matches!(few(ReadLimits { max_elements: 8, ..limits }), Part10Error::TooManyElements { max: 8 }));
    assert!(matches!(few(ReadLimits { max_depth: 0, ..limits }), Part10Error::TooDeep { max: 0 }));
    // The element in front of huge pixel data is still had: nothing is allocated for them.
    assert!(read(fixture!("broken/huge_length.dcm"), &limits).is_ok());
}

#[test]
fn deep_trees_are_read_and_deeper_ones_refused() {
    let nested = |depth: usize| {
        let mut set = DataSet::new_empty();
        for _ in 0..depth {
            let mut around = DataSet::new_empty();
            element::put_items(&mut around, tags::CONTENT_SEQUENCE, vec![set]);
            set = around;
        }
        encode(&set, TransferSyntax::ExplicitVrLittleEndian).expect("written")
    };
    let read = |bytes: &[u8]| read_data_set(bytes, TransferSyntax::ExplicitVrLittleEndian, &ReadLimits::default());
    assert!(read(&nested(512)).is_ok());
    assert!(matches!(read(&nested(513)), Err(Part10Error::TooDeep { max: 512 })));
}

#[test]
fn a_deflated_bomb_stays_small() {
    let mut set = DataSet::new_empty();
    element::put_text(&mut set, tags::TEXT_VALUE, VR::UT, "a".repeat(4 << 20));
    let syntax = TransferSyntax::DeflatedExplicitVrLittleEndian;
    let registered =
        dicom_encoding::TransferSyntaxIndex::get(&dicom_transfer_syntax_registry::TransferSyntaxRegistry, syntax.uid());
    let mut bytes = Vec::new();
    set.write_dataset_with_ts(&mut bytes, registered.expect("registered")).expect("deflated");
    assert!(bytes.len() < 100_000);
    assert!(read_data_set(&bytes, syntax, &ReadLimits::default()).is_ok());
    let limits = ReadLimits { max_bytes: 1 << 20, ..ReadLimits::default() };
    assert!(matches!(read_data_set(&bytes, syntax, &limits), Err(Part10Error::TooLarge { .. })));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), implicit in any::<bool>()) {
        let syntax = if implicit { TransferSyntax::ImplicitVrLittleEndian } else { TransferSyntax::ExplicitVrLittleEndian };
        let _ = read_data_set(&bytes, syntax, &ReadLimits::default());
        let _ = read_data_set(&bytes, TransferSyntax::DeflatedExplicitVrLittleEndian, &ReadLimits::default());
    }

    #[test]
    fn a_changed_byte_never_panics(at in 132..6796_usize, byte in any::<u8>(), cut in 132..6797_usize) {
        let mut file = fixture!("test-SR.dcm").to_vec();
        file[at] = byte;
        let _ = read(&file, &ReadLimits::default());
        let _ = read(&file[..cut], &ReadLimits::default());
    }
}
