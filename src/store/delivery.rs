//! Deliveries: one rendition to one peer, and what the peer answered.

use diesel::prelude::*;

use crate::base::{LogicalId, PeerName, TenantId, Timestamp, Uid, VersionId};
use crate::report::Twin;

use super::db::{Tx, on};
use super::schema::delivery;
use super::{Desk, StoreError};

/// Where a delivery is. Only what the peer itself answered makes it sent or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// Waits for its first or next attempt.
    Pending,
    /// On its way; what came of it is not known yet.
    Sending,
    /// The peer has it.
    Sent,
    /// The peer has it and remarked on it.
    SentWithWarning,
    /// The peer does not want it, and will not.
    Refused,
    /// Given up after too many attempts, or not to be had.
    Dead,
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Sending, Self::Sent, Self::SentWithWarning, Self::Refused, Self::Dead];

    /// The name in the database and to the outside.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::SentWithWarning => "sent-with-warning",
            Self::Refused => "refused",
            Self::Dead => "dead",
        }
    }

    /// The state of a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether nothing more happens by itself.
    pub fn is_finished(self) -> bool {
        !matches!(self, Self::Pending | Self::Sending)
    }
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Id.
    pub id: LogicalId,
    /// Report.
    pub report: LogicalId,
    /// Version.
    pub version: VersionId,
    /// Form.
    pub twin: Twin,
    /// To whom.
    pub peer: PeerName,
    /// Where it is.
    pub state: DeliveryState,
    /// Attempts that were made.
    pub attempts: i32,
    /// SOP instance of DICOM forms, once rendered.
    pub sop_instance_uid: Option<Uid>,
    /// What the peer last answered, or why it could not be asked: `0x0000`, `HTTP 409`, `connection refused`.
    pub answer: Option<String>,
    /// Not before.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was ordered.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
    /// When it was finished.
    pub finished_at: Option<Timestamp>,
}

/// A change of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryChange {
    /// A new one; the same version, form and peer again changes nothing.
    Order(Delivery),
    /// An attempt begins. Only one job makes attempts at a time: what another one is sending is
    /// [`StoreError::Gone`], what this one was sending when it was interrupted is not.
    Attempt {
        /// Which.
        id: LogicalId,
        /// The job.
        job: LogicalId,
    },
    /// An attempt has come to something.
    Outcome {
        /// Which.
        id: LogicalId,
        /// Where it is now.
        state: DeliveryState,
        /// SOP instance of DICOM forms.
        sop_instance_uid: Option<Uid>,
        /// What the peer answered.
        answer: String,
        /// Next attempt, if there is one.
        next_attempt_at: Option<Timestamp>,
    },
    /// A refused or dead one is tried again.
    Resend {
        /// Which.
        id: LogicalId,
    },
}

/// Which deliveries to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Of this report.
    pub report: Option<LogicalId>,
    /// To this peer.
    pub peer: Option<PeerName>,
    /// In this state.
    pub state: Option<DeliveryState>,
    /// The last one of the page before.
    pub after: Option<(Timestamp, LogicalId)>,
    /// Greatest number.
    pub limit: i64,
}

impl Desk<'_> {
    /// A delivery.
    pub async fn delivery(&self, id: &LogicalId) -> Result<Option<Delivery>, StoreError> {
        let (tenant, id) = (self.tenant().clone(), id.clone());
        let row: Option<Row> = self
            .read(move |tx| {
                on!(tx, conn => delivery::table
                    .find((tenant.as_str(), id.as_str()))
                    .select(Row::as_select())
                    .get_result(conn)
                    .optional())
                .map_err(StoreError::from)
            })
            .await?;
        row.map(Delivery::try_from).transpose()
    }

    /// Deliveries, newest first.
    pub async fn deliveries(&self, filter: DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        let tenant = self.tenant().clone();
        let rows: Vec<Row> = self
            .read(move |tx| {
                on!(tx, conn => {
                    let mut query = delivery::table
                        .filter(delivery::tenant.eq(tenant.as_str()))
                        .select(Row::as_select())
                        .order((delivery::created_at.desc(), delivery::id.desc()))
                        .limit(filter.limit)
                        .into_boxed();
                    if let Some(report) = &filter.report {
                        query = query.filter(delivery::report.eq(report.as_str()));
                    }
                    if let Some(peer) = &filter.peer {
                        query = query.filter(delivery::peer.eq(peer.as_str()));
                    }
                    if let Some(state) = filter.state {
                        query = query.filter(delivery::state.eq(state.as_str()));
                    }
                    if let Some((created_at, id)) = &filter.after {
                        query = query.filter(
                            delivery::created_at
                                .lt(created_at.0)
                                .or(delivery::created_at.eq(created_at.0).and(delivery::id.lt(id.as_str()))),
                        );
                    }
                    query.load(conn).map_err(StoreError::from)
                })
            })
            .await?;
        rows.into_iter().map(Delivery::try_from).collect()
    }
}

