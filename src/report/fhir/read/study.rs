//! ImagingStudy and ServiceRequest to the study and the order of a report.

use crate::base::{ProblemCode, TimeOfDay, Uid};
use crate::report::codes::systems;
use crate::report::fhir::terms::{DICOM_UID, URI};
use crate::report::{Concept, Order, Report, Study};

use super::Manner;
use super::coded::{self, is_of_type};
use super::patient;
use super::person;
use super::time::date_and_time;
use super::trace::Element;

/// The study reported on. `None` if it is not said which one it is; the trace has the reason then.
pub(super) fn read(report: Element<'_, '_>, manner: Manner) -> Option<Study> {
    let reference = report.children("imagingStudy").next();
    let resource = reference.and_then(Element::resolve);
    let uid = study_uid(report, reference, resource)?;
    let order = report.children("basedOn").next().and_then(Element::resolve);
    let mut study = Study {
        study_instance_uid: uid,
        accession_number: accession(report, resource, order),
        study_date: None,
        study_time: None,
        modality: None,
        description: None,
        body_site: None,
        referring_physician: None,
    };
    when(report, resource, manner, &mut study);
    if let Some(resource) = resource {
        resource.becomes("study");
    }
    match manner {
        Manner::Stated => stated(reference, resource, &mut study),
        Manner::Foreign => foreign(resource, &mut study),
    }
    if let Some(reference) = reference {
        reference.carry_child("display");
    }
    if let Some(resource) = resource {
        patient::same(resource, report);
        if resource.peek("status") == Some("registered") {
            resource.carry_child("status");
        }
        if let (Some(one), Some(other)) = (first_basis(resource), first_basis(report))
            && one.is_same(other)
        {
            resource.children("basedOn").take(1).for_each(Element::carry);
        }
    }
    Some(study)
}

/// Ticks off what an ImagingStudy says of images and of a procedure if the report says the same.
pub(super) fn repeats(report: Element<'_, '_>, read: &Report) {
    let Some(resource) = report.children("imagingStudy").next().and_then(Element::target) else {
        return;
    };
    let procedure = read.order.as_ref().and_then(|order| order.procedure_code.as_ref());
    for code in resource.children("procedureCode") {
        if let [coding] = code.json.items("coding")
            && procedure.is_some_and(|concept| coding.text_at(&["code"]) == Some(&concept.code))
        {
            code.carry();
        }
    }
    let images = read.referenced_images();
    for series in resource.children("series") {
        let of_series: Vec<_> =
            images.iter().filter(|image| series.peek("uid") == Some(image.series_instance_uid.as_str())).collect();
        if of_series.is_empty() {
            continue;
        }
        series.carry_child("uid");
        let listed = series.json.items("instance").len().to_string();
        if series.child("numberOfInstances").is_some_and(|count| count.json.as_number() == Some(&listed)) {
            series.carry_child("numberOfInstances");
        }
        if let Some(modality) =
            series.child("modality").filter(|coding| coding.peek("code") == read.study.modality.as_deref())
        {
            modality.carry();
        }
        for instance in series.children("instance") {
            let same = of_series.iter().find(|image| instance.peek("uid") == Some(image.sop_instance_uid.as_str()));
            if let Some(image) = same {
                instance.carry_child("uid");
                let class = image.sop_class_uid.as_ref().map(|uid| format!("urn:oid:{uid}"));
                if let Some(coding) =
                    instance.child("sopClass").filter(|coding| coding.peek("code") == class.as_deref())
                {
                    coding.carry();
                }
            }
        }
    }
}

/// The order that asked for the study.
pub(super) fn order(report: Element<'_, '_>, manner: Manner) -> Option<Order> {
    let basis = report.children("basedOn").next()?;
    let resource = basis.resolve();
    let found = resource.map(|request| Order {
        placer_number: number(request, "PLAC", "placer-order"),
        filler_number: number(request, "FILL", "filler-order"),
        procedure_code: request.child("code").and_then(|code| {
            code.becomes("order.procedureCode");
            coded::codeable(code, "")
        }),
    });
    basis.becomes("order");
    if let Some(request) = resource {
        patient::same(request, report);
        for (key, value) in [("intent", "order"), ("status", "unknown")] {
            if request.peek(key) == Some(value) {
                request.carry_child(key);
            }
        }
        // The one number of an order without numbers is that of our report.
        for identifier in request.children("identifier") {
            let ours = identifier.peek("system").is_some_and(|system| system.ends_with("/id/order-of-report"));
            if ours && manner == Manner::Stated {
                identifier.carry();
            }
        }
    }
    let order = if manner == Manner::Stated {
        let stated = basis.extension("reported-order")?;
        stated.carry();
        Order {
            placer_number: stated.part_text("placerNumber", "valueString").map(str::to_owned),
            filler_number: stated.part_text("fillerNumber", "valueString").map(str::to_owned),
            procedure_code: stated.part("procedureCode").and_then(stated_concept),
        }
    } else {
        found.unwrap_or_default()
    };
    (order != Order::default()).then_some(order)
}

