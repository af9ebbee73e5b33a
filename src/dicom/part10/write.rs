//! Data sets as bytes, always the same for the same data set: text in UTF-8, sequences and items with
//! their lengths.

use dicom_core::value::{PrimitiveValue, Value};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::super::element::{self, DataSet};
use super::{
    IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, Part10, Part10Error, ReadLimits, TransferSyntax,
    has_short_length, read,
};

/// A whole file: preamble, file meta information of our implementation, data set. SOP class and
/// instance are taken from the data set, which must have them.
pub fn write(data_set: &DataSet, syntax: TransferSyntax) -> Result<Vec<u8>, Part10Error> {
    let uid = |tag: Tag, what| element::text(data_set, tag).ok_or(Part10Error::Structure { what, offset: 0 });
    let mut meta = DataSet::new_empty();
    element::put_value(&mut meta, tags::FILE_META_INFORMATION_VERSION, VR::OB, &[0_u8, 1][..]);
    for (tag, text) in [
        (tags::MEDIA_STORAGE_SOP_CLASS_UID, uid(tags::SOP_CLASS_UID, "no SOP class UID")?),
        (tags::MEDIA_STORAGE_SOP_INSTANCE_UID, uid(tags::SOP_INSTANCE_UID, "no SOP instance UID")?),
        (tags::TRANSFER_SYNTAX_UID, syntax.uid().to_owned()),
        (tags::IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_CLASS_UID.to_owned()),
    ] {
        element::put_text(&mut meta, tag, VR::UI, text);
    }
    element::put_text(&mut meta, tags::IMPLEMENTATION_VERSION_NAME, VR::SH, IMPLEMENTATION_VERSION_NAME);
    let mut group = Writer { out: Vec::new(), implicit: false };
    group.set(&meta)?;
    let length = u32::try_from(group.out.len()).or(Err(Part10Error::ValueTooLong { tag: GROUP_LENGTH }))?;
    let mut file = Writer { out: vec![0; 128], implicit: false };
    file.out.extend_from_slice(b"DICM");
    file.header(GROUP_LENGTH, VR::UL, 4)?;
    file.out.extend_from_slice(&length.to_le_bytes());
    file.out.append(&mut group.out);
    file.out.append(&mut encode(data_set, syntax)?);
    Ok(file.out)
}

/// The data set alone, as it goes into a C-STORE. Its text is written in UTF-8, and (0008,0005) says so
/// whatever it said.
pub fn encode(data_set: &DataSet, syntax: TransferSyntax) -> Result<Vec<u8>, Part10Error> {
    if !TransferSyntax::WRITABLE.contains(&syntax) {
        return Err(Part10Error::TransferSyntax(syntax.uid().to_owned()));
    }
    let mut writer = Writer { out: Vec::new(), implicit: syntax == TransferSyntax::ImplicitVrLittleEndian };
    let charset = PrimitiveValue::from(UTF_8);
    let mut is_said = false;
    for element in data_set {
        if !is_said && element.header().tag >= tags::SPECIFIC_CHARACTER_SET {
            writer.primitive(tags::SPECIFIC_CHARACTER_SET, VR::CS, &charset)?;
            is_said = true;
        }
        writer.element(element)?;
    }
    Ok(writer.out)
}

/// A file of ours in another transfer syntax, for a peer that accepts only that. Text becomes UTF-8, so
/// a signed foreign document does not belong here.
pub fn reencode(file: &[u8], syntax: TransferSyntax, limits: &ReadLimits) -> Result<Vec<u8>, Part10Error> {
    let Part10 { content, .. } = read(file, limits)?;
    write(&content.data_set, syntax)
}

struct Writer {
    out: Vec<u8>,
    implicit: bool,
}

impl Writer {
    fn set(&mut self, set: &DataSet) -> Result<(), Part10Error> {
        set.into_iter().try_for_each(|element| self.element(element))
    }

    fn element(&mut self, element: &dicom_object::mem::InMemElement) -> Result<(), Part10Error> {
        let tag = element.header().tag;
        match element.value() {
            // Said once for everything.
            _ if tag == tags::SPECIFIC_CHARACTER_SET => Ok(()),
            Value::Primitive(value) => self.primitive(tag, element.vr(), value),
            Value::Sequence(sequence) => self.sequence(tag, sequence.items()),
            Value::PixelSequence(_) => Err(Part10Error::Structure { what: "pixel data", offset: 0 }),
        }
    }

