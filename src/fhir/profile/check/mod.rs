//! The walk through a resource, beside the profiles that hold for it.

mod binding;
mod extension;
mod rules;
mod slices;
mod values;

use std::borrow::Cow;

use crate::fhir::fhirpath::{Environment, EvaluateError, Limits as Budget};
use crate::fhir::outcome::Severity;
use crate::fhir::structure::path::{Step, expression};
use crate::fhir::structure::{Class, Issue, IssueCode, Limits};
use crate::fhir::{Json, Object};

use super::definition::{Invariant, Profile};
use super::registry::{Found, Registry, Wanted};
use values::Value;

/// Steps that all invariants of the profiles of a resource may take together.
const STEPS: u64 = 5_000_000;
/// Greatest depth of rules and of elements.
const DEEPEST: usize = 100;

/// What a check came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// What is wrong, or could not be checked.
    pub issues: Vec<Issue>,
    /// What is installed and was needed, but not read yet: with it, ask again. What is said in `issues` is not all,
    /// then.
    pub wanted: Vec<Wanted>,
}

/// Checks a resource against the profiles that it claims, those that `profiles` names beside them, and the definitions
/// of its extensions. A profile of `profiles` that is not installed is an error; one that a resource claims, a warning.
pub fn check(resource: &Json, profiles: &[String], registry: &Registry, limits: &Limits) -> Checked {
    let mut checker = Checker {
        registry,
        limits,
        environment: Environment::of(resource),
        budget: Budget { steps: STEPS, ..Budget::default() },
        is_exhausted: false,
        checked: Checked::default(),
        dropped: (0, 0),
        path: Vec::new(),
        start: 0,
        depth: 0,
        trial: None,
    };
    if let Some(value) = Value::resource(resource) {
        checker.path.push(Step::Name(value.def.name));
        checker.start = checker.path.len();
        for named in profiles {
            checker.named(value, named);
        }
        checker.resource(value, profiles);
    }
    checker.finish()
}

struct Checker<'a> {
    registry: &'a Registry,
    limits: &'a Limits,
    environment: Environment<'a>,
    budget: Budget,
    is_exhausted: bool,
    checked: Checked,
    /// Errors and others that there was no room for.
    dropped: (usize, usize),
    path: Vec<Step<'a>>,
    /// Where in it the resource begins that is looked at.
    start: usize,
    depth: usize,
    /// Whether it is only tried if something conforms, and if so, whether it does up to now.
    trial: Option<bool>,
}

impl<'a> Checker<'a> {
    /// A resource: the profiles that it claims, but for those that were looked at, its extensions, and the resources in
    /// it.
    fn resource(&mut self, value: Value<'a>, done: &[String]) {
        let claims = value.json().and_then(|json| json.get("meta")).map(|meta| meta.items("profile"));
        for (index, claim) in claims.unwrap_or_default().iter().enumerate() {
            let Some(claim) = claim.as_str().filter(|claim| !done.iter().any(|one| one == claim)) else { continue };
            match self.registry.profile(claim) {
                Found::Absent | Found::Unusable => {
                    let steps = [Step::Name("meta"), Step::Name("profile"), Step::Index(index)];
                    self.within(steps, |checker| checker.absent(claim, Severity::Warning));
                }
                found => self.found(value, found),
            }
        }
        self.sweep(value);
    }

    /// A profile that the caller names.
    fn named(&mut self, value: Value<'a>, canonical: &str) {
        match self.registry.profile(canonical) {
            Found::Absent | Found::Unusable => self.absent(canonical, Severity::Error),
            found => self.found(value, found),
        }
    }

    fn absent(&mut self, canonical: &str, severity: Severity) {
        let reason = match self.registry.profile(canonical) {
            Found::Unusable => "is installed but cannot be used",
            _ => "is not installed",
        };
        self.issue(severity, IssueCode::NotFound, format!("the profile {} {reason}", shown(canonical)));
    }

    fn found(&mut self, value: Value<'a>, found: Found<'a>) {
        match found {
            Found::Profile(profile) => self.profile(profile, value),
            Found::Base(def) if value.def.is_a(def.name) => {}
            Found::Base(def) => self.error(IssueCode::Structure, format!("the element is no {}", def.name)),
            Found::Wanted(wanted) => self.want(wanted),
            Found::Absent | Found::Unusable => {}
        }
    }

    /// A value against a profile.
    fn profile(&mut self, profile: &'a Profile, value: Value<'a>) {
        if !value.def.is_a(profile.of_type.name) {
            let text = format!("the element is no {}, which {} is for", profile.of_type.name, profile.url);
            return self.error(IssueCode::Structure, text);
        }
        if !self.deeper() {
            return;
        }
        if self.trial.is_none() {
            for unchecked in &profile.unchecked {
                let text = format!("{} is not checked in full: {unchecked}", profile.url);
                self.issue(Severity::Information, IssueCode::Informational, text);
            }
        }
        self.rules(&profile.root, value, profile);
        if let Some(base) = &profile.base {
            let found = self.registry.profile(base);
            if matches!(found, Found::Absent | Found::Unusable) && self.trial.is_none() {
                let text = format!("{base}, which {} is derived from, is not installed", profile.url);
                self.issue(Severity::Warning, IssueCode::NotFound, text);
            }
            self.found(value, found);
        }
        self.depth -= 1;
    }

    /// Whether a value conforms to a profile, without saying what is wrong.
    fn conforms(&mut self, profile: &'a Profile, value: Value<'a>) -> bool {
        self.tries(|checker| checker.profile(profile, value))
    }

