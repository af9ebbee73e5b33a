//! What becomes of a resource that is not as it should be.
//!
//! A resource whose JSON is not that of its type is no FHIR, and is never kept: nobody could read it. Everything else
//! is a matter between those who exchange resources: codes of required bindings, invariants, profiles. R4 leaves it to
//! servers how claims of profiles are verified (resource.html#Meta), so that is for the tenant to say.

use crate::fhir::Json;
use crate::fhir::outcome::Severity;
use crate::fhir::structure::{self, Issue, IssueCode, Limits, invariants};

use super::registry::Found;
use super::{Registry, Wanted, check};

/// What becomes of resources that break rules. What is no FHIR at all is refused whatever the policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// They are not looked at.
    Off,
    /// They are kept; who asks for an outcome hears of it.
    Warn,
    /// They are refused.
    #[default]
    Reject,
}

impl Policy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Off, Self::Warn, Self::Reject];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Reject => "reject",
        }
    }

    /// The policy of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == name)
    }
}

/// How far a validation goes.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Whether rules are looked at at all; if not, only what makes it FHIR is.
    pub has_rules: bool,
    /// Whether profiles and the definitions of extensions are looked at.
    pub has_profiles: bool,
    /// Profiles that hold beside those that the resource claims.
    pub profiles: &'a [String],
}

/// What is wrong with a resource, by what is to be done about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validated {
    /// What makes it no FHIR, and what R4 advises against.
    pub structure: Vec<Issue>,
    /// Bindings and invariants of the base definitions.
    pub base: Vec<Issue>,
    /// Profiles and extensions.
    pub profiles: Vec<Issue>,
    /// Definitions that have to be read first; then it is to be asked again.
    pub wanted: Vec<Wanted>,
}

impl Validated {
    /// Everything, in this order.
    pub fn issues(&self) -> impl Iterator<Item = &Issue> {
        self.structure.iter().chain(&self.base).chain(&self.profiles)
    }
}

/// Looks at all that is to be looked at. Rules are not asked of what is no FHIR: they would only say it again.
pub fn validate(resource: &Json, registry: &Registry, scope: Scope<'_>, limits: &Limits) -> Validated {
    let is_rule = |issue: &Issue| matches!(issue.code, IssueCode::CodeInvalid | IssueCode::Invariant);
    let (base, structure): (Vec<Issue>, Vec<Issue>) = structure::check(resource, limits).into_iter().partition(is_rule);
    let mut validated = Validated { structure, ..Validated::default() };
    if !scope.has_rules {
        return validated;
    }
    validated.base = base;
    if validated.structure.iter().any(Issue::is_error) {
        return validated;
    }
    validated.base.extend(invariants::check(resource, limits));
    if scope.has_profiles {
        let checked = check(resource, scope.profiles, registry, limits);
        validated.profiles = checked.issues;
        validated.wanted = checked.wanted;
    } else {
        validated.profiles = unknown_claims(resource, registry);
    }
    validated
}

/// Where nothing is installed, claims are all that there is to say something about.
fn unknown_claims(resource: &Json, registry: &Registry) -> Vec<Issue> {
    let claims = resource.get("meta").map(|meta| meta.items("profile")).unwrap_or_default().iter().enumerate();
    let unknown = claims.filter(|(_, claim)| {
        claim.as_str().is_some_and(|claim| matches!(registry.profile(claim), Found::Absent | Found::Unusable))
    });
    let issue = |index: usize| Issue {
        severity: Severity::Warning,
        code: IssueCode::NotFound,
        expression: format!("{}.meta.profile[{index}]", resource.text_at(&["resourceType"]).unwrap_or_default()),
        diagnostics: "the profile is not installed".into(),
    };
    unknown.map(|(index, _)| issue(index)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::JsonLimits;

    fn of(text: &str, has_rules: bool) -> Validated {
        let json = Json::parse(text.as_bytes(), &JsonLimits::default()).expect("JSON");
        let scope = Scope { has_rules, has_profiles: false, profiles: &[] };
        validate(&json, Registry::base(), scope, &Limits::default())
    }

    #[test]
    fn what_is_no_fhir_is_told_from_what_breaks_a_rule() {
        let text = r#"{"resourceType":"Observation","status":"nonsense","code":{"text":"x"},
            "referenceRange":[{"appliesTo":[{"text":"x"}]}]}"#;
        let found = of(text, true);
        assert!(!found.structure.iter().any(Issue::is_error));
        let errors: Vec<_> = found.base.iter().filter(|issue| issue.is_error()).map(|one| one.code).collect();
        assert_eq!(errors, [IssueCode::CodeInvalid, IssueCode::Invariant]);
        assert_eq!(of(text, false), Validated::default());
        let found = of(r#"{"resourceType":"Observation","status":"final","codes":{}}"#, false);
        assert!(found.structure.iter().any(Issue::is_error));
    }

    #[test]
    fn a_claim_of_a_profile_that_is_not_installed_is_a_warning() {
        let text = r#"{"resourceType":"Basic","code":{"text":"x"},"meta":{"profile":[
            "http://hl7.org/fhir/StructureDefinition/Basic","http://example.org/other"]}}"#;
        let found = of(text, true).profiles;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].expression.as_str(), found[0].severity), ("Basic.meta.profile[1]", Severity::Warning));
    }
}
