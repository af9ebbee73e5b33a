//! Taking over what another system had: single resources and Bundles, as files have them. Documents come in, what
//! became of each goes out.
//!
//! The same document at the same place is never taken twice, even if nobody remembers that it was taken: what would
//! be made under a new id gets an id out of its digest, and an update that changes nothing is left out.

use std::collections::HashSet;

use crate::access::Actor;
use crate::base::digest::Blake3;
use crate::base::{LogicalId, ProblemCode, Problems};
use crate::fhir::transaction::{Action, Entry, EntryError, Instance, Kind, Plan, ReadError, read};
use crate::fhir::{Json, Object, resource_type};
use crate::store::StoredResource;

use super::document::document;
use super::resources::Done;
use super::{Error, Ops};

/// A document to take: a resource, or a Bundle of resources.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Where it stands among the others of its source; what is equal in two places is two things.
    pub place: u64,
    /// Digest of its text.
    pub digest: Blake3,
    /// The document.
    pub document: Json,
}

/// What became of a document.
#[derive(Debug, Default)]
pub struct Imported {
    /// What is kept of it now, `Patient/1/_history/2`.
    pub kept: Vec<String>,
    /// How many of its resources were there already, as they are in it.
    pub unchanged: usize,
    /// What was refused of a Bundle whose entries are each for itself.
    pub refused: Vec<Error>,
}

impl Ops {
    /// Takes documents, in their order where they name the same resource. A Bundle of type transaction is taken whole
    /// or not at all; so is one of type collection or searchset, whose resources keep their ids. The entries of a
    /// batch are each for itself.
    pub async fn import(&self, actor: &Actor, units: Vec<Unit>) -> Vec<Result<Imported, Error>> {
        let mut outcomes: Vec<Option<Result<Imported, Error>>> = units.iter().map(|_| None).collect();
        let mut group: Vec<(usize, Single)> = Vec::new();
        let mut named: HashSet<(String, LogicalId)> = HashSet::new();
        for (number, unit) in units.into_iter().enumerate() {
            match Single::of(actor, unit) {
                Ok(Ok(single)) => {
                    if !named.insert(single.key()) {
                        self.import_group(actor, std::mem::take(&mut group), &mut outcomes).await;
                        named = HashSet::from([single.key()]);
                    }
                    group.push((number, single));
                }
                Ok(Err(bundle)) => {
                    self.import_group(actor, std::mem::take(&mut group), &mut outcomes).await;
                    named.clear();
                    set(&mut outcomes, number, Box::pin(self.import_bundle(actor, bundle)).await);
                }
                Err(error) => set(&mut outcomes, number, Err(error)),
            }
        }
        self.import_group(actor, group, &mut outcomes).await;
        let lost = || Err(Error::Fault("a document of an import was lost".into()));
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(lost)).collect()
    }

    /// Takes single resources together; if one of them is refused, each alone.
    async fn import_group(
        &self,
        actor: &Actor,
        group: Vec<(usize, Single)>,
        outcomes: &mut [Option<Result<Imported, Error>>],
    ) {
        let keys: Vec<(String, LogicalId)> = group.iter().map(|(_, single)| single.key()).collect();
        let formers = match self.desk(actor).resources(&keys).await {
            Ok(formers) => formers,
            Err(error) => {
                let said = error.to_string();
                for (number, _) in group {
                    set(outcomes, number, Err(Error::Busy(said.clone())));
                }
                return;
            }
        };
        let mut left = Vec::with_capacity(group.len());
        for (number, single) in group {
            let former = formers.iter().find(|former| single.is(former));
            if former.is_some_and(|former| single.is_made || is_same(former, &single.body)) {
                set(outcomes, number, Ok(Imported { unchanged: 1, ..Imported::default() }));
            } else {
                left.push((number, single));
            }
        }
        if left.len() > 1 {
            let together = left.iter().enumerate().map(|(index, (_, single))| single.entry(index)).collect();
            if let Ok(done) = Box::pin(self.transact(actor, together)).await {
                for ((number, _), done) in left.iter().zip(done) {
                    set(outcomes, *number, Ok(imported(&[done])));
                }
                return;
            }
        }
        for (number, single) in left {
            let done = Box::pin(self.transact(actor, vec![single.entry(0)])).await;
            set(outcomes, number, done.map(|done| imported(&done)).map_err(of_single));
        }
    }

    async fn import_bundle(&self, actor: &Actor, unit: Unit) -> Result<Imported, Error> {
        let most = self.settings().bundle_entries;
        let Unit { place, digest, document } = unit;
        let plan = self.on_cpu(move || read(as_request(document)?, most).map_err(of_read)).await?;
        let Plan { kind, mut entries } = plan?;
        let mut made = HashSet::new();
        for (index, entry) in entries.iter_mut().enumerate() {
            if let Ok(entry) = entry
                && let Action::Create { body, if_none_exist: None } = &mut entry.action
            {
                let id = made_id(actor, digest, place, index);
                let mut body = std::mem::replace(body, Json::Null);
                set_id(&mut body, &id);
                made.insert((entry.resource_type.clone(), id.clone()));
                entry.action = Action::Update { instance: Instance::Id(id), body, expected: None };
            }
        }
        let keys: Vec<(String, LogicalId)> = entries.iter().flatten().filter_map(updated).map(|(key, _)| key).collect();
        let formers = self.desk(actor).resources(&keys).await?;
        let was_made =
            |former: &StoredResource| made.contains(&(former.resource_type.clone(), former.logical_id.clone()));
        if kind == Kind::Transaction && formers.iter().any(was_made) {
            return Ok(Imported { unchanged: entries.len(), ..Imported::default() });
        }
        let count = entries.len();
        let entries = self.on_cpu(move || without_known(entries, &formers, &made)).await?;
        let unchanged = count - entries.len();
        if entries.is_empty() {
            return Ok(Imported { unchanged, ..Imported::default() });
        }
        let mut outcome = match kind {
            Kind::Transaction => {
                let entries: Result<Vec<Entry>, EntryError> = entries.into_iter().collect();
                let entries = entries.map_err(|error| invalid("", ProblemCode::Structure, &error.to_string()))?;
                imported(&self.transact(actor, entries).await?)
            }
            Kind::Batch => {
                let mut outcome = Imported::default();
                for done in self.batch(actor, entries).await {
                    match done {
                        Ok(done) => outcome.kept.extend(place_of(&done)),
                        Err(error) => outcome.refused.push(error),
                    }
                }
                outcome
            }
        };
        outcome.unchanged += unchanged;
        Ok(outcome)
    }
}

