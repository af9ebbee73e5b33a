//! capabilities. R4 http.html#capabilities: what this version does, and nothing else.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};

use crate::access::Actor;
use crate::fhir::capability::{Offer, ResourceOffer, Versioning, statement};
use crate::fhir::resource_type;
use crate::http::{AtTenant, CurrentRequest, FHIR_JSON, HttpError, fhir_format};
use crate::ops::Ops;
use crate::report::fhir::bundle::fhir_base;

/// `GET /fhir/r4/metadata`
pub(super) async fn capabilities(
    ops: web::Data<Ops>,
    tenant: AtTenant,
    current: CurrentRequest,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let format = fhir_format(&request)?;
    let base_url = fhir_base(&ops.base_url(&tenant.0));
    let installed = ops.supported_profiles(&Actor::system(tenant.0.clone(), "metadata", current.0)).await?;
    let mut profiles: HashMap<&str, Vec<&str>> = HashMap::new();
    for (resource_type, url) in &installed {
        profiles.entry(resource_type).or_default().push(url);
    }
    let types = resource_type::RESOURCE_TYPES.iter();
    let resources: Vec<ResourceOffer<'_>> =
        types.map(|kind| offer(kind, profiles.get(kind).map_or(&[], Vec::as_slice))).collect();
    let statement = statement(&Offer {
        software_version: env!("CARGO_PKG_VERSION"),
        base_url: &base_url,
        date: OFFERED_SINCE,
        patch_formats: &["application/json-patch+json", "application/fhir+json"],
        system_interactions: &["transaction", "batch", "search-system", "history-system"],
        resources: &resources,
        security: "Bearer tokens (RFC 6750), signed by this server.",
    });
    let body = if format.is_pretty { statement.to_pretty() } else { statement.to_text() };
    Ok(HttpResponse::Ok().content_type(FHIR_JSON).body(body))
}

fn offer<'a>(resource_type: &'a str, supported_profiles: &'a [&'a str]) -> ResourceOffer<'a> {
    ResourceOffer {
        resource_type,
        supported_profiles,
        interactions: if matches!(resource_type, "ImagingStudy" | "AuditEvent") { READ_ONLY } else { ALL },
        versioning: Versioning::VersionedUpdate,
        operations: operations(resource_type),
    }
}

fn operations(resource_type: &str) -> &'static [(&'static str, &'static str)] {
    match resource_type {
        "ValueSet" => &[
            ("validate", "Resource-validate"),
            ("expand", "ValueSet-expand"),
            ("validate-code", "ValueSet-validate-code"),
        ],
        "CodeSystem" => &[
            ("validate", "Resource-validate"),
            ("lookup", "CodeSystem-lookup"),
            ("validate-code", "CodeSystem-validate-code"),
            ("subsumes", "CodeSystem-subsumes"),
        ],
        _ => &[("validate", "Resource-validate")],
    }
}

const READ_ONLY: &[&str] = &["read", "vread", "history-instance", "history-type", "search-type"];
const ALL: &[&str] =
    &["read", "vread", "create", "update", "patch", "delete", "history-instance", "history-type", "search-type"];
/// When this offer last changed.
const OFFERED_SINCE: &str = "2026-11-22";
