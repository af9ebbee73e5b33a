//! Numbers in the place of names: of search parameters, and of the URIs of systems. A number is given once and
//! for ever, by a transaction of its own, so that no row uses one that was taken back.

use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock};

use diesel::prelude::*;

use crate::base::TenantId;
use crate::store::db::{Tx, on};
use crate::store::schema::{search_catalog, search_key, search_system};
use crate::store::{Store, StoreError};

/// The number of no system.
pub(super) const NO_SYSTEM: i64 = 0;

/// The numbers that this node knows.
#[derive(Default)]
pub(in crate::store) struct Names {
    known: RwLock<HashMap<TenantId, Known>>,
}

#[derive(Default)]
struct Known {
    /// By type, then by parameter.
    keys: HashMap<String, HashMap<String, i64>>,
    systems: HashMap<String, i64>,
    /// The number of `search_catalog.names` when all keys were read: while it is the same, there is no other key.
    complete: Option<i64>,
}

/// Names that are needed.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct Needed {
    /// Type and parameter.
    pub(super) keys: HashSet<(String, String)>,
    pub(super) systems: HashSet<String>,
}

impl Names {
    pub(super) fn key(&self, tenant: &TenantId, resource_type: &str, param: &str) -> Option<i64> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(tenant)?.keys.get(resource_type)?.get(param).copied()
    }

    pub(super) fn system(&self, tenant: &TenantId, uri: &str) -> Option<i64> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(tenant)?.systems.get(uri).copied()
    }

    /// The number of a parameter, also if another node gave it; `None` if nobody ever needed one.
    pub(super) fn find_key(
        &self,
        tx: &mut Tx<'_>,
        tenant: &TenantId,
        resource_type: &str,
        param: &str,
    ) -> Result<Option<i64>, StoreError> {
        if let Some(known) = self.key(tenant, resource_type, param) {
            return Ok(Some(known));
        }
        let found: Option<i64> = on!(tx, conn => search_key::table
            .filter(search_key::tenant.eq(tenant.as_str()))
            .filter(search_key::resource_type.eq(resource_type))
            .filter(search_key::param.eq(param))
            .select(search_key::no)
            .get_result(conn)
            .optional())?;
        if let Some(no) = found {
            self.keep(tenant, [(resource_type.to_owned(), param.to_owned(), no)], []);
        }
        Ok(found)
    }

    /// Reads what other nodes have named since it was last read, so that a name without a number is known to have none.
    pub(super) fn complete(&self, tx: &mut Tx<'_>, tenant: &TenantId) -> Result<(), StoreError> {
        let number: Option<i64> = on!(tx, conn => search_catalog::table
            .find(tenant.as_str())
            .select(search_catalog::names)
            .first(conn)
            .optional())?;
        let known = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            known.get(tenant).and_then(|known| known.complete)
        };
        if number.is_some() && number == known {
            return Ok(());
        }
        let keys: Vec<(String, String, i64)> = on!(tx, conn => search_key::table
            .filter(search_key::tenant.eq(tenant.as_str()))
            .select((search_key::resource_type, search_key::param, search_key::no))
            .load(conn))?;
        self.keep(tenant, keys, []);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(tenant.clone()).or_default().complete = number;
        Ok(())
    }

    /// The number of a system, as [`Names::find_key`].
    pub(super) fn find_system(&self, tx: &mut Tx<'_>, tenant: &TenantId, uri: &str) -> Result<Option<i64>, StoreError> {
        if let Some(known) = self.system(tenant, uri) {
            return Ok(Some(known));
        }
        let found: Option<i64> = on!(tx, conn => search_system::table
            .filter(search_system::tenant.eq(tenant.as_str()))
            .filter(search_system::uri.eq(uri))
            .select(search_system::no)
            .get_result(conn)
            .optional())?;
        if let Some(no) = found {
            self.keep(tenant, [], [(uri.to_owned(), no)]);
        }
        Ok(found)
    }

    fn keep(
        &self,
        tenant: &TenantId,
        keys: impl IntoIterator<Item = (String, String, i64)>,
        systems: impl IntoIterator<Item = (String, i64)>,
    ) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let known = known.entry(tenant.clone()).or_default();
        for (resource_type, param, no) in keys {
            known.keys.entry(resource_type).or_default().insert(param, no);
        }
        known.systems.extend(systems);
    }

    fn missing(&self, tenant: &TenantId, needed: Needed) -> Needed {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = known.get(tenant) else { return needed };
        Needed {
            keys: needed
                .keys
                .into_iter()
                .filter(|(kind, param)| !known.keys.get(kind).is_some_and(|params| params.contains_key(param)))
                .collect(),
            systems: needed.systems.into_iter().filter(|uri| !known.systems.contains_key(uri)).collect(),
        }
    }
}

impl Store {
    /// Gives numbers to names that have none.
    pub(in crate::store) async fn name(&self, tenant: &TenantId, needed: Needed) -> Result<(), StoreError> {
        let Needed { keys, systems } = self.inner.names.missing(tenant, needed);
        if keys.is_empty() && systems.is_empty() {
            return Ok(());
        }
        // In one order everywhere: two transactions that give the same names in different orders stop each other.
        let mut keys: Vec<_> = keys.into_iter().collect();
        let mut systems: Vec<_> = systems.into_iter().collect();
        keys.sort_unstable();
        systems.sort_unstable();
        let name = tenant.as_str().to_owned();
        let given = self
            .write(move |tx| {
                let mut given = (Vec::new(), Vec::new());
                let mut added = 0;
                for (kind, param) in keys {
                    added += on!(tx, conn => diesel::insert_into(search_key::table)
                        .values((
                            search_key::tenant.eq(&name),
                            search_key::resource_type.eq(&kind),
                            search_key::param.eq(&param),
                        ))
                        .on_conflict_do_nothing()
                        .execute(conn))?;
                    let no: i64 = on!(tx, conn => search_key::table
                        .filter(search_key::tenant.eq(&name))
                        .filter(search_key::resource_type.eq(&kind))
                        .filter(search_key::param.eq(&param))
                        .select(search_key::no)
                        .get_result(conn))?;
                    given.0.push((kind, param, no));
                }
                if added > 0 {
                    on!(tx, conn => diesel::insert_into(search_catalog::table)
                        .values((
                            search_catalog::tenant.eq(&name),
                            search_catalog::names.eq(1),
                            search_catalog::number.eq(0),
                        ))
                        .on_conflict(search_catalog::tenant)
                        .do_update()
                        .set(search_catalog::names.eq(search_catalog::names + 1))
                        .execute(conn))?;
                }
                for uri in systems {
                    on!(tx, conn => diesel::insert_into(search_system::table)
                        .values((search_system::tenant.eq(&name), search_system::uri.eq(&uri)))
                        .on_conflict_do_nothing()
                        .execute(conn))?;
                    let no: i64 = on!(tx, conn => search_system::table
                        .filter(search_system::tenant.eq(&name))
                        .filter(search_system::uri.eq(&uri))
                        .select(search_system::no)
                        .get_result(conn))?;
                    given.1.push((uri, no));
                }
                Ok(given)
            })
            .await?;
        self.inner.names.keep(tenant, given.0, given.1);
        Ok(())
    }
}
