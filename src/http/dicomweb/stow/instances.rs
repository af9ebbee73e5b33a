//! Instances that come as Part 10 files: each streams to where it is spooled while it arrives.

use crate::access::Actor;
use crate::base::Uid;
use crate::dicom::status::StoreStatus;
use crate::http::HttpError;
use crate::ops::studies::{Framing, Incoming, Source};
use crate::ops::{self, Ops};

use super::super::media::DICOM;
use super::super::multipart::{Event, PartHead};
use super::body::{Body, Broken, Outcome, PartReader};
use super::window::Window;

/// Who stores, and where.
pub(super) struct Taking {
    pub(super) ops: Ops,
    pub(super) actor: Actor,
    /// The study that the path names.
    pub(super) within: Option<Uid>,
}

impl Taking {
    /// Begins to take an instance in.
    pub(super) async fn receive(&self, framing: Framing) -> Result<Incoming, ops::Error> {
        self.ops.receive_instance(&self.actor, &Source::default(), framing, self.within.as_ref()).await
    }

    /// A body that is one file.
    pub(super) async fn one(&self, mut body: Body) -> Result<Vec<Outcome>, HttpError> {
        let mut incoming = self.receive(Framing::Part10).await?;
        while let Some(bytes) = body.next().await? {
            incoming.write(bytes).await?;
        }
        Ok(vec![Outcome::Answered(incoming.finish().await?)])
    }

    /// A body of parts, each of which is a file. Where the framing breaks, the parts before stay.
    pub(super) async fn parts(&self, mut parts: PartReader) -> Result<Vec<Outcome>, HttpError> {
        let mut window = Window::new();
        loop {
            match parts.next().await {
                Ok(Some(Event::Begin(head))) => {
                    let taken = if is_file(&head) {
                        self.receive(Framing::Part10).await.map_err(Outcome::Stopped)
                    } else {
                        Err(Outcome::Unreadable(StoreStatus::CANNOT_UNDERSTAND))
                    };
                    match content(&mut parts, taken).await {
                        Ok(Ok(incoming)) => window.finish(incoming).await,
                        Ok(Err(outcome)) => window.note(outcome),
                        Err(Broken::Request(error)) => return Err(error),
                        Err(Broken::Framing) => {
                            window.note(Outcome::Unreadable(StoreStatus::CANNOT_UNDERSTAND));
                            break;
                        }
                    }
                }
                Ok(Some(Event::Content(_) | Event::End)) => return Err(HttpError::Fault),
                Ok(None) => break,
                Err(Broken::Request(error)) => return Err(error),
                Err(Broken::Framing) => {
                    window.note(Outcome::Unreadable(StoreStatus::CANNOT_UNDERSTAND));
                    break;
                }
            }
        }
        Ok(window.outcomes().await)
    }
}

/// Reads the content of a part to its end, also where nobody takes it.
async fn content(
    parts: &mut PartReader,
    mut taken: Result<Incoming, Outcome>,
) -> Result<Result<Incoming, Outcome>, Broken> {
    loop {
        match parts.next().await? {
            Some(Event::Content(bytes)) => {
                if let Ok(incoming) = &mut taken
                    && let Err(error) = incoming.write(bytes).await
                {
                    taken = Err(Outcome::Stopped(error));
                }
            }
            Some(Event::End) => return Ok(taken),
            Some(Event::Begin(_)) | None => return Err(Broken::Framing),
        }
    }
}

/// Whether a part is a file; one that does not say is what the request says.
fn is_file(head: &PartHead) -> bool {
    match &head.content_type {
        Some(media) => media.essence() == DICOM,
        None => !head.has_content_type,
    }
}
