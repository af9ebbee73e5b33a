//! `subscription.notify`: tells a subscriber of events, in order. Idempotent by the number of an event: what a subscriber
//! gets twice has the number that it had.

use crate::jobs::{Handler, HandlerFuture, JobError, Run};
use crate::ops::Ops;
use crate::ops::subscriptions::{Notified, NotifyPayload};
use crate::store::WriteSet;

pub(super) struct SubscriptionNotify {
    ops: Ops,
}

impl SubscriptionNotify {
    pub(super) fn new(ops: Ops) -> Self {
        Self { ops }
    }
}

impl Handler for SubscriptionNotify {
    fn kind(&self) -> &'static str {
        "subscription.notify"
    }

    fn run<'a>(&'a self, run: &'a Run) -> HandlerFuture<'a, Result<WriteSet, JobError>> {
        Box::pin(async move {
            let payload: NotifyPayload = run.payload()?;
            match self.ops.notify_subscriber(run.actor(), &run.job().id, &payload.subscription).await? {
                Notified::Done(set) => Ok(set),
                Notified::Again { message, retry } => Err(JobError::Failed { message, retry }),
            }
        })
    }

    fn give_up<'a>(&'a self, run: &'a Run, error: &'a str) -> HandlerFuture<'a, Result<WriteSet, JobError>> {
        Box::pin(async move {
            let payload: NotifyPayload = run.payload()?;
            Ok(self.ops.give_up_subscriber(run.actor(), &run.job().id, &payload.subscription, error).await?)
        })
    }
}