/// Applies a change. A delivery that is not there, or not in a state that allows it, is [`StoreError::Gone`].
pub(super) fn apply(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    change: &DeliveryChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    let changed = match change {
        DeliveryChange::Order(new) => {
            let row = Row::new(tenant, new);
            on!(tx, conn => diesel::insert_into(delivery::table).values(row).on_conflict_do_nothing().execute(conn))?;
            1
        }
        DeliveryChange::Attempt { id, job } => on!(tx, conn => diesel::update(delivery::table
            .filter(delivery::tenant.eq(tenant.as_str()))
            .filter(delivery::id.eq(id.as_str()))
            .filter(
                delivery::state.eq("pending")
                    .or(delivery::state.eq("sending").and(delivery::claimed_by.eq(job.as_str()))),
            ))
            .set((
                delivery::state.eq("sending"),
                delivery::claimed_by.eq(job.as_str()),
                delivery::attempts.eq(delivery::attempts + 1),
                delivery::updated_at.eq(now.0),
            ))
            .execute(conn))?,
        DeliveryChange::Outcome { id, state, sop_instance_uid, answer, next_attempt_at } => {
            let uid = sop_instance_uid.as_ref().map(Uid::as_str);
            on!(tx, conn => diesel::update(delivery::table
                .filter(delivery::tenant.eq(tenant.as_str()))
                .filter(delivery::id.eq(id.as_str()))
                .filter(delivery::state.eq_any(["pending", "sending"])))
                .set((
                    delivery::state.eq(state.as_str()),
                    delivery::sop_instance_uid.eq(uid),
                    delivery::answer.eq(answer),
                    delivery::next_attempt_at.eq(next_attempt_at.map(|at| at.0)),
                    delivery::updated_at.eq(now.0),
                    delivery::finished_at.eq(state.is_finished().then_some(now.0)),
                ))
                .execute(conn))?
        }
        DeliveryChange::Resend { id } => on!(tx, conn => diesel::update(delivery::table
            .filter(delivery::tenant.eq(tenant.as_str()))
            .filter(delivery::id.eq(id.as_str()))
            .filter(delivery::state.eq_any(["refused", "dead"])))
            .set((
                delivery::state.eq("pending"),
                delivery::next_attempt_at.eq(now.0),
                delivery::updated_at.eq(now.0),
                delivery::finished_at.eq(None::<i64>),
            ))
            .execute(conn))?,
    };
    if changed == 1 { Ok(()) } else { Err(StoreError::Gone) }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = delivery)]
struct Row {
    tenant: String,
    id: String,
    report: String,
    version_id: i32,
    twin: String,
    peer: String,
    state: String,
    attempts: i32,
    claimed_by: Option<String>,
    sop_instance_uid: Option<String>,
    answer: Option<String>,
    next_attempt_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
    finished_at: Option<i64>,
}

impl Row {
    fn new(tenant: &TenantId, new: &Delivery) -> Self {
        Self {
            tenant: tenant.as_str().to_owned(),
            id: new.id.as_str().to_owned(),
            report: new.report.as_str().to_owned(),
            version_id: new.version.0,
            twin: new.twin.as_str().to_owned(),
            peer: new.peer.as_str().to_owned(),
            state: new.state.as_str().to_owned(),
            attempts: new.attempts,
            claimed_by: None,
            sop_instance_uid: new.sop_instance_uid.as_ref().map(|uid| uid.as_str().to_owned()),
            answer: new.answer.clone(),
            next_attempt_at: new.next_attempt_at.map(|at| at.0),
            created_at: new.created_at.0,
            updated_at: new.updated_at.0,
            finished_at: new.finished_at.map(|at| at.0),
        }
    }
}

impl TryFrom<Row> for Delivery {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: LogicalId::parse(&row.id).map_err(|_form| StoreError::Corrupt("delivery id"))?,
            report: LogicalId::parse(&row.report).map_err(|_form| StoreError::Corrupt("report id"))?,
            version: VersionId(row.version_id),
            twin: Twin::parse(&row.twin).ok_or(StoreError::Corrupt("delivery form"))?,
            peer: PeerName::parse(&row.peer).map_err(|_form| StoreError::Corrupt("peer name"))?,
            state: DeliveryState::parse(&row.state).ok_or(StoreError::Corrupt("delivery state"))?,
            attempts: row.attempts,
            sop_instance_uid: row
                .sop_instance_uid
                .map(|uid| Uid::parse(&uid))
                .transpose()
                .map_err(|_form| StoreError::Corrupt("UID"))?,
            answer: row.answer,
            next_attempt_at: row.next_attempt_at.map(Timestamp),
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
            finished_at: row.finished_at.map(Timestamp),
        })
    }
}
