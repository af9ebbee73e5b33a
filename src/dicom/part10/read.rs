//! Bytes as data sets. One pass over a slice; sequences are kept on a stack of our own, so that depth
//! costs no machine stack.

use std::io::Read as _;
use std::sync::Arc;

use dicom_core::value::{DataSetSequence, PrimitiveValue};
use dicom_core::{DataDictionary as _, DataElement, Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_encoding::TransferSyntaxIndex as _;
use dicom_encoding::transfer_syntax::Codec;
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;

use super::super::charset::{CharacterSets, TextKind};
use super::super::element::{self, DataSet};
use super::write::UTF_8;
use super::{DecodedDataSet, Part10, Part10Error, ReadLimits, TransferSyntax, has_short_length};

/// Reads a file: preamble, file meta information, data set up to pixel data.
pub fn read(file: &[u8], limits: &ReadLimits) -> Result<Part10, Part10Error> {
    if file.len() > limits.max_bytes {
        return Err(Part10Error::TooLarge { max: limits.max_bytes });
    }
    let begin = match file.get(128..132) {
        Some(b"DICM") => 132,
        _ if file.starts_with(b"DICM") => 4,
        _ => return Err(Part10Error::NotDicom),
    };
    let mut meta = Reader::new(file, begin, false, limits);
    meta.only_group = Some(0x0002);
    let end = meta.run()?;
    let text = |tag| element::text(&meta.root, tag);
    let uid = text(tags::TRANSFER_SYNTAX_UID).ok_or(Part10Error::NoTransferSyntax)?;
    let transfer_syntax = TransferSyntax::of_uid(&uid).ok_or(Part10Error::TransferSyntax(uid))?;
    Ok(Part10 {
        sop_class_uid: text(tags::MEDIA_STORAGE_SOP_CLASS_UID),
        sop_instance_uid: text(tags::MEDIA_STORAGE_SOP_INSTANCE_UID),
        transfer_syntax,
        content: read_data_set(file.get(end..).unwrap_or_default(), transfer_syntax, limits)?,
    })
}

/// Reads a data set without file meta information, as a C-STORE brings it, up to pixel data.
pub fn read_data_set(bytes: &[u8], syntax: TransferSyntax, limits: &ReadLimits) -> Result<DecodedDataSet, Part10Error> {
    if bytes.len() > limits.max_bytes {
        return Err(Part10Error::TooLarge { max: limits.max_bytes });
    }
    let inflated;
    let bytes = if syntax == TransferSyntax::DeflatedExplicitVrLittleEndian {
        inflated = inflate(bytes, syntax, limits)?;
        inflated.as_slice()
    } else {
        bytes
    };
    let mut reader = Reader::new(bytes, 0, syntax == TransferSyntax::ImplicitVrLittleEndian, limits);
    reader.run()?;
    let Reader { mut root, inexact, unknown, .. } = reader;
    element::put_text(&mut root, tags::SPECIFIC_CHARACTER_SET, VR::CS, UTF_8);
    Ok(DecodedDataSet { data_set: root, inexact_texts: inexact, unknown_character_sets: unknown })
}

fn inflate(bytes: &[u8], syntax: TransferSyntax, limits: &ReadLimits) -> Result<Vec<u8>, Part10Error> {
    let registered = TransferSyntaxRegistry.get(syntax.uid());
    let Some(Codec::Dataset(Some(adapter))) = registered.map(dicom_encoding::TransferSyntax::codec) else {
        return Err(Part10Error::TransferSyntax(syntax.uid().to_owned()));
    };
    let cap = u64::try_from(limits.max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    let mut out = Vec::new();
    adapter.adapt_reader(Box::new(bytes)).take(cap).read_to_end(&mut out).map_err(Part10Error::Inflate)?;
    if out.len() > limits.max_bytes {
        return Err(Part10Error::TooLarge { max: limits.max_bytes });
    }
    Ok(out)
}

/// What lies open above the place that is read.
enum Open {
    /// A sequence that gathers items.
    Sequence { tag: Tag, end: Option<usize>, limit: usize, items: Vec<DataSet>, implicit: bool },
    /// An item whose elements go into `set`; `around` is the set that the sequence is in.
    Item { end: Option<usize>, limit: usize, around: DataSet, charset: Arc<CharacterSets> },
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    limits: &'a ReadLimits,
    /// Whether VRs are left out where the reader is. PS3.5 §7.1.3.
    implicit: bool,
    /// Reading ends at the first element of another group.
    only_group: Option<u16>,
    open: Vec<Open>,
    /// The set that elements go into now; the root once nothing is open.
    root: DataSet,
    charset: Arc<CharacterSets>,
    elements: usize,
    inexact: Vec<String>,
    unknown: Vec<String>,
}

/// Tag, VR and length of an element.
struct Header {
    tag: Tag,
    vr: VR,
    /// `None` is the undefined length.
    length: Option<usize>,
    offset: usize,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], at: usize, implicit: bool, limits: &'a ReadLimits) -> Self {
        Self {
            bytes,
            at,
            limits,
            implicit,
            only_group: None,
            open: Vec::new(),
            root: DataSet::new_empty(),
            charset: Arc::new(CharacterSets::default()),
            elements: 0,
            inexact: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// Reads to the end, to pixel data or to another group, and says where that was.
    fn run(&mut self) -> Result<usize, Part10Error> {
        loop {
            match self.open.last() {
                Some(Open::Sequence { end, limit, .. }) => {
                    if end.is_some_and(|end| self.at >= end) {
                        self.close_sequence();
                    } else {
                        let limit = *limit;
                        self.sequence_part(limit)?;
                    }
                }
                Some(Open::Item { end, limit, .. }) => {
                    if end.is_some_and(|end| self.at >= end) {
                        self.close_item();
                    } else {
                        let limit = *limit;
                        self.element(limit)?;
                    }
                }
                None => {
                    if self.at >= self.bytes.len() || self.stops_here() {
                        return Ok(self.at);
                    }
                    self.element(self.bytes.len())?;
                }
            }
        }
    }

    /// Whether the top level ends here though there are more bytes.
    fn stops_here(&self) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some([g0, g1, e0, e1]) = rest.first_chunk::<4>().copied() else { return false };
        let (group, number) = (u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1]));
        let is_pixel_data = group == 0x7fe0 && matches!(number, 0x0008..=0x0010);
        let is_other_group = self.only_group.is_some_and(|only| only != group);
        // Some writers fill up the last block of a file.
        let is_filling = group == 0 && number == 0 && rest.iter().all(|byte| *byte == 0);
        is_pixel_data || is_other_group || is_filling
    }

    /// Reads what stands between the items of a sequence.
    fn sequence_part(&mut self, limit: usize) -> Result<(), Part10Error> {
        let offset = self.at;
        let tag = self.tag(limit)?;
        let length = self.long_length(limit, offset)?;
        match tag {
            ITEM => {
                self.count()?;
                let end = self.end(length, limit, offset)?;
                let around = std::mem::replace(&mut self.root, DataSet::new_empty());
                let charset = Arc::clone(&self.charset);
                self.open.push(Open::Item { end, limit: end.unwrap_or(limit), around, charset });
            }
            SEQUENCE_DELIMITER => self.close_sequence(),
            _ => return Err(Part10Error::Structure { what: "no item where one has to be", offset }),
        }
        Ok(())
    }

    /// Reads an element of a set: its value, or the beginning of its sequence.
    fn element(&mut self, limit: usize) -> Result<(), Part10Error> {
        let header = self.header(limit)?;
        match header.tag {
            ITEM_DELIMITER if matches!(self.open.last(), Some(Open::Item { .. })) => {
                self.close_item();
                return Ok(());
            }
            ITEM | ITEM_DELIMITER | SEQUENCE_DELIMITER => {
                let what = "a delimiter where an element has to be";
                return Err(Part10Error::Structure { what, offset: header.offset });
            }
            _ => {}
        }
        self.count()?;
        let implicit_inside = header.vr == VR::UN && header.length.is_none();
        if header.vr == VR::SQ || implicit_inside {
            return self.open_sequence(&header, limit, implicit_inside);
        }
        let Some(length) = header.length else {
            let what = "an undefined length where no sequence can be";
            return Err(Part10Error::Structure { what, offset: header.offset });
        };
        let bytes = self.take(length, limit, header.offset)?;
        // Group lengths are retired (PS3.5 §7.2) and wrong once anything is written anew.
        if header.tag.element() != 0 && header.tag != tags::DATA_SET_TRAILING_PADDING {
            let value = self.value(&header, bytes);
            self.root.put(DataElement::new(header.tag, header.vr, value));
        }
        Ok(())
    }

    fn open_sequence(&mut self, header: &Header, limit: usize, implicit: bool) -> Result<(), Part10Error> {
        let depth = self.open.len() / 2;
        if depth >= self.limits.max_depth {
            return Err(Part10Error::TooDeep { max: self.limits.max_depth });
        }
        let end = self.end(header.length, limit, header.offset)?;
        let before = self.implicit;
        self.implicit |= implicit;
        self.open.push(Open::Sequence {
            tag: header.tag,
            end,
            limit: end.unwrap_or(limit),
            items: Vec::new(),
            implicit: before,
        });
        Ok(())
    }

    fn close_sequence(&mut self) {
        if let Some(Open::Sequence { tag, items, implicit, .. }) = self.open.pop() {
            self.implicit = implicit;
            self.root.put(DataElement::new(tag, VR::SQ, DataSetSequence::from(items)));
        }
    }

    fn close_item(&mut self) {
        if let Some(Open::Item { around, charset, .. }) = self.open.pop() {
            let mut item = std::mem::replace(&mut self.root, around);
            // The item's text is Unicode like the rest, which the root says once.
            item.remove_element(tags::SPECIFIC_CHARACTER_SET);
            self.charset = charset;
            if let Some(Open::Sequence { items, .. }) = self.open.last_mut() {
                items.push(item);
            }
        }
    }

    fn header(&mut self, limit: usize) -> Result<Header, Part10Error> {
        let offset = self.at;
        let tag = self.tag(limit)?;
        if tag.group() == 0xfffe {
            let length = self.long_length(limit, offset)?;
            return Ok(Header { tag, vr: VR::UN, length, offset });
        }
        if self.implicit {
            let length = self.long_length(limit, offset)?;
            return Ok(Header { tag, vr: implied_vr(tag), length, offset });
        }
        let code = self.array::<2>(limit, offset)?;
        // PS3.5 §6.2.2: a VR that we do not know has the long form and is UN to us.
        let vr = VR::from_binary(code).unwrap_or(VR::UN);
        let length = if has_short_length(vr) {
            Some(usize::from(u16::from_le_bytes(self.array::<2>(limit, offset)?)))
        } else {
            self.array::<2>(limit, offset)?;
            self.long_length(limit, offset)?
        };
        Ok(Header { tag, vr, length, offset })
    }

    fn value(&mut self, header: &Header, bytes: &[u8]) -> PrimitiveValue {
        if bytes.is_empty() {
            return PrimitiveValue::Empty;
        }
        if header.tag == tags::SPECIFIC_CHARACTER_SET {
            let value: String = bytes.iter().map(|byte| char::from(*byte)).collect();
            let charset = CharacterSets::of(&value);
            self.unknown.extend(
                charset.unknown().iter().filter(|term| !self.unknown.contains(term)).cloned().collect::<Vec<_>>(),
            );
            self.charset = Arc::new(charset);
            return PrimitiveValue::Str(value);
        }
        match header.vr {
            VR::LO | VR::SH | VR::UC => self.text(header.tag, bytes, TextKind::Values),
            VR::PN => self.text(header.tag, bytes, TextKind::PersonName),
            VR::LT | VR::ST | VR::UT => self.text(header.tag, bytes, TextKind::Text),
            VR::AE | VR::AS | VR::CS | VR::DA | VR::DS | VR::DT | VR::IS | VR::TM | VR::UI | VR::UR => {
                let decoded = CharacterSets::default().decode(bytes, TextKind::Text);
                PrimitiveValue::Str(ended(&decoded.text))
            }
            VR::AT => numbers(bytes, |[a, b, c, d]| Tag(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])))
                .map_or_else(|| raw(bytes), |values| PrimitiveValue::Tags(values.into())),
            VR::FL => numbers(bytes, f32::from_le_bytes)
                .map_or_else(|| raw(bytes), |values| PrimitiveValue::F32(values.into())),
            VR::FD => numbers(bytes, f64::from_le_bytes)
                .map_or_else(|| raw(bytes), |values| PrimitiveValue::F64(values.into())),
            VR::SL => numbers(bytes, i32::from_le_bytes)
                .map_or_else(|| raw(bytes), |values| PrimitiveValue::I32(values.into())),
            VR::UL => numbers(bytes, u32::from_le_bytes)
                .map_or_else(|| raw(bytes), |values| PrimitiveValue::U32(values.into())),
            VR::SS => numbers(bytes, i16::from_le_bytes)
                .map_or_else(|| raw(bytes), |values| PrimitiveValue::I16(values.into())),
            VR::US => numbers(bytes, u16::from_le_bytes)
                .map_or_else(|| raw(bytes), |values| PrimitiveValue::U16(values.into())),
            VR::SV => numbers(bytes, i64::from_le_bytes)
                .map_or_else(|| raw(bytes), |values| PrimitiveValue::I64(values.into())),
            VR::UV => numbers(bytes, u64::from_le_bytes)
                .map_or_else(|| raw(bytes), |values| PrimitiveValue::U64(values.into())),
            _ => raw(bytes),
        }
    }

    fn text(&mut self, tag: Tag, bytes: &[u8], kind: TextKind) -> PrimitiveValue {
        let decoded = self.charset.decode(bytes, kind);
        if !decoded.is_exact && self.inexact.len() < MAX_INEXACT {
            self.inexact.push(tag.to_string());
        }
        PrimitiveValue::Str(ended(&decoded.text))
    }

    fn count(&mut self) -> Result<(), Part10Error> {
        self.elements += 1;
        if self.elements > self.limits.max_elements {
            return Err(Part10Error::TooManyElements { max: self.limits.max_elements });
        }
        Ok(())
    }

    fn tag(&mut self, limit: usize) -> Result<Tag, Part10Error> {
        let offset = self.at;
        let [g0, g1, e0, e1] = self.array::<4>(limit, offset)?;
        Ok(Tag(u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1])))
    }

    fn long_length(&mut self, limit: usize, offset: usize) -> Result<Option<usize>, Part10Error> {
        let length = u32::from_le_bytes(self.array::<4>(limit, offset)?);
        if length == u32::MAX {
            return Ok(None);
        }
        usize::try_from(length).map(Some).or(Err(Part10Error::Truncated { offset }))
    }

    /// Where something of that length ends, which must be within `limit`.
    fn end(&self, length: Option<usize>, limit: usize, offset: usize) -> Result<Option<usize>, Part10Error> {
        let Some(length) = length else { return Ok(None) };
        let end = self.at.checked_add(length).filter(|end| *end <= limit);
        end.map(Some).ok_or(Part10Error::Truncated { offset })
    }

    fn array<const N: usize>(&mut self, limit: usize, offset: usize) -> Result<[u8; N], Part10Error> {
        let bytes = self.take(N, limit, offset)?;
        bytes.first_chunk::<N>().copied().ok_or(Part10Error::Truncated { offset })
    }

    fn take(&mut self, length: usize, limit: usize, offset: usize) -> Result<&'a [u8], Part10Error> {
        let end = self.at.checked_add(length).filter(|end| *end <= limit);
        let taken = end.and_then(|end| self.bytes.get(self.at..end)).ok_or(Part10Error::Truncated { offset })?;
        self.at += length;
        Ok(taken)
    }
}

/// The VR of a tag where the data set does not say it. PS3.6 Table 6-1.
fn implied_vr(tag: Tag) -> VR {
    StandardDataDictionary.by_tag(tag).map_or(VR::UN, |entry| entry.vr.relaxed())
}

fn numbers<const N: usize, T>(bytes: &[u8], of: impl Fn([u8; N]) -> T) -> Option<Vec<T>> {
    let (chunks, rest) = bytes.as_chunks::<N>();
    rest.is_empty().then(|| chunks.iter().map(|chunk| of(*chunk)).collect())
}

fn raw(bytes: &[u8]) -> PrimitiveValue {
    PrimitiveValue::from(bytes)
}

fn ended(text: &str) -> String {
    text.trim_end_matches([' ', '\0']).to_owned()
}

const ITEM: Tag = Tag(0xfffe, 0xe000);
const ITEM_DELIMITER: Tag = Tag(0xfffe, 0xe00d);
const SEQUENCE_DELIMITER: Tag = Tag(0xfffe, 0xe0dd);

/// So many are named; who has more has the wrong character set altogether.
const MAX_INEXACT: usize = 100;
