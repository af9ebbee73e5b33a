//! Lookup tables of a data set: Modality LUT and VOI LUT Sequence, palettes. PS3.3 §C.11.1.1 and §C.11.2.1.1.

use dicom_core::Tag;
use dicom_core::value::{PrimitiveValue, Value};
use dicom_dictionary_std::tags;

use super::super::super::element::DataSet;

/// A table from values to values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LookupTable {
    /// The value that the first entry is for.
    pub(super) first: i32,
    pub(super) entries: Vec<u16>,
    /// Bits of an entry.
    pub(super) bits: u16,
}

impl LookupTable {
    /// The table of an item of a Modality or VOI LUT Sequence; `None` if it is not whole.
    pub(super) fn of_item(item: &DataSet, is_signed: bool) -> Option<Self> {
        Self::of(item, tags::LUT_DESCRIPTOR, tags::LUT_DATA, is_signed)
    }

    pub(super) fn of(set: &DataSet, descriptor: Tag, data: Tag, is_signed: bool) -> Option<Self> {
        let descriptor = Descriptor::of(set, descriptor, is_signed)?;
        let entries = descriptor.entries(words(set, data)?)?;
        Some(Self { first: descriptor.first, entries, bits: descriptor.bits })
    }

    /// The entry of a value; below and above the table its ends.
    pub(super) fn entry(&self, value: f64) -> u16 {
        let index = (value.round() - f64::from(self.first)).max(0.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; saturates")]
        let index = index as usize;
        let last = self.entries.len().saturating_sub(1);
        self.entries.get(index.min(last)).copied().unwrap_or_default()
    }

    /// The brightness of a value, from 0 to 1.
    pub(super) fn brightness(&self, value: f64) -> f64 {
        let most = u16::try_from((1_u32 << self.bits) - 1).unwrap_or(u16::MAX);
        (f64::from(self.entry(value)) / f64::from(most)).min(1.0)
    }
}

/// Number of entries, first value mapped, bits of an entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Descriptor {
    pub(super) count: usize,
    pub(super) first: i32,
    pub(super) bits: u16,
}

impl Descriptor {
    pub(super) fn of(set: &DataSet, tag: Tag, is_signed: bool) -> Option<Self> {
        let [count, first, bits] = *words(set, tag)?.first_chunk::<3>()?;
        Some(Self {
            count: if count == 0 { 1 << 16 } else { usize::from(count) },
            first: if is_signed { i32::from(first.cast_signed()) } else { i32::from(first) },
            bits: if (1..=16).contains(&bits) { bits } else { return None },
        })
    }

    /// The entries out of the words of the data: a word each, or two of 8 bits in a word.
    pub(super) fn entries(&self, words: Vec<u16>) -> Option<Vec<u16>> {
        let mut entries = if words.len() < self.count && self.bits <= 8 {
            words.into_iter().flat_map(u16::to_le_bytes).map(u16::from).collect()
        } else {
            words
        };
        entries.truncate(self.count);
        (entries.len() == self.count).then_some(entries)
    }
}

/// The value of an element of VR US, SS or OW as words.
pub(super) fn words(set: &DataSet, tag: Tag) -> Option<Vec<u16>> {
    let Value::Primitive(value) = set.get(tag)?.value() else { return None };
    match value {
        PrimitiveValue::U16(words) => Some(words.to_vec()),
        PrimitiveValue::I16(words) => Some(words.iter().map(|word| word.cast_unsigned()).collect()),
        PrimitiveValue::U8(bytes) => {
            Some(bytes.as_chunks::<2>().0.iter().map(|word| u16::from_le_bytes(*word)).collect())
        }
        other => {
            let numbers = other.to_multi_int::<i64>().ok()?;
            numbers
                .into_iter()
                .map(|number| {
                    let signed = i16::try_from(number).map(i16::cast_unsigned);
                    u16::try_from(number).or(signed).ok()
                })
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use dicom_core::VR;

    use super::super::super::super::element::put_value;
    use super::*;

    #[test]
    fn values_outside_a_table_have_its_ends() {
        let mut item = DataSet::new_empty();
        put_value(&mut item, tags::LUT_DESCRIPTOR, VR::SS, PrimitiveValue::I16(vec![3, -1, 8].into()));
        put_value(&mut item, tags::LUT_DATA, VR::US, PrimitiveValue::U16(vec![10, 20, 255].into()));
        let table = LookupTable::of_item(&item, true).unwrap();
        assert_eq!([-9.0, -1.0, 0.0, 1.0, 7.0].map(|value| table.entry(value)), [10, 10, 20, 255, 255]);
        assert!((table.brightness(1.0) - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_table_that_is_not_whole_is_none() {
        let mut item = DataSet::new_empty();
        put_value(&mut item, tags::LUT_DESCRIPTOR, VR::US, PrimitiveValue::U16(vec![3, 0, 16].into()));
        put_value(&mut item, tags::LUT_DATA, VR::OW, PrimitiveValue::U8(vec![1, 0, 2, 0].into()));
        assert_eq!(LookupTable::of_item(&item, false), None);
    }
}
