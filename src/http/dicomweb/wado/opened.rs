//! A stored instance whose parts are read as they are needed.

use std::io;
use std::ops::Range;

use actix_web::web::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use crate::access::Actor;
use crate::dicom::element::DataSet;
use crate::dicom::header::{HeaderLimits, Scanner};
use crate::dicom::json;
use crate::dicom::part10::{self, ReadLimits, TransferSyntax};
use crate::dicom::pixel::{FrameIndex, FrameIndexer, Image, PixelError, PixelLimits};
use crate::dicom::query::StudyScope;
use crate::dicom::transfer_syntax::Encoding;
use crate::http::HttpError;
use crate::ops::studies::HeldInstance;
use crate::ops::{self, Ops};

/// A stored instance. Offsets count in its file, or, where the data set is deflated, in what it inflates to, which is
/// held in memory then.
#[derive(Clone)]
pub(in crate::http::dicomweb) struct Opened {
    pub(in crate::http::dicomweb) ops: Ops,
    pub(in crate::http::dicomweb) actor: Actor,
    pub(in crate::http::dicomweb) held: HeldInstance,
    inflated: Option<Bytes>,
    /// Where the element with the pixels begins.
    pixels: Option<u64>,
}

impl Opened {
    /// Opens an instance that was looked up for this actor.
    pub(in crate::http::dicomweb) async fn new(
        ops: &Ops,
        actor: &Actor,
        held: HeldInstance,
    ) -> Result<Self, HttpError> {
        let pixels = held.pixel_data_offset;
        let mut opened = Self { ops: ops.clone(), actor: actor.clone(), held, inflated: None, pixels };
        if opened.encoding()?.is_deflated {
            let deflated = opened.read(opened.held.data_set_offset..opened.held.blob.size).await?;
            let (inflated, pixels) = on_cpu(move || inflate(&deflated)).await??;
            opened.inflated = Some(inflated);
            opened.pixels = pixels;
        }
        Ok(opened)
    }

    /// How the data set is laid out.
    pub(super) fn encoding(&self) -> Result<Encoding, HttpError> {
        Encoding::of(&self.held.transfer_syntax_uid).ok_or(HttpError::NotAcceptable)
    }

    /// First byte of the data set.
    pub(super) fn data_set_offset(&self) -> u64 {
        if self.inflated.is_some() { 0 } else { self.held.data_set_offset }
    }

    /// Length of what offsets count in.
    fn length(&self) -> u64 {
        self.inflated.as_ref().map_or(self.held.blob.size, |inflated| inflated.len() as u64)
    }

    /// Some bytes, which must be there. What is longer than a frame may be is not read into memory.
    pub(super) async fn read(&self, range: Range<u64>) -> Result<Bytes, HttpError> {
        let length = range.end.saturating_sub(range.start);
        if length > PixelLimits::default().max_frame_bytes {
            return Err(HttpError::NotAcceptable);
        }
        if length == 0 {
            return Ok(Bytes::new());
        }
        if let Some(inflated) = &self.inflated {
            let bounds = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
            let within = bounds.filter(|(_, end)| *end <= inflated.len());
            return within.map(|(start, end)| inflated.slice(start..end)).ok_or(HttpError::NotAcceptable);
        }
        let blob = self.ops.open_instance(&self.actor, &self.held, Some(range)).await?;
        let pieces: Vec<Bytes> =
            blob.body.try_collect().await.map_err(|error| HttpError::from(ops::Error::from(error)))?;
        match <[Bytes; 1]>::try_from(pieces) {
            Ok([piece]) => Ok(piece),
            Err(pieces) => Ok(pieces.concat().into()),
        }
    }

