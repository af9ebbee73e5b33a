//! Studies, series and instances as DICOM files. PS3.18 §10.4.1.1.1.
//!
//! What is sent as it is stored goes from the blob to the socket piece by piece; nothing looks at it.

use std::io;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use crate::access::Actor;
use crate::http::{Caller, Disposition, Download, EntityTag, HttpError, is_not_modified};
use crate::ops::Ops;
use crate::ops::studies::HeldInstance;

use super::super::accept::{Accept, WantedInstances};
use super::super::media::{DICOM, Syntaxes};
use super::super::multipart::Boundary;
use super::super::place::{self, Named};
use super::form::{InstanceForm, is_of_web, of_instance};
use super::{insert, locate, recode, streamed};

/// `GET /studies/{study}`, `.../series/{series}`, `.../instances/{instance}`
pub(in crate::http::dicomweb) async fn retrieve(
    ops: web::Data<Ops>,
    caller: Caller,
    named: Named,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let wanted = Accept::of(&request).instances(named.0.instance.is_some())?;
    let held = ops.held_instances(&caller.actor, &named.0).await?;
    if let (true, [one]) = (named.0.instance.is_some(), held.as_slice()) {
        let sent = Sent::of(one, &wanted).ok_or(HttpError::NotAcceptable)?;
        if sent.is_single {
            return send(&ops, &caller.actor, &request, sent).await;
        }
        let tag =
            EntityTag { is_weak: true, tag: format!("{}.{}", one.blob.digest.to_hex(), sent.transfer_syntax_uid) };
        if is_not_modified(&request, &tag, None) {
            let mut response = HttpResponse::new(StatusCode::NOT_MODIFIED);
            insert(&mut response, header::ETAG, &tag.to_string());
            return Ok(response);
        }
        let mut response = send_all(&ops, &caller.actor, &request, vec![sent], StatusCode::OK).await?;
        insert(&mut response, header::ETAG, &tag.to_string());
        return Ok(response);
    }
    let sent: Vec<Sent> = held.iter().filter_map(|held| Sent::of(held, &wanted)).collect();
    let status = if sent.len() == held.len() { StatusCode::OK } else { StatusCode::PARTIAL_CONTENT };
    send_all(&ops, &caller.actor, &request, sent, status).await
}

/// An instance that is sent.
#[derive(Debug, Clone)]
pub(in crate::http::dicomweb) struct Sent {
    held: HeldInstance,
    /// What it is sent in.
    transfer_syntax_uid: String,
    is_stored: bool,
    is_single: bool,
    /// Whether it may go as it is stored, where it cannot be recoded.
    may_be_stored: bool,
}

/// A file that is about to be sent.
struct Begun {
    transfer_syntax_uid: String,
    /// Its length, where it is known before all of it is there.
    length: Option<u64>,
    body: BoxStream<'static, io::Result<Bytes>>,
}

impl Begun {
    fn content_type(&self) -> String {
        format!("{DICOM}; transfer-syntax={}", self.transfer_syntax_uid)
    }
}

impl Sent {
    /// In a form that is wanted; `None` if there is none.
    pub(in crate::http::dicomweb) fn of(held: &HeldInstance, wanted: &[WantedInstances]) -> Option<Self> {
        let (form, wanted) = of_instance(&held.transfer_syntax_uid, wanted)?;
        let (transfer_syntax_uid, is_stored) = match form {
            InstanceForm::Stored => (held.transfer_syntax_uid.clone(), true),
            InstanceForm::Recoded(uid) => (uid.to_owned(), false),
        };
        let may_be_stored = wanted.syntaxes == Syntaxes::Default && is_of_web(&held.transfer_syntax_uid);
        let is_single = wanted.is_single;
        Some(Self { held: held.clone(), transfer_syntax_uid, is_stored, is_single, may_be_stored })
    }

    fn location(&self, base: &str) -> String {
        let held = &self.held;
        place::of_instance(base, &held.study_instance_uid, &held.series_instance_uid, &held.sop_instance_uid)
    }

