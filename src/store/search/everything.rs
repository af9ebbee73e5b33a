//! Everything about one patient, or about each: what belongs to the compartment by the rows of the index, and the
//! devices that are the patient's. R4 patient-operation-everything.html.
//!
//! A Group that has the patient as a member speaks of its other members too and is none of it.

use std::collections::HashSet;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};

use crate::base::{LogicalId, Timestamp};
use crate::fhir::search::care::care_dates;
use crate::fhir::search::compartment::params;
use crate::fhir::temporal::Range;
use crate::store::resource::StoredResource;
use crate::store::{Desk, StoreError};

use super::criteria::Compiler;
use super::rows::kept;
use super::sql::{Number, Sql};
use super::{Numbered, ROW};

/// A page of everything.
#[derive(Debug, Clone, PartialEq)]
pub struct Everything {
    /// About whom; `None` for every patient, one after the other.
    pub patient: Option<LogicalId>,
    /// Types that are shown; with `Patient` among them, also who is the same person by a link.
    pub types: Vec<String>,
    /// Whether the patient themself is shown.
    pub shows_patient: bool,
    /// When the care was given that it speaks of; what speaks of no time belongs to every one.
    pub care: Option<Range>,
    /// Changed at this instant or later.
    pub since: Option<Timestamp>,
    /// Public base URL of the FHIR interface, without a slash at its end.
    pub base: String,
    /// Where the page begins.
    pub place: Option<EverythingPlace>,
    /// Most resources of the page.
    pub limit: usize,
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EverythingPlace {
    /// Greatest number of a resource when the first page was made.
    bound: i64,
    /// Number of the patient that it goes on with.
    patient: i64,
    /// Number of the last resource of theirs that was shown.
    after: i64,
    /// Resources that the first page counted.
    total: Option<i64>,
}

/// Resources in the order in which they came to be, patient by patient.
#[derive(Debug, Clone, PartialEq)]
pub struct EverythingPage {
    /// The resources.
    pub resources: Vec<StoredResource>,
    /// How many there are on all pages, of one patient.
    pub total: Option<i64>,
    /// Where the next page begins, if there is one.
    pub next: Option<EverythingPlace>,
}

impl Desk<'_> {
    /// A page of everything, all from one look at the database.
    pub async fn everything(&self, wanted: Everything) -> Result<EverythingPage, StoreError> {
        let (tenant, inner) = (self.tenant().clone(), std::sync::Arc::clone(&self.store.inner));
        let (rows, total, next) = self
            .read(move |tx| {
                let mut compiler = Compiler::new(tx, &inner.names, &tenant, &wanted.base);
                compiler.everything_about(&wanted)
            })
            .await?;
        let resources = rows.into_iter().map(|row| row.row.open(self.tenant(), self.sealer()));
        Ok(EverythingPage { resources: resources.collect::<Result<_, _>>()?, total, next })
    }

    /// A place as the client carries it.
    pub fn write_everything_place(&self, listing: &str, place: &EverythingPlace) -> Result<Vec<u8>, StoreError> {
        let plain = serde_json::to_vec(place).map_err(|_error| StoreError::Corrupt("place"))?;
        self.sealer().seal(self.tenant(), &[PLACE, listing], &plain)
    }

