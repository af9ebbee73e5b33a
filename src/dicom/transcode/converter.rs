//! The data set on its way: headers are read and written anew, values pass through, pixels are handed to
//! the codecs. Sequences get undefined lengths, so that none has to be held to be measured.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::super::pixel::{PixelEncoding, PixelError, little_endian};
use super::TranscodeError;
use super::edit::{Change, HeldAttributes};
use super::fragments::Fragments;
use super::header::{self, ElementHeader, ITEM, ITEM_DELIMITER, SEQUENCE_DELIMITER, Syntax};
use super::samples::FrameSink;
use super::target::{TargetSyntax, TranscodeLimits};

/// Converts a data set that comes in pieces.
pub(super) struct Converter {
    transfer_syntax_uid: String,
    encoding: PixelEncoding,
    target: TargetSyntax,
    limits: TranscodeLimits,
    /// How headers are written where the reader is.
    syntax: Syntax,
    written: Syntax,
    input: Vec<u8>,
    /// How much of the input is used.
    used: usize,
    /// Where the used input ends, counted from the start of the data set.
    position: u64,
    state: State,
    open: Vec<Open>,
    attributes: HeldAttributes,
    is_signed: bool,
    has_extended_offsets: bool,
    out: Vec<u8>,
    is_held: bool,
}

enum State {
    Header,
    /// A value that is passed on, its words turned.
    Value {
        left: u64,
        word: usize,
        padding: Option<u8>,
    },
    /// A value that is left away.
    Left {
        left: u64,
    },
    Attribute {
        tag: Tag,
        vr: VR,
        length: usize,
    },
    /// Native samples that are encoded.
    Samples(Box<Samples>),
    Fragments(Box<Fragments>),
    /// Zeros that fill up the last block of a file.
    Filling,
}

struct Samples {
    sink: FrameSink,
    left: u64,
    word: usize,
    frame: Vec<u8>,
}

/// A sequence or an item that is not closed.
struct Open {
    is_item: bool,
    /// Where it ends if it has a length.
    end: Option<u64>,
    /// Where it has to end at the latest.
    limit: Option<u64>,
    /// How headers are written behind it.
    syntax: Syntax,
}

impl Converter {
    pub(super) fn new(
        transfer_syntax_uid: &str,
        encoding: PixelEncoding,
        target: TargetSyntax,
        limits: TranscodeLimits,
        out: Vec<u8>,
    ) -> Self {
        let mut converter = Self {
            transfer_syntax_uid: transfer_syntax_uid.to_owned(),
            encoding,
            target,
            limits,
            syntax: Syntax {
                is_implicit: transfer_syntax_uid == TargetSyntax::ImplicitVrLittleEndian.uid(),
                is_big_endian: encoding == PixelEncoding::NativeBigEndian,
            },
            written: if target == TargetSyntax::ImplicitVrLittleEndian { Syntax::IMPLICIT } else { Syntax::EXPLICIT },
            input: Vec::new(),
            used: 0,
            position: 0,
            state: State::Header,
            open: Vec::new(),
            attributes: HeldAttributes::default(),
            is_signed: false,
            has_extended_offsets: false,
            out,
            is_held: false,
        };
        converter.is_held = converter.changes_frames();
        converter
    }

    /// Whether frames have to be decoded or encoded.
    fn changes_frames(&self) -> bool {
        self.encoding.is_encapsulated() || self.target.encoding().is_some()
    }

