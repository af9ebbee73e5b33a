//! Headers as JSON.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::super::charset::CharacterSets;
use super::super::header::{Element, Header, Kept, Value, decoded, is_whole_text, ordered};
use super::{INSTANCE_URL, number};

/// The data set as one JSON object: members in ascending order, without group lengths and file meta information, text
/// in UTF-8 and (0008,0005) saying so. Bulk values are references that begin with [`INSTANCE_URL`].
pub fn object(header: &Header) -> String {
    let mut writer = Writer { header, out: String::with_capacity(8192), way: String::new() };
    writer.set(&header.elements, header.charset(), true);
    writer.out
}

/// One element of the data set itself, as the value of its member.
pub fn element(header: &Header, element: &Element) -> String {
    let mut writer = Writer { header, out: String::new(), way: String::new() };
    writer.body(element, header.charset());
    writer.out
}

struct Writer<'a> {
    header: &'a Header,
    out: String,
    /// Sequences and items above, as `00081140/1/`.
    way: String,
}

impl Writer<'_> {
    fn set(&mut self, elements: &[Element], charset: &CharacterSets, is_root: bool) {
        self.out.push('{');
        let mut is_first = true;
        for element in elements {
            if element.tag == tags::SPECIFIC_CHARACTER_SET {
                if is_root {
                    self.key(element.tag, &mut is_first);
                    self.out.push_str(UTF_8);
                }
                continue;
            }
            self.key(element.tag, &mut is_first);
            self.body(element, charset);
        }
        self.out.push('}');
    }

    fn key(&mut self, tag: Tag, is_first: &mut bool) {
        if !std::mem::take(is_first) {
            self.out.push(',');
        }
        self.out.push('"');
        hex(tag, &mut self.out);
        self.out.push_str("\":");
    }

    fn body(&mut self, element: &Element, charset: &CharacterSets) {
        self.out.push_str("{\"vr\":\"");
        self.out.push_str(element.vr.to_string());
        self.out.push('"');
        match &element.value {
            Value::Kept(kept) => self.kept(element.vr, *kept, charset),
            Value::Items(items) if items.is_empty() => {}
            Value::Items(items) => {
                self.out.push_str(VALUE);
                let length = self.way.len();
                for (number, item) in items.iter().enumerate() {
                    if number > 0 {
                        self.out.push(',');
                    }
                    hex(element.tag, &mut self.way);
                    let _never_fails = write!(self.way, "/{}/", number + 1);
                    self.set(&item.elements, self.header.charset_of(item), false);
                    self.way.truncate(length);
                }
                self.out.push(']');
            }
            Value::Bulk(_) => {
                self.out.push_str(",\"BulkDataURI\":\"");
                self.out.push(char::from(INSTANCE_URL));
                self.out.push_str("/bulkdata/");
                self.out.push_str(&self.way);
                hex(element.tag, &mut self.out);
                self.out.push('"');
            }
        }
        self.out.push('}');
    }

    /// The value, with the comma in front of its member; nothing where there is none.
    fn kept(&mut self, vr: VR, kept: Kept, charset: &CharacterSets) {
        let bytes = self.header.bytes(kept);
        if bytes.is_empty() {
            return;
        }
        let is_big = kept.is_big_endian();
        match vr {
            VR::OB | VR::UN => self.inline(bytes),
            VR::OW => self.swapped::<2>(bytes, is_big),
            VR::OF | VR::OL => self.swapped::<4>(bytes, is_big),
            VR::OD | VR::OV => self.swapped::<8>(bytes, is_big),
            VR::US => self.numbers(bytes, is_big, |value, out| number::long(u16::from_le_bytes(value).into(), out)),
            VR::SS => self.numbers(bytes, is_big, |value, out| number::long(i16::from_le_bytes(value).into(), out)),
            VR::UL => self.numbers(bytes, is_big, |value, out| number::long(u32::from_le_bytes(value).into(), out)),
            VR::SL => self.numbers(bytes, is_big, |value, out| number::long(i32::from_le_bytes(value).into(), out)),
            VR::UV => self.numbers(bytes, is_big, |value, out| number::long(u64::from_le_bytes(value).into(), out)),
            VR::SV => self.numbers(bytes, is_big, |value, out| number::long(i64::from_le_bytes(value).into(), out)),
            VR::FL => self.numbers(bytes, is_big, |value, out| {
                let value = f32::from_le_bytes(value);
                number::float(value.into(), &format!("{value:?}"), out);
            }),
            VR::FD => self.numbers(bytes, is_big, |value, out| {
                let value = f64::from_le_bytes(value);
                number::float(value, &format!("{value:?}"), out);
            }),
            VR::AT => self.tags(bytes, is_big),
            _ => self.text(vr, bytes, charset),
        }
    }

    fn text(&mut self, vr: VR, bytes: &[u8], charset: &CharacterSets) {
        let Some(text) = decoded(bytes, vr, charset) else { return self.inline(bytes) };
        if is_whole_text(vr) {
            let ended = text.trim_end_matches([' ', '\0']);
            if !ended.is_empty() {
                self.out.push_str(VALUE);
                string(ended, &mut self.out);
                self.out.push(']');
            }
            return;
        }
        if text.split('\\').all(|value| trimmed(value, vr).is_empty()) {
            return;
        }
        self.out.push_str(VALUE);
        for (number, value) in text.split('\\').map(|value| trimmed(value, vr)).enumerate() {
            if number > 0 {
                self.out.push(',');
            }
            match vr {
                _ if value.is_empty() => self.out.push_str("null"),
                VR::IS | VR::DS => number::decimal(value, &mut self.out),
                VR::PN => self.name(value),
                _ => string(value, &mut self.out),
            }
        }
        self.out.push(']');
    }

    /// PS3.18 §F.2.2: groups without a value are left out.
    fn name(&mut self, value: &str) {
        self.out.push('{');
        let groups = ["Alphabetic", "Ideographic", "Phonetic"].into_iter().zip(value.split('='));
        let mut is_first = true;
        for (name, group) in groups.filter(|(_, group)| !group.is_empty()) {
            let comma = if std::mem::take(&mut is_first) { "" } else { "," };
            let _never_fails = write!(self.out, "{comma}\"{name}\":");
            string(group, &mut self.out);
        }
        self.out.push('}');
    }

    /// Numbers of `N` bytes; bytes that make no whole number are shown as they are.
    fn numbers<const N: usize>(&mut self, bytes: &[u8], is_big: bool, write: impl Fn([u8; N], &mut String)) {
        let (numbers, rest) = bytes.as_chunks::<N>();
        if !rest.is_empty() {
            // PS3.18 has no form for it but that of unknown values.
            return self.inline(bytes);
        }
        self.out.push_str(VALUE);
        for (at, value) in numbers.iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            write(ordered(value, is_big), &mut self.out);
        }
        self.out.push(']');
    }

    fn tags(&mut self, bytes: &[u8], is_big: bool) {
        let (tags, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return self.inline(bytes);
        }
        self.out.push_str(VALUE);
        for (at, [a, b, c, d]) in tags.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            let group = u16::from_le_bytes(ordered(&[*a, *b], is_big));
            let element = u16::from_le_bytes(ordered(&[*c, *d], is_big));
            let _never_fails = write!(self.out, "{comma}\"{group:04X}{element:04X}\"");
        }
        self.out.push(']');
    }

    fn swapped<const N: usize>(&mut self, bytes: &[u8], is_big: bool) {
        if !is_big {
            return self.inline(bytes);
        }
        let (words, rest) = bytes.as_chunks::<N>();
        let swapped: Vec<u8> = words.iter().flat_map(|word| ordered(word, true)).chain(rest.iter().copied()).collect();
        self.inline(&swapped);
    }

    fn inline(&mut self, bytes: &[u8]) {
        self.out.push_str(",\"InlineBinary\":\"");
        STANDARD.encode_string(bytes, &mut self.out);
        self.out.push('"');
    }
}

