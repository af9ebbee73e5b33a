//! One connection from its first byte to its last: the request is checked and answered (PS3.8 §9.2), the
//! services are provided, and the end is told to the other side.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::access::{Actor, Principal, RequestId, Role};
use crate::base::{AeTitle, LogicalId, TenantId};
use crate::dicom::dimse::{
    APPLICATION_CONTEXT, AbortReason, AssociateRequest, Offered, Pdu, PduError, Rejection, max_fragment_bytes,
    negotiate,
};
use crate::ops::Ops;
use crate::telemetry::{metric, span};

use super::DimseSettings;
use super::association::{Accepted, Association, Timeouts};
use super::callers::Admitted;
use super::end::End;
use super::limits::{Limits, Place};
use super::provider::Session;
use super::wire::{Stream, Wire};

/// What all associations share.
pub(super) struct Shared {
    pub(super) settings: DimseSettings,
    pub(super) ops: Ops,
    pub(super) limits: Limits,
    pub(super) stopping: CancellationToken,
}

/// Serves a connection to its end.
pub(super) async fn serve(shared: Arc<Shared>, stream: Stream, from: SocketAddr) {
    let settings = &shared.settings;
    let mut wire = Wire::new(stream, settings.max_pdu_bytes, settings.send);
    let first = tokio::select! {
        first = tokio::time::timeout(settings.artim, wire.read()) => first,
        () = shared.stopping.cancelled() => return,
    };
    let request = match first {
        Ok(Ok(Pdu::AssociateRequest(request))) => *request,
        // Nobody is there who could be told anything.
        Err(_) | Ok(Err(End::Lost(_)) | Ok(Pdu::Abort(_))) => return,
        Ok(Ok(_)) => return end(wire, PduError::unexpected("another unit first").into(), &shared).await,
        Ok(Err(error)) => return end(wire, error, &shared).await,
    };
    let request_id = random_request_id();
    match admit(&shared, &request, from).await {
        Ok((admitted, place)) => {
            let span = span::dimse_association(admitted.calling.as_str(), admitted.called.as_str());
            span.record("tenant", admitted.tenant.as_str());
            let serving = Box::pin(associate(&shared, wire, &request, admitted, from, request_id));
            serving.instrument(span).await;
            drop(place);
        }
        Err(rejection) => {
            refused(&shared, &request, rejection, from, request_id).await;
            metrics::counter!(metric::DIMSE_ASSOCIATIONS, "end" => "rejected").increment(1);
            if wire.write(&rejection.to_bytes()).await.is_ok() {
                wire.close(settings.artim).await;
            }
        }
    }
}

/// Lets the requestor in, or says why not.
async fn admit(shared: &Shared, request: &AssociateRequest, from: SocketAddr) -> Result<(Admitted, Place), Rejection> {
    if request.protocol_version & 1 == 0 {
        return Err(Rejection::PROTOCOL_VERSION);
    }
    if request.application_context != APPLICATION_CONTEXT {
        return Err(Rejection::APPLICATION_CONTEXT);
    }
    let admitted = shared.settings.callers.admit(request.calling, request.called, from).await?;
    let place = shared.limits.enter(&admitted.calling).ok_or(Rejection::LOCAL_LIMIT)?;
    if !shared.ops.store().knows_tenant(&admitted.tenant) {
        return Err(Rejection::CALLED_AE_TITLE);
    }
    Ok((admitted, place))
}

/// Leaves a refusal in log and audit log. Overload is no one's fault, and would fill the audit log.
async fn refused(
    shared: &Shared,
    request: &AssociateRequest,
    rejection: Rejection,
    from: SocketAddr,
    request_id: RequestId,
) {
    let calling = request.calling.title();
    let calling = calling.as_ref().map_or("", AeTitle::as_str);
    tracing::info!(dicom.calling_ae = calling, reason = %rejection, "association rejected");
    if rejection.is_transient() {
        return;
    }
    let tenant = request.called.title().and_then(|called| {
        shared.settings.callers.titles.iter().find(|(title, _)| *title == called).map(|(_, tenant)| tenant.clone())
    });
    let tenant = tenant.unwrap_or_else(TenantId::default_tenant);
    let noted =
        shared.ops.note_refused_association(&tenant, request_id, from.ip(), calling, &rejection.to_string()).await;
    if let Err(error) = noted {
        tracing::error!(%error, "a refusal is not in the audit log");
    }
}

/// Accepts the association and provides services on it.
async fn associate(
    shared: &Arc<Shared>,
    mut wire: Wire,
    request: &AssociateRequest,
    admitted: Admitted,
    from: SocketAddr,
    request_id: RequestId,
) {
    let (begun, settings) = (Instant::now(), &shared.settings);
    let Some(max_fragment_bytes) = max_fragment_bytes(request.user.max_pdu_bytes) else {
        return end(wire, PduError::invalid("a maximum length that holds no data").into(), shared).await;
    };
    let offered = Offered {
        store: admitted.rights.store,
        find: admitted.rights.find,
        retrieve: admitted.rights.retrieve,
        unknown_sop_classes: settings.unknown_sop_classes,
        other_transfer_syntaxes: settings.other_transfer_syntaxes.clone(),
        max_pdu_bytes: settings.max_pdu_bytes,
    };
    let (accept, contexts) = negotiate(request, &offered);
    let bytes = match accept.to_bytes() {
        Ok(bytes) => bytes,
        Err(error) => return end(wire, error.into(), shared).await,
    };
    if let Err(error) = wire.write(&bytes).await {
        return end(wire, error, shared).await;
    }
    tracing::debug!(proposed = request.contexts.len(), accepted = contexts.len(), "association accepted");
    let actor = Actor {
        tenant: admitted.tenant.clone(),
        principal: Principal::ApplicationEntity { title: admitted.calling.clone() },
        client_id: None,
        roles: vec![Role::Integrator],
        scopes: admitted.rights.scopes(),
        purpose: None,
        request_id,
        token_id: None,
        address: Some(from.ip().to_canonical()),
    };
    let association = Association::new(Accepted {
        wire,
        contexts,
        max_fragment_bytes,
        timeouts: Timeouts { idle: settings.idle, message: settings.message },
        stopping: shared.stopping.clone(),
    });
    let mut session = Session::new(association, Arc::clone(shared), actor, admitted);
    let ended = session.run().await;
    let received = session.association.received_bytes();
    let span = tracing::Span::current();
    span.record("size_bytes", received);
    span.record("duration_ms", u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX));
    match ended {
        End::Release => tracing::info!("association released"),
        ended => tracing::warn!(reason = %ended, "association ended"),
    }
    end(session.association.into_wire(), ended, shared).await;
}

/// Tells the other side the end, and closes.
async fn end(mut wire: Wire, ended: End, shared: &Shared) {
    metrics::counter!(metric::DIMSE_ASSOCIATIONS, "end" => ended.as_str()).increment(1);
    let last_word = match ended {
        End::Release => Some(Pdu::RELEASE_REPLY),
        ended => ended.abort().map(AbortReason::to_bytes),
    };
    if let Some(last_word) = last_word
        && wire.write(&last_word).await.is_ok()
    {
        tokio::select! {
            () = wire.close(shared.settings.artim) => {}
            () = shared.stopping.cancelled() => {}
        }
    }
}

/// An id for what happens on one association.
#[expect(clippy::expect_used, reason = "every logical id has the form of a request id")]
fn random_request_id() -> RequestId {
    RequestId::parse(LogicalId::random().as_str()).expect("1 to 64 of letters, digits, '-' and '.'")
}
