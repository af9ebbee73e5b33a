//! Kept JSON of a level, as a list to pick from. The values stay text.

use std::fmt::Write as _;

use std::collections::BTreeMap;

use dicom_core::Tag;
use serde_json::value::RawValue;

use super::super::element::DataSet;

/// Attributes by their tags, each as JSON text: `{"vr":"SH","Value":["1"]}`.
#[derive(Debug, Clone, Default)]
pub struct Attributes {
    members: BTreeMap<Tag, Box<str>>,
}

impl Attributes {
    /// From the text of a JSON object as it is kept, with its references to bulk values; `None` if it is none.
    pub fn parse(kept: &str) -> Option<Self> {
        let legal = super::legal(kept);
        let members: BTreeMap<&str, &RawValue> = serde_json::from_str(&legal).ok()?;
        let members = members.into_iter().filter_map(|(key, value)| Some((tag(key)?, super::kept(value.get()).into())));
        Some(Self { members: members.collect() })
    }

    /// The JSON text of an attribute.
    pub fn get(&self, tag: Tag) -> Option<&str> {
        self.members.get(&tag).map(|text| &**text)
    }

    /// Sets an attribute.
    pub fn set(&mut self, tag: Tag, json: impl Into<Box<str>>) {
        self.members.insert(tag, json.into());
    }

    /// Sets an attribute that has one text.
    pub fn set_text(&mut self, tag: Tag, vr: &str, text: &str) {
        let mut json = format!("{{\"vr\":\"{vr}\",\"Value\":[");
        super::write::string(text, &mut json);
        json.push_str("]}");
        self.set(tag, json);
    }

    /// Sets an attribute that has several texts.
    pub fn set_texts<'a>(&mut self, tag: Tag, vr: &str, texts: impl IntoIterator<Item = &'a str>) {
        let mut json = format!("{{\"vr\":\"{vr}\"");
        for (number, text) in texts.into_iter().enumerate() {
            json.push_str(if number == 0 { ",\"Value\":[" } else { "," });
            super::write::string(text, &mut json);
        }
        json.push_str(if json.contains('[') { "]}" } else { "}" });
        self.set(tag, json);
    }

    /// Sets an attribute that has one number.
    pub fn set_number(&mut self, tag: Tag, vr: &str, number: u64) {
        self.set(tag, format!("{{\"vr\":\"{vr}\",\"Value\":[{number}]}}"));
    }

    /// Takes all attributes of `other` that are not here yet.
    pub fn fill(&mut self, other: Self) {
        for (tag, json) in other.members {
            self.members.entry(tag).or_insert(json);
        }
    }

    /// Keeps what `keep` says.
    pub fn retain(&mut self, mut keep: impl FnMut(Tag) -> bool) {
        self.members.retain(|tag, _| keep(*tag));
    }

    /// All attributes, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (Tag, &str)> {
        self.members.iter().map(|(tag, json)| (*tag, &**json))
    }

    /// As one JSON object.
    pub fn to_json(&self) -> String {
        let mut out = String::from("{");
        for (tag, json) in &self.members {
            if out.len() > 1 {
                out.push(',');
            }
            let _ = write!(out, "\"{:04X}{:04X}\":", tag.group(), tag.element());
            out.push_str(json);
        }
        out.push('}');
        out
    }

    /// As a data set. Bulk values are left out.
    pub fn data_set(&self) -> DataSet {
        super::data_set(&self.to_json()).unwrap_or_else(DataSet::new_empty)
    }
}

/// The tag of a key: eight hexadecimal digits.
pub(super) fn tag(key: &str) -> Option<Tag> {
    let number = u32::from_str_radix(key, 16).ok().filter(|_| key.len() == 8)?;
    let [a, b, c, d] = number.to_be_bytes();
    Some(Tag(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
}
