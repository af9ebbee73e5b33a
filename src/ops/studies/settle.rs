//! Studies that have settled: no instance has come for a while. Each commit puts a job in for its slot of time; the one
//! for the last slot finds the study settled, and all others pass on.

use crate::access::Actor;
use crate::base::{LogicalId, Timestamp, Uid};
use crate::jobs::Lane;
use crate::store::{NewJob, Write, WriteSet};

use super::super::{Error, Ops};

/// What a job knows of the study that it looks at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StudyChangedPayload {
    v: u8,
    study: Uid,
}

impl Ops {
    /// Looks at a study: if it was changed lately, another job looks again; if it has settled, gives what follows.
    pub async fn settle_study(&self, actor: &Actor, payload: &StudyChangedPayload) -> Result<WriteSet, Error> {
        let Some(changed_at) = self.desk(actor).study_changed_at(&payload.study).await? else {
            // Deleted meanwhile.
            return self.imaging_study_deletion(actor, &payload.study).await;
        };
        let is_settled = changed_at.0.saturating_add(self.settle_us()) <= self.now().0;
        if is_settled {
            return self.imaging_study_writes(actor, &payload.study).await;
        }
        Ok(WriteSet::new().with(Write::Job(self.study_changed(actor, &payload.study, changed_at))))
    }

    /// The job that looks at a study to which an instance came at `at`: one for each study and slot of time. It runs
    /// after the next slot, so that every commit of its slot is long over.
    pub(super) fn study_changed(&self, actor: &Actor, study: &Uid, at: Timestamp) -> NewJob {
        let slot = at.0.div_euclid(self.settle_us());
        let payload = StudyChangedPayload { v: 1, study: study.clone() };
        NewJob {
            id: LogicalId::random(),
            kind: "study.changed",
            lane: Lane::Maintenance.as_str(),
            payload: serde_json::to_string(&payload).unwrap_or_default(),
            priority: 10,
            run_at: Timestamp(slot.saturating_add(2).saturating_mul(self.settle_us())),
            max_attempts: ATTEMPTS,
            dedup_key: Some(format!("study.changed:{study}:{slot}")),
            parent_id: None,
            trace_id: Some(actor.request_id.as_str().to_owned()),
        }
    }

    /// Whether a job of `study_changed` runs so late that whatever is begun now is over by then.
    pub(super) fn is_far_off(&self, job: &NewJob) -> bool {
        self.now().0.saturating_add(self.settle_us()) <= job.run_at.0
    }

    fn settle_us(&self) -> i64 {
        i64::try_from(self.settings().studies.settle.as_micros()).unwrap_or(i64::MAX).max(1)
    }
}

const ATTEMPTS: i32 = 20;
