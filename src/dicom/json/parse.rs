//! Data sets out of DICOM JSON. PS3.18 Annex F.
//!
//! Bulk data is not in the JSON: it is asked for by its URI while the data set is put together.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dicom_core::value::{DataSetSequence, PrimitiveValue};
use dicom_core::{DataElement, Tag, VR};
use serde_json::{Map, Value};

use crate::base::Decimal;

use super::super::element::DataSet;
use super::super::value::DecimalString;

/// The bytes of bulk data by its URI; `None` if there are none.
pub type BulkData<'a> = dyn Fn(&str) -> Option<Vec<u8>> + 'a;

/// Why DICOM JSON is no data set. None holds a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// A data set is not an object, or an element is none.
    #[error("is not a data set in JSON")]
    Shape,
    /// A name is no tag of eight hexadecimal digits.
    #[error("has a name that is no tag")]
    Tag,
    /// The VR is missing or unknown.
    #[error("{0} has no VR that is known")]
    Vr(Tag),
    /// The value is not as its VR has it.
    #[error("{0} has a value that its VR does not have")]
    Value(Tag),
    /// A member is neither `vr` nor one of the three forms of a value, or there are several of these.
    #[error("{0} has members that elements do not have")]
    Member(Tag),
    /// Bulk data that is referred to is not there.
    #[error("bulk data of {0} is not there")]
    Bulk(Tag),
    /// Sequences lie too deep in each other.
    #[error("has more than {MAX_DEPTH} levels of sequences")]
    Depth,
}

/// Reads one data set. Group lengths and file meta information, which do not belong there, are left out.
pub fn parse(json: &Value, bulk: &BulkData<'_>) -> Result<DataSet, JsonError> {
    data_set(json.as_object().ok_or(JsonError::Shape)?, bulk, 0)
}

/// The tag of a member's name: eight hexadecimal digits.
pub fn tag(name: &str) -> Result<Tag, JsonError> {
    if name.len() != 8 || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(JsonError::Tag);
    }
    let number = u32::from_str_radix(name, 16).map_err(|_digits| JsonError::Tag)?;
    Ok(Tag((number >> 16) as u16, (number & 0xffff) as u16))
}

fn data_set(object: &Map<String, Value>, bulk: &BulkData<'_>, depth: usize) -> Result<DataSet, JsonError> {
    if depth > MAX_DEPTH {
        return Err(JsonError::Depth);
    }
    let mut set = DataSet::new_empty();
    for (name, element) in object {
        let tag = tag(name)?;
        if tag.element() == 0 || tag.group() <= 0x0002 {
            continue;
        }
        put(&mut set, tag, element.as_object().ok_or(JsonError::Shape)?, bulk, depth)?;
    }
    Ok(set)
}

fn put(
    set: &mut DataSet,
    tag: Tag,
    element: &Map<String, Value>,
    bulk: &BulkData<'_>,
    depth: usize,
) -> Result<(), JsonError> {
    let vr =
        element.get("vr").and_then(Value::as_str).and_then(|text| text.parse::<VR>().ok()).ok_or(JsonError::Vr(tag))?;
    if element.len() > 2 || element.keys().any(|key| !MEMBERS.contains(&key.as_str())) {
        return Err(JsonError::Member(tag));
    }
    if let Some(uri) = element.get("BulkDataURI") {
        let bytes = uri.as_str().and_then(bulk).ok_or(JsonError::Bulk(tag))?;
        set.put(DataElement::new(tag, vr, of_bytes(vr, bytes)));
        return Ok(());
    }
    if let Some(inline) = element.get("InlineBinary") {
        let text = inline.as_str().filter(|_| is_binary(vr)).ok_or(JsonError::Value(tag))?;
        let bytes = STANDARD.decode(text).map_err(|_base64| JsonError::Value(tag))?;
        set.put(DataElement::new(tag, vr, PrimitiveValue::from(bytes)));
        return Ok(());
    }
    let values = match element.get("Value") {
        None => &[][..],
        Some(values) => values.as_array().ok_or(JsonError::Value(tag))?,
    };
    if vr == VR::SQ {
        let items: Vec<DataSet> = values
            .iter()
            .map(|item| match item {
                Value::Null => Ok(DataSet::new_empty()),
                item => data_set(item.as_object().ok_or(JsonError::Value(tag))?, bulk, depth + 1),
            })
            .collect::<Result<_, _>>()?;
        set.put(DataElement::new(tag, vr, DataSetSequence::from(items)));
        return Ok(());
    }
    let value = if values.is_empty() { Some(PrimitiveValue::Empty) } else { primitive(vr, values) };
    set.put(DataElement::new(tag, vr, value.ok_or(JsonError::Value(tag))?));
    Ok(())
}

