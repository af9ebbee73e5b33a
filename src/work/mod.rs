//! One handler for each kind of job. A handler decodes its payload, calls `ops`, and gives back what is
//! to be committed with the job's end.

mod change_dispatch;
pub mod feed;
mod housekeeping;
mod orthanc;
mod report_deliver;
mod report_export;
mod search_index;
mod storage_commit;
mod study_changed;
mod subscription_notify;

use std::sync::Arc;

use crate::base::TenantId;
use crate::jobs::{Handler, Lane, Workers};
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
        Arc::new(orthanc::OrthancFollow::new(ops.clone())),
        Arc::new(orthanc::OrthancStore::new(ops.clone())),
        Arc::new(housekeeping::AuditSeal::new(ops.clone())),
        Arc::new(housekeeping::ExportCleanup::new(ops.clone())),
        Arc::new(housekeeping::BlobSweep::new(ops.clone())),
        Arc::new(housekeeping::RowSweep::new(ops.clone())),
        Arc::new(housekeeping::DatabaseAnalyze::new(ops.clone())),
    ];
    handlers.into_iter().fold(workers, Workers::with)
}

/// All that happens again and again: in every tenant first, then in those that have an archive behind them.
pub static SCHEDULES: &[Schedule] = &[
    every(60, "audit.seal", Lane::Maintenance),
    every(600, "export.cleanup", Lane::Maintenance),
    every(3600, "blob.sweep", Lane::Maintenance),
    every(3600, "row.sweep", Lane::Maintenance),
    every(60, "database.analyze", Lane::Maintenance),
    every(1, "orthanc.follow", Lane::Archive),
    every(1, "orthanc.store", Lane::Archive),
];

/// The schedules of a tenant.
pub fn schedules(ops: &Ops, tenant: &TenantId) -> &'static [Schedule] {
    if ops.settings().studies.behind.has(tenant) { SCHEDULES } else { SCHEDULES.split_at(IN_EVERY_TENANT).0 }
}

const fn every(every_seconds: i64, kind: &'static str, lane: Lane) -> Schedule {
    Schedule { id: kind, kind, every_seconds, lane: lane.as_str() }
}

/// As many of the schedules are those of every tenant.
const IN_EVERY_TENANT: usize = 5;
