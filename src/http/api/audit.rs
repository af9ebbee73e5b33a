//! The audit log: `/api/admin/audit`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::fhir::{Json, Object};
use crate::http::{Caller, HttpError};
use crate::ops::Ops;
use crate::ops::chain::ChainCheck;

use super::json;
use super::query::Query;
use super::view;

/// `GET /api/admin/audit`: events as FHIR AuditEvent, newest first.
pub(super) async fn list(ops: web::Data<Ops>, caller: Caller, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let mut query = Query::of(&request);
    let (limit, cursor) = (query.limit(), query.cursor());
    query.finish()?;
    let page = ops.audit_events(&caller.actor, limit, cursor.as_deref()).await?;
    Ok(json(StatusCode::OK, &view::page(&page, |event| ops.audit_event_to_fhir(&caller.actor, event))))
}

/// `POST /api/admin/audit/verify`
pub(super) async fn verify(ops: web::Data<Ops>, caller: Caller) -> Result<HttpResponse, HttpError> {
    let number = |value: u64| Json::integer(i64::try_from(value).unwrap_or(i64::MAX));
    let body = match ops.verify_audit(&caller.actor).await? {
        ChainCheck::Whole(report) => Object::new()
            .with("whole", Json::Bool(true))
            .with("records", number(report.records))
            .with("checkpoints", number(report.checkpoints as u64))
            .with("head", Json::string(report.head.hash.to_hex())),
        ChainCheck::Broken(broken) => Object::new()
            .with("whole", Json::Bool(false))
            .with("firstBadSeq", number(broken.seq))
            .with("detail", Json::string(broken.to_string())),
        ChainCheck::ForgedCheckpoint(seq) => Object::new()
            .with("whole", Json::Bool(false))
            .with("firstBadSeq", number(seq))
            .with("detail", Json::string("a checkpoint is not signed by a key of this tenant")),
    };
    Ok(json(StatusCode::OK, &body.into()))
}
