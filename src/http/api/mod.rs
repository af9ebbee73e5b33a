//! Our own JSON interface below `/api`: reports and their life, exports, deliveries, peers, rules,
//! letterhead, jobs, audit, tokens.

mod audit;
mod auth;
mod deliveries;
mod exports;
mod jobs;
mod letterhead;
mod peers;
mod query;
mod reports;
mod rules;
mod shape;
mod view;

use std::time::Duration;

use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, web};

use crate::access::Operation as Op;
use crate::fhir::Json;
use crate::ops;

use super::{HttpError, Route};

/// The routes below `/api`.
pub fn routes() -> Vec<Route> {
    vec![
        Route::post("/api/reports", Op::ReportCreate, || web::to(reports::create)),
        Route::get("/api/reports", Op::ReportList, || web::to(reports::list)),
        Route::post("/api/reports/import", Op::ReportImport, || web::to(reports::import)),
        Route::get("/api/reports/{id}", Op::ReportRead, || web::to(reports::read)),
        Route::put("/api/reports/{id}", Op::ReportUpdate, || web::to(reports::update)),
        Route::delete("/api/reports/{id}", Op::ReportDelete, || web::to(reports::delete)),
        Route::get("/api/reports/{id}/history", Op::ReportHistory, || web::to(reports::history)),
        Route::get("/api/reports/{id}/versions/{version}", Op::ReportRead, || web::to(reports::read_version)),
        Route::get("/api/reports/{id}/versions/{version}/{form}", Op::ReportRead, || web::to(reports::rendition)),
        Route::post("/api/reports/{id}/finalize", Op::ReportFinalize, || web::to(reports::finalize)),
        Route::post("/api/reports/{id}/amend", Op::ReportAmend, || web::to(reports::amend)),
        Route::post("/api/reports/{id}/cancel", Op::ReportCancel, || web::to(reports::cancel)),
        Route::post("/api/reports/{id}/enter-in-error", Op::ReportEnterInError, || web::to(reports::enter_in_error)),
        Route::post("/api/reports/{id}/deliver", Op::ReportDeliver, || web::to(deliveries::deliver)),
        Route::get("/api/reports/{id}/deliveries", Op::DeliveryList, || web::to(deliveries::of_report)),
        Route::post("/api/reports/{id}/export/{form}", Op::ExportStart, || web::to(exports::start)),
        Route::get("/api/reports/export/status/{exportId}", Op::ExportStatus, || web::to(exports::status)),
        Route::get("/api/reports/export/status/{exportId}/events", Op::ExportStatus, || web::to(exports::events)),
        Route::get("/api/reports/export/download/{exportId}", Op::ExportDownload, || web::to(exports::download)),
        Route::post("/api/reports/export/retry/{exportId}", Op::ExportRetry, || web::to(exports::retry)),
        Route::get("/api/reports/export/history", Op::ExportHistory, || web::to(exports::history)),
        Route::get("/api/reports/export/statistics", Op::ExportStatistics, || web::to(exports::statistics)),
        Route::post("/api/reports/export/cleanup", Op::ExportCleanup, || web::to(exports::cleanup)),
        Route::delete("/api/reports/export/{exportId}", Op::ExportDelete, || web::to(exports::delete)),
        Route::get("/api/deliveries", Op::DeliveryList, || web::to(deliveries::list)),
        Route::post("/api/deliveries/{id}/resend", Op::DeliveryResend, || web::to(deliveries::resend)),
        Route::get("/api/admin/peers", Op::PeerList, || web::to(peers::list)),
        Route::put("/api/admin/peers/{name}", Op::PeerAdd, || web::to(peers::put)),
        Route::delete("/api/admin/peers/{name}", Op::PeerRemove, || web::to(peers::remove)),
        Route::post("/api/admin/peers/{name}/test", Op::PeerTest, || web::to(peers::test)).unhurried(),
        Route::get("/api/admin/rules", Op::RuleList, || web::to(rules::list)),
        Route::put("/api/admin/rules", Op::RuleSet, || web::to(rules::set)),
        Route::get("/api/admin/letterhead", Op::LetterheadRead, || web::to(letterhead::read)),
        Route::put("/api/admin/letterhead", Op::LetterheadSet, || web::to(letterhead::set)),
        Route::get("/api/admin/jobs", Op::JobList, || web::to(jobs::list)),
        Route::get("/api/admin/jobs/{id}", Op::JobShow, || web::to(jobs::show)),
        Route::post("/api/admin/jobs/{id}/retry", Op::JobRetry, || web::to(jobs::retry)),
        Route::post("/api/admin/jobs/{id}/cancel", Op::JobCancel, || web::to(jobs::cancel)),
        Route::get("/api/admin/audit", Op::AuditRead, || web::to(audit::list)),
        Route::post("/api/admin/audit/verify", Op::AuditVerify, || web::to(audit::verify)).unhurried(),
        Route::post("/api/admin/tokens", Op::TokenMint, || web::to(auth::mint)),
        Route::delete("/api/admin/tokens/{jti}", Op::TokenRevoke, || web::to(auth::revoke)),
        Route::post("/api/auth/bootstrap", Op::TokenRedeem, || web::to(auth::bootstrap)),
    ]
}

impl From<ops::Error> for HttpError {
    /// Total: what a use case says, in HTTP. The detail of a fault goes to the log, not to the client.
    fn from(error: ops::Error) -> Self {
        match error {
            ops::Error::NotFound => Self::NotFound,
            ops::Error::Absent(problems) => Self::Absent(problems),
            ops::Error::Gone => Self::Gone,
            ops::Error::Denied(denial) => Self::Denied(denial),
            ops::Error::Unauthenticated => Self::Unauthenticated(super::Challenge::Missing),
            ops::Error::VersionMismatch { current } => Self::VersionMismatch { current },
            ops::Error::VersionRequired => Self::PreconditionRequired,
            ops::Error::Invalid(problems) => Self::Invalid(problems),
            ops::Error::Rule(problems) => Self::Rule(problems),
            ops::Error::ReadOnly => Self::MethodNotAllowed(vec![Method::GET, Method::HEAD]),
            ops::Error::Conflict(detail) => Self::Conflict(detail.into()),
            ops::Error::ManyMatches => Self::ManyMatches,
            ops::Error::TooCostly(detail) => Self::TooCostly(detail),
            ops::Error::At { path, error } => Self::At { path, error: Box::new(Self::from(*error)) },
            ops::Error::Unresolved { path, reference, is_many } => Self::Unresolved { path, reference, is_many },
            ops::Error::NotReady(problems) => Self::NotReady(problems),
            ops::Error::Busy(detail) => {
                tracing::warn!(%detail, "busy");
                Self::Busy(BUSY_WAIT)
            }
            ops::Error::Fault(detail) => {
                tracing::error!(%detail, "fault");
                Self::Fault
            }
        }
    }
}

/// A JSON answer.
fn json(status: StatusCode, body: &Json) -> HttpResponse {
    HttpResponse::build(status).content_type("application/json").body(body.to_text())
}

/// A JSON answer with a place to look at next.
fn located(status: StatusCode, location: &str, body: &Json) -> HttpResponse {
    let mut response = json(status, body);
    if let Ok(value) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// When to come again to a server that is busy.
const BUSY_WAIT: Duration = Duration::from_secs(2);
