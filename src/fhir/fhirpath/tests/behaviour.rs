//! What the suite does not ask for.

use super::*;

const PATIENT: &str = r##"{
    "resourceType": "Patient", "id": "p",
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Contained"}],
    "name": [{"given": ["A", null], "_given": [null, {"extension": [{"url": "u", "valueString": "x"}]}]}],
    "birthDate": "1974", "_birthDate": {"extension": [{"url": "time", "valueDateTime": "1974-12-25T14:35:45-05:00"}]},
    "multipleBirthInteger": 2,
    "managingOrganization": {"reference": "#o"}
}"##;

#[track_caller]
fn finds(expression: &str, expected: &[&str]) {
    assert_eq!(found(expression, &json(PATIENT)), Ok(expected.iter().map(|text| (*text).to_owned()).collect()));
}

#[test]
fn decimals_keep_their_digits() {
    let resource = json(r#"{"resourceType": "Observation", "valueQuantity": {"value": 1.50, "code": "mg"}}"#);
    assert_eq!(found("Observation.value.value", &resource), Ok(vec!["1.50".to_owned()]));
    assert_eq!(found("Observation.value + 1.005 'mg'", &resource), Ok(vec!["2.505 'mg'".to_owned()]));
    assert_eq!(found("value.value.toString()", &resource), Ok(vec!["1.50".to_owned()]));
}

#[test]
fn extensions_of_primitives_are_seen() {
    finds("birthDate.extension('time').value", &["1974-12-25T14:35:45-05:00"]);
    finds("birthDate.extension.url", &["time"]);
    finds("name.given.count()", &["2"]);
    finds("name.given.where(hasValue().not()).extension('u').value", &["x"]);
    finds("name.given", &["A", "(element)"]);
    finds("name.given.first().getValue()", &["A"]);
    finds("name.given.last().getValue()", &[]);
}

#[test]
fn choices_go_by_their_name_without_type() {
    finds("multipleBirth", &["2"]);
    finds("multipleBirth is integer", &["true"]);
    finds("multipleBirth.ofType(boolean)", &[]);
    finds("multipleBirthInteger", &[]);
    let strict = Limits { strict: true, ..Limits::default() };
    let patient = json(PATIENT);
    let expression = Expression::parse("multipleBirthInteger").expect("parses");
    let found = expression.evaluate(Node::resource(&patient), &Environment::of(&patient), &strict);
    assert_eq!(found.map(|items| items.len()), Err(EvaluateError::Element));
}

#[test]
fn references_resolve_within_the_document() {
    finds("managingOrganization.resolve().name", &["Contained"]);
    finds("managingOrganization.resolve() is Organization", &["true"]);
    let bundle = json(
        r#"{"resourceType": "Bundle", "type": "collection", "entry": [
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "id": "x"}},
            {"fullUrl": "http://a/fhir/Group/2", "resource": {"resourceType": "Group", "id": "2"}},
            {"resource": {"resourceType": "List", "id": "l", "entry": [
                {"item": {"reference": "urn:uuid:1"}}, {"item": {"reference": "Group/2"}},
                {"item": {"reference": "Patient/x/_history/3"}}, {"item": {"reference": "Group/3"}}]}}]}"#,
    );
    let ids = found("entry.resource.ofType(List).entry.item.resolve().id", &bundle);
    assert_eq!(ids, Ok(["x", "2", "x"].map(str::to_owned).to_vec()));
}

#[test]
fn abstract_types_take_what_is_derived_from_them() {
    finds("Patient is DomainResource", &["true"]);
    finds("contained.ofType(Resource).id", &["o"]);
    finds("DomainResource.id", &["p"]);
    finds("name.first() is Element", &["true"]);
    finds("id is string", &["true"]);
    finds("id.ofType(string)", &[]);
}

