//! The items of collections: elements of documents, and values of the System types.

use std::borrow::Cow;

use crate::fhir::structure::Primitive;

use super::ast::{Literal, TypeName};
use super::decimal::Decimal;
use super::node::Node;
use super::quantity::{Quantity, Unit};
use super::temporal::{Kind, Temporal};

/// One item of a collection.
#[derive(Debug, Clone)]
pub enum Item<'a> {
    /// An element of a document.
    Node(Node<'a>),
    /// `System.Boolean`
    Boolean(bool),
    /// `System.Integer`
    Integer(i64),
    /// `System.Decimal`
    Decimal(Decimal),
    /// `System.String`
    String(Cow<'a, str>),
    /// `System.Date`, `System.DateTime`, `System.Time`
    Temporal(Temporal),
    /// `System.Quantity`
    Quantity(Box<Quantity>),
    /// What `type()` gives.
    Type {
        /// `FHIR` or `System`.
        namespace: &'static str,
        /// `Patient`, `Boolean`.
        name: &'static str,
    },
}

/// The types of FHIRPath itself. FHIRPath 2.0.0 §Literals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of FHIRPath")]
pub enum SystemType {
    Boolean,
    String,
    Integer,
    Decimal,
    Date,
    DateTime,
    Time,
    Quantity,
}

impl SystemType {
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "Boolean" => Self::Boolean,
            "String" => Self::String,
            "Integer" => Self::Integer,
            "Decimal" => Self::Decimal,
            "Date" => Self::Date,
            "DateTime" => Self::DateTime,
            "Time" => Self::Time,
            "Quantity" => Self::Quantity,
            _ => return None,
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "Boolean",
            Self::String => "String",
            Self::Integer => "Integer",
            Self::Decimal => "Decimal",
            Self::Date => "Date",
            Self::DateTime => "DateTime",
            Self::Time => "Time",
            Self::Quantity => "Quantity",
        }
    }
}

impl<'a> Item<'a> {
    /// A text that outlives the evaluation.
    pub(super) fn text(text: &'a str) -> Self {
        Self::String(Cow::Borrowed(text))
    }

    pub(super) fn of_literal(literal: &'a Literal) -> Self {
        match literal {
            Literal::Boolean(value) => Self::Boolean(*value),
            Literal::Integer(value) => Self::Integer(*value),
            Literal::Decimal(value) => Self::Decimal(*value),
            Literal::String(text) => Self::text(text),
            Literal::Temporal(value) => Self::Temporal(*value),
            Literal::Quantity(value) => Self::Quantity(Box::new(value.clone())),
        }
    }

    /// The type of FHIRPath that it has; `None` for elements.
    pub fn system_type(&self) -> Option<SystemType> {
        Some(match self {
            Self::Node(_) | Self::Type { .. } => return None,
            Self::Boolean(_) => SystemType::Boolean,
            Self::Integer(_) => SystemType::Integer,
            Self::Decimal(_) => SystemType::Decimal,
            Self::String(_) => SystemType::String,
            Self::Quantity(_) => SystemType::Quantity,
            Self::Temporal(value) => match value.kind() {
                Kind::Date => SystemType::Date,
                Kind::DateTime => SystemType::DateTime,
                Kind::Time => SystemType::Time,
            },
        })
    }

    /// The System value of an element that has one: of primitives, and of quantities. R4 fhirpath.html#types.
    pub fn value(&self) -> Cow<'_, Self> {
        match self {
            Self::Node(node) => match node_value(node) {
                Some(value) => Cow::Owned(value),
                None => Cow::Borrowed(self),
            },
            _ => Cow::Borrowed(self),
        }
    }

    /// The same, given away.
    pub(super) fn into_value(self) -> Self {
        match &self {
            Self::Node(node) => node_value(node).unwrap_or(self),
            _ => self,
        }
    }

    /// Whether it has the type, or one that is derived from it.
    pub(super) fn is_type(&self, name: &TypeName) -> bool {
        match self {
            Self::Node(node) => name.fhir.is_some_and(|def| node.is_type(def)),
            _ => name.system.is_some() && self.system_type() == name.system,
        }
    }

    /// Whether `as` and `ofType` take it: primitives by their own type only, so that a code is no string.
    pub(super) fn is_of_type(&self, name: &TypeName) -> bool {
        match self {
            Self::Node(node) if node.is_primitive() => {
                name.fhir.is_some_and(|def| node.def().is_some_and(|own| own.name == def.name))
            }
            _ => self.is_type(name),
        }
    }

    /// The text for people and for `toString()`; `None` for what is no value.
    pub fn to_text(&self) -> Option<String> {
        match &*self.value() {
            Self::Node(_) | Self::Type { .. } => None,
            Self::Boolean(value) => Some(value.to_string()),
            Self::Integer(value) => Some(value.to_string()),
            Self::Decimal(value) => Some(value.to_string()),
            Self::String(text) => Some(text.clone().into_owned()),
            Self::Temporal(value) => Some(value.to_string()),
            Self::Quantity(value) => Some(value.to_string()),
        }
    }
}

fn node_value<'a>(node: &Node<'a>) -> Option<Item<'a>> {
    let Some(primitive) = node.primitive() else {
        return node.is_quantity().then(|| node_quantity(node)).flatten().map(|value| Item::Quantity(Box::new(value)));
    };
    let value = node.json()?;
    match primitive {
        Primitive::Boolean => value.as_bool().map(Item::Boolean),
        Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt => {
            value.as_number()?.parse().ok().map(Item::Integer)
        }
        Primitive::Decimal => Decimal::parse(value.as_number()?).map(Item::Decimal),
        Primitive::Date => Temporal::date(value.as_str()?).map(Item::Temporal),
        Primitive::DateTime | Primitive::Instant => Temporal::date_time(value.as_str()?).map(Item::Temporal),
        Primitive::Time => Temporal::time(value.as_str()?).map(Item::Temporal),
        _ => value.as_str().map(Item::text),
    }
}

/// R4 fhirpath.html#quantity: a code of UCUM, else whatever names the unit.
fn node_quantity(node: &Node<'_>) -> Option<Quantity> {
    let json = node.json()?;
    let value = Decimal::parse(json.get("value")?.as_number()?)?;
    let text = |name| json.get(name).and_then(crate::fhir::Json::as_str);
    let unit = text("code").or_else(|| text("unit")).or_else(|| text("currency")).unwrap_or("1");
    Some(Quantity { value, unit: Unit::Ucum(unit.into()) })
}