    /// Takes the next bytes of the data set.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), TranscodeError> {
        self.input.extend_from_slice(bytes);
        while self.step()? {}
        self.input.drain(..self.used.min(self.input.len()));
        self.used = 0;
        if self.is_held && self.out.len() > self.limits.max_held_bytes {
            if self.attributes.waits_for_ratio() {
                let max = u64::try_from(self.limits.max_held_bytes).unwrap_or(u64::MAX);
                return Err(TranscodeError::TooLarge { what: "bytes in front of the pixels", max });
            }
            self.is_held = false;
        }
        Ok(())
    }

    /// What is ready.
    pub(super) fn take(&mut self) -> Vec<u8> {
        if self.is_held { Vec::new() } else { std::mem::take(&mut self.out) }
    }

    /// Ends the data set.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, TranscodeError> {
        while self.step()? {}
        let is_complete = matches!(self.state, State::Header | State::Filling) && self.open.is_empty();
        if !is_complete || self.used < self.input.len() {
            return Err(TranscodeError::Truncated);
        }
        self.attributes_before(Tag(u16::MAX, u16::MAX))?;
        Ok(self.out)
    }

    /// Does what the input is enough for; `false` if more is needed.
    fn step(&mut self) -> Result<bool, TranscodeError> {
        let input = self.input.get(self.used..).unwrap_or_default();
        match &mut self.state {
            State::Header => return self.header(),
            State::Filling => {
                if input.iter().any(|byte| *byte != 0) {
                    return Err(self.structure("bytes behind the data set"));
                }
                let length = input.len();
                self.advance(length);
                return Ok(false);
            }
            State::Value { left, word, padding } => {
                let taken = whole_words(input, *left, *word);
                let piece = input.get(..taken).unwrap_or_default();
                let at = self.out.len();
                self.out.extend_from_slice(piece);
                little_endian(self.out.get_mut(at..).unwrap_or_default(), *word);
                *left -= u64::try_from(taken).unwrap_or(*left);
                let is_done = *left == 0;
                if is_done {
                    self.out.extend(*padding);
                    self.state = State::Header;
                }
                self.advance(taken);
                return Ok(is_done);
            }
            State::Left { left } => {
                let taken = whole_words(input, *left, 1);
                *left -= u64::try_from(taken).unwrap_or(*left);
                let is_done = *left == 0;
                if is_done {
                    self.state = State::Header;
                }
                self.advance(taken);
                return Ok(is_done);
            }
            State::Attribute { tag, vr, length } => {
                let (tag, vr, length) = (*tag, *vr, *length);
                let Some(value) = input.get(..length) else { return Ok(false) };
                let mut value = value.to_vec();
                if self.syntax.is_big_endian {
                    little_endian(&mut value, header::word(vr));
                }
                if tag == tags::PIXEL_REPRESENTATION {
                    self.is_signed = value.first() == Some(&1);
                }
                self.attributes.put(tag, vr, value);
                self.state = State::Header;
                self.advance(length);
                return Ok(true);
            }
            State::Samples(_) | State::Fragments(_) => {}
        }
        self.pixels()
    }

    /// Goes on with pixel data whose frames change.
    fn pixels(&mut self) -> Result<bool, TranscodeError> {
        let input = self.input.get(self.used..).unwrap_or_default();
        let (taken, is_done, ratio, has_frame) = match &mut self.state {
            State::Samples(samples) => {
                let (taken, is_done) = samples.take(input, &mut self.out)?;
                (taken, is_done, samples.sink.ratio(), samples.sink.frames() > 0)
            }
            State::Fragments(fragments) => {
                let (taken, is_done) = fragments.take(input, &mut self.out)?;
                (taken, is_done, fragments.sink().ratio(), fragments.sink().frames() > 0)
            }
            _ => return Ok(false),
        };
        if let (Some(ratio), true) = (ratio, self.is_held) {
            self.attributes.put_ratio(ratio, &mut self.out, self.written)?;
        }
        if has_frame {
            self.is_held = false;
        }
        if is_done {
            self.state = State::Header;
        }
        self.advance(taken);
        Ok(taken > 0)
    }

    fn header(&mut self) -> Result<bool, TranscodeError> {
        self.close_ended()?;
        let input = self.input.get(self.used..).unwrap_or_default();
        if self.open.is_empty() && input.first_chunk::<4>() == Some(&[0; 4]) {
            self.state = State::Filling;
            return Ok(true);
        }
        let read = ElementHeader::read(input, self.syntax).map_err(|error| match error {
            TranscodeError::Structure { what, .. } => self.structure(what),
            other => other,
        })?;
        let Some((element, length)) = read else { return Ok(false) };
        self.advance(length);
        match (element.tag, self.open.last()) {
            (ITEM, Some(Open { is_item: false, .. })) => self.begin_item(element.length)?,
            (SEQUENCE_DELIMITER, Some(Open { is_item: false, end: None, .. }))
            | (ITEM_DELIMITER, Some(Open { is_item: true, end: None, .. })) => self.close(),
            (_, Some(Open { is_item: false, .. })) => return Err(self.structure("no item where one has to be")),
            (ITEM | ITEM_DELIMITER | SEQUENCE_DELIMITER, _) => {
                return Err(self.structure("a delimiter where an element has to be"));
            }
            _ => self.element(element)?,
        }
        Ok(true)
    }

    fn element(&mut self, element: ElementHeader) -> Result<(), TranscodeError> {
        let ElementHeader { tag, length, .. } = element;
        let is_root = self.open.is_empty();
        let vr = if self.syntax.is_implicit { header::implied_vr(tag, self.is_signed) } else { element.vr };
        self.check_within(length)?;
        let is_pixels = [tags::PIXEL_DATA, tags::FLOAT_PIXEL_DATA, tags::DOUBLE_FLOAT_PIXEL_DATA].contains(&tag);
        if is_root {
            self.attributes_before(tag)?;
        }
        if vr == VR::SQ || (vr == VR::UN && length.is_none()) {
            return self.begin_sequence(tag, vr, length);
        }
        if is_root && is_pixels && (length.is_none() || self.changes_frames()) {
            return self.begin_pixels(tag, vr, length);
        }
        let what = if is_pixels { "compressed pixels within a sequence" } else { "a value of undefined length" };
        let length = length.ok_or(TranscodeError::Unsupported { what })?;
        let is_offset = matches!(tag, tags::EXTENDED_OFFSET_TABLE | tags::EXTENDED_OFFSET_TABLE_LENGTHS)
            || tag == tags::ENCAPSULATED_PIXEL_DATA_VALUE_TOTAL_LENGTH;
        self.has_extended_offsets |= is_root && tag == tags::EXTENDED_OFFSET_TABLE && length > 0;
        // Group lengths are retired (PS3.5 §7.2) and wrong once anything is written anew.
        if tag.element() == 0
            || tag == tags::DATA_SET_TRAILING_PADDING
            || (is_root && self.changes_frames() && is_offset)
        {
            self.state = State::Left { left: length.into() };
        } else if is_root && self.holds(tag) {
            let length = usize::try_from(length).ok().filter(|length| *length <= MAX_ATTRIBUTE);
            let length = length.ok_or_else(|| self.structure("an attribute of the image that is too long"))?;
            self.state = State::Attribute { tag, vr, length };
        } else {
            header::begin(&mut self.out, self.written, tag, vr, Some(length.next_multiple_of(2)));
            let word = if self.syntax.is_big_endian { header::word(vr) } else { 1 };
            let padding = (length % 2 == 1).then(|| header::padding(vr));
            self.state = State::Value { left: length.into(), word, padding };
        }
        Ok(())
    }

    /// Attributes of the image are held back where the image changes, or where implied VRs follow from them.
    fn holds(&self, tag: Tag) -> bool {
        (self.changes_frames() || self.syntax.is_implicit) && HeldAttributes::holds(tag)
    }

    fn attributes_before(&mut self, tag: Tag) -> Result<(), TranscodeError> {
        let change =
            Change { encoding: self.encoding, transfer_syntax_uid: &self.transfer_syntax_uid, target: self.target };
        let change = self.changes_frames().then_some(&change);
        self.attributes.write_before(tag, &mut self.out, self.written, change)
    }

    fn begin_pixels(&mut self, tag: Tag, vr: VR, length: Option<u32>) -> Result<(), TranscodeError> {
        if length.is_some() == self.encoding.is_encapsulated() {
            return Err(self.structure("pixel data that the transfer syntax does not have"));
        }
        let image = self.attributes.image()?;
        let limits = self.limits.pixels;
        let sink = FrameSink::new(&image, self.encoding, &self.transfer_syntax_uid, self.target, limits)?;
        sink.begin(&mut self.out, self.written, tag)?;
        self.state = match length {
            Some(length) => {
                let word = if self.syntax.is_big_endian { header::word(vr) } else { 1 };
                State::Samples(Box::new(Samples { sink, left: length.into(), word, frame: Vec::new() }))
            }
            None => {
                let fragments = Fragments::new(self.encoding, self.has_extended_offsets, limits, sink);
                State::Fragments(Box::new(fragments))
            }
        };
        Ok(())
    }

    fn begin_sequence(&mut self, tag: Tag, vr: VR, length: Option<u32>) -> Result<(), TranscodeError> {
        if self.open.len() / 2 >= self.limits.max_depth {
            let max = u64::try_from(self.limits.max_depth).unwrap_or(u64::MAX);
            return Err(TranscodeError::TooLarge { what: "levels of sequences", max });
        }
        if length == Some(0) {
            header::begin(&mut self.out, self.written, tag, VR::SQ, Some(0));
            return Ok(());
        }
        header::begin(&mut self.out, self.written, tag, VR::SQ, None);
        let opened = self.opened(false, length);
        self.open.push(opened);
        if vr == VR::UN {
            // PS3.5 §6.2.2 note 2: what is in it is Implicit VR Little Endian.
            self.syntax = Syntax::IMPLICIT;
        }
        Ok(())
    }

    fn begin_item(&mut self, length: Option<u32>) -> Result<(), TranscodeError> {
        self.check_within(length)?;
        if length == Some(0) {
            header::begin(&mut self.out, self.written, ITEM, VR::UN, Some(0));
            return Ok(());
        }
        header::begin(&mut self.out, self.written, ITEM, VR::UN, None);
        let opened = self.opened(true, length);
        self.open.push(opened);
        Ok(())
    }

    fn opened(&self, is_item: bool, length: Option<u32>) -> Open {
        let end = length.map(|length| self.position + u64::from(length));
        let limit = end.or(self.open.last().and_then(|open| open.limit));
        Open { is_item, end, limit, syntax: self.syntax }
    }

    /// Closes what ends here by its length.
    fn close_ended(&mut self) -> Result<(), TranscodeError> {
        while let Some(end) = self.open.last().and_then(|open| open.end) {
            if end > self.position {
                break;
            }
            if end < self.position {
                return Err(self.structure("an element that is longer than what it is in"));
            }
            self.close();
        }
        Ok(())
    }

    fn close(&mut self) {
        if let Some(open) = self.open.pop() {
            let delimiter = if open.is_item { ITEM_DELIMITER } else { SEQUENCE_DELIMITER };
            header::begin(&mut self.out, self.written, delimiter, VR::UN, Some(0));
            self.syntax = open.syntax;
        }
    }

    fn check_within(&self, length: Option<u32>) -> Result<(), TranscodeError> {
        let end = self.position + u64::from(length.unwrap_or_default());
        let limit = self.open.last().and_then(|open| open.limit);
        if limit.is_some_and(|limit| end > limit) {
            return Err(self.structure("an element that is longer than what it is in"));
        }
        Ok(())
    }

    fn advance(&mut self, bytes: usize) {
        self.used += bytes;
        self.position += u64::try_from(bytes).unwrap_or(u64::MAX);
    }

    fn structure(&self, what: &'static str) -> TranscodeError {
        TranscodeError::Structure { what, offset: self.position }
    }
}

