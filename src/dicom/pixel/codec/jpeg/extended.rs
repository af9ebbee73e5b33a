//! The extended sequential process with 12 bits, of one component. ISO/IEC 10918-1 Annexes A and F.

use super::super::super::{Image, PixelError};
use super::super::{exactly, frame_length};
use super::huffman::{Bits, Table};
use super::segment::{DHT, DQT, DRI, FrameHeader, SOS, ScanHeader, Segments, damaged};

/// Decodes a frame. A scan of one component is a row of blocks after the other, whatever the sampling
/// factors say (§A.2.2).
pub(super) fn decode(header: &FrameHeader, image: &Image, codestream: &[u8]) -> Result<Vec<u8>, PixelError> {
    let [component] = header.components.as_slice() else {
        return Err(PixelError::Unsupported { what: "colour of 12 bits in JPEG" });
    };
    if image.bits_allocated != 16 {
        return Err(PixelError::codestream("has more bits than are allocated"));
    }
    let mut tables: [[Option<Table>; 4]; 2] = [const { [const { None }; 4] }; 2];
    let mut quantization = [[1_f32; 64]; 4];
    let mut restart = 0;
    let mut segments = Segments::new(codestream)?;
    while let Some(segment) = segments.next()? {
        match segment.marker {
            DHT => {
                for (class, destination, table) in Table::parse(segment.body)? {
                    let place = tables.get_mut(usize::from(class)).and_then(|of| of.get_mut(usize::from(destination)));
                    *place.ok_or_else(damaged)? = Some(table);
                }
            }
            DQT => quantizers(segment.body, &mut quantization).ok_or_else(damaged)?,
            DRI => restart = segment.body.first_chunk().map_or(0, |interval| u16::from_be_bytes(*interval)),
            SOS => {
                let scan = ScanHeader::parse(segment.body).ok_or_else(damaged)?;
                let [(_, dc, ac)] = scan.components.as_slice() else { return Err(damaged()) };
                let [dc_tables, ac_tables] = &tables;
                let table = |of: &'_ [Option<Table>; 4], index: u8| of.get(usize::from(index)).cloned().flatten();
                let blocks = Blocks {
                    dc: table(dc_tables, *dc).ok_or_else(damaged)?,
                    ac: table(ac_tables, *ac).ok_or_else(damaged)?,
                    quantization: *quantization.get(usize::from(component.quantization)).ok_or_else(damaged)?,
                    cosines: cosines(),
                };
                return blocks.decode(image, usize::from(restart), segment.rest);
            }
            _ => {}
        }
    }
    Err(PixelError::codestream("ends before its scan"))
}

/// Tables of a DQT segment, in zigzag order. §B.2.4.1.
fn quantizers(body: &[u8], tables: &mut [[f32; 64]; 4]) -> Option<()> {
    let mut rest = body;
    while let Some((kind, behind)) = rest.split_first() {
        let table = tables.get_mut(usize::from(kind & 15))?;
        if kind >> 4 == 0 {
            let (values, behind) = behind.split_first_chunk::<64>()?;
            table.iter_mut().zip(values).for_each(|(place, value)| *place = f32::from(*value));
            rest = behind;
        } else {
            let (values, behind) = behind.split_first_chunk::<128>()?;
            let values = values.as_chunks::<2>().0.iter().map(|value| f32::from(u16::from_be_bytes(*value)));
            table.iter_mut().zip(values).for_each(|(place, value)| *place = value);
            rest = behind;
        }
    }
    Some(())
}

struct Blocks {
    dc: Table,
    ac: Table,
    quantization: [f32; 64],
    cosines: [[f32; 8]; 8],
}

