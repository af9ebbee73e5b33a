//! Slices: which of them each value of a list is in. R4 profiling.html#slicing.

use crate::fhir::Json;
use crate::fhir::profile::definition::{
    Discriminator, DiscriminatorKind, PathStep, Profile, RefTarget, Rules, Slice, Slicing, SlicingRules, Strength,
};
use crate::fhir::profile::registry::{Found, Membership, split};
use crate::fhir::structure::IssueCode;

use super::Checker;
use super::binding::codes;
use super::rules::is_of;
use super::values::{Value, equal, fits};

/// What the path of a discriminator leads to.
enum Led<'a> {
    Value(Value<'a>),
    /// A resource elsewhere, of which only the type shows.
    TypeOnly(&'a str),
}

/// What tells a slice apart at the end of a path.
enum Expected<'a> {
    Fixed(&'a Json),
    Pattern(&'a Json),
    /// Codes of a value set.
    Code(&'a str),
}

impl<'a> Checker<'a> {
    /// The values of an element against its slices.
    pub(super) fn slices(
        &mut self,
        element: &'a Rules,
        slicing: &'a Slicing,
        values: &[Value<'a>],
        profile: &'a Profile,
    ) {
        let mut members: Vec<Vec<Value<'a>>> = slicing.slices.iter().map(|_| Vec::new()).collect();
        let (mut last, mut is_past) = (0, false);
        for value in values {
            let at = slicing.slices.iter().position(|slice| self.is_in(slicing, slice, *value, profile));
            self.within(value.steps(), |checker| {
                let Some((at, slice)) = at.and_then(|at| Some((at, slicing.slices.get(at)?))) else {
                    is_past = true;
                    if slicing.rules == SlicingRules::Closed {
                        let text = format!("the value is in none of the slices ({})", profile.url);
                        checker.error(IssueCode::Structure, text);
                    }
                    return;
                };
                if slicing.is_ordered && at < last {
                    let text = format!("the slice {} stands before it ({})", slice.name, profile.url);
                    checker.error(IssueCode::Structure, text);
                }
                if is_past && slicing.rules == SlicingRules::OpenAtEnd {
                    let text = format!("values that are in no slice come last ({})", profile.url);
                    checker.error(IssueCode::Structure, text);
                }
                last = at;
                checker.rules(&slice.rules, *value, profile);
                if let Some(list) = members.get_mut(at) {
                    list.push(*value);
                }
            });
        }
        for (slice, members) in slicing.slices.iter().zip(&members) {
            let count = members.len();
            self.count_slice(element, slice, count, profile);
            if let Some(slicing) = &slice.rules.slicing {
                self.slices(&slice.rules, slicing, members, profile);
            }
        }
    }

    fn count_slice(&mut self, element: &'a Rules, slice: &'a Slice, count: usize, profile: &'a Profile) {
        debug_assert_eq!(element.name, slice.rules.name);
        self.count(&slice.rules, count, Some(&slice.name), profile);
    }

    fn is_in(&mut self, slicing: &'a Slicing, slice: &'a Slice, value: Value<'a>, profile: &'a Profile) -> bool {
        if slicing.discriminators.is_empty() {
            return self.tries(|checker| checker.rules(&slice.rules, value, profile));
        }
        slicing.discriminators.iter().all(|one| self.tells(one, &slice.rules, value))
    }

    /// Whether a discriminator says that a value is in a slice.
    fn tells(&mut self, discriminator: &'a Discriminator, slice: &'a Rules, value: Value<'a>) -> bool {
        let path = discriminator.path.as_slice();
        if value.def.name == "Extension" && path == [PathStep::Name("url".to_owned())] {
            return extension_url(slice).is_some_and(|url| value.text("url") == Some(url));
        }
        let led = self.led(path, value);
        match discriminator.kind {
            DiscriminatorKind::Value => self.expected(slice, path).is_some_and(|expected| {
                led.iter().any(|led| match led {
                    Led::Value(value) => self.is_expected(&expected, *value),
                    Led::TypeOnly(_) => false,
                })
            }),
            DiscriminatorKind::Exists => match self.rules_at(slice, path) {
                Some(rules) if rules.max == Some(0) => led.is_empty(),
                Some(rules) if rules.min > 0 => !led.is_empty(),
                _ => true,
            },
            DiscriminatorKind::Type => {
                let Some(rules) = self.rules_at(slice, path) else { return false };
                let targets = path.last() == Some(&PathStep::Resolve);
                led.iter().any(|led| match led {
                    _ if targets => {
                        let name = match led {
                            Led::Value(value) => value.def.name,
                            Led::TypeOnly(name) => name,
                        };
                        self.allowed_targets(rules).contains(&name)
                    }
                    Led::Value(value) => match (&*rules.types, rules.def, rules.only) {
                        (_, _, Some(only)) => value.def.name == only,
                        ([], Some(def), _) => value.def.is_a(def.name),
                        (types, ..) => types.iter().any(|rule| is_of(value.def, &rule.code)),
                    },
                    Led::TypeOnly(_) => false,
                })
            }
            DiscriminatorKind::Profile => {
                let Some(rules) = self.rules_at(slice, path) else { return false };
                let targets = path.last() == Some(&PathStep::Resolve);
                let named: Vec<&'a str> = rules
                    .types
                    .iter()
                    .flat_map(|rule| {
                        let of_targets = rule.targets.iter().filter_map(|target| match target {
                            RefTarget::Profile(url) => Some(url.as_str()),
                            RefTarget::Type(_) => None,
                        });
                        let of_type = rule.profiles.iter().map(String::as_str);
                        if targets { of_targets.collect::<Vec<_>>() } else { of_type.collect() }
                    })
                    .collect();
                named.iter().any(|url| {
                    led.iter().any(|led| match (self.registry.profile(url), led) {
                        (Found::Profile(profile), Led::Value(value)) => self.conforms(profile, *value),
                        // Of a resource elsewhere the type is all that shows.
                        (Found::Profile(profile), Led::TypeOnly(name)) => profile.of_type.name == *name,
                        (Found::Wanted(wanted), _) => {
                            self.want(wanted);
                            false
                        }
                        _ => false,
                    })
                })
            }
        }
    }

    /// The values at the end of a path.
    fn led(&self, path: &'a [PathStep], value: Value<'a>) -> Vec<Led<'a>> {
        let mut found = vec![Led::Value(value)];
        for step in path {
            let mut next = Vec::new();
            for led in found {
                let Led::Value(value) = led else { continue };
                match step {
                    PathStep::Name(name) => next.extend(value.values(name).into_iter().map(Led::Value)),
                    PathStep::OfType(name) if value.def.is_a(name) => next.push(Led::Value(value)),
                    PathStep::OfType(_) => {}
                    PathStep::Extension(url) => {
                        let extensions = value.values("extension").into_iter();
                        next.extend(extensions.filter(|one| one.text("url") == Some(url)).map(Led::Value));
                    }
                    PathStep::Resolve => {
                        let resolved = value.text("reference").and_then(|text| self.resolved(text));
                        match resolved.and_then(Value::resource) {
                            Some(resource) => next.push(Led::Value(resource)),
                            None => next.extend(self.referred_type(value).map(Led::TypeOnly)),
                        }
                    }
                }
            }
            found = next;
        }
        found
    }

    /// The rules of a slice at the end of a path.
    fn rules_at(&mut self, slice: &'a Rules, path: &'a [PathStep]) -> Option<&'a Rules> {
        let mut rules = slice;
        for step in path {
            rules = match step {
                PathStep::Name(name) => self.rules_below(rules, name)?,
                PathStep::OfType(_) | PathStep::Resolve => rules,
                PathStep::Extension(url) => {
                    let slices = &self.rules_below(rules, "extension")?.slicing.as_ref()?.slices;
                    &slices.iter().find(|slice| extension_url(&slice.rules) == Some(url))?.rules
                }
            };
        }
        Some(rules)
    }

    /// The rules of an element below, in the slice itself or in the profile of its type.
    fn rules_below(&mut self, rules: &'a Rules, name: &str) -> Option<&'a Rules> {
        if let Some(child) = rules.child(name) {
            return Some(child);
        }
        let [profile] = rules.types.first()?.profiles.as_slice() else { return None };
        match self.registry.profile(profile) {
            Found::Profile(profile) => profile.root.child(name),
            Found::Wanted(wanted) => {
                self.want(wanted);
                None
            }
            _ => None,
        }
    }

    /// What tells a slice apart at the end of a path: there, or as a part of what is expected before.
    fn expected(&mut self, slice: &'a Rules, path: &'a [PathStep]) -> Option<Expected<'a>> {
        for length in (0..=path.len()).rev() {
            let (to, rest) = path.split_at_checked(length)?;
            let Some(rules) = self.rules_at(slice, to) else { continue };
            let part = |json: &'a Json| rest.iter().try_fold(json, |json, step| part_of(json, step));
            if let Some(fixed) = rules.fixed.as_ref().and_then(part) {
                return Some(Expected::Fixed(fixed));
            }
            if let Some(pattern) = rules.pattern.as_ref().and_then(part) {
                return Some(Expected::Pattern(pattern));
            }
            let required = rules.bindings.iter().find(|binding| binding.strength == Strength::Required);
            if let Some(binding) = required.filter(|_| rest.is_empty()) {
                return Some(Expected::Code(&binding.value_set));
            }
            // A coding among several that is a slice of its own.
            let inner = rules.slicing.as_ref().and_then(|slicing| slicing.slices.first());
            if let Some(inner) = inner.filter(|inner| inner.rules.min > 0)
                && let Some(expected) = self.expected(&inner.rules, rest)
            {
                return Some(expected);
            }
        }
        None
    }

    fn is_expected(&mut self, expected: &Expected<'a>, value: Value<'a>) -> bool {
        match (expected, value.json()) {
            (Expected::Fixed(fixed), Some(json)) => equal(fixed, json),
            (Expected::Pattern(pattern), Some(json)) => fits(pattern, json),
            (Expected::Code(value_set), Some(_)) => {
                codes(value).iter().any(|(system, code)| match self.registry.membership(value_set, *system, code) {
                    Membership::In => true,
                    Membership::Wanted(wanted) => {
                        for one in wanted {
                            self.want(one);
                        }
                        false
                    }
                    Membership::Out | Membership::Undecided => false,
                })
            }
            (_, None) => false,
        }
    }

    fn allowed_targets(&self, rules: &'a Rules) -> Vec<&'a str> {
        let targets = rules.types.iter().flat_map(|rule| &rule.targets);
        let names = targets.filter_map(|target| match target {
            RefTarget::Type(name) => Some(name.as_str()),
            RefTarget::Profile(url) => self.registry.type_of(url),
        });
        names.collect()
    }
}

/// The URL of the extensions in a slice.
pub(super) fn extension_url(slice: &Rules) -> Option<&str> {
    let fixed = slice.child("url").and_then(|url| url.fixed.as_ref()).and_then(Json::as_str);
    let profile = slice.types.iter().find_map(|rule| rule.profiles.first());
    fixed.or_else(|| profile.map(|url| split(url).0))
}

/// The part of a pattern that a step leads to; in a list, of its first item.
fn part_of<'a>(json: &'a Json, step: &PathStep) -> Option<&'a Json> {
    let PathStep::Name(name) = step else { return Some(json) };
    let found = json.get(name)?;
    found.as_array().map_or(Some(found), <[Json]>::first)
}
