//! The metadata of studies, series and instances. PS3.18 §10.4.1.1.2.

use std::io;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::TryStreamExt as _;

use crate::http::{Caller, EntityTag, HttpError, is_not_modified};
use crate::ops::Ops;

use super::super::accept::Accept;
use super::super::place::{self, Named};
use super::super::stale;
use super::{insert, streamed};

/// `GET .../metadata` of a study, a series or an instance.
pub(in crate::http::dicomweb) async fn retrieve(
    ops: web::Data<Ops>,
    caller: Caller,
    named: Named,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let media_type = Accept::of(&request).json()?;
    let metadata = ops.study_metadata(&caller.actor, &named.0).await?;
    // Packed on the way, the bytes are others: then the tag says only that they mean the same.
    let fields = request.headers().get_all(header::ACCEPT_ENCODING);
    let is_packed = fields.filter_map(|field| field.to_str().ok()).any(|field| field.contains("gzip"));
    let tag = EntityTag { is_weak: is_packed, tag: metadata.digest.to_hex() };
    let mut response = if is_not_modified(&request, &tag, None) {
        HttpResponse::new(StatusCode::NOT_MODIFIED)
    } else {
        let body = metadata.body(&place::base(&ops, &caller.actor.tenant)).map_err(io::Error::other);
        streamed(&request, StatusCode::OK, media_type, body)
    };
    insert(&mut response, header::ETAG, &tag.to_string());
    stale::mark(&mut response, &ops, &caller.actor).await?;
    Ok(response)
}
