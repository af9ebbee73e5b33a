//! The order in which resources changed, read backwards.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use crate::base::{LogicalId, Timestamp, VersionId};

use super::db::{Tx, on};
use super::schema::change;
use super::{Desk, StoreError};

/// What made a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interaction {
    /// There was none before.
    Create,
    /// There was one before.
    Update,
    /// The resource was deleted.
    Delete,
}

/// One version that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its place in the order.
    pub seq: i64,
    /// Type of the resource.
    pub resource_type: String,
    /// Its id.
    pub logical_id: LogicalId,
    /// The version.
    pub version_id: VersionId,
    /// What made it.
    pub interaction: Interaction,
}

/// Which changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    /// Of this type.
    pub resource_type: Option<String>,
    /// Of the resource with this id.
    pub id: Option<LogicalId>,
    /// Made at this instant or later.
    pub since: Option<Timestamp>,
    /// What the resource was at some instant of this range: made before its end, and not followed by another change
    /// before its beginning. A resource that was deleted before it was nothing then. R4 http.html#history.
    pub at: Option<(Timestamp, Timestamp)>,
    /// Before this place in the order.
    pub before: Option<i64>,
    /// Greatest number.
    pub limit: i64,
}

impl Interaction {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "create" => Self::Create,
            "update" => Self::Update,
            "delete" => Self::Delete,
            _ => return None,
        })
    }
}

/// The filter on either database; a boxed query names its backend in its type.
macro_rules! filtered {
    ($query:expr, $tenant:expr, $filter:expr) => {{
        let later = diesel::alias!(change as later);
        let mut query = $query.filter(change::tenant.eq($tenant.as_str())).into_boxed();
        if let Some(resource_type) = &$filter.resource_type {
            query = query.filter(change::resource_type.eq(resource_type));
        }
        if let Some(id) = &$filter.id {
            query = query.filter(change::logical_id.eq(id.as_str()));
        }
        if let Some(since) = $filter.since {
            query = query.filter(change::changed_at.ge(since.0));
        }
        if let Some((from, until)) = $filter.at {
            query = query
                .filter(change::changed_at.lt(until.0))
                .filter(change::interaction.ne("delete").or(change::changed_at.ge(from.0)))
                .filter(not(exists(
                    later
                        .filter(later.field(change::tenant).eq(change::tenant))
                        .filter(later.field(change::resource_type).eq(change::resource_type))
                        .filter(later.field(change::logical_id).eq(change::logical_id))
                        .filter(later.field(change::version_id).eq(change::version_id + 1))
                        .filter(later.field(change::changed_at).le(from.0)),
                )));
        }
        if let Some(before) = $filter.before {
            query = query.filter(change::seq.lt(before));
        }
        query
    }};
}

impl Desk<'_> {
    /// Changes, newest first.
    pub async fn changes(&self, filter: ChangeFilter) -> Result<Vec<Change>, StoreError> {
        let tenant = self.tenant().clone();
        let rows: Vec<(i64, String, String, i32, String)> = self
            .read(move |tx: &mut Tx<'_>| {
                on!(tx, conn => filtered!(
                    change::table.select((
                        change::seq,
                        change::resource_type,
                        change::logical_id,
                        change::version_id,
                        change::interaction,
                    )),
                    tenant,
                    filter
                )
                .order(change::seq.desc())
                .limit(filter.limit)
                .load(conn))
                .map_err(StoreError::from)
            })
            .await?;
        rows.into_iter()
            .map(|(seq, resource_type, id, version, interaction)| {
                Ok(Change {
                    seq,
                    resource_type,
                    logical_id: LogicalId::parse(&id).map_err(|_form| StoreError::Corrupt("logical id"))?,
                    version_id: VersionId(version),
                    interaction: Interaction::parse(&interaction).ok_or(StoreError::Corrupt("interaction"))?,
                })
            })
            .collect()
    }

    /// How many changes there are, whatever the limit.
    pub async fn count_changes(&self, filter: ChangeFilter) -> Result<i64, StoreError> {
        let tenant = self.tenant().clone();
        self.read(move |tx: &mut Tx<'_>| {
            on!(tx, conn => filtered!(change::table.select(diesel::dsl::count_star()), tenant, filter).get_result(conn))
                .map_err(StoreError::from)
        })
        .await
    }
}
