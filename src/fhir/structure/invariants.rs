//! The invariants of R4: the FHIRPath rules of the base definitions, run on every element that has some.
//! R4 conformance-rules.html#constraints. A resource comes in, issues go out, as from [`super::check()`], which
//! looks at dom-2 to dom-5, ref-1, txt-1 and txt-2 and is to be asked too.
//!
//! ele-1, ext-1 and dom-6 hold everywhere and are written in Rust; a test holds them to their expressions. The other
//! rules are read from `constraints.tsv` and compiled at first use. A rule that is not true is broken, also when its
//! result is empty; dom-6 and rules that R4 calls warnings give warnings. A rule that could not be evaluated gives a
//! warning that says so.

mod rules;

use std::borrow::Cow;

use crate::fhir::fhirpath::{Environment, EvaluateError, Limits as Budget, Node};
use crate::fhir::outcome::Severity;
use crate::fhir::{Json, Object};

use self::rules::{Rule, RulesOn, rules_of, rules_on};
use super::path::{Step, expression};
use super::table::{Class, Member, TypeDef, definitions};
use super::{Issue, IssueCode, Limits};

/// Steps that all rules of a resource may take together, and how many more for each element: what takes longer than
/// in proportion to the size of a resource comes to an end.
const STEPS: u64 = 2_000_000;
const STEPS_AN_ELEMENT: u64 = 300;

/// Which invariants a resource breaks; what is not an element of R4 is passed over.
pub fn check(resource: &Json, limits: &Limits) -> Vec<Issue> {
    let mut checker = Checker {
        limits,
        environment: Environment::of(resource),
        budget: Budget { steps: STEPS, ..Budget::default() },
        is_exhausted: false,
        issues: Vec::new(),
        dropped: Dropped::default(),
        path: Vec::new(),
        depth: 0,
    };
    checker.resource(resource, false);
    checker.finish()
}

/// Compiles the rules now, so that the first resource does not wait for it. Returns how many there are.
pub fn prepare() -> usize {
    rules::count()
}

/// Keys and expressions of the rules, as the definitions of R4 have them: profiles repeat them.
pub fn base_rules() -> impl Iterator<Item = (&'static str, &'static str)> {
    rules::all()
}

struct Checker<'a, 'l> {
    limits: &'l Limits,
    environment: Environment<'a>,
    budget: Budget,
    /// Whether the budget is used up.
    is_exhausted: bool,
    issues: Vec<Issue>,
    dropped: Dropped,
    path: Vec<Step<'a>>,
    depth: usize,
}

/// Issues that there is no room for.
#[derive(Default)]
struct Dropped {
    errors: usize,
    warnings: usize,
}

