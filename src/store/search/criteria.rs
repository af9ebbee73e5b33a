//! Criteria as SQL. What a criterion means is said by [`crate::fhir::search::evaluate`]; what is here must give the
//! same. R4 search.html.

use crate::base::TenantId;
use crate::fhir::search::compare::{Comparison, ReferenceMatch, StringMatch, SystemMatch, TokenMatch, UriMatch};
use crate::fhir::search::definitions::Targets;
use crate::fhir::search::query::Branch;
use crate::fhir::search::text::fold;
use crate::fhir::search::{Criterion, Definition, ParamType, Registry, Test};
use crate::store::StoreError;
use crate::store::db::Tx;

use super::amount::{AMOUNT, Amount};
use super::names::{NO_SYSTEM, Names};
use super::rows::{self, IDENTIFIER, NOBODYS, OF_TYPE, TEXT, beginning, instant, kept, of_type, reference_text};
use super::sql::Sql;
use super::values::{begins, date, number, range, uri};

/// Turns criteria of one tenant into SQL.
pub(super) struct Compiler<'a, 't> {
    pub(super) tx: &'a mut Tx<'t>,
    pub(super) names: &'a Names,
    pub(super) tenant: &'a TenantId,
    /// Public base URL of the FHIR interface: references that begin with it lead here.
    pub(super) base: &'a str,
    /// Whether every name is known that has rows.
    has_names: bool,
}

/// Where rows of one parameter are: the table, and what its key may be.
pub(super) struct Keys(pub(super) Vec<i64>);

impl<'a, 't> Compiler<'a, 't> {
    pub(super) fn new(tx: &'a mut Tx<'t>, names: &'a Names, tenant: &'a TenantId, base: &'a str) -> Self {
        Self { tx, names, tenant, base, has_names: false }
    }

    /// The number of a parameter of a type; `None` if it has no rows.
    pub(super) fn key(&mut self, resource_type: &str, param: &str) -> Result<Option<i64>, StoreError> {
        let known = self.names.key(self.tenant, resource_type, param);
        if known.is_some() || self.has_names {
            return Ok(known);
        }
        self.names.complete(self.tx, self.tenant)?;
        self.has_names = true;
        Ok(self.names.key(self.tenant, resource_type, param))
    }
}

impl Compiler<'_, '_> {
    /// A condition on the number of a resource, `res`, which is one of `types` (none stands for all).
    pub(super) fn condition(&mut self, criterion: &Criterion, types: &[&str], res: &str) -> Result<Sql, StoreError> {
        match criterion {
            Criterion::Parameter { definition, test } => self.parameter(definition, test, types, res),
            Criterion::Chain { .. } | Criterion::Has { .. } => {
                let mut sql = Sql::new(res);
                sql.push(" in (").add(self.set(criterion, types)?).push(")");
                Ok(sql)
            }
        }
    }

    /// The numbers of all resources that match a criterion, for one that is not a negation.
    pub(super) fn set(&mut self, criterion: &Criterion, types: &[&str]) -> Result<Sql, StoreError> {
        match criterion {
            Criterion::Parameter { definition, test: Test::Any(comparisons) } => {
                let mut sets = Vec::with_capacity(comparisons.len());
                for comparison in merged(comparisons) {
                    sets.extend(self.selects(definition, &comparison, types)?);
                }
                Ok(union(sets))
            }
            Criterion::Parameter { definition, test } => {
                let (tenant, mut sql) =
                    (self.tenant.as_str(), Sql::new("select x.no from resource x where x.tenant = "));
                sql.bind(tenant).push(" and ");
                sql.add(self.parameter(definition, test, types, "x.no")?);
                Ok(sql)
            }
            Criterion::Chain { definition, branches } => {
                let keys = self.keys(definition, "", types)?;
                let mut sets = Vec::with_capacity(branches.len());
                for branch in branches {
                    sets.push(self.branch(&keys, branch)?);
                }
                Ok(union(sets))
            }
            Criterion::Has { resource_type, reference, criterion } => {
                let keys = self.keys(reference, "", &[resource_type])?;
                let mut sql = Sql::new(
                    "select x.no from search_reference c join resource x on x.resource_type = c.target_type \
                     and x.logical_id = c.target_id where x.tenant = ",
                );
                sql.bind(self.tenant.as_str()).push(" and ").one_of("c.key", keys.0);
                let all = leading_to(&reference.targets);
                let wanted: Vec<&str> = if types.is_empty() { all } else { types.to_vec() };
                sql.push(" and ").one_of("c.target_type", wanted);
                sql.push(" and ").add(self.condition(criterion, &[resource_type], "c.resource_no")?);
                Ok(sql)
            }
        }
    }

