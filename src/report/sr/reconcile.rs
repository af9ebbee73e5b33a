//! The report against what the archive knows of the study: the same patient, or nothing is sent.

use std::collections::HashMap;

use crate::base::{Date, TimeOfDay, Uid};
use crate::dicom::study::StudyFacts;
use crate::dicom::value::TextVr;

use super::super::model::{ImageRef, PersonName};
use super::super::{Losses, Report};
use super::SrError;

/// The report with what it does not say about the study filled in from the archive. What both say and
/// say differently stays as the report has it, and is named; another patient is an error.
pub(crate) fn reconcile(report: &Report, facts: &StudyFacts) -> Result<(Report, Losses), SrError> {
    let mut losses = Losses::new();
    let mut report = report.clone();
    same_patient(&report, facts, &mut losses)?;
    let study = &mut report.study;
    let line = |vr: TextVr, text: &Option<String>| {
        text.as_deref().map(|text| vr.fit(text).text).filter(|text| !text.is_empty())
    };
    let referring = facts.referring_physician.as_deref().and_then(PersonName::from_pn);
    let referring = referring.filter(|name| *name != PersonName::default());
    let date = facts.study_date.as_deref().and_then(Date::parse_da);
    let time = facts.study_time.as_deref().and_then(TimeOfDay::parse_tm);
    let may_take_time = study.study_date.is_none() || study.study_date == date;
    complete(
        &mut study.accession_number,
        line(TextVr::Sh, &facts.accession_number),
        "study.accessionNumber",
        &mut losses,
    );
    complete(&mut study.study_date, date, "study.studyDate", &mut losses);
    if may_take_time && study.study_date.is_some() {
        complete(&mut study.study_time, time, "study.studyTime", &mut losses);
    }
    complete(&mut study.description, line(TextVr::Lo, &facts.description), "study.description", &mut losses);
    complete(&mut study.referring_physician, referring, "study.referringPhysician", &mut losses);
    sop_classes(&mut report, facts);
    Ok((report, losses))
}

fn same_patient(report: &Report, facts: &StudyFacts, losses: &mut Losses) -> Result<(), SrError> {
    let said =
        |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let patient = &report.patient;
    if said(&facts.patient_id).is_some_and(|id| id != patient.id.trim()) {
        return Err(SrError::PatientMismatch { element: "patient.id" });
    }
    let birth_date = said(&facts.patient_birth_date);
    if let (Some(archived), Some(reported)) = (birth_date.as_deref(), &patient.birth_date) {
        match Date::parse_da(archived) {
            Some(archived) if archived != *reported => {
                return Err(SrError::PatientMismatch { element: "patient.birthDate" });
            }
            Some(_) => {}
            None => losses.add("patient.birthDate", "the archive's is no date and could not be compared"),
        }
    }
    let mut compare = |archived: Option<String>, reported: Option<String>, path: &str| {
        if let (Some(archived), Some(reported)) = (archived, reported)
            && archived != reported
        {
            losses.add(path, DIFFERS);
        }
    };
    let folded = |name: &PersonName| Some(name.to_pn().to_lowercase());
    compare(said(&facts.issuer_of_patient_id), said(&patient.issuer), "patient.issuer");
    compare(said(&facts.patient_sex), patient.sex.map(|sex| sex.as_str().to_owned()), "patient.sex");
    let archived = said(&facts.patient_name);
    let folded_name = archived.map(|pn| PersonName::from_pn(&pn).as_ref().map_or(Some(pn.to_lowercase()), folded));
    compare(folded_name.flatten(), folded(&patient.name), "patient.name");
    Ok(())
}

/// Fills in SOP classes from the archive, and from other places of the report that name the instance.
fn sop_classes(report: &mut Report, facts: &StudyFacts) {
    let mut known: HashMap<Uid, Uid> = HashMap::new();
    for image in report.referenced_images() {
        let archived = facts.instance(&image.sop_instance_uid).map(|(_, instance)| &instance.sop_class_uid);
        if let Some(class) = archived.or(image.sop_class_uid.as_ref()) {
            known.entry(image.sop_instance_uid.clone()).or_insert_with(|| class.clone());
        }
    }
    for image in images_mut(report).filter(|image| image.sop_class_uid.is_none()) {
        image.sop_class_uid = known.get(&image.sop_instance_uid).cloned();
    }
}

fn images_mut(report: &mut Report) -> impl Iterator<Item = &mut ImageRef> {
    let of_findings = report.structured_findings.iter_mut().flat_map(|finding| &mut finding.images);
    let of_measurements = report.measurements.iter_mut().filter_map(|measurement| measurement.image.as_mut());
    of_findings.chain(of_measurements).chain(report.key_images.iter_mut().map(|key| &mut key.image))
}

fn complete<T: PartialEq>(reported: &mut Option<T>, archived: Option<T>, path: &str, losses: &mut Losses) {
    match (reported.as_ref(), archived) {
        (None, archived) => *reported = archived,
        (Some(reported), Some(archived)) if *reported != archived => losses.add(path, DIFFERS),
        _ => {}
    }
}

const DIFFERS: &str = "differs from the archive's; the report's is written";
