//! `$everything`: what is known about a patient, or about each. R4 patient-operation-everything.html.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::access::{Actor, Operation, decide_type};
use crate::audit::Object;
use crate::base::{LogicalId, ProblemCode, Problems, Sha256, Timestamp};
use crate::fhir::mentions::mentions;
use crate::fhir::resource_type::RESOURCE_TYPES;
use crate::fhir::search::SearchQuery;
use crate::fhir::search::compartment::params;
use crate::fhir::temporal::Range;
use crate::report::fhir::bundle::fhir_base;
use crate::store::{Everything, StoredResource};

use super::super::document::document;
use super::super::{Error, Ops};
use super::SearchPage;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EverythingRequest {
    /// Whose; `None` for every patient.
    pub patient: Option<LogicalId>,
    /// When the care was given that it speaks of.
    pub care: Option<Range>,
    /// Changed at this instant or later.
    pub since: Option<Timestamp>,
    /// Only these types; all if there is none.
    pub types: Vec<String>,
    /// Most resources of a page, without those that they refer to.
    pub count: Option<usize>,
    /// Cursor of the page before.
    pub cursor: Option<String>,
    /// The parameters as they were given, for links.
    pub used: Vec<(String, String)>,
}

impl Ops {
    /// A page of what belongs to the compartment of a patient, and of who and what it refers to: of each type as far
    /// as the actor may see it.
    pub async fn everything(&self, actor: &Actor, request: EverythingRequest) -> Result<SearchPage, Error> {
        let operation = if request.patient.is_some() { Operation::FhirRead } else { Operation::FhirSearch };
        self.authorize_type(actor, operation, "Patient").await?;
        if let Some(patient) = &request.patient {
            let found = self.desk(actor).resource("Patient", patient).await?.ok_or(Error::NotFound)?;
            found.body.ok_or(Error::Gone)?;
        }
        let asked =
            |resource_type: &str| request.types.is_empty() || request.types.iter().any(|asked| asked == resource_type);
        // What others refer to is found through them, even where they are not asked for themselves.
        let walks_all = request.types.iter().any(|asked| REFERRED.contains(&asked.as_str()));
        let members: Vec<String> = RESOURCE_TYPES
            .iter()
            .filter(|kind| belongs(kind) && (walks_all || asked(kind)) && may_find(actor, kind))
            .map(|kind| (*kind).to_owned())
            .collect();
        let base = fhir_base(&self.base_url(&actor.tenant));
        let listing = Sha256::of(format!("{:?} {:?}", request.patient, request.used).as_bytes()).to_string();
        let place = match &request.cursor {
            None => None,
            Some(cursor) => {
                let sealed = URL_SAFE_NO_PAD.decode(cursor).ok();
                let place = sealed.and_then(|sealed| self.desk(actor).read_everything_place(&listing, &sealed));
                let wrong = || {
                    Error::Invalid(Problems::one("_cursor", ProblemCode::Value, "is not a cursor of this operation"))
                };
                Some(place.ok_or_else(wrong)?)
            }
        };
        let wanted = Everything {
            patient: request.patient.clone(),
            types: members,
            // Who may read them by their id may have them.
            shows_patient: walks_all || asked("Patient"),
            care: request.care,
            since: request.since,
            base: base.clone(),
            place,
            limit: request.count.unwrap_or(USUAL_COUNT).min(MOST_COUNT),
        };
        let page = self.desk(actor).everything(wanted).await?;
        let next = match &page.next {
            Some(place) => Some(URL_SAFE_NO_PAD.encode(self.desk(actor).write_everything_place(&listing, place)?)),
            None => None,
        };
        let (mut included, is_cut) = self.referred_to(actor, request.patient.as_ref(), &page.resources, &base).await?;
        included.retain(|one| asked(&one.resource_type) && request.since.is_none_or(|since| one.last_updated >= since));
        let mut matches = page.resources;
        matches.retain(|one| asked(&one.resource_type));
        let object = |one: &StoredResource| Object::resource(&one.resource_type, &one.logical_id, Some(one.version_id));
        self.note_read(actor, operation, matches.iter().chain(&included).map(object).collect()).await?;
        let total = page.total.filter(|_| !walks_all);
        let query = SearchQuery { used: request.used, ..SearchQuery::default() };
        Ok(SearchPage { query, matches, included, is_cut, total, next })
    }

