//! Instances by their keys.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Text};

use crate::base::{Blake3, Timestamp, Uid};
use crate::dicom::index::InstanceIndex;
use crate::dicom::query::StudyScope;
use crate::store::db::{Tx, on};
use crate::store::schema::study::dicom_study;
use crate::store::search::Sql;
use crate::store::{Desk, StoreError};

use super::write::open;
use super::{InstancePlace, NO_NUMBER, NO_SIZE, StoredInstance};

impl Desk<'_> {
    /// What is known where an instance is about to be kept.
    pub async fn instance_place(&self, instance: &Uid, study: &Uid) -> Result<InstancePlace, StoreError> {
        let (tenant, instance, study) = (self.tenant().clone(), instance.clone(), study.clone());
        self.read_row(move |tx| {
            let mut sql = Sql::new(SELECT);
            sql.push("i.tenant = ").bind(tenant.as_str()).push(" and i.instance_uid = ").bind(instance.as_str());
            let row = sql.load::<Row>(tx)?.into_iter().next();
            let patient = on!(tx, conn => dicom_study::table
                .filter(dicom_study::tenant.eq(tenant.as_str()))
                .filter(dicom_study::study_uid.eq(study.as_str()))
                .select((dicom_study::patient_id, dicom_study::issuer))
                .get_result(conn)
                .optional())?;
            Ok(InstancePlace { instance: row.map(StoredInstance::try_from).transpose()?, patient })
        })
        .await
    }

    /// The instances of a scope, by series number, series, instance number and UID.
    pub async fn instances(&self, scope: &StudyScope) -> Result<Vec<StoredInstance>, StoreError> {
        let (tenant, scope) = (self.tenant().clone(), scope.clone());
        let is_one = scope.instance.is_some();
        let work = move |tx: &mut Tx<'_>| {
            let mut sql = Sql::new(SELECT);
            sql.push("s.tenant = ").bind(tenant.as_str()).push(" and s.study_uid = ").bind(scope.study.as_str());
            if let Some(series) = &scope.series {
                sql.push(" and e.series_uid = ").bind(series.as_str());
            }
            if let Some(instance) = &scope.instance {
                sql.push(" and i.tenant = ").bind(tenant.as_str());
                sql.push(" and i.instance_uid = ").bind(instance.as_str());
            }
            sql.push(" order by e.number, e.series_uid, i.number, i.instance_uid");
            sql.load::<Row>(tx)?.into_iter().map(StoredInstance::try_from).collect()
        };
        if is_one { self.read_row(work).await } else { self.read(work).await }
    }

    /// Those of some instances that are kept, in the order of their UIDs.
    pub async fn instances_by_uid(&self, uids: &[Uid]) -> Result<Vec<StoredInstance>, StoreError> {
        let (tenant, uids) = (self.tenant().clone(), uids.to_vec());
        self.read(move |tx| {
            let mut found = Vec::new();
            for uids in uids.chunks(BATCH) {
                let mut sql = Sql::new(SELECT);
                sql.push("i.tenant = ").bind(tenant.as_str()).push(" and ");
                sql.one_of("i.instance_uid", uids.iter().map(Uid::as_str)).push(" order by i.instance_uid");
                let rows: Vec<Row> = sql.load(tx)?;
                for row in rows {
                    found.push(StoredInstance::try_from(row)?);
                }
            }
            Ok(found)
        })
        .await
    }

    /// When an instance last came to a study; `None` if there is no such study.
    pub async fn study_changed_at(&self, study: &Uid) -> Result<Option<Timestamp>, StoreError> {
        let (tenant, study) = (self.tenant().clone(), study.clone());
        let changed: Option<i64> = self
            .read(move |tx| {
                on!(tx, conn => dicom_study::table
                    .filter(dicom_study::tenant.eq(tenant.as_str()))
                    .filter(dicom_study::study_uid.eq(study.as_str()))
                    .select(dicom_study::changed_at)
                    .get_result(conn)
                    .optional())
                .map_err(StoreError::from)
            })
            .await?;
        Ok(changed.map(Timestamp))
    }

    /// DICOM JSON of some instances by the numbers of their rows. One that is gone is not among them.
    pub async fn instance_metadata(&self, numbers: &[i64]) -> Result<HashMap<i64, String>, StoreError> {
        let (tenant, numbers) = (self.tenant().clone(), numbers.to_vec());
        let rows: Vec<MetadataRow> = self
            .read(move |tx| {
                let mut found = Vec::new();
                for numbers in numbers.chunks(BATCH) {
                    let mut sql = Sql::new("select no, instance_uid, metadata from dicom_instance where tenant = ");
                    sql.bind(tenant.as_str()).push(" and ").one_of("no", numbers.iter().copied());
                    found.extend(sql.load::<MetadataRow>(tx)?);
                }
                Ok(found)
            })
            .await?;
        let opened = rows.into_iter().map(|row| {
            let json = open(self.tenant(), self.sealer(), "dicom_instance", &row.instance_uid, &row.metadata)?;
            Ok((row.no, json))
        });
        opened.collect()
    }
}

