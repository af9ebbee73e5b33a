//! Export sessions: what someone asked to have exported, and how far it is.

use diesel::prelude::*;

use crate::base::{LogicalId, TenantId, Timestamp, VersionId};
use crate::report::Twin;

use super::db::{Tx, on};
use super::keys::Sealer;
use super::schema::export_session;
use super::{Desk, StoreError};

/// How far an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExportStatus {
    /// Taken on.
    Initiated,
    /// Being made.
    Processing,
    /// Ready to be fetched.
    Completed,
    /// Not to be had; may be tried again.
    Failed,
}

impl ExportStatus {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Initiated, Self::Processing, Self::Completed, Self::Failed];

    /// The name in the database and to the outside.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// The state of a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// An export session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportSession {
    /// Id, `exportId` to the outside.
    pub id: LogicalId,
    /// Report.
    pub report: LogicalId,
    /// Version that was the newest when it was asked for.
    pub version: VersionId,
    /// Form.
    pub twin: Twin,
    /// How far it is.
    pub status: ExportStatus,
    /// 0 to 100; never goes back within an attempt.
    pub progress: i32,
    /// Who asked.
    pub requested_by: String,
    /// Whom it is for.
    pub recipient: Option<String>,
    /// What for.
    pub purpose: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// Attempts that were begun by someone's request: 1, and one more each retry.
    pub attempts: i32,
    /// How often it was fetched.
    pub downloads: i32,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
    /// When it was completed or failed.
    pub finished_at: Option<Timestamp>,
    /// When it goes.
    pub expires_at: Option<Timestamp>,
}

/// A change of an export session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportChange {
    /// A new one.
    Start(ExportSession),
    /// It is being made; progress only goes forward.
    Progress {
        /// Which.
        id: LogicalId,
        /// 0 to 99.
        progress: i32,
    },
    /// It is ready.
    Complete {
        /// Which.
        id: LogicalId,
        /// When it goes.
        expires_at: Timestamp,
    },
    /// It cannot be had.
    Fail {
        /// Which.
        id: LogicalId,
        /// Why, without patient data.
        error: String,
        /// When it goes.
        expires_at: Timestamp,
    },
    /// A failed one is tried again.
    Retry {
        /// Which.
        id: LogicalId,
    },
    /// It was fetched.
    Downloaded {
        /// Which.
        id: LogicalId,
    },
    /// It goes.
    Delete {
        /// Which.
        id: LogicalId,
    },
}

/// Which sessions to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportFilter {
    /// Of this report.
    pub report: Option<LogicalId>,
    /// In this state.
    pub status: Option<ExportStatus>,
    /// Of this form.
    pub twin: Option<Twin>,
    /// Asked for by this person.
    pub requested_by: Option<String>,
    /// Asked for at or after.
    pub from: Option<Timestamp>,
    /// Asked for before.
    pub until: Option<Timestamp>,
    /// The last one of the page before.
    pub after: Option<(Timestamp, LogicalId)>,
    /// Greatest number.
    pub limit: i64,
}

/// Sessions counted by form and state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportCount {
    /// Form.
    pub twin: Twin,
    /// State.
    pub status: ExportStatus,
    /// How many.
    pub count: i64,
    /// How often they were fetched.
    pub downloads: i64,
}

