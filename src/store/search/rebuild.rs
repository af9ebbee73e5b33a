//! The index made anew: of a database whose index has another form than this program's.

use diesel::prelude::*;

use crate::base::TenantId;
use crate::fhir::{Json, JsonLimits};
use crate::store::db::{Tx, on};
use crate::store::keys::Sealer;
use crate::store::schema::search_state;
use crate::store::{Store, StoreError};

use super::names::Needed;
use super::sql::Sql;
use super::{Indexed, Numbered, ROW, need, replace};

/// The form of the rows that this program makes. Another one means that they have to be made again; a migration
/// takes those away that are wrong.
const GENERATION: i32 = 2;
/// Resources in one transaction.
const BATCH: i64 = 200;

impl Store {
    /// Makes the rows of every resource that has none of this form. It may be stopped at any time and goes on with
    /// what is left out then; several nodes may do it at once. Gives the number of resources.
    pub async fn rebuild_index(&self) -> Result<usize, StoreError> {
        let mut count = 0;
        for tenant in self.tenants().await? {
            if self.generation(&tenant).await? == Some(GENERATION) {
                continue;
            }
            let mut after = 0;
            loop {
                let (last, made) = self.rebuild_after(&tenant, after).await?;
                count += made;
                let Some(last) = last else { break };
                after = last;
                tracing::info!(resources = count, "the search index is made anew");
            }
            self.write(move |tx| set_generation(tx, &tenant)).await?;
        }
        Ok(count)
    }

    async fn generation(&self, tenant: &TenantId) -> Result<Option<i32>, StoreError> {
        let name = tenant.as_str().to_owned();
        self.read(move |tx| {
            on!(tx, conn => search_state::table
                .find(&name)
                .select(search_state::generation)
                .get_result(conn)
                .optional())
            .map_err(StoreError::from)
        })
        .await
    }

    /// The rows of the next resources behind a number; gives the number of the last one, `None` at the end.
    async fn rebuild_after(&self, tenant: &TenantId, after: i64) -> Result<(Option<i64>, usize), StoreError> {
        let catalog = self.fresh_catalog(tenant).await?;
        let (inner, name, known) =
            (std::sync::Arc::clone(&self.inner), tenant.clone(), std::sync::Arc::clone(&catalog));
        let needed = self
            .read(move |tx| {
                let mut needed = Needed::default();
                for row in batch(tx, &name, after, "")? {
                    if let Some(document) = document(row, &name, &inner.sealer)?.1 {
                        let resource_type = document.text_at(&["resourceType"]).unwrap_or_default();
                        need(&mut needed, &inner.names, &name, resource_type, &known.entries(&document));
                    }
                }
                Ok(needed)
            })
            .await?;
        self.name(tenant, needed).await?;
        let (inner, name) = (std::sync::Arc::clone(&self.inner), tenant.clone());
        self.write(move |tx| {
            // Nobody replaces them meanwhile.
            let lock = if matches!(tx, Tx::Postgres(_)) { " for update" } else { "" };
            let (mut last, mut found) = (None, Vec::new());
            for row in batch(tx, &name, after, lock)? {
                let (no, document) = document(row, &name, &inner.sealer)?;
                if let Some(document) = document {
                    let resource_type = document.text_at(&["resourceType"]).unwrap_or_default().to_owned();
                    found.push((resource_type, no, catalog.entries(&document)));
                }
                last = Some(no);
            }
            let versions: Vec<Indexed<'_>> = found
                .iter()
                .map(|(resource_type, no, entries)| Indexed { resource_type, no: *no, former: Vec::new(), entries })
                .collect();
            replace(tx, &inner.names, &name, &versions)?;
            Ok((last, versions.len()))
        })
        .await
    }
}

/// Says that the rows of a tenant have the form that this program makes.
pub(in crate::store) fn set_generation(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<(), StoreError> {
    on!(tx, conn => diesel::insert_into(search_state::table)
        .values((search_state::tenant.eq(tenant.as_str()), search_state::generation.eq(GENERATION)))
        .on_conflict(search_state::tenant)
        .do_update()
        .set(search_state::generation.eq(GENERATION))
        .execute(conn))?;
    Ok(())
}

fn batch(tx: &mut Tx<'_>, tenant: &TenantId, after: i64, lock: &str) -> Result<Vec<Numbered>, StoreError> {
    let mut sql = Sql::new(ROW);
    sql.push(" where r.tenant = ").bind(tenant.as_str()).push(" and r.no > ").bind(after);
    sql.push(" order by r.no").limit(BATCH).push(lock);
    sql.load(tx)
}

/// Number and body of a resource; no body if it was deleted.
fn document(row: Numbered, tenant: &TenantId, sealer: &Sealer) -> Result<(i64, Option<Json>), StoreError> {
    let (no, stored) = (row.no, row.row.open(tenant, sealer)?);
    let Some(body) = stored.body else { return Ok((no, None)) };
    let document = Json::parse(&body, &JsonLimits::default()).map_err(|_error| StoreError::Corrupt("resource"))?;
    Ok((no, Some(document)))
}
