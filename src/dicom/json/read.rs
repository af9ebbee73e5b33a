//! JSON as a data set, for answers to C-FIND. Numbers of IS and DS keep their digits.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dicom_core::value::{DataSetSequence, PrimitiveValue};
use dicom_core::{DataElement, Tag, VR};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

use super::super::element::DataSet;
use super::attributes::tag;

#[derive(Deserialize)]
struct Member<'a> {
    vr: &'a str,
    #[serde(rename = "Value", borrow, default)]
    value: Option<Vec<&'a RawValue>>,
    #[serde(rename = "InlineBinary", default)]
    inline_binary: Option<&'a str>,
    #[serde(rename = "BulkDataURI", default)]
    bulk_data_uri: Option<&'a RawValue>,
}

/// The data set of a JSON object that this program has written; `None` if it is none. Bulk values are left out.
pub fn data_set(json: &str) -> Option<DataSet> {
    let legal = super::legal(json);
    let members: BTreeMap<&str, Member<'_>> = serde_json::from_str(&legal).ok()?;
    let mut set = DataSet::new_empty();
    for (key, member) in members {
        if member.bulk_data_uri.is_some() {
            continue;
        }
        let (tag, vr) = (tag(key)?, vr(member.vr)?);
        if vr == VR::SQ {
            let items: Option<Vec<DataSet>> =
                member.value.unwrap_or_default().into_iter().map(|item| data_set(item.get())).collect();
            set.put(DataElement::new(tag, VR::SQ, DataSetSequence::from(items?)));
        } else {
            let value = match (member.inline_binary, member.value) {
                (Some(text), _) => PrimitiveValue::U8(STANDARD.decode(text).ok()?.into()),
                (None, Some(values)) => primitive(vr, &values)?,
                (None, None) => PrimitiveValue::Empty,
            };
            set.put(DataElement::new(tag, vr, value));
        }
    }
    Some(set)
}

fn primitive(vr: VR, values: &[&RawValue]) -> Option<PrimitiveValue> {
    fn numbers<T: std::str::FromStr>(values: &[&RawValue]) -> Option<Vec<T>> {
        values.iter().map(|value| value.get().trim_matches('"').parse().ok()).collect()
    }
    Some(match vr {
        VR::US => PrimitiveValue::U16(numbers::<u16>(values)?.into()),
        VR::SS => PrimitiveValue::I16(numbers::<i16>(values)?.into()),
        VR::UL => PrimitiveValue::U32(numbers::<u32>(values)?.into()),
        VR::SL => PrimitiveValue::I32(numbers::<i32>(values)?.into()),
        VR::UV => PrimitiveValue::U64(numbers::<u64>(values)?.into()),
        VR::SV => PrimitiveValue::I64(numbers::<i64>(values)?.into()),
        VR::FL => PrimitiveValue::F32(numbers::<f32>(values)?.into()),
        VR::FD => PrimitiveValue::F64(numbers::<f64>(values)?.into()),
        VR::AT => {
            let tags: Option<Vec<Tag>> = values.iter().map(|value| tag(value.get().trim_matches('"'))).collect();
            PrimitiveValue::Tags(tags?.into())
        }
        _ => {
            let texts: Option<Vec<String>> = values.iter().map(|value| text(vr, value)).collect();
            PrimitiveValue::Str(texts?.join("\\"))
        }
    })
}

/// One value of a text VR.
fn text(vr: VR, value: &RawValue) -> Option<String> {
    let raw = value.get();
    if raw == "null" {
        return Some(String::new());
    }
    if vr == VR::PN {
        let groups: BTreeMap<String, String> = serde_json::from_str(raw).ok()?;
        let group = |name: &str| groups.get(name).map_or("", String::as_str);
        let all = [group("Alphabetic"), group("Ideographic"), group("Phonetic")].join("=");
        return Some(all.trim_end_matches('=').to_owned());
    }
    // A number stands as it was written.
    if raw.starts_with('"') { serde_json::from_str(raw).ok() } else { Some(raw.to_owned()) }
}

fn vr(text: &str) -> Option<VR> {
    VR::from_binary(*text.as_bytes().first_chunk::<2>()?)
}
