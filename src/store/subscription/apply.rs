//! Changes of what runs behind Subscriptions, within the transaction that commits them.

use diesel::prelude::*;

use crate::base::{LogicalId, TenantId, Timestamp, VersionId};
use crate::fhir::subscription::Status;
use crate::store::StoreError;
use crate::store::db::{Tx, on};
use crate::store::feed;
use crate::store::job::{self, NewJob};
use crate::store::keys::Sealer;
use crate::store::schema::{job as job_table, subscription, subscription_event};

use super::{EventRow, ROWS, Row, SubscriptionChange, SubscriptionEvent};

/// Applies a change. Returns the lane of a job that went in.
pub(in crate::store) fn apply(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    principal: &str,
    sealer: &Sealer,
    change: &SubscriptionChange,
    now: Timestamp,
) -> Result<Option<&'static str>, StoreError> {
    match change {
        SubscriptionChange::Put { id, version, status, channel, settings, most, job } => {
            if *status != Status::Off {
                feed::begin(tx, tenant)?;
            }
            put(tx, tenant, sealer, (id, *version), (*status, channel), settings, now)?;
            let on: i64 = on!(tx, conn => subscription::table
                .filter(subscription::tenant.eq(tenant.as_str()))
                .filter(subscription::state.ne("off"))
                .count()
                .get_result(conn))?;
            if *status != Status::Off && on > *most {
                return Err(StoreError::Full);
            }
            match job {
                Some(new) => start(tx, tenant, principal, id, new, now),
                None => Ok(None),
            }
        }
        SubscriptionChange::Remove { id } => {
            on!(tx, conn => diesel::delete(subscription::table.find((tenant.as_str(), id.as_str()))).execute(conn))?;
            on!(tx, conn => diesel::delete(subscription_event::table
                .filter(subscription_event::tenant.eq(tenant.as_str()))
                .filter(subscription_event::subscription.eq(id.as_str())))
                .execute(conn))?;
            Ok(None)
        }
        SubscriptionChange::Turn { id, version, status, due_at } => {
            on!(tx, conn => diesel::update(subscription::table.find((tenant.as_str(), id.as_str())))
                .set((
                    subscription::version_id.eq(version.0),
                    subscription::state.eq(status.as_str()),
                    subscription::due_at.eq(due_at.map(|due| due.0)),
                    subscription::updated_at.eq(now.0),
                ))
                .execute(conn))?;
            Ok(None)
        }
        SubscriptionChange::Record { from, to, events } => {
            feed::advance(tx, tenant, *from, *to)?;
            let mut lane = None;
            for (id, events, job) in events {
                lane = record(tx, tenant, principal, (id, events, job.as_ref()), now)?.or(lane);
            }
            Ok(lane)
        }
        SubscriptionChange::Delivered { id, job, number } => {
            deliver(tx, tenant, id, job.as_ref(), *number, now)?;
            Ok(None)
        }
        SubscriptionChange::Rest { id, job, next, due_at } => {
            let held = on!(tx, conn => diesel::update(subscription::table
                .filter(subscription::tenant.eq(tenant.as_str()))
                .filter(subscription::id.eq(id.as_str()))
                .filter(subscription::job.eq(job.as_str())))
                .set((
                    subscription::job.eq(None::<String>),
                    subscription::due_at.eq(due_at.map(|due| due.0)),
                    subscription::updated_at.eq(now.0),
                ))
                .execute(conn))?;
            let more = held == 1
                && on!(tx, conn => diesel::select(diesel::dsl::exists(subscription::table
                    .filter(subscription::tenant.eq(tenant.as_str()))
                    .filter(subscription::id.eq(id.as_str()))
                    .filter(subscription::channel.eq("rest-hook"))
                    .filter(subscription::state.eq("active"))
                    .filter(subscription::delivered.lt(subscription::events))))
                    .get_result::<bool>(conn))?;
            if more { start(tx, tenant, principal, id, next, now) } else { Ok(None) }
        }
        SubscriptionChange::Wake { id, job } => {
            // Taken, so that no other wakes it at the same time.
            let there = on!(tx, conn => diesel::update(subscription::table.find((tenant.as_str(), id.as_str())))
                .set((subscription::due_at.eq(None::<i64>), subscription::updated_at.eq(now.0)))
                .execute(conn))?;
            if there == 1 { start(tx, tenant, principal, id, job, now) } else { Ok(None) }
        }
    }
}

