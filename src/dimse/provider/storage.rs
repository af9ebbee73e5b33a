//! Storage: C-STORE. PS3.4 §B, PS3.7 §9.1.1. The data set goes on as it comes; the answer waits until it is
//! on disk and in the index.

use crate::base::Uid;
use crate::dicom::dimse::element;
use crate::dimse::association::Request;
use crate::dimse::end::End;
use crate::dimse::status::{CANNOT_UNDERSTAND, Failure, MISMATCH, OUT_OF_RESOURCES};
use crate::ops::Error;
use crate::ops::studies::{Framing, Incoming, Received, Source};

use super::Session;

/// Takes an instance in.
pub(super) async fn store(session: &mut Session, request: &Request) -> Result<u16, End> {
    let incoming = match begin(session, request).await {
        Ok(incoming) => incoming,
        Err(failure) => {
            session.association.drain().await?;
            return session.refuse(request, &failure).await;
        }
    };
    match take(session, incoming).await? {
        Ok(received) => {
            if let Some(study) = &received.study_instance_uid {
                tracing::Span::current().record("dicom.study_uid", study.as_str());
            }
            let response = request.command.response(received.status.0);
            let response = match received.comment {
                Some(comment) => response.with_comment(comment),
                None => response,
            };
            session.association.send(request.context.id, &response, None).await?;
            Ok(received.status.0)
        }
        Err(error) => session.refuse(request, &failure(&error)).await,
    }
}

/// What can be said before the data set has come.
async fn begin(session: &Session, request: &Request) -> Result<Incoming, Failure> {
    if !request.context.requestor_is_scu {
        return Err(Failure::new(MISMATCH, "this context is for instances that we send"));
    }
    Session::check(request, element::AFFECTED_SOP_CLASS, true).map_err(|failure| Failure {
        status: if failure.status == 0x0122 { MISMATCH } else { failure.status },
        ..failure
    })?;
    if session.association.received_bytes() > session.shared.settings.association_bytes {
        return Err(Failure::new(OUT_OF_RESOURCES, "this association has brought enough"));
    }
    let uid = |number| {
        let uid = request.command.text(number).and_then(|text| Uid::parse_lenient(&text).ok());
        uid.ok_or(Failure::new(CANNOT_UNDERSTAND | 1, "UID of the command is illegal"))
    };
    let source =
        Source { calling_ae_title: Some(session.calling.clone()), called_ae_title: Some(session.called.clone()) };
    let framing = Framing::DataSet {
        transfer_syntax_uid: request.context.transfer_syntax_uid.clone(),
        sop_class_uid: uid(element::AFFECTED_SOP_CLASS)?,
        sop_instance_uid: uid(element::AFFECTED_SOP_INSTANCE)?,
    };
    if let Some(originator) = request.originator() {
        tracing::debug!(dicom.originator = originator.as_str(), "instance comes of a C-MOVE");
    }
    let incoming = session.ops().receive_instance(&session.actor, &source, framing, None).await;
    incoming.map_err(|error| failure(&error))
}

/// Hands the data set on. After an error the rest is read and forgotten, so that the answer can be heard;
/// when the association ends here, what came is forgotten with it.
async fn take(session: &mut Session, incoming: Incoming) -> Result<Result<Received, Error>, End> {
    let mut incoming = incoming;
    while let Some(piece) = session.association.piece().await? {
        if let Err(error) = incoming.write(piece).await {
            drop(incoming);
            session.association.drain().await?;
            return Ok(Err(error));
        }
    }
    Ok(incoming.finish().await)
}

fn failure(error: &Error) -> Failure {
    if matches!(error, Error::Fault(_) | Error::Busy(_)) {
        tracing::error!(%error, "an instance cannot be stored");
    }
    Failure::from(error)
}
