//! `search.index`: makes the rows of a search parameter that is new, takes those away of one that is no more, and makes
//! references local that lead to an address of the tenant's own. Idempotent by parameter and generation: a row that is
//! there is not made twice, and what is gone is not missed.

use std::collections::HashSet;
use std::time::Duration;

use crate::jobs::{Handler, HandlerFuture, JobError, Run};
use crate::store::{INDEX_JOB, IndexPayload, IndexPlace, IndexStep, ParameterReady, Write, WriteSet};

pub(super) struct SearchIndex;

impl Handler for SearchIndex {
    fn kind(&self) -> &'static str {
        INDEX_JOB
    }

    fn run<'a>(&'a self, run: &'a Run) -> HandlerFuture<'a, Result<WriteSet, JobError>> {
        Box::pin(async move {
            let payload: IndexPayload = run.payload()?;
            outlive(run).await?;
            while run.desk().forget_rows(&payload).await? > 0 {
                run.progress(0).await?;
            }
            let mut place: IndexPlace = run.saved().unwrap_or_default();
            loop {
                match run.desk().index_next(&payload, &place).await? {
                    IndexStep::Next(next) => place = next,
                    IndexStep::Done => break,
                    IndexStep::Outdated => return Ok(WriteSet::new()),
                }
                run.progress(percent(&place)).await?;
                run.checkpoint(&place).await?;
            }
            if payload.parameter.is_none() {
                return Ok(WriteSet::new());
            }
            Ok(WriteSet::new().with(Write::Parameter(ParameterReady { generation: payload.generation })))
        })
    }
}

/// Waits until every transaction has ended that may have begun before the change which this job follows: what they
/// write knows nothing of it, and what they have not committed yet would not be seen.
async fn outlive(run: &Run) -> Result<(), JobError> {
    let before: HashSet<String> = run.desk().open_transactions().await?.into_iter().collect();
    let mut left = !before.is_empty();
    while left {
        tokio::time::sleep(LOOK_EVERY).await;
        left = run.desk().open_transactions().await?.iter().any(|open| before.contains(open));
        run.progress(0).await?;
    }
    Ok(())
}

fn percent(place: &IndexPlace) -> i32 {
    i32::try_from(place.done.saturating_mul(100) / place.total.max(1)).unwrap_or(99)
}

/// How often to look whether a transaction has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);
