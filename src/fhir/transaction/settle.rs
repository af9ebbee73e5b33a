//! What a transaction comes to. First the questions that the store has to answer are listed; with its answers every
//! entry gets its resource, and every reference its target, without a further look. R4 http.html#trules.

mod identity;
mod reference;

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};

use crate::base::{LogicalId, VersionId};
use crate::fhir::Json;
use crate::fhir::patch::PatchError;
use crate::fhir::reference::Target;
use crate::fhir::search::QueryContext;
use crate::fhir::structure::path::{Step, expression};

use super::links::Links;
use super::rewrite::walk;
use super::{Action, Condition, ConditionError, Entry, Instance, Patch, condition, in_request, in_resource, order};

use identity::Identities;

/// What the store is asked before a transaction can be settled.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Questions {
    /// Searches: type and criteria, as they stand in the Bundle, and what they mean. The resources that match now
    /// are wanted, and of those that an entry names by its criteria also the newest version.
    pub conditions: BTreeMap<(String, String), Question>,
    /// Resources whose newest version is wanted.
    pub instances: BTreeSet<(String, LogicalId)>,
    /// Places of the entries that make a resource if nothing matches.
    pub conditional: Vec<usize>,
    /// What becomes of references.
    references: Option<References>,
}

/// A search that the store has to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What it asks.
    pub condition: Condition,
    /// FHIRPath of the first place in the Bundle that asks it.
    pub path: String,
}

/// What becomes of references between entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum References {
    /// They are replaced by where the resources are: in a transaction.
    Replaced,
    /// They stay as they are: in a batch.
    Kept,
}

/// What the store has to say.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The resources of a type that match criteria.
    pub matches: &'a dyn Fn(&str, &str) -> Vec<LogicalId>,
    /// The newest version of a resource.
    pub former: &'a dyn Fn(&str, &LogicalId) -> Option<Former>,
    /// What the newest version of a resource says.
    pub document: &'a dyn Fn(&str, &LogicalId) -> Option<Json>,
    /// An id for the resource that the entry at this place makes. Never the same twice.
    pub fresh: &'a dyn Fn(usize) -> LogicalId,
}

/// The newest version of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Former {
    /// Which it is.
    pub version: VersionId,
    /// Whether it is a deletion.
    pub is_deleted: bool,
}

/// What an entry comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// A new version of a resource.
    Write {
        /// Its id.
        id: LogicalId,
        /// The version before it, also if that is a deletion.
        before: Option<VersionId>,
        /// Whether there was no resource, or a deleted one.
        is_new: bool,
        /// What it says, without the id and the `meta` that the store gives it.
        body: Json,
    },
    /// A create that found what it was to make.
    Existing(LogicalId),
    /// A deletion.
    Delete {
        /// Of which resource.
        id: LogicalId,
        /// Its version now.
        before: VersionId,
    },
    /// A deletion of nothing.
    Nothing,
    /// A read or a search; it is done after the rest.
    Read,
}

/// Why a transaction cannot be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// FHIRPath of what is wrong in the Bundle.
    pub path: String,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with an entry of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// `ifMatch` names another version.
    #[error("the resource is at another version")]
    VersionMismatch(Option<VersionId>),
    /// There is nothing to patch.
    #[error("there is no such resource")]
    NotFound,
    /// What is to be patched was deleted.
    #[error("the resource was deleted")]
    Gone,
    /// Criteria that have to mean one resource match several.
    #[error("the criteria match more than one resource")]
    ManyMatches,
    /// Another entry changes the same resource.
    #[error("it comes to the resource that Bundle.entry[{0}] comes to as well")]
    Duplicate(usize),
    /// The criteria match a resource with another id than the body.
    #[error("is not the id of the resource that matches the criteria")]
    OtherId,
    /// Nothing matches the criteria, but the id in the body belongs to a resource.
    #[error("the id belongs to a resource that does not match the criteria")]
    Taken,
    /// The criteria are not taken.
    #[error(transparent)]
    Condition(#[from] ConditionError),
    /// Nothing is what a conditional reference asks for, which is this.
    #[error("no resource is what the reference asks for")]
    NoTarget(String),
    /// Several resources are what a conditional reference asks for, which is this.
    #[error("more than one resource is what the reference asks for")]
    ManyTargets(String),
    /// A reference by a URN that no entry has as its full URL.
    #[error("the reference names no entry of the Bundle")]
    Dangling,
    /// A conditional reference in a place where it is not resolved.
    #[error("conditional references are not supported in a JSON Patch")]
    ConditionalInPatch,
    /// The patch cannot be applied.
    #[error("{}", .0.fault)]
    Patch(PatchError),
}

