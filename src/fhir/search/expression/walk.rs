//! The walk: from an item through the tree of an expression to the items that it finds.

use std::ops::ControlFlow;

use super::Expression;
use crate::fhir::Json;
use crate::fhir::reference::Target;

/// Something that an expression finds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Item<'a> {
    /// An element of the document, never an array or `null`.
    Element {
        /// Its value.
        value: &'a Json,
        /// Its type as the name of a choice says it, with a capital letter: `DateTime` of `effectiveDateTime`.
        type_name: Option<&'a str>,
    },
    /// The target of a reference, of which only the type is known.
    Target(&'a str),
    /// What a condition says.
    Bool(bool),
    /// A text of the expression itself.
    Text(&'a str),
    /// A number of the expression itself.
    Number(&'a str),
}

type Visit<'v, 'a> = &'v mut dyn FnMut(Item<'a>) -> ControlFlow<()>;

impl<'a> Item<'a> {
    /// An element whose type nothing says.
    pub fn element(value: &'a Json) -> Self {
        Self::Element { value, type_name: None }
    }

    /// The value in the document, if the item has one.
    pub fn json(self) -> Option<&'a Json> {
        match self {
            Self::Element { value, .. } => Some(value),
            _ => None,
        }
    }

    /// Whether the item is of a type. Where neither the name of a choice nor the element itself says it, the shape
    /// decides: objects are of the types with a capital letter.
    fn is(self, type_name: &str) -> bool {
        let Self::Element { value, type_name: known } = self else {
            return match self {
                Self::Target(target) => target == type_name || type_name == "Resource",
                Self::Bool(_) => type_name.eq_ignore_ascii_case("boolean"),
                Self::Text(_) => type_name.eq_ignore_ascii_case("string"),
                _ => false,
            };
        };
        if let Some(known) = known {
            return known.eq_ignore_ascii_case(type_name);
        }
        if let Some(resource_type) = value.text_at(&["resourceType"]) {
            return resource_type == type_name || matches!(type_name, "Resource" | "DomainResource");
        }
        let of_object = type_name.starts_with(|letter: char| letter.is_ascii_uppercase());
        match value {
            Json::Bool(_) => type_name.eq_ignore_ascii_case("boolean"),
            Json::Number(_) => ["decimal", "integer", "positiveInt", "unsignedInt"]
                .iter()
                .any(|one| one.eq_ignore_ascii_case(type_name)),
            Json::String(_) => {
                let other = ["boolean", "decimal", "integer", "positiveInt", "unsignedInt"].contains(&type_name);
                !other && (!of_object || matches!(type_name, "String" | "DateTime" | "Date"))
            }
            _ => of_object,
        }
    }

    /// Equality of FHIRPath §6.1.1 for what conditions of search parameters compare: simple values.
    fn equals(self, other: Self) -> bool {
        let bool_of = |item: Self| match item {
            Self::Bool(value) => Some(value),
            _ => item.json().and_then(Json::as_bool),
        };
        let number_of = |item: Self| match item {
            Self::Number(text) => text.parse::<f64>().ok(),
            _ => item.json().and_then(Json::as_number).and_then(|text| text.parse().ok()),
        };
        let text_of = |item: Self| match item {
            Self::Text(text) => Some(text),
            _ => item.json().and_then(Json::as_str),
        };
        match (bool_of(self), bool_of(other)) {
            (Some(left), Some(right)) => return left == right,
            (None, None) => {}
            _ => return false,
        }
        match (number_of(self), number_of(other)) {
            (Some(left), Some(right)) => return left.total_cmp(&right).is_eq(),
            (None, None) => {}
            _ => return false,
        }
        match (text_of(self), text_of(other)) {
            (Some(left), Some(right)) => left == right,
            _ => self == other,
        }
    }
}

