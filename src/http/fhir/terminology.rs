//! The operations on code systems and value sets. R4 terminology-service.html. GET and POST alike; where
//! the type has no such operation, there is none.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::base::LogicalId;
use crate::fhir::Json;
use crate::fhir::terminology::{Inputs, Kind};
use crate::http::{Caller, FHIR_JSON, HttpError, OptionalFhirJson, Params, fhir_format};
use crate::ops::Ops;

use super::read::{known, logical_id};

/// `/fhir/r4/ValueSet/$expand`
pub(super) async fn expand(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    expand_one(&ops, &caller, (&path, None), &request, body).await
}

/// `/fhir/r4/ValueSet/{id}/$expand`
pub(super) async fn expand_stored(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String)>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    let (kind, id) = path.into_inner();
    expand_one(&ops, &caller, (&kind, Some(logical_id(&id)?)), &request, body).await
}

async fn expand_one(
    ops: &Ops,
    caller: &Caller,
    (kind, id): (&str, Option<LogicalId>),
    request: &HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    match of_type(kind)? {
        Kind::ValueSet => {
            let inputs = inputs(request, &body, Some(("ValueSet", "valueSet")))?;
            answer(request, &ops.expand_value_set(&caller.actor, id.as_ref(), inputs).await?)
        }
        Kind::CodeSystem => Err(HttpError::no_operation()),
    }
}

/// `/fhir/r4/{ValueSet,CodeSystem}/$validate-code`
pub(super) async fn validate_code(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    validate_one(&ops, &caller, (&path, None), &request, body).await
}

/// `/fhir/r4/{ValueSet,CodeSystem}/{id}/$validate-code`
pub(super) async fn validate_code_stored(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String)>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    let (kind, id) = path.into_inner();
    validate_one(&ops, &caller, (&kind, Some(logical_id(&id)?)), &request, body).await
}

async fn validate_one(
    ops: &Ops,
    caller: &Caller,
    (kind, id): (&str, Option<LogicalId>),
    request: &HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    let found = match of_type(kind)? {
        Kind::ValueSet => {
            let inputs = inputs(request, &body, Some(("ValueSet", "valueSet")))?;
            ops.validate_in_value_set(&caller.actor, id.as_ref(), inputs).await?
        }
        Kind::CodeSystem => {
            let inputs = inputs(request, &body, Some(("CodeSystem", "codeSystem")))?;
            ops.validate_in_code_system(&caller.actor, id.as_ref(), inputs).await?
        }
    };
    answer(request, &found)
}

/// `/fhir/r4/CodeSystem/$lookup`
pub(super) async fn lookup(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    match of_type(&path)? {
        Kind::CodeSystem => {
            let inputs = inputs(&request, &body, None)?;
            answer(&request, &ops.look_up_code(&caller.actor, inputs).await?)
        }
        Kind::ValueSet => Err(HttpError::no_operation()),
    }
}

/// `/fhir/r4/CodeSystem/$subsumes`
pub(super) async fn subsumes(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    subsumes_one(&ops, &caller, (&path, None), &request, body).await
}

/// `/fhir/r4/CodeSystem/{id}/$subsumes`
pub(super) async fn subsumes_stored(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String)>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    let (kind, id) = path.into_inner();
    subsumes_one(&ops, &caller, (&kind, Some(logical_id(&id)?)), &request, body).await
}

async fn subsumes_one(
    ops: &Ops,
    caller: &Caller,
    (kind, id): (&str, Option<LogicalId>),
    request: &HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    match of_type(kind)? {
        Kind::CodeSystem => {
            let inputs = inputs(request, &body, None)?;
            answer(request, &ops.compare_codes(&caller.actor, id.as_ref(), inputs).await?)
        }
        Kind::ValueSet => Err(HttpError::no_operation()),
    }
}

/// The type that has operations here.
fn of_type(kind: &str) -> Result<Kind, HttpError> {
    match known(kind)? {
        "ValueSet" => Ok(Kind::ValueSet),
        "CodeSystem" => Ok(Kind::CodeSystem),
        _ => Err(HttpError::no_operation()),
    }
}

fn inputs(request: &HttpRequest, body: &OptionalFhirJson, whole: Option<(&str, &str)>) -> Result<Inputs, HttpError> {
    let query = url::form_urlencoded::parse(request.query_string().as_bytes());
    let query = query.map(|(name, value)| (name.into_owned(), value.into_owned()));
    Ok(Inputs::read(query, body.0.as_ref(), whole)?)
}

fn answer(request: &HttpRequest, resource: &Json) -> Result<HttpResponse, HttpError> {
    let text = if fhir_format(request)?.is_pretty { resource.to_pretty() } else { resource.to_text() };
    Ok(HttpResponse::Ok().content_type(FHIR_JSON).body(text))
}
