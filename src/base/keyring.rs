//! Keys of the tenants: master keys that wrap them, and the ring that they are looked up in. Wrapped
//! keys are rows of the database; what is read from there ends here, and so does a new key on its way
//! to it. Nothing here reads a file or asks a clock.

mod master;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::{DataKey, TenantId};

pub use master::{MasterKey, MasterKeyError, MasterKeys, WrapError};

/// What a tenant's key is for. Keys of one purpose never serve another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyPurpose {
    /// Seals blobs, bodies and credentials.
    Data,
    /// Signs page cursors.
    Cursor,
    /// Signs access tokens.
    Token,
    /// Authenticates the audit chain.
    Audit,
}

impl KeyPurpose {
    /// All purposes.
    pub const ALL: [Self; 4] = [Self::Data, Self::Cursor, Self::Token, Self::Audit];

    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Cursor => "cursor",
            Self::Token => "token",
            Self::Audit => "audit",
        }
    }

    /// The purpose of a name in the database.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// The name of a tenant's key: a UUID. It stands in clear beside whatever the key has sealed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(Uuid);

impl KeyId {
    /// A new id (UUIDv7: that of a later key sorts later).
    pub fn random() -> Self {
        Self(Uuid::now_v7())
    }

    /// Parses the hyphenated lower-case form.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Uuid::try_parse(text).ok()?;
        (id.hyphenated().to_string() == text).then_some(Self(id))
    }

    /// From its 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A tenant's key with its name.
#[derive(Debug)]
pub struct NamedKey {
    /// Name.
    pub id: KeyId,
    /// Key.
    pub key: DataKey,
}

/// The unwrapped keys of all tenants: for each purpose the one that seals, and older ones that still
/// open what they have sealed. Cloning shares the keys.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    drawers: HashMap<TenantId, HashMap<KeyPurpose, Drawer>>,
}

#[derive(Debug, Clone, Default)]
struct Drawer {
    current: Option<Arc<NamedKey>>,
    older: Vec<Arc<NamedKey>>,
}

impl Keyring {
    /// Without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes `key` the one that seals for this tenant and purpose. The one before it goes to the older
    /// ones; a key of the same id is replaced.
    pub fn set_current(&mut self, tenant: TenantId, purpose: KeyPurpose, key: Arc<NamedKey>) {
        let drawer = self.drawers.entry(tenant).or_default().entry(purpose).or_default();
        drawer.older.retain(|older| older.id != key.id);
        let before = drawer.current.replace(key);
        let replaced = drawer.current.as_ref().map(|current| current.id);
        drawer.older.extend(before.filter(|before| Some(before.id) != replaced));
    }

    /// Adds a key that only opens. It does nothing if the ring has that id already.
    pub fn add_older(&mut self, tenant: TenantId, purpose: KeyPurpose, key: Arc<NamedKey>) {
        let drawer = self.drawers.entry(tenant).or_default().entry(purpose).or_default();
        if !drawer.all().any(|known| known.id == key.id) {
            drawer.older.push(key);
        }
    }

    /// Takes all keys of a tenant out: what they sealed can no longer be opened.
    pub fn forget(&mut self, tenant: &TenantId) {
        self.drawers.remove(tenant);
    }

    /// The key that seals, if this tenant has one for the purpose.
    pub fn current(&self, tenant: &TenantId, purpose: KeyPurpose) -> Option<&Arc<NamedKey>> {
        self.drawers.get(tenant)?.get(&purpose)?.current.as_ref()
    }

    /// The key of an id, current or older. A key of another tenant or purpose is not found.
    pub fn find(&self, tenant: &TenantId, purpose: KeyPurpose, id: KeyId) -> Option<&Arc<NamedKey>> {
        self.drawers.get(tenant)?.get(&purpose)?.all().find(|key| key.id == id)
    }

    /// The current key, then the older ones in the order in which they were added.
    pub fn all(&self, tenant: &TenantId, purpose: KeyPurpose) -> impl Iterator<Item = &Arc<NamedKey>> {
        self.drawers.get(tenant).and_then(|drawers| drawers.get(&purpose)).into_iter().flat_map(Drawer::all)
    }
}

impl Drawer {
    fn all(&self) -> impl Iterator<Item = &Arc<NamedKey>> {
        self.current.iter().chain(&self.older)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Arc<NamedKey> {
        Arc::new(NamedKey { id: KeyId::random(), key: DataKey::random().expect("random") })
    }

    #[test]
    fn a_new_key_seals_and_the_old_one_still_opens() {
        let (tenant, other) = (TenantId::default_tenant(), TenantId::parse("other").expect("valid"));
        let (first, second) = (key(), key());
        let mut ring = Keyring::new();
        assert!(ring.current(&tenant, KeyPurpose::Data).is_none());
        ring.set_current(tenant.clone(), KeyPurpose::Data, first.clone());
        ring.set_current(tenant.clone(), KeyPurpose::Data, second.clone());
        assert_eq!(ring.current(&tenant, KeyPurpose::Data).map(|key| key.id), Some(second.id));
        for id in [first.id, second.id] {
            assert_eq!(ring.find(&tenant, KeyPurpose::Data, id).map(|key| key.id), Some(id));
            assert!(ring.find(&tenant, KeyPurpose::Token, id).is_none(), "another purpose");
            assert!(ring.find(&other, KeyPurpose::Data, id).is_none(), "another tenant");
        }
        ring.add_older(tenant.clone(), KeyPurpose::Data, first);
        ring.set_current(tenant.clone(), KeyPurpose::Data, second);
        assert_eq!(ring.all(&tenant, KeyPurpose::Data).count(), 2, "no key stands twice");
        ring.forget(&tenant);
        assert_eq!(ring.all(&tenant, KeyPurpose::Data).count(), 0);
    }

    #[test]
    fn key_ids_and_purposes_have_one_form() {
        let id = KeyId::random();
        assert_eq!(KeyId::parse(&id.to_string()), Some(id));
        assert_eq!(KeyId::from_bytes(*id.as_bytes()), id);
        assert_eq!(KeyId::parse(&id.to_string().to_uppercase()), None);
        assert_eq!(KeyId::parse("not a key"), None);
        for purpose in KeyPurpose::ALL {
            assert_eq!(KeyPurpose::parse(purpose.as_str()), Some(purpose));
        }
    }
}
