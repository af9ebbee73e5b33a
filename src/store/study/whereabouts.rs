//! Reading where the files of instances are when an archive stands behind.

use std::collections::HashSet;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Text};

use crate::base::Uid;
use crate::store::search::Sql;
use crate::store::{Desk, StoreError};

use super::StoredInstance;
use super::archive::{ArchiveFeed, CACHED_OWNER, FeedRow, InstanceSite};
use super::read::{BATCH, Row, SELECT, kept_uid};

/// Where the file of an instance is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whereabouts {
    /// The place.
    pub site: InstanceSite,
    /// Its id in the archive behind; empty if it is not there, as far as is known.
    pub remote_id: String,
    /// Whether its bytes are held here besides.
    pub is_cached: bool,
}

/// What is to be done, and what is known, of the archive behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ArchiveCounts {
    /// Instances that are there as far as is known.
    pub there: i64,
    /// Instances there that cannot be indexed.
    pub unindexed: i64,
    /// Instances on their way there.
    pub outgoing: i64,
    /// Deletions that are still to be done there.
    pub deletions: i64,
}

/// An instance that is in the archive behind as far as is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteInstance {
    /// Its UID.
    pub instance: Uid,
    /// Its study.
    pub study: Uid,
    /// Its id there.
    pub remote_id: String,
}

