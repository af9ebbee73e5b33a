//! JPEG. ISO/IEC 10918-1: the lossless process and 12 bits by our own code, which the registered codec
//! lacks or has wrong for points transformed and restarted; 8 bits by the `image` crate.

mod encode;
mod extended;
mod huffman;
mod lossless;
pub(in super::super) mod ls;
mod segment;

use std::io::Cursor;

use image::ImageDecoder as _;
use image::codecs::jpeg::JpegDecoder;

pub(in super::super) use encode::encode;

use super::super::{Image, Photometric, PixelError};
use super::{exactly, frame_length, guarded};
use segment::{FrameHeader, Process};

/// Decodes a frame. Colour of the lossy processes comes out as RGB, that of the lossless one as it is in
/// the codestream, so that a colour codestream has to be of the kind of process that is announced.
pub(in super::super) fn decode(image: &Image, codestream: &[u8], is_lossless: bool) -> Result<Vec<u8>, PixelError> {
    let header = FrameHeader::of(codestream)?;
    let is_described = header.columns == image.columns
        && header.rows == image.rows
        && header.components.len() == usize::from(image.samples_per_pixel);
    if !is_described {
        return Err(PixelError::codestream("is not the image that is described"));
    }
    if u16::from(header.precision) > image.bits_allocated || !matches!(image.bits_allocated, 8 | 16) {
        return Err(PixelError::codestream("has more bits than are allocated"));
    }
    let is_other = (header.process == Process::Lossless) != is_lossless;
    if is_other && image.samples_per_pixel > 1 && image.photometric != Photometric::Rgb {
        return Err(PixelError::codestream("is of another process than the transfer syntax"));
    }
    match header.process {
        Process::Lossless => lossless::decode(&header, image, codestream),
        Process::Sequential if header.precision == 12 => extended::decode(&header, image, codestream),
        Process::Sequential | Process::Progressive if header.precision == 8 => eight_bits(&header, image, codestream),
        _ => Err(PixelError::Unsupported { what: "the process of the JPEG codestream" }),
    }
}

fn eight_bits(header: &FrameHeader, image: &Image, codestream: &[u8]) -> Result<Vec<u8>, PixelError> {
    let samples = usize::try_from(image.pixels()).unwrap_or(usize::MAX) * usize::from(image.samples_per_pixel);
    let marked;
    let codestream = if image.samples_per_pixel == 3 && !header.has_adobe {
        // Nothing in the codestream says what its colours are; the data set does (PS3.5 §8.2.1).
        marked = with_adobe(codestream, image.photometric != Photometric::Rgb);
        marked.as_slice()
    } else {
        codestream
    };
    let decoded = guarded(|| {
        let decoder = JpegDecoder::new(Cursor::new(codestream)).ok()?;
        let size = usize::try_from(decoder.total_bytes()).ok().filter(|size| *size == samples)?;
        let mut out = vec![0; size];
        decoder.read_image(&mut out).ok()?;
        Some(out)
    })?;
    let decoded = decoded.ok_or_else(|| PixelError::codestream("is damaged"))?;
    if image.bits_allocated == 8 {
        return exactly(image, decoded);
    }
    let mut wide = Vec::with_capacity(frame_length(image)?);
    for sample in decoded {
        wide.extend_from_slice(&[sample, 0]);
    }
    exactly(image, wide)
}

/// The codestream with an Adobe marker that says whether its components are Y, Cb, Cr or R, G, B.
fn with_adobe(codestream: &[u8], is_ybr: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(codestream.len() + 16);
    let (start, rest) = codestream.split_at_checked(2).unwrap_or((codestream, &[]));
    out.extend_from_slice(start);
    out.extend_from_slice(b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00");
    out.push(u8::from(is_ybr));
    out.extend_from_slice(rest);
    out
}
