//! Observations to findings, measurements and sections.

use std::collections::HashSet;

use crate::base::Decimal;
use crate::fhir::Json;
use crate::report::fhir::terms::{CATEGORY_IMAGING, FINDING, section_of};
use crate::report::{Concept, Finding, Measurement, ReportStatus, Sections};

use super::coded::{self, has_term};
use super::feature::{common, id, is_critical, severity, tracking_id};
use super::patient;
use super::quantity::{plain_decimal, ucum_unit};
use super::trace::Element;

/// What the results of a report say.
#[derive(Default)]
pub(super) struct Results {
    pub(super) findings: Vec<Finding>,
    pub(super) measurements: Vec<Measurement>,
    pub(super) sections: Sections,
}

/// What every Observation of a report is held against.
pub(super) struct Frame<'t, 'a> {
    pub(super) report: Element<'t, 'a>,
    pub(super) status: ReportStatus,
    pub(super) author: Option<Element<'t, 'a>>,
    /// The date of the study.
    pub(super) date: Option<String>,
}

/// Reads the results and their members, in order, each once.
pub(super) fn read(frame: &Frame<'_, '_>) -> Results {
    let mut reader = Reader { frame, seen: HashSet::new(), results: Results::default() };
    // A stack and not recursion: how deep groups are nested is for the sender to choose.
    let mut waiting: Vec<_> = frame.report.children("result").rev().collect();
    while let Some(reference) = waiting.pop() {
        if let Some(observation) = reader.follow(reference) {
            waiting.extend(observation.children("hasMember").rev());
        }
    }
    reader.results
}

struct Reader<'f, 't, 'a> {
    frame: &'f Frame<'t, 'a>,
    seen: HashSet<*const Json>,
    results: Results,
}

