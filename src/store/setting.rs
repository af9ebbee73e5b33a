//! What a site administrator sets while the gateway runs: letterhead, delivery rules. Sealed JSON by name.

use diesel::prelude::*;

use crate::base::{TenantId, Timestamp, VersionId};

use super::db::{Tx, on};
use super::keys::Sealer;
use super::schema::tenant_setting;
use super::{Desk, StoreError};

/// A new value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingWrite {
    /// Name, as `letterhead`.
    pub name: &'static str,
    /// The version that must stand now; `None` if any.
    pub expected: Option<VersionId>,
    /// JSON.
    pub value: Vec<u8>,
}

impl Desk<'_> {
    /// A setting and its version, if it was ever set.
    pub async fn setting(&self, name: &'static str) -> Result<Option<(Vec<u8>, VersionId)>, StoreError> {
        let tenant = self.tenant().clone();
        let row: Option<(Vec<u8>, i32)> = self
            .read(move |tx| {
                on!(tx, conn => tenant_setting::table
                    .find((tenant.as_str(), name))
                    .select((tenant_setting::value, tenant_setting::version_id))
                    .first(conn)
                    .optional())
                .map_err(StoreError::from)
            })
            .await?;
        row.map(|(sealed, version)| {
            Ok((self.sealer().open(self.tenant(), &["setting", name], &sealed)?, VersionId(version)))
        })
        .transpose()
    }
}

/// Sets a value.
pub(super) fn apply(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    sealer: &Sealer,
    write: &SettingWrite,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sealed = sealer.seal(tenant, &["setting", write.name], &write.value)?;
    if let Some(expected) = write.expected {
        let changed = on!(tx, conn => diesel::update(tenant_setting::table
            .filter(tenant_setting::tenant.eq(tenant.as_str()))
            .filter(tenant_setting::name.eq(write.name))
            .filter(tenant_setting::version_id.eq(expected.0)))
            .set((
                tenant_setting::value.eq(&sealed),
                tenant_setting::version_id.eq(tenant_setting::version_id + 1),
                tenant_setting::updated_at.eq(now.0),
            ))
            .execute(conn))?;
        return if changed == 1 { Ok(()) } else { Err(StoreError::VersionConflict { current: None }) };
    }
    on!(tx, conn => diesel::insert_into(tenant_setting::table)
        .values((
            tenant_setting::tenant.eq(tenant.as_str()),
            tenant_setting::name.eq(write.name),
            tenant_setting::value.eq(&sealed),
            tenant_setting::version_id.eq(1),
            tenant_setting::updated_at.eq(now.0),
        ))
        .on_conflict((tenant_setting::tenant, tenant_setting::name))
        .do_update()
        .set((
            tenant_setting::value.eq(&sealed),
            tenant_setting::version_id.eq(tenant_setting::version_id + 1),
            tenant_setting::updated_at.eq(now.0),
        ))
        .execute(conn))?;
    Ok(())
}
