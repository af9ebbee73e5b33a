//! Taking away what has lost its meaning.

use futures_util::TryStreamExt;

use crate::access::Actor;
use crate::base::Timestamp;

use super::{Error, Ops};

impl Ops {
    /// Lets the database look at an index that has grown: its plans are made by what it knows of it. The tables are
    /// those of all tenants; the first to come does it for all.
    pub async fn refresh_statistics(&self, actor: &Actor) -> Result<bool, Error> {
        let has_looked = self.store().refresh_statistics().await?;
        if has_looked {
            tracing::info!(tenant = %actor.tenant, "statistics of the search index are new");
        }
        Ok(has_looked)
    }

    /// Deletes blobs that nobody needs and that are older than the time of grace. First the row goes, if
    /// still nobody needs it, then the bytes: a crash between the two leaves bytes that the next listing
    /// finds, never a row without bytes.
    pub async fn sweep_blobs(&self, actor: &Actor) -> Result<usize, Error> {
        let before = self.now().plus_seconds(-BLOB_GRACE_SECONDS);
        Ok(self.sweep_unused(actor, before).await? + self.sweep_strays(actor, before).await?)
    }

    /// Deletes bytes that no row speaks of: of a use case that did not come to its commit, or of a sweep
    /// that did not come to its end.
    async fn sweep_strays(&self, actor: &Actor, before: Timestamp) -> Result<usize, Error> {
        let mut listing = self.blobs().list(&actor.tenant);
        let (mut old, mut swept, mut ended) = (Vec::new(), 0, false);
        while !ended {
            match listing.try_next().await? {
                Some(entry) if entry.stored_at < before => old.push(entry.digest),
                Some(_) => continue,
                None => ended = true,
            }
            if !ended && old.len() < LISTED {
                continue;
            }
            let known = self.desk(actor).known_blobs(&old).await?;
            for stray in old.drain(..).filter(|digest| !known.contains(digest)) {
                // Whoever puts the same bytes again makes them young.
                if self.blobs().delete_if_older(&actor.tenant, stray, before).await? {
                    swept += 1;
                }
            }
        }
        Ok(swept)
    }

    async fn sweep_unused(&self, actor: &Actor, before: Timestamp) -> Result<usize, Error> {
        let mut swept = 0;
        loop {
            let unused = self.desk(actor).unused_blobs(before, BATCH).await?;
            if unused.is_empty() {
                return Ok(swept);
            }
            for digest in unused {
                if self.desk(actor).forget_blob(digest).await? {
                    // Bytes that somebody has put again since are theirs: young, and soon with a row.
                    self.blobs().delete_if_older(&actor.tenant, digest, before).await?;
                    swept += 1;
                }
            }
        }
    }

    /// Deletes rows of jobs that ended long ago and of tokens that have expired.
    pub async fn sweep_rows(&self, actor: &Actor) -> Result<(), Error> {
        let now = self.now();
        let keep = i64::try_from(self.settings().keep_finished_jobs.as_secs()).unwrap_or(i64::MAX);
        let before = now.plus_seconds(keep.saturating_neg());
        self.store().sweep_jobs(before).await?;
        let keep = i64::try_from(self.settings().subscriptions.keep_events.as_secs()).unwrap_or(i64::MAX);
        self.desk(actor).sweep_subscription_events(now.plus_seconds(keep.saturating_neg())).await?;
        Ok(self.desk(actor).sweep_tokens(now).await?)
    }
}

/// How long a blob may be without an owner: longer than any use case takes from bytes to commit.
const BLOB_GRACE_SECONDS: i64 = 3600;
/// Blobs looked at in one query.
const BATCH: i64 = 200;
/// Listed blobs that are looked up in one query.
const LISTED: usize = 200;
