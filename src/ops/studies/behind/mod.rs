//! The Orthanc that stands behind the archive of a tenant (docs/adr/0018). The index is ours and complete; files are in
//! Orthanc, or in both. What comes in is kept here until Orthanc has it; what comes to Orthanc by itself is followed;
//! what is only there is read from there.

mod again;
mod follow;
mod open;
mod pass;
mod send;
mod take;
mod verify;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::access::{Actor, PathPattern, RequestId};
use crate::base::{PeerName, TenantId, Timestamp};
use crate::remote::HttpError;
use crate::remote::orthanc::OrthancPeer;
use crate::store::{ArchiveChange, ArchiveFeed, Write, WriteSet};

use super::super::{Error, Ops};

pub use follow::Followed;
pub use pass::PassRequest;

/// Where the instances of a tenant are kept besides the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveBehind {
    /// The peer.
    pub orthanc: PeerName,
    /// Whether they are kept here as well.
    pub is_mirror: bool,
}

/// What an operator sets for archives that stand behind.
#[derive(Debug, Clone)]
pub struct BehindSettings {
    /// The tenants that have one.
    pub tenants: Vec<(TenantId, ArchiveBehind)>,
    /// How often they are asked for what has changed.
    pub poll: Duration,
    /// Without news for this long, answers from the index are stale.
    pub stale_after: Duration,
    /// Bytes of theirs that are held here besides.
    pub cache_bytes: u64,
    /// How long.
    pub cache_age: Duration,
    /// What is passed on to them.
    pub passthrough: Vec<PathPattern>,
}

impl BehindSettings {
    /// Whether an archive stands behind a tenant.
    pub fn has(&self, tenant: &TenantId) -> bool {
        self.tenants.iter().any(|(of, _)| of == tenant)
    }
}

impl Default for BehindSettings {
    fn default() -> Self {
        Self {
            tenants: Vec::new(),
            poll: Duration::from_secs(2),
            stale_after: Duration::from_secs(30),
            cache_bytes: 1 << 30,
            cache_age: Duration::from_hours(24),
            passthrough: Vec::new(),
        }
    }
}

/// That answers from the index may not be what the archive behind would say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stale {
    /// When the index was last known to be whole; `None` if it never was.
    pub since: Option<Timestamp>,
}

/// The archive behind a tenant.
#[derive(Clone)]
pub(super) struct Behind {
    peer: Arc<OrthancPeer>,
    name: PeerName,
    is_mirror: bool,
}

/// What is shared of archives behind.
#[derive(Default)]
pub(in crate::ops) struct Archives {
    peers: Mutex<HashMap<PeerName, Arc<OrthancPeer>>>,
    news: Mutex<HashMap<TenantId, News>>,
    fetching: [tokio::sync::Mutex<()>; FETCHES],
    echoes: again::Echoes,
    sending: again::Sending,
}

/// What this node knows of the archive of a tenant.
#[derive(Debug, Clone, Copy, Default)]
struct News {
    /// When it was last looked how far the index is, and what was seen.
    looked: Option<(Timestamp, Timestamp)>,
    /// When its number of instances was last compared, in microseconds since 1970.
    compared_at: i64,
    /// When bytes that are held were last looked at, in microseconds since 1970.
    evicted_at: i64,
    is_down: bool,
}

impl Ops {
    /// The archive behind a tenant, if there is one.
    pub(super) async fn behind(&self, tenant: &TenantId) -> Result<Option<Behind>, Error> {
        let Some(ArchiveBehind { orthanc, is_mirror }) = self.archive_behind(tenant) else { return Ok(None) };
        let known = self.shared.archives.peers.lock().unwrap_or_else(PoisonError::into_inner).get(orthanc).cloned();
        let peer = match known {
            Some(peer) => peer,
            None => {
                let settings = self.settings().peers.iter().find(|peer| peer.name == *orthanc);
                let settings = settings.ok_or_else(|| Error::Fault("the archive behind is no peer".into()))?;
                let peer = OrthancPeer::new(settings, Arc::clone(&self.shared.clock)).await;
                let peer = Arc::new(peer.map_err(|error| unreachable(&error))?);
                let mut peers = self.shared.archives.peers.lock().unwrap_or_else(PoisonError::into_inner);
                Arc::clone(peers.entry(orthanc.clone()).or_insert(peer))
            }
        };
        Ok(Some(Behind { peer, name: orthanc.clone(), is_mirror: *is_mirror }))
    }

