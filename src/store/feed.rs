//! The changes of a tenant in an order that nothing is missed in, and the place up to which they were matched against
//! its subscriptions (docs/adr/0011).
//!
//! On SQLite the order of `seq` is the order of commits. On PostgreSQL it is not: a transaction that has taken a
//! smaller number may commit later. So the order there is that of transactions, and a reader stops before the oldest
//! one that is still open.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};

use crate::base::{LogicalId, TenantId, Timestamp, VersionId};

use super::change::Interaction;
use super::db::{Tx, on};
use super::schema::{feed, subscription};
use super::{Desk, Store, StoreError};

/// A place in the changes of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedPlace {
    /// The transaction; 0 on SQLite.
    pub(super) xid: i64,
    /// The number of the change.
    pub(super) seq: i64,
}

/// What was committed at some moment: a subscription is told of the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Below this transaction everything was.
    all_below: FeedPlace,
    /// From this one on nothing was.
    none_from: FeedPlace,
    /// Between the two these were not.
    open: Vec<i64>,
}

impl Moment {
    /// Whether a change was committed then.
    pub fn has(&self, place: FeedPlace) -> bool {
        place < self.all_below || (place < self.none_from && !self.open.contains(&place.xid))
    }

    /// A snapshot of PostgreSQL, `xmin:xmax:open,open`, or the last number on SQLite.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let whole = |xid: &str| Some(FeedPlace { xid: xid.parse().ok()?, seq: i64::MIN });
        if let Some(last) = text.strip_prefix("seq:") {
            let next = FeedPlace { xid: 0, seq: last.parse::<i64>().ok()?.checked_add(1)? };
            return Some(Self { all_below: next, none_from: next, open: Vec::new() });
        }
        let mut parts = text.split(':');
        let (all_below, none_from) = (whole(parts.next()?)?, whole(parts.next()?)?);
        let open = parts.next()?.split(',').filter(|xid| !xid.is_empty()).map(|xid| xid.parse().ok());
        Some(Self { all_below, none_from, open: open.collect::<Option<_>>()? })
    }
}

/// The present, as [`Moment::parse`] reads it.
pub(super) fn present(tx: &mut Tx<'_>) -> Result<String, StoreError> {
    let moment: Word = match tx {
        Tx::Sqlite(conn) => diesel::sql_query(PRESENT_SQLITE).get_result(*conn)?,
        Tx::Postgres(conn) => diesel::sql_query(PRESENT_POSTGRES).get_result(*conn)?,
    };
    Ok(moment.word)
}

/// A change, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedChange {
    /// Where it stands.
    pub place: FeedPlace,
    /// Type of the resource.
    pub resource_type: String,
    /// Its id.
    pub logical_id: LogicalId,
    /// The version that was made.
    pub version_id: VersionId,
    /// What made it.
    pub interaction: Interaction,
    /// When.
    pub changed_at: Timestamp,
}

/// Changes that follow a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// The place that they follow.
    pub from: FeedPlace,
    /// The changes, in order.
    pub changes: Vec<FeedChange>,
}

impl Store {
    /// The tenants that have a subscription which is not off.
    pub async fn tenants_with_subscriptions(&self) -> Result<Vec<TenantId>, StoreError> {
        let names: Vec<String> = self
            .read(|tx| {
                on!(tx, conn => subscription::table
                    .filter(subscription::state.ne("off"))
                    .select(subscription::tenant)
                    .distinct()
                    .load(conn))
                .map_err(StoreError::from)
            })
            .await?;
        names.iter().map(|name| TenantId::parse(name).map_err(|_form| StoreError::Corrupt("tenant"))).collect()
    }
}

impl Desk<'_> {
    /// The changes that no subscription was matched against yet, at most so many. `None` if the tenant never had a
    /// subscription.
    pub async fn feed(&self, limit: i64) -> Result<Option<Feed>, StoreError> {
        let tenant = self.tenant().clone();
        let read = self.read(move |tx| read(tx, &tenant, limit)).await?;
        let Read::Moved = read else { return read.into_feed() };
        let tenant = self.tenant().clone();
        self.write(move |tx| settle(tx, &tenant)).await?;
        let tenant = self.tenant().clone();
        self.read(move |tx| self::read(tx, &tenant, limit)).await?.into_feed()
    }
}

