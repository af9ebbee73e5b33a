//! Organization: who issues the report, and for whom its verifier answers.

use fhir_sdk::r4b::types::{Address, Reference};

use crate::base::LogicalId;
use crate::fhir::Json;

use super::body::Body;
use super::claims::ORGANIZATION;
use super::types::{plain_identifier, reference};
use super::{Context, WriteError};

/// The Organizations, each id once.
pub(super) fn write_all(context: &Context<'_>) -> Result<Vec<Json>, WriteError> {
    let mut resources = Vec::new();
    let letterhead = context.rendering.letterhead;
    if has_issuer(context) {
        resources.push(write(context, &context.ids.organization, &letterhead.organization, &letterhead.lines)?);
    }
    if let Some(name) = verifier_organization(context) {
        let written = has_issuer(context) && context.ids.verifier_organization == context.ids.organization;
        if !written {
            resources.push(write(context, &context.ids.verifier_organization, name, &[])?);
        }
    }
    Ok(resources)
}

/// The organization that issues the report, if the letterhead names one.
pub(super) fn issuer(context: &Context<'_>) -> Result<Option<Reference>, WriteError> {
    if !has_issuer(context) {
        return Ok(None);
    }
    named(&context.ids.organization, &context.rendering.letterhead.organization).map(Some)
}

/// The verifier's organization, if the report names one.
pub(super) fn of_verifier(context: &Context<'_>) -> Result<Option<Reference>, WriteError> {
    verifier_organization(context).map(|name| named(&context.ids.verifier_organization, name)).transpose()
}

fn has_issuer(context: &Context<'_>) -> bool {
    !context.rendering.letterhead.organization.is_empty()
}

fn verifier_organization<'a>(context: &'a Context<'_>) -> Option<&'a str> {
    context.rendering.report.verifier.as_ref()?.organization.as_deref()
}

fn named(id: &LogicalId, name: &str) -> Result<Reference, WriteError> {
    let mut reference = reference("Organization", id)?;
    reference.display = Some(name.to_owned());
    Ok(reference)
}

fn write(context: &Context<'_>, id: &LogicalId, name: &str, lines: &[String]) -> Result<Json, WriteError> {
    let address = match lines {
        [] => Vec::new(),
        lines => vec![Address::builder().text(lines.join("\n")).build()?],
    };
    let body = Body::new("Organization", id, &context.source(), &[ORGANIZATION])?
        .with_all("identifier", &[plain_identifier(&context.system("organization"), name)?])?
        .with("active", &true)?
        .with_text("name", name)
        .with_all("address", &address)?;
    Ok(body.finish())
}