/// Values in the form of their VR. PS3.18 Table F.2.3-1.
fn primitive(vr: VR, values: &[Value]) -> Option<PrimitiveValue> {
    fn all<T>(values: &[Value], one: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
        values.iter().map(one).collect()
    }
    Some(match vr {
        VR::PN => PrimitiveValue::Str(all(values, name)?.join("\\")),
        VR::LT | VR::ST | VR::UT | VR::UR => {
            let [value] = values else { return None };
            PrimitiveValue::Str(value.as_str()?.to_owned())
        }
        VR::IS | VR::DS => PrimitiveValue::Str(all(values, |value| number_text(vr, value))?.join("\\")),
        VR::AE | VR::AS | VR::CS | VR::DA | VR::DT | VR::LO | VR::SH | VR::TM | VR::UC | VR::UI => {
            PrimitiveValue::Str(all(values, text)?.join("\\"))
        }
        VR::AT => PrimitiveValue::Tags(all(values, |value| tag(value.as_str()?).ok())?.into()),
        VR::FL => PrimitiveValue::F32(all(values, |value| float(value).map(single))?.into()),
        VR::FD => PrimitiveValue::F64(all(values, float)?.into()),
        VR::SS => PrimitiveValue::I16(all(values, |value| i16::try_from(integer(value)?).ok())?.into()),
        VR::US => PrimitiveValue::U16(all(values, |value| u16::try_from(integer(value)?).ok())?.into()),
        VR::SL => PrimitiveValue::I32(all(values, |value| i32::try_from(integer(value)?).ok())?.into()),
        VR::UL => PrimitiveValue::U32(all(values, |value| u32::try_from(integer(value)?).ok())?.into()),
        VR::SV => PrimitiveValue::I64(all(values, |value| i64::try_from(integer(value)?).ok())?.into()),
        VR::UV => PrimitiveValue::U64(all(values, |value| u64::try_from(integer(value)?).ok())?.into()),
        _ => return None,
    })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        // A backslash would make two values of one.
        value => value.as_str().filter(|text| !text.contains('\\')).map(str::to_owned),
    }
}

/// PS3.18 §F.2.2: groups of a name.
fn name(value: &Value) -> Option<String> {
    if value.is_null() {
        return Some(String::new());
    }
    let object = value.as_object()?;
    let group = |key: &str| match object.get(key) {
        None | Some(Value::Null) => Some(""),
        Some(group) => group.as_str().filter(|text| !text.contains(['\\', '='])),
    };
    let groups = [group("Alphabetic")?, group("Ideographic")?, group("Phonetic")?];
    Some(groups.join("=").trim_end_matches('=').to_owned())
}

fn number_text(vr: VR, value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => {
            let text = number.to_string();
            if text.len() <= 16 || vr == VR::IS {
                return Some(text);
            }
            // What has more digits than DS can say is rounded.
            let plain = Decimal::parse(&text).map(|decimal| DecimalString::of(&decimal).text);
            plain.or_else(|| Some(format!("{:.9e}", number.as_f64()?)))
        }
        value => text(value),
    }
}

fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from))
            // Some clients write integers as 1.0.
            .or_else(|| number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 9e15).map(whole)),
        value => value.as_str()?.trim().parse().ok(),
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        value => match value.as_str()? {
            "NaN" => Some(f64::NAN),
            "inf" | "Infinity" => Some(f64::INFINITY),
            "-inf" | "-Infinity" => Some(f64::NEG_INFINITY),
            text => text.trim().parse().ok(),
        },
    }
}

/// Bulk data as a value. Bytes stand as they are, little endian; text is UTF-8.
fn of_bytes(vr: VR, bytes: Vec<u8>) -> PrimitiveValue {
    match vr {
        VR::IS | VR::DS | VR::LT | VR::ST | VR::UT | VR::UC | VR::UR | VR::LO | VR::SH | VR::PN => {
            PrimitiveValue::Str(String::from_utf8_lossy(&bytes).into_owned())
        }
        _ => PrimitiveValue::from(bytes),
    }
}

fn is_binary(vr: VR) -> bool {
    matches!(vr, VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN)
}

const MEMBERS: [&str; 4] = ["vr", "Value", "BulkDataURI", "InlineBinary"];
const MAX_DEPTH: usize = 64;

/// As FL keeps it. PS3.5 §6.2.
#[expect(clippy::cast_possible_truncation, reason = "FL has single precision")]
fn single(number: f64) -> f32 {
    number as f32
}

#[expect(clippy::cast_possible_truncation, reason = "it is whole and below 9e15")]
fn whole(number: f64) -> i128 {
    number as i128
}

#[cfg(test)]
mod tests {
    use dicom_dictionary_std::tags;
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::super::element::{items, text};
    use super::*;

