//! Splits a body into its parts while it arrives. Bytes go in as they come from the line; heads, pieces of content
//! and ends of parts come out. No part is held: what is kept between two pieces is the head of a part or the
//! beginning of what may become a delimiter.

use bytes::{Bytes, BytesMut};

use super::PartHead;

/// Limits on what is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "each is the most of something")]
pub(in crate::http::dicomweb) struct PartLimits {
    /// Greatest number of parts.
    pub(in crate::http::dicomweb) max_parts: usize,
    /// Greatest length of the header fields of a part, in bytes.
    pub(in crate::http::dicomweb) max_head_bytes: usize,
    /// Greatest length of a part's content, in bytes.
    pub(in crate::http::dicomweb) max_part_bytes: u64,
}

/// Why a body is no multipart body, or not one that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::http::dicomweb) enum MultipartError {
    /// The boundary is empty, longer than 70 characters, or has characters that it may not have.
    #[error("the boundary is none")]
    Boundary,
    /// The body has no delimiter.
    #[error("the body has no delimiter with this boundary")]
    NoDelimiter,
    /// Something else than a line end stands behind a delimiter.
    #[error("something stands behind the boundary in its line")]
    AfterDelimiter,
    /// The body ends within a part, or without its last delimiter.
    #[error("the body ends before its last delimiter")]
    Unfinished,
    /// There are too many parts.
    #[error("there are more than {0} parts")]
    TooManyParts(usize),
    /// The header fields of a part are too long.
    #[error("the header fields of a part are longer than {0} bytes")]
    LongHead(usize),
    /// A part is too long.
    #[error("a part is longer than {0} bytes")]
    LongPart(u64),
}

impl MultipartError {
    /// Whether a limit was passed, rather than the framing broken.
    pub(in crate::http::dicomweb) fn is_limit(self) -> bool {
        matches!(self, Self::TooManyParts(_) | Self::LongHead(_) | Self::LongPart(_))
    }
}

/// What is found in a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http::dicomweb) enum Event {
    /// A part begins.
    Begin(PartHead),
    /// A piece of its content, never empty.
    Content(Bytes),
    /// It ends.
    End,
}

/// A body on its way in.
#[derive(Debug)]
pub(in crate::http::dicomweb) struct Splitter {
    needle: Needle,
    limits: PartLimits,
    /// What was pushed and is not looked at yet.
    input: Bytes,
    state: State,
    parts: usize,
    /// Content of the present part so far.
    length: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the very beginning, where a delimiter has no line end before it.
    Start,
    Preamble,
    /// Behind the boundary of a delimiter.
    Delimited,
    Head,
    /// Behind the empty line; it may be the line end of the next delimiter as well (RFC 2046 §5.1.1: a part without
    /// content).
    ContentStart,
    Content,
    Epilogue,
}

impl Splitter {
    /// For a body with this boundary. RFC 2046 §5.1.1.
    pub(in crate::http::dicomweb) fn new(boundary: &str, limits: PartLimits) -> Result<Self, MultipartError> {
        let is_boundary_char = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
        // More characters are in use than RFC 2046 has.
        let is_char = |byte: u8| is_boundary_char(byte) || b"!#$%&*^`|~@;<>[]{}".contains(&byte);
        if boundary.is_empty() || boundary.len() > 70 || boundary.ends_with(' ') || !boundary.bytes().all(is_char) {
            return Err(MultipartError::Boundary);
        }
        let needle = Needle::new(format!("\r\n--{boundary}").into_bytes());
        Ok(Self { needle, limits, input: Bytes::new(), state: State::Start, parts: 0, length: 0 })
    }

    /// Takes the next bytes of the body.
    pub(in crate::http::dicomweb) fn push(&mut self, bytes: Bytes) {
        if self.input.is_empty() {
            self.input = bytes;
        } else {
            let mut both = BytesMut::with_capacity(self.input.len() + bytes.len());
            both.extend_from_slice(&self.input);
            both.extend_from_slice(&bytes);
            self.input = both.freeze();
        }
    }

    /// What comes next; `None` until more is pushed.
    pub(in crate::http::dicomweb) fn next(&mut self) -> Result<Option<Event>, MultipartError> {
        loop {
            let step = match self.state {
                State::Start => self.start(State::Preamble),
                State::Preamble => self.preamble(),
                State::Delimited => self.delimited()?,
                State::Head => self.head()?,
                State::ContentStart => self.start(State::Content),
                State::Content => self.content()?,
                State::Epilogue => {
                    self.input = Bytes::new();
                    Step::Wait
                }
            };
            match step {
                Step::Go => {}
                Step::Wait => return Ok(None),
                Step::Give(event) => return Ok(Some(event)),
            }
        }
    }

    /// Whether the body may end here.
    pub(in crate::http::dicomweb) fn finish(&self) -> Result<(), MultipartError> {
        match self.state {
            State::Epilogue => Ok(()),
            State::Start | State::Preamble => Err(MultipartError::NoDelimiter),
            _ => Err(MultipartError::Unfinished),
        }
    }

