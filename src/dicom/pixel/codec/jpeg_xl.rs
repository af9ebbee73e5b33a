//! JPEG XL by the registered codec. ISO/IEC 18181-1 Annexes A and D.
//!
//! The header is read here first: the codec would allocate for any size and any number of channels.

use dicom_dictionary_std::tags;

use super::super::{Image, PixelError};

/// Decodes a frame. Colour comes out as RGB.
pub(in super::super) fn decode(uid: &str, image: &Image, codestream: &[u8]) -> Result<Vec<u8>, PixelError> {
    if !matches!(image.bits_allocated, 8 | 16) {
        return Err(PixelError::Value(tags::BITS_ALLOCATED));
    }
    let header = Header::of(codestream).ok_or_else(|| PixelError::codestream("is no JPEG XL of a single image"))?;
    if header.columns != u32::from(image.columns) || header.rows != u32::from(image.rows) {
        return Err(PixelError::codestream("is not the image that is described"));
    }
    if header.bits > u32::from(image.bits_allocated) {
        return Err(PixelError::codestream("has more bits than are allocated"));
    }
    let mut out = super::registered(uid, image, codestream)?;
    if image.bits_allocated == 8 && header.bits < 8 {
        let most = (1_u32 << header.bits) - 1;
        for byte in &mut out {
            *byte = u8::try_from((u32::from(*byte) * most + 127) / 255).unwrap_or(u8::MAX);
        }
    } else if image.bits_allocated == 16 && header.bits < 16 {
        // The codec spreads samples over all 16 bits; rounding brings each back to what it was.
        let most = (1_u32 << header.bits) - 1;
        for word in out.as_chunks_mut::<2>().0 {
            let value = (u32::from(u16::from_le_bytes(*word)) * most + 32_767) / 65_535;
            *word = u16::try_from(value).unwrap_or(u16::MAX).to_le_bytes();
        }
    }
    Ok(out)
}

/// The size and depth of a still image without further channels.
#[derive(Debug, PartialEq, Eq)]
struct Header {
    columns: u32,
    rows: u32,
    bits: u32,
}

impl Header {
    fn of(bytes: &[u8]) -> Option<Self> {
        let codestream = codestream(bytes)?.strip_prefix(b"\xff\x0a")?;
        let mut bits = Bits { bytes: codestream, at: 0 };
        let (rows, columns) = bits.size()?;
        if bits.take(1)? == 1 {
            return Some(Self { columns, rows, bits: 8 });
        }
        if bits.take(1)? == 1 {
            let orientation = bits.take(3)?;
            if bits.take(1)? == 1 {
                bits.size()?;
            }
            // A preview, an animation or a turned image has no place in a frame.
            if bits.take(1)? == 1 || bits.take(1)? == 1 || orientation != 0 {
                return None;
            }
        }
        if bits.take(1)? == 1 {
            return None;
        }
        let depth = bits.choice([(0, 8), (0, 10), (0, 12), (6, 1)])?;
        let _modular_16_bit_buffers = bits.take(1)?;
        let extra_channels = bits.choice([(0, 0), (0, 1), (4, 2), (12, 1)])?;
        (extra_channels == 0).then_some(Self { columns, rows, bits: depth })
    }
}

/// The codestream, out of the boxes of a container if it is in one. A codestream in parts is not taken.
fn codestream(bytes: &[u8]) -> Option<&[u8]> {
    if !bytes.starts_with(b"\x00\x00\x00\x0cJXL ") {
        return Some(bytes);
    }
    let mut rest = bytes;
    loop {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
        if rest.get(4..8)? == b"jxlc" {
            return rest.get(if length == 1 { 16 } else { 8 }..);
        }
        rest = rest.get(length.max(8)..)?;
    }
}

/// Bits from the least significant on. §B.2.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for index in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value |= u32::from(byte >> (self.at % 8) & 1) << index;
            self.at += 1;
        }
        Some(value)
    }

    /// A `U32`: two bits choose how many bits follow and what is added to them.
    fn choice(&mut self, choices: [(usize, u32); 4]) -> Option<u32> {
        let chosen = usize::try_from(self.take(2)?).ok()?;
        let (count, base) = choices.get(chosen).copied()?;
        base.checked_add(self.take(count)?)
    }

    /// `SizeHeader`: rows and columns. §D.2.
    fn size(&mut self) -> Option<(u32, u32)> {
        const SIDES: [(usize, u32); 4] = [(9, 1), (13, 1), (18, 1), (30, 1)];
        let by_eight = self.take(1)? == 1;
        let rows = if by_eight { (self.take(5)? + 1) * 8 } else { self.choice(SIDES)? };
        let ratio = self.take(3)?;
        let of = |width: u64, height: u64| u32::try_from(u64::from(rows) * width / height).ok();
        let columns = match ratio {
            0 if by_eight => (self.take(5)? + 1) * 8,
            0 => self.choice(SIDES)?,
            1 => rows,
            2 => of(12, 10)?,
            3 => of(4, 3)?,
            4 => of(3, 2)?,
            5 => of(16, 9)?,
            6 => of(5, 4)?,
            _ => of(2, 1)?,
        };
        Some((rows, columns))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_sizes_and_ratios_are_understood() {
        // div8 = 1, height (4 + 1) * 8, ratio 1, all default.
        let bits = 1_u16 | (4 << 1) | (1 << 6) | (1 << 9);
        let [low, high] = bits.to_le_bytes();
        let header = Header::of(&[0xff, 0x0a, low, high]).unwrap();
        assert_eq!(header, Header { columns: 40, rows: 40, bits: 8 });
    }

    proptest! {
        #[test]
        fn no_header_panics(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut signed = b"\xff\x0a".to_vec();
            signed.extend(&bytes);
            let _ = (Header::of(&bytes), Header::of(&signed));
        }
    }
}
