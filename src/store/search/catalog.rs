//! What the index of a tenant is made by: the parameters of R4 and those of its own, and the addresses under which its
//! resources refer to each other. Every node keeps it by a number; a commit that used another number than the one in
//! the database is done again, so that no resource lacks the rows of a parameter that somebody else has added.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use diesel::prelude::*;

use crate::base::{LogicalId, TenantId};
use crate::fhir::search::definitions::DefinitionError;
use crate::fhir::search::extract::{Defined, localise, values_of};
use crate::fhir::search::{Criterion, Definition, Entry, IndexValue, Registry, SearchQuery, custom, extract};
use crate::fhir::{Json, JsonLimits};
use crate::store::db::{Tx, on};
use crate::store::schema::{search_base, search_catalog, search_parameter};
use crate::store::{Desk, Store, StoreError};

/// What the index of a tenant is made by.
#[derive(Debug, Default)]
pub struct Catalog {
    number: i64,
    /// Parameters of R4 and of the tenant; `None` if it has none of its own.
    registry: Option<Registry>,
    /// Its own by type, each with its generation.
    own: HashMap<String, Vec<(i64, Arc<Definition>)>>,
    /// Base and code of those that do not have all their rows yet.
    pending: HashSet<Name>,
    parameters: Vec<Parameter>,
    bases: Vec<String>,
}

/// Base and code of a definition.
type Name = (String, String);

/// A search parameter of a tenant's own.
#[derive(Debug, Clone, PartialEq, Queryable)]
pub(super) struct Parameter {
    pub(super) generation: i64,
    pub(super) logical_id: String,
    pub(super) definition: String,
    pub(super) state: String,
}

impl Catalog {
    /// Changes whenever anything in it does.
    pub fn number(&self) -> i64 {
        self.number
    }

    /// The parameters that there are.
    pub fn registry(&self) -> &Registry {
        self.registry.as_ref().unwrap_or(Registry::r4())
    }

