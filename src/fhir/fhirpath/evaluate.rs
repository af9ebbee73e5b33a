//! Runs an expression. FHIRPath 2.0.0 §Path selection, §Operations.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use super::ast::{Constant, Expr, Function, Operation, Operator, Step, TypeName};
use super::equality::{as_decimal, as_quantity, equal_lists, equivalent_lists};
use super::item::Item;
use super::quantity::Quantity;
use super::{Environment, EvaluateError, Limits};

pub(super) type Items<'a> = Vec<Item<'a>>;

/// What is left of the work that an evaluation may do.
#[derive(Debug)]
pub(super) struct Budget {
    steps: u64,
    text_bytes: usize,
}

/// How many bytes of text are as much work as a step.
const BYTES_A_STEP: usize = 64;

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { steps: limits.steps, text_bytes: limits.text_bytes }
    }

    /// How many steps are left.
    pub(super) fn left(&self) -> u64 {
        self.steps
    }

    pub(super) fn step(&mut self) -> Result<(), EvaluateError> {
        self.steps(1)
    }

    pub(super) fn steps(&mut self, count: usize) -> Result<(), EvaluateError> {
        let left = u64::try_from(count).ok().and_then(|count| self.steps.checked_sub(count));
        self.steps = left.ok_or(EvaluateError::Steps)?;
        Ok(())
    }

    /// Looking at so many bytes of text.
    pub(super) fn text(&mut self, bytes: usize) -> Result<(), EvaluateError> {
        self.steps(bytes / BYTES_A_STEP)
    }

    /// Making a text of so many bytes.
    pub(super) fn new_text(&mut self, bytes: usize) -> Result<(), EvaluateError> {
        if bytes > self.text_bytes {
            return Err(EvaluateError::TooLong);
        }
        self.steps(1 + bytes / BYTES_A_STEP)
    }
}

/// `$this`, `$index` and `$total`.
#[derive(Clone, Copy)]
pub(super) struct Focus<'e, 'a> {
    pub(super) this: &'e [Item<'a>],
    pub(super) index: Option<usize>,
    pub(super) total: Option<&'e [Item<'a>]>,
}

impl<'e, 'a> Focus<'e, 'a> {
    /// One item of a collection.
    pub(super) fn on(self, item: &'e Item<'a>, index: usize) -> Self {
        Self { this: std::slice::from_ref(item), index: Some(index), total: self.total }
    }
}

