//! Frames, one part each. PS3.18 §10.4.1.1.6.

use std::io;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::base::ProblemCode;
use crate::dicom::pixel::{FrameIndex, PixelEncoding, PixelLimits, decode};
use crate::http::{Caller, HttpError};
use crate::ops::Ops;

use super::super::accept::{Accept, WantedBulk};
use super::super::media::{OCTET_STREAM, takes};
use super::super::multipart::Boundary;
use super::super::place::{self, Named};
use super::form::{EXPLICIT, FrameForm, of_frames};
use super::opened::{Opened, of_pixels, on_cpu};
use super::rendered::one;
use super::{locate, recode, streamed};

/// `GET .../instances/{instance}/frames/{frames}`
pub(in crate::http::dicomweb) async fn retrieve(
    ops: web::Data<Ops>,
    caller: Caller,
    named: Named,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let numbers = numbers(request.match_info().get("frames").unwrap_or_default())?;
    let wanted = Accept::of(&request).bulk()?;
    let held = one(&ops, &caller, &named).await?;
    let opened = Opened::new(&ops, &caller.actor, held).await?;
    let header = opened.header().await?;
    let index = opened.frames(&header).await?;
    send(&request, opened, index, numbers, &wanted).await
}

/// All frames, as the bulk data of encapsulated pixels; of a video its one stream.
pub(super) async fn all(
    request: &HttpRequest,
    opened: Opened,
    wanted: &[WantedBulk],
) -> Result<HttpResponse, HttpError> {
    let header = opened.header().await?;
    let index = opened.frames(&header).await?;
    let count = if index.encoding().is_video() { 1 } else { u64::from(index.image().number_of_frames) };
    if index.encoding().is_video() {
        // As bulk data, unlike as a frame, it may go in a multipart.
        let media = index.encoding().media_type();
        let is_taken = |wanted: &&WantedBulk| {
            takes(&wanted.media, &media.to_ascii_lowercase()) || takes(&wanted.media, OCTET_STREAM)
        };
        let wanted = wanted.iter().find(is_taken).ok_or(HttpError::NotAcceptable)?;
        let source = Source { opened, index, form: FrameForm::Stored };
        return respond(request, source, vec![1], wanted.is_single).await;
    }
    send(request, opened, index, (1..=count).collect(), wanted).await
}

async fn send(
    request: &HttpRequest,
    opened: Opened,
    index: FrameIndex,
    numbers: Vec<u64>,
    wanted: &[WantedBulk],
) -> Result<HttpResponse, HttpError> {
    for number in &numbers {
        index.frame(*number).map_err(of_pixels)?;
    }
    let stored = opened.held.transfer_syntax_uid.as_str();
    let (form, is_single) = of_frames(stored, numbers.len(), wanted).ok_or(HttpError::NotAcceptable)?;
    respond(request, Source { opened, index, form }, numbers, is_single).await
}

async fn respond(
    request: &HttpRequest,
    source: Source,
    numbers: Vec<u64>,
    is_single: bool,
) -> Result<HttpResponse, HttpError> {
    let held = &source.opened.held;
    let base = place::base(&source.opened.ops, &source.opened.actor.tenant);
    let url = place::of_instance(&base, &held.study_instance_uid, &held.series_instance_uid, &held.sop_instance_uid);
    let (media, transfer_syntax) = described(&held.transfer_syntax_uid, source.index.encoding(), &source.form);
    let part_type = format!("{media}; transfer-syntax={transfer_syntax}");
    let mut numbers = numbers.into_iter();
    // The first one tells whether there are any to be had at all.
    let first = numbers.next().ok_or(HttpError::NotFound)?;
    let frame = source.frame(first).await?;
    let location = format!("{url}/frames/{first}");
    if is_single {
        let mut response = HttpResponse::build(StatusCode::OK).content_type(part_type).body(frame);
        locate(&mut response, &location);
        return Ok(response);
    }
    let boundary = Boundary::random();
    let content_type = boundary.content_type(&media);
    let head = boundary.before_part(true, &part_type, Some(&location), Some(frame.len() as u64));
    let end = boundary.end();
    let rest = stream::iter(numbers).then(move |number| {
        let (source, boundary, part_type) = (source.clone(), boundary.clone(), part_type.clone());
        let location = format!("{url}/frames/{number}");
        async move {
            let frame = source.frame(number).await.map_err(io::Error::other)?;
            let head = boundary.before_part(false, &part_type, Some(&location), Some(frame.len() as u64));
            Ok::<_, io::Error>(stream::iter([Ok(head), Ok(frame)]))
        }
    });
    let body = stream::iter([Ok(head), Ok(frame)]).chain(rest.try_flatten()).chain(stream::iter([Ok(end)]));
    Ok(streamed(request, StatusCode::OK, &content_type, body.boxed_local()))
}

/// Where frames come from, and how they go out.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) opened: Opened,
    pub(super) index: FrameIndex,
    pub(super) form: FrameForm,
}

impl Source {
    /// A frame in its form.
    pub(super) async fn frame(&self, number: u64) -> Result<Bytes, HttpError> {
        let stored = self.opened.frame(&self.index, number).await?;
        let (image, syntax) = (*self.index.image(), self.opened.held.transfer_syntax_uid.clone());
        match &self.form {
            FrameForm::Stored => Ok(stored),
            FrameForm::Decoded => {
                let work = move || decode(&image, &syntax, &stored, &PixelLimits::default());
                Ok(on_cpu(work).await?.map_err(of_pixels)?.bytes.into())
            }
            FrameForm::Encoded(uid) => {
                let uid = uid.clone();
                on_cpu(move || recode::frame(&image, &syntax, &stored, &uid)).await?.map_err(of_pixels)
            }
        }
    }
}

/// Media type and transfer syntax of frames in a form. What is stored natively in whatever byte order goes out as
/// Explicit VR Little Endian has it.
pub(super) fn described(stored: &str, encoding: PixelEncoding, form: &FrameForm) -> (String, String) {
    let uid = match form {
        FrameForm::Decoded => EXPLICIT,
        FrameForm::Encoded(uid) => uid,
        FrameForm::Stored => match encoding {
            PixelEncoding::Native
            | PixelEncoding::NativeBigEndian
            | PixelEncoding::Deflated
            | PixelEncoding::EncapsulatedNative => EXPLICIT,
            _ => stored,
        },
    };
    let media = PixelEncoding::of_transfer_syntax(uid).map_or(OCTET_STREAM, PixelEncoding::media_type);
    (media.to_owned(), uid.to_owned())
}

/// The numbers of a list of frames, in its order. PS3.18 §10.4.1.1.6: positive integers.
pub(super) fn numbers(list: &str) -> Result<Vec<u64>, HttpError> {
    let wrong = || HttpError::invalid("frames", ProblemCode::Value, "must be numbers with commas between them");
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // What is too long for a number is the number of no frame.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    list.split(',').map(number).collect::<Option<Vec<u64>>>().ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_frames_is_read_strictly() {
        assert_eq!(numbers("3,1,1"), Ok(vec![3, 1, 1]));
        assert_eq!(numbers("0"), Ok(vec![0]));
        assert_eq!(numbers("99999999999999999999999"), Ok(vec![u64::MAX]));
        for bad in ["", ",", "1,", "1;2", "-1", "+1", "a", "1-3", " 1"] {
            assert!(numbers(bad).is_err(), "{bad}");
        }
    }
}
