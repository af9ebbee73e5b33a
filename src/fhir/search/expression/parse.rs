//! The reader of expressions: recursive descent with a limit of depth. FHIRPath §6.8 gives the precedence.

use super::{Expression, ExpressionError, choice_types};

pub(super) fn expression(text: &str) -> Result<Expression, ExpressionError> {
    let mut reader = Reader { text, at: 0, depth_left: MAX_DEPTH };
    let expression = reader.or()?;
    reader.skip_space();
    if reader.at < text.len() { Err(ExpressionError::Unexpected(reader.at)) } else { Ok(expression) }
}

const MAX_DEPTH: usize = 24;
/// Steps of one path. Every step is a level of the tree, and the tree is walked recursively.
const MAX_STEPS: usize = 64;
/// Operands of one union or of one row of `and` and `or`.
const MAX_OPERANDS: usize = 256;

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth_left: usize,
}

impl<'t> Reader<'t> {
    fn or(&mut self) -> Result<Expression, ExpressionError> {
        self.depth_left = self.depth_left.checked_sub(1).ok_or(ExpressionError::Depth)?;
        let mut left = self.and()?;
        let mut operands = 1;
        while self.word("or") {
            operands = self.counted(operands, MAX_STEPS)?;
            left = Expression::Or(Box::new(left), Box::new(self.and()?));
        }
        self.depth_left += 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Expression, ExpressionError> {
        let mut left = self.equality()?;
        let mut operands = 1;
        while self.word("and") {
            operands = self.counted(operands, MAX_STEPS)?;
            left = Expression::And(Box::new(left), Box::new(self.equality()?));
        }
        Ok(left)
    }

    fn equality(&mut self) -> Result<Expression, ExpressionError> {
        let left = self.union()?;
        if self.symbol("!=") {
            return Ok(Expression::NotEqual(Box::new(left), Box::new(self.union()?)));
        }
        if self.symbol("=") {
            return Ok(Expression::Equal(Box::new(left), Box::new(self.union()?)));
        }
        Ok(left)
    }

    fn union(&mut self) -> Result<Expression, ExpressionError> {
        let first = self.typed()?;
        if !self.symbol("|") {
            return Ok(first);
        }
        let mut parts = vec![first, self.typed()?];
        while self.symbol("|") {
            self.counted(parts.len(), MAX_OPERANDS)?;
            parts.push(self.typed()?);
        }
        Ok(Expression::Union(parts))
    }

    fn typed(&mut self) -> Result<Expression, ExpressionError> {
        let base = self.path()?;
        if self.word("is") {
            return Ok(Expression::Is { base: Box::new(base), type_name: self.type_name()? });
        }
        if self.word("as") {
            return Ok(Expression::OfType { base: Box::new(base), type_name: self.type_name()? });
        }
        Ok(base)
    }

    fn path(&mut self) -> Result<Expression, ExpressionError> {
        let mut base = self.term()?;
        let mut steps = 1;
        loop {
            steps = self.counted(steps, MAX_STEPS)?;
            if self.symbol(".") {
                let name = self.identifier()?;
                base = self.step(base, name)?;
            } else if self.symbol("[") {
                let index = self.digits()?.parse().map_err(|_invalid| ExpressionError::Unexpected(self.at))?;
                self.expect("]")?;
                base = Expression::Index { base: Box::new(base), index };
            } else {
                return Ok(base);
            }
        }
    }

    fn term(&mut self) -> Result<Expression, ExpressionError> {
        self.skip_space();
        match self.peek() {
            None => Err(ExpressionError::End),
            Some('(') => {
                self.at += 1;
                let inner = self.or()?;
                self.expect(")")?;
                Ok(inner)
            }
            Some('\'') => self.quoted('\'').map(|text| Expression::Text(text.into())),
            Some('0'..='9') => self.number(),
            Some('%') => {
                self.at += 1;
                let name = self.identifier()?;
                match name.as_str() {
                    "resource" | "context" => Ok(Expression::Resource),
                    _ => Err(ExpressionError::Variable(name)),
                }
            }
            Some('$') if self.symbol("$this") => Ok(Expression::Focus),
            Some(_) => {
                let delimited = self.peek() == Some('`');
                let name = self.identifier()?;
                match name.as_str() {
                    "true" | "false" if !delimited => Ok(Expression::Bool(name == "true")),
                    // Elements begin with a small letter, types that have elements with a capital one.
                    _ if name.starts_with(|letter: char| letter.is_ascii_uppercase()) => {
                        Ok(Expression::OfResource(name.into()))
                    }
                    _ => self.step(Expression::Focus, name),
                }
            }
        }
    }

    /// A member or a function of `base`.
    fn step(&mut self, base: Expression, name: String) -> Result<Expression, ExpressionError> {
        if self.peek() != Some('(') {
            return Ok(member(base, &name));
        }
        self.at += 1;
        let base = Box::new(base);
        let made = match name.as_str() {
            "where" => Expression::Where { base, condition: Box::new(self.or()?) },
            "exists" if self.closed() => Expression::Exists(base),
            "exists" => Expression::Exists(Box::new(Expression::Where { base, condition: Box::new(self.or()?) })),
            "empty" => Expression::Not(Box::new(Expression::Exists(base))),
            "not" => Expression::Not(base),
            "as" | "ofType" => Expression::OfType { base, type_name: self.type_name()? },
            "is" => Expression::Is { base, type_name: self.type_name()? },
            "resolve" => Expression::Resolve(base),
            "first" => Expression::Index { base, index: 0 },
            "last" => Expression::Last(base),
            "extension" => {
                self.skip_space();
                let url = Expression::Text(self.quoted('\'')?.into());
                let condition = Expression::Equal(Box::new(member(Expression::Focus, "url")), Box::new(url));
                Expression::Where { base: Box::new(member(*base, "extension")), condition: Box::new(condition) }
            }
            _ => return Err(ExpressionError::Function(name)),
        };
        self.expect(")")?;
        Ok(made)
    }

    /// `Quantity`, `FHIR.Quantity`, `System.String`: the name alone.
    fn type_name(&mut self) -> Result<Box<str>, ExpressionError> {
        let name = self.identifier()?;
        if matches!(name.as_str(), "FHIR" | "System") && self.symbol(".") {
            return self.identifier().map(Into::into);
        }
        Ok(name.into())
    }

    fn identifier(&mut self) -> Result<String, ExpressionError> {
        self.skip_space();
        if self.peek() == Some('`') {
            return self.quoted('`');
        }
        let rest = self.rest();
        let end = rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_')).unwrap_or(rest.len());
        match rest.split_at_checked(end) {
            Some((name, _)) if name.starts_with(|letter: char| !letter.is_ascii_digit()) => {
                self.at += end;
                Ok(name.to_owned())
            }
            _ if rest.is_empty() => Err(ExpressionError::End),
            _ => Err(ExpressionError::Unexpected(self.at)),
        }
    }

    /// A text between two of `mark`. Escapes are those of FHIRPath §4.1.2 that stand for one character.
    fn quoted(&mut self, mark: char) -> Result<String, ExpressionError> {
        if self.peek() != Some(mark) {
            return Err(ExpressionError::Unexpected(self.at));
        }
        let mut out = String::new();
        let mut letters = self.rest().char_indices().skip(1);
        while let Some((offset, letter)) = letters.next() {
            if letter == mark {
                self.at += offset + 1;
                return Ok(out);
            }
            if letter != '\\' {
                out.push(letter);
                continue;
            }
            match letters.next() {
                Some((_, escaped @ ('\'' | '"' | '`' | '\\' | '/'))) => out.push(escaped),
                Some((_, 'n')) => out.push('\n'),
                Some((_, 'r')) => out.push('\r'),
                Some((_, 't')) => out.push('\t'),
                Some((offset, _)) => return Err(ExpressionError::Unexpected(self.at + offset)),
                None => return Err(ExpressionError::End),
            }
        }
        Err(ExpressionError::End)
    }

    fn number(&mut self) -> Result<Expression, ExpressionError> {
        let mut text = self.digits()?.to_owned();
        let fraction = self.rest().strip_prefix('.').is_some_and(|rest| rest.starts_with(|l: char| l.is_ascii_digit()));
        if fraction {
            self.at += 1;
            text.push('.');
            text.push_str(self.digits()?);
        }
        Ok(Expression::Number(text.into()))
    }

    fn digits(&mut self) -> Result<&'t str, ExpressionError> {
        self.skip_space();
        let start = self.at;
        let length = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.at += length;
        match self.text.get(start..self.at) {
            Some(digits) if length > 0 => Ok(digits),
            _ => Err(ExpressionError::Unexpected(start)),
        }
    }

    /// Takes an operator that is a word.
    fn word(&mut self, word: &str) -> bool {
        self.skip_space();
        let found = self
            .rest()
            .strip_prefix(word)
            .is_some_and(|rest| !rest.starts_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_'));
        if found {
            self.at += word.len();
        }
        found
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(symbol);
        if found {
            self.at += symbol.len();
        }
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), ExpressionError> {
        if self.symbol(symbol) {
            Ok(())
        } else if self.rest().is_empty() {
            Err(ExpressionError::End)
        } else {
            Err(ExpressionError::Unexpected(self.at))
        }
    }

    /// Whether the bracket that was just opened is closed at once.
    fn closed(&mut self) -> bool {
        self.skip_space();
        self.peek() == Some(')')
    }

    #[expect(clippy::unused_self, reason = "reads as the other checks do")]
    fn counted(&self, count: usize, limit: usize) -> Result<usize, ExpressionError> {
        if count < limit { Ok(count + 1) } else { Err(ExpressionError::Depth) }
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }
}

fn member(base: Expression, name: &str) -> Expression {
    Expression::Member { base: Box::new(base), name: name.into(), choice: choice_types(name) }
}
