//! `causeway db status|migrate|rollback|dry-run`.

use std::fmt::Write as _;
use std::process::ExitCode;

use crate::app::store_settings;
use crate::config::Config;
use crate::fhir::{Json, Object};
use crate::store::{Migrated, MigrationStep, migrate};

use super::Out;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Show which migrations the database has.
    Status,
    /// Bring the schema up to date, after a snapshot.
    Migrate,
    /// Undo the newest migration, after a snapshot.
    Rollback,
    /// Try the pending migrations and undo them again.
    DryRun,
}

pub(super) async fn run(verb: &Verb, config: &Config, out: Out) -> anyhow::Result<ExitCode> {
    let step = match verb {
        Verb::Status => MigrationStep::Look,
        Verb::Migrate => MigrationStep::Migrate,
        Verb::Rollback => MigrationStep::Rollback,
        Verb::DryRun => MigrationStep::DryRun,
    };
    std::fs::create_dir_all(&config.data_dir)?;
    let done = migrate(&store_settings(config)?, step).await?;
    out.result(&text(&done), || json(&done));
    Ok(ExitCode::SUCCESS)
}

fn text(done: &Migrated) -> String {
    let mut text = String::new();
    let lists =
        [("applied", &done.status.applied), ("pending", &done.status.pending), ("unknown", &done.status.unknown)];
    for (word, names) in lists {
        for name in names {
            let _ = writeln!(text, "{word}  {name}");
        }
    }
    if let Some(path) = &done.snapshot {
        let _ = writeln!(text, "snapshot {}", path.display());
    }
    text
}

fn json(done: &Migrated) -> Json {
    let list = |names: &[String]| Json::Array(names.iter().map(|name| Json::string(name.as_str())).collect());
    Object::new()
        .with("applied", list(&done.status.applied))
        .with("pending", list(&done.status.pending))
        .with("unknown", list(&done.status.unknown))
        .with_text("snapshot", done.snapshot.as_ref().map(|path| path.display().to_string()))
        .into()
}