    fn branch(&mut self, keys: &Keys, branch: &Branch) -> Result<Sql, StoreError> {
        let target = branch.resource_type.as_str();
        let mut sql = Sql::new(
            "select c.resource_no from resource x join search_reference c on c.target_id = x.logical_id \
             and c.target_type = x.resource_type where x.tenant = ",
        );
        sql.bind(self.tenant.as_str()).push(" and x.resource_type = ").bind(target).push(" and ");
        sql.one_of("c.key", keys.0.iter().copied()).push(" and ");
        sql.add(self.condition(&branch.criterion, &[target], "x.no")?);
        Ok(sql)
    }

    /// The numbers that a parameter has with these types.
    pub(super) fn keys(&mut self, definition: &Definition, suffix: &str, types: &[&str]) -> Result<Keys, StoreError> {
        self.keys_of(&format!("{}{suffix}", definition.code), types).map(Keys)
    }

    pub(super) fn keys_of(&mut self, param: &str, types: &[&str]) -> Result<Vec<i64>, StoreError> {
        let all;
        let types = if types.is_empty() {
            all = Registry::r4().types();
            &all
        } else {
            types
        };
        let mut keys = Vec::with_capacity(types.len());
        for resource_type in types {
            keys.extend(self.key(resource_type, param)?);
        }
        Ok(keys)
    }

    fn parameter(
        &mut self,
        definition: &Definition,
        test: &Test,
        types: &[&str],
        res: &str,
    ) -> Result<Sql, StoreError> {
        match test {
            Test::Missing(missing) => {
                let present = self.present(definition, types, res)?;
                Ok(if *missing { present.negated() } else { present })
            }
            Test::Any(comparisons) => self.any(definition, comparisons, types, res),
            Test::NoneOf(comparisons) => Ok(self.any(definition, comparisons, types, res)?.negated()),
        }
    }

    fn present(&mut self, definition: &Definition, types: &[&str], res: &str) -> Result<Sql, StoreError> {
        if definition.code == "_id" {
            return Ok(Sql::always());
        }
        let mut parts = Vec::new();
        for (table, suffix) in rows::tables(definition.param_type) {
            let keys = self.keys(definition, suffix, types)?;
            let mut sql = Sql::new(res);
            sql.push(" in (select t.resource_no from ").push(table.name).push(" t where ").one_of("t.key", keys.0);
            sql.push(")");
            parts.push(sql);
        }
        Ok(Sql::any(parts))
    }

    fn any(
        &mut self,
        definition: &Definition,
        comparisons: &[Comparison],
        types: &[&str],
        res: &str,
    ) -> Result<Sql, StoreError> {
        let mut parts = Vec::with_capacity(comparisons.len());
        for comparison in merged(comparisons) {
            parts.push(self.comparison(definition, &comparison, types, res)?);
        }
        Ok(Sql::any(parts))
    }