    /// The first parameter of a query that does not have all its rows yet.
    pub fn pending<'q>(&self, query: &'q SearchQuery) -> Option<&'q Definition> {
        used(query).into_iter().find(|definition| self.pending.contains(&name(definition)))
    }

    /// Whether a query asks for a parameter of the tenant's own.
    pub fn concerns(&self, query: &SearchQuery) -> bool {
        let shipped = |definition: &Definition| {
            let types = Registry::types_of_base(&definition.base);
            let known = types.first().and_then(|name| Registry::r4().get(name, &definition.code));
            known.is_some_and(|known| known.url == definition.url)
        };
        self.registry.is_some() && used(query).into_iter().any(|definition| !shipped(definition))
    }

    /// Whether a SearchParameter could be one of the tenant's own under this id. `Ok(false)` if there is nothing to do
    /// for it, because what it defines is there for every tenant.
    pub fn admits(&self, id: &LogicalId, parameter: &Json) -> Result<bool, DefinitionError> {
        if custom::is_shipped(parameter) {
            return Ok(false);
        }
        let mut registry = Registry::r4().clone();
        for other in self.parameters.iter().filter(|other| other.logical_id != id.as_str()) {
            insert(&mut registry, other)?;
        }
        for definition in custom::read(&registry, parameter)? {
            if !definition.is_searchable() {
                return Err(DefinitionError::Type);
            }
            registry.insert(definition)?;
        }
        Ok(true)
    }

    /// What a resource is found by, beside what it is found by in every tenant.
    pub(in crate::store) fn complete(
        &self,
        resource_type: &str,
        body: Option<&[u8]>,
        mut entries: Vec<Entry<'static>>,
    ) -> Vec<Entry<'static>> {
        for entry in &mut entries {
            localise(&self.bases, &mut entry.value);
        }
        if self.own.contains_key(resource_type)
            && let Some(body) = body
            && let Ok(document) = Json::parse(body, &JsonLimits::default())
        {
            entries.extend(self.own_entries(resource_type, &document, |_| true));
        }
        entries
    }

    /// All that a document is found by.
    pub(in crate::store) fn entries(&self, document: &Json) -> Vec<Entry<'static>> {
        let resource_type = document.text_at(&["resourceType"]).unwrap_or_default();
        let mut entries = self.complete(resource_type, None, extract(document));
        entries.extend(self.own_entries(resource_type, document, |_| true));
        entries
    }

    /// All that a document may ever have been found by: references to the tenant's own resources also in the form in
    /// which they stand there.
    pub(in crate::store) fn former(&self, document: &Json) -> Vec<Entry<'static>> {
        let mut entries = self.entries(document);
        entries.extend(self.foreign(document).into_iter().map(|(before, _)| before));
        entries
    }

    /// Entries that were made when references to the tenant's own resources were not known for what they are, and what
    /// they are now.
    pub(super) fn foreign(&self, document: &Json) -> Vec<(Entry<'static>, Entry<'static>)> {
        let local = |before: Entry<'static>| {
            let mut after = before.clone();
            localise(&self.bases, &mut after.value).then_some((before, after))
        };
        extract(document).into_iter().filter_map(local).collect()
    }

    /// What a document is found by through parameters of the tenant's own, of the generations that are wanted.
    pub(super) fn own_entries(
        &self,
        resource_type: &str,
        document: &Json,
        is_wanted: impl Fn(i64) -> bool,
    ) -> Vec<Entry<'static>> {
        let mut entries = Vec::new();
        for (generation, definition) in self.own.get(resource_type).into_iter().flatten() {
            if !is_wanted(*generation) {
                continue;
            }
            let mut values: Vec<IndexValue> = Vec::new();
            values_of(definition, None, document, &mut values);
            for mut value in values {
                localise(&self.bases, &mut value);
                entries.push(Entry { definition: Defined::Own(Arc::clone(definition)), value });
            }
        }
        entries
    }

    /// The types that a generation of an own parameter has rows of.
    pub(super) fn types_of(&self, generation: i64) -> Vec<String> {
        let has = |(_, own): &(&String, &Vec<(i64, Arc<Definition>)>)| own.iter().any(|(of, _)| *of == generation);
        let mut types: Vec<String> = self.own.iter().filter(has).map(|(name, _)| name.clone()).collect();
        types.sort_unstable();
        types
    }

    fn new(number: i64, parameters: Vec<Parameter>, bases: Vec<String>) -> Result<Self, StoreError> {
        if parameters.is_empty() {
            return Ok(Self { number, bases, ..Self::default() });
        }
        let mut registry = Registry::r4().clone();
        let (mut generations, mut pending) = (HashMap::new(), HashSet::new());
        for parameter in parameters.iter().filter(|parameter| parameter.state != REMOVING) {
            for name in insert(&mut registry, parameter).map_err(|_error| StoreError::Corrupt("search parameter"))? {
                if parameter.state == INDEXING {
                    pending.insert(name.clone());
                }
                generations.insert(name, parameter.generation);
            }
        }
        let mut own: HashMap<String, Vec<(i64, Arc<Definition>)>> = HashMap::new();
        for resource_type in registry.types() {
            for definition in registry.of_type(resource_type) {
                if let Some(generation) = generations.get(&name(definition)) {
                    own.entry(resource_type.to_owned()).or_default().push((*generation, Arc::clone(definition)));
                }
            }
        }
        Ok(Self { number, registry: Some(registry), own, pending, parameters, bases })
    }
}

/// Puts the definitions of a parameter into a registry; gives their names.
pub(super) fn insert(registry: &mut Registry, parameter: &Parameter) -> Result<Vec<Name>, DefinitionError> {
    let document = Json::parse(parameter.definition.as_bytes(), &JsonLimits::default())
        .map_err(|_error| DefinitionError::Element("resourceType"))?;
    let mut names = Vec::new();
    for definition in custom::read(registry, &document)? {
        names.push(name(&definition));
        registry.insert(definition)?;
    }
    Ok(names)
}

fn name(definition: &Definition) -> Name {
    (definition.base.clone(), definition.code.clone())
}

/// The parameters that a query asks for.
fn used(query: &SearchQuery) -> Vec<&Definition> {
    let mut out: Vec<&Definition> = Vec::new();
    let mut left: Vec<&Criterion> = query.criteria.iter().collect();
    while let Some(criterion) = left.pop() {
        match criterion {
            Criterion::Parameter { definition, .. } => out.push(definition),
            Criterion::Chain { definition, branches } => {
                out.push(definition);
                left.extend(branches.iter().map(|branch| &branch.criterion));
            }
            Criterion::Has { reference, criterion, .. } => {
                out.push(reference);
                left.push(criterion);
            }
        }
    }
    out.extend(query.sort.iter().map(|key| &*key.definition));
    let includes = query.includes.iter().chain(&query.revincludes);
    out.extend(includes.filter_map(|include| include.reference.as_deref()));
    out
}

