//! Reading a version of a report back from the resources that its Provenance names.

use crate::access::Actor;
use crate::base::{LogicalId, Timestamp, VersionId};
use crate::fhir::Json;
use crate::fhir::reference::{Literal, Target};
use crate::report::fhir::ids::provenance_id;
use crate::report::fhir::read_resources;
use crate::report::{Edition, Predecessor, Twin};
use crate::store::StoredResource;

use super::super::document::document;
use super::super::{Error, Ops};
use super::ReportVersion;

impl Ops {
    /// A version of a report, the newest if none is named. Nobody is asked whether the actor may.
    pub(in crate::ops) async fn load_report(
        &self,
        actor: &Actor,
        id: &LogicalId,
        version: Option<VersionId>,
    ) -> Result<ReportVersion, Error> {
        let version = match version {
            Some(version) => version,
            None => self.current_report(actor, id).await?.version_id,
        };
        let desk = self.desk(actor);
        let provenance_id = provenance_id(id, version);
        let Some(provenance) = desk.resource("Provenance", &provenance_id).await? else {
            return Err(Error::NotFound);
        };
        let provenance = document(&provenance)?;
        let keys: Vec<_> = targets(&provenance).collect();
        let mut resources = Vec::with_capacity(keys.len());
        for found in desk.resource_versions(&keys).await? {
            let found = found.ok_or_else(|| Error::Fault("a version of a report lacks a resource".into()))?;
            resources.push(document(&found)?);
        }
        let report =
            read_resources(&resources).map_err(|problems| Error::Fault(format!("stored report: {problems}")))?;
        let edition = self.edition(actor, id, version, &provenance, report.status.is_verified()).await?;
        let content_digest = report.content_digest();
        Ok(ReportVersion { report, edition, content_digest })
    }

    /// The row of the newest version of a report.
    pub(in crate::ops) async fn current_report(&self, actor: &Actor, id: &LogicalId) -> Result<StoredResource, Error> {
        let current = self.desk(actor).resource("DiagnosticReport", id).await?.ok_or(Error::NotFound)?;
        if current.body.is_some() { Ok(current) } else { Err(Error::Gone) }
    }

    async fn edition(
        &self,
        actor: &Actor,
        id: &LogicalId,
        version: VersionId,
        provenance: &Json,
        is_verified: bool,
    ) -> Result<Edition, Error> {
        let recorded = provenance.text_at(&["recorded"]).and_then(Timestamp::parse);
        let recorded_at = recorded.ok_or_else(|| Error::Fault("a Provenance lacks its instant".into()))?;
        let predecessor = match revised(provenance) {
            Some(version) => Some(self.predecessor(actor, id, version).await?),
            None => None,
        };
        let reason = provenance.text_at(&["reason", "0", "text"]).map(str::to_owned);
        let verified_at = is_verified.then_some(recorded_at);
        Ok(Edition { tenant: actor.tenant.clone(), version, recorded_at, verified_at, predecessor, reason })
    }

    /// A verified version as the one after it names it: its SR's class depends on whether it measured.
    pub(super) async fn predecessor(
        &self,
        actor: &Actor,
        id: &LogicalId,
        version: VersionId,
    ) -> Result<Predecessor, Error> {
        let row = self.desk(actor).resource_version("DiagnosticReport", id, version).await?;
        let row = row.ok_or_else(|| Error::Fault("a verified version is gone".into()))?;
        let provenance = self.desk(actor).resource("Provenance", &provenance_id(id, version)).await?;
        let provenance = provenance.ok_or_else(|| Error::Fault("a verified version has no Provenance".into()))?;
        let keys: Vec<_> = targets(&document(&provenance)?).collect();
        let mut resources = vec![document(&row)?];
        for found in self.desk(actor).resource_versions(&keys).await?.into_iter().flatten() {
            if found.resource_type != "DiagnosticReport" {
                resources.push(document(&found)?);
            }
        }
        let report =
            read_resources(&resources).map_err(|problems| Error::Fault(format!("stored report: {problems}")))?;
        Ok(Predecessor {
            version,
            sop_class_uid: crate::report::sr::sop_class_of(&report),
            sop_instance_uid: Edition::sop_instance_uid(&actor.tenant, id, version, Twin::DicomSr),
        })
    }
}

/// The versions that a Provenance names as its targets.
fn targets(provenance: &Json) -> impl Iterator<Item = (String, LogicalId, VersionId)> {
    provenance.items("target").iter().filter_map(|target| versioned(target.text_at(&["reference"])?))
}

/// The version of which this one is a revision.
fn revised(provenance: &Json) -> Option<VersionId> {
    let revision = provenance.items("entity").iter().find(|entity| entity.text_at(&["role"]) == Some("revision"))?;
    versioned(revision.text_at(&["what", "reference"])?).map(|(_, _, version)| version)
}

fn versioned(reference: &str) -> Option<(String, LogicalId, VersionId)> {
    let Literal { resource_type, id, version } = Target::parse(reference).literal()?;
    Some((resource_type.to_owned(), LogicalId::parse(id).ok()?, VersionId::parse(version?)?))
}