    /// A delimiter whose line end was there already, or `otherwise`.
    fn start(&mut self, otherwise: State) -> Step {
        let dashes = self.needle.without_line_end();
        if self.input.len() < dashes.len() && dashes.starts_with(&self.input) {
            return Step::Wait;
        }
        if !self.input.starts_with(dashes) {
            self.state = otherwise;
            return Step::Go;
        }
        let ends_part = self.state == State::ContentStart;
        let _boundary = self.input.split_to(dashes.len());
        self.state = State::Delimited;
        if ends_part { Step::Give(Event::End) } else { Step::Go }
    }

    fn preamble(&mut self) -> Step {
        let Some(at) = self.needle.find(&self.input) else {
            let kept = self.needle.begun_at_end(&self.input);
            self.input = self.input.split_off(self.input.len() - kept);
            return Step::Wait;
        };
        let _preamble = self.input.split_to(at + self.needle.len());
        self.state = State::Delimited;
        Step::Go
    }

    fn delimited(&mut self) -> Result<Step, MultipartError> {
        if self.input.starts_with(b"--") {
            self.state = State::Epilogue;
            return Ok(Step::Go);
        }
        let padding = self.input.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if padding > MAX_PADDING {
            return Err(MultipartError::AfterDelimiter);
        }
        let line_end = match self.input.get(padding..).unwrap_or_default() {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            [] | [b'\r'] => return Ok(Step::Wait),
            [b'-'] if padding == 0 => return Ok(Step::Wait),
            _ => return Err(MultipartError::AfterDelimiter),
        };
        self.parts += 1;
        if self.parts > self.limits.max_parts {
            return Err(MultipartError::TooManyParts(self.limits.max_parts));
        }
        let _line = self.input.split_to(padding + line_end);
        self.state = State::Head;
        Ok(Step::Go)
    }

    fn head(&mut self) -> Result<Step, MultipartError> {
        let max = self.limits.max_head_bytes;
        let Some(length) = head_length(&self.input) else {
            let too_long = self.input.len() > max;
            return if too_long { Err(MultipartError::LongHead(max)) } else { Ok(Step::Wait) };
        };
        if length > max {
            return Err(MultipartError::LongHead(max));
        }
        let head = self.input.split_to(length);
        self.state = State::ContentStart;
        self.length = 0;
        Ok(Step::Give(Event::Begin(PartHead::read(&head))))
    }

    fn content(&mut self) -> Result<Step, MultipartError> {
        let found = self.needle.find(&self.input);
        if found == Some(0) {
            let _delimiter = self.input.split_to(self.needle.len());
            self.state = State::Delimited;
            return Ok(Step::Give(Event::End));
        }
        let length = found.unwrap_or_else(|| self.input.len() - self.needle.begun_at_end(&self.input));
        if length == 0 {
            return Ok(Step::Wait);
        }
        self.length = self.length.saturating_add(length as u64);
        if self.length > self.limits.max_part_bytes {
            return Err(MultipartError::LongPart(self.limits.max_part_bytes));
        }
        Ok(Step::Give(Event::Content(self.input.split_to(length))))
    }
}

enum Step {
    /// The state has changed.
    Go,
    /// More bytes are needed.
    Wait,
    Give(Event),
}

/// The length of the lines up to and with the first empty one.
fn head_length(bytes: &[u8]) -> Option<usize> {
    let mut begin = 0;
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        let line = bytes.get(begin..at).unwrap_or_default();
        begin = at + 1;
        if line.is_empty() || line == b"\r" {
            return Some(begin);
        }
    }
    None
}

/// What is looked for, with the distances of Horspool: of long content only every so many bytes are looked at.
#[derive(Debug)]
struct Needle {
    bytes: Vec<u8>,
    skips: Box<[usize; 256]>,
}

impl Needle {
    fn new(bytes: Vec<u8>) -> Self {
        let mut skips = Box::new([bytes.len(); 256]);
        let last = bytes.len().saturating_sub(1);
        for (at, byte) in bytes.iter().take(last).enumerate() {
            if let Some(skip) = skips.get_mut(usize::from(*byte)) {
                *skip = last - at;
            }
        }
        Self { bytes, skips }
    }

    fn len(&self) -> usize {
        self.bytes.len()
    }

    /// `--` and the boundary.
    fn without_line_end(&self) -> &[u8] {
        self.bytes.get(2..).unwrap_or_default()
    }

    fn find(&self, hay: &[u8]) -> Option<usize> {
        let last = self.bytes.len().checked_sub(1)?;
        let end = self.bytes.last()?;
        let mut at = last;
        while let Some(byte) = hay.get(at) {
            if byte == end && hay.get(at - last..=at) == Some(&self.bytes) {
                return Some(at - last);
            }
            at += self.skips.get(usize::from(*byte)).copied().unwrap_or(1);
        }
        None
    }

    /// How many bytes at the end of `hay` may be the beginning of this.
    fn begun_at_end(&self, hay: &[u8]) -> usize {
        let longest = hay.len().min(self.bytes.len().saturating_sub(1));
        (1..=longest)
            .rev()
            .find(|length| self.bytes.get(..*length).is_some_and(|begun| hay.ends_with(begun)))
            .unwrap_or(0)
    }
}

/// Longest white space behind a boundary.
const MAX_PADDING: usize = 256;
