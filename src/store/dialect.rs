//! The one place for what the two databases say differently.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::base::Timestamp;

use super::StoreError;
use super::db::Tx;
use super::job::JobRow;

/// Claims jobs: on PostgreSQL rows that another node is claiming are skipped; SQLite has one writer.
pub(super) fn claim(
    tx: &mut Tx<'_>,
    owner: &str,
    lane: &str,
    now: Timestamp,
    lease_until: Timestamp,
    limit: i64,
) -> Result<Vec<JobRow>, StoreError> {
    let rows = match tx {
        Tx::Sqlite(conn) => diesel::sql_query(CLAIM_SQLITE)
            .bind::<Text, _>(owner)
            .bind::<BigInt, _>(lease_until.0)
            .bind::<BigInt, _>(now.0)
            .bind::<Text, _>(lane)
            .bind::<BigInt, _>(limit)
            .load(*conn)?,
        Tx::Postgres(conn) => diesel::sql_query(CLAIM_POSTGRES)
            .bind::<Text, _>(owner)
            .bind::<BigInt, _>(lease_until.0)
            .bind::<BigInt, _>(now.0)
            .bind::<Text, _>(lane)
            .bind::<BigInt, _>(limit)
            .load(*conn)?,
    };
    Ok(rows)
}

const CLAIM_SQLITE: &str = "update job set state = 'in_progress', lease_owner = ?1, lease_until = ?2, \
     fence = fence + 1, attempts = attempts + 1, updated_at = ?3 \
     where id in (select id from job where state = 'pending' and lane = ?4 and run_at <= ?3 \
                  order by priority, run_at, id limit ?5) \
     returning *";

const CLAIM_POSTGRES: &str = "update job set state = 'in_progress', lease_owner = $1, lease_until = $2, \
     fence = fence + 1, attempts = attempts + 1, updated_at = $3 \
     where id in (select id from job where state = 'pending' and lane = $4 and run_at <= $3 \
                  order by priority, run_at, id limit $5 for update skip locked) \
     returning *";
