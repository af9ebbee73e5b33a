//! Reads a report from FHIR: from its own resources, exactly, or from what others send, with a list of
//! everything that was not carried.
//!
//! In its own resources a report states all that it says; whatever else is known of patient, study and
//! persons is looked at only to see whether it says the same. In documents of others the standard
//! elements are read. Both walk the same way, and each element that is used is ticked off: the rest is
//! the loss report.

mod coded;
mod feature;
mod image;
mod name;
mod observation;
mod patient;
mod person;
mod quantity;
mod study;
mod time;
mod trace;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::base::{LogicalId, ProblemCode, Problems};
use crate::fhir::Json;
use crate::fhir::bundle::Resources;
use crate::fhir::definitions::code_system;
use crate::report::codes::{self, systems};
use crate::report::model::SectionKind;
use crate::report::{Concept, KeyImage, Losses, Report, ReportLimits, ReportStatus, Sections, Study};

use super::terms::{self, CATEGORY_US_CORE, CATEGORY_V2};
use observation::Frame;
use person::People;
use trace::{Element, Trace};

/// How a document is read.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions<'a> {
    /// The id of the report, whatever the document says. Without one it is the id of the DiagnosticReport,
    /// or what our own identifier says.
    pub report_id: Option<&'a LogicalId>,
    /// Public base URL of this gateway: patient IDs without issuer are its own only then. Without one they
    /// are those of whichever gateway wrote the document, as for comparing it with its twins.
    pub public_url: Option<&'a str>,
    /// How much a report may hold.
    pub limits: ReportLimits,
}

/// Who wrote the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// A gateway: the DiagnosticReport states what the report says.
    Stated,
    /// Somebody else.
    Foreign,
}

/// The report that a stored version consists of: its DiagnosticReport and Observations, and any others of
/// its resources. What was written by [`super::resources`] gives the same report again.
///
/// No limit holds here: what was stored was within those of its day.
pub fn read_resources(resources: &[Json]) -> Result<Report, Problems> {
    let limits = ReportLimits {
        section: usize::MAX,
        finding_text: usize::MAX,
        label: usize::MAX,
        caption: usize::MAX,
        findings: usize::MAX,
        measurements: usize::MAX,
        images: usize::MAX,
        key_images: usize::MAX,
    };
    read(Resources::loose(resources), &ReadOptions { limits, ..ReadOptions::default() }).map(|(report, _)| report)
}

/// The report in a document: a DiagnosticReport with what it contains, or a Bundle of any type with one
/// DiagnosticReport in it. Losses and problems name elements of the document by FHIRPath.
pub fn read_document(document: &Json, options: &ReadOptions<'_>) -> Result<(Report, Losses), Problems> {
    let (report, mut losses) = read(Resources::of(document), options)?;
    for key in ["identifier", "signature", "implicitRules", "language"] {
        if document.text_at(&["resourceType"]) == Some("Bundle") && document.get(key).is_some() {
            losses.add(format!("Bundle.{key}"), "is not carried");
        }
    }
    Ok((report, losses))
}

fn read(resources: Resources<'_>, options: &ReadOptions<'_>) -> Result<(Report, Losses), Problems> {
    let trace = Trace::new(resources);
    let report = one_report(&trace).and_then(|element| report(element, options));
    match report {
        None => match trace.close(None) {
            Err(problems) => Err(problems),
            Ok(_) => Err(Problems::one("", ProblemCode::Structure, "is not a report")),
        },
        Some(report) => match crate::report::read::check(&report, &options.limits) {
            Err(problems) => match trace.close(Some(&problems)) {
                Err(problems) => Err(problems),
                Ok(_) => Err(problems),
            },
            Ok(report) => trace.close(None).map(|losses| (report, losses)),
        },
    }
}

fn one_report<'t, 'a>(trace: &'t Trace<'a>) -> Option<Element<'t, 'a>> {
    let reports = trace.of_type("DiagnosticReport");
    match reports.as_slice() {
        [report] => Some(*report),
        [] => {
            trace.problem(ProblemCode::Required, "there must be a DiagnosticReport");
            None
        }
        [_, second, ..] => {
            second.problem(ProblemCode::Structure, "is a second DiagnosticReport; there must be one only");
            None
        }
    }
}

fn report(element: Element<'_, '_>, options: &ReadOptions<'_>) -> Option<Report> {
    let digest = element.extension("content-digest");
    let manner = if digest.is_some() { Manner::Stated } else { Manner::Foreign };
    // What is wrong with a part that comes from nowhere is wrong with the report.
    for part in ["patient", "study", "code", "sections", "author", "verifier", "order"] {
        element.becomes(part);
    }
    let id = id(element, options);
    let status = status(element);
    let patient = patient::read(element, manner, options);
    let study = study::read(element, manner);
    let order = study::order(element, manner);
    let is_verified = status.is_some_and(ReportStatus::is_verified);
    let People { author, verifier, author_reference } = person::read(element, manner, is_verified);
    let language = element.text("language").map(str::to_owned);
    for category in element.children("category") {
        if [CATEGORY_US_CORE, CATEGORY_V2].into_iter().any(|term| coded::has_term(category, term)) {
            category.carry();
        }
    }
    let frame = Frame {
        report: element,
        status: status.unwrap_or(ReportStatus::Preliminary),
        author: author_reference,
        date: study.as_ref().and_then(|study| study.study_date.as_ref()).map(ToString::to_string),
    };
    let results = observation::read(&frame);
    let sections = sections(element, manner, results.sections);
    let key_images = key_images(element);
    if let Some(language) = element.child("language") {
        language.becomes("language");
    }
    let study = study?;
    let report = Report {
        id: id?,
        status: status?,
        patient: patient?,
        code: code(element, manner, &study),
        study,
        sections,
        structured_findings: numbered(results.findings, |finding| &mut finding.id),
        measurements: numbered(results.measurements, |measurement| &mut measurement.id),
        key_images,
        author: author?,
        verifier,
        language,
        order,
    };
    study::repeats(element, &report);
    if let Some(digest) = digest {
        if digest.peek("valueString") == Some(report.content_digest().to_hex().as_str()) {
            digest.carry();
        } else {
            digest.lose("does not fit the content: the report was changed after it was written, or renamed");
        }
    }
    Some(report)
}

