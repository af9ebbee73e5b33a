//! `causeway jobs list|show|retry|cancel`.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::access::Role;
use crate::app::Services;
use crate::base::LogicalId;
use crate::fhir::{Json, Object};
use crate::ops::Ops;
use crate::store::{Job, JobState};

use super::{OfTenant, Out};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Show jobs, newest first.
    List {
        /// pending, in_progress, completed, failed, cancelled.
        #[arg(long)]
        state: Option<String>,
        /// As `report.deliver`.
        #[arg(long)]
        kind: Option<String>,
        /// How many.
        #[arg(long, default_value_t = 20)]
        limit: usize,
        #[command(flatten)]
        of: OfTenant,
    },
    /// Show one job.
    Show {
        /// Id.
        id: LogicalId,
        #[command(flatten)]
        of: OfTenant,
    },
    /// Run a failed or cancelled job again.
    Retry {
        /// Id.
        id: LogicalId,
        #[command(flatten)]
        of: OfTenant,
    },
    /// Ask a job to stop.
    Cancel {
        /// Id.
        id: LogicalId,
        #[command(flatten)]
        of: OfTenant,
    },
}

pub(super) async fn run(verb: Verb, ops: &Ops, out: Out) -> anyhow::Result<ExitCode> {
    let actor = |of: &OfTenant| Services::command_actor(&of.tenant, &[Role::Admin]);
    let jobs = match verb {
        Verb::List { state, kind, limit, of } => {
            let state = match state {
                Some(name) => Some(JobState::parse(&name).context("no such state of jobs")?),
                None => None,
            };
            ops.jobs(&actor(&of), state, kind, limit, None).await?.items
        }
        Verb::Show { id, of } => vec![ops.job(&actor(&of), &id).await?],
        Verb::Retry { id, of } => vec![ops.retry_job(&actor(&of), &id).await?],
        Verb::Cancel { id, of } => vec![ops.cancel_job(&actor(&of), &id).await?],
    };
    let mut text = String::new();
    for job in &jobs {
        let error = job.error.as_deref().unwrap_or_default();
        let state = job.state.as_str();
        let _ =
            writeln!(text, "{}  {:<16} {state:<12} {}/{}  {error}", job.id, job.kind, job.attempts, job.max_attempts);
    }
    out.result(&text, || Object::new().with("items", Json::Array(jobs.iter().map(json).collect())).into());
    Ok(ExitCode::SUCCESS)
}

fn json(job: &Job) -> Json {
    Object::new()
        .with("id", Json::string(job.id.as_str()))
        .with("kind", Json::string(&*job.kind))
        .with("state", Json::string(job.state.as_str()))
        .with("attempts", Json::integer(job.attempts.into()))
        .with("maxAttempts", Json::integer(job.max_attempts.into()))
        .with("runAt", Json::string(job.run_at.to_fhir()))
        .with_text("error", job.error.as_deref())
        .into()
}
