//! Two synthetic patients, and how many resources each search finds; the numbers come from a script that reads the
//! same file without this code.

use super::*;

const RESOURCES: &str = include_str!("../../../../fixtures/fhir/search/synthea.ndjson");
const COUNTS: &str = include_str!("../../../../fixtures/fhir/search/synthea.counts.json");

#[test]
fn every_search_finds_as_many_as_there_are() {
    let resources: Vec<_> = RESOURCES.lines().map(|line| index(&json(line))).collect();
    let counts = json(COUNTS);
    for (text, count) in counts.as_object().expect("an object").iter() {
        assert_eq!(ids(text, &resources).len().to_string(), count.to_text(), "{text}");
    }
}

/// What comes out of a resource finds it again.
#[test]
fn every_value_finds_its_resource() {
    use crate::fhir::search::IndexValue;
    let mut searched = 0;
    for line in RESOURCES.lines() {
        let resource = index(&json(line));
        for entry in &resource.entries {
            let escaped =
                |text: &str| text.replace('\\', r"\\").replace(',', r"\,").replace('|', r"\|").replace('$', r"\$");
            let token = |system: &Option<String>, code: &str| {
                system.as_ref().map_or_else(|| escaped(code), |system| format!("{}|{}", escaped(system), escaped(code)))
            };
            let (modifier, value) = match &entry.value {
                IndexValue::Token { system, code } => ("", token(system, code)),
                IndexValue::TokenText(text) => (":text", escaped(text)),
                IndexValue::OfType { system, code, value } => {
                    let system = system.as_deref().expect("Synthea always gives one");
                    (":of-type", [system, code, value].map(escaped).join("|"))
                }
                IndexValue::String { exact, .. } => (":exact", escaped(exact)),
                IndexValue::Reference { resource_type, id, .. } => ("", format!("{resource_type}/{id}")),
                IndexValue::Url { url, .. } => ("", escaped(url)),
                IndexValue::Identifier { system, value } => (":identifier", token(system, value)),
                IndexValue::Date { from, .. } => ("", format!("ge{}", Timestamp(*from).to_fhir())),
                IndexValue::Number { low, .. } => ("", format!("{low}")),
                IndexValue::Quantity { low, code, .. } => {
                    ("", format!("ge{low}||{}", escaped(code.as_deref().unwrap_or_default())))
                }
                IndexValue::Uri(uri) => ("", escaped(uri)),
                IndexValue::Composite(_) => continue,
            };
            let pairs = [(format!("{}{modifier}", entry.definition.code), value)];
            let query = SearchQuery::parse(context(), Some(&resource.resource_type), &pairs);
            let query = query.unwrap_or_else(|error| panic!("{pairs:?}: {error}"));
            assert_eq!(find(&query, std::slice::from_ref(&resource)).len(), 1, "{pairs:?}");
            searched += 1;
        }
    }
    assert!(searched > 2_000, "{searched}");
}
