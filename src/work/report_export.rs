//! `report.export`: makes the rendition that an export session waits for. Idempotent by report, version
//! and form: what is there is not made again.

use crate::base::LogicalId;
use crate::jobs::{Handler, HandlerFuture, JobError, Run};
use crate::ops::Ops;
use crate::ops::exports::ExportPayload;
use crate::store::{ExportChange, ExportSession, ExportStatus, StoreError, Write, WriteSet};

pub(super) struct ReportExport {
    ops: Ops,
}

impl ReportExport {
    pub(super) fn new(ops: Ops) -> Self {
        Self { ops }
    }

    /// The session, unless it was deleted or finished in the meantime.
    async fn session(&self, run: &Run, id: &LogicalId) -> Result<Option<ExportSession>, JobError> {
        let session = run.desk().export(id).await?;
        Ok(session.filter(|session| matches!(session.status, ExportStatus::Initiated | ExportStatus::Processing)))
    }

    async fn step(&self, run: &Run, id: &LogicalId, progress: i32) -> Result<(), JobError> {
        run.progress(progress).await?;
        let change = Write::Export(ExportChange::Progress { id: id.clone(), progress });
        match run.desk().commit(WriteSet::new().with(change)).await {
            // An attempt before this one was further already, or the session was deleted.
            Ok(()) | Err(StoreError::Gone) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Handler for ReportExport {
    fn kind(&self) -> &'static str {
        "report.export"
    }

    fn run<'a>(&'a self, run: &'a Run) -> HandlerFuture<'a, Result<WriteSet, JobError>> {
        Box::pin(async move {
            let payload: ExportPayload = run.payload()?;
            let Some(session) = self.session(run, &payload.export).await? else { return Ok(WriteSet::new()) };
            self.step(run, &session.id, 10).await?;
            self.ops.rendition(run.actor(), &session.report, session.version, session.twin).await?;
            self.step(run, &session.id, 90).await?;
            if self.session(run, &session.id).await?.is_none() {
                return Ok(WriteSet::new());
            }
            let change = ExportChange::Complete { id: session.id, expires_at: self.ops.export_expiry() };
            Ok(WriteSet::new().with(Write::Export(change)))
        })
    }

    fn give_up<'a>(&'a self, run: &'a Run, error: &'a str) -> HandlerFuture<'a, Result<WriteSet, JobError>> {
        Box::pin(async move {
            let payload: ExportPayload = run.payload()?;
            let Some(session) = self.session(run, &payload.export).await? else { return Ok(WriteSet::new()) };
            let (error, expires_at) = (error.to_owned(), self.ops.export_expiry());
            Ok(WriteSet::new().with(Write::Export(ExportChange::Fail { id: session.id, error, expires_at })))
        })
    }
}
