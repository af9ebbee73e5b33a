//! Reads a report from its JSON, the body of `POST /api/reports`. Either everything is right and the
//! report is in normal form, or all that is wrong is listed, each with its path and none with its value.
//! Callers: the HTTP edge, the command line, and whoever built a report from FHIR or SR and wants it
//! checked.

mod concept;
mod finding;
mod image;
mod language;
mod name;
mod path;
mod reader;
mod subject;
mod text;

use crate::base::{LogicalId, ProblemCode, Problems};
use crate::fhir::json::JsonErrorKind;
use crate::fhir::{Json, JsonLimits};

use super::{Report, ReportStatus, codes};
use path::Path;
use reader::{Members, Reader};

/// How much a report may hold. Lengths count characters after normalisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportLimits {
    /// Characters of one section.
    pub section: usize,
    /// Characters of the text of one finding.
    pub finding_text: usize,
    /// Characters of the label of one measurement.
    pub label: usize,
    /// Characters of the caption of one key image.
    pub caption: usize,
    /// Number of findings.
    pub findings: usize,
    /// Number of measurements.
    pub measurements: usize,
    /// Number of images of one finding.
    pub images: usize,
    /// Number of key images.
    pub key_images: usize,
}

impl Default for ReportLimits {
    fn default() -> Self {
        Self {
            section: 1_000_000,
            finding_text: 10_000,
            label: 200,
            caption: 1_000,
            findings: 1_000,
            measurements: 2_000,
            images: 100,
            key_images: 200,
        }
    }
}

/// Reads a report. `fallback_id` is its id if the document has none.
///
/// Texts are normalised: NFC, `\n` at line ends, no white space at either end. Values are not: a date, a
/// UID, a unit or a decimal is taken as it is, or refused.
pub fn read(json: &Json, fallback_id: &LogicalId, limits: &ReportLimits) -> Result<Report, Problems> {
    let mut reader = Reader::new(limits);
    let report = report(&mut reader, json, fallback_id);
    let mut problems = reader.into_problems();
    match report {
        Some(report) if problems.is_empty() => Ok(report),
        Some(_) => Err(problems),
        None => {
            if problems.is_empty() {
                problems.add("", ProblemCode::Structure, "is not a report");
            }
            Err(problems)
        }
    }
}

/// Reads one `verifier` that stands at `path` of another body.
pub fn verifier(json: &Json, path: &'static str) -> Result<crate::report::Verifier, Problems> {
    let limits = ReportLimits::default();
    let mut reader = Reader::new(&limits);
    let verifier = subject::verifier(&mut reader, json, &Path::ROOT.member(path));
    reader
        .into_problems()
        .into_result(verifier)?
        .ok_or_else(|| Problems::one(path, ProblemCode::Structure, "is not a verifier"))
}

/// Reads a report from the bytes of its JSON. A text that is not JSON is one problem, at the document.
pub fn read_bytes(bytes: &[u8], fallback_id: &LogicalId, limits: &ReportLimits) -> Result<Report, Problems> {
    let json = Json::parse(bytes, &JsonLimits::default()).map_err(|error| {
        let code = match error.kind {
            JsonErrorKind::Depth | JsonErrorKind::Values => ProblemCode::TooLong,
            _ => ProblemCode::Structure,
        };
        Problems::one("", code, format!("is not JSON: {error}"))
    })?;
    read(&json, fallback_id, limits)
}

/// Holds a report that was built elsewhere to the same rules, and gives it back in normal form.
pub fn check(report: &Report, limits: &ReportLimits) -> Result<Report, Problems> {
    read(&report.to_json(), &report.id, limits)
}

fn report(reader: &mut Reader<'_>, json: &Json, fallback_id: &LogicalId) -> Option<Report> {
    let members = reader.object(json, &Path::ROOT, MEMBERS)?;
    let has_id = members.has("id");
    let id = members.optional(reader, "id", logical_id);
    let status = members.required(reader, "status", |reader, json, path| {
        reader.code(json, path, &ReportStatus::ALL, ReportStatus::as_str)
    });
    let patient = members.required(reader, "patient", subject::patient);
    let study = members.required(reader, "study", subject::study);
    let code = members.optional(reader, "code", concept::concept);
    let sections = members.optional(reader, "sections", finding::sections);
    let structured_findings = members.optional(reader, "structuredFindings", finding::findings);
    let measurements = members.optional(reader, "measurements", finding::measurements);
    let max = reader.limits.key_images;
    let key_images =
        members.optional(reader, "keyImages", |reader, json, path| reader.items(json, path, max, image::key_image));
    let author = members.required(reader, "author", subject::author);
    let verifier = members.optional(reader, "verifier", subject::verifier);
    let language = members.optional(reader, "language", language_tag);
    let order = members.optional(reader, "order", subject::order);

    verified_is_complete(reader, &members, status, json);
    if let (Some(birth), Some(study)) =
        (patient.as_ref().and_then(|patient| patient.birth_date.as_ref()), study.as_ref())
        && study.study_date.as_ref().is_some_and(|date| birth > date)
    {
        let path = Path::ROOT.member("patient");
        reader.problem(&path.member("birthDate"), ProblemCode::Invariant, "must not be after study.studyDate");
    }

    let study = study?;
    Some(Report {
        id: if has_id { id? } else { fallback_id.clone() },
        status: status?,
        patient: patient?,
        code: code.unwrap_or_else(|| codes::report_code(study.modality.as_deref(), study.body_site.as_ref())),
        study,
        sections: sections.unwrap_or_default(),
        structured_findings: structured_findings.unwrap_or_default(),
        measurements: measurements.unwrap_or_default(),
        key_images: key_images.unwrap_or_default(),
        author: author?,
        verifier,
        language,
        order,
    })
}

/// A verified report has a verifier, and says something.
fn verified_is_complete(reader: &mut Reader<'_>, members: &Members<'_, '_>, status: Option<ReportStatus>, json: &Json) {
    if !status.is_some_and(ReportStatus::is_verified) {
        return;
    }
    if !members.has("verifier") {
        let rule = "is required in a verified report";
        reader.problem(&Path::ROOT.member("verifier"), ProblemCode::Required, rule);
    }
    let sections = json.get("sections");
    let says = |name: &str| sections.is_some_and(|sections| sections.get(name).is_some());
    if !says("findings") && !says("impression") {
        let rule = "must have findings or an impression in a verified report";
        reader.problem(&Path::ROOT.member("sections"), ProblemCode::Required, rule);
    }
}

fn logical_id(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<LogicalId> {
    match LogicalId::parse(reader.string(json, path)?) {
        Ok(id) => Some(id),
        Err(error) => {
            reader.problem(path, reader::id_problem(&error), error.to_string());
            None
        }
    }
}

fn language_tag(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<String> {
    let tag = reader.string(json, path)?;
    if !language::is_well_formed(tag) {
        reader.problem(path, ProblemCode::Value, "must be a language tag of BCP 47, as de or pt-BR");
        return None;
    }
    Some(tag.to_owned())
}

const MEMBERS: &[&str] = &[
    "id",
    "status",
    "patient",
    "study",
    "code",
    "sections",
    "structuredFindings",
    "measurements",
    "keyImages",
    "author",
    "verifier",
    "language",
    "order",
];

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
