//! `report.deliver`: sends the renditions of a version to a peer. Idempotent by SOP instance UID and by
//! business identifiers: what a peer has got twice is the same thing.

use crate::jobs::{Handler, HandlerFuture, JobError, Run};
use crate::ops::Ops;
use crate::ops::deliveries::DeliverPayload;
use crate::ops::sending::Left;
use crate::store::WriteSet;

pub(super) struct ReportDeliver {
    ops: Ops,
}

impl ReportDeliver {
    pub(super) fn new(ops: Ops) -> Self {
        Self { ops }
    }
}

impl Handler for ReportDeliver {
    fn kind(&self) -> &'static str {
        "report.deliver"
    }

    fn run<'a>(&'a self, run: &'a Run) -> HandlerFuture<'a, Result<WriteSet, JobError>> {
        Box::pin(async move {
            let payload: DeliverPayload = run.payload()?;
            let patient = run.job().attempts <= PATIENT_ATTEMPTS;
            let job = &run.job().id;
            match self.ops.attempt_deliveries(run.actor(), job, &payload.deliveries, patient).await? {
                Left::Nothing => Ok(WriteSet::new()),
                Left::Again { message, retry } => Err(JobError::Failed { message, retry }),
            }
        })
    }

    fn give_up<'a>(&'a self, run: &'a Run, error: &'a str) -> HandlerFuture<'a, Result<WriteSet, JobError>> {
        Box::pin(async move {
            let payload: DeliverPayload = run.payload()?;
            Ok(self.ops.give_up_deliveries(run.actor(), &payload.deliveries, error).await?)
        })
    }
}

/// Attempts that wait for an archive that is down, before the report goes without its evidence.
const PATIENT_ATTEMPTS: i32 = 4;
