//! What operations have in common: their parameters, and a search set as their answer. R4 operations.html#executing.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

use crate::base::{LogicalId, ProblemCode};
use crate::fhir::terminology::Inputs;
use crate::http::{Caller, FHIR_JSON, HttpError, OptionalFhirJson, fhir_format};
use crate::ops::Ops;
use crate::ops::resources::SearchPage;
use crate::report::fhir::bundle::fhir_base;

use super::read::{known, shown};
use super::search::{bundle, parameters};

/// The parameters of a request, of its URL and of the Parameters in its body.
pub(super) fn inputs(request: &HttpRequest, body: &OptionalFhirJson) -> Result<Inputs, HttpError> {
    Ok(Inputs::read(parameters(request.query_string())?, body.0.as_ref(), None)?)
}

/// Refuses an operation of another type.
pub(super) fn of_type(kind: &str, expected: &str) -> Result<(), HttpError> {
    if known(kind)? == expected { Ok(()) } else { Err(HttpError::no_operation()) }
}

/// The id of a patient: `1` or `Patient/1`.
pub(super) fn patient_id(name: &str, text: &str) -> Result<LogicalId, HttpError> {
    LogicalId::parse(text.strip_prefix("Patient/").unwrap_or(text))
        .map_err(|_form| HttpError::invalid(name, ProblemCode::Value, "is the id of a patient"))
}

/// A page of what was found; `path` below the base is where the next one is.
pub(super) fn answer(
    ops: &Ops,
    caller: &Caller,
    request: &HttpRequest,
    (path, cursor): (&str, Option<&str>),
    page: &SearchPage,
) -> Result<HttpResponse, HttpError> {
    let format = fhir_format(request)?;
    let base = fhir_base(&ops.base_url(&caller.actor.tenant));
    let body = bundle(&base, &format!("{base}/{path}"), cursor, page)?;
    Ok(HttpResponse::Ok()
        .content_type(FHIR_JSON)
        .insert_header((header::VARY, "Accept, Authorization"))
        .body(shown(body, format)?))
}