/// A concept in a part of one of our extensions.
pub(super) fn stated_concept(part: Element<'_, '_>) -> Option<Concept> {
    let coding = part.child("valueCoding")?;
    coding.carry();
    let text = |key: &str| coding.peek(key).map(str::to_owned);
    Some(Concept { system: text("system")?, code: text("code")?, display: text("display").unwrap_or_default() })
}

/// The study instance UID, from wherever it stands.
fn study_uid(
    report: Element<'_, '_>,
    reference: Option<Element<'_, '_>>,
    resource: Option<Element<'_, '_>>,
) -> Option<Uid> {
    let is_uid = |identifier: &Element<'_, '_>| {
        identifier.peek("system") == Some(DICOM_UID)
            || (identifier.peek("system") == Some(URI)
                && identifier.peek("value").is_some_and(|value| value.starts_with("urn:oid:")))
    };
    let stated = reference.and_then(|reference| reference.child("identifier")).filter(is_uid);
    let listed = resource.and_then(|resource| resource.children("identifier").find(is_uid));
    let Some(identifier) = stated.or(listed) else {
        reference
            .unwrap_or(report)
            .problem(ProblemCode::Required, "imagingStudy: the study instance UID of the study must be there");
        return None;
    };
    let value = identifier.peek("value").unwrap_or_default();
    for place in [stated, listed].into_iter().flatten().filter(|place| place.peek("value") == Some(value)) {
        place.carry();
    }
    match Uid::parse(value.strip_prefix("urn:oid:").unwrap_or(value)) {
        Ok(uid) => Some(uid),
        Err(error) => {
            identifier.problem(ProblemCode::Value, format!("is no study instance UID: {error}"));
            None
        }
    }
}

/// The accession number, from wherever it stands; each place that has the same one is carried.
fn accession(
    report: Element<'_, '_>,
    study: Option<Element<'_, '_>>,
    order: Option<Element<'_, '_>>,
) -> Option<String> {
    let basis = report.children("basedOn").next().and_then(|basis| basis.child("identifier"));
    let places: Vec<_> = basis
        .into_iter()
        .chain(order.into_iter().flat_map(|order| order.children("identifier")))
        .chain(study.into_iter().flat_map(|study| study.children("identifier")))
        .chain(report.children("identifier"))
        .filter(|identifier| is_of_type(*identifier, "ACSN") && identifier.peek("value").is_some())
        .collect();
    let first = places.first()?;
    let number = first.peek("value")?;
    first.becomes("study.accessionNumber");
    for place in places.iter().filter(|place| place.peek("value") == Some(number)) {
        coded::value(*place, |system| system.ends_with("/id/accession"));
    }
    Some(number.to_owned())
}

/// When the study was made: as the report states it, else as the archive does, else the time of the report.
fn when(report: Element<'_, '_>, resource: Option<Element<'_, '_>>, manner: Manner, study: &mut Study) {
    let effective = ["effectiveDateTime", "effectiveInstant"].iter().find_map(|key| report.child(key));
    let period = report.child("effectivePeriod").and_then(|period| period.child("start"));
    let started = resource.and_then(|resource| resource.child("started"));
    let own = effective.or(period);
    let chosen = if manner == Manner::Stated { own } else { started.or(own) };
    if let Some(element) = chosen {
        element.becomes("study.studyDate");
        element.becomes("study.studyTime");
        (study.study_date, study.study_time) = date_and_time(element);
    }
    // The other place says nothing more if it has the same text, or names the same day and no time.
    let date = study.study_date.as_ref().map(ToString::to_string);
    let known = [date.as_deref(), chosen.and_then(|element| element.json.as_str())];
    for element in [own, started].into_iter().flatten() {
        if element.json.as_str().is_some_and(|text| known.contains(&Some(text))) {
            element.carry();
        }
    }
    let of_report = study_time(report, "_effectiveDateTime");
    let of_archive = resource.and_then(|resource| study_time(resource, "_started"));
    if study.study_date.is_some() && study.study_time.is_none() {
        let first =
            if manner == Manner::Stated { &of_report } else { of_archive.as_ref().map_or(&of_report, |_| &of_archive) };
        study.study_time = first.as_ref().map(|(_, time)| time.clone());
    }
    for (extension, time) in of_report.iter().chain(&of_archive) {
        if study.study_time.as_ref() == Some(time) {
            extension.carry();
        }
    }
}

