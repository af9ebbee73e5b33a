//! Extensions against their definitions. R4 extensibility.html, defining-extensions.html.

use crate::fhir::fhirpath::Item;
use crate::fhir::outcome::Severity;
use crate::fhir::profile::definition::{Context, Profile};
use crate::fhir::profile::registry::Found;
use crate::fhir::structure::path::Step;
use crate::fhir::structure::{IssueCode, definitions};

use super::slices::extension_url;
use super::values::Value;
use super::{Checker, shown};

impl<'a> Checker<'a> {
    /// An extension of `parent`. An unknown one may stand anywhere, but one that changes the meaning of what it stands
    /// in must be understood by whoever reads that (R4 extensibility.html#modifierExtension).
    pub(super) fn extension(&mut self, parent: Value<'a>, value: Value<'a>, is_modifier: bool) {
        let Some(url) = value.text("url") else { return };
        let is_part = parent.def.name == "Extension" && !url.contains(':');
        if is_part {
            if !self.is_defined_part(parent, url) {
                self.error(IssueCode::Extension, "the extension around it does not define this part".to_owned());
            }
            return;
        }
        match self.registry.profile(url) {
            Found::Profile(profile) if profile.is_extension() => {
                if profile.is_modifier != is_modifier {
                    let belongs = if profile.is_modifier { "modifierExtension" } else { "extension" };
                    self.error(IssueCode::Extension, format!("{url} belongs into {belongs}"));
                }
                if !self.is_in_context(profile, parent) {
                    self.error(IssueCode::Extension, format!("{url} may not stand here"));
                }
                self.profile(profile, value);
            }
            Found::Profile(_) | Found::Base(_) => {
                self.error(IssueCode::Extension, format!("{url} is not the definition of an extension"));
            }
            Found::Wanted(wanted) => self.want(wanted),
            Found::Absent | Found::Unusable => {
                let url = shown(url);
                if is_modifier {
                    self.error(IssueCode::Extension, format!("the modifier extension {url} is not known"));
                } else {
                    let text = format!("the extension {url} is not known and was not checked");
                    self.issue(Severity::Information, IssueCode::Informational, text);
                }
            }
        }
    }

    /// Whether the definition of an extension has a part with this URL. What is not known may have any.
    fn is_defined_part(&self, extension: Value<'a>, part: &str) -> bool {
        let Some(Found::Profile(profile)) = extension.text("url").map(|url| self.registry.profile(url)) else {
            return true;
        };
        let slicing = profile.root.child("extension").and_then(|parts| parts.slicing.as_ref());
        // Without any, there is no part at all, which is a matter of cardinality.
        slicing.is_none_or(|slicing| slicing.slices.iter().any(|slice| extension_url(&slice.rules) == Some(part)))
    }

    fn is_in_context(&mut self, profile: &'a Profile, parent: Value<'a>) -> bool {
        profile.contexts.is_empty() || profile.contexts.iter().any(|context| self.is_context(context, parent))
    }

    fn is_context(&mut self, context: &'a Context, parent: Value<'a>) -> bool {
        match context {
            Context::Unknown => true,
            Context::Extension(url) => {
                parent.def.name == "Extension" && parent.text("url") == Some(url.split('#').next().unwrap_or_default())
            }
            Context::Element(path) => {
                let is_element = path == "Element" && !parent.def.is_a("Resource");
                is_element || parent.def.is_a(path) || self.is_at(path)
            }
            Context::Path(expression) => {
                let root = self.environment.resource;
                let found = expression.evaluate(root, &self.environment, &self.budget);
                found
                    .map_or(true, |found| found.iter().any(|item| matches!(item, Item::Node(node) if parent.is(*node))))
            }
        }
    }

    /// Whether what the extension stands in is at the end of this path: from a resource or from a data type.
    fn is_at(&self, path: &str) -> bool {
        let mut wanted = path.split('.');
        let Some(first) = wanted.next() else { return false };
        let rest: Vec<&str> = wanted.collect();
        // The last steps are those to the extension itself.
        let end = self.path.iter().rposition(|step| matches!(step, Step::Name(_))).unwrap_or_default();
        let mut names = Vec::new();
        let mut def = self.environment.resource.def();
        // The types on the way, each with the number of names before it.
        let mut types: Vec<_> = def.into_iter().map(|def| (def, 0)).collect();
        for step in self.path.get(self.start..end).unwrap_or_default() {
            match step {
                Step::Name(name) => {
                    names.push(*name);
                    let element = def.and_then(|def| def.element(name));
                    def = element.and_then(|element| element.types.first()).and_then(|one| definitions().get(one));
                }
                Step::OfType(name) => {
                    types.pop();
                    def = definitions().find(name);
                }
                Step::Index(_) => continue,
            }
            types.extend(def.map(|def| (def, names.len())));
        }
        types.iter().any(|(def, count)| def.is_a(first) && names.get(*count..) == Some(&rest))
    }
}
