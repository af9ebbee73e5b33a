//! Reports: `/api/reports`.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::base::{Date, ProblemCode, Problems, Uid, VersionId};
use crate::fhir::{Json, Object};
use crate::http::{
    ApiJson, Caller, EntityTag, FhirDocument, HttpError, IfMatch, OptionalJson, Params, is_not_modified, last_modified,
};
use crate::ops::Ops;
use crate::ops::reports::{Change, ReportQuery, ReportVersion};
use crate::report::{ReportStatus, Twin, read};

use super::query::{Query, id};
use super::{json, located, view};
use crate::http::file;

/// `POST /api/reports`
pub(super) async fn create(ops: web::Data<Ops>, caller: Caller, body: ApiJson) -> Result<HttpResponse, HttpError> {
    let made = ops.create_report(&caller.actor, &body.0).await?;
    Ok(created(&ops, &caller, &made, &view::report(&made)))
}

/// `POST /api/reports/import`
pub(super) async fn import(ops: web::Data<Ops>, caller: Caller, body: FhirDocument) -> Result<HttpResponse, HttpError> {
    let imported = ops.import_report(&caller.actor, &body.json, &body.bytes).await?;
    let answer = Object::new()
        .with("report", view::report(&imported.version))
        .with("losses", view::losses(&imported.losses))
        .into();
    Ok(created(&ops, &caller, &imported.version, &answer))
}

/// `GET /api/reports`
pub(super) async fn list(ops: web::Data<Ops>, caller: Caller, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let mut query = Query::of(&request);
    let date = |text: &str| Date::parse(text);
    let asked = ReportQuery {
        patient_id: query.text("patientId"),
        study_instance_uid: query.parsed("studyInstanceUID", "is not a UID", |text| Uid::parse(text).ok()),
        accession_number: query.text("accessionNumber"),
        status: query.list("status", "is not a state of reports", ReportStatus::parse),
        modality: query.text("modality"),
        from: query.parsed("from", "is not a date as 2026-02-03", date),
        to: query.parsed("to", "is not a date as 2026-02-03", date),
        limit: query.limit(),
        cursor: query.cursor(),
    };
    query.finish()?;
    let page = ops.list_reports(&caller.actor, asked).await?;
    Ok(json(StatusCode::OK, &view::page(&page, view::report)))
}

/// `GET /api/reports/{id}`
pub(super) async fn read(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let found = ops.read_report(&caller.actor, &id(&path)?, None).await?;
    Ok(shown(&request, &found))
}

/// `GET /api/reports/{id}/versions/{version}`
pub(super) async fn read_version(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let found = ops.read_report(&caller.actor, &id(&path.0)?, Some(version(&path.1)?)).await?;
    Ok(shown(&request, &found))
}

/// `GET /api/reports/{id}/versions/{version}/{form}`
pub(super) async fn rendition(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let (report, number, form) = path.into_inner();
    let twin = Twin::parse(&form).ok_or(HttpError::NotFound)?;
    let rendition = ops.read_rendition(&caller.actor, &id(&report)?, version(&number)?, twin).await?;
    file::rendition(&ops, &caller.actor, &request, &rendition).await
}

/// `GET /api/reports/{id}/history`
pub(super) async fn history(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
) -> Result<HttpResponse, HttpError> {
    let versions = ops.report_history(&caller.actor, &id(&path)?).await?;
    let items = versions.iter().map(view::history_line).collect();
    Ok(json(StatusCode::OK, &Object::new().with("items", Json::Array(items)).into()))
}

/// `PUT /api/reports/{id}`
pub(super) async fn update(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: ApiJson,
) -> Result<HttpResponse, HttpError> {
    let expected = Some(one_version(IfMatch::required(&request)?)?);
    let content = without_meta(body.0, expected)?;
    change(&ops, &caller, &path, Change::Update(content), expected).await
}

/// `POST /api/reports/{id}/finalize`, with `{verifier?}`
pub(super) async fn finalize(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: OptionalJson,
) -> Result<HttpResponse, HttpError> {
    let mut members = members(body, &["verifier"])?;
    let verifier = members.remove("verifier").map(|json| read::verifier(&json, "verifier")).transpose()?;
    change(&ops, &caller, &path, Change::Finalize(verifier), expected(&request)?).await
}

/// `POST /api/reports/{id}/amend`, with `{report, reason?}`
pub(super) async fn amend(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: ApiJson,
) -> Result<HttpResponse, HttpError> {
    let mut members = members(OptionalJson(Some(body.0)), &["report", "reason"])?;
    let reason = reason(&members)?;
    let content =
        members.remove("report").ok_or_else(|| HttpError::invalid("report", ProblemCode::Required, "is missing"))?;
    let expected = expected(&request)?;
    let content = without_meta(content, expected)?;
    change(&ops, &caller, &path, Change::Amend { content, reason }, expected).await
}