/// A resource that stands by itself.
struct Single {
    resource_type: String,
    id: LogicalId,
    /// Whether the id is made here.
    is_made: bool,
    body: Json,
}

impl Single {
    /// The resource that a document is, or the document if it is a Bundle of others.
    fn of(actor: &Actor, unit: Unit) -> Result<Result<Self, Unit>, Error> {
        let kind = unit.document.text_at(&["resourceType"]).unwrap_or_default();
        if unit.document.as_object().is_none() {
            return Err(invalid("", ProblemCode::Structure, "is not an object"));
        }
        if kind.is_empty() {
            return Err(invalid("resourceType", ProblemCode::Required, "is required"));
        }
        if !resource_type::is_known(kind) {
            return Err(invalid("resourceType", ProblemCode::Unsupported, "is not a resource type of R4"));
        }
        let is_document = matches!(unit.document.text_at(&["type"]), Some("document" | "message"));
        if kind == "Bundle" && !is_document {
            return Ok(Err(unit));
        }
        let resource_type = kind.to_owned();
        let Unit { place, digest, document: mut body } = unit;
        let (id, is_made) = match body.text_at(&["id"]) {
            Some(id) => {
                let id = LogicalId::parse(id);
                (id.map_err(|_form| invalid("id", ProblemCode::Value, "is not an id"))?, false)
            }
            None => (made_id(actor, digest, place, 0), true),
        };
        set_id(&mut body, &id);
        Ok(Ok(Self { resource_type, id, is_made, body }))
    }

