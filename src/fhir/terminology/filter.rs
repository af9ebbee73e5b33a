//! The filters of a value set on the concepts of a code system. R4 valueset.html#compositions,
//! valueset-filter-operator.html.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use regex_lite::{Regex, RegexBuilder};

use super::code_system::CodeSystem;
use super::concept::Concept;
use super::fault::Fault;
use super::value_set::Filter;

/// A filter, ready to be asked about concepts of one code system.
#[derive(Debug)]
pub(super) struct Rule<'a> {
    test: Test<'a>,
    /// Work of one answer.
    pub(super) cost: usize,
}

#[derive(Debug)]
enum Test<'a> {
    /// The concept stands at one of these places.
    Among(HashSet<u32>),
    /// It stands elsewhere.
    NotAmong(HashSet<u32>),
    /// A value of its property is one of these.
    In(Property<'a>, Vec<&'a str>),
    /// No value of its property is one of these.
    NotIn(Property<'a>, Vec<&'a str>),
    /// A value of its property matches as a whole.
    Matches(Property<'a>, Regex),
    /// It has the property, or has it not.
    Exists(Property<'a>, bool),
}

/// A property of concepts, with what is needed to read it.
#[derive(Debug)]
enum Property<'a> {
    Code,
    Display,
    Definition,
    Parent,
    Child(HashMap<u32, Vec<u32>>),
    Inactive,
    NotSelectable,
    Other(&'a str),
}

impl<'a> Rule<'a> {
    /// The rule of a filter on a code system.
    pub(super) fn of(system: &CodeSystem, filter: &'a Filter) -> Result<Self, Fault> {
        let unsupported = || Fault::Filter {
            system: system.url.to_string(),
            property: filter.property.to_string(),
            op: filter.op.to_string(),
        };
        let on_hierarchy = matches!(&*filter.property, "concept" | "code");
        let place = system.place(&filter.value);
        // A code that the code system does not have has nothing above or below it.
        let below = || place.map(|place| system.below(place)).unwrap_or_default();
        let property = || Property::of(system, &filter.property).ok_or_else(unsupported);
        let values = || filter.value.split(',').map(str::trim).collect();
        let mut cost = 1;
        let test = match &*filter.op {
            "is-a" if on_hierarchy => Test::Among(below()),
            "is-not-a" if on_hierarchy => Test::NotAmong(below()),
            "descendent-of" if on_hierarchy => {
                let mut found = below();
                found.retain(|each| Some(*each) != place);
                Test::Among(found)
            }
            "generalizes" if on_hierarchy => Test::Among(place.map(|place| system.above(place)).unwrap_or_default()),
            "=" => Test::In(property()?, vec![&*filter.value]),
            "in" => Test::In(property()?, values()),
            "not-in" => Test::NotIn(property()?, values()),
            "regex" => {
                cost += filter.value.len() / 8;
                let wrong = || Fault::Regex(system.url.to_string());
                Test::Matches(property()?, whole(&filter.value).ok_or_else(wrong)?)
            }
            "exists" => match &*filter.value {
                "true" => Test::Exists(property()?, true),
                "false" => Test::Exists(property()?, false),
                _ => return Err(unsupported()),
            },
            _ => return Err(unsupported()),
        };
        Ok(Self { test, cost })
    }

    /// Whether the concept at `place` passes.
    pub(super) fn passes(&self, system: &CodeSystem, place: u32, concept: &Concept) -> bool {
        let any = |property: &Property<'_>, test: &dyn Fn(&str) -> bool| {
            property.values(system, place, concept).iter().any(|value| test(value))
        };
        match &self.test {
            Test::Among(places) => places.contains(&place),
            Test::NotAmong(places) => !places.contains(&place),
            Test::In(property, values) => any(property, &|value| values.contains(&value)),
            Test::NotIn(property, values) => !any(property, &|value| values.contains(&value)),
            Test::Matches(property, regex) => any(property, &|value| regex.is_match(value)),
            Test::Exists(property, wanted) => any(property, &|_| true) == *wanted,
        }
    }
}

impl<'a> Property<'a> {
    /// The property of a name, if concepts of the code system may have it.
    fn of(system: &CodeSystem, name: &'a str) -> Option<Self> {
        Some(match name {
            "concept" | "code" => Self::Code,
            "display" => Self::Display,
            "definition" => Self::Definition,
            "parent" => Self::Parent,
            "child" => {
                let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
                for (child, concept) in (0_u32..).zip(system.concepts()) {
                    for parent in &concept.parents {
                        children.entry(*parent).or_default().push(child);
                    }
                }
                Self::Child(children)
            }
            "inactive" => Self::Inactive,
            "notSelectable" => Self::NotSelectable,
            "status" | "abstract" => Self::Other(name),
            _ if system.knows_property(name) => Self::Other(name),
            _ => return None,
        })
    }

