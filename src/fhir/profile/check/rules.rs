//! What the rules of a profile say of one value, and of the elements below it.

use crate::fhir::Json;
use crate::fhir::profile::compile::is_nested;
use crate::fhir::profile::definition::{Profile, RefTarget, Rules, TypeRule};
use crate::fhir::profile::registry::Found;
use crate::fhir::reference::Target;
use crate::fhir::structure::{IssueCode, TypeDef};

use super::Checker;
use super::values::{Value, equal, fits};

impl<'a> Checker<'a> {
    /// One value against the rules of its element.
    pub(super) fn rules(&mut self, rules: &'a Rules, value: Value<'a>, profile: &'a Profile) {
        if rules.is_silent() || !self.deeper() {
            return;
        }
        self.content(rules, value, profile);
        // What is of a wrong type has not the elements that are spoken of.
        if !self.types(rules, value, profile) {
            self.depth -= 1;
            return;
        }
        for binding in &rules.bindings {
            self.binding(binding, value);
        }
        self.invariants(&rules.invariants, value);
        self.children(rules, value, profile);
        if let Some(same) = rules.same_as.as_ref().and_then(|id| profile.find(id)) {
            self.invariants(&same.invariants, value);
            self.children(same, value, profile);
        }
        self.depth -= 1;
    }

    /// The elements below a value: how many there are, and what each is.
    fn children(&mut self, rules: &'a Rules, value: Value<'a>, profile: &'a Profile) {
        for child in &rules.children {
            let mut values = value.values(&child.name);
            if let Some(only) = child.only {
                values.retain(|value| value.def.name == only);
            }
            self.count(child, values.len(), None, profile);
            for value in &values {
                self.within(value.steps(), |checker| checker.rules(child, *value, profile));
            }
            if let Some(slicing) = &child.slicing {
                self.slices(child, slicing, &values, profile);
            }
        }
    }

    /// Cardinality, of an element or of a slice of it.
    pub(super) fn count(&mut self, rules: &'a Rules, count: usize, slice: Option<&str>, profile: &'a Profile) {
        let too_few = count < rules.min;
        if !too_few && rules.max.is_none_or(|max| count <= max) {
            return;
        }
        let of_slice = slice.map(|name| format!(" in the slice {name}")).unwrap_or_default();
        let url = &profile.url;
        let steps = [crate::fhir::structure::path::Step::Name(rules.name.as_str())];
        self.within(steps, |checker| match rules.max {
            _ if too_few => {
                let text = format!("there are fewer than {}{of_slice} ({url})", rules.min);
                checker.error(IssueCode::Required, text);
            }
            Some(0) => checker.error(IssueCode::Structure, format!("there is none{of_slice} ({url})")),
            max => {
                let text = format!("there are more than {}{of_slice} ({url})", max.unwrap_or_default());
                checker.error(IssueCode::Structure, text);
            }
        });
    }

    /// Fixed values, patterns, lengths.
    fn content(&mut self, rules: &'a Rules, value: Value<'a>, profile: &'a Profile) {
        let Some(json) = value.json() else { return };
        if rules.fixed.as_ref().is_some_and(|fixed| !equal(fixed, json)) {
            self.error(IssueCode::Value, format!("the value is not the one that is fixed ({})", profile.url));
        }
        if rules.pattern.as_ref().is_some_and(|pattern| !fits(pattern, json)) {
            self.error(IssueCode::Value, format!("the value does not have all of the pattern ({})", profile.url));
        }
        if let (Some(most), Some(text)) = (rules.max_length, json.as_str())
            && text.chars().count() > most
        {
            self.error(IssueCode::TooLong, format!("the text is longer than {most} characters ({})", profile.url));
        }
    }

    /// Whether a value is of a type that is allowed; if so, it is held to the profiles of that type.
    fn types(&mut self, rules: &'a Rules, value: Value<'a>, profile: &'a Profile) -> bool {
        if rules.types.is_empty() {
            return true;
        }
        let fitting: Vec<&TypeRule> = rules.types.iter().filter(|rule| is_of(value.def, &rule.code)).collect();
        if fitting.is_empty() {
            let text = format!("the element has another type than is allowed ({})", profile.url);
            self.error(IssueCode::Value, text);
            return false;
        }
        if value.def.name == "Reference" {
            self.target(&fitting, value, profile);
        }
        // Extensions meet their definitions wherever they stand.
        if value.def.name != "Extension" && !fitting.iter().any(|rule| rule.profiles.is_empty()) {
            self.type_profiles(&fitting, value, profile);
        }
        true
    }