impl Samples {
    /// Takes what it can of native samples, and passes on each frame that is whole.
    fn take(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(usize, bool), TranscodeError> {
        let image = self.sink.image();
        if !image.frame_bits().is_multiple_of(8) {
            return Err(TranscodeError::Unsupported { what: "frames of single bits that end within a byte" });
        }
        let size = usize::try_from(image.frame_bytes()).or(Err(PixelError::Truncated))?.max(1);
        let is_complete = self.frames_are_complete();
        let most =
            if is_complete { usize::MAX } else { size.saturating_sub(self.frame.len()).next_multiple_of(self.word) };
        let taken = whole_words(input.get(..most.min(input.len())).unwrap_or_default(), self.left, self.word);
        self.left -= u64::try_from(taken).unwrap_or(self.left);
        if !is_complete {
            let at = self.frame.len();
            self.frame.extend_from_slice(input.get(..taken).unwrap_or_default());
            little_endian(self.frame.get_mut(at..).unwrap_or_default(), self.word);
            if let Some(frame) = self.frame.get(..size) {
                self.sink.frame(frame, out)?;
                self.frame.drain(..size);
            }
        }
        let is_done = self.left == 0;
        if is_done {
            self.sink.end(out)?;
        }
        Ok((taken, is_done))
    }

    fn frames_are_complete(&self) -> bool {
        self.sink.frames() == self.sink.image().number_of_frames
    }
}

/// How many of the bytes belong to a value of which `left` are to come, in whole words but for its end.
fn whole_words(input: &[u8], left: u64, word: usize) -> usize {
    let left = usize::try_from(left).unwrap_or(usize::MAX);
    if input.len() >= left { left } else { input.len() / word.max(1) * word.max(1) }
}

/// No attribute of the image that is held is longer.
const MAX_ATTRIBUTE: usize = 64 << 10;