/// The time of day beside a date, in our own extension.
fn study_time<'t, 'a>(resource: Element<'t, 'a>, key: &str) -> Option<(Element<'t, 'a>, TimeOfDay)> {
    let extension = resource.child(key)?.extension("study-time")?;
    Some((extension, TimeOfDay::parse(extension.peek("valueString")?)?))
}

/// What the report states of the study; the ImagingStudy is looked at for what it says beside that.
fn stated(reference: Option<Element<'_, '_>>, resource: Option<Element<'_, '_>>, study: &mut Study) {
    if let Some(stated) = reference.and_then(|reference| reference.extension("reported-study")) {
        let modality = stated.part("modality").and_then(|part| part.child("valueCoding"));
        study.modality = modality.and_then(|coding| coding.peek("code")).map(str::to_owned);
        study.description = stated.part_text("description", "valueString").map(str::to_owned);
        study.body_site = stated.part("bodySite").and_then(stated_concept);
        study.referring_physician = stated
            .part("referringPhysician")
            .and_then(|part| part.child("valueReference"))
            .and_then(|reference| person::referrer(reference, Manner::Stated));
        stated.carry();
    }
    let Some(resource) = resource else { return };
    for coding in resource.children("modality").filter(|coding| coding.peek("code") == study.modality.as_deref()) {
        coding.carry();
    }
    if resource.peek("description") == study.description.as_deref() {
        resource.carry_child("description");
    }
    if study.referring_physician.is_some()
        && let Some(referrer) = resource.child("referrer")
    {
        referrer.carry();
    }
}

/// What the ImagingStudy says.
fn foreign(resource: Option<Element<'_, '_>>, study: &mut Study) {
    let Some(resource) = resource else { return };
    let of_dicom = |coding: &Element<'_, '_>| coding.peek("system") == Some(systems::DCM);
    let of_series: Vec<_> = resource.children("series").filter_map(|series| series.child("modality")).collect();
    let modality = resource.children("modality").find(of_dicom);
    study.modality = match modality {
        Some(coding) => {
            coding.becomes("study.modality");
            coding.carry_child("system");
            coding.carry_child("display");
            coding.text("code").map(str::to_owned)
        }
        None => {
            of_series.iter().find(|coding| of_dicom(coding)).and_then(|coding| coding.peek("code")).map(str::to_owned)
        }
    };
    study.description = resource.text("description").map(str::to_owned);
    if let Some(description) = resource.child("description") {
        description.becomes("study.description");
    }
    study.body_site = resource.children("series").find_map(|series| {
        let coding = series.child("bodySite")?;
        let site = coded::concept(coding, None)?;
        coding.becomes("study.bodySite");
        series.lose("is not carried, but for its body site");
        Some(site)
    });
    study.referring_physician = resource.child("referrer").and_then(|referrer| {
        referrer.becomes("study.referringPhysician");
        person::referrer(referrer, Manner::Foreign)
    });
}

fn first_basis<'t, 'a>(resource: Element<'t, 'a>) -> Option<Element<'t, 'a>> {
    resource.children("basedOn").next().and_then(Element::target)
}

/// A number of the order.
fn number(request: Element<'_, '_>, kind: &str, ours: &str) -> Option<String> {
    let identifier = request.children("identifier").find(|identifier| is_of_type(*identifier, kind))?;
    let member = if kind == "PLAC" { "order.placerNumber" } else { "order.fillerNumber" };
    identifier.becomes(member);
    coded::value(identifier, |system| system.ends_with(&format!("/id/{ours}"))).map(str::to_owned)
}
