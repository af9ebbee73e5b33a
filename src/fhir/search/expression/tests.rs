use proptest::prelude::*;

use super::*;
use crate::fhir::JsonLimits;

fn found(expression: &str, document: &str) -> Vec<String> {
    let document = Json::parse(document.as_bytes(), &JsonLimits::default()).expect("valid JSON");
    let program = Program::compile(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    program
        .items(&document)
        .into_iter()
        .map(|item| match item {
            Item::Element { value, .. } => value.as_str().map_or_else(|| value.to_text(), str::to_owned),
            Item::Target(text) | Item::Text(text) | Item::Number(text) => text.to_owned(),
            Item::Bool(value) => value.to_string(),
        })
        .collect()
}

#[test]
fn paths_go_through_arrays_and_unions() {
    let patient =
        r#"{"resourceType":"Patient","name":[{"family":"A","given":["B",null,"C"]},{"given":["D"]}],"id":"1"}"#;
    assert_eq!(found("Patient.name.given", patient), ["B", "C", "D"]);
    assert_eq!(found("Patient.name.family | Patient.id", patient), ["A", "1"]);
    assert_eq!(found("Practitioner.name.family | Resource.id", patient), ["1"]);
    assert_eq!(found("name[1].given", patient), ["D"]);
    assert_eq!(found("Patient.name.given[1]", patient), ["C"]);
    assert_eq!(found("Patient.name.given.first() | Patient.name.given.last()", patient), ["B", "D"]);
    assert_eq!(found("Patient.name.given[9]", patient), [""; 0]);
}

#[test]
fn choices_are_found_with_and_without_their_type() {
    let observation = r#"{"resourceType":"Observation","effectiveDateTime":"2024","valueSet":"no",
        "_valueString":{"id":"x"},"valueQuantity":{"value":1.50},"component":[{"valueString":"s"}]}"#;
    assert_eq!(found("Observation.effective", observation), ["2024"]);
    assert_eq!(found("Observation.value", observation), [r#"{"value":1.50}"#]);
    assert_eq!(found("(Observation.value as Quantity)", observation), [r#"{"value":1.50}"#]);
    assert_eq!(found("Observation.value.ofType(FHIR.Quantity).value", observation), ["1.50"]);
    assert_eq!(found("Observation.effective.as(DateTime) | Observation.effective.as(Period)", observation), ["2024"]);
    assert_eq!(
        found("Observation.value.as(string) | (Observation.value as CodeableConcept).text", observation),
        [""; 0]
    );
    assert_eq!(found("Observation.component.value as string", observation), ["s"]);
    assert_eq!(found("valueQuantity.value", observation), ["1.50"]);
}

#[test]
fn filters_look_at_values_and_at_the_types_of_targets() {
    let report = r##"{"resourceType":"DiagnosticReport","contained":[{"resourceType":"Patient","id":"p"}],
        "performer":[{"reference":"Organization/1"},{"reference":"https://a.example/fhir/Patient/2"},{"reference":"#p"},
        {"type":"Patient","identifier":{"value":"x"}},{"reference":"Patient?identifier=a"},{"reference":"urn:uuid:1"}],
        "extension":[{"url":"u","valueCode":"c"},{"url":"v","valueCode":"d"}]}"##;
    assert_eq!(found("DiagnosticReport.performer.where(resolve() is Patient)", report).len(), 4);
    assert_eq!(
        found("DiagnosticReport.performer.where(resolve() is Organization).reference", report),
        ["Organization/1"]
    );
    assert_eq!(found("DiagnosticReport.extension.where(url = 'u').value", report), ["c"]);
    assert_eq!(found("DiagnosticReport.extension('v').value.ofType(code)", report), ["d"]);
    assert_eq!(found("extension.exists(url='w') or extension.where(url='v').empty().not()", report), ["true"]);
    assert_eq!(found("extension[0].where($this is Extension).url | %resource.extension[1].url", report), ["u", "v"]);
}

#[test]
fn deceased_is_a_condition() {
    let said = |rest: &str| {
        let patient = format!(r#"{{"resourceType":"Patient"{rest}}}"#);
        found("Patient.deceased.exists() and Patient.deceased != false", &patient)
    };
    assert_eq!(said(""), ["false"]);
    assert_eq!(said(r#","deceasedBoolean":false"#), ["false"]);
    assert_eq!(said(r#","deceasedBoolean":true"#), ["true"]);
    assert_eq!(said(r#","deceasedDateTime":"2024""#), ["true"]);
}

#[test]
fn what_is_not_supported_is_named() {
    assert_eq!(Program::compile("Patient.name.repeat(given)"), Err(ExpressionError::Function("repeat".to_owned())));
    assert_eq!(Program::compile("%ucum"), Err(ExpressionError::Variable("ucum".to_owned())));
    assert_eq!(Program::compile("Patient."), Err(ExpressionError::End));
    assert_eq!(Program::compile("Patient.name) "), Err(ExpressionError::Unexpected(12)));
    assert_eq!(Program::compile("a.where(b='c"), Err(ExpressionError::End));
    assert_eq!(Program::compile(&"(".repeat(5000)), Err(ExpressionError::Depth));
    assert_eq!(Program::compile(&"a.".repeat(5000)), Err(ExpressionError::Depth));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[a-zA-Z.()|' =!\\[\\]0-9%$`\\\\]{0,60}|\\PC*") {
        if let Ok(program) = Program::compile(&text) {
            let _items = program.items(&Json::Null);
        }
    }
}
