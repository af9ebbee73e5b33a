//! Comparing the index with the archive behind. Orthanc does not tell of deletions, and forgets the changes of what
//! was deleted: that something is gone there is seen by the number of its instances, then by looking study by study.

use std::collections::{HashMap, HashSet};

use crate::access::{Actor, Operation};
use crate::audit::{Object, ObjectKind};
use crate::base::Uid;
use crate::dicom::query::StudyScope;
use crate::store::{ArchiveChange, ArchiveCounts, ArchiveFeed, Write, WriteSet};
use crate::telemetry::metric;

use super::super::super::{Error, Ops};
use super::{Behind, unreachable};

impl Ops {
    /// Brings the index in line with the archive behind if their numbers differ.
    pub(super) async fn compare(&self, actor: &Actor, behind: &Behind, feed: &mut ArchiveFeed) -> Result<(), Error> {
        let theirs = behind.peer.count_instances().await.map_err(|error| unreachable(&error))?;
        let ours = self.desk(actor).archive_counts(true).await?;
        let surplus = theirs - ours.there - ours.unindexed;
        if surplus == 0 && !feed.is_anew {
            return Ok(());
        }
        // What is on its way may be on either side.
        let is_explained = (0..=ours.outgoing + ours.deletions).contains(&surplus) && !feed.is_anew;
        let seen = said(theirs, ours);
        if is_explained || (seen == feed.compared && !feed.is_anew) {
            return Ok(());
        }
        self.forget_gone(actor, behind, feed.is_anew).await?;
        let ours = self.desk(actor).archive_counts(true).await?;
        if theirs > ours.there + ours.unindexed {
            self.take_in_unseen(actor, behind).await?;
        }
        feed.compared = said(theirs, self.desk(actor).archive_counts(true).await?);
        feed.is_anew = false;
        Ok(())
    }

    /// Takes away what the archive behind has no more. Where it is another database than before, a mirror fills it
    /// again instead.
    async fn forget_gone(&self, actor: &Actor, behind: &Behind, is_anew: bool) -> Result<(), Error> {
        let mut after = 0;
        while let Some((known, last)) = self.desk(actor).remote_instances(after, STUDIES).await? {
            after = last;
            if known.is_empty() {
                continue;
            }
            let mut studies: Vec<Uid> = known.iter().map(|instance| instance.study.clone()).collect();
            studies.dedup();
            let found = behind.peer.instances_of(&studies).await.map_err(|error| unreachable(&error))?;
            let found: HashSet<String> = found.into_iter().collect();
            let mut gone: HashMap<Uid, Vec<Uid>> = HashMap::new();
            for instance in known.into_iter().filter(|instance| !found.contains(&instance.remote_id)) {
                // The list is by UIDs as Orthanc read them; the id is what counts.
                let is_there = behind.peer.has_instance(&instance.remote_id).await;
                if !is_there.map_err(|error| unreachable(&error))? {
                    gone.entry(instance.study).or_default().push(instance.instance);
                }
            }
            for (study, instances) in gone {
                let set = if behind.is_mirror && is_anew {
                    WriteSet::new().with(Write::Archive(ArchiveChange::Again(instances)))
                } else {
                    self.gone_there(actor, &study, instances).await?
                };
                self.desk(actor).commit(set).await?;
            }
        }
        // What cannot be indexed may be gone as well.
        for id in self.desk(actor).unindexed(UNINDEXED).await? {
            if !behind.peer.has_instance(&id).await.map_err(|error| unreachable(&error))? {
                let set = WriteSet::new().with(Write::Archive(ArchiveChange::Done(id)));
                self.desk(actor).commit(set).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn gone_there(&self, actor: &Actor, study: &Uid, instances: Vec<Uid>) -> Result<WriteSet, Error> {
        metrics::counter!(metric::ARCHIVE_INSTANCES, "outcome" => "gone").increment(instances.len() as u64);
        let all = self.desk(actor).instances(&StudyScope::study(study.clone())).await?.len();
        let is_whole = all == instances.len();
        let mut event = self.event(actor, Operation::StudyDelete);
        for instance in instances.iter().take(MOST_NAMED) {
            let object = Object::new(ObjectKind::Instance, instance.as_str());
            event = event.on(object.of_study(Some(study.clone())));
        }
        let set = WriteSet::new().with(Write::Archive(ArchiveChange::Gone(instances))).with(Write::Audit(event));
        Ok(if is_whole {
            set.and(self.imaging_study_deletion(actor, study).await?)
        } else {
            set.with(Write::Job(self.study_changed(actor, study, self.now())))
        })
    }

    /// Takes in what the archive behind has and never told of: its list of changes can be emptied.
    async fn take_in_unseen(&self, actor: &Actor, behind: &Behind) -> Result<(), Error> {
        let mut from = 0;
        loop {
            let ids = behind.peer.list_instances(from, LISTED).await.map_err(|error| unreachable(&error))?;
            if ids.is_empty() {
                return Ok(());
            }
            from += ids.len();
            self.take_in(actor, behind, &ids).await?;
        }
    }
}

fn said(theirs: i64, ours: ArchiveCounts) -> String {
    format!("{theirs}:{}:{}", ours.there, ours.unindexed)
}

/// Studies that are looked at together.
const STUDIES: i64 = 50;
/// Instances that are listed together.
const LISTED: usize = 1000;
/// Instances that could not be indexed and are looked at again.
pub(super) const UNINDEXED: i64 = 10_000;
/// Instances that an audit event names.
const MOST_NAMED: usize = 100;
