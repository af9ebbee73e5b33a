//! New reports: from our own JSON, and from FHIR.

use crate::access::{Actor, Operation};
use crate::base::{LogicalId, ProblemCode, Problems};
use crate::fhir::Json;
use crate::report::fhir::{ReadOptions, read_document};
use crate::report::{Losses, Report, ReportLimits, read};
use crate::store::BlobUse;

use super::super::{Attempt, Error, Ops};
use super::ReportVersion;
use super::write::NewVersion;

/// A report that was taken in from another form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The report as it is kept.
    pub version: ReportVersion,
    /// What of the source it does not carry.
    pub losses: Losses,
}

impl Ops {
    /// Takes a new report in from its JSON. It is on the disk when this returns.
    pub async fn create_report(&self, actor: &Actor, json: &Json) -> Result<ReportVersion, Error> {
        self.authorize(actor, Operation::ReportCreate).await?;
        let report = read::read(json, &LogicalId::random(), &ReportLimits::default()).map_err(Error::Invalid)?;
        self.begin(actor, Operation::ReportCreate, report, None).await
    }

    /// Takes a new report in from a FHIR DiagnosticReport or a Bundle with one. The bytes are kept as
    /// they came.
    pub async fn import_report(&self, actor: &Actor, json: &Json, bytes: &[u8]) -> Result<Imported, Error> {
        self.authorize(actor, Operation::ReportImport).await?;
        let base_url = self.base_url(&actor.tenant);
        let (fresh, has_id) = (LogicalId::random(), has_own_id(json));
        let options = ReadOptions {
            report_id: (!has_id).then_some(&fresh),
            public_url: Some(&base_url),
            limits: ReportLimits::default(),
        };
        let (report, losses) = read_document(json, &options).map_err(Error::Invalid)?;
        // Before anything is written: what is refused leaves no file behind.
        self.check_new(actor, &report).await?;
        let blob = self.put_blob(actor, bytes.to_vec()).await?;
        let received = BlobUse {
            digest: blob.digest,
            size: blob.size,
            owner_kind: "import",
            owner_id: report.id.as_str().to_owned(),
        };
        let version = self.begin(actor, Operation::ReportImport, report, Some(received)).await?;
        Ok(Imported { version, losses })
    }

    async fn begin(
        &self,
        actor: &Actor,
        operation: Operation,
        report: Report,
        received: Option<BlobUse>,
    ) -> Result<ReportVersion, Error> {
        self.check_new(actor, &report).await?;
        self.with_retries(actor, ("DiagnosticReport", report.id.as_str()), || async {
            let new = NewVersion {
                report: report.clone(),
                after: None,
                predecessor: None,
                reason: None,
                received: received.clone(),
            };
            let outcome = self.commit_version(actor, operation, new).await;
            // The id may have been taken since we looked; a shared resource may have changed as well.
            if matches!(outcome, Err(Error::VersionMismatch { .. })) {
                self.check_new(actor, &report).await?;
                return Ok(Attempt::Spoilt);
            }
            outcome.map(Attempt::Done)
        })
        .await
    }

    /// Whether a report may begin as it is.
    async fn check_new(&self, actor: &Actor, report: &Report) -> Result<(), Error> {
        if !report.status.may_begin() {
            let detail = "a new report begins as draft, preliminary or final";
            return Err(Error::Rule(Problems::one("status", ProblemCode::BusinessRule, detail)));
        }
        if self.desk(actor).resource("DiagnosticReport", &report.id).await?.is_some() {
            return Err(Error::Conflict("a report with this id exists"));
        }
        Ok(())
    }
}

/// Whether the DiagnosticReport of a document has an id that its report can keep.
fn has_own_id(document: &Json) -> bool {
    let is_report = |resource: &Json| resource.text_at(&["resourceType"]) == Some("DiagnosticReport");
    let in_bundle =
        document.items("entry").iter().filter_map(|entry| entry.get("resource")).find(|found| is_report(found));
    let report = Some(document).filter(|document| is_report(document)).or(in_bundle);
    report.and_then(|report| report.text_at(&["id"])).is_some_and(|id| LogicalId::parse(id).is_ok())
}
