//! Where the files of instances are when an archive stands behind: here, there, or on their way; how far its changes
//! are known; and what is still to be deleted there (docs/adr/0018).

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Text};

use crate::base::{Blake3, PeerName, TenantId, Timestamp, Uid};
use crate::store::StoreError;
use crate::store::db::Tx;
use crate::store::search::Sql;

use super::{INSTANCE_OWNER, NO_SIZE, signed};

/// Where the file of an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstanceSite {
    /// Here.
    Here,
    /// Here, on its way to the archive behind.
    Outgoing,
    /// Here and in the archive behind.
    Both,
    /// In the archive behind.
    There,
    /// Here; the archive behind would not have it.
    Refused,
}

/// What is known of the changes of the archive behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveFeed {
    /// The peer that is followed.
    pub peer: PeerName,
    /// Number of the last change that was taken in; 0 for none.
    pub seq: i64,
    /// What that change was, so that it can be told from one of the same number in another database.
    pub anchor: String,
    /// What the first change was when following began.
    pub origin: String,
    /// Whether following has begun anew and what is known has not been compared since.
    pub is_anew: bool,
    /// When all changes were last known; 0 for never.
    pub reached_at: Timestamp,
    /// The numbers of instances that were last compared.
    pub compared: String,
}

impl ArchiveFeed {
    /// Of a peer of which nothing is known.
    pub fn new(peer: PeerName) -> Self {
        Self {
            peer,
            seq: 0,
            anchor: String::new(),
            origin: String::new(),
            is_anew: true,
            reached_at: Timestamp(0),
            compared: String::new(),
        }
    }
}

/// A file as the archive behind has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteFile {
    /// BLAKE3 of it.
    pub digest: Blake3,
    /// Its bytes.
    pub size: u64,
    /// Where its data set begins.
    pub data_set_offset: u64,
    /// Where its pixel data begins.
    pub pixel_data_offset: Option<u64>,
}

/// A change of what is known of the archive behind.
#[derive(Debug, Clone, PartialEq)]
pub enum ArchiveChange {
    /// The instance of this set goes to the archive behind. What that has in its place is deleted there before.
    Outgoing(Uid),
    /// An instance that is here, and of which nothing is known there, goes to the archive behind.
    Offer(Uid),
    /// The instance of this set is in the archive behind, and only there.
    Taken {
        /// The instance.
        instance: Uid,
        /// Its id there.
        remote_id: String,
    },
    /// An instance has arrived in the archive behind. If it is not the one that is meant any more, it is deleted there.
    Sent {
        /// The instance.
        instance: Uid,
        /// Its data set.
        data_set: Blake3,
        /// Its id there.
        remote_id: String,
        /// Its file there, unless that of here stays: then the bytes here are held for a while and no longer kept.
        moved_to: Option<RemoteFile>,
    },
    /// The archive behind would not have an instance.
    Refused {
        /// The instance.
        instance: Uid,
        /// Its data set.
        data_set: Blake3,
    },
    /// Instances are gone from the archive behind, and so from here.
    Gone(Vec<Uid>),
    /// Instances that are here too are gone from the archive behind, and go there again.
    Again(Vec<Uid>),
    /// An instance of the archive behind that cannot be indexed.
    Unindexed {
        /// Its id there.
        remote_id: String,
        /// Why, without patient data.
        reason: &'static str,
    },
    /// The archive behind tells of some ids anew: what was wrong with them may be so no more.
    Anew(Vec<String>),
    /// What was to be deleted there is, or an instance that could not be indexed is there no more.
    Done(String),
    /// How far its changes are known. The set fails if somebody else has gone on from `before`.
    Feed {
        /// Peer and number from which was gone on; `None` where nothing was known.
        before: Option<(PeerName, i64)>,
        /// What is known now.
        feed: ArchiveFeed,
    },
    /// Lets go of bytes that are held besides: what came before this instant, and the oldest beyond so many bytes.
    Evict {
        /// The instant.
        before: Timestamp,
        /// Bytes that may stay.
        bytes: u64,
    },
}

