//! Searches that ask for more than what stands there: other units, codes by value sets, days in a zone.

use causeway::fhir::search::query::{CodeQuestion, Codes};
use causeway::fhir::search::units::{UCUM, convert};
use causeway::fhir::search::{Help, IndexValue};

use super::{
    BASE, BTreeSet, Backend, QueryContext, QueryLimits, Registry, SearchQuery, Timestamp, each_backend, find, found,
    indexed, json, loaded, query, resources,
};

each_backend!(
    amounts_are_found_in_every_unit,
    codes_are_found_by_what_names_them,
    days_are_those_of_the_zone,
    what_a_node_does_not_know_is_asked_for_once,
);

fn helped(help: Help<'_>, resource_type: &str, name: &str, value: &str) -> SearchQuery {
    let now = Timestamp::parse("2026-06-01T00:00:00Z").expect("valid");
    let limits = QueryLimits { count: 100_000, ..QueryLimits::default() };
    let context = QueryContext { registry: Registry::r4(), base: BASE, now, limits };
    let pairs = [(name.to_owned(), value.to_owned())];
    let query = SearchQuery::parse_with(context, help, Some(resource_type), &pairs);
    query.unwrap_or_else(|error| panic!("{resource_type}?{name}={value}: {error}"))
}

async fn amounts_are_found_in_every_unit(backend: Backend) {
    let mut resources = resources();
    for (id, value, unit) in
        [("five-g", "5", "g"), ("five-mg", "5000", "mg"), ("four-mg", "4500", "mg"), ("six-mg", "5500", "mg")]
    {
        resources.push(json(&format!(
            r#"{{"resourceType":"Observation","id":"{id}","meta":{{"lastUpdated":"2026-02-03T05:05:06.000Z"}},
                "status":"final","code":{{"coding":[{{"system":"urn:a","code":"dose"}}]}},
                "valueQuantity":{{"value":{value},"system":"{UCUM}","code":"{unit}"}}}}"#
        )));
    }
    let test = loaded(&backend, &resources).await;
    let all = indexed(&resources);
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<String>>();
    let of = |name: &str, value: &str| query("Observation", &[(name.to_owned(), value.to_owned())]);
    // 5 is [4.5, 5.5).
    for value in [format!("5|{UCUM}|g"), format!("5000|{UCUM}|mg"), format!("5000000|{UCUM}|ug")] {
        let wanted = if value.starts_with("5000") {
            ids(&["five-g", "five-mg"])
        } else {
            ids(&["five-g", "five-mg", "four-mg"])
        };
        assert_eq!(found(&test, of("value-quantity", &value)).await, wanted, "{value}");
    }
    let plain = found(&test, of("value-quantity", "5")).await;
    assert!(!plain.contains("five-mg"), "without a unit it is the number");
    let composite = format!("urn:a|dose$5|{UCUM}|g");
    assert_eq!(found(&test, of("code-value-quantity", &composite)).await, ids(&["five-g", "five-mg", "four-mg"]));

    let mut searched = 0;
    for one in all.iter().filter(|one| one.resource_type == "Observation") {
        for entry in &one.entries {
            let IndexValue::Quantity { low, code: Some(code), system: Some(system), .. } = &entry.value else {
                continue;
            };
            if system != UCUM || !low.is_finite() || searched > 400 {
                continue;
            }
            for other in
                ["g", "kg", "mg", "m", "cm", "mm[Hg]", "kPa", "/min", "Hz", "mg/dL", "g/L", "Cel", "[degF]", "%"]
            {
                let Some(number) = convert(*low, code, other) else { continue };
                for prefix in ["", "ne", "gt", "le", "sa", "ap"] {
                    let value = format!("{prefix}{number:.6}|{UCUM}|{other}");
                    let query = of(&entry.definition.code, &value);
                    let wanted: BTreeSet<String> = find(&query, &all).iter().map(|one| one.id.clone()).collect();
                    assert_eq!(found(&test, query).await, wanted, "{}={value}", entry.definition.code);
                    searched += 1;
                }
            }
        }
    }
    assert!(searched > 100, "{searched}");
}

