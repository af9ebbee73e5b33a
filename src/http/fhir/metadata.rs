//! capabilities. R4 http.html#capabilities: what this version does, and nothing else.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::fhir::capability::{Offer, ResourceOffer, Versioning, statement};
use crate::fhir::resource_type::RESOURCE_TYPES;
use crate::http::{AtTenant, FHIR_JSON, HttpError, fhir_format};
use crate::ops::Ops;
use crate::report::fhir::bundle::fhir_base;

/// `GET /fhir/r4/metadata`
pub(super) async fn capabilities(
    ops: web::Data<Ops>,
    tenant: AtTenant,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let format = fhir_format(&request)?;
    let base_url = fhir_base(&ops.base_url(&tenant.0));
    let operations: Vec<Vec<(&str, &str)>> = RESOURCE_TYPES.iter().map(|kind| operations(kind)).collect();
    let resources: Vec<ResourceOffer<'_>> = RESOURCE_TYPES
        .iter()
        .zip(&operations)
        .map(|(kind, operations)| offer(kind, is_read_only(kind, &ops), operations))
        .collect();
    let statement = statement(&Offer {
        software_version: env!("CARGO_PKG_VERSION"),
        base_url: &base_url,
        date: OFFERED_SINCE,
        patch_formats: &["application/json-patch+json", "application/fhir+json"],
        system_interactions: &["transaction", "batch", "search-system", "history-system"],
        system_operations: &[META],
        resources: &resources,
        security: "Bearer tokens (RFC 6750), signed by this server.",
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

fn offer<'a>(resource_type: &'a str, is_read_only: bool, operations: &'a [(&'a str, &'a str)]) -> ResourceOffer<'a> {
    ResourceOffer {
        resource_type,
        supported_profiles: &[],
        interactions: if is_read_only { READ_ONLY } else { ALL },
        versioning: Versioning::VersionedUpdate,
        operations,
    }
}

/// What can be done with a type beside the interactions: name, and the OperationDefinition of R4 or its URL.
fn operations(resource_type: &str) -> Vec<(&'static str, &'static str)> {
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
        _ => &[],
    };
    let changes: &[(&str, &str)] = if is_read_only(resource_type) { &[] } else { META_CHANGES };
    own.iter().chain([&META]).chain(changes).copied().collect()
}

fn is_read_only(resource_type: &str) -> bool {
    matches!(resource_type, "ImagingStudy" | "AuditEvent")
}

const META: (&str, &str) = ("meta", "Resource-meta");
const META_CHANGES: &[(&str, &str)] = &[("meta-add", "Resource-meta-add"), ("meta-delete", "Resource-meta-delete")];
const READ_ONLY: &[&str] = &["read", "vread", "history-instance", "history-type", "search-type"];
const ALL: &[&str] =
    &["read", "vread", "create", "update", "patch", "delete", "history-instance", "history-type", "search-type"];
/// When this offer last changed.
const OFFERED_SINCE: &str = "2026-11-22";
