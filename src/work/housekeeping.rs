//! What keeps the house in order: sealing the audit log, taking away what has expired.

use crate::jobs::{Handler, HandlerFuture, JobError, Run};
use crate::ops::Ops;
use crate::store::WriteSet;

macro_rules! chores {
    ($($(#[$doc:meta])* $name:ident $kind:literal => |$ops:ident, $run:ident| $body:expr;)*) => {$(
        $(#[$doc])*
        pub(super) struct $name {
            ops: Ops,
        }

        impl $name {
            pub(super) fn new(ops: Ops) -> Self {
                Self { ops }
            }
        }

        impl Handler for $name {
            fn kind(&self) -> &'static str {
                $kind
            }

            fn run<'a>(&'a self, run: &'a Run) -> HandlerFuture<'a, Result<WriteSet, JobError>> {
                Box::pin(async move {
                    let ($ops, $run) = (&self.ops, run);
                    $body;
                    Ok(WriteSet::new())
                })
            }
        }
    )*};
}

chores! {
    /// Seals recorded events into the audit chain.
    AuditSeal "audit.seal" => |ops, run| ops.seal_audit(run.actor(), false).await?;

    /// Takes expired export sessions away.
    ExportCleanup "export.cleanup" => |ops, run| ops.clean_up_exports(run.actor()).await?;

    /// Deletes blobs that nobody needs any more.
    BlobSweep "blob.sweep" => |ops, run| ops.sweep_blobs(run.actor()).await?;

    /// Lets the database look at an index that has grown.
    DatabaseAnalyze "database.analyze" => |ops, run| ops.refresh_statistics(run.actor()).await?;

    /// Deletes rows of ended jobs and expired tokens.
    RowSweep "row.sweep" => |ops, run| ops.sweep_rows(run.actor()).await?;
}
