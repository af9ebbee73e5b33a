//! Structured reports as pages. PS3.18 Table 8.7.2-1: `text/html` and `text/plain`.
//!
//! What stands on the page is the content tree as it is; what a report means is for `report`.

use std::fmt::Write as _;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use dicom_core::Tag;
use dicom_dictionary_std::tags;

use crate::access::Actor;
use crate::dicom::element::{self, DataSet};
use crate::dicom::sr::{ContentItem, ItemValue, SrDocument, SrLimits};
use crate::http::HttpError;
use crate::ops::Ops;
use crate::ops::studies::HeldInstance;

use super::super::accept::Accept;
use super::opened::{Opened, on_cpu};

/// Whether the instance is a structured report. PS3.6 Table A-1: SR storage classes and Key Object Selection.
pub(in crate::http::dicomweb) fn is_report(held: &HeldInstance) -> bool {
    held.sop_class_uid.as_str().starts_with("1.2.840.10008.5.1.4.1.1.88.")
}

/// The page of a structured report.
pub(super) async fn report(
    ops: &Ops,
    actor: &Actor,
    held: HeldInstance,
    accept: &Accept,
) -> Result<HttpResponse, HttpError> {
    let media = accept.choose(&[HTML, TEXT])?;
    let opened = Opened::new(ops, actor, held).await?;
    let header = opened.header().await?;
    let work = move || {
        let (document, _notes) = SrDocument::of(&header, &SrLimits::default()).ok()?;
        let lines = lines(&header, &document);
        Some(if media == HTML { to_html(&lines) } else { to_text(&lines) })
    };
    let page = on_cpu(work).await?.ok_or(HttpError::NotAcceptable)?;
    let mut response = HttpResponse::build(StatusCode::OK).content_type(format!("{media}; charset=utf-8")).body(page);
    // Text of strangers: it is shown, and does nothing.
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"),
    );
    Ok(response)
}

/// A line of the page.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    depth: usize,
    label: String,
    value: String,
}

fn lines(header: &DataSet, document: &SrDocument) -> Vec<Line> {
    let mut lines = Vec::new();
    for (label, tag) in HEAD {
        if let Some(value) = element::text(header, tag) {
            lines.push(Line { depth: 0, label: label.to_owned(), value });
        }
    }
    add(&mut lines, &document.root, 0);
    lines
}

const HEAD: [(&str, Tag); 7] = [
    ("Patient", tags::PATIENT_NAME),
    ("Patient ID", tags::PATIENT_ID),
    ("Birth date", tags::PATIENT_BIRTH_DATE),
    ("Study date", tags::STUDY_DATE),
    ("Accession number", tags::ACCESSION_NUMBER),
    ("Completion", tags::COMPLETION_FLAG),
    ("Verification", tags::VERIFICATION_FLAG),
];

fn add(lines: &mut Vec<Line>, item: &ContentItem, depth: usize) {
    let label = item.concept.as_ref().map(|concept| concept.meaning.clone()).unwrap_or_default();
    lines.push(Line { depth, label, value: value(&item.value) });
    for child in &item.children {
        add(lines, child, depth + 1);
    }
}

fn value(value: &ItemValue) -> String {
    match value {
        ItemValue::Container { .. } => String::new(),
        ItemValue::Text(text)
        | ItemValue::PersonName(text)
        | ItemValue::Date(text)
        | ItemValue::Time(text)
        | ItemValue::DateTime(text)
        | ItemValue::Uid(text) => text.clone(),
        ItemValue::Code(code) => code.meaning.clone(),
        ItemValue::Num(number) => {
            let units = number.units.as_ref().map(|units| units.value.clone()).unwrap_or_default();
            let text = match (&number.value, number.floating_point, &number.qualifier) {
                (Some(text), _, _) => text.clone(),
                (None, Some(float), _) => float.to_string(),
                (None, None, Some(qualifier)) => return qualifier.meaning.clone(),
                (None, None, None) => return String::new(),
            };
            format!("{text} {units}").trim_end().to_owned()
        }
        ItemValue::Image(image) => {
            let frames: Vec<String> = image.frames.iter().map(u32::to_string).collect();
            let frames = if frames.is_empty() { String::new() } else { format!(", frames {}", frames.join(", ")) };
            format!("image {}{frames}", image.sop.sop_instance_uid)
        }
        ItemValue::Composite(sop) => format!("document {}", sop.sop_instance_uid),
        ItemValue::Waveform(sop, _) => format!("waveform {}", sop.sop_instance_uid),
        ItemValue::Scoord { graphic_type, points } => {
            let points: Vec<String> = points.iter().map(f32::to_string).collect();
            format!("{graphic_type} {}", points.join(" "))
        }
        ItemValue::Reference(way) => {
            let way: Vec<String> = way.iter().map(u32::to_string).collect();
            format!("see item {}", way.join("."))
        }
        ItemValue::Other { value_type, .. } => format!("({value_type})"),
    }
}

fn to_text(lines: &[Line]) -> String {
    let mut out = String::new();
    for line in lines {
        let indent = "  ".repeat(line.depth);
        let value = line.value.replace("\r\n", "\n").replace('\n', &format!("\n{indent}    "));
        let between = if line.label.is_empty() || value.is_empty() { "" } else { ": " };
        let _ = writeln!(out, "{indent}{}{between}{value}", line.label);
    }
    out
}

fn to_html(lines: &[Line]) -> String {
    let mut out = String::from(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>Structured report</title>\n\
         <style>body{font-family:sans-serif}p{margin:.2em 0;white-space:pre-line}</style></head>\n<body>\n",
    );
    for line in lines {
        let between = if line.label.is_empty() || line.value.is_empty() { "" } else { ": " };
        let _ = writeln!(
            out,
            "<p style=\"margin-left:{}em\"><b>{}</b>{between}{}</p>",
            2 * line.depth,
            escaped(&line.label),
            escaped(&line.value),
        );
    }
    out.push_str("</body></html>\n");
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const HTML: &str = "text/html";
const TEXT: &str = "text/plain";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_strangers_is_no_markup() {
        let lines = [Line { depth: 1, label: "Finding".into(), value: "<script>\"a\" & b</script>\r\nc".into() }];
        assert!(to_html(&lines).contains("<b>Finding</b>: &lt;script&gt;&quot;a&quot; &amp; b&lt;/script&gt;"));
        assert_eq!(to_text(&lines), "  Finding: <script>\"a\" & b</script>\n      c\n");
    }
}
