use super::*;
use crate::base::{Uid, VersionId};
use crate::dicom::study::{InstanceFacts, SeriesFacts, StudyFacts};
use crate::report::ReportStatus;
use crate::report::fhir::testing::{Case, small};

fn write(case: &Case) -> Vec<Json> {
    let ids = Ids::derived(&case.report, &case.letterhead);
    resources(&case.rendering(), &ids, &case.attachments()).expect("writes")
}

fn of_type<'a>(written: &'a [Json], resource_type: &str) -> Vec<&'a Json> {
    written.iter().filter(|resource| resource.text_at(&["resourceType"]) == Some(resource_type)).collect()
}

#[test]
fn each_resource_is_written_once() {
    let mut case = Case::of(small());
    let count = |case: &Case, name: &str| of_type(&write(case), name).len();
    let expected = [
        ("DiagnosticReport", 1),
        ("Patient", 1),
        ("ImagingStudy", 1),
        ("ServiceRequest", 1),
        ("Practitioner", 3),
        ("Organization", 2),
        ("Observation", 2),
        ("DocumentReference", 1),
    ];
    for (name, expected) in expected {
        assert_eq!(count(&case, name), expected, "{name}");
    }
    if let Some(verifier) = &mut case.report.verifier {
        verifier.id = case.report.author.id.clone();
        verifier.organization = Some(case.letterhead.organization.clone());
    }
    case.report.study.accession_number = None;
    case.report.order = None;
    assert_eq!(count(&case, "Practitioner"), 2);
    assert_eq!(count(&case, "Organization"), 1);
    assert_eq!(count(&case, "ServiceRequest"), 0);
}

#[test]
fn measured_digits_and_times_are_kept() {
    let written = write(&Case::of(small()));
    let values: Vec<_> = of_type(&written, "Observation")
        .into_iter()
        .filter_map(|observation| observation.at(&["valueQuantity", "value"]).and_then(Json::as_number))
        .collect();
    assert_eq!(values, ["12.50"]);
    let report = of_type(&written, "DiagnosticReport")[0];
    assert_eq!(report.text_at(&["effectiveDateTime"]), Some("2026-02-02"));
    assert_eq!(report.text_at(&["_effectiveDateTime", "extension", "0", "valueString"]), Some("08:05:09.120"));
}

#[test]
fn every_status_has_its_words() {
    let cases = [
        (ReportStatus::Draft, "preliminary", "preliminary", "current", Some("preliminary")),
        (ReportStatus::Preliminary, "preliminary", "preliminary", "current", Some("preliminary")),
        (ReportStatus::Final, "final", "final", "current", Some("final")),
        (ReportStatus::Amended, "amended", "amended", "current", Some("amended")),
        (ReportStatus::Corrected, "corrected", "corrected", "current", Some("amended")),
        (ReportStatus::Appended, "appended", "final", "current", Some("amended")),
        (ReportStatus::Cancelled, "cancelled", "cancelled", "current", None),
        (
            ReportStatus::EnteredInError,
            "entered-in-error",
            "entered-in-error",
            "entered-in-error",
            Some("entered-in-error"),
        ),
    ];
    for (status, report, observation, document, doc_status) in cases {
        let mut case = Case::of(small());
        case.report.status = status;
        let written = write(&case);
        let text = |name: &str, key: &str| of_type(&written, name)[0].text_at(&[key]).map(str::to_owned);
        assert_eq!(text("DiagnosticReport", "status").as_deref(), Some(report), "{status:?}");
        assert_eq!(text("Observation", "status").as_deref(), Some(observation), "{status:?}");
        assert_eq!(text("DocumentReference", "status").as_deref(), Some(document), "{status:?}");
        assert_eq!(text("DocumentReference", "docStatus").as_deref(), doc_status, "{status:?}");
        let has_own = of_type(&written, "DiagnosticReport")[0].get("_status").is_some();
        assert_eq!(has_own, status == ReportStatus::Draft, "{status:?}");
    }
}

#[test]
fn profiles_are_claimed_only_where_they_are_kept() {
    let claims = |case: &Case| -> Vec<String> {
        let written = write(case);
        let claiming = written.iter().filter(|resource| resource.at(&["meta", "profile"]).is_some());
        claiming.filter_map(|resource| resource.text_at(&["resourceType"])).map(str::to_owned).collect()
    };
    let all = [
        "DiagnosticReport",
        "Patient",
        "Practitioner",
        "Practitioner",
        "Practitioner",
        "Organization",
        "Organization",
        "DocumentReference",
    ];
    assert_eq!(claims(&Case::of(small())), all);
    let without = |change: fn(&mut Case), lost: &[&str]| {
        let mut case = Case::of(small());
        change(&mut case);
        let claimed = claims(&case);
        for name in lost {
            assert!(!claimed.iter().any(|claim| claim == name), "{name}");
        }
        claimed.len()
    };
    assert_eq!(
        without(|case| case.report.patient.sex = None, &["Patient", "DiagnosticReport", "DocumentReference"]),
        5
    );
    assert_eq!(without(|case| case.report.study.study_date = None, &["DiagnosticReport"]), 7);
    assert_eq!(without(|case| case.report.code.system = "http://radlex.org".to_owned(), &["DiagnosticReport"]), 7);
    // An ideographic name without a family name is a HumanName without one.
    let nameless = |case: &mut Case| case.report.author.name.ideographic = Some("^花子".to_owned());
    assert_eq!(without(nameless, &["DocumentReference"]), 6);
}

