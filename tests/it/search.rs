//! Search in the database against its definition: what [`causeway::fhir::search::evaluate`] finds by looking at
//! everything, the store finds by its index, on both databases.

use std::collections::{BTreeMap, BTreeSet};

use causeway::base::{Clock, LogicalId, Timestamp, VersionId};
use causeway::fhir::search::evaluate::{Indexed, find};
use causeway::fhir::search::{IndexValue, QueryContext, QueryLimits, Registry, SearchQuery, extract};
use causeway::fhir::{Json, JsonLimits};
use causeway::store::{Counting, ResourceWrite, Search, Write, WriteSet};

use crate::each_backend;
use crate::support::{Backend, TestStore};

each_backend!(
    the_index_finds_what_is_there,
    what_changes_is_found_by_what_it_is_now,
    pages_are_whole_and_in_order,
    plans_begin_where_little_is,
    an_index_that_is_not_there_is_made,
);

#[cfg(test)]
mod help;

const BASE: &str = "https://gateway.example/fhir/r4";
const SYNTHEA: &str = include_str!("../../fixtures/fhir/search/synthea.ndjson");
const COUNTS: &str = include_str!("../../fixtures/fhir/search/synthea.counts.json");

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes(), &JsonLimits::default()).expect("JSON")
}

fn of(resource: &Json, key: &str) -> String {
    resource.text_at(&[key]).expect("there").to_owned()
}

/// Two synthetic patients, and an example of each type.
fn resources() -> Vec<Json> {
    let mut all: Vec<Json> = SYNTHEA.lines().map(json).collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/fhir/examples");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("readable").map(|entry| entry.expect("readable").path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "json")) {
        let example = json(&std::fs::read_to_string(file).expect("readable"));
        let id = example.text_at(&["id"]).is_some_and(|id| LogicalId::parse(id).is_ok());
        let is_new =
            |one: &Json| of(one, "resourceType") != of(&example, "resourceType") || of(one, "id") != of(&example, "id");
        if id && all.iter().all(is_new) {
            all.push(example);
        }
    }
    // As the store makes them.
    for (number, resource) in all.iter_mut().enumerate() {
        let at =
            Timestamp::parse("2026-02-03T04:05:06Z").expect("valid").plus_seconds(i64::try_from(number).expect("few"));
        let mut meta = resource.get("meta").and_then(Json::as_object).cloned().unwrap_or_default();
        meta.set("lastUpdated", Json::string(at.to_fhir()));
        resource.as_object_mut().expect("an object").set("meta", meta.into());
    }
    all
}

fn write(resource: &Json, expected: Option<i32>) -> Write {
    Write::Resource(ResourceWrite {
        resource_type: of(resource, "resourceType"),
        logical_id: LogicalId::parse(&of(resource, "id")).expect("valid"),
        expected: expected.map(VersionId),
        last_updated: Timestamp::parse(resource.text_at(&["meta", "lastUpdated"]).expect("is set")).expect("valid"),
        body: Some(resource.to_text().into_bytes()),
        rows: Vec::new(),
        entries: extract(resource),
    })
}

async fn loaded(backend: &Backend, resources: &[Json]) -> TestStore {
    let test = TestStore::new(backend).await;
    let set = resources.iter().fold(WriteSet::new(), |set, resource| set.with(write(resource, None)));
    test.store.desk(&TestStore::actor()).commit(set).await.expect("commits");
    test
}

fn indexed(resources: &[Json]) -> Vec<Indexed<'static>> {
    let index =
        |one: &Json| Indexed { resource_type: of(one, "resourceType"), id: of(one, "id"), entries: extract(one) };
    resources.iter().map(index).collect()
}

fn query(resource_type: &str, pairs: &[(String, String)]) -> SearchQuery {
    let now = Timestamp::parse("2026-06-01T00:00:00Z").expect("valid");
    let limits = QueryLimits { count: 100_000, ..QueryLimits::default() };
    let context = QueryContext { registry: Registry::r4(), base: BASE, now, limits };
    let query = SearchQuery::parse(context, Some(resource_type), pairs);
    query.unwrap_or_else(|error| panic!("{resource_type} {pairs:?}: {error}"))
}

fn search(query: SearchQuery, limit: usize) -> Search {
    Search { query, compartment: None, base: BASE.to_owned(), place: None, limit }
}

