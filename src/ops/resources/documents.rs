//! `DocumentReference/$docref`: the documents of a patient. US Core OperationDefinition-docref.html.

use crate::access::{Actor, Operation};
use crate::audit::Object;
use crate::base::LogicalId;
use crate::fhir::search::SearchQuery;
use crate::fhir::search::text::escape;
use crate::store::{Counting, Search, StoredResource};

use super::super::{Error, Ops};
use super::SearchPage;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentsRequest {
    /// Whose.
    pub patient: LogicalId,
    /// Care from here on, as a FHIR date or dateTime.
    pub start: Option<String>,
    /// Care up to here.
    pub end: Option<String>,
    /// Types of document, each as a token.
    pub types: Vec<String>,
    /// Profiles of which a document has to claim one.
    pub profiles: Vec<String>,
    /// Only what is made when it is asked for.
    pub on_demand_only: bool,
    /// The parameters as they were given, for links.
    pub used: Vec<(String, String)>,
}

impl Ops {
    /// The documents of a patient about a time of care: by the period of the care, by the date of the document where
    /// none is told. Without a time, the current ones. What was entered in error is left out. None is made on demand.
    pub async fn documents(&self, actor: &Actor, request: DocumentsRequest) -> Result<SearchPage, Error> {
        let operation = Operation::FhirSearch;
        self.authorize_type(actor, operation, DOCUMENT).await?;
        // An answer about a patient is one to who may read them.
        self.authorize_type(actor, Operation::FhirRead, "Patient").await?;
        let is_timed = request.start.is_some() || request.end.is_some();
        let mut common = vec![("patient".to_owned(), format!("Patient/{}", request.patient))];
        if !request.types.is_empty() {
            common.push(("type".to_owned(), request.types.join(",")));
        }
        if !request.profiles.is_empty() {
            let profiles: Vec<String> = request.profiles.iter().map(|profile| escape(profile)).collect();
            common.push(("_profile".to_owned(), profiles.join(",")));
        }
        if is_timed {
            common.push(("status:not".to_owned(), "entered-in-error".to_owned()));
        } else {
            common.push(("status".to_owned(), "current".to_owned()));
        }
        let within = |code: &str| {
            let bound = |prefix: &str, date: &Option<String>| {
                date.as_ref().map(|date| (code.to_owned(), format!("{prefix}{date}")))
            };
            [bound("ge", &request.start), bound("le", &request.end)].into_iter().flatten().collect::<Vec<_>>()
        };
        let searches = if is_timed {
            let undated = vec![("period:missing".to_owned(), "true".to_owned())];
            vec![within("period"), [undated, within("date")].concat()]
        } else {
            vec![Vec::new()]
        };
        let mut matches: Vec<StoredResource> = Vec::new();
        for search in searches.into_iter().filter(|_| !request.on_demand_only) {
            matches.extend(self.all_of(actor, DOCUMENT, &[common.clone(), search].concat()).await?);
        }
        let object = |one: &StoredResource| Object::resource(&one.resource_type, &one.logical_id, Some(one.version_id));
        self.note_read(actor, operation, matches.iter().map(object).collect()).await?;
        let total = i64::try_from(matches.len()).ok();
        let query = SearchQuery { used: request.used, ..SearchQuery::default() };
        Ok(SearchPage { query, matches, included: Vec::new(), is_cut: false, total, next: None })
    }

    /// Everything of a type that a search finds, if that is not too much. For who may search the type.
    async fn all_of(
        &self,
        actor: &Actor,
        resource_type: &str,
        pairs: &[(String, String)],
    ) -> Result<Vec<StoredResource>, Error> {
        let search: Search = self.searched(actor, resource_type, pairs, MOST_DOCUMENTS).await?;
        let found = self.desk(actor).search(search, Counting::No).await?;
        if found.next.is_some() {
            let said = format!("more than {MOST_DOCUMENTS} documents; a narrower time or type finds fewer");
            return Err(Error::TooCostly(said));
        }
        Ok(found.resources)
    }
}

const DOCUMENT: &str = "DocumentReference";
/// Documents in one answer.
const MOST_DOCUMENTS: usize = 1_000;
