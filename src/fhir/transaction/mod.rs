//! Batches and transactions without a database: what a Bundle asks for, in which order it is done, which
//! resources it speaks of, what its references become, and the Bundle that answers it. R4 http.html#transaction.
//!
//! [`read`](fn@read) makes a [`Plan`] of a Bundle. What the store has to say to a transaction is listed by
//! [`questions`]; with the answers [`settle`](fn@settle) gives every entry its resource, and every reference in
//! the Bundle its target. [`respond`] writes the answer. The store is asked and written elsewhere.

mod condition;
mod links;
mod narrative;
mod pool;
mod read;
mod respond;
mod rewrite;
mod settle;
mod url;

use crate::base::{LogicalId, Problems, Timestamp, VersionId};

use super::Json;

pub use condition::{Condition, ConditionError, condition};
pub use read::{ReadError, read};
pub use respond::{Answer, Match, respond, search_set};
pub use settle::{Fault, Former, Known, Question, Questions, Reason, References, Settled, questions, settle};

/// What a Bundle asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Whether its entries belong together.
    pub kind: Kind,
    /// Its entries in order, those that cannot be understood as what is wrong with them. A transaction has none
    /// of these.
    pub entries: Vec<Result<Entry, EntryError>>,
}

/// Whether entries belong together. R4 valueset-bundle-type.html.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Each for itself.
    Batch,
    /// All or none.
    Transaction,
}

/// Why an entry of a batch is not even tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Its URL names no resource type of R4.
    #[error("the URL names no resource type")]
    UnknownType,
    /// It is malformed.
    #[error("{0}")]
    Invalid(Problems),
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the Bundle.
    pub index: usize,
    /// What other entries call its resource.
    pub full_url: Option<String>,
    /// The type in its URL.
    pub resource_type: String,
    /// What is to be done.
    pub action: Action,
}

/// What an entry asks for. R4 http.html.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// `DELETE`
    Delete {
        /// Which resource.
        instance: Instance,
        /// `ifMatch`
        expected: Option<Versions>,
    },
    /// `POST`
    Create {
        /// The resource.
        body: Json,
        /// `ifNoneExist`: a search that must find nothing.
        if_none_exist: Option<String>,
    },
    /// `PUT`
    Update {
        /// Which resource.
        instance: Instance,
        /// What it becomes; the id in it is that of `instance` where both are given.
        body: Json,
        /// `ifMatch`
        expected: Option<Versions>,
    },
    /// `PATCH`
    Patch {
        /// Which resource.
        instance: Instance,
        /// How it changes.
        patch: Patch,
        /// `ifMatch`
        expected: Option<Versions>,
    },
    /// `GET` or `HEAD` of a resource, or of one of its versions.
    Read {
        /// Which resource.
        id: LogicalId,
        /// Which version; the newest if none is named.
        version: Option<VersionId>,
        /// What the client has.
        cached: Cached,
        /// Whether it is `GET`.
        wants_body: bool,
    },
    /// `GET` or `HEAD` of a type, with or without criteria.
    Search {
        /// The query, encoded; empty for all resources of the type.
        query: String,
        /// Whether it is `GET`.
        wants_body: bool,
    },
}

/// A resource by its id, or by what a search finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instance {
    /// `Type/id`
    Id(LogicalId),
    /// `Type?criteria`: the criteria, encoded, not empty.
    Criteria(String),
}

/// What `ifMatch` asks for. RFC 9110 §13.1.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Versions {
    /// `*`: that there is any.
    Any,
    /// One of these.
    Listed(Vec<VersionId>),
}

/// What the client of a read has already. RFC 9110 §13.1.2, §13.1.3.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cached {
    /// `ifNoneMatch`
    pub versions: Option<Versions>,
    /// `ifModifiedSince`
    pub since: Option<Timestamp>,
}

/// How a resource is patched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patch {
    /// RFC 6902, out of a Binary.
    Json(Json),
    /// Parameters. R4 fhirpatch.html.
    FhirPath(Json),
}

impl Versions {
    /// Whether this version is asked for.
    pub fn admit(&self, version: VersionId) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(versions) => versions.contains(&version),
        }
    }
}

impl Cached {
    /// Whether the client has what was last changed at `modified`. `ifNoneMatch` outweighs `ifModifiedSince`.
    pub fn is_fresh(&self, version: VersionId, modified: Timestamp) -> bool {
        match (&self.versions, self.since) {
            (Some(versions), _) => versions.admit(version),
            (None, Some(since)) => modified <= since,
            (None, None) => false,
        }
    }
}

impl Action {
    /// The method.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Delete { .. } => "DELETE",
            Self::Create { .. } => "POST",
            Self::Update { .. } => "PUT",
            Self::Patch { .. } => "PATCH",
            Self::Read { wants_body, .. } | Self::Search { wants_body, .. } => {
                if *wants_body {
                    "GET"
                } else {
                    "HEAD"
                }
            }
        }
    }

    /// When it is done, the lowest first. R4 http.html#trules.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Delete { .. } => 0,
            Self::Create { .. } => 1,
            Self::Update { .. } | Self::Patch { .. } => 2,
            Self::Read { .. } | Self::Search { .. } => 3,
        }
    }

    /// Whether it changes nothing.
    pub fn is_read(&self) -> bool {
        matches!(self, Self::Read { .. } | Self::Search { .. })
    }
}

/// The places of the entries in the order in which they are done.
pub fn order<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<usize> {
    let mut order: Vec<(u8, usize)> = entries.enumerate().map(|(place, entry)| (entry.action.rank(), place)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, place)| place).collect()
}

/// FHIRPath of something in the resource of an entry. `path` begins with the type of the resource, as
/// `Patient.name[0]`, or is relative to the resource, as `name[0]`, or empty.
pub fn in_resource(index: usize, path: &str) -> String {
    let below = match path.split_once('.') {
        Some((head, rest)) if head.starts_with(|letter: char| letter.is_ascii_uppercase()) => rest,
        None if path.starts_with(|letter: char| letter.is_ascii_uppercase()) => "",
        _ => path,
    };
    let dot = if below.is_empty() || below.starts_with('[') { "" } else { "." };
    format!("Bundle.entry[{index}].resource{dot}{below}")
}

/// FHIRPath of a member of an entry's `request`.
pub fn in_request(index: usize, member: &str) -> String {
    format!("Bundle.entry[{index}].request.{member}")
}

#[cfg(test)]
mod tests;
