//! `orthanc.follow` and `orthanc.store`: what has changed in the archive behind a tenant is taken in, and what is to be
//! done there is done. How far that is stands in the database, not in the jobs: each goes on where the last one ended.
//! Idempotent by ids of Orthanc and digests of data sets.

use std::time::Duration;

use crate::jobs::{Handler, HandlerFuture, JobError, Run};
use crate::ops::Ops;
use crate::ops::studies::Followed;
use crate::store::WriteSet;

pub(super) struct OrthancFollow {
    ops: Ops,
}

pub(super) struct OrthancStore {
    ops: Ops,
}

impl OrthancFollow {
    pub(super) fn new(ops: Ops) -> Self {
        Self { ops }
    }
}

impl OrthancStore {
    pub(super) fn new(ops: Ops) -> Self {
        Self { ops }
    }
}

impl Handler for OrthancFollow {
    fn kind(&self) -> &'static str {
        "orthanc.follow"
    }

    fn run<'a>(&'a self, run: &'a Run) -> HandlerFuture<'a, Result<WriteSet, JobError>> {
        Box::pin(async move {
            let mut idle = 0;
            while idle < rounds(&self.ops) {
                match self.ops.follow_archive(run.actor()).await? {
                    Some(Followed::More(percent)) => run.progress(percent).await?,
                    Some(Followed::AtEnd) => {
                        idle += 1;
                        tokio::time::sleep(poll(&self.ops)).await;
                    }
                    Some(Followed::Unreachable) | None => break,
                }
            }
            Ok(WriteSet::new())
        })
    }
}

impl Handler for OrthancStore {
    fn kind(&self) -> &'static str {
        "orthanc.store"
    }

    fn run<'a>(&'a self, run: &'a Run) -> HandlerFuture<'a, Result<WriteSet, JobError>> {
        Box::pin(async move {
            let mut idle = 0;
            while idle < rounds(&self.ops) {
                match self.ops.send_to_archive(run.actor()).await {
                    Ok(0) => {
                        idle += 1;
                        tokio::time::sleep(poll(&self.ops)).await;
                    }
                    Ok(_done) => run.progress(0).await?,
                    Err(crate::ops::Error::Busy(detail)) => {
                        tracing::debug!(%detail, "what is to be done in the archive behind waits");
                        break;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            self.ops.evict_held(run.actor()).await?;
            Ok(WriteSet::new())
        })
    }
}

fn poll(ops: &Ops) -> Duration {
    ops.settings().studies.behind.poll
}

/// How often a job looks again when there is nothing to do, before it makes room for those of other tenants.
fn rounds(ops: &Ops) -> u32 {
    if ops.settings().studies.behind.tenants.len() <= FEW { ROUNDS } else { 1 }
}

/// Tenants whose jobs do not wait for each other.
const FEW: usize = 2;
const ROUNDS: u32 = 5;