    /// Bytes on their way out.
    pub(super) async fn stream(&self, range: Range<u64>) -> Result<BoxStream<'static, io::Result<Bytes>>, HttpError> {
        if self.inflated.is_some() {
            let bytes = self.read(range).await?;
            return Ok(stream::iter([Ok(bytes)]).boxed());
        }
        let blob = self.ops.open_instance(&self.actor, &self.held, Some(range)).await?;
        Ok(blob.body.map_err(io::Error::other).boxed())
    }

    /// Whether there are pixels at all.
    pub(super) fn has_pixels(&self) -> bool {
        self.pixels.is_some()
    }

    /// The data set up to its pixels, text as Unicode.
    pub(in crate::http::dicomweb) async fn header(&self) -> Result<DataSet, HttpError> {
        let encoding = self.encoding()?;
        if encoding.is_big_endian {
            return self.described().await;
        }
        let bytes = self.read(self.data_set_offset()..self.pixels.unwrap_or_else(|| self.length())).await?;
        let syntax = if encoding.is_implicit {
            TransferSyntax::ImplicitVrLittleEndian
        } else {
            TransferSyntax::ExplicitVrLittleEndian
        };
        let read = on_cpu(move || part10::read_data_set(&bytes, syntax, &ReadLimits::default())).await?;
        match read {
            Ok(read) => Ok(read.data_set),
            // What was taken in has its attributes in any case.
            Err(_unreadable) => self.described().await,
        }
    }

    /// The data set by the metadata that was taken of it when it came: without long values.
    pub(super) async fn described(&self) -> Result<DataSet, HttpError> {
        let scope = StudyScope {
            study: self.held.study_instance_uid.clone(),
            series: Some(self.held.series_instance_uid.clone()),
            instance: Some(self.held.sop_instance_uid.clone()),
        };
        let metadata = self.ops.study_metadata(&self.actor, &scope).await?;
        let pieces: Vec<Bytes> = metadata.body("").try_collect().await?;
        let text = String::from_utf8(pieces.concat()).map_err(|_error| HttpError::Fault)?;
        let instance = text.trim().strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        instance.and_then(json::data_set).ok_or(HttpError::Fault)
    }

    /// Where the frames are.
    pub(in crate::http::dicomweb) async fn frames(&self, header: &DataSet) -> Result<FrameIndex, HttpError> {
        let pixels = self.pixels.ok_or(HttpError::NotFound)?;
        let image = Image::of(header).map_err(of_pixels)?;
        let (syntax, limits) = (&self.held.transfer_syntax_uid, PixelLimits::default());
        let mut indexer =
            FrameIndexer::new(&image, syntax, header, pixels, self.length(), limits).map_err(of_pixels)?;
        while let Some(range) = indexer.wants() {
            indexer.take(&self.read(range).await?).map_err(of_pixels)?;
        }
        indexer.finish().map_err(of_pixels)
    }

    /// A frame as it is stored: a codestream, or samples in little endian. `number` counts from 1.
    pub(in crate::http::dicomweb) async fn frame(&self, index: &FrameIndex, number: u64) -> Result<Bytes, HttpError> {
        let place = index.frame(number).map_err(of_pixels)?;
        place.check(&PixelLimits::default()).map_err(of_pixels)?;
        let bytes = self.read(place.range.clone()).await?;
        let frame = place.frame(&bytes).map_err(of_pixels)?;
        Ok(match frame {
            // Without a copy, where the frame is a part of what was read.
            std::borrow::Cow::Borrowed(frame) => bytes.slice_ref(frame),
            std::borrow::Cow::Owned(frame) => frame.into(),
        })
    }
}

/// What is wrong with pixels, as an answer: there are none, or not in a form that can be served.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
pub(in crate::http::dicomweb) fn of_pixels(error: PixelError) -> HttpError {
    tracing::debug!(%error, "frame cannot be had");
    if error.is_absent() { HttpError::NotFound } else { HttpError::NotAcceptable }
}

/// Work that keeps a core busy.
pub(in crate::http::dicomweb) async fn on_cpu<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, HttpError> {
    tokio::task::spawn_blocking(work).await.map_err(|_panic| HttpError::Fault)
}

fn inflate(deflated: &[u8]) -> Result<(Bytes, Option<u64>), HttpError> {
    use std::io::Read as _;
    let max = PixelLimits::default().max_frame_bytes;
    let mut inflated = Vec::new();
    let mut reader = flate2::read::DeflateDecoder::new(deflated).take(max + 1);
    reader.read_to_end(&mut inflated).map_err(|_error| HttpError::NotAcceptable)?;
    if inflated.len() as u64 > max {
        return Err(HttpError::NotAcceptable);
    }
    let explicit = TransferSyntax::ExplicitVrLittleEndian.uid();
    let scanned = Scanner::new(explicit, &HeaderLimits::default()).and_then(|mut scanner| {
        scanner.write(&inflated)?;
        scanner.finish()
    });
    let pixels = scanned.map_err(|_unreadable| HttpError::NotAcceptable)?.pixel_data_offset;
    Ok((inflated.into(), pixels))
}
