//! Elements of documents, with their types: what `.name` finds. R4 fhirpath.html#using.

use std::ops::ControlFlow;

use crate::fhir::structure::{Class, Primitive, TypeDef, TypeRef, definitions};
use crate::fhir::{Json, Object};

/// An element of a document, or a whole resource.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    value: Option<&'a Json>,
    /// Of a primitive: the member with `_` in front, its id and extensions.
    sibling: Option<&'a Json>,
    def: Option<&'static TypeDef>,
}

impl<'a> Node<'a> {
    /// A resource; of no type if its `resourceType` is none of R4.
    pub fn resource(value: &'a Json) -> Self {
        let def = value.get("resourceType").and_then(Json::as_str).and_then(|name| definitions().resource(name));
        Self { value: Some(value), sibling: None, def }
    }

    /// An element whose type is known. `sibling` is the member with `_` in front.
    pub fn element(value: Option<&'a Json>, sibling: Option<&'a Json>, def: &'static TypeDef) -> Self {
        if def.class == Class::Resource
            && let Some(value) = value
        {
            return Self::resource(value);
        }
        Self { value, sibling, def: Some(def) }
    }

    /// The JSON; `None` for a primitive that has extensions only.
    pub fn json(&self) -> Option<&'a Json> {
        self.value
    }

    /// The type, if it is known.
    pub fn def(&self) -> Option<&'static TypeDef> {
        self.def
    }

    pub(in crate::fhir) fn sibling(&self) -> Option<&'a Json> {
        self.sibling
    }

    pub(super) fn primitive(&self) -> Option<Primitive> {
        match self.def?.class {
            Class::Primitive(primitive) => Some(primitive),
            _ => None,
        }
    }

    pub(super) fn is_primitive(&self) -> bool {
        self.primitive().is_some()
    }

    pub(super) fn is_quantity(&self) -> bool {
        self.def.is_some_and(|def| def.is_a("Quantity") || def.name == "Money")
    }

    pub(super) fn is_type(&self, def: &TypeDef) -> bool {
        self.def.is_some_and(|own| own.is_a(def.name))
    }

    /// Whether it is a primitive with a value. R4 fhirpath.html#functions, `hasValue`.
    pub(super) fn has_value(&self) -> bool {
        self.is_primitive() && matches!(self.value, Some(Json::Bool(_) | Json::Number(_) | Json::String(_)))
    }

    /// The members that are children, and the type that has them.
    pub(in crate::fhir) fn members(&self) -> Option<(&'a Object, &'static TypeDef)> {
        let def = self.def?;
        if matches!(def.class, Class::Primitive(_)) {
            return Some((self.sibling?.as_object()?, definitions().find("Element")?));
        }
        Some((self.value?.as_object()?, def))
    }

    /// Gives `take` each child with this name, until it has enough. `false` if the type has no such element.
    pub(super) fn child(&self, name: &str, take: &mut impl FnMut(Self) -> ControlFlow<()>) -> bool {
        let Some(own) = self.def else {
            // What is not known may have any element.
            return true;
        };
        let fields = match own.class {
            Class::Primitive(_) => definitions().find("Element"),
            _ => Some(own),
        };
        let Some(element) = fields.and_then(|def| def.element(name)) else { return false };
        let Some((object, def)) = self.members() else { return true };
        if !element.is_choice {
            if let Some(of_type) = element.types.first() {
                let _enough = Self::values(object.get(name), || sibling(object, name), of_type, take);
            }
            return true;
        }
        for (key, value) in object.iter() {
            let plain = key.strip_prefix('_');
            let member_name = plain.unwrap_or(key);
            if !member_name.starts_with(name) || (plain.is_some() && object.get(member_name).is_some()) {
                continue;
            }
            let Some(member) = def.member(member_name).filter(|member| member.element.name == name) else { continue };
            let (value, sibling) = match plain {
                Some(_) => (None, Some(value)),
                None => (Some(value), sibling(object, member_name)),
            };
            if Self::values(value, || sibling, member.of_type, take).is_break() {
                break;
            }
        }
        true
    }

    /// Gives `take` each child, in the order of the document.
    pub(super) fn children(&self, take: &mut impl FnMut(Self)) {
        let Some((object, def)) = self.members() else { return };
        let mut take = |child| {
            take(child);
            ControlFlow::Continue(())
        };
        for (key, value) in object.iter() {
            let plain = key.strip_prefix('_');
            let name = plain.unwrap_or(key);
            let Some(member) = def.member(name) else { continue };
            let _all = match plain {
                Some(name) if object.get(name).is_some() => ControlFlow::Continue(()),
                Some(_) => Self::values(None, || Some(value), member.of_type, &mut take),
                None => Self::values(Some(value), || sibling(object, name), member.of_type, &mut take),
            };
        }
    }

    /// The items of an element, or the one that it is.
    fn values(
        value: Option<&'a Json>,
        sibling: impl FnOnce() -> Option<&'a Json>,
        of_type: &TypeRef,
        take: &mut impl FnMut(Self) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Some(def) = definitions().get(of_type) else { return ControlFlow::Continue(()) };
        let sibling = if matches!(def.class, Class::Primitive(_)) { sibling() } else { None };
        let list = |json: Option<&'a Json>| json.and_then(Json::as_array).unwrap_or_default();
        if matches!(value, Some(Json::Array(_))) || matches!(sibling, Some(Json::Array(_))) {
            let (values, siblings) = (list(value), list(sibling));
            for index in 0..values.len().max(siblings.len()) {
                let half = |list: &'a [Json]| list.get(index).filter(|item| !matches!(item, Json::Null));
                let (value, sibling) = (half(values), half(siblings));
                if value.is_some() || sibling.is_some() {
                    take(Self::element(value, sibling, def))?;
                }
            }
        } else if value.is_some() || sibling.is_some() {
            take(Self::element(value, sibling, def))?;
        }
        ControlFlow::Continue(())
    }
}

/// The member `_name`.
fn sibling<'a>(object: &'a Object, name: &str) -> Option<&'a Json> {
    object.iter().find(|(key, _)| key.strip_prefix('_') == Some(name)).map(|(_, value)| value)
}
