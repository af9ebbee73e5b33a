use super::*;
use crate::fhir::JsonLimits;
use crate::fhir::terminology::CodeSystem;

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes(), &JsonLimits::default()).expect("is JSON")
}

fn request(parameters: &[(&str, &str)]) -> Result<ExpandRequest, Problems> {
    let query = parameters.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    ExpandRequest::read(Inputs::read(query, None, None)?, Level::Type)
}

fn expand_in(library: &Library, set: &ValueSet, parameters: &[(&str, &str)]) -> Result<Json, Fault> {
    let all: Vec<_> = [("url", "urn:x")].into_iter().chain(parameters.iter().copied()).collect();
    let stamp = Stamp { identifier: "urn:uuid:1".into(), timestamp: "2026-01-01T00:00:00Z".into() };
    expand(library, set, &request(&all).map_err(Fault::Invalid)?, stamp)
}

/// An expansion of a value set of R4, by the last part of its URL.
fn of_r4(name: &str, parameters: &[(&str, &str)]) -> Result<Json, Fault> {
    let base = if name.starts_with("v2-") || name.starts_with("v3-") {
        "http://terminology.hl7.org/ValueSet/"
    } else {
        "http://hl7.org/fhir/ValueSet/"
    };
    let set = Library::base().value_set(&format!("{base}{name}"), None).expect("is one of R4");
    expand_in(Library::base(), set, parameters)
}

fn codes(expanded: &Json) -> Vec<&str> {
    let contains = expanded.get("expansion").map(|expansion| expansion.items("contains")).unwrap_or_default();
    contains.iter().filter_map(|each| each.text_at(&["code"])).collect()
}

fn total(expanded: &Json) -> usize {
    expanded.at(&["expansion", "total"]).and_then(Json::as_number).expect("a total").parse().expect("a number")
}

#[test]
fn value_sets_have_the_codes_that_r4_publishes() {
    for (name, size) in [
        ("administrative-gender", 4),
        ("observation-status", 8),
        ("diagnostic-report-status", 10),
        ("contact-point-system", 7),
        ("resource-types", 148),
        ("v2-0074", 45),
        ("v3-NullFlavor", 17),
        ("v3-Confidentiality", 20),
        ("v3-ActPriority", 15),
        ("task-code", 7),
        ("patient-contactrelationship", 11),
    ] {
        let expanded = of_r4(name, &[]).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!((total(&expanded), codes(&expanded).len()), (size, size), "{name}");
    }
}

#[test]
fn an_expansion_says_what_it_is() {
    let expanded = of_r4("administrative-gender", &[]).expect("expands");
    let expected = concat!(
        r#"{"resourceType":"ValueSet","id":"administrative-gender","#,
        r#""url":"http://hl7.org/fhir/ValueSet/administrative-gender","version":"4.0.1","#,
        r#""name":"AdministrativeGender","title":"AdministrativeGender","status":"active","experimental":false,"#,
        r#""expansion":{"identifier":"urn:uuid:1","timestamp":"2026-01-01T00:00:00Z","total":4,"#,
        r#""parameter":[{"name":"version","valueUri":"http://hl7.org/fhir/administrative-gender|4.0.1"}],"#,
        r#""contains":[{"system":"http://hl7.org/fhir/administrative-gender","code":"male","display":"Male"},"#,
        r#"{"system":"http://hl7.org/fhir/administrative-gender","code":"female","display":"Female"},"#,
        r#"{"system":"http://hl7.org/fhir/administrative-gender","code":"other","display":"Other"},"#,
        r#"{"system":"http://hl7.org/fhir/administrative-gender","code":"unknown","display":"Unknown"}]}}"#
    );
    assert_eq!(expanded.to_text(), expected);
    let defined = of_r4("administrative-gender", &[("includeDefinition", "true")]).expect("expands");
    let system = defined.text_at(&["compose", "include", "0", "system"]);
    assert_eq!(system, Some("http://hl7.org/fhir/administrative-gender"));
}

