//! Instances and frames in another transfer syntax than they are stored in, while they are sent.

use std::io;

use actix_web::web::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};

use crate::access::Actor;
use crate::blob::BlobError;
use crate::dicom::pixel::{Image, PixelEncoding, PixelError, PixelLimits, decode, encode, encoded_image};
use crate::dicom::transcode::{TargetForm, TargetSyntax, TranscodeLimits, Transcoder, transcodes};
use crate::http::HttpError;
use crate::ops::studies::HeldInstance;
use crate::ops::{self, Ops};

use super::opened::on_cpu;

/// Whether what is stored in one transfer syntax can be had in another. A single instance may still refuse.
pub(super) fn can(stored: &str, wanted: &str) -> bool {
    TargetSyntax::of_uid(wanted).is_some_and(|target| transcodes(stored, target))
}

/// The file of an instance in another transfer syntax. What cannot be recoded is known before the first byte.
pub(super) async fn file(
    ops: &Ops,
    actor: &Actor,
    held: &HeldInstance,
    transfer_syntax_uid: &str,
) -> Result<BoxStream<'static, io::Result<Bytes>>, HttpError> {
    let target = TargetSyntax::of_uid(transfer_syntax_uid).ok_or(HttpError::NotAcceptable)?;
    let blob = ops.open_instance(actor, held, None).await?;
    let transcoder = Transcoder::new(target, TargetForm::Part10, TranscodeLimits::default());
    let mut recoding = Recoding { body: blob.body, transcoder: Some(Box::new(transcoder)) };
    let first = recoding.next().await?;
    let rest = stream::try_unfold(recoding, |mut recoding| async move {
        let next = recoding.next().await.map_err(io::Error::other)?;
        Ok(next.map(|bytes| (bytes, recoding)))
    });
    Ok(stream::iter(first.map(Ok)).chain(rest).boxed())
}

/// A file on its way through.
struct Recoding {
    body: BoxStream<'static, Result<Bytes, BlobError>>,
    /// None at the end.
    transcoder: Option<Box<Transcoder>>,
}

impl Recoding {
    async fn next(&mut self) -> Result<Option<Bytes>, HttpError> {
        while let Some(mut transcoder) = self.transcoder.take() {
            let Some(bytes) = self.body.next().await else {
                let rest = on_cpu(move || transcoder.finish()).await?.map_err(refused)?;
                return Ok((!rest.is_empty()).then(|| rest.into()));
            };
            let bytes = bytes.map_err(|error| HttpError::from(ops::Error::from(error)))?;
            let work = move || transcoder.push(&bytes).map(|()| (transcoder.take(), transcoder));
            let (out, transcoder) = on_cpu(work).await?.map_err(refused)?;
            self.transcoder = Some(transcoder);
            if !out.is_empty() {
                return Ok(Some(out.into()));
            }
        }
        Ok(None)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn refused(error: crate::dicom::transcode::TranscodeError) -> HttpError {
    tracing::debug!(%error, "instance cannot be recoded");
    HttpError::NotAcceptable
}

/// A stored frame in another transfer syntax.
pub(super) fn frame(image: &Image, stored: &str, bytes: &[u8], wanted: &str) -> Result<Bytes, PixelError> {
    let unknown = PixelError::Unsupported { what: "the transfer syntax" };
    let encoding = PixelEncoding::of_transfer_syntax(wanted).ok_or(unknown)?;
    let decoded = decode(image, stored, bytes, &PixelLimits::default())?;
    encoded_image(&decoded.image, encoding)?;
    Ok(encode(&decoded.image, encoding, &decoded.bytes, QUALITY)?.bytes.into())
}

/// Of JPEG; losses of it are not seen.
const QUALITY: u8 = 90;
