//! Images to PDF: PNG and JPEG bytes as image XObjects. What PDF can hold as it is (JPEG; PNG without
//! palette, transparency and interlacing) goes in as it came, after it has been decoded once to see that
//! it is whole; anything else is decoded and compressed anew. Samples keep their depth.

use std::collections::BTreeMap;
use std::io::Cursor;

use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, Limits};
use printpdf::{DictItem, ExternalStream, ExternalXObject, XObject};

use super::ImageProblem;

/// An image that a page can show.
pub(super) struct Picture {
    /// Pixels from left to right.
    pub(super) width: u32,
    /// Pixels from top to bottom.
    pub(super) height: u32,
    /// The image XObject.
    pub(super) object: XObject,
}

/// Largest file that is read, in bytes.
pub(super) const MAX_BYTES: usize = 32 << 20;

/// Most pixels that are decoded.
pub(super) const MAX_PIXELS: u64 = 24_000_000;

impl Picture {
    /// Reads PNG or JPEG bytes.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ImageProblem> {
        if bytes.len() > MAX_BYTES {
            return Err(ImageProblem::Bytes { limit: MAX_BYTES });
        }
        if bytes.starts_with(PNG_SIGNATURE) {
            let decoder = PngDecoder::with_limits(Cursor::new(bytes), limits()).or(Err(ImageProblem::Damaged))?;
            let image = decode(decoder, Orientation::NoTransforms)?;
            let (width, height) = (image.width(), image.height());
            let stream = png_as_it_is(bytes).unwrap_or_else(|| compressed(&image));
            return Ok(Self { width, height, object: external(stream) });
        }
        if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
            let mut decoder = JpegDecoder::new(Cursor::new(bytes)).or(Err(ImageProblem::Damaged))?;
            let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
            let image = decode(decoder, orientation)?;
            let (width, height) = (image.width(), image.height());
            let kept = if orientation == Orientation::NoTransforms { jpeg_as_it_is(bytes) } else { None };
            let stream = kept.unwrap_or_else(|| compressed(&image));
            return Ok(Self { width, height, object: external(stream) });
        }
        Err(ImageProblem::Format)
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_PIXELS * 8);
    limits
}

fn decode(mut decoder: impl ImageDecoder, orientation: Orientation) -> Result<DynamicImage, ImageProblem> {
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(ImageProblem::Pixels { limit: MAX_PIXELS });
    }
    if width == 0 || height == 0 || decoder.set_limits(limits()).is_err() {
        return Err(ImageProblem::Damaged);
    }
    let mut image = DynamicImage::from_decoder(decoder).or(Err(ImageProblem::Damaged))?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// The image data of a PNG, if PDF's own PNG predictors can read it. ISO 32000-1 §7.4.4.4.
fn png_as_it_is(bytes: &[u8]) -> Option<ExternalStream> {
    let mut rest = bytes.get(PNG_SIGNATURE.len()..)?;
    let mut header: Option<(u32, u32, u8, u8)> = None;
    let mut content = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (kind, after) = after.split_first_chunk::<4>()?;
        let data = after.get(..length)?;
        match kind {
            b"IHDR" => {
                let (width, data) = data.split_first_chunk::<4>()?;
                let (height, data) = data.split_first_chunk::<4>()?;
                let [depth, color, _, _, interlace] = *data.first_chunk::<5>()?;
                if interlace != 0 {
                    return None;
                }
                header = Some((u32::from_be_bytes(*width), u32::from_be_bytes(*height), depth, color));
            }
            b"tRNS" => return None,
            b"IDAT" => content.extend_from_slice(data),
            b"IEND" => break,
            _ => {}
        }
        // Four bytes of checksum, which the decoder has looked at.
        rest = after.get(length + 4..)?;
    }
    let (width, height, depth, color) = header?;
    let (components, space) = match color {
        0 => (1, "DeviceGray"),
        2 => (3, "DeviceRGB"),
        _ => return None,
    };
    let mut dict = image_dictionary(width, height, space, depth);
    let parameters = [
        ("Predictor", DictItem::Int(15)),
        ("Colors", DictItem::Int(components)),
        ("BitsPerComponent", DictItem::Int(depth.into())),
        ("Columns", DictItem::Int(width.into())),
    ];
    let map = parameters.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    dict.insert("Filter".to_owned(), name("FlateDecode"));
    dict.insert("DecodeParms".to_owned(), DictItem::Dict { map });
    Some(ExternalStream { dict, content, compress: false })
}

/// A JPEG, if DCTDecode can read it: 8 bits, one component or three. ISO 32000-1 §7.4.8.
fn jpeg_as_it_is(bytes: &[u8]) -> Option<ExternalStream> {
    let mut rest = bytes.get(2..)?;
    loop {
        let (marker, after) = rest.split_first_chunk::<2>()?;
        let [0xff, kind] = *marker else { return None };
        if kind == 0xff {
            rest = rest.get(1..)?;
            continue;
        }
        let (length, _) = after.split_first_chunk::<2>()?;
        let segment = after.get(2..usize::from(u16::from_be_bytes(*length)))?;
        if matches!(kind, 0xc0..=0xc2) {
            let [depth, high, low, wide, narrow, components] = *segment.first_chunk::<6>()?;
            let space = match (depth, components) {
                (8, 1) => "DeviceGray",
                (8, 3) => "DeviceRGB",
                _ => return None,
            };
            let (height, width) = (u16::from_be_bytes([high, low]), u16::from_be_bytes([wide, narrow]));
            let mut dict = image_dictionary(width.into(), height.into(), space, depth);
            dict.insert("Filter".to_owned(), name("DCTDecode"));
            return Some(ExternalStream { dict, content: bytes.to_vec(), compress: false });
        }
        // Anything but tables and application data before the frame is not what PDF knows.
        if !matches!(kind, 0xc4 | 0xdb | 0xdd | 0xe0..=0xef | 0xfe) {
            return None;
        }
        rest = after.get(usize::from(u16::from_be_bytes(*length))..)?;
    }
}

