//! search. R4 search.html.

use std::collections::HashSet;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::access::{Actor, Operation, decide_type};
use crate::audit::Object;
use crate::base::{LogicalId, ProblemCode, Problems, Sha256};
use crate::fhir::Json;
use crate::fhir::search::extract::values_of;
use crate::fhir::search::query::{Codes, Include, Summary, Total, Unsupported};
use crate::fhir::search::text::escape;
use crate::fhir::search::{
    Criterion, Help, IndexValue, ParamType, QueryContext, QueryError, QueryLimits, Registry, SearchQuery,
};
use crate::report::fhir::bundle::fhir_base;
use crate::store::{Catalog, Compartment, Counting, Search, StoredResource};

use super::super::document::document;
use super::super::{Error, Ops};

/// A search as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchRequest {
    /// The type that is searched; `None` for the whole system.
    pub resource_type: Option<String>,
    /// Within which compartment.
    pub compartment: Option<Compartment>,
    /// Parameters: names and values, decoded, in order.
    pub pairs: Vec<(String, String)>,
    /// Whether an unknown parameter makes the search fail.
    pub is_strict: bool,
    /// Cursor of the page before.
    pub cursor: Option<String>,
}

/// A page of what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchPage {
    /// What was understood.
    pub query: SearchQuery,
    /// The matches, in order.
    pub matches: Vec<StoredResource>,
    /// What comes with them.
    pub included: Vec<StoredResource>,
    /// Whether there is more to come with them than is here.
    pub is_cut: bool,
    /// How many matches there are on all pages, if somebody counted.
    pub total: Option<i64>,
    /// Cursor of the next page, if there is one.
    pub next: Option<String>,
}

impl Ops {
    /// A page of matches and of what comes with them. The first page fixes which resources the later ones show.
    pub async fn search(&self, actor: &Actor, request: SearchRequest) -> Result<SearchPage, Error> {
        let operation = Operation::FhirSearch;
        let base = fhir_base(&self.base_url(&actor.tenant));
        let (query, catalog) = self.understood(actor, request.resource_type.as_deref(), &request.pairs, &base).await?;
        self.authorize_search(actor, &query).await?;
        if let (true, Some(unknown)) = (request.is_strict, query.unsupported.first()) {
            return Err(not_known(unknown));
        }
        if let Some(compartment) = &request.compartment {
            self.authorize_type(actor, operation, &compartment.kind).await?;
        }
        let limit = query.count.map_or(USUAL_COUNT, |count| usize::try_from(count).unwrap_or(USUAL_COUNT));
        // The cursor is good for this search alone; as a digest, because parameters are patient data.
        let asked = format!("{:?} {:?} {:?}", request.resource_type, request.compartment, query.used);
        let listing = Sha256::of(asked.as_bytes()).to_string();
        let mut search = Search { query, compartment: request.compartment, base, place: None, limit };
        if search.query.summary == Some(Summary::Count) {
            let total = self.desk(actor).count(search.clone()).await?;
            self.held(actor, &catalog, &search.query).await?;
            self.note_read(actor, operation, Vec::new()).await?;
            return Ok(SearchPage {
                query: search.query,
                matches: Vec::new(),
                included: Vec::new(),
                is_cut: false,
                total: Some(total),
                next: None,
            });
        }
        if let Some(cursor) = &request.cursor {
            let sealed = URL_SAFE_NO_PAD.decode(cursor).ok();
            let place = sealed.and_then(|sealed| self.desk(actor).read_place(&listing, &sealed));
            let wrong =
                || Error::Invalid(Problems::one("_cursor", ProblemCode::Value, "is not a cursor of this search"));
            search.place = Some(place.ok_or_else(wrong)?);
        }
        let counting = match search.query.total {
            Some(Total::None) => Counting::No,
            Some(Total::Accurate) => Counting::Whole,
            Some(Total::Estimate) => Counting::UpTo(MOST_COUNTED),
            None => Counting::UpTo(COUNTED_UNASKED),
        };
        let mut found = self.desk(actor).search(search.clone(), counting).await?;
        found.resources.retain(|one| self.may_see(actor, one));
        let next = match &found.next {
            Some(place) => Some(URL_SAFE_NO_PAD.encode(self.desk(actor).write_place(&listing, place)?)),
            None => None,
        };
        let (included, is_cut) = self.included(actor, &catalog, &search.query, &found.resources).await?;
        self.held(actor, &catalog, &search.query).await?;
        let object = |one: &StoredResource| Object::resource(&one.resource_type, &one.logical_id, Some(one.version_id));
        self.note_read(actor, operation, found.resources.iter().chain(&included).map(object).collect()).await?;
        let query = search.query;
        Ok(SearchPage { query, matches: found.resources, included, is_cut, total: found.total, next })
    }

