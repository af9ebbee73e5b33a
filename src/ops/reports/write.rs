//! Writing a version of a report: its resources, their index rows, the Provenance that ties them, the
//! audit event and the job that tells everyone else, in one write set.

use std::collections::HashMap;

use crate::access::{Actor, Operation};
use crate::audit::Object;
use crate::base::{LogicalId, Timestamp, VersionId};
use crate::dicom::study::StudyFacts;
use crate::fhir::index::extract;
use crate::fhir::search;
use crate::fhir::{Json, Object as JsonObject};
use crate::jobs::Lane;
use crate::report::fhir::ids::{finding_id, measurement_id};
use crate::report::fhir::{Attachment, Ids, provenance, resources, shared};
use crate::report::{Edition, Letterhead, Losses, Predecessor, Rendering, Report, Twin, text};
use crate::store::{BlobUse, Find, NewJob, ResourceWrite, StoredResource, TokenIs, Write, WriteSet};

use super::super::document::{document, stamp};
use super::super::{Error, Ops};
use super::{ReportVersion, object};

/// A version that is to be written.
pub(super) struct NewVersion<'a> {
    /// What it says.
    pub(super) report: Report,
    /// The version that is the newest one now, if there is one.
    pub(super) after: Option<&'a ReportVersion>,
    /// The verified version that it follows.
    pub(super) predecessor: Option<Predecessor>,
    /// Why a verified version is changed.
    pub(super) reason: Option<String>,
    /// The bytes that it was read from, kept as a blob.
    pub(super) received: Option<BlobUse>,
}

impl Ops {
    /// Commits a version. Somebody else's commit in between is [`Error::VersionMismatch`].
    pub(super) async fn commit_version(
        &self,
        actor: &Actor,
        operation: Operation,
        new: NewVersion<'_>,
    ) -> Result<ReportVersion, Error> {
        let now = self.now().to_millis();
        let version = new.after.map_or(VersionId::FIRST, |former| former.edition.version.next());
        let edition = Edition {
            tenant: actor.tenant.clone(),
            version,
            recorded_at: now,
            verified_at: new.report.status.is_verified().then_some(now),
            predecessor: new.predecessor,
            reason: new.reason,
        };
        let content_digest = new.report.content_digest();
        let written = ReportVersion { report: new.report, edition, content_digest };
        let letterhead = self.worn_letterhead(actor).await?;
        let base_url = self.base_url(&actor.tenant);
        let mut ids = Ids::derived(&written.report, &letterhead);
        let mut bodies = compose(&written, &letterhead, &base_url, &ids)?;
        if self.take_known_patient(actor, &bodies, &mut ids).await? {
            bodies = compose(&written, &letterhead, &base_url, &ids)?;
        }
        let former = self.former(actor, &bodies, new.after).await?;
        // Somebody else may have written or deleted the report since the caller looked at it.
        let found = former.get(&("DiagnosticReport".to_owned(), written.report.id.as_str().to_owned()));
        if found.map(|report| report.version_id) != new.after.map(|former| former.edition.version) {
            return Err(Error::VersionMismatch { current: found.map(|report| report.version_id) });
        }
        let mut set = WriteSet::new();
        let mut versions: HashMap<(String, String), VersionId> = HashMap::new();
        for body in &mut bodies {
            let (kind, id) = identity(body)?;
            let key = (kind, id.as_str().to_owned());
            let existing = former.get(&key);
            let decided = decide(existing, body, now)?;
            versions.insert(key, decided.version);
            set = decided.write.into_iter().fold(set, |set, write| set.with(Write::Resource(write)));
        }
        for withdrawn in withdrawn(new.after, &former, &versions, now)? {
            set.add(Write::Resource(withdrawn));
        }
        let rendering = Rendering {
            report: &written.report,
            edition: &written.edition,
            content_digest,
            study: &StudyFacts::default(),
            letterhead: &letterhead,
            images: &[],
            missing: &Losses::new(),
            public_url: &base_url,
        };
        let version_of = |kind: &str, id: &str| versions.get(&(kind.to_owned(), id.to_owned())).copied();
        let mut provenance =
            provenance(&rendering, &ids, &bodies, &version_of).map_err(|error| Error::Fault(error.to_string()))?;
        if let Some(received) = &new.received {
            add_received(&mut provenance, received);
            set.add(Write::Blob(received.clone()));
        }
        set.add(Write::Resource(decide(None, &mut provenance, now)?.write.ok_or(Error::Conflict("version exists"))?));
        let event = self.event(actor, operation).on(audited(&written, new.after, &ids));
        set.add(Write::Job(dispatch_job(actor, &written, now)));
        self.desk(actor).commit(set.with(Write::Audit(event))).await?;
        Ok(written)
    }