    fn values<'c>(&self, system: &'c CodeSystem, place: u32, concept: &'c Concept) -> Vec<Cow<'c, str>> {
        let codes = |places: &[u32]| {
            let code = |place: &u32| Some(Cow::Borrowed(&*system.concepts().get(*place as usize)?.code));
            places.iter().filter_map(code).collect()
        };
        let flag = |flag: bool| vec![Cow::Borrowed(if flag { "true" } else { "false" })];
        match self {
            Self::Code => vec![Cow::Borrowed(&*concept.code)],
            Self::Display => concept.display.as_deref().map(Cow::Borrowed).into_iter().collect(),
            Self::Definition => concept.definition().into_iter().collect(),
            Self::Parent => codes(system.parents(place)),
            Self::Child(children) => codes(children.get(&place).map(|each| &**each).unwrap_or_default()),
            Self::Inactive => flag(concept.is_inactive),
            Self::NotSelectable => flag(concept.is_abstract),
            Self::Other(name) => {
                let named = concept.properties.iter().filter(|property| property.code == *name);
                named.map(|property| Cow::Borrowed(property.value.as_text())).collect()
            }
        }
    }
}

/// An expression that matches whole values only. `None` if it is malformed or too large. The engine takes
/// time in proportion to expression and value, whatever they are.
fn whole(expression: &str) -> Option<Regex> {
    if expression.len() > LONGEST_REGEX {
        return None;
    }
    let build = |text: &str| RegexBuilder::new(text).size_limit(LARGEST_REGEX).build().ok();
    // Alone first: a parenthesis too many must not end the group below.
    build(expression)?;
    build(&format!(r"\A(?:{expression})\z"))
}

/// Longest regular expression, bytes.
const LONGEST_REGEX: usize = 1000;
/// Greatest size of one that is compiled, bytes.
const LARGEST_REGEX: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::{Json, JsonLimits};

    const SYSTEM: &str = r#"{"url":"urn:x","content":"complete","property":[{"code":"weight"}],"concept":[
        {"code":"a","display":"Anna","concept":[
            {"code":"b","definition":"Bee","property":[{"code":"colour","valueCode":"red"}]},
            {"code":"c1","property":[{"code":"colour","valueString":"blue"},{"code":"inactive","valueBoolean":true}],
             "concept":[{"code":"d1"}]}]},
        {"code":"e","property":[{"code":"notSelectable","valueBoolean":true},{"code":"size","valueInteger":5}]}]}"#;

    fn passing(property: &str, op: &str, value: &str) -> Result<String, Fault> {
        let json = Json::parse(SYSTEM.as_bytes(), &JsonLimits::default()).expect("is JSON");
        let system = CodeSystem::of_resource(&json).expect("is one");
        let of = |text: &str| text.to_owned().into();
        let filter = Filter { property: of(property), op: of(op), value: of(value) };
        let rule = Rule::of(&system, &filter)?;
        let concepts = (0_u32..).zip(system.concepts());
        let passing = concepts.filter(|(place, concept)| rule.passes(&system, *place, concept));
        Ok(passing.map(|(_, concept)| &*concept.code).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn each_operator_has_its_meaning() {
        for (property, op, value, codes) in [
            ("concept", "is-a", "a", "a b c1 d1"),
            ("concept", "is-a", "absent", ""),
            ("concept", "descendent-of", "a", "b c1 d1"),
            ("concept", "is-not-a", "c1", "a b e"),
            ("concept", "generalizes", "d1", "a c1 d1"),
            ("code", "=", "b", "b"),
            ("code", "in", "b, e", "b e"),
            ("code", "not-in", "b,e", "a c1 d1"),
            ("code", "regex", "[a-z][0-9]", "c1 d1"),
            ("code", "regex", "[a-z]|c1", "a b c1 e"),
            ("display", "regex", "An.*", "a"),
            ("display", "exists", "true", "a"),
            ("definition", "=", "Bee", "b"),
            ("parent", "=", "a", "b c1"),
            ("parent", "exists", "false", "a e"),
            ("child", "=", "d1", "c1"),
            ("colour", "=", "red", "b"),
            ("colour", "in", "red,blue", "b c1"),
            ("colour", "exists", "false", "a d1 e"),
            ("size", "=", "5", "e"),
            ("weight", "exists", "true", ""),
            ("inactive", "=", "true", "c1"),
            ("notSelectable", "=", "false", "a b c1 d1"),
        ] {
            assert_eq!(passing(property, op, value).as_deref(), Ok(codes), "{property} {op} {value}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (property, op, value) in
            [("taste", "=", "x"), ("colour", "is-a", "x"), ("code", "like", "x"), ("code", "exists", "maybe")]
        {
            assert!(matches!(passing(property, op, value), Err(Fault::Filter { .. })), "{property} {op} {value}");
        }
        let long = "a".repeat(LONGEST_REGEX + 1);
        for regex in ["(", "a)|(b", "(?x)a #", "((((a{50}){50}){50}){50})", &long] {
            assert!(matches!(passing("code", "regex", regex), Err(Fault::Regex(_))), "{regex}");
        }
    }
}
