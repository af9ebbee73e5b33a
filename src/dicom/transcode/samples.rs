//! Frames on their way into the other instance: decoded, and natively or encoded written.

use dicom_core::{Tag, VR};

use super::super::pixel::{
    Image, PixelEncoding, PixelError, PixelLimits, decode, decoded_image, encode, encoded_image, join_bits,
};
use super::TranscodeError;
use super::header::{self, ITEM, SEQUENCE_DELIMITER, Syntax};
use super::target::TargetSyntax;

/// Takes the frames of an instance in their order.
pub(super) struct FrameSink {
    transfer_syntax_uid: String,
    image: Image,
    /// What the frames are once they are decoded.
    decoded: Image,
    target: TargetSyntax,
    limits: PixelLimits,
    frames: u32,
    /// The last byte of single bits, while it is not full.
    rest: Vec<u8>,
    rest_bits: u64,
    /// How many times smaller the first frame became.
    ratio: Option<f64>,
}

/// What the image is in the other instance.
pub(super) fn converted(
    image: &Image,
    encoding: PixelEncoding,
    transfer_syntax_uid: &str,
    target: TargetSyntax,
) -> Result<Image, PixelError> {
    let decoded = decoded_image(image, encoding, transfer_syntax_uid);
    target.encoding().map_or(Ok(decoded), |encoding| encoded_image(&decoded, encoding))
}

impl FrameSink {
    pub(super) fn new(
        image: &Image,
        encoding: PixelEncoding,
        transfer_syntax_uid: &str,
        target: TargetSyntax,
        limits: PixelLimits,
    ) -> Result<Self, TranscodeError> {
        converted(image, encoding, transfer_syntax_uid, target)?;
        image.check(&limits)?;
        Ok(Self {
            transfer_syntax_uid: transfer_syntax_uid.to_owned(),
            image: *image,
            decoded: decoded_image(image, encoding, transfer_syntax_uid),
            target,
            limits,
            frames: 0,
            rest: Vec::new(),
            rest_bits: 0,
            ratio: None,
        })
    }

    /// The image as it is stored.
    pub(super) fn image(&self) -> &Image {
        &self.image
    }

    /// Writes the header of the element, and an empty offset table where there will be fragments.
    pub(super) fn begin(&self, out: &mut Vec<u8>, syntax: Syntax, tag: Tag) -> Result<(), TranscodeError> {
        if self.target.encoding().is_some() {
            header::begin(out, syntax, tag, VR::OB, None);
            header::begin(out, syntax, ITEM, VR::UN, Some(0));
            return Ok(());
        }
        let too_long = TranscodeError::Unsupported { what: "pixel data of more than 4 GiB" };
        let length = u32::try_from(self.decoded.native_bytes().next_multiple_of(2)).ok();
        let length = length.filter(|length| *length < u32::MAX).ok_or(too_long)?;
        let vr = if self.decoded.bits_allocated > 8 { VR::OW } else { VR::OB };
        header::begin(out, syntax, tag, vr, Some(length));
        Ok(())
    }

    /// Takes the next frame as it is stored.
    pub(super) fn frame(&mut self, stored: &[u8], out: &mut Vec<u8>) -> Result<(), TranscodeError> {
        if self.frames == self.image.number_of_frames {
            return Err(PixelError::Codestream { what: "has more frames than are described" }.into());
        }
        let frame = decode(&self.image, &self.transfer_syntax_uid, stored, &self.limits)?;
        self.frames += 1;
        let Some(encoding) = self.target.encoding() else {
            self.native(&frame.bytes, out);
            return Ok(());
        };
        let quality = if let TargetSyntax::JpegBaseline { quality } = self.target { quality } else { 100 };
        let encoded = encode(&frame.image, encoding, &frame.bytes, quality)?.bytes;
        #[expect(clippy::cast_precision_loss, reason = "a ratio of a few digits")]
        self.ratio.get_or_insert(frame.bytes.len() as f64 / encoded.len().max(1) as f64);
        let too_long = TranscodeError::Unsupported { what: "a frame of more than 4 GiB" };
        header::begin(out, Syntax::EXPLICIT, ITEM, VR::UN, Some(u32::try_from(encoded.len()).or(Err(too_long))?));
        out.extend_from_slice(&encoded);
        Ok(())
    }

    fn native(&mut self, frame: &[u8], out: &mut Vec<u8>) {
        let bits = self.decoded.frame_bits();
        if self.rest_bits == 0 && bits.is_multiple_of(8) {
            out.extend_from_slice(frame);
            return;
        }
        join_bits(&mut self.rest, self.rest_bits, frame, bits);
        let all = self.rest_bits + bits;
        let whole = usize::try_from(all / 8).unwrap_or(usize::MAX).min(self.rest.len());
        out.extend(self.rest.drain(..whole));
        self.rest_bits = all % 8;
    }

    /// Ends the element.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) -> Result<(), TranscodeError> {
        if self.frames != self.image.number_of_frames {
            return Err(PixelError::Truncated.into());
        }
        if self.target.encoding().is_some() {
            header::begin(out, Syntax::EXPLICIT, SEQUENCE_DELIMITER, VR::UN, Some(0));
            return Ok(());
        }
        out.append(&mut self.rest);
        if self.decoded.native_bytes() % 2 == 1 {
            out.push(0);
        }
        Ok(())
    }

    /// How many times smaller the first frame became, once it did.
    pub(super) fn ratio(&self) -> Option<f64> {
        self.ratio
    }

    /// How many frames have been converted.
    pub(super) fn frames(&self) -> u32 {
        self.frames
    }
}