#[test]
fn systems_that_are_not_installed_are_named_unless_the_codes_are_enumerated() {
    for (name, system) in [
        ("doc-typecodes", "http://loinc.org"),
        ("ucum-units", "http://unitsofmeasure.org"),
        ("body-site", "http://snomed.info/sct"),
        ("currencies", "urn:iso:std:iso:4217"),
    ] {
        let fault = of_r4(name, &[]).expect_err("needs a code system");
        assert_eq!(fault.code(), ProblemCode::NotFound, "{name}");
        assert!(fault.to_string().contains(system), "{fault}");
    }
    let enumerated = of_r4("units-of-time", &[]).expect("enumerates units of UCUM");
    assert_eq!(codes(&enumerated), ["s", "min", "h", "d", "wk", "mo", "a"]);
}

#[test]
fn what_is_there_in_part_is_said_to_be() {
    let expanded = of_r4("service-type", &[("count", "1")]).expect("expands");
    assert_eq!(expanded.text_at(&["expansion", "extension", "0", "url"]), Some(UNCLOSED));
    let whole = of_r4("administrative-gender", &[]).expect("expands");
    assert!(whole.at(&["expansion", "extension"]).is_none());
}

#[test]
fn pages_follow_each_other() {
    let whole = of_r4("resource-types", &[]).expect("expands");
    let mut joined = Vec::new();
    for offset in ["0", "50", "100", "150"] {
        let page = of_r4("resource-types", &[("offset", offset), ("count", "50")]).expect("expands");
        assert_eq!(total(&page), 148);
        assert_eq!(page.at(&["expansion", "offset"]).and_then(Json::as_number), Some(offset));
        joined.extend(codes(&page).into_iter().map(ToOwned::to_owned));
    }
    assert_eq!(joined, codes(&whole));
    let none = of_r4("resource-types", &[("count", "0")]).expect("expands");
    assert_eq!((total(&none), codes(&none).len()), (148, 0));
}

