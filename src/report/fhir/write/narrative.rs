//! The narrative of the DiagnosticReport: the whole report as XHTML for readers who know nothing else.
//! R4 narrative.html.

use crate::report::fhir::terms;
use crate::report::model::SectionKind;
use crate::report::{Concept, Finding, Laterality, Measurement, PersonName, Report, Severity};

/// The `div`. Line feeds become line breaks; nothing in it is markup of the source.
pub(super) fn div(report: &Report) -> String {
    let mut out = Xhtml(String::from("<div xmlns=\"http://www.w3.org/1999/xhtml\""));
    if let Some(language) = &report.language {
        for name in [" lang=\"", " xml:lang=\""] {
            out.raw(name);
            out.text(language);
            out.raw("\"");
        }
        if is_right_to_left(language) {
            out.raw(" dir=\"rtl\"");
        }
    }
    out.raw(">");
    out.element("h2", &report.code.display);
    heading(&mut out, report);
    for (kind, text) in report.sections.present() {
        out.element("h3", kind.heading());
        out.element("p", text);
        if kind == SectionKind::Findings {
            structured(&mut out, report);
        }
    }
    if report.sections.findings.is_none() {
        structured(&mut out, report);
    }
    key_images(&mut out, report);
    signatures(&mut out, report);
    out.raw("</div>");
    out.0
}

fn heading(out: &mut Xhtml, report: &Report) {
    let study = &report.study;
    let site = study.body_site.as_ref().map(|site| site.display.clone());
    let rows = [
        ("Patient", Some(person(&report.patient.name))),
        ("Patient ID", Some(report.patient.id.clone())),
        ("Birth date", report.patient.birth_date.as_ref().map(ToString::to_string)),
        ("Sex", report.patient.sex.map(|sex| terms::gender(sex).to_owned())),
        ("Study", study.description.clone()),
        ("Study date", study.study_date.as_ref().map(ToString::to_string)),
        ("Study time", study.study_time.as_ref().map(ToString::to_string)),
        ("Modality", study.modality.clone()),
        ("Body site", site),
        ("Accession number", study.accession_number.clone()),
        ("Referring physician", study.referring_physician.as_ref().map(person)),
        ("Status", Some(report.status.as_str().to_owned())),
    ];
    out.raw("<table>");
    for (name, value) in rows {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            out.raw("<tr>");
            out.element("th", name);
            out.element("td", &value);
            out.raw("</tr>");
        }
    }
    out.raw("</table>");
}

fn structured(out: &mut Xhtml, report: &Report) {
    if !report.structured_findings.is_empty() {
        out.raw("<ul>");
        for item in &report.structured_findings {
            finding(out, item);
        }
        out.raw("</ul>");
    }
    if !report.measurements.is_empty() {
        out.raw("<table><tr><th>Measurement</th><th>Value</th><th>Site</th><th>Method</th></tr>");
        for item in &report.measurements {
            measurement(out, item);
        }
        out.raw("</table>");
    }
}

fn finding(out: &mut Xhtml, finding: &Finding) {
    out.raw("<li>");
    if finding.critical {
        out.raw("<b>Critical:</b> ");
    }
    out.text(&finding.text);
    let severity = finding.severity.map(Severity::as_str).unwrap_or_default();
    let code = finding.code.as_ref().map(|code| code.display.as_str()).unwrap_or_default();
    let place = place(finding.body_site.as_ref(), finding.laterality);
    let notes: Vec<&str> = [code, place.as_str(), severity].into_iter().filter(|note| !note.is_empty()).collect();
    if !notes.is_empty() {
        out.text(&format!(" ({})", notes.join("; ")));
    }
    out.raw("</li>");
}

fn measurement(out: &mut Xhtml, measurement: &Measurement) {
    let unit = if measurement.unit == "1" { String::new() } else { format!(" {}", measurement.unit) };
    out.raw("<tr>");
    out.element("td", &measurement.label);
    out.element("td", &format!("{}{unit}", measurement.value));
    out.element("td", &place(measurement.body_site.as_ref(), measurement.laterality));
    out.element("td", measurement.method.as_ref().map(|method| method.display.as_str()).unwrap_or_default());
    out.raw("</tr>");
}

fn key_images(out: &mut Xhtml, report: &Report) {
    if report.key_images.is_empty() {
        return;
    }
    out.element("h3", "Key images");
    out.raw("<ul>");
    for key in &report.key_images {
        let frame = key.image.frame.map(|frame| format!(", frame {frame}")).unwrap_or_default();
        let caption = key.caption.as_deref().map(|caption| format!("{caption} ")).unwrap_or_default();
        out.element("li", &format!("{caption}({}{frame})", key.image.sop_instance_uid));
    }
    out.raw("</ul>");
}

fn signatures(out: &mut Xhtml, report: &Report) {
    let author = &report.author;
    out.element("p", &format!("Author: {} ({})", person(&author.name), author.role));
    if let Some(verifier) = &report.verifier {
        let organization = verifier.organization.as_deref().map(|name| format!(", {name}")).unwrap_or_default();
        let word = if report.status.is_verified() { "Verified by" } else { "Verifier" };
        out.element("p", &format!("{word}: {}{organization}", person(&verifier.name)));
    }
}

/// All forms of a name, as `Tarou Yamada (山田 太郎, やまだ たろう)`.
fn person(name: &PersonName) -> String {
    let other: Vec<String> =
        [&name.ideographic, &name.phonetic].into_iter().flatten().map(|group| group.replace('^', " ")).collect();
    match (name.to_display(), other.is_empty()) {
        (display, true) => display,
        (display, false) => format!("{display} ({})", other.join(", ")).trim_start().to_owned(),
    }
}

fn place(site: Option<&Concept>, side: Option<Laterality>) -> String {
    let side = side.map(Laterality::as_str);
    let parts: Vec<&str> = site.map(|site| site.display.as_str()).into_iter().chain(side).collect();
    parts.join(", ")
}

/// Whether the language's usual script runs from right to left.
fn is_right_to_left(language: &str) -> bool {
    let primary = language.split('-').next().unwrap_or_default().to_ascii_lowercase();
    matches!(primary.as_str(), "ar" | "arc" | "ckb" | "dv" | "fa" | "he" | "iw" | "ps" | "sd" | "ug" | "ur" | "yi")
}

/// Text being written.
struct Xhtml(String);

impl Xhtml {
    fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    /// Escapes what XML 1.0 §2.4 asks for. What XML has no character for (U+FFFE, U+FFFF) becomes a
    /// replacement character.
    fn text(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\n' => self.0.push_str("<br/>"),
                '\u{fffe}' | '\u{ffff}' => self.0.push('\u{fffd}'),
                other => self.0.push(other),
            }
        }
    }

    fn element(&mut self, name: &str, text: &str) {
        self.raw("<");
        self.raw(name);
        self.raw(">");
        self.text(text);
        self.raw("</");
        self.raw(name);
        self.raw(">");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_texts_is_text() {
        let mut out = Xhtml(String::new());
        out.element("p", "a < b & \"c\"\n<script>\u{ffff}");
        assert_eq!(out.0, "<p>a &lt; b &amp; &quot;c&quot;<br/>&lt;script&gt;\u{fffd}</p>");
    }

    #[test]
    fn direction_follows_the_language() {
        assert!(is_right_to_left("ar-EG"));
        assert!(is_right_to_left("he"));
        assert!(!is_right_to_left("arn"));
        assert!(!is_right_to_left("de-DE"));
    }
}
