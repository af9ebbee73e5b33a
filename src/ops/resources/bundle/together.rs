//! Entries that are done together: what the store has to say is asked, everything is computed from that at once, and
//! one `WriteSet` is committed. If somebody else's commit came between, all of it is done again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::access::{Actor, Operation};
use crate::audit::Object;
use crate::base::{LogicalId, ProblemCode, Problems, Timestamp};
use crate::fhir::profile::Wanted;
use crate::fhir::search::{QueryContext, QueryLimits};
use crate::fhir::structure::Issue;
use crate::fhir::transaction::{
    Action, Entry, Former, Instance, Known, Questions, References, Settled, in_request, questions, settle,
};
use crate::report::fhir::bundle::fhir_base;
use crate::store::{Catalog, ResourceWrite, StoreError, StoredResource, Write, WriteSet};

use super::super::super::document::document;
use super::super::super::validation::{Judged, Rules};
use super::super::super::{Attempt, Error, Ops};
use super::super::Written;
use super::super::parameters::refuse_unusable;
use super::super::write::{deletion, of_client, refuse_of_report, version};
use super::error::{at, at_entry, in_bundle, of_fault};
use super::{Done, read_done};

/// Type and id.
type Key = (String, LogicalId);

/// Entries and what has to be asked for them.
struct Asked {
    entries: Vec<Entry>,
    questions: Questions,
    base: String,
    catalog: Arc<Catalog>,
}

/// What the store says.
#[derive(Default)]
struct Facts {
    matches: HashMap<(String, String), Vec<LogicalId>>,
    formers: HashMap<Key, StoredResource>,
    /// Ids for what entries make that name it by criteria, by their places.
    fresh: HashMap<usize, LogicalId>,
}

/// What an entry comes to, ready to be committed.
enum Outcome {
    Written(Written, ResourceWrite),
    Existing(LogicalId),
    Deleted(ResourceWrite),
    Nothing,
    Read,
}

impl Ops {
    /// Does entries together or not at all.
    pub(super) async fn together(
        &self,
        actor: &Actor,
        mut entries: Vec<Entry>,
        references: References,
    ) -> Result<Vec<Done>, Error> {
        for entry in &entries {
            self.admit(actor, entry).await.map_err(|error| at(in_request(entry.index, "url"), error))?;
        }
        let (base, now) = (fhir_base(&self.base_url(&actor.tenant)), self.now());
        let catalog = self.desk(actor).fresh_catalog().await?;
        let asked = self.on_cpu(move || {
            let context = context(&catalog, &base, now);
            let questions = questions(&mut entries, references, context).map_err(of_fault)?;
            Ok::<_, Error>(Asked { entries, questions, base, catalog })
        });
        let asked = Arc::new(asked.await??);
        self.with_retries(actor, ("Bundle", ""), || Box::pin(self.attempt_together(actor, &asked))).await
    }

    /// Whether the actor may do what an entry asks for: as for the same thing alone.
    async fn admit(&self, actor: &Actor, entry: &Entry) -> Result<(), Error> {
        let operation = match &entry.action {
            Action::Delete { .. } => Operation::FhirDelete,
            Action::Create { .. } => Operation::FhirCreate,
            Action::Update { .. } | Action::Patch { .. } => Operation::FhirUpdate,
            Action::Read { .. } | Action::Search { .. } => Operation::FhirRead,
        };
        self.authorize_type(actor, operation, &entry.resource_type).await?;
        if entry.action.is_read() {
            return Ok(());
        }
        if entry.resource_type == "Subscription" {
            let detail = "a Subscription is written by itself, by its id or none, not in a transaction";
            let at = in_request(entry.index, "url");
            return Err(Error::Rule(Problems::one(at, ProblemCode::Unsupported, detail)));
        }
        self.refuse_read_only(actor, &entry.resource_type).map_err(|_read_only| {
            let detail = "resources of this type are read-only";
            Error::Rule(Problems::one(in_request(entry.index, "url"), ProblemCode::Unsupported, detail))
        })
    }

