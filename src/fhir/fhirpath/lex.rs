//! The words of an expression. FHIRPath 2.0.0 §Lexical Elements.

use super::ParseError;
use super::temporal::Temporal;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name as it is, or in backticks.
    Name { text: Box<str>, is_quoted: bool },
    /// `'text'`
    Text(Box<str>),
    /// `12`, `1.50`
    Number(Box<str>),
    /// `@2014`, `@2014T`, `@T10:30`
    Temporal(Temporal),
    /// `%name`
    Constant(Box<str>),
    /// `$name`
    Special(Box<str>),
    /// An operator or bracket.
    Symbol(&'static str),
}

/// Longer ones first.
const SYMBOLS: [&str; 23] = [
    "!=", "!~", "<=", ">=", "{", "}", "(", ")", "[", "]", ".", ",", "+", "-", "*", "/", "&", "|", "=", "~", "<", ">",
    "!",
];

/// The words, each with the byte where it starts.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, ParseError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut found = Vec::new();
    loop {
        lexer.skip_space()?;
        let start = lexer.at;
        match lexer.token()? {
            Some(token) => found.push((start, token)),
            None => return Ok(found),
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, prefix: &str) -> bool {
        let is_there = self.rest().starts_with(prefix);
        if is_there {
            self.at += prefix.len();
        }
        is_there
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|letter| !accept(letter)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn skip_space(&mut self) -> Result<(), ParseError> {
        loop {
            self.take_while(char::is_whitespace);
            if self.rest().starts_with("//") {
                self.take_while(|letter| letter != '\n' && letter != '\r');
            } else if self.rest().starts_with("/*") {
                let end = self.rest().get(2..).and_then(|inside| inside.find("*/")).ok_or(ParseError::End)?;
                self.at += end + 4;
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Option<Token>, ParseError> {
        let start = self.at;
        let Some(first) = self.rest().chars().next() else { return Ok(None) };
        let token = match first {
            '\'' => Token::Text(self.quoted('\'')?),
            '`' => Token::Name { text: self.quoted('`')?, is_quoted: true },
            '@' => Token::Temporal(self.temporal().ok_or(ParseError::Unexpected(start))?),
            '%' => {
                self.at += 1;
                Token::Constant(match self.rest().chars().next() {
                    Some(quote @ ('\'' | '`')) => self.quoted(quote)?,
                    _ => self.name().ok_or(ParseError::Unexpected(start))?.into(),
                })
            }
            '$' => {
                self.at += 1;
                Token::Special(self.name().ok_or(ParseError::Unexpected(start))?.into())
            }
            '0'..='9' => self.number(),
            _ if first.is_ascii_alphabetic() || first == '_' => {
                Token::Name { text: self.name().unwrap_or_default().into(), is_quoted: false }
            }
            _ => {
                let symbol = SYMBOLS.iter().find(|symbol| self.rest().starts_with(**symbol));
                let symbol = symbol.ok_or(ParseError::Unexpected(start))?;
                self.at += symbol.len();
                Token::Symbol(symbol)
            }
        };
        Ok(Some(token))
    }

    fn name(&mut self) -> Option<&'a str> {
        self.rest().starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_').then_some(())?;
        Some(self.take_while(|letter| letter.is_ascii_alphanumeric() || letter == '_'))
    }

    fn number(&mut self) -> Token {
        let start = self.at;
        self.take_while(|letter| letter.is_ascii_digit());
        let mut after = self.rest().chars();
        if after.next() == Some('.') && after.next().is_some_and(|letter| letter.is_ascii_digit()) {
            self.at += 1;
            self.take_while(|letter| letter.is_ascii_digit());
        }
        Token::Number(self.text.get(start..self.at).unwrap_or_default().into())
    }

    /// FHIRPath 2.0.0 §String, the escapes.
    fn quoted(&mut self, quote: char) -> Result<Box<str>, ParseError> {
        let start = self.at;
        let mut letters = self.rest().char_indices().skip(1);
        let mut out = String::new();
        while let Some((at, letter)) = letters.next() {
            if letter == quote {
                self.at = start + at + 1;
                return Ok(out.into());
            }
            if letter != '\\' {
                out.push(letter);
                continue;
            }
            match letters.next().ok_or(ParseError::End)?.1 {
                escaped @ ('\'' | '"' | '`' | '\\' | '/') => out.push(escaped),
                'r' => out.push('\r'),
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'f' => out.push('\u{c}'),
                'u' => {
                    let digits = self.text.get(start + at + 2..start + at + 6).ok_or(ParseError::End)?;
                    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                    let code = is_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten();
                    out.push(code.and_then(char::from_u32).ok_or(ParseError::Unexpected(start + at))?);
                    letters.by_ref().take(4).for_each(drop);
                }
                _ => return Err(ParseError::Unexpected(start + at)),
            }
        }
        Err(ParseError::End)
    }

    fn temporal(&mut self) -> Option<Temporal> {
        self.skip("@").then_some(())?;
        let start = self.at;
        if self.skip("T") {
            let clock = self.at;
            self.clock()?;
            return Temporal::time(self.text.get(clock..self.at)?);
        }
        self.digits(4)?;
        if self.part('-').is_some() {
            let _day = self.part('-');
        }
        if !self.skip("T") {
            return Temporal::date(self.text.get(start..self.at)?);
        }
        if self.rest().starts_with(|letter: char| letter.is_ascii_digit()) {
            self.clock()?;
            if !self.skip("Z") && self.rest().starts_with(['+', '-']) {
                let before = self.at;
                self.at += 1;
                if self.digits(2).and_then(|()| self.part(':')).is_none() {
                    self.at = before;
                }
            }
        }
        Temporal::date_time(self.text.get(start..self.at)?)
    }

    /// `hh`, `hh:mm`, `hh:mm:ss`, `hh:mm:ss.fff`
    fn clock(&mut self) -> Option<()> {
        self.digits(2)?;
        if self.part(':').is_none() || self.part(':').is_none() {
            return Some(());
        }
        let mut after = self.rest().chars();
        if after.next() == Some('.') && after.next().is_some_and(|letter| letter.is_ascii_digit()) {
            self.at += 1;
            self.take_while(|letter| letter.is_ascii_digit());
        }
        Some(())
    }

    /// A mark and two digits, or nothing.
    fn part(&mut self, mark: char) -> Option<()> {
        let before = self.at;
        let found = self.rest().starts_with(mark).then(|| self.at += 1).and_then(|()| self.digits(2));
        if found.is_none() {
            self.at = before;
        }
        found
    }

    fn digits(&mut self, count: usize) -> Option<()> {
        let digits = self.rest().get(..count)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| self.at += count)
    }
}
