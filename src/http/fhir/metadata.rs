//! capabilities. R4 http.html#capabilities: what this version does, and nothing else.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};

use crate::access::Actor;
use crate::base::TenantId;
use crate::fhir::capability::{Offer, ResourceOffer, Versioning, statement};
use crate::fhir::resource_type::RESOURCE_TYPES;
use crate::http::{AtTenant, CurrentRequest, FHIR_JSON, HttpError, fhir_format};
use crate::ops::Ops;
use crate::report::fhir::bundle::fhir_base;

/// What the URLs of the operations on subscriptions begin with.
macro_rules! backport {
    () => {
        "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-"
    };
}

/// `GET /fhir/r4/metadata`
pub(super) async fn capabilities(
    ops: web::Data<Ops>,
    tenant: AtTenant,
    current: CurrentRequest,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let format = fhir_format(&request)?;
    let base_url = fhir_base(&ops.base_url(&tenant.0));
    let operations: Vec<Vec<(&str, &str)>> = RESOURCE_TYPES.iter().map(|kind| operations(kind, &ops)).collect();
    let installed = ops.supported_profiles(&Actor::system(tenant.0.clone(), "metadata", current.0)).await?;
    let mut profiles: HashMap<&str, Vec<&str>> = HashMap::new();
    profiles.entry("Subscription").or_default().push(BACKPORT_SUBSCRIPTION);
    for (resource_type, url) in &installed {
        profiles.entry(resource_type).or_default().push(url);
    }
    let resources: Vec<ResourceOffer<'_>> = RESOURCE_TYPES
        .iter()
        .zip(&operations)
        .map(|(kind, operations)| ResourceOffer {
            resource_type: kind,
            supported_profiles: profiles.get(kind).map_or(&[], Vec::as_slice),
            interactions: if is_read_only(kind, &ops) { READ_ONLY } else { ALL },
            versioning: Versioning::VersionedUpdate,
            documentation: documentation(kind, &ops),
            operations,
        })
        .collect();
    let web = format!("{}/dicom-web", ops.base_url(&tenant.0));
    let imaging = format!(
        "Images: DICOMweb at {web} (QIDO-RS, WADO-RS, STOW-RS), which Endpoint resources of ImagingStudy name; WADO-URI \
         at {}/wado. What is offered over DICOM is said at {}/conformance.",
        ops.base_url(&tenant.0),
        ops.base_url(&TenantId::default_tenant()),
    );
    let catalog = ops.parameters(&tenant.0).await?;
    let statement = statement(&Offer {
        software_version: env!("CARGO_PKG_VERSION"),
        base_url: &base_url,
        date: OFFERED_SINCE,
        patch_formats: &["application/json-patch+json", "application/fhir+json"],
        system_interactions: &["transaction", "batch", "search-system", "history-system"],
        system_operations: &[META],
        resources: &resources,
        registry: catalog.registry(),
        security: "Bearer tokens (RFC 6750), signed by this server.",
        documentation: &imaging,
    });
    let body = if format.is_pretty { statement.to_pretty() } else { statement.to_text() };
    Ok(HttpResponse::Ok().content_type(FHIR_JSON).body(body))
}

fn is_read_only(resource_type: &str, ops: &Ops) -> bool {
    match resource_type {
        "AuditEvent" => true,
        "ImagingStudy" => !ops.settings().stores_imaging_studies,
        _ => false,
    }
}

/// What is special about a type.
fn documentation(resource_type: &str, ops: &Ops) -> &'static str {
    match resource_type {
        "ImagingStudy" if ops.settings().stores_imaging_studies => {
            "Made from DICOM studies that are kept here; others can be written."
        }
        "ImagingStudy" => "Made from DICOM studies that are kept here, changed and deleted with them; read-only.",
        "Endpoint" => "Those of ImagingStudy lead to WADO-RS of this server (connection type dicom-wado-rs).",
        _ => "",
    }
}

/// What can be done with a type beside the interactions: name, and the OperationDefinition of R4 or its URL.
fn operations(resource_type: &str, ops: &Ops) -> Vec<(&'static str, &'static str)> {
    let own: &[(&str, &str)] = match resource_type {
        "ValueSet" => &[("expand", "ValueSet-expand"), ("validate-code", "ValueSet-validate-code")],
        "CodeSystem" => &[
            ("lookup", "CodeSystem-lookup"),
            ("validate-code", "CodeSystem-validate-code"),
            ("subsumes", "CodeSystem-subsumes"),
        ],
        "Patient" => &[("everything", "Patient-everything")],
        "Observation" => &[("lastn", "Observation-lastn")],
        "DocumentReference" => &[("docref", "http://hl7.org/fhir/us/core/OperationDefinition/docref")],
        "Subscription" => &[
            ("status", concat!(backport!(), "status")),
            ("events", concat!(backport!(), "events")),
            ("get-ws-binding-token", concat!(backport!(), "get-ws-binding-token")),
        ],
        _ => &[],
    };
    let changes: &[(&str, &str)] = if is_read_only(resource_type, ops) { &[] } else { META_CHANGES };
    own.iter().chain([&VALIDATE, &META]).chain(changes).copied().collect()
}

const BACKPORT_SUBSCRIPTION: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription";
const VALIDATE: (&str, &str) = ("validate", "Resource-validate");
const META: (&str, &str) = ("meta", "Resource-meta");
const META_CHANGES: &[(&str, &str)] = &[("meta-add", "Resource-meta-add"), ("meta-delete", "Resource-meta-delete")];
const READ_ONLY: &[&str] = &["read", "vread", "history-instance", "history-type", "search-type"];
const ALL: &[&str] =
    &["read", "vread", "create", "update", "patch", "delete", "history-instance", "history-type", "search-type"];
/// When this offer last changed.
const OFFERED_SINCE: &str = "2026-11-22";
