//! Why a question about terminology has no answer.

use crate::base::{ProblemCode, Problems};

/// Why a question about terminology has no answer. Canonical URLs are named, codes are not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The request is wrong.
    #[error("{0}")]
    Invalid(Problems),
    /// There is no value set of this canonical URL.
    #[error("the value set {0} is not installed")]
    UnknownValueSet(String),
    /// There is no code system of this canonical URL.
    #[error("the code system {0} is not installed")]
    UnknownCodeSystem(String),
    /// The code system does not have the code that is asked about.
    #[error("the code system {0} has no such code")]
    UnknownCode(String),
    /// A value set needs something that is not there.
    #[error("{value_set} cannot be evaluated: the {} {needed} is not installed", needed.kind.as_str())]
    NotInstalled {
        /// The value set.
        value_set: String,
        /// What is missing.
        needed: super::Canonical,
    },
    /// Only a part of a code system is there, so it cannot be said whether it has a code.
    #[error("only a part of the code system {0} is installed")]
    Partial(String),
    /// A value set says nothing about its codes.
    #[error("{0} has no definition and no expansion")]
    NoDefinition(String),
    /// A value set includes itself, or is nested too deep.
    #[error("{0} includes itself, or value sets that are nested too deep")]
    Nested(String),
    /// More codes than are listed here.
    #[error("{value_set} has more than {most} codes; ask for a part of it by count and offset, or by filter")]
    TooCostly {
        /// The value set.
        value_set: String,
        /// How many would be listed.
        most: usize,
    },
    /// It takes more work than is done here.
    #[error("{0} takes too much work to evaluate")]
    TooMuchWork(String),
    /// A filter that is not understood for this code system.
    #[error("the filter {property} {op} on the code system {system} is not supported")]
    Filter {
        /// Code system.
        system: String,
        /// Property.
        property: String,
        /// Operator.
        op: String,
    },
    /// A regular expression that cannot be used.
    #[error("a filter on the code system {0} has a regular expression that is malformed or too large")]
    Regex(String),
    /// Versions of a code system that do not go together.
    #[error("the value set is defined on another version of {0} than is asked for")]
    Version(String),
    /// The hierarchy of the code system does not say what is a kind of what.
    #[error("the hierarchy of the code system {0} does not say what subsumes what")]
    NoSubsumption(String),
}

impl Fault {
    /// The kind of issue. R4 valueset-issue-type.html.
    pub fn code(&self) -> ProblemCode {
        match self {
            Self::Invalid(_) => ProblemCode::Value,
            Self::UnknownValueSet(_)
            | Self::UnknownCodeSystem(_)
            | Self::UnknownCode(_)
            | Self::NotInstalled { .. }
            | Self::Partial(_) => ProblemCode::NotFound,
            Self::NoDefinition(_) | Self::Nested(_) | Self::Version(_) => ProblemCode::BusinessRule,
            Self::TooCostly { .. } | Self::TooMuchWork(_) => ProblemCode::TooCostly,
            Self::Filter { .. } | Self::NoSubsumption(_) => ProblemCode::Unsupported,
            Self::Regex(_) => ProblemCode::Value,
        }
    }

    /// Whether what the request itself names is not there.
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::UnknownValueSet(_) | Self::UnknownCodeSystem(_) | Self::UnknownCode(_))
    }

    /// As problems with the request.
    pub fn into_problems(self) -> Problems {
        match self {
            Self::Invalid(problems) => problems,
            other => Problems::one("", other.code(), other.to_string()),
        }
    }
}

impl From<Problems> for Fault {
    fn from(problems: Problems) -> Self {
        Self::Invalid(problems)
    }
}