/// Ids of what the store finds.
async fn found(test: &TestStore, query: SearchQuery) -> BTreeSet<String> {
    let actor = TestStore::actor();
    let page = test.store.desk(&actor).search(search(query, 5_000), Counting::Whole).await.expect("searches");
    assert_eq!(page.total, i64::try_from(page.resources.len()).ok(), "the count is that of the matches");
    page.resources.iter().map(|one| one.logical_id.to_string()).collect()
}

/// Searches that the values of a resource suggest: for each parameter its plain value, and what modifiers and
/// prefixes make of it.
fn suggested(one: &Indexed<'_>, seen: &mut BTreeMap<(String, String), usize>) -> Vec<(String, String)> {
    let escaped = |text: &str| text.replace('\\', r"\\").replace(',', r"\,").replace('|', r"\|").replace('$', r"\$");
    let token = |system: &Option<String>, code: &str| match system {
        Some(system) => format!("{}|{}", escaped(system), escaped(code)),
        None => escaped(code),
    };
    let mut out = Vec::new();
    for entry in &one.entries {
        let code = entry.definition.code.as_str();
        let kind = format!("{:?}", std::mem::discriminant(&entry.value));
        let times = seen.entry((format!("{}.{code}", one.resource_type), kind)).or_default();
        *times += 1;
        if *times > 1 {
            continue;
        }
        let mut add = |modifier: &str, value: String| {
            if !value.trim().is_empty() {
                out.push((format!("{code}{modifier}"), value));
            }
        };
        add(":missing", "true".to_owned());
        add(":missing", "false".to_owned());
        match &entry.value {
            IndexValue::Token { system, code } => {
                add("", token(system, code));
                add("", escaped(code));
                add("", format!("|{}", escaped(code)));
                add("", format!("{},nothing-like-this", escaped(code)));
                add(":not", token(system, code));
                if let Some(system) = system {
                    add("", format!("{}|", escaped(system)));
                }
            }
            IndexValue::TokenText(text) => add(":text", escaped(text)),
            IndexValue::OfType { system: Some(system), code, value } => {
                add(":of-type", [system, code, value].map(|part| escaped(part)).join("|"));
            }
            IndexValue::OfType { .. } => {}
            IndexValue::String { folded, exact } => {
                let (start, middle): (String, String) =
                    (folded.chars().take(3).collect(), folded.chars().skip(1).take(4).collect());
                add("", escaped(&start));
                add("", escaped(exact));
                add(":exact", escaped(exact));
                add(":exact", escaped(&exact.to_uppercase()));
                if middle.trim().len() > 1 {
                    add(":contains", escaped(&middle));
                }
            }
            IndexValue::Reference { resource_type, id, .. } => {
                add("", format!("{resource_type}/{id}"));
                add("", id.clone());
                add("", format!("{BASE}/{resource_type}/{id}"));
                if entry.definition.targets.allow(resource_type) {
                    add(&format!(":{resource_type}"), id.clone());
                }
            }
            IndexValue::Url { url, .. } | IndexValue::Uri(url) => {
                add("", escaped(url));
                if matches!(entry.value, IndexValue::Uri(_)) {
                    add(":below", escaped(url.get(..url.len() / 2).unwrap_or(url)));
                    add(":above", escaped(&format!("{url}/below")));
                }
            }
            IndexValue::Identifier { system, value } => add(":identifier", token(system, value)),
            IndexValue::Date { from, .. } => {
                let at = Timestamp(*from).to_fhir();
                for prefix in ["", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"] {
                    add("", format!("{prefix}{at}"));
                    add("", format!("{prefix}{}", at.get(..10).expect("a day")));
                    add("", format!("{prefix}{}", at.get(..4).expect("a year")));
                }
            }
            IndexValue::Number { low, .. } if low.is_finite() => {
                for prefix in ["", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"] {
                    add("", format!("{prefix}{low}"));
                }
            }
            IndexValue::Quantity { low, code, system, .. } if low.is_finite() => {
                for prefix in ["", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"] {
                    add("", format!("{prefix}{low}"));
                    if let Some(code) = code {
                        add("", format!("{prefix}{low}||{}", escaped(code)));
                        if let Some(system) = system {
                            add("", format!("{prefix}{low}|{}|{}", escaped(system), escaped(code)));
                        }
                    }
                }
            }
            IndexValue::Number { .. } | IndexValue::Quantity { .. } => {}
            IndexValue::Composite(components) => {
                let part = |value: &IndexValue| match value {
                    IndexValue::Token { system, code } => Some(token(system, code)),
                    IndexValue::String { exact, .. } => Some(escaped(exact)),
                    IndexValue::Quantity { low, .. } | IndexValue::Number { low, .. } if low.is_finite() => {
                        Some(format!("ge{low}"))
                    }
                    IndexValue::Date { from, .. } => Some(format!("ge{}", Timestamp(*from).to_fhir())),
                    IndexValue::Reference { resource_type, id, .. } => Some(format!("{resource_type}/{id}")),
                    _ => None,
                };
                let parts: Option<Vec<String>> =
                    components.iter().map(|values| values.first().and_then(part)).collect();
                if let Some(parts) = parts {
                    add("", parts.join("$"));
                }
            }
        }
    }
    out
}

