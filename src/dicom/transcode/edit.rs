//! The attributes that change with the pixels: Photometric Interpretation and Planar Configuration, and
//! those of lossy compression. They are held back until enough of the data set is known. PS3.5 §8.2,
//! PS3.3 §C.7.6.1.1.5.

use dicom_core::value::PrimitiveValue;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::super::element::{DataSet, put_text, put_value};
use super::super::pixel::{Image, PixelEncoding, PixelError};
use super::TranscodeError;
use super::header::{self, Syntax};
use super::samples::converted;
use super::target::TargetSyntax;

/// Attributes of the image that are held back.
#[derive(Default)]
pub(super) struct HeldAttributes {
    /// In the order of their tags; little endian.
    held: Vec<(Tag, VR, Vec<u8>)>,
    /// All that were held, as values.
    described: DataSetOrEmpty,
    is_description_out: bool,
    is_lossy_out: bool,
    /// Where the ratio of compression goes, and those of compressions before.
    ratio: Option<(usize, Vec<u8>)>,
}

struct DataSetOrEmpty(DataSet);

impl Default for DataSetOrEmpty {
    fn default() -> Self {
        Self(DataSet::new_empty())
    }
}

impl HeldAttributes {
    /// Whether an attribute of the data set itself is held back.
    pub(super) fn holds(tag: Tag) -> bool {
        (DESCRIPTION.0..=DESCRIPTION.1).contains(&tag) || (LOSSY.0..=LOSSY.1).contains(&tag)
    }

    /// Takes an attribute, its value in little endian.
    pub(super) fn put(&mut self, tag: Tag, vr: VR, value: Vec<u8>) {
        if matches!(vr, VR::US | VR::SS) {
            let words: Vec<u16> = value.as_chunks::<2>().0.iter().map(|word| u16::from_le_bytes(*word)).collect();
            put_value(&mut self.described.0, tag, vr, PrimitiveValue::U16(words.into()));
        } else {
            put_text(&mut self.described.0, tag, vr, value.iter().copied().map(char::from).collect::<String>());
        }
        self.held.push((tag, vr, value));
    }

    /// The image that the attributes describe.
    pub(super) fn image(&self) -> Result<Image, PixelError> {
        Image::of(&self.described.0)
    }

    /// Writes what is held once an element behind it comes; changed where the image changes.
    pub(super) fn write_before(
        &mut self,
        tag: Tag,
        out: &mut Vec<u8>,
        syntax: Syntax,
        change: Option<&Change<'_>>,
    ) -> Result<(), TranscodeError> {
        if !self.is_description_out && tag > DESCRIPTION.1 {
            self.is_description_out = true;
            if let Some((image, _)) = change.and_then(|change| change.image(self)) {
                self.set(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, image.photometric.term().into());
                if image.samples_per_pixel > 1 {
                    self.set(tags::PLANAR_CONFIGURATION, VR::US, u16::from(image.is_planar).to_le_bytes().into());
                } else {
                    self.held.retain(|(tag, ..)| *tag != tags::PLANAR_CONFIGURATION);
                }
            }
            self.write(out, syntax)?;
        }
        if !self.is_lossy_out && tag > LOSSY.1 {
            self.is_lossy_out = true;
            if let Some(change) = change
                && let Some((_, method)) = change.image(self)
            {
                self.lossy(method, matches!(change.target, TargetSyntax::JpegBaseline { .. }));
            }
            self.write(out, syntax)?;
        }
        Ok(())
    }