/// A JSON string. RFC 8259 §7.
pub(super) fn string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        match special.as_bytes().first() {
            Some(b'"') => out.push_str("\\\""),
            Some(b'\\') => out.push_str("\\\\"),
            Some(b'\n') => out.push_str("\\n"),
            Some(b'\r') => out.push_str("\\r"),
            Some(b'\t') => out.push_str("\\t"),
            control => {
                let _never_fails = write!(out, "\\u{:04x}", control.copied().unwrap_or_default());
            }
        }
        rest = special.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
    out.push('"');
}

/// A value without its padding.
fn trimmed(value: &str, vr: VR) -> &str {
    let ended = value.trim_end_matches([' ', '\0']);
    if vr == VR::UC { ended } else { ended.trim_start_matches(' ') }
}

/// A tag in eight hexadecimal digits.
fn hex(tag: Tag, out: &mut String) {
    for number in [tag.group(), tag.element()] {
        for shift in [12, 8, 4, 0] {
            let digit = u32::from((number >> shift) & 0xf);
            out.push(char::from_digit(digit, 16).unwrap_or('0').to_ascii_uppercase());
        }
    }
}

const VALUE: &str = ",\"Value\":[";
const UTF_8: &str = r#"{"vr":"CS","Value":["ISO_IR 192"]}"#;
