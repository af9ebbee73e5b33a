//! Retrieval to a third party: C-MOVE. PS3.4 §C.4.2, PS3.7 §9.1.4. Only peers that are known may be
//! destinations.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::{Instant, MissedTickBehavior};

use crate::access::Actor;
use crate::base::{AeTitle, Uid};
use crate::dicom::dimse::{QueryModel, element};
use crate::dicom::status::StoreClass;
use crate::dimse::association::{Request, cancels};
use crate::dimse::end::End;
use crate::dimse::status::{DESTINATION_UNKNOWN, Failure};
use crate::ops::Ops;
use crate::ops::studies::HeldInstance;
use crate::remote::dimse::{DimseError, DimsePeer, Originator, Outgoing, Sender};

use super::Session;
use super::retrieve::{Progress, data_set};

/// Sends what the identifier names to the destination, and tells the requestor how it goes.
pub(super) async fn move_to(session: &mut Session, request: &Request, model: QueryModel) -> Result<u16, End> {
    if let Err(failure) = Session::check(request, element::AFFECTED_SOP_CLASS, true) {
        session.association.drain().await?;
        return session.refuse(request, &failure).await;
    }
    let wanted = session.wanted(request, model).await?;
    let instances = match wanted {
        Ok(instances) => instances,
        Err(failure) => return session.refuse(request, &failure).await,
    };
    let destination = match destination(session, request).await {
        Ok(destination) => destination,
        Err(failure) => return session.refuse(request, &failure).await,
    };
    let mut moving = Moving {
        ops: session.ops().clone(),
        actor: session.actor.clone(),
        sender: destination.sender(Some(originator(session, request)), kinds(&instances)),
        failures: 0,
    };
    let mut progress = Progress::new(instances.len());
    let mut is_cancelled = false;
    let mut reports = tokio::time::interval_at(Instant::now() + BETWEEN_REPORTS, BETWEEN_REPORTS);
    reports.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for held in &instances {
        if is_cancelled {
            break;
        }
        let class = {
            let mut sending = std::pin::pin!(moving.send(held));
            loop {
                tokio::select! {
                    class = &mut sending => break class,
                    request_or_end = session.association.next_command(), if !is_cancelled => {
                        cancels(&request_or_end?.command, request.message_id())?;
                        is_cancelled = true;
                    }
                    _ = reports.tick() => {
                        session.association.send(request.context.id, &progress.pending(request), None).await?;
                    }
                }
            }
        };
        progress.count(held, class);
    }
    moving.sender.close().await;
    let is_cancelled = is_cancelled && progress.remaining > 0;
    session.end_retrieval(request, &progress, is_cancelled).await
}

/// A retrieval to another system.
struct Moving {
    ops: Ops,
    actor: Actor,
    sender: Sender,
    /// Associations that failed one after the other.
    failures: u32,
}

impl Moving {
    async fn send(&mut self, held: &HeldInstance) -> StoreClass {
        // Who cannot be reached is not tried for every instance anew.
        if self.failures >= MAX_FAILURES {
            return StoreClass::Unanswered;
        }
        // What a device has named freely is not offered to others under that name.
        let Ok(transfer_syntax_uid) = Uid::parse(&held.transfer_syntax_uid) else { return StoreClass::NotAccepted };
        let outgoing = Outgoing {
            sop_class_uid: held.sop_class_uid.clone(),
            sop_instance_uid: held.sop_instance_uid.clone(),
            transfer_syntax_uid,
        };
        let pieces = match data_set(&self.ops, &self.actor, held).await {
            Ok(pieces) => pieces,
            Err(error) => {
                tracing::error!(%error, "an instance cannot be read");
                return StoreClass::Failed;
            }
        };
        let pieces = pieces.map(|piece| {
            piece.map_err(|error| {
                tracing::error!(%error, "an instance cannot be read to its end");
                DimseError::Encode("unreadable".to_owned())
            })
        });
        match self.sender.send(&outgoing, pieces.boxed()).await {
            Ok(outcome) => {
                self.failures = 0;
                outcome.class
            }
            Err(error @ DimseError::Encode(_)) => {
                tracing::warn!(%error, "an instance is not sent");
                StoreClass::Failed
            }
            Err(error) => {
                tracing::warn!(%error, "the destination of a retrieval fails");
                self.failures += 1;
                StoreClass::Unanswered
            }
        }
    }
}

/// The peer that the request names.
async fn destination(session: &Session, request: &Request) -> Result<DimsePeer, Failure> {
    let unknown = || Failure::new(DESTINATION_UNKNOWN, "move destination unknown");
    let title = request.command.text(element::MOVE_DESTINATION).and_then(|text| AeTitle::parse(&text).ok());
    let title = title.ok_or_else(unknown)?;
    let found = session.ops().move_destination(&session.actor, &title).await;
    let mut settings = found.map_err(|error| Failure::from(&error))?.ok_or_else(unknown)?;
    settings.calling_ae_title.get_or_insert_with(|| session.called.clone());
    DimsePeer::new(&settings).await.map_err(|error| {
        tracing::error!(%error, "a peer cannot be used");
        unknown()
    })
}

fn originator(session: &Session, request: &Request) -> Originator {
    Originator { ae_title: session.calling.clone(), message_id: request.message_id() }
}

/// The kinds of instances, each once.
fn kinds(instances: &[HeldInstance]) -> Vec<(Uid, Uid)> {
    let mut kinds = Vec::new();
    for held in instances {
        if let Ok(syntax) = Uid::parse(&held.transfer_syntax_uid) {
            let kind = (held.sop_class_uid.clone(), syntax);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
    }
    kinds
}

/// How often the requestor is told how far it is.
pub(super) const BETWEEN_REPORTS: Duration = Duration::from_secs(2);
/// Associations that may fail one after the other before the rest is given up.
const MAX_FAILURES: u32 = 2;
