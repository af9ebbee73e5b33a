//! Pictures and pages for people: rendered resources and thumbnails. PS3.18 §10.4.1.1.3, §10.4.1.1.4.

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use dicom_dictionary_std::tags;

use crate::access::Actor;
use crate::base::Uid;
use crate::dicom::element::{self, DataSet};
use crate::dicom::pixel::render::{PictureFile, Presentation, RenderRequest, Viewport, animate, render};
use crate::dicom::pixel::{DecodedFrame, FrameIndex, PixelError, PixelLimits, decode};
use crate::http::{Caller, HttpError};
use crate::ops::Ops;
use crate::ops::studies::HeldInstance;

use super::super::accept::Accept;
use super::super::multipart::Boundary;
use super::super::place::{self, Named};
use super::super::rendering::Rendering;
use super::document::{self, is_report};
use super::frames::numbers;
use super::opened::{Opened, of_pixels, on_cpu};
use super::{bulk, locate};

/// `GET .../studies/{study}/rendered`, `.../series/{series}/rendered`: a picture of each series.
pub(in crate::http::dicomweb) async fn of_study(
    ops: web::Data<Ops>,
    caller: Caller,
    named: Named,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let asked = Rendering::of(&request)?;
    let accept = Accept::of(&request);
    let held = ops.held_instances(&caller.actor, &named.0).await?;
    let shown = of_each_series(&held);
    if shown.is_empty() {
        return Err(HttpError::NotAcceptable);
    }
    let base = place::base(&ops, &caller.actor.tenant);
    if let Some(media) = accept.choose_of_parts(PICTURES) {
        let boundary = Boundary::random();
        let mut body = Vec::new();
        let mut count = 0;
        for held in shown {
            let location = format!("{}/rendered", url_of(&base, held));
            let picture = picture(&ops, &caller, held.clone(), Asked { frame: None, media, rendering: &asked }).await;
            // What cannot be shown does not keep the rest back.
            let Ok(picture) = picture else { continue };
            let length = Some(picture.bytes.len() as u64);
            body.push(boundary.before_part(count == 0, picture.media, Some(&location), length));
            body.push(picture.bytes);
            count += 1;
        }
        if count == 0 {
            return Err(HttpError::NotAcceptable);
        }
        body.push(boundary.end());
        let mut response = HttpResponse::build(StatusCode::OK);
        return Ok(asked.warned(response.content_type(boundary.content_type(media)).body(body.concat()), &base));
    }
    let media = accept.choose(PICTURES)?;
    let first = shown.into_iter().next().ok_or(HttpError::NotAcceptable)?.clone();
    alone(&ops, &caller, first, Asked { frame: None, media, rendering: &asked }).await
}

/// `GET .../instances/{instance}/rendered`: a picture, an animation, or the page of a document.
pub(in crate::http::dicomweb) async fn of_instance(
    ops: web::Data<Ops>,
    caller: Caller,
    named: Named,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let asked = Rendering::of(&request)?;
    let accept = Accept::of(&request);
    let held = one(&ops, &caller, &named).await?;
    if is_document(&held.sop_class_uid) || is_report(&held) {
        return page(&ops, &caller.actor, &request, held, &accept).await;
    }
    // Movement is what a picture of several frames is for.
    let offers = if held.number_of_frames.unwrap_or(1) > 1 { MOVING_PICTURES } else { PICTURES };
    let media = accept.choose(offers)?;
    alone(&ops, &caller, held, Asked { frame: None, media, rendering: &asked }).await
}

/// `GET .../frames/{frames}/rendered`: one picture, or an animation of several.
pub(in crate::http::dicomweb) async fn of_frames(
    ops: web::Data<Ops>,
    caller: Caller,
    named: Named,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let asked = Rendering::of(&request)?;
    let numbers = numbers(request.match_info().get("frames").unwrap_or_default())?;
    let held = one(&ops, &caller, &named).await?;
    let accept = Accept::of(&request);
    if let [number] = numbers.as_slice() {
        let media = accept.choose(PICTURES)?;
        return alone(&ops, &caller, held, Asked { frame: Some(*number), media, rendering: &asked }).await;
    }
    accept.choose(&[GIF])?;
    let base = place::base(&ops, &caller.actor.tenant);
    let url = url_of(&base, &held);
    let opened = Opened::new(&ops, &caller.actor, held).await?;
    let header = opened.header().await?;
    let index = opened.frames(&header).await?;
    let picture = moving(&opened, header, index, numbers, &asked).await?;
    Ok(asked.warned(picture.into_response(&url), &base))
}

