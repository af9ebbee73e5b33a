//! One attempt at the deliveries of a report version to a peer.

use std::sync::Arc;
use std::time::Instant;

use crate::access::{Actor, Operation};
use crate::audit::{Object, ObjectKind};
use crate::base::{LogicalId, Retry};
use crate::remote::{PeerKind, PeerSettings};
use crate::report::Twin;
use crate::store::{Delivery, DeliveryChange, DeliveryState, StoreError, Write, WriteSet};
use crate::telemetry::metric;

use super::channels::{Answer, push, send_instances};
use super::{Error, Ops};

/// What is left to do after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// Nothing.
    Nothing,
    /// Some deliveries are to be tried again.
    Again {
        /// What the peer said last.
        message: String,
        /// How soon.
        retry: Retry,
    },
}

impl Ops {
    /// Sends what is not finished of `ids` for a job, and records what the peer answered for each. What
    /// another job is sending is left to it. `patient` is whether the attempt may wait for an archive that
    /// is down, so that the rendition can be whole.
    pub async fn attempt_deliveries(
        &self,
        actor: &Actor,
        job: &LogicalId,
        ids: &[LogicalId],
        patient: bool,
    ) -> Result<Left, Error> {
        let mut open = Vec::new();
        for id in ids {
            open.extend(self.desk(actor).delivery(id).await?.filter(|delivery| !delivery.state.is_finished()));
        }
        let Some(first) = open.first().cloned() else { return Ok(Left::Nothing) };
        let Some(peer) = self.find_peer(actor, &first.peer).await? else {
            self.end(actor, &open, DeliveryState::Dead, "the peer is not known any more").await?;
            return Ok(Left::Nothing);
        };
        let written = self.load_report(actor, &first.report, Some(first.version)).await?;
        if patient && !self.archive_answers(actor, &written).await? {
            return Ok(Left::Again { message: "the archive cannot be reached".into(), retry: Retry::Backoff });
        }
        let ready = self.prepare(actor, open).await?;
        if ready.is_empty() {
            return Ok(Left::Nothing);
        }
        let ready = self.claim(actor, job, ready).await?;
        if ready.is_empty() {
            return Ok(Left::Nothing);
        }
        let (channel, begun) = (peer.kind.as_str(), Instant::now());
        let answers = self.send(actor, &peer, &ready).await?;
        metrics::histogram!(metric::REMOTE_SECONDS, "channel" => channel).record(begun.elapsed());
        let mut left = Left::Nothing;
        for ((delivery, _), answer) in ready.iter().zip(answers) {
            self.record(actor, delivery, &answer).await?;
            let outcome = answer.state.as_str();
            metrics::counter!(metric::DELIVERIES, "channel" => channel, "outcome" => outcome).increment(1);
            if answer.state == DeliveryState::Pending {
                let retry = match left {
                    Left::Nothing => answer.retry,
                    Left::Again { retry, .. } => Answer::later(retry, answer.retry),
                };
                left = Left::Again { message: answer.text, retry };
            }
        }
        Ok(left)
    }

    /// Ends deliveries that were given up.
    pub async fn give_up_deliveries(&self, actor: &Actor, ids: &[LogicalId], error: &str) -> Result<WriteSet, Error> {
        let mut set = WriteSet::new();
        for id in ids {
            let delivery = self.desk(actor).delivery(id).await?;
            if let Some(delivery) = delivery.filter(|delivery| !delivery.state.is_finished()) {
                set.add(outcome(&delivery, DeliveryState::Dead, error));
            }
        }
        Ok(set)
    }

