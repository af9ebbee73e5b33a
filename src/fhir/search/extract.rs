//! What a resource is found by: every value of every search parameter of its type. A pure function of document and
//! definitions, so that a reindex gives the same rows. R4 search.html#ptypes.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use super::convert;
use super::definitions::{Definition, ParamType, Registry};
use super::expression::Item;
use super::value::IndexValue;
use crate::fhir::Json;

/// One value of one search parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'r> {
    /// The parameter.
    pub definition: &'r Definition,
    /// What it is found by.
    pub value: IndexValue,
}

/// The entries of a resource by the parameters of R4 and US Core. A parameter without an entry is one that the
/// resource lacks: `:missing=true`.
pub fn extract(resource: &Json) -> Vec<Entry<'static>> {
    extract_with(Registry::r4(), None, resource)
}

/// The entries of a resource in a fixed order, by code and then by value, each once. Absolute references that begin
/// with `base`, the public URL of this server without a slash at its end, are references to its own resources.
pub fn extract_with<'r>(registry: &'r Registry, base: Option<&str>, resource: &Json) -> Vec<Entry<'r>> {
    let resource_type = resource.text_at(&["resourceType"]).unwrap_or_default();
    let mut entries = Vec::new();
    let mut values = Vec::new();
    for definition in registry.of_type(resource_type).filter(|definition| definition.is_searchable()) {
        values_of(definition, base, resource, &mut values);
        values.sort_by(|left, right| left.partial_cmp(right).unwrap_or(Ordering::Equal));
        values.dedup();
        entries.extend(values.drain(..).map(|value| Entry { definition, value }));
    }
    entries
}

/// The values of one parameter in a resource, in the order of the document: what `_sort` and a reindex after a new
/// parameter ask for. `out` keeps what it has.
pub fn values_of(definition: &Definition, base: Option<&str>, resource: &Json, out: &mut Vec<IndexValue>) {
    definition.program.visit(resource, &mut |item| {
        if definition.param_type == ParamType::Composite {
            out.extend(composite(definition, base, resource, item));
        } else {
            convert::values(definition.param_type, base, item, out);
        }
        ControlFlow::Continue(())
    });
}

/// The values of the components in one element; `None` if a component has none there.
fn composite(definition: &Definition, base: Option<&str>, resource: &Json, element: Item<'_>) -> Option<IndexValue> {
    let mut components = Vec::with_capacity(definition.components.len());
    for component in &definition.components {
        let mut values = Vec::new();
        component.program.visit_from(resource, element, &mut |item| {
            convert::values(component.param_type, base, item, &mut values);
            ControlFlow::Continue(())
        });
        // Values of composites take no modifiers. R4 search.html#composite.
        values.retain(|value| {
            !matches!(value, IndexValue::TokenText(_) | IndexValue::OfType { .. } | IndexValue::Identifier { .. })
        });
        values.sort_by(|left, right| left.partial_cmp(right).unwrap_or(Ordering::Equal));
        values.dedup();
        if values.is_empty() {
            return None;
        }
        components.push(values);
    }
    Some(IndexValue::Composite(components))
}
