//! Instances on their way into the database: those of one write set together.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::base::{Blake3, TenantId, Timestamp};
use crate::store::db::{Tx, on};
use crate::store::keys::Sealer;
use crate::store::schema::study::{dicom_instance, dicom_series, dicom_study};
use crate::store::search::{Bind, Sql, insert as insert_rows, insert_returning};
use crate::store::{Desk, StoreError, body};

use super::{INSTANCE_OWNER, NO_NUMBER, NO_SIZE, NewInstance, REPLACED_OWNER, file, signed};

/// An instance whose metadata and file are sealed: ready for the transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct SealedInstance {
    new: NewInstance,
    metadata: Vec<u8>,
    file: Option<Vec<u8>>,
}

impl Desk<'_> {
    /// Seals an instance, to be kept by [`Write::Instance`](crate::store::Write::Instance).
    pub fn seal_instance(&self, mut new: NewInstance) -> Result<SealedInstance, StoreError> {
        let (tenant, sealer) = (self.tenant(), self.sealer());
        let (metadata, file) = (std::mem::take(&mut new.metadata), new.file.take());
        let metadata = seal(tenant, sealer, "dicom_instance", new.instance_uid.as_str(), metadata)?;
        let file = file.map(|file| file::seal(tenant, sealer, new.digest, &file)).transpose()?;
        Ok(SealedInstance { new, metadata, file })
    }
}

impl SealedInstance {
    /// What it is, without its metadata and file.
    pub fn instance(&self) -> &NewInstance {
        &self.new
    }

    /// Whether its file is a blob.
    pub fn is_blob(&self) -> bool {
        self.file.is_none()
    }
}

/// An instance on its way in, with the digest of the data set that it takes the place of.
pub(in crate::store) type Entry<'a> = (&'a SealedInstance, Option<Blake3>);

/// Seals DICOM JSON of a row.
fn seal(tenant: &TenantId, sealer: &Sealer, table: &str, uid: &str, json: String) -> Result<Vec<u8>, StoreError> {
    sealer.seal(tenant, &[table, uid], &body::pack_quickly(json.into_bytes()))
}

/// Opens what [`seal`] has sealed.
pub(super) fn open(
    tenant: &TenantId,
    sealer: &Sealer,
    table: &str,
    uid: &str,
    sealed: &[u8],
) -> Result<String, StoreError> {
    let json = body::unpack(sealer.open(tenant, &[table, uid], sealed)?)?;
    String::from_utf8(json).map_err(|_error| StoreError::Corrupt("DICOM JSON"))
}

