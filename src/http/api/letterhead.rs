//! Letterhead and logo: `/api/admin/letterhead`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::fhir::Json;
use crate::http::{ApiJson, Caller, HttpError};
use crate::ops::Ops;
use crate::ops::letterheads::LetterheadForm;

use super::json;
use super::rules::{expected, tagged};
use super::shape::{self, Kind, Member, any, optional, required};

/// `GET /api/admin/letterhead`
pub(super) async fn read(ops: web::Data<Ops>, caller: Caller) -> Result<HttpResponse, HttpError> {
    let (form, version) = ops.letterhead(&caller.actor).await?;
    let body = Json::from_serialize(&form).map_err(|_error| HttpError::Fault)?;
    Ok(tagged(json(StatusCode::OK, &body), version))
}

/// `PUT /api/admin/letterhead`
pub(super) async fn set(
    ops: web::Data<Ops>,
    caller: Caller,
    request: HttpRequest,
    body: ApiJson,
) -> Result<HttpResponse, HttpError> {
    let form: LetterheadForm = shape::read(&body.0, LETTERHEAD)?;
    ops.set_letterhead(&caller.actor, form, expected(&request)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

const LETTERHEAD: &[Member] = &[
    required(&["organization"], Kind::Text),
    optional(&["lines"], Kind::Texts(any, "")),
    optional(&["pageSize"], Kind::Text),
    optional(&["logo"], Kind::Text),
];
