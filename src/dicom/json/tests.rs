//! Headers as JSON.

use std::path::Path;

use dicom_dictionary_std::tags;

use super::super::element;
use super::super::header::{Header, HeaderLimits, MetaReader, Scanner};
use super::*;

fn header(name: &str) -> Header {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dicom").join(name);
    let (meta, rest) =
        MetaReader::default().write(&std::fs::read(path).expect("is there")).expect("is valid").expect("is whole");
    let uid = meta.transfer_syntax_uid.expect("has one");
    let mut scanner = Scanner::new(&uid, &HeaderLimits::default()).expect("is known");
    scanner.write(&rest).expect("is valid");
    scanner.finish().expect("is whole")
}

fn shown(name: &str) -> serde_json::Value {
    let mut out = Vec::new();
    with_instance_url(object(&header(name)).as_bytes(), "http://x/i", &mut out);
    serde_json::from_slice(&out).expect("is JSON")
}

#[test]
fn an_image_has_all_but_its_pixels() {
    let json = shown("images/CT_small.dcm");
    assert_eq!(json["7FE00010"]["BulkDataURI"], "http://x/i/bulkdata/7FE00010");
    assert_eq!(json["00280010"], serde_json::json!({"vr": "US", "Value": [128]}));
    assert_eq!(json["00080005"], serde_json::json!({"vr": "CS", "Value": ["ISO_IR 192"]}));
    assert_eq!(json["00100010"]["Value"][0]["Alphabetic"], "CompressedSamples^CT1");
    assert!(json.get("00020010").is_none() && json.get("FFFCFFFC").is_none());
    assert!(json["00280030"]["Value"][0].is_number());
}

#[test]
fn the_byte_order_of_the_file_does_not_show() {
    let little = shown("images/MR_small.dcm");
    for name in ["images/MR_small_bigendian.dcm", "images/MR_small_implicit.dcm"] {
        let other = shown(name);
        for key in ["00280010", "00280030", "00280106", "00180081", "00200013", "00080018", "00280120"] {
            assert_eq!(other[key], little[key], "{name} {key}");
        }
    }
}

#[test]
fn references_survive_where_attributes_are_picked() {
    let kept = object(&header("images/CT_small.dcm"));
    let attributes = Attributes::parse(&kept).expect("is ours");
    assert_eq!(attributes.to_json(), kept);
    assert!(attributes.data_set().get(tags::PIXEL_DATA).is_none());
    assert!(attributes.data_set().get(tags::ROWS).is_some());
}

#[test]
fn names_have_groups_and_items_their_own_character_sets() {
    let json = shown("charset/chrH31.dcm");
    let name =
        serde_json::json!({"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"});
    assert_eq!(json["00100010"]["Value"][0], name);
    let json = shown("charset/chrSQEncoding.dcm");
    let item = &json["00321064"]["Value"][0];
    assert_eq!(item["00100010"]["Value"][0]["Ideographic"], "山田^太郎", "{item}");
    assert!(item.get("00080005").is_none());
}

#[test]
fn numbers_keep_their_digits() {
    let text = |value: &str| {
        let mut out = String::new();
        number::decimal(value, &mut out);
        out
    };
    for plain in ["1", "-0.50", "0.468750", "1e5", "12"] {
        assert_eq!(text(plain), plain);
    }
    for quoted in ["+1", ".5", "1.", "007", "1e999", "abc", "--1"] {
        assert_eq!(text(quoted), format!("\"{quoted}\""));
    }
}

#[test]
fn kept_json_becomes_a_data_set_again() {
    let header = header("sr/tid1500_comprehensive.dcm");
    let set = data_set(&object(&header)).expect("is ours");
    for tag in [tags::PATIENT_NAME, tags::STUDY_INSTANCE_UID, tags::SOP_CLASS_UID, tags::VALUE_TYPE] {
        assert_eq!(element::text(&set, tag), header.text(tag), "{tag}");
    }
    assert!(!element::items(&set, tags::CONTENT_SEQUENCE).is_empty());
    let (study, series) = split(&header);
    assert!(study.get(tags::PATIENT_NAME).is_some() && study.get(tags::MODALITY).is_none());
    assert!(series.get(tags::MODALITY).is_some() && series.get(tags::SOP_INSTANCE_UID).is_none());
}
