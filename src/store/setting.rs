//! What a site administrator sets while the gateway runs: letterhead, delivery rules. Sealed JSON by name.

use diesel::prelude::*;

use crate::base::{TenantId, Timestamp, VersionId};

use super::db::{Tx, on};
use super::keys::Sealer;
use super::schema::tenant_setting;
use super::{Desk, StoreError};

/// What must stand before a setting is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingVersion {
    /// Whatever it is.
    Any,
    /// Nothing yet.
    Absent,
    /// This version.
    Is(VersionId),
}

/// A new value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingWrite {
    /// Name, as `letterhead`.
    pub name: &'static str,
    /// What must stand now.
    pub expected: SettingVersion,
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
                    .get_result(conn)
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
    if let SettingVersion::Is(expected) = write.expected {
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
    let first = (
        tenant_setting::tenant.eq(tenant.as_str()),
        tenant_setting::name.eq(write.name),
        tenant_setting::value.eq(&sealed),
        tenant_setting::version_id.eq(1),
        tenant_setting::updated_at.eq(now.0),
    );
    if write.expected == SettingVersion::Absent {
        let set = on!(tx, conn => diesel::insert_into(tenant_setting::table)
            .values(first)
            .on_conflict_do_nothing()
            .execute(conn))?;
        return if set == 1 { Ok(()) } else { Err(StoreError::VersionConflict { current: None }) };
    }
    on!(tx, conn => diesel::insert_into(tenant_setting::table)
        .values(first)
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