    /// Says that detail was lost: by the stored form if it does not say so itself, and by the other form.
    fn lossy(&mut self, method: Option<&'static str>, is_encoded_lossy: bool) {
        let before = |held: &[(Tag, VR, Vec<u8>)], wanted: Tag| {
            let found = held.iter().find(|(tag, ..)| *tag == wanted);
            found.map(|(.., value)| value.trim_ascii_end().to_vec()).filter(|value| !value.is_empty())
        };
        let was_lossy = before(&self.held, tags::LOSSY_IMAGE_COMPRESSION).as_deref() == Some(b"01");
        if let (Some(method), false) = (method, was_lossy) {
            self.set(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, b"01".to_vec());
            if before(&self.held, tags::LOSSY_IMAGE_COMPRESSION_METHOD).is_none() {
                self.set(tags::LOSSY_IMAGE_COMPRESSION_METHOD, VR::CS, method.into());
            }
        }
        if is_encoded_lossy {
            self.set(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, b"01".to_vec());
            let mut methods = before(&self.held, tags::LOSSY_IMAGE_COMPRESSION_METHOD).unwrap_or_default();
            append(&mut methods, b"ISO_10918_1");
            self.set(tags::LOSSY_IMAGE_COMPRESSION_METHOD, VR::CS, methods);
            let ratios = before(&self.held, tags::LOSSY_IMAGE_COMPRESSION_RATIO).unwrap_or_default();
            self.held.retain(|(tag, ..)| *tag != tags::LOSSY_IMAGE_COMPRESSION_RATIO);
            self.ratio = Some((0, ratios));
        }
    }

    fn set(&mut self, tag: Tag, vr: VR, value: Vec<u8>) {
        match self.held.binary_search_by_key(&tag, |(held, ..)| *held) {
            Ok(at) => {
                if let Some((.., held)) = self.held.get_mut(at) {
                    *held = value;
                }
            }
            Err(at) => self.held.insert(at, (tag, vr, value)),
        }
    }

    fn write(&mut self, out: &mut Vec<u8>, syntax: Syntax) -> Result<(), TranscodeError> {
        for (tag, vr, value) in std::mem::take(&mut self.held) {
            if let (Some((at @ 0, _)), true) = (&mut self.ratio, tag > tags::LOSSY_IMAGE_COMPRESSION_RATIO) {
                *at = out.len();
            }
            header::element(out, syntax, tag, vr, &value)?;
        }
        Ok(())
    }

    /// Writes the ratio of the compression into its place, once it is known.
    pub(super) fn put_ratio(&mut self, ratio: f64, out: &mut Vec<u8>, syntax: Syntax) -> Result<(), TranscodeError> {
        let Some((at, mut ratios)) = self.ratio.take() else { return Ok(()) };
        append(&mut ratios, format!("{ratio:.4}").as_bytes());
        let mut element = Vec::new();
        header::element(&mut element, syntax, tags::LOSSY_IMAGE_COMPRESSION_RATIO, VR::DS, &ratios)?;
        out.splice(at..at, element);
        Ok(())
    }

    /// Whether the ratio of the compression is still to be written.
    pub(super) fn waits_for_ratio(&self) -> bool {
        self.ratio.is_some()
    }
}

/// From which form to which an image changes.
pub(super) struct Change<'a> {
    pub(super) encoding: PixelEncoding,
    pub(super) transfer_syntax_uid: &'a str,
    pub(super) target: TargetSyntax,
}

impl Change<'_> {
    /// The image in the other form, and how it lost detail before; `None` if there is no image that can be
    /// converted.
    fn image(&self, held: &HeldAttributes) -> Option<(Image, Option<&'static str>)> {
        let image = held.image().ok()?;
        let converted = converted(&image, self.encoding, self.transfer_syntax_uid, self.target).ok()?;
        Some((converted, PixelEncoding::lossy_method(self.transfer_syntax_uid)))
    }
}

fn append(values: &mut Vec<u8>, value: &[u8]) {
    if !values.is_empty() {
        values.push(b'\\');
    }
    values.extend_from_slice(value);
}

/// Samples per Pixel to Pixel Representation.
const DESCRIPTION: (Tag, Tag) = (tags::SAMPLES_PER_PIXEL, tags::PIXEL_REPRESENTATION);
/// Lossy Image Compression, its ratio and its method.
const LOSSY: (Tag, Tag) = (tags::LOSSY_IMAGE_COMPRESSION, tags::LOSSY_IMAGE_COMPRESSION_METHOD);
