//! Concepts of a report as DICOM codes and back. The writer's side notes what does not fit.

use crate::base::Sha256;
use crate::dicom::code::{Code, CodingScheme, CodingSchemes, Term};
use crate::dicom::value::TextVr;

use super::super::model::{Concept, PersonName};
use super::super::{Losses, codes};
use super::terms::OWN_SCHEME;

/// Makes codes and other values for one document: gathers its coding schemes and its losses.
pub(crate) struct Coder {
    /// Schemes that the document has to describe.
    pub(crate) schemes: CodingSchemes,
    /// What did not fit.
    pub(crate) losses: Losses,
}

impl Coder {
    /// With losses that are known already.
    pub(crate) fn new(losses: Losses) -> Self {
        Self { schemes: CodingSchemes::new(), losses }
    }

    /// `text` as the VR has it; a change is a loss of `path`.
    pub(crate) fn fit(&mut self, vr: TextVr, text: &str, path: &str) -> String {
        let fitted = vr.fit(text);
        if let Some(change) = fitted.change {
            self.losses.add(path, change);
        }
        fitted.text
    }

    /// A name as PN text.
    pub(crate) fn name(&mut self, name: &PersonName, path: &str) -> String {
        let text = name.to_pn();
        let fitted = self.fit(TextVr::Pn, &text, path);
        if fitted == text && PersonName::from_pn(&fitted).as_ref() != Some(name) {
            self.losses.add(path, "is not kept part by part");
        }
        fitted
    }

    /// A concept as a code.
    pub(crate) fn code(&mut self, concept: &Concept, path: &str) -> Code {
        let scheme = self.schemes.designator(&concept.system);
        let plain = |character: char| match character {
            '\\' => '/',
            control if control.is_control() => ' ',
            other => other,
        };
        let value: String = concept.code.chars().map(plain).collect();
        let value = match value.trim_matches(' ') {
            "" => "unknown".to_owned(),
            value => value.to_owned(),
        };
        if value != concept.code {
            self.losses.add(format!("{path}.code"), "characters that DICOM does not allow there are replaced");
        }
        let mut meaning = self.fit(TextVr::Lo, &concept.display, &format!("{path}.display"));
        if meaning.is_empty() {
            self.losses.add(format!("{path}.display"), "is empty; the code stands for it");
            meaning = TextVr::Lo.fit(&value).text;
        }
        Code::new(value, scheme, meaning)
    }

    /// A term of ours, whose scheme has to be described.
    pub(crate) fn own(&mut self, term: Term) -> Term {
        self.describe_own();
        term
    }

    /// A code of ours for something that has words only. It follows from them.
    pub(crate) fn coined(&mut self, prefix: char, words: &str) -> Code {
        self.describe_own();
        let hex = Sha256::of(words.as_bytes()).to_hex();
        let meaning = Some(TextVr::Lo.fit(words).text).filter(|meaning| !meaning.is_empty());
        let value = format!("{prefix}-{}", hex.get(..12).unwrap_or_default());
        Code::new(value, OWN_SCHEME, meaning.unwrap_or_else(|| "unnamed".to_owned()))
    }

    /// A term that is its own code value, but in no context group that we know: as a code of ours.
    pub(crate) fn unlisted(&mut self, term: &str) -> Code {
        self.describe_own();
        Code::new(term, OWN_SCHEME, term)
    }

    /// An identifier of a person as a code of ours.
    pub(crate) fn person(&mut self, id: &str, name: &PersonName, path: &str) -> Option<Code> {
        self.describe_own();
        let value = self.fit(TextVr::Lo, id, path);
        if value.is_empty() {
            return None;
        }
        let meaning = TextVr::Lo.fit(&name.to_display()).text;
        let meaning = if meaning.is_empty() { value.clone() } else { meaning };
        Some(Code::new(value, OWN_SCHEME, meaning))
    }

    fn describe_own(&mut self) {
        self.schemes.describe(CodingScheme {
            designator: OWN_SCHEME.to_owned(),
            uid: None,
            system: None,
            name: Some("Causeway codes and identifiers of the reporting system".to_owned()),
        });
    }
}

/// A code as a concept. Retired SNOMED-RT codes become SNOMED CT.
pub(crate) fn concept(code: &Code, schemes: &CodingSchemes) -> Concept {
    let (scheme, value) = code.identity();
    let system = if scheme == "SCT" { codes::systems::SNOMED.to_owned() } else { schemes.system(scheme) };
    let display = if code.meaning.is_empty() { value } else { &code.meaning };
    Concept { system, code: value.to_owned(), display: display.to_owned() }
}