/// Gives `visit` what `expression` finds from `focus` in `resource`.
pub(super) fn walk<'a>(
    expression: &'a Expression,
    resource: &'a Json,
    focus: Item<'a>,
    visit: Visit<'_, 'a>,
) -> ControlFlow<()> {
    match expression {
        Expression::Focus => visit(focus),
        Expression::Resource => visit(Item::element(resource)),
        Expression::OfResource(name) => {
            let here = focus.json().and_then(|value| value.text_at(&["resourceType"]));
            let fits = here.is_some_and(|here| here == &**name || matches!(&**name, "Resource" | "DomainResource"));
            if fits { visit(focus) } else { ControlFlow::Continue(()) }
        }
        Expression::Member { base, name, choice } => {
            walk(base, resource, focus, &mut |item| member(item, name, *choice, visit))
        }
        Expression::Where { base, condition } => walk(base, resource, focus, &mut |item| {
            if truth(condition, resource, item) == Some(true) { visit(item) } else { ControlFlow::Continue(()) }
        }),
        Expression::OfType { base, type_name } => walk(base, resource, focus, &mut |item| {
            if item.is(type_name) { visit(item) } else { ControlFlow::Continue(()) }
        }),
        Expression::Resolve(base) => walk(base, resource, focus, &mut |item| match resolved(item, resource) {
            Some(target) => visit(target),
            None => ControlFlow::Continue(()),
        }),
        Expression::Index { base, index } => {
            let mut left = *index;
            let mut found = None;
            let _stopped = walk(base, resource, focus, &mut |item| {
                if left == 0 {
                    found = Some(item);
                    return ControlFlow::Break(());
                }
                left -= 1;
                ControlFlow::Continue(())
            });
            found.map_or(ControlFlow::Continue(()), visit)
        }
        Expression::Last(base) => {
            let mut found = None;
            let _never = walk(base, resource, focus, &mut |item| {
                found = Some(item);
                ControlFlow::Continue(())
            });
            found.map_or(ControlFlow::Continue(()), visit)
        }
        Expression::Union(parts) => {
            for part in parts {
                walk(part, resource, focus, visit)?;
            }
            ControlFlow::Continue(())
        }
        Expression::Text(text) => visit(Item::Text(text)),
        Expression::Number(text) => visit(Item::Number(text)),
        Expression::Bool(value) => visit(Item::Bool(*value)),
        Expression::Exists(_)
        | Expression::Not(_)
        | Expression::Is { .. }
        | Expression::Equal(..)
        | Expression::NotEqual(..)
        | Expression::And(..)
        | Expression::Or(..) => {
            truth(expression, resource, focus).map_or(ControlFlow::Continue(()), |value| visit(Item::Bool(value)))
        }
    }
}

/// What a condition says of `focus`; `None` if it finds nothing to say it of (FHIRPath §4.5, three-valued logic).
fn truth<'a>(condition: &'a Expression, resource: &'a Json, focus: Item<'a>) -> Option<bool> {
    let first = |expression: &'a Expression| {
        let mut found = None;
        let _stopped = walk(expression, resource, focus, &mut |item| {
            found = Some(item);
            ControlFlow::Break(())
        });
        found
    };
    match condition {
        Expression::Exists(base) => Some(first(base).is_some()),
        Expression::Not(base) => truth(base, resource, focus).map(|value| !value),
        Expression::Is { base, type_name } => first(base).map(|item| item.is(type_name)),
        Expression::Equal(left, right) => Some(first(left)?.equals(first(right)?)),
        Expression::NotEqual(left, right) => Some(!first(left)?.equals(first(right)?)),
        Expression::And(left, right) => match (truth(left, resource, focus), truth(right, resource, focus)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        Expression::Or(left, right) => match (truth(left, resource, focus), truth(right, resource, focus)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        _ => first(condition).map(|item| match item {
            Item::Bool(value) => value,
            // A single item that is not a boolean is true where one is asked for (FHIRPath §4.5).
            _ => item.json().and_then(Json::as_bool).unwrap_or(true),
        }),
    }
}

/// The members `name` of an element: the property itself, else the property of a choice.
fn member<'a>(item: Item<'a>, name: &str, choice: Option<&'static [String]>, visit: Visit<'_, 'a>) -> ControlFlow<()> {
    let Some(object) = item.json().and_then(Json::as_object) else {
        return ControlFlow::Continue(());
    };
    if let Some(value) = object.get(name) {
        return elements(value, None, visit);
    }
    if let Some(types) = choice {
        for (key, value) in object.iter() {
            if let Some(suffix) = key.strip_prefix(name)
                && types.iter().any(|known| known == suffix)
            {
                elements(value, Some(suffix), visit)?;
            }
        }
    }
    ControlFlow::Continue(())
}

/// The element, or each element of an array. `null` holds the place of a value that only has extensions.
fn elements<'a>(value: &'a Json, type_name: Option<&'a str>, visit: Visit<'_, 'a>) -> ControlFlow<()> {
    match value {
        Json::Array(items) => {
            for value in items.iter().filter(|value| !matches!(value, Json::Null | Json::Array(_))) {
                visit(Item::Element { value, type_name })?;
            }
            ControlFlow::Continue(())
        }
        Json::Null => ControlFlow::Continue(()),
        _ => visit(Item::Element { value, type_name }),
    }
}

/// The target of a reference as far as the document tells it: a contained resource, or the type that the reference
/// names. Nothing is fetched.
fn resolved<'a>(item: Item<'a>, resource: &'a Json) -> Option<Item<'a>> {
    let value = item.json()?;
    let text = value.as_str().or_else(|| value.text_at(&["reference"]));
    let found = match text.map(Target::parse) {
        Some(Target::Contained("")) => Some(Item::element(resource)),
        Some(Target::Contained(id)) => resource
            .items("contained")
            .iter()
            .find(|contained| contained.text_at(&["id"]) == Some(id))
            .map(Item::element),
        Some(Target::Relative(literal) | Target::Absolute(_, literal)) => Some(Item::Target(literal.resource_type)),
        Some(Target::Conditional(resource_type, _)) => Some(Item::Target(resource_type)),
        _ => None,
    };
    // `Reference.type` is a code, or the URL of a logical model. R4 references.html#Reference.
    found.or_else(|| {
        let name = value.text_at(&["type"])?;
        Some(Item::Target(name.rsplit('/').next().unwrap_or(name)))
    })
}