    /// A value against the profiles of its type, one of which holds.
    fn type_profiles(&mut self, rules: &[&'a TypeRule], value: Value<'a>, profile: &'a Profile) {
        let profiles: Vec<&'a String> = rules.iter().flat_map(|rule| &rule.profiles).collect();
        if let [one] = profiles.as_slice() {
            return match self.registry.profile(one) {
                Found::Absent | Found::Unusable => {
                    self.unknown(format!("the profile {one} of the element is not installed"));
                }
                found => self.found(value, found),
            };
        }
        let mut is_known = true;
        for one in &profiles {
            match self.registry.profile(one) {
                Found::Profile(other) if self.conforms(other, value) => return,
                Found::Base(def) if value.def.is_a(def.name) => return,
                Found::Profile(_) | Found::Base(_) => {}
                Found::Wanted(wanted) => {
                    is_known = false;
                    self.want(wanted);
                }
                Found::Absent | Found::Unusable => is_known = false,
            }
        }
        if is_known {
            let text = format!("the element keeps to none of the profiles that are allowed ({})", profile.url);
            self.error(IssueCode::Structure, text);
        } else {
            self.unknown("profiles of the element are not installed".to_owned());
        }
    }

    /// The type of what is referred to. R4 references.html#literal.
    fn target(&mut self, rules: &[&'a TypeRule], value: Value<'a>, profile: &'a Profile) {
        if rules.iter().any(|rule| rule.targets.is_empty()) {
            return;
        }
        let Some(name) = self.referred_type(value) else { return };
        let mut is_known = true;
        for target in rules.iter().flat_map(|rule| &rule.targets) {
            let allowed = match target {
                RefTarget::Type(allowed) => Some(allowed.as_str()),
                RefTarget::Profile(url) => self.registry.type_of(url),
            };
            match allowed {
                Some(allowed) if allowed == name => return,
                Some(_) => {}
                None => is_known = false,
            }
        }
        if is_known {
            let text = format!("the element does not refer to resources of this type ({})", profile.url);
            self.error(IssueCode::Value, text);
        }
    }

    /// The type of what a reference refers to, as far as it shows.
    pub(super) fn referred_type(&self, reference: Value<'a>) -> Option<&'a str> {
        let by_text = reference.text("reference").and_then(|text| match Target::parse(text) {
            Target::Relative(literal) => Some(literal.resource_type),
            Target::Conditional(name, _) => Some(name),
            // Not every address that ends like one is that of a resource.
            Target::Absolute(..) | Target::Other(_) => None,
            Target::Contained(_) | Target::Urn(_) => {
                self.resolved(text).and_then(|json| json.get("resourceType")).and_then(Json::as_str)
            }
        });
        by_text.or_else(|| reference.text("type"))
    }

    /// What a reference refers to, if it is contained or in the same Bundle.
    pub(super) fn resolved(&self, reference: &str) -> Option<&'a Json> {
        let root = self.environment.root_resource.json()?;
        if let Some(id) = reference.strip_prefix('#') {
            let contained = root.items("contained");
            return if id.is_empty() {
                Some(root)
            } else {
                contained.iter().find(|one| one.get("id").and_then(Json::as_str) == Some(id))
            };
        }
        let entries = self.environment.bundle?.items("entry");
        let names = |entry: &'a Json| {
            entry.get("fullUrl").and_then(Json::as_str).is_some_and(|url| {
                url == reference || url.strip_suffix(reference).is_some_and(|base| base.ends_with('/'))
            })
        };
        entries.iter().find(|entry| names(entry)).and_then(|entry| entry.get("resource"))
    }
}

/// Whether a type is the one that is named, is derived from it, or is a nested element.
pub(super) fn is_of(def: &'static TypeDef, code: &str) -> bool {
    def.is_a(code) || is_nested(def, code)
}