fn id(report: Element<'_, '_>, options: &ReadOptions<'_>) -> Option<LogicalId> {
    let own = report.children("identifier").find(|identifier| is_own_kind(*identifier, "report"));
    if let Some(own) = own {
        own.carry();
    }
    if let Some(id) = options.report_id {
        return Some(id.clone());
    }
    let text = report.peek("id").or(own.and_then(|own| own.peek("value")));
    let id = text.and_then(|text| LogicalId::parse(text).ok());
    if id.is_none() {
        report.problem(ProblemCode::Required, "id: the report must have one");
    }
    id
}

/// Whether an identifier is one of ours.
fn is_own_kind(identifier: Element<'_, '_>, kind: &str) -> bool {
    let system = code_system("identifier-type");
    identifier.child("type").is_some_and(|concept| {
        concept
            .children("coding")
            .any(|coding| coding.peek("system") == Some(&system) && coding.peek("code") == Some(kind))
    })
}

/// R4 valueset-diagnostic-report-status.html to the report's own states.
fn status(report: Element<'_, '_>) -> Option<ReportStatus> {
    let Some(element) = report.child("status") else {
        report.problem(ProblemCode::Required, "status: a report must have one");
        return None;
    };
    element.becomes("status");
    if let Some(own) = report.child("_status").and_then(|status| status.extension("report-status")) {
        own.carry();
        if let Some(status) = own.peek("valueCode").and_then(ReportStatus::parse).filter(|own| own.is_unfinished()) {
            element.carry();
            return Some(status);
        }
    }
    let text = element.json.as_str().unwrap_or_default();
    let status = match text {
        "registered" => {
            element.remark("registered is carried as draft");
            Some(ReportStatus::Draft)
        }
        "partial" => {
            element.remark("partial is carried as preliminary");
            Some(ReportStatus::Preliminary)
        }
        "draft" => None,
        other => ReportStatus::parse(other),
    };
    match status {
        Some(_) => element.carry(),
        None => element.problem(ProblemCode::CodeInvalid, "is not a status that a report can have"),
    }
    status
}

/// What kind of report it is. Documents of others may leave it to us.
fn code(report: Element<'_, '_>, manner: Manner, study: &Study) -> Concept {
    let preferred = if manner == Manner::Stated { "" } else { systems::LOINC };
    let element = report.child("code");
    if let Some(element) = element {
        element.becomes("code");
    }
    element.and_then(|element| coded::codeable(element, preferred)).unwrap_or_else(|| {
        element.unwrap_or(report).remark("has no code: one is taken by modality and body site");
        codes::report_code(study.modality.as_deref(), study.body_site.as_ref())
    })
}

/// The narrative: our own sections and the conclusion, what Observations say of sections, and, where there
/// is nothing else, a presented plain text.
fn sections(report: Element<'_, '_>, manner: Manner, from_results: Sections) -> Sections {
    let mut sections = from_results;
    for extension in report.extensions("report-section") {
        let coding = extension.part("code").and_then(|part| part.child("valueCoding"));
        let kind = coding.and_then(|coding| terms::section_of(coding.peek("system")?, coding.peek("code")?));
        if let (Some(kind), Some(text)) = (kind, extension.part_text("text", "valueString")) {
            extension.becomes(format!("sections.{}", kind.json_name()));
            extension.carry();
            *sections.slot(kind) = Some(text.to_owned());
        }
    }
    if let Some(conclusion) = report.child("conclusion") {
        conclusion.becomes("sections.impression");
        if let Some(text) = report.text("conclusion") {
            let slot = sections.slot(SectionKind::Impression);
            *slot = Some(match slot.take() {
                Some(before) if before != text => format!("{text}\n\n{before}"),
                _ => text.to_owned(),
            });
        }
    }
    if manner == Manner::Foreign && sections == Sections::default() {
        sections.findings = presented_text(report);
    }
    sections
}

/// The first plain text that stands inline among the presented forms.
fn presented_text(report: Element<'_, '_>) -> Option<String> {
    let form = report.children("presentedForm").find(|form| {
        form.peek("contentType").is_some_and(|media_type| media_type.starts_with("text/plain"))
            && form.peek("data").is_some()
    })?;
    let text = String::from_utf8(BASE64_STANDARD.decode(form.peek("data")?).ok()?).ok()?;
    form.becomes("sections.findings");
    form.lose("its text is carried as the findings, without its form");
    Some(text)
}

fn key_images(report: Element<'_, '_>) -> Vec<KeyImage> {
    let mut images = Vec::new();
    for extension in report.extensions("image-reference") {
        extension.becomes(format!("keyImages[{}]", images.len()));
        images.extend(image::read(extension).map(|(image, caption)| KeyImage { image, caption }));
    }
    images
}

/// Ids must differ within a report; where they do not, a number is put behind.
fn numbered<T>(mut items: Vec<T>, id: impl Fn(&mut T) -> &mut String) -> Vec<T> {
    let mut seen = std::collections::HashSet::new();
    for item in &mut items {
        let id = id(item);
        let given = id.clone();
        let mut number = 1;
        while !seen.insert(id.clone()) {
            number += 1;
            *id = format!("{given}-{number}");
        }
    }
    items
}

#[cfg(test)]
mod tests;
