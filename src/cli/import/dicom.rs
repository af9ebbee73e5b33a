//! `causeway import dicom`: DICOM files below folders, or those that a DICOMDIR names, into the archive of studies. The
//! same file again is no harm.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::io::AsyncReadExt as _;

use crate::access::{Actor, Role};
use crate::app::Services;
use crate::cli::{OfTenant, Out};
use crate::fhir::{Json, Object};
use crate::ops::studies::{Framing, Received, Source};
use crate::ops::{Error, Ops};

use super::media::{Named, find};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Dicom {
    /// Files, or folders of files. Of a folder with a DICOMDIR those files are taken that it names.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    of: OfTenant,
    /// Files that are taken at the same time.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    at_once: u8,
}

/// What became of the files.
#[derive(Debug, Default)]
struct Totals {
    imported: usize,
    unchanged: usize,
    warned: usize,
    /// Files and why they were not taken.
    failures: Vec<(PathBuf, String)>,
    /// Files beside a DICOMDIR that it does not name, and that were left.
    unnamed: Vec<PathBuf>,
}

pub(super) async fn run(options: Dicom, ops: &Ops, out: Out) -> anyhow::Result<ExitCode> {
    super::known(ops, &options.of.tenant).await?;
    let actor = Services::command_actor(&options.of.tenant, &[Role::Integrator]);
    let found = find(&options.paths)?;
    for remark in &found.remarks {
        Out::remark(remark);
    }
    let failures = found.missing.into_iter().map(|(path, why)| (path, why.to_owned())).collect();
    let mut totals = Totals { failures, unnamed: found.unnamed, ..Totals::default() };
    let takings = futures_util::stream::iter(found.files).map(|file| {
        let actor = &actor;
        async move {
            let taken = take(ops, actor, &file.path).await;
            (file, taken)
        }
    });
    let mut takings = std::pin::pin!(takings.buffered(usize::from(options.at_once)));
    while let Some((file, taken)) = takings.next().await {
        match taken? {
            Ok(received) => {
                compare(&file, &received);
                totals.count(file.path, &received);
            }
            Err(why) => totals.failures.push((file.path, why)),
        }
    }
    out.result(&totals.text(), || totals.json());
    Ok(if totals.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says so where a file is another instance than its DICOMDIR says.
fn compare(file: &Named, received: &Received) {
    if let (Some(named), Some(is)) = (&file.sop_instance_uid, &received.sop_instance_uid)
        && named != is.as_str()
    {
        Out::remark(&format!("{}: is another SOP instance than the DICOMDIR says", file.path.display()));
    }
}

/// Takes a file. The outer error is one of the gateway, not of the file.
async fn take(ops: &Ops, actor: &Actor, path: &Path) -> anyhow::Result<Result<Received, String>> {
    let mut file = match tokio::fs::File::open(path).await {
        Ok(file) => file,
        Err(error) => return Ok(Err(format!("cannot be read: {error}"))),
    };
    let mut incoming = ops.receive_instance(actor, &Source::default(), Framing::Part10, None).await?;
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        match file.read(&mut piece).await {
            Ok(0) => break,
            Ok(read) => {
                piece.truncate(read);
                incoming.write(Bytes::from(piece)).await?;
            }
            Err(error) => return Ok(Err(format!("cannot be read: {error}"))),
        }
    }
    match incoming.finish().await {
        Ok(received) => Ok(Ok(received)),
        Err(error @ (Error::Invalid(_) | Error::Rule(_))) => Ok(Err(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

impl Totals {
    fn count(&mut self, path: PathBuf, received: &Received) {
        let words = || format!("{} {}", received.status, received.comment.unwrap_or(received.status.meaning()));
        if !received.status.class().is_kept() {
            return self.failures.push((path, words()));
        }
        if received.status.0 != 0 {
            self.warned += 1;
            Out::remark(&format!("{}: {}", path.display(), words()));
        }
        if received.was_there {
            self.unchanged += 1;
        } else {
            self.imported += 1;
        }
    }

    fn text(&self) -> String {
        let Self { imported, unchanged, warned, failures, unnamed } = self;
        let mut text =
            format!("{imported} imported, {unchanged} unchanged, {warned} with a warning, {} failed", failures.len());
        for (path, why) in failures {
            let _infallible = write!(text, "\n{}: {why}", path.display());
        }
        for path in unnamed {
            let _infallible = write!(text, "\n{}: left, the DICOMDIR does not name it", path.display());
        }
        text
    }

    fn json(&self) -> Json {
        let number = |count: usize| Json::integer(i64::try_from(count).unwrap_or(i64::MAX));
        let failure = |(path, why): &(PathBuf, String)| {
            let file = Json::string(path.display().to_string());
            Json::from(Object::new().with("file", file).with("reason", Json::string(why.as_str())))
        };
        Object::new()
            .with("imported", number(self.imported))
            .with("unchanged", number(self.unchanged))
            .with("warnings", number(self.warned))
            .with("failed", number(self.failures.len()))
            .with("failures", Json::Array(self.failures.iter().map(failure).collect()))
            .with(
                "unnamed",
                Json::Array(self.unnamed.iter().map(|path| Json::string(path.display().to_string())).collect()),
            )
            .into()
    }
}

/// What is read of a file at a time.
const PIECE_BYTES: usize = 128 << 10;
