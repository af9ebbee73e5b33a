//! The SR Document General module. PS3.3 §C.17.2.

use dicom_core::VR;
use dicom_dictionary_std::tags;

use crate::dicom::code::put_code;
use crate::dicom::element::{DataSet, put_empty, put_items, put_text};
use crate::dicom::sr::SopReference;
use crate::dicom::value::TextVr;

use super::super::super::ReportStatus;
use super::super::SrError;
use super::super::evidence::{Evidence, hierarchical};
use super::super::header::Header;

/// Puts flags, observers, requests, evidence and predecessor into the document.
pub(super) fn put(header: &mut Header<'_>, evidence: &Evidence<'_>) -> Result<(), SrError> {
    flags(header);
    verifying_observer(header)?;
    author(header);
    custodian(header);
    if let Some(item) = header.request_item() {
        put_items(&mut header.set, tags::REFERENCED_REQUEST_SEQUENCE, vec![item]);
    }
    predecessor(header);
    let items = evidence.of_study(&header.report.study.study_instance_uid);
    if !items.is_empty() {
        put_items(&mut header.set, tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE, items);
    }
    Ok(())
}

/// A draft is partial; what is readable but not verified is complete and preliminary. Our word for the
/// state, which the flags cannot tell apart, explains the completion flag, with the reason of a change.
fn flags(header: &mut Header<'_>) {
    let status = header.report.status;
    let completion = if status == ReportStatus::Draft { "PARTIAL" } else { "COMPLETE" };
    put_text(&mut header.set, tags::COMPLETION_FLAG, VR::CS, completion);
    let description = match &header.rendering.edition.reason {
        Some(reason) => format!("{}: {reason}", status.as_str()),
        None => status.as_str().to_owned(),
    };
    let description = header.coder.fit(TextVr::Lo, &description, "edition.reason");
    put_text(&mut header.set, tags::COMPLETION_FLAG_DESCRIPTION, VR::LO, description);
    let verification = if status.is_verified() { "VERIFIED" } else { "UNVERIFIED" };
    put_text(&mut header.set, tags::VERIFICATION_FLAG, VR::CS, verification);
    let preliminary = if status.is_unfinished() { "PRELIMINARY" } else { "FINAL" };
    put_text(&mut header.set, tags::PRELIMINARY_FLAG, VR::CS, preliminary);
}

fn verifying_observer(header: &mut Header<'_>) -> Result<(), SrError> {
    let verifier = header.report.verifier.clone();
    if !header.report.status.is_verified() {
        if verifier.is_some() {
            header.coder.losses.add("verifier", "is left out: only a verified version names its verifier");
        }
        return Ok(());
    }
    let (Some(verifier), Some(verified_at)) = (verifier, header.rendering.edition.verified_at) else {
        return Err(SrError::NotVerified);
    };
    let name = header.coder.name(&verifier.name, "verifier.name");
    if name.is_empty() {
        return Err(SrError::NotVerified);
    }
    let mut item = DataSet::new_empty();
    put_text(&mut item, tags::VERIFYING_OBSERVER_NAME, VR::PN, name);
    match header.coder.person(&verifier.id, &verifier.name, "verifier.id") {
        Some(id) => put_code(&mut item, tags::VERIFYING_OBSERVER_IDENTIFICATION_CODE_SEQUENCE, &id),
        None => put_empty(&mut item, tags::VERIFYING_OBSERVER_IDENTIFICATION_CODE_SEQUENCE, VR::SQ),
    }
    let organization = verifier.organization.unwrap_or_default();
    let organization = header.coder.fit(TextVr::Lo, &organization, "verifier.organization");
    let organization = if organization.is_empty() { NO_ORGANIZATION.to_owned() } else { organization };
    put_text(&mut item, tags::VERIFYING_ORGANIZATION, VR::LO, organization);
    put_text(&mut item, tags::VERIFICATION_DATE_TIME, VR::DT, verified_at.to_dicom_dt());
    put_items(&mut header.set, tags::VERIFYING_OBSERVER_SEQUENCE, vec![item]);
    Ok(())
}

fn author(header: &mut Header<'_>) {
    let author = header.report.author.clone();
    let mut item = DataSet::new_empty();
    put_text(&mut item, tags::OBSERVER_TYPE, VR::CS, "PSN");
    let name = TextVr::Pn.fit(&author.name.to_pn()).text;
    if name.is_empty() {
        return;
    }
    put_text(&mut item, tags::PERSON_NAME, VR::PN, name);
    match header.coder.person(&author.id, &author.name, "author.id") {
        Some(id) => put_code(&mut item, tags::PERSON_IDENTIFICATION_CODE_SEQUENCE, &id),
        None => put_empty(&mut item, tags::PERSON_IDENTIFICATION_CODE_SEQUENCE, VR::SQ),
    }
    put_empty(&mut item, tags::INSTITUTION_NAME, VR::LO);
    put_empty(&mut item, tags::INSTITUTION_CODE_SEQUENCE, VR::SQ);
    put_items(&mut header.set, tags::AUTHOR_OBSERVER_SEQUENCE, vec![item]);
}

fn custodian(header: &mut Header<'_>) {
    let name = TextVr::Lo.fit(&header.rendering.letterhead.organization).text;
    if name.is_empty() {
        return;
    }
    let mut item = DataSet::new_empty();
    put_text(&mut item, tags::INSTITUTION_NAME, VR::LO, name);
    put_empty(&mut item, tags::INSTITUTION_CODE_SEQUENCE, VR::SQ);
    put_items(&mut header.set, tags::CUSTODIAL_ORGANIZATION_SEQUENCE, vec![item]);
}

fn predecessor(header: &mut Header<'_>) {
    let Some(predecessor) = &header.rendering.edition.predecessor else { return };
    let sop = SopReference {
        sop_class_uid: predecessor.sop_class_uid.to_string(),
        sop_instance_uid: predecessor.sop_instance_uid.to_string(),
    };
    // All versions of a report are in one series.
    let item = hierarchical(&header.report.study.study_instance_uid, &header.series_uid(), &sop);
    put_items(&mut header.set, tags::PREDECESSOR_DOCUMENTS_SEQUENCE, vec![item]);
}

/// (0040,A027) is type 1; a verifier need not have an organization.
pub(in super::super) const NO_ORGANIZATION: &str = "not stated";
