//! Taking away what has lost its meaning.

use crate::access::Actor;

use super::{Error, Ops};

impl Ops {
    /// Deletes blobs that nobody needs and that are older than the time of grace. First the row goes, if
    /// still nobody needs it, then the bytes: a crash between the two leaves bytes that the next listing
    /// finds, never a row without bytes.
    pub async fn sweep_blobs(&self, actor: &Actor) -> Result<usize, Error> {
        let before = self.now().plus_seconds(-BLOB_GRACE_SECONDS);
        let mut swept = 0;
        loop {
            let unused = self.desk(actor).unused_blobs(before, BATCH).await?;
            if unused.is_empty() {
                return Ok(swept);
            }
            for digest in unused {
                if self.desk(actor).forget_blob(digest).await? {
                    self.blobs().delete(&actor.tenant, digest).await?;
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
        Ok(self.desk(actor).sweep_tokens(now).await?)
    }
}

/// How long a blob may be without an owner: longer than any use case takes from bytes to commit.
const BLOB_GRACE_SECONDS: i64 = 3600;
/// Blobs looked at in one query.
const BATCH: i64 = 200;