async fn codes_are_found_by_what_names_them(backend: Backend) {
    let resources = resources();
    let test = loaded(&backend, &resources).await;
    let all = indexed(&resources);
    let mut codes = Codes::new();
    let gender = "http://hl7.org/fhir/administrative-gender".to_owned();
    let none = CodeQuestion::In("urn:none".to_owned());
    codes.add(none, Vec::new());
    codes.add(
        CodeQuestion::In("urn:women".to_owned()),
        vec![(gender.clone(), vec!["female".to_owned(), "x".to_owned()])],
    );
    let loinc: Vec<String> = all
        .iter()
        .filter(|one| one.resource_type == "Observation")
        .flat_map(|one| &one.entries)
        .filter(|entry| entry.definition.code == "code")
        .filter_map(|entry| match &entry.value {
            IndexValue::Token { code, .. } => Some(code.clone()),
            _ => None,
        })
        .take(3)
        // More than a statement looks for one by one.
        .chain((0..500).map(|number| format!("none-{number}")))
        .collect();
    codes.add(CodeQuestion::In("ValueSet/x".to_owned()), vec![("http://loinc.org".to_owned(), loinc.clone())]);
    let system = "http://loinc.org".to_owned();
    codes.add(CodeQuestion::Below { system, code: "a".to_owned() }, vec![("http://loinc.org".to_owned(), loinc)]);
    let help = Help { codes: Some(&codes), zone_seconds: 0 };
    for (resource_type, name, value) in [
        ("Patient", "gender:in", "urn:women"),
        ("Patient", "gender:not-in", "urn:women"),
        ("Patient", "gender:in", "urn:none"),
        ("Patient", "gender:not-in", "urn:none"),
        ("Patient", "gender:in", "urn:none,urn:women"),
        ("Observation", "code:in", "ValueSet/x"),
        ("Observation", "code:not-in", "ValueSet/x"),
        ("Observation", "code:below", "http://loinc.org|a"),
        ("Observation", "subject:Patient.gender:in", "urn:women"),
        ("Patient", "_has:Observation:patient:code:in", "ValueSet/x"),
    ] {
        let query = helped(help, resource_type, name, value);
        let wanted: BTreeSet<String> = find(&query, &all).iter().map(|one| one.id.clone()).collect();
        assert_eq!(found(&test, query).await, wanted, "{resource_type}?{name}={value}");
        let plain = name.ends_with("not-in") || value == "urn:none";
        assert!(plain || !wanted.is_empty(), "{resource_type}?{name}={value} finds nothing");
    }
}

async fn days_are_those_of_the_zone(backend: Backend) {
    let observation = |id: &str, at: &str| {
        json(&format!(
            r#"{{"resourceType":"Observation","id":"{id}","meta":{{"lastUpdated":"2026-02-03T05:05:06.000Z"}},
                "status":"final","code":{{"text":"x"}},"effectiveDateTime":"{at}"}}"#
        ))
    };
    let mut resources = resources();
    resources.extend([
        observation("evening", "2024-05-10T23:30:00-05:00"),
        observation("night", "2024-05-10T01:00:00Z"),
        observation("day", "2024-05-10"),
        observation("month", "2024-05"),
    ]);
    let test = loaded(&backend, &resources).await;
    let all = indexed(&resources);
    for zone_seconds in [0, -18_000, 50_400] {
        let help = Help { codes: None, zone_seconds };
        for prefix in ["", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"] {
            for text in ["2024-05-10", "2024-05", "2024", "2024-05-10T23:30", "2024-05-10T23:30:00Z"] {
                let query = helped(help, "Observation", "date", &format!("{prefix}{text}"));
                let wanted: BTreeSet<String> = find(&query, &all).iter().map(|one| one.id.clone()).collect();
                assert_eq!(found(&test, query).await, wanted, "{prefix}{text} at {zone_seconds}");
            }
        }
    }
    let west = Help { codes: None, zone_seconds: -18_000 };
    let of_day = found(&test, helped(west, "Observation", "date", "2024-05-10")).await;
    assert_eq!(of_day, ["day", "evening"].map(str::to_owned).into());
    let there = found(&test, helped(Help::default(), "Observation", "date", "2024-05-10")).await;
    assert_eq!(there, ["day", "night"].map(str::to_owned).into());
    let local = found(&test, helped(west, "Observation", "date", "2024-05-10T23:30")).await;
    assert_eq!(local, ["evening".to_owned()].into());
}

async fn what_a_node_does_not_know_is_asked_for_once(backend: Backend) {
    let one = json(
        r#"{"resourceType":"Basic","id":"b","meta":{"lastUpdated":"2026-02-03T05:05:06.000Z"},"code":{"text":"x"}}"#,
    );
    let test = loaded(&backend, std::slice::from_ref(&one)).await;
    let other = test.reopen().await;
    let actor = super::TestStore::actor();
    let search = |kind: &str| super::search(query(kind, &[("_id:missing".to_owned(), "false".to_owned())]), 10);
    // The other node learns that nobody has named anything of this type, and later that somebody has.
    let nothing = other.desk(&actor).search(search("Group"), super::Counting::Whole).await.expect("searches");
    assert!(nothing.resources.is_empty());
    let group = json(
        r#"{"resourceType":"Group","id":"g","meta":{"lastUpdated":"2026-02-03T05:05:06.000Z"},"type":"person","actual":true}"#,
    );
    let set = super::WriteSet::new().with(super::write(&group, None));
    test.store.desk(&actor).commit(set).await.expect("commits");
    let found = other.desk(&actor).search(search("Group"), super::Counting::Whole).await.expect("searches");
    assert_eq!(found.resources.len(), 1);
}