fn put(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    sealer: &Sealer,
    (id, version): (&LogicalId, VersionId),
    (status, channel): (Status, &str),
    settings: &[u8],
    now: Timestamp,
) -> Result<(), StoreError> {
    let sealed = sealer.seal(tenant, &["subscription", id.as_str()], settings)?;
    // Nothing is recorded while it is off, and what was waiting then is not told when it is on again.
    let former: Option<(String, i64)> = on!(tx, conn => subscription::table
        .find((tenant.as_str(), id.as_str()))
        .select((subscription::state, subscription::events))
        .first(conn)
        .optional())?;
    let begun = feed::present(tx)?;
    if let Some((_, events)) = former.filter(|(state, _)| state == "off") {
        on!(tx, conn => diesel::update(subscription::table.find((tenant.as_str(), id.as_str())))
            .set((subscription::delivered.eq(events), subscription::begun.eq(&begun)))
            .execute(conn))?;
    }
    let row = Row {
        tenant: tenant.as_str().to_owned(),
        id: id.as_str().to_owned(),
        version_id: version.0,
        state: status.as_str().to_owned(),
        channel: channel.to_owned(),
        settings: sealed.clone(),
        events: 0,
        delivered: 0,
        begun,
        job: None,
        sent_at: None,
        due_at: None,
        created_at: now.0,
        updated_at: now.0,
    };
    on!(tx, conn => diesel::insert_into(subscription::table)
        .values(row)
        .on_conflict((subscription::tenant, subscription::id))
        .do_update()
        .set((
            subscription::version_id.eq(version.0),
            subscription::state.eq(status.as_str()),
            subscription::channel.eq(channel),
            subscription::settings.eq(&sealed),
            subscription::due_at.eq(None::<i64>),
            // A job that was at it speaks of the version before.
            subscription::job.eq(None::<String>),
            subscription::updated_at.eq(now.0),
        ))
        .execute(conn))?;
    Ok(())
}

/// Numbers events and keeps them. The update takes the row, so that numbers have no gap.
fn record(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    principal: &str,
    (id, events, job): (&LogicalId, &[SubscriptionEvent], Option<&NewJob>),
    now: Timestamp,
) -> Result<Option<&'static str>, StoreError> {
    let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
    let taken: Option<(i64, String)> = on!(tx, conn => diesel::update(subscription::table
        .filter(subscription::tenant.eq(tenant.as_str()))
        .filter(subscription::id.eq(id.as_str()))
        .filter(subscription::state.ne("off")))
        .set((subscription::events.eq(subscription::events + count), subscription::updated_at.eq(now.0)))
        .returning((subscription::events, subscription::state))
        .get_result(conn)
        .optional())?;
    let Some((last, state)) = taken else { return Ok(None) };
    let rows: Vec<EventRow> = events
        .iter()
        .zip(last - count + 1..)
        .map(|(event, number)| EventRow {
            tenant: tenant.as_str().to_owned(),
            subscription: id.as_str().to_owned(),
            number,
            resource_type: event.resource_type.clone(),
            logical_id: event.logical_id.as_str().to_owned(),
            version_id: event.version_id.0,
            interaction: event.interaction.as_str().to_owned(),
            happened_at: event.happened_at.0,
        })
        .collect();
    for rows in rows.chunks(ROWS) {
        match tx {
            Tx::Sqlite(conn) => {
                for row in rows {
                    diesel::insert_into(subscription_event::table).values(row).execute(*conn)?;
                }
            }
            Tx::Postgres(conn) => {
                diesel::insert_into(subscription_event::table).values(rows).execute(*conn)?;
            }
        }
    }
    match job {
        Some(job) if state == "active" => start(tx, tenant, principal, id, job, now),
        _ => Ok(None),
    }
}

fn deliver(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: &LogicalId,
    job: Option<&LogicalId>,
    number: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    if let Some(job) = job {
        let held = on!(tx, conn => diesel::update(subscription::table
            .filter(subscription::tenant.eq(tenant.as_str()))
            .filter(subscription::id.eq(id.as_str()))
            .filter(subscription::job.eq(job.as_str()))
            .filter(subscription::delivered.le(number)))
            .set((
                subscription::delivered.eq(number),
                subscription::sent_at.eq(now.0),
                subscription::updated_at.eq(now.0),
            ))
            .execute(conn))?;
        return if held == 1 { Ok(()) } else { Err(StoreError::LeaseLost) };
    }
    on!(tx, conn => diesel::update(subscription::table
        .filter(subscription::tenant.eq(tenant.as_str()))
        .filter(subscription::id.eq(id.as_str()))
        .filter(subscription::delivered.lt(number)))
        .set((subscription::delivered.eq(number), subscription::sent_at.eq(now.0)))
        .execute(conn))?;
    Ok(())
}

/// Puts a job in for a subscription whose row is taken, unless one is at it already.
fn start(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    principal: &str,
    id: &LogicalId,
    new: &NewJob,
    now: Timestamp,
) -> Result<Option<&'static str>, StoreError> {
    let current: Option<Option<String>> = on!(tx, conn => subscription::table
        .find((tenant.as_str(), id.as_str()))
        .select(subscription::job)
        .first(conn)
        .optional())?;
    if let Some(Some(current)) = current {
        let at_it = diesel::dsl::exists(
            job_table::table
                .filter(job_table::id.eq(&current))
                .filter(job_table::state.eq_any(["pending", "in_progress"])),
        );
        if on!(tx, conn => diesel::select(at_it).get_result::<bool>(conn))? {
            return Ok(None);
        }
    }
    on!(tx, conn => diesel::update(subscription::table.find((tenant.as_str(), id.as_str())))
        .set(subscription::job.eq(new.id.as_str()))
        .execute(conn))?;
    job::insert(tx, tenant, principal, new, now)?;
    Ok(Some(new.lane))
}
