//! What can go wrong in the store.

use crate::base::{Retry, SealError, VersionId};

/// A failure of the store. None holds patient data or SQL.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another writer got there first; `current` is what the store holds now, `None` if nothing.
    #[error("the record is at another version")]
    VersionConflict {
        /// Version in the store.
        current: Option<VersionId>,
    },
    /// A row with the same key exists.
    #[error("a record with this key exists")]
    Duplicate,
    /// The row that was to be changed is not there, or not in a state that allows it.
    #[error("the record is not there or not in the state that the change needs")]
    Gone,
    /// There are as many as there may be.
    #[error("there are as many as there may be")]
    Full,
    /// The lease of a job has passed to another worker.
    #[error("the lease is lost")]
    LeaseLost,
    /// The database cannot be reached, is locked for too long, or asks to try again.
    #[error("database unavailable: {0}")]
    Unavailable(String),
    /// A row cannot be read: it was not written by this program, or it was damaged.
    #[error("a stored {0} cannot be read")]
    Corrupt(&'static str),
    /// A sealed value does not open.
    #[error(transparent)]
    Sealed(#[from] SealError),
    /// The tenant does not exist.
    #[error("unknown tenant")]
    UnknownTenant,
    /// Anything else that the database refused.
    #[error("database refused: {0}")]
    Refused(String),
}

impl StoreError {
    /// A word for it in metrics.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::VersionConflict { .. } => "version-conflict",
            Self::Duplicate => "duplicate",
            Self::Gone => "gone",
            Self::Full => "full",
            Self::LeaseLost => "lease-lost",
            Self::Unavailable(_) => "unavailable",
            Self::Corrupt(_) => "corrupt",
            Self::Sealed(_) => "sealed",
            Self::UnknownTenant => "unknown-tenant",
            Self::Refused(_) => "refused",
        }
    }

    /// Whether the same call may succeed later.
    pub fn retry(&self) -> Retry {
        match self {
            Self::VersionConflict { .. } | Self::Unavailable(_) => Retry::Backoff,
            _ => Retry::Never,
        }
    }
}

impl From<diesel::result::Error> for StoreError {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind, Error};
        match &error {
            Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Self::Duplicate,
            Error::DatabaseError(
                DatabaseErrorKind::SerializationFailure
                | DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand,
                information,
            ) => Self::Unavailable(information.message().to_owned()),
            Error::DatabaseError(_, information) if is_passing(information.message()) => {
                Self::Unavailable(information.message().to_owned())
            }
            // The message of a refused statement names tables and constraints; values that PostgreSQL
            // adds stand in the details, which are left out.
            Error::DatabaseError(_, information) => Self::Refused(information.message().to_owned()),
            Error::NotFound => Self::Gone,
            _ => Self::Refused(error.to_string()),
        }
    }
}

/// Conditions that pass: SQLite's lock, PostgreSQL's deadlock and shutdown.
fn is_passing(message: &str) -> bool {
    ["database is locked", "deadlock detected", "terminating connection", "connection closed", "the database system is"]
        .iter()
        .any(|phrase| message.contains(phrase))
}
