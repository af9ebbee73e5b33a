use super::*;

fn inputs(parameters: &[(&str, &str)]) -> Inputs {
    let query = parameters.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    Inputs::read(query, None, None).expect("is read")
}

fn look_up(parameters: &[(&str, &str)]) -> Result<Json, Fault> {
    lookup(Library::base(), &LookupRequest::read(inputs(parameters))?)
}

/// Values of the properties of a name.
fn properties<'a>(answer: &'a Json, code: &str) -> Vec<&'a Json> {
    let groups = answer.items("parameter").iter().filter(|each| each.text_at(&["name"]) == Some("property"));
    let named = groups.filter(|each| each.text_at(&["part", "0", "valueCode"]) == Some(code));
    named.filter_map(|each| each.at(&["part", "1"])?.as_object()?.iter().nth(1).map(|(_, value)| value)).collect()
}

fn names(answer: &Json) -> Vec<&str> {
    answer.items("parameter").iter().filter_map(|each| each.text_at(&["name"])).collect()
}

const NULL_FLAVOR: &str = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor";

#[test]
fn a_code_is_told_with_its_parents_and_children() {
    let answer = look_up(&[("system", NULL_FLAVOR), ("code", "UNK")]).expect("is there");
    assert_eq!(names(&answer).get(..3), Some(&["name", "version", "display"][..]));
    assert_eq!(answer.text_at(&["parameter", "0", "valueString"]), Some("v3 Code System NullFlavor"));
    assert_eq!(answer.text_at(&["parameter", "2", "valueString"]), Some("unknown"));
    let parents: Vec<_> = properties(&answer, "parent").into_iter().filter_map(Json::as_str).collect();
    assert_eq!(parents, ["NI"]);
    let children: Vec<_> = properties(&answer, "child").into_iter().filter_map(Json::as_str).collect();
    assert!(children.contains(&"ASKU") && children.contains(&"NASK"), "{children:?}");
    assert!(properties(&answer, "definition").first().and_then(|text| text.as_str()).is_some());
}

#[test]
fn only_what_is_asked_for_is_told() {
    let asked = [("system", NULL_FLAVOR), ("code", "UNK"), ("property", "parent"), ("property", "inactive")];
    let answer = look_up(&asked).expect("is there");
    assert_eq!(names(&answer), ["name", "display", "property", "property"]);
    assert_eq!(properties(&answer, "inactive"), [&Json::Bool(false)]);
    let v2 = "http://terminology.hl7.org/CodeSystem/v2-0001";
    let german = look_up(&[("system", v2), ("code", "F"), ("property", "lang.de")]).expect("is there");
    assert_eq!(names(&german), ["name", "display", "designation"]);
    let shown = look_up(&[("system", v2), ("code", "F"), ("displayLanguage", "de"), ("property", "url")]);
    let shown = shown.expect("is there");
    assert_eq!(shown.text_at(&["parameter", "1", "valueString"]), Some("weiblich"));
    assert_eq!(properties(&shown, "url"), [&Json::string(v2)]);
}

#[test]
fn what_is_not_there_is_named() {
    for (system, code, expected) in [
        ("http://loinc.org", "1234-5", Fault::UnknownCodeSystem("http://loinc.org".into())),
        ("http://snomed.info/sct", "1", Fault::UnknownCodeSystem("http://snomed.info/sct".into())),
        (NULL_FLAVOR, "unk", Fault::UnknownCode(NULL_FLAVOR.into())),
    ] {
        let fault = look_up(&[("system", system), ("code", code)]).expect_err("is not there");
        assert_eq!(fault, expected);
        assert!(fault.is_absence());
    }
    let other = look_up(&[("system", NULL_FLAVOR), ("code", "UNK"), ("version", "1")]);
    assert!(matches!(other, Err(Fault::UnknownCodeSystem(_))));
    for wrong in [&[("code", "a")][..], &[("system", "a")], &[("system", "a"), ("code", "b"), ("date", "2020")], &[]] {
        assert!(matches!(look_up(wrong), Err(Fault::Invalid(_))), "{wrong:?}");
    }
}

#[test]
fn subsumption_follows_the_hierarchy() {
    let outcome = |a: &str, b: &str| {
        let request =
            SubsumesRequest::read(inputs(&[("system", NULL_FLAVOR), ("codeA", a), ("codeB", b)]), Level::Type);
        let system = Library::base().code_system(NULL_FLAVOR, None).expect("is there");
        let answer = subsumes(system, &request.expect("is right"))?;
        Ok(answer.text_at(&["parameter", "0", "valueCode"]).expect("an outcome").to_owned())
    };
    for (a, b, expected) in [
        ("UNK", "UNK", "equivalent"),
        ("NI", "NASK", "subsumes"),
        ("NASK", "NI", "subsumed-by"),
        ("NASK", "OTH", "not-subsumed"),
    ] {
        assert_eq!(outcome(a, b).as_deref(), Ok(expected), "{a} {b}");
    }
    assert_eq!(outcome("NI", "nothing"), Err(Fault::UnknownCode(NULL_FLAVOR.into())));
}

#[test]
fn both_codes_are_of_one_system() {
    let read = |parameters: &[(&str, &str)], level| SubsumesRequest::read(inputs(parameters), level);
    assert!(read(&[("codeA", "a"), ("codeB", "b")], Level::Type).is_err());
    assert!(read(&[("codeA", "a"), ("codeB", "b")], Level::Instance).is_ok());
    assert!(read(&[("system", "urn:s"), ("codeA", "a")], Level::Type).is_err());
    assert!(read(&[("version", "1"), ("codeA", "a"), ("codeB", "b")], Level::Instance).is_err());
}
