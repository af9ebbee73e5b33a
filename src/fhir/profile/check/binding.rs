//! Value sets: whether codes are from those that a profile binds. R4 terminologies.html#strength.

use crate::fhir::Json;
use crate::fhir::outcome::Severity;
use crate::fhir::profile::definition::{Binding, Strength};
use crate::fhir::profile::registry::Membership;
use crate::fhir::structure::IssueCode;

use super::Checker;
use super::values::Value;

impl<'a> Checker<'a> {
    pub(super) fn binding(&mut self, binding: &'a Binding, value: Value<'a>) {
        let codes = codes(value);
        let mut is_undecided = false;
        for (system, code) in &codes {
            match self.registry.membership(&binding.value_set, *system, code) {
                // One of the codings is enough. R4 terminologies.html#4.1.4.
                Membership::In => return,
                Membership::Out => {}
                Membership::Undecided => is_undecided = true,
                Membership::Wanted(wanted) => {
                    for one in wanted {
                        self.want(one);
                    }
                    is_undecided = true;
                }
            }
        }
        let url = &binding.value_set;
        if is_undecided {
            return self.unknown(format!("codes were not checked: {url} cannot be evaluated here"));
        }
        match (binding.strength, codes.is_empty()) {
            // What has no code may say why, or what else is meant.
            (Strength::Extensible | Strength::Most, true) => {}
            (Strength::Required, true) if is_explained(value) => {}
            (Strength::Extensible, false) => {
                let text = format!("there is no code of {url}, which is to be used where a code of it fits");
                self.issue(Severity::Warning, IssueCode::CodeInvalid, text);
            }
            (Strength::Required | Strength::Most, _) => {
                self.error(IssueCode::CodeInvalid, format!("there is no code of {url}"));
            }
        }
    }
}

/// The codes of a value; without a system those of elements that imply it.
pub(super) fn codes<'a>(value: Value<'a>) -> Vec<(Option<&'a str>, &'a str)> {
    let Some(json) = value.json() else { return Vec::new() };
    let text = |json: &'a Json, name| json.get(name).and_then(Json::as_str);
    let coding = |json: &'a Json| Some((Some(text(json, "system").unwrap_or_default()), text(json, "code")?));
    match json {
        Json::String(code) => vec![(None, code)],
        Json::Object(_) if value.def.name == "CodeableConcept" => {
            json.items("coding").iter().filter_map(coding).collect()
        }
        _ => coding(json).into_iter().collect(),
    }
}

/// Whether an extension may say why there is no code.
fn is_explained(value: Value<'_>) -> bool {
    !value.values("extension").is_empty() || value.json().is_none()
}