/// Writes instances, with the studies and series that are not there yet. Studies go in the order of their UIDs: two
/// transactions that write the same ones never wait for each other.
pub(in crate::store) fn insert(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    sealer: &Sealer,
    instances: &[Entry<'_>],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut by_study: BTreeMap<&str, BTreeMap<&str, Vec<Entry<'_>>>> = BTreeMap::new();
    for entry in instances {
        let of_study = by_study.entry(entry.0.new.study_uid.as_str()).or_default();
        of_study.entry(entry.0.new.series_uid.as_str()).or_default().push(*entry);
    }
    for of_study in by_study.into_values() {
        let Some((first, _)) = of_study.values().flatten().next() else { continue };
        let study = study(tx, tenant, sealer, &first.new, now)?;
        let (mut new_series, mut new_instances) = (0, 0);
        for of_series in of_study.into_values() {
            let Some((first, _)) = of_series.first() else { continue };
            let (series_no, is_new) = series(tx, tenant, sealer, study.no, &first.new, now)?;
            let mut added = 0;
            for (instance, replaces) in &of_series {
                if let Some(former) = replaces {
                    replace(tx, tenant, series_no, &instance.new, *former, now)?;
                } else {
                    added += 1;
                }
            }
            let rows = of_series.iter().map(|(instance, _)| row(tenant, series_no, &study, instance, now)).collect();
            if of_series.iter().all(|(instance, _)| instance.is_blob()) {
                insert_rows(tx, "dicom_instance", INSTANCE, "", rows)?;
            } else {
                let made: Vec<MadeInstance> =
                    insert_returning(tx, "dicom_instance", INSTANCE, " returning no, instance_uid", rows)?;
                let numbers: HashMap<String, i64> = made.into_iter().map(|made| (made.instance_uid, made.no)).collect();
                let files = of_series.iter().filter_map(|(instance, _)| {
                    Some((*numbers.get(instance.new.instance_uid.as_str())?, instance.file.clone()?))
                });
                file::insert(tx, files.collect())?;
            }
            if added > 0 {
                let mut sql = Sql::new("update dicom_series set instances = instances + ");
                sql.bind(added).push(" where no = ").bind(series_no);
                sql.execute_prepared(tx)?;
            }
            new_series += i64::from(is_new);
            new_instances += added;
        }
        let mut sql = Sql::new("update dicom_study set instances = instances + ");
        sql.bind(new_instances).push(", series = series + ").bind(new_series);
        sql.push(", changed_at = ").bind(now.0).push(" where no = ").bind(study.no);
        sql.execute_prepared(tx)?;
    }
    Ok(())
}

/// The row of a study.
struct Study {
    no: i64,
    patient_id: String,
    issuer: String,
}

/// The row of the study, which is made if it is not there.
fn study(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    sealer: &Sealer,
    new: &NewInstance,
    now: Timestamp,
) -> Result<Study, StoreError> {
    let found = |tx: &mut Tx<'_>| -> Result<Option<Study>, StoreError> {
        let row: Option<(i64, String, String)> = on!(tx, conn => dicom_study::table
            .filter(dicom_study::tenant.eq(tenant.as_str()))
            .filter(dicom_study::study_uid.eq(new.study_uid.as_str()))
            .select((dicom_study::no, dicom_study::patient_id, dicom_study::issuer))
            .get_result(conn)
            .optional())?;
        Ok(row.map(|(no, patient_id, issuer)| Study { no, patient_id, issuer }))
    };
    if let Some(study) = found(tx)? {
        return Ok(study);
    }
    let attributes = seal(tenant, sealer, "dicom_study", new.study_uid.as_str(), new.study_attributes.clone())?;
    let index = &new.study;
    let [patient_name, patient_ideographic, patient_phonetic] = index.patient_name.groups.clone();
    let [referring_name, referring_ideographic, referring_phonetic] = index.referring_name.groups.clone();
    let row: Vec<Bind> = vec![
        tenant.as_str().into(),
        new.study_uid.as_str().into(),
        index.patient_id.clone().into(),
        index.issuer.clone().into(),
        patient_name.into(),
        patient_ideographic.into(),
        patient_phonetic.into(),
        index.patient_words.clone().into(),
        index.birth_date.clone().into(),
        index.sex.clone().into(),
        index.study_date.clone().into(),
        index.study_time.clone().into(),
        index.accession.clone().into(),
        index.study_id.clone().into(),
        index.description.clone().into(),
        referring_name.into(),
        referring_ideographic.into(),
        referring_phonetic.into(),
        index.referring_words.clone().into(),
        0_i64.into(),
        0_i64.into(),
        now.0.into(),
        now.0.into(),
        attributes.into(),
    ];
    let made: Vec<Made> =
        insert_returning(tx, "dicom_study", STUDY, " on conflict do nothing returning no", vec![row])?;
    match made.first() {
        Some(made) => Ok(Study { no: made.no, patient_id: index.patient_id.clone(), issuer: index.issuer.clone() }),
        // Another transaction made it meanwhile, and has ended.
        None => found(tx)?.ok_or(StoreError::Unavailable("a study was deleted meanwhile".into())),
    }
}

/// The number of the series, which is made if it is not there, and whether it was.
fn series(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    sealer: &Sealer,
    study_no: i64,
    new: &NewInstance,
    now: Timestamp,
) -> Result<(i64, bool), StoreError> {
    let found = |tx: &mut Tx<'_>| -> Result<Option<i64>, StoreError> {
        on!(tx, conn => dicom_series::table
            .filter(dicom_series::study_no.eq(study_no))
            .filter(dicom_series::series_uid.eq(new.series_uid.as_str()))
            .select(dicom_series::no)
            .get_result(conn)
            .optional())
        .map_err(StoreError::from)
    };
    if let Some(no) = found(tx)? {
        return Ok((no, false));
    }
    let attributes = seal(tenant, sealer, "dicom_series", new.series_uid.as_str(), new.series_attributes.clone())?;
    let index = &new.series;
    let row: Vec<Bind> = vec![
        tenant.as_str().into(),
        study_no.into(),
        new.series_uid.as_str().into(),
        index.modality.clone().into(),
        index.number.unwrap_or(NO_NUMBER).into(),
        index.description.clone().into(),
        index.body_part.clone().into(),
        index.institution.clone().into(),
        index.step_date.clone().into(),
        index.step_time.clone().into(),
        0_i64.into(),
        now.0.into(),
        attributes.into(),
    ];
    let made: Vec<Made> =
        insert_returning(tx, "dicom_series", SERIES, " on conflict do nothing returning no", vec![row])?;
    let Some(made) = made.first() else {
        let no = found(tx)?.ok_or(StoreError::Unavailable("a series was deleted meanwhile".into()))?;
        return Ok((no, false));
    };
    let requests = index.requests.iter();
    let rows = requests.map(|(step, procedure)| vec![made.no.into(), step.as_str().into(), procedure.as_str().into()]);
    insert_rows(tx, "dicom_request", REQUEST, " on conflict do nothing", rows.collect())?;
    Ok((made.no, true))
}

