//! Taking instances of the archive behind into the index. Each is read once, from its first byte to its last: what
//! comes of it is what a local store keeps, with the digests that reading is held to later.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::access::{Actor, Operation};
use crate::audit::{Object, ObjectKind, Outcome};
use crate::base::{Blake3, Uid};
use crate::blob::BlobRef;
use crate::dicom::header::{HeaderLimits, MetaReader, Scanner};
use crate::remote::HttpError;
use crate::remote::orthanc::OpenedFile;
use crate::store::{ArchiveChange, RemoteFile, SealedInstance, StoreError, Write, WriteSet};
use crate::telemetry::metric;

use super::super::super::{Error, Ops};
use super::super::keep::new_instance;
use super::super::receive::Candidate;
use super::super::{Framing, Source};
use super::{Behind, unreachable};

/// What became of an instance of the archive behind.
enum Fetched {
    /// It can be indexed.
    Whole(Arc<SealedInstance>),
    /// It is here too now.
    Kept(Uid),
    /// It cannot be indexed.
    Unindexed(&'static str),
    /// It is not there any more.
    Gone,
}

/// A file as it was read, to its last byte.
pub(super) struct Read {
    pub(super) candidate: Candidate,
    pub(super) blob: BlobRef,
}

impl Read {
    pub(super) fn file(&self) -> RemoteFile {
        let (header, offset) = (&self.candidate.header, self.candidate.data_set_offset);
        let pixels = header.pixel_data_offset.filter(|_| !header.encoding.is_deflated);
        RemoteFile {
            digest: self.blob.digest,
            size: self.blob.size,
            data_set_offset: offset,
            pixel_data_offset: pixels.map(|pixels| pixels + offset),
        }
    }
}

impl Ops {
    /// Takes in those of some instances of the archive behind that are not known.
    pub(super) async fn take_in(&self, actor: &Actor, behind: &Behind, ids: &[String]) -> Result<(), Error> {
        for ids in ids.chunks(TOGETHER) {
            let known = self.desk(actor).known_remotes(ids).await?;
            let unknown: Vec<String> = ids.iter().filter(|id| !known.contains(*id)).cloned().collect();
            let fetched: Vec<(String, Fetched)> = stream::iter(unknown)
                .map(|id| async move { Ok::<_, Error>((id.clone(), self.fetch(actor, behind, &id).await?)) })
                .buffered(AT_A_TIME)
                .try_collect()
                .await?;
            self.keep_fetched(actor, fetched).await?;
        }
        Ok(())
    }

    async fn fetch(&self, actor: &Actor, behind: &Behind, id: &str) -> Result<Fetched, Error> {
        let file = match behind.peer.open_file(id).await {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(Fetched::Gone),
            // One file that is damaged there must not keep all others from coming.
            Err(HttpError::Status { status: 500, .. }) => {
                return Ok(Fetched::Unindexed("Orthanc cannot read the file"));
            }
            Err(error) => return Err(unreachable(&error)),
        };
        if behind.is_mirror {
            return self.fetch_whole(actor, file).await;
        }
        match self.read_file(file).await? {
            Ok(Read { candidate, blob }) => {
                let new = self.on_cpu(move || new_instance(&candidate, blob, None)).await?;
                Ok(Fetched::Whole(Arc::new(self.desk(actor).seal_instance(new)?)))
            }
            Err(reason) => Ok(Fetched::Unindexed(reason)),
        }
    }

    /// Stores an instance here as any other one; on its way to the archive behind it meets the one that is there.
    async fn fetch_whole(&self, actor: &Actor, mut file: OpenedFile) -> Result<Fetched, Error> {
        let mut incoming = self.receive_instance(actor, &Source::default(), Framing::Part10, None).await?;
        while let Some(bytes) = file.body.try_next().await.map_err(|error| unreachable(&error))? {
            incoming.write(bytes).await?;
        }
        let received = incoming.finish().await?;
        match (received.comment, received.sop_instance_uid) {
            (_, Some(uid)) if received.status.class().is_kept() => Ok(Fetched::Kept(uid)),
            // A place that is full now is not always so.
            _ if received.status == crate::dicom::status::StoreStatus::OUT_OF_RESOURCES => {
                Err(Error::Busy("not enough space for a mirrored instance".into()))
            }
            (comment, _) => Ok(Fetched::Unindexed(comment.unwrap_or("cannot be stored here"))),
        }
    }

