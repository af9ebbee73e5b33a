//! Blobs in a directory. `object_store` opens, lists and finds them; writing and deleting is done here,
//! because an object gets its name after its content, and must be on disk, with all directories above
//! it, before anybody relies on it.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use object_store::local::LocalFileSystem;

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
    /// Directories whose own entries are known to be on disk.
    durable: Mutex<HashSet<PathBuf>>,
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

    /// Lists and describes what is here.
    pub(super) fn reader(&self) -> Arc<LocalFileSystem> {
        Arc::clone(&self.reader)
    }

    /// Opens the object of a blob.
    pub(super) fn open_file(&self, tenant: &TenantId, digest: Blake3) -> Result<File, BlobError> {
        File::open(self.path(tenant, digest)).map_err(|error| match error.kind() {
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
        self.make_durable(directory)?;
        match staged.publish(&path) {
            // Someone has removed the directory since it was made.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                lock(&self.durable).clear();
                self.make_durable(directory)?;
                staged.publish(&path)?;
            }
            outcome => outcome?,
        }
        disk::sync_directory(directory)
    }

    /// Removes a blob, if it is not newer than `limit`. Says whether it was there and went.
    pub(super) fn delete(&self, tenant: &TenantId, digest: Blake3, limit: Option<Timestamp>) -> io::Result<bool> {
        let path = self.path(tenant, digest);
        let _alone = self.shard(digest);
        if let Some(limit) = limit {
            match path.metadata().and_then(|metadata| metadata.modified()) {
                Ok(modified) if timestamp(modified) > limit => return Ok(false),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes the directories down to `directory` and writes each one's entry through.
    fn make_durable(&self, directory: &Path) -> io::Result<()> {
        let inside = directory.strip_prefix(&self.root).unwrap_or(Path::new(""));
        let mut above = self.root.clone();
        for part in inside {
            let below = above.join(part);
            if !lock(&self.durable).contains(&below) {
                disk::create_directory(&below)?;
                // Also when it was there: whoever made it may not have come to this yet.
                disk::sync_directory(&above)?;
                lock(&self.durable).insert(below.clone());
            }
            above = below;
        }
        Ok(())
    }

    fn path(&self, tenant: &TenantId, digest: Blake3) -> PathBuf {
        self.root.join(super::path(tenant, digest))
    }

    fn shard(&self, digest: Blake3) -> Option<MutexGuard<'_, ()>> {
        let [first, ..] = digest.as_bytes();
        self.shards.get(usize::from(*first) % SHARDS).map(lock)
    }
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
