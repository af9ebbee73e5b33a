//! `study.changed`: looks at a study to which instances came, when none has come for a while. Idempotent by study and
//! the time of its last change.

use crate::jobs::{Handler, HandlerFuture, JobError, Run};
use crate::ops::Ops;
use crate::ops::studies::StudyChangedPayload;
use crate::store::WriteSet;

pub(super) struct StudyChanged {
    ops: Ops,
}

impl StudyChanged {
    pub(super) fn new(ops: Ops) -> Self {
        Self { ops }
    }
}

impl Handler for StudyChanged {
    fn kind(&self) -> &'static str {
        "study.changed"
    }

    fn run<'a>(&'a self, run: &'a Run) -> HandlerFuture<'a, Result<WriteSet, JobError>> {
        Box::pin(async move {
            let payload: StudyChangedPayload = run.payload()?;
            Ok(self.ops.settle_study(run.actor(), &payload).await?)
        })
    }
}