    async fn open(&self, ops: &Ops, actor: &Actor) -> Result<Begun, HttpError> {
        if !self.is_stored {
            match recode::file(ops, actor, &self.held, &self.transfer_syntax_uid).await {
                Ok(body) => {
                    let transfer_syntax_uid = self.transfer_syntax_uid.clone();
                    return Ok(Begun { transfer_syntax_uid, length: None, body });
                }
                Err(HttpError::NotAcceptable) if self.may_be_stored => {}
                Err(error) => return Err(error),
            }
        }
        // As a range: each chunk is authentic, and all of them are asked for; the digest would be computed once more.
        let blob = ops.open_instance(actor, &self.held, Some(0..self.held.blob.size)).await?;
        let body = blob.body.map_err(io::Error::other).boxed();
        Ok(Begun { transfer_syntax_uid: self.held.transfer_syntax_uid.clone(), length: Some(blob.size), body })
    }
}

/// One instance as a body of its own.
pub(in crate::http::dicomweb) async fn send(
    ops: &Ops,
    actor: &Actor,
    request: &HttpRequest,
    sent: Sent,
) -> Result<HttpResponse, HttpError> {
    let location = sent.location(&place::base(ops, &actor.tenant));
    let mut response = if sent.is_stored {
        let download = Download {
            content_type: format!("{DICOM}; transfer-syntax={}", sent.transfer_syntax_uid),
            total: sent.held.blob.size,
            tag: EntityTag::strong(sent.held.blob.digest.to_hex()),
            modified: Some(sent.held.received_at),
            name: format!("{}.dcm", sent.held.sop_instance_uid),
            disposition: Disposition::Attachment,
        };
        let open = |range| async move {
            let blob = ops.open_instance(actor, &sent.held, Some(range)).await?;
            Ok(blob.body.map_err(io::Error::other))
        };
        download.respond(request, open).await?
    } else {
        let begun = sent.open(ops, actor).await?;
        streamed(request, StatusCode::OK, &begun.content_type(), begun.body)
    };
    locate(&mut response, &location);
    Ok(response)
}

/// Instances as parts of one body. Where the first one fails, there is no answer but that; a failure behind it breaks
/// the connection off: a body that ends as it should is whole.
async fn send_all(
    ops: &Ops,
    actor: &Actor,
    request: &HttpRequest,
    sent: Vec<Sent>,
    status: StatusCode,
) -> Result<HttpResponse, HttpError> {
    let boundary = Boundary::random();
    let content_type = boundary.content_type(DICOM);
    let base = place::base(ops, &actor.tenant);
    let end = boundary.end();
    let mut sent = sent.into_iter();
    let first = sent.next().ok_or(HttpError::NotAcceptable)?;
    let begun = first.open(ops, actor).await?;
    let head = boundary.before_part(true, &begun.content_type(), Some(&first.location(&base)), begun.length);
    let (ops, actor) = (ops.clone(), actor.clone());
    let rest = stream::iter(sent).map(move |sent| {
        let (ops, actor, boundary, location) = (ops.clone(), actor.clone(), boundary.clone(), sent.location(&base));
        async move {
            let begun = sent.open(&ops, &actor).await.map_err(|error| {
                tracing::warn!(%error, "an instance cannot be sent");
                io::Error::other(error)
            })?;
            let head = boundary.before_part(false, &begun.content_type(), Some(&location), begun.length);
            Ok::<_, io::Error>(stream::iter([Ok(head)]).chain(begun.body))
        }
    });
    let rest = rest.buffered(READ_AHEAD).try_flatten();
    let body = stream::iter([Ok(head)]).chain(begun.body).chain(rest).chain(stream::iter([Ok(end)]));
    Ok(streamed(request, status, &content_type, body))
}

/// Instances that are opened before it is their turn.
const READ_AHEAD: usize = 2;