async fn the_index_finds_what_is_there(backend: Backend) {
    let resources = resources();
    let test = loaded(&backend, &resources).await;
    let all = indexed(&resources);
    let synthea = SYNTHEA.lines().count();

    let counts = json(COUNTS);
    for (text, _) in counts.as_object().expect("an object").iter() {
        let (resource_type, rest) = text.split_once('?').expect("a type");
        let pairs: Vec<(String, String)> = rest
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let query = query(resource_type, &pairs);
        let wanted: BTreeSet<String> = find(&query, &all).iter().map(|one| one.id.clone()).collect();
        assert_eq!(found(&test, query).await, wanted, "{text}");
    }

    let mut seen = BTreeMap::new();
    let mut searched = BTreeSet::new();
    for one in &all {
        for pair in suggested(one, &mut seen) {
            if !searched.insert((one.resource_type.clone(), pair.clone())) {
                continue;
            }
            let query = query(&one.resource_type, std::slice::from_ref(&pair));
            let wanted: BTreeSet<String> = find(&query, &all).iter().map(|one| one.id.clone()).collect();
            assert_eq!(found(&test, query).await, wanted, "{}?{pair:?}", one.resource_type);
        }
    }
    assert!(searched.len() > 1_500 && synthea > 100, "{}", searched.len());

    // Two at a time, any with any: where a search begins is not what it finds.
    let singles: Vec<&(String, (String, String))> = searched.iter().collect();
    let mut some = 0;
    for (at, (resource_type, pair)) in singles.iter().enumerate().step_by(3) {
        let others: Vec<&(String, String)> =
            singles.iter().filter(|(other, _)| other == resource_type).map(|(_, pair)| pair).collect();
        let Some(other) = others.get((at * 31 + 7) % others.len()).filter(|other| other.0 != pair.0) else { continue };
        let pairs = [pair.clone(), (*other).clone()];
        let query = query(resource_type, &pairs);
        let wanted: BTreeSet<String> = find(&query, &all).iter().map(|one| one.id.clone()).collect();
        some += usize::from(!wanted.is_empty());
        assert_eq!(found(&test, query).await, wanted, "{resource_type}?{pairs:?}");
    }
    assert!(some > 100, "{some}");
    let patient = all.iter().find(|one| one.resource_type == "Patient").expect("there").id.clone();
    for (name, value) in
        [("status", "final"), ("date", "ge2015"), ("code:text", "body"), ("_id:not", "x"), ("value-quantity", "gt5")]
    {
        let of = |text: &str| (text.to_owned(), value.to_owned());
        let pairs = [("patient".to_owned(), patient.clone()), of(name)];
        let query = query("Observation", &pairs);
        let wanted: BTreeSet<String> = find(&query, &all).iter().map(|one| one.id.clone()).collect();
        assert_eq!(found(&test, query).await, wanted, "{pairs:?}");
    }
}