    /// A condition on `res`: a look at its own rows where the index leads there, else a set that it has to be in.
    fn comparison(
        &mut self,
        definition: &Definition,
        comparison: &Comparison,
        types: &[&str],
        res: &str,
    ) -> Result<Sql, StoreError> {
        let looks = definition.code != "_id"
            && match comparison {
                Comparison::Token(wanted) | Comparison::Identifier(wanted) => {
                    (1..=MOST_LOOKS).contains(&wanted.codes.len())
                }
                Comparison::OfType { .. } | Comparison::Date(_) => true,
                Comparison::Reference(ReferenceMatch::Local { .. }) => true,
                _ => false,
            };
        let selects = self.selects(definition, comparison, types)?;
        if looks {
            let looks = selects.into_iter().map(|mut select| {
                let mut sql = Sql::new("exists (");
                select.push(" and t.resource_no = ").push(res);
                sql.add(select).push(")");
                sql
            });
            return Ok(Sql::any(looks.collect()));
        }
        let mut sql = Sql::new(res);
        sql.push(" in (").add(union(selects)).push(")");
        Ok(sql)
    }

    /// `select t.resource_no …`, each of which gives resources that one value finds.
    pub(super) fn selects(
        &mut self,
        definition: &Definition,
        comparison: &Comparison,
        types: &[&str],
    ) -> Result<Vec<Sql>, StoreError> {
        if definition.code == "_id" {
            return Ok(vec![self.by_id(comparison, types)]);
        }
        match comparison {
            Comparison::Token(wanted) => Ok(vec![self.token(definition, "", wanted, types)?]),
            Comparison::Identifier(wanted) => Ok(vec![self.token(definition, IDENTIFIER, wanted, types)?]),
            Comparison::OfType { system, code, value } => {
                let system = self.names.find_system(self.tx, self.tenant, system)?.unwrap_or(NOBODYS);
                let mut sql = self.rows("search_token", definition, OF_TYPE, types)?;
                sql.push(" and t.code = ").bind(of_type(code, value)).push(" and t.system = ").bind(system);
                Ok(vec![sql])
            }
            Comparison::TokenText(text) => {
                let mut sql = self.rows("search_string", definition, TEXT, types)?;
                sql.push(" and ").add(begins("t.folded", text));
                Ok(vec![sql])
            }
            Comparison::String(wanted) => {
                let mut sql = self.rows("search_string", definition, "", types)?;
                sql.push(" and ").add(self.string(wanted));
                Ok(vec![sql])
            }
            Comparison::Reference(wanted) => self.reference(definition, wanted, types),
            Comparison::Date(wanted) => {
                let mut sql = self.rows("search_date", definition, "", types)?;
                sql.push(" and ").add(date(*wanted));
                Ok(vec![sql])
            }
            Comparison::Number(wanted) => {
                let mut sql = self.rows("search_number", definition, "", types)?;
                sql.push(" and ").add(number(wanted, "t.low", "t.high"));
                Ok(vec![sql])
            }
            Comparison::Quantity(wanted) => {
                let units = match wanted.ucum() {
                    Some(_) => self.units_of(&definition.code, types)?,
                    None => Vec::new(),
                };
                let amount = self.amount(wanted, &units, &AMOUNT)?;
                let mut sql = self.rows("search_quantity", definition, "", types)?;
                sql.push(" and ").add(amount);
                Ok(vec![sql])
            }
            Comparison::Uri(wanted) => {
                let mut sql = self.rows("search_uri", definition, "", types)?;
                sql.push(" and ").add(uri(wanted));
                Ok(vec![sql])
            }
            Comparison::Composite(wanted) => Ok(vec![self.composite(definition, wanted, types)?]),
        }
    }

    fn rows(&mut self, table: &str, definition: &Definition, suffix: &str, types: &[&str]) -> Result<Sql, StoreError> {
        let keys = self.keys(definition, suffix, types)?;
        let mut sql = Sql::new("select t.resource_no from ");
        sql.push(table).push(" t where ").one_of("t.key", keys.0);
        Ok(sql)
    }