    fn sequence(&mut self, tag: Tag, items: &[DataSet]) -> Result<(), Part10Error> {
        let inside = self.begin(tag, VR::SQ)?;
        for item in items {
            self.tag(ITEM);
            self.out.extend_from_slice(&[0; 4]);
            let begin = self.out.len();
            self.set(item)?;
            self.end(tag, begin)?;
        }
        self.end(tag, inside)
    }

    fn primitive(&mut self, tag: Tag, vr: VR, value: &PrimitiveValue) -> Result<(), Part10Error> {
        let mut bytes = encoded(vr, value);
        if bytes.len() % 2 == 1 {
            let is_text = !matches!(vr, VR::UI | VR::OB | VR::UN);
            bytes.push(if is_text { b' ' } else { 0 });
        }
        self.header(tag, vr, bytes.len())?;
        self.out.append(&mut bytes);
        Ok(())
    }

    /// Writes a header whose length is filled in by [`Self::end`].
    fn begin(&mut self, tag: Tag, vr: VR) -> Result<usize, Part10Error> {
        self.header(tag, vr, 0)?;
        Ok(self.out.len())
    }

    fn end(&mut self, tag: Tag, begin: usize) -> Result<(), Part10Error> {
        let length = u32::try_from(self.out.len() - begin).ok().filter(|length| *length < u32::MAX);
        let length = length.ok_or(Part10Error::ValueTooLong { tag })?;
        if let Some(place) = self.out.get_mut(begin - 4..begin) {
            place.copy_from_slice(&length.to_le_bytes());
        }
        Ok(())
    }

    fn header(&mut self, tag: Tag, vr: VR, length: usize) -> Result<(), Part10Error> {
        let too_long = || Part10Error::ValueTooLong { tag };
        self.tag(tag);
        if !self.implicit {
            self.out.extend_from_slice(&vr.to_bytes());
            if has_short_length(vr) {
                let length = u16::try_from(length).or(Err(too_long()))?;
                self.out.extend_from_slice(&length.to_le_bytes());
                return Ok(());
            }
            self.out.extend_from_slice(&[0; 2]);
        }
        let length = u32::try_from(length).ok().filter(|length| *length < u32::MAX).ok_or_else(too_long)?;
        self.out.extend_from_slice(&length.to_le_bytes());
        Ok(())
    }

    fn tag(&mut self, tag: Tag) {
        self.out.extend_from_slice(&tag.group().to_le_bytes());
        self.out.extend_from_slice(&tag.element().to_le_bytes());
    }
}

/// The bytes of a value without padding.
fn encoded(vr: VR, value: &PrimitiveValue) -> Vec<u8> {
    fn each<T: Copy, const N: usize>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
        values.iter().flat_map(|value| bytes(*value)).collect()
    }
    if matches!(vr, VR::IS | VR::DS) {
        return value.to_raw_str().into_owned().into_bytes();
    }
    match value {
        PrimitiveValue::U8(bytes) => bytes.to_vec(),
        PrimitiveValue::I16(values) => each(values, i16::to_le_bytes),
        PrimitiveValue::U16(values) => each(values, u16::to_le_bytes),
        PrimitiveValue::I32(values) => each(values, i32::to_le_bytes),
        PrimitiveValue::U32(values) => each(values, u32::to_le_bytes),
        PrimitiveValue::I64(values) => each(values, i64::to_le_bytes),
        PrimitiveValue::U64(values) => each(values, u64::to_le_bytes),
        PrimitiveValue::F32(values) => each(values, f32::to_le_bytes),
        PrimitiveValue::F64(values) => each(values, f64::to_le_bytes),
        PrimitiveValue::Tags(values) => each(values, |tag| {
            let ([a, b], [c, d]) = (tag.group().to_le_bytes(), tag.element().to_le_bytes());
            [a, b, c, d]
        }),
        text => text.to_raw_str().into_owned().into_bytes(),
    }
}

/// PS3.3 Table C.12-5: UTF-8.
pub(super) const UTF_8: &str = "ISO_IR 192";

const GROUP_LENGTH: Tag = tags::FILE_META_INFORMATION_GROUP_LENGTH;
const ITEM: Tag = Tag(0xfffe, 0xe000);