    /// The ids of resources of a type that match criteria as a conditional request has them, `name=value&…`; no
    /// more than `most`. Criteria that say nothing are refused: they would match everything. R4 http.html#ccreate.
    pub async fn matches(
        &self,
        actor: &Actor,
        resource_type: &str,
        criteria: &str,
        most: usize,
    ) -> Result<Vec<LogicalId>, Error> {
        let search = self.criteria(actor, resource_type, criteria, most).await?;
        let found = self.desk(actor).search(search, Counting::No).await?;
        Ok(found.resources.into_iter().map(|one| one.logical_id).collect())
    }

    /// The search that criteria mean, for someone who may search so.
    pub(super) async fn criteria(
        &self,
        actor: &Actor,
        resource_type: &str,
        criteria: &str,
        most: usize,
    ) -> Result<Search, Error> {
        let base = fhir_base(&self.base_url(&actor.tenant));
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(criteria.as_bytes()).into_owned().collect();
        if pairs.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
            return Err(Error::Invalid(Problems::one("criteria", ProblemCode::Value, "are not text")));
        }
        let (query, _) = self.understood(actor, Some(resource_type), &pairs, &base).await?;
        if let Some(unknown) = query.unsupported.first() {
            return Err(not_known(unknown));
        }
        let shapes = !query.includes.is_empty()
            || !query.revincludes.is_empty()
            || !query.elements.is_empty()
            || query.summary.is_some()
            || query.count.is_some();
        if query.criteria.is_empty() || shapes {
            let said = "search criteria are expected, and nothing else";
            return Err(Error::Invalid(Problems::one("criteria", ProblemCode::Value, said)));
        }
        self.authorize_search(actor, &query).await?;
        Ok(Search { query, compartment: None, base, place: None, limit: most })
    }

    /// The search that parameters mean, which are criteria and `_sort`, all of them known; for someone who may search
    /// so.
    pub(super) async fn searched(
        &self,
        actor: &Actor,
        resource_type: &str,
        pairs: &[(String, String)],
        most: usize,
    ) -> Result<Search, Error> {
        let base = fhir_base(&self.base_url(&actor.tenant));
        let (query, _) = self.understood(actor, Some(resource_type), pairs, &base).await?;
        if let Some(unknown) = query.unsupported.first() {
            return Err(not_known(unknown));
        }
        let shape = pairs.iter().map(|(name, _)| name.as_str()).find(|name| {
            let name = name.split(':').next().unwrap_or_default();
            ["_include", "_revinclude", "_summary", "_elements", "_count", "_total"].contains(&name)
        });
        if let Some(shape) = shape {
            return Err(Error::Invalid(Problems::one(shape, ProblemCode::Unsupported, "is not supported here")));
        }
        self.authorize_search(actor, &query).await?;
        Ok(Search { query, compartment: None, base, place: None, limit: most })
    }

    /// The ids of resources of a type that have an identifier, `[system|]value`; no more than `most`. For use cases
    /// that have authorized their actor.
    pub(in crate::ops) async fn having_identifier(
        &self,
        actor: &Actor,
        resource_type: &str,
        system: Option<&str>,
        value: &str,
        most: usize,
    ) -> Result<Vec<LogicalId>, Error> {
        let base = fhir_base(&self.base_url(&actor.tenant));
        let token = match system {
            Some(system) => format!("{}|{}", escape(system), escape(value)),
            None => escape(value),
        };
        let pairs = [("identifier".to_owned(), token)];
        let context = self.context(Registry::r4(), &base);
        let query = SearchQuery::parse(context, Some(resource_type), &pairs).map_err(|error| of_query(&error))?;
        let search = Search { query, compartment: None, base, place: None, limit: most };
        let found = self.desk(actor).search(search, Counting::No).await?;
        Ok(found.resources.into_iter().map(|one| one.logical_id).collect())
    }

    /// The resource of a type that says it is `url`, of this version if one is named, else the one that changed
    /// last. For use cases that have authorized their actor.
    pub(in crate::ops) async fn by_canonical(
        &self,
        actor: &Actor,
        resource_type: &str,
        url: &str,
        version: Option<&str>,
    ) -> Result<Option<Json>, Error> {
        let base = fhir_base(&self.base_url(&actor.tenant));
        let context = self.context(Registry::r4(), &base);
        let pairs = [("url".to_owned(), escape(url))];
        let query = SearchQuery::parse(context, Some(resource_type), &pairs).map_err(|error| of_query(&error))?;
        let search = Search { query, compartment: None, base, place: None, limit: MOST_VERSIONS };
        let mut found = self.desk(actor).search(search, Counting::No).await?.resources;
        found.sort_by_key(|one| std::cmp::Reverse(one.last_updated));
        for stored in &found {
            let document = document(stored)?;
            if version.is_none_or(|version| document.text_at(&["version"]) == Some(version)) {
                return Ok(Some(document));
            }
        }
        Ok(None)
    }

    fn context<'c>(&self, registry: &'c Registry, base: &'c str) -> QueryContext<'c> {
        QueryContext { registry, base, now: self.now(), limits: QueryLimits::default() }
    }

    /// What parameters ask, and the catalog by which they were read. What value sets and hierarchies say is asked for;
    /// what this node does not know may have come by another one.
    async fn understood(
        &self,
        actor: &Actor,
        resource_type: Option<&str>,
        pairs: &[(String, String)],
        base: &str,
    ) -> Result<(SearchQuery, Arc<Catalog>), Error> {
        let mut catalog = self.desk(actor).catalog().await?;
        let (mut codes, mut is_fresh) = (Codes::new(), false);
        let query = loop {
            let help = Help { codes: Some(&codes), zone_seconds: self.settings().zone_seconds };
            let parsed = SearchQuery::parse_with(self.context(catalog.registry(), base), help, resource_type, pairs);
            if let Err(QueryError::Codes { name, question }) = parsed {
                let answer = self.codes_of(actor, &name, &question, base).await?;
                codes.add(question, answer);
                continue;
            }
            let depends = match &parsed {
                Ok(query) => !query.unsupported.is_empty() || catalog.concerns(query),
                Err(_) => true,
            };
            if depends && !is_fresh {
                is_fresh = true;
                let fresh = self.desk(actor).fresh_catalog().await?;
                if fresh.number() != catalog.number() {
                    catalog = fresh;
                    continue;
                }
            }
            break parsed.map_err(|error| of_query(&error))?;
        };
        if let Some(pending) = catalog.pending(&query) {
            let said = "is being indexed; a search by it would miss resources, so ask again later";
            return Err(Error::NotReady(Problems::one(&*pending.code, ProblemCode::Transient, said)));
        }
        let unbound = |include: &Include| include.source.is_none();
        if query.revincludes.iter().any(unbound) {
            let said = "has to name the type that refers";
            return Err(Error::Invalid(Problems::one("_revinclude", ProblemCode::Unsupported, said)));
        }
        Ok((query, catalog))
    }

    /// Makes sure that parameters of the tenant's own were the same all the time: rows may have been taken away.
    async fn held(&self, actor: &Actor, catalog: &Catalog, query: &SearchQuery) -> Result<(), Error> {
        if catalog.concerns(query) && self.desk(actor).fresh_catalog().await?.number() != catalog.number() {
            return Err(Error::Busy("search parameters are changing at this moment".into()));
        }
        Ok(())
    }

    /// Whoever searches may search every type that the search looks at: an answer to a chain is an answer about
    /// what it leads to.
    async fn authorize_search(&self, actor: &Actor, query: &SearchQuery) -> Result<(), Error> {
        let mut types: Vec<&str> = query.resource_types.iter().map(String::as_str).collect();
        if types.is_empty() {
            self.authorize(actor, Operation::FhirSearch).await?;
        }
        for criterion in &query.criteria {
            looked_at(criterion, &mut types);
        }
        types.sort_unstable();
        types.dedup();
        for resource_type in types {
            self.authorize_type(actor, Operation::FhirSearch, resource_type).await?;
            self.authorize_all_binaries(actor, resource_type).await?;
        }
        Ok(())
    }

    /// What comes with matches, each once, and whether some was left out. R4 search.html#revinclude.
    async fn included(
        &self,
        actor: &Actor,
        catalog: &Arc<Catalog>,
        query: &SearchQuery,
        matches: &[StoredResource],
    ) -> Result<(Vec<StoredResource>, bool), Error> {
        if query.includes.is_empty() && query.revincludes.is_empty() {
            return Ok((Vec::new(), false));
        }
        let key = |one: &StoredResource| (one.resource_type.clone(), one.logical_id.clone());
        let mut known: HashSet<(String, LogicalId)> = matches.iter().map(key).collect();
        let mut included: Vec<StoredResource> = Vec::new();
        let mut frontier: Vec<StoredResource> = matches.to_vec();
        for round in 0..MOST_ROUNDS {
            let followed = |include: &&Include| round == 0 || include.iterate;
            let mut found = Vec::new();
            let includes: Vec<Include> = query.includes.iter().filter(followed).cloned().collect();
            if !includes.is_empty() {
                let (from, base) = (frontier.clone(), fhir_base(&self.base_url(&actor.tenant)));
                let by = Arc::clone(catalog);
                let wanted = self.on_cpu(move || referred(by.registry(), &includes, &from, &base)).await??;
                let wanted: Vec<_> = wanted
                    .into_iter()
                    .filter(|target| !known.contains(target) && may_read(actor, &target.0))
                    .take(MOST_INCLUDED)
                    .collect();
                found.extend(self.desk(actor).resources(&wanted).await?);
            }
            for include in query.revincludes.iter().filter(followed) {
                found.extend(self.referring(actor, catalog.registry(), include, &frontier).await?);
            }
            frontier.clear();
            for one in found.into_iter().filter(|one| one.body.is_some() && self.may_see(actor, one)) {
                if !known.insert(key(&one)) {
                    continue;
                }
                if included.len() == MOST_INCLUDED {
                    return Ok((included, true));
                }
                included.push(one.clone());
                frontier.push(one);
            }
            if frontier.is_empty() {
                return Ok((included, false));
            }
        }
        Ok((included, query.includes.iter().chain(&query.revincludes).any(|include| include.iterate)))
    }

    /// What refers to one of `targets`.
    async fn referring(
        &self,
        actor: &Actor,
        registry: &Registry,
        include: &Include,
        targets: &[StoredResource],
    ) -> Result<Vec<StoredResource>, Error> {
        let Some(source) = include.source.as_deref().filter(|source| may_read(actor, source)) else {
            return Ok(Vec::new());
        };
        let params: Vec<(String, String)> = match &include.reference {
            Some(reference) => vec![(source.to_owned(), reference.code.clone())],
            None => registry
                .of_type(source)
                .filter(|definition| definition.param_type == ParamType::Reference)
                .map(|definition| (source.to_owned(), definition.code.clone()))
                .collect(),
        };
        let mut types: Vec<&str> = targets.iter().map(|target| target.resource_type.as_str()).collect();
        types.sort_unstable();
        types.dedup();
        let mut found = Vec::new();
        for kind in types.into_iter().filter(|kind| include.target.as_deref().is_none_or(|target| target == *kind)) {
            let of_kind = targets.iter().filter(|target| target.resource_type == kind);
            let ids = of_kind.map(|target| target.logical_id.clone()).collect();
            found.extend(self.desk(actor).referring(params.clone(), kind, ids, MOST_INCLUDED + 1).await?);
        }
        Ok(found)
    }
}

