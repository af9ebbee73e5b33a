//! Pages of matches: which resources, in which order, from where on.
//!
//! Without `_sort` the order is that in which resources came to be: it never changes, and rows of the index stand in
//! it. A page goes on behind the number of the last match that was shown; the first page fixes the greatest number
//! that the later ones show. With `_sort` the place also holds the values of the last match; it is sealed, because
//! those may be names.

use crate::fhir::search::compare::{Comparison, ReferenceMatch};
use crate::fhir::search::compartment::params;
use crate::fhir::search::query::SortKey;
use crate::fhir::search::{Criterion, Definition, ParamType, Registry, SearchQuery, Test};
use crate::store::StoreError;

use super::Compartment;
use super::criteria::{Compiler, union};
use super::rows::kept;
use super::sql::{Bind, Sql};

/// A value that matches are sorted by; `None` comes last, in both directions. R4 search.html#sort.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) enum SortValue {
    None,
    Int(i64),
    Real(f64),
    Text(String),
}

/// What a query gives, in the order of its criteria.
pub(super) struct Plan {
    /// `select … as no from …` with conditions, which more may be added to with ` and `.
    pub(super) select: Sql,
    /// How the number is called there.
    pub(super) number: &'static str,
    /// Whether a resource may come more than once.
    pub(super) repeats: bool,
}

impl Compiler<'_, '_> {
    /// Where the search begins: at the criterion that leaves least, the others looked at for each of its matches.
    pub(super) fn plan(&mut self, query: &SearchQuery, compartment: Option<&Compartment>) -> Result<Plan, StoreError> {
        let types: Vec<&str> = query.resource_types.iter().map(String::as_str).collect();
        if let Some(compartment) = compartment {
            let mut plan = self.everything(&types)?;
            plan.select.push(" and ").push(plan.number).push(" in (").add(self.members(compartment, &types)?).push(")");
            for criterion in &query.criteria {
                let condition = self.condition(criterion, &types, plan.number)?;
                plan.select.push(" and ").add(condition);
            }
            return Ok(plan);
        }
        if let Some(rows) = self.dated(&query.criteria, &types)? {
            let mut select = Sql::new("select m.resource_no from (");
            select.add(rows).push(") m where 1 = 1");
            let mut plan = Plan { select, number: "m.resource_no", repeats: true };
            for criterion in &query.criteria {
                let condition = self.condition(criterion, &types, plan.number)?;
                plan.select.push(" and ").add(condition);
            }
            return Ok(plan);
        }
        let begin = query
            .criteria
            .iter()
            .enumerate()
            .filter_map(|(at, criterion)| Some((weight(criterion)?, at)))
            .min()
            .map(|(_, at)| at);
        let (mut plan, begin) = match begin.and_then(|at| Some((at, query.criteria.get(at)?))) {
            Some((at, criterion)) => match self.straight(criterion, &types)? {
                Some(rows) => {
                    // Under a name of their own: conditions look at rows that are called `t`.
                    let mut select = Sql::new("select m.resource_no from (");
                    select.add(rows).push(") m where 1 = 1");
                    (Plan { select, number: "m.resource_no", repeats: true }, Some(at))
                }
                None => {
                    let mut plan = self.everything(&types)?;
                    let set = self.set(criterion, &types)?;
                    plan.select.push(" and ").push(plan.number).push(" in (").add(set).push(")");
                    (plan, Some(at))
                }
            },
            None => (self.everything(&types)?, None),
        };
        for (at, criterion) in query.criteria.iter().enumerate() {
            if Some(at) != begin {
                let condition = self.condition(criterion, &types, plan.number)?;
                plan.select.push(" and ").add(condition);
            }
        }
        Ok(plan)
    }

    /// The rows of one value, which stand in the order of the resources.
    fn straight(&mut self, criterion: &Criterion, types: &[&str]) -> Result<Option<Sql>, StoreError> {
        let Criterion::Parameter { definition, test: Test::Any(comparisons) } = criterion else { return Ok(None) };
        let [comparison] = comparisons.as_slice() else { return Ok(None) };
        let is_one = match comparison {
            Comparison::Token(wanted) | Comparison::Identifier(wanted) => wanted.codes.len() == 1,
            Comparison::OfType { .. } => true,
            _ => false,
        };
        if !is_one || definition.code == "_id" || types.len() != 1 {
            return Ok(None);
        }
        Ok(self.selects(definition, comparison, types)?.pop())
    }

    /// The numbers of what belongs to a compartment. R4 compartmentdefinition.html.
    fn members(&mut self, compartment: &Compartment, types: &[&str]) -> Result<Sql, StoreError> {
        let registry = Registry::r4();
        let (kind, id) = (compartment.kind.as_str(), compartment.id.as_str());
        let all;
        let types = if types.is_empty() {
            all = registry.types();
            &all
        } else {
            types
        };
        let mut keys = Vec::new();
        for resource_type in types {
            for param in params(kind, resource_type) {
                keys.extend(self.key(resource_type, param)?);
            }
        }
        let mut local = Sql::new("select t.resource_no from search_reference t where ");
        local.one_of("t.key", keys.iter().copied()).push(" and t.target_id = ").bind(id);
        local.push(" and t.target_type = ").bind(kind);
        // The same, written with this server's own address.
        let mut absolute = Sql::new("select t.resource_no from search_uri t where ");
        absolute.one_of("t.key", keys).push(" and t.uri = ").bind(kept(&format!("{}/{kind}/{id}", self.base)));
        let mut selects = vec![local, absolute];
        if types.contains(&kind) {
            let mut own = Sql::new("select x.no from resource x where x.tenant = ");
            own.bind(self.tenant.as_str()).push(" and x.resource_type = ").bind(kind);
            own.push(" and x.logical_id = ").bind(id);
            selects.push(own);
        }
        Ok(union(selects))
    }

