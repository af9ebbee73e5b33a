//! What a resource is found by: every value of every search parameter of its type. A pure function of document and
//! definitions, so that a reindex gives the same rows. R4 search.html#ptypes.

use std::cmp::Ordering;
use std::ops::{ControlFlow, Deref};
use std::sync::Arc;

use super::convert;
use super::definitions::{Definition, ParamType, Registry};
use super::expression::Item;
use super::value::IndexValue;
use crate::fhir::Json;
use crate::fhir::reference::Target;

/// One value of one search parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'r> {
    /// The parameter.
    pub definition: Defined<'r>,
    /// What it is found by.
    pub value: IndexValue,
}

/// The definition of a parameter, wherever it stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Defined<'r> {
    /// In a registry that lives longer.
    In(&'r Definition),
    /// Of a tenant's own: it may be gone from its registry by now.
    Own(Arc<Definition>),
}

impl Deref for Defined<'_> {
    type Target = Definition;

    fn deref(&self) -> &Definition {
        match self {
            Self::In(definition) => definition,
            Self::Own(definition) => definition,
        }
    }
}

/// Makes a reference local that names one of this server's own addresses, each without a slash at its end; says whether
/// it was one. What names a version stays as it is: behind an address of ours that may be one of a canonical URL.
pub fn localise(bases: &[String], value: &mut IndexValue) -> bool {
    match value {
        IndexValue::Url { url, version: None } => {
            let local = bases.iter().find_map(|base| {
                match Target::parse(url.strip_prefix(base.as_str())?.strip_prefix('/')?) {
                    Target::Relative(literal) if literal.version.is_none() => Some(literal),
                    _ => None,
                }
            });
            let Some(literal) = local else { return false };
            *value = IndexValue::Reference {
                resource_type: literal.resource_type.to_owned(),
                id: literal.id.to_owned(),
                version: None,
            };
            true
        }
        IndexValue::Composite(components) => {
            let each = components.iter_mut().flatten();
            each.map(|value| localise(bases, value)).filter(|is_local| *is_local).count() > 0
        }
        _ => false,
    }
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
        entries.extend(values.drain(..).map(|value| Entry { definition: Defined::In(definition), value }));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_to_an_address_of_ours_are_local() {
        let bases = ["https://a.example/fhir", "https://a.example/fhir/r4"].map(str::to_owned);
        let url = |url: &str, version: Option<&str>| IndexValue::Url {
            url: url.to_owned(),
            version: version.map(str::to_owned),
        };
        let local = IndexValue::Reference { resource_type: "Patient".to_owned(), id: "1".to_owned(), version: None };
        for own in ["https://a.example/fhir/r4/Patient/1", "https://a.example/fhir/Patient/1"] {
            let mut value = url(own, None);
            assert!(localise(&bases, &mut value));
            assert_eq!(value, local);
        }
        for (foreign, version) in [
            ("https://a.example/fhir/r5/Patient/1", None),
            ("https://a.example/fhir/r4/Dog/1", None),
            ("https://a.example/fhir/r4/Patient/1", Some("2")),
            ("https://a.example/fhir/r4/Patient/1/name", None),
            ("https://a.example/fhir/r4x/Patient/1", None),
            ("urn:uuid:1", None),
        ] {
            let mut value = url(foreign, version);
            assert!(!localise(&bases, &mut value), "{foreign}");
            assert_eq!(value, url(foreign, version));
        }
        let mut composite = IndexValue::Composite(vec![vec![url("https://a.example/fhir/Patient/1", None)], vec![]]);
        assert!(localise(&bases, &mut composite));
        assert_eq!(composite, IndexValue::Composite(vec![vec![local], vec![]]));
    }
}
