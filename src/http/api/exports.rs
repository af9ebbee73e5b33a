//! Export sessions: `/api/reports/{id}/export/…` and `/api/reports/export/…`.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use std::sync::Arc;

use crate::base::{LogicalId, ProblemCode, Timestamp};
use crate::fhir::{Json, Object};
use crate::http::{Caller, Edge, EventStream, HttpError, OptionalJson, Params, ServerEvent, file};
use crate::ops::Ops;
use crate::ops::exports::{ExportQuery, ExportRequest};
use crate::report::Twin;
use crate::store::{ExportFilter, ExportSession, ExportStatus};

use super::query::{Query, id};
use super::{json, located, view};

/// `POST /api/reports/{id}/export/{dicom-sr,fhir,pdf}`, with `{recipient?, purpose?}`
pub(super) async fn start(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String)>,
    body: OptionalJson,
) -> Result<HttpResponse, HttpError> {
    let (report, form) = path.into_inner();
    let twin = exportable(&form).ok_or(HttpError::NotFound)?;
    let (recipient, purpose) = recipient_and_purpose(body)?;
    let request = ExportRequest { report: id(&report)?, twin, recipient, purpose };
    let session = ops.start_export(&caller.actor, request).await?;
    let base = ops.base_url(&caller.actor.tenant);
    let location = format!("{base}/api/reports/export/status/{}", session.id);
    Ok(located(StatusCode::ACCEPTED, &location, &view::export(&session, &base)))
}

/// `GET /api/reports/export/status/{exportId}`
pub(super) async fn status(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
) -> Result<HttpResponse, HttpError> {
    let session = ops.export_status(&caller.actor, &id(&path)?).await?;
    let losses = ops.export_losses(&caller.actor, &session).await?;
    let base = ops.base_url(&caller.actor.tenant);
    let mut response = json(StatusCode::OK, &view::export_with_losses(&session, &base, losses.as_ref()));
    if !is_finished(&session) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    Ok(response)
}

/// `GET /api/reports/export/status/{exportId}/events`: an event at each change, until it is finished.
pub(super) async fn events(
    ops: web::Data<Ops>,
    edge: web::Data<Arc<Edge>>,
    caller: Caller,
    path: Params<String>,
) -> Result<HttpResponse, HttpError> {
    let first = ops.export_status(&caller.actor, &id(&path)?).await?;
    let watch = Watch { ops: (**ops).clone(), caller, last: None, next: Some(first) };
    let events = stream::unfold(watch, |mut watch| async move {
        let event = watch.event().await?;
        Some((event, watch))
    });
    Ok(EventStream::new(edge.stopping()).respond(Box::pin(events)))
}

struct Watch {
    ops: Ops,
    caller: Caller,
    last: Option<ExportSession>,
    next: Option<ExportSession>,
}

impl Watch {
    /// The next change, if there is one to come.
    async fn event(&mut self) -> Option<ServerEvent> {
        if let Some(last) = &self.last {
            if is_finished(last) {
                return None;
            }
            let (id, seen) = (last.id.clone(), (last.status, last.progress));
            self.next = loop {
                tokio::time::sleep(WATCH_EVERY).await;
                // A session that was deleted, or is no longer to be seen, ends the stream.
                let now = self.ops.watch_export(&self.caller.actor, &id).await.ok()?;
                if (now.status, now.progress) != seen {
                    break Some(now);
                }
            };
        }
        let session = self.next.take()?;
        let losses = self.ops.export_losses(&self.caller.actor, &session).await.ok()?;
        let base = self.ops.base_url(&self.caller.actor.tenant);
        let event = ServerEvent {
            id: Some(session.updated_at.0.to_string()),
            event: Some("status"),
            data: view::export_with_losses(&session, &base, losses.as_ref()).to_text(),
        };
        self.last = Some(session);
        Some(event)
    }
}

/// `GET /api/reports/export/download/{exportId}`
pub(super) async fn download(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let (_session, rendition) = ops.download_export(&caller.actor, &id(&path)?).await?;
    file::rendition(&ops, &caller.actor, &request, &rendition).await
}

/// `POST /api/reports/export/retry/{exportId}`
pub(super) async fn retry(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
) -> Result<HttpResponse, HttpError> {
    let session = ops.retry_export(&caller.actor, &id(&path)?).await?;
    let base = ops.base_url(&caller.actor.tenant);
    let location = format!("{base}/api/reports/export/status/{}", session.id);
    Ok(located(StatusCode::ACCEPTED, &location, &view::export(&session, &base)))
}