#[test]
fn what_a_report_presents_its_document_reference_lists() {
    let case = Case::of(small());
    let written = write(&case);
    let forms = of_type(&written, "DiagnosticReport")[0].items("presentedForm");
    let listed: Vec<_> = of_type(&written, "DocumentReference")[0]
        .items("content")
        .iter()
        .filter_map(|content| content.text_at(&["attachment", "url"]))
        .collect();
    assert_eq!(forms.iter().filter_map(|form| form.text_at(&["url"])).collect::<Vec<_>>(), listed);
    assert_eq!(forms[0].text_at(&["data"]), Some("dGV4dA=="));
    assert_eq!(forms[0].at(&["size"]).and_then(Json::as_number), Some("4"));
    // SHA-1 of "text".
    assert_eq!(forms[0].text_at(&["hash"]), Some("Ny6gjKsz5xwCxlHbyDpHTTLGduo="));
    assert!(forms[1].get("data").is_none());
    assert!(forms[2].get("hash").is_none());
    let ids = Ids::derived(&case.report, &case.letterhead);
    let bare = resources(&case.rendering(), &ids, &[]).expect("writes");
    assert!(of_type(&bare, "DocumentReference").is_empty());
}

#[test]
fn the_archive_describes_the_study() {
    let uid = |text: &str| Uid::parse(text).expect("valid");
    let mut case = Case::of(small());
    case.report.study.description = None;
    case.report.study.modality = None;
    let instance = |number: i32| InstanceFacts {
        uid: uid(&format!("1.2.3.4.1.{number}")),
        sop_class_uid: uid("1.2.840.10008.5.1.4.1.1.2"),
        number: Some(number),
        frames: None,
    };
    let series = |uid: Uid, modality: &str, instances| SeriesFacts {
        uid,
        modality: modality.to_owned(),
        number: Some(-1),
        description: None,
        body_part: Some("CHEST".to_owned()),
        instances,
    };
    case.study = StudyFacts {
        description: Some("THORAX".to_owned()),
        series: vec![
            series(uid("1.2.3.4.1"), "CT", vec![instance(1), instance(2)]),
            series(uid("1.2.3.4.9"), "SR", vec![]),
        ],
        ..StudyFacts::default()
    };
    let written = write(&case);
    let study = of_type(&written, "ImagingStudy")[0];
    assert_eq!(study.text_at(&["status"]), Some("available"));
    assert_eq!(study.text_at(&["description"]), Some("THORAX"));
    assert_eq!(study.at(&["numberOfInstances"]).and_then(Json::as_number), Some("2"));
    let modalities: Vec<_> = study.items("modality").iter().filter_map(|coding| coding.text_at(&["code"])).collect();
    assert_eq!(modalities, ["CT"]);
    assert!(study.at(&["series", "0", "number"]).is_none());
    // The report does not say what the archive does.
    assert_eq!(crate::report::fhir::read_resources(&written), Ok(case.report));
}

#[test]
fn provenance_pins_versions() {
    let case = Case::of(small());
    let ids = Ids::derived(&case.report, &case.letterhead);
    let written = write(&case);
    let version_of = |name: &str, _: &str| (name != "Patient").then_some(VersionId(7));
    let provenance = provenance(&case.rendering(), &ids, &written, &version_of).expect("writes");
    let targets: Vec<_> =
        provenance.items("target").iter().filter_map(|target| target.text_at(&["reference"])).collect();
    assert_eq!(targets.len(), 4);
    assert_eq!(targets[0], "DiagnosticReport/ct-1/_history/7");
    let entities: Vec<_> =
        provenance.items("entity").iter().filter_map(|entity| entity.text_at(&["what", "reference"])).collect();
    assert_eq!(entities.len(), 8);
    assert_eq!(entities[0], format!("Patient/{}", ids.patient));
    assert!(entities[1..].iter().all(|entity| entity.ends_with("/_history/7")));
    assert_eq!(provenance.text_at(&["agent", "1", "onBehalfOf", "display"]), Some("Department of Radiology"));
}
