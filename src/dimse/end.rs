//! How an association ends.

use std::io::ErrorKind;

use crate::dicom::dimse::{AbortReason, PduError};

/// Why no more comes on an association.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum End {
    /// The requestor asks for its release.
    #[error("released")]
    Release,
    /// The requestor has aborted it.
    #[error("aborted by the requestor ({0})")]
    Aborted(AbortReason),
    /// The connection is gone.
    #[error("connection lost: {0}")]
    Lost(ErrorKind),
    /// The requestor sends or takes nothing.
    #[error("no {0} in time")]
    Timeout(&'static str),
    /// The requestor has broken the protocol.
    #[error("requestor sent {0}")]
    Protocol(#[from] PduError),
    /// The gateway cannot go on with what it has begun to send.
    #[error("a fault of the gateway")]
    Fault,
    /// The gateway stops.
    #[error("the gateway stops")]
    Stopping,
}

impl End {
    /// An error of the connection.
    pub(super) fn lost(error: &std::io::Error) -> Self {
        Self::Lost(error.kind())
    }

    /// What the requestor is told with an A-ABORT, if it is still there to hear it.
    pub(super) fn abort(self) -> Option<AbortReason> {
        match self {
            Self::Release | Self::Aborted(_) | Self::Lost(_) => None,
            Self::Timeout(_) | Self::Fault | Self::Stopping => Some(AbortReason::UNSPECIFIED),
            Self::Protocol(error) => Some(error.abort),
        }
    }

    /// The word for it in metrics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Release => "released",
            Self::Aborted(_) => "aborted",
            Self::Lost(_) => "lost",
            Self::Timeout(_) => "timeout",
            Self::Protocol(_) => "protocol",
            Self::Fault => "fault",
            Self::Stopping => "stopped",
        }
    }
}