    async fn attempt_together(&self, actor: &Actor, asked: &Arc<Asked>) -> Result<Attempt<Vec<Done>>, Error> {
        let facts = Arc::new(self.facts(actor, asked).await?);
        let now = self.now();
        let outcomes = {
            let (asked, facts) = (Arc::clone(asked), Arc::clone(&facts));
            // An error is no reason to ask again.
            let compute = move |rules: &Rules| match compute(&asked, &facts, rules, now) {
                Ok(Computed::Wanted(wanted)) => Err(wanted),
                Ok(Computed::Outcomes(outcomes)) => Ok(Ok(outcomes)),
                Err(error) => Ok(Err(error)),
            };
            self.with_rules(actor, compute).await??
        };
        for (entry, outcome) in asked.entries.iter().zip(&outcomes) {
            let needed = match (&entry.action, outcome) {
                (Action::Update { .. }, Outcome::Written(written, _)) if written.is_new => Operation::FhirCreate,
                // Its body is handed out.
                (_, Outcome::Existing(_)) => Operation::FhirRead,
                _ => continue,
            };
            let granted = self.authorize_type(actor, needed, &entry.resource_type).await;
            granted.map_err(|error| at(in_request(entry.index, "url"), error))?;
        }
        for (entry, outcome) in asked.entries.iter().zip(&outcomes) {
            let id = match outcome {
                Outcome::Written(written, _) => &written.stored.logical_id,
                Outcome::Deleted(write) => &write.logical_id,
                Outcome::Existing(id) => id,
                Outcome::Nothing | Outcome::Read => continue,
            };
            if let Some(former) = facts.formers.get(&(entry.resource_type.clone(), id.clone())) {
                let hidden = self.refuse_hidden(actor, former);
                hidden.map_err(|error| at(in_request(entry.index, "url"), error))?;
            }
        }
        let reads = self.reads(actor, asked, &facts, &outcomes).await?;
        let Some(done) = done(&asked.entries, &facts, &outcomes, reads) else { return Ok(Attempt::Spoilt) };
        match self.desk(actor).commit(self.write_set(actor, asked, outcomes)).await {
            Ok(()) => {}
            Err(StoreError::VersionConflict { .. }) => return Ok(Attempt::Spoilt),
            Err(error) => return Err(error.into()),
        }
        self.finish(actor, asked, done).await.map(Attempt::Done)
    }

    /// Asks the store. The ids of what may be made are looked up before the searches: what somebody else makes
    /// after that is either found by them or stops the commit.
    async fn facts(&self, actor: &Actor, asked: &Asked) -> Result<Facts, Error> {
        let mut facts = Facts { fresh: self.fresh_ids(actor, asked).await?, ..Facts::default() };
        let mut keys: HashSet<Key> = asked.questions.instances.iter().cloned().collect();
        // Matches that other entries change do not count.
        let most = asked.entries.len().saturating_add(2);
        for ((kind, text), question) in &asked.questions.conditions {
            let found = self.matching(actor, kind, text, most).await;
            let found = found.map_err(|error| at(question.path.clone(), error))?;
            keys.extend(found.iter().map(|id| (kind.clone(), id.clone())));
            facts.matches.insert((kind.clone(), text.clone()), found);
        }
        let keys: Vec<Key> = keys.into_iter().collect();
        facts.formers = self.formers(actor, &keys).await?;
        Ok(facts)
    }

