//! The ImagingStudy of a study that has settled, and the Endpoint that it names. The gateway alone writes them:
//! a new version when the study says something else than before, and the end of it with the study.

use crate::access::{Actor, Operation};
use crate::audit::Object;
use crate::base::{LogicalId, Uid};
use crate::dicom::study::StudyFacts;
use crate::fhir::Json;
use crate::report::fhir::{StudyTies, archived_study, endpoint, endpoint_id, patient_token, shared};
use crate::store::{ResourceWrite, StoredResource, Write, WriteSet};

use super::super::document::document;
use super::super::resources::version;
use super::super::{Error, Ops};

impl Ops {
    /// What makes the ImagingStudy say what the study says: nothing if it does already, its deletion if there is
    /// no such study any more. The set is for the caller to commit; it fails if somebody else writes the same
    /// resources in between. Idempotent: committed twice, the second set is empty.
    pub(in crate::ops) async fn imaging_study_writes(&self, actor: &Actor, study: &Uid) -> Result<WriteSet, Error> {
        let Some(facts) = self.study_facts(actor, study).await? else {
            return self.imaging_study_deletion(actor, study).await;
        };
        let base_url = self.base_url(&actor.tenant);
        let Some(existing) = self.imaging_study(actor, study).await? else { return Ok(WriteSet::new()) };
        let ties = StudyTies {
            id: existing.id.clone(),
            patient: self.patient_of(actor, &facts, &base_url).await?,
            service_request: self.order_of(actor, &facts).await?,
        };
        let fault = |error: crate::report::fhir::WriteError| Error::Fault(error.to_string());
        let body = archived_study(study, &facts, &ties, &base_url).map_err(fault)?;
        let place = self.desk(actor).resource("Endpoint", &endpoint_id()).await?;
        let place = Existing { id: endpoint_id(), stored: place };
        let mut set = WriteSet::new();
        set = self.written(actor, set, "Endpoint", place, endpoint(&base_url).map_err(fault)?)?;
        self.written(actor, set, "ImagingStudy", existing, body)
    }

    /// What deletes the ImagingStudy of a study; nothing if there is none of ours.
    pub(in crate::ops) async fn imaging_study_deletion(&self, actor: &Actor, study: &Uid) -> Result<WriteSet, Error> {
        let Some(Existing { id, stored: Some(stored) }) = self.imaging_study(actor, study).await? else {
            return Ok(WriteSet::new());
        };
        if stored.body.is_none() || !shared::is_archive_source(source(&document(&stored)?)) {
            return Ok(WriteSet::new());
        }
        let write = ResourceWrite {
            resource_type: "ImagingStudy".to_owned(),
            logical_id: id.clone(),
            expected: Some(stored.version_id),
            last_updated: self.now().to_millis(),
            body: None,
            rows: Vec::new(),
            entries: Vec::new(),
        };
        let object = Object::resource("ImagingStudy", &id, Some(write.version_id()));
        let event = self.event(actor, Operation::FhirDelete).on(object);
        Ok(WriteSet::new().with(Write::Resource(write)).with(Write::Audit(event)))
    }

    /// Makes the ImagingStudy of a study now, without waiting until it settles; gives its logical id, if there is
    /// one.
    pub async fn settle_now(&self, actor: &Actor, study: &Uid) -> Result<Option<LogicalId>, Error> {
        self.authorize(actor, Operation::StudyStore).await?;
        let set = self.imaging_study_writes(actor, study).await?;
        if !set.is_empty() {
            self.desk(actor).commit(set).await?;
        }
        let stored = self.imaging_study(actor, study).await?.and_then(|existing| existing.stored);
        Ok(stored.filter(|stored| stored.body.is_some()).map(|stored| stored.logical_id))
    }

    /// The place of the ImagingStudy of a study: the resource that has its UID, else the id that follows from the
    /// UID. `None` where somebody else keeps a resource for it, which stays as it is.
    async fn imaging_study(&self, actor: &Actor, study: &Uid) -> Result<Option<Existing>, Error> {
        let id = LogicalId::derived(&["ImagingStudy", study.as_str()]);
        let stored = self.desk(actor).resource("ImagingStudy", &id).await?;
        if stored.as_ref().is_none_or(|stored| stored.body.is_none()) {
            let uid = format!("urn:oid:{study}");
            let others = self.having_identifier(actor, "ImagingStudy", Some(DICOM_UID), &uid, 1).await?;
            if !others.is_empty() {
                return Ok(None);
            }
        }
        Ok(Some(Existing { id, stored }))
    }

    /// The one Patient that has the patient ID of the study, of its issuer. Of several with the same identifier
    /// none is taken: that is for people to sort out.
    async fn patient_of(&self, actor: &Actor, facts: &StudyFacts, base_url: &str) -> Result<Option<LogicalId>, Error> {
        let Some((system, value)) = patient_token(facts, base_url) else { return Ok(None) };
        let found = self.having_identifier(actor, "Patient", Some(&system), &value, 2).await?;
        Ok(if let [only] = found.as_slice() { Some(only.clone()) } else { None })
    }

    /// The one ServiceRequest that has the accession number, whoever gave it.
    async fn order_of(&self, actor: &Actor, facts: &StudyFacts) -> Result<Option<LogicalId>, Error> {
        let Some(number) = &facts.accession_number else { return Ok(None) };
        let found = self.having_identifier(actor, "ServiceRequest", None, number, 2).await?;
        Ok(if let [only] = found.as_slice() { Some(only.clone()) } else { None })
    }

    /// Adds the version that says `body`, if it is ours to write and the present one says something else.
    fn written(
        &self,
        actor: &Actor,
        set: WriteSet,
        resource_type: &str,
        existing: Existing,
        body: Json,
    ) -> Result<WriteSet, Error> {
        let present = existing.stored.as_ref().filter(|stored| stored.body.is_some()).map(document).transpose()?;
        if let Some(present) = &present
            && (!shared::replaces(present, &body) || shared::says_the_same(present, &body))
        {
            return Ok(set);
        }
        let operation = if present.is_some() { Operation::FhirUpdate } else { Operation::FhirCreate };
        let before = existing.stored.map(|stored| stored.version_id);
        let (stored, write) = version(resource_type, existing.id, before, body, self.now());
        let object = Object::resource(resource_type, &stored.logical_id, Some(stored.version_id));
        let event = self.event(actor, operation).on(object);
        Ok(set.with(Write::Resource(write)).with(Write::Audit(event)))
    }
}

/// The place of a resource, and what stands there.
struct Existing {
    id: LogicalId,
    stored: Option<StoredResource>,
}

fn source(resource: &Json) -> &str {
    resource.text_at(&["meta", "source"]).unwrap_or_default()
}

/// R4 imagingstudy.html#notes: the system of DICOM UIDs.
const DICOM_UID: &str = "urn:dicom:uid";