fn row(tenant: &TenantId, series_no: i64, study: &Study, instance: &SealedInstance, now: Timestamp) -> Vec<Bind> {
    let SealedInstance { new, metadata, .. } = instance;
    let size = |number: Option<u32>| number.map_or(NO_SIZE, i64::from);
    let mut flaws = new.flaws.clone();
    if new.study.contradicts(&study.patient_id, &study.issuer) {
        flaws.push_str(" 00100020:patient");
    }
    vec![
        tenant.as_str().into(),
        series_no.into(),
        new.instance_uid.as_str().into(),
        new.class_uid.as_str().into(),
        new.instance.number.unwrap_or(NO_NUMBER).into(),
        new.transfer_syntax_uid.as_str().into(),
        new.digest.to_hex().into(),
        signed(new.size).into(),
        new.data_set_digest.to_hex().into(),
        signed(new.data_set_offset).into(),
        new.pixel_data_offset.map_or(NO_SIZE, signed).into(),
        size(new.instance.frames).into(),
        size(new.instance.rows).into(),
        size(new.instance.columns).into(),
        flaws.trim_start().into(),
        now.0.into(),
        metadata.clone().into(),
    ]
}

/// Puts the present instance of the UID aside. It has to be the one that is meant, in the same series.
fn replace(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    series_no: i64,
    new: &NewInstance,
    former: Blake3,
    now: Timestamp,
) -> Result<(), StoreError> {
    let uid = new.instance_uid.as_str();
    let wanted = dicom_instance::table
        .filter(dicom_instance::tenant.eq(tenant.as_str()))
        .filter(dicom_instance::instance_uid.eq(uid))
        .filter(dicom_instance::series_no.eq(series_no))
        .filter(dicom_instance::data_set_digest.eq(former.to_hex()));
    let no: Option<i64> = on!(tx, conn => wanted.clone().select(dicom_instance::no).get_result(conn).optional())?;
    let file = no.map(|no| file::take(tx, no)).transpose()?.flatten();
    let row: Option<(String, i64, String, i64)> = on!(tx, conn => diesel::delete(wanted)
        .returning((
            dicom_instance::digest,
            dicom_instance::size,
            dicom_instance::transfer_syntax,
            dicom_instance::received_at,
        ))
        .get_result(conn)
        .optional())?;
    let Some((digest, size, transfer_syntax, received_at)) = row else { return Err(StoreError::Duplicate) };
    let columns: Vec<Bind> = vec![
        tenant.as_str().into(),
        uid.into(),
        digest.as_str().into(),
        former.to_hex().into(),
        size.into(),
        transfer_syntax.into(),
        received_at.into(),
        now.0.into(),
    ];
    insert_rows(tx, "dicom_replaced", REPLACED, " on conflict do nothing", vec![columns])?;
    if let Some(body) = file {
        return file::put_aside(tx, tenant, uid, &digest, body);
    }
    let mut sql = Sql::new("insert into blob_ref (tenant, digest, owner_kind, owner_id) values (");
    sql.bind(tenant.as_str()).push(", ").bind(digest.as_str()).push(", ").bind(REPLACED_OWNER).push(", ");
    sql.bind(uid).push(") on conflict do nothing");
    sql.execute_prepared(tx)?;
    let mut sql = Sql::new("delete from blob_ref where tenant = ");
    sql.bind(tenant.as_str()).push(" and digest = ").bind(digest).push(" and owner_kind = ").bind(INSTANCE_OWNER);
    sql.push(" and owner_id = ").bind(uid);
    sql.execute_prepared(tx)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Made {
    #[diesel(sql_type = BigInt)]
    no: i64,
}

#[derive(QueryableByName)]
struct MadeInstance {
    #[diesel(sql_type = BigInt)]
    no: i64,
    #[diesel(sql_type = Text)]
    instance_uid: String,
}

const STUDY: &[&str] = &[
    "tenant",
    "study_uid",
    "patient_id",
    "issuer",
    "patient_name",
    "patient_ideographic",
    "patient_phonetic",
    "patient_words",
    "birth_date",
    "sex",
    "study_date",
    "study_time",
    "accession",
    "study_id",
    "description",
    "referring_name",
    "referring_ideographic",
    "referring_phonetic",
    "referring_words",
    "series",
    "instances",
    "created_at",
    "changed_at",
    "attributes",
];
const SERIES: &[&str] = &[
    "tenant",
    "study_no",
    "series_uid",
    "modality",
    "number",
    "description",
    "body_part",
    "institution",
    "step_date",
    "step_time",
    "instances",
    "created_at",
    "attributes",
];
const REQUEST: &[&str] = &["series_no", "step_id", "procedure_id"];
const INSTANCE: &[&str] = &[
    "tenant",
    "series_no",
    "instance_uid",
    "class_uid",
    "number",
    "transfer_syntax",
    "digest",
    "size",
    "data_set_digest",
    "data_set_offset",
    "pixel_data_offset",
    "frames",
    "pixel_rows",
    "pixel_columns",
    "flaws",
    "received_at",
    "metadata",
];
const REPLACED: &[&str] =
    &["tenant", "instance_uid", "digest", "data_set_digest", "size", "transfer_syntax", "received_at", "replaced_at"];
