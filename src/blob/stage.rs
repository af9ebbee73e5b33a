//! Where objects are while they are being written: their name is the digest of their content, which is
//! known only at the end. What a process that was killed left here is removed at the next start.

use std::fs::{File, TryLockError};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk;
use crate::base::KeyId;

/// The place of this process. It belongs to the process as long as its lock file is locked, and the
/// system unlocks that whenever and however the process ends.
#[derive(Debug)]
pub(super) struct Staging {
    directory: PathBuf,
    _lock: File,
}

impl Staging {
    /// Makes a place below `root` and removes those of dead processes.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let all = root.join(DIRECTORY);
        disk::create_directories(&all)?;
        // One process at a time looks around, or a place would look dead before it is locked.
        let gate = disk::open_or_create(&all.join(LOCK))?;
        gate.lock()?;
        remove_dead(&all)?;
        let directory = all.join(KeyId::random().to_string());
        disk::create_directory(&directory)?;
        let lock = disk::create_file(&directory.join(LOCK))?;
        lock.lock()?;
        Ok(Self { directory, _lock: lock })
    }

    fn create(self: &Arc<Self>) -> io::Result<StagedFile> {
        let path = self.directory.join(KeyId::random().to_string());
        let file = disk::create_file(&path)?;
        Ok(StagedFile { file, path, place: Arc::clone(self) })
    }

    /// Whether a file can be made and removed here.
    pub(super) fn probe(self: &Arc<Self>) -> io::Result<()> {
        let mut staged = self.create()?;
        staged.file.write_all(b"probe")
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // The next start would do it as well.
        let _left = std::fs::remove_dir_all(&self.directory);
    }
}

/// A file in the place; it goes when this value goes, unless it was moved away.
#[derive(Debug)]
pub(super) struct StagedFile {
    file: File,
    path: PathBuf,
    /// Keeps the place locked as long as there are files in it.
    place: Arc<Staging>,
}

impl StagedFile {
    /// The file, where the last reading or writing has left it.
    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// The file, from its beginning.
    pub(super) fn rewound(&mut self) -> io::Result<&mut File> {
        self.file.rewind()?;
        Ok(&mut self.file)
    }

    /// Writes the content through to the disk and gives the file its final name, in the place of one
    /// that has it.
    ///
    /// A name that is free is given first: then one transaction of the file system's journal holds both, and the
    /// directory is on disk with the file. A name that is taken may be that of an object that somebody relies on:
    /// it passes over when the content is on disk, and not before.
    pub(super) fn publish(&self, path: &Path) -> io::Result<()> {
        match std::fs::hard_link(&self.path, path) {
            Ok(()) => self.file.sync_all().inspect_err(|_unsynced| {
                let _nobody_relies_on_it = std::fs::remove_file(path);
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
            // It is taken, or this file system gives no second name.
            Err(_) => {
                self.file.sync_all()?;
                std::fs::rename(&self.path, path)
            }
        }
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        debug_assert!(self.path.starts_with(&self.place.directory), "a staged file is in its place");
        // A published file is not here any more.
        let _gone = std::fs::remove_file(&self.path);
    }
}

/// An object that is being written: in memory up to a limit, then in a file.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) bytes: Vec<u8>,
    pub(super) file: Option<StagedFile>,
    /// Length so far.
    pub(super) length: u64,
    limit: usize,
    place: Option<Arc<Staging>>,
}

impl Staged {
    /// In memory as long as it is not longer than `limit`; with no place, always.
    pub(super) fn new(place: Option<Arc<Staging>>, limit: usize) -> Self {
        Self { bytes: Vec::new(), file: None, length: 0, limit, place }
    }

    /// Appends bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.length += bytes.len() as u64;
        if let (None, Some(place)) = (&self.file, &self.place)
            && self.bytes.len() + bytes.len() > self.limit
        {
            let mut staged = place.create()?;
            staged.file.write_all(&std::mem::take(&mut self.bytes))?;
            self.file = Some(staged);
        }
        match &mut self.file {
            Some(staged) => staged.file.write_all(bytes),
            None => {
                self.bytes.extend_from_slice(bytes);
                Ok(())
            }
        }
    }
}

fn remove_dead(all: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(all)? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        let alive = match File::open(path.join(LOCK)) {
            Ok(lock) => matches!(lock.try_lock(), Err(TryLockError::WouldBlock)),
            Err(_no_lock) => false,
        };
        if !alive {
            std::fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

const DIRECTORY: &str = ".staging";
const LOCK: &str = "lock";

#[cfg(test)]
mod tests {
    use super::*;

    fn files(root: &Path) -> usize {
        let places =
            std::fs::read_dir(root.join(DIRECTORY)).expect("exists").map(|entry| entry.expect("readable").path());
        places.filter(|path| path.is_dir()).map(|place| std::fs::read_dir(place).expect("exists").count() - 1).sum()
    }

    #[test]
    fn what_a_dead_process_left_is_removed_and_what_a_living_one_writes_is_not() {
        let root = tempfile::tempdir().expect("temp dir");
        let alive = Arc::new(Staging::open(root.path()).expect("opens"));
        let kept = alive.create().expect("creates");
        let dead = root.path().join(DIRECTORY).join("00000000-0000-7000-8000-000000000000");
        for (place, lock) in [(dead.clone(), true), (dead.with_file_name("no-lock"), false)] {
            std::fs::create_dir(&place).expect("creates");
            std::fs::write(place.join("half"), b"an object").expect("writes");
            if lock {
                std::fs::write(place.join(LOCK), b"").expect("writes");
            }
        }
        let _next = Staging::open(root.path()).expect("opens");
        assert!(!dead.exists() && !dead.with_file_name("no-lock").exists());
        assert!(kept.path.exists());
        assert_eq!(files(root.path()), 1);
        drop(kept);
        assert_eq!(files(root.path()), 0);
    }

    #[test]
    fn an_object_goes_to_a_file_when_it_grows() {
        let root = tempfile::tempdir().expect("temp dir");
        let place = Arc::new(Staging::open(root.path()).expect("opens"));
        let mut staged = Staged::new(Some(Arc::clone(&place)), 10);
        staged.write(b"0123456789").expect("writes");
        assert_eq!((files(root.path()), staged.bytes.len()), (0, 10));
        staged.write(b"x").expect("writes");
        assert_eq!((files(root.path()), staged.bytes.len(), staged.length), (1, 0, 11));
        let read = io::read_to_string(staged.file.as_mut().expect("is a file").rewound().expect("seeks"));
        assert_eq!(read.expect("reads"), "0123456789x");
        drop(staged);
        assert_eq!(files(root.path()), 0);
        place.probe().expect("is writable");
        drop(place);
        assert_eq!(std::fs::read_dir(root.path().join(DIRECTORY)).expect("exists").count(), 1, "the gate's lock");
    }
}
