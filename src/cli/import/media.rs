//! What a folder to import holds: with a DICOMDIR the files that it names, else all files. PS3.10 §8.

use std::collections::HashSet;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::cli::files::files;
use crate::dicom::dicomdir::{Directory, ReferencedFile};

/// The files of an import.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Files to take.
    pub(super) files: Vec<Named>,
    /// Files that a DICOMDIR names and that are not there, or that lead out of its medium; and why.
    pub(super) missing: Vec<(PathBuf, &'static str)>,
    /// Files beside a DICOMDIR that does not name them.
    pub(super) unnamed: Vec<PathBuf>,
    /// What a reader of the report should know besides.
    pub(super) remarks: Vec<String>,
}

/// A file to take.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) path: PathBuf,
    /// The SOP instance that a DICOMDIR says it is.
    pub(super) sop_instance_uid: Option<String>,
}

/// The files below paths. A folder with a DICOMDIR, and the DICOMDIR itself, stand for what it names.
pub(super) fn find(paths: &[PathBuf]) -> anyhow::Result<Found> {
    let mut found = Found::default();
    for path in paths {
        match directory(path) {
            Some(directory) => follow(&directory, &mut found)?,
            None => all(path, &mut found)?,
        }
    }
    Ok(found)
}

fn all(path: &Path, found: &mut Found) -> anyhow::Result<()> {
    let below = files(&[path.to_owned()])?;
    found.files.extend(below.into_iter().map(|path| Named { path, sop_instance_uid: None }));
    Ok(())
}

/// The DICOMDIR that a path is, or that lies in it.
fn directory(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        return entry(path, NAME).ok().flatten().filter(|file| file.is_file());
    }
    let name = path.file_name()?.to_str()?;
    is_same(name, NAME).then(|| path.to_owned())
}

fn follow(path: &Path, found: &mut Found) -> anyhow::Result<()> {
    let root = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory = match read(path).map_err(|error| error.to_string()) {
        Ok(bytes) => Directory::parse(&bytes).map_err(|error| error.to_string()),
        Err(error) => Err(error),
    };
    let directory = match directory {
        Ok(directory) => directory,
        Err(why) => {
            found.remarks.push(format!("{}: {why}; all files beside it are taken", path.display()));
            let beside = files(&[root.to_owned()])?.into_iter().filter(|file| file != path);
            found.files.extend(beside.map(|path| Named { path, sop_instance_uid: None }));
            return Ok(());
        }
    };
    let mut taken = HashSet::from([path.to_owned()]);
    for refused in &directory.refused {
        found.missing.push((root.join(refused.replace('\\', "|")), "names no file of this medium"));
    }
    for ReferencedFile { components, sop_instance_uid } in directory.files {
        match resolve(root, &components)? {
            Some(file) if !is_within(root, &file) => found.missing.push((file, "leads out of the medium")),
            Some(file) => {
                taken.insert(file.clone());
                found.files.push(Named { path: file, sop_instance_uid });
            }
            None => found.missing.push((root.join(components.iter().collect::<PathBuf>()), "is not there")),
        }
    }
    found.unnamed.extend(files(&[root.to_owned()])?.into_iter().filter(|file| !taken.contains(file)));
    Ok(())
}

/// The bytes of a file, no more of it than a directory may have.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The file of a Referenced File ID. File systems show names of ISO 9660 in upper or lower case, with or without the
/// version `;1` and the full stop before it.
fn resolve(root: &Path, components: &[String]) -> io::Result<Option<PathBuf>> {
    let mut place = root.to_owned();
    for component in components {
        match entry(&place, component)? {
            Some(next) => place = next,
            None => return Ok(None),
        }
    }
    Ok(place.is_file().then_some(place))
}

/// The entry of a folder that a name means: the very one, or one that is spelt in another way.
fn entry(folder: &Path, name: &str) -> io::Result<Option<PathBuf>> {
    let exact = folder.join(name);
    if exact.exists() {
        return Ok(Some(exact));
    }
    if !folder.is_dir() {
        return Ok(None);
    }
    let mut spelt: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|other| is_same(other, name)) {
            spelt.push(entry.path());
        }
    }
    spelt.sort();
    Ok(spelt.into_iter().next())
}

