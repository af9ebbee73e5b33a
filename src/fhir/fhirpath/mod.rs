//! FHIRPath 2.0.0 with the additions of R4 (R4 fhirpath.html): expressions in, collections out. An expression is
//! parsed once and evaluated on elements of documents often; nothing is changed and nothing is fetched.
//! [`super::structure::invariants`] runs the rules of the base definitions with it.
//!
//! Elements have the types of the base definitions, so that `Observation.value` finds `valueQuantity`; decimals are
//! exact. `memberOf` knows no terminology and gives nothing; `conformsTo` knows the base types only. An evaluation
//! has a budget of steps, so that each one ends.

mod ast;
mod decimal;
mod equality;
mod evaluate;
mod functions;
mod item;
mod lex;
mod node;
mod parse;
mod quantity;
mod temporal;

use crate::base::Timestamp;
use crate::fhir::Json;

use self::evaluate::{Budget, Evaluator, Focus, truth};

pub use decimal::Decimal;
pub use item::{Item, SystemType};
pub use node::Node;
pub use quantity::{Calendar, Quantity, Unit};
pub use temporal::{Kind, Precision, Temporal};

/// What an expression finds, in order.
pub type Collection<'a> = Vec<Item<'a>>;

/// An expression, ready to be evaluated.
#[derive(Debug, Clone)]
pub struct Expression {
    root: ast::Expr,
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Something else is expected at this byte.
    #[error("unexpected text at byte {0}")]
    Unexpected(usize),
    /// The expression ends too early.
    #[error("unexpected end")]
    End,
    /// There is no such function.
    #[error("there is no function {0}")]
    Function(Box<str>),
    /// A function has too few or too many arguments.
    #[error("wrong number of arguments of {0}")]
    Arguments(&'static str),
    /// There is no such type.
    #[error("there is no type {0}")]
    Type(Box<str>),
    /// There is no such constant.
    #[error("there is no constant %{0}")]
    Constant(Box<str>),
    /// A regular expression is none, or is too great.
    #[error("not a regular expression")]
    Pattern,
    /// Brackets are nested too deep.
    #[error("nested too deep")]
    Depth,
    /// The text is too long.
    #[error("too long")]
    TooLong,
}

/// Why an evaluation has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// One item is needed, and there are more.
    #[error("more than one item where one is needed")]
    NotSingle,
    /// A function or operator cannot do anything with such a value.
    #[error("{0} cannot be applied to such a value")]
    Type(&'static str),
    /// A variable outside of where it has a value.
    #[error("{0} has no value here")]
    Variable(&'static str),
    /// The type has no such element (strict evaluation only).
    #[error("there is no such element")]
    Element,
    /// A regular expression is none, or is too great.
    #[error("not a regular expression")]
    Pattern,
    /// `conformsTo` with a profile that is not a base type.
    #[error("the profile is not known")]
    Profile,
    /// The current time is asked for and was not given.
    #[error("the current time is not known")]
    Clock,
    /// The budget is used up.
    #[error("the evaluation takes too many steps")]
    Steps,
    /// A text would be too long.
    #[error("a text becomes too long")]
    TooLong,
}

/// How much an evaluation may do.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Items looked at, made or compared.
    pub steps: u64,
    /// Greatest length of a text that is made, in bytes.
    pub text_bytes: usize,
    /// Whether a name that the type of an element does not have is an error and not just nothing.
    pub strict: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 1_000_000, text_bytes: 1024 * 1024, strict: false }
    }
}

/// What an expression can refer to beside the element that it is evaluated on.
#[derive(Debug, Clone, Copy)]
pub struct Environment<'a> {
    /// `%resource`: the resource that has the element; the contained one, if it is in one.
    pub resource: Node<'a>,
    /// `%rootResource`: the same, or the container of a contained one. `resolve()` looks for `#id` here.
    pub root_resource: Node<'a>,
    /// Where `resolve()` looks for other references.
    pub bundle: Option<&'a Json>,
    /// For `now()`, `today()` and `timeOfDay()`.
    pub now: Option<Timestamp>,
}

impl<'a> Environment<'a> {
    /// That of a resource by itself; a Bundle is also where references are resolved.
    pub fn of(resource: &'a Json) -> Self {
        let node = Node::resource(resource);
        let is_bundle = node.def().is_some_and(|def| def.name == "Bundle");
        Self { resource: node, root_resource: node, bundle: is_bundle.then_some(resource), now: None }
    }
}

impl Expression {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        parse::expression(text).map(|root| Self { root })
    }

    /// What the expression finds, asked of an element.
    pub fn evaluate<'a>(
        &'a self,
        context: Node<'a>,
        environment: &Environment<'a>,
        limits: &Limits,
    ) -> Result<Collection<'a>, EvaluateError> {
        self.run(context, environment, limits).0
    }

    /// Whether the expression, as a condition, is true of an element; `None` if it finds nothing. The steps that it
    /// takes are taken from `limits`, so that many expressions can share a budget.
    pub fn is_true<'a>(
        &'a self,
        context: Node<'a>,
        environment: &Environment<'a>,
        limits: &mut Limits,
    ) -> Result<Option<bool>, EvaluateError> {
        let (found, left) = self.run(context, environment, limits);
        limits.steps = left;
        truth(&found?)
    }

    fn run<'a>(
        &'a self,
        context: Node<'a>,
        environment: &Environment<'a>,
        limits: &Limits,
    ) -> (Result<Collection<'a>, EvaluateError>, u64) {
        let context = Item::Node(context);
        let mut evaluator =
            Evaluator { environment, context: context.clone(), is_strict: limits.strict, budget: Budget::new(limits) };
        let found = evaluator.eval(&self.root, Focus { this: &[context], index: None, total: None });
        (found, evaluator.budget.left())
    }
}

#[cfg(test)]
mod tests;
