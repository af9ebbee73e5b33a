//! What can come of a use case instead of success. Edges turn it into their own form, each with one
//! total match.

use crate::access::Denial;
use crate::base::{ProblemCode, Problems, SealError, Secret, VersionId};
use crate::blob::BlobError;
use crate::store::StoreError;

/// Why a use case did not succeed. No variant holds patient data.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing, or the actor may not know that there is.
    #[error("not found")]
    NotFound,
    /// What the request names is not there; said without doubt, because it is no secret.
    #[error("{0}")]
    Absent(Problems),
    /// There was such a thing.
    #[error("gone")]
    Gone,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// The actor did not show who they are.
    #[error("not authenticated")]
    Unauthenticated,
    /// Somebody else changed it first.
    #[error("the record is at another version")]
    VersionMismatch {
        /// The version that it is at now.
        current: Option<VersionId>,
    },
    /// The change must say which version it is meant for.
    #[error("the change must name the version that it is meant for")]
    VersionRequired,
    /// The input is wrong.
    #[error("{0}")]
    Invalid(Problems),
    /// The input is well-formed, but a rule forbids it.
    #[error("{0}")]
    Rule(Problems),
    /// Resources of this type are not written over this interface.
    #[error("this is read-only")]
    ReadOnly,
    /// It does not go with the state that things are in.
    #[error("{0}")]
    Conflict(&'static str),
    /// Criteria that have to mean one thing match several.
    #[error("the criteria match more than one resource")]
    ManyMatches,
    /// It asks for more than the limit, which is this.
    #[error("too much at once: {0}")]
    TooCostly(String),
    /// One entry of a Bundle cannot be done, and so nothing of it.
    #[error("{path}: {error}")]
    At {
        /// FHIRPath of what is wrong in the Bundle.
        path: String,
        /// What is wrong with it.
        error: Box<Self>,
    },
    /// A conditional reference does not mean one resource.
    #[error("{path}: the reference does not mean one resource")]
    Unresolved {
        /// FHIRPath of the reference in the Bundle.
        path: String,
        /// The reference; a search may name a patient.
        reference: Secret,
        /// Whether it means several rather than none.
        is_many: bool,
    },
    /// What it asks for is being made ready; it makes sense to try again.
    #[error("{0}")]
    NotReady(Problems),
    /// The server cannot do it now; it makes sense to try again.
    #[error("busy: {0}")]
    Busy(String),
    /// Something that should not happen.
    #[error("{0}")]
    Fault(String),
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::VersionConflict { current } => Self::VersionMismatch { current },
            StoreError::Unavailable(detail) => Self::Busy(detail),
            StoreError::UnknownTenant => Self::NotFound,
            StoreError::Full => {
                Self::Rule(Problems::one("", ProblemCode::TooCostly, "there are as many as there may be"))
            }
            other => Self::Fault(other.to_string()),
        }
    }
}

impl From<BlobError> for Error {
    fn from(error: BlobError) -> Self {
        match error.retry() {
            crate::base::Retry::Never => Self::Fault(error.to_string()),
            _ => Self::Busy(error.to_string()),
        }
    }
}

impl From<SealError> for Error {
    fn from(error: SealError) -> Self {
        Self::Fault(error.to_string())
    }
}

impl From<Error> for crate::jobs::JobError {
    fn from(error: Error) -> Self {
        match &error {
            Error::Busy(_) | Error::NotReady(_) | Error::VersionMismatch { .. } => Self::passing(error.to_string()),
            _ => Self::lasting(error.to_string()),
        }
    }
}
