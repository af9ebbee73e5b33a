//! Colours. PS3.3 §C.7.6.3.1.2 and §C.7.6.3.1.3.

use std::borrow::Cow;

use super::super::{Image, Photometric};

/// The samples of a frame pixel by pixel, whatever its planar configuration.
pub(in crate::dicom) fn by_pixel<'a>(image: &Image, frame: &'a [u8]) -> Cow<'a, [u8]> {
    if !image.is_planar || image.photometric == Photometric::YbrFull422 {
        return Cow::Borrowed(frame);
    }
    let width = image.sample_bytes();
    let plane = frame.len() / 3;
    let mut out = vec![0; plane * 3];
    let planes = frame.chunks_exact(plane.max(1));
    for (index, plane) in planes.take(3).enumerate() {
        for (pixel, sample) in out.chunks_exact_mut(width * 3).zip(plane.chunks_exact(width)) {
            pixel.iter_mut().skip(index * width).zip(sample).for_each(|(place, byte)| *place = *byte);
        }
    }
    Cow::Owned(out)
}

/// A frame of YBR_FULL_422 with the chrominances of each pixel: those of a pair are those of both.
pub(in crate::dicom) fn full_chrominance(image: &Image, frame: &[u8]) -> Vec<u8> {
    let pixels = usize::try_from(image.pixels()).unwrap_or_default();
    let mut out = Vec::with_capacity(pixels * 3);
    for [y1, y2, cb, cr] in frame.as_chunks::<4>().0 {
        out.extend_from_slice(&[*y1, *cb, *cr, *y2, *cb, *cr]);
    }
    // A last single pixel has its own chrominances cut off; it is shown without colour.
    if let (true, Some(y)) = (pixels % 2 == 1, frame.as_chunks::<4>().1.first()) {
        out.extend_from_slice(&[*y, 128, 128]);
    }
    out.truncate(pixels * 3);
    out
}

/// A colour frame as RGB of 8 bits, pixel by pixel; `None` for colours that cannot be shown.
pub(in crate::dicom) fn rgb<'a>(image: &Image, frame: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    let eight = |bytes: Cow<'a, [u8]>| match image.bits_allocated {
        8 if image.bits_stored == 8 => Some(bytes),
        8 => Some(Cow::Owned(bytes.iter().map(|sample| spread(u16::from(*sample), image.bits_stored)).collect())),
        16 => {
            let words = bytes.as_chunks::<2>().0.iter().map(|word| u16::from_le_bytes(*word));
            let shift = image.high_bit + 1 - image.bits_stored;
            Some(Cow::Owned(words.map(|word| spread(word >> shift, image.bits_stored)).collect()))
        }
        _ => None,
    };
    match image.photometric {
        Photometric::Rgb => eight(by_pixel(image, frame)),
        Photometric::YbrFull => Some(Cow::Owned(ybr_to_rgb(eight(by_pixel(image, frame))?.into_owned()))),
        Photometric::YbrFull422 if image.bits_allocated == 8 => {
            Some(Cow::Owned(ybr_to_rgb(full_chrominance(image, frame))))
        }
        _ => None,
    }
}

/// A sample of so many bits as one of 8.
fn spread(sample: u16, bits: u16) -> u8 {
    let most = (1_u32 << bits) - 1;
    let sample = u32::from(sample) & most;
    let spread = if bits > 8 { sample >> (bits - 8) } else { (sample * 255 + most / 2) / most };
    u8::try_from(spread).unwrap_or(u8::MAX)
}

/// YBR_FULL to RGB in place, with fixed point of 16 bits.
fn ybr_to_rgb(mut pixels: Vec<u8>) -> Vec<u8> {
    fn clamp(value: i32) -> u8 {
        u8::try_from(value >> 16).unwrap_or(if value < 0 { 0 } else { u8::MAX })
    }
    for [y, cb, cr] in pixels.as_chunks_mut::<3>().0 {
        let luminance = (i32::from(*y) << 16) + (1 << 15);
        let (blue, red) = (i32::from(*cb) - 128, i32::from(*cr) - 128);
        // 1.402, 0.344136, 0.714136 and 1.772 of 65536.
        *y = clamp(luminance + 91_881 * red);
        *cb = clamp(luminance - 22_553 * blue - 46_802 * red);
        *cr = clamp(luminance + 116_130 * blue);
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::super::super::SampleKind;
    use super::*;

    fn image(photometric: Photometric, bits: u16, columns: u16) -> Image {
        Image {
            rows: 1,
            columns,
            samples_per_pixel: 3,
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
    fn planes_become_pixels() {
        let planar = Image { is_planar: true, ..image(Photometric::Rgb, 8, 2) };
        assert_eq!(rgb(&planar, &[1, 2, 3, 4, 5, 6]).unwrap().as_ref(), [1, 3, 5, 2, 4, 6]);
        let wide = Image { is_planar: true, ..image(Photometric::Rgb, 16, 1) };
        assert_eq!(by_pixel(&wide, &[1, 2, 3, 4, 5, 6]).as_ref(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(rgb(&wide, &[1, 2, 3, 4, 5, 6]).unwrap().as_ref(), [2, 4, 6]);
    }

    #[test]
    fn luminance_alone_is_grey_and_full_red_is_red() {
        let image = image(Photometric::YbrFull, 8, 2);
        assert_eq!(rgb(&image, &[77, 128, 128, 76, 85, 255]).unwrap().as_ref(), [77, 77, 77, 254, 0, 0]);
    }

    #[test]
    fn pairs_share_their_chrominances() {
        let image = image(Photometric::YbrFull422, 8, 2);
        assert_eq!(full_chrominance(&image, &[10, 20, 128, 129]), [10, 128, 129, 20, 128, 129]);
    }
}
