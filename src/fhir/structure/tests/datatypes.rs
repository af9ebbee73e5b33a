//! Formats, ids, codes, references, contained resources, narratives.

use super::*;

#[test]
fn formats_are_those_of_the_type() {
    one(r#"{"resourceType":"Patient","birthDate":"1970-02-30"}"#, "value", "Patient.birthDate");
    one(r#"{"resourceType":"Patient","active":"true"}"#, "structure", "Patient.active");
    one(r#"{"resourceType":"Patient","multipleBirthInteger":1.0}"#, "value", "Patient.multipleBirth.ofType(integer)");
    one(
        r#"{"resourceType":"Patient","multipleBirthInteger":"1"}"#,
        "structure",
        "Patient.multipleBirth.ofType(integer)",
    );
    one(r#"{"resourceType":"Patient","meta":{"lastUpdated":"2020-01-01"}}"#, "value", "Patient.meta.lastUpdated");
    one(r#"{"resourceType":"Patient","meta":{"profile":["a b"]}}"#, "value", "Patient.meta.profile[0]");
    one("{\"resourceType\":\"Patient\",\"language\":\"a\\u0001\"}", "value", "Patient.language");
    let long = "a".repeat(1024 * 1024 + 1);
    one(&format!(r#"{{"resourceType":"Patient","name":[{{"text":"{long}"}}]}}"#), "too-long", "Patient.name[0].text");
    // R4 advises against text that is blank, and does not forbid it.
    let blank = check(&json(r#"{"resourceType":"Patient","name":[{"text":" "}]}"#), &Limits::default());
    assert_eq!(blank.iter().map(Issue::is_error).collect::<Vec<_>>(), [false]);
}

#[test]
fn ids_have_their_form() {
    one(r#"{"resourceType":"Patient","id":"a_b"}"#, "value", "Patient.id");
    one(r#"{"resourceType":"Patient","id":7}"#, "structure", "Patient.id");
    one(r#"{"resourceType":"Patient","name":[{"id":"a b"}]}"#, "value", "Patient.name[0].id");
    none(r#"{"resourceType":"Patient","name":[{"id":"a_b/c"}]}"#);
}

#[test]
fn required_bindings_hold_for_each_kind_of_code() {
    one(r#"{"resourceType":"Patient","gender":"Female"}"#, "code-invalid", "Patient.gender");
    let condition = |status: &str| {
        format!(r#"{{"resourceType":"Condition","subject":{{"display":"a"}},"clinicalStatus":{status}}}"#)
    };
    let system = r#""system":"http://terminology.hl7.org/CodeSystem/condition-clinical""#;
    none(&condition(&format!(r#"{{"coding":[{{{system},"code":"active"}}]}}"#)));
    none(&condition(&format!(r#"{{"coding":[{{"system":"http://a","code":"b"}},{{{system},"code":"active"}}]}}"#)));
    none(&condition(r#"{"extension":[{"url":"http://a","valueCode":"unknown"}]}"#));
    for wrong in [
        &format!(r#"{{"coding":[{{{system},"code":"actif"}}]}}"#),
        r#"{"coding":[{"system":"http://a","code":"active"}]}"#,
        r#"{"coding":[{"code":"active"}]}"#,
        r#"{"text":"active"}"#,
    ] {
        one(&condition(wrong), "code-invalid", "Condition.clinicalStatus");
    }
    // Media types cannot be listed; they are not judged.
    none(r#"{"resourceType":"Binary","contentType":"application/x-anything"}"#);
}

#[test]
fn references_have_a_form_and_a_target() {
    let patient = |reference: &str| format!(r#"{{"resourceType":"Patient","managingOrganization":{reference}}}"#);
    let at = "Patient.managingOrganization.reference";
    for good in [
        r#"{"reference":"Organization/1"}"#,
        r#"{"reference":"Organization/1/_history/2"}"#,
        r#"{"reference":"https://a.example/fhir/Organization/1"}"#,
        r#"{"reference":"https://a.example/anything"}"#,
        r#"{"reference":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520","type":"Organization"}"#,
        r#"{"display":"A"}"#,
        r#"{"identifier":{"value":"1"},"type":"Organization"}"#,
    ] {
        none(&patient(good));
    }
    for bad in [
        r#"{"reference":"Patient/1"}"#,
        r#"{"reference":"Organization"}"#,
        r#"{"reference":"organization/1"}"#,
        r#"{"reference":"Organization/a b"}"#,
        r#"{"reference":"Organization/1/_history/"}"#,
        r#"{"reference":"Organisation/1"}"#,
        r#"{"reference":"Organization?identifier=a"}"#,
        r#"{"reference":"https://a b/Organization/1"}"#,
    ] {
        one(&patient(bad), "value", at);
    }
    one(&patient(r#"{"type":"Patient"}"#), "value", "Patient.managingOrganization.type");
    one(
        r#"{"resourceType":"Patient","generalPractitioner":[{"reference":"Organization/1","type":"Practitioner"}]}"#,
        "value",
        "Patient.generalPractitioner[0].reference",
    );
    let other = check(&json(&patient(r#"{"reference":"https://a.example/Patient/1"}"#)), &Limits::default());
    assert_eq!(other.iter().map(|issue| (issue.is_error(), &*issue.expression)).collect::<Vec<_>>(), [(false, at)]);
}

#[test]
fn conditional_references_stand_in_transactions() {
    let bundle = |kind: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{{"resource":{{"resourceType":"Patient",
            "managingOrganization":{{"reference":"Organization?identifier=a"}}}}}}]}}"#
        )
    };
    none(&bundle("transaction"));
    one(&bundle("batch"), "value", "Bundle.entry[0].resource.managingOrganization.reference");
    let limits = Limits { conditional_references: true, ..Limits::default() };
    let patient = r#"{"resourceType":"Patient","managingOrganization":{"reference":"Organization?identifier=a"}}"#;
    assert_eq!(check(&json(patient), &limits), []);
    let patient = r#"{"resourceType":"Patient","managingOrganization":{"reference":"Patient?identifier=a"}}"#;
    assert_eq!(check(&json(patient), &limits).len(), 1);
}

#[test]
fn contained_resources_keep_their_rules() {
    let patient = |contained: &str, reference: &str| {
        format!(
            r#"{{"resourceType":"Patient","contained":[{contained}],"managingOrganization":{{"reference":"{reference}"}}}}"#
        )
    };
    let organization = r#"{"resourceType":"Organization","id":"o","name":"O"}"#;
    none(&patient(organization, "#o"));
    one(&patient(organization, "Organization/o"), "invariant", "Patient.contained[0]");
    assert_eq!(
        issues(&patient(organization, "#x")),
        [
            ("invariant", "Patient.managingOrganization.reference".to_owned()),
            ("invariant", "Patient.contained[0]".to_owned())
        ]
    );
    one(
        &patient(r#"{"resourceType":"Person","id":"o","active":true}"#, "#o"),
        "value",
        "Patient.managingOrganization.reference",
    );
    one(
        &patient(r#"{"resourceType":"Organization","name":"O"}"#, "Organization/1"),
        "required",
        "Patient.contained[0]",
    );
    one(&patient(&format!("{organization},{organization}"), "#o"), "value", "Patient.contained[1]");
    // dom-2: a place of its own cannot be had one level down.
    let nested = r##"{"resourceType":"Organization","id":"o","contained":[{"resourceType":"Organization","id":"i","name":"I"}],
        "partOf":{"reference":"#i"}}"##;
    assert!(issues(&patient(nested, "#o")).contains(&("invariant", "Patient.contained[0]".to_owned())));
    for meta in [r#"{"versionId":"1"}"#, r#"{"lastUpdated":"2020-01-01T00:00:00Z"}"#, r#"{"security":[{"code":"R"}]}"#]
    {
        let text = format!(r#"{{"resourceType":"Organization","id":"o","name":"O","meta":{meta}}}"#);
        one(&patient(&text, "#o"), "invariant", "Patient.contained[0]");
    }
    // dom-3: to point out is enough; so is to be pointed to from another contained one, or by a uri.
    none(
        r##"{"resourceType":"Patient","contained":[{"resourceType":"Provenance","id":"p","target":[{"reference":"#"}],
        "recorded":"2020-01-01T00:00:00Z","agent":[{"who":{"display":"a"}}]}]}"##,
    );
    none(&patient(
        r##"{"resourceType":"Organization","id":"o","partOf":{"reference":"#q"}},{"resourceType":"Organization","id":"q","name":"Q"}"##,
        "#o",
    ));
    none(
        r##"{"resourceType":"QuestionnaireResponse","status":"completed","questionnaire":"#q",
        "contained":[{"resourceType":"Questionnaire","id":"q","status":"active"}]}"##,
    );
}

#[test]
fn narratives_are_safe() {
    let patient = |div: &str| format!(r#"{{"resourceType":"Patient","text":{{"status":"generated","div":"{div}"}}}}"#);
    none(&patient("<div xmlns='http://www.w3.org/1999/xhtml'>x</div>"));
    one(&patient("<div>x</div>"), "invalid", "Patient.text.div");
    one(&patient("<div xmlns='http://www.w3.org/1999/xhtml'><script>x</script></div>"), "invalid", "Patient.text.div");
    one(
        r#"{"resourceType":"Patient","text":{"status":"generated","_div":{"id":"a"}}}"#,
        "structure",
        "Patient.text._div",
    );
}

#[test]
fn issues_become_those_of_an_outcome_and_hold_no_value() {
    let found = check(&json(r#"{"resourceType":"Patient","gender":"secret"}"#), &Limits::default());
    let outcome = outcome::outcome(&found.iter().map(Issue::as_outcome).collect::<Vec<_>>()).to_text();
    assert_eq!(
        outcome,
        concat!(
            r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"code-invalid","#,
            r#""diagnostics":"the code is not in http://hl7.org/fhir/ValueSet/administrative-gender","#,
            r#""expression":["Patient.gender"]}]}"#
        )
    );
}
