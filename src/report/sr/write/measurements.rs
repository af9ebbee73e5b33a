//! Measurements as measurement groups. TID 1500 row 6, TID 1501, TID 300.

use crate::base::Uid;
use crate::dicom::code::Code;
use crate::dicom::sr::{ContentItem, ItemValue, NumericValue, Relationship};
use crate::dicom::value::{DecimalString, TextVr};

use super::super::super::model::Measurement;
use super::super::evidence::Evidence;
use super::super::header::Header;
use super::super::terms;
use super::narrative::place;

/// The container of all groups, if there are measurements.
///
/// Measurements that follow each other and are of the same lesion (tracking id, site, side) make a
/// group; one without a tracking id is a group of its own, which its id names. A group is never reached
/// over others, so that the order of the measurements stays.
pub(super) fn container(header: &mut Header<'_>, evidence: &mut Evidence<'_>) -> Option<ContentItem> {
    let measurements = header.report.measurements.clone();
    let mut groups = Vec::new();
    let mut open: Option<(&Measurement, ContentItem)> = None;
    for (index, measurement) in measurements.iter().enumerate() {
        let path = format!("measurements[{index}]");
        let item = number(header, evidence, measurement, &path);
        match &mut open {
            Some((first, group)) if belong_together(first, measurement) => group.children.push(item),
            _ => {
                groups.extend(open.take().map(|(_, group)| group));
                open = Some((measurement, group(header, measurement, &path).with([item])));
            }
        }
    }
    groups.extend(open.map(|(_, group)| group));
    let concept = terms::IMAGING_MEASUREMENTS.to_code();
    (!groups.is_empty()).then(|| ContentItem::container(Relationship::Contains, concept, groups))
}

fn belong_together(first: &Measurement, next: &Measurement) -> bool {
    first.tracking_id.is_some()
        && first.tracking_id == next.tracking_id
        && first.body_site == next.body_site
        && first.laterality == next.laterality
}

/// A group without its measurements: what is followed, and where it is.
fn group(header: &mut Header<'_>, measurement: &Measurement, path: &str) -> ContentItem {
    let tenant = header.rendering.edition.tenant.as_str();
    let patient = &header.report.patient;
    let uid = match &measurement.tracking_id {
        // The same lesion of the same patient has the same UID in all of the tenant's reports.
        Some(id) => Uid::derived(&["tracking", tenant, patient.issuer.as_deref().unwrap_or_default(), &patient.id, id]),
        None => Uid::derived(&["measurement", tenant, header.report.id.as_str(), &measurement.id]),
    };
    let (name, name_path) = match &measurement.tracking_id {
        Some(id) => (id, format!("{path}.trackingId")),
        None => (&measurement.id, format!("{path}.id")),
    };
    let name = header.coder.fit(TextVr::Ut, name, &name_path);
    let site = measurement.body_site.as_ref().map(|site| header.coder.code(site, &format!("{path}.bodySite")));
    let value = ItemValue::Container { is_continuous: false, template: Some("1501".to_owned()) };
    let context = Relationship::HasObsContext;
    ContentItem::new(Relationship::Contains, terms::MEASUREMENT_GROUP.to_code(), value)
        .with([
            ContentItem::text(context.clone(), terms::TRACKING_ID, name),
            ContentItem::new(context, terms::TRACKING_UID.to_code(), ItemValue::Uid(uid.to_string())),
        ])
        .with(place(&Relationship::HasConceptMod, site, measurement.laterality))
}

/// The measurement itself. Within a group of a tracked lesion, its own id is its tracking identifier.
fn number(header: &mut Header<'_>, evidence: &mut Evidence<'_>, measurement: &Measurement, path: &str) -> ContentItem {
    let coder = &mut header.coder;
    let label = coder.fit(TextVr::Ut, &measurement.label, &format!("{path}.label"));
    let concept = match &measurement.code {
        Some(code) => coder.code(code, &format!("{path}.code")),
        None => coder.coined('M', &measurement.label),
    };
    let ds = DecimalString::of(&measurement.value);
    let unit = coder.fit(TextVr::Ut, &measurement.unit, &format!("{path}.unit"));
    let value = NumericValue {
        floating_point: (!ds.is_exact).then(|| measurement.value.to_f64()),
        value: Some(ds.text),
        units: Some(Code::new(unit.as_str(), "UCUM", unit.as_str())),
        qualifier: None,
    };
    let mut children = Vec::new();
    if let Some(method) = &measurement.method {
        let method = coder.code(method, &format!("{path}.method"));
        children.push(ContentItem::code(Relationship::HasConceptMod, terms::MEASUREMENT_METHOD, method));
    }
    if label != concept.meaning {
        if label.is_empty() {
            coder.losses.add(format!("{path}.label"), "is empty; the code's meaning stands for it");
        } else {
            children.push(ContentItem::text(Relationship::HasConceptMod, terms::EQUIVALENT_MEANING, label));
        }
    }
    if measurement.tracking_id.is_some() {
        let id = coder.fit(TextVr::Ut, &measurement.id, &format!("{path}.id"));
        children.push(ContentItem::text(Relationship::HasObsContext, terms::TRACKING_ID, id));
    }
    if !ds.is_exact {
        let detail = "is rounded to 16 characters where readers look for it; all digits stand beside it as text";
        coder.losses.add(format!("{path}.value"), detail);
        let concept = coder.own(terms::EXACT_VALUE);
        children.push(ContentItem::text(Relationship::HasProperties, concept, measurement.value.as_str()));
    }
    if let Some(image) = &measurement.image
        && let Some(value) = evidence.image(image, &format!("{path}.image"), &mut coder.losses)
    {
        let concept = terms::SOURCE_OF_MEASUREMENT.to_code();
        children.push(ContentItem::new(Relationship::InferredFrom, concept, value));
    }
    ContentItem::new(Relationship::Contains, concept, ItemValue::Num(value)).with(children)
}
