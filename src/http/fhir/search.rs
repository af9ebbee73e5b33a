//! search. R4 http.html#search, search.html.

use std::fmt::Write as _;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::base::{LogicalId, ProblemCode};
use crate::fhir::outcome::{Issue, Severity, outcome};
use crate::fhir::search::compartment::COMPARTMENTS;
use crate::fhir::search::query::Unsupported;
use crate::fhir::search::summary::Part;
use crate::fhir::{Json, JsonLimits};
use crate::http::{Caller, FHIR_JSON, HttpError, MediaType, Params, Prefer, WholeBody, fhir_format};
use crate::ops::Ops;
use crate::ops::resources::{SearchPage, SearchRequest};
use crate::report::fhir::bundle::fhir_base;
use crate::store::{Compartment, StoredResource};

use super::read::{known, logical_id, shown};

/// `GET /fhir/r4/{type}`
pub(super) async fn of_type(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let scope = Scope::Type(known(&path.into_inner())?.to_owned());
    answer(&ops, &caller, &request, scope, None).await
}

/// `POST /fhir/r4/{type}/_search`
pub(super) async fn of_type_by_form(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: WholeBody,
) -> Result<HttpResponse, HttpError> {
    let scope = Scope::Type(known(&path.into_inner())?.to_owned());
    answer(&ops, &caller, &request, scope, Some(body)).await
}

/// `GET /fhir/r4`
pub(super) async fn of_system(
    ops: web::Data<Ops>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    answer(&ops, &caller, &request, Scope::System, None).await
}

/// `POST /fhir/r4/_search`
pub(super) async fn of_system_by_form(
    ops: web::Data<Ops>,
    caller: Caller,
    request: HttpRequest,
    body: WholeBody,
) -> Result<HttpResponse, HttpError> {
    answer(&ops, &caller, &request, Scope::System, Some(body)).await
}

/// `GET /fhir/r4/{type}/{id}/{member}`, where the member may be `*`
pub(super) async fn of_compartment(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let (kind, id, member) = path.into_inner();
    answer(&ops, &caller, &request, Scope::within(&kind, &id, &member)?, None).await
}

/// `POST /fhir/r4/{type}/{id}/{member}/_search`
pub(super) async fn of_compartment_by_form(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String, String)>,
    request: HttpRequest,
    body: WholeBody,
) -> Result<HttpResponse, HttpError> {
    let (kind, id, member) = path.into_inner();
    answer(&ops, &caller, &request, Scope::within(&kind, &id, &member)?, Some(body)).await
}

/// What is searched.
enum Scope {
    System,
    Type(String),
    Within { kind: String, id: LogicalId, member: Option<String> },
}

impl Scope {
    fn within(kind: &str, id: &str, member: &str) -> Result<Self, HttpError> {
        if member.starts_with('$') {
            return Err(HttpError::no_operation());
        }
        if !COMPARTMENTS.contains(&kind) {
            return Err(HttpError::NotFound);
        }
        let member = if member == "*" { None } else { Some(known(member)?.to_owned()) };
        Ok(Self::Within { kind: kind.to_owned(), id: logical_id(id)?, member })
    }

    /// Its path below the base.
    fn path(&self) -> String {
        match self {
            Self::System => String::new(),
            Self::Type(resource_type) => format!("/{resource_type}"),
            Self::Within { kind, id, member } => format!("/{kind}/{id}/{}", member.as_deref().unwrap_or("*")),
        }
    }
}

async fn answer(
    ops: &Ops,
    caller: &Caller,
    request: &HttpRequest,
    scope: Scope,
    form: Option<WholeBody>,
) -> Result<HttpResponse, HttpError> {
    let format = fhir_format(request)?;
    let prefer = Prefer::of(request)?;
    let mut pairs = parameters(request.query_string())?;
    if let Some(form) = form {
        pairs.extend(form_parameters(request, &form)?);
    }
    let mut cursor = None;
    pairs.retain(|(name, value)| {
        let is_cursor = name == "_cursor";
        if is_cursor {
            cursor = Some(value.clone());
        }
        !is_cursor
    });
    let base = fhir_base(&ops.base_url(&caller.actor.tenant));
    let path = format!("{base}{}", scope.path());
    let (resource_type, compartment) = match scope {
        Scope::System => (None, None),
        Scope::Type(resource_type) => (Some(resource_type), None),
        Scope::Within { kind, id, member } => (member, Some(Compartment { kind, id })),
    };
    let asked =
        SearchRequest { resource_type, compartment, pairs, is_strict: prefer.is_strict, cursor: cursor.clone() };
    let page = ops.search(&caller.actor, asked).await?;
    let body = bundle(&base, &path, cursor.as_deref(), &page)?;
    Ok(HttpResponse::Ok()
        .content_type(FHIR_JSON)
        .insert_header((header::VARY, "Accept, Authorization, Prefer"))
        .body(shown(body, format)?))
}

/// Names and values of a query or a form. What is no UTF-8, and the character that ends texts in C, are refused: no
/// element has them. WHATWG URL §5.1.
pub(super) fn parameters(text: &str) -> Result<Vec<(String, String)>, HttpError> {
    let mut pairs = Vec::new();
    for part in text.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        pairs.push((decoded(name)?, decoded(value)?));
        if pairs.len() > MOST_PARAMETERS {
            return Err(HttpError::invalid("", ProblemCode::TooLong, "there are too many parameters"));
        }
    }
    Ok(pairs)
}