/// What resources refer to by the parameters of includes, in their order.
fn referred(
    registry: &Registry,
    includes: &[Include],
    resources: &[StoredResource],
    base: &str,
) -> Result<Vec<(String, LogicalId)>, Error> {
    let (mut out, mut seen) = (Vec::new(), HashSet::new());
    for resource in resources {
        let mut body = None;
        for include in includes {
            if include.source.as_deref().is_some_and(|source| source != resource.resource_type) {
                continue;
            }
            let document = match &mut body {
                Some(document) => document,
                empty => empty.insert(document(resource)?),
            };
            let mut values = Vec::new();
            for definition in registry.of_type(&resource.resource_type) {
                let wanted = match &include.reference {
                    Some(reference) => reference.code == definition.code,
                    None => definition.param_type == ParamType::Reference,
                };
                if wanted {
                    values_of(definition, Some(base), document, &mut values);
                }
            }
            for value in values {
                if let IndexValue::Reference { resource_type, id, .. } = value
                    && include.target.as_ref().is_none_or(|target| *target == resource_type)
                    && let Ok(id) = LogicalId::parse(&id)
                    && seen.insert((resource_type.clone(), id.clone()))
                {
                    out.push((resource_type, id));
                }
            }
        }
    }
    Ok(out)
}

/// Whether what the actor may read includes a type: what they may not is left out, as if it were not there.
fn may_read(actor: &Actor, resource_type: &str) -> bool {
    decide_type(actor, Operation::FhirRead, resource_type).into_result().is_ok()
}

