//! The command line: `causeway NOUN VERB`. Commands that change something open the same database as the
//! server; `report render`, `verify` and `seed` need nothing but files.

mod audit;
mod config;
mod db;
mod dicom;
mod fhir;
mod files;
mod import;
mod jobs;
mod key;
mod out;
mod peer;
mod report;
mod seed;
mod tenant;
mod token;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::{self, Services, Start};
use crate::base::Clock as _;
use crate::base::{SystemClock, TenantId};
use crate::config::{self as configuration, Config};
use crate::telemetry::{self, Metrics};

pub(crate) use out::Out;

/// An interoperability gateway for imaging reports: FHIR R4, DICOM SR and PDF that agree.
#[derive(Debug, Parser)]
#[command(name = "causeway", version, arg_required_else_help = true)]
struct Arguments {
    /// Configuration file; `causeway.toml` in the working directory where absent.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Sets a key of the configuration, `http.listen=127.0.0.1:9090`; goes before file and environment.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Writes results as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    noun: Noun,
}

#[derive(Debug, Subcommand)]
enum Noun {
    /// Serve: HTTP, jobs and deliveries, until told to stop.
    Serve {
        /// Load the demonstration: reports of every kind, their twins, and a small CT study.
        #[arg(long)]
        demo: bool,
    },
    /// The configuration.
    #[command(subcommand)]
    Config(config::Verb),
    /// The database schema.
    #[command(subcommand)]
    Db(db::Verb),
    /// Access tokens.
    #[command(subcommand)]
    Token(token::Verb),
    /// Peers: archives, PACS and FHIR servers.
    #[command(subcommand)]
    Peer(peer::Verb),
    /// Reports.
    #[command(subcommand)]
    Report(report::Verb),
    /// DICOM systems: echo, store, find, get.
    #[command(subcommand)]
    Dicom(dicom::Verb),
    /// Take over what another system had.
    #[command(subcommand)]
    Import(import::Verb),
    /// The job queue.
    #[command(subcommand)]
    Jobs(jobs::Verb),
    /// The audit log.
    #[command(subcommand)]
    Audit(audit::Verb),
    /// Keys.
    #[command(subcommand)]
    Key(key::Verb),
    /// FHIR: packages of implementation guides, and what resources are checked for.
    #[command(subcommand)]
    Fhir(fhir::Verb),
    /// Tenants.
    #[command(subcommand)]
    Tenant(tenant::Verb),
    /// Compare twins offline: whether each is what its digest says, and all say the same.
    Verify {
        /// Files: FHIR bundles, DICOM SR, PDF, Encapsulated PDF.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Write sample reports as JSON files; the same seed gives the same reports.
    Seed(seed::Options),
}

/// Runs the command that the process was started with. 0 is success, 1 a failure, 2 wrong arguments.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let out = Out::new(arguments.json);
    match dispatch(arguments, out) {
        Ok(code) => code,
        Err(error) => {
            Out::failure(&error);
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: Arguments, out: Out) -> anyhow::Result<ExitCode> {
    // What needs no configuration runs without reading one.
    match &arguments.noun {
        Noun::Verify { files } => return Ok(verify::run(files, out)),
        Noun::Seed(options) => return seed::run(options, out),
        Noun::Report(report::Verb::Render(options)) => return report::render(options),
        _ => {}
    }
    let config = configuration::from_disk_and_env(arguments.config.as_deref(), &arguments.set)?;
    if let Noun::Config(verb) = &arguments.noun {
        config::run(verb, &config, out);
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(in_runtime(arguments.noun, &config, out))
}

async fn in_runtime(noun: Noun, config: &Config, out: Out) -> anyhow::Result<ExitCode> {
    if let Noun::Serve { demo } = noun {
        telemetry::hook_panics();
        telemetry::start_log(&config.log, std::io::IsTerminal::is_terminal(&std::io::stderr()))?;
        let metrics = Metrics::start(env!("CARGO_PKG_VERSION"), SystemClock::default().now())?;
        app::serve(config, metrics, demo).await?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Noun::Db(verb) = &noun {
        return db::run(verb, config, out).await;
    }
    if let Noun::Dicom(verb) = noun {
        return Box::pin(dicom::run(verb, config, out)).await;
    }
    let services = Services::open(config, Start::Command).await?;
    let outcome = match noun {
        Noun::Token(verb) => token::run(verb, &services.ops, out).await,
        Noun::Peer(verb) => peer::run(verb, &services.ops, out).await,
        Noun::Report(verb) => report::run(verb, &services.ops, out).await,
        Noun::Import(verb) => Box::pin(import::run(verb, &services.ops, out)).await,
        Noun::Jobs(verb) => jobs::run(verb, &services.ops, out).await,
        Noun::Audit(verb) => audit::run(verb, &services.ops, out).await,
        Noun::Key(verb) => key::run(verb, &services.ops, out).await,
        Noun::Fhir(verb) => fhir::run(verb, &services.ops, out).await,
        Noun::Tenant(verb) => tenant::run(verb, &services.ops, out).await,
        Noun::Serve { .. } | Noun::Config(_) | Noun::Db(_) | Noun::Dicom(_) | Noun::Verify { .. } | Noun::Seed(_) => {
            Ok(ExitCode::SUCCESS)
        }
    };
    services.close().await;
    outcome
}

/// `--tenant`: whose data a command works on.
#[derive(Debug, clap::Args)]
struct OfTenant {
    /// Tenant.
    #[arg(long, default_value = "default")]
    tenant: TenantId,
}
