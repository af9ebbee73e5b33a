//! `ValueSet/$validate-code` and `CodeSystem/$validate-code`. R4 valueset-operation-validate-code.html,
//! codesystem-operation-validate-code.html.
//!
//! Not supported and therefore refused by name: `context`, `date`. A version of the code system that is
//! not the installed one leaves a hint in the message; a display that is not one of the code's makes the
//! result false.

use crate::base::{ProblemCode, Problems};
use crate::fhir::{Json, Object};

use super::code_system::{CodeSystem, Content};
use super::concept::Designation;
use super::evaluate::{Entry, Evaluation, Versions};
use super::fault::Fault;
use super::input::{Coding, Inputs};
use super::library::Library;
use super::target::{Level, Target};
use super::value_set::{Canonical, Kind, ValueSet};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidateRequest {
    /// Against what; of a CodeSystem it may be unsaid, then each coding names its own.
    pub target: Option<Target>,
    codings: Vec<Coding>,
    may_be_abstract: bool,
    language: Option<String>,
}

impl ValidateRequest {
    /// Reads the parameters of the operation on a ValueSet.
    pub fn of_value_set(mut inputs: Inputs, level: Level) -> Result<Self, Problems> {
        let target = Target::take(&mut inputs, level, Kind::ValueSet);
        let target = target.map(|target| target.with_version(&mut inputs, "valueSetVersion"));
        if target.is_none() && !inputs.has("context") {
            inputs.refuse("url", ProblemCode::Required, "a value set is named by url or given as valueSet");
        }
        let request = Self::rest(&mut inputs, target, Kind::ValueSet, "systemVersion");
        inputs.finish(request)
    }

    /// Reads the parameters of the operation on a CodeSystem.
    pub fn of_code_system(mut inputs: Inputs, level: Level) -> Result<Self, Problems> {
        let target = Target::take(&mut inputs, level, Kind::CodeSystem);
        if target.is_none() && inputs.has("code") {
            inputs.refuse("url", ProblemCode::Required, "a code comes with the url of its code system");
        }
        let request = Self::rest(&mut inputs, target, Kind::CodeSystem, "version");
        inputs.finish(request)
    }

    fn rest(inputs: &mut Inputs, target: Option<Target>, kind: Kind, version: &str) -> Option<Self> {
        let ways: Vec<&str> =
            ["code", "coding", "codeableConcept"].into_iter().filter(|name| inputs.has(name)).collect();
        if ways.len() != 1 {
            inputs.refuse("code", ProblemCode::Required, "one of code, coding and codeableConcept is there");
        }
        let alone = Coding {
            system: if kind == Kind::ValueSet { inputs.text("system") } else { None },
            version: inputs.text(version),
            code: inputs.text("code"),
            display: inputs.text("display"),
        };
        let coding = inputs.coding("coding");
        let concept = inputs.concept("codeableConcept");
        let is_alone = alone.code.is_some();
        let has_rest = alone.system.is_some() || alone.version.is_some() || alone.display.is_some();
        if !is_alone && has_rest && ways.len() == 1 {
            let detail = format!("system, {version} and display go with code only");
            inputs.refuse("code", ProblemCode::Invariant, detail);
        }
        if is_alone && kind == Kind::ValueSet && alone.system.is_none() {
            inputs.refuse("system", ProblemCode::Required, "a code comes with its system");
        }
        let codings = if is_alone { Some(vec![alone]) } else { coding.map(|coding| vec![coding]).or(concept) };
        let may_be_abstract = inputs.flag("abstract").unwrap_or(false);
        let language = inputs.language("displayLanguage");
        if codings.as_ref().is_some_and(|codings| codings.len() > MOST_CODINGS) {
            inputs.refuse("codeableConcept", ProblemCode::TooLong, "has too many codings");
        }
        codings.map(|codings| Self { target, codings, may_be_abstract, language })
    }

    /// The code systems that the codings name.
    pub fn references(&self) -> Vec<Canonical> {
        let systems = self.codings.iter().filter_map(|coding| coding.system.as_deref());
        systems.map(|url| Canonical::new(Kind::CodeSystem, url, None)).collect()
    }
}

/// What has become of one coding.
enum Verdict {
    /// It belongs there; perhaps with a hint. The text is what to show.
    Valid(Option<String>, Option<String>),
    /// It does not, for this reason. The text is what to show, if the code itself belongs there.
    Invalid(String, Option<String>),
}

/// Whether a code is in a value set: Parameters with `result`.
pub fn validate_in_value_set(library: &Library, set: &ValueSet, request: &ValidateRequest) -> Result<Json, Fault> {
    let versions = Versions::default();
    let evaluation = Evaluation::new(library, &versions);
    let name = set.canonical();
    answer(request, |coding, code| {
        let Some(system) = coding.system.as_deref() else {
            return Ok(Verdict::Invalid(format!("the code {code} has no code system"), None));
        };
        let Some(entry) = evaluation.find(set, system, code)? else {
            return Ok(Verdict::Invalid(format!("the code {code} of {system} is not in {name}"), None));
        };
        Ok(judge(request, coding, &entry))
    })
}

