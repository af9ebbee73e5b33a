//! Files of a tar archive within gzip, one after the other: POSIX.1-2017 pax, `ustar`, with the long names
//! of GNU tar. Only what is asked for is held.

use std::collections::HashSet;
use std::io::{ErrorKind, Read};

use flate2::read::MultiGzDecoder;

use super::{PackageError, PackageLimits};

/// Hands every file to `file`: its path, and what reads its contents. What is not read is skipped.
pub(super) fn each_file(
    bytes: &[u8],
    limits: &PackageLimits,
    mut file: impl FnMut(&str, &mut dyn FnMut() -> Result<Vec<u8>, PackageError>) -> Result<(), PackageError>,
) -> Result<(), PackageError> {
    if bytes.len() > limits.packed_bytes {
        return Err(PackageError::TooLarge { limit: limits.packed_bytes as u64 });
    }
    let mut source =
        Source { stream: MultiGzDecoder::new(bytes), left: limits.unpacked_bytes, limit: limits.unpacked_bytes };
    let mut seen = HashSet::new();
    let mut long = Long::default();
    let mut entries = 0;
    while let Some(header) = source.header()? {
        entries += 1;
        if entries > limits.entries {
            return Err(PackageError::TooLarge { limit: limits.entries as u64 });
        }
        match header.kind {
            b'L' => long.path = Some(source.name(header.size)?),
            b'x' => long.add_pax(&source.small(header.size)?)?,
            // Of the whole archive, or the target of a link, which is refused when it comes.
            b'g' | b'K' => source.skip(padded(header.size))?,
            b'0' | 0 | b'7' => {
                let long = std::mem::take(&mut long);
                let size = long.size.unwrap_or(header.size);
                let path = plain(&long.path.unwrap_or(header.path))?;
                if !seen.insert(path.clone()) {
                    return Err(PackageError::Duplicate(path));
                }
                let mut is_read = false;
                file(&path, &mut || {
                    if std::mem::replace(&mut is_read, true) {
                        return Err(PackageError::Archive);
                    }
                    source.contents(size, limits.file_bytes)
                })?;
                source.skip(if is_read { padded(size) - size } else { padded(size) })?;
            }
            b'5' => {
                let long = std::mem::take(&mut long);
                plain(&long.path.unwrap_or(header.path))?;
                source.skip(padded(header.size))?;
            }
            _ => return Err(PackageError::Entry),
        }
    }
    source.finish()
}

/// What comes before an entry and is about it.
#[derive(Default)]
struct Long {
    path: Option<String>,
    size: Option<u64>,
}

impl Long {
    /// Records `length key=value\n`. POSIX.1-2017 pax, "pax Extended Header".
    fn add_pax(&mut self, mut records: &[u8]) -> Result<(), PackageError> {
        while !records.is_empty() {
            let space = records.iter().position(|byte| *byte == b' ').ok_or(PackageError::Archive)?;
            let digits = records.get(..space).and_then(|digits| std::str::from_utf8(digits).ok());
            let length: usize = digits.and_then(|digits| digits.parse().ok()).ok_or(PackageError::Archive)?;
            let (record, rest) = records.split_at_checked(length).ok_or(PackageError::Archive)?;
            let record = record.get(space + 1..).and_then(|record| record.strip_suffix(b"\n"));
            let record = record.and_then(|record| std::str::from_utf8(record).ok()).ok_or(PackageError::Archive)?;
            match record.split_once('=').ok_or(PackageError::Archive)? {
                ("path", path) => self.path = Some(path.to_owned()),
                ("size", size) => self.size = Some(size.parse().map_err(|_digits| PackageError::Archive)?),
                _ => {}
            }
            records = rest;
        }
        Ok(())
    }
}

/// The header of an entry.
struct Header {
    path: String,
    kind: u8,
    size: u64,
}

/// The archive, unpacked as it is read, with what may still come.
struct Source<'a> {
    stream: MultiGzDecoder<&'a [u8]>,
    left: u64,
    limit: u64,
}