fn compressed(image: &DynamicImage) -> ExternalStream {
    let color = image.color();
    let depth: u8 = if color.bytes_per_pixel() / color.channel_count() > 1 { 16 } else { 8 };
    let space = if color.has_color() { "DeviceRGB" } else { "DeviceGray" };
    let (samples, alpha) = match (color.has_color(), depth) {
        (false, 8) => split(&image.to_luma_alpha8().into_raw(), 1, 1),
        (true, 8) => split(&image.to_rgba8().into_raw(), 3, 1),
        (false, _) => split(&big_endian(&image.to_luma_alpha16().into_raw()), 2, 2),
        (true, _) => split(&big_endian(&image.to_rgba16().into_raw()), 6, 2),
    };
    let (width, height) = (image.width(), image.height());
    let mut dict = image_dictionary(width, height, space, depth);
    if color.has_alpha() {
        let dict_of_mask = image_dictionary(width, height, "DeviceGray", depth);
        let stream = ExternalStream { dict: dict_of_mask, content: alpha, compress: true };
        dict.insert("SMask".to_owned(), DictItem::Stream { stream });
    }
    ExternalStream { dict, content: samples, compress: true }
}

/// Parts pixels of `color` bytes of colour and `opacity` bytes of opacity.
fn split(pixels: &[u8], color: usize, opacity: usize) -> (Vec<u8>, Vec<u8>) {
    let mut colors = Vec::with_capacity(pixels.len());
    let mut alpha = Vec::new();
    for pixel in pixels.chunks_exact(color + opacity) {
        let (left, right) = pixel.split_at(color);
        colors.extend_from_slice(left);
        alpha.extend_from_slice(right);
    }
    (colors, alpha)
}

fn big_endian(samples: &[u16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_be_bytes()).collect()
}

fn image_dictionary(width: u32, height: u32, space: &str, depth: u8) -> BTreeMap<String, DictItem> {
    [
        ("Type", name("XObject")),
        ("Subtype", name("Image")),
        ("Width", DictItem::Int(width.into())),
        ("Height", DictItem::Int(height.into())),
        ("ColorSpace", name(space)),
        ("BitsPerComponent", DictItem::Int(depth.into())),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

fn name(text: &str) -> DictItem {
    DictItem::Name(text.as_bytes().to_vec())
}

fn external(stream: ExternalStream) -> XObject {
    XObject::External(ExternalXObject { stream, width: None, height: None, dpi: None })
}

const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! fixture {
        ($name:literal) => {
            include_bytes!(concat!("../../../fixtures/pdf/", $name))
        };
    }

    fn stream(bytes: &[u8]) -> (Picture, BTreeMap<String, DictItem>, Vec<u8>) {
        let picture = Picture::read(bytes).expect("an image");
        let XObject::External(object) = picture.object.clone() else { panic!("an image") };
        (picture, object.stream.dict, object.stream.content)
    }

    #[test]
    fn what_pdf_can_read_goes_in_as_it_came() {
        for (bytes, space) in [(&fixture!("progressive.jpg")[..], "DeviceRGB"), (fixture!("gray.jpg"), "DeviceGray")] {
            let (picture, dict, content) = stream(bytes);
            assert_eq!((picture.width, picture.height), (24, 16));
            assert_eq!(content, bytes);
            assert_eq!(dict.get("Filter"), Some(&name("DCTDecode")));
            assert_eq!(dict.get("ColorSpace"), Some(&name(space)));
        }
        for (bytes, space, depth) in
            [(&fixture!("color.png")[..], "DeviceRGB", 8), (fixture!("gray16.png"), "DeviceGray", 16)]
        {
            let (_, dict, content) = stream(bytes);
            assert!(bytes.windows(content.len()).any(|window| window == content));
            assert_eq!(dict.get("Filter"), Some(&name("FlateDecode")));
            assert_eq!(dict.get("ColorSpace"), Some(&name(space)));
            assert_eq!(dict.get("BitsPerComponent"), Some(&DictItem::Int(depth)));
        }
    }

    #[test]
    fn what_pdf_cannot_read_is_decoded() {
        // Four inks would need an output intent of four inks.
        let (_, dict, content) = stream(fixture!("cmyk.jpg"));
        assert_eq!((dict.get("ColorSpace"), content.len()), (Some(&name("DeviceRGB")), 24 * 16 * 3));
        let (picture, _, content) = stream(fixture!("rotated.jpg"));
        assert_eq!((picture.width, picture.height, content.len()), (16, 24, 24 * 16 * 3));
        let (_, dict, content) = stream(fixture!("interlaced.png"));
        assert_eq!((dict.get("ColorSpace"), content.len()), (Some(&name("DeviceGray")), 24 * 16));
        assert_eq!(content.get(..3), Some([0, 10, 20].as_slice()));
        let (_, dict, _) = stream(fixture!("palette.png"));
        assert!(dict.contains_key("SMask"));
    }

    #[test]
    fn damage_is_an_error() {
        for bytes in [&fixture!("color.png")[..], fixture!("gray.jpg")] {
            assert_eq!(Picture::read(&bytes[..40]).err(), Some(ImageProblem::Damaged));
        }
        assert_eq!(Picture::read(b"GIF89a").err(), Some(ImageProblem::Format));
        assert_eq!(Picture::read(b"").err(), Some(ImageProblem::Format));
    }
}
