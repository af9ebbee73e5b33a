//! Schedules: rows with a next time. Firing one inserts a job; two nodes never fire the same time twice.

use diesel::prelude::*;

use crate::base::{LogicalId, TenantId, Timestamp};

use super::db::on;
use super::job::{self, NewJob};
use super::schema::schedule;
use super::{Store, StoreError, bump, listen};

/// Something that happens again and again in a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Id within the tenant.
    pub id: &'static str,
    /// Kind of the jobs that it inserts.
    pub kind: &'static str,
    /// Seconds between two times.
    pub every_seconds: i64,
    /// The lane of its jobs.
    pub lane: &'static str,
}

impl Store {
    /// Makes sure that a tenant has these schedules, and no others.
    pub async fn set_schedules(
        &self,
        tenant: &TenantId,
        wanted: &'static [Schedule],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let tenant = tenant.as_str().to_owned();
        self.write(move |tx| {
            let ids: Vec<&str> = wanted.iter().map(|wanted| wanted.id).collect();
            on!(tx, conn => diesel::delete(schedule::table
                .filter(schedule::tenant.eq(&tenant))
                .filter(schedule::id.ne_all(ids)))
                .execute(conn))?;
            for wanted in wanted {
                let every_us = wanted.every_seconds * 1_000_000;
                on!(tx, conn => diesel::insert_into(schedule::table)
                    .values((
                        schedule::tenant.eq(&tenant),
                        schedule::id.eq(wanted.id),
                        schedule::kind.eq(wanted.kind),
                        schedule::every_us.eq(every_us),
                        schedule::next_fire_at.eq(now.0),
                    ))
                    .on_conflict((schedule::tenant, schedule::id))
                    .do_update()
                    .set((schedule::kind.eq(wanted.kind), schedule::every_us.eq(every_us)))
                    .execute(conn))?;
            }
            Ok(())
        })
        .await
    }

    /// Inserts the jobs whose time has come. A time that was missed while nothing ran fires once, not
    /// once for each time. Returns how many jobs went in.
    pub async fn fire_schedules(&self, wanted: &'static [Schedule], now: Timestamp) -> Result<usize, StoreError> {
        let due: Vec<(String, String, i64)> = self
            .read(move |tx| {
                on!(tx, conn => schedule::table
                    .filter(schedule::next_fire_at.le(now.0))
                    .select((schedule::tenant, schedule::id, schedule::next_fire_at))
                    .load(conn))
                .map_err(StoreError::from)
            })
            .await?;
        if due.is_empty() {
            return Ok(0);
        }
        let fired = self
            .write(move |tx| {
                let mut fired = 0;
                for (tenant, id, fire_at) in &due {
                    let Some(wanted) = wanted.iter().find(|wanted| wanted.id == id) else { continue };
                    let next = now.0 + wanted.every_seconds * 1_000_000;
                    let ours = on!(tx, conn => diesel::update(schedule::table
                        .filter(schedule::tenant.eq(tenant))
                        .filter(schedule::id.eq(id))
                        .filter(schedule::next_fire_at.eq(fire_at)))
                        .set(schedule::next_fire_at.eq(next))
                        .execute(conn))?;
                    if ours == 0 {
                        continue;
                    }
                    let tenant = TenantId::parse(tenant).map_err(|_form| StoreError::Corrupt("tenant"))?;
                    let new = NewJob {
                        id: LogicalId::random(),
                        kind: wanted.kind,
                        lane: wanted.lane,
                        payload: r#"{"v":1}"#.to_owned(),
                        priority: 100,
                        run_at: now,
                        max_attempts: 3,
                        dedup_key: Some(format!("schedule:{id}")),
                        parent_id: None,
                        trace_id: None,
                    };
                    fired += usize::from(job::insert(tx, &tenant, "system:schedule", &new, now)?);
                }
                if fired > 0 {
                    listen::announce(tx)?;
                }
                Ok(fired)
            })
            .await?;
        if fired > 0 {
            bump(&self.inner.jobs);
        }
        Ok(fired)
    }
}
