//! The audit chain: recorded events are sealed into it, checkpoints of it are signed, all of it is checked.

use crate::access::{Actor, Operation};
use crate::audit::{
    AuditEvent, AuditKey, ChainBreak, ChainReport, ChainVerifier, Checkpoint, Gateway, Head, Object, ObjectKind, seal,
    to_fhir,
};
use crate::fhir::Json;
use crate::fhir::definitions::CANONICAL_BASE;
use crate::oauth::VerifyKey;
use crate::store::{SignedCheckpoint, StoreError};

use super::{Error, Ops, Page};

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainCheck {
    /// Every link holds.
    Whole(ChainReport),
    /// A link does not hold.
    Broken(ChainBreak),
    /// A checkpoint at this place is not signed by a key of ours.
    ForgedCheckpoint(u64),
}

impl Ops {
    /// Seals recorded events into the tenant's chain and signs a checkpoint. Events of the last moment
    /// are left, because one that was recorded before them may still be on its way to the disk; `all`
    /// takes them as well. Returns how many were sealed.
    pub async fn seal_audit(&self, actor: &Actor, all: bool) -> Result<usize, Error> {
        let key = AuditKey::new(self.store().audit_key(&actor.tenant)?.key.expose());
        let margin = if all { 1 } else { -SETTLE_SECONDS };
        let before = self.now().plus_seconds(margin);
        let mut sealed = 0;
        loop {
            let desk = self.desk(actor);
            let head = desk.audit_head().await?;
            let (ids, pages): (Vec<_>, Vec<_>) = desk.unsealed_pages(before, SEAL_BATCH).await?.into_iter().unzip();
            if pages.is_empty() {
                break;
            }
            let seals = seal(&head, &pages, Some(&key)).map_err(|error| Error::Fault(error.to_string()))?;
            match desk.append_seals(ids.into_iter().zip(seals).collect()).await {
                Ok(()) => sealed += pages.iter().map(Vec::len).sum::<usize>(),
                // Another node seals at this moment: it goes on.
                Err(StoreError::Duplicate) => return Ok(sealed),
                Err(error) => return Err(error.into()),
            }
        }
        if sealed > 0 {
            self.sign_checkpoint(actor).await?;
        }
        Ok(sealed)
    }

    /// Checks the whole chain of the tenant, after sealing what is recorded.
    pub async fn verify_audit(&self, actor: &Actor) -> Result<ChainCheck, Error> {
        self.authorize(actor, Operation::AuditVerify).await?;
        self.flush().await;
        self.seal_audit(actor, true).await?;
        let key = AuditKey::new(self.store().audit_key(&actor.tenant)?.key.expose());
        let signed = self.desk(actor).checkpoints().await?;
        let keys = self.verify_keys(actor).await?;
        if let Some(forged) = signed.iter().find(|signed| !is_signed(signed, &keys)) {
            return Ok(ChainCheck::ForgedCheckpoint(forged.checkpoint.seq));
        }
        let checkpoints: Vec<Checkpoint> = signed.into_iter().map(|signed| signed.checkpoint).collect();
        let mut verifier = match ChainVerifier::new(Head::genesis(&actor.tenant), Some(&key), &checkpoints) {
            Ok(verifier) => verifier,
            Err(broken) => return Ok(ChainCheck::Broken(broken)),
        };
        let mut seq = 0;
        loop {
            let rows = self.desk(actor).chain_rows(seq, VERIFY_BATCH).await?;
            let Some(last) = rows.last() else { break };
            seq = last.seal.seq;
            for row in &rows {
                if let Err(broken) = verifier.push(row) {
                    return Ok(ChainCheck::Broken(broken));
                }
            }
        }
        let outcome = verifier.finish();
        let event = self.event(actor, Operation::AuditVerify).on(Object::new(ObjectKind::AuditLog, "chain"));
        self.shared.trail.note(event).await?;
        Ok(outcome.map_or_else(ChainCheck::Broken, ChainCheck::Whole))
    }

    /// Events of the tenant, newest first. Reading them is itself recorded.
    pub async fn audit_events(
        &self,
        actor: &Actor,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<AuditEvent>, Error> {
        self.authorize(actor, Operation::AuditRead).await?;
        let after = self.place(actor, "audit", cursor)?;
        let events = self.desk(actor).audit_events(after, limit.saturating_add(1)).await?;
        self.note_read(actor, Operation::AuditRead, vec![Object::new(ObjectKind::AuditLog, "events")]).await?;
        self.page(actor, "audit", events, limit, |event| (event.time, event.id.clone()))
    }

    /// An event as FHIR AuditEvent.
    pub fn audit_event_to_fhir(&self, actor: &Actor, event: &AuditEvent) -> Json {
        let base = self.base_url(&actor.tenant);
        let gateway = Gateway { name: "Causeway", address: &base, issuer: &base, canonical: CANONICAL_BASE };
        to_fhir(event, &gateway)
    }

    async fn sign_checkpoint(&self, actor: &Actor) -> Result<(), Error> {
        let head = self.desk(actor).audit_head().await?;
        let checkpoint = Checkpoint::of(&head, head.seq, self.now());
        let key = self.signing_key(actor).await?;
        let signature = key.sign(&checkpoint.signature_input()).map_err(|error| Error::Fault(error.to_string()))?;
        let text = format!("{}.{}", key.verify_key().key_id(), hex::encode(signature));
        tracing::info!(audit.seq = head.seq, audit.hash = %head.hash, audit.signature = %text, "audit checkpoint");
        Ok(self.desk(actor).add_checkpoint(SignedCheckpoint { checkpoint, signature: text }).await?)
    }
}

fn is_signed(signed: &SignedCheckpoint, keys: &[VerifyKey]) -> bool {
    let Some((key_id, signature)) = signed.signature.split_once('.') else { return false };
    let Ok(signature) = hex::decode(signature) else { return false };
    keys.iter().any(|key| key.key_id() == key_id && key.verify(&signed.checkpoint.signature_input(), &signature))
}

/// How old an event must be before it is sealed while others may still be on their way.
const SETTLE_SECONDS: i64 = 5;
/// Pages sealed in one commit.
const SEAL_BATCH: i64 = 128;
/// Pages read at a time by a check.
const VERIFY_BATCH: i64 = 128;