async fn what_changes_is_found_by_what_it_is_now(backend: Backend) {
    let before = json(
        r#"{"resourceType":"Patient","id":"p","meta":{"lastUpdated":"2026-02-03T04:05:06.000Z"},
            "identifier":[{"system":"urn:a","value":"1"},{"system":"urn:a","value":"2"}],"name":[{"family":"Aubel"}],
            "birthDate":"1970-01-01","gender":"female"}"#,
    );
    let test = loaded(&backend, std::slice::from_ref(&before)).await;
    let after = json(
        r#"{"resourceType":"Patient","id":"p","meta":{"lastUpdated":"2026-02-03T04:05:07.000Z"},
            "identifier":[{"system":"urn:a","value":"2"},{"system":"urn:b","value":"1"}],"name":[{"family":"Beyer"}],
            "birthDate":"1970-01-01"}"#,
    );
    let actor = TestStore::actor();
    test.store.desk(&actor).commit(WriteSet::new().with(write(&after, Some(1)))).await.expect("commits");
    for (name, value, is_found) in [
        ("identifier", "urn:a|1", false),
        ("identifier", "urn:a|2", true),
        ("identifier", "urn:b|1", true),
        ("identifier", "1", true),
        ("family", "aub", false),
        ("family", "bey", true),
        ("gender", "female", false),
        ("gender:missing", "true", true),
        ("birthdate", "1970-01-01", true),
        ("_lastUpdated", "2026-02-03T04:05:06Z", false),
        ("_lastUpdated", "2026-02-03T04:05:07Z", true),
        ("_id", "p", true),
    ] {
        let query = query("Patient", &[(name.to_owned(), value.to_owned())]);
        assert_eq!(found(&test, query).await.len(), usize::from(is_found), "{name}={value}");
    }
    let deletion = ResourceWrite {
        resource_type: "Patient".to_owned(),
        logical_id: LogicalId::parse("p").expect("valid"),
        expected: Some(VersionId(2)),
        last_updated: test.clock.now(),
        body: None,
        rows: Vec::new(),
        entries: Vec::new(),
    };
    test.store.desk(&actor).commit(WriteSet::new().with(Write::Resource(deletion))).await.expect("commits");
    assert!(found(&test, query("Patient", &[])).await.is_empty());
    for table in [
        "search_token",
        "search_string",
        "search_reference",
        "search_uri",
        "search_date",
        "search_number",
        "search_quantity",
        "search_composite",
        "search_dated",
    ] {
        assert_eq!(test.database.count(&format!("select count(*) from {table}")).await, 0, "rows left in {table}");
    }
}

async fn pages_are_whole_and_in_order(backend: Backend) {
    let resources = resources();
    let test = loaded(&backend, &resources).await;
    let (actor, all) = (TestStore::actor(), indexed(&resources));
    for sort in ["", "date", "-date,code", "value-quantity,-_id", "-_lastUpdated", "status,-date"] {
        let mut pairs = vec![("status".to_owned(), "final".to_owned())];
        if !sort.is_empty() {
            pairs.push(("_sort".to_owned(), sort.to_owned()));
        }
        let query = query("Observation", &pairs);
        assert_eq!(query.unsupported, []);
        let wanted: BTreeSet<String> = find(&query, &all).iter().map(|one| one.id.clone()).collect();
        let whole = test.store.desk(&actor).search(search(query.clone(), 1_000), Counting::No).await.expect("searches");
        let order: Vec<String> = whole.resources.iter().map(|one| one.logical_id.to_string()).collect();
        assert_eq!(order.iter().cloned().collect::<BTreeSet<_>>(), wanted);
        let (mut paged, mut asked) = (Vec::new(), search(query, 7));
        loop {
            let page = test.store.desk(&actor).search(asked.clone(), Counting::Whole).await.expect("searches");
            assert_eq!(page.total, i64::try_from(wanted.len()).ok());
            paged.extend(page.resources.iter().map(|one| one.logical_id.to_string()));
            let Some(next) = page.next else { break };
            assert_eq!(page.resources.len(), 7);
            let sealed = test.store.desk(&actor).write_place("here", &next).expect("seals");
            assert_eq!(test.store.desk(&actor).read_place("there", &sealed), None, "it is for its own search");
            asked.place = test.store.desk(&actor).read_place("here", &sealed);
            assert_eq!(asked.place.as_ref(), Some(&next));
        }
        assert_eq!(paged, order, "{sort}");
    }
}

