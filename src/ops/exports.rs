//! Export sessions: someone asks for a rendition, watches it being made, and fetches it.

use crate::access::{Actor, Extent, Operation};
use crate::audit::{Object, ObjectKind};
use crate::base::{LogicalId, ProblemCode, Problems, Timestamp};
use crate::jobs::Lane;
use crate::report::{Losses, Twin};
use crate::store::{
    ExportChange, ExportCount, ExportFilter, ExportSession, ExportStatus, NewJob, Rendition, StoreError, Write,
    WriteSet,
};

use super::{Error, Ops, Page};

/// What someone asks to have exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRequest {
    /// Which report.
    pub report: LogicalId,
    /// In which form: [`Twin::Fhir`], [`Twin::DicomSr`] or [`Twin::Pdf`].
    pub twin: Twin,
    /// Whom it is for; at most 256 characters.
    pub recipient: Option<String>,
    /// What for; at most 256 characters.
    pub purpose: Option<String>,
}

/// The payload of a `report.export` job.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportPayload {
    /// Version of the payload.
    pub v: u8,
    /// The session.
    pub export: LogicalId,
}

/// Which sessions to list, and where to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportQuery {
    /// Filters; its `after` and `limit` are not used.
    pub filter: ExportFilter,
    /// Rows a page.
    pub limit: usize,
    /// Cursor of the page before.
    pub cursor: Option<String>,
}

impl Ops {
    /// Takes an export on. The session and its job are on the disk when it returns.
    pub async fn start_export(&self, actor: &Actor, request: ExportRequest) -> Result<ExportSession, Error> {
        self.authorize(actor, Operation::ExportStart).await?;
        check_request(&request)?;
        let current = self.current_report(actor, &request.report).await?;
        self.check_room(actor).await?;
        let now = self.now();
        let session = ExportSession {
            id: LogicalId::random(),
            report: request.report,
            version: current.version_id,
            twin: request.twin,
            status: ExportStatus::Initiated,
            progress: 0,
            requested_by: actor.principal.key(),
            recipient: request.recipient,
            purpose: request.purpose,
            error: None,
            attempts: 1,
            downloads: 0,
            created_at: now,
            updated_at: now,
            finished_at: None,
            expires_at: None,
        };
        let object = Object::new(ObjectKind::Export, session.id.as_str());
        let report = Object::resource("DiagnosticReport", &session.report, Some(session.version));
        let set = WriteSet::new()
            .with(Write::Export(ExportChange::Start(session.clone())))
            .with(Write::Job(Self::export_job(actor, &session.id, now)))
            .with(Write::Audit(self.event(actor, Operation::ExportStart).on(object).on(report)));
        self.desk(actor).commit(set).await?;
        Ok(session)
    }

    /// A session, if the actor may see it.
    pub async fn export_status(&self, actor: &Actor, id: &LogicalId) -> Result<ExportSession, Error> {
        let session = self.watch_export(actor, id).await?;
        let object = Object::new(ObjectKind::Export, id.as_str());
        self.note_read(actor, Operation::ExportStatus, vec![object]).await?;
        Ok(session)
    }

    /// A session that the actor is watching: read again and again, so that only the first look, by
    /// [`Ops::export_status`], is one for the audit log.
    pub async fn watch_export(&self, actor: &Actor, id: &LogicalId) -> Result<ExportSession, Error> {
        let extent = self.authorize(actor, Operation::ExportStatus).await?;
        self.visible_export(actor, id, extent).await
    }

    /// What the rendition of a completed session does not carry; `None` while there is no rendition. For
    /// whoever has just been shown the session.
    pub async fn export_losses(&self, actor: &Actor, session: &ExportSession) -> Result<Option<Losses>, Error> {
        if session.status != ExportStatus::Completed {
            return Ok(None);
        }
        let found = self.desk(actor).rendition(&session.report, session.version, session.twin).await?;
        Ok(found.map(|rendition| rendition.losses))
    }

