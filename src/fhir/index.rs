//! Index extraction: which rows a resource has in the search index. A pure function of the document, so
//! that a reindex gives the same rows.
//!
//! The parameters are those that the report interface filters by: FHIR search has its own (`fhir::search`). What a
//! report is found by is read from its DiagnosticReport alone: its references carry the
//! identifiers of patient, study and order. Rows stand in the database in the clear, so nothing is there that
//! nobody searches by: of a patient the identifiers, not the birth date.

use crate::base::Timestamp;

use super::Json;
use super::definitions;
use super::reference::Target;
use super::temporal::Range;

/// One row of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexRow {
    /// Name of the search parameter, as `identifier` or `patient:identifier`.
    pub param: &'static str,
    /// What it is found by.
    pub value: IndexValue,
}

/// A value in the index, by the type of its parameter. R4 search.html#ptypes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexValue {
    /// A code or identifier in its system.
    Token {
        /// URI of the system, if there is one.
        system: Option<String>,
        /// Code or identifier.
        value: String,
    },
    /// A date as the range that it stands for.
    Date {
        /// First instant.
        from: Timestamp,
        /// First instant behind it.
        until: Timestamp,
    },
    /// A resource of this server.
    Reference {
        /// Resource type.
        resource_type: String,
        /// Logical id.
        id: String,
    },
}

/// The rows of `resource`, in a fixed order, each once.
pub fn extract(resource: &Json) -> Vec<IndexRow> {
    let mut rows = Rows { rows: Vec::new() };
    match resource.text_at(&["resourceType"]) {
        Some("DiagnosticReport") => {
            identifiers(&mut rows, resource);
            diagnostic_report(&mut rows, resource);
        }
        Some("Patient") => identifiers(&mut rows, resource),
        _ => {}
    }
    rows.rows
}

fn diagnostic_report(rows: &mut Rows, report: &Json) {
    rows.code("status", report.get("status"));
    // A draft is `preliminary` in FHIR; the interface for reports tells the two apart.
    let draft = definitions::extension(report.get("_status"), "report-status").and_then(|found| found.get("valueCode"));
    rows.code("report-status", draft.or_else(|| report.get("status")));
    rows.concepts("category", report.items("category"));
    rows.concept("code", report.get("code"));
    rows.date("date", report.get("effectiveDateTime").or_else(|| report.get("effectiveInstant")));
    if let Some(period) = report.get("effectivePeriod") {
        rows.period("date", period);
    }
    rows.date("issued", report.get("issued"));
    rows.reference("patient", report.get("subject"));
    rows.identifier("patient:identifier", report.at(&["subject", "identifier"]));
    for order in report.items("basedOn") {
        rows.reference("based-on", Some(order));
        rows.identifier("based-on:identifier", order.get("identifier"));
    }
    for study in report.items("imagingStudy") {
        rows.reference("imaging-study", Some(study));
        rows.identifier("imaging-study:identifier", study.get("identifier"));
        let facts = definitions::extension(Some(study), "reported-study");
        let modality = definitions::part(facts, "modality").and_then(|found| found.get("valueCoding"));
        rows.coding("modality", modality);
    }
    rows.references("result", report.items("result"));
}

fn identifiers(rows: &mut Rows, resource: &Json) {
    match resource.get("identifier") {
        Some(Json::Array(items)) => items.iter().for_each(|item| rows.identifier("identifier", Some(item))),
        single => rows.identifier("identifier", single),
    }
}

struct Rows {
    rows: Vec<IndexRow>,
}

impl Rows {
    fn add(&mut self, param: &'static str, value: IndexValue) {
        let row = IndexRow { param, value };
        if !self.rows.contains(&row) {
            self.rows.push(row);
        }
    }

    fn token(&mut self, param: &'static str, system: Option<&str>, value: &str) {
        self.add(param, IndexValue::Token { system: system.map(str::to_owned), value: value.to_owned() });
    }

    fn code(&mut self, param: &'static str, code: Option<&Json>) {
        if let Some(code) = code.and_then(Json::as_str) {
            self.token(param, None, code);
        }
    }

    fn coding(&mut self, param: &'static str, coding: Option<&Json>) {
        if let Some(code) = coding.and_then(|coding| coding.text_at(&["code"])) {
            self.token(param, coding.and_then(|coding| coding.text_at(&["system"])), code);
        }
    }

    fn codings(&mut self, param: &'static str, codings: &[Json]) {
        for coding in codings {
            self.coding(param, Some(coding));
        }
    }

    fn concept(&mut self, param: &'static str, concept: Option<&Json>) {
        self.codings(param, concept.map(|concept| concept.items("coding")).unwrap_or_default());
    }

    fn concepts(&mut self, param: &'static str, concepts: &[Json]) {
        for concept in concepts {
            self.concept(param, Some(concept));
        }
    }

    fn identifier(&mut self, param: &'static str, identifier: Option<&Json>) {
        if let Some(value) = identifier.and_then(|identifier| identifier.text_at(&["value"])) {
            self.token(param, identifier.and_then(|identifier| identifier.text_at(&["system"])), value);
        }
    }

    fn date(&mut self, param: &'static str, date: Option<&Json>) {
        if let Some(range) = date.and_then(Json::as_str).and_then(Range::parse) {
            self.add(param, IndexValue::Date { from: range.from, until: range.until });
        }
    }