/// `GET .../thumbnail` of a study, a series, an instance or a frame: a small picture.
pub(in crate::http::dicomweb) async fn thumbnail(
    ops: web::Data<Ops>,
    caller: Caller,
    named: Named,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let mut asked = Rendering::of(&request)?;
    let media = Accept::of(&request).choose(PICTURES)?;
    let frame = match request.match_info().get("frames").map(numbers).transpose()?.as_deref() {
        None => None,
        Some([number]) => Some(*number),
        Some(_) => return Err(HttpError::NotFound),
    };
    let side = Viewport { width: Some(THUMBNAIL_PX), height: Some(THUMBNAIL_PX), source: None };
    asked.request.viewport.get_or_insert(side);
    let held = ops.held_instances(&caller.actor, &named.0).await?;
    let shown = of_each_series(&held).into_iter().next().ok_or(HttpError::NotAcceptable)?.clone();
    alone(&ops, &caller, shown, Asked { frame, media, rendering: &asked }).await
}

/// What is asked of a picture.
#[derive(Debug, Clone, Copy)]
pub(in crate::http::dicomweb) struct Asked<'a> {
    /// Which frame, counted from 1; the first, or all of an animation, where it is not said.
    pub(in crate::http::dicomweb) frame: Option<u64>,
    /// In which media type.
    pub(in crate::http::dicomweb) media: &'static str,
    /// And how.
    pub(in crate::http::dicomweb) rendering: &'a Rendering,
}

/// The picture of an instance as a body of its own, with a Warning where something that was asked for is not in it.
pub(in crate::http::dicomweb) async fn alone(
    ops: &Ops,
    caller: &Caller,
    held: HeldInstance,
    asked: Asked<'_>,
) -> Result<HttpResponse, HttpError> {
    let base = place::base(ops, &caller.actor.tenant);
    let url = url_of(&base, &held);
    let picture = picture(ops, caller, held, asked).await?;
    Ok(asked.rendering.warned(picture.into_response(&url), &base))
}

/// A picture as a file.
struct Picture {
    media: &'static str,
    bytes: Bytes,
}

impl Picture {
    /// As a body of its own; `url` is that of the instance.
    fn into_response(self, url: &str) -> HttpResponse {
        let mut response = HttpResponse::build(StatusCode::OK).content_type(self.media).body(self.bytes);
        locate(&mut response, &format!("{url}/rendered"));
        response
    }
}

/// The picture of an instance that has pixels.
async fn picture(ops: &Ops, caller: &Caller, held: HeldInstance, asked: Asked<'_>) -> Result<Picture, HttpError> {
    let opened = Opened::new(ops, &caller.actor, held).await?;
    if !opened.has_pixels() {
        return Err(HttpError::NotAcceptable);
    }
    let header = opened.header().await?;
    let index = opened.frames(&header).await?;
    let frames = u64::from(index.image().number_of_frames);
    if let (None, GIF, 2..) = (asked.frame, asked.media, frames) {
        return moving(&opened, header, index, (1..=frames).collect(), asked.rendering).await;
    }
    let number = asked.frame.unwrap_or(1);
    let stored = opened.frame(&index, number).await?;
    let (request, file) = (asked.rendering.request, asked.rendering.file(asked.media));
    let syntax = opened.held.transfer_syntax_uid.clone();
    let work = move || {
        let decoded = decode(index.image(), &syntax, &stored, &PixelLimits::default())?;
        let presentation = Presentation::of(&header, &decoded.image, number);
        file.write(&render(&decoded, &presentation, &request)?)
    };
    let bytes = on_cpu(work).await?.map_err(of_pixels)?;
    Ok(Picture { media: file.media_type(), bytes: bytes.into() })
}

