//! `causeway seed`: sample reports as JSON files.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::fhir::{Json, Object};
use crate::report::sample::sample;

use super::Out;

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// How many reports.
    #[arg(long, default_value_t = 20)]
    reports: u32,
    /// The same seed gives the same reports.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder to write to; it is made if it is not there.
    #[arg(long)]
    out: PathBuf,
}

pub(super) fn run(options: &Options, out: Out) -> anyhow::Result<ExitCode> {
    std::fs::create_dir_all(&options.out).with_context(|| format!("{} cannot be made", options.out.display()))?;
    for index in 0..options.reports {
        let path = options.out.join(format!("report-{index:04}.json"));
        std::fs::write(&path, sample(options.seed, index).to_json().to_pretty())
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    out.result(&format!("{} reports in {}", options.reports, options.out.display()), || {
        Object::new().with("reports", Json::integer(options.reports.into())).into()
    });
    Ok(ExitCode::SUCCESS)
}
