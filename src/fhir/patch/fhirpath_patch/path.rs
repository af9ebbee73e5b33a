//! The subset of FHIRPath that a patch uses to say where. R4 fhirpatch.html asks for paths that name
//! elements; nothing here computes.
//!
//! `Type` first, then `.name`, `[n]`, `.first()`, `.last()`, `.extension('url')`, `.ofType(Type)` and
//! `.where(…)`, whose criteria are `path = literal`, joined by `and`; a path there is names parted by dots,
//! or `$this`. Choices go by their name without type: `Observation.value`.

/// A path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    /// Type of the resource.
    pub(super) root: String,
    /// What follows.
    pub(super) steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Name(String),
    Index(usize),
    Last,
    OfType(String),
    Where(Vec<Criterion>),
}

/// `path = literal`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Criterion {
    /// Names; none for `$this`.
    pub(super) path: Vec<String>,
    pub(super) literal: Literal,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    String(String),
    Number(String),
    Bool(bool),
}

impl Path {
    /// Reads a path. `None` if it is none of this subset.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let mut reader = Reader { rest: text.trim() };
        let root = reader.name()?;
        let mut steps = Vec::new();
        while !reader.rest.is_empty() {
            reader.step(&mut steps)?;
        }
        Some(Self { root, steps })
    }

    /// The path to the list of a last name, and the name: `Patient.name` of `Patient.name.given`.
    pub(super) fn split_name(&self) -> Option<(&[Step], &str)> {
        match self.steps.split_last() {
            Some((Step::Name(name), before)) => Some((before, name)),
            _ => None,
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn step(&mut self, steps: &mut Vec<Step>) -> Option<()> {
        if self.take("[") {
            self.space();
            let index = self.digits()?.parse().ok()?;
            self.space();
            self.expect("]")?;
            steps.push(Step::Index(index));
            return Some(());
        }
        self.expect(".")?;
        let name = self.name()?;
        if !self.take("(") {
            steps.push(Step::Name(name));
            return Some(());
        }
        self.space();
        match name.as_str() {
            "first" => steps.push(Step::Index(0)),
            "last" => steps.push(Step::Last),
            "ofType" => steps.push(Step::OfType(self.name()?)),
            "where" => steps.push(Step::Where(self.criteria()?)),
            "extension" => {
                let literal = Literal::String(self.string()?);
                steps.push(Step::Name("extension".to_owned()));
                steps.push(Step::Where(vec![Criterion { path: vec!["url".to_owned()], literal }]));
            }
            _ => return None,
        }
        self.space();
        self.expect(")")
    }

    fn criteria(&mut self) -> Option<Vec<Criterion>> {
        let mut criteria = Vec::new();
        loop {
            let mut path = Vec::new();
            if !self.take("$this") {
                path.push(self.name()?);
                while self.take(".") {
                    path.push(self.name()?);
                }
            }
            self.space();
            self.expect("=")?;
            self.space();
            criteria.push(Criterion { path, literal: self.literal()? });
            let spaced = self.space();
            if !spaced || !self.take("and") {
                return Some(criteria);
            }
            if !self.space() {
                return None;
            }
        }
    }

    fn literal(&mut self) -> Option<Literal> {
        if self.rest.starts_with('\'') {
            return self.string().map(Literal::String);
        }
        if self.rest.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-') {
            let sign = if self.take("-") { "-" } else { "" };
            let whole = self.digits()?;
            let mut number = format!("{sign}{whole}");
            if self.take(".") {
                number.push('.');
                number.push_str(&self.digits()?);
            }
            return Some(Literal::Number(number));
        }
        match self.name()?.as_str() {
            "true" => Some(Literal::Bool(true)),
            "false" => Some(Literal::Bool(false)),
            _ => None,
        }
    }

    /// FHIRPath N1 §2.1.3.2: quotes and escapes.
    fn string(&mut self) -> Option<String> {
        let mut letters = self.rest.strip_prefix('\'')?.chars();
        let mut out = String::new();
        loop {
            match letters.next()? {
                '\'' => break,
                '\\' => out.push(match letters.next()? {
                    letter @ ('\'' | '"' | '`' | '\\' | '/') => letter,
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'u' => {
                        let (digits, rest) = letters.as_str().split_at_checked(4)?;
                        letters = rest.chars();
                        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                        char::from_u32(is_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten()?)?
                    }
                    _ => return None,
                }),
                letter => out.push(letter),
            }
        }
        self.rest = letters.as_str();
        Some(out)
    }

    /// A name, perhaps between backquotes, as those that FHIRPath keeps for itself must be.
    fn name(&mut self) -> Option<String> {
        let quoted = self.take("`");
        let end = self.rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if name.is_empty() || name.starts_with(|letter: char| letter.is_ascii_digit()) {
            return None;
        }
        let name = name.to_owned();
        self.rest = rest;
        if quoted {
            self.expect("`")?;
        }
        Some(name)
    }

    fn digits(&mut self) -> Option<String> {
        let end = self.rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!digits.is_empty()).then(|| digits.to_owned())
    }

    fn take(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str) -> Option<()> {
        self.take(token).then_some(())
    }

    fn space(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_start();
        self.rest.len() < before
    }
}

