//! Jobs as an administrator sees them.

use crate::access::{Actor, Operation};
use crate::audit::{Object, ObjectKind};
use crate::base::LogicalId;
use crate::store::{Job, JobState, StoreError, Write, WriteSet};

use super::{Error, Ops, Page};

impl Ops {
    /// Jobs of the tenant, newest first.
    pub async fn jobs(
        &self,
        actor: &Actor,
        state: Option<JobState>,
        kind: Option<String>,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<Job>, Error> {
        self.authorize(actor, Operation::JobList).await?;
        let listing = format!("jobs {state:?} {kind:?}");
        let after = self.place(actor, &listing, cursor)?;
        let rows = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let jobs = self.desk(actor).jobs(state, kind, after, rows).await?;
        self.note_read(actor, Operation::JobList, Vec::new()).await?;
        self.page(actor, &listing, jobs, limit, |job| (job.created_at, job.id.clone()))
    }

    /// One job of the tenant.
    pub async fn job(&self, actor: &Actor, id: &LogicalId) -> Result<Job, Error> {
        self.authorize(actor, Operation::JobShow).await?;
        let job = self.desk(actor).job(id).await?.ok_or(Error::NotFound)?;
        self.note_read(actor, Operation::JobShow, vec![Object::new(ObjectKind::Job, id.as_str())]).await?;
        Ok(job)
    }

    /// Runs a job again that failed or was cancelled.
    pub async fn retry_job(&self, actor: &Actor, id: &LogicalId) -> Result<Job, Error> {
        self.change_job(
            actor,
            id,
            Operation::JobRetry,
            Write::ResendJob(id.clone()),
            "only a failed or cancelled job can run again",
        )
        .await
    }

    /// Asks a job to stop.
    pub async fn cancel_job(&self, actor: &Actor, id: &LogicalId) -> Result<Job, Error> {
        self.change_job(actor, id, Operation::JobCancel, Write::CancelJob(id.clone()), "the job has ended already")
            .await
    }

    async fn change_job(
        &self,
        actor: &Actor,
        id: &LogicalId,
        operation: Operation,
        write: Write,
        refusal: &'static str,
    ) -> Result<Job, Error> {
        self.authorize(actor, operation).await?;
        self.desk(actor).job(id).await?.ok_or(Error::NotFound)?;
        let event = self.event(actor, operation).on(Object::new(ObjectKind::Job, id.as_str()));
        match self.desk(actor).commit(WriteSet::new().with(write).with(Write::Audit(event))).await {
            Err(StoreError::Gone | StoreError::Duplicate) => return Err(Error::Conflict(refusal)),
            outcome => outcome?,
        }
        self.desk(actor).job(id).await?.ok_or(Error::NotFound)
    }
}