    async fn formers(&self, actor: &Actor, keys: &[Key]) -> Result<HashMap<Key, StoredResource>, Error> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let found = self.desk(actor).resources(keys).await?;
        Ok(found.into_iter().map(|one| ((one.resource_type.clone(), one.logical_id.clone()), one)).collect())
    }

    /// Ids for what is made if nothing matches its criteria. They come out of the criteria: of several who make the
    /// same at the same time all but the first fail on the id, look again, and find what the first has made.
    async fn fresh_ids(&self, actor: &Actor, asked: &Asked) -> Result<HashMap<usize, LogicalId>, Error> {
        let wanted = asked.questions.conditional.iter().filter_map(|place| {
            let entry = asked.entries.get(*place)?;
            match &entry.action {
                Action::Create { if_none_exist: Some(text), .. }
                | Action::Update { instance: Instance::Criteria(text), .. } => {
                    Some((*place, entry.resource_type.as_str(), text.as_str()))
                }
                _ => None,
            }
        });
        let wanted: Vec<(usize, &str, &str)> = wanted.collect();
        let mut fresh: HashMap<usize, LogicalId> = HashMap::new();
        let mut given: HashSet<Key> = HashSet::new();
        for number in DERIVED_IDS {
            let candidates: Vec<(usize, Key)> = wanted
                .iter()
                .filter(|(place, ..)| !fresh.contains_key(place))
                .map(|(place, kind, text)| {
                    let parts = ["conditional", actor.tenant.as_str(), kind, text, number];
                    (*place, ((*kind).to_owned(), LogicalId::derived(&parts)))
                })
                .collect();
            let keys: Vec<Key> = candidates.iter().map(|(_, key)| key.clone()).collect();
            let taken = self.formers(actor, &keys).await?;
            for (place, key) in candidates {
                if !taken.contains_key(&key) && given.insert(key.clone()) {
                    fresh.insert(place, key.1);
                }
            }
        }
        Ok(fresh)
    }

    /// What the reads of a transaction find: what it has made itself, or what the store has.
    async fn reads(
        &self,
        actor: &Actor,
        asked: &Asked,
        facts: &Facts,
        outcomes: &[Outcome],
    ) -> Result<HashMap<usize, Done>, Error> {
        let mut reads = HashMap::new();
        if !asked.entries.iter().any(|entry| entry.action.is_read()) {
            return Ok(reads);
        }
        let pending = pending(&asked.entries, outcomes);
        for (place, entry) in asked.entries.iter().enumerate() {
            let kind = entry.resource_type.as_str();
            let wrong = |error| at(in_request(entry.index, "url"), error);
            match &entry.action {
                Action::Read { id, version, cached, wants_body } => {
                    let key = (kind.to_owned(), id.clone());
                    let own = pending.get(&key);
                    let stored = match (own, version) {
                        (Some(own), None) => own.map(StoredResource::clone),
                        (Some(Some(own)), Some(version)) if own.version_id == *version => Some((*own).clone()),
                        (None, None) => Some(facts.formers.get(&key).cloned().ok_or_else(|| wrong(Error::NotFound))?),
                        (_, Some(version)) => {
                            let found = self.desk(actor).resource_version(kind, id, *version).await?;
                            Some(found.ok_or_else(|| wrong(Error::NotFound))?)
                        }
                    };
                    let stored = stored.filter(|stored| stored.body.is_some()).ok_or_else(|| wrong(Error::Gone))?;
                    let stored = self.seen_by(actor, stored).map_err(wrong)?;
                    reads.insert(place, read_done(stored, cached, *wants_body));
                }
                // Whether it can be done has to be known before the commit; what it finds is seen after it.
                Action::Search { query, .. } => {
                    self.found(actor, kind, query).await.map_err(wrong)?;
                }
                _ => {}
            }
        }
        Ok(reads)
    }

    /// Everything that is changed, and the audit of it. Rows are written in one order by all who write, so that no
    /// two wait for each other.
    fn write_set(&self, actor: &Actor, asked: &Asked, outcomes: Vec<Outcome>) -> WriteSet {
        let mut objects: BTreeMap<Operation, Vec<Object>> = BTreeMap::new();
        let mut writes: Vec<ResourceWrite> = Vec::with_capacity(outcomes.len());
        for (entry, outcome) in asked.entries.iter().zip(outcomes) {
            let operation = match entry.action {
                Action::Create { .. } => Operation::FhirCreate,
                Action::Delete { .. } => Operation::FhirDelete,
                _ => Operation::FhirUpdate,
            };
            if let Outcome::Written(_, write) | Outcome::Deleted(write) = outcome {
                let object = Object::resource(&write.resource_type, &write.logical_id, Some(write.version_id()));
                objects.entry(operation).or_default().push(object);
                writes.push(write);
            }
        }
        writes.sort_by(|one, other| {
            (&one.resource_type, &one.logical_id).cmp(&(&other.resource_type, &other.logical_id))
        });
        let mut set = WriteSet::new();
        for write in writes {
            set.add(Write::Resource(write));
        }
        for (operation, objects) in objects {
            for part in objects.chunks(OBJECTS_OF_AN_EVENT) {
                let event = part.iter().cloned().fold(self.event(actor, operation), crate::audit::AuditEvent::on);
                set.add(Write::Audit(event));
            }
        }
        set
    }

    /// What is done after the commit: searches, and the audit of what was read.
    async fn finish(&self, actor: &Actor, asked: &Asked, mut done: Vec<Done>) -> Result<Vec<Done>, Error> {
        let mut read = Vec::new();
        for (entry, done) in asked.entries.iter().zip(&mut done) {
            match (&entry.action, &mut *done) {
                (Action::Search { query, .. }, Done::Found { bundle, .. }) => {
                    *bundle = self.found(actor, &entry.resource_type, query).await?;
                }
                (_, Done::Existing(stored) | Done::Read { stored, .. }) => {
                    read.push(Object::resource(&stored.resource_type, &stored.logical_id, Some(stored.version_id)));
                }
                _ => {}
            }
        }
        for part in read.chunks(OBJECTS_OF_AN_EVENT) {
            self.note_read(actor, Operation::FhirRead, part.to_vec()).await?;
        }
        Ok(done)
    }
}

