//! RLE Lossless: byte planes, the most significant first, each packed by runs. PS3.5 Annex G.

use super::super::{Image, PixelError};
use super::frame_length;

/// Unpacks a frame.
pub(in super::super) fn decode(image: &Image, codestream: &[u8]) -> Result<Vec<u8>, PixelError> {
    let damaged = || PixelError::codestream("is damaged");
    let header = codestream.first_chunk::<HEADER>().ok_or_else(damaged)?;
    let mut words = header.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
    let planes = usize::from(image.samples_per_pixel) * image.sample_bytes();
    if words.next().and_then(|count| usize::try_from(count).ok()) != Some(planes) || planes > MAX_PLANES {
        return Err(PixelError::codestream("has not a segment for each byte of a pixel"));
    }
    let starts: Vec<usize> = words.take(planes).map(|start| usize::try_from(start).unwrap_or(usize::MAX)).collect();
    let ends = starts.iter().skip(1).copied().chain([codestream.len()]);
    let mut out = vec![0; frame_length(image)?];
    for (plane, (start, end)) in starts.iter().copied().zip(ends).enumerate() {
        let segment = codestream.get(start..end).filter(|_| start >= HEADER).ok_or_else(damaged)?;
        // The most significant byte of a sample comes first, in a frame it comes last.
        let bytes = image.sample_bytes();
        let place = plane / bytes * bytes + (bytes - 1 - plane % bytes);
        unpack(segment, &mut out, place, planes).ok_or_else(|| PixelError::codestream("ends within the frame"))?;
    }
    Ok(out)
}

/// Unpacks a segment into each `step`th byte from `place` on. `None` if it ends before they are full.
fn unpack(segment: &[u8], out: &mut [u8], place: usize, step: usize) -> Option<()> {
    let mut free = out.get_mut(place..)?.iter_mut().step_by(step);
    let mut left = free.len();
    let mut rest = segment;
    while left > 0 {
        let (control, behind) = rest.split_first()?;
        rest = match *control {
            literal @ 0..=127 => {
                let count = (usize::from(literal) + 1).min(left);
                let (bytes, behind) = behind.split_at_checked(count)?;
                free.by_ref().zip(bytes).for_each(|(place, byte)| *place = *byte);
                left -= count;
                behind
            }
            128 => behind,
            run => {
                let count = (257 - usize::from(run)).min(left);
                let (byte, behind) = behind.split_first()?;
                free.by_ref().take(count).for_each(|place| *place = *byte);
                left -= count;
                behind
            }
        };
    }
    Some(())
}

/// Packs a native frame whose samples lie pixel by pixel.
pub(in super::super) fn encode(image: &Image, frame: &[u8]) -> Result<Vec<u8>, PixelError> {
    let bytes = image.sample_bytes();
    let planes = usize::from(image.samples_per_pixel) * bytes;
    if planes > MAX_PLANES || frame.len() != frame_length(image)? {
        return Err(PixelError::Unsupported { what: "RLE of the image" });
    }
    // A row of single bits ends anywhere in a byte, so that the plane is one row.
    let row = if image.bits_allocated == 1 { frame.len().max(1) } else { usize::from(image.columns) };
    let mut header = vec![u32::try_from(planes).unwrap_or_default()];
    let mut packed = Vec::with_capacity(frame.len() / 2);
    let mut plane = Vec::with_capacity(frame.len() / planes.max(1));
    for index in 0..planes {
        let place = index / bytes * bytes + (bytes - 1 - index % bytes);
        plane.clear();
        plane.extend(frame.iter().skip(place).step_by(planes));
        let start = u32::try_from(HEADER + packed.len());
        header.push(start.or(Err(PixelError::Unsupported { what: "RLE of so large a frame" }))?);
        for row in plane.chunks(row) {
            pack(row, &mut packed);
        }
        if packed.len() % 2 == 1 {
            packed.push(0);
        }
    }
    header.resize(HEADER / 4, 0);
    let mut out: Vec<u8> = header.into_iter().flat_map(u32::to_le_bytes).collect();
    out.append(&mut packed);
    Ok(out)
}

/// Packs one row: runs of two and more as runs, what lies between as it is.
fn pack(row: &[u8], out: &mut Vec<u8>) {
    let mut rest = row;
    while let Some(first) = rest.first() {
        let run = rest.iter().take(MAX_RUN).take_while(|byte| *byte == first).count();
        let taken = if run > 1 {
            // 129..=255 stand for runs of 128 to 2.
            out.push(u8::try_from(257 - run).unwrap_or(128));
            out.push(*first);
            run
        } else {
            let pairs = rest.windows(2).take(MAX_RUN).position(|pair| matches!(pair, [one, next] if one == next));
            let count = pairs.unwrap_or(rest.len()).clamp(1, MAX_RUN);
            out.push(u8::try_from(count - 1).unwrap_or_default());
            out.extend(rest.iter().take(count));
            count
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
}

/// Number of segments and fifteen offsets.
const HEADER: usize = 64;
const MAX_PLANES: usize = 15;
const MAX_RUN: usize = 128;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::{Photometric, SampleKind};
    use super::*;

    fn image(photometric: Photometric, bits: u16, rows: u16, columns: u16) -> Image {
        Image {
            rows,
            columns,
            samples_per_pixel: photometric.samples(),
            photometric,
            is_planar: false,
            bits_allocated: bits,
            bits_stored: bits,
            high_bit: bits - 1,
            kind: SampleKind::Unsigned,
            number_of_frames: 1,
        }
    }

    #[test]
    fn planes_are_put_together_as_the_annex_says() {
        // PS3.5 §G.3: one segment for each byte, the most significant first.
        let mut codestream = vec![0; 64];
        codestream[0] = 2;
        codestream[4] = 64;
        codestream[8] = 66;
        codestream.extend([0xff, 0x12, 0x01, 0x34, 0x56]);
        let image = image(Photometric::Monochrome2, 16, 1, 2);
        assert_eq!(decode(&image, &codestream).unwrap(), [0x34, 0x12, 0x56, 0x12]);
    }

    #[test]
    fn a_segment_that_ends_early_is_an_error() {
        let image = image(Photometric::Monochrome2, 8, 4, 4);
        let mut codestream = encode(&image, &[7; 16]).unwrap();
        codestream.truncate(66);
        assert!(decode(&image, &codestream).is_err());
        assert!(decode(&image, &[]).is_err());
        assert!(decode(&image, &[0xff; 80]).is_err());
    }

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in(
            rows in 1_u16..9, columns in 1_u16..300, is_colour: bool, wide: bool, seed in any::<u64>(),
        ) {
            let photometric = if is_colour { Photometric::Rgb } else { Photometric::Monochrome2 };
            let image = image(photometric, if wide { 16 } else { 8 }, rows, columns);
            let mut state = seed;
            let frame: Vec<u8> = (0..image.frame_bytes())
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    if state >> 62 == 0 { state.to_le_bytes()[4] } else { 3 }
                })
                .collect();
            prop_assert_eq!(decode(&image, &encode(&image, &frame).unwrap()).unwrap(), frame);
        }

        #[test]
        fn no_codestream_panics(codestream in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut codestream = codestream;
            if let Some(first) = codestream.first_chunk_mut::<4>() {
                *first = [2, 0, 0, 0];
            }
            let _ = decode(&image(Photometric::Monochrome2, 16, 5, 7), &codestream);
        }
    }
}