impl Desk<'_> {
    /// An export session.
    pub async fn export(&self, id: &LogicalId) -> Result<Option<ExportSession>, StoreError> {
        let (tenant, id) = (self.tenant().clone(), id.clone());
        let row: Option<Row> = self
            .read(move |tx| {
                on!(tx, conn => export_session::table
                    .find((tenant.as_str(), id.as_str()))
                    .select(Row::as_select())
                    .get_result(conn)
                    .optional())
                .map_err(StoreError::from)
            })
            .await?;
        row.map(|row| row.open(self.tenant(), self.sealer())).transpose()
    }

    /// Export sessions, newest first.
    pub async fn exports(&self, filter: ExportFilter) -> Result<Vec<ExportSession>, StoreError> {
        let tenant = self.tenant().clone();
        let rows: Vec<Row> = self
            .read(move |tx| on!(tx, conn => {
                let mut query = export_session::table
                    .filter(export_session::tenant.eq(tenant.as_str()))
                    .select(Row::as_select())
                    .order((export_session::created_at.desc(), export_session::id.desc()))
                    .limit(filter.limit)
                    .into_boxed();
                if let Some(report) = &filter.report {
                    query = query.filter(export_session::report.eq(report.as_str()));
                }
                if let Some(status) = filter.status {
                    query = query.filter(export_session::status.eq(status.as_str()));
                }
                if let Some(twin) = filter.twin {
                    query = query.filter(export_session::twin.eq(twin.as_str()));
                }
                if let Some(requested_by) = &filter.requested_by {
                    query = query.filter(export_session::requested_by.eq(requested_by));
                }
                if let Some(from) = filter.from {
                    query = query.filter(export_session::created_at.ge(from.0));
                }
                if let Some(until) = filter.until {
                    query = query.filter(export_session::created_at.lt(until.0));
                }
                if let Some((created_at, id)) = &filter.after {
                    query = query.filter(
                        export_session::created_at
                            .lt(created_at.0)
                            .or(export_session::created_at.eq(created_at.0).and(export_session::id.lt(id.as_str()))),
                    );
                }
                query.load(conn).map_err(StoreError::from)
            }))
            .await?;
        rows.into_iter().map(|row| row.open(self.tenant(), self.sealer())).collect()
    }

    /// Export sessions counted by form and state.
    pub async fn export_counts(&self) -> Result<Vec<ExportCount>, StoreError> {
        let tenant = self.tenant().clone();
        let rows: Vec<(String, String, i64, Option<i64>)> = self
            .read(move |tx| {
                on!(tx, conn => export_session::table
                    .filter(export_session::tenant.eq(tenant.as_str()))
                    .group_by((export_session::twin, export_session::status))
                    .select((
                        export_session::twin,
                        export_session::status,
                        diesel::dsl::count_star(),
                        diesel::dsl::sum(export_session::downloads),
                    ))
                    .load(conn))
                .map_err(StoreError::from)
            })
            .await?;
        let count = |(twin, status, count, downloads): (String, String, i64, Option<i64>)| {
            Ok(ExportCount {
                twin: Twin::parse(&twin).ok_or(StoreError::Corrupt("export form"))?,
                status: ExportStatus::parse(&status).ok_or(StoreError::Corrupt("export state"))?,
                count,
                downloads: downloads.unwrap_or_default(),
            })
        };
        rows.into_iter().map(count).collect()
    }

    /// Sessions whose time has run out.
    pub async fn expired_exports(&self, now: Timestamp, limit: i64) -> Result<Vec<LogicalId>, StoreError> {
        let tenant = self.tenant().clone();
        let rows: Vec<String> = self
            .read(move |tx| {
                on!(tx, conn => export_session::table
                    .filter(export_session::tenant.eq(tenant.as_str()))
                    .filter(export_session::expires_at.le(now.0))
                    .select(export_session::id)
                    .limit(limit)
                    .load(conn))
                .map_err(StoreError::from)
            })
            .await?;
        rows.iter().map(|id| LogicalId::parse(id).map_err(|_form| StoreError::Corrupt("export id"))).collect()
    }
}

/// Applies a change. A session that is not there, or not in a state that allows it, is [`StoreError::Gone`].
pub(super) fn apply(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    sealer: &Sealer,
    change: &ExportChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    let changed = match change {
        ExportChange::Start(session) => {
            let row = Row::new(tenant, sealer, session)?;
            on!(tx, conn => diesel::insert_into(export_session::table).values(row).execute(conn))?
        }
        ExportChange::Progress { id, progress } => on!(tx, conn => diesel::update(export_session::table
            .filter(export_session::tenant.eq(tenant.as_str()))
            .filter(export_session::id.eq(id.as_str()))
            .filter(export_session::status.eq_any(["initiated", "processing"]))
            .filter(export_session::progress.le(progress)))
            .set((
                export_session::status.eq("processing"),
                export_session::progress.eq(progress),
                export_session::updated_at.eq(now.0),
            ))
            .execute(conn))?,
        ExportChange::Complete { id, expires_at } => on!(tx, conn => diesel::update(export_session::table
            .filter(export_session::tenant.eq(tenant.as_str()))
            .filter(export_session::id.eq(id.as_str()))
            .filter(export_session::status.eq_any(["initiated", "processing"])))
            .set((
                export_session::status.eq("completed"),
                export_session::progress.eq(100),
                export_session::error.eq(None::<String>),
                export_session::updated_at.eq(now.0),
                export_session::finished_at.eq(now.0),
                export_session::expires_at.eq(expires_at.0),
            ))
            .execute(conn))?,
        ExportChange::Fail { id, error, expires_at } => on!(tx, conn => diesel::update(export_session::table
            .filter(export_session::tenant.eq(tenant.as_str()))
            .filter(export_session::id.eq(id.as_str()))
            .filter(export_session::status.eq_any(["initiated", "processing"])))
            .set((
                export_session::status.eq("failed"),
                export_session::error.eq(error),
                export_session::updated_at.eq(now.0),
                export_session::finished_at.eq(now.0),
                export_session::expires_at.eq(expires_at.0),
            ))
            .execute(conn))?,
        ExportChange::Retry { id } => on!(tx, conn => diesel::update(export_session::table
            .filter(export_session::tenant.eq(tenant.as_str()))
            .filter(export_session::id.eq(id.as_str()))
            .filter(export_session::status.eq("failed")))
            .set((
                export_session::status.eq("initiated"),
                export_session::progress.eq(0),
                export_session::error.eq(None::<String>),
                export_session::attempts.eq(export_session::attempts + 1),
                export_session::updated_at.eq(now.0),
                export_session::finished_at.eq(None::<i64>),
                export_session::expires_at.eq(None::<i64>),
            ))
            .execute(conn))?,
        ExportChange::Downloaded { id } => on!(tx, conn => diesel::update(export_session::table
            .filter(export_session::tenant.eq(tenant.as_str()))
            .filter(export_session::id.eq(id.as_str()))
            .filter(export_session::status.eq("completed")))
            .set(export_session::downloads.eq(export_session::downloads + 1))
            .execute(conn))?,
        ExportChange::Delete { id } => on!(tx, conn => diesel::delete(export_session::table
            .filter(export_session::tenant.eq(tenant.as_str()))
            .filter(export_session::id.eq(id.as_str())))
            .execute(conn))?,
    };
    if changed == 1 { Ok(()) } else { Err(StoreError::Gone) }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = export_session)]