impl<'t, 'a> Reader<'_, 't, 'a> {
    /// Reads the Observation that a reference points at, if it has not been read before.
    fn follow(&mut self, reference: Element<'t, 'a>) -> Option<Element<'t, 'a>> {
        let Some(observation) = reference.resolve() else {
            reference.lose("is not carried: what it refers to is not in the document");
            return None;
        };
        reference.carry_child("display");
        if observation.resource_type() != Some("Observation") || !self.seen.insert(observation.address()) {
            return None;
        }
        let withdrawn = matches!(observation.peek("status"), Some("entered-in-error" | "cancelled"));
        let report_withdrawn = matches!(self.frame.status, ReportStatus::EnteredInError | ReportStatus::Cancelled);
        if withdrawn && !report_withdrawn {
            observation.lose("is not carried: it was withdrawn");
            return None;
        }
        self.observation(observation);
        Some(observation)
    }

    fn observation(&mut self, observation: Element<'t, 'a>) {
        self.agree(observation);
        if let Some(quantity) = observation.child("valueQuantity") {
            self.quantity(observation, observation, quantity, &id(observation));
        } else if let Some(count) = observation.child("valueInteger") {
            self.count(observation, count);
        } else if let Some(text) = observation.child("valueString") {
            self.text(observation, text);
        } else if let Some(concept) = observation.child("valueCodeableConcept") {
            self.concept(observation, concept);
        }
        self.components(observation);
    }

    /// Status, subject, category, performer and time are those of the report, or they are lost. A result
    /// of somebody else must not come in.
    fn agree(&self, observation: Element<'t, 'a>) {
        if observation.peek("status").is_some_and(|status| follows(self.frame.status, status)) {
            observation.carry_child("status");
        }
        patient::same(observation, self.frame.report);
        for category in observation.children("category") {
            has_term(category, CATEGORY_IMAGING);
        }
        for performer in observation.children("performer") {
            let author = self.frame.author.filter(|author| author.peek("reference") == performer.peek("reference"));
            if author.is_some() {
                performer.carry();
            }
        }
        if observation.peek("effectiveDateTime").is_some_and(|time| Some(time) == self.frame.date.as_deref()) {
            observation.carry_child("effectiveDateTime");
        }
        if observation.peek("language") == self.frame.report.peek("language") {
            observation.carry_child("language");
        }
    }

    /// A quantity: of an Observation, or of a component that belongs to one.
    fn quantity(&mut self, observation: Element<'t, 'a>, holder: Element<'t, 'a>, quantity: Element<'t, 'a>, id: &str) {
        let value = quantity.child("value").and_then(|value| plain_decimal(value.json.as_number()?));
        let unit = ucum_unit(quantity);
        let (Some(value), Some(unit), None) = (value, unit, quantity.peek("comparator")) else {
            self.quantity_in_words(observation, holder, quantity, id);
            return;
        };
        let path = format!("measurements[{}]", self.results.measurements.len());
        quantity.child("value").unwrap_or(quantity).becomes(format!("{path}.value"));
        quantity.becomes(format!("{path}.unit"));
        if quantity.child("value").and_then(|value| value.json.as_number()) != Some(value.as_str()) {
            quantity.remark("its value is written without an exponent");
        }
        for key in ["value", "system", "code"] {
            quantity.carry_child(key);
        }
        if quantity.peek("unit") == Some(unit) {
            quantity.carry_child("unit");
        }
        self.measurement(observation, holder, &path, value, unit.to_owned(), id);
    }

    fn count(&mut self, observation: Element<'t, 'a>, count: Element<'t, 'a>) {
        let path = format!("measurements[{}]", self.results.measurements.len());
        if let Some(value) = count.json.as_number().and_then(plain_decimal) {
            count.becomes(format!("{path}.value"));
            count.carry();
            self.measurement(observation, observation, &path, value, "1".to_owned(), &id(observation));
        }
    }

    fn measurement(
        &mut self,
        observation: Element<'t, 'a>,
        holder: Element<'t, 'a>,
        path: &str,
        value: Decimal,
        unit: String,
        id: &str,
    ) {
        holder.becomes(path);
        let (code, label) = code_and_label(holder);
        if let Some(code) = holder.child("code") {
            code.becomes(format!("{path}.code"));
            code.becomes(format!("{path}.label"));
        }
        let common = common(observation, path);
        let mut images = common.images.into_iter();
        let image = images.next();
        if images.next().is_some() {
            observation.remark("shows on more than one image; the first is carried");
        }
        self.results.measurements.push(Measurement {
            id: id.to_owned(),
            code,
            label,
            value,
            unit,
            body_site: common.body_site,
            laterality: common.laterality,
            method: observation.child("method").and_then(|method| {
                method.becomes(format!("{path}.method"));
                coded::codeable(method, "")
            }),
            tracking_id: tracking_id(observation, path),
            image,
        });
    }

    /// A quantity that no measurement can hold: with a comparator, without a unit of UCUM, without a
    /// value. As a finding in words its meaning is kept.
    fn quantity_in_words(
        &mut self,
        observation: Element<'t, 'a>,
        holder: Element<'t, 'a>,
        quantity: Element<'t, 'a>,
        id: &str,
    ) {
        let Some(value) = quantity.child("value").and_then(|value| value.json.as_number()) else {
            return;
        };
        let (_, label) = code_and_label(holder);
        let comparator = quantity.peek("comparator").unwrap_or_default();
        let unit = quantity.peek("unit").or(quantity.peek("code")).unwrap_or_default();
        let text = format!("{label}: {comparator}{value} {unit}").trim_end().to_owned();
        quantity.lose("is carried as the text of a finding: it has a comparator or no UCUM unit");
        self.finding(observation, holder, None, text, id);
    }

    /// A text: a section of the report if its code says so, else a finding.
    fn text(&mut self, observation: Element<'t, 'a>, text: Element<'t, 'a>) {
        let Some(words) = text.json.as_str() else { return };
        text.carry();
        let section = observation.child("code").and_then(|code| {
            code.children("coding").find_map(|coding| section_of(coding.peek("system")?, coding.peek("code")?))
        });
        if let Some(kind) = section {
            text.becomes(format!("sections.{}", kind.json_name()));
            observation.carry_child("code");
            let slot = self.results.sections.slot(kind);
            *slot = Some(match slot.take() {
                Some(before) => format!("{before}\n\n{words}"),
                None => words.to_owned(),
            });
            return;
        }
        self.named_finding(observation, None, words);
    }

    fn concept(&mut self, observation: Element<'t, 'a>, concept: Element<'t, 'a>) {
        let code = coded::codeable(concept, "");
        let words = concept.text("text").map(str::to_owned).or_else(|| code.as_ref().map(|code| code.display.clone()));
        if let Some(words) = words {
            self.named_finding(observation, code, &words);
        }
    }

    /// A finding whose Observation may say what was looked at: `Calcification: none`.
    fn named_finding(&mut self, observation: Element<'t, 'a>, value: Option<Concept>, words: &str) {
        let is_plain = observation.child("code").is_some_and(|code| has_term(code, FINDING));
        if is_plain {
            if let Some(code) = observation.child("code") {
                code.carry_child("coding");
            }
            self.finding(observation, observation, value, words.to_owned(), &id(observation));
        } else {
            let (code, label) = code_and_label(observation);
            let text = if label.is_empty() { words.to_owned() } else { format!("{label}: {words}") };
            if let (Some(_), Some(value), Some(element)) = (&code, &value, observation.child("code")) {
                element.remark(format!("is carried in words only: the code of the finding is {}", value.code));
            }
            self.finding(observation, observation, value.or(code), text, &id(observation));
        }
    }

    fn finding(
        &mut self,
        observation: Element<'t, 'a>,
        holder: Element<'t, 'a>,
        code: Option<Concept>,
        text: String,
        id: &str,
    ) {
        let path = format!("structuredFindings[{}]", self.results.findings.len());
        holder.becomes(path.clone());
        let common = common(observation, &path);
        self.results.findings.push(Finding {
            id: id.to_owned(),
            code,
            text,
            body_site: common.body_site,
            laterality: common.laterality,
            severity: severity(observation),
            critical: is_critical(observation),
            images: common.images,
        });
    }

    /// Components with quantities become measurements of their own; the severity belongs to the finding.
    fn components(&mut self, observation: Element<'t, 'a>) {
        let components: Vec<_> = observation.children("component").collect();
        for (index, component) in components.into_iter().enumerate() {
            if let Some(quantity) = component.child("valueQuantity") {
                let id = format!("{}.{}", id(observation), index + 1);
                self.quantity(observation, component, quantity, &id);
            }
        }
    }
}

/// What an Observation or component is about: the coding, and the words for it.
fn code_and_label(holder: Element<'_, '_>) -> (Option<Concept>, String) {
    let Some(element) = holder.child("code") else {
        return (None, String::new());
    };
    let code = coded::codeable(element, crate::report::codes::systems::LOINC);
    let label = element.text("text").map(str::to_owned).or_else(|| code.as_ref().map(|code| code.display.clone()));
    (code, label.unwrap_or_default())
}

/// Whether an Observation's status says nothing beside the report's.
fn follows(report: ReportStatus, observation: &str) -> bool {
    match report {
        ReportStatus::Draft => matches!(observation, "registered" | "preliminary"),
        ReportStatus::Preliminary => observation == "preliminary",
        ReportStatus::Final | ReportStatus::Appended => observation == "final",
        ReportStatus::Amended => matches!(observation, "amended" | "final"),
        ReportStatus::Corrected => matches!(observation, "corrected" | "final"),
        ReportStatus::Cancelled => observation == "cancelled",
        ReportStatus::EnteredInError => observation == "entered-in-error",
    }
}
