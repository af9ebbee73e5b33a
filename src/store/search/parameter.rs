//! Versions of SearchParameters: what each means for the index, in the transaction that commits it. The rows are made
//! and taken away by a job.

use diesel::prelude::*;

use crate::base::{LogicalId, TenantId, Timestamp};
use crate::fhir::search::{Registry, custom};
use crate::fhir::{Json, JsonLimits};
use crate::store::db::{Tx, on};
use crate::store::job::{self, NewJob};
use crate::store::schema::{search_base, search_parameter};
use crate::store::{ResourceWrite, Store, StoreError};

use super::catalog::{INDEXING, READY, REMOVING, advance, insert, parameters};

/// What a job of the kind `search.index` is told.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct IndexPayload {
    /// Version of this form: 1.
    pub v: u32,
    /// Id of the SearchParameter; `None` if an address of the tenant is new.
    pub parameter: Option<LogicalId>,
    /// The change of the catalog that it follows.
    pub generation: i64,
}

/// What a version of a SearchParameter asks for.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::store) struct ParameterWrite {
    logical_id: LogicalId,
    /// What is to be indexed; `None` if nothing is.
    definition: Option<String>,
}

impl ParameterWrite {
    /// What a version asks for, if it is one of a SearchParameter. Only an active one is indexed. R4
    /// searchparameter-definitions.html#SearchParameter.status.
    pub(in crate::store) fn of(write: &ResourceWrite) -> Option<Self> {
        if write.resource_type != "SearchParameter" {
            return None;
        }
        let document = write.body.as_deref().and_then(|body| Json::parse(body, &JsonLimits::default()).ok());
        let active = document.filter(|document| custom::is_active(document) && !custom::is_shipped(document));
        let definition = active.map(|document| custom::essence(&document).to_text());
        Some(Self { logical_id: write.logical_id.clone(), definition })
    }

    /// Says so in the index. Gives the lane of the job that goes in, if one does.
    pub(in crate::store) fn apply(
        &self,
        tx: &mut Tx<'_>,
        tenant: &TenantId,
        principal: &str,
        now: Timestamp,
    ) -> Result<Option<&'static str>, StoreError> {
        // Before anything is looked at: two who add the same name do it one after the other.
        let generation = advance(tx, tenant)?;
        let all = parameters(tx, tenant.as_str())?;
        let mut own = all.iter().filter(|known| known.logical_id == self.logical_id.as_str());
        let current = own.find(|known| known.state != REMOVING).map(|known| known.definition.as_str());
        if current == self.definition.as_deref() {
            return Ok(None);
        }
        on!(tx, conn => diesel::update(search_parameter::table
            .filter(search_parameter::tenant.eq(tenant.as_str()))
            .filter(search_parameter::logical_id.eq(self.logical_id.as_str()))
            .filter(search_parameter::state.eq_any([INDEXING, READY])))
            .set(search_parameter::state.eq(REMOVING))
            .execute(conn))?;
        if let Some(definition) = &self.definition {
            let new = super::catalog::Parameter {
                generation,
                logical_id: self.logical_id.as_str().to_owned(),
                definition: definition.clone(),
                state: INDEXING.to_owned(),
            };
            // The use case has asked the same; somebody else may have come between.
            let mut registry = Registry::r4().clone();
            let others = all.iter().filter(|known| known.logical_id != self.logical_id.as_str());
            for known in others.chain([&new]) {
                insert(&mut registry, known).map_err(|_taken| StoreError::VersionConflict { current: None })?;
            }
            on!(tx, conn => diesel::insert_into(search_parameter::table)
                .values((
                    search_parameter::tenant.eq(tenant.as_str()),
                    search_parameter::generation.eq(generation),
                    search_parameter::logical_id.eq(&new.logical_id),
                    search_parameter::definition.eq(definition),
                    search_parameter::state.eq(INDEXING),
                ))
                .execute(conn))?;
        }
        let parameter = Some(self.logical_id.clone());
        order(tx, tenant, principal, &IndexPayload { v: 1, parameter, generation }, now).map(Some)
    }
}

/// Puts the job in that makes the rows.
fn order(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    principal: &str,
    payload: &IndexPayload,
    now: Timestamp,
) -> Result<&'static str, StoreError> {
    let new = NewJob {
        id: LogicalId::random(),
        kind: INDEX_JOB,
        lane: INDEX_LANE,
        payload: serde_json::to_string(payload).map_err(|_error| StoreError::Corrupt("payload"))?,
        priority: 100,
        run_at: now,
        max_attempts: MOST_ATTEMPTS,
        // Each change has a job of its own: one that comes while another runs must not be lost.
        dedup_key: None,
        parent_id: None,
        trace_id: None,
    };
    job::insert(tx, tenant, principal, &new, now)?;
    Ok(new.lane)
}

/// What is said when a generation has all its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterReady {
    /// The generation.
    pub generation: i64,
}

impl ParameterReady {
    pub(in crate::store) fn apply(&self, tx: &mut Tx<'_>, tenant: &TenantId) -> Result<(), StoreError> {
        advance(tx, tenant)?;
        on!(tx, conn => diesel::update(search_parameter::table
            .find((tenant.as_str(), self.generation))
            .filter(search_parameter::state.eq(INDEXING)))
            .set(search_parameter::state.eq(READY))
            .execute(conn))?;
        Ok(())
    }
}

impl Store {
    /// Notes the addresses of a tenant's FHIR interface, each without a slash at its end. Where one is new and there are
    /// resources, a job makes their references local.
    pub async fn serve_at(&self, tenant: &TenantId, bases: Vec<String>, now: Timestamp) -> Result<(), StoreError> {
        let tenant = tenant.clone();
        let ordered = self
            .write(move |tx| {
                let mut is_new = false;
                for base in &bases {
                    let added = on!(tx, conn => diesel::insert_into(search_base::table)
                        .values((search_base::tenant.eq(tenant.as_str()), search_base::base.eq(base)))
                        .on_conflict_do_nothing()
                        .execute(conn))?;
                    is_new |= added > 0;
                }
                if !is_new {
                    return Ok(false);
                }
                let generation = advance(tx, &tenant)?;
                let mut sql =
                    super::sql::Sql::new("select count(*) as number from (select 1 from resource where tenant = ");
                sql.bind(tenant.as_str()).push(" limit 1) r");
                let found: Vec<super::sql::Number> = sql.load(tx)?;
                let has_resources = found.first().is_some_and(|found| found.number > 0);
                if has_resources {
                    let payload = IndexPayload { v: 1, parameter: None, generation };
                    order(tx, &tenant, "system:serve", &payload, now)?;
                }
                Ok(has_resources)
            })
            .await?;
        if ordered {
            crate::store::bump(&self.inner.jobs);
        }
        Ok(())
    }
}

/// The kind of the job that makes and takes away rows.
pub const INDEX_JOB: &str = "search.index";
/// Its lane.
const INDEX_LANE: &str = "maintenance";
/// Attempts before it is given up; it can be told to go on then.
const MOST_ATTEMPTS: i32 = 20;
