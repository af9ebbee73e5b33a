//! Batches and transactions. R4 http.html#transaction. A Bundle comes in, what became of each entry goes out: of a
//! batch entry by entry, of a transaction all together or not at all, in one `WriteSet`.

mod error;
mod together;

use futures_util::StreamExt as _;
use futures_util::stream;

use crate::access::{Actor, Operation};
use crate::base::{LogicalId, ProblemCode, Problems, VersionId};
use crate::fhir::Json;
use crate::fhir::transaction::{
    self, Action, Cached, Entry, EntryError, Instance, Kind, Match, Plan, References, Versions, read, search_set,
};
use crate::report::fhir::bundle::fhir_base;
use crate::store::StoredResource;

use super::super::{Error, Ops};
use super::{Expected, Patch, SearchRequest, Written};

use error::{at_entry, of_entry, of_read};

/// What became of a Bundle.
#[derive(Debug)]
pub struct Processed {
    /// What kind it was.
    pub kind: Kind,
    /// What became of each entry, in its place. Those of a transaction all went well.
    pub entries: Vec<Result<Done, Error>>,
}

/// What became of an entry that went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// A version was made.
    Written(Written),
    /// A conditional create found this.
    Existing(StoredResource),
    /// A resource was deleted, with this version, or there was none.
    Deleted(Option<VersionId>),
    /// A resource was read.
    Read {
        /// The version.
        stored: StoredResource,
        /// Whether the client has it already.
        is_fresh: bool,
        /// Whether it asked for the body.
        wants_body: bool,
    },
    /// A search was done.
    Found {
        /// Text of the Bundle of what it found.
        bundle: Vec<u8>,
        /// Whether the client asked for the body.
        wants_body: bool,
    },
}

impl Ops {
    /// Does what the entries of a `batch` or `transaction` Bundle ask for. The error of a transaction names the
    /// place in it; then nothing of it was done.
    pub async fn process_bundle(&self, actor: &Actor, bundle: Json) -> Result<Processed, Error> {
        self.authorize(actor, Operation::FhirBundle).await?;
        let most = self.settings().bundle_entries;
        let Plan { kind, entries } = self.on_cpu(move || read(bundle, most)).await?.map_err(of_read)?;
        let entries = match kind {
            Kind::Batch => self.batch(actor, entries).await,
            Kind::Transaction => {
                let entries = entries.into_iter().enumerate();
                let entries = entries.map(|(index, entry)| entry.map_err(|error| of_entry(index, error)));
                let done = self.transact(actor, entries.collect::<Result<_, _>>()?).await?;
                done.into_iter().map(Ok).collect()
            }
        };
        Ok(Processed { kind, entries })
    }

    /// Does entries together or not at all.
    pub async fn transact(&self, actor: &Actor, entries: Vec<Entry>) -> Result<Vec<Done>, Error> {
        self.together(actor, entries, References::Replaced).await
    }

    /// Does entries each for itself, as if it had come alone. Those of one kind go on at the same time.
    pub async fn batch(&self, actor: &Actor, entries: Vec<Result<Entry, EntryError>>) -> Vec<Result<Done, Error>> {
        let mut done: Vec<Option<Result<Done, Error>>> = entries.iter().map(|_| None).collect();
        let mut ranks: [Vec<(usize, Entry)>; RANKS] = Default::default();
        for (place, entry) in entries.into_iter().enumerate() {
            match entry {
                Ok(entry) => {
                    if let Some(rank) = ranks.get_mut(usize::from(entry.action.rank())) {
                        rank.push((place, entry));
                    }
                }
                Err(error) => {
                    if let Some(slot) = done.get_mut(place) {
                        *slot = Some(Err(of_entry(place, error)));
                    }
                }
            }
        }
        for rank in ranks {
            let work = rank.into_iter().map(|(place, entry)| async move {
                let index = entry.index;
                (place, Box::pin(self.alone(actor, entry)).await.map_err(|error| at_entry(index, error)))
            });
            let mut work = stream::iter(work).buffer_unordered(AT_ONCE);
            while let Some((place, outcome)) = work.next().await {
                if let Some(slot) = done.get_mut(place) {
                    *slot = Some(outcome);
                }
            }
        }
        let lost = || Err(Error::Fault("an entry of a batch was lost".into()));
        done.into_iter().map(|outcome| outcome.unwrap_or_else(lost)).collect()
    }