async fn plans_begin_where_little_is(backend: Backend) {
    let test = loaded(&backend, &many()).await;
    let is_sqlite = matches!(backend, Backend::Sqlite);
    let has_looked = test.store.refresh_statistics().await.expect("looks");
    assert!(!(has_looked && is_sqlite), "it needs none");
    assert!(!test.store.refresh_statistics().await.expect("looks"), "nothing has come since");
    for (kind, pairs, sqlite, postgres) in [
        ("Observation", vec![("code", "c1")], "(key=? AND code=?", "search_token_pkey"),
        (
            "Observation",
            vec![("code", "c1"), ("date", "2024-01-03")],
            "(key=? AND code=? AND from_us>? AND from_us<?)",
            "search_dated_pkey",
        ),
        ("Observation", vec![("subject", "Patient/p7")], "(key=? AND target_id=?", "search_reference_pkey"),
        (
            "Observation",
            vec![("subject", "Patient/p7"), ("code", "c1")],
            "(key=? AND target_id=?",
            "search_reference_pkey",
        ),
        ("Patient", vec![("family", "fam17")], "(key=? AND folded>? AND folded<?", "search_string_pkey"),
        ("Patient", vec![("identifier", "urn:x|i17")], "(key=? AND code=?", "search_token_pkey"),
        (
            "Observation",
            vec![("subject:Patient.family", "fam17")],
            "(key=? AND folded>? AND folded<?",
            "search_string_pkey",
        ),
    ] {
        let pairs: Vec<(String, String)> =
            pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let plan =
            test.store.desk(&TestStore::actor()).explain(search(query(kind, &pairs), 50)).await.expect("explains");
        let wanted = if is_sqlite { sqlite } else { postgres };
        assert!(plan.contains(wanted), "{kind} {pairs:?}: {plan}");
        let tables = ["token", "string", "reference", "date", "dated"];
        let is_scanned =
            plan.contains("SCAN t") || tables.iter().any(|table| plan.contains(&format!("Seq Scan on search_{table}")));
        assert!(!is_scanned, "{kind} {pairs:?}: {plan}");
    }
}

/// Enough for a planner to care.
fn many() -> Vec<Json> {
    let meta = || serde_json::json!({"lastUpdated": "2026-02-03T04:05:06Z"});
    let patients = (0..300).map(|number| {
        serde_json::json!({"resourceType": "Patient", "id": format!("p{number}"), "meta": meta(), "name": [{"family": format!("fam{number}")}],
            "identifier": [{"system": "urn:x", "value": format!("i{number}")}]})
    });
    let observations = (0..3_000).map(|number| {
        serde_json::json!({"resourceType": "Observation", "id": format!("o{number}"), "meta": meta(), "status": "final",
            "code": {"coding": [{"system": "urn:c", "code": format!("c{}", number % 5)}]},
            "subject": {"reference": format!("Patient/p{}", number % 300)},
            "effectiveDateTime": format!("20{:02}-{:02}-{:02}", 10 + number % 15, 1 + number % 12, 1 + number % 28),
            "valueQuantity": {"value": number % 100, "unit": "g"}})
    });
    patients
        .chain(observations)
        .map(|one| Json::parse(one.to_string().as_bytes(), &JsonLimits::default()).expect("JSON"))
        .collect()
}

async fn an_index_that_is_not_there_is_made(backend: Backend) {
    let resources = resources();
    let test = loaded(&backend, &resources).await;
    assert_eq!(test.store.rebuild_index().await.expect("looks"), 0, "a new tenant's rows are right");
    let queries = ["Patient", "Observation", "ImagingStudy"].map(|kind| query(kind, &[]));
    let mut before = Vec::new();
    for query in &queries {
        before.push(found(&test, query.clone()).await);
    }
    for table in ["search_token", "search_string", "search_date", "search_state", "search_reference"] {
        test.database.execute(&format!("delete from {table}")).await.expect("is emptied");
    }
    let other = test.reopen().await;
    let (one, two) = tokio::join!(test.store.rebuild_index(), other.rebuild_index());
    assert!(one.expect("makes").max(two.expect("makes")) >= resources.len());
    for (query, before) in queries.iter().zip(before) {
        assert_eq!(found(&test, query.clone()).await, before);
    }
    let name = query("Patient", &[("family".to_owned(), "schm".to_owned())]);
    assert_eq!(found(&test, name).await.len(), 1);
    assert_eq!(test.store.rebuild_index().await.expect("looks"), 0);
}
