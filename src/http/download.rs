//! Files that are streamed: with type, name, tag, conditional requests and one range.

use std::future::Future;
use std::io;
use std::ops::Range;

use actix_web::body::SizedStream;
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{Stream, stream};

use crate::base::Timestamp;

use super::HttpError;
use super::conditional::{EntityTag, is_not_modified, is_same_for_range, last_modified};
use super::disposition::{Disposition, content_disposition};
use super::range::{Asked, read};

/// A file to be handed out.
#[derive(Debug, Clone)]
pub struct Download {
    /// Media type.
    pub content_type: String,
    /// Length in bytes.
    pub total: u64,
    /// Tag of the bytes: strong, or ranges could be put together from two files.
    pub tag: EntityTag,
    /// When the bytes came to be.
    pub modified: Option<Timestamp>,
    /// The name it is saved under.
    pub name: String,
    /// Whether it is shown or saved.
    pub disposition: Disposition,
}

impl Download {
    /// The answer. `open` is called with the bytes that are asked for, unless none are, and gives them as
    /// a stream of just that length.
    pub async fn respond<O, F, S>(self, request: &HttpRequest, open: O) -> Result<HttpResponse, HttpError>
    where
        O: FnOnce(Range<u64>) -> F,
        F: Future<Output = Result<S, HttpError>>,
        S: Stream<Item = io::Result<Bytes>> + 'static,
    {
        if is_not_modified(request, &self.tag, self.modified) {
            let mut response = HttpResponse::new(StatusCode::NOT_MODIFIED);
            self.describe(&mut response);
            return Ok(response);
        }
        let range = match self.asked(request) {
            Asked::Outside => return Err(HttpError::RangeNotSatisfiable(self.total)),
            Asked::Whole => None,
            Asked::Part(range) => Some(range),
        };
        let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
        let part = range.clone().unwrap_or(0..self.total);
        let length = part.end - part.start;
        let mut builder = HttpResponse::build(status);
        let mut response = if *request.method() == Method::HEAD || length == 0 {
            builder.body(SizedStream::new(length, stream::empty::<io::Result<Bytes>>()))
        } else {
            builder.body(SizedStream::new(length, open(part).await?))
        };
        if let Some(range) = range {
            let value = format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), self.total);
            insert(&mut response, header::CONTENT_RANGE, HeaderValue::from_str(&value).ok());
        }
        insert(&mut response, header::CONTENT_TYPE, HeaderValue::from_str(&self.content_type).ok());
        insert(&mut response, header::CONTENT_DISPOSITION, Some(content_disposition(self.disposition, &self.name)));
        self.describe(&mut response);
        Ok(response)
    }

    /// Ranges are for GET (RFC 9110 §14.2) and only for bytes that the client has a part of.
    fn asked(&self, request: &HttpRequest) -> Asked {
        if *request.method() != Method::GET || !is_same_for_range(request, &self.tag, self.modified) {
            return Asked::Whole;
        }
        let mut fields = request.headers().get_all(header::RANGE);
        match (fields.next(), fields.next()) {
            (Some(field), None) => read(field.to_str().ok(), self.total),
            _ => Asked::Whole,
        }
    }

    fn describe(&self, response: &mut HttpResponse) {
        insert(response, header::ACCEPT_RANGES, Some(HeaderValue::from_static("bytes")));
        insert(response, header::ETAG, self.tag.to_header());
        insert(response, header::LAST_MODIFIED, self.modified.and_then(last_modified));
    }
}

fn insert(response: &mut HttpResponse, name: header::HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        response.headers_mut().insert(name, value);
    }
}
