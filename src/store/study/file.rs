//! Files of instances that are short: rows beside those of the instances, sealed, written by the same commit.

use bytes::Bytes;
use diesel::prelude::*;
use diesel::sql_types::Binary;

use crate::base::{Blake3, TenantId, Uid};
use crate::store::db::{Tx, on};
use crate::store::keys::Sealer;
use crate::store::schema::study::dicom_file;
use crate::store::search::{Bind, Sql, insert as insert_rows};
use crate::store::{Desk, StoreError};

impl Desk<'_> {
    /// The file of an instance with this digest, if it is kept here; it is a blob otherwise. It is authentic.
    pub async fn instance_file(&self, instance: &Uid, digest: Blake3) -> Result<Option<Bytes>, StoreError> {
        let (tenant, instance) = (self.tenant().clone(), instance.clone());
        let row = self
            .read_row(move |tx| {
                let mut sql = Sql::new(
                    "select f.body from dicom_instance i join dicom_file f on f.instance_no = i.no where i.tenant = ",
                );
                sql.bind(tenant.as_str()).push(" and i.instance_uid = ").bind(instance.as_str());
                sql.push(" and i.digest = ").bind(digest.to_hex());
                Ok(sql.load::<FileRow>(tx)?.into_iter().next())
            })
            .await?;
        let Some(FileRow { body }) = row else { return Ok(None) };
        Ok(Some(self.sealer().open(self.tenant(), &[CONTEXT, &digest.to_hex()], &body)?.into()))
    }
}

/// Seals a file.
pub(super) fn seal(tenant: &TenantId, sealer: &Sealer, digest: Blake3, file: &[u8]) -> Result<Vec<u8>, StoreError> {
    sealer.seal(tenant, &[CONTEXT, &digest.to_hex()], file)
}

/// Writes sealed files, each with the number of its instance.
pub(super) fn insert(tx: &mut Tx<'_>, files: Vec<(i64, Vec<u8>)>) -> Result<(), StoreError> {
    let rows = files.into_iter().map(|(no, body)| -> Vec<Bind> { vec![no.into(), body.into()] });
    insert_rows(tx, "dicom_file", &["instance_no", "body"], "", rows.collect())?;
    Ok(())
}

/// Takes the sealed file of an instance out; nothing if that is a blob.
pub(super) fn take(tx: &mut Tx<'_>, instance_no: i64) -> Result<Option<Vec<u8>>, StoreError> {
    on!(tx, conn => diesel::delete(dicom_file::table.find(instance_no))
        .returning(dicom_file::body)
        .get_result(conn)
        .optional())
    .map_err(StoreError::from)
}

/// Keeps the sealed file of an instance that another one has taken the place of.
pub(super) fn put_aside(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    uid: &str,
    digest: &str,
    body: Vec<u8>,
) -> Result<(), StoreError> {
    let row: Vec<Bind> = vec![tenant.as_str().into(), uid.into(), digest.into(), body.into()];
    let columns = ["tenant", "instance_uid", "digest", "body"];
    insert_rows(tx, "dicom_replaced_file", &columns, " on conflict do nothing", vec![row])?;
    Ok(())
}

#[derive(QueryableByName)]
struct FileRow {
    #[diesel(sql_type = Binary)]
    body: Vec<u8>,
}

/// What a sealed file is bound to, besides its digest: it stays the same where another instance takes its place.
const CONTEXT: &str = "dicom_file";
