//! Data sets without compressed pixel data in another transfer syntax, piece by piece: explicit and
//! implicit VR, big endian, deflated, into explicit or implicit VR Little Endian. PS3.5 §7.1, §A.
//!
//! Values are copied byte for byte, whatever their character set; only headers change, and the order of
//! bytes where it must. Sequences and items come out with delimiters, because their lengths are not known
//! before they end; group lengths, which would be wrong then, are left out (PS3.5 §7.2).

mod header;

use flate2::{Decompress, FlushDecompress, Status};

use self::header::{Encoding, Header, Need};
use super::syntax::{DEFLATED_LE, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE};

/// Why a data set cannot be put into another transfer syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecodeError {
    /// The bytes are not elements and items, or end within one.
    #[error("data set is malformed at byte {0}")]
    Malformed(u64),
    /// Sequences are nested deeper than we follow.
    #[error("data set is nested too deeply")]
    Depth,
    /// Pixel data in fragments has no uncompressed form without a decoder.
    #[error("data set holds compressed pixel data")]
    Compressed,
    /// The deflated data set is damaged.
    #[error("deflated data set cannot be inflated")]
    Inflate,
    /// The data set inflates to more than we follow.
    #[error("data set is too long")]
    TooLong,
}

/// Whether a [`Recoder`] turns `from` into `to`.
pub fn can_recode(from: &str, to: &str) -> bool {
    matches!(from, EXPLICIT_LE | IMPLICIT_LE | EXPLICIT_BE | DEFLATED_LE) && matches!(to, EXPLICIT_LE | IMPLICIT_LE)
}

/// Puts a data set into another transfer syntax.
#[derive(Debug)]
pub struct Recoder {
    inflate: Option<Box<Decompress>>,
    is_inflated: bool,
    elements: Elements,
}

#[derive(Debug)]
struct Elements {
    from: Encoding,
    to_explicit: bool,
    /// Where the next byte stands in the plain data set.
    at: u64,
    state: State,
    open: Vec<Open>,
    /// Pixel Representation (0028,0103), which says what a number of unsaid sign is.
    is_signed: bool,
}

#[derive(Debug)]
enum State {
    /// Gathers the bytes of a header.
    Header(Vec<u8>),
    /// Passes a value on.
    Value(Value),
}

#[derive(Debug)]
struct Value {
    left: u64,
    /// Whether the value goes into the output.
    is_kept: bool,
    /// What makes an odd value even.
    padding: Option<u8>,
    /// Bytes of a number whose order is turned round; 1 for none.
    width: usize,
    /// The beginning of a number.
    part: Vec<u8>,
    /// Whether the value is Pixel Representation.
    tells_sign: bool,
}

/// A sequence or item that has begun and not ended.
#[derive(Debug)]
struct Open {
    is_item: bool,
    /// Where it ends, if that was said.
    end: Option<u64>,
    /// How what is in it is encoded.
    encoding: Encoding,
}

impl Recoder {
    /// From a transfer syntax into another one; `None` where [`can_recode`] says so.
    pub fn new(from: &str, to: &str) -> Option<Self> {
        if !can_recode(from, to) {
            return None;
        }
        let encoding = match from {
            IMPLICIT_LE => Encoding::Implicit,
            EXPLICIT_BE => Encoding::BigEndian,
            _ => Encoding::Explicit,
        };
        Some(Self {
            inflate: (from == DEFLATED_LE).then(|| Box::new(Decompress::new(false))),
            is_inflated: from != DEFLATED_LE,
            elements: Elements {
                from: encoding,
                to_explicit: to == EXPLICIT_LE,
                at: 0,
                state: State::Header(Vec::new()),
                open: Vec::new(),
                is_signed: false,
            },
        })
    }

    /// Takes bytes, and appends to `out` what they become.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), RecodeError> {
        let Some(inflate) = &mut self.inflate else { return self.elements.push(bytes, out) };
        // What follows the end is the byte that makes the length even (PS3.5 §A.5).
        if self.is_inflated {
            return Ok(());
        }
        let mut rest = bytes;
        let mut plain = Vec::with_capacity(INFLATE_BYTES);
        loop {
            plain.clear();
            let before = inflate.total_in();
            let status = inflate.decompress_vec(rest, &mut plain, FlushDecompress::None);
            let status = status.map_err(|_detail| RecodeError::Inflate)?;
            let taken = usize::try_from(inflate.total_in() - before).map_err(|_overflow| RecodeError::Inflate)?;
            rest = rest.get(taken..).unwrap_or_default();
            if inflate.total_out() > MAX_INFLATED_BYTES {
                return Err(RecodeError::TooLong);
            }
            self.elements.push(&plain, out)?;
            self.is_inflated = status == Status::StreamEnd;
            let is_over = self.is_inflated || (taken == 0 && plain.is_empty());
            if is_over || (rest.is_empty() && plain.len() < plain.capacity()) {
                return Ok(());
            }
        }
    }

    /// Ends the data set.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), RecodeError> {
        if !self.is_inflated {
            return Err(RecodeError::Inflate);
        }
        self.elements.close(out);
        let at = self.elements.at;
        let is_whole = matches!(&self.elements.state, State::Header(bytes) if bytes.is_empty());
        if is_whole && self.elements.open.is_empty() { Ok(()) } else { Err(RecodeError::Malformed(at)) }
    }
}