impl Blocks {
    fn decode(&self, image: &Image, restart: usize, bytes: &[u8]) -> Result<Vec<u8>, PixelError> {
        let columns = usize::from(image.columns);
        let mut out = vec![0; frame_length(image)?];
        let mut bits = Bits::new(bytes);
        let (mut dc, mut number) = (0_i32, 0_usize);
        for band in out.chunks_mut(columns * 8 * 2) {
            for across in 0..columns.div_ceil(8) {
                if restart > 0 && number > 0 && number.is_multiple_of(restart) {
                    bits.restart()?;
                    dc = 0;
                }
                number += 1;
                let block = self.samples(&self.coefficients(&mut bits, &mut dc)?);
                for (row, samples) in band.chunks_exact_mut(columns * 2).zip(&block) {
                    let places = row.as_chunks_mut::<2>().0.iter_mut().skip(across * 8);
                    places.zip(samples).for_each(|(place, sample)| *place = sample.to_le_bytes());
                }
            }
            if bits.is_overrun() {
                return Err(PixelError::codestream("ends within the frame"));
            }
        }
        exactly(image, out)
    }

    /// The dequantized coefficients of a block. §F.2.2.
    fn coefficients(&self, bits: &mut Bits<'_>, dc: &mut i32) -> Result<[[f32; 8]; 8], PixelError> {
        let mut block = [[0_f32; 8]; 8];
        let mut put = |index: usize, value: i32| -> Option<()> {
            let place = usize::from(*ZIGZAG.get(index)?);
            // Coefficients of 12 bits are far within what a float holds exactly.
            #[expect(clippy::cast_precision_loss, reason = "at most 2^17")]
            let value = value as f32 * self.quantization.get(index)?;
            *block.get_mut(place / 8)?.get_mut(place % 8)? = value;
            Some(())
        };
        let size = bits.symbol(&self.dc)?;
        *dc = dc.wrapping_add(bits.signed(size)).clamp(-(1 << 17), 1 << 17);
        put(0, *dc).ok_or_else(damaged)?;
        let mut index = 1;
        while index < 64 {
            let symbol = bits.symbol(&self.ac)?;
            let (run, size) = (usize::from(symbol >> 4), symbol & 15);
            if size == 0 {
                if run < 15 {
                    break;
                }
                index += 16;
                continue;
            }
            index += run;
            let value = bits.signed(size);
            put(index, value).ok_or_else(damaged)?;
            index += 1;
        }
        Ok(block)
    }

    /// The inverse transform with the level shift. §A.3.3 and §A.3.1.
    fn samples(&self, block: &[[f32; 8]; 8]) -> [[u16; 8]; 8] {
        let rows = block.map(|row| self.line(&row));
        let mut out = [[0; 8]; 8];
        for across in 0..8 {
            let column = rows.map(|row| row.get(across).copied().unwrap_or_default());
            for (row, sample) in out.iter_mut().zip(self.line(&column)) {
                if let Some(place) = row.get_mut(across) {
                    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 12 bits")]
                    let sample = (sample + 2048.0).round().clamp(0.0, 4095.0) as u16;
                    *place = sample;
                }
            }
        }
        out
    }

    fn line(&self, coefficients: &[f32; 8]) -> [f32; 8] {
        let mut out = [0_f32; 8];
        for (frequency, coefficient) in self.cosines.iter().zip(coefficients) {
            if *coefficient != 0.0 {
                out.iter_mut().zip(frequency).for_each(|(sum, cosine)| *sum += coefficient * cosine);
            }
        }
        out
    }
}

/// For each frequency its wave over eight samples.
fn cosines() -> [[f32; 8]; 8] {
    let mut out = [[0_f32; 8]; 8];
    for (frequency, wave) in (0_u8..).zip(&mut out) {
        let scale = if frequency == 0 { std::f32::consts::FRAC_1_SQRT_2 / 2.0 } else { 0.5 };
        for (place, value) in (0_u8..).zip(wave) {
            let angle = f32::from(2 * place + 1) * f32::from(frequency) * std::f32::consts::PI / 16.0;
            *value = scale * angle.cos();
        }
    }
    out
}

/// Figure A.6: row times eight plus column, in the order of the codestream.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];
