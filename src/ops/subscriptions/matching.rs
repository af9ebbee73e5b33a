//! Changes become events. They are read before the subscriptions are: whoever had subscribed when a change was
//! committed is seen. Place and numbers move in one commit, so of several nodes that match the same changes one wins.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::access::{Actor, RequestId};
use crate::base::{LogicalId, TenantId, VersionId};
use crate::fhir::subscription::{Channel, Status};
use crate::fhir::{Json, JsonLimits};
use crate::store::{
    Feed, FeedChange, Interaction, Moment, StoreError, SubscriptionChange, SubscriptionEvent, Write, WriteSet,
};

use super::super::{Error, Ops};
use super::follower::Follower;
use super::rights::may_read;
use super::socket::News;

/// A subscription that is matched.
#[derive(Clone)]
struct Follow {
    id: LogicalId,
    begun: Moment,
    follower: Arc<Follower>,
}

impl Ops {
    /// Matches changes of a tenant that were not matched yet. `true` if there may be more.
    pub async fn match_changes(&self, tenant: &TenantId) -> Result<bool, Error> {
        let actor = Actor::system(tenant.clone(), "subscription.match", request_id()?);
        let Some(feed) = self.desk(&actor).feed(BATCH).await? else { return Ok(false) };
        let Some(last) = feed.changes.last().map(|last| last.place) else { return Ok(false) };
        let followers = self.followers(&actor).await?;
        let more = i64::try_from(feed.changes.len()).is_ok_and(|read| read >= BATCH);
        let from = feed.from;
        let matched = self.matched(&actor, feed, followers.clone()).await?;
        let mut events = Vec::with_capacity(matched.len());
        for (id, of_one) in matched {
            let is_hook =
                followers.iter().any(|one| one.id == id && matches!(one.follower.terms.channel, Channel::RestHook(_)));
            let job = is_hook.then(|| self.notify_job(&actor, &id, Duration::ZERO));
            events.push((id, of_one, job));
        }
        let told: Vec<LogicalId> = events.iter().map(|(id, ..)| id.clone()).collect();
        let change = SubscriptionChange::Record { from, to: last, events };
        match self.desk(&actor).commit(WriteSet::new().with(Write::Subscription(change))).await {
            Ok(()) => {}
            // Another node was here first.
            Err(StoreError::VersionConflict { .. }) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
        for subscription in told {
            let _nobody_listens = self.shared.subscribers.news.send(News { tenant: tenant.clone(), subscription });
        }
        Ok(more)
    }

    /// Puts jobs in for the subscriptions whose time has come.
    pub async fn wake_subscriptions(&self) -> Result<(), Error> {
        for (tenant, id) in self.store().due_subscriptions(self.now()).await? {
            let actor = Actor::system(tenant, "subscription.match", request_id()?);
            let job = self.notify_job(&actor, &id, Duration::ZERO);
            let change = SubscriptionChange::Wake { id, job };
            self.desk(&actor).commit(WriteSet::new().with(Write::Subscription(change))).await?;
        }
        Ok(())
    }

    /// The subscriptions of a tenant that are on and may still read what they are about.
    async fn followers(&self, actor: &Actor) -> Result<Vec<Follow>, Error> {
        let mut followers = Vec::new();
        for state in self.desk(actor).subscriptions().await? {
            if state.status == Status::Off {
                continue;
            }
            match self.follower(actor, &state).await {
                Ok(follower) if may_read(&follower.maker, &follower.terms.resource_type) => {
                    followers.push(Follow { id: state.id, begun: state.begun, follower });
                }
                Ok(_) => tracing::warn!(subscription = %state.id, "whoever wrote it may not read what it is about"),
                // Written by another version of the program, or gone since.
                Err(error @ (Error::Rule(_) | Error::Invalid(_) | Error::NotFound)) => {
                    tracing::error!(subscription = %state.id, %error, "subscription cannot be followed");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(followers)
    }

    /// What each subscription is told of, in the order of the changes.
    async fn matched(
        &self,
        actor: &Actor,
        feed: Feed,
        followers: Vec<Follow>,
    ) -> Result<BTreeMap<LogicalId, Vec<SubscriptionEvent>>, Error> {
        let is_followed = |kind: &str| followers.iter().any(|one| one.follower.terms.resource_type == kind);
        let changes: Vec<FeedChange> =
            feed.changes.into_iter().filter(|change| is_followed(&change.resource_type)).collect();
        if changes.is_empty() {
            return Ok(BTreeMap::new());
        }
        let keys: Vec<(String, LogicalId, VersionId)> = changes
            .iter()
            .map(|change| {
                // What was deleted is looked at as it was before.
                let version = match change.interaction {
                    Interaction::Delete => VersionId(change.version_id.0 - 1),
                    Interaction::Create | Interaction::Update => change.version_id,
                };
                (change.resource_type.clone(), change.logical_id.clone(), version)
            })
            .collect();
        let bodies = self.desk(actor).resource_versions(&keys).await?;
        self.on_cpu(move || {
            let mut matched: BTreeMap<LogicalId, Vec<SubscriptionEvent>> = BTreeMap::new();
            for (change, stored) in changes.into_iter().zip(bodies) {
                let body = stored.and_then(|stored| stored.body);
                let Some(document) = body.and_then(|body| Json::parse(&body, &JsonLimits::default()).ok()) else {
                    continue;
                };
                let is_deletion = change.interaction == Interaction::Delete;
                for one in followers.iter().filter(|one| !one.begun.has(change.place)) {
                    if one.follower.terms.is_about(&document, is_deletion) {
                        matched.entry(one.id.clone()).or_default().push(event(&change));
                    }
                }
            }
            matched
        })
        .await
    }
}

fn event(change: &FeedChange) -> SubscriptionEvent {
    SubscriptionEvent {
        // Given when it is committed.
        number: 0,
        resource_type: change.resource_type.clone(),
        logical_id: change.logical_id.clone(),
        version_id: change.version_id,
        interaction: change.interaction,
        happened_at: change.changed_at,
    }
}

fn request_id() -> Result<RequestId, Error> {
    RequestId::parse(LogicalId::random().as_str()).map_err(|_form| Error::Fault("request id".into()))
}

/// Changes that are matched at a time.
const BATCH: i64 = 500;
