//! Keeping an instance: what becomes of one that is known already, and the write set.

use crate::access::Operation;
use crate::audit::{Object, ObjectKind};
use crate::base::Blake3;
use crate::blob::BlobRef;
use crate::dicom::header::{Refusal, Uids};
use crate::dicom::index::{InstanceIndex, SeriesIndex, StudyIndex};
use crate::dicom::json;
use crate::dicom::status::StoreStatus;
use crate::store::{BlobUse, INSTANCE_OWNER, InstancePlace, NewInstance, StoreError, StoredInstance, Write, WriteSet};

use super::super::Error;
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
    pub(super) async fn keep(&self, candidate: Candidate, intake: Intake) -> Result<Received, Error> {
        let uids = Uids::from(candidate.identity.clone());
        let data_set = Some(candidate.header.digest);
        let mut place = self.place(&candidate).await?;
        // Nothing is written to disk for one that is not kept.
        let mut replaces = match self.plan(&candidate, place.instance.as_ref()) {
            Plan::There => return Ok(received(uids, StoreStatus::SUCCESS, None, true)),
            Plan::Refuse(refusal) => return self.refused(refusal, uids, data_set).await,
            Plan::Keep { replaces } => replaces,
        };
        let blob = match intake.finish().await {
            Ok(blob) => blob,
            Err(IntakeError::Full) => return self.refused(DISK_LOW, uids, None).await,
            Err(IntakeError::Error(error)) => return Err(error),
        };
        let mut new = if candidate.header.kept_bytes() > SHORT_BYTES {
            self.ops.on_cpu(move || new_instance(candidate, blob)).await?
        } else {
            new_instance(candidate, blob)
        };
        for _ in 0..ATTEMPTS {
            new.0.replaces = replaces;
            let contradicts = place.patient.as_ref().is_some_and(|(id, issuer)| new.0.study.contradicts(id, issuer));
            match self.ops.desk(&self.actor).commit(self.write_set(&new.0)).await {
                Ok(()) => {
                    let is_flawed = contradicts || !new.0.flaws.is_empty();
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
                    place = self.place(&new.1).await?;
                    replaces = match self.plan(&new.1, place.instance.as_ref()) {
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

    fn write_set(&self, new: &NewInstance) -> WriteSet {
        let study = new.study_uid.clone();
        let object = Object::new(ObjectKind::Instance, new.instance_uid.as_str()).of_study(Some(study));
        let blob = BlobUse {
            digest: new.digest,
            size: new.size,
            owner_kind: INSTANCE_OWNER,
            owner_id: new.instance_uid.as_str().to_owned(),
        };
        WriteSet::new()
            .with(Write::Blob(blob))
            .with(Write::Instance(Box::new(new.clone())))
            .with(Write::Audit(self.ops.event(&self.actor, Operation::StudyStore).on(object)))
            .with(Write::Job(self.ops.study_changed(&self.actor, &new.study_uid, self.ops.now())))
    }
}

/// What the store keeps of an instance.
fn new_instance(candidate: Candidate, blob: BlobRef) -> (NewInstance, Candidate) {
    let (identity, header) = (&candidate.identity, &candidate.header);
    let (study, series) = json::split(header);
    let pixel_data_offset = header.pixel_data_offset.filter(|_| !header.encoding.is_deflated);
    let flaw = |flaw: &crate::dicom::header::Flaw| {
        format!("{:04X}{:04X}:{}", flaw.tag.group(), flaw.tag.element(), flaw.kind.as_str())
    };
    let new = NewInstance {
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
        replaces: None,
    };
    (new, candidate)
}

/// Bytes of a header that are turned into JSON at once.
const SHORT_BYTES: usize = 128 * 1024;
/// Attempts at a commit that others spoil.
const ATTEMPTS: usize = 4;