    /// Whether `check` finds no error.
    fn tries(&mut self, check: impl FnOnce(&mut Self)) -> bool {
        let outer = self.trial.replace(true);
        check(self);
        std::mem::replace(&mut self.trial, outer).unwrap_or(true)
    }

    fn invariants(&mut self, invariants: &'a [Invariant], value: Value<'a>) {
        for invariant in invariants {
            if self.is_exhausted {
                return;
            }
            match invariant.expression.is_true(value.node, &self.environment, &mut self.budget) {
                Ok(Some(true)) => {}
                Ok(_) if invariant.asks_terminology => {
                    self.unknown(format!("the rule asks a terminology and was not checked: {}", invariant.text));
                }
                Ok(_) => self.issue(invariant.severity, IssueCode::Invariant, invariant.text.clone()),
                Err(EvaluateError::Steps) => {
                    self.is_exhausted = true;
                    let text = format!(
                        "the rules take too long; not all were evaluated, the first of them: {}",
                        invariant.text
                    );
                    self.issue(Severity::Warning, IssueCode::TooLong, text);
                }
                Err(_) => {
                    let text = format!("the rule could not be evaluated: {}", invariant.text);
                    self.issue(Severity::Warning, IssueCode::Invariant, text);
                }
            }
        }
    }

    /// Everything below an element that profiles do not lead to: extensions and resources.
    fn sweep(&mut self, value: Value<'a>) {
        if !value.node.members().is_some_and(|(object, _)| has_matter(object)) || !self.deeper() {
            return;
        }
        let mut found = Vec::new();
        value.each_member(|_, member| {
            if !(matches!(member.def.class, Class::Primitive(_)) && member.node.sibling().is_none()) {
                found.push(member);
            }
        });
        for member in found {
            self.within(member.steps(), |checker| checker.swept(value, member));
        }
        self.depth -= 1;
    }

    fn swept(&mut self, parent: Value<'a>, value: Value<'a>) {
        let name = value.element.map_or("", |element| element.name);
        match value.def.class {
            Class::Resource => {
                let (outer, start) = (self.environment, std::mem::replace(&mut self.start, self.path.len()));
                if name == "contained" {
                    self.environment.resource = value.node;
                } else if let Some(json) = value.json() {
                    let own = Environment::of(json);
                    self.environment = Environment { bundle: own.bundle.or(outer.bundle), ..own };
                }
                self.resource(value, &[]);
                self.environment = outer;
                self.start = start;
            }
            _ => {
                if value.def.name == "Extension" {
                    self.extension(parent, value, name == "modifierExtension");
                }
                self.sweep(value);
            }
        }
    }

    fn want(&mut self, wanted: Wanted) {
        if !self.checked.wanted.contains(&wanted) {
            self.checked.wanted.push(wanted);
        }
    }

    fn within(&mut self, steps: impl IntoIterator<Item = Step<'a>>, act: impl FnOnce(&mut Self)) {
        let before = self.path.len();
        self.path.extend(steps);
        act(self);
        self.path.truncate(before);
    }

    /// Counts a level. Who gets `true` goes up again.
    fn deeper(&mut self) -> bool {
        if self.depth >= DEEPEST {
            let text = "profiles and elements are nested too deep to be checked in full";
            self.issue(Severity::Warning, IssueCode::TooLong, text.to_owned());
            return false;
        }
        self.depth += 1;
        true
    }

    fn error(&mut self, code: IssueCode, text: String) {
        self.issue(Severity::Error, code, text);
    }

    /// Something that could not be decided.
    fn unknown(&mut self, text: String) {
        self.issue(Severity::Information, IssueCode::Informational, text);
    }

    /// Adds an issue if there is room; errors take the room of others.
    fn issue(&mut self, severity: Severity, code: IssueCode, text: String) {
        let is_error = matches!(severity, Severity::Error | Severity::Fatal);
        if let Some(trial) = &mut self.trial {
            *trial &= !is_error;
            return;
        }
        let issue = Issue { severity, code, expression: expression(&self.path), diagnostics: Cow::Owned(text) };
        let issues = &mut self.checked.issues;
        // A base and a profile derived from it say the same once.
        if issues.contains(&issue) {
            return;
        }
        if issues.len() >= self.limits.issues {
            let place = issues.iter().rposition(|issue| !issue.is_error()).filter(|_| is_error);
            let Some(place) = place else {
                self.dropped.0 += usize::from(is_error);
                self.dropped.1 += usize::from(!is_error);
                return;
            };
            issues.remove(place);
            self.dropped.1 += 1;
        }
        issues.push(issue);
    }

    fn finish(mut self) -> Checked {
        let (errors, others) = self.dropped;
        if errors + others > 0 {
            self.checked.issues.push(Issue {
                severity: if errors > 0 { Severity::Error } else { Severity::Warning },
                code: IssueCode::TooLong,
                expression: String::new(),
                diagnostics: format!("and {} more issues", errors + others).into(),
            });
        }
        self.checked
    }
}

/// Whether there is anything in an object but texts and numbers: most parts of a resource are nothing else, and need no
/// look at their types.
fn has_matter(object: &Object) -> bool {
    object.iter().any(|(_, value)| match value {
        Json::Object(_) => true,
        Json::Array(items) => items.iter().any(|item| matches!(item, Json::Object(_))),
        _ => false,
    })
}

/// A URL of the client, as it may be shown: what does not look like one is not repeated.
fn shown(url: &str) -> &str {
    let is_plain = url.len() <= 256 && url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'<');
    if is_plain { url } else { "that is named" }
}
