//! The body of a store request, piece by piece.

use actix_web::web::{self, Bytes};
use futures_util::StreamExt as _;

use crate::base::ProblemCode;
use crate::dicom::status::StoreStatus;
use crate::http::HttpError;
use crate::ops;
use crate::ops::studies::Received;

use super::super::multipart::{Event, MultipartError, Splitter};

/// What became of one part.
pub(super) enum Outcome {
    /// What the archive says of it.
    Answered(Received),
    /// It is no instance: nothing of it is known but why.
    Unreadable(StoreStatus),
    /// The archive could not take it in.
    Stopped(ops::Error),
}

/// A body of limited length.
pub(super) struct Body {
    payload: web::Payload,
    left: u64,
}

/// The parts of a body.
pub(super) struct PartReader {
    body: Body,
    splitter: Splitter,
    is_ended: bool,
}

/// Why there is no next piece.
pub(super) enum Broken {
    /// The request fails.
    Request(HttpError),
    /// What came is no multipart body from here on.
    Framing,
}

impl Body {
    /// Of at most `limit` bytes.
    pub(super) fn new(payload: web::Payload, limit: u64) -> Self {
        Self { payload, left: limit }
    }

    /// The next bytes.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, HttpError> {
        let Some(bytes) = self.payload.next().await else { return Ok(None) };
        let bytes = bytes.map_err(|error| HttpError::of_payload(&error))?;
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or(HttpError::TooLarge)?;
        Ok(Some(bytes))
    }
}

impl PartReader {
    /// The parts that `splitter` finds.
    pub(super) fn new(body: Body, splitter: Splitter) -> Self {
        Self { body, splitter, is_ended: false }
    }

    /// What comes next; `None` behind the last part.
    pub(super) async fn next(&mut self) -> Result<Option<Event>, Broken> {
        loop {
            if let Some(event) = self.splitter.next().map_err(broken)? {
                return Ok(Some(event));
            }
            if self.is_ended {
                return Ok(None);
            }
            match self.body.next().await.map_err(Broken::Request)? {
                Some(bytes) => self.splitter.push(bytes),
                None => {
                    self.is_ended = true;
                    self.splitter.finish().map_err(broken)?;
                }
            }
        }
    }
}

fn broken(error: MultipartError) -> Broken {
    if error.is_limit() { Broken::Request(HttpError::TooLarge) } else { Broken::Framing }
}

/// A body that is no multipart body at all.
pub(super) fn malformed(error: MultipartError) -> HttpError {
    HttpError::invalid("Content-Type", ProblemCode::Structure, error.to_string())
}
