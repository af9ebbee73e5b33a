//! From text to [`Expr`]. FHIRPath 2.0.0 §Grammar. Names of functions, types and constants are looked up here, so
//! that a wrong one is found before anything is evaluated.

use crate::fhir::structure::definitions;

use super::ParseError;
use super::ast::{Call, Constant, Expr, Function, Literal, Operation, Operator, Step, TypeName};
use super::decimal::Decimal;
use super::functions::pattern;
use super::item::SystemType;
use super::lex::{Token, tokens};
use super::quantity::{Calendar, Quantity, Unit};

/// Greatest length of an expression in bytes.
const MAX_BYTES: usize = 32 * 1024;
/// Greatest depth of brackets, arguments and signs.
const MAX_DEPTH: usize = 32;

pub(super) fn expression(text: &str) -> Result<Expr, ParseError> {
    if text.len() > MAX_BYTES {
        return Err(ParseError::TooLong);
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let expression = parser.expression()?;
    match parser.tokens.get(parser.at) {
        None => Ok(expression),
        Some((at, _)) => Err(ParseError::Unexpected(*at)),
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
}

/// Operators by precedence, those that bind least first. `is` and `as` stand apart.
const LEVELS: [&[(&str, Operator)]; 10] = [
    &[("implies", Operator::Implies)],
    &[("or", Operator::Or), ("xor", Operator::Xor)],
    &[("and", Operator::And)],
    &[("in", Operator::In), ("contains", Operator::Contains)],
    &[("=", Operator::Equal), ("~", Operator::Equivalent), ("!=", Operator::NotEqual), ("!~", Operator::NotEquivalent)],
    &[("<=", Operator::LessOrEqual), ("<", Operator::Less), (">", Operator::Greater), (">=", Operator::GreaterOrEqual)],
    &[("|", Operator::Union)],
    &[],
    &[("+", Operator::Plus), ("-", Operator::Minus), ("&", Operator::Concatenate)],
    &[("*", Operator::Times), ("/", Operator::Divide), ("div", Operator::WholeDivide), ("mod", Operator::Modulo)],
];
const TYPE_LEVEL: usize = 7;

impl Parser {
    fn expression(&mut self) -> Result<Expr, ParseError> {
        self.level(0)
    }

    fn level(&mut self, level: usize) -> Result<Expr, ParseError> {
        let Some(operators) = LEVELS.get(level) else { return self.signed() };
        let first = self.level(level + 1)?;
        let mut rest = Vec::new();
        loop {
            if level == TYPE_LEVEL {
                if self.take_word("is") {
                    rest.push(Operation::Is(self.type_name()?));
                } else if self.take_word("as") {
                    rest.push(Operation::As(self.type_name()?));
                } else {
                    break;
                }
                continue;
            }
            let Some(operator) = self.operator(operators) else { break };
            rest.push(Operation::Binary(operator, self.level(level + 1)?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Chain { first: Box::new(first), rest } })
    }

    fn signed(&mut self) -> Result<Expr, ParseError> {
        for (sign, make) in [("-", Expr::Negate as fn(Box<Expr>) -> Expr), ("+", Expr::Positive)] {
            if self.take_symbol(sign) {
                return self.deeper(|parser| Ok(make(Box::new(parser.signed()?))));
            }
        }
        self.path()
    }

    fn path(&mut self) -> Result<Expr, ParseError> {
        let (base, mut steps) = self.term()?;
        loop {
            if self.take_symbol(".") {
                steps.push(match self.name()? {
                    (name, false) if self.peek_symbol("(") => self.call(&name)?,
                    (name, _) => Step::Member(name),
                });
            } else if self.take_symbol("[") {
                steps.push(Step::At(self.deeper(Self::expression)?));
                self.expect("]")?;
            } else {
                break;
            }
        }
        Ok(if steps.is_empty() { base } else { Expr::Path { base: Box::new(base), steps } })
    }

    fn term(&mut self) -> Result<(Expr, Vec<Step>), ParseError> {
        let (at, token) = self.next()?;
        let plain = |expr| Ok((expr, Vec::new()));
        match token {
            Token::Text(text) => plain(Expr::Literal(Literal::String(text))),
            Token::Temporal(value) => plain(Expr::Literal(Literal::Temporal(value))),
            Token::Number(text) => plain(Expr::Literal(self.number(at, &text)?)),
            Token::Constant(name) => plain(Expr::Constant(constant(&name)?)),
            Token::Special(name) => plain(match &*name {
                "this" => Expr::This,
                "index" => Expr::Index,
                "total" => Expr::Total,
                _ => return Err(ParseError::Unexpected(at)),
            }),
            Token::Symbol("(") => {
                let inner = self.deeper(Self::expression)?;
                self.expect(")")?;
                plain(inner)
            }
            Token::Symbol("{") => {
                self.expect("}")?;
                plain(Expr::Empty)
            }
            Token::Name { text, is_quoted: false } if &*text == "true" => plain(Expr::Literal(Literal::Boolean(true))),
            Token::Name { text, is_quoted: false } if &*text == "false" => {
                plain(Expr::Literal(Literal::Boolean(false)))
            }
            Token::Name { text, is_quoted: false } if self.peek_symbol("(") => {
                Ok((Expr::This, vec![self.call(&text)?]))
            }
            Token::Name { text, .. } => Ok((Expr::This, vec![Step::First(text)])),
            Token::Symbol(_) => Err(ParseError::Unexpected(at)),
        }
    }

    /// A number, and its unit if one follows.
    fn number(&mut self, at: usize, text: &str) -> Result<Literal, ParseError> {
        let decimal = Decimal::parse(text).ok_or(ParseError::Unexpected(at))?;
        let unit = match self.tokens.get(self.at) {
            Some((_, Token::Text(code))) if !code.is_empty() => Some(Unit::Ucum(code.clone())),
            Some((_, Token::Name { text, is_quoted: false })) => Calendar::of_word(text).map(Unit::Calendar),
            _ => None,
        };
        if let Some(unit) = unit {
            self.at += 1;
            return Ok(Literal::Quantity(Quantity { value: decimal, unit }));
        }
        if text.contains('.') {
            return Ok(Literal::Decimal(decimal));
        }
        text.parse().map(Literal::Integer).or(Err(ParseError::Unexpected(at)))
    }

    fn call(&mut self, name: &str) -> Result<Step, ParseError> {
        let function = Function::of_name(name).ok_or_else(|| ParseError::Function(name.into()))?;
        self.expect("(")?;
        let mut call = Call { function, arguments: Vec::new(), of_type: None, pattern: None };
        let mut count = 0;
        if !self.peek_symbol(")") {
            loop {
                count += 1;
                if matches!(function, Function::Is | Function::As | Function::OfType) {
                    call.of_type = Some(self.type_name()?);
                } else {
                    call.arguments.push(self.deeper(Self::expression)?);
                }
                if !self.take_symbol(",") {
                    break;
                }
            }
        }
        self.expect(")")?;
        let (least, most) = function.arity();
        if !(least..=most).contains(&count) {
            return Err(ParseError::Arguments(function.name()));
        }
        if let Some(Expr::Literal(Literal::String(text))) = call.arguments.first() {
            call.pattern = match function {
                Function::Matches | Function::ReplaceMatches => Some(pattern(text, false)),
                Function::MatchesFull => Some(pattern(text, true)),
                _ => None,
            }
            .transpose()
            .or(Err(ParseError::Pattern))?;
        }
        Ok(Step::Call(call))
    }

    fn type_name(&mut self) -> Result<TypeName, ParseError> {
        let (mut name, _) = self.name()?;
        let mut namespace = None;
        if matches!(&*name, "FHIR" | "System") && self.take_symbol(".") {
            namespace = Some(name);
            name = self.name()?.0;
        }
        let fhir = definitions().find(&name).filter(|_| namespace.as_deref() != Some("System"));
        let system = SystemType::of_name(&name).filter(|_| namespace.as_deref() != Some("FHIR"));
        if fhir.is_none() && system.is_none() && namespace.is_none() {
            return Err(ParseError::Type(name));
        }
        Ok(TypeName { fhir, system })
    }

    fn name(&mut self) -> Result<(Box<str>, bool), ParseError> {
        match self.next()? {
            (_, Token::Name { text, is_quoted }) => Ok((text, is_quoted)),
            (at, _) => Err(ParseError::Unexpected(at)),
        }
    }

    fn next(&mut self) -> Result<(usize, Token), ParseError> {
        let token = self.tokens.get(self.at).cloned().ok_or(ParseError::End)?;
        self.at += 1;
        Ok(token)
    }

    fn operator(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        let text = match &self.tokens.get(self.at)?.1 {
            Token::Symbol(symbol) => symbol,
            Token::Name { text, is_quoted: false } => &**text,
            _ => return None,
        };
        let (_, operator) = operators.iter().find(|(name, _)| *name == text)?;
        self.at += 1;
        Some(*operator)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_there = matches!(
            self.tokens.get(self.at), Some((_, Token::Name { text, is_quoted: false })) if **text == *word
        );
        self.at += usize::from(is_there);
        is_there
    }

    fn peek_symbol(&self, symbol: &str) -> bool {
        matches!(self.tokens.get(self.at), Some((_, Token::Symbol(found))) if *found == symbol)
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let is_there = self.peek_symbol(symbol);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, symbol: &str) -> Result<(), ParseError> {
        if self.take_symbol(symbol) {
            return Ok(());
        }
        Err(self.tokens.get(self.at).map_or(ParseError::End, |(at, _)| ParseError::Unexpected(*at)))
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, ParseError>) -> Result<T, ParseError> {
        if self.depth >= MAX_DEPTH {
            return Err(ParseError::Depth);
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }
}

fn constant(name: &str) -> Result<Constant, ParseError> {
    let text = |text: &str| Ok(Constant::Text(text.into()));
    match name {
        "resource" => Ok(Constant::Resource),
        "rootResource" => Ok(Constant::RootResource),
        "context" => Ok(Constant::Context),
        "ucum" => text("http://unitsofmeasure.org"),
        "sct" => text("http://snomed.info/sct"),
        "loinc" => text("http://loinc.org"),
        _ => {
            if let Some(id) = name.strip_prefix("vs-") {
                text(&format!("http://hl7.org/fhir/ValueSet/{id}"))
            } else if let Some(id) = name.strip_prefix("ext-") {
                text(&format!("http://hl7.org/fhir/StructureDefinition/{id}"))
            } else {
                Err(ParseError::Constant(name.into()))
            }
        }
    }
}
