//! The lossless process with Huffman coding. ISO/IEC 10918-1 Annex H.

use super::super::super::{Image, PixelError};
use super::super::{exactly, frame_length};
use super::huffman::{Bits, Table};
use super::segment::{DHT, DRI, FrameHeader, SOS, ScanHeader, Segments, damaged};

/// Decodes a frame of 2 to 16 bits. The components lie in one scan, or each in its own.
pub(super) fn decode(header: &FrameHeader, image: &Image, codestream: &[u8]) -> Result<Vec<u8>, PixelError> {
    let is_plain = header.components.iter().all(|component| component.is_full_size);
    if !(2..=16).contains(&header.precision) || (!is_plain && header.components.len() > 1) {
        return Err(PixelError::Unsupported { what: "the sampling of the JPEG codestream" });
    }
    let mut out = vec![0; frame_length(image)?];
    let mut tables: [Option<Table>; 4] = [const { None }; 4];
    let mut restart = 0;
    let mut done = 0;
    let mut segments = Segments::new(codestream)?;
    while let Some(segment) = segments.next()? {
        match segment.marker {
            DHT => {
                for (_, destination, table) in Table::parse(segment.body)? {
                    *tables.get_mut(usize::from(destination)).ok_or_else(damaged)? = Some(table);
                }
            }
            DRI => restart = segment.body.first_chunk().map_or(0, |interval| u16::from_be_bytes(*interval)),
            SOS => {
                let scan = ScanHeader::parse(segment.body).ok_or_else(damaged)?;
                let scan = Scan::new(header, image, &scan, &tables, restart)?;
                done += scan.components.len();
                scan.decode(segment.rest, &mut out)?;
                if done >= header.components.len() {
                    break;
                }
            }
            _ => {}
        }
    }
    if done < header.components.len() {
        return Err(PixelError::codestream("ends within the frame"));
    }
    exactly(image, out)
}

struct Scan<'a> {
    columns: usize,
    /// Samples of a pixel, and bytes of a sample, in the frame.
    samples: usize,
    sample_bytes: usize,
    /// Place within the pixel, and table, of each component of the scan.
    components: Vec<(usize, &'a Table)>,
    predictor: u8,
    point_transform: u32,
    /// What the first sample is predicted from.
    middle: i32,
    /// Rows between restarts; 0 if there are none.
    restart_rows: usize,
}

impl<'a> Scan<'a> {
    fn new(
        header: &FrameHeader,
        image: &Image,
        scan: &ScanHeader,
        tables: &'a [Option<Table>; 4],
        restart: u16,
    ) -> Result<Self, PixelError> {
        let place = |id: u8| header.components.iter().position(|component| component.id == id);
        let components = scan.components.iter().map(|(id, table, _)| {
            let table = tables.get(usize::from(*table))?.as_ref()?;
            Some((place(*id)?, table))
        });
        let components: Vec<_> = components.collect::<Option<_>>().ok_or_else(damaged)?;
        let columns = usize::from(image.columns);
        let restart = usize::from(restart);
        // §H.1.1: an interval is a whole number of rows.
        if components.is_empty() || !(1..=7).contains(&scan.selection) || !restart.is_multiple_of(columns) {
            return Err(damaged());
        }
        let point_transform = u32::from(scan.low);
        let bits = u32::from(header.precision).checked_sub(point_transform).filter(|bits| *bits > 0);
        let bits = bits.ok_or_else(damaged)?;
        Ok(Self {
            columns,
            samples: usize::from(image.samples_per_pixel),
            sample_bytes: image.sample_bytes(),
            components,
            predictor: scan.selection,
            point_transform,
            middle: 1 << (bits - 1),
            restart_rows: restart / columns,
        })
    }

    fn decode(&self, bytes: &[u8], out: &mut [u8]) -> Result<(), PixelError> {
        let mut bits = Bits::new(bytes);
        let width = self.components.len();
        let mut above = vec![0_u16; self.columns * width];
        let mut row = above.clone();
        for (number, place) in out.chunks_exact_mut(self.columns * self.samples * self.sample_bytes).enumerate() {
            let restarts = self.restart_rows > 0 && number > 0 && number.is_multiple_of(self.restart_rows);
            if restarts {
                bits.restart()?;
            }
            self.row(&mut bits, number == 0 || restarts, &above, &mut row)?;
            if bits.is_overrun() {
                return Err(PixelError::codestream("ends within the frame"));
            }
            self.put(&row, place);
            std::mem::swap(&mut above, &mut row);
        }
        Ok(())
    }

    /// Decodes a row. Its first sample is predicted from above, or from the middle of the range where
    /// nothing is above; the first row from the left only. §H.1.2.1.
    fn row(&self, bits: &mut Bits<'_>, is_first: bool, above: &[u16], row: &mut [u16]) -> Result<(), PixelError> {
        let width = self.components.len();
        let mut left = [0_i32; 4];
        let mut corner = [0_i32; 4];
        let mut is_left_edge = true;
        for (pixel, above) in row.chunks_exact_mut(width).zip(above.chunks_exact(width)) {
            let components = self.components.iter().zip(left.iter_mut().zip(corner.iter_mut()));
            for ((sample, above), ((_, table), (left, corner))) in pixel.iter_mut().zip(above).zip(components) {
                let above = i32::from(*above);
                let predicted = match (is_first, is_left_edge) {
                    (true, true) => self.middle,
                    (true, false) => *left,
                    (false, true) => above,
                    (false, false) => self.predicted(*left, above, *corner),
                };
                let size = bits.symbol(table)?;
                // §H.1.2.2: the greatest difference has no bits.
                let difference = if size == 16 { 32_768 } else { bits.signed(size) };
                let value = (predicted + difference) & 0xffff;
                *sample = u16::try_from(value).unwrap_or_default();
                *left = value;
                *corner = above;
            }
            is_left_edge = false;
        }
        Ok(())
    }

    /// Table H.1.
    fn predicted(&self, left: i32, above: i32, corner: i32) -> i32 {
        match self.predictor {
            1 => left,
            2 => above,
            3 => corner,
            4 => left + above - corner,
            5 => left + ((above - corner) >> 1),
            6 => above + ((left - corner) >> 1),
            _ => i32::midpoint(left, above),
        }
    }

    fn put(&self, row: &[u16], place: &mut [u8]) {
        let pixels = place.chunks_exact_mut(self.samples * self.sample_bytes);
        for (samples, pixel) in row.chunks_exact(self.components.len()).zip(pixels) {
            for (sample, (at, _)) in samples.iter().zip(&self.components) {
                let bytes = (sample << self.point_transform).to_le_bytes();
                let places = pixel.iter_mut().skip(at * self.sample_bytes).take(self.sample_bytes);
                places.zip(bytes).for_each(|(place, byte)| *place = byte);
            }
        }
    }
}
