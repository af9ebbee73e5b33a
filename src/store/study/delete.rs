//! Taking instances away, with the studies and series that have none left.

use crate::base::{TenantId, Timestamp};
use crate::dicom::query::StudyScope;
use crate::store::StoreError;
use crate::store::db::Tx;
use crate::store::search::Sql;

use super::archive::{CACHED_OWNER, note_deletions};
use super::{INSTANCE_OWNER, REPLACED_OWNER};

/// Deletes what a scope names, and notes what is to be deleted in the archive behind. Nothing to delete is no error.
pub(in crate::store) fn delete(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    scope: &StudyScope,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (_, instances) = named(tenant, scope);
    note_deletions(tx, instances, now)?;
    take_away(tx, tenant, scope)
}

/// The number of the study of a scope, and a condition on its instances.
fn named(tenant: &TenantId, scope: &StudyScope) -> (Sql, Sql) {
    let mut of_study = Sql::new("select no from dicom_study where tenant = ");
    of_study.bind(tenant.as_str()).push(" and study_uid = ").bind(scope.study.as_str());
    let mut series = Sql::new("series_no in (select no from dicom_series where study_no in (");
    series.add(of_study.clone()).push(")");
    if let Some(uid) = &scope.series {
        series.push(" and series_uid = ").bind(uid.as_str());
    }
    series.push(")");
    if let Some(uid) = &scope.instance {
        series.push(" and instance_uid = ").bind(uid.as_str());
    }
    (of_study, series)
}

/// Deletes what a scope names here.
pub(super) fn take_away(tx: &mut Tx<'_>, tenant: &TenantId, scope: &StudyScope) -> Result<(), StoreError> {
    let (of_study, series) = named(tenant, scope);
    for kind in [INSTANCE_OWNER, REPLACED_OWNER, CACHED_OWNER] {
        let mut sql = Sql::new("delete from blob_ref where tenant = ");
        sql.bind(tenant.as_str()).push(" and owner_kind = ").bind(kind);
        sql.push(" and owner_id in (select instance_uid from dicom_instance where ").add(series.clone()).push(")");
        sql.execute(tx)?;
    }
    for table in ["dicom_replaced", "dicom_replaced_file"] {
        let mut sql = Sql::new("delete from ");
        sql.push(table).push(" where tenant = ").bind(tenant.as_str());
        sql.push(" and instance_uid in (select instance_uid from dicom_instance where ").add(series.clone()).push(")");
        sql.execute(tx)?;
    }
    let mut sql = Sql::new("delete from dicom_file where instance_no in (select no from dicom_instance where ");
    sql.add(series.clone()).push(")");
    sql.execute(tx)?;
    let mut sql = Sql::new("delete from dicom_instance where ");
    sql.add(series);
    sql.execute(tx)?;

    let of_them = |text: &str| {
        let mut sql = Sql::new(text);
        sql.add(of_study.clone()).push(")");
        sql
    };
    of_them(
        "update dicom_series set instances = \
         (select count(*) from dicom_instance i where i.series_no = dicom_series.no) where study_no in (",
    )
    .execute(tx)?;
    of_them(
        "delete from dicom_request where series_no in \
         (select no from dicom_series where instances = 0 and study_no in (",
    )
    .push(")")
    .execute_in(tx)?;
    of_them("delete from dicom_series where instances = 0 and study_no in (").execute(tx)?;
    of_them(
        "update dicom_study set series = (select count(*) from dicom_series e where e.study_no = dicom_study.no), \
         instances = cast((select coalesce(sum(e.instances), 0) from dicom_series e \
         where e.study_no = dicom_study.no) as bigint) where no in (",
    )
    .execute(tx)?;
    of_them("delete from dicom_study where instances = 0 and no in (").execute(tx)?;
    Ok(())
}
