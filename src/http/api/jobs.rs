//! Jobs: `/api/admin/jobs`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::http::{Caller, HttpError, Params};
use crate::ops::Ops;
use crate::store::JobState;

use super::query::{Query, id};
use super::{json, view};

/// `GET /api/admin/jobs`
pub(super) async fn list(ops: web::Data<Ops>, caller: Caller, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let mut query = Query::of(&request);
    let state = query.parsed("state", "is not a state of jobs", JobState::parse);
    let kind = query.text("kind");
    let (limit, cursor) = (query.limit(), query.cursor());
    query.finish()?;
    let page = ops.jobs(&caller.actor, state, kind, limit, cursor.as_deref()).await?;
    Ok(json(StatusCode::OK, &view::page(&page, view::job)))
}

/// `GET /api/admin/jobs/{id}`
pub(super) async fn show(ops: web::Data<Ops>, caller: Caller, path: Params<String>) -> Result<HttpResponse, HttpError> {
    let job = ops.job(&caller.actor, &id(&path)?).await?;
    Ok(json(StatusCode::OK, &view::job(&job)))
}

/// `POST /api/admin/jobs/{id}/retry`
pub(super) async fn retry(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
) -> Result<HttpResponse, HttpError> {
    let job = ops.retry_job(&caller.actor, &id(&path)?).await?;
    Ok(json(StatusCode::ACCEPTED, &view::job(&job)))
}

/// `POST /api/admin/jobs/{id}/cancel`
pub(super) async fn cancel(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
) -> Result<HttpResponse, HttpError> {
    let job = ops.cancel_job(&caller.actor, &id(&path)?).await?;
    Ok(json(StatusCode::ACCEPTED, &view::job(&job)))
}