pub(super) struct Evaluator<'e, 'a> {
    pub(super) environment: &'e Environment<'a>,
    pub(super) context: Item<'a>,
    pub(super) is_strict: bool,
    pub(super) budget: Budget,
}

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn eval(&mut self, expr: &'a Expr, focus: Focus<'_, 'a>) -> Result<Items<'a>, EvaluateError> {
        self.budget.step()?;
        Ok(match expr {
            Expr::Literal(literal) => vec![Item::of_literal(literal)],
            Expr::Empty => Vec::new(),
            Expr::This => self.copy(focus.this)?,
            Expr::Index => integer(focus.index.ok_or(EvaluateError::Variable("$index"))?),
            Expr::Total => self.copy(focus.total.ok_or(EvaluateError::Variable("$total"))?)?,
            Expr::Constant(constant) => vec![match constant {
                Constant::Text(text) => Item::text(text),
                Constant::Resource => Item::Node(self.environment.resource),
                Constant::RootResource => Item::Node(self.environment.root_resource),
                Constant::Context => self.context.clone(),
            }],
            Expr::Path { base, steps } => {
                let mut items = self.eval(base, focus)?;
                let mut steps = steps.iter().peekable();
                while let Some(step) = steps.next() {
                    let needs_one = steps.peek().is_some_and(|next| needs_one(next));
                    items = self.step(step, items, focus, needs_one)?;
                }
                items
            }
            Expr::Negate(operand) => match single(&self.eval(operand, focus)?)?.map(|item| item.clone().into_value()) {
                None => Vec::new(),
                Some(Item::Integer(value)) => value.checked_neg().map(Item::Integer).into_iter().collect(),
                Some(Item::Decimal(value)) => vec![Item::Decimal(value.negate())],
                Some(Item::Quantity(value)) => vec![Item::Quantity(Box::new(value.negate()))],
                Some(_) => return Err(EvaluateError::Type("-")),
            },
            Expr::Positive(operand) => {
                let items = self.eval(operand, focus)?;
                match single(&items)?.map(Item::value).as_deref() {
                    None | Some(Item::Integer(_) | Item::Decimal(_) | Item::Quantity(_)) => items,
                    Some(_) => return Err(EvaluateError::Type("+")),
                }
            }
            Expr::Chain { first, rest } => {
                let mut left = self.eval(first, focus)?;
                for operation in rest {
                    left = match operation {
                        Operation::Binary(operator, right) => self.binary(*operator, left, right, focus)?,
                        Operation::Is(name) => is_type(&left, name)?,
                        Operation::As(name) => as_type(left, name)?,
                    };
                }
                left
            }
        })
    }

    /// The truth of a condition; `None` for nothing. FHIRPath 2.0.0 §Singleton Evaluation of Collections.
    pub(super) fn condition(&mut self, expr: &'a Expr, focus: Focus<'_, 'a>) -> Result<Option<bool>, EvaluateError> {
        truth(&self.eval(expr, focus)?)
    }

    pub(super) fn copy(&mut self, items: &[Item<'a>]) -> Result<Items<'a>, EvaluateError> {
        self.budget.steps(items.len())?;
        Ok(items.to_vec())
    }

    /// `needs_one`: what follows looks at the first item only.
    fn step(
        &mut self,
        step: &'a Step,
        items: Items<'a>,
        focus: Focus<'_, 'a>,
        needs_one: bool,
    ) -> Result<Items<'a>, EvaluateError> {
        self.budget.steps(1 + items.len())?;
        match step {
            Step::First(name) => {
                let is_named =
                    |item: &Item<'_>| matches!(item, Item::Node(node) if node.def().is_some_and(|def| def.is_a(name)));
                if name.starts_with(|letter: char| letter.is_ascii_uppercase()) && items.iter().any(is_named) {
                    return Ok(items);
                }
                self.members(&items, name, needs_one)
            }
            Step::Member(name) => self.members(&items, name, needs_one),
            Step::Call(call) => self.call(call, items, focus),
            Step::At(index) => {
                let index = self.eval(index, focus)?;
                Ok(match single(&index)?.map(Item::value).as_deref() {
                    None => Vec::new(),
                    Some(Item::Integer(at)) => {
                        usize::try_from(*at).ok().and_then(|at| items.into_iter().nth(at)).into_iter().collect()
                    }
                    Some(_) => return Err(EvaluateError::Type("[]")),
                })
            }
        }
    }

    fn members(&mut self, items: &[Item<'a>], name: &str, needs_one: bool) -> Result<Items<'a>, EvaluateError> {
        let mut found = Vec::new();
        let mut is_known = true;
        for item in items {
            match item {
                Item::Node(node) => {
                    is_known &= node.child(name, &mut |child| {
                        found.push(Item::Node(child));
                        if needs_one { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                    });
                }
                Item::Type { namespace, name: own } => match name {
                    "namespace" => found.push(Item::text(namespace)),
                    "name" => found.push(Item::text(own)),
                    _ => is_known = false,
                },
                _ => is_known = false,
            }
            if needs_one && !found.is_empty() {
                break;
            }
        }
        if !is_known && self.is_strict {
            return Err(EvaluateError::Element);
        }
        self.budget.steps(found.len())?;
        Ok(found)
    }

    fn binary(
        &mut self,
        operator: Operator,
        left: Items<'a>,
        right: &'a Expr,
        focus: Focus<'_, 'a>,
    ) -> Result<Items<'a>, EvaluateError> {
        use Operator as O;
        if let O::And | O::Or | O::Xor | O::Implies = operator {
            return self.logic(operator, truth(&left)?, right, focus);
        }
        let right = self.eval(right, focus)?;
        Ok(match operator {
            O::Equal => maybe(equal_lists(&left, &right, &mut self.budget)?),
            O::NotEqual => maybe(equal_lists(&left, &right, &mut self.budget)?.map(|is_equal| !is_equal)),
            O::Equivalent => boolean(equivalent_lists(&left, &right, &mut self.budget)?),
            O::NotEquivalent => boolean(!equivalent_lists(&left, &right, &mut self.budget)?),
            O::Less | O::LessOrEqual | O::Greater | O::GreaterOrEqual => {
                let (Some(left), Some(right)) = (single(&left)?, single(&right)?) else { return Ok(Vec::new()) };
                maybe(compare(left, right)?.map(|order| match operator {
                    O::Less => order == Ordering::Less,
                    O::LessOrEqual => order != Ordering::Greater,
                    O::Greater => order == Ordering::Greater,
                    _ => order != Ordering::Less,
                }))
            }
            O::Union => self.union(left, right)?,
            O::In => self.contains(&right, &left)?,
            O::Contains => self.contains(&left, &right)?,
            O::Concatenate => {
                let text = |items: &[Item<'a>]| match single(items)? {
                    None => Ok(String::new()),
                    Some(item) => match item.value().as_ref() {
                        Item::String(text) => Ok(text.clone().into_owned()),
                        Item::Node(node) if node.is_primitive() => Ok(String::new()),
                        _ => Err(EvaluateError::Type("&")),
                    },
                };
                let (left, right) = (text(&left)?, text(&right)?);
                self.budget.new_text(left.len() + right.len())?;
                vec![Item::String((left + &right).into())]
            }
            _ => {
                let (Some(left), Some(right)) = (single(&left)?, single(&right)?) else { return Ok(Vec::new()) };
                self.arithmetic(operator, &left.value(), &right.value())?.into_iter().collect()
            }
        })
    }

    /// FHIRPath 2.0.0 §Boolean logic. What is decided by the left side leaves the right side alone.
    fn logic(
        &mut self,
        operator: Operator,
        left: Option<bool>,
        right: &'a Expr,
        focus: Focus<'_, 'a>,
    ) -> Result<Items<'a>, EvaluateError> {
        match (operator, left) {
            (Operator::And, Some(false)) => return Ok(boolean(false)),
            (Operator::Or, Some(true)) | (Operator::Implies, Some(false)) => return Ok(boolean(true)),
            (Operator::Xor, None) => return Ok(Vec::new()),
            _ => {}
        }
        let right = self.condition(right, focus)?;
        Ok(maybe(match (operator, left, right) {
            (Operator::And, _, Some(false)) => Some(false),
            (Operator::And, Some(true), right) => right,
            (Operator::Or | Operator::Implies, _, Some(true)) => Some(true),
            (Operator::Or, Some(false), right) | (Operator::Implies, Some(true), right) => right,
            (Operator::Xor, Some(left), Some(right)) => Some(left != right),
            _ => None,
        }))
    }

    fn contains(&mut self, items: &[Item<'a>], wanted: &[Item<'a>]) -> Result<Items<'a>, EvaluateError> {
        let Some(wanted) = single(wanted)? else { return Ok(Vec::new()) };
        for item in items {
            if super::equality::equal(item, wanted, &mut self.budget)? == Some(true) {
                return Ok(boolean(true));
            }
        }
        Ok(boolean(false))
    }

    fn arithmetic(
        &mut self,
        operator: Operator,
        left: &Item<'a>,
        right: &Item<'a>,
    ) -> Result<Option<Item<'a>>, EvaluateError> {
        use Operator as O;
        let amount = |quantity: Quantity| Item::Quantity(Box::new(quantity));
        Ok(match (operator, left, right) {
            (O::Plus, Item::Integer(left), Item::Integer(right)) => left.checked_add(*right).map(Item::Integer),
            (O::Minus, Item::Integer(left), Item::Integer(right)) => left.checked_sub(*right).map(Item::Integer),
            (O::Times, Item::Integer(left), Item::Integer(right)) => left.checked_mul(*right).map(Item::Integer),
            (O::WholeDivide, Item::Integer(left), Item::Integer(right)) => left.checked_div(*right).map(Item::Integer),
            (O::Modulo, Item::Integer(left), Item::Integer(right)) => left.checked_rem(*right).map(Item::Integer),
            (O::Plus, Item::String(left), Item::String(right)) => {
                self.budget.new_text(left.len() + right.len())?;
                Some(Item::String(format!("{left}{right}").into()))
            }
            (O::Plus | O::Minus, Item::Temporal(at), Item::Quantity(by)) => {
                let span = by.unit.span().ok_or(EvaluateError::Type("date arithmetic"))?;
                let by = if operator == O::Minus { by.value.negate() } else { by.value };
                at.plus(by, span).map(Item::Temporal)
            }
            (_, left, right) => match (as_decimal(left), as_decimal(right)) {
                (Some(left), Some(right)) => match operator {
                    O::Plus => left.plus(right).map(Item::Decimal),
                    O::Minus => left.minus(right).map(Item::Decimal),
                    O::Times => left.times(right).map(Item::Decimal),
                    O::Divide => left.divided_by(right).map(Item::Decimal),
                    O::WholeDivide => {
                        left.whole_quotient(right).and_then(super::decimal::Decimal::to_integer).map(Item::Integer)
                    }
                    _ => left.remainder(right).map(Item::Decimal),
                },
                _ => match (operator, as_quantity(left), as_quantity(right)) {
                    (O::Plus, Some(left), Some(right)) => left.plus(&right).map(amount),
                    (O::Minus, Some(left), Some(right)) => left.plus(&right.negate()).map(amount),
                    (O::Times, Some(left), Some(right)) => left.times(&right).map(amount),
                    (O::Divide, Some(left), Some(right)) => left.divided_by(&right).map(amount),
                    _ => return Err(EvaluateError::Type("arithmetic")),
                },
            },
        })
    }
}

