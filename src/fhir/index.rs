//! Search index rows: what a resource can be found by.

use crate::base::Timestamp;

/// One row of the search index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexRow {
    /// Search parameter, as `identifier`.
    pub param: &'static str,
    /// Value.
    pub value: IndexValue,
}

/// A value that a search parameter has in a resource. R4 search.html §3.1.1.4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexValue {
    /// A code, identifier or flag.
    Token {
        /// System or namespace, if it has one.
        system: Option<String>,
        /// Value.
        value: String,
    },
    /// A date or a range of dates.
    Date {
        /// Beginning.
        from: Timestamp,
        /// End, exclusive.
        until: Timestamp,
    },
    /// A reference to a resource of this server.
    Reference {
        /// Type of the target.
        resource_type: String,
        /// Logical id of the target.
        id: String,
    },
}
