//! Sections, coded findings and measurements.

use std::collections::HashMap;

use crate::base::ProblemCode;
use crate::fhir::Json;
use crate::report::model::SectionKind;
use crate::report::{Finding, Laterality, Measurement, Sections, Severity};

use super::concept::{concept, unit};
use super::image::image;
use super::path::Path;
use super::reader::{Reader, block, decimal, dicom_line};
use super::subject::LONG;

/// The narrative.
pub(super) fn sections(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<Sections> {
    let members = reader.object(json, path, &SectionKind::ALL.map(SectionKind::json_name))?;
    let mut sections = Sections::default();
    for kind in SectionKind::ALL {
        *sections.slot(kind) = members.optional(reader, kind.json_name(), block(reader.limits.section));
    }
    Some(sections)
}

/// The coded findings, in order.
pub(super) fn findings(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<Vec<Finding>> {
    let mut seen = HashMap::new();
    let max = reader.limits.findings;
    reader.items(json, path, max, |reader, item, path| finding(reader, item, path, &mut seen))
}

/// The measurements, in order.
pub(super) fn measurements(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<Vec<Measurement>> {
    let mut seen = HashMap::new();
    let max = reader.limits.measurements;
    reader.items(json, path, max, |reader, item, path| measurement(reader, item, path, &mut seen))
}

fn finding(
    reader: &mut Reader<'_>,
    json: &Json,
    path: &Path<'_>,
    seen: &mut HashMap<String, String>,
) -> Option<Finding> {
    let known = ["id", "code", "text", "bodySite", "laterality", "severity", "critical", "images"];
    let members = reader.object(json, path, &known)?;
    let id = members.required(reader, "id", |reader, json, path| item_id(reader, json, path, seen));
    let code = members.optional(reader, "code", concept);
    let text = members.required(reader, "text", block(reader.limits.finding_text));
    let body_site = members.optional(reader, "bodySite", concept);
    let laterality = members.optional(reader, "laterality", laterality);
    let severity = members
        .optional(reader, "severity", |reader, json, path| reader.code(json, path, Severity::ALL, Severity::as_str));
    let critical = members.optional(reader, "critical", truth).unwrap_or_default();
    let max = reader.limits.images;
    let images = members.optional(reader, "images", |reader, json, path| reader.items(json, path, max, image));
    Some(Finding {
        id: id?,
        code,
        text: text?,
        body_site,
        laterality,
        severity,
        critical,
        images: images.unwrap_or_default(),
    })
}

fn measurement(
    reader: &mut Reader<'_>,
    json: &Json,
    path: &Path<'_>,
    seen: &mut HashMap<String, String>,
) -> Option<Measurement> {
    let known = ["id", "code", "label", "value", "unit", "bodySite", "laterality", "method", "trackingId", "image"];
    let members = reader.object(json, path, &known)?;
    let id = members.required(reader, "id", |reader, json, path| item_id(reader, json, path, seen));
    let code = members.optional(reader, "code", concept);
    let label = members.required(reader, "label", dicom_line(reader.limits.label));
    let value = members.required(reader, "value", decimal);
    let unit = members.required(reader, "unit", unit);
    let body_site = members.optional(reader, "bodySite", concept);
    let laterality = members.optional(reader, "laterality", laterality);
    let method = members.optional(reader, "method", concept);
    let tracking_id = members.optional(reader, "trackingId", dicom_line(LONG));
    let image = members.optional(reader, "image", image);
    Some(Measurement {
        id: id?,
        code,
        label: label?,
        value: value?,
        unit: unit?,
        body_site,
        laterality,
        method,
        tracking_id,
        image,
    })
}

fn item_id(
    reader: &mut Reader<'_>,
    json: &Json,
    path: &Path<'_>,
    seen: &mut HashMap<String, String>,
) -> Option<String> {
    let id = dicom_line(LONG)(reader, json, path)?;
    reader.note_id(&id, path, seen);
    Some(id)
}

fn laterality(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<Laterality> {
    reader.code(json, path, Laterality::ALL, Laterality::as_str)
}

fn truth(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<bool> {
    let truth = json.as_bool();
    if truth.is_none() {
        reader.problem(path, ProblemCode::Structure, "must be true or false");
    }
    truth
}
