//! The FHIRPath suite of the FHIR project for R4. What fails is listed with the reason in
//! `expected-failures.txt`; that something on the list passes is a failure too.

use std::collections::BTreeMap;

use roxmltree::{Document, Node as Element};

use super::*;

/// When the tests take place.
const NOW: &str = "2026-02-03T04:05:06.789Z";

/// One test of the suite.
struct Test<'a> {
    name: String,
    input: Option<&'a str>,
    expression: String,
    /// `syntax`, `semantic`, `execution`: the expression has no result.
    invalid: Option<&'a str>,
    is_predicate: bool,
    is_ordered: bool,
    outputs: Vec<(Option<&'a str>, String)>,
}

fn tests<'a>(suite: &'a Document<'a>) -> Vec<Test<'a>> {
    let mut found = Vec::new();
    for element in suite.descendants().filter(|node| node.has_tag_name("test")) {
        let group = element.parent().and_then(|group| group.attribute("name")).unwrap_or_default();
        let Some(expression) = element.children().find(|node| node.has_tag_name("expression")) else { continue };
        let text = |node: Element<'_, '_>| node.text().unwrap_or_default().to_owned();
        found.push(Test {
            name: format!("{group}/{}", element.attribute("name").unwrap_or_default()),
            input: element.attribute("inputfile"),
            expression: text(expression),
            invalid: expression.attribute("invalid"),
            is_predicate: element.attribute("predicate") == Some("true"),
            is_ordered: element.attribute("ordered") != Some("false"),
            outputs: element
                .children()
                .filter(|node| node.has_tag_name("output"))
                .map(|node| (node.attribute("type"), text(node).trim().to_owned()))
                .collect(),
        });
    }
    found
}

/// The JSON form of an input: an adapted one, or an example of R4.
fn input(name: &str) -> Json {
    let name = name.trim_end_matches(".xml").trim_end_matches(".json");
    let adapted = format!("fhirpath/input/{name}.json");
    let is_adapted = std::fs::exists(format!("{}/fixtures/fhir/{adapted}", env!("CARGO_MANIFEST_DIR")));
    let path = if is_adapted.expect("readable") { adapted } else { format!("examples/{name}.json") };
    json(&fixture(&path))
}

/// The type of an item as the suite writes it.
fn type_of(item: &Item<'_>) -> String {
    let name = match item {
        Item::Node(node) => node.def().map_or("", |def| def.name),
        _ => item.system_type().map_or("", SystemType::name),
    };
    match name {
        "Quantity" => name.to_owned(),
        _ => name.chars().take(1).flat_map(char::to_lowercase).chain(name.chars().skip(1)).collect(),
    }
}

fn is_as_expected(item: &Item<'_>, of_type: Option<&str>, text: &str) -> bool {
    let of_type = of_type.is_none_or(|of_type| of_type == type_of(item));
    let is_time = matches!(*item.value(), Item::Temporal(value) if value.kind() == Kind::Time);
    let text = text.strip_prefix(if is_time { "@T" } else { "@" }).unwrap_or(text);
    of_type && item.to_text().as_deref() == Some(text)
}

/// Why a test fails.
fn run(test: &Test<'_>, inputs: &BTreeMap<&str, Json>) -> Result<(), String> {
    let nothing = json(r#"{"resourceType":"Patient"}"#);
    let resource = test.input.map_or(&nothing, |name| &inputs[name]);
    let expression = match Expression::parse(&test.expression) {
        Ok(expression) => expression,
        Err(_) if test.invalid.is_some() => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    let environment = Environment { now: Timestamp::parse(NOW), ..Environment::of(resource) };
    let limits = Limits { strict: test.invalid == Some("semantic"), ..Limits::default() };
    let items = match (expression.evaluate(Node::resource(resource), &environment, &limits), test.invalid) {
        (Err(_), Some(_)) => return Ok(()),
        (Ok(items), Some(kind)) => return Err(format!("a {kind} error is expected, found {items:?}")),
        (Err(error), None) => return Err(error.to_string()),
        (Ok(items), None) => items,
    };
    let mut items = if test.is_predicate { vec![Item::Boolean(!items.is_empty())] } else { items };
    let mut outputs = test.outputs.clone();
    if !test.is_ordered {
        items.sort_by_key(Item::to_text);
        outputs.sort_by(|left, right| left.1.cmp(&right.1));
    }
    let is_same = items.len() == outputs.len()
        && items.iter().zip(&outputs).all(|(item, (of_type, text))| is_as_expected(item, *of_type, text));
    let shown: Vec<_> = items.iter().map(|item| (type_of(item), item.to_text())).collect();
    if is_same { Ok(()) } else { Err(format!("expected {outputs:?}, found {shown:?}")) }
}

#[test]
fn the_suite_passes_but_for_what_is_listed() {
    let text = fixture("fhirpath/tests-fhir-r4.xml");
    let suite = Document::parse(&text).expect("XML");
    let all = tests(&suite);
    let inputs: BTreeMap<&str, Json> =
        all.iter().filter_map(|test| test.input).map(|name| (name, input(name))).collect();
    let listed = fixture("fhirpath/expected-failures.txt");
    let mut listed: BTreeMap<&str, &str> = listed
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once(": ").unwrap_or_else(|| panic!("no reason: {line}")))
        .collect();
    let mut wrong = Vec::new();
    for test in &all {
        let reason = listed.remove(&*test.name);
        match (run(test, &inputs), reason) {
            (Ok(()), None) | (Err(_), Some(_)) => {}
            (Ok(()), Some(_)) => wrong.push(format!("{} passes, but is listed", test.name)),
            (Err(why), None) => wrong.push(format!("{} `{}`: {why}", test.name, test.expression.trim())),
        }
    }
    wrong.extend(listed.keys().map(|name| format!("{name} is listed, but is no test")));
    assert!(all.len() > 900, "{}", all.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}