    /// Who and what resources refer to, directly or by way of each other, as far as it is nobody else's; and whether
    /// some was left out.
    async fn referred_to(
        &self,
        actor: &Actor,
        patient: Option<&LogicalId>,
        members: &[StoredResource],
        base: &str,
    ) -> Result<(Vec<StoredResource>, bool), Error> {
        let key = |one: &StoredResource| (one.resource_type.clone(), one.logical_id.clone());
        let mut known: HashSet<(String, LogicalId)> = members.iter().map(key).collect();
        let mut wanted = Vec::new();
        note_mentions(actor, members, base, &mut known, &mut wanted);
        let mut included: Vec<StoredResource> = Vec::new();
        for _step in 0..STEPS {
            let left = MOST_REFERRED.saturating_sub(included.len());
            if wanted.is_empty() || left == 0 {
                break;
            }
            let rest = wanted.split_off(wanted.len().min(left));
            let mut found = self.desk(actor).resources(&wanted).await?;
            found.retain(|one| one.body.is_some() && is_of(patient, one, base));
            wanted = rest;
            note_mentions(actor, &found, base, &mut known, &mut wanted);
            included.extend(found);
        }
        Ok((included, !wanted.is_empty()))
    }
}

/// Whether the actor may find resources of a type that they did not name, and have them whole.
fn may_find(actor: &Actor, resource_type: &str) -> bool {
    [Operation::FhirSearch, Operation::FhirRead]
        .into_iter()
        .all(|operation| decide_type(actor, operation, resource_type).into_result().is_ok())
}

/// Adds what resources mention and nobody knows yet.
fn note_mentions(
    actor: &Actor,
    resources: &[StoredResource],
    base: &str,
    known: &mut HashSet<(String, LogicalId)>,
    wanted: &mut Vec<(String, LogicalId)>,
) {
    let allowed: Vec<&str> = REFERRED
        .into_iter()
        .filter(|kind| decide_type(actor, Operation::FhirRead, kind).into_result().is_ok())
        .collect();
    for resource in resources {
        let text = resource.body.as_deref().and_then(|body| std::str::from_utf8(body).ok()).unwrap_or_default();
        for literal in mentions(text, base).filter(|literal| allowed.contains(&literal.resource_type)) {
            if let Ok(id) = LogicalId::parse(literal.id) {
                let target = (literal.resource_type.to_owned(), id);
                if known.insert(target.clone()) {
                    wanted.push(target);
                }
            }
        }
    }
}

/// Whether resources of a type belong to a patient. A Group belongs to all of its members.
fn belongs(resource_type: &str) -> bool {
    resource_type != "Group"
        && (matches!(resource_type, "Patient" | "Device") || !params("Patient", resource_type).is_empty())
}

/// Whether something that is referred to is nobody's, or this patient's: a device may be another one's by now.
fn is_of(patient: Option<&LogicalId>, one: &StoredResource, base: &str) -> bool {
    let Some(patient) = patient.filter(|_| one.resource_type == "Device") else { return true };
    let Ok(device) = document(one) else { return false };
    match device.get("patient").map(|owner| owner.text_at(&["reference"])) {
        None => true,
        Some(Some(owner)) => {
            let owner = owner.strip_prefix(base).map_or(owner, |rest| rest.trim_start_matches('/'));
            let id = owner.strip_prefix("Patient/").and_then(|rest| rest.split('/').next());
            id == Some(patient.as_str())
        }
        // It has an owner whom it does not name by a reference.
        Some(None) => false,
    }
}

/// Types that belong to no patient and come with what refers to them.
const REFERRED: [&str; 9] = [
    "Device",
    "Endpoint",
    "HealthcareService",
    "Location",
    "Medication",
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "Substance",
];
/// Resources of a page where the client names no number.
const USUAL_COUNT: usize = 1_000;
/// Most resources of a page.
const MOST_COUNT: usize = 1_000;
/// Resources that come with those of a page.
const MOST_REFERRED: usize = 2_000;
/// How far references are followed.
const STEPS: usize = 4;
