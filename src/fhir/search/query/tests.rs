use proptest::prelude::*;

use super::*;

fn context() -> QueryContext<'static> {
    QueryContext {
        registry: Registry::r4(),
        base: "https://gateway.example/fhir",
        now: Timestamp(0),
        limits: QueryLimits::default(),
    }
}

fn parse(resource_type: &str, pairs: &[(&str, &str)]) -> Result<SearchQuery, QueryError> {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    SearchQuery::parse(context(), Some(resource_type).filter(|name| !name.is_empty()), &pairs)
}

fn refused(resource_type: &str, name: &str, value: &str) -> QueryError {
    parse(resource_type, &[(name, value)]).expect_err(name)
}

#[test]
fn blank_values_ask_nothing_and_unknown_parameters_are_kept_apart() {
    let query =
        parse("Patient", &[("name", ""), ("name", " , "), ("color", "red"), ("gender", "male"), ("_format", "json")]);
    let query = query.expect("fine");
    assert_eq!(query.criteria.len(), 1);
    assert_eq!(query.unsupported, [Unsupported::Parameter("color".to_owned())]);
    assert_eq!(query.used, [("gender".to_owned(), "male".to_owned())]);
    // What all types have, and no more, can be asked of all types.
    let query = parse("", &[("_lastUpdated", "gt2020"), ("identifier", "x")]).expect("fine");
    assert_eq!((query.criteria.len(), query.unsupported.len()), (1, 1));
}

