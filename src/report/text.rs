//! The plain text twin: the whole content in reading order, digits as they were written, the content digest
//! in the last line. Called by the renderer for `text/plain` and by FHIR's `presentedForm`.

use std::fmt::Write;

use super::{
    Concept, Finding, ImageRef, KeyImage, Laterality, Losses, Measurement, PersonName, Rendered, Rendering, Report,
    ReportStatus, Sex, Twin, codes,
};

/// Renders a version as text. Lines end in `\n`; the same version gives the same text.
///
/// The last line is `Content digest: sha256:` and 64 hexadecimal digits. A section may hold such a line
/// too: only the last one counts.
pub fn render(rendering: &Rendering<'_>) -> String {
    let mut page = Page::default();
    let report = rendering.report;
    page.mark(report.status);
    for line in std::iter::once(&rendering.letterhead.organization).chain(&rendering.letterhead.lines) {
        if !line.is_empty() {
            page.line(line);
        }
    }
    page.heading(&report.code.display);
    head(&mut page, rendering);
    narrative(&mut page, report);
    page.list("Coded findings", &report.structured_findings, finding);
    page.list("Measurements", &report.measurements, measurement);
    page.list("Key images", &report.key_images, key_image);
    foot(&mut page, rendering);
    page.mark(report.status);
    page.field("Content digest", &format!("sha256:{}", rendering.content_digest));
    page.out
}

/// The text as a finished rendition. It carries the whole content; what the archive could not tell is in
/// the losses.
pub fn rendition(rendering: &Rendering<'_>) -> Rendered {
    let losses: Losses = rendering.missing.clone();
    Rendered { twin: Twin::Text, bytes: render(rendering).into_bytes(), sop: None, losses }
}

fn head(page: &mut Page, rendering: &Rendering<'_>) {
    let Report { patient, study, order, .. } = rendering.report;
    page.field("Patient", &name(&patient.name));
    let issuer = patient.issuer.as_ref().map(|issuer| format!(" (issuer {issuer})")).unwrap_or_default();
    page.field("Patient ID", &format!("{}{issuer}", patient.id));
    page.optional("Birth date", patient.birth_date.as_ref());
    page.optional("Sex", patient.sex.map(sex));
    page.field("Study", study.study_instance_uid.as_str());
    page.optional("Accession number", study.accession_number.as_ref());
    let when = study.study_date.as_ref().map(|date| match &study.study_time {
        Some(time) => format!("{date} {time}"),
        None => date.to_string(),
    });
    page.optional("Study date", when);
    page.optional("Modality", study.modality.as_ref());
    page.optional("Description", study.description.as_ref());
    page.optional("Body site", study.body_site.as_ref().map(concept));
    page.optional("Referring physician", study.referring_physician.as_ref().map(name));
    if let Some(order) = order {
        page.optional("Placer order", order.placer_number.as_ref());
        page.optional("Filler order", order.filler_number.as_ref());
        page.optional("Procedure", order.procedure_code.as_ref().map(concept));
    }
    let edition = rendering.edition;
    page.field("Report", rendering.report.id.as_str());
    page.field("Report code", &concept(&rendering.report.code));
    page.field("Status", &format!("{}, version {}", rendering.report.status.as_str(), edition.version));
    page.field("Recorded", &edition.recorded_at.to_fhir());
    page.optional("Language", rendering.report.language.as_ref());
    if let Some(predecessor) = &edition.predecessor {
        let text = format!("version {} (instance {})", predecessor.version, predecessor.sop_instance_uid);
        page.field("Follows", &text);
    }
    page.optional(
        "Reason",
        edition.reason.as_deref().map(|reason| reason.split_whitespace().collect::<Vec<_>>().join(" ")),
    );
}

fn narrative(page: &mut Page, report: &Report) {
    for (kind, text) in report.sections.present() {
        page.heading(kind.heading());
        page.line(text);
    }
}

