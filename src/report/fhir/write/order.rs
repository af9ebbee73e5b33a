//! ServiceRequest: the order that asked for the study, as far as the report knows it.

use fhir_sdk::r4b::codes::{RequestIntent, RequestStatus};
use fhir_sdk::r4b::types::{Identifier, Reference};

use crate::fhir::Json;
use crate::report::Order;

use super::body::Body;
use super::patient::subject;
use super::types::{
    codeable, compound, concept_coding, concept_part, identifier, plain_identifier, reference, text_part,
};
use super::{Context, WriteError};

/// The ServiceRequest, if the report names an order or an accession number. Whether the order is done is
/// not for a report to say, so its status is `unknown`.
pub(super) fn write(context: &Context<'_>) -> Result<Option<Json>, WriteError> {
    if !exists(context) {
        return Ok(None);
    }
    let code = order(context).and_then(|order| order.procedure_code.as_ref());
    let code = code.map(|code| codeable(vec![concept_coding(code)?], None)).transpose()?;
    let body = Body::new("ServiceRequest", &context.ids.service_request, &context.source(), &[])?
        .with_all("identifier", &identifiers(context)?)?
        .with_text("status", RequestStatus::Unknown.as_ref())
        .with_text("intent", RequestIntent::Order.as_ref())
        .with_some("code", code.as_ref())?
        .with("subject", &subject(context)?)?;
    Ok(Some(body.finish()))
}

/// The order as the ground of the report, with what the report says of it.
pub(super) fn stated(context: &Context<'_>) -> Result<Option<Reference>, WriteError> {
    let Some(mut basis) = plain(context)? else {
        return Ok(None);
    };
    basis.identifier = accession(context)?;
    if let Some(order) = order(context) {
        let parts = [
            text_part("placerNumber", order.placer_number.as_deref())?,
            text_part("fillerNumber", order.filler_number.as_deref())?,
            concept_part("procedureCode", order.procedure_code.as_ref())?,
        ];
        basis.extension = vec![compound("reported-order", parts.into_iter().flatten().collect())?];
    }
    Ok(Some(basis))
}

/// The order alone.
pub(super) fn plain(context: &Context<'_>) -> Result<Option<Reference>, WriteError> {
    if exists(context) { Ok(Some(reference("ServiceRequest", &context.ids.service_request)?)) } else { Ok(None) }
}

/// The accession number. HL7 v2 table 0203, `ACSN`.
pub(super) fn accession(context: &Context<'_>) -> Result<Option<Identifier>, WriteError> {
    let number = context.rendering.report.study.accession_number.as_deref();
    Ok(number.map(|number| identifier("ACSN", "Accession ID", &context.system("accession"), number)).transpose()?)
}

fn exists(context: &Context<'_>) -> bool {
    context.rendering.report.study.accession_number.is_some() || order(context).is_some()
}

/// The order, if anything is known of it.
fn order<'a>(context: &'a Context<'_>) -> Option<&'a Order> {
    context.rendering.report.order.as_ref().filter(|order| **order != Order::default())
}

/// The numbers of the order; an order without any is that of this report.
fn identifiers(context: &Context<'_>) -> Result<Vec<Identifier>, WriteError> {
    let mut identifiers: Vec<Identifier> = accession(context)?.into_iter().collect();
    if let Some(order) = order(context) {
        if let Some(number) = &order.placer_number {
            identifiers.push(identifier("PLAC", "Placer Identifier", &context.system("placer-order"), number)?);
        }
        if let Some(number) = &order.filler_number {
            identifiers.push(identifier("FILL", "Filler Identifier", &context.system("filler-order"), number)?);
        }
    }
    if identifiers.is_empty() {
        let report = context.rendering.report.id.as_str();
        identifiers.push(plain_identifier(&context.system("order-of-report"), report)?);
    }
    Ok(identifiers)
}
