//! `causeway tenant list|add`.

use std::process::ExitCode;

use crate::base::Clock as _;
use crate::base::{SystemClock, TenantId};
use crate::fhir::{Json, Object};
use crate::ops::Ops;
use crate::work::schedules;

use super::Out;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Show the tenants.
    List,
    /// Make a tenant with keys of its own. It lives below `/t/{name}`.
    Add {
        /// Name.
        name: TenantId,
    },
}

pub(super) async fn run(verb: Verb, ops: &Ops, out: Out) -> anyhow::Result<ExitCode> {
    if let Verb::Add { name } = &verb {
        let now = SystemClock::default().now();
        ops.store().ensure_tenant(name, now).await?;
        ops.store().set_schedules(name, schedules(ops, name), now).await?;
        ops.serve_at(name).await?;
    }
    let tenants: Vec<String> = ops.store().tenants().await?.iter().map(ToString::to_string).collect();
    out.result(&tenants.join("\n"), || {
        Object::new()
            .with("items", Json::Array(tenants.iter().map(|name| Json::string(name.as_str())).collect()))
            .into()
    });
    Ok(ExitCode::SUCCESS)
}
