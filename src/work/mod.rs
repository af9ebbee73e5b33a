//! One handler for each kind of job. A handler decodes its payload, calls `ops`, and gives back what is
//! to be committed with the job's end.

mod change_dispatch;
pub mod feed;
mod housekeeping;
mod report_deliver;
mod report_export;
mod search_index;
mod storage_commit;
mod study_changed;
mod subscription_notify;

use std::sync::Arc;

use crate::jobs::{Handler, Workers};
use crate::ops::Ops;
use crate::store::Schedule;

/// Adds all handlers.
pub fn register(workers: Workers, ops: &Ops) -> Workers {
    let handlers: Vec<Arc<dyn Handler>> = vec![
        Arc::new(change_dispatch::ChangeDispatch::new(ops.clone())),
        Arc::new(report_export::ReportExport::new(ops.clone())),
        Arc::new(report_deliver::ReportDeliver::new(ops.clone())),
        Arc::new(storage_commit::StorageCommit::new(ops.clone())),
        Arc::new(subscription_notify::SubscriptionNotify::new(ops.clone())),
        Arc::new(search_index::SearchIndex),
        Arc::new(study_changed::StudyChanged::new(ops.clone())),
        Arc::new(housekeeping::AuditSeal::new(ops.clone())),
        Arc::new(housekeeping::ExportCleanup::new(ops.clone())),
        Arc::new(housekeeping::BlobSweep::new(ops.clone())),
        Arc::new(housekeeping::RowSweep::new(ops.clone())),
        Arc::new(housekeeping::DatabaseAnalyze::new(ops.clone())),
    ];
    handlers.into_iter().fold(workers, Workers::with)
}

/// What happens again and again in every tenant.
pub static SCHEDULES: &[Schedule] = &[
    Schedule { id: "audit.seal", kind: "audit.seal", every_seconds: 60 },
    Schedule { id: "export.cleanup", kind: "export.cleanup", every_seconds: 600 },
    Schedule { id: "blob.sweep", kind: "blob.sweep", every_seconds: 3600 },
    Schedule { id: "row.sweep", kind: "row.sweep", every_seconds: 3600 },
    Schedule { id: "database.analyze", kind: "database.analyze", every_seconds: 60 },
];
