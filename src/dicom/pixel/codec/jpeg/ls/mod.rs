//! JPEG-LS, lossless and near-lossless, of one component or several in every mode of interleaving.
//! ISO/IEC 14495-1 (ITU-T T.87). Mapping tables and restarts, which DICOM's images have not, are refused.

mod bits;
mod encode;
mod model;
mod parameters;
mod scan;

pub(in super::super::super) use encode::encode;

use super::super::super::{Image, PixelError, SampleKind};
use super::super::{exactly, extend_sign, frame_length};
use super::segment::{DRI, FrameHeader, SOS, Segments, damaged};
use parameters::{Parameters, Presets};
use scan::{Interleave, Scan};

/// Decodes a frame. Colours are those of the codestream, which JPEG-LS does not transform.
pub(in super::super::super) fn decode(image: &Image, codestream: &[u8]) -> Result<Vec<u8>, PixelError> {
    let mut frame: Option<FrameHeader> = None;
    let mut presets = Presets::default();
    let mut done: Vec<usize> = Vec::new();
    let mut out = Vec::new();
    let mut segments = Segments::new(codestream)?;
    while let Some(segment) = segments.next()? {
        match segment.marker {
            SOF_55 if frame.is_none() => {
                let header = FrameHeader::parse(segment.marker, segment.body).ok_or_else(damaged)?;
                check(&header, image)?;
                out = vec![0; frame_length(image)?];
                frame = Some(header);
            }
            SOF_55 => return Err(PixelError::codestream("has more than one frame")),
            LSE => presets = Presets::parse(segment.body)?,
            // Of some encoders, and not of the standard.
            APP_8 if segment.body.starts_with(b"mrfx") && segment.body.get(4) != Some(&0) => {
                return Err(PixelError::Unsupported { what: "a colour transformation in JPEG-LS" });
            }
            DRI if segment.body.iter().any(|byte| *byte != 0) => {
                return Err(PixelError::Unsupported { what: "a restart interval in JPEG-LS" });
            }
            SOS => {
                let header = frame.as_ref().ok_or_else(damaged)?;
                let scan = ScanHeader::parse(segment.body, header)?;
                let parameters = Parameters::new(header.precision, scan.near, presets)?;
                if scan.places.iter().any(|place| done.contains(place)) {
                    return Err(damaged());
                }
                done.extend(&scan.places);
                Scan::new(image, scan.places, scan.interleave, parameters).decode(segment.rest, &mut out)?;
                if done.len() >= header.components.len() {
                    break;
                }
            }
            _ => {}
        }
    }
    let header = frame.ok_or_else(|| PixelError::codestream("is no JPEG-LS"))?;
    if done.len() < header.components.len() {
        return Err(PixelError::codestream("ends within the frame"));
    }
    let bits = u16::from(header.precision);
    // Signed samples are there as the two's complement of their bits; the sign goes up.
    if image.kind == SampleKind::Signed && bits < image.bits_allocated {
        extend_sign(&mut out, image.bits_allocated, bits);
    }
    exactly(image, out)
}

fn check(header: &FrameHeader, image: &Image) -> Result<(), PixelError> {
    let is_described = header.columns == image.columns
        && header.rows == image.rows
        && header.components.len() == usize::from(image.samples_per_pixel);
    if !is_described || image.columns == 0 {
        return Err(PixelError::codestream("is not the image that is described"));
    }
    if u16::from(header.precision) > image.bits_allocated || !matches!(image.bits_allocated, 8 | 16) {
        return Err(PixelError::codestream("has more bits than are allocated"));
    }
    if header.components.len() > 1 && !header.components.iter().all(|component| component.is_full_size) {
        return Err(PixelError::Unsupported { what: "the sampling of the JPEG codestream" });
    }
    Ok(())
}

/// A scan header. §C.2.3.
struct ScanHeader {
    /// Places within the pixel of the components of the scan.
    places: Vec<usize>,
    near: u8,
    interleave: Interleave,
}

impl ScanHeader {
    fn parse(body: &[u8], frame: &FrameHeader) -> Result<Self, PixelError> {
        let (count, rest) = body.split_first().ok_or_else(damaged)?;
        let (components, last) = rest.split_at_checked(2 * usize::from(*count)).ok_or_else(damaged)?;
        let [near, mode, transform] = *last.first_chunk::<3>().ok_or_else(damaged)?;
        let mut places = Vec::with_capacity(usize::from(*count));
        for [id, table] in components.as_chunks::<2>().0 {
            if *table != 0 {
                return Err(PixelError::Unsupported { what: "a mapping table in JPEG-LS" });
            }
            let place = frame.components.iter().position(|component| component.id == *id).ok_or_else(damaged)?;
            if places.contains(&place) {
                return Err(damaged());
            }
            places.push(place);
        }
        if transform & 15 != 0 {
            return Err(PixelError::Unsupported { what: "a point transform in JPEG-LS" });
        }
        let interleave = match (mode, places.len()) {
            (_, 0) => return Err(damaged()),
            (0, 1) => Interleave::None,
            (1, _) => Interleave::Line,
            (2, _) => Interleave::Sample,
            _ => return Err(damaged()),
        };
        Ok(Self { places, near, interleave })
    }
}

/// Start of a JPEG-LS frame.
const SOF_55: u8 = 0xf7;
/// JPEG-LS preset parameters.
const LSE: u8 = 0xf8;
const APP_8: u8 = 0xe8;