impl Desk<'_> {
    /// What is known of the changes of the archive behind.
    pub async fn archive_feed(&self) -> Result<Option<ArchiveFeed>, StoreError> {
        let tenant = self.tenant().clone();
        let row = self
            .read_row(move |tx| {
                let mut sql = Sql::new(
                    "select peer, seq, anchor, origin, is_anew, reached_at, compared from archive_feed where tenant = ",
                );
                sql.bind(tenant.as_str());
                Ok(sql.load::<FeedRow>(tx)?.into_iter().next())
            })
            .await?;
        row.map(ArchiveFeed::try_from).transpose()
    }

    /// Where the file of an instance is; `None` if there is no such instance.
    pub async fn whereabouts(&self, instance: &Uid) -> Result<Option<Whereabouts>, StoreError> {
        let (tenant, instance) = (self.tenant().clone(), instance.clone());
        let row = self
            .read_row(move |tx| {
                let mut sql = Sql::new(
                    "select i.place, i.remote_id, exists (select 1 from blob_ref r where r.tenant = i.tenant \
                     and r.digest = i.digest and r.owner_kind = ",
                );
                sql.bind(CACHED_OWNER).push(" and r.owner_id = i.instance_uid) as is_cached from dicom_instance i ");
                sql.push("where i.tenant = ").bind(tenant.as_str());
                sql.push(" and i.instance_uid = ").bind(instance.as_str());
                Ok(sql.load::<SiteRow>(tx)?.into_iter().next())
            })
            .await?;
        row.map(|row| {
            let site = InstanceSite::parse(&row.place)?;
            Ok(Whereabouts { site, remote_id: row.remote_id, is_cached: row.is_cached })
        })
        .transpose()
    }

    /// Those of some ids of the archive behind of which something is known.
    pub async fn known_remotes(&self, ids: &[String]) -> Result<HashSet<String>, StoreError> {
        let (tenant, ids) = (self.tenant().clone(), ids.to_vec());
        self.read(move |tx| {
            let mut known = HashSet::new();
            for ids in ids.chunks(BATCH) {
                for table in ["dicom_instance", "archive_note"] {
                    let mut sql = Sql::new("select remote_id from ");
                    sql.push(table).push(" where tenant = ").bind(tenant.as_str()).push(" and remote_id <> '' and ");
                    sql.one_of("remote_id", ids.iter().map(String::as_str));
                    known.extend(sql.load::<IdRow>(tx)?.into_iter().map(|row| row.remote_id));
                }
            }
            Ok(known)
        })
        .await
    }

    /// Those of some ids of the archive behind that are known, with their instances, as far as these are only there.
    pub async fn instances_there(&self, ids: &[String]) -> Result<Vec<(String, StoredInstance)>, StoreError> {
        let (tenant, ids) = (self.tenant().clone(), ids.to_vec());
        self.read(move |tx| {
            let mut found = Vec::new();
            for id in ids {
                let mut sql = Sql::new(SELECT);
                sql.push("i.place = 'there' and i.tenant = ").bind(tenant.as_str());
                sql.push(" and i.remote_id = ").bind(id.as_str());
                if let Some(row) = sql.load::<Row>(tx)?.into_iter().next() {
                    found.push((id, StoredInstance::try_from(row)?));
                }
            }
            Ok(found)
        })
        .await
    }

    /// Instances on their way to the archive behind, the first ones first; without those of whose UID something is
    /// to be deleted there before.
    pub async fn outgoing(&self, limit: i64) -> Result<Vec<StoredInstance>, StoreError> {
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            let mut sql = Sql::new(SELECT);
            sql.push("i.place = 'outgoing' and i.tenant = ").bind(tenant.as_str());
            sql.push(
                " and not exists (select 1 from archive_note n where n.tenant = i.tenant \
                 and n.instance_uid = i.instance_uid and n.kind = 'deletion') order by i.no",
            );
            sql.limit(limit);
            sql.load::<Row>(tx)?.into_iter().map(StoredInstance::try_from).collect()
        })
        .await
    }

    /// Ids of the archive behind that are to be deleted there, the first ones first.
    pub async fn remote_deletions(&self, limit: i64) -> Result<Vec<String>, StoreError> {
        self.noted("deletion", limit).await
    }

    async fn noted(&self, kind: &'static str, limit: i64) -> Result<Vec<String>, StoreError> {
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            let mut sql = Sql::new("select remote_id from archive_note where tenant = ");
            sql.bind(tenant.as_str()).push(" and kind = ").bind(kind).push(" order by noted_at").limit(limit);
            Ok(sql.load::<IdRow>(tx)?.into_iter().map(|row| row.remote_id).collect())
        })
        .await
    }

    /// Ids of the archive behind that cannot be indexed.
    pub async fn unindexed(&self, limit: i64) -> Result<Vec<String>, StoreError> {
        self.noted("refusal", limit).await
    }

    /// How much there is of what; what is there already is counted only if that `counts_all`.
    pub async fn archive_counts(&self, counts_all: bool) -> Result<ArchiveCounts, StoreError> {
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            let mut count = |text: &str| {
                let mut sql = Sql::new(text);
                sql.bind(tenant.as_str());
                Ok::<_, StoreError>(sql.load::<CountRow>(tx)?.first().map_or(0, |row| row.found))
            };
            let there = "select count(*) as found from dicom_instance where remote_id <> '' and tenant = ";
            Ok(ArchiveCounts {
                there: if counts_all { count(there)? } else { 0 },
                unindexed: count("select count(*) as found from archive_note where kind = 'refusal' and tenant = ")?,
                outgoing: count("select count(*) as found from dicom_instance where place = 'outgoing' and tenant = ")?,
                deletions: count("select count(*) as found from archive_note where kind = 'deletion' and tenant = ")?,
            })
        })
        .await
    }

    /// The instances of some studies behind the one of a number that are in the archive behind, and the number of the
    /// last of these studies.
    pub async fn remote_instances(
        &self,
        after: i64,
        studies: i64,
    ) -> Result<Option<(Vec<RemoteInstance>, i64)>, StoreError> {
        let tenant = self.tenant().clone();
        let rows = self
            .read(move |tx| {
                let mut sql = Sql::new(
                    "select s.no, s.study_uid, i.instance_uid, i.remote_id from (select no, study_uid from dicom_study \
                     where tenant = ",
                );
                sql.bind(tenant.as_str()).push(" and no > ").bind(after).push(" order by no").limit(studies);
                sql.push(
                    ") s join dicom_series e on e.study_no = s.no \
                     join dicom_instance i on i.series_no = e.no order by s.no",
                );
                sql.load::<RemoteRow>(tx)
            })
            .await?;
        let Some(last) = rows.last().map(|row| row.no) else { return Ok(None) };
        let found = rows.into_iter().filter(|row| !row.remote_id.is_empty()).map(|row| {
            Ok(RemoteInstance {
                instance: kept_uid(&row.instance_uid)?,
                study: kept_uid(&row.study_uid)?,
                remote_id: row.remote_id,
            })
        });
        Ok(Some((found.collect::<Result<_, StoreError>>()?, last)))
    }
}

#[derive(QueryableByName)]
struct SiteRow {
    #[diesel(sql_type = Text)]
    place: String,
    #[diesel(sql_type = Text)]
    remote_id: String,
    #[diesel(sql_type = Bool)]
    is_cached: bool,
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = Text)]
    remote_id: String,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    found: i64,
}

#[derive(QueryableByName)]
struct RemoteRow {
    #[diesel(sql_type = BigInt)]
    no: i64,
    #[diesel(sql_type = Text)]
    study_uid: String,
    #[diesel(sql_type = Text)]
    instance_uid: String,
    #[diesel(sql_type = Text)]
    remote_id: String,
}