impl Source<'_> {
    /// The next header; none at the end of the archive.
    fn header(&mut self) -> Result<Option<Header>, PackageError> {
        let mut block = [0; BLOCK];
        if !self.fill(&mut block)? || block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let field = |start: usize, length: usize| block.get(start..start + length).unwrap_or_default();
        // The checksum counts its own field as spaces.
        let sum: u64 = block
            .iter()
            .enumerate()
            .map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) })
            .sum();
        if octal(field(148, 8)) != Some(sum) {
            return Err(PackageError::Archive);
        }
        let name = text(field(0, 100))?;
        let prefix = if field(257, 6) == b"ustar\0" { text(field(345, 155))? } else { String::new() };
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let kind = block.get(156).copied().unwrap_or_default();
        let size = octal(field(124, 12)).ok_or(PackageError::Archive)?;
        if size > self.limit {
            return Err(PackageError::TooLarge { limit: self.limit });
        }
        Ok(Some(Header { path, kind, size }))
    }

    /// A long name, which ends in a zero.
    fn name(&mut self, size: u64) -> Result<String, PackageError> {
        text(&self.small(size)?)
    }

    /// The contents of an entry that is about another one.
    fn small(&mut self, size: u64) -> Result<Vec<u8>, PackageError> {
        let contents = self.contents(size, LONGEST_HEADER)?;
        self.skip(padded(size) - size)?;
        Ok(contents)
    }

    fn contents(&mut self, size: u64, limit: u64) -> Result<Vec<u8>, PackageError> {
        if size > limit {
            return Err(PackageError::TooLarge { limit });
        }
        self.spend(size)?;
        let mut contents = Vec::new();
        (&mut self.stream).take(size).read_to_end(&mut contents).map_err(|_damage| PackageError::Compression)?;
        if contents.len() as u64 == size { Ok(contents) } else { Err(PackageError::Archive) }
    }

    fn skip(&mut self, length: u64) -> Result<(), PackageError> {
        self.spend(length)?;
        let skipped = std::io::copy(&mut (&mut self.stream).take(length), &mut std::io::sink());
        match skipped {
            Ok(skipped) if skipped == length => Ok(()),
            Ok(_) => Err(PackageError::Archive),
            Err(_damage) => Err(PackageError::Compression),
        }
    }

    /// Fills a block. `false` at the end of the stream.
    fn fill(&mut self, block: &mut [u8; BLOCK]) -> Result<bool, PackageError> {
        self.spend(BLOCK as u64)?;
        let mut filled = 0;
        while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.stream.read(rest) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => return Err(PackageError::Archive),
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_damage) => return Err(PackageError::Compression),
            }
        }
        Ok(true)
    }

    /// Reads to the end, so that the checksum of gzip is looked at.
    fn finish(&mut self) -> Result<(), PackageError> {
        let mut rest = (&mut self.stream).take(self.left);
        match std::io::copy(&mut rest, &mut std::io::sink()) {
            Ok(read) if read < self.left => Ok(()),
            Ok(_) => Err(PackageError::TooLarge { limit: self.limit }),
            Err(_damage) => Err(PackageError::Compression),
        }
    }

    fn spend(&mut self, length: u64) -> Result<(), PackageError> {
        self.left = self.left.checked_sub(length).ok_or(PackageError::TooLarge { limit: self.limit })?;
        Ok(())
    }
}

/// A path within the package, without `./` before it.
fn plain(path: &str) -> Result<String, PackageError> {
    let path = path.strip_prefix("./").unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', '\0', ':']);
    if path == "." || path.is_empty() || path.split('/').all(is_plain) {
        Ok(path.to_owned())
    } else {
        Err(PackageError::Path)
    }
}

/// A text that ends at a zero, or with its field.
fn text(field: &[u8]) -> Result<String, PackageError> {
    let text = field.split(|byte| *byte == 0).next().unwrap_or_default();
    std::str::from_utf8(text).map(ToOwned::to_owned).map_err(|_bytes| PackageError::Archive)
}

/// A number in octal digits between spaces and zeros.
fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches([' ', '\0']);
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

fn padded(size: u64) -> u64 {
    size.next_multiple_of(BLOCK as u64)
}

const BLOCK: usize = 512;
/// Longest contents of an entry that is about another one.
const LONGEST_HEADER: u64 = 64 * 1024;
