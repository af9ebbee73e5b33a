//! Storage commitment: a promise to keep instances, asked for over DIMSE and answered there later. PS3.4 §J.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::TryStreamExt as _;

use crate::access::{Actor, Operation, RequestId};
use crate::base::{AeTitle, LogicalId, Retry, TenantId, Timestamp, Uid};
use crate::dicom::dimse::{CommitmentRequest, CommitmentResult, Reference};
use crate::remote::dimse::{DimseError, DimsePeer};
use crate::remote::{PeerKind, PeerSettings};
use crate::store::{NewJob, StoreError, Write, WriteSet};

use super::studies::HeldInstance;
use super::{Error, Ops};

/// What the job `storage.commit` has to do.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CommitPayload {
    /// Version of this form.
    pub v: u32,
    /// Transaction UID.
    pub transaction_uid: Uid,
    /// AE title of the one that asked, and is to be told.
    pub requestor: AeTitle,
    /// AE title that it called.
    pub called: AeTitle,
    /// What is to be committed.
    pub references: Vec<Reference>,
}

/// Why a result could not be told.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A use case failed.
    #[error(transparent)]
    Ops(#[from] Error),
    /// No peer has the AE title of the one that asked.
    #[error("no peer of kind dimse has the AE title of the requestor")]
    UnknownPeer,
    /// The peer did not take it.
    #[error(transparent)]
    Peer(#[from] DimseError),
}

impl Ops {
    /// Takes a request for commitment: it is a job when this returns. The same transaction asked for again
    /// while it is open is the same job.
    pub async fn request_commitment(
        &self,
        actor: &Actor,
        requestor: &AeTitle,
        called: &AeTitle,
        request: &CommitmentRequest,
    ) -> Result<LogicalId, Error> {
        self.authorize(actor, Operation::StudyStore).await?;
        let payload = CommitPayload {
            v: 1,
            transaction_uid: request.transaction_uid.clone(),
            requestor: requestor.clone(),
            called: called.clone(),
            references: request.references.clone(),
        };
        let payload = serde_json::to_string(&payload).map_err(|error| Error::Fault(error.to_string()))?;
        let wait = i64::try_from(SAME_ASSOCIATION_FIRST.as_micros()).unwrap_or(i64::MAX);
        let job = NewJob {
            id: LogicalId::random(),
            kind: COMMIT_KIND,
            lane: crate::jobs::Lane::Deliver.as_str(),
            payload,
            priority: 0,
            run_at: Timestamp(self.now().0.saturating_add(wait)),
            max_attempts: ATTEMPTS,
            dedup_key: Some(format!("{COMMIT_KIND}:{requestor}:{}", request.transaction_uid)),
            parent_id: None,
            trace_id: Some(actor.request_id.as_str().to_owned()),
        };
        let id = job.id.clone();
        self.desk(actor).commit(WriteSet::new().with(Write::Job(job))).await?;
        Ok(id)
    }

    /// What becomes of a request: what is held under the same SOP class, and is still whole on its disk, is
    /// committed.
    pub async fn commitment_result(
        &self,
        tenant: &TenantId,
        request: &CommitmentRequest,
    ) -> Result<CommitmentResult, Error> {
        let actor = gateway(tenant);
        let mut held: HashMap<Uid, HeldInstance> = HashMap::new();
        for uids in request.references.chunks(BATCH) {
            let uids: Vec<Uid> = uids.iter().map(|reference| reference.sop_instance_uid.clone()).collect();
            let instances = self.instances_of(&actor, &uids).await?;
            held.extend(instances.into_iter().map(|instance| (instance.sop_instance_uid.clone(), instance)));
        }
        let mut result = CommitmentResult {
            transaction_uid: request.transaction_uid.clone(),
            committed: Vec::new(),
            failed: Vec::new(),
        };
        for reference in &request.references {
            match self.committed(&actor, reference, held.get(&reference.sop_instance_uid)).await? {
                None => result.committed.push(reference.clone()),
                Some(reason) => result.failed.push((reference.clone(), reason)),
            }
        }
        Ok(result)
    }

    /// The failure reason of one instance; `None` if it is committed. PS3.3 §C.14.1.1.
    async fn committed(
        &self,
        actor: &Actor,
        reference: &Reference,
        held: Option<&HeldInstance>,
    ) -> Result<Option<u16>, Error> {
        let Some(held) = held else { return Ok(Some(NO_SUCH_INSTANCE)) };
        if held.sop_class_uid != reference.sop_class_uid {
            return Ok(Some(CLASS_INSTANCE_CONFLICT));
        }
        // Reading a blob to its end compares its digest.
        let blob = self.open_instance(actor, held, None).await;
        let read = async { blob?.body.try_fold((), |(), _piece| async { Ok(()) }).await.map_err(Error::from) };
        match read.await {
            Ok(()) => Ok(None),
            Err(error @ Error::Busy(_)) => Err(error),
            Err(error) => {
                tracing::error!(%error, "an instance that is to be committed cannot be read");
                Ok(Some(PROCESSING_FAILURE))
            }
        }
    }

    /// The requestor has been told: the job has nothing left to do.
    pub async fn commitment_is_known(&self, tenant: &TenantId, job: &LogicalId) -> Result<(), Error> {
        let actor = gateway(tenant);
        match self.desk(&actor).commit(WriteSet::new().with(Write::CancelJob(job.clone()))).await {
            Ok(()) | Err(StoreError::Gone) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Tells the one that asked what became of its request, on an association that we open.
    pub async fn report_commitment(&self, actor: &Actor, payload: &CommitPayload) -> Result<(), ReportError> {
        let request = CommitmentRequest {
            transaction_uid: payload.transaction_uid.clone(),
            references: payload.references.clone(),
        };
        let mut peer = self.dimse_peer(actor, &payload.requestor).await?.ok_or(ReportError::UnknownPeer)?;
        peer.calling_ae_title.get_or_insert_with(|| payload.called.clone());
        let result = self.commitment_result(&actor.tenant, &request).await?;
        let peer = DimsePeer::new(&peer).await?;
        Ok(peer.report_commitment(result.event(), &result.data_set(&payload.called)).await?)
    }

    /// Where a C-MOVE of `actor` may send instances to: a peer of kind `dimse` with this AE title.
    pub async fn move_destination(&self, actor: &Actor, title: &AeTitle) -> Result<Option<PeerSettings>, Error> {
        self.authorize(actor, Operation::StudyRead).await?;
        self.dimse_peer(actor, title).await
    }

    /// The peer of kind `dimse` with this AE title.
    async fn dimse_peer(&self, actor: &Actor, title: &AeTitle) -> Result<Option<PeerSettings>, Error> {
        let peers = self.all_peers(actor).await?;
        let is_it = |peer: &PeerSettings| peer.kind == PeerKind::Dimse && peer.called_ae_title.as_ref() == Some(title);
        Ok(peers.into_iter().find(is_it))
    }
}

impl ReportError {
    /// When to try again: whoever runs the gateway may add the peer that is missing, and what a peer refuses
    /// today it may take once it has been set up.
    pub fn retry(&self) -> Retry {
        match self {
            Self::UnknownPeer | Self::Ops(_) | Self::Peer(_) => Retry::Backoff,
        }
    }
}

/// The gateway itself at this work: what is committed is not a question of who may read it.
fn gateway(tenant: &TenantId) -> Actor {
    Actor::system(tenant.clone(), COMMIT_KIND, request_id())
}

#[expect(clippy::expect_used, reason = "every logical id has the form of a request id")]
fn request_id() -> RequestId {
    RequestId::parse(LogicalId::random().as_str()).expect("1 to 64 of letters, digits, '-' and '.'")
}

/// The kind of the job.
pub const COMMIT_KIND: &str = "storage.commit";
/// How long the job leaves it to the association that the request came on.
const SAME_ASSOCIATION_FIRST: Duration = Duration::from_secs(3);
/// Attempts before it is given up: with the usual waits, more than a week.
const ATTEMPTS: i32 = 200;
/// Instances that are looked up at a time.
const BATCH: usize = 500;
const PROCESSING_FAILURE: u16 = 0x0110;
const NO_SUCH_INSTANCE: u16 = 0x0112;
const CLASS_INSTANCE_CONFLICT: u16 = 0x0119;
