//! The marker segments of a codestream. ISO/IEC 10918-1 Annex B.

use super::super::super::PixelError;

/// The coding process that the frame header names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Process {
    /// SOF0 and SOF1.
    Sequential,
    /// SOF2.
    Progressive,
    /// SOF3.
    Lossless,
    /// Hierarchical or arithmetic.
    Other,
}

/// A component of the frame. §B.2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Component {
    pub(super) id: u8,
    /// Horizontal and vertical sampling factors are both 1.
    pub(super) is_full_size: bool,
    pub(super) quantization: u8,
}

/// The frame header, and where the segments behind it begin.
#[derive(Debug, Clone)]
pub(super) struct FrameHeader {
    pub(super) process: Process,
    pub(super) precision: u8,
    pub(super) rows: u16,
    pub(super) columns: u16,
    pub(super) components: Vec<Component>,
    /// An APP14 segment says which colours the components are.
    pub(super) has_adobe: bool,
}

impl FrameHeader {
    pub(super) fn of(codestream: &[u8]) -> Result<Self, PixelError> {
        let mut segments = Segments::new(codestream)?;
        let mut found = None;
        let mut has_adobe = false;
        // An APP14 segment may stand behind the frame header.
        while let Some(segment) = segments.next()? {
            match segment.marker {
                0xee => has_adobe |= segment.body.starts_with(b"Adobe") && segment.body.len() >= 12,
                0xc0..=0xcf if !matches!(segment.marker, 0xc4 | 0xc8 | 0xcc) => {
                    if found.is_some() {
                        return Err(PixelError::codestream("has more than one frame"));
                    }
                    found = Some(Self::parse(segment.marker, segment.body).ok_or_else(damaged)?);
                }
                SOS => break,
                _ => {}
            }
        }
        let header = found.ok_or_else(|| PixelError::codestream("is no JPEG"))?;
        Ok(Self { has_adobe, ..header })
    }

    pub(super) fn parse(marker: u8, body: &[u8]) -> Option<Self> {
        let (fixed, components) = body.split_first_chunk::<6>()?;
        let [precision, y0, y1, x0, x1, count] = *fixed;
        let components = components.get(..3 * usize::from(count))?.as_chunks::<3>().0;
        Some(Self {
            process: match marker {
                0xc0 | 0xc1 => Process::Sequential,
                0xc2 => Process::Progressive,
                0xc3 => Process::Lossless,
                _ => Process::Other,
            },
            precision,
            rows: u16::from_be_bytes([y0, y1]),
            columns: u16::from_be_bytes([x0, x1]),
            components: components
                .iter()
                .map(|[id, sampling, quantization]| Component {
                    id: *id,
                    is_full_size: *sampling == 0x11,
                    quantization: *quantization,
                })
                .collect(),
            has_adobe: false,
        })
    }
}

/// A marker with what belongs to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment<'a> {
    pub(super) marker: u8,
    pub(super) body: &'a [u8],
    /// What follows: behind a scan header the entropy coded data.
    pub(super) rest: &'a [u8],
}

/// Walks over the segments of a codestream.
pub(super) struct Segments<'a> {
    rest: &'a [u8],
}

impl<'a> Segments<'a> {
    pub(super) fn new(codestream: &'a [u8]) -> Result<Self, PixelError> {
        let rest = codestream.strip_prefix(b"\xff\xd8").ok_or_else(|| PixelError::codestream("is no JPEG"))?;
        Ok(Self { rest })
    }

    /// The next segment; `None` at the end of the image. Entropy coded data is passed over.
    pub(super) fn next(&mut self) -> Result<Option<Segment<'a>>, PixelError> {
        loop {
            let Some(at) = self.rest.iter().position(|byte| *byte == 0xff) else { return Ok(None) };
            let behind = self.rest.get(at + 1..).unwrap_or_default();
            let Some((marker, rest)) = behind.split_first() else { return Ok(None) };
            self.rest = rest;
            match *marker {
                // Stuffed and filling bytes (of JPEG-LS with bits of data), restarts and markers without a body.
                0xff => self.rest = behind,
                0x00..=0x7f | 0xd0..=0xd8 => {}
                0xd9 => return Ok(None),
                marker => {
                    let length = rest.first_chunk::<2>().map(|length| usize::from(u16::from_be_bytes(*length)));
                    let body = length.and_then(|length| rest.get(2..length)).ok_or_else(damaged)?;
                    self.rest = rest.get(2 + body.len()..).unwrap_or_default();
                    return Ok(Some(Segment { marker, body, rest: self.rest }));
                }
            }
        }
    }
}

/// A scan header. §B.2.3.
#[derive(Debug)]
pub(super) struct ScanHeader {
    /// Component selector, and its DC and AC table.
    pub(super) components: Vec<(u8, u8, u8)>,
    /// Start of spectral selection; of the lossless process the predictor.
    pub(super) selection: u8,
    /// Successive approximation bit position low; of the lossless process the point transform.
    pub(super) low: u8,
}

impl ScanHeader {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let (count, rest) = body.split_first()?;
        let (components, last) = rest.split_at_checked(2 * usize::from(*count))?;
        let [selection, _, approximation] = *last.first_chunk::<3>()?;
        Some(Self {
            components: components.as_chunks::<2>().0.iter().map(|[id, table]| (*id, table >> 4, table & 15)).collect(),
            selection,
            low: approximation & 15,
        })
    }
}

pub(super) fn damaged() -> PixelError {
    PixelError::codestream("is damaged")
}

/// Define Huffman tables.
pub(super) const DHT: u8 = 0xc4;
/// Start of scan.
pub(super) const SOS: u8 = 0xda;
/// Define quantization tables.
pub(super) const DQT: u8 = 0xdb;
/// Define restart interval.
pub(super) const DRI: u8 = 0xdd;