fn finding(page: &mut Page, finding: &Finding) {
    let critical = if finding.critical { "CRITICAL: " } else { "" };
    page.item(&finding.id, &format!("{critical}{}", finding.text));
    page.detail("code", finding.code.as_ref().map(concept));
    page.detail("site", site(finding.body_site.as_ref(), finding.laterality));
    page.detail("severity", finding.severity.map(super::Severity::as_str));
    for reference in &finding.images {
        page.detail("image", Some(image(reference)));
    }
}

fn measurement(page: &mut Page, measurement: &Measurement) {
    let unit = if measurement.unit == "1" { String::new() } else { format!(" {}", measurement.unit) };
    page.item(&measurement.id, &format!("{}: {}{unit}", measurement.label, measurement.value));
    page.detail("code", measurement.code.as_ref().map(concept));
    page.detail("site", site(measurement.body_site.as_ref(), measurement.laterality));
    page.detail("method", measurement.method.as_ref().map(concept));
    page.detail("tracking id", measurement.tracking_id.as_ref());
    page.detail("image", measurement.image.as_ref().map(image));
}

fn key_image(page: &mut Page, key: &KeyImage) {
    let number = page.items.to_string();
    page.item(&number, key.caption.as_deref().unwrap_or("Image"));
    page.detail("image", Some(image(&key.image)));
}

fn foot(page: &mut Page, rendering: &Rendering<'_>) {
    let report = rendering.report;
    page.heading("Signature");
    page.field("Author", &format!("{}, {} (id {})", name(&report.author.name), report.author.role, report.author.id));
    match (&report.verifier, rendering.edition.verified_at) {
        (Some(verifier), at) => {
            let of = verifier.organization.as_ref().map(|organization| format!(", {organization}")).unwrap_or_default();
            let when = at.map(|at| format!(", {}", at.to_fhir())).unwrap_or_default();
            let role = if at.is_some() { "Verified by" } else { "To be verified by" };
            page.field(role, &format!("{}{of} (id {}){when}", name(&verifier.name), verifier.id));
        }
        (None, at) => page.optional("Verified", at.map(super::super::base::Timestamp::to_fhir)),
    }
    if !rendering.missing.is_empty() {
        page.heading("Not available when this was rendered");
        for loss in &rendering.missing.0 {
            page.line(&format!("{}: {}", loss.path, loss.detail));
        }
    }
    page.line("");
}

/// The text as it grows.
#[derive(Default)]
struct Page {
    out: String,
    /// Number of the present item of a list.
    items: usize,
}

impl Page {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// What stands across an unfinished or withdrawn report.
    fn mark(&mut self, status: ReportStatus) {
        let mark = match status {
            ReportStatus::Draft => "*** PRELIMINARY - DRAFT, NOT VERIFIED ***",
            ReportStatus::Preliminary => "*** PRELIMINARY - NOT VERIFIED ***",
            ReportStatus::Cancelled => "*** CANCELLED ***",
            ReportStatus::EnteredInError => "*** ENTERED IN ERROR ***",
            ReportStatus::Final | ReportStatus::Amended | ReportStatus::Corrected | ReportStatus::Appended => return,
        };
        self.line(mark);
    }

    fn heading(&mut self, text: &str) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.line(&text.to_uppercase());
    }

    fn field(&mut self, label: &str, value: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, "{label}: {value}");
    }

    fn optional(&mut self, label: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.field(label, &value.to_string());
        }
    }

    fn list<T>(&mut self, heading: &str, items: &[T], write: impl Fn(&mut Self, &T)) {
        if !items.is_empty() {
            self.heading(heading);
        }
        for (number, item) in (1..).zip(items) {
            self.items = number;
            write(self, item);
        }
    }

    fn item(&mut self, id: &str, text: &str) {
        let _ = writeln!(self.out, "[{id}] {}", text.replace('\n', "\n    "));
    }

    fn detail(&mut self, label: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            let _ = writeln!(self.out, "    {label}: {}", value.to_string());
        }
    }
}

/// The name in every script that it has.
fn name(name: &PersonName) -> String {
    let others: Vec<String> =
        [&name.ideographic, &name.phonetic].into_iter().flatten().map(|group| group.replace('^', " ")).collect();
    match others.as_slice() {
        [] => name.to_display(),
        others => format!("{} ({})", name.to_display(), others.join(", ")),
    }
}

