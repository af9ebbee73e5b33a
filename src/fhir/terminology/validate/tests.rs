use super::*;
use crate::fhir::JsonLimits;

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes(), &JsonLimits::default()).expect("is JSON")
}

fn inputs(parameters: &[(&str, &str)]) -> Inputs {
    let query = parameters.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    Inputs::read(query, None, None).expect("is read")
}

fn in_set(name: &str, parameters: &[(&str, &str)]) -> Result<Json, Fault> {
    let url = format!("http://hl7.org/fhir/ValueSet/{name}");
    let all: Vec<_> = [("url", url.as_str())].into_iter().chain(parameters.iter().copied()).collect();
    let request = ValidateRequest::of_value_set(inputs(&all), Level::Type)?;
    validate_in_value_set(Library::base(), Library::base().value_set(&url, None).expect("is there"), &request)
}

fn in_system(url: &str, parameters: &[(&str, &str)]) -> Result<Json, Fault> {
    let all: Vec<_> = [("url", url)].into_iter().chain(parameters.iter().copied()).collect();
    let request = ValidateRequest::of_code_system(inputs(&all), Level::Type)?;
    validate_in_code_system(Library::base(), Library::base().code_system(url, None), &request)
}

fn told<'a>(answer: &'a Json, name: &str) -> Option<&'a str> {
    let found = answer.items("parameter").iter().find(|each| each.text_at(&["name"]) == Some(name))?;
    found.text_at(&["valueString"])
}

fn result(answer: &Json) -> bool {
    answer.at(&["parameter", "0", "valueBoolean"]).and_then(Json::as_bool).expect("a result")
}

const GENDER: &str = "http://hl7.org/fhir/administrative-gender";

#[test]
fn a_code_is_in_its_value_set_with_its_display() {
    let right = in_set("administrative-gender", &[("system", GENDER), ("code", "female")]).expect("is decided");
    assert!(result(&right));
    assert_eq!((told(&right, "display"), told(&right, "message")), (Some("Female"), None));
    for (display, expected) in [("Female", true), ("  female ", true), ("Male", false), ("", false)] {
        let parameters = [("system", GENDER), ("code", "female"), ("display", display)];
        let answer = in_set("administrative-gender", &parameters);
        if display.is_empty() {
            assert!(matches!(answer, Err(Fault::Invalid(_))), "an empty text is none");
        } else {
            let answer = answer.expect("is decided");
            assert_eq!((result(&answer), told(&answer, "display")), (expected, Some("Female")), "{display:?}");
            assert_eq!(told(&answer, "message").is_some(), !expected);
        }
    }
    for (system, code) in [(GENDER, "Female"), (GENDER, "x"), ("urn:other", "female")] {
        let wrong = in_set("administrative-gender", &[("system", system), ("code", code)]).expect("is decided");
        assert!(!result(&wrong) && told(&wrong, "message").is_some(), "{system} {code}");
    }
}

#[test]
fn translations_are_displays_too() {
    let v2 = "http://terminology.hl7.org/CodeSystem/v2-0001";
    let answer = in_system(v2, &[("code", "F"), ("display", "weiblich"), ("displayLanguage", "de")]);
    let answer = answer.expect("is decided");
    assert!(result(&answer));
    assert_eq!(told(&answer, "display"), Some("weiblich"));
}

#[test]
fn what_is_not_installed_matters_only_if_the_answer_depends_on_it() {
    let loinc = "http://loinc.org";
    let undecided = in_set("doc-typecodes", &[("system", loinc), ("code", "18842-5")]).expect_err("LOINC is absent");
    assert!(matches!(undecided, Fault::NotInstalled { .. }));
    let decided = in_set("doc-typecodes", &[("system", GENDER), ("code", "male")]).expect("no gender is there");
    assert!(!result(&decided));
    let enumerated = in_set("units-of-time", &[("system", "http://unitsofmeasure.org"), ("code", "wk")]);
    assert!(result(&enumerated.expect("is enumerated")));
    let partial = "http://terminology.hl7.org/CodeSystem/service-type";
    assert!(matches!(in_system(partial, &[("code", "no-such")]), Err(Fault::Partial(_))));
}

#[test]
fn abstract_codes_need_to_be_allowed() {
    let v3 = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    let plain = in_system(v3, &[("code", "_ActAccountCode")]).expect("is decided");
    assert!(!result(&plain));
    let allowed = in_system(v3, &[("code", "_ActAccountCode"), ("abstract", "true")]).expect("is decided");
    assert!(result(&allowed));
}

#[test]
fn one_coding_of_a_concept_is_enough() {
    let of = |codings: &str| {
        let body = format!(
            r#"{{"resourceType":"Parameters","parameter":[
            {{"name":"url","valueUri":"http://hl7.org/fhir/ValueSet/administrative-gender"}},
            {{"name":"codeableConcept","valueCodeableConcept":{{"text":"x","coding":[{codings}]}}}}]}}"#
        );
        let inputs = Inputs::read([], Some(&json(&body)), None).expect("is read");
        let request = ValidateRequest::of_value_set(inputs, Level::Type).expect("is right");
        let set = Library::base().value_set("http://hl7.org/fhir/ValueSet/administrative-gender", None);
        validate_in_value_set(Library::base(), set.expect("is there"), &request).expect("is decided")
    };
    let wrong = r#"{"system":"urn:x","code":"F"}"#;
    let right = format!(r#"{{"system":"{GENDER}","code":"female"}}"#);
    assert!(result(&of(&format!("{wrong},{right}"))));
    assert!(!result(&of(wrong)));
    assert!(!result(&of(r#"{"display":"only a text"}"#)));
    assert!(!result(&of(r#"{"code":"female"}"#)), "without a system nobody knows whose code it is");
}

#[test]
fn each_coding_may_name_its_code_system() {
    let body = format!(
        r#"{{"resourceType":"Parameters","parameter":[{{"name":"coding",
        "valueCoding":{{"system":"{GENDER}","code":"male","version":"9"}}}}]}}"#
    );
    let inputs = Inputs::read([], Some(&json(&body)), None).expect("is read");
    let request = ValidateRequest::of_code_system(inputs, Level::Type).expect("is right");
    assert!(request.target.is_none());
    let answer = validate_in_code_system(Library::base(), None, &request).expect("is decided");
    assert!(result(&answer));
    assert!(told(&answer, "message").is_some_and(|hint| hint.contains("4.0.1")), "another version is hinted at");
}

#[test]
fn parameters_are_right_or_refused_by_name() {
    let url = ("url", "urn:x");
    for (parameters, path) in [
        (vec![url], "code"),
        (vec![url, ("code", "a")], "system"),
        (vec![("code", "a"), ("system", "urn:s")], "url"),
        (vec![url, ("code", "a"), ("system", "urn:s"), ("date", "2020")], "date"),
        (vec![url, ("code", "a"), ("system", "urn:s"), ("version", "2020")], "version"),
        (vec![url, ("coding", "urn:s|a")], "coding"),
    ] {
        let problems = ValidateRequest::of_value_set(inputs(&parameters), Level::Type).expect_err("is wrong");
        assert!(problems.iter().any(|each| each.path == path), "{parameters:?}: {problems}");
    }
    let problems = ValidateRequest::of_code_system(inputs(&[("code", "a")]), Level::Type).expect_err("is wrong");
    assert!(problems.iter().any(|each| each.path == "url"), "{problems}");
    ValidateRequest::of_code_system(inputs(&[("code", "a")]), Level::Instance).expect("the path says which");
}
