//! The part of FHIRPath that search parameters are written in: paths, unions, `where`, `exists`, `as`, `ofType`,
//! `is`, `resolve() is Type`, `extension`, indexers, `first`, `last`, equality, `and`, `or`. An expression is read
//! once into a [`Program`], which then walks documents without building collections. R4 searchparameter.html,
//! R4 fhirpath.html.

mod parse;
mod walk;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use crate::fhir::Json;

pub use walk::Item;

/// An expression, ready to walk documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    expression: Expression,
}

/// Why a text is not an expression that we can walk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// Something else is expected at this byte.
    #[error("unexpected text at byte {0}")]
    Unexpected(usize),
    /// The expression ends too early.
    #[error("unexpected end")]
    End,
    /// A function that search parameters of R4 do not use.
    #[error("function {0} is not supported")]
    Function(String),
    /// A variable other than `%resource` and `%context`.
    #[error("variable %{0} is not supported")]
    Variable(String),
    /// Brackets are nested deeper than any search parameter needs.
    #[error("nested too deep")]
    Depth,
}

impl Program {
    /// Reads an expression.
    pub fn compile(text: &str) -> Result<Self, ExpressionError> {
        parse::expression(text).map(|expression| Self { expression })
    }

    /// Gives `visit` each item that the expression finds in `resource`, in the order of the document, until it
    /// says to stop.
    pub fn visit<'a>(&'a self, resource: &'a Json, visit: &mut dyn FnMut(Item<'a>) -> ControlFlow<()>) {
        let _stopped = walk::walk(&self.expression, resource, Item::element(resource), visit);
    }

    /// The same from an element inside `resource`, as the components of composite parameters need it.
    pub fn visit_from<'a>(
        &'a self,
        resource: &'a Json,
        focus: Item<'a>,
        visit: &mut dyn FnMut(Item<'a>) -> ControlFlow<()>,
    ) {
        let _stopped = walk::walk(&self.expression, resource, focus, visit);
    }

    /// All items that the expression finds in `resource`.
    pub fn items<'a>(&'a self, resource: &'a Json) -> Vec<Item<'a>> {
        let mut found = Vec::new();
        self.visit(resource, &mut |item| {
            found.push(item);
            ControlFlow::Continue(())
        });
        found
    }
}

/// What an expression is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Expression {
    /// The item that the expression is asked of; `$this`.
    Focus,
    /// The focus if it is a resource of this type: the `Patient` of `Patient.name`.
    OfResource(Box<str>),
    /// `%resource`, `%context`
    Resource,
    /// `base.name`; with the types if it may be a choice.
    Member {
        base: Box<Self>,
        name: Box<str>,
        choice: Option<&'static [String]>,
    },
    /// `base.where(condition)`
    Where {
        base: Box<Self>,
        condition: Box<Self>,
    },
    /// `base.as(type)`, `base as type`, `base.ofType(type)`
    OfType {
        base: Box<Self>,
        type_name: Box<str>,
    },
    /// `base is type`
    Is {
        base: Box<Self>,
        type_name: Box<str>,
    },
    /// `base.resolve()`
    Resolve(Box<Self>),
    /// `base[n]`, `base.first()`
    Index {
        base: Box<Self>,
        index: usize,
    },
    /// `base.last()`
    Last(Box<Self>),
    /// `base.exists()`; `base.exists(c)` is read as `base.where(c).exists()`.
    Exists(Box<Self>),
    /// `base.not()`; `empty()` is read as `exists().not()`.
    Not(Box<Self>),
    Equal(Box<Self>, Box<Self>),
    NotEqual(Box<Self>, Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Union(Vec<Self>),
    Text(Box<str>),
    Number(Box<str>),
    Bool(bool),
}

/// The types that the choice element `name[x]` has anywhere in R4, with a capital letter in front, as they stand in
/// names of properties: `DateTime`. R4 formats.html#choice.
fn choice_types(name: &str) -> Option<&'static [String]> {
    static CHOICES: LazyLock<HashMap<&'static str, Vec<String>>> = LazyLock::new(|| {
        include_str!("../data/choice-elements.tsv")
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(name, types)| (name, types.split(' ').map(capitalised).collect()))
            .collect()
    });
    CHOICES.get(name).map(Vec::as_slice)
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests;
