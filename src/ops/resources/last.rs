//! `Observation/$lastn`: the last observations of each kind. R4 observation-operation-lastn.html.

use crate::access::{Actor, Operation};
use crate::audit::Object;
use crate::base::{LogicalId, ProblemCode, Problems};
use crate::fhir::last::{Codes, first_of_each};
use crate::fhir::search::{Criterion, SearchQuery};
use crate::store::{Counting, StoredResource};

use super::super::{Error, Ops};
use super::SearchPage;

impl Ops {
    /// The last `most` observations of each kind among those that a search finds, the newest first, kind by kind.
    /// The search names whose they are, and a category or a code.
    pub async fn last_observations(
        &self,
        actor: &Actor,
        pairs: Vec<(String, String)>,
        most: usize,
        used: Vec<(String, String)>,
    ) -> Result<SearchPage, Error> {
        let operation = Operation::FhirSearch;
        let by_date = [pairs, vec![("_sort".to_owned(), "-date".to_owned())]].concat();
        let mut search = self.searched(actor, OBSERVATION, &by_date, PAGE).await?;
        let asks = |codes: &[&str]| {
            search.query.criteria.iter().any(|criterion| match criterion {
                Criterion::Parameter { definition, .. } | Criterion::Chain { definition, .. } => {
                    codes.contains(&definition.code.as_str())
                }
                Criterion::Has { .. } => false,
            })
        };
        let mut problems = Problems::new();
        if !asks(&["patient", "subject"]) {
            problems.add("patient", ProblemCode::Required, "patient or subject is required");
        }
        if !asks(&["category", "code"]) {
            problems.add("category", ProblemCode::Required, "category or code is required");
        }
        problems.into_result(()).map_err(Error::Invalid)?;
        let (mut ids, mut codes): (Vec<LogicalId>, Vec<Codes>) = (Vec::new(), Vec::new());
        loop {
            let found = self.desk(actor).search(search.clone(), Counting::No).await?;
            for one in found.resources {
                codes.push(one.body.as_deref().and_then(Codes::of).unwrap_or_default());
                ids.push(one.logical_id);
            }
            if ids.len() > MOST_CANDIDATES {
                return Err(Error::TooCostly(format!("the last of more than {MOST_CANDIDATES} observations")));
            }
            search.place = found.next;
            if search.place.is_none() {
                break;
            }
        }
        let places = self.on_cpu(move || first_of_each(&codes, most)).await?;
        if places.len() > MOST_FOUND {
            return Err(Error::TooCostly(format!("more than {MOST_FOUND} observations")));
        }
        let wanted = places.iter().filter_map(|place| ids.get(*place));
        let wanted: Vec<_> = wanted.map(|id| (OBSERVATION.to_owned(), id.clone())).collect();
        let mut matches = self.desk(actor).resources(&wanted).await?;
        matches.retain(|one| one.body.is_some());
        let object = |one: &StoredResource| Object::resource(&one.resource_type, &one.logical_id, Some(one.version_id));
        self.note_read(actor, operation, matches.iter().map(object).collect()).await?;
        let total = i64::try_from(matches.len()).ok();
        let query = SearchQuery { used, ..SearchQuery::default() };
        Ok(SearchPage { query, matches, included: Vec::new(), is_cut: false, total, next: None })
    }
}

const OBSERVATION: &str = "Observation";
/// Observations that are looked at in one go.
const PAGE: usize = 2_000;
/// Observations among which the last ones are looked for.
const MOST_CANDIDATES: usize = 50_000;
/// Observations in one answer.
const MOST_FOUND: usize = 2_000;