/// `DELETE /api/reports/export/{exportId}`
pub(super) async fn delete(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
) -> Result<HttpResponse, HttpError> {
    ops.delete_export(&caller.actor, &id(&path)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /api/reports/export/history`
pub(super) async fn history(
    ops: web::Data<Ops>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let mut query = Query::of(&request);
    let filter = ExportFilter {
        report: query.parsed("reportId", "is not an id", |text| LogicalId::parse(text).ok()),
        status: query.parsed("status", "is not a state of exports", ExportStatus::parse),
        twin: query.parsed("format", "is not a form that is exported", exportable),
        requested_by: query.text("requestedBy"),
        from: query.parsed("from", "is not an instant as 2026-02-03T04:05:06Z", Timestamp::parse),
        until: query.parsed("to", "is not an instant as 2026-02-03T04:05:06Z", Timestamp::parse),
        ..ExportFilter::default()
    };
    let asked = ExportQuery { filter, limit: query.limit(), cursor: query.cursor() };
    query.finish()?;
    let page = ops.export_history(&caller.actor, asked).await?;
    let base = ops.base_url(&caller.actor.tenant);
    Ok(json(StatusCode::OK, &view::page(&page, |session| view::export(session, &base))))
}

/// `GET /api/reports/export/statistics`
pub(super) async fn statistics(ops: web::Data<Ops>, caller: Caller) -> Result<HttpResponse, HttpError> {
    let counts = ops.export_statistics(&caller.actor).await?;
    let sum = |keep: &dyn Fn(&crate::store::ExportCount) -> bool| {
        Json::integer(counts.iter().filter(|count| keep(count)).map(|count| count.count).sum())
    };
    let by_status: Object = ExportStatus::ALL
        .into_iter()
        .map(|status| (status.as_str().to_owned(), sum(&|count| count.status == status)))
        .collect();
    let by_format: Object = [Twin::DicomSr, Twin::Fhir, Twin::Pdf]
        .into_iter()
        .map(|twin| (twin.as_str().to_owned(), sum(&|count| count.twin == twin)))
        .collect();
    let downloads = counts.iter().map(|count| count.downloads).sum();
    let body = Object::new()
        .with("total", sum(&|_| true))
        .with("byStatus", by_status.into())
        .with("byFormat", by_format.into())
        .with("downloads", Json::integer(downloads));
    Ok(json(StatusCode::OK, &body.into()))
}

/// `POST /api/reports/export/cleanup`
pub(super) async fn cleanup(ops: web::Data<Ops>, caller: Caller) -> Result<HttpResponse, HttpError> {
    let count = ops.clean_up_exports(&caller.actor).await?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    Ok(json(StatusCode::OK, &Object::new().with("deleted", Json::integer(count)).into()))
}

fn recipient_and_purpose(body: OptionalJson) -> Result<(Option<String>, Option<String>), HttpError> {
    let OptionalJson(Some(body)) = body else { return Ok((None, None)) };
    let Json::Object(members) = body else {
        return Err(HttpError::invalid("", ProblemCode::Structure, "is not an object"));
    };
    let mut problems = crate::base::Problems::new();
    let (mut recipient, mut purpose) = (None, None);
    for (name, value) in members.iter() {
        let place = match name {
            "recipient" => &mut recipient,
            "purpose" => &mut purpose,
            _ => {
                let shown: String = name.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
                problems.add(shown, ProblemCode::Structure, "is not a member of this body");
                continue;
            }
        };
        match value.as_str() {
            Some(text) => *place = Some(text.to_owned()),
            None => problems.add(name, ProblemCode::Structure, "is not a text"),
        }
    }
    problems.into_result((recipient, purpose)).map_err(HttpError::Invalid)
}

fn exportable(form: &str) -> Option<Twin> {
    Twin::parse(form).filter(|twin| matches!(twin, Twin::DicomSr | Twin::Fhir | Twin::Pdf))
}

fn is_finished(session: &ExportSession) -> bool {
    matches!(session.status, ExportStatus::Completed | ExportStatus::Failed)
}

/// How often a watched session is looked at.
const WATCH_EVERY: Duration = Duration::from_millis(250);