    fn by_id(&self, comparison: &Comparison, types: &[&str]) -> Sql {
        let mut sql = Sql::new("select t.no from resource t where t.tenant = ");
        sql.bind(self.tenant.as_str());
        if !types.is_empty() {
            sql.push(" and ").one_of("t.resource_type", types.iter().copied());
        }
        let codes = match comparison {
            // An id has no system.
            Comparison::Token(TokenMatch { system: SystemMatch::Any | SystemMatch::Absent, codes }) => codes.as_slice(),
            _ => &[],
        };
        sql.push(" and ").one_of("t.logical_id", codes.iter().map(String::as_str));
        sql
    }

    fn token(
        &mut self,
        definition: &Definition,
        suffix: &str,
        wanted: &TokenMatch,
        types: &[&str],
    ) -> Result<Sql, StoreError> {
        let system = self.system(&wanted.system, "t.system")?;
        let mut sql = self.rows("search_token", definition, suffix, types)?;
        if !wanted.codes.is_empty() {
            sql.push(" and ").one_of("t.code", wanted.codes.iter().map(|code| kept(code)));
        }
        if let Some(system) = system {
            sql.push(" and ").add(system);
        }
        Ok(sql)
    }

    pub(super) fn system(&mut self, wanted: &SystemMatch, column: &str) -> Result<Option<Sql>, StoreError> {
        let numbers = match wanted {
            SystemMatch::Any => return Ok(None),
            SystemMatch::Absent => vec![NO_SYSTEM],
            SystemMatch::Is(uri) => vec![self.names.find_system(self.tx, self.tenant, uri)?.unwrap_or(NOBODYS)],
            SystemMatch::IsOrImplied(uri) => {
                let own = self.names.find_system(self.tx, self.tenant, uri)?;
                own.into_iter().chain([NO_SYSTEM]).collect()
            }
        };
        let mut sql = Sql::default();
        sql.one_of(column, numbers);
        Ok(Some(sql))
    }

    fn string(&self, wanted: &StringMatch) -> Sql {
        match wanted {
            StringMatch::Starts(text) => begins("t.folded", text),
            StringMatch::Exact(text) => {
                let mut sql = Sql::new("t.folded = ");
                sql.bind(beginning(&fold(text))).push(" and t.exact = ").bind(kept(text));
                sql
            }
            StringMatch::Contains(text) => {
                let mut sql = Sql::new(if matches!(self.tx, Tx::Sqlite(_)) { "instr" } else { "strpos" });
                sql.push("(t.folded, ").bind(text.as_str()).push(") > 0");
                sql
            }
        }
    }

    fn reference(
        &mut self,
        definition: &Definition,
        wanted: &ReferenceMatch,
        types: &[&str],
    ) -> Result<Vec<Sql>, StoreError> {
        match wanted {
            ReferenceMatch::Local { types: targets, id, version } => {
                let mut local = self.rows("search_reference", definition, "", types)?;
                local.push(" and t.target_id = ").bind(id.as_str());
                if !targets.is_empty() {
                    local.push(" and ").one_of("t.target_type", targets.iter().map(String::as_str));
                }
                if let Some(version) = version {
                    local.push(" and t.version = ").bind(version.as_str());
                }
                // The same, written with this server's own address.
                let mut absolute = self.rows("search_uri", definition, "", types)?;
                let urls = targets.iter().map(|target| kept(&format!("{}/{target}/{id}", self.base)));
                absolute.push(" and ").one_of("t.uri", urls);
                if let Some(version) = version {
                    absolute.push(" and t.version = ").bind(kept(version));
                }
                Ok(vec![local, absolute])
            }
            ReferenceMatch::Url { url, version } => {
                let mut sql = self.rows("search_uri", definition, "", types)?;
                sql.push(" and t.uri = ").bind(kept(url));
                if let Some(version) = version {
                    sql.push(" and t.version = ").bind(kept(version));
                }
                Ok(vec![sql])
            }
        }
    }

