//! What is wrong with an input, element by element.

use std::fmt;

/// The kind of a problem; the codes of R4 valueset-issue-type.html that inputs can meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProblemCode {
    /// The text is not well-formed, or has an element that does not exist.
    Structure,
    /// A required element is missing.
    Required,
    /// The value is not in the form or range that the element has.
    Value,
    /// The code is not one of those allowed.
    CodeInvalid,
    /// A limit on size, depth or count was passed.
    TooLong,
    /// The same identifier stands twice.
    Duplicate,
    /// The parts do not fit each other.
    Invariant,
    /// An extension is not known, or stands where it may not.
    Extension,
    /// A rule of the report's life cycle forbids it.
    BusinessRule,
    /// What is asked for is not supported.
    Unsupported,
    /// What is named is not there.
    NotFound,
    /// It would take more work, or a longer answer, than is given.
    TooCostly,
    /// It cannot be done now, but later.
    Transient,
}

impl ProblemCode {
    /// The code as FHIR writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Required => "required",
            Self::Value => "value",
            Self::CodeInvalid => "code-invalid",
            Self::TooLong => "too-long",
            Self::Duplicate => "duplicate",
            Self::Invariant => "invariant",
            Self::Extension => "extension",
            Self::BusinessRule => "business-rule",
            Self::Unsupported => "not-supported",
            Self::NotFound => "not-found",
            Self::TooCostly => "too-costly",
            Self::Transient => "transient",
        }
    }
}

/// One thing that is wrong, and where. The detail never repeats the value: it may be patient data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// FHIRPath-like location, `measurements[3].unit`; empty for the whole document.
    pub path: String,
    /// Kind.
    pub code: ProblemCode,
    /// What the rule is, lower case, no full stop, without the value itself.
    pub detail: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { write!(f, "{}", self.detail) } else { write!(f, "{}: {}", self.path, self.detail) }
    }
}

/// All that is wrong with one input. Collects up to [`Problems::LIMIT`]; the rest is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    items: Vec<Problem>,
    dropped: usize,
}

impl Problems {
    /// How many problems are kept.
    pub const LIMIT: usize = 100;

    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a single problem.
    pub fn one(path: impl Into<String>, code: ProblemCode, detail: impl Into<String>) -> Self {
        let mut problems = Self::new();
        problems.add(path, code, detail);
        problems
    }

    /// Adds a problem.
    pub fn add(&mut self, path: impl Into<String>, code: ProblemCode, detail: impl Into<String>) {
        if self.items.len() < Self::LIMIT {
            self.items.push(Problem { path: path.into(), code, detail: detail.into() });
        } else {
            self.dropped += 1;
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The problems in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.items.iter()
    }

    /// How many more were found than are kept.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// `value` if there is no problem, else the problems.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.items.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            problem.fmt(f)?;
        }
        if self.dropped > 0 {
            write!(f, "; and {} more", self.dropped)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