    fn plain(json: &Value) -> Result<DataSet, JsonError> {
        parse(json, &|uri| (uri == "there").then(|| vec![1, 2, 3]))
    }

    #[test]
    fn values_are_read_by_their_vr() {
        let set = plain(&json!({
            "00020010": {"vr": "UI", "Value": ["1.2"]},
            "00080000": {"vr": "UL", "Value": [1]},
            "00080008": {"vr": "CS", "Value": ["ORIGINAL", null, "AXIAL"]},
            "00081140": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.3"]}}]},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "A^B", "Phonetic": "C"}]},
            "00100020": {"vr": "LO"},
            "00180050": {"vr": "DS", "Value": [1.5, "2.50", 0.1]},
            "00200013": {"vr": "IS", "Value": [7]},
            "00280009": {"vr": "AT", "Value": ["00181063"]},
            "00280010": {"vr": "US", "Value": [512]},
            "00420011": {"vr": "OB", "BulkDataURI": "there"},
            "00091001": {"vr": "OB", "InlineBinary": "AQI="},
        }));
        let set = set.expect("is read");
        assert_eq!(text(&set, tags::IMAGE_TYPE).as_deref(), Some("ORIGINAL\\\\AXIAL"));
        assert_eq!(
            text(&items(&set, tags::REFERENCED_IMAGE_SEQUENCE)[0], tags::REFERENCED_SOP_INSTANCE_UID).as_deref(),
            Some("1.3")
        );
        assert_eq!(text(&set, tags::PATIENT_NAME).as_deref(), Some("A^B==C"));
        assert!(
            set.get(tags::PATIENT_ID)
                .is_some_and(|element| element.value().to_raw_str().is_ok_and(|text| text.is_empty()))
        );
        assert_eq!(text(&set, tags::SLICE_THICKNESS).as_deref(), Some("1.5\\2.50\\0.1"));
        assert_eq!(text(&set, tags::INSTANCE_NUMBER).as_deref(), Some("7"));
        assert_eq!(set.get(tags::ROWS).and_then(|rows| rows.to_int::<u16>().ok()), Some(512));
        let document = set
            .get(tags::ENCAPSULATED_DOCUMENT)
            .and_then(|element| element.to_bytes().ok().map(|bytes| bytes.to_vec()));
        assert_eq!(document, Some(vec![1, 2, 3]));
        assert!(set.get(Tag(0x0002, 0x0010)).is_none() && set.get(Tag(0x0008, 0x0000)).is_none());
    }

    #[test]
    fn what_is_no_data_set_is_refused() {
        let tag = tags::PATIENT_ID;
        for (json, error) in [
            (json!([]), JsonError::Shape),
            (json!({"00100020": []}), JsonError::Shape),
            (json!({"PatientID": {"vr": "LO"}}), JsonError::Tag),
            (json!({"00100020": {"Value": ["a"]}}), JsonError::Vr(tag)),
            (json!({"00100020": {"vr": "XX"}}), JsonError::Vr(tag)),
            (json!({"00100020": {"vr": "LO", "Value": "a"}}), JsonError::Value(tag)),
            (json!({"00100020": {"vr": "LO", "Value": [1]}}), JsonError::Value(tag)),
            (json!({"00100020": {"vr": "LO", "Value": ["a\\b"]}}), JsonError::Value(tag)),
            (json!({"00100020": {"vr": "US", "Value": [65536]}}), JsonError::Value(tag)),
            (json!({"00100020": {"vr": "LO", "InlineBinary": "AQI="}}), JsonError::Value(tag)),
            (json!({"00100020": {"vr": "OB", "InlineBinary": "?"}}), JsonError::Value(tag)),
            (json!({"00100020": {"vr": "OB", "BulkDataURI": "elsewhere"}}), JsonError::Bulk(tag)),
            (json!({"00100020": {"vr": "LO", "more": 1}}), JsonError::Member(tag)),
            (json!({"00100020": {"vr": "LO", "Value": [], "BulkDataURI": "there"}}), JsonError::Member(tag)),
        ] {
            assert_eq!(plain(&json).map(|_| ()), Err(error), "{json}");
        }
        let deep = (0..80).fold(json!({}), |inner, _| json!({"00081140": {"vr": "SQ", "Value": [inner]}}));
        assert_eq!(plain(&deep).map(|_| ()), Err(JsonError::Depth));
    }

    proptest! {
        #[test]
        fn any_element_is_read_without_panic(
            name in "[0-9A-F]{8}|\\PC{0,9}",
            vr in "[A-Z]{2}",
            text in "\\PC{0,20}",
            number in any::<f64>(),
        ) {
            for value in [json!([text]), json!([number]), json!([{"Alphabetic": text}]), json!([null, number]), json!(text)] {
                let _ = plain(&json!({name.clone(): {"vr": vr, "Value": value}}));
            }
        }
    }
}
