//! `causeway audit verify|export`.

use std::process::ExitCode;

use crate::access::Role;
use crate::app::Services;
use crate::fhir::{Json, Object};
use crate::ops::Ops;
use crate::ops::chain::ChainCheck;

use super::{OfTenant, Out};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Check the whole chain; fails and names the first bad place if a link does not hold.
    Verify {
        #[command(flatten)]
        of: OfTenant,
    },
    /// Write the newest events as FHIR AuditEvent, one a line.
    Export {
        /// How many.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
        #[command(flatten)]
        of: OfTenant,
    },
}

pub(super) async fn run(verb: Verb, ops: &Ops, out: Out) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Verify { of } => {
            let actor = Services::command_actor(&of.tenant, &[Role::Auditor]);
            let (text, is_whole) = match ops.verify_audit(&actor).await? {
                ChainCheck::Whole(report) => {
                    let (records, checkpoints) = (report.records, report.checkpoints);
                    (format!("whole: {records} records, {checkpoints} checkpoints, head {}", report.head.hash), true)
                }
                ChainCheck::Broken(broken) => (format!("BROKEN: {broken}"), false),
                ChainCheck::ForgedCheckpoint(seq) => {
                    (format!("BROKEN at {seq}: a checkpoint is not signed by a key of this tenant"), false)
                }
            };
            out.result(&text, || {
                let detail = Json::string(text.as_str());
                Object::new().with("whole", Json::Bool(is_whole)).with("detail", detail).into()
            });
            Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Verb::Export { limit, of } => {
            let actor = Services::command_actor(&of.tenant, &[Role::Auditor]);
            let mut lines = String::new();
            let page = ops.audit_events(&actor, limit, None).await?;
            for event in &page.items {
                lines.push_str(&ops.audit_event_to_fhir(&actor, event).to_text());
                lines.push('\n');
            }
            Out::bytes(lines.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