    fn key(&self) -> (String, LogicalId) {
        (self.resource_type.clone(), self.id.clone())
    }

    fn is(&self, former: &StoredResource) -> bool {
        former.resource_type == self.resource_type && former.logical_id == self.id
    }

    fn entry(&self, index: usize) -> Entry {
        let instance = Instance::Id(self.id.clone());
        Entry {
            index,
            full_url: None,
            resource_type: self.resource_type.clone(),
            action: Action::Update { instance, body: self.body.clone(), expected: None },
        }
    }
}

/// The id of what a document makes.
fn made_id(actor: &Actor, digest: Blake3, place: u64, index: usize) -> LogicalId {
    let (place, index) = (place.to_string(), index.to_string());
    LogicalId::derived(&["import", actor.tenant.as_str(), &digest.to_hex(), &place, &index])
}

fn set_id(body: &mut Json, id: &LogicalId) {
    if let Some(body) = body.as_object_mut() {
        body.set("id", Json::string(id.as_str()));
    }
}

/// A Bundle of type batch or transaction. The resources of a collection or searchset become entries of a transaction
/// that update them, or make those that have no id.
fn as_request(bundle: Json) -> Result<Json, Error> {
    match bundle.text_at(&["type"]) {
        Some("collection" | "searchset") => {}
        Some("history" | "batch-response" | "transaction-response") => {
            let said = "is none that can be imported: transaction, batch, collection, searchset, document or message";
            return Err(invalid("Bundle.type", ProblemCode::Unsupported, said));
        }
        _ => return Ok(bundle),
    }
    let mut entries = Vec::new();
    for (index, entry) in bundle.items("entry").iter().enumerate() {
        // Remarks about a search are no result of it.
        if entry.text_at(&["search", "mode"]) == Some("outcome") {
            continue;
        }
        let Some(resource) = entry.get("resource") else {
            let path = format!("Bundle.entry[{index}].resource");
            return Err(invalid(&path, ProblemCode::Required, "is required"));
        };
        let kind = resource.text_at(&["resourceType"]).unwrap_or_default();
        let (method, url) = match resource.text_at(&["id"]) {
            Some(id) => ("PUT", format!("{kind}/{id}")),
            None => ("POST", kind.to_owned()),
        };
        let request = Object::new().with("method", Json::string(method)).with("url", Json::string(url));
        let out = Object::new().with_text("fullUrl", entry.text_at(&["fullUrl"])).with("resource", resource.clone());
        entries.push(out.with("request", request.into()).into());
    }
    let request = Object::new().with("resourceType", Json::string("Bundle")).with("type", Json::string("transaction"));
    Ok(request.with_items("entry", entries).into())
}

/// What an entry that updates one resource by its id makes of it.
fn updated(entry: &Entry) -> Option<((String, LogicalId), &Json)> {
    match &entry.action {
        Action::Update { instance: Instance::Id(id), body, expected: None } => {
            Some(((entry.resource_type.clone(), id.clone()), body))
        }
        _ => None,
    }
}

/// The entries without those whose resources are there already, as far as no other entry refers to them.
fn without_known(
    entries: Vec<Result<Entry, EntryError>>,
    formers: &[StoredResource],
    made: &HashSet<(String, LogicalId)>,
) -> Vec<Result<Entry, EntryError>> {
    let is_known = |entry: &Entry| {
        let Some((key, body)) = updated(entry) else { return false };
        let former = formers.iter().find(|former| former.resource_type == key.0 && former.logical_id == key.1);
        former.is_some_and(|former| made.contains(&key) || is_same(former, body))
    };
    let known: Vec<bool> = entries.iter().map(|entry| entry.as_ref().is_ok_and(is_known)).collect();
    if !known.contains(&true) {
        return entries;
    }
    let text = |entry: &Entry| updated(entry).map(|(_, body)| body.to_text()).unwrap_or_default();
    let texts: Vec<String> = entries.iter().map(|entry| entry.as_ref().map(text).unwrap_or_default()).collect();
    let is_named =
        |place: usize, url: &str| texts.iter().enumerate().any(|(other, text)| other != place && text.contains(url));
    let keep = |place: usize, entry: &Result<Entry, EntryError>| {
        let url = entry.as_ref().ok().and_then(|entry| entry.full_url.as_deref());
        !known.get(place).copied().unwrap_or_default() || url.is_some_and(|url| is_named(place, url))
    };
    let keeps: Vec<bool> = entries.iter().enumerate().map(|(place, entry)| keep(place, entry)).collect();
    entries.into_iter().zip(keeps).filter_map(|(entry, keep)| keep.then_some(entry)).collect()
}

