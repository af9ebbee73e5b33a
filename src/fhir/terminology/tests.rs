//! Whatever is asked, there is an answer or a fault.

use proptest::prelude::*;

use super::*;
use crate::fhir::{Json, Object};

const NAMES: &[&str] = &[
    "url",
    "valueSet",
    "valueSetVersion",
    "context",
    "filter",
    "date",
    "offset",
    "count",
    "includeDesignations",
    "designation",
    "includeDefinition",
    "activeOnly",
    "excludeNested",
    "excludeNotForUI",
    "excludePostCoordinated",
    "displayLanguage",
    "exclude-system",
    "system-version",
    "check-system-version",
    "force-system-version",
    "system",
    "systemVersion",
    "version",
    "code",
    "display",
    "coding",
    "codeableConcept",
    "abstract",
    "codeSystem",
    "property",
    "codeA",
    "codeB",
    "codingA",
    "codingB",
    "unheard-of",
];

const TEXTS: &[&str] = &[
    "http://hl7.org/fhir/ValueSet/administrative-gender",
    "http://hl7.org/fhir/ValueSet/doc-typecodes",
    "http://terminology.hl7.org/ValueSet/v3-NullFlavor",
    "http://terminology.hl7.org/CodeSystem/v3-NullFlavor",
    "http://hl7.org/fhir/administrative-gender",
    "http://loinc.org",
    "female",
    "UNK",
    "NI",
    "true",
    "false",
    "0",
    "3",
    "4294967295",
    "99999999999999999999",
    "de",
    "lang.de",
    "parent",
    "4.0.1",
    "|",
    "a|b",
    "",
];

fn name() -> impl Strategy<Value = String> {
    prop_oneof![9 => proptest::sample::select(NAMES).prop_map(ToOwned::to_owned), 1 => "\\PC{0,6}"]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => proptest::sample::select(TEXTS).prop_map(ToOwned::to_owned), 1 => "\\PC{0,8}"]
}

fn coding() -> impl Strategy<Value = Json> {
    (text(), text()).prop_map(|(system, code)| {
        Object::new().with("system", Json::string(system)).with("code", Json::string(code)).into()
    })
}

/// A value as it stands in a Parameters resource, of any type.
fn element() -> impl Strategy<Value = (&'static str, Json)> {
    prop_oneof![
        text().prop_map(|text| ("valueUri", Json::string(text))),
        text().prop_map(|text| ("valueCode", Json::string(text))),
        any::<bool>().prop_map(|flag| ("valueBoolean", Json::Bool(flag))),
        any::<i64>().prop_map(|number| ("valueInteger", Json::integer(number))),
        coding().prop_map(|coding| ("valueCoding", coding)),
        proptest::collection::vec(coding(), 0..3).prop_map(|codings| {
            ("valueCodeableConcept", Object::new().with("coding", Json::Array(codings)).into())
        }),
        resource().prop_map(|resource| ("resource", resource)),
    ]
}

/// A part of a value set, whose filter may make no sense.
fn part() -> impl Strategy<Value = Json> {
    let op = proptest::sample::select(&["is-a", "=", "in", "regex", "exists", "generalizes", "?"][..]);
    let filter = proptest::option::of((text(), op, text()));
    let (concept, set) = (proptest::option::of(text()), proptest::option::of(text()));
    (text(), filter, concept, set).prop_map(|(system, filter, concept, set)| {
        let filter = filter.map(|(property, op, value)| {
            let filter = Object::new().with("property", Json::string(property));
            Json::from(filter.with("op", Json::string(op)).with("value", Json::string(value)))
        });
        let concept = concept.map(|code| Json::from(Object::new().with("code", Json::string(code))));
        let part = Object::new().with("system", Json::string(system));
        let part = part.with_items("filter", filter.into_iter().collect());
        let part = part.with_items("concept", concept.into_iter().collect());
        part.with_items("valueSet", set.into_iter().map(Json::string).collect()).into()
    })
}