/// Applies what has to come before the instances of a set.
pub(in crate::store) fn before(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    change: &ArchiveChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    match change {
        ArchiveChange::Outgoing(uid) => {
            let mut which = Sql::new("tenant = ");
            which.bind(tenant.as_str()).push(" and instance_uid = ").bind(uid.as_str());
            note_deletions(tx, which, now)
        }
        ArchiveChange::Gone(uids) => gone(tx, tenant, uids),
        ArchiveChange::Again(uids) => each_batch(uids, |uids| {
            let mut sql = Sql::new("update dicom_instance set place = 'outgoing', remote_id = '' where tenant = ");
            sql.bind(tenant.as_str()).push(" and place = 'both' and ");
            sql.one_of("instance_uid", uids.iter().map(Uid::as_str));
            sql.execute(tx).map(|_changed| ())
        }),
        ArchiveChange::Unindexed { remote_id, reason } => note(tx, tenant, remote_id, "refusal", "", reason, now),
        ArchiveChange::Anew(ids) => each_batch(ids, |ids| forget_refusals(tx, tenant, ids)),
        ArchiveChange::Done(remote_id) => {
            let mut sql = Sql::new("delete from archive_note where tenant = ");
            sql.bind(tenant.as_str()).push(" and remote_id = ").bind(remote_id.as_str());
            sql.execute(tx).map(|_gone| ())
        }
        ArchiveChange::Feed { before, feed } => put_feed(tx, tenant, before.as_ref(), feed),
        ArchiveChange::Evict { before, bytes } => evict(tx, tenant, *before, *bytes),
        ArchiveChange::Offer(_)
        | ArchiveChange::Taken { .. }
        | ArchiveChange::Sent { .. }
        | ArchiveChange::Refused { .. } => Ok(()),
    }
}

/// Applies what has to come behind the instances of a set.
pub(in crate::store) fn after(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    change: &ArchiveChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    match change {
        ArchiveChange::Outgoing(uid) => {
            let mut sql = Sql::new("update dicom_instance set place = 'outgoing' where tenant = ");
            sql.bind(tenant.as_str()).push(" and instance_uid = ").bind(uid.as_str());
            sql.execute_prepared(tx).map(|_changed| ())
        }
        ArchiveChange::Offer(uid) => {
            let mut sql = Sql::new("update dicom_instance set place = 'outgoing' where tenant = ");
            sql.bind(tenant.as_str()).push(" and instance_uid = ").bind(uid.as_str());
            sql.push(" and place in ('here', 'refused') and remote_id = ''").execute_in(tx).map(|_changed| ())
        }
        ArchiveChange::Taken { instance, remote_id } => {
            let mut sql = Sql::new("update dicom_instance set place = 'there', remote_id = ");
            sql.bind(remote_id.as_str()).push(" where tenant = ").bind(tenant.as_str());
            sql.push(" and instance_uid = ").bind(instance.as_str());
            sql.execute(tx).map(|_changed| ())
        }
        ArchiveChange::Sent { instance, data_set, remote_id, moved_to } => {
            sent(tx, tenant, instance, *data_set, remote_id, moved_to.as_ref(), now)
        }
        ArchiveChange::Refused { instance, data_set } => {
            let mut sql =
                Sql::new("update dicom_instance set place = 'refused' where place = 'outgoing' and tenant = ");
            sql.bind(tenant.as_str()).push(" and instance_uid = ").bind(instance.as_str());
            sql.push(" and data_set_digest = ").bind(data_set.to_hex());
            sql.execute(tx).map(|_changed| ())
        }
        _ => Ok(()),
    }
}

/// Notes that what the archive behind has of some instances is to be deleted there.
pub(super) fn note_deletions(tx: &mut Tx<'_>, which: Sql, now: Timestamp) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "insert into archive_note (tenant, remote_id, kind, instance_uid, reason, noted_at) \
         select tenant, remote_id, 'deletion', instance_uid, '', cast(",
    );
    sql.bind(now.0).push(" as bigint) from dicom_instance where remote_id <> '' and ").add(which);
    sql.push(" on conflict (tenant, remote_id) do update set kind = 'deletion', instance_uid = excluded.instance_uid");
    sql.execute(tx).map(|_noted| ())
}

fn note(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    remote_id: &str,
    kind: &str,
    instance: &str,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut sql =
        Sql::new("insert into archive_note (tenant, remote_id, kind, instance_uid, reason, noted_at) values (");
    sql.bind(tenant.as_str()).push(", ").bind(remote_id).push(", ").bind(kind).push(", ").bind(instance);
    sql.push(", ").bind(reason).push(", ").bind(now.0).push(") on conflict do nothing");
    sql.execute(tx).map(|_noted| ())
}

fn forget_refusals(tx: &mut Tx<'_>, tenant: &TenantId, ids: &[String]) -> Result<(), StoreError> {
    let mut sql = Sql::new("delete from archive_note where kind = 'refusal' and tenant = ");
    sql.bind(tenant.as_str()).push(" and ").one_of("remote_id", ids.iter().map(String::as_str));
    sql.execute(tx).map(|_gone| ())
}

