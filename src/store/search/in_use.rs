//! Which profiles, tags and security labels stored resources carry, from the rows that they are searched by.
//! R4 resource-operation-meta.html.

use diesel::QueryableByName;
use diesel::sql_types::{Nullable, Text};

use crate::store::{Desk, StoreError};

use super::names::Names;
use super::sql::Sql;

/// A tag or a label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
pub struct CodingInUse {
    /// URI of its system.
    #[diesel(sql_type = Nullable<Text>)]
    pub system: Option<String>,
    /// Its code.
    #[diesel(sql_type = Text)]
    pub code: String,
}

/// A profile.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
pub struct CanonicalInUse {
    /// Canonical URL, without version.
    #[diesel(sql_type = Text)]
    pub uri: String,
    /// Version; empty if none is named.
    #[diesel(sql_type = Text)]
    pub version: String,
}

impl Desk<'_> {
    /// The codings of a token parameter (`_tag`, `_security`) in resources of some types, each once, in order.
    pub async fn codings_in_use(&self, types: Vec<String>, param: &str) -> Result<Vec<CodingInUse>, StoreError> {
        let (tenant, inner) = (self.tenant().clone(), std::sync::Arc::clone(&self.store.inner));
        let param = param.to_owned();
        let mut found: Vec<CodingInUse> = self
            .read(move |tx| {
                let keys = keys(&inner.names, tx, &tenant, &types, &param)?;
                let mut sql = Sql::new("select distinct s.uri as system, t.code from search_token t ");
                sql.push("left join search_system s on s.no = t.system where ").one_of("t.key", keys);
                sql.load(tx)
            })
            .await?;
        found.sort_unstable();
        Ok(found)
    }

    /// The canonicals of a uri parameter (`_profile`) in resources of some types, each once, in order.
    pub async fn canonicals_in_use(&self, types: Vec<String>, param: &str) -> Result<Vec<CanonicalInUse>, StoreError> {
        let (tenant, inner) = (self.tenant().clone(), std::sync::Arc::clone(&self.store.inner));
        let param = param.to_owned();
        let mut found: Vec<CanonicalInUse> = self
            .read(move |tx| {
                let keys = keys(&inner.names, tx, &tenant, &types, &param)?;
                let mut sql = Sql::new("select distinct t.uri, t.version from search_uri t where ");
                sql.one_of("t.key", keys);
                sql.load(tx)
            })
            .await?;
        found.sort_unstable();
        Ok(found)
    }
}

fn keys(
    names: &Names,
    tx: &mut crate::store::db::Tx<'_>,
    tenant: &crate::base::TenantId,
    types: &[String],
    param: &str,
) -> Result<Vec<i64>, StoreError> {
    let mut keys = Vec::with_capacity(types.len());
    for resource_type in types {
        keys.extend(names.find_key(tx, tenant, resource_type, param)?);
    }
    Ok(keys)
}
