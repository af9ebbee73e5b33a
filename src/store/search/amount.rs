//! Amounts with units as SQL: what is asked for is said in each unit that the rows have.

use crate::fhir::search::compare::{QuantityMatch, UnitMatch};
use crate::fhir::search::units::UCUM;
use crate::fhir::search::{Definition, Registry};
use crate::store::StoreError;

use super::TextValue;
use super::criteria::Compiler;
use super::rows::{NOBODYS, kept};
use super::sql::Sql;
use super::values::number;

/// Columns of an amount.
pub(super) struct Amount<'c> {
    pub(super) system: &'c str,
    pub(super) code: &'c str,
    pub(super) unit: &'c str,
    pub(super) low: &'c str,
    pub(super) high: &'c str,
}

/// Those of the table of quantities.
pub(super) const AMOUNT: Amount<'static> =
    Amount { system: "t.system", code: "t.code", unit: "t.unit", low: "t.low", high: "t.high" };

impl Compiler<'_, '_> {
    /// As `QuantityMatch` compares. `units` are those that the rows have: what is asked for is said in each of them.
    pub(super) fn amount(
        &mut self,
        wanted: &QuantityMatch,
        units: &[String],
        columns: &Amount,
    ) -> Result<Sql, StoreError> {
        let Amount { system, code, unit, low, high } = *columns;
        if wanted.ucum().is_none() {
            return Ok(Sql::all(vec![self.unit(wanted, system, code, unit)?, number(&wanted.number, low, high)]));
        }
        let ucum = self.names.find_system(self.tx, self.tenant, UCUM)?.unwrap_or(NOBODYS);
        let mut in_units = Vec::new();
        for own in units {
            if let Some(wanted) = wanted.in_unit(own) {
                let mut sql = Sql::new(code);
                sql.push(" = ").bind(own.as_str()).push(" and ").add(number(&wanted, low, high));
                in_units.push(Sql::all(vec![sql]));
            }
        }
        let mut of_ucum = Sql::new(system);
        of_ucum.push(" = ").bind(ucum);
        Ok(Sql::all(vec![of_ucum, Sql::any(in_units)]))
    }

    /// The codes of units that a parameter has rows with: a look at the index for each.
    pub(super) fn units_of(&mut self, param: &str, types: &[&str]) -> Result<Vec<String>, StoreError> {
        let mut units = Vec::new();
        for key in self.keys_of(param, types)? {
            let mut sql =
                Sql::new("with recursive u(code) as (select min(q.code) from search_quantity q where q.key = ");
            sql.bind(key).push(
                " union all select (select min(q.code) from search_quantity q where q.code > u.code and q.key = ",
            );
            sql.bind(key).push(") from u where u.code is not null) select u.code as value from u");
            units.extend(sql.load::<TextValue>(self.tx)?.into_iter().filter_map(|row| row.value));
        }
        units.sort_unstable();
        units.dedup();
        Ok(units)
    }

    /// The codes of units that a component of a composite has. Those of R4 are made of what a parameter of its own
    /// has too; of others every row has to be looked at.
    pub(super) fn units_of_part(
        &mut self,
        definition: &Definition,
        part: &str,
        column: &str,
        types: &[&str],
    ) -> Result<Vec<String>, StoreError> {
        let shipped = Registry::r4().get(&definition.base, &definition.code);
        if shipped.is_some_and(|shipped| shipped.url == definition.url) {
            return self.units_of(part, types);
        }
        let keys = self.keys(definition, "", types)?;
        let mut sql = Sql::new("select distinct ");
        sql.push(column).push(" as value from search_composite t where ").one_of("t.key", keys.0);
        Ok(sql.load::<TextValue>(self.tx)?.into_iter().filter_map(|row| row.value).collect())
    }

    fn unit(&mut self, wanted: &QuantityMatch, system: &str, code: &str, unit: &str) -> Result<Sql, StoreError> {
        Ok(match &wanted.unit {
            UnitMatch::Any => Sql::always(),
            UnitMatch::Coded { system: uri, code: wanted } => {
                let number = self.names.find_system(self.tx, self.tenant, uri)?.unwrap_or(NOBODYS);
                let mut sql = Sql::new(system);
                sql.push(" = ").bind(number);
                if let Some(wanted) = wanted {
                    sql.push(" and ").push(code).push(" = ").bind(kept(wanted));
                }
                sql
            }
            UnitMatch::Named(name) => {
                let mut by_code = Sql::new(code);
                by_code.push(" = ").bind(kept(name));
                let mut by_unit = Sql::new(unit);
                by_unit.push(" = ").bind(kept(name));
                Sql::any(vec![by_code, by_unit])
            }
        })
    }
}
