//! Bringing instances to the archive behind, and deleting there what was deleted here. What is on its way is on disk
//! here; it is let go of when the archive behind has given it back byte by byte.

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::access::{Actor, Operation};
use crate::audit::{Object, ObjectKind, Outcome};
use crate::base::{Blake3, Timestamp};
use crate::remote::HttpError;
use crate::remote::orthanc::StoredAs;
use crate::store::{ArchiveChange, ArchiveCounts, RemoteFile, StoredInstance, Write, WriteSet};
use crate::telemetry::metric;

use super::super::super::{Error, Ops};
use super::super::HeldInstance;
use super::{Behind, micros, unreachable};

/// What the archive behind made of an instance.
enum Sent {
    /// It has it, under this id.
    There { remote_id: String, file: Option<RemoteFile> },
    /// It has something else under its UID, under this id.
    Other { remote_id: String },
    /// It does not want it.
    Refused(&'static str),
    /// This one cannot be sent now, for a reason that is its own.
    Later(Error),
}

impl Ops {
    /// Does what is to be done in the archive behind the actor's tenant; gives how much that was. Idempotent by id
    /// and digest.
    pub async fn send_to_archive(&self, actor: &Actor) -> Result<usize, Error> {
        let Some(behind) = self.behind(&actor.tenant).await? else { return Ok(0) };
        let done = self.send_round(actor, &behind).await;
        let ArchiveCounts { outgoing, deletions, unindexed, .. } = self.desk(actor).archive_counts(false).await?;
        for (what, count) in [("store", outgoing), ("delete", deletions), ("unindexed", unindexed)] {
            let peer = behind.name.as_str().to_owned();
            metrics::gauge!(metric::ARCHIVE_WAITING, "peer" => peer, "what" => what)
                .set(u32::try_from(count).unwrap_or(u32::MAX));
        }
        done
    }

    /// Lets go of bytes that are held besides those of the archive behind, the oldest first.
    pub async fn evict_held(&self, actor: &Actor) -> Result<(), Error> {
        let settings = &self.settings().studies.behind;
        let now = self.now().0;
        let is_time = self.archive_news(&actor.tenant, |news| {
            let is_time = now.saturating_sub(news.evicted_at) >= BETWEEN_EVICTIONS_US;
            if is_time {
                news.evicted_at = now;
            }
            is_time
        });
        if !is_time {
            return Ok(());
        }
        let before = Timestamp(self.now().0.saturating_sub(micros(settings.cache_age)));
        let change = ArchiveChange::Evict { before, bytes: settings.cache_bytes };
        Ok(self.desk(actor).commit(WriteSet::new().with(Write::Archive(change))).await?)
    }

    async fn send_round(&self, actor: &Actor, behind: &Behind) -> Result<usize, Error> {
        // First what is to be deleted: what comes behind may be stored anew under the same id.
        let deletions = self.desk(actor).remote_deletions(ROUND).await?;
        let mut done = deletions.len();
        for id in deletions {
            behind.peer.delete_instance(&id).await.map_err(|error| unreachable(&error))?;
            let set = WriteSet::new().with(Write::Archive(ArchiveChange::Done(id)));
            self.desk(actor).commit(set).await?;
            metrics::counter!(metric::ARCHIVE_INSTANCES, "outcome" => "deleted").increment(1);
        }
        let outgoing = self.desk(actor).outgoing(ROUND).await?;
        done += outgoing.len();
        let mut sent = stream::iter(outgoing)
            .map(|stored| async move {
                let on_its_way = self.shared.archives.sending.begin(&actor.tenant, &stored.instance_uid);
                let sent = self.send_instance(actor, behind, &stored).await?;
                Ok::<_, Error>((stored, sent, on_its_way))
            })
            .buffer_unordered(AT_A_TIME);
        // Those that are under way when one fails are sent again: they are found to be there.
        let mut failure = None;
        while let Some(outcome) = sent.next().await {
            match outcome? {
                (_, Sent::Later(error), _) => {
                    tracing::error!(%error, "an instance is not brought to the archive behind");
                    failure = Some(error);
                }
                (stored, outcome, _until_it_is_committed) => {
                    self.desk(actor).commit(self.after_sending(actor, behind, &stored, outcome)).await?;
                }
            }
        }
        failure.map_or(Ok(done), Err)
    }

