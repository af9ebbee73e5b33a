//! JPEG 2000 and High-Throughput JPEG 2000 by the registered codec. ISO/IEC 15444-1 Annex A.

use dicom_dictionary_std::tags;

use super::super::{Image, PixelError, SampleKind};
use super::extend_sign;

/// Decodes a frame. Components come out as the codestream's own colour transformation leaves them.
pub(in super::super) fn decode(uid: &str, image: &Image, codestream: &[u8]) -> Result<Vec<u8>, PixelError> {
    if !matches!(image.bits_allocated, 8 | 16) {
        return Err(PixelError::Value(tags::BITS_ALLOCATED));
    }
    let size = Size::of(codestream).ok_or_else(|| PixelError::codestream("is no JPEG 2000"))?;
    let is_described = size.columns == u32::from(image.columns)
        && size.rows == u32::from(image.rows)
        && size.depths.len() == usize::from(image.samples_per_pixel)
        && size.is_unsampled;
    if !is_described {
        return Err(PixelError::codestream("is not the image that is described"));
    }
    if size.depths.iter().any(|(bits, _)| *bits > image.bits_allocated) {
        return Err(PixelError::codestream("has more bits than are allocated"));
    }
    let mut out = super::registered(uid, image, codestream)?;
    // A codestream of unsigned samples may hold the two's complement of fewer bits; the sign goes up.
    if image.kind == SampleKind::Signed
        && let [(bits, false), ..] = size.depths.as_slice()
        && *bits < image.bits_allocated
    {
        extend_sign(&mut out, image.bits_allocated, *bits);
    }
    Ok(out)
}

/// What the SIZ marker says. §A.5.1.
#[derive(Debug)]
struct Size {
    columns: u32,
    rows: u32,
    /// Bits of each component, and whether they are signed.
    depths: Vec<(u16, bool)>,
    /// No component is subsampled.
    is_unsampled: bool,
}

impl Size {
    fn of(bytes: &[u8]) -> Option<Self> {
        let codestream = codestream(bytes)?;
        if !codestream.starts_with(b"\xff\x4f\xff\x51") {
            return None;
        }
        let word = |at: usize| Some(u32::from_be_bytes(*codestream.get(at..)?.first_chunk()?));
        let [x, y, x0, y0] = [word(8)?, word(12)?, word(16)?, word(20)?];
        let [tile_width, tile_height] = [word(24)?, word(28)?];
        let (columns, rows) = (x.checked_sub(x0)?, y.checked_sub(y0)?);
        let count = usize::from(u16::from_be_bytes(*codestream.get(40..)?.first_chunk()?));
        let tiles = u64::from(x.div_ceil(tile_width.max(1))) * u64::from(y.div_ceil(tile_height.max(1)));
        if tile_width == 0 || tile_height == 0 || tiles > MAX_TILES {
            return None;
        }
        let components = codestream.get(42..42 + 3 * count.min(MAX_COMPONENTS))?.as_chunks::<3>().0;
        Some(Self {
            columns,
            rows,
            depths: components.iter().map(|[depth, ..]| (u16::from(depth & 0x7f) + 1, depth & 0x80 != 0)).collect(),
            is_unsampled: components.iter().all(|[_, x, y]| *x == 1 && *y == 1),
        })
    }
}

/// The codestream, out of the boxes of a JP2 file if it is in one.
fn codestream(bytes: &[u8]) -> Option<&[u8]> {
    if !bytes.starts_with(b"\x00\x00\x00\x0cjP  ") {
        return Some(bytes);
    }
    let mut rest = bytes;
    loop {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
        if rest.get(4..8)? == b"jp2c" {
            return rest.get(if length == 1 { 16 } else { 8 }..);
        }
        rest = rest.get(length.max(8)..)?;
    }
}

const MAX_TILES: u64 = 65_535;
const MAX_COMPONENTS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_are_none_are_refused() {
        assert!(Size::of(b"").is_none());
        assert!(Size::of(b"\xff\x4f\xff\x51").is_none());
        assert!(Size::of(&[0; 100]).is_none());
        assert!(Size::of(b"\x00\x00\x00\x0cjP  \x00\x00\x00\x00").is_none());
    }
}
