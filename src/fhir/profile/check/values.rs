//! The values of an element, with their types and places.

use crate::fhir::Json;
use crate::fhir::fhirpath::Node;
use crate::fhir::structure::path::Step;
use crate::fhir::structure::{Class, ElementDef, TypeDef, TypeRef, definitions};

/// One value of an element.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) node: Node<'a>,
    pub(super) def: &'static TypeDef,
    /// The element that it is a value of; none of a resource by itself.
    pub(super) element: Option<&'static ElementDef>,
    /// Its place in a list.
    pub(super) index: Option<usize>,
}

impl<'a> Value<'a> {
    /// A resource by itself.
    pub(super) fn resource(json: &'a Json) -> Option<Self> {
        let node = Node::resource(json);
        Some(Self { node, def: node.def()?, element: None, index: None })
    }

    /// The JSON; `None` for a primitive that has extensions only.
    pub(super) fn json(&self) -> Option<&'a Json> {
        self.node.json()
    }

    /// A member of it as a text.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.json()?.get(name)?.as_str()
    }

    /// Whether it is the same element of the same document.
    pub(super) fn is(&self, other: Node<'_>) -> bool {
        let same = |one: Option<&Json>, other: Option<&Json>| match (one, other) {
            (Some(one), Some(other)) => std::ptr::eq(one, other),
            _ => false,
        };
        same(self.node.json(), other.json()) || same(self.node.sibling(), other.sibling())
    }

    /// The steps to it from what it is an element of.
    pub(super) fn steps(&self) -> impl Iterator<Item = Step<'a>> + use<'a> {
        let element = self.element;
        let name = element.map(|element| Step::Name(element.name));
        let of_type = element.filter(|element| element.is_choice).map(|_| Step::OfType(self.def.name));
        [name, of_type, self.index.map(Step::Index)].into_iter().flatten()
    }

    /// The values of an element of it.
    pub(super) fn values(&self, name: &str) -> Vec<Self> {
        let mut out = Vec::new();
        let Some((object, def)) = self.node.members() else { return out };
        let Some(element) = def.element(name) else { return out };
        if element.is_choice {
            self.each_member(|member, value| {
                if member.name == name {
                    out.push(value);
                }
            });
        } else if let Some(of_type) = element.types.first() {
            let sibling = object.iter().find(|(key, _)| key.strip_prefix('_') == Some(name)).map(|(_, value)| value);
            push_values(element, of_type, object.get(name), sibling, &mut |value| out.push(value));
        }
        out
    }

    /// Every value of every element of it, in the order of the document.
    pub(super) fn each_member(&self, mut take: impl FnMut(&'static ElementDef, Self)) {
        let Some((object, def)) = self.node.members() else { return };
        let has_siblings = object.iter().any(|(key, _)| key.starts_with('_'));
        for (key, value) in object.iter() {
            let plain = key.strip_prefix('_');
            let name = plain.unwrap_or(key);
            let Some(member) = def.member(name) else { continue };
            let (value, sibling) = match plain {
                Some(_) if object.get(name).is_some() => continue,
                Some(_) => (None, Some(value)),
                None if has_siblings => {
                    let sibling = object.iter().find(|(key, _)| key.strip_prefix('_') == Some(name));
                    (Some(value), sibling.map(|(_, value)| value))
                }
                None => (Some(value), None),
            };
            push_values(member.element, member.of_type, value, sibling, &mut |value| take(member.element, value));
        }
    }
}

fn push_values<'a>(
    element: &'static ElementDef,
    of_type: &TypeRef,
    value: Option<&'a Json>,
    sibling: Option<&'a Json>,
    take: &mut impl FnMut(Value<'a>),
) {
    let Some(def) = definitions().get(of_type) else { return };
    let sibling = sibling.filter(|_| matches!(def.class, Class::Primitive(_)));
    let mut push = |value: Option<&'a Json>, sibling: Option<&'a Json>, index| {
        if value.is_some() || sibling.is_some() {
            let node = Node::element(value, sibling, def);
            // Of a resource within a resource the type is in the JSON.
            if let Some(def) = node.def() {
                take(Value { node, def, element: Some(element), index });
            }
        }
    };
    let list = |json: Option<&'a Json>| json.and_then(Json::as_array).unwrap_or_default();
    if matches!(value, Some(Json::Array(_))) || matches!(sibling, Some(Json::Array(_))) {
        let (values, siblings) = (list(value), list(sibling));
        let half = |list: &'a [Json], index| list.get(index).filter(|item| !matches!(item, Json::Null));
        for index in 0..values.len().max(siblings.len()) {
            push(half(values, index), half(siblings, index), Some(index));
        }
    } else {
        push(value, sibling, None);
    }
}

/// Whether two values are equal; numbers by their value.
pub(super) fn equal(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Object(one), Json::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| equal(value, other)))
        }
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Json::Number(one), Json::Number(other)) => same_number(one, other),
        _ => one == other,
    }
}

/// Whether a value has all that a pattern has. R4 elementdefinition-definitions.html#ElementDefinition.pattern_x_.
pub(super) fn fits(pattern: &Json, value: &Json) -> bool {
    match (pattern, value) {
        (Json::Object(pattern), Json::Object(value)) => {
            pattern.iter().all(|(key, part)| value.get(key).is_some_and(|value| fits(part, value)))
        }
        (Json::Array(parts), Json::Array(values)) => {
            parts.iter().all(|part| values.iter().any(|value| fits(part, value)))
        }
        _ => equal(pattern, value),
    }
}

fn same_number(one: &str, other: &str) -> bool {
    use crate::fhir::fhirpath::Decimal;
    one == other || matches!((Decimal::parse(one), Decimal::parse(other)), (Some(one), Some(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::JsonLimits;

    fn json(text: &str) -> Json {
        Json::parse(text.as_bytes(), &JsonLimits::default()).expect("JSON")
    }

    #[test]
    fn a_pattern_is_a_part_of_the_value() {
        let value =
            json(r#"{"coding":[{"system":"a","code":"1"},{"system":"b","code":"2","display":"two"}],"text":"t"}"#);
        assert!(fits(&json(r#"{"coding":[{"system":"b","code":"2"}]}"#), &value));
        assert!(!fits(&json(r#"{"coding":[{"system":"a","code":"2"}]}"#), &value));
        assert!(!equal(&json(r#"{"coding":[{"system":"b","code":"2"}]}"#), &value));
    }

    #[test]
    fn numbers_are_equal_by_value() {
        assert!(equal(&json("1.0"), &json("1.00")));
        assert!(!equal(&json("1.0"), &json("1.01")));
    }
}
