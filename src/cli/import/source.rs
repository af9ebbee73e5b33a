//! The files of an import, read piece by piece: a chunk is a document, or some lines of an NDJSON file. Chunks that
//! may be taken at the same time come together, no two of them with the same resource; what is held in memory does
//! not grow with the files.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::base::digest::Blake3;
use crate::fhir::{Json, JsonError, JsonLimits};
use crate::ops::import::Unit;

/// A file to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Input {
    /// Where it is.
    pub(super) path: PathBuf,
    /// What the report calls it: the path below what was asked for.
    pub(super) name: String,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One resource or Bundle.
    Document,
    /// One in each line.
    Lines,
}

/// A part of a file that is taken at once.
#[derive(Debug)]
pub(super) struct Chunk {
    /// Number of the file.
    pub(super) file: usize,
    /// Number of its first line, from 1. A document has one line.
    pub(super) first: u64,
    /// Number of its last line.
    pub(super) last: u64,
    /// Digest of its lines.
    pub(super) digest: Blake3,
    /// Length of its lines.
    pub(super) bytes: usize,
    /// What its lines are, with their numbers; blank ones are left out.
    pub(super) units: Vec<(u64, Result<Unit, Fault>)>,
}

/// Why a line is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// It is no JSON that we take.
    #[error("is not JSON: {0}")]
    Json(#[from] JsonError),
    /// It is longer than the limit.
    #[error("is longer than {0} bytes")]
    TooLong(usize),
}

/// The files that paths name: files by any name that says what they are, and of folders those that have such a name,
/// in the order of their names. The second list is what has another name.
pub(super) fn inputs(paths: &[PathBuf]) -> io::Result<(Vec<Input>, Vec<PathBuf>)> {
    let (mut found, mut others) = (Vec::new(), Vec::new());
    for path in paths {
        if path.is_dir() {
            below(path, path, &mut found, &mut others)?;
        } else if let Some(form) = form(path) {
            File::open(path).map_err(|error| {
                io::Error::new(error.kind(), format!("{} cannot be opened: {error}", path.display()))
            })?;
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            found.push(Input { path: path.clone(), name, form });
        } else {
            let said = format!("{} is not named .json, .ndjson or .jsonl, with or without .gz", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, said));
        }
    }
    let mut names = HashSet::new();
    for input in &mut found {
        if !names.insert(input.name.clone()) {
            input.name = input.path.display().to_string();
        }
    }
    Ok((found, others))
}

fn below(top: &Path, folder: &Path, found: &mut Vec<Input>, others: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries: io::Result<Vec<_>> = std::fs::read_dir(folder)?.collect();
    let mut entries = entries?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        // A link could lead in a circle, or out of what was asked for.
        match (kind.is_dir(), form(&path).filter(|_| kind.is_file())) {
            (true, _) => below(top, &path, found, others)?,
            (false, Some(form)) => {
                let name = path.strip_prefix(top).unwrap_or(&path).display().to_string();
                found.push(Input { path, name, form });
            }
            (false, None) => others.push(path),
        }
    }
    Ok(())
}

fn form(path: &Path) -> Option<Form> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    match name.strip_suffix(".gz").unwrap_or(&name).rsplit_once('.')?.1 {
        "json" => Some(Form::Document),
        "ndjson" | "jsonl" => Some(Form::Lines),
        _ => None,
    }
}

/// Reads the files one after the other and hands out chunks that may be taken at the same time, until `give` says
/// that nobody wants more. The error names the file that cannot be read.
pub(super) fn read(
    inputs: &[Input],
    at_once: usize,
    mut give: impl FnMut(Vec<Chunk>) -> bool,
) -> Result<(), (String, io::Error)> {
    let mut wave = Wave { chunks: Vec::new(), named: HashSet::new(), bytes: 0 };
    for (file, input) in inputs.iter().enumerate() {
        let failed = |error| (input.name.clone(), error);
        let mut lines = Lines::open(input, file).map_err(failed)?;
        while let Some((chunk, named)) = lines.chunk().map_err(failed)? {
            let is_full = wave.chunks.len() >= at_once || wave.bytes.saturating_add(chunk.bytes) > WAVE_BYTES;
            if !wave.chunks.is_empty() && (is_full || !wave.named.is_disjoint(&named)) {
                if !give(std::mem::take(&mut wave.chunks)) {
                    return Ok(());
                }
                wave.named.clear();
                wave.bytes = 0;
            }
            wave.bytes = wave.bytes.saturating_add(chunk.bytes);
            wave.named.extend(named);
            wave.chunks.push(chunk);
        }
    }
    if !wave.chunks.is_empty() {
        give(wave.chunks);
    }
    Ok(())
}

