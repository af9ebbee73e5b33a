//! Tenants and their keys: made when a tenant is, unwrapped at start, used to seal what is kept.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use diesel::prelude::*;

use crate::base::keyring::{KeyId, KeyPurpose, Keyring, MasterKeys, NamedKey};
use crate::base::{CursorKey, DataKey, SealError, TenantId, Timestamp};

use super::db::{Tx, on};
use super::schema::{search_catalog, tenant, tenant_key};
use super::{Store, StoreError, search};

/// Seals and opens values with the keys of their tenant.
pub(super) struct Sealer {
    masters: MasterKeys,
    ring: RwLock<Keyring>,
    /// Counts the readings of the keys as they begin, and holds the one that the ring is of: of two at the
    /// same time the one that began first knows less, and must not be put in the place of the other.
    readings: AtomicU64,
    newest: Mutex<u64>,
}

impl Sealer {
    pub(super) fn new(masters: MasterKeys) -> Self {
        let ring = RwLock::new(Keyring::new());
        Self { masters, ring, readings: AtomicU64::new(0), newest: Mutex::new(0) }
    }

    /// Version, id of the key, nonce, ciphertext and tag. `context` names the row that it belongs to.
    pub(super) fn seal(&self, tenant: &TenantId, context: &[&str], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let key = self.current(tenant, KeyPurpose::Data)?;
        let sealed = key.key.seal(&aad(tenant, context), plain)?;
        let mut out = Vec::with_capacity(17 + sealed.len());
        out.push(SEALED);
        out.extend_from_slice(key.id.as_bytes());
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    /// Opens what [`Sealer::seal`] made for the same row.
    pub(super) fn open(&self, tenant: &TenantId, context: &[&str], sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (version, rest) = sealed.split_first().ok_or(StoreError::Corrupt("value"))?;
        let (id, body) = rest.split_first_chunk::<16>().ok_or(StoreError::Corrupt("value"))?;
        if *version != SEALED {
            return Err(StoreError::Corrupt("value"));
        }
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let key = ring.find(tenant, KeyPurpose::Data, KeyId::from_bytes(*id)).ok_or(StoreError::Sealed(SealError))?;
        Ok(key.key.open(&aad(tenant, context), body)?)
    }

    fn current(&self, tenant: &TenantId, purpose: KeyPurpose) -> Result<Arc<NamedKey>, StoreError> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        ring.current(tenant, purpose).cloned().ok_or(StoreError::UnknownTenant)
    }
}

/// Whether any tenant has keys.
pub(super) fn are_there(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    let any = diesel::dsl::exists(tenant_key::table.select(tenant_key::tenant));
    on!(tx, conn => diesel::select(any).get_result(conn)).map_err(StoreError::from)
}

impl Store {
    /// Makes a tenant with its keys if it is not there. Safe to call again, and from several nodes.
    pub async fn ensure_tenant(&self, tenant: &TenantId, now: Timestamp) -> Result<(), StoreError> {
        let mut new = Vec::new();
        for purpose in KeyPurpose::ALL {
            new.push(self.new_key(tenant, purpose, now)?);
        }
        let (name, new_tenant) = (tenant.as_str().to_owned(), tenant.clone());
        self.write(move |tx| {
            let made = on!(tx, conn => diesel::insert_into(tenant::table)
                .values((tenant::name.eq(&name), tenant::created_at.eq(now.0)))
                .on_conflict_do_nothing()
                .execute(conn))?;
            let have: Vec<String> = on!(tx, conn => tenant_key::table
                .filter(tenant_key::tenant.eq(&name))
                .select(tenant_key::purpose)
                .load(conn))?;
            if made == 1 {
                search::set_generation(tx, &new_tenant)?;
            }
            if made == 1 || have.len() < KeyPurpose::ALL.len() {
                new.retain(|row: &KeyRow| !have.contains(&row.purpose));
                for row in &new {
                    on!(tx, conn => diesel::insert_into(tenant_key::table).values(row).execute(conn))?;
                }
            }
            Ok(())
        })
        .await?;
        self.load_keys(now).await
    }