#[test]
fn what_is_wrong_is_named() {
    let parse = |text: &str| Expression::parse(text).map(|_| ());
    assert_eq!(parse(""), Err(ParseError::End));
    assert_eq!(parse("a b"), Err(ParseError::Unexpected(2)));
    assert_eq!(parse("a.foo()"), Err(ParseError::Function("foo".into())));
    assert_eq!(parse("a.where()"), Err(ParseError::Arguments("where")));
    assert_eq!(parse("a is Foo"), Err(ParseError::Type("Foo".into())));
    assert_eq!(parse("%foo"), Err(ParseError::Constant("foo".into())));
    assert_eq!(parse("'a'.matches('(')"), Err(ParseError::Pattern));
    assert_eq!(parse(&"(".repeat(100)), Err(ParseError::Depth));
    assert_eq!(parse(&"-".repeat(100)), Err(ParseError::Depth));
    assert_eq!(parse(&"a.".repeat(20_000)), Err(ParseError::TooLong));
    assert_eq!(parse(&format!("a{}", ".a".repeat(10_000))), Ok(()));
    assert_eq!(parse(&format!("1{}", "+1".repeat(10_000))), Ok(()));
    assert_eq!(found("now()", &json(PATIENT)), Err(EvaluateError::Clock));
    assert_eq!(found("conformsTo('http://example.org')", &json(PATIENT)), Err(EvaluateError::Profile));
}

#[test]
fn work_has_an_end() {
    let endless = [
        "repeat($this.select(1) | $this.toString() & '1')",
        "descendants().select(%resource.descendants().select(%resource.descendants().select(%resource.descendants()
            .select(%resource.descendants()))))",
        "(1|2|3|4|5|6|7|8|9).select($this|0).aggregate($total.combine($total).combine($this), 1 | 2).combine(1)
            .select(%resource.descendants().descendants().select(%resource.descendants().count()))",
        "'aaaaaaaaaa'.toChars().aggregate($total & $total & $this, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')
            .replace('', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')",
    ];
    for expression in endless {
        let found = found(expression, &json(PATIENT));
        assert!(matches!(found, Err(EvaluateError::Steps | EvaluateError::TooLong)), "{expression}: {found:?}");
    }
}

#[test]
fn equal_things_are_counted_once() {
    finds("(1 | 1.0 | 1.00 | '1' | true).count()", &["3"]);
    finds("(1 'g' | 1000 'mg' | 1 'm').count()", &["2"]);
    finds("(name | name).count()", &["1"]);
    finds("(@2012-01-01T10:00:00Z | @2012-01-01T12:00:00+02:00).count()", &["1"]);
    finds("(1 | 2 | 3).intersect(2.0 | 3.0 | 4)", &["2", "3"]);
}

#[test]
fn a_budget_is_shared() {
    let patient = json(PATIENT);
    let expression = Expression::parse("name.given.exists()").expect("parses");
    let mut limits = Limits { steps: 25, ..Limits::default() };
    let mut ask = || expression.is_true(Node::resource(&patient), &Environment::of(&patient), &mut limits);
    assert_eq!(ask(), Ok(Some(true)));
    assert_eq!((0..5).find_map(|_| ask().err()), Some(EvaluateError::Steps));
}

#[test]
fn looking_at_the_first_item_is_no_work() {
    let names = vec![r#"{"family": "a"}"#; 5000].join(",");
    let patient = json(&format!(r#"{{"resourceType": "Patient", "name": [{names}]}}"#));
    for text in ["name.first().family", "name.exists()", "name.empty().not()", "name.family.exists()"] {
        let expression = Expression::parse(text).expect("parses");
        let mut limits = Limits { steps: 12_000, ..Limits::default() };
        let asked = expression.is_true(Node::resource(&patient), &Environment::of(&patient), &mut limits);
        assert_eq!(asked, Ok(Some(true)), "{text}");
        assert!(limits.steps > 11_900 || text.starts_with("name.family"), "{text}: {}", limits.steps);
    }
}

#[test]
fn the_deepest_expressions_are_evaluated() {
    for (before, after) in
        [("name.select($this.where(", "))"), ("iif(true, ", ")"), ("(1 + ", ")"), ("-(", ")"), ("name[", "]")]
    {
        let nested = |depth| format!("{}0{}", before.repeat(depth), after.repeat(depth));
        let deepest = (1..40).take_while(|depth| Expression::parse(&nested(*depth)).is_ok()).last().unwrap_or(0);
        assert!((16..=32).contains(&deepest), "{before}: {deepest}");
        // Whatever it finds: the stack is deep enough.
        drop(found(&nested(deepest), &json(PATIENT)));
    }
}
