//! Bulk data by its URI: values of the data set that metadata leaves out. PS3.18 §10.4.1.1.5.

use std::io;
use std::ops::Range;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use futures_util::stream::{self, BoxStream, StreamExt as _};

use crate::access::Actor;
use crate::base::ProblemCode;
use crate::dicom::element::{self, DataSet};
use crate::dicom::header::{Bulk, Step};
use crate::dicom::json;
use crate::dicom::pixel::little_endian;
use crate::http::{Caller, Disposition, Download, EntityTag, HttpError};
use crate::ops::Ops;
use crate::ops::studies::HeldInstance;

use super::super::accept::{Accept, WantedBulk};
use super::super::media::{Media, OCTET_STREAM, Syntaxes, takes};
use super::super::multipart::Boundary;
use super::super::place::{self, Named};
use super::form::EXPLICIT;
use super::opened::Opened;
use super::rendered::{is_document, one};
use super::{frames, locate, streamed};

/// `GET .../instances/{instance}/bulkdata/{way}`
pub(in crate::http::dicomweb) async fn retrieve(
    ops: web::Data<Ops>,
    caller: Caller,
    named: Named,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let way = way(request.match_info().get("way").unwrap_or_default())?;
    let accept = Accept::of(&request);
    let held = one(&ops, &caller, &named).await?;
    if way == [(tags::ENCAPSULATED_DOCUMENT, None)] && is_document(&held.sop_class_uid) {
        return document(&ops, &caller.actor, &request, held, &accept).await;
    }
    let wanted = accept.bulk()?;
    let (vr, bulk) = ops.bulk_value(&caller.actor, &held, &way).await?;
    let opened = Opened::new(&ops, &caller.actor, held).await?;
    if bulk.length.is_none() {
        return frames::all(&request, opened, &wanted).await;
    }
    let value = Value::of(&opened, vr, bulk)?;
    let is_single = form(&wanted).ok_or(HttpError::NotAcceptable)?;
    if is_single {
        return value.alone(&request, &opened, OCTET_STREAM.to_owned()).await;
    }
    let boundary = Boundary::random();
    let base = place::base(&ops, &caller.actor.tenant);
    let location = format!("{base}{}", suffix(&request));
    let part_type = format!("{OCTET_STREAM}; transfer-syntax={EXPLICIT}");
    let head = boundary.before_part(true, &part_type, Some(&location), Some(value.length()));
    let body = value.bytes(&opened, 0..value.length()).await?;
    let body = stream::iter([Ok(head)]).chain(body).chain(stream::iter([Ok(boundary.end())]));
    Ok(streamed(&request, StatusCode::OK, &boundary.content_type(OCTET_STREAM), body))
}

/// The document of an instance, in its own media type and without the byte that fills it up. PS3.3 §C.24.2.
pub(super) async fn document(
    ops: &Ops,
    actor: &Actor,
    request: &HttpRequest,
    held: HeldInstance,
    accept: &Accept,
) -> Result<HttpResponse, HttpError> {
    let opened = Opened::new(ops, actor, held).await?;
    let header = opened.described().await?;
    let named = element::text(&header, tags::MIME_TYPE_OF_ENCAPSULATED_DOCUMENT);
    let media =
        named.as_deref().and_then(Media::parse).map_or_else(|| PDF.to_owned(), |media| media.essence().to_owned());
    let way = [(tags::ENCAPSULATED_DOCUMENT, None)];
    let mut value = match ops.bulk_value(actor, &opened.held, &way).await {
        Ok((vr, bulk)) => Value::of(&opened, vr, bulk)?,
        // Short ones stand in the metadata itself.
        Err(crate::ops::Error::NotFound) => Value::inline(&header)?,
        Err(error) => return Err(error.into()),
    };
    let length = header.get(tags::ENCAPSULATED_DOCUMENT_LENGTH).and_then(|length| length.to_int::<u64>().ok());
    value.cut(length);
    // Alone wherever it may be: nobody looks for a document in a multipart.
    if let Ok(chosen) = accept.choose(&[&media, OCTET_STREAM]) {
        return value.alone(request, &opened, chosen.to_owned()).await;
    }
    let in_parts =
        |wanted: &WantedBulk| !wanted.is_single && (takes(&wanted.media, &media) || takes(&wanted.media, OCTET_STREAM));
    if !accept.bulk()?.iter().any(in_parts) {
        return Err(HttpError::NotAcceptable);
    }
    let boundary = Boundary::random();
    let head = boundary.before_part(true, &media, None, Some(value.length()));
    let body = value.bytes(&opened, 0..value.length()).await?;
    let body = stream::iter([Ok(head)]).chain(body).chain(stream::iter([Ok(boundary.end())]));
    Ok(streamed(request, StatusCode::OK, &boundary.content_type(&media), body))
}

/// A long value.
#[derive(Debug, Clone)]
enum Value {
    /// Bytes as they are, at this place.
    Stored(Range<u64>),
    /// In memory, from the metadata.
    Inline(Bytes),
    /// Numbers that are turned around: their place, and how long each is.
    Turned(Range<u64>, usize),
}

impl Value {
    fn of(opened: &Opened, vr: VR, bulk: Bulk) -> Result<Self, HttpError> {
        let length = bulk.length.ok_or(HttpError::NotFound)?;
        let begin = opened.data_set_offset().saturating_add(bulk.offset);
        let place = begin..begin.saturating_add(length);
        let unit = match vr {
            VR::OW | VR::US | VR::SS => 2,
            VR::OF | VR::OL | VR::FL | VR::SL | VR::UL => 4,
            VR::OD | VR::OV | VR::FD | VR::SV | VR::UV => 8,
            _ => 1,
        };
        Ok(if bulk.is_big_endian && unit > 1 { Self::Turned(place, unit) } else { Self::Stored(place) })
    }

