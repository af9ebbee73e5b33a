//! What runs behind Subscriptions: state, counters, events, and which job tells of them. The row of a subscription is
//! taken by whoever numbers or reports its events, so numbers have no gaps and no event is left without a job.

mod apply;

use diesel::prelude::*;

use crate::base::{LogicalId, TenantId, Timestamp, VersionId};
use crate::fhir::subscription::Status;

use super::change::Interaction;
use super::db::on;
use super::feed::{FeedPlace, Moment};
use super::job::NewJob;
use super::keys::Sealer;
use super::schema::{subscription, subscription_event};
use super::{Desk, Store, StoreError};

pub(super) use apply::apply;

/// What runs behind a Subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionState {
    /// Id of the Subscription.
    pub id: LogicalId,
    /// The version of it that this is about.
    pub version: VersionId,
    /// Its status.
    pub status: Status,
    /// `rest-hook` or `websocket`.
    pub channel: String,
    /// JSON, sealed in the database: rights, header values.
    pub settings: Vec<u8>,
    /// Number of the newest event.
    pub events: i64,
    /// Number of the last event that the subscriber has taken.
    pub delivered: i64,
    /// What was committed when it began: it is told of the rest.
    pub begun: Moment,
    /// The job that tells of events.
    pub job: Option<LogicalId>,
    /// When the subscriber last took something.
    pub sent_at: Option<Timestamp>,
}

/// An event of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionEvent {
    /// Its number, from 1.
    pub number: i64,
    /// Type of the resource.
    pub resource_type: String,
    /// Its id.
    pub logical_id: LogicalId,
    /// The version that was made.
    pub version_id: VersionId,
    /// What made it.
    pub interaction: Interaction,
    /// When.
    pub happened_at: Timestamp,
}

/// A change of what runs behind Subscriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubscriptionChange {
    /// Somebody has written the Subscription.
    Put {
        /// Id.
        id: LogicalId,
        /// Version that was written.
        version: VersionId,
        /// `requested` or `off`.
        status: Status,
        /// `rest-hook` or `websocket`.
        channel: &'static str,
        /// JSON; it is sealed.
        settings: Vec<u8>,
        /// Most subscriptions that may be on in the tenant; past it [`StoreError::Refused`].
        most: i64,
        /// What makes it active.
        job: Option<NewJob>,
    },
    /// The Subscription was deleted.
    Remove {
        /// Id.
        id: LogicalId,
    },
    /// The server has changed its status.
    Turn {
        /// Id.
        id: LogicalId,
        /// Version that was written.
        version: VersionId,
        /// New status.
        status: Status,
        /// When it has to be looked at again.
        due_at: Option<Timestamp>,
    },
    /// Changes were matched.
    Record {
        /// Where the reader began.
        from: FeedPlace,
        /// Where it ended.
        to: FeedPlace,
        /// By subscription, in order: what each is told of, and the job that tells it if none does. Numbers are given
        /// here.
        events: Vec<(LogicalId, Vec<SubscriptionEvent>, Option<NewJob>)>,
    },
    /// The subscriber has taken something: events up to a number, or a sign of life.
    Delivered {
        /// Id.
        id: LogicalId,
        /// The job that sent it; [`StoreError::LeaseLost`] if it is another one's turn. `None` for a socket, which only
        /// moves the number on.
        job: Option<LogicalId>,
        /// Last number.
        number: i64,
    },
    /// A job has nothing more to tell.
    Rest {
        /// Id.
        id: LogicalId,
        /// The job.
        job: LogicalId,
        /// The one that goes on, if there is more by now.
        next: NewJob,
        /// When it has to be looked at again.
        due_at: Option<Timestamp>,
    },
    /// Its time has come.
    Wake {
        /// Id.
        id: LogicalId,
        /// Goes in if no job is at it.
        job: NewJob,
    },
}

impl Store {
    /// Subscriptions of all tenants whose time has come.
    pub async fn due_subscriptions(&self, now: Timestamp) -> Result<Vec<(TenantId, LogicalId)>, StoreError> {
        let rows: Vec<(String, String)> = self
            .read(move |tx| {
                on!(tx, conn => subscription::table
                    .filter(subscription::due_at.le(now.0))
                    .select((subscription::tenant, subscription::id))
                    .limit(MOST_DUE)
                    .load(conn))
                .map_err(StoreError::from)
            })
            .await?;
        let parsed = rows.into_iter().map(|(tenant, id)| {
            let tenant = TenantId::parse(&tenant).map_err(|_form| StoreError::Corrupt("tenant"))?;
            Ok((tenant, LogicalId::parse(&id).map_err(|_form| StoreError::Corrupt("logical id"))?))
        });
        parsed.collect()
    }
}