/// What a look at the feed came to.
enum Read {
    /// There is none.
    Absent,
    /// The place is one of another cluster.
    Moved,
    /// Changes.
    Found(FeedPlace, Vec<Row>),
}

impl Read {
    fn into_feed(self) -> Result<Option<Feed>, StoreError> {
        match self {
            Self::Absent => Ok(None),
            Self::Moved => Err(StoreError::Corrupt("place in the feed")),
            Self::Found(from, rows) => {
                let changes = rows.into_iter().map(FeedChange::try_from).collect::<Result<_, _>>()?;
                Ok(Some(Feed { from, changes }))
            }
        }
    }
}

fn read(tx: &mut Tx<'_>, tenant: &TenantId, limit: i64) -> Result<Read, StoreError> {
    let place: Option<(i64, i64, i64)> = on!(tx, conn => feed::table
        .find(tenant.as_str())
        .select((feed::xid, feed::seq, feed::floor))
        .first(conn)
        .optional())?;
    let Some((xid, seq, floor)) = place else { return Ok(Read::Absent) };
    let rows = match tx {
        Tx::Sqlite(conn) => diesel::sql_query(READ_SQLITE)
            .bind::<Text, _>(tenant.as_str())
            .bind::<BigInt, _>(seq)
            .bind::<BigInt, _>(limit)
            .load(*conn)?,
        Tx::Postgres(conn) => {
            let next: Number = diesel::sql_query(NEXT_XID).get_result(*conn)?;
            if xid >= next.number {
                return Ok(Read::Moved);
            }
            diesel::sql_query(READ_POSTGRES)
                .bind::<Text, _>(tenant.as_str())
                .bind::<BigInt, _>(xid)
                .bind::<BigInt, _>(seq)
                .bind::<BigInt, _>(floor)
                .bind::<BigInt, _>(limit)
                .load(*conn)?
        }
    };
    Ok(Read::Found(FeedPlace { xid, seq }, rows))
}

/// A dump that was restored into another cluster: its transactions count from somewhere else. All that was restored is
/// committed, so its order is that of its numbers.
fn settle(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<(), StoreError> {
    let Tx::Postgres(conn) = tx else { return Ok(()) };
    tracing::warn!("the change feed was moved to another cluster; its place is found again");
    diesel::sql_query("update feed set xid = -1, seq = 0, floor = reached where tenant = $1")
        .bind::<Text, _>(tenant.as_str())
        .execute(*conn)?;
    // Nothing of it was open, and what is matched already lies below the floor.
    diesel::sql_query("update subscription set begun = '0:0:' where tenant = $1")
        .bind::<Text, _>(tenant.as_str())
        .execute(*conn)?;
    diesel::sql_query(
        "update change set xid = 0 where tenant = $1 \
         and xid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint",
    )
    .bind::<Text, _>(tenant.as_str())
    .execute(*conn)?;
    Ok(())
}

/// Makes the feed begin here, unless a subscription follows it already. What is still open now comes after the place.
pub(super) fn begin(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<(), StoreError> {
    // The row is taken first: of two that make the first subscription, the second sees the first one's.
    on!(tx, conn => diesel::insert_into(feed::table)
        .values((
            feed::tenant.eq(tenant.as_str()),
            feed::xid.eq(-1),
            feed::seq.eq(0),
            feed::reached.eq(0),
            feed::floor.eq(0),
        ))
        .on_conflict(feed::tenant)
        .do_update()
        .set(feed::tenant.eq(tenant.as_str()))
        .execute(conn))?;
    let followed = diesel::dsl::exists(
        subscription::table.filter(subscription::tenant.eq(tenant.as_str())).filter(subscription::state.ne("off")),
    );
    if on!(tx, conn => diesel::select(followed).get_result::<bool>(conn))? {
        return Ok(());
    }
    match tx {
        Tx::Sqlite(conn) => diesel::sql_query(BEGIN_SQLITE).bind::<Text, _>(tenant.as_str()).execute(*conn)?,
        Tx::Postgres(conn) => diesel::sql_query(BEGIN_POSTGRES).bind::<Text, _>(tenant.as_str()).execute(*conn)?,
    };
    Ok(())
}

/// Moves the place on, if it is still where the reader began.
pub(super) fn advance(tx: &mut Tx<'_>, tenant: &TenantId, from: FeedPlace, to: FeedPlace) -> Result<(), StoreError> {
    let reached: i64 = on!(tx, conn => feed::table.find(tenant.as_str()).select(feed::reached).first(conn))?;
    let moved = on!(tx, conn => diesel::update(feed::table
        .filter(feed::tenant.eq(tenant.as_str()))
        .filter(feed::xid.eq(from.xid))
        .filter(feed::seq.eq(from.seq)))
        .set((feed::xid.eq(to.xid), feed::seq.eq(to.seq), feed::reached.eq(reached.max(to.seq))))
        .execute(conn))?;
    if moved == 1 { Ok(()) } else { Err(StoreError::VersionConflict { current: None }) }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    xid: i64,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Text)]
    resource_type: String,
    #[diesel(sql_type = Text)]
    logical_id: String,
    #[diesel(sql_type = Integer)]
    version_id: i32,
    #[diesel(sql_type = Text)]
    interaction: String,
    #[diesel(sql_type = BigInt)]
    changed_at: i64,
}

