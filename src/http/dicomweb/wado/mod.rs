//! WADO-RS: what is stored goes out. PS3.18 §10.4.

mod bulk;
mod document;
mod form;
mod frames;
mod instances;
mod metadata;
mod opened;
mod recode;
mod rendered;

pub(super) use bulk::retrieve as bulk;
pub(super) use document::is_report;
pub(super) use frames::retrieve as frames;
pub(super) use instances::retrieve as instances;
pub(super) use instances::{Sent, send};
pub(super) use metadata::retrieve as metadata;
pub(super) use rendered::{Asked, PICTURES, alone, is_document, of_frames, of_instance, of_study, page, thumbnail};

use std::io;

use actix_web::body::BodyStream;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{Stream, stream};

/// A body of unknown length; for HEAD none of it.
fn streamed<S>(request: &HttpRequest, status: StatusCode, content_type: &str, body: S) -> HttpResponse
where
    S: Stream<Item = io::Result<Bytes>> + 'static,
{
    let mut builder = HttpResponse::build(status);
    builder.content_type(content_type);
    if *request.method() == Method::HEAD {
        return builder.body(BodyStream::new(stream::empty::<io::Result<Bytes>>()));
    }
    builder.body(BodyStream::new(body))
}

/// Sets a field, where its value is one.
fn insert(response: &mut HttpResponse, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Says where the body is found by itself.
fn locate(response: &mut HttpResponse, location: &str) {
    insert(response, header::CONTENT_LOCATION, location);
}