/// Lists what has to be known, and reads all criteria. The entries are looked through, not changed.
pub fn questions(entries: &mut [Entry], references: References, context: QueryContext<'_>) -> Result<Questions, Fault> {
    let mut questions = Questions { references: Some(references), ..Questions::default() };
    for (place, entry) in entries.iter_mut().enumerate() {
        let (index, kind) = (entry.index, entry.resource_type.clone());
        let instance = |questions: &mut Questions, instance: &Instance| match instance {
            Instance::Id(id) => {
                questions.instances.insert((kind.clone(), id.clone()));
                Ok(())
            }
            Instance::Criteria(text) => questions.ask(context, &kind, text, || in_request(index, "url")),
        };
        match &mut entry.action {
            Action::Delete { instance: which, .. } => instance(&mut questions, which)?,
            Action::Create { body, if_none_exist } => {
                if let Some(text) = if_none_exist {
                    questions.ask(context, &kind, text, || in_request(index, "ifNoneExist"))?;
                    questions.conditional.push(place);
                }
                questions.references(context, index, body)?;
            }
            Action::Update { instance: which, body, .. } => {
                instance(&mut questions, which)?;
                if matches!(which, Instance::Criteria(_)) {
                    questions.conditional.push(place);
                    questions.instances.extend(named_id(body).map(|id| (kind.clone(), id)));
                }
                questions.references(context, index, body)?;
            }
            Action::Patch { instance: which, patch, .. } => {
                instance(&mut questions, which)?;
                if let Patch::FhirPath(parameters) = patch {
                    questions.references(context, index, parameters)?;
                }
            }
            Action::Read { id, .. } => {
                questions.instances.insert((kind, id.clone()));
            }
            Action::Search { .. } => {}
        }
    }
    Ok(questions)
}

impl Questions {
    fn keeps_references(&self) -> bool {
        self.references == Some(References::Kept)
    }

    fn ask(
        &mut self,
        context: QueryContext<'_>,
        kind: &str,
        text: &str,
        path: impl Fn() -> String,
    ) -> Result<(), Fault> {
        if let Slot::Vacant(slot) = self.conditions.entry((kind.to_owned(), text.to_owned())) {
            let path = path();
            match condition(context, kind, text) {
                Ok(condition) => {
                    slot.insert(Question { condition, path });
                }
                Err(error) => return Err(Fault { path, reason: Reason::Condition(error) }),
            }
        }
        Ok(())
    }

    fn references(&mut self, context: QueryContext<'_>, index: usize, body: &mut Json) -> Result<(), Fault> {
        if self.keeps_references() {
            return Ok(());
        }
        let mut fault = None;
        walk(body, &mut |text, _slot, path| {
            if fault.is_none()
                && text.contains('?')
                && is_reference(path)
                && let Target::Conditional(kind, query) = Target::parse(text)
            {
                fault = self.ask(context, kind, query, || in_resource(index, &expression(path))).err();
            }
            false
        });
        fault.map_or(Ok(()), Err)
    }
}

/// Settles a transaction: the resource of every entry, in the order of the Bundle, all references in it replaced.
/// `questions` are those of the same entries, and `known` answers them.
pub fn settle(
    entries: &[Entry],
    questions: &Questions,
    known: Known<'_>,
    context: QueryContext<'_>,
) -> Result<Vec<Settled>, Fault> {
    let asked = entries.iter().filter(|entry| is_by_criteria(entry)).map(|entry| entry.resource_type.as_str());
    let mut identities = Identities::new(questions, known, context, asked.collect());
    let mut settled: Vec<Settled> = vec![Settled::Read; entries.len()];
    for place in order(entries.iter()) {
        if let (Some(entry), Some(slot)) = (entries.get(place), settled.get_mut(place)) {
            *slot = identities.settle(place, entry)?;
        }
    }
    if questions.keeps_references() {
        reference::patch_alone(entries, &mut settled)?;
        return Ok(settled);
    }
    let mut links = Links::default();
    for (entry, settled) in entries.iter().zip(&settled) {
        identities.link(entry, settled, &mut links);
    }
    reference::replace(entries, &mut settled, &links, &identities)?;
    Ok(settled)
}

/// Whether a search says which resource an entry means.
fn is_by_criteria(entry: &Entry) -> bool {
    match &entry.action {
        Action::Create { if_none_exist, .. } => if_none_exist.is_some(),
        Action::Delete { instance, .. } | Action::Update { instance, .. } | Action::Patch { instance, .. } => {
            matches!(instance, Instance::Criteria(_))
        }
        Action::Read { .. } | Action::Search { .. } => false,
    }
}

/// The id in a body, if it is one.
fn named_id(body: &Json) -> Option<LogicalId> {
    LogicalId::parse(body.text_at(&["id"])?).ok()
}

/// Whether these steps lead to `Reference.reference`; that it is one of a Reference is seen by who walks.
fn is_reference(path: &[Step<'_>]) -> bool {
    matches!(path.last(), Some(Step::Name("reference")))
}