impl TryFrom<Row> for FeedChange {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            place: FeedPlace { xid: row.xid, seq: row.seq },
            resource_type: row.resource_type,
            logical_id: LogicalId::parse(&row.logical_id).map_err(|_form| StoreError::Corrupt("logical id"))?,
            version_id: VersionId(row.version_id),
            interaction: Interaction::parse(&row.interaction).ok_or(StoreError::Corrupt("interaction"))?,
            changed_at: Timestamp(row.changed_at),
        })
    }
}

const READ_SQLITE: &str = "select 0 as xid, seq, resource_type, logical_id, version_id, interaction, changed_at \
     from change where tenant = ?1 and seq > ?2 order by seq limit ?3";

const READ_POSTGRES: &str = "select xid, seq, resource_type, logical_id, version_id, interaction, changed_at \
     from change where tenant = $1 and xid >= $2 and (xid, seq) > ($2, $3) and seq > $4 \
     and xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint order by xid, seq limit $5";

const PRESENT_SQLITE: &str = "select 'seq:' || coalesce(max(seq), 0) as word from change";

const PRESENT_POSTGRES: &str = "select pg_current_snapshot()::text as word";

const NEXT_XID: &str = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint as number";

const BEGIN_SQLITE: &str = "update feed set xid = 0, seq = (select coalesce(max(seq), 0) from change), \
     reached = (select coalesce(max(seq), 0) from change), floor = 0 where tenant = ?1";

const BEGIN_POSTGRES: &str = "update feed set xid = pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1, \
     seq = 9223372036854775807, floor = 0, \
     reached = (select coalesce(max(seq), 0) from change where change.tenant = feed.tenant) where tenant = $1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_knows_what_was_committed() {
        let place = |xid, seq| FeedPlace { xid, seq };
        let sqlite = Moment::parse("seq:7").expect("reads");
        assert!(sqlite.has(place(0, 7)) && !sqlite.has(place(0, 8)));
        let postgres = Moment::parse("10:14:11,13").expect("reads");
        for (xid, had) in [(9, true), (10, true), (11, false), (12, true), (13, false), (14, false), (99, false)] {
            assert_eq!(postgres.has(place(xid, 1)), had, "{xid}");
        }
        assert!(!Moment::parse("10:10:").expect("reads").has(place(10, 1)));
        assert!(!Moment::parse("0:0:").expect("reads").has(place(0, 1)));
        for wrong in ["", "seq:", "1", "1:x:", "1:2:y"] {
            assert_eq!(Moment::parse(wrong), None, "{wrong}");
        }
    }
}