    fn after_sending(&self, actor: &Actor, behind: &Behind, stored: &StoredInstance, sent: Sent) -> WriteSet {
        let (instance, data_set) = (stored.instance_uid.clone(), stored.data_set_digest);
        let refused = |set: WriteSet, reason: &'static str| {
            tracing::error!(reason, "the archive behind does not take an instance, which stays here");
            metrics::counter!(metric::ARCHIVE_INSTANCES, "outcome" => "refused").increment(1);
            let object = Object::new(ObjectKind::Instance, stored.instance_uid.as_str());
            let event = self.event(actor, Operation::StudyStore).on(object.of_study(Some(stored.study_uid.clone())));
            set.with(Write::Archive(ArchiveChange::Refused { instance: stored.instance_uid.clone(), data_set }))
                .with(Write::Audit(event.failed(Outcome::MinorFailure, reason)))
        };
        match sent {
            Sent::There { remote_id, file } => {
                metrics::counter!(metric::ARCHIVE_INSTANCES, "outcome" => "sent").increment(1);
                let moved_to = (!behind.is_mirror).then_some(file).flatten();
                WriteSet::new().with(Write::Archive(ArchiveChange::Sent { instance, data_set, remote_id, moved_to }))
            }
            Sent::Other { remote_id } => {
                let reason = "Orthanc holds another data set under this UID";
                let noted = ArchiveChange::Unindexed { remote_id, reason: "is known with other content" };
                refused(WriteSet::new().with(Write::Archive(noted)), reason)
            }
            Sent::Refused(reason) => refused(WriteSet::new(), reason),
            Sent::Later(_) => WriteSet::new(),
        }
    }

    async fn send_instance(&self, actor: &Actor, behind: &Behind, stored: &StoredInstance) -> Result<Sent, Error> {
        let held = HeldInstance::from(stored.clone());
        let blob = match self.open_here(actor, &held, None).await {
            Ok(blob) => blob,
            Err(error) => return Ok(Sent::Later(error)),
        };
        let remote_id = match behind.peer.store_file(blob.size, blob.body).await {
            Ok(StoredAs::New(id)) => {
                self.shared.archives.echoes.expect(&actor.tenant, &id, self.now());
                id
            }
            Ok(StoredAs::Present(id)) => id,
            Ok(StoredAs::Refused(reason)) => return Ok(Sent::Refused(reason)),
            Err(error @ HttpError::Status { status: 500 | 507, .. }) => return Ok(Sent::Later(unreachable(&error))),
            Err(error) => return Err(unreachable(&error)),
        };
        // Nothing is let go of here on the word of a status alone.
        let digest = digest_of(behind, &remote_id).await.map_err(|error| unreachable(&error))?;
        if digest == Some(held.blob.digest) {
            let file = RemoteFile {
                digest: held.blob.digest,
                size: held.blob.size,
                data_set_offset: held.data_set_offset,
                pixel_data_offset: held.pixel_data_offset,
            };
            return Ok(Sent::There { remote_id, file: Some(file) });
        }
        let file = behind.peer.open_file(&remote_id).await.map_err(|error| unreachable(&error))?;
        let Some(file) = file else { return Err(Error::Busy("a stored instance is gone again".into())) };
        match self.read_file(file).await? {
            Ok(read) if read.candidate.header.digest == held.data_set_digest => {
                let is_same_syntax = read.candidate.transfer_syntax_uid == held.transfer_syntax_uid;
                let file = read.file();
                Ok(if is_same_syntax { Sent::There { remote_id, file: Some(file) } } else { Sent::Other { remote_id } })
            }
            _ => Ok(Sent::Other { remote_id }),
        }
    }
}

/// The digest of a file of the archive behind; `None` if it is not there.
pub(super) async fn digest_of(behind: &Behind, id: &str) -> Result<Option<Blake3>, HttpError> {
    let Some(file) = behind.peer.open_file(id).await? else { return Ok(None) };
    let mut body = file.body;
    let mut hasher = blake3::Hasher::new();
    while let Some(bytes) = body.try_next().await? {
        hasher.update(&bytes);
    }
    Ok(Some(Blake3::from_hasher(&hasher)))
}

/// How often it is looked what is held.
const BETWEEN_EVICTIONS_US: i64 = 30_000_000;
/// Instances of a round.
const ROUND: i64 = 64;
/// Instances that are sent at a time.
const AT_A_TIME: usize = 4;
