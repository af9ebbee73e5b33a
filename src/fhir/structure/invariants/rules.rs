//! The rules by the types and elements that have them. Read from `constraints.tsv`, which `generate.py` derives from
//! the StructureDefinitions of 4.0.1.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::fhir::fhirpath::Expression;
use crate::fhir::outcome::Severity;
use crate::fhir::structure::table::definitions;

/// What is said about rules that are not in the table.
pub(super) const ELE_1: &str = "All FHIR elements must have a @value or children (ele-1)";
pub(super) const EXT_1: &str = "Must have either extensions or value[x], not both (ext-1)";
pub(super) const DOM_6: &str = "A resource should have narrative for robust management (dom-6)";

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) severity: Severity,
    pub(super) expression: Expression,
    /// What is wrong, with the key.
    pub(super) text: String,
    /// That the rule could not be evaluated.
    pub(super) undecided: String,
    /// That the rule takes too long.
    pub(super) too_long: String,
}

/// Rules by the name of an element without `[x]`.
pub(super) type RulesOn = HashMap<&'static str, Vec<Rule>>;

#[derive(Debug, Default)]
struct Rules {
    of_type: HashMap<&'static str, Vec<Rule>>,
    /// By the type that has the element.
    on_element: HashMap<&'static str, RulesOn>,
    count: usize,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::read(include_str!("../constraints.tsv")));

/// The rules that hold for every value of a type.
pub(super) fn rules_of(type_name: &str) -> &'static [Rule] {
    RULES.of_type.get(type_name).map(Vec::as_slice).unwrap_or_default()
}

/// The rules that hold for elements of a type beside those of their own types. Few types have any.
pub(super) fn rules_on(type_name: &str) -> Option<&'static RulesOn> {
    RULES.on_element.get(type_name)
}

/// Keys and expressions of all rules, as the definitions of R4 have them.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    include_str!("../constraints.tsv").lines().filter_map(|line| {
        let mut columns = line.split('\t').skip(1);
        Some((columns.next()?, columns.nth(1)?))
    })
}

/// How many rules there are.
pub(super) fn count() -> usize {
    RULES.count
}

/// Rules that say something else than they mean: path, key, and the expression that is used in place. The first four
/// compare values that may not be precise enough, or have units that do not go together: what is not known to be
/// wrong is not refused. que-7 names a type of FHIRPath that no element has; con-3 compares a concept with a text.
const CORRECTED: [(&str, &str, &str); 6] = [
    ("Period", "per-1", "iif(start > end, false, true)"),
    ("MedicationDispense", "mdd-1", "iif(whenHandedOver < whenPrepared, false, true)"),
    ("Task", "inv-1", "iif(lastModified < authoredOn, false, true)"),
    ("Range", "rng-2", "iif(low > high, false, true)"),
    ("Questionnaire.item.enableWhen", "que-7", "operator = 'exists' implies (answer is boolean)"),
    (
        "Condition",
        "con-3",
        "clinicalStatus.exists() or verificationStatus.coding.where(system = 'http://terminology.hl7.org/CodeSystem/condition-ver-status' and code = 'entered-in-error').exists() or category.coding.where(system = 'http://terminology.hl7.org/CodeSystem/condition-category' and code = 'problem-list-item').empty()",
    ),
];

/// The rule that some thirty types have for their name; a name that is absent is no bad name.
const NAME: (&str, &str) =
    ("name.matches('[A-Z]([A-Za-z0-9_]){0,254}')", "name.empty() or name.matchesFull('[A-Z]([A-Za-z0-9_]){0,254}')");

/// The expression that is run. Patterns of R4 are written for whole texts, while `matches` of FHIRPath 2.0.0 finds
/// them anywhere.
fn corrected(path: &str, key: &str, expression: &str) -> String {
    match CORRECTED.iter().find(|(at, of, _)| (*at, *of) == (path, key)) {
        Some((_, _, corrected)) => (*corrected).to_owned(),
        None if expression == NAME.0 => NAME.1.to_owned(),
        None => expression.replace("matches('", "matchesFull('"),
    }
}

impl Rules {
    fn read(text: &'static str) -> Self {
        let mut rules = Self::default();
        for line in text.lines() {
            let mut columns = line.split('\t');
            let mut next = || columns.next().unwrap_or_default();
            let (path, key, severity, expression, human) = (next(), next(), next(), next(), next());
            let Ok(expression) = Expression::parse(&corrected(path, key, expression)) else { continue };
            let rule = Rule {
                severity: if severity == "warning" { Severity::Warning } else { Severity::Error },
                expression,
                text: format!("{human} ({key})"),
                undecided: format!("the rule could not be evaluated: {human} ({key})"),
                too_long: format!(
                    "the rules take too long; not all were evaluated, the first of them: {human} ({key})"
                ),
            };
            rules.count += 1;
            if definitions().find(path).is_some() {
                rules.of_type.entry(path).or_default().push(rule);
            } else if let Some((owner, element)) = path.rsplit_once('.') {
                let element = element.trim_end_matches("[x]");
                rules.on_element.entry(owner).or_default().entry(element).or_default().push(rule);
            }
        }
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_compiled_and_has_a_place() {
        let text = include_str!("../constraints.tsv");
        for line in text.lines() {
            let [path, key, severity, expression, human] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            assert!(matches!(severity, "error" | "warning"), "{line}");
            assert!(!human.is_empty(), "{line}");
            let expression = corrected(path, key, expression);
            Expression::parse(&expression).unwrap_or_else(|error| panic!("{key}: {error}: {expression}"));
            let is_element = path.rsplit_once('.').is_some_and(|(owner, element)| {
                let def = definitions().find(owner);
                def.is_some_and(|def| def.element(element.trim_end_matches("[x]")).is_some())
            });
            assert!(definitions().find(path).is_some() || is_element, "{path}");
        }
        assert_eq!(count(), text.lines().count());
    }

    #[test]
    fn every_corrected_rule_is_in_the_table() {
        let text = include_str!("../constraints.tsv");
        for (path, key, _) in CORRECTED {
            assert!(text.contains(&format!("{path}\t{key}\t")), "{path} {key}");
        }
        assert!(text.contains(NAME.0));
    }
}
