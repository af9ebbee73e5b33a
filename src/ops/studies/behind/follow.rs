//! Following the changes of the archive behind. What was taken in and how far is committed together, so that a change
//! is taken in once, wherever the process ends.

use crate::access::Actor;
use crate::remote::orthanc::{Change, Changes};
use crate::store::{ArchiveChange, ArchiveFeed, StoreError, Write, WriteSet};
use crate::telemetry::metric;

use super::super::super::{Error, Ops};
use super::{Behind, micros, unreachable};

/// How far a step has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// There is more; so much of all changes, in percent, is taken in.
    More(i32),
    /// Nothing is left to take in now.
    AtEnd,
    /// The archive behind does not answer.
    Unreachable,
}

impl Ops {
    /// Takes in the next changes of the archive behind the actor's tenant; `None` if there is none. Idempotent: what
    /// is known by its id is passed over, unless it has become another one there.
    pub async fn follow_archive(&self, actor: &Actor) -> Result<Option<Followed>, Error> {
        let Some(behind) = self.behind(&actor.tenant).await? else { return Ok(None) };
        let followed = match self.follow_step(actor, &behind).await {
            Err(Error::Busy(detail)) => {
                if !self.archive_news(&actor.tenant, |news| std::mem::replace(&mut news.is_down, true)) {
                    tracing::warn!(peer = %behind.name, %detail, "the archive behind is not followed");
                }
                return Ok(Some(Followed::Unreachable));
            }
            // Another node follows too.
            Err(Error::VersionMismatch { .. }) => Followed::AtEnd,
            other => other?,
        };
        if self.archive_news(&actor.tenant, |news| std::mem::replace(&mut news.is_down, false)) {
            tracing::info!(peer = %behind.name, "the archive behind is followed again");
        }
        Ok(Some(followed))
    }

    async fn follow_step(&self, actor: &Actor, behind: &Behind) -> Result<Followed, Error> {
        let (before, mut feed) = self.feed_of(actor, behind).await?;
        let mut page = self.changes_of(behind, feed.seq.saturating_sub(1).max(0)).await?;
        if feed.seq > 0 && !self.is_continued(behind, &feed, &page).await? {
            tracing::info!(peer = %behind.name, "the archive behind has another database: followed from the beginning");
            feed = ArchiveFeed { reached_at: feed.reached_at, ..ArchiveFeed::new(behind.name.clone()) };
            page = self.changes_of(behind, 0).await?;
        }
        if feed.seq == 0 {
            feed.origin = page.changes.first().map(Change::mark).unwrap_or_default();
        }
        let fresh: Vec<&Change> = page.changes.iter().filter(|change| change.seq > feed.seq).collect();
        let mut ids: Vec<String> = Vec::new();
        for change in fresh.iter().filter(|change| change.kind == "NewInstance") {
            if !ids.contains(&change.id) {
                ids.push(change.id.clone());
            }
        }
        // Where following begins anew, nearly all is known and as it was; what was told last may be what is new.
        if !feed.is_anew || page.is_last {
            self.forget_replaced(actor, behind, &ids).await?;
        }
        self.take_in(actor, behind, &ids).await?;
        let last = fresh.last().map(|change| (change.seq, change.mark()));
        let has_moved = last.is_some();
        if let Some((seq, mark)) = last {
            (feed.seq, feed.anchor) = (seq, mark);
        }
        if !page.is_last {
            self.put_feed(actor, before, &feed).await?;
            let end = behind.peer.last_change().await.map_err(|error| unreachable(&error))?;
            let percent = feed.seq.saturating_mul(100) / end.max(feed.seq).max(1);
            return Ok(Followed::More(i32::try_from(percent).unwrap_or(99).min(99)));
        }
        let now = self.now();
        // Only what stands still can be compared.
        if !has_moved && self.is_time_to_compare(actor) {
            self.compare(actor, behind, &mut feed).await?;
        }
        let was_reached = feed.reached_at;
        feed.reached_at = now;
        let age = now.0.saturating_sub(was_reached.0);
        let is_known = self.feed_of(actor, behind).await?.1 == ArchiveFeed { reached_at: was_reached, ..feed.clone() };
        if !is_known || age > micros(self.settings().studies.behind.stale_after) / 4 {
            self.put_feed(actor, before, &feed).await?;
        }
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        let seconds = now.0 as f64 / 1_000_000.0;
        metrics::gauge!(metric::ARCHIVE_REACHED, "peer" => behind.name.as_str().to_owned()).set(seconds);
        Ok(Followed::AtEnd)
    }

    async fn changes_of(&self, behind: &Behind, since: i64) -> Result<Changes, Error> {
        behind.peer.changes(since, PAGE).await.map_err(|error| unreachable(&error))
    }

    /// Whether a page that begins at the last known change is of the same database. That change, and the first one,
    /// may be gone: Orthanc forgets changes of what is deleted.
    async fn is_continued(&self, behind: &Behind, feed: &ArchiveFeed, page: &Changes) -> Result<bool, Error> {
        if page.changes.first().is_some_and(|change| change.mark() == feed.anchor) {
            return Ok(true);
        }
        let first = behind.peer.changes(0, 1).await.map_err(|error| unreachable(&error))?;
        let mark = first.changes.first().map(Change::mark);
        Ok(mark.is_some_and(|mark| mark == feed.origin))
    }

    async fn put_feed(
        &self,
        actor: &Actor,
        before: Option<(crate::base::PeerName, i64)>,
        feed: &ArchiveFeed,
    ) -> Result<(), Error> {
        let set = WriteSet::new().with(Write::Archive(ArchiveChange::Feed { before, feed: feed.clone() }));
        match self.desk(actor).commit(set).await {
            Err(StoreError::VersionConflict { current }) => Err(Error::VersionMismatch { current }),
            outcome => Ok(outcome?),
        }
    }

    fn is_time_to_compare(&self, actor: &Actor) -> bool {
        let now = self.now();
        let every = micros(self.settings().studies.behind.poll).saturating_mul(COMPARE_EVERY);
        self.archive_news(&actor.tenant, |news| {
            let is_time = now.0.saturating_sub(news.compared_at) >= every;
            if is_time {
                news.compared_at = now.0;
            }
            is_time
        })
    }
}

/// Changes that are asked for at a time.
const PAGE: u32 = 1000;
/// The number of instances is compared once in so many polls.
const COMPARE_EVERY: i64 = 15;