/// An animation of some frames.
async fn moving(
    opened: &Opened,
    header: DataSet,
    index: FrameIndex,
    numbers: Vec<u64>,
    asked: &Rendering,
) -> Result<Picture, HttpError> {
    let image = *index.image();
    let pixels = image.pixels().saturating_mul(numbers.len() as u64);
    if pixels > MAX_MOVING_PIXELS {
        return Err(HttpError::NotAcceptable);
    }
    let mut stored = Vec::with_capacity(numbers.len());
    for number in &numbers {
        stored.push((*number, opened.frame(&index, *number).await?));
    }
    let (request, syntax) = (asked.request, opened.held.transfer_syntax_uid.clone());
    let frame_ms = element::text(&header, tags::FRAME_TIME)
        .and_then(|text| std::time::Duration::try_from_secs_f64(text.parse::<f64>().ok()? / 1000.0).ok())
        .and_then(|time| u32::try_from(time.as_millis()).ok())
        .filter(|time| (1..60_000).contains(time))
        .unwrap_or(FRAME_MS);
    let work = move || {
        let pictures = stored.into_iter().map(|(number, bytes)| {
            let decoded: DecodedFrame = decode(&image, &syntax, &bytes, &PixelLimits::default())?;
            let presentation = Presentation::of(&header, &decoded.image, number);
            render(&decoded, &presentation, &RenderRequest { ..request })
        });
        animate::<PixelError>(pictures, frame_ms)
    };
    let bytes = on_cpu(work).await?.map_err(of_pixels)?;
    Ok(Picture { media: PictureFile::Gif.media_type(), bytes: bytes.into() })
}

/// The page of a document or of a structured report.
pub(in crate::http::dicomweb) async fn page(
    ops: &Ops,
    actor: &Actor,
    request: &HttpRequest,
    held: HeldInstance,
    accept: &Accept,
) -> Result<HttpResponse, HttpError> {
    if is_report(&held) {
        return document::report(ops, actor, held, accept).await;
    }
    bulk::document(ops, actor, request, held, accept).await
}

/// The one instance of a path.
pub(in crate::http::dicomweb) async fn one(
    ops: &Ops,
    caller: &Caller,
    named: &Named,
) -> Result<HeldInstance, HttpError> {
    ops.held_instances(&caller.actor, &named.0).await?.into_iter().next().ok_or(HttpError::NotFound)
}

/// Of each series that has images, the one in its middle.
fn of_each_series(held: &[HeldInstance]) -> Vec<&HeldInstance> {
    let images: Vec<&HeldInstance> = held.iter().filter(|held| held.rows.is_some_and(|rows| rows > 0)).collect();
    let series = images.chunk_by(|one, next| one.series_instance_uid == next.series_instance_uid);
    series.filter_map(|series| series.get(series.len() / 2).copied()).collect()
}

fn url_of(base: &str, held: &HeldInstance) -> String {
    place::of_instance(base, &held.study_instance_uid, &held.series_instance_uid, &held.sop_instance_uid)
}

/// Whether the instance is a document as a whole: Encapsulated PDF, CDA, STL, OBJ, MTL. PS3.6 Table A-1.
pub(in crate::http::dicomweb) fn is_document(sop_class_uid: &Uid) -> bool {
    sop_class_uid.as_str().starts_with("1.2.840.10008.5.1.4.1.1.104.")
}

/// The forms of pictures, ours preferred first.
pub(in crate::http::dicomweb) const PICTURES: &[&str] = &["image/jpeg", "image/png", GIF];
const MOVING_PICTURES: &[&str] = &[GIF, "image/jpeg", "image/png"];
const GIF: &str = "image/gif";
/// Longest side of a thumbnail.
const THUMBNAIL_PX: u32 = 128;
/// Time of a frame where the data set does not say it.
const FRAME_MS: u32 = 100;
/// Most pixels of all frames of an animation together.
const MAX_MOVING_PIXELS: u64 = 200_000_000;