/// Takes instances away that the archive behind has no more, whatever their study is.
fn gone(tx: &mut Tx<'_>, tenant: &TenantId, uids: &[Uid]) -> Result<(), StoreError> {
    let mut scopes = Vec::new();
    each_batch(uids, |uids| {
        let mut sql = Sql::new(
            "select s.study_uid, e.series_uid, i.instance_uid from dicom_instance i \
             join dicom_series e on e.no = i.series_no join dicom_study s on s.no = e.study_no \
             where i.place <> 'outgoing' and i.tenant = ",
        );
        sql.bind(tenant.as_str()).push(" and ").one_of("i.instance_uid", uids.iter().map(Uid::as_str));
        for row in sql.load::<PathRow>(tx)? {
            scopes.push(row.scope()?);
        }
        Ok(())
    })?;
    for scope in &scopes {
        super::delete::take_away(tx, tenant, scope)?;
    }
    Ok(())
}

fn sent(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    instance: &Uid,
    data_set: Blake3,
    remote_id: &str,
    moved_to: Option<&RemoteFile>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut held = Sql::new("select digest from dicom_instance where tenant = ");
    held.bind(tenant.as_str()).push(" and instance_uid = ").bind(instance.as_str());
    held.push(" and data_set_digest = ").bind(data_set.to_hex()).push(" and place = 'outgoing'");
    let Some(row) = held.load::<DigestRow>(tx)?.into_iter().next() else {
        // Deleted or replaced on the way. Somebody else may have told of its arrival before.
        let mut known = Sql::new("select digest from dicom_instance where tenant = ");
        known.bind(tenant.as_str()).push(" and remote_id = ").bind(remote_id);
        if known.load::<DigestRow>(tx)?.is_empty() {
            note(tx, tenant, remote_id, "deletion", instance.as_str(), "", now)?;
        }
        return Ok(());
    };
    let mut sql = Sql::new("update dicom_instance set place = ");
    sql.bind(if moved_to.is_some() { "there" } else { "both" }).push(", remote_id = ").bind(remote_id);
    if let Some(file) = moved_to {
        sql.push(", digest = ").bind(file.digest.to_hex()).push(", size = ").bind(signed(file.size));
        sql.push(", data_set_offset = ").bind(signed(file.data_set_offset));
        sql.push(", pixel_data_offset = ").bind(file.pixel_data_offset.map_or(NO_SIZE, signed));
    }
    sql.push(" where tenant = ").bind(tenant.as_str()).push(" and instance_uid = ").bind(instance.as_str());
    sql.execute(tx)?;
    // Another one was there for a while.
    forget_refusals(tx, tenant, &[remote_id.to_owned()])?;
    let Some(file) = moved_to else { return Ok(()) };
    // A short file is fetched again as fast as it is read here.
    let mut sql =
        Sql::new("delete from dicom_file where instance_no in (select no from dicom_instance where tenant = ");
    sql.bind(tenant.as_str()).push(" and instance_uid = ").bind(instance.as_str()).push(")").execute_in(tx)?;
    if file.digest.to_hex() == row.digest {
        let mut sql = Sql::new("insert into blob_ref (tenant, digest, owner_kind, owner_id) select tenant, digest, ");
        sql.bind(CACHED_OWNER).push(", ").bind(instance.as_str()).push(" from blob where tenant = ");
        sql.bind(tenant.as_str()).push(" and digest = ").bind(row.digest);
        sql.push(" on conflict do nothing").execute_in(tx)?;
    }
    let mut sql = Sql::new("delete from blob_ref where tenant = ");
    sql.bind(tenant.as_str()).push(" and owner_kind = ").bind(INSTANCE_OWNER);
    sql.push(" and owner_id = ").bind(instance.as_str()).execute_in(tx)?;
    Ok(())
}

