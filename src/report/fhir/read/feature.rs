//! What findings and measurements have in common: id, site and side, images; and what belongs to one of
//! them alone: severity, urgency, tracking.

use crate::report::fhir::terms::{self, CRITICAL, SEVERITY, TRACKING_ID};
use crate::report::{Concept, ImageRef, Laterality, Severity};

use super::coded::{self, has_term, is_term};
use super::image;
use super::trace::Element;

/// What findings and measurements have in common.
pub(super) struct Common {
    pub(super) body_site: Option<Concept>,
    pub(super) laterality: Option<Laterality>,
    pub(super) images: Vec<ImageRef>,
}

/// The id of a finding or measurement: its own where we gave it one, else that of its record.
pub(super) fn id(observation: Element<'_, '_>) -> String {
    let own = ["finding", "measurement"].iter().find_map(|kind| {
        let identifier = observation.children("identifier").find(|identifier| super::is_own_kind(*identifier, kind))?;
        let (_, id) = identifier.peek("value")?.split_once('/')?;
        identifier.carry();
        Some(id.to_owned())
    });
    let listed = || {
        let identifier = observation.children("identifier").find(|identifier| !is_tracking_id(*identifier))?;
        let value = identifier.peek("value").filter(|value| value.chars().count() <= LONGEST_ID)?;
        identifier.carry_child("value");
        Some(value.to_owned())
    };
    own.or_else(listed).or_else(|| observation.peek("id").map(str::to_owned)).unwrap_or_else(|| "1".to_owned())
}

const LONGEST_ID: usize = 64;

pub(super) fn common(observation: Element<'_, '_>, path: &str) -> Common {
    let site = observation.child("bodySite");
    if let Some(site) = site {
        site.becomes(format!("{path}.bodySite"));
        site.becomes(format!("{path}.laterality"));
    }
    let (body_site, laterality) = site.map(body_site).unwrap_or_default();
    let mut images = Vec::new();
    for reference in observation.children("derivedFrom") {
        match reference.extension("image-reference") {
            Some(extension) => {
                extension.becomes(format!("{path}.image"));
                extension.becomes(format!("{path}.images[{}]", images.len()));
                images.extend(image::read(extension).map(|(image, _)| image));
                reference.resolve();
                reference.carry_child("reference");
            }
            None if reference.target().is_some_and(|target| target.resource_type() == Some("ImagingStudy")) => {
                reference.carry();
            }
            None => {}
        }
    }
    Common { body_site, laterality, images }
}

/// Site and side. The side is in our own extension, or a second coding.
fn body_site(site: Element<'_, '_>) -> (Option<Concept>, Option<Laterality>) {
    let side_of = |coding: Element<'_, '_>| {
        Laterality::ALL.iter().copied().find(|side| is_term(coding, terms::laterality(*side)))
    };
    let stated = site.extension("laterality");
    let side = match stated {
        Some(extension) => {
            // The words beside it are made from site and side.
            site.carry_child("text");
            extension.carry();
            extension.child("valueCoding").and_then(side_of)
        }
        None => site.children("coding").find_map(|coding| {
            let side = side_of(coding)?;
            coding.carry();
            Some(side)
        }),
    };
    let coding = site
        .children("coding")
        .find(|coding| side_of(*coding).is_none() && coding.peek("system").is_some() && coding.peek("code").is_some());
    (coding.and_then(|coding| coded::concept(coding, site.peek("text"))), side)
}

pub(super) fn severity(observation: Element<'_, '_>) -> Option<Severity> {
    let component = observation
        .children("component")
        .find(|component| component.child("code").is_some_and(|code| has_term(code, SEVERITY)))?;
    let value = component.child("valueCodeableConcept")?;
    let found = value
        .children("coding")
        .find_map(|coding| Severity::ALL.iter().copied().find(|severity| is_term(coding, terms::severity(*severity))));
    if found.is_some() {
        component.carry();
    }
    found
}

pub(super) fn is_critical(observation: Element<'_, '_>) -> bool {
    let mut critical = false;
    for interpretation in observation.children("interpretation") {
        if has_term(interpretation, CRITICAL) {
            critical = true;
        } else if interpretation.children("coding").any(|coding| {
            coding.peek("system") == Some(CRITICAL.system) && matches!(coding.peek("code"), Some("HH" | "LL"))
        }) {
            interpretation.lose("is carried as critical, without its direction");
            critical = true;
        }
    }
    critical
}

pub(super) fn tracking_id(observation: Element<'_, '_>, path: &str) -> Option<String> {
    let identifier = observation.children("identifier").find(|identifier| is_tracking_id(*identifier))?;
    identifier.becomes(format!("{path}.trackingId"));
    coded::value(identifier, |system| system.ends_with("/id/tracking")).map(str::to_owned)
}

fn is_tracking_id(identifier: Element<'_, '_>) -> bool {
    identifier.child("type").is_some_and(|kind| kind.children("coding").any(|coding| is_term(coding, TRACKING_ID)))
}