    /// The document, where it was short enough to stay in the metadata.
    fn inline(header: &DataSet) -> Result<Self, HttpError> {
        let element = header.get(tags::ENCAPSULATED_DOCUMENT).ok_or(HttpError::NotFound)?;
        let bytes = element.to_bytes().map_err(|_error| HttpError::NotFound)?;
        Ok(Self::Inline(Bytes::from(bytes.into_owned())))
    }

    fn length(&self) -> u64 {
        match self {
            Self::Stored(place) | Self::Turned(place, _) => place.end.saturating_sub(place.start),
            Self::Inline(bytes) => bytes.len() as u64,
        }
    }

    /// Only the first `length` bytes, where it has as many.
    fn cut(&mut self, length: Option<u64>) {
        let Some(length) = length.filter(|length| *length > 0 && *length < self.length()) else { return };
        match self {
            Self::Stored(place) | Self::Turned(place, _) => place.end = place.start + length,
            Self::Inline(bytes) => bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX)),
        }
    }

    /// Some of its bytes.
    async fn bytes(
        &self,
        opened: &Opened,
        part: Range<u64>,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, HttpError> {
        let whole = match self {
            Self::Stored(place) => {
                return opened.stream(place.start + part.start..place.start + part.end).await;
            }
            Self::Inline(bytes) => bytes.clone(),
            Self::Turned(place, unit) => {
                let mut bytes = opened.read(place.clone()).await?.to_vec();
                little_endian(&mut bytes, *unit);
                bytes.into()
            }
        };
        let bounds = usize::try_from(part.start).ok().zip(usize::try_from(part.end).ok());
        let bytes = bounds.filter(|(_, end)| *end <= whole.len()).map(|(start, end)| whole.slice(start..end));
        let bytes = bytes.ok_or(HttpError::Fault)?;
        Ok(stream::iter([Ok(bytes)]).boxed())
    }

    /// As a body of its own, of which a range may be asked for.
    async fn alone(
        &self,
        request: &HttpRequest,
        opened: &Opened,
        content_type: String,
    ) -> Result<HttpResponse, HttpError> {
        let held = &opened.held;
        let is_pdf = content_type == PDF;
        let place = match self {
            Self::Stored(place) | Self::Turned(place, _) => place.start,
            Self::Inline(_) => 0,
        };
        let download = Download {
            content_type,
            total: self.length(),
            tag: EntityTag::strong(format!("{}.{place}", held.blob.digest.to_hex())),
            modified: Some(held.received_at),
            name: format!("{}.{}", held.sop_instance_uid, if is_pdf { "pdf" } else { "bin" }),
            disposition: if is_pdf { Disposition::Inline } else { Disposition::Attachment },
        };
        let mut response = download.respond(request, |part| self.bytes(opened, part)).await?;
        let base = place::base(&opened.ops, &opened.actor.tenant);
        locate(&mut response, &format!("{base}{}", suffix(request)));
        Ok(response)
    }
}

/// Whether the first form in which bytes are taken is a body of their own.
fn form(wanted: &[WantedBulk]) -> Option<bool> {
    wanted.iter().find_map(|wanted| {
        let is_plain = match &wanted.syntaxes {
            Syntaxes::Default | Syntaxes::Any => true,
            Syntaxes::One(uid) => uid == EXPLICIT,
        };
        (takes(&wanted.media, OCTET_STREAM) && is_plain).then_some(wanted.is_single)
    })
}

/// What of the path stands behind the base.
fn suffix(request: &HttpRequest) -> String {
    let path = request.path();
    path.find("/studies/").and_then(|at| path.get(at..)).unwrap_or_default().to_owned()
}

/// The way to a value, as a `BulkDataURI` has it: tags, with numbers of items between them.
fn way(text: &str) -> Result<Vec<Step>, HttpError> {
    let wrong =
        || HttpError::invalid("bulkdata", ProblemCode::Value, "must be tags with numbers of items between them");
    let mut parts = text.split('/');
    let mut way = Vec::new();
    loop {
        let tag: Tag = parts.next().and_then(|tag| json::tag(tag).ok()).ok_or_else(wrong)?;
        let item = parts.next().map(|item| item.parse::<u32>().ok().filter(|item| *item > 0).ok_or_else(wrong));
        let item = item.transpose()?;
        way.push((tag, item));
        if item.is_none() {
            return Ok(way);
        }
        if way.len() > MAX_STEPS {
            return Err(wrong());
        }
    }
}

const PDF: &str = "application/pdf";
/// Longest way.
const MAX_STEPS: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_way_leads_through_items() {
        assert_eq!(way("7FE00010"), Ok(vec![(tags::PIXEL_DATA, None)]));
        let steps = vec![(tags::WAVEFORM_SEQUENCE, Some(2)), (tags::WAVEFORM_DATA, None)];
        assert_eq!(way("54000100/2/54001010"), Ok(steps));
        for bad in ["", "7FE0001", "7FE00010/", "7FE00010/1", "54000100/0/54001010", "54000100/x/54001010", "../x"] {
            assert!(way(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bytes_go_alone_or_in_parts() {
        let found = |text: &str| form(&Accept::parse(text).bulk().unwrap_or_default());
        assert_eq!(found(""), Some(false));
        assert_eq!(found("application/octet-stream"), Some(true));
        assert_eq!(found("multipart/related; type=application/octet-stream; transfer-syntax=*"), Some(false));
        assert_eq!(found("image/jpeg"), None);
        assert_eq!(found("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.5"), None);
    }

    proptest! {
        #[test]
        fn any_way_is_read_without_panic(text in "[0-9A-F/]{0,40}|\\PC{0,20}") {
            let _ = way(&text);
        }
    }
}