    /// Reads a file to its last byte; the inner error says why it cannot be indexed.
    pub(super) async fn read_file(&self, file: OpenedFile) -> Result<Result<Read, &'static str>, Error> {
        let mut body = file.body;
        let mut whole = blake3::Hasher::new();
        let (mut size, mut meta, mut scanning) = (0_u64, Some(MetaReader::default()), None);
        while let Some(bytes) = body.try_next().await.map_err(|error| unreachable(&error))? {
            whole.update(&bytes);
            size += bytes.len() as u64;
            if let Some(reader) = &mut meta {
                let (found, rest) = match reader.write(&bytes) {
                    Ok(None) => continue,
                    Ok(Some(found)) => found,
                    Err(_unreadable) => return Ok(Err("file meta information is unreadable")),
                };
                meta = None;
                let Some(transfer_syntax_uid) = found.transfer_syntax_uid else {
                    return Ok(Err("has no transfer syntax"));
                };
                let limits = HeaderLimits { max_bytes: u64::MAX, ..HeaderLimits::default() };
                let Ok(mut scanner) = Scanner::new(&transfer_syntax_uid, &limits) else {
                    return Ok(Err("transfer syntax is not supported"));
                };
                if scanner.write(&rest).is_err() {
                    return Ok(Err("data set is unreadable"));
                }
                scanning = Some((scanner, transfer_syntax_uid, size - rest.len() as u64));
            } else if let Some((scanner, ..)) = &mut scanning
                && scanner.write(&bytes).is_err()
            {
                return Ok(Err("data set is unreadable"));
            }
        }
        if file.length.is_some_and(|length| length != size) {
            return Err(Error::Busy("the archive behind broke off".into()));
        }
        let Some((scanner, transfer_syntax_uid, data_set_offset)) = scanning else {
            return Ok(Err("is not a DICOM file"));
        };
        let Ok(header) = scanner.finish() else { return Ok(Err("data set is unreadable")) };
        let identity = match header.identity() {
            Ok(identity) => identity,
            Err(refusal) => return Ok(Err(refusal.comment)),
        };
        let blob = BlobRef { digest: Blake3::from_hasher(&whole), size };
        Ok(Ok(Read { candidate: Candidate { identity, header, transfer_syntax_uid, data_set_offset }, blob }))
    }

