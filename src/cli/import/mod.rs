//! `causeway import fhir|dicom`: takes over what another system had, out of files. Chunks of the files are taken at the same
//! time, and what became of each is added to a report as soon as it is certain; a run that is broken off goes on
//! from there.

mod dicom;
mod media;
mod report;
mod source;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::future::join_all;
use tokio::sync::mpsc;

use crate::access::{Actor, Role};
use crate::app::Services;
use crate::base::TenantId;
use crate::fhir::{Json, Object};
use crate::ops::import::Imported;
use crate::ops::{Error, Ops};
use crate::work::schedules;

use report::{Issue, Refusal, Report, issues};
use source::{Chunk, Input};

use super::{OfTenant, Out};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Take FHIR resources in: Bundles, single resources and NDJSON, packed with gzip or not.
    Fhir(Fhir),
    /// Take DICOM files in.
    Dicom(dicom::Dicom),
}

#[derive(Debug, clap::Args)]
pub(super) struct Fhir {
    /// Files, or folders of files, that are named .json, .ndjson or .jsonl, with or without .gz.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    of: OfTenant,
    /// File to which is added what became of each part. A run that finds it goes on where the one before it ended.
    #[arg(long, value_name = "FILE", default_value = "causeway-import.ndjson")]
    report: PathBuf,
    /// Parts that are taken at the same time.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    at_once: u8,
}

pub(super) async fn run(verb: Verb, ops: &Ops, out: Out) -> anyhow::Result<ExitCode> {
    let options = match verb {
        Verb::Fhir(options) => options,
        Verb::Dicom(options) => return Box::pin(dicom::run(options, ops, out)).await,
    };
    known(ops, &options.of.tenant).await?;
    let (inputs, others) = source::inputs(&options.paths)?;
    for other in &others {
        Out::remark(&format!("not imported, because of its name: {}", other.display()));
    }
    let actor = Services::command_actor(&options.of.tenant, &[Role::Integrator]);
    let report = Report::open(&options.report, &options.of.tenant)?;
    let mut import = Import {
        ops,
        actor,
        inputs: inputs.into(),
        at_once: options.at_once.into(),
        report,
        totals: Totals::default(),
        shown: None,
        waiting: HashSet::new(),
    };
    let outcome = import.all().await;
    import.show(true);
    outcome?;
    let totals = &import.totals;
    out.result(&totals.text(&options), || totals.json(&options));
    Ok(if totals.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether there is such a tenant. A database that was never served has not even the default one, which needs no more
/// than to be made.
async fn known(ops: &Ops, tenant: &TenantId) -> anyhow::Result<()> {
    if ops.store().tenants().await?.contains(tenant) {
        return Ok(());
    }
    if *tenant != TenantId::default_tenant() {
        anyhow::bail!("there is no tenant {tenant}; `causeway tenant add {tenant}` makes it");
    }
    ops.store().ensure_tenant(tenant, ops.now()).await?;
    Ok(ops.store().set_schedules(tenant, schedules(ops, tenant), ops.now()).await?)
}

/// An import that is running.
struct Import<'a> {
    ops: &'a Ops,
    actor: Actor,
    inputs: Arc<[Input]>,
    at_once: usize,
    report: Report,
    totals: Totals,
    shown: Option<Instant>,
    /// Documents with references to what is not there, by file and line: it may come later.
    waiting: HashSet<(usize, u64)>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Totals {
    /// Resources that were kept.
    imported: usize,
    /// Those that were there already.
    unchanged: usize,
    /// Documents and lines that were refused, and entries of batches.
    failed: usize,
    /// Parts that an earlier run had done.
    skipped: usize,
    bytes: u64,
    file: usize,
    files: usize,
}

/// Which parts of the files a pass is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// All; those that miss something wait.
    First,
    /// Those that wait; those that still miss something wait on.
    Again,
    /// Those that wait; what they miss does not come.
    Last,
}

impl Import<'_> {
    async fn all(&mut self) -> anyhow::Result<()> {
        self.totals.files = self.inputs.len();
        self.pass(Pass::First).await?;
        while !self.waiting.is_empty() {
            let before = self.waiting.len();
            self.pass(Pass::Again).await?;
            if self.waiting.len() == before {
                self.pass(Pass::Last).await?;
            }
        }
        Ok(())
    }

    async fn pass(&mut self, pass: Pass) -> anyhow::Result<()> {
        let (give, mut waves) = mpsc::channel::<Vec<Chunk>>(1);
        let (inputs, at_once) = (Arc::clone(&self.inputs), self.at_once);
        let reading = tokio::task::spawn_blocking(move || {
            source::read(&inputs, at_once, |wave| give.blocking_send(wave).is_ok())
        });
        let mut outcome = Ok(());
        while let Some(wave) = waves.recv().await {
            outcome = self.wave(wave, pass).await;
            if outcome.is_err() {
                break;
            }
            self.show(false);
        }
        drop(waves);
        let read = reading.await.context("the files were not read to their end")?;
        outcome?;
        read.map_err(|(name, error)| anyhow::Error::new(error).context(format!("{name} cannot be read")))
    }

    /// Takes chunks at the same time, and notes what became of them.
    async fn wave(&mut self, wave: Vec<Chunk>, pass: Pass) -> anyhow::Result<()> {
        let mut chosen = Vec::with_capacity(wave.len());
        for chunk in wave {
            let name = self.inputs.get(chunk.file).map(|input| input.name.clone()).unwrap_or_default();
            let place = (chunk.file, chunk.first);
            if pass == Pass::First {
                self.totals.file = chunk.file + 1;
                self.totals.bytes += u64::try_from(chunk.bytes).unwrap_or_default();
                if self.report.has(&name, &chunk) {
                    self.totals.skipped += 1;
                    continue;
                }
            } else if !self.waiting.contains(&place) {
                continue;
            }
            chosen.push((name, chunk));
        }
        let (ops, actor) = (self.ops, &self.actor);
        let takings = join_all(chosen.into_iter().map(|(name, chunk)| take(ops, actor, name, chunk))).await;
        for taking in takings {
            let Taking { name, chunk, kept, unchanged, refusals, misses } = taking?;
            let place = (chunk.file, chunk.first);
            if misses && pass != Pass::Last {
                self.waiting.insert(place);
                continue;
            }
            self.waiting.remove(&place);
            self.totals.imported += kept.len();
            self.totals.unchanged += unchanged;
            self.totals.failed += refusals.len();
            self.report.add(&name, &chunk, &kept, unchanged, &refusals)?;
        }
        self.report.sync()?;
        Ok(())
    }

    /// Says how far it is, from time to time.
    fn show(&mut self, is_last: bool) {
        let now = Instant::now();
        if is_last || self.shown.is_none_or(|shown| now.duration_since(shown) >= BETWEEN_REMARKS) {
            self.shown = Some(now);
            let Totals { imported, unchanged, failed, bytes, file, files, .. } = &self.totals;
            let size = format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10);
            Out::remark(&format!(
                "file {file} of {files}, {size}: {imported} imported, {unchanged} unchanged, {failed} failed"
            ));
        }
    }
}

