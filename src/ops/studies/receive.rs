//! Taking an instance in: what it is, whether it is taken, and the one write set that keeps it.

use bytes::Bytes;

use crate::access::{Actor, Operation};
use crate::audit::{Object, ObjectKind, Outcome};
use crate::base::{AeTitle, Blake3, Uid};
use crate::dicom::header::{
    FileMeta, Header, HeaderError, HeaderLimits, Identity, MetaReader, NewMeta, Refusal, Scanner, Uids,
};
use crate::dicom::status::StoreStatus;

use super::super::{Error, Ops};
use super::intake::{Intake, IntakeError};
use super::{Framing, Received, Source};

/// An instance on its way in. Nothing of it can be seen until [`Incoming::finish`]; dropping it forgets it.
pub struct Incoming {
    pub(super) ops: Ops,
    pub(super) actor: Actor,
    source: Source,
    within_study: Option<Uid>,
    stage: Stage,
}

enum Stage {
    /// The file meta information is not complete.
    Meta(MetaReader),
    /// The data set goes by.
    DataSet(Box<Data>),
    /// It is refused, and nothing can be learnt of it any more.
    Refused(Refusal, Uids),
}

/// A data set that goes by.
struct Data {
    scanner: Scanner,
    announced: Option<Announced>,
    /// Where its file goes; nowhere once it is refused.
    intake: Option<Intake>,
    /// Where it begins in its file.
    offset: u64,
    refusal: Option<Refusal>,
}

/// What was said of the instance before it came.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "the standard calls them so")]
struct Announced {
    sop_class_uid: Uid,
    sop_instance_uid: Uid,
    transfer_syntax_uid: String,
}

/// An instance that may be kept, and whose file is on its way.
pub(super) struct Candidate {
    pub(super) identity: Identity,
    pub(super) header: Header,
    pub(super) transfer_syntax_uid: String,
    pub(super) data_set_offset: u64,
}

impl Ops {
    /// Begins to take one instance in: decides access. Of STOW-RS into a study, `within_study` is that study.
    pub async fn receive_instance(
        &self,
        actor: &Actor,
        source: &Source,
        framing: Framing,
        within_study: Option<&Uid>,
    ) -> Result<Incoming, Error> {
        self.authorize(actor, Operation::StudyStore).await?;
        let mut incoming = Incoming {
            ops: self.clone(),
            actor: actor.clone(),
            source: source.clone(),
            within_study: within_study.cloned(),
            stage: Stage::Meta(MetaReader::default()),
        };
        let is_low = self.is_disk_low().await;
        if let Framing::DataSet { transfer_syntax_uid, sop_class_uid, sop_instance_uid } = framing {
            let announced = Announced { sop_class_uid, sop_instance_uid, transfer_syntax_uid };
            incoming.stage = incoming.data_set(announced, incoming.source.calling_ae_title.as_ref());
        }
        if is_low {
            let uids = incoming.uids();
            incoming.stage = Stage::Refused(DISK_LOW, uids);
        }
        Ok(incoming)
    }
}

