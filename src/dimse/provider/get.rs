//! Retrieval on the same association: C-GET. PS3.4 §C.4.3, PS3.7 §9.1.3.

use std::time::Instant;

use futures_util::StreamExt as _;

use crate::dicom::dimse::{Command, Context, QueryModel, Recoder, can_recode, element, field};
use crate::dicom::status::{StoreClass, StoreStatus};
use crate::dimse::association::{Request, cancels};
use crate::dimse::end::End;
use crate::ops::studies::HeldInstance;

use super::Session;
use super::retrieve::{Progress, data_set};

/// Sends what the identifier names, instance by instance.
pub(super) async fn get(session: &mut Session, request: &Request, model: QueryModel) -> Result<u16, End> {
    if let Err(failure) = Session::check(request, element::AFFECTED_SOP_CLASS, true) {
        session.association.drain().await?;
        return session.refuse(request, &failure).await;
    }
    let instances = match session.wanted(request, model).await? {
        Ok(instances) => instances,
        Err(failure) => return session.refuse(request, &failure).await,
    };
    let mut progress = Progress::new(instances.len());
    let mut told = Instant::now();
    for held in &instances {
        if session.association.is_cancelled(request.message_id())? {
            return session.end_retrieval(request, &progress, true).await;
        }
        let (class, is_cancelled) = send(session, request, held).await?;
        progress.count(held, class);
        if is_cancelled {
            return session.end_retrieval(request, &progress, true).await;
        }
        if told.elapsed() >= super::move_::BETWEEN_REPORTS && progress.remaining > 0 {
            told = Instant::now();
            session.association.send(request.context.id, &progress.pending(request), None).await?;
        }
    }
    session.end_retrieval(request, &progress, false).await
}

/// Sends one instance; the flag says whether the retrieval was cancelled meanwhile.
async fn send(session: &mut Session, request: &Request, held: &HeldInstance) -> Result<(StoreClass, bool), End> {
    let Some(context) = context(session.association.contexts(), held) else {
        return Ok((StoreClass::NotAccepted, false));
    };
    let recoder = Recoder::new(&held.transfer_syntax_uid, &context.transfer_syntax_uid)
        .filter(|_| held.transfer_syntax_uid != context.transfer_syntax_uid);
    // Once it has begun, a data set cannot be taken back: whether it can be converted is found out before.
    if let Some(trial) = Recoder::new(&held.transfer_syntax_uid, &context.transfer_syntax_uid)
        && recoder.is_some()
        && !converts(session, held, trial).await
    {
        return Ok((StoreClass::NotAccepted, false));
    }
    let mut pieces = match data_set(session.ops(), &session.actor, held).await {
        Ok(pieces) => pieces,
        Err(error) => {
            tracing::error!(%error, "an instance cannot be read");
            return Ok((StoreClass::Failed, false));
        }
    };
    let (message_id, mut recoder) = (session.association.message_id(), recoder);
    let command = Command::store_request(message_id, &held.sop_class_uid, &held.sop_instance_uid);
    let mut units = Vec::new();
    session.association.append(&mut units, context.id, &command, None);
    let mut fragmenter = session.association.fragmenter(context.id);
    let mut converted = Vec::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| {
            tracing::error!(%error, "an instance cannot be read to its end");
            End::Fault
        })?;
        match &mut recoder {
            None => fragmenter.push(&piece, &mut units),
            Some(recoder) => {
                converted.clear();
                recoder.push(&piece, &mut converted).map_err(|_damaged| End::Fault)?;
                fragmenter.push(&converted, &mut units);
            }
        }
        if units.len() >= WRITE_BYTES {
            session.association.write(&units).await?;
            units.clear();
        }
    }
    if let Some(recoder) = recoder {
        converted.clear();
        recoder.finish(&mut converted).map_err(|_damaged| End::Fault)?;
        fragmenter.push(&converted, &mut units);
    }
    fragmenter.finish(&mut units);
    session.association.write(&units).await?;
    answer(session, request, message_id).await
}

/// Waits for the answer to an instance; a C-CANCEL may come before it.
async fn answer(session: &mut Session, request: &Request, message_id: u16) -> Result<(StoreClass, bool), End> {
    let mut is_cancelled = false;
    loop {
        let answer = session.association.response().await?;
        let is_answer = answer.command.field() == Some(field::C_STORE_RSP)
            && answer.command.u16(element::RESPONDED_MESSAGE_ID) == Some(message_id);
        if is_answer {
            session.association.drain().await?;
            let status = answer.command.u16(element::STATUS).map(StoreStatus);
            return Ok((status.map_or(StoreClass::Unanswered, StoreStatus::class), is_cancelled));
        }
        cancels(&answer.command, request.message_id())?;
        is_cancelled = true;
    }
}

/// The context that an instance goes out on: one with its own transfer syntax, else one that it can be
/// converted for.
fn context(contexts: &[Context], held: &HeldInstance) -> Option<Context> {
    let mut fitting = contexts
        .iter()
        .filter(|context| context.requestor_is_scp && context.sop_class_uid == held.sop_class_uid.as_str());
    let as_it_is = fitting.clone().find(|context| context.transfer_syntax_uid == held.transfer_syntax_uid);
    let found = as_it_is
        .or_else(|| fitting.find(|context| can_recode(&held.transfer_syntax_uid, &context.transfer_syntax_uid)));
    found.cloned()
}

/// Whether the whole data set can be converted.
async fn converts(session: &Session, held: &HeldInstance, mut trial: Recoder) -> bool {
    let Ok(mut pieces) = data_set(session.ops(), &session.actor, held).await else { return false };
    let mut forgotten = Vec::new();
    while let Some(piece) = pieces.next().await {
        forgotten.clear();
        let Ok(piece) = piece else { return false };
        if trial.push(&piece, &mut forgotten).is_err() {
            return false;
        }
    }
    trial.finish(&mut forgotten).is_ok()
}

/// What is gathered before it is written.
const WRITE_BYTES: usize = 128 << 10;