    /// The finished rendition of a session. Every fetch is counted and audited.
    pub async fn download_export(&self, actor: &Actor, id: &LogicalId) -> Result<(ExportSession, Rendition), Error> {
        let extent = self.authorize(actor, Operation::ExportDownload).await?;
        let session = self.visible_export(actor, id, extent).await?;
        if session.expires_at.is_some_and(|at| at <= self.now()) {
            return Err(Error::Gone);
        }
        match session.status {
            ExportStatus::Completed => {}
            ExportStatus::Failed => return Err(Error::Conflict("the export failed")),
            ExportStatus::Initiated | ExportStatus::Processing => {
                return Err(Error::Conflict("the export is not finished"));
            }
        }
        let found = self.desk(actor).rendition(&session.report, session.version, session.twin).await?;
        let rendition = found.ok_or_else(|| Error::Fault("a completed export has no rendition".into()))?;
        let object = Object::new(ObjectKind::Export, id.as_str()).changed(None, Some(rendition.sha256));
        let report = Object::resource("DiagnosticReport", &session.report, Some(session.version));
        let set = WriteSet::new()
            .with(Write::Export(ExportChange::Downloaded { id: id.clone() }))
            .with(Write::Audit(self.event(actor, Operation::ExportDownload).on(object).on(report)));
        self.desk(actor).commit(set).await.map_err(gone_between)?;
        Ok((session, rendition))
    }

    /// Tries a failed session again.
    pub async fn retry_export(&self, actor: &Actor, id: &LogicalId) -> Result<ExportSession, Error> {
        let extent = self.authorize(actor, Operation::ExportRetry).await?;
        let session = self.visible_export(actor, id, extent).await?;
        if session.status != ExportStatus::Failed {
            return Err(Error::Conflict("only a failed export can be tried again"));
        }
        let now = self.now();
        let set = WriteSet::new()
            .with(Write::Export(ExportChange::Retry { id: id.clone() }))
            .with(Write::Job(Self::export_job(actor, id, now)))
            .with(Write::Audit(
                self.event(actor, Operation::ExportRetry).on(Object::new(ObjectKind::Export, id.as_str())),
            ));
        let committed = self.desk(actor).commit(set).await;
        if matches!(committed, Err(StoreError::Gone)) {
            return Err(Error::Conflict("only a failed export can be tried again"));
        }
        committed?;
        self.visible_export(actor, id, extent).await
    }

    /// Takes a session away, finished or not.
    pub async fn delete_export(&self, actor: &Actor, id: &LogicalId) -> Result<(), Error> {
        let extent = self.authorize(actor, Operation::ExportDelete).await?;
        self.visible_export(actor, id, extent).await?;
        let set = WriteSet::new().with(Write::Export(ExportChange::Delete { id: id.clone() })).with(Write::Audit(
            self.event(actor, Operation::ExportDelete).on(Object::new(ObjectKind::Export, id.as_str())),
        ));
        self.desk(actor).commit(set).await.map_err(gone_between)
    }

