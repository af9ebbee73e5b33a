//! The machine that takes a data set apart. It holds at most twelve bytes that it has not understood yet, and never
//! looks back.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use crate::base::Blake3;

use super::super::charset::CharacterSets;
use super::super::part10::has_short_length;
use super::super::transfer_syntax::Encoding;
use super::frame::{Level, Mode, Open, implied_vr, is_bulk, is_pixel_data};
use super::{Bulk, Element, Flaw, FlawKind, Header, HeaderError, HeaderLimits, Item, Kept, MAX_FLAWS, Value};

/// What comes next.
enum Next {
    /// The header of an element or item, of which some bytes may be there.
    Header { have: [u8; 12], length: usize },
    /// So many bytes of a value.
    Value { element: Element, left: u64 },
    /// So many bytes of a fragment.
    Fragment { left: u64 },
    /// Zeros up to the end.
    Filling,
}

pub(super) struct Machine {
    next: Next,
    /// Bytes that were understood.
    at: u64,
    mode: Mode,
    open: Vec<Open>,
    depth: usize,
    level: Level,
    values: Vec<u8>,
    charsets: Vec<CharacterSets>,
    count: usize,
    pixel_data_offset: Option<u64>,
    flaws: Vec<Flaw>,
    limits: HeaderLimits,
}

/// The header of an element or item.
struct Head {
    tag: Tag,
    vr: VR,
    /// `None` is the undefined length.
    length: Option<u64>,
    /// Bytes of the header itself.
    size: u64,
}

impl Machine {
    pub(super) fn new(encoding: Encoding, limits: &HeaderLimits) -> Self {
        Self {
            next: NOTHING_YET,
            at: 0,
            mode: Mode { is_implicit: encoding.is_implicit, is_big_endian: encoding.is_big_endian },
            open: Vec::new(),
            depth: 0,
            level: Level::default(),
            values: Vec::new(),
            charsets: vec![CharacterSets::default()],
            count: 0,
            pixel_data_offset: None,
            flaws: Vec::new(),
            limits: *limits,
        }
    }