/// The types that a criterion looks at beside the one that is searched.
fn looked_at<'c>(criterion: &'c Criterion, types: &mut Vec<&'c str>) {
    match criterion {
        Criterion::Parameter { .. } => {}
        Criterion::Chain { branches, .. } => {
            for branch in branches {
                types.push(&branch.resource_type);
                looked_at(&branch.criterion, types);
            }
        }
        Criterion::Has { resource_type, criterion, .. } => {
            types.push(resource_type);
            looked_at(criterion, types);
        }
    }
}

fn of_query(error: &QueryError) -> Error {
    let code = if error.is_not_supported() { ProblemCode::Unsupported } else { ProblemCode::Value };
    Error::Invalid(Problems::one(error.parameter().unwrap_or_default(), code, error.to_string()))
}

fn not_known(unknown: &Unsupported) -> Error {
    let (name, said) = match unknown {
        Unsupported::Parameter(name) => (name.as_str(), "is not a search parameter of this type"),
        Unsupported::Sort(_) => ("_sort", "names what cannot be sorted by"),
    };
    Error::Invalid(Problems::one(name, ProblemCode::Unsupported, said))
}

/// Matches of a page where the client names no number.
const USUAL_COUNT: usize = 50;
/// Matches that are counted without being asked for an exact number.
const MOST_COUNTED: i64 = 100_000;
/// Matches that are counted where nobody asks for a number: it costs every search, and few of its clients look.
const COUNTED_UNASKED: i64 = 1_000;
/// Resources that come with the matches of a page.
const MOST_INCLUDED: usize = 2_000;
/// Versions of one definition that are looked at.
const MOST_VERSIONS: usize = 100;
/// Steps that `:iterate` follows.
const MOST_ROUNDS: usize = 6;
