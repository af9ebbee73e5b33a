//! A report version as one Bundle: a collection, which is its FHIR twin, and a transaction, which puts it
//! into another server. The same version gives the same bytes.

use crate::base::LogicalId;
use crate::fhir::bundle::{BundleType, Entry, Request, bundle};
use crate::fhir::reference::{Literal, Target};
use crate::fhir::{Json, Object, uri};
use crate::report::{Rendered, Rendering, Twin};

use super::ids::Ids;
use super::write::{Attachment, WriteError, identifier_system, provenance, resources};

/// The FHIR base URL of a public base URL.
pub fn fhir_base(public_url: &str) -> String {
    format!("{public_url}/fhir/r4")
}

/// The content bundle as a file. A report is carried whole; what was missing from the archive is said.
pub fn render(rendering: &Rendering<'_>, ids: &Ids, attachments: &[Attachment<'_>]) -> Result<Rendered, WriteError> {
    Ok(Rendered {
        twin: Twin::Fhir,
        bytes: content_bundle(rendering, ids, attachments)?.to_text().into_bytes(),
        sop: None,
        losses: rendering.missing.clone(),
    })
}

/// The `collection` of all resources of a report version.
pub fn content_bundle(
    rendering: &Rendering<'_>,
    ids: &Ids,
    attachments: &[Attachment<'_>],
) -> Result<Json, WriteError> {
    let edition = rendering.edition;
    let mut all = resources(rendering, ids, attachments)?;
    let version_of = |resource_type: &str, _id: &str| (resource_type == "DiagnosticReport").then_some(edition.version);
    all.push(provenance(rendering, ids, &all, &version_of)?);
    let base = fhir_base(rendering.public_url);
    let entries = all
        .into_iter()
        .map(|mut resource| {
            let (resource_type, id) = identity(&resource);
            let full_url = format!("{base}/{}", Literal::new(&resource_type, &id));
            if resource_type == "DiagnosticReport" {
                stamp(&mut resource, rendering);
            }
            Entry { full_url, resource, request: None }
        })
        .collect();
    Ok(assembled(BundleType::Collection, rendering, entries))
}

/// The `transaction` that puts a report version into another server, however often it is sent: shared
/// resources are created unless one with their identifier is there, the report's own are updated by
/// their identifiers, and its Provenance, which has none, is told by a tag. R4 http.html#transaction.
pub fn transaction_bundle(
    rendering: &Rendering<'_>,
    ids: &Ids,
    attachments: &[Attachment<'_>],
) -> Result<Json, WriteError> {
    let mut all = resources(rendering, ids, attachments)?;
    all.push(provenance(rendering, ids, &all, &|_, _| None)?);
    let entries = all
        .into_iter()
        .map(|mut resource| {
            let (resource_type, id) = identity(&resource);
            let tag = (resource_type == "Provenance").then(|| version_tag(&mut resource, rendering));
            localise(&mut resource, rendering);
            let request = request(&resource_type, &resource, tag);
            if let Some(object) = resource.as_object_mut() {
                object.remove("id");
            }
            Entry { full_url: urn(&resource_type, &id), resource, request: Some(request) }
        })
        .collect();
    Ok(assembled(BundleType::Transaction, rendering, entries))
}

fn assembled(bundle_type: BundleType, rendering: &Rendering<'_>, entries: Vec<Entry>) -> Json {
    let edition = rendering.edition;
    let id = LogicalId::derived(&[
        "Bundle",
        bundle_type.as_str(),
        edition.tenant.as_str(),
        rendering.report.id.as_str(),
        &edition.version.to_string(),
    ]);
    bundle(bundle_type, id.as_str(), &edition.recorded_at.to_fhir(), entries)
}

/// Version and time of the DiagnosticReport, which are those of the edition, so that the Provenance
/// points at what is in the bundle.
fn stamp(report: &mut Json, rendering: &Rendering<'_>) {
    let edition = rendering.edition;
    if let Some(meta) = report.as_object_mut().and_then(|object| object.get_mut("meta")).and_then(Json::as_object_mut) {
        meta.set("versionId", Json::string(edition.version.to_string()));
        meta.set("lastUpdated", Json::string(edition.recorded_at.to_fhir()));
    }
}

fn identity(resource: &Json) -> (String, String) {
    let text = |key: &str| resource.text_at(&[key]).unwrap_or_default().to_owned();
    (text("resourceType"), text("id"))
}

fn urn(resource_type: &str, id: &str) -> String {
    format!("urn:uuid:{}", LogicalId::derived(&["Bundle.entry", resource_type, id]))
}

/// Turns references into those of the bundle's entries. A version that is not in the bundle, the
/// predecessor, is named by the report's identifier.
fn localise(json: &mut Json, rendering: &Rendering<'_>) {
    match json {
        Json::Array(items) => items.iter_mut().for_each(|item| localise(item, rendering)),
        Json::Object(object) => {
            object.iter_mut().for_each(|(_, value)| localise(value, rendering));
            if let Some(text) = object.get("reference").and_then(Json::as_str).map(str::to_owned)
                && let Target::Relative(literal) = Target::parse(&text)
            {
                match literal.version {
                    None => {
                        object.set("reference", Json::string(urn(literal.resource_type, literal.id)));
                    }
                    Some(version) => {
                        let identifier = Object::new()
                            .with("system", Json::string(identifier_system(rendering.public_url, "report")))
                            .with("value", Json::string(literal.id));
                        object.remove("reference");
                        object.set("identifier", identifier.into());
                        object.set("display", Json::string(format!("Version {version}")));
                    }
                }
            }
        }
        _ => {}
    }
}

/// Tags the Provenance with the report version that it speaks of. Returns system and code.
fn version_tag(provenance: &mut Json, rendering: &Rendering<'_>) -> (String, String) {
    let system = identifier_system(rendering.public_url, "report-version");
    let code = format!("{}/{}", rendering.report.id, rendering.edition.version);
    let tag = Object::new().with("system", Json::string(&system)).with("code", Json::string(&code));
    if let Some(meta) =
        provenance.as_object_mut().and_then(|object| object.get_mut("meta")).and_then(Json::as_object_mut)
    {
        meta.set("tag", Json::Array(vec![tag.into()]));
    }
    (system, code)
}

fn request(resource_type: &str, resource: &Json, tag: Option<(String, String)>) -> Request {
    let name = resource_type.to_owned();
    if let Some((system, code)) = tag {
        let search = format!("_tag={}", uri::token(Some(&system), &code));
        return Request { method: "POST", url: name, if_none_exist: Some(search) };
    }
    let value = resource.text_at(&["identifier", "0", "value"]).unwrap_or_default();
    let search = format!("identifier={}", uri::token(resource.text_at(&["identifier", "0", "system"]), value));
    match resource_type {
        "DiagnosticReport" | "Observation" | "DocumentReference" => {
            Request { method: "PUT", url: format!("{name}?{search}"), if_none_exist: None }
        }
        _ => Request { method: "POST", url: name, if_none_exist: Some(search) },
    }
}

#[cfg(test)]
mod tests;