impl Elements {
    fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), RecodeError> {
        while !bytes.is_empty() {
            bytes = match &mut self.state {
                State::Value(value) => {
                    let length = usize::try_from(value.left).unwrap_or(usize::MAX).min(bytes.len());
                    let (now, rest) = bytes.split_at(length);
                    let count = now.len() as u64;
                    value.left -= count;
                    self.at += count;
                    value.take(now, out);
                    if value.tells_sign
                        && let Some(low) = now.first().filter(|_| value.left + count == 2)
                    {
                        self.is_signed = *low == 1;
                    }
                    if value.left == 0 {
                        value.end(out);
                        self.state = State::Header(Vec::new());
                    }
                    rest
                }
                State::Header(gathered) => {
                    if gathered.is_empty() {
                        self.close(out);
                    }
                    self.header(bytes, out)?
                }
            };
        }
        Ok(())
    }

    /// Gathers a header, and acts on it when it is whole. Returns the rest of the bytes.
    fn header<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], RecodeError> {
        let encoding = self.encoding();
        let State::Header(gathered) = &mut self.state else { return Ok(bytes) };
        let wanted = match encoding.need(gathered) {
            Need::More(count) => count,
            Need::Bad => return Err(RecodeError::Malformed(self.at)),
            Need::Nothing => 0,
        };
        let (now, rest) = bytes.split_at(wanted.min(bytes.len()));
        gathered.extend_from_slice(now);
        match encoding.need(gathered) {
            Need::Bad => return Err(RecodeError::Malformed(self.at)),
            Need::More(_) => return Ok(rest),
            Need::Nothing => {}
        }
        let header = encoding.read(gathered, self.is_signed).ok_or(RecodeError::Malformed(self.at))?;
        self.at += gathered.len() as u64;
        self.state = State::Header(Vec::new());
        self.act(&header, encoding, out)?;
        Ok(rest)
    }

    fn act(&mut self, header: &Header, encoding: Encoding, out: &mut Vec<u8>) -> Result<(), RecodeError> {
        let malformed = RecodeError::Malformed(self.at);
        let in_sequence = self.open.last().is_some_and(|open| !open.is_item);
        let end = header.length.map(|length| self.at + u64::from(length));
        if end.is_some_and(|end| self.open.iter().filter_map(|open| open.end).any(|outer| outer < end)) {
            return Err(malformed);
        }
        match header.tag {
            (0xFFFE, 0xE000) if in_sequence => self.begin(true, end, encoding, out),
            (0xFFFE, 0xE00D) if header.length == Some(0) => self.end(true, out).ok_or(malformed),
            (0xFFFE, 0xE0DD) if header.length == Some(0) => self.end(false, out).ok_or(malformed),
            (0xFFFE, _) => Err(malformed),
            _ if in_sequence => Err(malformed),
            (_, 0) => {
                self.value(header, false, encoding);
                Ok(())
            }
            (0x7FE0, 0x0010) if header.length.is_none() => Err(RecodeError::Compressed),
            _ if header.is_sequence() => {
                header.write_sequence(self.to_explicit, out);
                // A sequence of unknown VR is encoded without VRs (PS3.5 §6.2.2, note 4).
                let within = if header.vr == *b"UN" { Encoding::Implicit } else { encoding };
                self.begin(false, end, within, out)
            }
            _ if header.length.is_none() => Err(RecodeError::Compressed),
            _ => {
                header.write(self.to_explicit, out);
                self.value(header, true, encoding);
                Ok(())
            }
        }
    }

    fn value(&mut self, header: &Header, is_kept: bool, encoding: Encoding) {
        let left = u64::from(header.length.unwrap_or_default());
        if left == 0 {
            return;
        }
        self.state = State::Value(Value {
            left,
            is_kept,
            padding: (left % 2 == 1).then(|| header.padding()),
            width: if encoding == Encoding::BigEndian { header.width() } else { 1 },
            part: Vec::new(),
            tells_sign: header.tag == (0x0028, 0x0103) && left == 2 && encoding != Encoding::BigEndian,
        });
    }

    fn begin(
        &mut self,
        is_item: bool,
        end: Option<u64>,
        encoding: Encoding,
        out: &mut Vec<u8>,
    ) -> Result<(), RecodeError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(RecodeError::Depth);
        }
        if is_item {
            out.extend_from_slice(&ITEM_BEGIN);
        }
        self.open.push(Open { is_item, end, encoding });
        Ok(())
    }

    /// Ends what a delimiter ends; `None` if that is not open.
    fn end(&mut self, is_item: bool, out: &mut Vec<u8>) -> Option<()> {
        self.open.pop_if(|open| open.is_item == is_item && open.end.is_none())?;
        out.extend_from_slice(if is_item { &ITEM_END } else { &SEQUENCE_END });
        Some(())
    }

    /// Ends what ends here by its length.
    fn close(&mut self, out: &mut Vec<u8>) {
        while let Some(open) = self.open.pop_if(|open| open.end == Some(self.at)) {
            out.extend_from_slice(if open.is_item { &ITEM_END } else { &SEQUENCE_END });
        }
    }

    fn encoding(&self) -> Encoding {
        self.open.last().map_or(self.from, |open| open.encoding)
    }
}

impl Value {
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if !self.is_kept {
            return;
        }
        if self.width == 1 {
            return out.extend_from_slice(bytes);
        }
        for byte in bytes {
            self.part.push(*byte);
            if self.part.len() == self.width {
                out.extend(self.part.drain(..).rev());
            }
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.is_kept {
            out.append(&mut self.part);
            out.extend(self.padding);
        }
    }
}

/// An item of undefined length.
const ITEM_BEGIN: [u8; 8] = [0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF];
const ITEM_END: [u8; 8] = [0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0];
const SEQUENCE_END: [u8; 8] = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
/// Sequences and items within each other beyond which a data set is refused.
const MAX_DEPTH: usize = 1_024;
/// What is inflated at a time.
const INFLATE_BYTES: usize = 64 << 10;
/// Greatest length of an inflated data set.
const MAX_INFLATED_BYTES: u64 = 4 << 30;

#[cfg(test)]
mod tests;