fn context<'c>(catalog: &'c Catalog, base: &'c str, now: Timestamp) -> QueryContext<'c> {
    QueryContext { registry: catalog.registry(), base, now, limits: QueryLimits::default() }
}

/// What a computation came to.
enum Computed {
    Outcomes(Vec<Outcome>),
    /// Definitions have to be read first.
    Wanted(Vec<Wanted>),
}

/// What every entry comes to. Everything that is wrong with any resource is named.
fn compute(asked: &Asked, facts: &Facts, rules: &Rules, now: Timestamp) -> Result<Computed, Error> {
    let find = |kind: &str, id: &LogicalId| facts.formers.get(&(kind.to_owned(), id.clone()));
    let former = |kind: &str, id: &LogicalId| {
        find(kind, id).map(|stored| Former { version: stored.version_id, is_deleted: stored.body.is_none() })
    };
    let known = Known {
        matches: &|kind, text| facts.matches.get(&(kind.to_owned(), text.to_owned())).cloned().unwrap_or_default(),
        former: &former,
        document: &|kind, id| document(find(kind, id)?).ok(),
        fresh: &|place| facts.fresh.get(&place).cloned().unwrap_or_else(LogicalId::random),
    };
    let settled = settle(&asked.entries, &asked.questions, known, context(&asked.catalog, &asked.base, now));
    let settled = settled.map_err(of_fault)?;
    let (mut problems, mut only_profiles, mut wanted) = (Problems::new(), true, Vec::new());
    let mut remarks: Vec<Vec<Issue>> = Vec::with_capacity(settled.len());
    for (entry, settled) in asked.entries.iter().zip(&settled) {
        if let Settled::Write { id, .. } | Settled::Delete { id, .. } = settled
            && let Some(former) = find(&entry.resource_type, id).filter(|former| former.body.is_some())
        {
            refuse_of_report(former).map_err(|error| at_entry(entry.index, error))?;
        }
        let mut said = Vec::new();
        if let Settled::Write { id, body, .. } = settled {
            match rules.judge(body) {
                Judged::Wanted(more) => wanted.extend(more),
                Judged::Done(judgement) => {
                    only_profiles &= judgement.only_profiles || judgement.problems.is_empty();
                    said = judgement.remarks;
                    for problem in in_bundle(entry.index, &judgement.problems).iter() {
                        problems.add(problem.path.as_str(), problem.code, problem.detail.as_str());
                    }
                }
            }
            if entry.resource_type == "SearchParameter" {
                let unusable = in_bundle(entry.index, &refuse_unusable(&asked.catalog, id, body));
                unusable.into_result(()).map_err(Error::Rule)?;
            }
        }
        remarks.push(said);
    }
    if !wanted.is_empty() {
        return Ok(Computed::Wanted(wanted));
    }
    problems.into_result(()).map_err(if only_profiles { Error::Rule } else { Error::Invalid })?;
    let outcomes = asked.entries.iter().zip(settled).zip(remarks).map(|((entry, settled), remarks)| match settled {
        Settled::Write { id, before, is_new, body } => {
            let (stored, write) = version(&entry.resource_type, id, before, of_client(body), now);
            Outcome::Written(Written { stored, is_new, remarks }, write)
        }
        Settled::Existing(id) => Outcome::Existing(id),
        Settled::Delete { id, before } => Outcome::Deleted(deletion(&entry.resource_type, id, before, now)),
        Settled::Nothing => Outcome::Nothing,
        Settled::Read => Outcome::Read,
    });
    Ok(Computed::Outcomes(outcomes.collect()))
}