    /// The place that [`Desk::write_everything_place`] wrote for the same listing.
    pub fn read_everything_place(&self, listing: &str, sealed: &[u8]) -> Option<EverythingPlace> {
        let plain = self.sealer().open(self.tenant(), &[PLACE, listing], sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }
}

/// What rows are looked for by, in numbers.
struct Keys {
    /// References to the patient.
    members: Vec<i64>,
    /// By rank: type and number of its date.
    dates: Vec<Vec<(String, i64)>>,
}

type Page = (Vec<Numbered>, Option<i64>, Option<EverythingPlace>);

impl Compiler<'_, '_> {
    fn everything_about(&mut self, wanted: &Everything) -> Result<Page, StoreError> {
        let keys = self.everything_keys(wanted)?;
        let mut place = match &wanted.place {
            Some(place) => place.clone(),
            None => EverythingPlace { bound: self.newest()?, patient: 0, after: 0, total: None },
        };
        let more = wanted.limit.saturating_add(1);
        let mut rows: Vec<Numbered> = Vec::new();
        if let Some(patient) = &wanted.patient {
            let mut numbers = members(self.tenant.as_str(), wanted, &keys, patient.as_str(), &place);
            numbers.push(" order by m.no limit ").bind(i64::try_from(more).unwrap_or(i64::MAX));
            rows = self.bodies(numbers)?;
            if wanted.place.is_none() {
                // A page that holds everything is its own count.
                place.total = i64::try_from(rows.len()).ok();
                if rows.len() > wanted.limit {
                    let mut count = Sql::new("select count(*) as number from (");
                    count.add(members(self.tenant.as_str(), wanted, &keys, patient.as_str(), &place)).push(") c");
                    place.total = count.load::<Number>(self.tx)?.first().map(|found| found.number);
                }
            }
            let next = (rows.len() > wanted.limit).then(|| {
                rows.truncate(wanted.limit);
                EverythingPlace { after: rows.last().map_or(0, |row| row.no), ..place.clone() }
            });
            return Ok((rows, place.total, next));
        }
        let mut seen: HashSet<i64> = HashSet::new();
        // Whose each row is.
        let mut owners: Vec<i64> = Vec::new();
        let mut looked_at = 0;
        loop {
            let patients = self.patients(&place)?;
            let is_last = patients.len() < PATIENTS;
            for patient in patients {
                let mut begin =
                    EverythingPlace { after: if patient.no == place.patient { place.after } else { 0 }, ..place };
                loop {
                    let left = more.saturating_sub(rows.len());
                    let mut numbers = members(self.tenant.as_str(), wanted, &keys, &patient.logical_id, &begin);
                    numbers.push(" order by m.no limit ").bind(i64::try_from(left).unwrap_or(i64::MAX));
                    let found = self.bodies(numbers)?;
                    let is_whole = found.len() < left;
                    for row in found {
                        begin.after = row.no;
                        // What belongs to two patients comes with the first.
                        if seen.insert(row.no) {
                            owners.push(patient.no);
                            rows.push(row);
                        }
                    }
                    if is_whole || rows.len() > wanted.limit {
                        break;
                    }
                }
                place = EverythingPlace { patient: patient.no, after: i64::MAX, ..place };
                if rows.len() > wanted.limit {
                    rows.truncate(wanted.limit);
                    let last = rows.last().zip(owners.get(wanted.limit.saturating_sub(1)));
                    let next = last.map(|(row, owner)| EverythingPlace { patient: *owner, after: row.no, ..place });
                    return Ok((rows, None, next));
                }
            }
            if is_last {
                return Ok((rows, None, None));
            }
            looked_at += PATIENTS;
            if looked_at >= MOST_PATIENTS {
                // A page may hold less than it could: there is an end to what one request looks through.
                return Ok((rows, None, Some(place)));
            }
        }
    }

    fn everything_keys(&mut self, wanted: &Everything) -> Result<Keys, StoreError> {
        let mut keys = Keys { members: Vec::new(), dates: Vec::new() };
        for resource_type in &wanted.types {
            let by: &[&str] = match resource_type.as_str() {
                "Group" => continue,
                "Device" => &["patient"],
                // Who is the same person by a link; with every patient they come by themselves.
                "Patient" if wanted.patient.is_none() => &[],
                other => params("Patient", other),
            };
            for param in by {
                keys.members.extend(self.key(resource_type, param)?);
            }
            for (rank, code) in care_dates(resource_type).iter().enumerate() {
                if let Some(key) = self.key(resource_type, code)? {
                    while keys.dates.len() <= rank {
                        keys.dates.push(Vec::new());
                    }
                    if let Some(of_rank) = keys.dates.get_mut(rank) {
                        of_rank.push((resource_type.clone(), key));
                    }
                }
            }
        }
        Ok(keys)
    }