    async fn keep_fetched(&self, actor: &Actor, fetched: Vec<(String, Fetched)>) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let set = self.taken(actor, &fetched).await?;
            if set.is_empty() {
                return Ok(());
            }
            match self.desk(actor).commit(set).await {
                Ok(()) => {
                    let count = u64::try_from(fetched.len()).unwrap_or_default();
                    metrics::counter!(metric::ARCHIVE_INSTANCES, "outcome" => "taken").increment(count);
                    return Ok(());
                }
                // Somebody stores one of them at this moment.
                Err(StoreError::Duplicate) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Busy("others store the same instances at this moment".into()))
    }

    /// What is to be written for instances that were fetched, beside what is known by now.
    async fn taken(&self, actor: &Actor, fetched: &[(String, Fetched)]) -> Result<WriteSet, Error> {
        let uids: Vec<Uid> = fetched
            .iter()
            .filter_map(|(_, fetched)| match fetched {
                Fetched::Whole(sealed) => Some(sealed.instance().instance_uid.clone()),
                _ => None,
            })
            .collect();
        let there = self.desk(actor).instances_by_uid(&uids).await?;
        let there: HashMap<&Uid, _> = there.iter().map(|stored| (&stored.instance_uid, stored)).collect();
        // Asked in this order: what was deleted here on its way there is on its way still, or noted by now.
        let is_sending = |uid: &Uid| self.shared.archives.sending.has(&actor.tenant, uid);
        let sending: HashSet<Uid> = uids.iter().filter(|uid| is_sending(uid)).cloned().collect();
        let ids: Vec<String> = fetched.iter().map(|(id, _)| id.clone()).collect();
        let noted = self.desk(actor).known_remotes(&ids).await?;
        let mut set = WriteSet::new();
        let (mut studies, mut seen) = (HashSet::new(), HashSet::new());
        for (id, fetched) in fetched {
            let sealed = match fetched {
                Fetched::Gone => continue,
                Fetched::Kept(uid) => {
                    set = self.met(actor, set, id, uid).await?;
                    continue;
                }
                Fetched::Unindexed(reason) => {
                    set = self.unindexed(actor, set, id, reason, None);
                    continue;
                }
                Fetched::Whole(sealed) => sealed,
            };
            let new = sealed.instance();
            match there.get(&new.instance_uid) {
                _ if !seen.insert(&new.instance_uid) => {
                    set = self.unindexed(actor, set, id, "is there twice", Some(&new.instance_uid));
                }
                Some(stored) if stored.data_set_digest == new.data_set_digest => {
                    set = self.met(actor, set, id, &new.instance_uid).await?;
                }
                Some(_) => {
                    set = self.unindexed(actor, set, id, "is known with other content", Some(&new.instance_uid));
                }
                None if sending.contains(&new.instance_uid) || noted.contains(id) => {}
                None => {
                    let object = Object::new(ObjectKind::Instance, new.instance_uid.as_str());
                    let event = self.event(actor, Operation::StudyStore);
                    let taken = ArchiveChange::Taken { instance: new.instance_uid.clone(), remote_id: id.clone() };
                    set = set
                        .with(Write::Instance { instance: Arc::clone(sealed), replaces: None })
                        .with(Write::Archive(taken))
                        .with(Write::Audit(event.on(object.of_study(Some(new.study_uid.clone())))));
                    if studies.insert(&new.study_uid) {
                        set.add(Write::Job(self.study_changed(actor, &new.study_uid, self.now())));
                    }
                }
            }
        }
        Ok(set)
    }

    /// Adds what follows when an instance that is here is met in the archive behind: ours goes there, if it is not on
    /// its way already, and is compared with that one.
    async fn met(&self, actor: &Actor, set: WriteSet, id: &str, uid: &Uid) -> Result<WriteSet, Error> {
        Ok(match self.desk(actor).whereabouts(uid).await? {
            Some(place) if place.remote_id.is_empty() => set.with(Write::Archive(ArchiveChange::Offer(uid.clone()))),
            Some(place) if place.remote_id == id => set,
            _ => self.unindexed(actor, set, id, "is there twice", Some(uid)),
        })
    }

    /// Adds that an instance of the archive behind is not in the index, and why.
    fn unindexed(&self, actor: &Actor, set: WriteSet, id: &str, reason: &'static str, uid: Option<&Uid>) -> WriteSet {
        tracing::warn!(id, reason, "an instance of the archive behind is not in the index");
        let mut event = self.event(actor, Operation::StudyStore);
        if let Some(uid) = uid {
            event = event.on(Object::new(ObjectKind::Instance, uid.as_str()));
        }
        set.with(Write::Archive(ArchiveChange::Unindexed { remote_id: id.to_owned(), reason }))
            .with(Write::Audit(event.failed(Outcome::MinorFailure, format!("{id} in Orthanc: {reason}"))))
    }
}

/// Instances that are committed together.
const TOGETHER: usize = 32;
/// Instances that are read at a time.
const AT_A_TIME: usize = 4;
/// Attempts at a commit that others spoil.
const ATTEMPTS: usize = 4;