/// The resources as they are after the commit; `None` for those that it deletes.
fn pending<'a>(entries: &[Entry], outcomes: &'a [Outcome]) -> HashMap<Key, Option<&'a StoredResource>> {
    let of_entry = |(entry, outcome): (&Entry, &'a Outcome)| match outcome {
        Outcome::Written(written, _) => {
            Some(((entry.resource_type.clone(), written.stored.logical_id.clone()), Some(&written.stored)))
        }
        Outcome::Deleted(write) => Some(((entry.resource_type.clone(), write.logical_id.clone()), None)),
        Outcome::Existing(_) | Outcome::Nothing | Outcome::Read => None,
    };
    entries.iter().zip(outcomes).filter_map(of_entry).collect()
}

/// What the client hears of each entry. `None` if something that was found is there no more.
fn done(entries: &[Entry], facts: &Facts, outcomes: &[Outcome], mut reads: HashMap<usize, Done>) -> Option<Vec<Done>> {
    let has_existing = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Existing(_)));
    let pending = if has_existing { pending(entries, outcomes) } else { HashMap::new() };
    let each = entries.iter().zip(outcomes).enumerate();
    let each = each.map(|(place, (entry, outcome))| {
        Some(match (outcome, &entry.action) {
            (Outcome::Written(written, _), _) => Done::Written(written.clone()),
            (Outcome::Existing(id), _) => {
                let key = (entry.resource_type.clone(), id.clone());
                let own = pending.get(&key).copied().flatten();
                let stored = own.or_else(|| facts.formers.get(&key)).filter(|stored| stored.body.is_some());
                Done::Existing(stored?.clone())
            }
            (Outcome::Deleted(write), _) => Done::Deleted(Some(write.version_id())),
            (Outcome::Nothing, _) => Done::Deleted(None),
            (Outcome::Read, Action::Search { wants_body, .. }) => {
                Done::Found { bundle: Vec::new(), wants_body: *wants_body }
            }
            (Outcome::Read, _) => reads.remove(&place)?,
        })
    });
    each.collect()
}

/// Numbers that ids out of criteria are tried with, before one is drawn: ids of resources that were deleted, or that
/// say something else by now, are not given again.
const DERIVED_IDS: [&str; 8] = ["0", "1", "2", "3", "4", "5", "6", "7"];
/// Objects in one audit event; those of a large Bundle stand in several.
const OBJECTS_OF_AN_EVENT: usize = 500;
