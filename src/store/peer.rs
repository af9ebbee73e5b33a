//! Peers: the systems that reports go to and studies come from. Their settings are sealed.

use diesel::prelude::*;

use crate::base::{PeerName, TenantId, Timestamp, VersionId};

use super::db::{Tx, on};
use super::keys::Sealer;
use super::schema::peer;
use super::{Desk, StoreError};

/// A peer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPeer {
    /// Name.
    pub name: PeerName,
    /// `dimse`, `dicomweb`, `fhir` or `orthanc`.
    pub kind: String,
    /// JSON of its settings, secrets included.
    pub settings: Vec<u8>,
    /// Counted up with every change.
    pub version: VersionId,
    /// When it was added.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
}

/// A change of a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerChange {
    /// Adds one, or gives one new settings.
    Put {
        /// Name.
        name: PeerName,
        /// Kind.
        kind: String,
        /// JSON of its settings, secrets included.
        settings: Vec<u8>,
    },
    /// Takes one away.
    Remove {
        /// Name.
        name: PeerName,
    },
}

impl Desk<'_> {
    /// All peers of this tenant by name.
    pub async fn peers(&self) -> Result<Vec<StoredPeer>, StoreError> {
        let tenant = self.tenant().clone();
        let rows: Vec<Row> = self
            .read(move |tx| {
                on!(tx, conn => peer::table
                    .filter(peer::tenant.eq(tenant.as_str()))
                    .order(peer::name)
                    .select(Row::as_select())
                    .load(conn))
                .map_err(StoreError::from)
            })
            .await?;
        rows.into_iter().map(|row| row.open(self.tenant(), self.sealer())).collect()
    }

    /// One peer.
    pub async fn peer(&self, name: &PeerName) -> Result<Option<StoredPeer>, StoreError> {
        let (tenant, name) = (self.tenant().clone(), name.clone());
        let row: Option<Row> = self
            .read(move |tx| {
                on!(tx, conn => peer::table
                    .find((tenant.as_str(), name.as_str()))
                    .select(Row::as_select())
                    .get_result(conn)
                    .optional())
                .map_err(StoreError::from)
            })
            .await?;
        row.map(|row| row.open(self.tenant(), self.sealer())).transpose()
    }
}

/// Applies a change. Taking away a peer that is not there is [`StoreError::Gone`].
pub(super) fn apply(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    sealer: &Sealer,
    change: &PeerChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    match change {
        PeerChange::Put { name, kind, settings } => {
            let sealed = sealer.seal(tenant, &["peer", name.as_str()], settings)?;
            let row = Row {
                tenant: tenant.as_str().to_owned(),
                name: name.as_str().to_owned(),
                kind: kind.clone(),
                settings: sealed.clone(),
                version_id: 1,
                created_at: now.0,
                updated_at: now.0,
            };
            on!(tx, conn => diesel::insert_into(peer::table)
                .values(row)
                .on_conflict((peer::tenant, peer::name))
                .do_update()
                .set((
                    peer::kind.eq(kind),
                    peer::settings.eq(&sealed),
                    peer::version_id.eq(peer::version_id + 1),
                    peer::updated_at.eq(now.0),
                ))
                .execute(conn))?;
            Ok(())
        }
        PeerChange::Remove { name } => {
            let gone =
                on!(tx, conn => diesel::delete(peer::table.find((tenant.as_str(), name.as_str()))).execute(conn))?;
            if gone == 1 { Ok(()) } else { Err(StoreError::Gone) }
        }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = peer)]
struct Row {
    tenant: String,
    name: String,
    kind: String,
    settings: Vec<u8>,
    version_id: i32,
    created_at: i64,
    updated_at: i64,
}

impl Row {
    fn open(self, tenant: &TenantId, sealer: &Sealer) -> Result<StoredPeer, StoreError> {
        Ok(StoredPeer {
            settings: sealer.open(tenant, &["peer", &self.name], &self.settings)?,
            name: PeerName::parse(&self.name).map_err(|_form| StoreError::Corrupt("peer name"))?,
            kind: self.kind,
            version: VersionId(self.version_id),
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
        })
    }
}