/// Whether a code is in a code system: Parameters with `result`. Without `system` each coding names its
/// own.
pub fn validate_in_code_system(
    library: &Library,
    system: Option<&CodeSystem>,
    request: &ValidateRequest,
) -> Result<Json, Fault> {
    answer(request, |coding, code| {
        let own = coding.system.as_deref();
        let of_coding = || {
            let url = own.unwrap_or_default();
            library.code_system(url, None).ok_or_else(|| Fault::UnknownCodeSystem(url.to_owned()))
        };
        let system = match (system, own) {
            (Some(system), Some(own)) if system.url != own => {
                let reason = format!("the code {code} is of {own} and not of {}", system.url);
                return Ok(Verdict::Invalid(reason, None));
            }
            (Some(system), _) => system,
            (None, None) => return Ok(Verdict::Invalid(format!("the code {code} has no code system"), None)),
            (None, Some(_)) => of_coding()?,
        };
        let Some(place) = system.place(code) else {
            return match system.content {
                Content::Complete => Ok(Verdict::Invalid(format!("the code {code} is not in {}", system.url), None)),
                Content::Partial => Err(Fault::Partial(system.url.to_string())),
                Content::NotPresent | Content::Supplement => Err(Fault::UnknownCodeSystem(system.url.to_string())),
            };
        };
        let concept = system.concepts().get(place as usize);
        let entry = Entry {
            system: &system.url,
            code,
            listed: None,
            known: Some((system, place)),
            is_abstract: concept.is_some_and(|concept| concept.is_abstract),
            is_inactive: concept.is_some_and(|concept| concept.is_inactive),
        };
        Ok(judge(request, coding, &entry))
    })
}

/// One that is valid makes the whole valid. What could not be decided is an error only if none is.
fn answer(request: &ValidateRequest, verdict: impl Fn(&Coding, &str) -> Result<Verdict, Fault>) -> Result<Json, Fault> {
    let mut unknown = None;
    let mut reasons = Vec::new();
    let mut shown = None;
    for coding in &request.codings {
        let Some(code) = coding.code.as_deref() else { continue };
        match verdict(coding, code) {
            Ok(Verdict::Valid(hint, display)) => return Ok(parameters(true, hint, display)),
            Ok(Verdict::Invalid(reason, display)) => {
                reasons.push(reason);
                shown = shown.or(display);
            }
            Err(fault) => unknown = unknown.or(Some(fault)),
        }
    }
    if let Some(fault) = unknown {
        return Err(fault);
    }
    if reasons.is_empty() {
        reasons.push("there is no code".to_owned());
    }
    Ok(parameters(false, Some(reasons.join("; ")), shown))
}

/// A code that is there: whether it can be used, and whether its display is one of its texts.
fn judge(request: &ValidateRequest, coding: &Coding, entry: &Entry<'_>) -> Verdict {
    let shown = entry.display(request.language.as_deref()).map(ToOwned::to_owned);
    let code = entry.code;
    if entry.is_abstract && !request.may_be_abstract {
        return Verdict::Invalid(format!("the code {code} only groups others and cannot be selected"), shown);
    }
    let mut hints = Vec::new();
    if let Some(display) = &coding.display {
        let mut texts = texts(entry).peekable();
        if texts.peek().is_none() {
            hints.push(format!("no display of {code} is known, so the one given was not checked"));
        } else if !texts.any(|text| same(text, display)) {
            let should = shown.as_deref().unwrap_or_default();
            return Verdict::Invalid(format!("the display of {code} is not the one given but {should:?}"), shown);
        }
    }
    if entry.is_inactive {
        hints.push(format!("the code {code} is inactive"));
    }
    let installed = entry.known.and_then(|(system, _)| system.version.as_deref());
    if let (Some(installed), Some(version)) = (installed, &coding.version)
        && installed != version
    {
        hints.push(format!("{} was looked at in its version {installed}", entry.system));
    }
    Verdict::Valid((!hints.is_empty()).then(|| hints.join("; ")), shown)
}

/// Everything that a code may be called.
fn texts<'a>(entry: &'a Entry<'a>) -> impl Iterator<Item = &'a str> {
    let (listed, concept) = (entry.listed, entry.concept());
    let displays = [listed.and_then(|each| each.display.as_deref()), concept.and_then(|each| each.display.as_deref())];
    let here = listed.map(|each| &*each.designations).unwrap_or_default();
    let there = concept.map(|each| &*each.designations).unwrap_or_default();
    let designations = here.iter().chain(there).filter(|each| Designation::is_display(each));
    displays.into_iter().flatten().chain(designations.map(|each| &*each.value))
}

/// Whether two displays are the same but for case and white space.
fn same(left: &str, right: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    plain(left) == plain(right)
}

fn parameters(result: bool, message: Option<String>, display: Option<String>) -> Json {
    let one = |name: &str, key: &str, value: Json| -> Json {
        Object::new().with("name", Json::string(name)).with(key, value).into()
    };
    let mut items = vec![one("result", "valueBoolean", Json::Bool(result))];
    items.extend(message.map(|message| one("message", "valueString", Json::String(message))));
    items.extend(display.map(|display| one("display", "valueString", Json::String(display))));
    Object::new().with("resourceType", Json::string("Parameters")).with("parameter", Json::Array(items)).into()
}

/// Most codings of a CodeableConcept.
const MOST_CODINGS: usize = 100;

#[cfg(test)]
mod tests;