    /// Sessions, newest first.
    pub async fn export_history(&self, actor: &Actor, query: ExportQuery) -> Result<Page<ExportSession>, Error> {
        let extent = self.authorize(actor, Operation::ExportHistory).await?;
        let mut filter = query.filter;
        let listing = format!("exports {filter:?}");
        if extent == Extent::Own {
            let own = actor.principal.key();
            if filter.requested_by.as_ref().is_some_and(|asked| *asked != own) {
                return Ok(Page { items: Vec::new(), next: None });
            }
            filter.requested_by = Some(own);
        }
        filter.after = self.place(actor, &listing, query.cursor.as_deref())?;
        filter.limit = i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1);
        let rows = self.desk(actor).exports(filter).await?;
        self.note_read(actor, Operation::ExportHistory, Vec::new()).await?;
        self.page(actor, &listing, rows, query.limit, |session| (session.created_at, session.id.clone()))
    }

    /// Sessions counted by form and state.
    pub async fn export_statistics(&self, actor: &Actor) -> Result<Vec<ExportCount>, Error> {
        self.authorize(actor, Operation::ExportStatistics).await?;
        let counts = self.desk(actor).export_counts().await?;
        self.note_read(actor, Operation::ExportStatistics, Vec::new()).await?;
        Ok(counts)
    }

    /// Takes expired sessions away. Returns how many.
    pub async fn clean_up_exports(&self, actor: &Actor) -> Result<usize, Error> {
        self.authorize(actor, Operation::ExportCleanup).await?;
        let mut count = 0;
        loop {
            let expired = self.desk(actor).expired_exports(self.now(), CLEANUP_BATCH).await?;
            if expired.is_empty() {
                return Ok(count);
            }
            let mut event = self.event(actor, Operation::ExportCleanup);
            let mut set = WriteSet::new();
            for id in &expired {
                event = event.on(Object::new(ObjectKind::Export, id.as_str()));
                set.add(Write::Export(ExportChange::Delete { id: id.clone() }));
            }
            match self.desk(actor).commit(set.with(Write::Audit(event))).await {
                Ok(()) => count += expired.len(),
                // Another node takes the same ones away at this moment.
                Err(StoreError::Gone) => return Ok(count),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// When an export that is finished now goes.
    pub fn export_expiry(&self) -> Timestamp {
        let retention = i64::try_from(self.settings().export_retention.as_secs()).unwrap_or(i64::MAX);
        self.now().plus_seconds(retention)
    }

    /// Whether one more export may be unfinished.
    async fn check_room(&self, actor: &Actor) -> Result<(), Error> {
        let counts = self.desk(actor).export_counts().await?;
        let is_open = |count: &&ExportCount| matches!(count.status, ExportStatus::Initiated | ExportStatus::Processing);
        let unfinished: i64 = counts.iter().filter(is_open).map(|count| count.count).sum();
        if unfinished < self.settings().concurrent_exports {
            Ok(())
        } else {
            Err(Error::Busy("too many exports are unfinished".into()))
        }
    }

    async fn visible_export(&self, actor: &Actor, id: &LogicalId, extent: Extent) -> Result<ExportSession, Error> {
        let session = self.desk(actor).export(id).await?.ok_or(Error::NotFound)?;
        let is_visible = extent == Extent::All || session.requested_by == actor.principal.key();
        if is_visible { Ok(session) } else { Err(Error::NotFound) }
    }

    fn export_job(actor: &Actor, export: &LogicalId, now: Timestamp) -> NewJob {
        let payload = ExportPayload { v: 1, export: export.clone() };
        NewJob {
            id: LogicalId::random(),
            kind: "report.export",
            lane: Lane::Interactive.as_str(),
            payload: serde_json::to_string(&payload).unwrap_or_default(),
            priority: 10,
            run_at: now,
            max_attempts: EXPORT_ATTEMPTS,
            dedup_key: Some(format!("report.export:{export}")),
            parent_id: None,
            trace_id: Some(actor.request_id.as_str().to_owned()),
        }
    }
}

fn check_request(request: &ExportRequest) -> Result<(), Error> {
    let mut problems = Problems::new();
    for (path, text) in [("recipient", &request.recipient), ("purpose", &request.purpose)] {
        let Some(text) = text else { continue };
        if text.trim().is_empty() {
            problems.add(path, ProblemCode::Required, "must not be empty");
        } else if text.chars().count() > 256 {
            problems.add(path, ProblemCode::TooLong, "is longer than 256 characters");
        } else if text.chars().any(char::is_control) {
            problems.add(path, ProblemCode::Value, "holds a control character");
        }
    }
    problems.into_result(()).map_err(Error::Invalid)
}

/// The session was deleted between the look and the commit.
fn gone_between(error: StoreError) -> Error {
    if matches!(error, StoreError::Gone) { Error::NotFound } else { error.into() }
}

/// Attempts of one job before the export counts as failed.
const EXPORT_ATTEMPTS: i32 = 4;
/// Sessions that one commit takes away.
const CLEANUP_BATCH: i64 = 200;