pub(super) const SELECT: &str = "select i.no, s.study_uid, e.series_uid, i.instance_uid, i.class_uid, e.modality, \
     e.number as series_number, i.number, i.frames, i.pixel_rows, i.pixel_columns, i.transfer_syntax, i.digest, \
     i.size, i.data_set_digest, i.data_set_offset, i.pixel_data_offset, i.received_at \
     from dicom_study s join dicom_series e on e.study_no = s.no join dicom_instance i on i.series_no = e.no where ";

#[derive(QueryableByName)]
struct MetadataRow {
    #[diesel(sql_type = BigInt)]
    no: i64,
    #[diesel(sql_type = Text)]
    instance_uid: String,
    #[diesel(sql_type = Binary)]
    metadata: Vec<u8>,
}

#[derive(QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = BigInt)]
    no: i64,
    #[diesel(sql_type = Text)]
    study_uid: String,
    #[diesel(sql_type = Text)]
    series_uid: String,
    #[diesel(sql_type = Text)]
    instance_uid: String,
    #[diesel(sql_type = Text)]
    class_uid: String,
    #[diesel(sql_type = Text)]
    modality: String,
    #[diesel(sql_type = BigInt)]
    series_number: i64,
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = BigInt)]
    frames: i64,
    #[diesel(sql_type = BigInt)]
    pixel_rows: i64,
    #[diesel(sql_type = BigInt)]
    pixel_columns: i64,
    #[diesel(sql_type = Text)]
    transfer_syntax: String,
    #[diesel(sql_type = Text)]
    digest: String,
    #[diesel(sql_type = BigInt)]
    size: i64,
    #[diesel(sql_type = Text)]
    data_set_digest: String,
    #[diesel(sql_type = BigInt)]
    data_set_offset: i64,
    #[diesel(sql_type = BigInt)]
    pixel_data_offset: i64,
    #[diesel(sql_type = BigInt)]
    received_at: i64,
}

impl TryFrom<Row> for StoredInstance {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let digest = |text: &str| Blake3::parse(text).ok_or(StoreError::Corrupt("instance digest"));
        let size = |number: i64| u64::try_from(number).map_err(|_range| StoreError::Corrupt("instance size"));
        let number = |number: i64| (number != NO_NUMBER).then_some(number);
        let count = |number: i64| u32::try_from(number).ok();
        Ok(Self {
            no: row.no,
            study_uid: kept_uid(&row.study_uid)?,
            series_uid: kept_uid(&row.series_uid)?,
            instance_uid: kept_uid(&row.instance_uid)?,
            class_uid: kept_uid(&row.class_uid)?,
            modality: row.modality,
            series_number: number(row.series_number),
            instance: InstanceIndex {
                number: number(row.number),
                frames: count(row.frames),
                rows: count(row.pixel_rows),
                columns: count(row.pixel_columns),
            },
            transfer_syntax_uid: row.transfer_syntax,
            digest: digest(&row.digest)?,
            size: size(row.size)?,
            data_set_digest: digest(&row.data_set_digest)?,
            data_set_offset: size(row.data_set_offset)?,
            pixel_data_offset: if row.pixel_data_offset == NO_SIZE { None } else { Some(size(row.pixel_data_offset)?) },
            received_at: Timestamp(row.received_at),
        })
    }
}

/// A UID of a row.
pub(super) fn kept_uid(text: &str) -> Result<Uid, StoreError> {
    Uid::parse_lenient(text).map_err(|_form| StoreError::Corrupt("UID"))
}

/// Values in one statement.
pub(super) const BATCH: usize = 500;
