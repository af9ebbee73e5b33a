//! Which resource each entry comes to: those named by criteria, those that are made, and that no two entries change
//! the same one.

use std::collections::{BTreeSet, HashMap};

use crate::base::{LogicalId, VersionId};
use crate::fhir::Json;
use crate::fhir::search::QueryContext;
use crate::fhir::transaction::links::{Link, Links};
use crate::fhir::transaction::pool::Pool;
use crate::fhir::transaction::{Action, Entry, Instance, Versions, in_request, in_resource};

use super::{Fault, Former, Known, Questions, Reason, Settled, named_id};

/// The resources of the entries settled so far.
pub(super) struct Identities<'a> {
    questions: &'a Questions,
    known: Known<'a>,
    /// Resources that entries change, make or find, and which entry did first.
    changed: HashMap<(String, LogicalId), Use>,
    pub(super) context: QueryContext<'a>,
    /// What was made and replaced, as the Bundle has it; only of types that criteria name.
    pool: Pool<'a>,
    /// The versions that are made.
    versions: HashMap<(String, LogicalId), VersionId>,
    /// Types that entries name by criteria.
    asked: BTreeSet<&'a str>,
}

#[derive(Debug, Clone, Copy)]
struct Use {
    place: usize,
    kind: UseKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UseKind {
    Deleted,
    Made,
    Replaced,
    Patched,
    /// Found by a create that was to make it if there was none.
    Found,
}

impl<'a> Identities<'a> {
    /// `asked` are the types that entries name by criteria.
    pub(super) fn new(
        questions: &'a Questions,
        known: Known<'a>,
        context: QueryContext<'a>,
        asked: BTreeSet<&'a str>,
    ) -> Self {
        let pool = Pool::new(context);
        Self { questions, known, changed: HashMap::new(), context, pool, versions: HashMap::new(), asked }
    }

    /// Types and texts of all criteria in the Bundle.
    pub(super) fn conditions(&self) -> impl Iterator<Item = &'a (String, String)> + use<'a> {
        self.questions.conditions.keys()
    }

    pub(super) fn settle(&mut self, place: usize, entry: &Entry) -> Result<Settled, Fault> {
        match &entry.action {
            Action::Delete { instance, expected } => self.delete(place, entry, instance, expected.as_ref()),
            Action::Create { body, if_none_exist } => self.create(place, entry, body, if_none_exist.as_deref()),
            Action::Update { instance, body, expected } => self.update(place, entry, instance, body, expected.as_ref()),
            Action::Patch { instance, expected, .. } => self.patch(place, entry, instance, expected.as_ref()),
            Action::Read { .. } | Action::Search { .. } => Ok(Settled::Read),
        }
    }

    fn delete(
        &mut self,
        place: usize,
        entry: &Entry,
        instance: &Instance,
        expected: Option<&Versions>,
    ) -> Result<Settled, Fault> {
        let former = match self.instance(entry, instance)? {
            Some(id) => self.former(entry, &id).filter(|former| !former.is_deleted).map(|former| (id, former)),
            None => None,
        };
        check(entry, expected, former.as_ref().map(|(_, former)| former.version))?;
        let Some((id, former)) = former else { return Ok(Settled::Nothing) };
        self.claim(place, entry, &id, UseKind::Deleted)?;
        Ok(Settled::Delete { id, before: former.version })
    }

    fn create(
        &mut self,
        place: usize,
        entry: &Entry,
        body: &Json,
        if_none_exist: Option<&str>,
    ) -> Result<Settled, Fault> {
        if let Some(text) = if_none_exist {
            let path = || in_request(entry.index, "ifNoneExist");
            if let Some(id) = one(self.candidates(&entry.resource_type, text), path)? {
                self.claim(place, entry, &id, UseKind::Found)?;
                return Ok(Settled::Existing(id));
            }
        }
        let id = (self.known.fresh)(place);
        self.claim(place, entry, &id, UseKind::Made)?;
        self.add(entry, &id, body);
        let before = self.former(entry, &id).map(|former| former.version);
        Ok(self.write(entry, id, before, true, body))
    }

    fn update(
        &mut self,
        place: usize,
        entry: &Entry,
        instance: &Instance,
        body: &Json,
        expected: Option<&Versions>,
    ) -> Result<Settled, Fault> {
        let id = match (self.instance(entry, instance)?, named_id(body)) {
            (Some(id), named) if named.as_ref().is_none_or(|named| *named == id) => id,
            (Some(_), _) => return Err(fault(in_resource(entry.index, "id"), Reason::OtherId)),
            (None, Some(named)) => {
                if self.former(entry, &named).is_some_and(|former| !former.is_deleted) {
                    return Err(fault(in_resource(entry.index, "id"), Reason::Taken));
                }
                named
            }
            (None, None) => (self.known.fresh)(place),
        };
        let former = self.former(entry, &id);
        check(entry, expected, former.map(|former| former.version))?;
        self.claim(place, entry, &id, UseKind::Replaced)?;
        self.add(entry, &id, body);
        let is_new = former.is_none_or(|former| former.is_deleted);
        Ok(self.write(entry, id, former.map(|former| former.version), is_new, body))
    }