#[test]
fn a_filter_is_words_of_the_display_or_the_beginning_of_the_code() {
    let found = |filter: &str| {
        let expanded = of_r4("resource-types", &[("filter", filter)]).expect("expands");
        codes(&expanded).into_iter().map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(found("imagings"), ["ImagingStudy"]);
    assert_eq!(found("  DOCUMENTREF "), ["DocumentReference"]);
    assert!(found("nothing-like-it").is_empty() && found("+").is_empty());
    let words = of_r4("v2-0074", &[("filter", "med nuc")]).expect("expands");
    assert_eq!(codes(&words).first(), Some(&"NMS"));
}

#[test]
fn designations_and_languages_are_given_when_asked() {
    let german = of_r4("v2-0001", &[("displayLanguage", "de")]).expect("expands");
    let displays: Vec<&str> = german
        .get("expansion")
        .expect("expanded")
        .items("contains")
        .iter()
        .filter_map(|each| each.text_at(&["display"]))
        .collect();
    assert!(displays.contains(&"weiblich"), "{displays:?}");
    assert!(german.at(&["expansion", "contains", "0", "designation"]).is_none());
    for parameters in
        [&[("designation", "urn:ietf:bcp:47|de")][..], &[("designation", "de"), ("includeDesignations", "true")]]
    {
        let told = of_r4("v2-0001", parameters).expect("expands");
        let of_first = told.at(&["expansion", "contains", "0", "designation"]).and_then(Json::as_array);
        let of_first = of_first.expect("has some");
        assert!(of_first.iter().all(|each| each.text_at(&["language"]) == Some("de")));
    }
    let all = of_r4("v2-0001", &[("includeDesignations", "true")]).expect("expands");
    assert!(all.at(&["expansion", "contains", "0", "designation", "1"]).is_some());
}

#[test]
fn hierarchies_are_nested_on_request_and_lose_nothing() {
    fn count(items: &[Json]) -> usize {
        items.iter().map(|item| 1 + count(item.items("contains"))).sum()
    }
    for name in ["v3-NullFlavor", "v3-ActPriority", "v3-RoleCode", "v3-ActCode"] {
        let nested = of_r4(name, &[("excludeNested", "false")]).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let top = nested.get("expansion").expect("expanded").items("contains");
        assert!(top.len() < total(&nested), "{name}");
        assert_eq!(count(top), total(&nested), "{name}");
        let flat = of_r4(name, &[("excludeNested", "true")]).expect("expands");
        assert_eq!(codes(&flat).len(), total(&nested), "{name}");
    }
    let paged = of_r4("v3-NullFlavor", &[("excludeNested", "false"), ("count", "3")]).expect("expands");
    assert_eq!(codes(&paged).len(), 3);
    let said = paged.get("expansion").expect("expanded").items("parameter").iter();
    let nested = said.clone().find(|each| each.text_at(&["name"]) == Some("excludeNested")).expect("is said");
    assert_eq!(nested.get("valueBoolean"), Some(&Json::Bool(true)), "pages are flat, and it says so");
}

#[test]
fn abstract_and_inactive_codes_are_marked_and_can_be_left_out() {
    let marked = |parameters: &[(&str, &str)], mark: &str| {
        let expanded = of_r4("v3-ActCode", parameters).expect("expands");
        let all = expanded.get("expansion").expect("expanded").items("contains").to_vec();
        all.iter().filter(|each| each.get(mark) == Some(&Json::Bool(true))).count()
    };
    assert!(marked(&[], "abstract") > 50);
    assert_eq!(marked(&[("excludeNotForUI", "true")], "abstract"), 0);
    let system = r#"{"url":"urn:s","content":"complete","concept":[{"code":"a"},
        {"code":"b","property":[{"code":"inactive","valueBoolean":true}]}]}"#;
    let mut library = Library::new();
    library.add_code_system(CodeSystem::of_resource(&json(system)).expect("is one"));
    let set = |inactive: &str| {
        let text = format!(r#"{{"resourceType":"ValueSet","compose":{{{inactive}"include":[{{"system":"urn:s"}}]}}}}"#);
        ValueSet::of_resource(&json(&text)).expect("is one")
    };
    let all = expand_in(&library, &set(""), &[]).expect("expands");
    assert_eq!(codes(&all), ["a", "b"]);
    assert_eq!(all.at(&["expansion", "contains", "1", "inactive"]), Some(&Json::Bool(true)));
    let active = expand_in(&library, &set(""), &[("activeOnly", "true")]).expect("expands");
    assert_eq!(codes(&active), ["a"]);
    assert_eq!(codes(&expand_in(&library, &set(r#""inactive":false,"#), &[]).expect("expands")), ["a"]);
}

/// A library with two code systems and a few value sets of a tenant.
fn own() -> Library {
    let mut library = Library::new();
    for text in [
        r#"{"url":"urn:s","version":"1","content":"complete","valueSet":"urn:all","concept":[{"code":"a"},{"code":"b"},{"code":"c"}]}"#,
        r#"{"url":"urn:t","content":"complete","concept":[{"code":"a"},{"code":"d"}]}"#,
    ] {
        library.add_code_system(CodeSystem::of_resource(&json(text)).expect("is one"));
    }
    for text in [
        r#"{"url":"urn:v:ab","compose":{"include":[{"system":"urn:s","concept":[{"code":"a"},{"code":"b","display":"Bee"}]}]}}"#,
        r#"{"url":"urn:v:bc","compose":{"include":[{"system":"urn:s","concept":[{"code":"b"},{"code":"c"}]}]}}"#,
        r#"{"url":"urn:v:loop","compose":{"include":[{"valueSet":["urn:v:loop"]}]}}"#,
    ] {
        library.add_value_set(ValueSet::of_resource(&json(text)).expect("is one"));
    }
    library
}

#[test]
fn compositions_are_sets() {
    for (compose, expected) in [
        (r#""include":[{"valueSet":["urn:v:ab"]},{"valueSet":["urn:v:bc"]}]"#, "a b c"),
        (r#""include":[{"valueSet":["urn:v:ab","urn:v:bc"]}]"#, "b"),
        (r#""include":[{"system":"urn:s","valueSet":["urn:v:bc"]}]"#, "b c"),
        (r#""include":[{"system":"urn:t","valueSet":["urn:v:ab"]}]"#, ""),
        (
            r#""include":[{"system":"urn:s"},{"system":"urn:t"}],"exclude":[{"system":"urn:s","concept":[{"code":"a"}]}]"#,
            "b c a d",
        ),
        (r#""include":[{"system":"urn:s"}],"exclude":[{"valueSet":["urn:v:ab"]}]"#, "c"),
        (r#""include":[{"valueSet":["urn:all"]}]"#, "a b c"),
        (r#""include":[{"system":"urn:absent","concept":[{"code":"x"}]}]"#, "x"),
    ] {
        let set = ValueSet::of_resource(&json(&format!(r#"{{"compose":{{{compose}}}}}"#))).expect("is one");
        let library = own();
        let expanded = expand_in(&library, &set, &[]).unwrap_or_else(|fault| panic!("{compose}: {fault}"));
        assert_eq!(codes(&expanded).join(" "), expected, "{compose}");
        // Asking for one code says the same as listing all.
        for code in ["a", "b", "c", "d", "x"] {
            for system in ["urn:s", "urn:t", "urn:absent"] {
                let versions = Versions::default();
                let found = Evaluation::new(&library, &versions).find(&set, system, code).expect("is decided");
                let listed = expanded
                    .get("expansion")
                    .expect("expanded")
                    .items("contains")
                    .iter()
                    .any(|each| each.text_at(&["system"]) == Some(system) && each.text_at(&["code"]) == Some(code));
                assert_eq!(found.is_some(), listed, "{compose} {system} {code}");
            }
        }
    }
}

#[test]
fn an_expansion_that_came_along_counts_where_there_is_no_definition() {
    let text = r#"{"url":"urn:v","expansion":{"contains":[{"display":"only a heading","contains":[
        {"system":"urn:s","code":"a"}]},{"system":"urn:q","code":"z","display":"Zed","inactive":true}]}}"#;
    let set = ValueSet::of_resource(&json(text)).expect("is one");
    let expanded = expand_in(&own(), &set, &[]).expect("expands");
    assert_eq!(codes(&expanded), ["a", "z"]);
    let set = ValueSet::of_resource(&json(r#"{"url":"urn:v"}"#)).expect("is one");
    assert_eq!(expand_in(&own(), &set, &[]).expect_err("says nothing"), Fault::NoDefinition("urn:v".into()));
}

#[test]
fn versions_are_those_that_are_meant() {
    let of = |version: &str, parameters: &[(&str, &str)]| {
        let text = format!(r#"{{"compose":{{"include":[{{"system":"urn:s"{version}}}]}}}}"#);
        let set = ValueSet::of_resource(&json(&text)).expect("is one");
        expand_in(&own(), &set, parameters).map(|expanded| total(&expanded))
    };
    assert_eq!(of("", &[]), Ok(3));
    assert_eq!(of(r#","version":"1""#, &[]), Ok(3));
    assert!(matches!(of(r#","version":"2""#, &[]), Err(Fault::NotInstalled { .. })));
    assert!(matches!(of("", &[("system-version", "urn:s|2")]), Err(Fault::NotInstalled { .. })));
    assert_eq!(of(r#","version":"2""#, &[("force-system-version", "urn:s|1")]), Ok(3));
    let checked = of(r#","version":"2""#, &[("check-system-version", "urn:s|1")]);
    assert_eq!(checked, Err(Fault::Version("urn:s".into())));
    assert!(matches!(of("", &[("system-version", "urn:s")]), Err(Fault::Invalid(_))));
    assert_eq!(of("", &[("exclude-system", "urn:s")]), Ok(0));
    assert_eq!(of("", &[("exclude-system", "urn:s|2")]), Ok(3));
}

#[test]
fn endless_and_huge_sets_are_refused() {
    let looped = own().value_set("urn:v:loop", None).cloned().expect("is there");
    assert!(matches!(expand_in(&own(), &looped, &[]), Err(Fault::Nested(_))));
    let mut library = Library::new();
    // Each twice as large as the one before.
    for level in 0..15 {
        let below = level + 1;
        let include = format!(r#"{{"valueSet":["urn:{below}"]}}"#);
        let text = format!(r#"{{"url":"urn:{level}","compose":{{"include":[{include},{include},{include}]}}}}"#);
        library.add_value_set(ValueSet::of_resource(&json(&text)).expect("is one"));
    }
    let last = r#"{"url":"urn:15","compose":{"include":[{"system":"http://hl7.org/fhir/resource-types"}]}}"#;
    library.add_value_set(ValueSet::of_resource(&json(last)).expect("is one"));
    let set = library.value_set("urn:0", None).cloned().expect("is there");
    let fault = expand_in(&library, &set, &[]).expect_err("is too much");
    assert_eq!(fault.code(), ProblemCode::TooCostly);
    let concepts: Vec<String> = (0..=MOST_LISTED).map(|number| format!(r#"{{"code":"c{number}"}}"#)).collect();
    let text = format!(r#"{{"compose":{{"include":[{{"system":"urn:big","concept":[{}]}}]}}}}"#, concepts.join(","));
    let big = ValueSet::of_resource(&json(&text)).expect("is one");
    assert!(matches!(expand_in(&library, &big, &[]), Err(Fault::TooCostly { most: MOST_LISTED, .. })));
    let page = expand_in(&library, &big, &[("count", "20000")]).expect("a page");
    assert_eq!((total(&page), codes(&page).len()), (MOST_LISTED + 1, MOST_LISTED));
}

#[test]
fn parameters_are_right_or_refused_by_name() {
    for (parameters, path, code) in [
        (&[][..], "url", ProblemCode::Required),
        (&[("url", "urn:x"), ("context", "y")][..], "context", ProblemCode::Unsupported),
        (&[("url", "urn:x"), ("date", "2020")][..], "date", ProblemCode::Unsupported),
        (&[("url", "urn:x"), ("count", "-1")][..], "count", ProblemCode::Value),
        (&[("url", "urn:x"), ("activeOnly", "yes")][..], "activeOnly", ProblemCode::Value),
        (&[("url", "urn:x"), ("displayLanguage", "de,en")][..], "displayLanguage", ProblemCode::Value),
        (&[("url", "urn:x|1"), ("valueSetVersion", "2")][..], "valueSetVersion", ProblemCode::Invariant),
        (&[("url", "urn:x"), ("url", "urn:y")][..], "url", ProblemCode::Duplicate),
    ] {
        let problems = request(parameters).expect_err("is wrong");
        let found = problems.iter().any(|each| each.path == path && each.code == code);
        assert!(found, "{parameters:?}: {problems}");
    }
    let (long, many) = ("x".repeat(LONGEST_FILTER + 1), vec![("designation", "de"); 101]);
    for parameters in [vec![("filter", long.as_str())], many] {
        let all: Vec<_> = [("url", "urn:x")].into_iter().chain(parameters).collect();
        let problems = request(&all).expect_err("is too much");
        assert_eq!(problems.iter().next().map(|each| each.code), Some(ProblemCode::TooLong));
    }
    let inputs = Inputs::read([("url".to_owned(), "urn:x".to_owned())], None, None).expect("is read");
    assert!(ExpandRequest::read(inputs, Level::Instance).is_err());
}