    fn period(&mut self, param: &'static str, period: &Json) {
        let end = |key: &str| period.text_at(&[key]).and_then(Range::parse);
        let range = Range::span(end("start"), end("end"));
        self.add(param, IndexValue::Date { from: range.from, until: range.until });
    }

    fn reference(&mut self, param: &'static str, reference: Option<&Json>) {
        let text = reference.and_then(|reference| reference.text_at(&["reference"]));
        if let Some(Target::Relative(literal)) = text.map(Target::parse) {
            self.add(
                param,
                IndexValue::Reference { resource_type: literal.resource_type.to_owned(), id: literal.id.to_owned() },
            );
        }
    }

    fn references(&mut self, param: &'static str, references: &[Json]) {
        for reference in references {
            self.reference(param, Some(reference));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fhir::JsonLimits;

    fn parse(text: &str) -> Json {
        Json::parse(text.as_bytes(), &JsonLimits::default()).expect("valid JSON")
    }

    /// The rows of a resource, as `param system|value`, `param type/id`, `param from..until`.
    fn shown(resource: &Json) -> Vec<String> {
        extract(resource)
            .into_iter()
            .map(|row| match row.value {
                IndexValue::Token { system, value } => {
                    format!("{} {}|{value}", row.param, system.unwrap_or_default())
                }
                IndexValue::Date { from, until } => format!("{} {}..{}", row.param, from.to_fhir(), until.to_fhir()),
                IndexValue::Reference { resource_type, id } => format!("{} {resource_type}/{id}", row.param),
            })
            .collect()
    }

    fn entry(resource_type: &str) -> Json {
        let bundle = parse(include_str!("../../fixtures/fhir/report.bundle.json"));
        bundle
            .items("entry")
            .iter()
            .filter_map(|entry| entry.get("resource"))
            .find(|resource| resource.text_at(&["resourceType"]) == Some(resource_type))
            .cloned()
            .expect("there")
    }

    #[test]
    fn a_report_is_found_by_what_its_references_say() {
        let rows = shown(&entry("DiagnosticReport"));
        for row in [
            "identifier https://gateway.example/t/one/id/report|ct-1",
            "status |amended",
            "report-status |amended",
            "category http://loinc.org|LP29684-5",
            "code http://loinc.org|24627-2",
            "date 2026-02-02T00:00:00.000Z..2026-02-03T00:00:00.000Z",
            "issued 2026-02-03T04:05:06.070Z..2026-02-03T04:05:06.071Z",
            "patient:identifier https://causeway.health/fhir/issuer/St.%20Mary|4711",
            "based-on:identifier https://gateway.example/t/one/id/accession|A|1",
            "imaging-study:identifier urn:dicom:uid|urn:oid:1.2.3.4",
            "modality http://dicom.nema.org/resources/ontology/DCM|CT",
        ] {
            assert!(rows.iter().any(|found| found == row), "{row} is not among {rows:#?}");
        }
        assert_eq!(rows.iter().filter(|row| row.starts_with("result Observation/")).count(), 2);
        assert_eq!(rows.iter().filter(|row| row.starts_with("patient Patient/")).count(), 1);
    }

    #[test]
    fn a_draft_is_told_from_a_preliminary_report() {
        let draft = parse(
            r#"{"resourceType":"DiagnosticReport","status":"preliminary","_status":{"extension":[
            {"url":"https://causeway.health/fhir/StructureDefinition/report-status","valueCode":"draft"}]}}"#,
        );
        assert_eq!(shown(&draft), ["status |preliminary", "report-status |draft"]);
    }

    #[test]
    fn nothing_else_but_patients_has_rows() {
        assert!(shown(&entry("Patient")).iter().all(|row| row.starts_with("identifier ")));
        for other in ["Observation", "DocumentReference", "Provenance", "ServiceRequest"] {
            assert_eq!(shown(&entry(other)), Vec::<String>::new(), "{other}");
        }
    }

    #[test]
    fn periods_may_be_open() {
        let report = parse(r#"{"resourceType":"DiagnosticReport","effectivePeriod":{"start":"2024-05"}}"#);
        let rows = extract(&report);
        let from = Timestamp::parse("2024-05-01T00:00:00Z").expect("valid");
        assert_eq!(rows[0].value, IndexValue::Date { from, until: Timestamp(i64::MAX) });
    }

    proptest! {
        #[test]
        fn a_row_comes_once_from_any_document(names in prop::collection::vec("status|code|identifier|result|category", 0..4),
                                              values in prop::collection::vec("[a-zA-Z0-9/-]{0,12}", 4)) {
            let members: Vec<String> =
                names.iter().zip(&values).map(|(name, value)| format!("\"{name}\":[\"{value}\",{{\"value\":\"{value}\"}}]")).collect();
            let mut unique: Vec<String> = Vec::new();
            for member in members {
                if !unique.iter().any(|other| other.split(':').next() == member.split(':').next()) {
                    unique.push(member);
                }
            }
            unique.push("\"resourceType\":\"DiagnosticReport\"".to_owned());
            let rows = extract(&parse(&format!("{{{}}}", unique.join(","))));
            for (index, row) in rows.iter().enumerate() {
                prop_assert!(!rows[..index].contains(row));
            }
        }
    }
}