    /// Takes the id of a Patient that is there already with the same identifier, if it is another one than
    /// the derived id. Two resources with one identifier are for people to sort out; neither is taken.
    async fn take_known_patient(&self, actor: &Actor, bodies: &[Json], ids: &mut Ids) -> Result<bool, Error> {
        let patient = bodies.iter().find(|body| body.text_at(&["resourceType"]) == Some("Patient"));
        let text = |key| patient.and_then(|patient| patient.text_at(&["identifier", "0", key])).map(str::to_owned);
        let (Some(system), Some(value)) = (text("system"), text("value")) else { return Ok(false) };
        let token = TokenIs { param: "identifier".into(), system: Some(system), values: vec![value] };
        let find = Find { tokens: vec![token], limit: 2, ..Find::default() };
        match self.desk(actor).find("Patient", find).await?.as_slice() {
            [only] if only.logical_id != ids.patient => {
                ids.patient = only.logical_id.clone();
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// What the store holds now of the resources that are to be written, and of those of the version
    /// before.
    async fn former(
        &self,
        actor: &Actor,
        bodies: &[Json],
        after: Option<&ReportVersion>,
    ) -> Result<HashMap<(String, String), StoredResource>, Error> {
        let mut keys: Vec<(String, LogicalId)> = bodies.iter().map(identity).collect::<Result<_, _>>()?;
        if let Some(after) = after {
            for id in observation_ids(&after.report) {
                let key = ("Observation".to_owned(), id);
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        let found = self.desk(actor).resources(&keys).await?;
        Ok(found
            .into_iter()
            .map(|resource| ((resource.resource_type.clone(), resource.logical_id.as_str().to_owned()), resource))
            .collect())
    }
}

/// The resources of a version, with the attachments that it will be fetched by.
fn compose(written: &ReportVersion, letterhead: &Letterhead, base_url: &str, ids: &Ids) -> Result<Vec<Json>, Error> {
    let rendering = Rendering {
        report: &written.report,
        edition: &written.edition,
        content_digest: written.content_digest,
        study: &StudyFacts::default(),
        letterhead,
        images: &[],
        missing: &Losses::new(),
        public_url: base_url,
    };
    let plain = text::render(&rendering);
    let url = |twin| rendering.rendition_url(twin);
    let (text_url, pdf_url, sr_url) = (url(Twin::Text), url(Twin::Pdf), url(Twin::DicomSr));
    let attachment = |twin: Twin, url, title| Attachment {
        content_type: twin.media_type(),
        title,
        url: Some(url),
        bytes: None,
        inline: false,
        creation: written.edition.recorded_at,
    };
    let mut attachments = vec![
        Attachment {
            bytes: Some(plain.as_bytes()),
            inline: true,
            ..attachment(Twin::Text, text_url.as_str(), "Report, plain text")
        },
        attachment(Twin::Pdf, pdf_url.as_str(), "Report, PDF"),
    ];
    if crate::report::sr::is_possible(written.report.status) {
        attachments.push(attachment(Twin::DicomSr, sr_url.as_str(), "Report, DICOM SR"));
    }
    resources(&rendering, ids, &attachments).map_err(|error| Error::Fault(error.to_string()))
}

struct Decided {
    version: VersionId,
    write: Option<ResourceWrite>,
}

/// Whether a resource is written, and as which version: the report's own always, a shared one if it is
/// new or if ours may take its place and says something else.
fn decide(existing: Option<&StoredResource>, body: &mut Json, now: Timestamp) -> Result<Decided, Error> {
    let (kind, id) = identity(body)?;
    if let Some(existing) = existing
        && existing.body.is_some()
        && !is_own(&kind)
    {
        let current = document(existing)?;
        if !shared::replaces(&current, body) || shared::says_the_same(&current, body) {
            return Ok(Decided { version: existing.version_id, write: None });
        }
    }
    let expected = existing.map(|existing| existing.version_id);
    let version = expected.map_or(VersionId::FIRST, VersionId::next);
    let write = write(kind, id, expected, version, body, now);
    Ok(Decided { version, write: Some(write) })
}

fn write(
    kind: String,
    id: LogicalId,
    expected: Option<VersionId>,
    version: VersionId,
    body: &mut Json,
    now: Timestamp,
) -> ResourceWrite {
    stamp(body, version, now);
    let (rows, entries) = (extract(body), search::extract(body));
    let text = body.to_text().into_bytes();
    ResourceWrite { resource_type: kind, logical_id: id, expected, last_updated: now, body: Some(text), rows, entries }
}

/// Observations that the version before had and this one has not.
fn withdrawn(
    after: Option<&ReportVersion>,
    former: &HashMap<(String, String), StoredResource>,
    versions: &HashMap<(String, String), VersionId>,
    now: Timestamp,
) -> Result<Vec<ResourceWrite>, Error> {
    let Some(after) = after else { return Ok(Vec::new()) };
    let mut writes = Vec::new();
    for id in observation_ids(&after.report) {
        let key = ("Observation".to_owned(), id.as_str().to_owned());
        if versions.contains_key(&key) {
            continue;
        }
        let Some(existing) = former.get(&key).filter(|existing| existing.body.is_some()) else { continue };
        let mut body = shared::withdrawn(&document(existing)?);
        let version = existing.version_id.next();
        writes.push(write(key.0, id, Some(existing.version_id), version, &mut body, now));
    }
    Ok(writes)
}

/// The Observations of a report.
pub(super) fn observation_ids(report: &Report) -> Vec<LogicalId> {
    let findings = report.structured_findings.iter().map(|finding| finding_id(&report.id, &finding.id));
    let measurements = report.measurements.iter().map(|measurement| measurement_id(&report.id, &measurement.id));
    findings.chain(measurements).collect()
}

fn identity(body: &Json) -> Result<(String, LogicalId), Error> {
    let fault = || Error::Fault("a resource of a report has no type or id".into());
    let kind = body.text_at(&["resourceType"]).ok_or_else(fault)?;
    let id = body.text_at(&["id"]).and_then(|id| LogicalId::parse(id).ok()).ok_or_else(fault)?;
    Ok((kind.to_owned(), id))
}

fn is_own(kind: &str) -> bool {
    matches!(kind, "DiagnosticReport" | "Observation" | "DocumentReference" | "Provenance")
}

/// Ties the bytes that came in to the version that was made of them.
fn add_received(provenance: &mut Json, received: &BlobUse) {
    let identifier = JsonObject::new()
        .with("system", Json::string("urn:ietf:rfc:3986"))
        .with("value", Json::string(format!("urn:blake3:{}", received.digest)));
    let what = JsonObject::new()
        .with("identifier", identifier.into())
        .with("display", Json::string("the document as it was received"));
    let entity = JsonObject::new().with("role", Json::string("source")).with("what", what.into());
    let Some(object) = provenance.as_object_mut() else { return };
    match object.get_mut("entity") {
        Some(Json::Array(entities)) => entities.push(entity.into()),
        _ => {
            object.set("entity", Json::Array(vec![entity.into()]));
        }
    }
}

fn audited(written: &ReportVersion, after: Option<&ReportVersion>, ids: &Ids) -> Object {
    object(written)
        .of_patient(Some(ids.patient.clone()))
        .changed(after.map(|former| former.content_digest), Some(written.content_digest))
}

/// The job that tells rules and whoever else follows changes.
fn dispatch_job(actor: &Actor, written: &ReportVersion, now: Timestamp) -> NewJob {
    let payload = super::super::deliveries::DispatchPayload {
        v: 1,
        report: written.report.id.clone(),
        version: written.edition.version,
    };
    NewJob {
        id: LogicalId::random(),
        kind: "change.dispatch",
        lane: Lane::Interactive.as_str(),
        payload: serde_json::to_string(&payload).unwrap_or_default(),
        priority: 20,
        run_at: now,
        max_attempts: 10,
        dedup_key: None,
        parent_id: None,
        trace_id: Some(actor.request_id.as_str().to_owned()),
    }
}