fn put_feed(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    before: Option<&(PeerName, i64)>,
    feed: &ArchiveFeed,
) -> Result<(), StoreError> {
    let changed = match before {
        Some((peer, seq)) => {
            let mut sql = Sql::new("update archive_feed set peer = ");
            sql.bind(feed.peer.as_str()).push(", seq = ").bind(feed.seq).push(", anchor = ");
            sql.bind(feed.anchor.as_str()).push(", origin = ").bind(feed.origin.as_str()).push(", is_anew = ");
            sql.bind(feed.is_anew).push(", reached_at = ").bind(feed.reached_at.0).push(", compared = ");
            sql.bind(feed.compared.as_str()).push(" where tenant = ").bind(tenant.as_str());
            sql.push(" and peer = ").bind(peer.as_str()).push(" and seq = ").bind(*seq);
            sql.execute_prepared(tx)?
        }
        None => {
            let mut sql = Sql::new(
                "insert into archive_feed (tenant, peer, seq, anchor, origin, is_anew, reached_at, compared) values (",
            );
            sql.bind(tenant.as_str()).push(", ").bind(feed.peer.as_str()).push(", ").bind(feed.seq).push(", ");
            sql.bind(feed.anchor.as_str()).push(", ").bind(feed.origin.as_str()).push(", ").bind(feed.is_anew);
            sql.push(", ").bind(feed.reached_at.0).push(", ").bind(feed.compared.as_str());
            sql.push(") on conflict do nothing");
            sql.execute(tx)?
        }
    };
    if changed == 1 { Ok(()) } else { Err(StoreError::VersionConflict { current: None }) }
}

fn evict(tx: &mut Tx<'_>, tenant: &TenantId, before: Timestamp, bytes: u64) -> Result<(), StoreError> {
    let mut sql = Sql::new("delete from blob_ref where tenant = ");
    sql.bind(tenant.as_str()).push(" and owner_kind = ").bind(CACHED_OWNER);
    sql.push(
        " and digest in (select digest from (select b.digest, b.created_at, \
         sum(b.size) over (order by b.created_at desc, b.digest) as held from blob b where b.tenant = ",
    );
    sql.bind(tenant.as_str());
    sql.push(" and exists (select 1 from blob_ref r where r.tenant = b.tenant and r.digest = b.digest ");
    sql.push("and r.owner_kind = ").bind(CACHED_OWNER).push(")) as held_besides where held > ");
    sql.bind(signed(bytes)).push(" or created_at < ").bind(before.0).push(")");
    sql.execute(tx).map(|_gone| ())
}

fn each_batch<T>(all: &[T], mut work: impl FnMut(&[T]) -> Result<(), StoreError>) -> Result<(), StoreError> {
    all.chunks(super::read::BATCH).try_for_each(&mut work)
}

/// Owner of bytes that are held besides those of the archive behind.
pub const CACHED_OWNER: &str = "instance.cached";

#[derive(QueryableByName)]
struct DigestRow {
    #[diesel(sql_type = Text)]
    digest: String,
}

#[derive(QueryableByName)]
#[expect(clippy::struct_field_names, reason = "the columns are called so")]
struct PathRow {
    #[diesel(sql_type = Text)]
    study_uid: String,
    #[diesel(sql_type = Text)]
    series_uid: String,
    #[diesel(sql_type = Text)]
    instance_uid: String,
}

impl PathRow {
    fn scope(&self) -> Result<crate::dicom::query::StudyScope, StoreError> {
        Ok(crate::dicom::query::StudyScope {
            study: super::read::kept_uid(&self.study_uid)?,
            series: Some(super::read::kept_uid(&self.series_uid)?),
            instance: Some(super::read::kept_uid(&self.instance_uid)?),
        })
    }
}

#[derive(QueryableByName)]
pub(super) struct FeedRow {
    #[diesel(sql_type = Text)]
    peer: String,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Text)]
    anchor: String,
    #[diesel(sql_type = Text)]
    origin: String,
    #[diesel(sql_type = Bool)]
    is_anew: bool,
    #[diesel(sql_type = BigInt)]
    reached_at: i64,
    #[diesel(sql_type = Text)]
    compared: String,
}

impl TryFrom<FeedRow> for ArchiveFeed {
    type Error = StoreError;

    fn try_from(row: FeedRow) -> Result<Self, StoreError> {
        Ok(Self {
            peer: PeerName::parse(&row.peer).map_err(|_form| StoreError::Corrupt("peer name"))?,
            seq: row.seq,
            anchor: row.anchor,
            origin: row.origin,
            is_anew: row.is_anew,
            reached_at: Timestamp(row.reached_at),
            compared: row.compared,
        })
    }
}

impl InstanceSite {
    pub(super) fn parse(text: &str) -> Result<Self, StoreError> {
        Ok(match text {
            "here" => Self::Here,
            "outgoing" => Self::Outgoing,
            "both" => Self::Both,
            "there" => Self::There,
            "refused" => Self::Refused,
            _ => return Err(StoreError::Corrupt("instance place")),
        })
    }
}
