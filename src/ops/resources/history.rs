//! Versions of one resource, of a type, of everything. R4 http.html#history.

use crate::access::{Actor, Operation};
use crate::audit::Object;
use crate::base::{Cursor, LogicalId, ProblemCode, Problems, Timestamp};
use crate::fhir::temporal::Range;
use crate::store::{ChangeFilter, Interaction, StoredResource};

use super::super::{Error, Ops};

/// Whose versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryScope {
    /// One resource.
    Instance {
        /// Its type.
        resource_type: String,
        /// Its id.
        id: LogicalId,
    },
    /// All resources of a type.
    Type(String),
    /// All resources.
    System,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Whose.
    pub scope: HistoryScope,
    /// Versions made at this instant or later.
    pub since: Option<Timestamp>,
    /// Versions that were current at some instant of this range.
    pub at: Option<Range>,
    /// Most entries of a page.
    pub count: usize,
    /// Cursor of the page before.
    pub cursor: Option<String>,
}

/// A version and how it came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The version; without a body if it is a deletion.
    pub stored: StoredResource,
    /// What made it.
    pub interaction: Interaction,
}

/// A page, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// The versions.
    pub entries: Vec<HistoryEntry>,
    /// Versions on all pages, as the first one counted them.
    pub total: i64,
    /// Cursor of the next page, if there is one.
    pub next: Option<String>,
}

impl Ops {
    /// A page of versions. The first page fixes what the later ones show.
    pub async fn history(&self, actor: &Actor, query: HistoryQuery) -> Result<HistoryPage, Error> {
        let operation = match &query.scope {
            HistoryScope::Instance { resource_type, .. } => {
                self.authorize_type(actor, Operation::FhirHistory, resource_type).await?;
                Operation::FhirHistory
            }
            HistoryScope::Type(resource_type) => {
                self.authorize_type(actor, Operation::FhirHistoryAll, resource_type).await?;
                self.authorize_all_binaries(actor, resource_type).await?;
                Operation::FhirHistoryAll
            }
            HistoryScope::System => {
                self.authorize(actor, Operation::FhirHistoryAll).await?;
                Operation::FhirHistoryAll
            }
        };
        let listing = format!("history {:?} {:?} {:?}", query.scope, query.since, query.at);
        let place = self.history_place(actor, &listing, query.cursor.as_deref())?;
        let mut filter = match &query.scope {
            HistoryScope::Instance { resource_type, id } => ChangeFilter {
                resource_type: Some(resource_type.clone()),
                id: Some(id.clone()),
                ..ChangeFilter::default()
            },
            HistoryScope::Type(resource_type) => {
                ChangeFilter { resource_type: Some(resource_type.clone()), ..ChangeFilter::default() }
            }
            HistoryScope::System => ChangeFilter::default(),
        };
        filter.since = query.since;
        filter.at = query.at.map(|at| (at.from, at.until));
        let total = match &place {
            Some(place) => place.total,
            None => self.desk(actor).count_changes(filter.clone()).await?,
        };
        if let (HistoryScope::Instance { resource_type, id }, 0) = (&query.scope, total) {
            let found = self.desk(actor).resource(resource_type, id).await?.ok_or(Error::NotFound)?;
            self.refuse_hidden(actor, &found)?;
        }
        filter.before = place.map(|place| place.seq);
        filter.limit = i64::try_from(query.count).unwrap_or(i64::MAX).saturating_add(1);
        let mut changes = self.desk(actor).changes(filter).await?;
        let more = changes.len() > query.count;
        changes.truncate(query.count);
        let next = match changes.last() {
            Some(last) if more => {
                let cursor = Cursor { listing, after: vec![last.seq.to_string(), total.to_string()] };
                Some(self.shared.store.cursor_key(&actor.tenant)?.write(&cursor))
            }
            _ => None,
        };
        let keys: Vec<_> = changes
            .iter()
            .map(|change| (change.resource_type.clone(), change.logical_id.clone(), change.version_id))
            .collect();
        let versions = self.desk(actor).resource_versions(&keys).await?;
        let mut entries = Vec::with_capacity(changes.len());
        for (change, stored) in changes.iter().zip(versions) {
            let stored = stored.ok_or_else(|| Error::Fault("a change without its version".into()))?;
            if !self.may_see(actor, &stored) {
                // Of one resource, all of its versions or none.
                if let HistoryScope::Instance { .. } = &query.scope {
                    return Err(Error::NotFound);
                }
                continue;
            }
            entries.push(HistoryEntry { stored, interaction: change.interaction });
        }
        let object = |entry: &HistoryEntry| {
            Object::resource(&entry.stored.resource_type, &entry.stored.logical_id, Some(entry.stored.version_id))
        };
        self.note_read(actor, operation, entries.iter().map(object).collect()).await?;
        Ok(HistoryPage { entries, total, next })
    }

    fn history_place(&self, actor: &Actor, listing: &str, cursor: Option<&str>) -> Result<Option<Place>, Error> {
        let Some(text) = cursor else { return Ok(None) };
        let place = self.shared.store.cursor_key(&actor.tenant)?.read(listing, text).and_then(|cursor| {
            let [seq, total] = cursor.after.as_slice() else { return None };
            Some(Place { seq: seq.parse().ok()?, total: total.parse().ok()? })
        });
        let wrong = || Error::Invalid(Problems::one("cursor", ProblemCode::Value, "is not a cursor of this listing"));
        place.map(Some).ok_or_else(wrong)
    }
}

struct Place {
    seq: i64,
    total: i64,
}
