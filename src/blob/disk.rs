//! Files and directories of our own: nobody else may read them, and what must survive a power cut is
//! written through.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// Makes a directory and those above it.
pub(super) fn create_directories(path: &Path) -> io::Result<()> {
    builder().recursive(true).create(path)
}

/// Makes a directory if it is not there.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    match builder().create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome,
    }
}

/// Makes a file that is not there yet.
pub(super) fn create_file(path: &Path) -> io::Result<File> {
    options().write(true).read(true).create_new(true).open(path)
}

/// Opens a file, and makes it if it is not there.
pub(super) fn open_or_create(path: &Path) -> io::Result<File> {
    options().write(true).read(true).create(true).truncate(false).open(path)
}

/// Writes the entries of a directory through to the disk.
#[cfg(unix)]
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Writes the entries of a directory through to the disk, which other systems do by themselves.
#[cfg(not(unix))]
pub(super) fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn builder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
