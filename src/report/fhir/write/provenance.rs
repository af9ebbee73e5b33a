//! Provenance: which versions of which resources make up a version of the report, who made it and why.

use fhir_sdk::r4b::codes::ProvenanceEntityRole;
use fhir_sdk::r4b::resources::{ProvenanceAgent, ProvenanceEntity};
use fhir_sdk::r4b::types::{CodeableConcept, Reference};

use crate::base::VersionId;
use crate::fhir::Json;
use crate::fhir::reference::Literal;
use crate::report::Rendering;
use crate::report::fhir::ids::{Ids, provenance_id};
use crate::report::fhir::terms::{AUTHOR, CUSTODIAN, VERIFIER};

use super::body::Body;
use super::claims::Claims;
use super::types::{codeable, coding, term_concept};
use super::{Context, WriteError, organization, person};

/// The Provenance of a version of a report.
///
/// `resources` are what [`super::resources`] made, and `version_of` tells type and id which version each
/// has in the store; where it says nothing the reference names no version. The report's own resources are
/// targets, the shared ones are sources.
pub fn provenance(
    rendering: &Rendering<'_>,
    ids: &Ids,
    resources: &[Json],
    version_of: &dyn Fn(&str, &str) -> Option<VersionId>,
) -> Result<Json, WriteError> {
    let context = Context { rendering, ids, claims: Claims::of(rendering) };
    let report = &rendering.report.id;
    let edition = rendering.edition;
    let mut targets = Vec::new();
    let mut entities = Vec::new();
    if let Some(predecessor) = &edition.predecessor {
        let version = predecessor.version.to_string();
        let literal = Literal { version: Some(&version), ..Literal::new("DiagnosticReport", report.as_str()) };
        entities.push(entity(ProvenanceEntityRole::Revision, literal)?);
    }
    for resource in resources {
        let (Some(resource_type), Some(id)) = (resource.text_at(&["resourceType"]), resource.text_at(&["id"])) else {
            continue;
        };
        let version = version_of(resource_type, id).map(|version| version.to_string());
        let literal = Literal { resource_type, id, version: version.as_deref() };
        if OWN_TYPES.contains(&resource_type) {
            targets.push(reference(literal)?);
        } else {
            entities.push(entity(ProvenanceEntityRole::Source, literal)?);
        }
    }
    let reason = edition.reason.as_deref().map(|reason| codeable(Vec::new(), Some(reason))).transpose()?;
    let body = Body::new("Provenance", &provenance_id(report, edition.version), &context.source(), &[])?
        .with_all("target", &targets)?
        .with_text("recorded", &edition.recorded_at.to_fhir())
        .with_all("reason", &reason.into_iter().collect::<Vec<_>>())?
        .with("activity", &activity(edition.version)?)?
        .with_all("agent", &agents(&context)?)?
        .with_all("entity", &entities)?;
    Ok(body.finish())
}

/// The types of which a report has resources for itself.
const OWN_TYPES: [&str; 3] = ["DiagnosticReport", "Observation", "DocumentReference"];

fn agents(context: &Context<'_>) -> Result<Vec<ProvenanceAgent>, WriteError> {
    let author =
        ProvenanceAgent::builder().r#type(term_concept(AUTHOR)?).who(person::author_reference(context)?).build()?;
    let mut agents = vec![author];
    // Before someone has verified a version its verifier is only meant to.
    if let Some(verifier) =
        person::verifier_reference(context)?.filter(|_| context.rendering.report.status.is_verified())
    {
        let mut agent = ProvenanceAgent::builder().r#type(term_concept(VERIFIER)?).who(verifier).build()?;
        agent.on_behalf_of = organization::of_verifier(context)?;
        agents.push(agent);
    }
    if let Some(custodian) = organization::issuer(context)? {
        agents.push(ProvenanceAgent::builder().r#type(term_concept(CUSTODIAN)?).who(custodian).build()?);
    }
    Ok(agents)
}

fn activity(version: VersionId) -> Result<CodeableConcept, WriteError> {
    let (code, display) = if version == VersionId::FIRST { ("CREATE", "create") } else { ("UPDATE", "revise") };
    let operation = coding("http://terminology.hl7.org/CodeSystem/v3-DataOperation", code, Some(display))?;
    Ok(codeable(vec![operation], None)?)
}

fn entity(role: ProvenanceEntityRole, literal: Literal<'_>) -> Result<ProvenanceEntity, WriteError> {
    Ok(ProvenanceEntity::builder().role(role).what(reference(literal)?).build()?)
}

fn reference(literal: Literal<'_>) -> Result<Reference, WriteError> {
    Ok(Reference::builder().reference(literal.to_string()).build()?)
}
