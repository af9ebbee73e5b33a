//! Requests that go through to the Orthanc behind a tenant: those of the operator's list alone.

use bytes::Bytes;

use crate::access::{Actor, Operation, plain_segments};
use crate::audit::{Object, ObjectKind};
use crate::remote::orthanc::{Passed, Passing};

use super::super::super::{Error, Ops};
use super::unreachable;

/// A request for Orthanc's own interface.
#[derive(Debug, Clone)]
pub struct PassRequest<'a> {
    /// Method.
    pub method: &'a str,
    /// The path behind `/orthanc/`, as it stands in the request.
    pub path: &'a str,
    /// The query as it stands in the request.
    pub query: &'a str,
    /// What the client accepts.
    pub accept: Option<&'a str>,
    /// Body, and its type.
    pub body: Option<(Bytes, &'a str)>,
}

impl Ops {
    /// Passes a request on to the Orthanc behind the actor's tenant. Not found where there is none, and where the
    /// operator's list does not have the request.
    pub async fn pass_to_archive(&self, actor: &Actor, request: &PassRequest<'_>) -> Result<Passed, Error> {
        let segments = plain_segments(request.path);
        let operation = operation(request.method, segments.as_deref().unwrap_or_default());
        self.authorize(actor, operation).await?;
        let Some(behind) = self.behind(&actor.tenant).await? else { return Err(Error::NotFound) };
        let settings = &self.settings().studies.behind;
        let segments = segments.ok_or(Error::NotFound)?;
        if !settings.passthrough.iter().any(|pattern| pattern.fits(request.method, &segments)) {
            return Err(Error::NotFound);
        }
        let asked = format!("{} /{}?{}", request.method, segments.join("/"), request.query);
        let object = Object::new(ObjectKind::Peer, behind.name.as_str());
        let event = self.event(actor, operation).on(object).with_query(asked.as_bytes());
        self.shared.trail.note(event).await?;
        let passing = Passing {
            method: request.method,
            segments: &segments,
            query: request.query,
            accept: request.accept,
            body: request.body.clone(),
        };
        behind.peer.pass(&passing).await.map_err(|error| unreachable(&error))
    }
}

/// What a request is: questions may be posted, everything else but GET changes something.
fn operation(method: &str, segments: &[&str]) -> Operation {
    match (method, segments) {
        ("GET" | "HEAD", _) | ("POST", ["tools", "find" | "lookup"]) => Operation::OrthancRead,
        _ => Operation::OrthancWrite,
    }
}
