//! Instances that come to the archive behind once more under the ids that they have: an Orthanc that overwrites makes
//! others of them, with other patients perhaps, and tells of them as of new ones.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::access::Actor;
use crate::base::{TenantId, Timestamp, Uid};
use crate::remote::HttpError;
use crate::store::{ArchiveChange, StoredInstance, Write, WriteSet};

use super::super::super::{Error, Ops};
use super::send::digest_of;
use super::verify::UNINDEXED;
use super::{Behind, unreachable};

impl Ops {
    /// Forgets those of some instances that are only in the archive behind and have become others there, and what was
    /// wrong with some, so that they are taken in as they are now.
    pub(super) async fn forget_replaced(&self, actor: &Actor, behind: &Behind, ids: &[String]) -> Result<(), Error> {
        let echoes = &self.shared.archives.echoes;
        let ids: Vec<String> =
            ids.iter().filter(|id| !echoes.is_expected(&actor.tenant, id, self.now())).cloned().collect();
        if ids.is_empty() {
            return Ok(());
        }
        let unindexed: HashSet<String> = self.desk(actor).unindexed(UNINDEXED).await?.into_iter().collect();
        let again: Vec<String> = ids.iter().filter(|id| unindexed.contains(*id)).cloned().collect();
        if !again.is_empty() {
            self.desk(actor).commit(WriteSet::new().with(Write::Archive(ArchiveChange::Anew(again)))).await?;
        }
        let known = self.desk(actor).instances_there(&ids).await?;
        let replaced: Vec<Option<StoredInstance>> = stream::iter(known)
            .map(|(id, known)| async move { Ok::<_, Error>(is_replaced(behind, &id, &known).await?.then_some(known)) })
            .buffered(AT_A_TIME)
            .try_collect()
            .await?;
        let mut studies: HashMap<Uid, Vec<Uid>> = HashMap::new();
        for instance in replaced.into_iter().flatten() {
            studies.entry(instance.study_uid).or_default().push(instance.instance_uid);
        }
        for (study, instances) in studies {
            tracing::info!(count = instances.len(), "instances of the archive behind have become others");
            self.desk(actor).commit(self.gone_there(actor, &study, instances).await?).await?;
        }
        Ok(())
    }
}

async fn is_replaced(behind: &Behind, id: &str, known: &StoredInstance) -> Result<bool, Error> {
    match digest_of(behind, id).await {
        Ok(Some(digest)) => Ok(digest != known.digest),
        // That it is gone is found out where numbers are compared; one that is damaged must not keep others waiting.
        Ok(None) | Err(HttpError::Status { status: 500, .. }) => Ok(false),
        Err(error) => Err(unreachable(&error)),
    }
}

/// What this node has sent of late, of which the archive behind tells as of news. It only saves looking: what another
/// node has sent, or what is told of too late, is looked at.
#[derive(Default)]
pub(super) struct Echoes {
    sent: Mutex<VecDeque<(Timestamp, TenantId, String)>>,
}

impl Echoes {
    pub(super) fn expect(&self, tenant: &TenantId, id: &str, now: Timestamp) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        while sent.len() >= MOST || sent.front().is_some_and(|(at, ..)| now.0.saturating_sub(at.0) > LONGEST_US) {
            sent.pop_front();
        }
        sent.push_back((now, tenant.clone(), id.to_owned()));
    }

    /// Whether an id is told of because of what was sent; once for each time it was.
    fn is_expected(&self, tenant: &TenantId, id: &str, now: Timestamp) -> bool {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |(at, of, sent): &(Timestamp, TenantId, String)| {
            sent == id && of == tenant && now.0.saturating_sub(at.0) <= LONGEST_US
        };
        let Some(at) = sent.iter().position(is_it) else { return false };
        sent.remove(at);
        true
    }
}

/// What this node is sending at this moment. The archive behind tells of it before it is known here that it has
/// arrived; if it is deleted here meanwhile, it must not come back as news.
#[derive(Default)]
pub(super) struct Sending(Mutex<HashSet<(TenantId, Uid)>>);

/// An instance on its way, until this goes.
pub(super) struct OnItsWay<'a> {
    sending: &'a Sending,
    what: (TenantId, Uid),
}

impl Sending {
    pub(super) fn begin(&self, tenant: &TenantId, instance: &Uid) -> OnItsWay<'_> {
        let what = (tenant.clone(), instance.clone());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(what.clone());
        OnItsWay { sending: self, what }
    }

    pub(super) fn has(&self, tenant: &TenantId, instance: &Uid) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&(tenant.clone(), instance.clone()))
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        self.sending.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.what);
    }
}

/// Instances that are read at a time.
const AT_A_TIME: usize = 4;
/// What is remembered: more than a round sends between two looks at the changes.
const MOST: usize = 1024;
/// How long.
const LONGEST_US: i64 = 30_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_known_until_it_has_arrived() {
        let (sending, tenant, uid) = (Sending::default(), TenantId::parse("ours").unwrap(), Uid::parse("1.2").unwrap());
        let on_its_way = sending.begin(&tenant, &uid);
        assert!(sending.has(&tenant, &uid));
        drop(on_its_way);
        assert!(!sending.has(&tenant, &uid));
    }

    #[test]
    fn an_echo_is_expected_once_and_not_for_long() {
        let echoes = Echoes::default();
        let (ours, theirs) = (TenantId::parse("ours").unwrap(), TenantId::parse("theirs").unwrap());
        echoes.expect(&ours, "a", Timestamp(0));
        assert!(!echoes.is_expected(&theirs, "a", Timestamp(1)));
        assert!(!echoes.is_expected(&ours, "b", Timestamp(1)));
        assert!(echoes.is_expected(&ours, "a", Timestamp(1)));
        assert!(!echoes.is_expected(&ours, "a", Timestamp(1)));
        echoes.expect(&ours, "a", Timestamp(0));
        assert!(!echoes.is_expected(&ours, "a", Timestamp(LONGEST_US + 1)));
    }
}