#[test]
fn escapes_keep_separators_in_values() {
    let query = parse("Patient", &[("name:exact", r"a\,b,c\\")]).expect("fine");
    let Criterion::Parameter { test: Test::Any(comparisons), .. } = &query.criteria[0] else { panic!("a parameter") };
    let exact = |text: &str| Comparison::String(crate::fhir::search::compare::StringMatch::Exact(text.to_owned()));
    assert_eq!(comparisons, &[exact("a,b"), exact(r"c\")]);
}

#[test]
fn modifiers_that_a_type_lacks_are_refused() {
    for (resource_type, name, value) in [
        ("Patient", "birthdate:exact", "2000"),
        ("Patient", "name:text", "x"),
        ("Patient", "gender:contains", "x"),
        ("Patient", "gender:in", "http://vs"),
        ("Patient", "gender:below", "x"),
        ("Patient", "name:", "x"),
        ("Patient", "organization:Dog", "1"),
        ("Patient", "organization:foo.name", "1"),
        ("Observation", "value-quantity:not", "1"),
        ("Observation", "code-value-quantity:text", "a$1"),
        ("Patient", "_count:exact", "1"),
        ("Patient", "_include:never", "Patient:organization"),
    ] {
        assert_eq!(refused(resource_type, name, value), QueryError::Modifier(name.to_owned()));
    }
    for name in
        ["_text", "_content", "_filter", "_query", "_list", "phonetic", "_text:contains", "organization._content"]
    {
        assert_eq!(
            refused("Patient", name, "x"),
            QueryError::NotSupported(name.to_owned().replace("organization.", ""))
        );
    }
    assert!(refused("Location", "near", "1|2").is_not_supported());
    assert!(refused("Patient", "_contained", "true").is_not_supported());
}

#[test]
fn values_are_read_by_type() {
    for (resource_type, name, value) in [
        ("Patient", "birthdate", "2000-13"),
        ("Patient", "birthdate", "gt"),
        ("Patient", "birthdate", "yesterday 2000"),
        ("RiskAssessment", "probability", "half"),
        ("RiskAssessment", "probability", "gt"),
        ("Observation", "value-quantity", "5|mg"),
        ("Observation", "value-quantity", "|s|mg"),
        ("Observation", "code-value-quantity", "a"),
        ("Observation", "code-value-quantity", "a$"),
        ("Observation", "code-value-quantity", "a$1$2"),
        ("Patient", "gender", "a|b|c"),
        ("Patient", "gender", "|"),
        ("Patient", "identifier:of-type", "a|b"),
        ("Patient", "identifier:of-type", "|b|c"),
        ("Patient", "gender:missing", "maybe"),
        ("Patient", "organization", "Dog/1"),
        ("Patient", "organization", "Organization/"),
        ("Patient", "organization:Organization", "Patient/1"),
        ("Patient", "_count", "-1"),
        ("Patient", "_count", "1e9"),
        ("Patient", "_total", "some"),
        ("Patient", "_summary", "yes"),
        ("Patient", "_elements", "name;drop"),
        ("Patient", "name", "\u{301}"),
    ] {
        let error = refused(resource_type, name, value);
        assert_eq!(error.parameter(), Some(name), "{name}={value}: {error}");
        assert!(matches!(error, QueryError::Value { .. } | QueryError::Prefix(_)), "{name}={value}: {error}");
    }
    assert_eq!(refused("Patient", "birthdate", "xx2000"), QueryError::Prefix("birthdate".to_owned()));
    assert_eq!(
        refused("Patient", "organization:Patient", "1"),
        QueryError::NotReference("organization:Patient".to_owned())
    );
}

#[test]
fn chains_have_a_type_a_reference_and_an_end() {
    assert!(parse("DiagnosticReport", &[("result.encounter.patient.name", "x")]).is_ok());
    let deep = format!("{}name", "link:Patient.".repeat(20));
    assert_eq!(refused("Patient", &deep, "x"), QueryError::Depth(named(&deep.replacen("link:Patient.", "", 3))));
    assert!(matches!(refused("Patient", "gender.name", "x"), QueryError::NotReference(_)));
    assert!(matches!(refused("DiagnosticReport", "subject.color", "x"), QueryError::Unknown(_)));
    assert!(matches!(refused("DiagnosticReport", "subject:Practitioner.name", "x"), QueryError::NotReference(_)));
    assert!(matches!(refused("Observation", "focus.name", "x"), QueryError::Ambiguous(_)));
    assert!(parse("Observation", &[("focus:Patient.name", "x")]).is_ok());
    assert!(matches!(refused("DiagnosticReport", "patient.birthdate", "x"), QueryError::Prefix(_)));
    // Without a type every target that has the parameter is a branch.
    let query = parse("DiagnosticReport", &[("subject.name", "x")]).expect("fine");
    let Criterion::Chain { branches, .. } = &query.criteria[0] else { panic!("a chain") };
    assert_eq!(branches.iter().map(|one| one.resource_type.as_str()).collect::<Vec<_>>(), ["Location", "Patient"]);
    for bad in [
        "_has:",
        "_has:Dog:patient:name",
        "_has:Observation:patient",
        "_has:Observation:color:code",
        "_has:Observation:patient:color",
    ] {
        assert!(matches!(refused("Patient", bad, "x"), QueryError::Unknown(_)), "{bad}");
    }
    assert!(matches!(refused("Patient", "_has:Observation:code:code", "x"), QueryError::NotReference(_)));
    assert!(matches!(refused("Organization", "_has:Observation:patient:code", "x"), QueryError::NotReference(_)));
    let many = "a,".repeat(3_000);
    assert_eq!(refused("Patient", "name", &many), QueryError::TooMany);
}

#[test]
fn result_parameters_have_their_own_form() {
    let query = parse(
        "Observation",
        &[
            ("_count", "99999999999"),
            ("_sort", "-date,_id,color,code-value-quantity"),
            ("_total", "accurate"),
            ("_summary", "data"),
            ("_elements", "code, status,code"),
            ("_include", "Observation:subject:Patient"),
            ("_include:iterate", "Patient:*"),
            ("_include:recurse", "Patient:*"),
            ("_include", "*"),
            ("_revinclude", "Provenance:target"),
            ("_contained", "false"),
        ],
    )
    .expect("fine");
    assert_eq!(query.count, Some(1_000));
    let sort: Vec<_> = query.sort.iter().map(|key| (key.definition.code.as_str(), key.descending)).collect();
    assert_eq!(sort, [("date", true), ("_id", false)]);
    assert_eq!(query.unsupported, ["color", "code-value-quantity"].map(|key| Unsupported::Sort(key.to_owned())));
    assert_eq!((query.total, query.summary), (Some(Total::Accurate), Some(Summary::Data)));
    assert_eq!(query.elements, ["code", "status"]);
    assert_eq!(query.includes.len(), 3);
    assert!(query.includes[1].iterate && query.includes[1].reference.is_none());
    assert_eq!(query.includes[2], Include { source: None, reference: None, target: None, iterate: false });
    assert_eq!(query.revincludes[0].reference.as_ref().map(|one| one.code.as_str()), Some("target"));
    assert_eq!(parse("Patient", &[("_count", "0"), ("_summary", "true")]).expect("fine").summary, Some(Summary::Count));
    assert!(matches!(parse("Patient", &[("_count", "1"), ("_count", "2")]), Err(QueryError::Twice(_))));
    for bad in [
        "Patient",
        "Patient:",
        "Dog:name",
        "Patient:color",
        "*:name",
        "Patient:link:Dog",
        "Patient:link:Patient:x",
        ":*",
    ] {
        assert!(matches!(refused("Patient", "_include", bad), QueryError::Unknown(_)), "{bad}");
    }
    assert!(matches!(refused("Patient", "_include", "Patient:name"), QueryError::NotReference(_)));
    assert!(matches!(refused("Patient", "_include", "Patient:organization:Patient"), QueryError::NotReference(_)));
    assert_eq!(parse("", &[("_type", "Patient,Group")]).expect("fine").resource_types, ["Patient", "Group"]);
    assert!(matches!(refused("", "_type", "Patient,Dog"), QueryError::Unknown(_)));
}

#[test]
fn approximate_dates_are_as_far_off_as_they_are_from_now() {
    let query = parse("Patient", &[("birthdate", "ap1969-12-22")]).expect("fine");
    let Criterion::Parameter { test: Test::Any(comparisons), .. } = &query.criteria[0] else { panic!("a parameter") };
    let Comparison::Date(date) = &comparisons[0] else { panic!("a date") };
    let day = 86_400_000_000;
    assert_eq!((date.range.from.0, date.range.until.0), (-10 * day - 9 * day / 10, -9 * day + 9 * day / 10));
}

proptest! {
    #[test]
    fn any_request_is_read_or_refused(
        name in "(_has|_include|_sort|_count|name|birthdate|link|identifier|value-quantity|organization|_id)?([:.a-zA-Z_*-]{0,20})|\\PC{0,30}",
        value in "(gt|eq|xx)?[0-9T:.|$,\\\\ +e-]{0,20}|(Patient|\\*)[:/][a-z*]{0,8}|\\PC{0,30}",
        resource_type in prop::sample::select(vec!["Patient", "Observation", "Location", "Bundle", ""]),
    ) {
        let _either = parse(resource_type, &[(&name, &value)]);
    }
}