    /// The tenants that there are.
    pub async fn tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        let names: Vec<String> = self
            .read(|tx| {
                on!(tx, conn => tenant::table.order(tenant::name).select(tenant::name).load(conn))
                    .map_err(StoreError::from)
            })
            .await?;
        names.iter().map(|name| TenantId::parse(name).map_err(|_form| StoreError::Corrupt("tenant"))).collect()
    }

    /// Whether this node knows the tenant and can open what it keeps.
    pub fn knows_tenant(&self, tenant: &TenantId) -> bool {
        self.sealer().current(tenant, KeyPurpose::Data).is_ok()
    }

    /// Reads all keys anew: after a start, and from time to time for what other nodes have changed. A new
    /// key seals only when it is [`ACTIVATION_SECONDS`] old, so that every node can open what it seals.
    pub async fn load_keys(&self, now: Timestamp) -> Result<(), StoreError> {
        let reading = self.sealer().readings.fetch_add(1, Ordering::SeqCst) + 1;
        let rows: Vec<KeyRow> = self
            .read(|tx| {
                on!(tx, conn => tenant_key::table
                    .order((tenant_key::tenant, tenant_key::created_at, tenant_key::key_id))
                    .select(KeyRow::as_select())
                    .load(conn))
                .map_err(StoreError::from)
            })
            .await?;
        let mut ring = Keyring::new();
        for row in rows {
            let tenant = TenantId::parse(&row.tenant).map_err(|_form| StoreError::Corrupt("tenant"))?;
            let purpose = KeyPurpose::parse(&row.purpose).ok_or(StoreError::Corrupt("key purpose"))?;
            let id = KeyId::parse(&row.key_id).ok_or(StoreError::Corrupt("key id"))?;
            let key = self
                .sealer()
                .masters
                .unwrap(&tenant, id, purpose, &row.wrapped)
                .map_err(|error| StoreError::Unavailable(format!("a tenant's key cannot be unwrapped: {error}")))?;
            let named = Arc::new(NamedKey { id, key });
            let is_active = row.created_at <= now.plus_seconds(-ACTIVATION_SECONDS).0;
            if ring.current(&tenant, purpose).is_none() || is_active {
                ring.set_current(tenant, purpose, named);
            } else {
                ring.add_older(tenant, purpose, named);
            }
        }
        let mut newest = self.sealer().newest.lock().unwrap_or_else(PoisonError::into_inner);
        if reading > *newest {
            *newest = reading;
            *self.sealer().ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
        }
        Ok(())
    }

    /// Adds a new key that will seal from [`ACTIVATION_SECONDS`] on; older ones still open.
    pub async fn rotate_key(
        &self,
        tenant: &TenantId,
        purpose: KeyPurpose,
        now: Timestamp,
    ) -> Result<KeyId, StoreError> {
        let row = self.new_key(tenant, purpose, now)?;
        let id = KeyId::parse(&row.key_id).ok_or(StoreError::Corrupt("key id"))?;
        self.write(move |tx| {
            on!(tx, conn => diesel::update(tenant_key::table
                .filter(tenant_key::tenant.eq(&row.tenant))
                .filter(tenant_key::purpose.eq(&row.purpose))
                .filter(tenant_key::retired_at.is_null()))
                .set(tenant_key::retired_at.eq(now.0))
                .execute(conn))?;
            on!(tx, conn => diesel::insert_into(tenant_key::table).values(&row).execute(conn))?;
            Ok(())
        })
        .await?;
        self.load_keys(now).await?;
        Ok(id)
    }

    /// Wraps every key with the current master key. Returns how many were wrapped by an older one.
    pub async fn rewrap_keys(&self) -> Result<usize, StoreError> {
        let rows: Vec<KeyRow> = self
            .read(|tx| {
                on!(tx, conn => tenant_key::table.select(KeyRow::as_select()).load(conn)).map_err(StoreError::from)
            })
            .await?;
        let mut changed = Vec::new();
        for mut row in rows {
            let tenant = TenantId::parse(&row.tenant).map_err(|_form| StoreError::Corrupt("tenant"))?;
            let purpose = KeyPurpose::parse(&row.purpose).ok_or(StoreError::Corrupt("key purpose"))?;
            let id = KeyId::parse(&row.key_id).ok_or(StoreError::Corrupt("key id"))?;
            let again = self
                .sealer()
                .masters
                .rewrap(&tenant, id, purpose, &row.wrapped)
                .map_err(|error| StoreError::Unavailable(format!("a tenant's key cannot be unwrapped: {error}")))?;
            if let Some(wrapped) = again {
                row.wrapped = wrapped;
                changed.push(row);
            }
        }
        let count = changed.len();
        self.write(move |tx| {
            for row in &changed {
                on!(tx, conn => diesel::update(tenant_key::table.find((&row.tenant, &row.key_id)))
                    .set(tenant_key::wrapped.eq(&row.wrapped))
                    .execute(conn))?;
            }
            Ok(())
        })
        .await?;
        Ok(count)
    }

    /// The key that seals for a tenant, for the blob store.
    pub fn data_key(&self, tenant: &TenantId) -> Result<Arc<NamedKey>, StoreError> {
        self.sealer().current(tenant, KeyPurpose::Data)
    }

    /// A copy of the ring, which opens what older keys have sealed; the keys are shared.
    pub fn keyring(&self) -> Keyring {
        self.sealer().ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The key that signs page cursors of a tenant.
    pub fn cursor_key(&self, tenant: &TenantId) -> Result<CursorKey, StoreError> {
        Ok(CursorKey::new(self.sealer().current(tenant, KeyPurpose::Cursor)?.key.expose()))
    }

    /// The key that authenticates a tenant's audit chain.
    pub fn audit_key(&self, tenant: &TenantId) -> Result<Arc<NamedKey>, StoreError> {
        self.sealer().current(tenant, KeyPurpose::Audit)
    }

    fn new_key(&self, tenant: &TenantId, purpose: KeyPurpose, now: Timestamp) -> Result<KeyRow, StoreError> {
        let id = KeyId::random();
        let wrapped = self.sealer().masters.wrap(tenant, id, purpose, &DataKey::random()?)?;
        Ok(KeyRow {
            tenant: tenant.as_str().to_owned(),
            key_id: id.to_string(),
            purpose: purpose.as_str().to_owned(),
            wrapped,
            created_at: now.0,
            retired_at: None,
        })
    }
}