/// What became of a chunk.
struct Taking {
    name: String,
    chunk: Chunk,
    kept: Vec<String>,
    unchanged: usize,
    refusals: Vec<Refusal>,
    /// Whether something in it refers to what is not there.
    misses: bool,
}

/// Takes a chunk. An error is one of the gateway, not of what the chunk says.
async fn take(ops: &Ops, actor: &Actor, name: String, mut chunk: Chunk) -> anyhow::Result<Taking> {
    let (mut refusals, mut misses) = (Vec::new(), false);
    let (mut lines, mut units) = (Vec::new(), Vec::new());
    for (line, unit) in std::mem::take(&mut chunk.units) {
        match unit {
            Ok(unit) => {
                lines.push(line);
                units.push(unit);
            }
            Err(fault) => refusals.push(Refusal { line, issues: vec![Issue::of_line(fault.to_string())] }),
        }
    }
    let (mut kept, mut unchanged) = (Vec::new(), 0);
    for (line, outcome) in lines.into_iter().zip(ops.import(actor, units).await) {
        match outcome {
            Ok(Imported { kept: places, unchanged: known, refused }) => {
                kept.extend(places);
                unchanged += known;
                for error in refused {
                    fault(&error)?;
                    refusals.push(Refusal { line, issues: issues(&error) });
                }
            }
            Err(error) => {
                fault(&error)?;
                misses |= matches!(error, Error::Unresolved { is_many: false, .. });
                refusals.push(Refusal { line, issues: issues(&error) });
            }
        }
    }
    refusals.sort_by_key(|refusal| refusal.line);
    Ok(Taking { name, chunk, kept, unchanged, refusals, misses })
}

/// What is no fault of the document ends the import; it can go on later.
fn fault(error: &Error) -> anyhow::Result<()> {
    match error {
        Error::Busy(_) | Error::Fault(_) | Error::Denied(_) | Error::Unauthenticated => {
            anyhow::bail!("the import has stopped, and goes on if it is started again: {error}")
        }
        _ => Ok(()),
    }
}

impl Totals {
    fn text(&self, options: &Fhir) -> String {
        let Self { imported, unchanged, failed, skipped, .. } = self;
        let mut text = format!("{imported} resources imported, {unchanged} unchanged, {failed} failed");
        if *skipped > 0 {
            let _infallible = write!(text, "; {skipped} parts were done before");
        }
        let _infallible = write!(text, "\nreport: {}", options.report.display());
        text
    }

    fn json(&self, options: &Fhir) -> Json {
        let number = |number: usize| Json::integer(i64::try_from(number).unwrap_or(i64::MAX));
        Object::new()
            .with("imported", number(self.imported))
            .with("unchanged", number(self.unchanged))
            .with("failed", number(self.failed))
            .with("skipped", number(self.skipped))
            .with("report", Json::string(options.report.display().to_string()))
            .into()
    }
}

/// Time between two remarks about how far it is.
const BETWEEN_REMARKS: Duration = Duration::from_secs(2);