/// Whether a resource says what is stored, but for the version and its instant.
fn is_same(former: &StoredResource, body: &Json) -> bool {
    document(former).is_ok_and(|former| content(former) == content(body.clone()))
}

/// The text of a resource with its type, id and meta first, and without what the server puts into meta.
fn content(mut body: Json) -> String {
    let Some(object) = body.as_object_mut() else { return body.to_text() };
    let (kind, id) = (object.remove("resourceType"), object.remove("id"));
    let mut meta = object.remove("meta").unwrap_or(Json::Null);
    if let Some(meta) = meta.as_object_mut() {
        meta.remove("versionId");
        meta.remove("lastUpdated");
    }
    let is_empty = meta.as_object().is_none_or(Object::is_empty);
    let head = [kind, id, (!is_empty).then_some(meta)].map(|one| one.map_or_else(String::new, |one| one.to_text()));
    format!("{}\n{}", head.join("\n"), body.to_text())
}

fn imported(done: &[Done]) -> Imported {
    Imported { kept: done.iter().filter_map(place_of).collect(), ..Imported::default() }
}

/// Where what an entry was about is now.
fn place_of(done: &Done) -> Option<String> {
    match done {
        Done::Written(written) => Some(versioned(&written.stored)),
        Done::Existing(stored) => Some(versioned(stored)),
        Done::Deleted(_) | Done::Read { .. } | Done::Found { .. } => None,
    }
}

/// The error of a resource that was the one entry of a Bundle that nobody has seen: its places are in the resource.
fn of_single(error: Error) -> Error {
    let moved = |path: &str| {
        let below = match path.strip_prefix(ONE_ENTRY) {
            Some(below) => below.strip_prefix(".resource").unwrap_or_default(),
            None => path,
        };
        below.strip_prefix('.').unwrap_or(below).to_owned()
    };
    let each = |problems: &Problems| {
        let mut out = Problems::new();
        for problem in problems.iter() {
            out.add(moved(&problem.path), problem.code, problem.detail.as_str());
        }
        out
    };
    match error {
        Error::Invalid(problems) => Error::Invalid(each(&problems)),
        Error::Rule(problems) => Error::Rule(each(&problems)),
        Error::At { error, .. } => *error,
        Error::Unresolved { path, reference, is_many } => Error::Unresolved { path: moved(&path), reference, is_many },
        other => other,
    }
}

fn versioned(stored: &StoredResource) -> String {
    format!("{}/{}/_history/{}", stored.resource_type, stored.logical_id, stored.version_id)
}

fn of_read(error: ReadError) -> Error {
    match error {
        ReadError::TooMany(most) => Error::TooCostly(format!("a Bundle has at most {most} entries")),
        ReadError::Invalid(problems) => Error::Invalid(problems),
    }
}

fn invalid(path: &str, code: ProblemCode, said: &str) -> Error {
    Error::Invalid(Problems::one(path, code, said))
}

fn set(outcomes: &mut [Option<Result<Imported, Error>>], number: usize, outcome: Result<Imported, Error>) {
    if let Some(slot) = outcomes.get_mut(number) {
        *slot = Some(outcome);
    }
}

/// Path of the only entry of a Bundle.
const ONE_ENTRY: &str = "Bundle.entry[0]";
