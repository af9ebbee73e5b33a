//! How values look in answers.

use crate::base::Timestamp;
use crate::fhir::{Json, Object};
use crate::ops::Page;
use crate::ops::reports::ReportVersion;
use crate::report::Losses;
use crate::store::{Delivery, ExportSession, ExportStatus, Job};

/// A page: `items`, and `next` if there is more.
pub(super) fn page<T>(page: &Page<T>, item: impl Fn(&T) -> Json) -> Json {
    Object::new()
        .with("items", Json::Array(page.items.iter().map(item).collect()))
        .with_text("next", page.next.as_deref())
        .into()
}

/// A report with the facts of its version in `meta`.
pub(super) fn report(version: &ReportVersion) -> Json {
    let mut json = version.report.to_json();
    if let Some(object) = json.as_object_mut() {
        object.set("meta", report_meta(version));
    }
    json
}

/// The facts of a version of a report.
pub(super) fn report_meta(version: &ReportVersion) -> Json {
    let edition = &version.edition;
    let mut meta = Object::new()
        .with("versionId", Json::string(edition.version.to_string()))
        .with("lastUpdated", instant(edition.recorded_at))
        .with("contentDigest", Json::string(format!("sha256:{}", version.content_digest)));
    if let Some(verified_at) = edition.verified_at {
        meta.set("verifiedAt", instant(verified_at));
    }
    if let Some(predecessor) = &edition.predecessor {
        meta.set("predecessorVersionId", Json::string(predecessor.version.to_string()));
    }
    meta.with_text("reason", edition.reason.as_deref()).into()
}

/// A line of a report's history.
pub(super) fn history_line(version: &ReportVersion) -> Json {
    let mut json = Object::new()
        .with("id", Json::string(version.report.id.as_str()))
        .with("status", Json::string(version.report.status.as_str()));
    json.set("meta", report_meta(version));
    json.into()
}

/// An export session. `base` is the tenant's public base URL.
pub(super) fn export(session: &ExportSession, base: &str) -> Json {
    let own = format!("{base}/api/reports/export");
    let mut json = Object::new()
        .with("exportId", Json::string(session.id.as_str()))
        .with("reportId", Json::string(session.report.as_str()))
        .with("reportVersion", Json::string(session.version.to_string()))
        .with("format", Json::string(session.twin.as_str()))
        .with("status", Json::string(session.status.as_str()))
        .with("progress", Json::integer(session.progress.into()))
        .with("requestedBy", Json::string(&*session.requested_by))
        .with_text("recipient", session.recipient.as_deref())
        .with_text("purpose", session.purpose.as_deref())
        .with_text("error", session.error.as_deref())
        .with("attempts", Json::integer(session.attempts.into()))
        .with("downloads", Json::integer(session.downloads.into()))
        .with("createdAt", instant(session.created_at))
        .with("updatedAt", instant(session.updated_at));
    for (name, at) in [("finishedAt", session.finished_at), ("expiresAt", session.expires_at)] {
        if let Some(at) = at {
            json.set(name, instant(at));
        }
    }
    json.set("statusUrl", Json::string(format!("{own}/status/{}", session.id)));
    if session.status == ExportStatus::Completed {
        json.set("downloadUrl", Json::string(format!("{own}/download/{}", session.id)));
    }
    json.into()
}

/// As [`export`], with the loss report of the rendition once there is one.
pub(super) fn export_with_losses(session: &ExportSession, base: &str, lost: Option<&Losses>) -> Json {
    let mut json = export(session, base);
    if let (Some(object), Some(lost)) = (json.as_object_mut(), lost) {
        object.set("losses", losses(lost));
    }
    json
}

/// A delivery.
pub(super) fn delivery(delivery: &Delivery) -> Json {
    let mut json = Object::new()
        .with("id", Json::string(delivery.id.as_str()))
        .with("reportId", Json::string(delivery.report.as_str()))
        .with("reportVersion", Json::string(delivery.version.to_string()))
        .with("format", Json::string(delivery.twin.as_str()))
        .with("peer", Json::string(delivery.peer.as_str()))
        .with("state", Json::string(delivery.state.as_str()))
        .with("attempts", Json::integer(delivery.attempts.into()))
        .with_text("sopInstanceUID", delivery.sop_instance_uid.as_ref().map(crate::base::id::Uid::as_str))
        .with_text("answer", delivery.answer.as_deref())
        .with("createdAt", instant(delivery.created_at))
        .with("updatedAt", instant(delivery.updated_at));
    for (name, at) in [("nextAttemptAt", delivery.next_attempt_at), ("finishedAt", delivery.finished_at)] {
        if let Some(at) = at {
            json.set(name, instant(at));
        }
    }
    json.into()
}

/// A job.
pub(super) fn job(job: &Job) -> Json {
    let mut json = Object::new()
        .with("id", Json::string(job.id.as_str()))
        .with("kind", Json::string(&*job.kind))
        .with("lane", Json::string(&*job.lane))
        .with("state", Json::string(job.state.as_str()))
        .with("progress", Json::integer(job.progress.into()))
        .with("attempts", Json::integer(job.attempts.into()))
        .with("maxAttempts", Json::integer(job.max_attempts.into()))
        .with("cancelRequested", Json::Bool(job.cancel_requested))
        .with("principal", Json::string(&*job.principal))
        .with_text("traceId", job.trace_id.as_deref())
        .with_text("error", job.error.as_deref())
        .with("runAt", instant(job.run_at))
        .with("createdAt", instant(job.created_at))
        .with("updatedAt", instant(job.updated_at));
    if let Some(at) = job.finished_at {
        json.set("finishedAt", instant(at));
    }
    json.into()
}

/// What a mapping did not carry.
pub(super) fn losses(losses: &Losses) -> Json {
    let line = |loss: &crate::report::Loss| {
        Object::new().with("path", Json::string(&*loss.path)).with("detail", Json::string(&*loss.detail)).into()
    };
    Json::Array(losses.0.iter().map(line).collect())
}

pub(super) fn instant(at: Timestamp) -> Json {
    Json::string(at.to_fhir())
}
