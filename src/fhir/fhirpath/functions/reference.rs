//! What R4 adds for extensions, references and profiles. R4 fhirpath.html#functions.

use std::ops::ControlFlow;

use crate::fhir::Json;
use crate::fhir::fhirpath::EvaluateError;
use crate::fhir::fhirpath::ast::Expr;
use crate::fhir::fhirpath::evaluate::{Evaluator, Focus, Items, boolean, single};
use crate::fhir::fhirpath::item::Item;
use crate::fhir::fhirpath::node::Node;
use crate::fhir::structure::definitions;

/// Where the base types are defined.
const BASE_TYPES: &str = "http://hl7.org/fhir/StructureDefinition/";

impl<'a> Evaluator<'_, 'a> {
    /// The extensions with this URL.
    pub(super) fn extension(
        &mut self,
        input: &[Item<'a>],
        arguments: &'a [Expr],
        focus: Focus<'_, 'a>,
    ) -> Result<Items<'a>, EvaluateError> {
        let url = self.text_argument(arguments, 0, focus)?;
        let Some(url) = url else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for item in input {
            let Item::Node(node) = item else { continue };
            node.child("extension", &mut |extension| {
                if extension.json().and_then(|json| json.get("url")).and_then(Json::as_str) == Some(&*url) {
                    found.push(Item::Node(extension));
                }
                ControlFlow::Continue(())
            });
        }
        self.budget.steps(found.len())?;
        Ok(found)
    }

    /// The resources that are referred to, as far as they are contained or in the same Bundle. What is elsewhere is
    /// left out, as R4 wants it.
    pub(super) fn resolve(&mut self, input: &[Item<'a>]) -> Result<Items<'a>, EvaluateError> {
        let mut found = Vec::new();
        for item in input {
            let reference = match item {
                Item::Node(node) if !node.is_primitive() => {
                    node.json().and_then(|json| json.get("reference")).and_then(Json::as_str).map(str::to_owned)
                }
                _ => item.to_text(),
            };
            if let Some(resource) = reference.map(|reference| self.find(&reference)).transpose()?.flatten() {
                found.push(Item::Node(Node::resource(resource)));
            }
        }
        Ok(found)
    }

    fn find(&mut self, reference: &str) -> Result<Option<&'a Json>, EvaluateError> {
        let Some(root) = self.environment.root_resource.json() else { return Ok(None) };
        if let Some(id) = reference.strip_prefix('#') {
            let contained = root.items("contained");
            self.budget.steps(contained.len())?;
            return Ok(match id {
                "" => Some(root),
                _ => contained.iter().find(|resource| resource.get("id").and_then(Json::as_str) == Some(id)),
            });
        }
        let Some(bundle) = self.environment.bundle else { return Ok(None) };
        let entries = bundle.items("entry");
        self.budget.steps(entries.len())?;
        let wanted = reference.split_once("/_history/").map_or(reference, |(plain, _)| plain);
        Ok(entries
            .iter()
            .find(|entry| {
                let url = entry.get("fullUrl").and_then(Json::as_str);
                let names = |name| entry.at(&["resource", name]).and_then(Json::as_str);
                url == Some(wanted)
                    || (names("resourceType").zip(names("id"))) == wanted.split_once('/')
                    || url.is_some_and(|url| url.strip_suffix(wanted).is_some_and(|base| base.ends_with('/')))
            })
            .and_then(|entry| entry.get("resource")))
    }

    /// Whether it has the base type; other profiles are not known here.
    pub(super) fn conforms_to(
        &mut self,
        input: &[Item<'a>],
        arguments: &'a [Expr],
        focus: Focus<'_, 'a>,
    ) -> Result<Items<'a>, EvaluateError> {
        let url = self.text_argument(arguments, 0, focus)?;
        let (Some(item), Some(url)) = (single(input)?, url) else { return Ok(Vec::new()) };
        let def = url.strip_prefix(BASE_TYPES).and_then(|name| definitions().find(name));
        let def = def.ok_or(EvaluateError::Profile)?;
        Ok(boolean(matches!(item, Item::Node(node) if node.is_type(def))))
    }
}