impl Incoming {
    /// Takes the next bytes. What is wrong with the instance is said at the end; the bytes of one that is refused
    /// are passed over.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        let bytes = match &mut self.stage {
            Stage::Refused(..) => return Ok(()),
            Stage::DataSet(_) => bytes,
            Stage::Meta(reader) => match reader.write(&bytes) {
                Ok(None) => return Ok(()),
                Ok(Some((meta, rest))) => {
                    self.stage = self.after_meta(meta);
                    Bytes::from(rest)
                }
                Err(error) => {
                    self.stage = Stage::Refused(error.into(), Uids::default());
                    return Ok(());
                }
            },
        };
        let Stage::DataSet(data) = &mut self.stage else { return Ok(()) };
        if let Err(error) = data.scanner.write(&bytes) {
            let uids = data.uids();
            let refusal = data.refusal.unwrap_or_else(|| error.into());
            self.stage = Stage::Refused(refusal, uids);
            return Ok(());
        }
        let Some(intake) = &mut data.intake else { return Ok(()) };
        match intake.write(bytes).await {
            Ok(()) => Ok(()),
            Err(IntakeError::Full) => {
                data.intake = None;
                data.refusal = Some(DISK_LOW);
                Ok(())
            }
            Err(IntakeError::Error(error)) => Err(error),
        }
    }

    /// All bytes were there. When this returns with success, the instance is on disk and can be found.
    pub async fn finish(mut self) -> Result<Received, Error> {
        let stage = std::mem::replace(&mut self.stage, Stage::Refused(NOTHING, Uids::default()));
        let (data, uids) = match stage {
            Stage::Refused(refusal, uids) => return self.refused(refusal, uids, None).await,
            Stage::Meta(reader) => {
                let refusal = reader.finish().err().map_or(NOTHING, Refusal::from);
                return self.refused(refusal, Uids::default(), None).await;
            }
            Stage::DataSet(data) => {
                let uids = data.uids();
                (data, uids)
            }
        };
        let Data { scanner, announced, intake, offset, refusal } = *data;
        let (Some(intake), Some(announced), None) = (intake, announced, refusal) else {
            return self.refused(refusal.unwrap_or(NOTHING), uids, None).await;
        };
        match self.judge(scanner, announced, offset) {
            Ok(candidate) => self.keep(candidate, intake).await,
            Err(refusal) => self.refused(refusal, uids, None).await,
        }
    }

    /// What can be said when the last byte was there, without asking anybody. PS3.18 §10.5.3.
    fn judge(&self, scanner: Scanner, announced: Announced, offset: u64) -> Result<Candidate, Refusal> {
        let header = scanner.finish()?;
        let identity = header.identity()?;
        let refusal = |status, comment| Err(Refusal { status, comment });
        if identity.sop_class_uid != announced.sop_class_uid {
            return refusal(StoreStatus::MISMATCH, "SOP class is not the one that was announced");
        }
        if identity.sop_instance_uid != announced.sop_instance_uid {
            return refusal(StoreStatus::MISMATCH, "SOP instance is not the one that was announced");
        }
        if self.within_study.as_ref().is_some_and(|study| *study != identity.study_instance_uid) {
            return refusal(StoreStatus::OTHER_STUDY, "belongs to another study");
        }
        if !crate::dicom::sop_class::is_storable(identity.sop_class_uid.as_str()) {
            return refusal(StoreStatus::SOP_CLASS_NOT_SUPPORTED, "SOP class is not stored");
        }
        Ok(Candidate { identity, header, transfer_syntax_uid: announced.transfer_syntax_uid, data_set_offset: offset })
    }

    /// Goes on to the data set of a Part 10 file.
    fn after_meta(&self, meta: FileMeta) -> Stage {
        let uid = |text: &Option<String>| text.as_deref().map(Uid::parse_lenient);
        let uids = Uids {
            sop_class_uid: uid(&meta.sop_class_uid).and_then(Result::ok),
            sop_instance_uid: uid(&meta.sop_instance_uid).and_then(Result::ok),
            ..Uids::default()
        };
        let Some(transfer_syntax_uid) = meta.transfer_syntax_uid else {
            return Stage::Refused(HeaderError::NoTransferSyntax.into(), uids);
        };
        let refusal = match (uid(&meta.sop_class_uid), uid(&meta.sop_instance_uid)) {
            (Some(Ok(sop_class_uid)), Some(Ok(sop_instance_uid))) => {
                let announced = Announced { sop_class_uid, sop_instance_uid, transfer_syntax_uid };
                let source = meta.source_ae_title.and_then(|title| AeTitle::parse(&title).ok());
                return self.data_set(announced, source.as_ref());
            }
            (Some(Err(_)), _) | (_, Some(Err(_))) => {
                Refusal { status: StoreStatus::ILLEGAL_UID, comment: "file meta information has an illegal UID" }
            }
            _ => Refusal { status: StoreStatus::MISMATCH, comment: "file meta information lacks a UID" },
        };
        // What it is, is still of interest to the sender.
        match self.scanner(&transfer_syntax_uid) {
            Ok(scanner) => {
                let (announced, intake) = (None, None);
                Stage::DataSet(Box::new(Data { scanner, announced, intake, offset: 0, refusal: Some(refusal) }))
            }
            Err(_) => Stage::Refused(refusal, uids),
        }
    }

    /// Begins the file of a data set.
    fn data_set(&self, announced: Announced, source: Option<&AeTitle>) -> Stage {
        let scanner = match self.scanner(&announced.transfer_syntax_uid) {
            Ok(scanner) => scanner,
            Err(error) => {
                let uids = Uids {
                    sop_class_uid: Some(announced.sop_class_uid),
                    sop_instance_uid: Some(announced.sop_instance_uid),
                    ..Uids::default()
                };
                return Stage::Refused(error.into(), uids);
            }
        };
        let meta = NewMeta {
            sop_class_uid: &announced.sop_class_uid,
            sop_instance_uid: &announced.sop_instance_uid,
            transfer_syntax_uid: &announced.transfer_syntax_uid,
            source,
            sending: self.source.calling_ae_title.as_ref(),
            receiving: self.source.called_ae_title.as_ref(),
        };
        let meta = Bytes::from(meta.to_bytes());
        let offset = meta.len() as u64;
        let mut intake = Intake::new(&self.ops, &self.actor.tenant);
        intake.begin(meta);
        let (announced, intake) = (Some(announced), Some(intake));
        Stage::DataSet(Box::new(Data { scanner, announced, intake, offset, refusal: None }))
    }

    fn scanner(&self, transfer_syntax_uid: &str) -> Result<Scanner, HeaderError> {
        let max_bytes = self.ops.settings().studies.max_instance_bytes;
        Scanner::new(transfer_syntax_uid, &HeaderLimits { max_bytes, ..HeaderLimits::default() })
    }

    /// As much as is known of what the instance is.
    fn uids(&self) -> Uids {
        match &self.stage {
            Stage::Refused(_, uids) => uids.clone(),
            Stage::DataSet(data) => data.uids(),
            Stage::Meta(_) => Uids::default(),
        }
    }

    /// Says why an instance is not kept, and leaves that in the audit log, with the digest of a data set that nothing
    /// else is wrong with.
    pub(super) async fn refused(
        &self,
        refusal: Refusal,
        uids: Uids,
        data_set: Option<Blake3>,
    ) -> Result<Received, Error> {
        let mut event = self.ops.event(&self.actor, Operation::StudyStore);
        if let Some(uid) = &uids.sop_instance_uid {
            let object = Object::new(ObjectKind::Instance, uid.as_str());
            event = event.on(object.of_study(uids.study_instance_uid.clone()));
        }
        let reason = match data_set {
            Some(digest) => format!("{}: {}; BLAKE3 of the data set {digest}", refusal.status, refusal.comment),
            None => format!("{}: {}", refusal.status, refusal.comment),
        };
        self.ops.shared.trail.note(event.failed(Outcome::MinorFailure, reason)).await?;
        Ok(received(uids, refusal.status, Some(refusal.comment), false))
    }
}

impl Data {
    fn uids(&self) -> Uids {
        let read = self.scanner.uids();
        let Some(announced) = &self.announced else { return read };
        Uids {
            sop_class_uid: read.sop_class_uid.or_else(|| Some(announced.sop_class_uid.clone())),
            sop_instance_uid: read.sop_instance_uid.or_else(|| Some(announced.sop_instance_uid.clone())),
            ..read
        }
    }
}

/// The answer for an instance.
pub(super) fn received(uids: Uids, status: StoreStatus, comment: Option<&'static str>, was_there: bool) -> Received {
    Received {
        study_instance_uid: uids.study_instance_uid,
        series_instance_uid: uids.series_instance_uid,
        sop_class_uid: uids.sop_class_uid,
        sop_instance_uid: uids.sop_instance_uid,
        status,
        comment,
        was_there,
    }
}

const NOTHING: Refusal = Refusal { status: StoreStatus::CANNOT_UNDERSTAND, comment: "no data set" };
pub(super) const DISK_LOW: Refusal =
    Refusal { status: StoreStatus::OUT_OF_RESOURCES, comment: "not enough space on disk" };