impl Desk<'_> {
    /// What runs behind a Subscription.
    pub async fn subscription(&self, id: &LogicalId) -> Result<Option<SubscriptionState>, StoreError> {
        let (tenant, id) = (self.tenant().clone(), id.clone());
        let row: Option<Row> = self
            .read(move |tx| {
                on!(tx, conn => subscription::table
                    .find((tenant.as_str(), id.as_str()))
                    .select(Row::as_select())
                    .first(conn)
                    .optional())
                .map_err(StoreError::from)
            })
            .await?;
        row.map(|row| row.open(self.tenant(), self.sealer())).transpose()
    }

    /// What runs behind all Subscriptions of this tenant, by id.
    pub async fn subscriptions(&self) -> Result<Vec<SubscriptionState>, StoreError> {
        let tenant = self.tenant().clone();
        let rows: Vec<Row> = self
            .read(move |tx| {
                on!(tx, conn => subscription::table
                    .filter(subscription::tenant.eq(tenant.as_str()))
                    .order(subscription::id)
                    .select(Row::as_select())
                    .load(conn))
                .map_err(StoreError::from)
            })
            .await?;
        rows.into_iter().map(|row| row.open(self.tenant(), self.sealer())).collect()
    }

    /// Events of a subscription from one number to another, both included, in order.
    pub async fn subscription_events(
        &self,
        id: &LogicalId,
        since: i64,
        until: i64,
        limit: i64,
    ) -> Result<Vec<SubscriptionEvent>, StoreError> {
        let (tenant, id) = (self.tenant().clone(), id.clone());
        let rows: Vec<EventRow> = self
            .read(move |tx| {
                on!(tx, conn => subscription_event::table
                    .filter(subscription_event::tenant.eq(tenant.as_str()))
                    .filter(subscription_event::subscription.eq(id.as_str()))
                    .filter(subscription_event::number.between(since, until))
                    .order(subscription_event::number)
                    .limit(limit)
                    .select(EventRow::as_select())
                    .load(conn))
                .map_err(StoreError::from)
            })
            .await?;
        rows.into_iter().map(SubscriptionEvent::try_from).collect()
    }

    /// Deletes events that happened before `before` and are not waiting for anybody.
    pub async fn sweep_subscription_events(&self, before: Timestamp) -> Result<usize, StoreError> {
        let tenant = self.tenant().clone();
        self.write(move |tx| {
            let old: Vec<(String, i64)> = on!(tx, conn => subscription_event::table
                .filter(subscription_event::tenant.eq(tenant.as_str()))
                .filter(subscription_event::happened_at.lt(before.0))
                .group_by(subscription_event::subscription)
                .select((subscription_event::subscription, diesel::dsl::count_star()))
                .load(conn))?;
            let mut swept = 0;
            for (id, _) in old {
                let row: Option<(String, i64)> = on!(tx, conn => subscription::table
                    .find((tenant.as_str(), &id))
                    .select((subscription::state, subscription::delivered))
                    .first(conn)
                    .optional())?;
                let last = match row {
                    Some((state, delivered)) if matches!(state.as_str(), "requested" | "active") => delivered,
                    _ => i64::MAX,
                };
                swept += on!(tx, conn => diesel::delete(subscription_event::table
                    .filter(subscription_event::tenant.eq(tenant.as_str()))
                    .filter(subscription_event::subscription.eq(&id))
                    .filter(subscription_event::happened_at.lt(before.0))
                    .filter(subscription_event::number.le(last)))
                    .execute(conn))?;
            }
            Ok(swept)
        })
        .await
    }

    /// What a client shows to get notifications on a socket: sealed, so that no row is needed for it.
    pub fn seal_binding(&self, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.sealer().seal(self.tenant(), &[BINDING], plain)
    }

    /// What [`Desk::seal_binding`] sealed.
    pub fn open_binding(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        self.sealer().open(self.tenant(), &[BINDING], sealed).ok()
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = subscription)]
struct Row {
    tenant: String,
    id: String,
    version_id: i32,
    state: String,
    channel: String,
    settings: Vec<u8>,
    events: i64,
    delivered: i64,
    begun: String,
    job: Option<String>,
    sent_at: Option<i64>,
    due_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = subscription_event)]
struct EventRow {
    tenant: String,
    subscription: String,
    number: i64,
    resource_type: String,
    logical_id: String,
    version_id: i32,
    interaction: String,
    happened_at: i64,
}

impl Row {
    fn open(self, tenant: &TenantId, sealer: &Sealer) -> Result<SubscriptionState, StoreError> {
        let id = |text: &str| LogicalId::parse(text).map_err(|_form| StoreError::Corrupt("logical id"));
        Ok(SubscriptionState {
            settings: sealer.open(tenant, &["subscription", &self.id], &self.settings)?,
            id: id(&self.id)?,
            version: VersionId(self.version_id),
            status: Status::parse(&self.state).ok_or(StoreError::Corrupt("subscription state"))?,
            channel: self.channel,
            events: self.events,
            delivered: self.delivered,
            begun: Moment::parse(&self.begun).ok_or(StoreError::Corrupt("beginning of a subscription"))?,
            job: self.job.as_deref().map(id).transpose()?,
            sent_at: self.sent_at.map(Timestamp),
        })
    }
}

impl TryFrom<EventRow> for SubscriptionEvent {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self, StoreError> {
        Ok(Self {
            number: row.number,
            resource_type: row.resource_type,
            logical_id: LogicalId::parse(&row.logical_id).map_err(|_form| StoreError::Corrupt("logical id"))?,
            version_id: VersionId(row.version_id),
            interaction: Interaction::parse(&row.interaction).ok_or(StoreError::Corrupt("interaction"))?,
            happened_at: Timestamp(row.happened_at),
        })
    }
}

/// Rows of one statement.
const ROWS: usize = 500;
/// Subscriptions that are woken in one round.
const MOST_DUE: i64 = 500;
const BINDING: &str = "subscription-binding";