    fn composite(&mut self, definition: &Definition, wanted: &[Comparison], types: &[&str]) -> Result<Sql, StoreError> {
        let mut sql = self.rows("search_composite", definition, "", types)?;
        let mut texts = [("t.text1", "t.system1"), ("t.text2", "t.system2")].into_iter();
        let mut ranges = [("t.low1", "t.high1"), ("t.low2", "t.high2")].into_iter();
        for (comparison, component) in wanted.iter().zip(&definition.components) {
            let (text, system) = match component.param_type {
                ParamType::Number | ParamType::Date => ("", ""),
                _ => texts.next().unwrap_or_default(),
            };
            let (low, high) = match component.param_type {
                ParamType::Number | ParamType::Date | ParamType::Quantity => ranges.next().unwrap_or_default(),
                _ => ("", ""),
            };
            sql.push(" and ");
            match comparison {
                Comparison::Token(wanted) => {
                    let system = self.system(&wanted.system, system)?;
                    let mut parts: Vec<Sql> = system.into_iter().collect();
                    if !wanted.codes.is_empty() {
                        let mut code = Sql::default();
                        code.one_of(text, wanted.codes.iter().map(|code| kept(code)));
                        parts.push(code);
                    }
                    sql.add(Sql::all(parts));
                }
                Comparison::String(StringMatch::Starts(wanted)) => {
                    sql.add(begins(text, wanted));
                }
                Comparison::Reference(ReferenceMatch::Local { types, id, .. }) => {
                    let types: Vec<&str> = if types.is_empty() {
                        Registry::r4().types()
                    } else {
                        types.iter().map(String::as_str).collect()
                    };
                    sql.one_of(text, types.into_iter().map(|target| reference_text(target, id)));
                }
                Comparison::Reference(ReferenceMatch::Url { url, .. }) | Comparison::Uri(UriMatch::Is(url)) => {
                    sql.push(text).push(" = ").bind(kept(url));
                }
                Comparison::Quantity(wanted) => {
                    let units = match wanted.ucum() {
                        Some(_) => self.units_of_part(definition, &component.code, text, types)?,
                        None => Vec::new(),
                    };
                    let columns = Amount { system, code: text, unit: "t.unit", low, high };
                    sql.add(self.amount(wanted, &units, &columns)?);
                }
                Comparison::Number(wanted) => {
                    sql.add(number(wanted, low, high));
                }
                Comparison::Date(wanted) => {
                    let from = |at: i64| instant(at);
                    sql.add(range(*wanted, low, high, from(wanted.range.from.0), from(wanted.range.until.0)));
                }
                _ => {
                    sql.add(Sql::never());
                }
            }
        }
        Ok(sql)
    }
}

/// Codes of which each is looked for in each resource; more are looked up once.
const MOST_LOOKS: usize = 50;

/// Comparisons of which those that differ in their codes alone are one.
fn merged(comparisons: &[Comparison]) -> Vec<Comparison> {
    let mut out: Vec<Comparison> = Vec::with_capacity(comparisons.len());
    for comparison in comparisons {
        if let Comparison::Token(wanted) = comparison
            && !wanted.codes.is_empty()
            && let Some(known) = out.iter_mut().find_map(|known| match known {
                Comparison::Token(known) if known.system == wanted.system && !known.codes.is_empty() => Some(known),
                _ => None,
            })
        {
            known.codes.extend(wanted.codes.iter().cloned());
            continue;
        }
        out.push(comparison.clone());
    }
    out
}

/// The types that a reference may lead to.
fn leading_to(targets: &Targets) -> Vec<&str> {
    match targets {
        Targets::Any => Registry::r4().types(),
        Targets::Only(types) => types.iter().map(String::as_str).collect(),
    }
}

/// What any of the selections gives.
pub(super) fn union(selects: Vec<Sql>) -> Sql {
    let mut out = Sql::default();
    for (number, select) in selects.into_iter().enumerate() {
        out.push(if number > 0 { " union all " } else { "" }).add(select);
    }
    out
}
