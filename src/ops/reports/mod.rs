//! Reports: written, read, verified, amended, withdrawn. A report is kept as FHIR resources; what leaves
//! here is the [`Report`] value with the facts of its version.

mod change;
mod create;
mod list;
mod load;
mod write;

use crate::access::{Actor, Operation};
use crate::audit::Object;
use crate::base::{LogicalId, Sha256, VersionId};
use crate::report::{Edition, Report};

use super::{Error, Ops};

pub use change::Change;
pub use create::Imported;
pub use list::ReportQuery;

/// A version of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportVersion {
    /// What it says.
    pub report: Report,
    /// Which version it is, since when, and of what.
    pub edition: Edition,
    /// Digest of what it says.
    pub content_digest: Sha256,
}

impl Ops {
    /// The newest version of a report, or the one of a number.
    pub async fn read_report(
        &self,
        actor: &Actor,
        id: &LogicalId,
        version: Option<VersionId>,
    ) -> Result<ReportVersion, Error> {
        self.authorize(actor, Operation::ReportRead).await?;
        let found = self.load_report(actor, id, version).await?;
        self.note_read(actor, Operation::ReportRead, vec![object(&found)]).await?;
        Ok(found)
    }

    /// All versions of a report, newest first.
    pub async fn report_history(&self, actor: &Actor, id: &LogicalId) -> Result<Vec<ReportVersion>, Error> {
        self.authorize(actor, Operation::ReportHistory).await?;
        let rows = self.desk(actor).resource_history("DiagnosticReport", id).await?;
        if rows.is_empty() {
            return Err(Error::NotFound);
        }
        let mut versions = Vec::with_capacity(rows.len());
        for row in rows.iter().filter(|row| row.body.is_some()) {
            versions.push(self.load_report(actor, id, Some(row.version_id)).await?);
        }
        self.note_read(actor, Operation::ReportHistory, versions.iter().map(object).collect()).await?;
        Ok(versions)
    }
}

/// A version of a report as the audit log names it.
fn object(version: &ReportVersion) -> Object {
    Object::resource("DiagnosticReport", &version.report.id, Some(version.edition.version))
        .of_study(Some(version.report.study.study_instance_uid.clone()))
        .changed(None, Some(version.content_digest))
}
