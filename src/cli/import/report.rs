//! The report of an import: a file of JSON lines to which is added what has been done, so that a second run goes on
//! where the first one ended. It holds ids, codes and paths of elements, nothing of what resources say.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::base::digest::Blake3;
use crate::base::{Problem, TenantId};
use crate::fhir::{Json, JsonLimits, Object};
use crate::ops::Error;

use super::source::Chunk;

/// A report that is open.
pub(super) struct Report {
    file: File,
    done: HashMap<(String, u64), Blake3>,
}

/// What became of one line of a chunk, where it was refused.
pub(super) struct Refusal {
    /// Its number.
    pub(super) line: u64,
    /// Why.
    pub(super) issues: Vec<Issue>,
}

/// Why something was refused.
pub(super) struct Issue {
    code: String,
    path: String,
    detail: String,
}

impl Issue {
    /// Of a line that is not a document at all.
    pub(super) fn of_line(detail: String) -> Self {
        Self { code: "structure".into(), path: String::new(), detail }
    }
}

impl Report {
    /// Opens the report at `path`, or begins it. One of another tenant is not gone on with.
    pub(super) fn open(path: &Path, tenant: &TenantId) -> anyhow::Result<Self> {
        let mut done = HashMap::new();
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
        let mut end_is_whole = true;
        for (number, line) in BufReader::new(&file).split(b'\n').enumerate() {
            let line = line.with_context(|| format!("{} cannot be read", path.display()))?;
            // The last line may have been cut off with the run that wrote it; what it says is done again.
            let json = Json::parse(&line, &JsonLimits::default()).ok();
            end_is_whole = json.is_some();
            let of_us = json.as_ref().and_then(|json| json.text_at(&[HEADER]));
            match (number, of_us) {
                (0, Some(named)) if named == tenant.as_str() => {}
                (0, Some(_)) => bail!("{} is the report of an import into another tenant", path.display()),
                (0, None) => bail!("{} is not a report of an import", path.display()),
                _ => done.extend(json.as_ref().and_then(read)),
            }
        }
        if file.metadata()?.len() == 0 {
            let header: Json = Object::new().with(HEADER, Json::string(tenant.as_str())).into();
            writeln!(file, "{}", header.to_text())?;
        } else if !end_is_whole {
            writeln!(file)?;
        }
        Ok(Self { file, done })
    }

    /// Whether all of a chunk was done before.
    pub(super) fn has(&self, file: &str, chunk: &Chunk) -> bool {
        self.done.get(&(file.to_owned(), chunk.first)) == Some(&chunk.digest)
    }

    /// Adds what became of a chunk.
    pub(super) fn add(
        &mut self,
        name: &str,
        chunk: &Chunk,
        kept: &[String],
        unchanged: usize,
        refusals: &[Refusal],
    ) -> io::Result<()> {
        let number = |number: u64| Json::integer(i64::try_from(number).unwrap_or(i64::MAX));
        let line: Json = Object::new()
            .with("file", Json::string(name))
            .with("first", number(chunk.first))
            .with("last", number(chunk.last))
            .with("digest", Json::string(chunk.digest.to_hex()))
            .with("unchanged", number(u64::try_from(unchanged).unwrap_or(u64::MAX)))
            .with_items("imported", kept.iter().map(|place| Json::string(place.as_str())).collect())
            .with_items("failed", refusals.iter().map(refusal).collect())
            .into();
        let mut text = line.to_text();
        text.push('\n');
        self.file.write_all(text.as_bytes())
    }

    /// Puts on the disk what was added.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// What a line of a report says was done without a fault.
fn read(line: &Json) -> Option<((String, u64), Blake3)> {
    if line.get("failed").is_some() {
        return None;
    }
    let first = line.get("first")?.as_number()?.parse().ok()?;
    Some(((line.text_at(&["file"])?.to_owned(), first), Blake3::parse(line.text_at(&["digest"])?)?))
}

fn refusal(refusal: &Refusal) -> Json {
    let issue = |issue: &Issue| {
        Object::new()
            .with("code", Json::string(issue.code.as_str()))
            .with_text("path", (!issue.path.is_empty()).then_some(issue.path.as_str()))
            .with("detail", Json::string(issue.detail.as_str()))
            .into()
    };
    Object::new()
        .with("line", Json::integer(i64::try_from(refusal.line).unwrap_or(i64::MAX)))
        .with_items("issues", refusal.issues.iter().map(issue).collect())
        .into()
}

/// The issues that an error is.
pub(super) fn issues(error: &Error) -> Vec<Issue> {
    let one = |code: &str, path: &str, detail: String| vec![Issue { code: code.into(), path: path.into(), detail }];
    match error {
        Error::Invalid(problems) | Error::Rule(problems) | Error::Absent(problems) => {
            problems.iter().map(of_problem).collect()
        }
        Error::At { path, error } => {
            let mut issues = issues(error);
            for issue in &mut issues {
                issue.path.clone_from(path);
            }
            issues
        }
        Error::Unresolved { path, is_many, .. } => {
            let said = if *is_many { "means more than one resource" } else { "means no resource" };
            one(if *is_many { "multiple-matches" } else { "not-found" }, path, format!("the reference {said}"))
        }
        Error::ManyMatches => one("multiple-matches", "", error.to_string()),
        Error::ReadOnly => one("not-supported", "", "resources of this type are read-only".into()),
        Error::TooCostly(_) => one("too-costly", "", error.to_string()),
        Error::NotFound => one("not-found", "", error.to_string()),
        Error::Gone => one("deleted", "", error.to_string()),
        Error::Denied(_) | Error::Unauthenticated => one("forbidden", "", error.to_string()),
        Error::VersionMismatch { .. } | Error::VersionRequired | Error::Conflict(_) => {
            one("conflict", "", error.to_string())
        }
        Error::Busy(_) | Error::NotReady(_) => one("transient", "", error.to_string()),
        Error::Fault(_) => one("exception", "", error.to_string()),
    }
}

fn of_problem(problem: &Problem) -> Issue {
    Issue { code: problem.code.as_str().into(), path: problem.path.clone(), detail: problem.detail.clone() }
}

const HEADER: &str = "causeway-import";
