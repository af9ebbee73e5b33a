//! Keeping an instance: what becomes of one that is known already, and the write set.

use std::sync::Arc;

use bytes::Bytes;

use crate::access::Operation;
use crate::audit::{Object, ObjectKind};
use crate::base::Blake3;
use crate::blob::BlobRef;
use crate::dicom::header::{Refusal, Uids};
use crate::dicom::index::{InstanceIndex, SeriesIndex, StudyIndex};
use crate::dicom::json;
use crate::dicom::status::StoreStatus;
use crate::store::{InstancePlace, NewInstance, StoreError, StoredInstance};

use super::super::Error;
use super::gather::Keeping;
use super::intake::{Intake, IntakeError};
use super::receive::{Candidate, DISK_LOW, Incoming, received};
use super::{Duplicates, Received};

/// What is to be done with an instance.
enum Plan {
    /// It is there already, the same.
    There,
    /// It is not taken.
    Refuse(Refusal),
    /// It is kept, in the place of another one if there is one.
    Keep { replaces: Option<Blake3> },
}

impl Incoming {
    /// Keeps an instance, unless it is there or another one of its UID stays.
    pub(super) async fn keep(&self, candidate: Candidate, mut intake: Intake) -> Result<Received, Error> {
        let uids = Uids::from(candidate.identity.clone());
        let data_set = Some(candidate.header.digest);
        let mut place = self.place(&candidate).await?;
        // Nothing is written to disk for one that is not kept.
        let mut replaces = match self.plan(&candidate, place.instance.as_ref()) {
            Plan::There => return Ok(received(uids, StoreStatus::SUCCESS, None, true)),
            Plan::Refuse(refusal) => return self.refused(refusal, uids, data_set).await,
            Plan::Keep { replaces } => replaces,
        };
        let settings = &self.ops.settings().studies;
        // What goes on to an archive behind is a blob, however short it is: it is held for a while when it has arrived.
        let is_local = !settings.behind.has(&self.actor.tenant);
        let (blob, file) = match intake.short(if is_local { settings.short_file_bytes } else { 0 }) {
            Some((blob, file)) => (blob, Some(file)),
            None => match intake.finish().await {
                Ok(blob) => (blob, None),
                Err(IntakeError::Full) => return self.refused(DISK_LOW, uids, None).await,
                Err(IntakeError::Error(error)) => return Err(error),
            },
        };
        let new = if candidate.header.kept_bytes() > SHORT_BYTES {
            self.ops.on_cpu(move || (new_instance(&candidate, blob, file), candidate)).await?
        } else {
            (new_instance(&candidate, blob, file), candidate)
        };
        let (instance, candidate) = (Arc::new(self.ops.desk(&self.actor).seal_instance(new.0)?), new.1);
        for _ in 0..ATTEMPTS {
            if let (Some(_), Some(former)) = (replaces, &place.instance) {
                self.ops.hold_former(&self.actor, former).await?;
            }
            let new = instance.instance();
            let contradicts = place.patient.as_ref().is_some_and(|(id, issuer)| new.study.contradicts(id, issuer));
            let study = &new.study_uid;
            let object = Object::new(ObjectKind::Instance, new.instance_uid.as_str()).of_study(Some(study.clone()));
            let keeping = Keeping {
                actor: self.actor.clone(),
                instance: Arc::clone(&instance),
                replaces,
                event: self.ops.event(&self.actor, Operation::StudyStore).on(object),
                job: self.ops.study_changed(&self.actor, study, self.ops.now()),
            };
            match self.ops.keep_gathered(keeping).await {
                Ok(()) => {
                    let is_flawed = contradicts || !new.flaws.is_empty();
                    let status = if is_flawed { StoreStatus::STORED_WITH_WARNING } else { StoreStatus::SUCCESS };
                    let comment = match (contradicts, is_flawed) {
                        (true, _) => Some("patient is not that of the study"),
                        (false, true) => Some("some elements break rules"),
                        (false, false) => None,
                    };
                    return Ok(received(uids, status, comment, false));
                }
                // Somebody else's instance of this UID came first.
                Err(StoreError::Duplicate) => {
                    place = self.place(&candidate).await?;
                    replaces = match self.plan(&candidate, place.instance.as_ref()) {
                        Plan::There => return Ok(received(uids, StoreStatus::SUCCESS, None, true)),
                        Plan::Refuse(refusal) => return self.refused(refusal, uids, data_set).await,
                        Plan::Keep { replaces } => replaces,
                    };
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Busy("others store the same instance at this moment".into()))
    }

    async fn place(&self, candidate: &Candidate) -> Result<InstancePlace, Error> {
        let identity = &candidate.identity;
        let desk = self.ops.desk(&self.actor);
        Ok(desk.instance_place(&identity.sop_instance_uid, &identity.study_instance_uid).await?)
    }

    fn plan(&self, candidate: &Candidate, there: Option<&StoredInstance>) -> Plan {
        let Some(there) = there else { return Plan::Keep { replaces: None } };
        let (identity, header) = (&candidate.identity, &candidate.header);
        let duplicate = |comment| Plan::Refuse(Refusal { status: StoreStatus::DUPLICATE_SOP_INSTANCE, comment });
        if there.study_uid != identity.study_instance_uid || there.series_uid != identity.series_instance_uid {
            return duplicate("known in another study or series");
        }
        if there.data_set_digest == header.digest && there.transfer_syntax_uid == candidate.transfer_syntax_uid {
            return Plan::There;
        }
        match self.ops.settings().studies.duplicates {
            Duplicates::Reject => duplicate("known with other content"),
            Duplicates::KeepFirst => duplicate("known with other content, which stays"),
            Duplicates::Replace => Plan::Keep { replaces: Some(there.data_set_digest) },
        }
    }
}

/// What the store keeps of an instance.
pub(super) fn new_instance(candidate: &Candidate, blob: BlobRef, file: Option<Bytes>) -> NewInstance {
    let (identity, header) = (&candidate.identity, &candidate.header);
    let (study, series) = json::split(header);
    let pixel_data_offset = header.pixel_data_offset.filter(|_| !header.encoding.is_deflated);
    let flaw = |flaw: &crate::dicom::header::Flaw| {
        format!("{:04X}{:04X}:{}", flaw.tag.group(), flaw.tag.element(), flaw.kind.as_str())
    };
    NewInstance {
        study_uid: identity.study_instance_uid.clone(),
        series_uid: identity.series_instance_uid.clone(),
        instance_uid: identity.sop_instance_uid.clone(),
        class_uid: identity.sop_class_uid.clone(),
        study: StudyIndex::of(header),
        study_attributes: study.to_json(),
        series: SeriesIndex::of(header),
        series_attributes: series.to_json(),
        instance: InstanceIndex::of(header),
        transfer_syntax_uid: candidate.transfer_syntax_uid.clone(),
        digest: blob.digest,
        size: blob.size,
        data_set_digest: header.digest,
        data_set_offset: candidate.data_set_offset,
        pixel_data_offset: pixel_data_offset.map(|offset| candidate.data_set_offset + offset),
        flaws: header.flaws.iter().map(flaw).collect::<Vec<_>>().join(" "),
        metadata: json::object(header),
        file,
    }
}

/// Bytes of a header that are turned into JSON at once.
const SHORT_BYTES: usize = 128 * 1024;
/// Attempts at a commit that others spoil.
const ATTEMPTS: usize = 4;