struct Wave {
    chunks: Vec<Chunk>,
    named: HashSet<String>,
    bytes: usize,
}

/// The lines of a file that is open; a document is one line.
struct Lines {
    reader: Box<dyn BufRead>,
    form: Form,
    file: usize,
    number: u64,
}

impl Lines {
    fn open(input: &Input, file: usize) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(1 << 16, File::open(&input.path)?);
        let is_packed = reader.fill_buf()?.starts_with(&GZIP);
        let reader: Box<dyn BufRead> = if is_packed {
            Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(reader)))
        } else {
            Box::new(reader)
        };
        Ok(Self { reader, form: input.form, file, number: 0 })
    }

    /// The next lines, and the resources that they name; nothing at the end of the file.
    fn chunk(&mut self) -> io::Result<Option<(Chunk, HashSet<String>)>> {
        let (mut units, mut named, mut bytes) = (Vec::new(), HashSet::new(), 0);
        let (first, mut hasher) = (self.number + 1, blake3::Hasher::new());
        let most = if self.form == Form::Lines { CHUNK_LINES } else { 1 };
        while self.number + 1 < first + most && bytes < CHUNK_BYTES {
            let Some(line) = self.line()? else { break };
            self.number += 1;
            hasher.update(&(line.text.len() as u64).to_be_bytes());
            hasher.update(&line.text);
            bytes += line.text.len();
            if line.text.trim_ascii().is_empty() {
                continue;
            }
            let unit = self.unit(&line);
            if let Ok(unit) = &unit
                && let (Some(kind), Some(id)) =
                    (unit.document.text_at(&["resourceType"]), unit.document.text_at(&["id"]))
            {
                named.insert(format!("{kind}/{id}"));
            }
            units.push((self.number, unit));
        }
        if self.number < first {
            return Ok(None);
        }
        let digest = Blake3::from_hasher(&hasher);
        Ok(Some((Chunk { file: self.file, first, last: self.number, digest, bytes, units }, named)))
    }

    fn unit(&self, line: &Line) -> Result<Unit, Fault> {
        if line.is_cut {
            return Err(Fault::TooLong(MAX_BYTES));
        }
        let text = line.text.trim_ascii();
        let document = Json::parse(text, &JsonLimits::default())?;
        Ok(Unit { place: self.number, digest: Blake3::of(text), document })
    }

    /// The next line, or the whole document. What is too long is read to its end and not kept.
    fn line(&mut self) -> io::Result<Option<Line>> {
        let mut text = Vec::new();
        let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        let mut capped = self.reader.as_mut().take(limit);
        let count = match self.form {
            Form::Lines => capped.read_until(b'\n', &mut text)?,
            Form::Document if self.number == 0 => capped.read_to_end(&mut text)?,
            Form::Document => 0,
        };
        if count == 0 {
            return Ok(None);
        }
        let is_cut = text.len() > MAX_BYTES;
        if is_cut {
            text.truncate(KEPT_OF_CUT);
            text.shrink_to_fit();
            self.skip()?;
        }
        Ok(Some(Line { text, is_cut }))
    }

    /// Passes over the rest of a line, or of the document.
    fn skip(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok(());
            }
            let end = match self.form {
                Form::Lines => buffer.iter().position(|byte| *byte == b'\n').map(|place| place + 1),
                Form::Document => None,
            };
            let length = end.unwrap_or(buffer.len());
            self.reader.consume(length);
            if end.is_some() {
                return Ok(());
            }
        }
    }
}

struct Line {
    text: Vec<u8>,
    /// Whether it was longer than the limit.
    is_cut: bool,
}

/// How gzip begins. RFC 1952 §2.3.1.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Greatest length of a document or line, unpacked.
const MAX_BYTES: usize = 256 << 20;
/// How much of a longer one goes into the digest of its chunk.
const KEPT_OF_CUT: usize = 1 << 16;
/// Lines of a chunk: enough that they share a commit.
const CHUNK_LINES: u64 = 200;
/// Length from which a chunk takes no more lines.
const CHUNK_BYTES: usize = 2 << 20;
/// Length of the chunks that are taken at the same time.
const WAVE_BYTES: usize = 24 << 20;

#[cfg(test)]
mod tests;
