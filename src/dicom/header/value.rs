//! Values of a header as texts and numbers.

use std::borrow::Cow;

use dicom_core::{Tag, VR};

use super::super::charset::{CharacterSets, TextKind};
use super::machine::value_bytes;
use super::{Element, Flaw, FlawKind, Header, Item, Kept, MAX_FLAWS, Value};

impl Kept {
    /// Whether its numbers stand with their greatest byte first.
    pub fn is_big_endian(self) -> bool {
        self.is_big_endian
    }
}

impl Header {
    /// The bytes of a kept value.
    pub fn bytes(&self, kept: Kept) -> &[u8] {
        value_bytes(&self.values, kept)
    }

    /// Bytes of all kept values together.
    pub fn kept_bytes(&self) -> usize {
        self.values.len()
    }

    /// The character set of the data set itself, without its items.
    pub fn charset(&self) -> &CharacterSets {
        self.charset_at(self.charset)
    }

    /// The character set of an item.
    pub fn charset_of(&self, item: &Item) -> &CharacterSets {
        self.charset_at(item.charset)
    }

    fn charset_at(&self, number: u32) -> &CharacterSets {
        let at = usize::try_from(number).unwrap_or_default();
        self.charsets.get(at).or_else(|| self.charsets.first()).unwrap_or(&NO_CHARSET)
    }

    /// The text of an element of the data set itself, without padding; `None` if it is absent, empty or no text.
    pub fn text(&self, tag: Tag) -> Option<String> {
        self.text_of(self.element(tag)?, self.charset())
    }

    /// The text of an element, without padding.
    pub fn text_of(&self, element: &Element, charset: &CharacterSets) -> Option<String> {
        let Value::Kept(kept) = &element.value else { return None };
        let text = decoded(self.bytes(*kept), element.vr, charset)?;
        let ended = text.trim_end_matches([' ', '\0']);
        let kept = if is_whole_text(element.vr) { ended } else { ended.trim_start_matches(' ') };
        (!kept.is_empty()).then(|| kept.to_owned())
    }

    /// The first number of an element of the data set itself.
    pub fn integer(&self, tag: Tag) -> Option<i64> {
        let element = self.element(tag)?;
        let Value::Kept(kept) = &element.value else { return None };
        let bytes = self.bytes(*kept);
        let is_big = kept.is_big_endian;
        match element.vr {
            VR::IS | VR::DS => {
                let text = self.text(tag)?;
                text.split('\\').next()?.trim().parse().ok()
            }
            VR::US => Some(i64::from(u16::from_le_bytes(ordered(bytes.first_chunk()?, is_big)))),
            VR::SS => Some(i64::from(i16::from_le_bytes(ordered(bytes.first_chunk()?, is_big)))),
            VR::UL => Some(i64::from(u32::from_le_bytes(ordered(bytes.first_chunk()?, is_big)))),
            VR::SL => Some(i64::from(i32::from_le_bytes(ordered(bytes.first_chunk()?, is_big)))),
            _ => None,
        }
    }

    /// Notes values that their VRs do not allow.
    pub(super) fn check_values(&mut self) {
        let mut flaws = std::mem::take(&mut self.flaws);
        let mut lists = vec![self.elements.as_slice()];
        while let Some(elements) = lists.pop() {
            for element in elements {
                match &element.value {
                    Value::Items(items) => lists.extend(items.iter().map(|item| item.elements.as_slice())),
                    Value::Kept(kept) => {
                        if flaws.len() < MAX_FLAWS
                            && let Some(kind) = flaw(element.vr, self.bytes(*kept))
                        {
                            flaws.push(Flaw { tag: element.tag, kind });
                        }
                    }
                    Value::Bulk(_) => {}
                }
            }
        }
        self.flaws = flaws;
    }
}

/// The bytes of a number with the least one first.
pub(in crate::dicom) fn ordered<const N: usize>(bytes: &[u8; N], is_big_endian: bool) -> [u8; N] {
    let mut bytes = *bytes;
    if is_big_endian {
        bytes.reverse();
    }
    bytes
}

/// Text of a value as it stands, padding and all; `None` for VRs that are no text.
pub(in crate::dicom) fn decoded<'a>(bytes: &'a [u8], vr: VR, charset: &CharacterSets) -> Option<Cow<'a, str>> {
    let kind = match vr {
        VR::LO | VR::SH | VR::UC => TextKind::Values,
        VR::PN => TextKind::PersonName,
        VR::LT | VR::ST | VR::UT => TextKind::Text,
        VR::AE | VR::AS | VR::CS | VR::DA | VR::DS | VR::DT | VR::IS | VR::TM | VR::UI | VR::UR => {
            // The default repertoire; what is outside it is shown as it would be in the commonest set.
            return Some(match std::str::from_utf8(bytes) {
                Ok(text) => text.into(),
                Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into(),
            });
        }
        _ => return None,
    };
    if bytes.is_ascii() && !bytes.contains(&ESCAPE) {
        return std::str::from_utf8(bytes).ok().map(Cow::Borrowed);
    }
    Some(charset.decode(bytes, kind).text.into())
}

/// Whether a VR is one text in which backslashes and leading spaces stand for themselves. PS3.5 §6.2.
pub(in crate::dicom) fn is_whole_text(vr: VR) -> bool {
    matches!(vr, VR::LT | VR::ST | VR::UT | VR::UR)
}

/// What is against the rules of a VR.
fn flaw(vr: VR, bytes: &[u8]) -> Option<FlawKind> {
    let each = |check: &dyn Fn(&str) -> bool| {
        let Ok(text) = std::str::from_utf8(bytes) else { return Some(FlawKind::Value) };
        let is_right =
            text.split('\\').map(|value| value.trim_matches([' ', '\0'])).all(|value| value.is_empty() || check(value));
        (!is_right).then_some(FlawKind::Value)
    };
    let multiple = |size: usize| (!bytes.len().is_multiple_of(size)).then_some(FlawKind::Value);
    match vr {
        VR::IS => each(&|value| value.len() <= 12 && value.parse::<i32>().is_ok()),
        VR::DS => each(&|value| value.len() <= 16 && value.parse::<f64>().is_ok_and(f64::is_finite)),
        VR::DA => each(&|value| super::super::query::date(value).is_some()),
        VR::TM => each(&|value| super::super::query::time_from(value).is_some()),
        VR::UI => {
            let text = std::str::from_utf8(bytes).unwrap_or("x");
            let mut values =
                text.split('\\').map(|value| value.trim_matches([' ', '\0'])).filter(|value| !value.is_empty());
            let is_wrong = values.any(|value| crate::base::Uid::parse(value).is_err());
            is_wrong.then_some(FlawKind::Uid)
        }
        VR::US | VR::SS => multiple(2),
        VR::UL | VR::SL | VR::FL | VR::AT => multiple(4),
        VR::FD | VR::SV | VR::UV => multiple(8),
        _ => None,
    }
}

static NO_CHARSET: std::sync::LazyLock<CharacterSets> = std::sync::LazyLock::new(CharacterSets::default);

const ESCAPE: u8 = 0x1b;