    fn everything(&mut self, types: &[&str]) -> Result<Plan, StoreError> {
        let mut select = Sql::new("select l.resource_no from search_date l where ");
        select.one_of("l.key", self.last_updated(types)?);
        Ok(Plan { select, number: "l.resource_no", repeats: false })
    }

    /// The numbers of `_lastUpdated`, of which every resource has exactly one row.
    fn last_updated(&mut self, types: &[&str]) -> Result<Vec<i64>, StoreError> {
        let registry = Registry::r4();
        let all;
        let types = if types.is_empty() {
            all = registry.types();
            &all
        } else {
            types
        };
        let mut keys = Vec::with_capacity(types.len());
        for resource_type in types {
            keys.extend(self.key(resource_type, "_lastUpdated")?);
        }
        Ok(keys)
    }

    /// What a resource is sorted by: the least of its values, or the greatest.
    pub(super) fn sort_value(&mut self, key: &SortKey, types: &[&str], number: &str) -> Result<Sql, StoreError> {
        let SortKey { definition, descending } = key;
        if definition.code == "_id" {
            let mut sql = Sql::new("(select o.logical_id from resource o where o.no = ");
            sql.push(number).push(")");
            return Ok(sql);
        }
        let (table, column, _) = sorted(definition);
        let mut numbers = Vec::new();
        let all;
        let types = if types.is_empty() {
            all = Registry::r4().types();
            &all
        } else {
            types
        };
        for resource_type in types {
            numbers.extend(self.key(resource_type, &definition.code)?);
        }
        let mut sql = Sql::new(if *descending { "(select max(o." } else { "(select min(o." });
        sql.push(column).push(") from ").push(table).push(" o where ").one_of("o.key", numbers);
        sql.push(" and o.resource_no = ").push(number).push(")");
        Ok(sql)
    }
}

/// Table, column and form of what a parameter is sorted by.
pub(super) fn sorted(definition: &Definition) -> (&'static str, &'static str, Form) {
    match definition.param_type {
        ParamType::Date => ("search_date", "from_us", Form::Int),
        ParamType::String => ("search_string", "folded", Form::Text),
        ParamType::Reference => ("search_reference", "target_id", Form::Text),
        ParamType::Uri => ("search_uri", "uri", Form::Text),
        ParamType::Number => ("search_number", "low", Form::Real),
        ParamType::Quantity => ("search_quantity", "low", Form::Real),
        ParamType::Token | ParamType::Composite | ParamType::Special => ("search_token", "code", Form::Text),
    }
}

/// The form of a value that is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Int,
    Real,
    Text,
}

/// How little a criterion leaves, the least first; `None` for one that a search does not begin at.
fn weight(criterion: &Criterion) -> Option<u8> {
    Some(match criterion {
        Criterion::Parameter { definition, test: Test::Any(comparisons) } => {
            let first = comparisons.first()?;
            match first {
                Comparison::Token(_) if definition.code == "_id" => 0,
                Comparison::Token(_) | Comparison::OfType { .. } | Comparison::Identifier(_)
                    if definition.code.ends_with("identifier") || !matches!(first, Comparison::Token(_)) =>
                {
                    1
                }
                Comparison::Reference(ReferenceMatch::Local { .. }) => 2,
                Comparison::Reference(_) => 3,
                Comparison::String(_) | Comparison::TokenText(_) => 5,
                Comparison::Composite(_) => 6,
                Comparison::Token(_) => 7,
                Comparison::Uri(_) | Comparison::Quantity(_) | Comparison::Number(_) => 8,
                _ => 9,
            }
        }
        Criterion::Parameter { .. } => return None,
        Criterion::Chain { .. } | Criterion::Has { .. } => 4,
    })
}

/// The condition that a row stands behind a place: later by the first key in which they differ, and by number if in
/// none. Rows without a value stand behind all others.
pub(super) fn behind(sort: &[SortKey], values: &[SortValue], number: i64) -> Sql {
    let mut last = Sql::new("q.no > ");
    last.bind(number);
    let mut out = last;
    for (at, (key, value)) in sort.iter().zip(values).enumerate().rev() {
        let column = format!("q.s{at}");
        let (same, later) = match bound(value) {
            None => {
                let mut same = Sql::new(&column);
                same.push(" is null");
                (same, Sql::never())
            }
            Some(value) => {
                let mut same = Sql::new(&column);
                same.push(" = ").bind(value.clone());
                let mut later = Sql::new("(");
                later.push(&column).push(if key.descending { " < " } else { " > " }).bind(value);
                later.push(" or ").push(&column).push(" is null)");
                (same, later)
            }
        };
        out = Sql::any(vec![later, Sql::all(vec![same, out])]);
    }
    out
}

fn bound(value: &SortValue) -> Option<Bind> {
    match value {
        SortValue::None => None,
        SortValue::Int(value) => Some(Bind::Int(*value)),
        SortValue::Real(value) => Some(Bind::Real(*value)),
        SortValue::Text(value) => Some(Bind::Text(value.clone())),
    }
}
