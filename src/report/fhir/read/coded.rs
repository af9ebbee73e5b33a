//! Codings and identifiers.

use crate::report::Concept;
use crate::report::fhir::terms::{IDENTIFIER_TYPE, Term};

use super::trace::Element;

/// A coding that has a system and a code. Without a name the code stands for it; a long name is cut.
pub(super) fn concept(coding: Element<'_, '_>, text: Option<&str>) -> Option<Concept> {
    let (system, code) = (coding.peek("system")?, coding.peek("code")?);
    coding.carry_child("system");
    coding.carry_child("code");
    let display = coding.text("display").or(text).unwrap_or(code);
    Some(Concept { system: system.to_owned(), code: code.to_owned(), display: cut(display, coding) })
}

/// The coding of a CodeableConcept that says most: the first from `preferred`, else the first that has a
/// system and a code. Its text serves as name where the coding has none, and counts as carried if it is
/// the name.
pub(super) fn codeable(concept_element: Element<'_, '_>, preferred: &str) -> Option<Concept> {
    let usable = |coding: &Element<'_, '_>| coding.peek("system").is_some() && coding.peek("code").is_some();
    let mut codings = concept_element.children("coding").filter(usable);
    let first = codings.next()?;
    let chosen = if first.peek("system") == Some(preferred) {
        first
    } else {
        codings.find(|coding| coding.peek("system") == Some(preferred)).unwrap_or(first)
    };
    let text = concept_element.peek("text");
    let concept = concept(chosen, text)?;
    if text == Some(concept.display.as_str()) {
        concept_element.carry_child("text");
    }
    Some(concept)
}

/// DICOM code meanings have 64 characters at most (PS3.5 §6.2, LO), and so have ours.
fn cut(display: &str, coding: Element<'_, '_>) -> String {
    let display = display.trim();
    if display.chars().count() <= LONGEST_DISPLAY {
        return display.to_owned();
    }
    coding.remark("its name is cut to 64 characters");
    unicode_segmentation::UnicodeSegmentation::graphemes(display, true)
        .scan(0, |length, grapheme| {
            *length += grapheme.chars().count();
            (*length <= LONGEST_DISPLAY).then_some(grapheme)
        })
        .collect::<String>()
        .trim_end()
        .to_owned()
}

const LONGEST_DISPLAY: usize = 64;

/// Whether a CodeableConcept has this code; the coding is carried if so.
pub(super) fn has_term(concept: Element<'_, '_>, term: Term) -> bool {
    let found = concept.children("coding").find(|coding| is_term(*coding, term));
    if let Some(coding) = found {
        coding.carry();
    }
    found.is_some()
}

/// Whether a coding is this code.
pub(super) fn is_term(coding: Element<'_, '_>, term: Term) -> bool {
    coding.peek("system") == Some(term.system) && coding.peek("code") == Some(term.code)
}

/// Whether an identifier is of a kind of HL7 v2 table 0203.
pub(super) fn is_of_type(identifier: Element<'_, '_>, kind: &str) -> bool {
    let systems = [IDENTIFIER_TYPE, "http://hl7.org/fhir/v2/0203"];
    identifier.child("type").is_some_and(|concept| {
        concept.children("coding").any(|coding| {
            coding.peek("code") == Some(kind) && coding.peek("system").is_some_and(|system| systems.contains(&system))
        })
    })
}

/// The value of an identifier, with all that is usual around it. A system that `is_ours` is carried with
/// it; others are lost.
pub(super) fn value<'a>(identifier: Element<'_, 'a>, is_ours: impl Fn(&str) -> bool) -> Option<&'a str> {
    let value = identifier.text("value")?;
    identifier.carry_child("use");
    identifier.carry_child("type");
    if identifier.peek("system").is_some_and(is_ours) {
        identifier.carry_child("system");
    }
    Some(value)
}