/// Whether the tenant of a write exists; foreign keys would refuse it too, but less clearly.
pub(super) fn check_tenant(tx: &mut Tx<'_>, name: &TenantId) -> Result<i64, StoreError> {
    let number = search_catalog::table.find(name.as_str()).select(search_catalog::number).single_value();
    let found: Option<Option<i64>> =
        on!(tx, conn => tenant::table.find(name.as_str()).select(number).first(conn).optional())?;
    found.map(Option::unwrap_or_default).ok_or(StoreError::UnknownTenant)
}

/// Product, tenant and the parts of the context, which hold no NUL: parts cannot run into each other.
fn aad(tenant: &TenantId, context: &[&str]) -> Vec<u8> {
    let mut out = b"causeway row\0".to_vec();
    out.extend_from_slice(tenant.as_str().as_bytes());
    for part in context {
        out.push(0);
        out.extend_from_slice(part.as_bytes());
    }
    out
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = tenant_key)]
struct KeyRow {
    tenant: String,
    key_id: String,
    purpose: String,
    wrapped: Vec<u8>,
    created_at: i64,
    retired_at: Option<i64>,
}

/// First byte of a sealed value.
const SEALED: u8 = 1;
/// How old a key must be before it seals: more than the time between two readings of the keys.
pub const ACTIVATION_SECONDS: i64 = 60;