fn decoded(text: &str) -> Result<String, HttpError> {
    let text = text.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&text).decode_utf8().ok().filter(|text| !text.contains('\0'));
    decoded
        .map(std::borrow::Cow::into_owned)
        .ok_or_else(|| HttpError::invalid("", ProblemCode::Value, "a parameter is not UTF-8 text"))
}

fn form_parameters(request: &HttpRequest, form: &WholeBody) -> Result<Vec<(String, String)>, HttpError> {
    if form.0.is_empty() {
        return Ok(Vec::new());
    }
    let named = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_form = named.and_then(MediaType::parse).is_some_and(|kind| kind.essence() == FORM);
    if !is_form {
        return Err(HttpError::UnsupportedMediaType);
    }
    let text = std::str::from_utf8(&form.0)
        .map_err(|_error| HttpError::invalid("", ProblemCode::Value, "the form is not UTF-8 text"))?;
    parameters(text)
}

const FORM: &str = "application/x-www-form-urlencoded";
/// Parameters of one search.
const MOST_PARAMETERS: usize = 500;

/// The Bundle, with the stored bytes of each resource in it. R4 bundle.html#searchset.
pub(super) fn bundle(base: &str, path: &str, cursor: Option<&str>, page: &SearchPage) -> Result<Vec<u8>, HttpError> {
    let mut out = String::from(r#"{"resourceType":"Bundle","type":"searchset""#);
    if let Some(total) = page.total {
        let _ = write!(out, r#","total":{total}"#);
    }
    let link = |cursor: Option<&str>| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&page.query.used);
        if let Some(cursor) = cursor {
            query.append_pair("_cursor", cursor);
        }
        let query = query.finish();
        let url = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        Json::string(url).to_text()
    };
    let _ = write!(out, r#","link":[{{"relation":"self","url":{}}}"#, link(cursor));
    if cursor.is_some() {
        let _ = write!(out, r#",{{"relation":"first","url":{}}}"#, link(None));
    }
    if let Some(next) = &page.next {
        let _ = write!(out, r#",{{"relation":"next","url":{}}}"#, link(Some(next)));
    }
    out.push(']');
    let size =
        page.matches.iter().chain(&page.included).filter_map(|one| one.body.as_ref()).map(|body| body.len() + 200);
    let mut bytes = Vec::with_capacity(out.len() + size.sum::<usize>() + 1_000);
    bytes.extend_from_slice(out.as_bytes());
    let part = Part::of(page.query.summary, &page.query.elements);
    let warnings = warnings(page);
    let mut is_first = true;
    let mut separate = |bytes: &mut Vec<u8>| {
        // R4 json.html: an array is never empty.
        bytes.extend_from_slice(if is_first { br#","entry":["# } else { b"," });
        is_first = false;
    };
    for (mode, list) in [("match", &page.matches), ("include", &page.included)] {
        for one in list {
            separate(&mut bytes);
            push_entry(&mut bytes, base, one, mode, part.as_ref())?;
        }
    }
    if let Some(outcome) = warnings {
        separate(&mut bytes);
        bytes.extend_from_slice(br#"{"resource":"#);
        bytes.extend_from_slice(outcome.to_text().as_bytes());
        bytes.extend_from_slice(br#","search":{"mode":"outcome"}}"#);
    }
    if !is_first {
        bytes.push(b']');
    }
    bytes.push(b'}');
    Ok(bytes)
}

fn push_entry(
    out: &mut Vec<u8>,
    base: &str,
    one: &StoredResource,
    mode: &str,
    part: Option<&Part>,
) -> Result<(), HttpError> {
    let url = Json::string(format!("{base}/{}/{}", one.resource_type, one.logical_id)).to_text();
    out.extend_from_slice(format!(r#"{{"fullUrl":{url},"resource":"#).as_bytes());
    let body = one.body.as_deref().unwrap_or_default();
    match part {
        None => out.extend_from_slice(body),
        Some(part) => {
            let document = Json::parse(body, &JsonLimits::default()).map_err(|_error| HttpError::Fault)?;
            out.extend_from_slice(part.cut(&document).to_text().as_bytes());
        }
    }
    out.extend_from_slice(format!(r#","search":{{"mode":"{mode}"}}}}"#).as_bytes());
    Ok(())
}

/// What was not done as asked. R4 search.html#errors.
fn warnings(page: &SearchPage) -> Option<Json> {
    let unknown = page.query.unsupported.iter().map(|unknown| match unknown {
        Unsupported::Parameter(name) => format!("the parameter {name} is not known and was left out"),
        Unsupported::Sort(code) => format!("it cannot be sorted by {code}; that was left out"),
    });
    let cut = page.is_cut.then(|| "more resources belong to these matches than are here".to_owned());
    let texts: Vec<(&str, String)> =
        unknown.map(|text| ("not-supported", text)).chain(cut.map(|text| ("incomplete", text))).collect();
    if texts.is_empty() {
        return None;
    }
    let issues: Vec<Issue<'_>> = texts
        .iter()
        .map(|(code, text)| Issue { severity: Severity::Warning, code, diagnostics: text, expression: "" })
        .collect();
    Some(outcome(&issues))
}

/// Criteria that are text as [`parameters`] reads it.
pub(super) fn checked(criteria: &str) -> Result<&str, HttpError> {
    parameters(criteria).map(|_pairs| criteria)
}