    fn archive_behind(&self, tenant: &TenantId) -> Option<&ArchiveBehind> {
        let tenants = &self.settings().studies.behind.tenants;
        tenants.iter().find(|(of, _)| of == tenant).map(|(_, behind)| behind)
    }

    /// Whether, and since when, answers from the index of the actor's tenant may not be what the archive behind it
    /// would say. What is known is at most a second old.
    pub async fn staleness(&self, actor: &Actor) -> Result<Option<Stale>, Error> {
        let Some(behind) = self.archive_behind(&actor.tenant) else { return Ok(None) };
        let now = self.now();
        let known = self.archive_news(&actor.tenant, |news| news.looked);
        let reached_at = match known.filter(|(looked_at, _)| now.0.saturating_sub(looked_at.0) < LOOK_AGE_US) {
            Some((_, reached_at)) => reached_at,
            None => {
                let feed = self.desk(actor).archive_feed().await?.filter(|feed| feed.peer == behind.orthanc);
                let reached_at = feed.map_or(Timestamp(0), |feed| feed.reached_at);
                self.archive_news(&actor.tenant, |news| news.looked = Some((now, reached_at)));
                reached_at
            }
        };
        let longest = micros(self.settings().studies.behind.stale_after);
        let is_stale = now.0.saturating_sub(reached_at.0) > longest;
        Ok(is_stale.then(|| Stale { since: (reached_at.0 > 0).then_some(reached_at) }))
    }

    /// Whether the index of no tenant is stale; `None` if no archive stands behind any.
    pub async fn archives_are_fresh(&self) -> Option<bool> {
        let tenants = &self.settings().studies.behind.tenants;
        let id = RequestId::parse("health").ok()?;
        let mut is_fresh = true;
        for (tenant, _) in tenants {
            let actor = Actor::system(tenant.clone(), "health", id.clone());
            is_fresh &= matches!(self.staleness(&actor).await, Ok(None));
        }
        (!tenants.is_empty()).then_some(is_fresh)
    }

    /// What makes an instance of this set go to the archive behind; nothing where there is none.
    pub(super) fn outgoing(&self, actor: &Actor, instance: &crate::base::Uid) -> WriteSet {
        match self.archive_behind(&actor.tenant) {
            Some(_) => WriteSet::new().with(Write::Archive(ArchiveChange::Outgoing(instance.clone()))),
            None => WriteSet::new(),
        }
    }

    fn archive_news<T>(&self, tenant: &TenantId, change: impl FnOnce(&mut News) -> T) -> T {
        let mut news = self.shared.archives.news.lock().unwrap_or_else(PoisonError::into_inner);
        change(news.entry(tenant.clone()).or_default())
    }

    /// What is known of the changes of the archive behind, of this very peer.
    async fn feed_of(&self, actor: &Actor, behind: &Behind) -> Result<(Option<(PeerName, i64)>, ArchiveFeed), Error> {
        let stored = self.desk(actor).archive_feed().await?;
        let before = stored.as_ref().map(|feed| (feed.peer.clone(), feed.seq));
        let feed = stored.filter(|feed| feed.peer == behind.name);
        Ok((before, feed.unwrap_or_else(|| ArchiveFeed::new(behind.name.clone()))))
    }
}

/// The archive behind cannot be asked now, for whatever reason: it makes sense to come again.
fn unreachable(error: &HttpError) -> Error {
    Error::Busy(format!("the archive behind: {error}"))
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// How old may be what is known of the index.
const LOOK_AGE_US: i64 = 1_000_000;
/// Files that are fetched whole at the same time.
const FETCHES: usize = 16;