    /// The next patients, the one that a place is at first.
    fn patients(&mut self, place: &EverythingPlace) -> Result<Vec<PatientRow>, StoreError> {
        let Some(key) = self.key("Patient", "_lastUpdated")? else {
            return Ok(Vec::new());
        };
        let mut sql = Sql::new(
            "select l.resource_no as no, r.logical_id from search_date l join resource r on r.no = l.resource_no \
             where l.key = ",
        );
        let from = if place.after == i64::MAX { place.patient.saturating_add(1) } else { place.patient };
        sql.bind(key).push(" and l.resource_no >= ").bind(from);
        sql.push(" and l.resource_no <= ").bind(place.bound).push(" order by l.resource_no limit ");
        sql.bind(i64::try_from(PATIENTS).unwrap_or(i64::MAX));
        sql.load(self.tx)
    }

    /// The rows of numbers, in their order.
    fn bodies(&mut self, numbers: Sql) -> Result<Vec<Numbered>, StoreError> {
        let mut sql = Sql::new(ROW);
        sql.push(" join (").add(numbers).push(") s on s.no = r.no");
        let mut rows: Vec<Numbered> = sql.load(self.tx)?;
        rows.sort_unstable_by_key(|row| row.no);
        Ok(rows)
    }
}

/// `select m.no …`: the numbers behind a place of what is shown of one patient.
fn members(tenant: &str, wanted: &Everything, keys: &Keys, patient: &str, place: &EverythingPlace) -> Sql {
    let mut of = Sql::new("select t.resource_no as no from search_reference t where ");
    of.one_of("t.key", keys.members.iter().copied()).push(" and t.target_id = ").bind(patient);
    of.push(" and t.target_type = ").bind("Patient");
    // The same, written with this server's own address.
    of.push(" union select t.resource_no from search_uri t where ").one_of("t.key", keys.members.iter().copied());
    of.push(" and t.uri = ").bind(kept(&format!("{}/Patient/{patient}", wanted.base)));
    if wanted.shows_patient {
        of.push(" union select x.no from resource x where x.tenant = ").bind(tenant);
        of.push(" and x.resource_type = ").bind("Patient").push(" and x.logical_id = ").bind(patient);
        of.push(" and not x.deleted");
    }
    let looks_at_row = wanted.care.is_some() || wanted.since.is_some();
    let mut sql = Sql::new("select m.no from (");
    sql.add(of).push(if looks_at_row {
        ") m join resource c on c.no = m.no where m.no > "
    } else {
        ") m where m.no > "
    });
    sql.bind(place.after).push(" and m.no <= ").bind(place.bound);
    if let Some(since) = wanted.since {
        sql.push(" and c.last_updated >= ").bind(since.0);
    }
    if let Some(care) = wanted.care {
        sql.push(" and ").add(given_within(care, &keys.dates));
    }
    sql
}

/// That the first date that a resource has touches a range, or that it has none.
fn given_within(care: Range, ranks: &[Vec<(String, i64)>]) -> Sql {
    let mut out = Sql::always();
    for rank in ranks.iter().rev().filter(|rank| !rank.is_empty()) {
        let dates = || {
            let mut sql = Sql::new("exists (select 1 from search_date d where d.key = case c.resource_type");
            for (resource_type, key) in rank {
                sql.push(" when ").bind(resource_type.as_str()).push(" then ").bind(*key);
            }
            sql.push(" end and d.resource_no = m.no");
            sql
        };
        let (mut touching, mut any) = (dates(), dates());
        touching.push(" and d.until_us > ").bind(care.from.0).push(" and d.from_us < ").bind(care.until.0).push(")");
        any.push(")");
        out = Sql::any(vec![touching, Sql::all(vec![any.negated(), out])]);
    }
    out
}

#[derive(QueryableByName)]
struct PatientRow {
    #[diesel(sql_type = BigInt)]
    no: i64,
    #[diesel(sql_type = Text)]
    logical_id: String,
}

/// Patients that one page looks through.
const MOST_PATIENTS: usize = 2_000;
/// Patients that are looked up at once.
const PATIENTS: usize = 50;
/// What a sealed place is bound to.
const PLACE: &str = "everything place";