/// Whether a step gives the same for the first item of a collection as for all of it.
fn needs_one(step: &Step) -> bool {
    let Step::Call(call) = step else { return false };
    call.arguments.is_empty() && matches!(call.function, Function::First | Function::Exists | Function::Empty)
}

/// The one item, if there is any.
pub(super) fn single<'e, 'a>(items: &'e [Item<'a>]) -> Result<Option<&'e Item<'a>>, EvaluateError> {
    match items {
        [] => Ok(None),
        [item] => Ok(Some(item)),
        _ => Err(EvaluateError::NotSingle),
    }
}

/// What a collection says when it is used as a condition: a single item that is no boolean says yes.
pub(super) fn truth(items: &[Item<'_>]) -> Result<Option<bool>, EvaluateError> {
    Ok(single(items)?.map(|item| !matches!(*item.value(), Item::Boolean(false))))
}

/// Which is less; `None` if that is not known.
pub(super) fn compare(left: &Item<'_>, right: &Item<'_>) -> Result<Option<Ordering>, EvaluateError> {
    use super::temporal::Kind;
    Ok(match (&*left.value(), &*right.value()) {
        (Item::String(left), Item::String(right)) => Some(left.cmp(right)),
        (Item::Temporal(left), Item::Temporal(right)) => {
            if (left.kind() == Kind::Time) != (right.kind() == Kind::Time) {
                return Err(EvaluateError::Type("comparison"));
            }
            left.compare(right)
        }
        (left, right) => match (as_decimal(left), as_decimal(right)) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => match (as_quantity(left), as_quantity(right)) {
                (Some(left), Some(right)) => left.compare(&right),
                _ if [left, right].into_iter().any(|item| matches!(item, Item::Node(node) if node.is_primitive())) => {
                    None
                }
                _ => return Err(EvaluateError::Type("comparison")),
            },
        },
    })
}

pub(super) fn is_type<'a>(items: &[Item<'a>], name: &TypeName) -> Result<Items<'a>, EvaluateError> {
    Ok(maybe(single(items)?.map(|item| item.is_type(name))))
}

pub(super) fn as_type<'a>(items: Items<'a>, name: &TypeName) -> Result<Items<'a>, EvaluateError> {
    single(&items)?;
    Ok(items.into_iter().filter(|item| item.is_of_type(name)).collect())
}

pub(super) fn boolean<'a>(value: bool) -> Items<'a> {
    vec![Item::Boolean(value)]
}

pub(super) fn maybe<'a>(value: Option<bool>) -> Items<'a> {
    value.map(Item::Boolean).into_iter().collect()
}

pub(super) fn integer<'a>(value: usize) -> Items<'a> {
    i64::try_from(value).map(Item::Integer).into_iter().collect()
}