/// `POST /api/reports/{id}/cancel`, with `{reason?}`
pub(super) async fn cancel(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: OptionalJson,
) -> Result<HttpResponse, HttpError> {
    let reason = reason(&members(body, &["reason"])?)?;
    change(&ops, &caller, &path, Change::Cancel(reason), expected(&request)?).await
}

/// `POST /api/reports/{id}/enter-in-error`, with `{reason?}`
pub(super) async fn enter_in_error(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: OptionalJson,
) -> Result<HttpResponse, HttpError> {
    let reason = reason(&members(body, &["reason"])?)?;
    change(&ops, &caller, &path, Change::EnterInError(reason), expected(&request)?).await
}

/// `DELETE /api/reports/{id}`
pub(super) async fn delete(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    ops.delete_report(&caller.actor, &id(&path)?, expected(&request)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn change(
    ops: &Ops,
    caller: &Caller,
    path: &str,
    change: Change,
    expected: Option<VersionId>,
) -> Result<HttpResponse, HttpError> {
    let changed = ops.change_report(&caller.actor, &id(path)?, change, expected).await?;
    Ok(tagged(json(StatusCode::OK, &view::report(&changed)), &changed))
}

fn created(ops: &Ops, caller: &Caller, made: &ReportVersion, body: &Json) -> HttpResponse {
    let location = format!("{}/api/reports/{}", ops.base_url(&caller.actor.tenant), made.report.id);
    tagged(located(StatusCode::CREATED, &location, body), made)
}

fn shown(request: &HttpRequest, found: &ReportVersion) -> HttpResponse {
    let tag = EntityTag::of_version(found.edition.version);
    if is_not_modified(request, &tag, Some(found.edition.recorded_at)) {
        return tagged(HttpResponse::NotModified().finish(), found);
    }
    tagged(json(StatusCode::OK, &view::report(found)), found)
}

fn tagged(mut response: HttpResponse, version: &ReportVersion) -> HttpResponse {
    let fields: [(HeaderName, Option<HeaderValue>); 2] = [
        (header::ETAG, EntityTag::of_version(version.edition.version).to_header()),
        (header::LAST_MODIFIED, last_modified(version.edition.recorded_at)),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// The version in a path. One that has not the form of a version names nothing.
fn version(text: &str) -> Result<VersionId, HttpError> {
    VersionId::parse(text).ok_or(HttpError::NotFound)
}

/// The version that the request is meant for, if it says so.
fn expected(request: &HttpRequest) -> Result<Option<VersionId>, HttpError> {
    match IfMatch::of(request)? {
        None | Some(IfMatch::Any) => Ok(None),
        Some(named) => one_version(named).map(Some),
    }
}

fn one_version(named: IfMatch) -> Result<VersionId, HttpError> {
    match named {
        IfMatch::Versions(versions) if versions.len() == 1 => {
            versions.into_iter().next().ok_or(HttpError::PreconditionRequired)
        }
        _ => Err(HttpError::invalid("If-Match", ProblemCode::Value, "must name one version, as W/\"3\"")),
    }
}

/// The content without the `meta` that we ourselves put in. If it names a version, that must be the one
/// that the change is meant for.
fn without_meta(mut content: Json, expected: Option<VersionId>) -> Result<Json, HttpError> {
    let Some(object) = content.as_object_mut() else { return Ok(content) };
    let Some(meta) = object.remove("meta") else { return Ok(content) };
    let named = meta.text_at(&["versionId"]).and_then(VersionId::parse);
    match (named, expected) {
        (None, _) => Err(HttpError::invalid("meta.versionId", ProblemCode::Value, "is not a version")),
        (Some(named), Some(expected)) if named != expected => {
            Err(HttpError::invalid("meta.versionId", ProblemCode::Invariant, "is not the version of If-Match"))
        }
        _ => Ok(content),
    }
}

/// The members of a body that may be left out, all of them known.
fn members(body: OptionalJson, known: &[&str]) -> Result<Object, HttpError> {
    let OptionalJson(Some(body)) = body else { return Ok(Object::new()) };
    let Json::Object(object) = body else {
        return Err(HttpError::invalid("", ProblemCode::Structure, "is not an object"));
    };
    let mut problems = Problems::new();
    for (name, _) in object.iter().filter(|(name, _)| !known.contains(name)) {
        let shown: String = name.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        problems.add(shown, ProblemCode::Structure, "is not a member of this body");
    }
    problems.into_result(object).map_err(HttpError::Invalid)
}

fn reason(members: &Object) -> Result<Option<String>, HttpError> {
    let Some(json) = members.get("reason") else { return Ok(None) };
    let fits =
        |text: &&str| !text.trim().is_empty() && text.chars().count() <= 1024 && !text.chars().any(char::is_control);
    let wrong = || HttpError::invalid("reason", ProblemCode::Value, "is not a line of 1 to 1024 characters");
    json.as_str().filter(fits).map(|text| Some(text.to_owned())).ok_or_else(wrong)
}
