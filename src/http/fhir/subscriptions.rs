//! The operations on subscriptions: `$status`, `$events`, `$get-ws-binding-token`. Subscriptions R5 Backport IG 1.1.0,
//! OperationDefinitions of R4. GET and POST alike.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::base::{LogicalId, ProblemCode};
use crate::fhir::subscription::{Content, Status};
use crate::fhir::terminology::Inputs;
use crate::fhir::{Json, JsonLimits, Object};
use crate::http::{Caller, FHIR_JSON, HttpError, OptionalFhirJson, Params, fhir_format};
use crate::ops::Ops;
use crate::ops::subscriptions::EventQuery;

use super::read::logical_id;

/// `/fhir/r4/Subscription/$status`
pub(super) async fn status(
    ops: web::Data<Ops>,
    caller: Caller,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    let mut inputs = inputs(&request, &body)?;
    let ids = ids(&mut inputs);
    let codes = inputs.texts("status");
    let mut statuses = Vec::with_capacity(codes.len());
    for code in codes.iter().flat_map(|code| code.split(',')) {
        match Status::parse(code.trim()) {
            Some(status) => statuses.push(status),
            None => inputs.refuse("status", ProblemCode::CodeInvalid, "is not the status of a Subscription"),
        }
    }
    let (ids, statuses) = inputs.finish(Some((ids, statuses)))?;
    answer(&request, &ops.subscription_status(&caller.actor, &ids, &statuses).await?)
}

/// `/fhir/r4/Subscription/{id}/$status`
pub(super) async fn status_of_one(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    let id = logical_id(&path)?;
    nothing_else(inputs(&request, &body)?, &["id", "status"])?;
    answer(&request, &ops.status_of_subscription(&caller.actor, &id).await?)
}

/// `/fhir/r4/Subscription/{id}/$events`
pub(super) async fn events(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    let id = logical_id(&path)?;
    let mut inputs = inputs(&request, &body)?;
    let since = number(&mut inputs, "eventsSinceNumber");
    let until = number(&mut inputs, "eventsUntilNumber");
    let content = inputs.text("content").and_then(|code| {
        let content = Content::parse(&code);
        if content.is_none() {
            inputs.refuse("content", ProblemCode::CodeInvalid, "is not empty, id-only or full-resource");
        }
        content
    });
    let query = inputs.finish(Some(EventQuery { since, until, content }))?;
    let text = ops.subscription_events(&caller.actor, &id, query).await?;
    if !fhir_format(&request)?.is_pretty {
        return Ok(HttpResponse::Ok().content_type(FHIR_JSON).body(text));
    }
    let bundle = Json::parse(&text, &JsonLimits::default()).map_err(|_error| HttpError::Fault)?;
    answer(&request, &bundle)
}

/// `/fhir/r4/Subscription/$get-ws-binding-token`
pub(super) async fn binding_token(
    ops: web::Data<Ops>,
    caller: Caller,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    let mut inputs = inputs(&request, &body)?;
    let ids = ids(&mut inputs);
    let ids = inputs.finish(Some(ids))?;
    bind(&ops, &caller, &request, &ids).await
}

/// `/fhir/r4/Subscription/{id}/$get-ws-binding-token`
pub(super) async fn binding_token_of_one(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    let id = logical_id(&path)?;
    nothing_else(inputs(&request, &body)?, &["id"])?;
    bind(&ops, &caller, &request, &[id]).await
}

async fn bind(ops: &Ops, caller: &Caller, request: &HttpRequest, ids: &[LogicalId]) -> Result<HttpResponse, HttpError> {
    let binding = ops.bind_socket(&caller.actor, ids).await?;
    let parameter = |name: &str, key: &str, value: &str| {
        Json::from(Object::new().with("name", Json::string(name)).with(key, Json::string(value)))
    };
    let mut parameters = vec![
        parameter("token", "valueString", &binding.token),
        parameter("expiration", "valueDateTime", &binding.expires_at.to_fhir()),
    ];
    parameters.extend(binding.subscriptions.iter().map(|id| parameter("subscription", "valueString", id.as_str())));
    parameters.push(parameter("websocket-url", "valueUrl", &binding.url));
    let found = Object::new().with("resourceType", Json::string("Parameters")).with_items("parameter", parameters);
    answer(request, &found.into())
}

fn inputs(request: &HttpRequest, body: &OptionalFhirJson) -> Result<Inputs, HttpError> {
    let query = url::form_urlencoded::parse(request.query_string().as_bytes());
    let query = query.map(|(name, value)| (name.into_owned(), value.into_owned()));
    Ok(Inputs::read(query, body.0.as_ref(), None)?)
}

/// Parameters that the IG ignores for one instance may be there; others may not.
fn nothing_else(mut inputs: Inputs, ignored: &[&str]) -> Result<(), HttpError> {
    for name in ignored {
        inputs.texts(name);
    }
    Ok(inputs.finish(Some(()))?)
}

fn ids(inputs: &mut Inputs) -> Vec<LogicalId> {
    let texts = inputs.texts("id");
    let mut ids = Vec::with_capacity(texts.len());
    for text in texts.iter().flat_map(|text| text.split(',')) {
        let text = text.trim();
        match LogicalId::parse(text.strip_prefix("Subscription/").unwrap_or(text)) {
            Ok(id) => ids.push(id),
            Err(error) => inputs.refuse("id", ProblemCode::Value, error.to_string()),
        }
    }
    ids
}

/// The number of an event: R4 has no integer64, so it comes as a string.
fn number(inputs: &mut Inputs, name: &str) -> Option<i64> {
    let text = inputs.text(name)?;
    let number = text.trim().parse::<i64>().ok().filter(|number| *number >= 0);
    if number.is_none() {
        inputs.refuse(name, ProblemCode::Value, "is not the number of an event");
    }
    number
}

fn answer(request: &HttpRequest, resource: &Json) -> Result<HttpResponse, HttpError> {
    let text = if fhir_format(request)?.is_pretty { resource.to_pretty() } else { resource.to_text() };
    Ok(HttpResponse::Ok().content_type(FHIR_JSON).body(text))
}