fn is_same(one: &str, other: &str) -> bool {
    plain(one).eq_ignore_ascii_case(plain(other))
}

/// A name without version number and the full stop that an empty extension leaves. ISO 9660 §7.5.1.
fn plain(name: &str) -> &str {
    let name = match name.rsplit_once(';') {
        Some((name, version)) if !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => name,
    };
    name.strip_suffix('.').unwrap_or(name)
}

/// Whether a file really lies below the folder: a link may lead out.
fn is_within(root: &Path, file: &Path) -> bool {
    match (root.canonicalize(), file.canonicalize()) {
        (Ok(root), Ok(file)) => file.starts_with(root),
        _ => false,
    }
}

/// More than any directory has that is parsed.
const MOST_BYTES: u64 = (256 << 20) + 1;
/// The name of a directory file. PS3.10 §8.6.
const NAME: &str = "DICOMDIR";

#[cfg(test)]
mod tests {
    use super::*;

    fn medium() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("is made");
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dicom/studies");
        let copy = |from: &str, to: &str| {
            let to = folder.path().join(to);
            std::fs::create_dir_all(to.parent().expect("has one")).expect("is made");
            std::fs::copy(fixtures.join(from), to).expect("is copied");
        };
        copy("DICOMDIR.dcm", "dicomdir;1");
        copy("77654033_CR1_6154.dcm", "77654033/cr1/6154.;1");
        copy("77654033_CR2_6247.dcm", "77654033/CR2/6247");
        copy("77654033_CR3_6278.dcm", "extra/6278");
        folder
    }

    #[test]
    fn a_directory_is_followed_however_its_names_are_spelt() {
        let folder = medium();
        for path in [folder.path().to_owned(), folder.path().join("dicomdir;1")] {
            let found = find(&[path]).expect("is read");
            let names: Vec<_> =
                found.files.iter().map(|file| file.path.strip_prefix(folder.path()).expect("is below")).collect();
            assert_eq!(names, [Path::new("77654033/cr1/6154.;1"), Path::new("77654033/CR2/6247")]);
            assert!(found.files.iter().all(|file| file.sop_instance_uid.is_some()));
            assert_eq!(found.missing.len(), 29);
            assert_eq!(found.unnamed, [folder.path().join("extra/6278")]);
        }
    }

    #[test]
    fn a_link_that_leads_out_is_not_followed() {
        let folder = medium();
        let outside = tempfile::tempdir().expect("is made");
        std::fs::write(outside.path().join("6278"), b"secret").expect("is written");
        std::os::unix::fs::symlink(outside.path(), folder.path().join("77654033/CR3")).expect("is made");
        let found = find(&[folder.path().to_owned()]).expect("is read");
        assert_eq!(found.files.len(), 2);
        assert!(found.missing.iter().any(|(path, why)| path.ends_with("6278") && *why == "leads out of the medium"));
    }

    #[test]
    fn a_directory_that_cannot_be_read_hides_nothing() {
        let folder = medium();
        std::fs::write(folder.path().join("dicomdir;1"), b"no directory").expect("is written");
        let found = find(&[folder.path().to_owned()]).expect("is read");
        assert_eq!((found.files.len(), found.remarks.len()), (3, 1));
        let file = folder.path().join("extra/6278");
        assert_eq!(find(&[file]).expect("is read").files.len(), 1);
    }

    #[test]
    fn names_are_the_same_without_version_and_case() {
        for (one, other) in [("IMG1", "img1"), ("IMG1.;1", "IMG1"), ("A.DCM;12", "a.dcm"), ("DICOMDIR", "dicomdir;1")] {
            assert!(is_same(one, other), "{one} {other}");
        }
        for (one, other) in [("IMG1", "IMG2"), ("IMG1;x", "IMG1"), ("A.DCM", "A")] {
            assert!(!is_same(one, other), "{one} {other}");
        }
    }
}