struct Row {
    tenant: String,
    id: String,
    report: String,
    version_id: i32,
    twin: String,
    status: String,
    progress: i32,
    requested_by: String,
    recipient: Option<Vec<u8>>,
    purpose: Option<Vec<u8>>,
    error: Option<String>,
    attempts: i32,
    downloads: i32,
    created_at: i64,
    updated_at: i64,
    finished_at: Option<i64>,
    expires_at: Option<i64>,
}

impl Row {
    fn new(tenant: &TenantId, sealer: &Sealer, session: &ExportSession) -> Result<Self, StoreError> {
        let seal = |context: &[&str], text: &Option<String>| {
            text.as_ref().map(|text| sealer.seal(tenant, context, text.as_bytes())).transpose()
        };
        Ok(Self {
            tenant: tenant.as_str().to_owned(),
            id: session.id.as_str().to_owned(),
            report: session.report.as_str().to_owned(),
            version_id: session.version.0,
            twin: session.twin.as_str().to_owned(),
            status: session.status.as_str().to_owned(),
            progress: session.progress,
            requested_by: session.requested_by.clone(),
            recipient: seal(&of_recipient(session.id.as_str()), &session.recipient)?,
            purpose: seal(&of_purpose(session.id.as_str()), &session.purpose)?,
            error: session.error.clone(),
            attempts: session.attempts,
            downloads: session.downloads,
            created_at: session.created_at.0,
            updated_at: session.updated_at.0,
            finished_at: session.finished_at.map(|at| at.0),
            expires_at: session.expires_at.map(|at| at.0),
        })
    }

    fn open(self, tenant: &TenantId, sealer: &Sealer) -> Result<ExportSession, StoreError> {
        let open = |context: &[&str], sealed: &Option<Vec<u8>>| {
            let plain = sealed.as_ref().map(|sealed| sealer.open(tenant, context, sealed)).transpose()?;
            let text = plain.map(String::from_utf8).transpose();
            text.map_err(|_utf8| StoreError::Corrupt("export text"))
        };
        let recipient = open(&of_recipient(&self.id), &self.recipient)?;
        let purpose = open(&of_purpose(&self.id), &self.purpose)?;
        Ok(ExportSession {
            id: LogicalId::parse(&self.id).map_err(|_form| StoreError::Corrupt("export id"))?,
            report: LogicalId::parse(&self.report).map_err(|_form| StoreError::Corrupt("report id"))?,
            version: VersionId(self.version_id),
            twin: Twin::parse(&self.twin).ok_or(StoreError::Corrupt("export form"))?,
            status: ExportStatus::parse(&self.status).ok_or(StoreError::Corrupt("export state"))?,
            progress: self.progress,
            requested_by: self.requested_by,
            recipient,
            purpose,
            error: self.error,
            attempts: self.attempts,
            downloads: self.downloads,
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
            finished_at: self.finished_at.map(Timestamp),
            expires_at: self.expires_at.map(Timestamp),
        })
    }
}

/// What a sealed recipient is bound to.
fn of_recipient(id: &str) -> [&str; 2] {
    ["export", id]
}

/// What a sealed purpose is bound to: it does not open in the place of a recipient.
fn of_purpose(id: &str) -> [&str; 3] {
    ["export", id, "purpose"]
}