    /// Takes the next bytes.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), HeaderError> {
        while !bytes.is_empty() {
            bytes = self.step(bytes)?;
        }
        if self.at > self.limits.max_bytes { Err(HeaderError::TooLarge) } else { Ok(()) }
    }

    /// Takes as much as belongs to one header or value, and gives back the rest.
    fn step<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], HeaderError> {
        match &mut self.next {
            Next::Filling => {
                let is_filled = bytes.iter().all(|byte| *byte == 0);
                if is_filled { Ok(&[]) } else { Err(HeaderError::Structure("group 0000 in a data set")) }
            }
            Next::Header { have, length } => {
                let wanted = match have.get(..*length) {
                    Some(begun) if *length >= 8 => header_size(begun, self.mode),
                    _ => 8,
                };
                let (taken, rest) = bytes.split_at(bytes.len().min(wanted - *length));
                if let Some(place) = have.get_mut(*length..*length + taken.len()) {
                    place.copy_from_slice(taken);
                }
                *length += taken.len();
                let (have, length) = (*have, *length);
                if length >= 8 && length >= header_size(&have, self.mode) {
                    self.next = NOTHING_YET;
                    let head = self.head(have)?;
                    self.at += head.size;
                    self.begin(&head)?;
                    self.close_ended()?;
                }
                Ok(rest)
            }
            Next::Value { element, left } => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                let (taken, rest) = bytes.split_at(length);
                if matches!(element.value, Value::Kept(_)) {
                    self.values.extend_from_slice(taken);
                }
                self.at += length as u64;
                *left -= length as u64;
                if *left == 0
                    && let Next::Value { element, .. } = std::mem::replace(&mut self.next, NOTHING_YET)
                {
                    self.put(element);
                    self.close_ended()?;
                }
                Ok(rest)
            }
            Next::Fragment { left } => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                self.at += length as u64;
                *left -= length as u64;
                if *left == 0 {
                    self.next = NOTHING_YET;
                }
                Ok(bytes.get(length..).unwrap_or_default())
            }
        }
    }

    fn head(&self, have: [u8; 12]) -> Result<Head, HeaderError> {
        let is_big = self.mode.is_big_endian;
        let short = |at: usize| {
            let bytes = have.get(at..).and_then(|rest| rest.first_chunk::<2>()).copied().unwrap_or_default();
            if is_big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
        };
        let long = |at: usize| {
            let bytes = have.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default();
            let length = if is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
            (length != u32::MAX).then_some(u64::from(length))
        };
        let tag = Tag(short(0), short(2));
        if tag.group() == 0xfffe {
            return Ok(Head { tag, vr: VR::UN, length: long(4), size: 8 });
        }
        if self.mode.is_implicit {
            let vr = implied_vr(tag, self.level.is_signed);
            return Ok(Head { tag, vr, length: long(4), size: 8 });
        }
        let [_, _, _, _, first, second, ..] = have;
        if !(first.is_ascii_uppercase() && second.is_ascii_uppercase()) && tag != Tag(0, 0) {
            return Err(HeaderError::Structure("no VR where one has to be"));
        }
        // PS3.5 §6.2.2: a VR that we do not know has the long form and is UN to us.
        let vr = VR::from_binary([first, second]).unwrap_or(VR::UN);
        if has_short_length(vr) {
            return Ok(Head { tag, vr, length: Some(u64::from(short(6))), size: 8 });
        }
        Ok(Head { tag, vr, length: long(8), size: 12 })
    }

    /// Begins what a header announces.
    fn begin(&mut self, head: &Head) -> Result<(), HeaderError> {
        match self.open.last() {
            Some(Open::Fragments { .. }) => self.fragment(head),
            Some(Open::Sequence { .. }) => self.sequence_part(head),
            Some(Open::Item { .. }) if head.tag == ITEM_DELIMITER => self.close_item(),
            _ => self.begin_element(head),
        }
    }

    fn fragment(&mut self, head: &Head) -> Result<(), HeaderError> {
        match (head.tag, head.length) {
            (ITEM, Some(left)) => {
                self.end_of(left)?;
                if left > 0 {
                    self.next = Next::Fragment { left };
                }
                Ok(())
            }
            (SEQUENCE_DELIMITER, _) => {
                self.open.pop();
                Ok(())
            }
            _ => Err(HeaderError::Structure("no fragment where one has to be")),
        }
    }

    fn sequence_part(&mut self, head: &Head) -> Result<(), HeaderError> {
        match head.tag {
            ITEM => {
                self.count()?;
                let end = head.length.map(|length| self.end_of(length)).transpose()?;
                let limit = end.unwrap_or_else(|| self.limit());
                let inside = self.level.inside();
                let around = std::mem::replace(&mut self.level, inside);
                self.open.push(Open::Item { end, limit, around });
                Ok(())
            }
            SEQUENCE_DELIMITER => self.close_sequence(),
            _ => Err(HeaderError::Structure("no item where one has to be")),
        }
    }

    fn begin_element(&mut self, head: &Head) -> Result<(), HeaderError> {
        let (tag, vr) = (head.tag, head.vr);
        if self.open.is_empty() && tag == Tag(0, 0) && head.length == Some(0) {
            // Some writers fill up the last block of a file.
            self.next = Next::Filling;
            return Ok(());
        }
        if matches!(tag.group(), 0x0000 | 0x0002 | 0xfffe | 0xffff) {
            return Err(HeaderError::Structure("an element that no data set has"));
        }
        self.count()?;
        let is_pixel_data = is_pixel_data(tag);
        if is_pixel_data && self.open.is_empty() && self.pixel_data_offset.is_none() {
            self.pixel_data_offset = Some(self.at - head.size);
        }
        let Some(length) = head.length else { return self.begin_undefined(tag, vr) };
        let end = self.end_of(length)?;
        if vr == VR::SQ {
            return self.open_sequence(tag, vr, Some(end), self.mode);
        }
        if length % 2 == 1 {
            self.flaw(tag, FlawKind::OddLength);
        }
        let value = if is_bulk(tag, vr, length) {
            Value::Bulk(Bulk { offset: self.at, length: Some(length), is_big_endian: self.mode.is_big_endian })
        } else {
            Value::Kept(self.keep(length)?)
        };
        let element = Element { tag, vr, value };
        if length == 0 {
            self.put(element);
        } else {
            self.next = Next::Value { element, left: length };
        }
        Ok(())
    }

    /// Begins a sequence without a length, or fragments.
    fn begin_undefined(&mut self, tag: Tag, vr: VR) -> Result<(), HeaderError> {
        match vr {
            VR::SQ => self.open_sequence(tag, vr, None, self.mode),
            // A sequence that somebody did not know, in the encoding that everybody does. PS3.5 §6.2.2.
            VR::UN => {
                let within = Mode { is_implicit: true, is_big_endian: false };
                self.open_sequence(tag, VR::SQ, None, within)
            }
            VR::OB | VR::OW if !self.mode.is_implicit => {
                let bulk = Bulk { offset: self.at, length: None, is_big_endian: false };
                self.put(Element { tag, vr, value: Value::Bulk(bulk) });
                let limit = self.limit();
                self.open.push(Open::Fragments { limit });
                Ok(())
            }
            _ => Err(HeaderError::Structure("an undefined length where none can be")),
        }
    }

    fn open_sequence(&mut self, tag: Tag, vr: VR, end: Option<u64>, within: Mode) -> Result<(), HeaderError> {
        if self.depth >= self.limits.max_depth {
            return Err(HeaderError::TooDeep);
        }
        self.depth += 1;
        let limit = end.unwrap_or_else(|| self.limit());
        let before = std::mem::replace(&mut self.mode, within);
        self.open.push(Open::Sequence { tag, vr, end, limit, items: Vec::new(), before });
        Ok(())
    }

    fn close_sequence(&mut self) -> Result<(), HeaderError> {
        let Some(Open::Sequence { tag, vr, items, before, .. }) = self.open.pop() else {
            return Err(HeaderError::Structure("a delimiter without a sequence"));
        };
        self.depth -= 1;
        self.mode = before;
        self.put(Element { tag, vr, value: Value::Items(items) });
        Ok(())
    }

    fn close_item(&mut self) -> Result<(), HeaderError> {
        let Some(Open::Item { around, .. }) = self.open.pop() else {
            return Err(HeaderError::Structure("a delimiter without an item"));
        };
        let inside = std::mem::replace(&mut self.level, around);
        if let Some(Open::Sequence { items, .. }) = self.open.last_mut() {
            items.push(Item { charset: inside.charset, elements: inside.ordered() });
        }
        Ok(())
    }

    /// Closes whatever ends where the reader is.
    fn close_ended(&mut self) -> Result<(), HeaderError> {
        if !matches!(self.next, Next::Header { .. }) {
            return Ok(());
        }
        loop {
            match self.open.last() {
                Some(Open::Sequence { end: Some(end), .. } | Open::Item { end: Some(end), .. }) if *end < self.at => {
                    return Err(HeaderError::Structure("an element is longer than what it lies in"));
                }
                Some(Open::Sequence { end: Some(end), .. }) if *end == self.at => self.close_sequence()?,
                Some(Open::Item { end: Some(end), .. }) if *end == self.at => self.close_item()?,
                _ => return Ok(()),
            }
        }
    }

    /// Adds an element to where the reader is.
    fn put(&mut self, element: Element) {
        let tag = element.tag;
        // Group lengths are retired (PS3.5 §7.2), and padding is no information.
        if tag.element() == 0 || tag == tags::DATA_SET_TRAILING_PADDING {
            return;
        }
        if let Value::Kept(kept) = &element.value {
            let bytes = self.bytes(*kept);
            if tag == tags::SPECIFIC_CHARACTER_SET {
                let terms: String = bytes.iter().map(|byte| char::from(*byte)).collect();
                let charset = CharacterSets::of(&terms);
                if !charset.unknown().is_empty() {
                    self.flaw(tag, FlawKind::Text);
                }
                self.level.charset = self.charset(charset);
            } else if tag == tags::PIXEL_REPRESENTATION {
                self.level.is_signed = bytes.contains(&1);
            }
        }
        if self.level.elements.last().is_some_and(|last| last.tag >= tag) {
            self.level.is_unordered = true;
            self.flaw(tag, FlawKind::Order);
        }
        self.level.elements.push(element);
    }

    /// The number of a character set.
    fn charset(&mut self, charset: CharacterSets) -> u32 {
        let at = self.charsets.iter().position(|known| *known == charset).unwrap_or_else(|| {
            self.charsets.push(charset);
            self.charsets.len() - 1
        });
        u32::try_from(at).unwrap_or_default()
    }

    fn bytes(&self, kept: Kept) -> &[u8] {
        value_bytes(&self.values, kept)
    }

    /// A place for a value that is kept. It is filled as its bytes come.
    fn keep(&mut self, length: u64) -> Result<Kept, HeaderError> {
        let end = usize::try_from(length).ok().and_then(|length| self.values.len().checked_add(length));
        if end.is_none_or(|end| end > self.limits.max_kept_bytes) {
            return Err(HeaderError::HeaderTooLarge);
        }
        let small = |number: u64| u32::try_from(number).or(Err(HeaderError::HeaderTooLarge));
        let (start, length) = (small(self.values.len() as u64)?, small(length)?);
        Ok(Kept { start, length, is_big_endian: self.mode.is_big_endian })
    }

    fn flaw(&mut self, tag: Tag, kind: FlawKind) {
        if self.flaws.len() < MAX_FLAWS {
            self.flaws.push(Flaw { tag, kind });
        }
    }

    fn count(&mut self) -> Result<(), HeaderError> {
        self.count += 1;
        if self.count > self.limits.max_elements { Err(HeaderError::TooManyElements) } else { Ok(()) }
    }

    /// Where the innermost thing with a length ends.
    fn limit(&self) -> u64 {
        match self.open.last() {
            Some(Open::Sequence { limit, .. } | Open::Item { limit, .. } | Open::Fragments { limit }) => *limit,
            // Whether the bytes are there is seen when they have come.
            None => u64::MAX,
        }
    }

    /// Where something of this length ends, which must be within what lies around it.
    fn end_of(&self, length: u64) -> Result<u64, HeaderError> {
        let end = self.at.saturating_add(length);
        if end > self.limit() {
            Err(HeaderError::Structure("an element is longer than what it lies in"))
        } else {
            Ok(end)
        }
    }

    /// The elements of the data set itself that were read so far, and their character set.
    pub(super) fn root(&self) -> &[Element] {
        let around = self.open.iter().find_map(|open| match open {
            Open::Item { around, .. } => Some(around),
            Open::Sequence { .. } | Open::Fragments { .. } => None,
        });
        &around.unwrap_or(&self.level).elements
    }

    /// The bytes of kept values so far.
    pub(super) fn values(&self) -> &[u8] {
        &self.values
    }

    /// Ends the data set: nothing may lie open.
    pub(super) fn finish(mut self, encoding: Encoding, length: u64, digest: Blake3) -> Result<Header, HeaderError> {
        let has_ended = matches!(self.next, Next::Header { length: 0, .. } | Next::Filling) || self.is_filling();
        if !has_ended || !self.open.is_empty() {
            return Err(HeaderError::Truncated);
        }
        let charset = self.level.charset;
        let elements = std::mem::take(&mut self.level).ordered();
        let mut header = Header {
            encoding,
            elements,
            length,
            digest,
            pixel_data_offset: self.pixel_data_offset,
            flaws: self.flaws,
            values: self.values,
            charsets: self.charsets,
            charset,
        };
        header.check_values();
        Ok(header)
    }

    /// Whether fewer zeros than a header are left.
    fn is_filling(&self) -> bool {
        match &self.next {
            Next::Header { have, length } => have.get(..*length).is_some_and(|have| have.iter().all(|byte| *byte == 0)),
            _ => false,
        }
    }
}

/// The bytes of a kept value.
pub(super) fn value_bytes(values: &[u8], kept: Kept) -> &[u8] {
    let at = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    values.get(at(kept.start)..at(kept.start).saturating_add(at(kept.length))).unwrap_or_default()
}

/// Bytes of a header of which the first eight are there.
fn header_size(begun: &[u8], mode: Mode) -> usize {
    let Some([a, b, _, _, e, f, ..]) = begun.first_chunk::<8>() else { return 8 };
    let group = if mode.is_big_endian { u16::from_be_bytes([*a, *b]) } else { u16::from_le_bytes([*a, *b]) };
    if group == 0xfffe || mode.is_implicit || VR::from_binary([*e, *f]).is_some_and(has_short_length) { 8 } else { 12 }
}

const NOTHING_YET: Next = Next::Header { have: [0; 12], length: 0 };

const ITEM: Tag = Tag(0xfffe, 0xe000);
const ITEM_DELIMITER: Tag = Tag(0xfffe, 0xe00d);
const SEQUENCE_DELIMITER: Tag = Tag(0xfffe, 0xe0dd);
