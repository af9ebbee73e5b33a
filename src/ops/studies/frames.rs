//! Frames of stored instances: as they are stored, as plain samples, as pictures; and whole instances in
//! another transfer syntax. Only the bytes of the frame are read, and only one frame is in memory.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use dicom_dictionary_std::tags;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use crate::access::Actor;
use crate::blob::BlobError;
use crate::dicom::element::{self, DataSet};
use crate::dicom::header::{HeaderLimits, Scanner};
use crate::dicom::part10::ReadLimits;
use crate::dicom::pixel::render::{Picture, PictureFile, Presentation, RenderRequest, animate, render};
use crate::dicom::pixel::{
    DecodedFrame, FrameIndex, FrameIndexer, Image, PixelEncoding, PixelError, PixelLimits, decode,
};
use crate::dicom::transcode::{
    TargetForm, TargetSyntax, TranscodeError, TranscodeLimits, Transcoder, read_header, transcodes,
};

use super::super::{Error, Ops};
use super::HeldInstance;

/// Why frames of an instance cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The use case as such does not succeed.
    #[error(transparent)]
    Ops(#[from] Error),
    /// The pixel data is not there, is damaged, or is in a form that cannot be decoded.
    #[error("pixel data {0}")]
    Pixels(#[from] PixelError),
    /// The instance cannot be had in the other transfer syntax.
    #[error("instance {0}")]
    Transcode(#[from] TranscodeError),
}

impl FrameError {
    /// Whether the instance is sound, and only not to be had in this form: 406.
    pub fn is_unsupported(&self) -> bool {
        match self {
            Self::Ops(_) => false,
            Self::Pixels(error) => error.is_unsupported(),
            Self::Transcode(error) => error.is_unsupported(),
        }
    }

    /// Whether there is no such frame, or no image at all: 404.
    pub fn is_absent(&self) -> bool {
        match self {
            Self::Ops(error) => matches!(error, Error::NotFound),
            Self::Pixels(error) => error.is_absent(),
            Self::Transcode(_) => false,
        }
    }
}

impl From<BlobError> for FrameError {
    fn from(error: BlobError) -> Self {
        Self::Ops(error.into())
    }
}

/// A stored image that was opened: what it is like, and where its frames lie.
#[derive(Debug, Clone)]
pub struct StoredImage {
    held: HeldInstance,
    data_set: Arc<DataSet>,
    index: Arc<FrameIndex>,
    transfer_syntax_uid: String,
    /// The data set, where it is deflated in the file.
    inflated: Option<Bytes>,
}

impl StoredImage {
    /// What the image is like as it is stored.
    pub fn image(&self) -> &Image {
        self.index.image()
    }

    /// How its frames are encoded.
    pub fn encoding(&self) -> PixelEncoding {
        self.index.encoding()
    }

    /// The transfer syntax of its frames as [`Ops::stored_frame`] gives them. Native frames are those of
    /// Explicit VR Little Endian, whatever order their bytes have in the file.
    pub fn frame_transfer_syntax_uid(&self) -> &str {
        if self.encoding().is_encapsulated() { &self.transfer_syntax_uid } else { EXPLICIT }
    }

    /// How many frames there are to ask for: one of a video.
    pub fn frames(&self) -> u32 {
        if self.encoding().is_video() { 1 } else { self.image().number_of_frames }
    }

    /// The elements in front of pixel data.
    pub fn data_set(&self) -> &DataSet {
        &self.data_set
    }

    /// How long a frame is shown, in milliseconds: Frame Time (0018,1063) or Cine Rate (0018,0040).
    pub fn frame_ms(&self) -> u32 {
        let decimal = |tag| -> Option<f64> { element::text(&self.data_set, tag)?.trim().parse().ok() };
        let time = decimal(tags::FRAME_TIME).or_else(|| decimal(tags::CINE_RATE).map(|rate| 1000.0 / rate));
        let time = time.filter(|time| (10.0..=10_000.0).contains(time)).unwrap_or(100.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 10 and 10000")]
        let time = time.round() as u32;
        time
    }
}

impl Ops {
    /// Opens an instance for its frames. An error that [is absent](FrameError::is_absent) says that it has
    /// none.
    pub async fn open_image(&self, actor: &Actor, held: &HeldInstance) -> Result<StoredImage, FrameError> {
        if PixelEncoding::of_transfer_syntax(&held.transfer_syntax_uid) == Some(PixelEncoding::Deflated) {
            return self.open_deflated(actor, held).await;
        }
        let offset = held.pixel_data_offset.ok_or(PixelError::Missing(tags::PIXEL_DATA))?;
        let uid = held.transfer_syntax_uid.clone();
        let header = self.instance_part(actor, held, held.data_set_offset..offset, MAX_HEADER).await?;
        let data_set = read_header(&uid, &header, &READ)?;
        let image = Image::of(&data_set)?;
        let mut indexer = FrameIndexer::new(&image, &uid, &data_set, offset, held.blob.size, LIMITS)?;
        while let Some(range) = indexer.wants() {
            indexer.take(&self.instance_part(actor, held, range, MAX_HEADER).await?)?;
        }
        Ok(StoredImage {
            held: held.clone(),
            data_set: Arc::new(data_set),
            index: Arc::new(indexer.finish()?),
            transfer_syntax_uid: uid,
            inflated: None,
        })
    }

    /// A deflated data set has no place to begin reading but its first byte.
    async fn open_deflated(&self, actor: &Actor, held: &HeldInstance) -> Result<StoredImage, FrameError> {
        let limits = TranscodeLimits { max_inflated_bytes: LIMITS.max_frame_bytes, ..TranscodeLimits::default() };
        let mut pieces = self
            .transcoded_within(actor, held, TargetSyntax::ExplicitVrLittleEndian, TargetForm::DataSet, limits)
            .await?;
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.try_next().await? {
            bytes.extend_from_slice(&piece);
        }
        let opened = self.on_cpu(move || {
            let damaged = || TranscodeError::Structure { what: "elements that cannot be read", offset: 0 };
            let mut scanner = Scanner::new(EXPLICIT, &HeaderLimits::default()).map_err(|_error| damaged())?;
            scanner.write(&bytes).map_err(|_error| damaged())?;
            let offset = scanner.finish().map_err(|_error| damaged())?.pixel_data_offset;
            let offset = offset.ok_or(PixelError::Missing(tags::PIXEL_DATA))?;
            let header = usize::try_from(offset).ok().and_then(|offset| bytes.get(..offset));
            let data_set = read_header(EXPLICIT, header.unwrap_or_default(), &READ)?;
            let image = Image::of(&data_set)?;
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let mut indexer = FrameIndexer::new(&image, EXPLICIT, &data_set, offset, length, LIMITS)?;
            while let Some(range) = indexer.wants() {
                indexer.take(slice(&bytes, &range)?)?;
            }
            Ok::<_, FrameError>((data_set, indexer.finish()?, Bytes::from(bytes)))
        });
        let (data_set, index, bytes) = opened.await??;
        Ok(StoredImage {
            held: held.clone(),
            data_set: Arc::new(data_set),
            index: Arc::new(index),
            transfer_syntax_uid: EXPLICIT.to_owned(),
            inflated: Some(bytes),
        })
    }

    /// A frame as it is stored, counted from 1: a codestream without item tags, or native samples in little
    /// endian, a frame of single bits beginning with a byte.
    pub async fn stored_frame(&self, actor: &Actor, image: &StoredImage, number: u64) -> Result<Vec<u8>, FrameError> {
        let place = image.index.frame(number)?;
        let bytes = match &image.inflated {
            Some(inflated) => slice(inflated, &place.range)?.to_vec(),
            None => {
                // A video is as long as it is; the caller streams it by `open_instance` if it is too long.
                place.check(&LIMITS)?;
                self.instance_part(actor, &image.held, place.range.clone(), LIMITS.max_frame_bytes).await?
            }
        };
        Ok(place.frame(&bytes)?.into_owned())
    }

    /// A frame as plain little endian samples, and what they are.
    pub async fn decoded_frame(
        &self,
        actor: &Actor,
        image: &StoredImage,
        number: u64,
    ) -> Result<DecodedFrame, FrameError> {
        let frame = self.stored_frame(actor, image, number).await?;
        let (described, uid) = (*image.image(), image.frame_transfer_syntax_uid().to_owned());
        Ok(self.on_cpu(move || decode(&described, &uid, &frame, &LIMITS)).await??)
    }

    /// A frame as a picture.
    pub async fn rendered_frame(
        &self,
        actor: &Actor,
        image: &StoredImage,
        number: u64,
        request: RenderRequest,
    ) -> Result<Picture, FrameError> {
        let frame = self.stored_frame(actor, image, number).await?;
        let (described, uid) = (*image.image(), image.frame_transfer_syntax_uid().to_owned());
        let data_set = Arc::clone(&image.data_set);
        let picture = self.on_cpu(move || {
            let frame = decode(&described, &uid, &frame, &LIMITS)?;
            render(&frame, &Presentation::of(&data_set, &frame.image, number), &request)
        });
        Ok(picture.await??)
    }

    /// A frame as a file.
    pub async fn frame_file(
        &self,
        actor: &Actor,
        image: &StoredImage,
        number: u64,
        request: RenderRequest,
        file: PictureFile,
    ) -> Result<Vec<u8>, FrameError> {
        let picture = self.rendered_frame(actor, image, number, request).await?;
        Ok(self.on_cpu(move || file.write(&picture)).await??)
    }

    /// All frames of an image as one GIF.
    pub async fn animated_frames(
        &self,
        actor: &Actor,
        image: &StoredImage,
        request: RenderRequest,
    ) -> Result<Vec<u8>, FrameError> {
        let mut pictures = Vec::new();
        let mut size = 0;
        for number in 1..=u64::from(image.frames()) {
            let picture = self.rendered_frame(actor, image, number, request).await?;
            size += u64::try_from(picture.bytes.len()).unwrap_or(u64::MAX);
            if size > MAX_ANIMATION {
                return Err(PixelError::TooLarge { what: "bytes of pictures in a GIF", max: MAX_ANIMATION }.into());
            }
            pictures.push(picture);
        }
        let frame_ms = image.frame_ms();
        Ok(self.on_cpu(move || animate(pictures.into_iter().map(Ok::<_, PixelError>), frame_ms)).await??)
    }

    /// An instance in another transfer syntax, piece by piece. Where frames have to be decoded, the first one
    /// has been when this returns: what cannot be converted is known before anything is sent.
    pub async fn transcoded_instance(
        &self,
        actor: &Actor,
        held: &HeldInstance,
        target: TargetSyntax,
        form: TargetForm,
    ) -> Result<BoxStream<'static, Result<Bytes, FrameError>>, FrameError> {
        self.transcoded_within(actor, held, target, form, TranscodeLimits::default()).await
    }

    async fn transcoded_within(
        &self,
        actor: &Actor,
        held: &HeldInstance,
        target: TargetSyntax,
        form: TargetForm,
        limits: TranscodeLimits,
    ) -> Result<BoxStream<'static, Result<Bytes, FrameError>>, FrameError> {
        if !transcodes(&held.transfer_syntax_uid, target) {
            return Err(TranscodeError::TransferSyntax(held.transfer_syntax_uid.clone()).into());
        }
        let body = self.open_instance(actor, held, None).await?.body;
        let begun = Conversion { ops: self.clone(), body, transcoder: Some(Transcoder::new(target, form, limits)) };
        let (first, begun) = begun.next().await?;
        let rest = stream::try_unfold(begun, |conversion| async move {
            if conversion.transcoder.is_none() {
                return Ok(None);
            }
            conversion.next().await.map(Some)
        });
        Ok(stream::once(async move { Ok(first) }).chain(rest).boxed())
    }

    /// Bytes of the file of an instance.
    async fn instance_part(
        &self,
        actor: &Actor,
        held: &HeldInstance,
        range: Range<u64>,
        max: u64,
    ) -> Result<Vec<u8>, FrameError> {
        let length = range.end.checked_sub(range.start).filter(|_| range.end <= held.blob.size);
        let length = length.ok_or(PixelError::Truncated)?;
        if length > max {
            return Err(PixelError::TooLarge { what: "bytes at once", max }.into());
        }
        if length == 0 {
            return Ok(Vec::new());
        }
        let mut body = self.open_instance(actor, held, Some(range)).await?.body;
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        while let Some(piece) = body.try_next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }
}

/// An instance on its way into another transfer syntax.
struct Conversion {
    ops: Ops,
    body: BoxStream<'static, Result<Bytes, BlobError>>,
    /// `None` once everything is out.
    transcoder: Option<Transcoder>,
}

impl Conversion {
    /// The next piece, and what goes on behind it.
    async fn next(mut self) -> Result<(Bytes, Self), FrameError> {
        let Some(mut transcoder) = self.transcoder.take() else { return Ok((Bytes::new(), self)) };
        loop {
            let (pieces, is_last) = self.pieces().await?;
            let work = move || {
                for piece in &pieces {
                    transcoder.push(piece)?;
                }
                let out = transcoder.take();
                if is_last {
                    let mut out = out;
                    out.append(&mut transcoder.finish()?);
                    return Ok::<_, TranscodeError>((out, None));
                }
                Ok((out, Some(transcoder)))
            };
            let (out, rest) = self.ops.on_cpu(work).await??;
            match rest {
                Some(rest) if out.is_empty() => transcoder = rest,
                rest => {
                    self.transcoder = rest;
                    return Ok((out.into(), self));
                }
            }
        }
    }

    /// So many bytes of the file that a look at them is worth a task, and whether they are its last.
    async fn pieces(&mut self) -> Result<(Vec<Bytes>, bool), FrameError> {
        let (mut pieces, mut size) = (Vec::new(), 0);
        while size < AT_ONCE {
            let Some(piece) = self.body.try_next().await? else { return Ok((pieces, true)) };
            size += piece.len();
            pieces.push(piece);
        }
        Ok((pieces, false))
    }
}

fn slice<'a>(bytes: &'a [u8], range: &Range<u64>) -> Result<&'a [u8], PixelError> {
    let (start, end) = (usize::try_from(range.start).ok(), usize::try_from(range.end).ok());
    start.zip(end).and_then(|(start, end)| bytes.get(start..end)).ok_or(PixelError::Truncated)
}

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const LIMITS: PixelLimits = PixelLimits { max_pixels: 100_000_000, max_frame_bytes: 256 << 20, max_fragments: 1 << 20 };
const READ: ReadLimits = ReadLimits { max_bytes: 64 << 20, max_depth: 512, max_elements: 1_000_000 };
/// Bytes in front of the pixels.
const MAX_HEADER: u64 = 64 << 20;
/// Samples of all pictures of a GIF together.
const MAX_ANIMATION: u64 = 256 << 20;
/// Bytes of a file that are converted at once.
const AT_ONCE: usize = 256 << 10;
