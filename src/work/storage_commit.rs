//! `storage.commit`: tells whoever asked for a storage commitment what became of it, again and again until it
//! is acknowledged. Idempotent by Transaction UID: who hears it twice has heard the same.

use crate::jobs::{Handler, HandlerFuture, JobError, Run};
use crate::ops::Ops;
use crate::ops::commitment::{COMMIT_KIND, CommitPayload};
use crate::store::WriteSet;

pub(super) struct StorageCommit {
    ops: Ops,
}

impl StorageCommit {
    pub(super) fn new(ops: Ops) -> Self {
        Self { ops }
    }
}

impl Handler for StorageCommit {
    fn kind(&self) -> &'static str {
        COMMIT_KIND
    }

    fn run<'a>(&'a self, run: &'a Run) -> HandlerFuture<'a, Result<WriteSet, JobError>> {
        Box::pin(async move {
            let payload: CommitPayload = run.payload()?;
            match self.ops.report_commitment(run.actor(), &payload).await {
                Ok(()) => Ok(WriteSet::new()),
                Err(error) => Err(JobError::Failed { message: error.to_string(), retry: error.retry() }),
            }
        })
    }
}