fn concept(concept: &Concept) -> String {
    let system = match concept.system.as_str() {
        codes::systems::LOINC => "LOINC",
        codes::systems::SNOMED => "SNOMED CT",
        codes::systems::DCM => "DICOM",
        codes::systems::RADLEX => "RadLex",
        other => other,
    };
    format!("{} ({system} {})", concept.display, concept.code)
}

fn site(body_site: Option<&Concept>, laterality: Option<Laterality>) -> Option<String> {
    match (body_site.map(concept), laterality.map(Laterality::as_str)) {
        (Some(site), Some(side)) => Some(format!("{site}, {side}")),
        (Some(site), None) => Some(site),
        (None, side) => side.map(str::to_owned),
    }
}

fn image(image: &ImageRef) -> String {
    let frame = image.frame.map(|frame| format!(", frame {frame}")).unwrap_or_default();
    let class = image.sop_class_uid.as_ref().map(|uid| format!(", SOP class {uid}")).unwrap_or_default();
    format!("{}{frame} (series {}{class})", image.sop_instance_uid, image.series_instance_uid)
}

fn sex(sex: Sex) -> &'static str {
    match sex {
        Sex::Male => "male",
        Sex::Female => "female",
        Sex::Other => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{TenantId, Timestamp, Uid, VersionId};
    use crate::dicom::study::StudyFacts;
    use crate::report::sample::sample;
    use crate::report::{Edition, Letterhead, Predecessor};

    fn text_of(report: &Report) -> String {
        let at = Timestamp::parse("2026-02-03T04:05:06.789Z").expect("an instant");
        let uid = Uid::derived(&["x"]);
        let predecessor = Predecessor { version: VersionId(1), sop_class_uid: uid.clone(), sop_instance_uid: uid };
        let edition = Edition {
            tenant: TenantId::default_tenant(),
            version: VersionId(2),
            recorded_at: at,
            verified_at: report.status.is_verified().then_some(at),
            predecessor: Some(predecessor),
            reason: Some("dose\r\ncorrected".to_owned()),
        };
        let letterhead = Letterhead {
            organization: "Example General Hospital".to_owned(),
            lines: vec!["1 Hospital Road".to_owned()],
            ..Letterhead::default()
        };
        let mut missing = Losses::new();
        missing.add("keyImages[0]", "the archive did not answer");
        let study = StudyFacts::default();
        render(&Rendering {
            report,
            edition: &edition,
            content_digest: report.content_digest(),
            study: &study,
            letterhead: &letterhead,
            images: &[],
            missing: &missing,
            public_url: "http://127.0.0.1:8080",
        })
    }

    #[test]
    fn the_whole_content_is_in_the_text() {
        for index in 0..60 {
            let report = sample(11, index);
            let text = text_of(&report);
            let last = format!("Content digest: sha256:{}\n", report.content_digest());
            assert!(text.ends_with(&last) && !text.contains('\r'));
            assert_eq!(text.contains("PRELIMINARY"), report.status.is_unfinished());
            for (kind, section) in report.sections.present() {
                assert!(text.contains(&format!("\n{}\n{section}\n", kind.heading().to_uppercase())));
            }
            for measurement in &report.measurements {
                assert!(text.contains(&format!("{}: {}", measurement.label, measurement.value)));
            }
            for image in report.referenced_images() {
                assert!(text.contains(image.sop_instance_uid.as_str()));
            }
            assert!(text.contains(&report.patient.name.family) && text.contains(&report.author.id));
            assert_eq!(text_of(&report), text);
        }
    }

    #[test]
    fn the_layout_is_the_one_written_here() {
        let json = include_str!("../../fixtures/report/ct-chest-nodule-final.json");
        let limits = crate::report::ReportLimits::default();
        let id = crate::base::LogicalId::parse("x").expect("an id");
        let report = crate::report::read::read_bytes(json.as_bytes(), &id, &limits).expect("valid");
        insta::assert_snapshot!(text_of(&report));
    }
}