impl<'a> Checker<'a, '_> {
    fn resource(&mut self, value: &'a Json, is_contained: bool) {
        let node = Node::resource(value);
        let (Some(def), Some(object)) = (node.def(), value.as_object()) else { return };
        if self.path.is_empty() {
            self.path.push(Step::Name(def.name));
        }
        // "Contained resources do not have narrative", R4 domainresource.html#text.
        if !is_contained && !has_narrative(object) && def.is_a("DomainResource") {
            self.issue(Severity::Warning, rules::DOM_6);
        }
        self.members(node, object, def);
    }

    /// A resource that is not a contained one.
    fn own_resource(&mut self, value: &'a Json) {
        let own = Environment::of(value);
        let outer = self.environment;
        self.environment = Environment { bundle: own.bundle.or(outer.bundle), ..own };
        self.resource(value, false);
        self.environment = outer;
    }

    fn contained_resource(&mut self, value: &'a Json) {
        let outer = self.environment;
        self.environment.resource = Node::resource(value);
        self.resource(value, true);
        self.environment = outer;
    }

    /// The rules of the type of `node`, and those of all below it.
    fn members(&mut self, node: Node<'a>, object: &'a Object, def: &'static TypeDef) {
        self.run(rules_of(def.name), node);
        if self.depth >= self.limits.depth {
            return;
        }
        self.depth += 1;
        let on_elements = rules_on(def.name);
        for (key, value) in object.iter() {
            let plain = key.strip_prefix('_');
            let name = plain.unwrap_or(key);
            let Some(member) = def.member(name) else { continue };
            match plain {
                Some(_) if object.get(name).is_some() => {}
                Some(_) => self.element(on_elements, member, None, Some(value)),
                None => self.element(on_elements, member, Some(value), sibling(object, member, name)),
            }
        }
        self.depth -= 1;
    }

    fn element(
        &mut self,
        on_elements: Option<&'static RulesOn>,
        member: Member<'static>,
        value: Option<&'a Json>,
        sibling: Option<&'a Json>,
    ) {
        let Some(def) = definitions().get(member.of_type) else { return };
        let rules = on_elements.and_then(|on| on.get(member.element.name)).map(Vec::as_slice).unwrap_or_default();
        let before = self.path.len();
        self.path.push(Step::Name(member.element.name));
        if member.element.is_choice {
            self.path.push(Step::OfType(def.name));
        }
        let list = |json: Option<&'a Json>| json.and_then(Json::as_array);
        match (list(value), list(sibling)) {
            (None, None) => self.value(member, def, rules, value, sibling),
            (values, siblings) => {
                let (values, siblings) = (values.unwrap_or_default(), siblings.unwrap_or_default());
                let half = |list: &'a [Json], index| list.get(index).filter(|item| !matches!(item, Json::Null));
                for index in 0..values.len().max(siblings.len()) {
                    self.path.push(Step::Index(index));
                    self.value(member, def, rules, half(values, index), half(siblings, index));
                    self.path.pop();
                }
            }
        }
        self.path.truncate(before);
    }

    fn value(
        &mut self,
        member: Member<'static>,
        def: &'static TypeDef,
        rules: &'static [Rule],
        value: Option<&'a Json>,
        sibling: Option<&'a Json>,
    ) {
        match (def.class, value) {
            (Class::Primitive(_), _) => {
                let extensions = sibling.and_then(Json::as_object);
                if value.is_none() && !extensions.is_some_and(has_content) {
                    self.issue(Severity::Error, rules::ELE_1);
                }
                if !rules.is_empty() {
                    self.run(rules, Node::element(value, sibling, def));
                }
                if let (Some(extensions), Some(element)) = (extensions, definitions().find("Element")) {
                    self.members(Node::element(sibling, None, element), extensions, element);
                }
            }
            (Class::Resource, Some(value)) if member.element.name == "contained" => self.contained_resource(value),
            (Class::Resource, Some(value)) => self.own_resource(value),
            (Class::Complex, Some(Json::Object(object))) => {
                if !has_content(object) {
                    self.issue(Severity::Error, rules::ELE_1);
                }
                if def.name == "Extension" && !is_sound_extension(object) {
                    self.issue(Severity::Error, rules::EXT_1);
                }
                let node = Node::element(value, None, def);
                self.run(rules, node);
                self.members(node, object, def);
            }
            // The structural check says what is wrong with the others.
            _ => {}
        }
    }

    fn run(&mut self, rules: &'static [Rule], node: Node<'a>) {
        self.budget.steps = self.budget.steps.saturating_add(STEPS_AN_ELEMENT);
        for rule in rules {
            if self.is_exhausted {
                return;
            }
            match rule.expression.is_true(node, &self.environment, &mut self.budget) {
                Ok(Some(true)) => {}
                Ok(_) => self.issue(rule.severity, &rule.text),
                Err(EvaluateError::Steps) => {
                    self.is_exhausted = true;
                    self.add(Severity::Warning, IssueCode::TooLong, &rule.too_long);
                }
                Err(_) => self.issue(Severity::Warning, &rule.undecided),
            }
        }
    }

    fn issue(&mut self, severity: Severity, text: &'static str) {
        self.add(severity, IssueCode::Invariant, text);
    }

    /// Adds an issue if there is room; errors take the room of warnings.
    fn add(&mut self, severity: Severity, code: IssueCode, text: &'static str) {
        let is_error = severity == Severity::Error;
        if self.issues.len() >= self.limits.issues {
            let warning = self.issues.iter().rposition(|issue| !issue.is_error()).filter(|_| is_error);
            let Some(warning) = warning else {
                self.dropped.errors += usize::from(is_error);
                self.dropped.warnings += usize::from(!is_error);
                return;
            };
            self.issues.remove(warning);
            self.dropped.warnings += 1;
        }
        self.issues.push(Issue {
            severity,
            code,
            expression: expression(&self.path),
            diagnostics: Cow::Borrowed(text),
        });
    }

    fn finish(mut self) -> Vec<Issue> {
        let Dropped { errors, warnings } = self.dropped;
        if errors + warnings > 0 {
            self.issues.push(Issue {
                severity: if errors > 0 { Severity::Error } else { Severity::Warning },
                code: IssueCode::TooLong,
                expression: String::new(),
                diagnostics: format!("and {} more issues", errors + warnings).into(),
            });
        }
        self.issues
    }
}

/// The member `_name` of a primitive.
fn sibling<'a>(object: &'a Object, member: Member<'static>, name: &str) -> Option<&'a Json> {
    let def = definitions().get(member.of_type)?;
    if !matches!(def.class, Class::Primitive(_)) {
        return None;
    }
    object.iter().find(|(key, _)| key.strip_prefix('_') == Some(name)).map(|(_, value)| value)
}

/// ele-1: `hasValue() or (children().count() > id.count())`. R4 element.html.
fn has_content(object: &Object) -> bool {
    object.iter().any(|(key, _)| key != "id" && key != "_id")
}

/// ext-1: `extension.exists() != value.exists()`. R4 extensibility.html.
fn is_sound_extension(object: &Object) -> bool {
    let has_extensions = object.get("extension").is_some();
    let has_value = object.iter().any(|(key, _)| key.trim_start_matches('_').starts_with("value"));
    has_extensions != has_value
}

/// dom-6: ``text.`div`.exists()``. R4 domainresource.html.
fn has_narrative(object: &Object) -> bool {
    object.get("text").is_some_and(|text| text.get("div").is_some())
}

#[cfg(test)]
mod tests;