    fn patch(
        &mut self,
        place: usize,
        entry: &Entry,
        instance: &Instance,
        expected: Option<&Versions>,
    ) -> Result<Settled, Fault> {
        let path = || in_request(entry.index, "url");
        let id = self.instance(entry, instance)?.ok_or_else(|| fault(path(), Reason::NotFound))?;
        let former = self.former(entry, &id).ok_or_else(|| fault(path(), Reason::NotFound))?;
        if former.is_deleted {
            return Err(fault(path(), Reason::Gone));
        }
        check(entry, expected, Some(former.version))?;
        self.claim(place, entry, &id, UseKind::Patched)?;
        let document = (self.known.document)(&entry.resource_type, &id);
        let document = document.ok_or_else(|| fault(path(), Reason::NotFound))?;
        Ok(self.write(entry, id, Some(former.version), false, &document))
    }

    fn write(&mut self, entry: &Entry, id: LogicalId, before: Option<VersionId>, is_new: bool, body: &Json) -> Settled {
        let version = before.map_or(VersionId::FIRST, VersionId::next);
        self.versions.insert((entry.resource_type.clone(), id.clone()), version);
        Settled::Write { id, before, is_new, body: body.clone() }
    }

    /// The id that an entry names; `None` if nothing matches its criteria.
    fn instance(&self, entry: &Entry, instance: &Instance) -> Result<Option<LogicalId>, Fault> {
        match instance {
            Instance::Id(id) => Ok(Some(id.clone())),
            Instance::Criteria(text) => {
                one(self.candidates(&entry.resource_type, text), || in_request(entry.index, "url"))
            }
        }
    }

    fn former(&self, entry: &Entry, id: &LogicalId) -> Option<Former> {
        (self.known.former)(&entry.resource_type, id)
    }

    /// What matches criteria at this point: in the store, and in the Bundle. What was deleted or replaced so far is
    /// not as the store has it any more.
    fn candidates(&self, kind: &str, text: &str) -> Vec<LogicalId> {
        self.matching(kind, text, &self.pool)
    }

    /// As [`Identities::candidates`], of the resources in `pool`.
    pub(super) fn matching(&self, kind: &str, text: &str, pool: &Pool<'_>) -> Vec<LogicalId> {
        let mut found = (self.known.matches)(kind, text);
        found.retain(|id| {
            let uses = self.changed.get(&(kind.to_owned(), id.clone()));
            uses.is_none_or(|uses| matches!(uses.kind, UseKind::Patched | UseKind::Found))
        });
        if let Some(question) = self.questions.conditions.get(&(kind.to_owned(), text.to_owned())) {
            found.extend(pool.find(kind, &question.condition));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn add(&mut self, entry: &Entry, id: &LogicalId, body: &Json) {
        // Criteria that only references have are answered when those are replaced.
        if self.asked.contains(entry.resource_type.as_str()) {
            self.pool.add(&entry.resource_type, id, body);
        }
    }

    /// Notes what an entry does to a resource. R4 http.html#trules: an overlap fails the transaction. That several
    /// creates find one resource, or what one of them has made, is none: they leave it alone.
    fn claim(&mut self, place: usize, entry: &Entry, id: &LogicalId, kind: UseKind) -> Result<(), Fault> {
        let key = (entry.resource_type.clone(), id.clone());
        let is_shared = |other: UseKind| kind == UseKind::Found && matches!(other, UseKind::Found | UseKind::Made);
        match self.changed.get(&key) {
            Some(other) if is_shared(other.kind) => Ok(()),
            Some(other) => {
                let member = if kind == UseKind::Found { "ifNoneExist" } else { "url" };
                Err(fault(in_request(entry.index, member), Reason::Duplicate(other.place)))
            }
            None => {
                self.changed.insert(key, Use { place, kind });
                Ok(())
            }
        }
    }

    /// Adds what references to an entry become.
    pub(super) fn link<'e>(&self, entry: &'e Entry, settled: &Settled, links: &mut Links<'e>) {
        let (Settled::Write { id, .. } | Settled::Existing(id)) = settled else { return };
        let (body, keeps_id) = match &entry.action {
            Action::Create { body, .. } => (Some(body), false),
            Action::Update { instance, body, .. } => (Some(body), matches!(instance, Instance::Id(_))),
            Action::Patch { instance, .. } => (None, matches!(instance, Instance::Id(_))),
            _ => (None, true),
        };
        let key = (entry.resource_type.clone(), id.clone());
        let version = self.versions.get(&key).copied().or_else(|| self.former(entry, id).map(|former| former.version));
        let version = if keeps_id { None } else { version };
        let link = Link { resource_type: entry.resource_type.clone(), id: id.clone(), version };
        links.add(entry.full_url.as_deref(), body, link);
    }
}

fn one(found: Vec<LogicalId>, path: impl FnOnce() -> String) -> Result<Option<LogicalId>, Fault> {
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (first, None) => Ok(first),
        _ => Err(fault(path(), Reason::ManyMatches)),
    }
}

fn check(entry: &Entry, expected: Option<&Versions>, current: Option<VersionId>) -> Result<(), Fault> {
    let holds = expected.is_none_or(|expected| current.is_some_and(|current| expected.admit(current)));
    if holds { Ok(()) } else { Err(fault(in_request(entry.index, "ifMatch"), Reason::VersionMismatch(current))) }
}

fn fault(path: String, reason: Reason) -> Fault {
    Fault { path, reason }
}