    /// Does one entry by the use case that it would meet if it came alone.
    async fn alone(&self, actor: &Actor, entry: Entry) -> Result<Done, Error> {
        let kind = entry.resource_type.clone();
        match entry.action {
            Action::Create { body, if_none_exist: None } => {
                self.create_resource(actor, &kind, body).await.map(Done::Written)
            }
            Action::Update { instance: Instance::Id(id), body, expected } => {
                let expected = expected.into();
                self.update_resource(actor, &kind, &id, body, &expected).await.map(Done::Written)
            }
            Action::Patch { instance: Instance::Id(id), patch, expected } => {
                let (patch, expected) = (patch.into(), expected.into());
                self.patch_resource(actor, &kind, &id, &patch, &expected).await.map(Done::Written)
            }
            Action::Delete { instance: Instance::Id(id), expected } => {
                self.delete_resource(actor, &kind, &id, &expected.into()).await.map(Done::Deleted)
            }
            Action::Read { id, version: None, cached, wants_body } => {
                let stored = self.read_resource(actor, &kind, &id).await?;
                Ok(read_done(stored, &cached, wants_body))
            }
            Action::Read { id, version: Some(version), cached, wants_body } => {
                let stored = self.read_resource_version(actor, &kind, &id, version).await?;
                Ok(read_done(stored, &cached, wants_body))
            }
            Action::Search { query, wants_body } => {
                Ok(Done::Found { bundle: self.found(actor, &kind, &query).await?, wants_body })
            }
            action @ (Action::Create { .. } | Action::Update { .. } | Action::Patch { .. } | Action::Delete { .. }) => {
                let entry = Entry { action, ..entry };
                let done = self.together(actor, vec![entry], References::Kept).await?;
                done.into_iter().next().ok_or_else(|| Error::Fault("an entry came to nothing".into()))
            }
        }
    }

    /// A Bundle of what a search finds, whole.
    async fn found(&self, actor: &Actor, resource_type: &str, query: &str) -> Result<Vec<u8>, Error> {
        let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        for (name, _) in &pairs {
            if let Some(shape) = SHAPES.iter().find(|shape| name.split(':').next() == Some(**shape)) {
                let detail = format!("{shape} is not supported in a Bundle");
                return Err(Error::Invalid(Problems::one(*shape, ProblemCode::Unsupported, detail)));
            }
        }
        pairs.push(("_count".to_owned(), MOST_FOUND.to_string()));
        let resource_type_named = Some(resource_type.to_owned());
        let request = SearchRequest {
            resource_type: resource_type_named,
            compartment: None,
            pairs,
            is_strict: true,
            cursor: None,
        };
        let page = self.search(actor, request).await?;
        if page.next.is_some() {
            return Err(Error::TooCostly(format!("a search in a Bundle finds at most {MOST_FOUND} resources")));
        }
        let base = fhir_base(&self.base_url(&actor.tenant));
        let matches = page.matches.into_iter().filter_map(|one| {
            Some(Match { full_url: format!("{base}/{resource_type}/{}", one.logical_id), resource: one.body? })
        });
        let mark = if query.is_empty() { "" } else { "?" };
        Ok(search_set(&format!("{base}/{resource_type}{mark}{query}"), &matches.collect::<Vec<_>>()))
    }

    /// The resources of a type that match criteria, at most so many. Every search of a Bundle comes through here.
    async fn matching(
        &self,
        actor: &Actor,
        resource_type: &str,
        criteria: &str,
        most: usize,
    ) -> Result<Vec<LogicalId>, Error> {
        self.matches(actor, resource_type, criteria, most).await
    }
}

fn read_done(stored: StoredResource, cached: &Cached, wants_body: bool) -> Done {
    let is_fresh = cached.is_fresh(stored.version_id, stored.last_updated);
    Done::Read { stored, is_fresh, wants_body }
}

impl From<Option<Versions>> for Expected {
    fn from(versions: Option<Versions>) -> Self {
        match versions {
            None => Self::Whatever,
            Some(Versions::Any) => Self::Present,
            Some(Versions::Listed(versions)) => Self::Versions(versions),
        }
    }
}

impl From<transaction::Patch> for Patch {
    fn from(patch: transaction::Patch) -> Self {
        match patch {
            transaction::Patch::Json(patch) => Self::Json(patch),
            transaction::Patch::FhirPath(parameters) => Self::FhirPath(parameters),
        }
    }
}

/// Kinds of entries that are done one after the other: DELETE; POST; PUT and PATCH; GET and HEAD.
const RANKS: usize = 4;
/// Entries of a batch that are done at the same time: enough to share commits.
const AT_ONCE: usize = 8;
/// Parameters that shape the answer to a search; in a Bundle it is whole.
const SHAPES: [&str; 7] = ["_include", "_revinclude", "_summary", "_elements", "_count", "_total", "_cursor"];
/// Resources that a search in a Bundle may find.
const MOST_FOUND: usize = 1_000;