/// The catalogs that this node knows.
#[derive(Default)]
pub(in crate::store) struct Catalogs {
    known: RwLock<HashMap<TenantId, Arc<Catalog>>>,
}

impl Store {
    /// The catalog of a tenant as this node knows it.
    pub(in crate::store) async fn catalog(&self, tenant: &TenantId) -> Result<Arc<Catalog>, StoreError> {
        let known = {
            let known = self.inner.catalogs.known.read().unwrap_or_else(PoisonError::into_inner);
            known.get(tenant).map(Arc::clone)
        };
        match known {
            Some(known) => Ok(known),
            None => self.fresh_catalog(tenant).await,
        }
    }

    /// What the index of a tenant is made by, for its CapabilityStatement: no more than that is read.
    pub async fn catalog_of(&self, tenant: &TenantId) -> Result<Arc<Catalog>, StoreError> {
        self.fresh_catalog(tenant).await
    }

    /// The catalog of a tenant as it is now.
    pub(in crate::store) async fn fresh_catalog(&self, tenant: &TenantId) -> Result<Arc<Catalog>, StoreError> {
        let name = tenant.as_str().to_owned();
        let known = {
            let known = self.inner.catalogs.known.read().unwrap_or_else(PoisonError::into_inner);
            known.get(tenant).map(Arc::clone)
        };
        let known_number = known.as_ref().map(|known| known.number);
        let loaded = self
            .read(move |tx| {
                let number = number(tx, &name)?;
                if known_number == Some(number) {
                    return Ok(None);
                }
                let parameters = parameters(tx, &name)?;
                let bases: Vec<String> = on!(tx, conn => search_base::table
                    .filter(search_base::tenant.eq(&name))
                    .select(search_base::base)
                    .load(conn))?;
                Ok(Some((number, parameters, bases)))
            })
            .await?;
        if let (None, Some(known)) = (&loaded, known) {
            return Ok(known);
        }
        let (number, parameters, bases) = loaded.ok_or(StoreError::Corrupt("search catalog"))?;
        let catalog = Arc::new(Catalog::new(number, parameters, bases)?);
        let mut known = self.inner.catalogs.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(tenant.clone(), Arc::clone(&catalog));
        Ok(catalog)
    }
}

impl Desk<'_> {
    /// What the index is made by, as this node knows it: perhaps not the last change of another node.
    pub async fn catalog(&self) -> Result<Arc<Catalog>, StoreError> {
        self.store.catalog(self.tenant()).await
    }

    /// What the index is made by now.
    pub async fn fresh_catalog(&self) -> Result<Arc<Catalog>, StoreError> {
        self.store.fresh_catalog(self.tenant()).await
    }
}

/// The number of the catalog of a tenant.
fn number(tx: &mut Tx<'_>, tenant: &str) -> Result<i64, StoreError> {
    let found: Option<i64> =
        on!(tx, conn => search_catalog::table.find(tenant).select(search_catalog::number).first(conn).optional())?;
    Ok(found.unwrap_or_default())
}

/// The own parameters of a tenant in the order in which they came.
pub(super) fn parameters(tx: &mut Tx<'_>, tenant: &str) -> Result<Vec<Parameter>, StoreError> {
    on!(tx, conn => search_parameter::table
        .filter(search_parameter::tenant.eq(tenant))
        .order(search_parameter::generation)
        .select((
            search_parameter::generation,
            search_parameter::logical_id,
            search_parameter::definition,
            search_parameter::state,
        ))
        .load(conn))
    .map_err(StoreError::from)
}

/// Gives the catalog its next number. Others who change it wait until the transaction ends.
pub(super) fn advance(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<i64, StoreError> {
    on!(tx, conn => diesel::insert_into(search_catalog::table)
        .values((
            search_catalog::tenant.eq(tenant.as_str()),
            search_catalog::names.eq(0),
            search_catalog::number.eq(1),
        ))
        .on_conflict(search_catalog::tenant)
        .do_update()
        .set(search_catalog::number.eq(search_catalog::number + 1))
        .execute(conn))?;
    number(tx, tenant.as_str())
}

/// Its rows are being made: what is written has them, what was there before may lack them.
pub(super) const INDEXING: &str = "indexing";
/// Every resource has its rows.
pub(super) const READY: &str = "ready";
/// It is no parameter any more, and its rows are being taken away.
pub(super) const REMOVING: &str = "removing";