fn resource() -> impl Strategy<Value = Json> {
    let parts = || proptest::collection::vec(part(), 0..3);
    (proptest::sample::select(&["ValueSet", "CodeSystem"][..]), parts(), parts()).prop_map(
        |(kind, include, exclude)| {
            let compose = Object::new().with_items("include", include).with_items("exclude", exclude);
            let resource = Object::new().with("resourceType", Json::string(kind)).with("url", Json::string("urn:x"));
            resource.with("content", Json::string("complete")).with("compose", compose.into()).into()
        },
    )
}

fn inputs(query: Vec<(String, String)>, items: Vec<(String, (&'static str, Json))>) -> Option<Inputs> {
    let items = items
        .into_iter()
        .map(|(name, (key, value))| Json::from(Object::new().with("name", Json::string(name)).with(key, value)));
    let body = Object::new().with("resourceType", Json::string("Parameters"));
    Inputs::read(query, Some(&body.with_items("parameter", items.collect()).into()), None).ok()
}

fn value_set(target: Option<&Target>) -> Option<ValueSet> {
    match target? {
        Target::Named(canonical) => Library::base().value_set(&canonical.url, canonical.version.as_deref()).cloned(),
        Target::Given(json) => ValueSet::of_resource(json).ok(),
        Target::Instance => {
            Library::base().value_set("http://terminology.hl7.org/ValueSet/v3-NullFlavor", None).cloned()
        }
    }
}

fn code_system(target: Option<&Target>) -> Option<CodeSystem> {
    match target? {
        Target::Named(canonical) => Library::base().code_system(&canonical.url, canonical.version.as_deref()).cloned(),
        Target::Given(json) => CodeSystem::of_resource(json).ok(),
        Target::Instance => {
            Library::base().code_system("http://terminology.hl7.org/CodeSystem/v3-NullFlavor", None).cloned()
        }
    }
}

proptest! {
    #[test]
    fn no_parameters_make_it_panic(
        query in proptest::collection::vec((name(), text()), 0..5),
        items in proptest::collection::vec((name(), element()), 0..5),
        of_type in any::<bool>(),
    ) {
        let level = if of_type { Level::Type } else { Level::Instance };
        let Some(inputs) = inputs(query, items) else { return Ok(()) };
        let library = Library::base();
        if let Ok(request) = ExpandRequest::read(inputs.clone(), level)
            && let Some(set) = value_set(Some(&request.target))
        {
            let _ = expand(library, &set, &request, Stamp { identifier: String::new(), timestamp: String::new() });
        }
        if let Ok(request) = ValidateRequest::of_value_set(inputs.clone(), level)
            && let Some(set) = value_set(request.target.as_ref())
        {
            let _ = validate_in_value_set(library, &set, &request);
        }
        if let Ok(request) = ValidateRequest::of_code_system(inputs.clone(), level) {
            let _ = validate_in_code_system(library, code_system(request.target.as_ref()).as_ref(), &request);
        }
        if let Ok(request) = LookupRequest::read(inputs.clone()) {
            let _ = lookup(library, &request);
        }
        if let Ok(request) = SubsumesRequest::read(inputs, level) {
            let system = code_system(Some(&request.system.clone().map_or(Target::Instance, Target::Named)));
            let _ = system.map(|system| subsumes(&system, &request));
        }
    }

    #[test]
    fn any_code_is_judged_as_the_expansion_lists_it(code in text(), set in proptest::sample::select(TEXTS)) {
        let Some(set) = Library::base().value_set(set, None) else { return Ok(()) };
        let versions = Versions::default();
        let evaluation = evaluate::Evaluation::new(Library::base(), &versions);
        let Ok(all) = evaluation.codes(set) else { return Ok(()) };
        for system in all.iter().map(|entry| entry.system).take(1) {
            let found = evaluation.find(set, system, &code).expect("is decided");
            prop_assert_eq!(found.is_some(), all.iter().any(|entry| entry.code == code));
        }
    }
}