    /// The deliveries that have a rendition to send. One that has none, and never will, is dead.
    async fn prepare(
        &self,
        actor: &Actor,
        open: Vec<Delivery>,
    ) -> Result<Vec<(Delivery, Option<bytes::Bytes>)>, Error> {
        let mut ready = Vec::with_capacity(open.len());
        for delivery in open {
            if delivery.twin == Twin::Fhir {
                ready.push((delivery, None));
                continue;
            }
            match self.rendition(actor, &delivery.report, delivery.version, delivery.twin).await {
                Ok(rendition) => {
                    let bytes = self.rendition_bytes(actor, &rendition).await?;
                    ready.push((delivery, Some(bytes.into())));
                }
                Err(error @ (Error::Rule(_) | Error::NotFound | Error::Gone)) => {
                    self.end(actor, &[delivery], DeliveryState::Dead, &error.to_string()).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(ready)
    }

    /// Those that this job may send now.
    async fn claim(
        &self,
        actor: &Actor,
        job: &LogicalId,
        ready: Vec<(Delivery, Option<bytes::Bytes>)>,
    ) -> Result<Vec<(Delivery, Option<bytes::Bytes>)>, Error> {
        let mut claimed = Vec::with_capacity(ready.len());
        for (delivery, bytes) in ready {
            let attempt = DeliveryChange::Attempt { id: delivery.id.clone(), job: job.clone() };
            match self.desk(actor).commit(WriteSet::new().with(Write::Delivery(attempt))).await {
                Ok(()) => claimed.push((delivery, bytes)),
                Err(StoreError::Gone) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(claimed)
    }

    async fn send(
        &self,
        actor: &Actor,
        peer: &PeerSettings,
        ready: &[(Delivery, Option<bytes::Bytes>)],
    ) -> Result<Vec<Answer>, Error> {
        let clock = Arc::clone(&self.shared.clock);
        if peer.kind == PeerKind::Fhir {
            let mut answers = Vec::with_capacity(ready.len());
            for (delivery, _) in ready {
                let bundle = self.transaction(actor, &delivery.report, delivery.version).await?;
                answers.push(push(peer, Arc::clone(&clock), &bundle).await);
            }
            return Ok(answers);
        }
        let files = ready.iter().filter_map(|(_, bytes)| bytes.clone()).collect();
        let again = ready.iter().any(|(delivery, _)| delivery.attempts > 0);
        Ok(match send_instances(peer, clock, files, again).await {
            Ok(answers) => answers,
            // Nothing was taken: the same holds for all.
            Err(answer) => vec![answer; ready.len()],
        })
    }

    async fn record(&self, actor: &Actor, delivery: &Delivery, answer: &Answer) -> Result<(), Error> {
        let change = DeliveryChange::Outcome {
            id: delivery.id.clone(),
            state: answer.state,
            sop_instance_uid: answer.sop_instance_uid.clone(),
            answer: answer.text.clone(),
            next_attempt_at: None,
        };
        let mut event = self
            .event(actor, Operation::ReportDeliver)
            .to_peer(delivery.peer.as_str())
            .on(Object::new(ObjectKind::Delivery, delivery.id.as_str()))
            .on(Object::resource("DiagnosticReport", &delivery.report, Some(delivery.version)));
        if !matches!(answer.state, DeliveryState::Sent | DeliveryState::SentWithWarning) {
            event = event.failed(crate::audit::Outcome::MinorFailure, answer.state.as_str());
        }
        let set = WriteSet::new().with(Write::Delivery(change)).with(Write::Audit(event));
        Ok(self.desk(actor).commit(set).await?)
    }

    async fn end(
        &self,
        actor: &Actor,
        deliveries: &[Delivery],
        state: DeliveryState,
        answer: &str,
    ) -> Result<(), Error> {
        let set = deliveries.iter().fold(WriteSet::new(), |set, delivery| set.with(outcome(delivery, state, answer)));
        match self.desk(actor).commit(set).await {
            Ok(()) | Err(StoreError::Gone) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn outcome(delivery: &Delivery, state: DeliveryState, answer: &str) -> Write {
    Write::Delivery(DeliveryChange::Outcome {
        id: delivery.id.clone(),
        state,
        sop_instance_uid: delivery.sop_instance_uid.clone(),
        answer: answer.to_owned(),
        next_attempt_at: None,
    })
}
