//! `change.dispatch`: tells delivery rules of a new version. Idempotent: a delivery of the same version,
//! form and peer is ordered once.

use crate::jobs::{Handler, HandlerFuture, JobError, Run};
use crate::ops::Ops;
use crate::ops::deliveries::DispatchPayload;
use crate::store::WriteSet;

pub(super) struct ChangeDispatch {
    ops: Ops,
}

impl ChangeDispatch {
    pub(super) fn new(ops: Ops) -> Self {
        Self { ops }
    }
}

impl Handler for ChangeDispatch {
    fn kind(&self) -> &'static str {
        "change.dispatch"
    }

    fn run<'a>(&'a self, run: &'a Run) -> HandlerFuture<'a, Result<WriteSet, JobError>> {
        Box::pin(async move {
            let payload: DispatchPayload = run.payload()?;
            Ok(self.ops.dispatch(run.actor(), &payload).await?)
        })
    }
}
