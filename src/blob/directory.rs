//! Blobs in a directory. `object_store` opens, lists and finds them; writing and deleting is done here,
//! because an object gets its name after its content, and must be on disk, with all directories above
//! it, before anybody relies on it.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use object_store::local::LocalFileSystem;
use object_store::{ObjectMeta, ObjectStoreExt};

use super::BlobError;
use super::disk;
use super::space::Space;
use super::stage::{Staged, Staging};
use crate::base::{Blake3, TenantId, Timestamp};

#[derive(Debug)]
pub(super) struct Directory {
    root: PathBuf,
    reader: Arc<LocalFileSystem>,
    pub(super) staging: Arc<Staging>,
    pub(super) space: Space,
    /// Tenants whose directories are known to be on disk.
    durable: Mutex<HashSet<TenantId>>,
    /// Publishing and deleting a blob exclude each other; one lock for many blobs.
    shards: [Mutex<()>; SHARDS],
}

impl Directory {
    pub(super) fn open(root: &Path) -> Result<Self, BlobError> {
        let root = make_root(root).map_err(BlobError::io)?;
        let reader = LocalFileSystem::new_with_prefix(&root).map_err(|error| BlobError::Settings(Box::new(error)))?;
        Ok(Self {
            staging: Arc::new(Staging::open(&root).map_err(BlobError::io)?),
            space: Space::of(&root),
            root,
            reader: Arc::new(reader),
            durable: Mutex::default(),
            shards: std::array::from_fn(|_| Mutex::default()),
        })
    }

    /// A place for an object; always a file.
    pub(super) fn stage(&self) -> Staged {
        Staged::new(Some(Arc::clone(&self.staging)), 0)
    }

    /// What is known of an object, as the store lists it.
    pub(super) async fn head(&self, tenant: &TenantId, digest: Blake3) -> object_store::Result<ObjectMeta> {
        match self.reader.head(&name(tenant, digest).into()).await {
            Err(object_store::Error::NotFound { .. }) => self.reader.head(&super::path(tenant, digest).into()).await,
            outcome => outcome,
        }
    }

    /// Lists and describes what is here.
    pub(super) fn reader(&self) -> Arc<LocalFileSystem> {
        Arc::clone(&self.reader)
    }

    /// Opens the object of a blob.
    pub(super) fn open_file(&self, tenant: &TenantId, digest: Blake3) -> Result<File, BlobError> {
        let opened = File::open(self.path(tenant, digest)).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => File::open(self.former_path(tenant, digest)),
            _ => Err(error),
        });
        opened.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BlobError::NotFound(digest),
            _ => BlobError::io(error),
        })
    }

    /// Gives a staged object its name. When it returns, object and name are on disk.
    pub(super) fn publish(&self, tenant: &TenantId, digest: Blake3, staged: &Staged) -> io::Result<()> {
        let Some(staged) = &staged.file else {
            return Err(io::Error::other("an object of a directory is staged in a file"));
        };
        let path = self.path(tenant, digest);
        let directory = path.parent().unwrap_or(&self.root);
        let _alone = self.shard(digest);
        self.make_durable(tenant)?;
        match staged.publish(&path) {
            // Someone has removed the directory since it was made.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                lock(&self.durable).clear();
                self.make_durable(tenant)?;
                staged.publish(&path)?;
            }
            outcome => outcome?,
        }
        disk::sync_directory(directory)
    }

    /// Removes a blob, if it is not newer than `limit`. Says whether it was there and went.
    pub(super) fn delete(&self, tenant: &TenantId, digest: Blake3, limit: Option<Timestamp>) -> io::Result<bool> {
        let paths = [self.path(tenant, digest), self.former_path(tenant, digest)];
        let _alone = self.shard(digest);
        if let Some(limit) = limit {
            for path in &paths {
                match path.metadata().and_then(|metadata| metadata.modified()) {
                    Ok(modified) if timestamp(modified) > limit => return Ok(false),
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let mut was_there = false;
        for path in &paths {
            match std::fs::remove_file(path) {
                Ok(()) => was_there = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(was_there)
    }

    /// Makes the directories of a tenant, all of them at once, and writes their entries through. Also those that were
    /// there: whoever made them may not have come to this yet.
    fn make_durable(&self, tenant: &TenantId) -> io::Result<()> {
        if lock(&self.durable).contains(tenant) {
            return Ok(());
        }
        let above = self.root.join(tenant.as_str());
        disk::create_directory(&above)?;
        for number in 0..=u8::MAX {
            disk::create_directory(&above.join(format!("{number:02x}")))?;
        }
        disk::sync_directory(&above)?;
        disk::sync_directory(&self.root)?;
        lock(&self.durable).insert(tenant.clone());
        Ok(())
    }

    fn path(&self, tenant: &TenantId, digest: Blake3) -> PathBuf {
        self.root.join(name(tenant, digest))
    }

    /// Where former versions have put it.
    fn former_path(&self, tenant: &TenantId, digest: Blake3) -> PathBuf {
        self.root.join(super::path(tenant, digest))
    }

    fn shard(&self, digest: Blake3) -> Option<MutexGuard<'_, ()>> {
        let [first, ..] = digest.as_bytes();
        self.shards.get(usize::from(*first) % SHARDS).map(lock)
    }
}

/// `<tenant>/<aa>/<digest>`: so few directories that all of them can be made beforehand.
pub(super) fn name(tenant: &TenantId, digest: Blake3) -> String {
    let name = digest.to_hex();
    let (first, _) = name.split_at(2);
    format!("{tenant}/{first}/{name}")
}

/// Makes the directory of the store. That of the gateway around it may be new as well, so the entries of
/// both are written through.
fn make_root(root: &Path) -> io::Result<PathBuf> {
    disk::create_directories(root)?;
    let root = root.canonicalize()?;
    for above in root.ancestors().skip(1).take(2) {
        match disk::sync_directory(above) {
            // Not ours to read, so we have not made anything in it.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => break,
            outcome => outcome?,
        }
    }
    Ok(root)
}

/// What the locks guard is right after a panic as well: each change is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn timestamp(time: std::time::SystemTime) -> Timestamp {
    let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

const SHARDS: usize = 64;
