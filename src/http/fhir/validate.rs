//! `$validate`. R4 resource-operation-validate.html: 200 whenever the validation ran, whatever it found.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::base::{LogicalId, ProblemCode, Problems};
use crate::fhir::outcome::{Issue, Severity, outcome};
use crate::fhir::{Json, structure};
use crate::http::{Caller, FHIR_JSON, HttpError, OptionalFhirJson, Params, fhir_format};
use crate::ops::Ops;
use crate::ops::validation::{ValidationMode, ValidationRequest};

use super::read::{known, logical_id};

/// `/fhir/r4/{type}/$validate`
pub(super) async fn of_type(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    validate(&ops, &caller, (&path, None), &request, body).await
}

/// `/fhir/r4/{type}/{id}/$validate`
pub(super) async fn of_instance(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String)>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    let (kind, id) = path.into_inner();
    validate(&ops, &caller, (&kind, Some(logical_id(&id)?)), &request, body).await
}

async fn validate(
    ops: &Ops,
    caller: &Caller,
    (kind, id): (&str, Option<LogicalId>),
    request: &HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    let (kind, format) = (known(kind)?, fhir_format(request)?);
    let asked = asked(kind, request, body.0)?;
    let found = ops.validate_resource(&caller.actor, kind, id.as_ref(), asked).await?;
    let all_ok =
        Issue { severity: Severity::Information, code: "informational", diagnostics: "all ok", expression: "" };
    let is_valid = !found.iter().any(structure::Issue::is_error);
    let issues: Vec<Issue<'_>> =
        is_valid.then_some(all_ok).into_iter().chain(found.iter().map(structure::Issue::as_outcome)).collect();
    let outcome = outcome(&issues);
    let text = if format.is_pretty { outcome.to_pretty() } else { outcome.to_text() };
    Ok(HttpResponse::Ok().content_type(FHIR_JSON).body(text))
}

/// The parameters: from the URL, and from Parameters or the resource alone in the body.
fn asked(kind: &str, request: &HttpRequest, body: Option<Json>) -> Result<ValidationRequest, HttpError> {
    let mut asked = ValidationRequest::default();
    let mut problems = Problems::new();
    let mut mode = None;
    for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
        match &*name {
            "mode" => mode = Some(value.into_owned()),
            "profile" => asked.profiles.push(value.into_owned()),
            "_format" | "_pretty" => {}
            _ => problems.add(name.as_ref(), ProblemCode::Unsupported, "is no parameter of $validate"),
        }
    }
    match body {
        Some(body) if is_parameters(&body, kind) => {
            for (index, parameter) in body.items("parameter").iter().enumerate() {
                let text = |key| parameter.text_at(&[key]).map(str::to_owned);
                match text("name").as_deref() {
                    Some("resource") => asked.resource = parameter.get("resource").cloned(),
                    Some("mode") => mode = text("valueCode").or(text("valueString")),
                    Some("profile") => {
                        asked.profiles.extend(text("valueUri").or(text("valueCanonical")).or(text("valueString")));
                    }
                    _ => {
                        let detail = "is no parameter of $validate";
                        problems.add(format!("Parameters.parameter[{index}]"), ProblemCode::Unsupported, detail);
                    }
                }
            }
        }
        resource => asked.resource = resource,
    }
    if asked.resource.as_ref().is_some_and(|resource| resource.as_object().is_none()) {
        problems.add("", ProblemCode::Structure, "is not an object");
    }
    match mode.as_deref().map(mode_of) {
        None => {}
        Some(Some(mode)) => asked.mode = mode,
        Some(None) => problems.add("mode", ProblemCode::CodeInvalid, "is create, update, delete or profile"),
    }
    if asked.mode == ValidationMode::Profile && asked.profiles.is_empty() {
        problems.add("profile", ProblemCode::Required, "is required where the mode is profile");
    }
    if asked.profiles.len() > MOST_PROFILES {
        problems.add("profile", ProblemCode::TooLong, format!("is there more than {MOST_PROFILES} times"));
    }
    problems.into_result(asked).map_err(HttpError::Invalid)
}

fn mode_of(code: &str) -> Option<ValidationMode> {
    Some(match code {
        "create" => ValidationMode::Create,
        "update" => ValidationMode::Update,
        "delete" => ValidationMode::Delete,
        "profile" => ValidationMode::Profile,
        _ => return None,
    })
}

/// Whether the body has the parameters of the operation, and is not itself the Parameters that are validated.
fn is_parameters(body: &Json, kind: &str) -> bool {
    let has_resource = || body.items("parameter").iter().any(|one| one.text_at(&["name"]) == Some("resource"));
    body.text_at(&["resourceType"]) == Some("Parameters") && (kind != "Parameters" || has_resource())
}

/// Profiles that one request may name.
const MOST_PROFILES: usize = 20;
