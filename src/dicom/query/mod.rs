//! Questions about studies: C-FIND identifiers (PS3.4 §C.4.1) and QIDO-RS parameters (PS3.18 §10.6) become
//! one [`Query`]. The store turns it into SQL; [`matches`] says over values in memory what it means.

mod identifier;
mod key;
mod matching;
mod name;
mod qido;

use dicom_core::Tag;

use crate::base::Uid;

pub use key::{Key, KeyKind};
pub use matching::{Found, date, matches, number, time_from, time_until};
pub use name::{FoldedName, fold, words};
pub use qido::Parents;

/// What a query asks for: one answer for each of these. PS3.4 §C.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// A patient; in the Patient Root model alone.
    Patient,
    /// A study.
    Study,
    /// A series.
    Series,
    /// A SOP instance.
    Instance,
}

impl Level {
    /// The value of (0008,0052).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "PATIENT",
            Self::Study => "STUDY",
            Self::Series => "SERIES",
            Self::Instance => "IMAGE",
        }
    }

    /// The level of a value of (0008,0052).
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Patient, Self::Study, Self::Series, Self::Instance].into_iter().find(|level| level.as_str() == text)
    }
}

/// The information models of Query/Retrieve. QIDO-RS is Study Root. PS3.4 §C.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// Patients have studies.
    Patient,
    /// Studies come first; patients are attributes of them.
    Study,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The information model.
    pub root: Root,
    /// What is asked for.
    pub level: Level,
    /// What has to hold; all of it.
    pub keys: Vec<MatchKey>,
    /// Whether names match by the beginnings of their parts, without accents. PS3.4 §C.2.2.2.1.1.
    pub fuzzy: bool,
    /// What is to be returned besides the keys and what the service always returns.
    pub include: Include,
    /// Keys of the request that are returned, but that nothing is matched by: the answer of a C-FIND is
    /// then pending with FF01. Empty for QIDO-RS, which refuses them.
    pub ignored: Vec<Vec<Tag>>,
    /// Matches that are left out at the beginning.
    pub offset: u64,
    /// Matches that are returned at most.
    pub limit: u64,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchKey {
    /// The attribute; sequences first where it lies in items.
    pub path: Vec<Tag>,
    /// What it has to be.
    pub matching: Matching,
}

/// What an attribute has to be. PS3.4 §C.2.2.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matching {
    /// Anything, or nothing.
    Universal,
    /// Without a value.
    Empty,
    /// This value.
    Single(String),
    /// One of these UIDs.
    Uids(Vec<Uid>),
    /// One of these values.
    OneOf(Vec<String>),
    /// This pattern: `*` stands for any characters, `?` for one.
    Wildcard(String),
    /// Between these, both included; DA or TM text.
    Range {
        /// The first that counts.
        from: Option<String>,
        /// The last that counts.
        until: Option<String>,
    },
}

/// Attributes that are returned though nothing asks that they match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Include {
    /// All that are known at the level and above.
    All,
    /// These; sequences first where one lies in items.
    Tags(Vec<Vec<Tag>>),
}

/// A part of the archive: a study, a series or an instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StudyScope {
    /// Study (0020,000D).
    pub study: Uid,
    /// Series (0020,000E).
    pub series: Option<Uid>,
    /// Instance (0008,0018); its series may be left out.
    pub instance: Option<Uid>,
}

impl StudyScope {
    /// A whole study.
    pub fn study(study: Uid) -> Self {
        Self { study, series: None, instance: None }
    }
}

/// Why a question cannot be asked. None holds a value of the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// (0008,0052) is absent or no level of the model.
    #[error("query/retrieve level is missing or unknown")]
    Level,
    /// A unique key of a level above is missing, or has more than one value. PS3.4 §C.4.1.3.1.
    #[error("unique key {0} must have one value")]
    UniqueKey(Tag),
    /// A key belongs to a level below the one that is asked for.
    #[error("{0} belongs to a lower level")]
    LowerLevel(Tag),
    /// The value is none that the attribute can have, or no form of matching.
    #[error("the value of {0} cannot be matched")]
    Value(Tag),
    /// The attribute is not known, or nothing can be matched by it.
    #[error("{0} is not supported as a matching key")]
    Unsupported(String),
    /// A parameter of the request is wrong.
    #[error("{parameter} {detail}")]
    Parameter {
        /// Which.
        parameter: String,
        /// What is wrong with it.
        detail: &'static str,
    },
}

impl Query {
    /// Everything at a level, a page of `limit`.
    pub fn all(level: Level, limit: u64) -> Self {
        Self {
            root: Root::Study,
            level,
            keys: Vec::new(),
            fuzzy: false,
            include: Include::Tags(Vec::new()),
            ignored: Vec::new(),
            offset: 0,
            limit,
        }
    }

    /// This query, with one more condition.
    #[must_use]
    pub fn with(mut self, path: &[Tag], matching: Matching) -> Self {
        self.keys.push(MatchKey { path: path.to_vec(), matching });
        self
    }

    /// The condition on an attribute of the data set itself.
    pub fn matching(&self, tag: Tag) -> Option<&Matching> {
        self.keys.iter().find(|key| key.path == [tag]).map(|key| &key.matching)
    }
}

#[cfg(test)]
mod tests;
