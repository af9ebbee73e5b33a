//! What can go wrong with an association as a whole. What a peer answers for a single instance is a
//! `StoreOutcome`, not an error.

use std::time::Duration;

use crate::base::{Problems, Retry};
use crate::dicom::dimse::{AbortReason, PduError, Rejection};
use crate::remote::tls::TlsError;

/// Why a peer could not be talked to.
#[derive(Debug, thiserror::Error)]
pub enum DimseError {
    /// The settings of the peer are not usable.
    #[error("peer settings are not usable: {0}")]
    Settings(Problems),
    /// Certificates or keys are not usable.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The peer's host name has no address.
    #[error("cannot connect: no address for this host")]
    NoAddress,
    /// Nothing listens there, or it cannot be reached.
    #[error("cannot connect: {0}")]
    Connect(std::io::ErrorKind),
    /// TLS failed: one side does not trust the other, or the peer does not speak it. With TLS 1.3 a peer
    /// that wants another certificate of ours says so after the handshake.
    #[error("TLS failed: {0}")]
    Handshake(String),
    /// The peer did not answer or take data in time.
    #[error("no {what} within {} s", limit.as_secs())]
    Timeout {
        /// What was waited for.
        what: &'static str,
        /// How long.
        limit: Duration,
    },
    /// The peer rejected the association.
    #[error("association rejected: {0}")]
    Rejected(Rejection),
    /// The peer aborted the association.
    #[error("association aborted by the peer ({0})")]
    Aborted(AbortReason),
    /// The connection ended in the middle.
    #[error("connection lost: {0}")]
    Lost(std::io::ErrorKind),
    /// The peer broke the protocol; the association was aborted.
    #[error("peer sent {0}")]
    Protocol(&'static str),
    /// The peer accepted the association but not the Verification SOP Class.
    #[error("verification is not accepted")]
    NoVerification,
    /// The peer accepted the association but not this service.
    #[error("{0} is not accepted")]
    NotAccepted(&'static str),
    /// What is to be sent cannot be encoded.
    #[error("the identifier cannot be encoded: {0}")]
    Encode(String),
    /// The peer answered a request with a failure.
    #[error("answered with status {status:04X}H{}", comment.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    Failed {
        /// The status.
        status: u16,
        /// The peer's Error Comment.
        comment: Option<String>,
    },
    /// The peer answered an echo with a failure.
    #[error("echo answered with status {0:04X}H")]
    EchoFailed(u16),
}

impl DimseError {
    /// Whether the same attempt may succeed later. A connection that broke says nothing about the
    /// instance that was on its way, so it is tried again (spec: ambiguous outcomes are repeated).
    pub fn retry(&self) -> Retry {
        match self {
            Self::Settings(_) | Self::NoVerification | Self::NotAccepted(_) | Self::Encode(_) => Retry::Never,
            Self::Failed { status, .. } => match crate::dicom::status::StoreStatus(*status).class().retry() {
                Some(retry) => retry,
                None => Retry::Never,
            },
            Self::Tls(error) => error.retry(),
            Self::Rejected(rejection) if !rejection.is_transient() => Retry::Never,
            Self::NoAddress
            | Self::Connect(_)
            | Self::Handshake(_)
            | Self::Timeout { .. }
            | Self::Rejected(_)
            | Self::Aborted(_)
            | Self::Lost(_)
            | Self::Protocol(_)
            | Self::EchoFailed(_) => Retry::Backoff,
        }
    }
}

impl DimseError {
    /// An error of an established connection.
    pub(super) fn lost(error: &std::io::Error) -> Self {
        match tls_failure(error) {
            Some(detail) => Self::Handshake(detail),
            None => Self::Lost(error.kind()),
        }
    }

    /// An error of a TLS handshake.
    pub(super) fn handshake(error: &std::io::Error) -> Self {
        Self::Handshake(tls_failure(error).unwrap_or_else(|| error.kind().to_string()))
    }
}

/// The words of rustls, where it was rustls that failed.
fn tls_failure(error: &std::io::Error) -> Option<String> {
    error.get_ref()?.downcast_ref::<rustls::Error>().map(ToString::to_string)
}

impl From<PduError> for DimseError {
    fn from(error: PduError) -> Self {
        Self::Protocol(error.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permanent_rejection_is_not_tried_again() {
        let rejected = |result| DimseError::Rejected(Rejection { result, source: 1, reason: 7 }).retry();
        assert_eq!(rejected(1), Retry::Never);
        assert_eq!(rejected(2), Retry::Backoff);
        assert_eq!(DimseError::Lost(std::io::ErrorKind::BrokenPipe).retry(), Retry::Backoff);
    }
}