/// In bytes. Paths of people have some dozen.
const LONGEST: usize = 2_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn steps(text: &str) -> Option<Vec<Step>> {
        Path::parse(text).map(|path| path.steps)
    }

    fn name(text: &str) -> Step {
        Step::Name(text.to_owned())
    }

    fn equals(path: &[&str], literal: Literal) -> Criterion {
        Criterion { path: path.iter().map(|name| (*name).to_owned()).collect(), literal }
    }

    #[test]
    fn the_subset_is_read() {
        let text = |text: &str| Literal::String(text.to_owned());
        assert_eq!(steps("Patient"), Some(vec![]));
        assert_eq!(
            steps("Patient.name[0].given[ 1 ]"),
            Some(vec![name("name"), Step::Index(0), name("given"), Step::Index(1)])
        );
        assert_eq!(
            steps("Patient.name.first().`given`.last()"),
            Some(vec![name("name"), Step::Index(0), name("given"), Step::Last])
        );
        assert_eq!(
            steps("Patient.identifier.where(use = 'official' and type.text='a\\'\\u00e4').period"),
            Some(vec![
                name("identifier"),
                Step::Where(vec![equals(&["use"], text("official")), equals(&["type", "text"], text("a'ä"))]),
                name("period"),
            ])
        );
        assert_eq!(
            steps("Patient.extension('http://a').value.ofType(Coding)"),
            Some(vec![
                name("extension"),
                Step::Where(vec![equals(&["url"], text("http://a"))]),
                name("value"),
                Step::OfType("Coding".to_owned()),
            ])
        );
        assert_eq!(
            steps("Patient.link.where($this = -1.50 and active = true)"),
            Some(vec![
                name("link"),
                Step::Where(vec![
                    equals(&[], Literal::Number("-1.50".to_owned())),
                    equals(&["active"], Literal::Bool(true))
                ]),
            ])
        );
    }

    #[test]
    fn everything_else_is_refused() {
        for bad in [
            "",
            ".",
            "Patient.",
            "Patient..name",
            "Patient.name[",
            "Patient.name[-1]",
            "Patient.name[a]",
            "1Patient",
            "Patient name",
            "Patient.name | Patient.contact",
            "Patient.name.count()",
            "Patient.where()",
            "Patient.name.where(use)",
            "Patient.name.where(use = )",
            "Patient.name.where(use = 'a' or use = 'b')",
            "Patient.name.where(use != 'a')",
            "Patient.name.where(use = 'a'",
            "Patient.name.where(use = 'a)",
            "Patient.extension(url)",
            "Patient.name.where(use = @2020)",
            "Patient.name.where(use = '\\x')",
            "Patient.name.first(1)",
            "Patient.name.where(use = '\\u+12a')",
            "Patient.`name",
            "Patient.name[99999999999999999999]",
        ] {
            assert_eq!(Path::parse(bad), None, "{bad}");
        }
        assert_eq!(Path::parse(&format!("Patient{}", ".a".repeat(2000))), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(Patient|\\.|name|\\[|\\]|0|where|\\(|\\)| |=|'|\\\\|and|`|ä){0,20}|\\PC*") {
            let _either = Path::parse(&text);
        }
    }
}
