//! US Core 6.1.0 on its own examples, and on what was changed in them.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{Checked, Installed, Registry, check, constrained_type};
use crate::fhir::outcome::Severity;
use crate::fhir::package::{Package, PackageLimits};
use crate::fhir::structure::{self, Issue, IssueCode, Limits};
use crate::fhir::{Json, JsonLimits};

const US_CORE: &[u8] = include_bytes!("../../../fixtures/fhir/us_core_610.tgz");

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes(), &JsonLimits::default()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

static PACKAGE: LazyLock<Package> =
    LazyLock::new(|| Package::read(US_CORE, &PackageLimits::default()).expect("is a package"));

/// A registry of these packages, with further definitions.
fn registry(package: &Package, others: &[Json]) -> Source {
    let mut all: Vec<(Installed, Json)> = Vec::new();
    for each in &package.definitions {
        let installed = Installed {
            kind: each.kind,
            url: each.url.clone(),
            version: each.version.clone().unwrap_or_default(),
            constrains: constrained_type(&each.json).to_owned(),
            package: (package.manifest.name.clone(), package.manifest.version.clone()),
        };
        all.push((installed, each.json.clone()));
    }
    for other in others {
        let text = |key: &str| other.text_at(&[key]).unwrap_or_default().to_owned();
        let kind = crate::fhir::package::DefinitionKind::parse(&text("resourceType")).expect("a definition");
        let constrains = constrained_type(other).to_owned();
        let package = ("test".to_owned(), "1".to_owned());
        all.push((Installed { kind, url: text("url"), version: text("version"), constrains, package }, other.clone()));
    }
    let registry = Registry::with(all.iter().map(|(installed, _)| installed.clone()));
    Source { all, registry }
}

struct Source {
    all: Vec<(Installed, Json)>,
    registry: Registry,
}

impl Source {
    /// Checks, and reads what is wanted until nothing is.
    fn check(&mut self, resource: &Json, profiles: &[&str]) -> Vec<Issue> {
        let profiles: Vec<String> = profiles.iter().map(|url| (*url).to_owned()).collect();
        for _ in 0..50 {
            let Checked { issues, wanted } = check(resource, &profiles, &self.registry, &Limits::default());
            if wanted.is_empty() {
                return issues;
            }
            for one in wanted {
                let found = self.all.iter().find(|(installed, _)| {
                    (installed.kind, &installed.url, &installed.version) == (one.kind, &one.url, &one.version)
                });
                let json = found.map(|(_, json)| json);
                self.registry.add(one.clone(), json).unwrap_or_else(|error| panic!("{one:?}: {error}"));
            }
        }
        panic!("always wants more")
    }

    fn errors(&mut self, resource: &Json, profiles: &[&str]) -> Vec<(String, IssueCode)> {
        let issues = self.check(resource, profiles);
        issues.into_iter().filter(Issue::is_error).map(|issue| (issue.expression, issue.code)).collect()
    }
}

/// The examples of the package by file name.
static EXAMPLES: LazyLock<BTreeMap<String, Json>> = LazyLock::new(|| {
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(US_CORE).read_to_end(&mut tar).expect("gzip");
    let mut examples = BTreeMap::new();
    let mut at = 0;
    while at + 512 <= tar.len() && tar[at] != 0 {
        let text = |from: usize, length: usize| {
            let field = &tar[at + from..at + from + length];
            String::from_utf8_lossy(field.split(|byte| *byte == 0).next().unwrap_or_default()).trim().to_owned()
        };
        let size = usize::from_str_radix(&text(124, 12), 8).expect("octal");
        let name = text(0, 100);
        if let Some(name) = name.strip_prefix("package/example/").filter(|name| name.strip_suffix(".json").is_some())
            && !name.starts_with('.')
        {
            let body = std::str::from_utf8(&tar[at + 512..at + 512 + size]).expect("UTF-8");
            examples.insert(name.to_owned(), json(body));
        }
        at += 512 + size.div_ceil(512) * 512;
    }
    examples
});

#[test]
fn examples_of_us_core_are_valid() {
    let mut source = registry(&PACKAGE, &[]);
    assert!(EXAMPLES.len() > 150);
    let mut found = Vec::new();
    for (name, example) in &*EXAMPLES {
        for issue in source.check(example, &[]) {
            if issue.is_error() {
                found.push(format!("{name}: {} {:?} {}", issue.expression, issue.code, issue.diagnostics));
            }
        }
    }
    assert!(found.is_empty(), "{}\n{}", found.len(), found.join("\n"));
}

/// An example with changes, at JSON pointers; `null` takes away.
fn changed(name: &str, changes: &[(&str, Value)]) -> Json {
    let mut value: Value = serde_json::from_str(&EXAMPLES[name].to_text()).expect("JSON");
    for (pointer, new) in changes {
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        let parent = value.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}"));
        match (parent, new) {
            (Value::Object(members), Value::Null) => drop(members.remove(key).expect(pointer)),
            (Value::Object(members), new) => drop(members.insert(key.to_owned(), new.clone())),
            (Value::Array(items), Value::Null) => drop(items.remove(key.parse::<usize>().expect(pointer))),
            (Value::Array(items), new) => match key.parse::<usize>() {
                Ok(at) => items[at] = new.clone(),
                Err(_) => items.push(new.clone()),
            },
            _ => panic!("{pointer}"),
        }
    }
    json(&value.to_string())
}

/// An example, what is changed in it, and the place and code of an error that it then has.
type Changed = (&'static str, Vec<(&'static str, Value)>, &'static str, IssueCode);

#[test]
fn what_was_changed_fails_at_its_place() {
    const PATIENT: &str = "Patient-example.json";
    const PRESSURE: &str = "Observation-blood-pressure.json";
    const REPORT: &str = "DiagnosticReport-chest-xray-report.json";
    use IssueCode as C;
    let race = |parts: Value| json!({"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race", "extension": parts});
    let cases: Vec<Changed> = vec![
        // Cardinality.
        (PATIENT, vec![("/identifier", Value::Null)], "Patient.identifier", C::Required),
        (PATIENT, vec![("/identifier/0/system", Value::Null)], "Patient.identifier[0].system", C::Required),
        (PATIENT, vec![("/gender", Value::Null)], "Patient.gender", C::Required),
        (REPORT, vec![("/category", Value::Null)], "DiagnosticReport.category", C::Required),
        // Invariants: us-core-6, us-core-1 by way of its profile.
        (PATIENT, vec![("/name/0", json!({"text": "x"}))], "Patient.name[0]", C::Invariant),
        // Slices: fixed values of codings, patterns.
        (PRESSURE, vec![("/category/0/coding/0/code", json!("laboratory"))], "Observation.category", C::Required),
        (PRESSURE, vec![("/component/0/code/coding/0/code", json!("8480-7"))], "Observation.component", C::Required),
        (PRESSURE, vec![("/code/coding/0/code", json!("85354-8"))], "Observation.code", C::Value),
        (
            PRESSURE,
            vec![("/component/0/valueQuantity/code", json!("kPa"))],
            "Observation.component[0].value.ofType(Quantity).code",
            C::Value,
        ),
        (
            PRESSURE,
            vec![("/component/1/valueQuantity/unit", Value::Null)],
            "Observation.component[1].value.ofType(Quantity).unit",
            C::Required,
        ),
        // Types and targets.
        (PRESSURE, vec![("/subject/reference", json!("Group/1"))], "Observation.subject", C::Value),
        (
            PRESSURE,
            vec![("/component/0/valueQuantity", Value::Null), ("/component/0/valueString", json!("high"))],
            "Observation.component[0].value.ofType(string)",
            C::Value,
        ),
        (REPORT, vec![("/subject/reference", json!("Group/1"))], "DiagnosticReport.subject", C::Value),
        // Extensions: their parts, place, number and kind.
        (
            PATIENT,
            vec![(
                "/extension/0",
                race(json!([{"url": "ombCategory", "valueString": "x"}, {"url": "text", "valueString": "x"}])),
            )],
            "Patient.extension[0].extension[0].value.ofType(string)",
            C::Value,
        ),
        (
            PATIENT,
            vec![("/extension/0", race(json!([{"url": "detailed", "valueCoding": {"code": "x"}}])))],
            "Patient.extension[0].extension",
            C::Required,
        ),
        (
            PATIENT,
            vec![("/extension/0/extension/-", json!({"url": "other", "valueString": "x"}))],
            "Patient.extension[0].extension[6]",
            C::Extension,
        ),
        (
            PATIENT,
            vec![("/extension/-", race(json!([{"url": "text", "valueString": "x"}])))],
            "Patient.extension",
            C::Structure,
        ),
        (
            PATIENT,
            vec![("/name/0/extension", json!([race(json!([{"url": "text", "valueString": "x"}]))]))],
            "Patient.name[0].extension[0]",
            C::Extension,
        ),
        (
            PATIENT,
            vec![("/modifierExtension", json!([race(json!([{"url": "text", "valueString": "x"}]))]))],
            "Patient.modifierExtension[0]",
            C::Extension,
        ),
        (
            PATIENT,
            vec![("/modifierExtension", json!([{"url": "http://example.org/x", "valueString": "x"}]))],
            "Patient.modifierExtension[0]",
            C::Extension,
        ),
    ];
    let mut source = registry(&PACKAGE, &[]);
    for (name, changes, place, code) in cases {
        let changed = changed(name, &changes);
        let structural = structure::check(&changed, &Limits::default());
        assert!(!structural.iter().any(Issue::is_error), "{changes:?}: {structural:?}");
        let found = source.errors(&changed, &[]);
        assert!(found.contains(&(place.to_owned(), code)), "{name} {changes:?}: {found:?}");
    }
}

#[test]
fn a_claim_that_cannot_be_checked_is_a_warning_and_a_demand_an_error() {
    let mut source = registry(&PACKAGE, &[]);
    let patient = json(r#"{"resourceType":"Patient","meta":{"profile":["http://example.org/p"]}}"#);
    let found = source.check(&patient, &[]);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].severity, found[0].code), (Severity::Warning, IssueCode::NotFound));
    assert_eq!(found[0].expression, "Patient.meta.profile[0]");
    let core = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
    assert_eq!(source.errors(&patient, &["http://example.org/q"]), [("Patient".into(), IssueCode::NotFound)]);
    assert_eq!(source.errors(&patient, &[&format!("{core}|5.0.0")]), [("Patient".into(), IssueCode::NotFound)]);
    let missing: Vec<String> =
        source.errors(&patient, &[&format!("{core}|6.1.0")]).into_iter().map(|(place, _)| place).collect();
    assert_eq!(missing, ["Patient.identifier", "Patient.name", "Patient.gender"]);
    let observation = json(r#"{"resourceType":"Observation","status":"final","code":{"text":"x"}}"#);
    assert_eq!(source.errors(&observation, &[core]), [("Observation".into(), IssueCode::Structure)]);
    let base = "http://hl7.org/fhir/StructureDefinition/";
    assert_eq!(source.errors(&patient, &[&format!("{base}Patient"), &format!("{base}DomainResource")]), []);
    assert_eq!(source.errors(&patient, &[&format!("{base}Person")]), [("Patient".into(), IssueCode::Structure)]);
}

#[test]
fn resources_within_resources_are_held_to_their_claims() {
    let mut source = registry(&PACKAGE, &[]);
    let bare = json!({"resourceType": "Patient", "id": "p", "meta": {"profile": [
        "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"]}});
    let bundle =
        json!({"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "urn:x", "resource": bare}]});
    let found = source.errors(&json(&bundle.to_string()), &[]);
    assert!(found.contains(&("Bundle.entry[0].resource.identifier".into(), IssueCode::Required)), "{found:?}");
    let holder = json!({"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "contained": [bare],
        "subject": {"reference": "#p"}});
    let found = source.errors(&json(&holder.to_string()), &[]);
    assert!(found.contains(&("Observation.contained[0].identifier".into(), IssueCode::Required)), "{found:?}");
}

const MINE: &str = "http://example.org/mine";

/// A profile of a type by its differential.
fn profile(of_type: &str, elements: &Value) -> Json {
    let definition = json!({
        "resourceType": "StructureDefinition", "url": MINE, "version": "1", "status": "active", "kind": "resource",
        "type": of_type, "derivation": "constraint",
        "baseDefinition": format!("http://hl7.org/fhir/StructureDefinition/{of_type}"),
        "differential": {"element": elements},
    });
    json(&definition.to_string())
}

/// Places of the errors of resources against a profile.
#[track_caller]
fn held(of_type: &str, elements: &Value, cases: &[(Value, &[&str])]) {
    let package = Package { definitions: Vec::new(), ..PACKAGE.clone() };
    let mut source = registry(&package, &[profile(of_type, elements)]);
    for (resource, places) in cases {
        let mut resource = resource.clone();
        resource["resourceType"] = json!(of_type);
        let resource = json(&resource.to_string());
        let found: Vec<String> = source.errors(&resource, &[MINE]).into_iter().map(|(place, _)| place).collect();
        assert_eq!(found, *places, "{}", resource.to_text());
    }
}

#[test]
fn closed_and_ordered_slices() {
    let slice = |name: &str, system: &str| {
        json!([
            {"id": format!("Patient.identifier:{name}"), "path": "Patient.identifier", "sliceName": name, "max": "1"},
            {"id": format!("Patient.identifier:{name}.system"), "path": "Patient.identifier.system", "min": 1, "fixedUri": system},
        ])
    };
    let elements = |rules: &str, ordered: bool| {
        let mut all = vec![
            json!({"id": "Patient", "path": "Patient"}),
            json!({"id": "Patient.identifier", "path": "Patient.identifier", "slicing": {
                "discriminator": [{"type": "value", "path": "system"}], "rules": rules, "ordered": ordered}}),
        ];
        for slice in [slice("a", "urn:a"), slice("b", "urn:b")] {
            all.extend(slice.as_array().expect("list").clone());
        }
        Value::Array(all)
    };
    let of = |systems: &[&str]| {
        let systems: Vec<Value> = systems.iter().map(|system| json!({"system": system})).collect();
        json!({"identifier": systems})
    };
    held(
        "Patient",
        &elements("closed", true),
        &[
            (of(&["urn:a", "urn:b"]), &[]),
            (of(&["urn:b", "urn:a"]), &["Patient.identifier[1]"]),
            (of(&["urn:a", "urn:c"]), &["Patient.identifier[1]"]),
            (of(&["urn:a", "urn:a"]), &["Patient.identifier"]),
        ],
    );
    held("Patient", &elements("open", false), &[(of(&["urn:b", "urn:c", "urn:a"]), &[])]);
    held(
        "Patient",
        &elements("openAtEnd", false),
        &[(of(&["urn:a", "urn:c"]), &[]), (of(&["urn:c", "urn:a"]), &["Patient.identifier[1]"])],
    );
}

#[test]
fn slices_by_existence_type_and_what_is_referred_to() {
    let exists = json!([
        {"id": "Patient.name", "path": "Patient.name", "slicing": {"discriminator": [{"type": "exists", "path": "period"}], "rules": "open"}},
        {"id": "Patient.name:former", "path": "Patient.name", "sliceName": "former"},
        {"id": "Patient.name:former.period", "path": "Patient.name.period", "min": 1},
        {"id": "Patient.name:former.use", "path": "Patient.name.use", "min": 1},
        {"id": "Patient.name:now", "path": "Patient.name", "sliceName": "now", "min": 1, "max": "1"},
        {"id": "Patient.name:now.period", "path": "Patient.name.period", "max": "0"},
    ]);
    let period = json!({"start": "2020"});
    held(
        "Patient",
        &exists,
        &[
            (json!({"name": [{"family": "x"}, {"family": "y", "use": "old", "period": period}]}), &[]),
            (json!({"name": [{"family": "y", "period": period}]}), &["Patient.name[0].use", "Patient.name"]),
        ],
    );
    let of_type = json!([
        {"id": "Observation.value[x]", "path": "Observation.value[x]", "slicing": {"discriminator": [{"type": "type", "path": "$this"}], "rules": "closed"}},
        {"id": "Observation.value[x]:valueQuantity", "path": "Observation.value[x]", "sliceName": "valueQuantity", "type": [{"code": "Quantity"}]},
        {"id": "Observation.value[x]:valueQuantity.code", "path": "Observation.value[x].code", "min": 1, "patternCode": "mm"},
    ]);
    let with = |key: &str, value: Value| json!({"status": "final", "code": {"text": "x"}, key: value});
    held(
        "Observation",
        &of_type,
        &[
            (with("valueQuantity", json!({"code": "mm"})), &[]),
            (with("valueQuantity", json!({"code": "cm"})), &["Observation.value.ofType(Quantity).code"]),
            (with("valueString", json!("x")), &["Observation.value.ofType(string)"]),
        ],
    );
    let resolved = json!([
        {"id": "Observation.performer", "path": "Observation.performer", "slicing": {"discriminator": [{"type": "type", "path": "resolve()"}], "rules": "open"}},
        {"id": "Observation.performer:who", "path": "Observation.performer", "sliceName": "who", "min": 1, "max": "1",
            "type": [{"code": "Reference", "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Practitioner"]}]},
    ]);
    held(
        "Observation",
        &resolved,
        &[
            (with("performer", json!([{"reference": "Organization/1"}, {"reference": "Practitioner/1"}])), &[]),
            (with("performer", json!([{"reference": "Organization/1"}])), &["Observation.performer"]),
            (with("performer", json!([{"type": "Practitioner", "identifier": {"value": "1"}}])), &[]),
        ],
    );
}

#[test]
fn values_are_held_to_bounds_lengths_and_codes() {
    let elements = json!([
        {"id": "Patient.birthDate", "path": "Patient.birthDate", "minValueDate": "1900-01-01"},
        {"id": "Patient.multipleBirth[x]", "path": "Patient.multipleBirth[x]", "type": [{"code": "integer"}], "maxValueInteger": 9},
        {"id": "Patient.name.family", "path": "Patient.name.family", "maxLength": 3},
        {"id": "Patient.active", "path": "Patient.active", "fixedBoolean": true},
        {"id": "Patient.maritalStatus", "path": "Patient.maritalStatus", "binding": {"strength": "required",
            "valueSet": "http://hl7.org/fhir/ValueSet/marital-status"}},
        {"id": "Patient.contact", "path": "Patient.contact", "constraint": [{"key": "x-1", "severity": "error",
            "human": "has a name", "expression": "name.exists()"}]},
    ]);
    let status = |code: &str| json!({"maritalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": code}]}});
    held(
        "Patient",
        &elements,
        &[
            (
                json!({"birthDate": "1900-01-01", "multipleBirthInteger": 9, "name": [{"family": "Doe"}], "active": true}),
                &[],
            ),
            (json!({"birthDate": "1899-12-31"}), &["Patient.birthDate"]),
            (json!({"multipleBirthInteger": 10}), &["Patient.multipleBirth.ofType(integer)"]),
            (json!({"multipleBirthBoolean": true}), &["Patient.multipleBirth.ofType(boolean)"]),
            (json!({"name": [{"family": "Does"}]}), &["Patient.name[0].family"]),
            (json!({"active": false}), &["Patient.active"]),
            (status("M"), &[]),
            (status("Q"), &["Patient.maritalStatus"]),
            (json!({"maritalStatus": {"text": "x"}}), &["Patient.maritalStatus"]),
            (json!({"contact": [{"name": {"text": "x"}}, {"gender": "other"}]}), &["Patient.contact[1]"]),
        ],
    );
}

#[test]
fn elements_within_themselves_have_the_same_rules() {
    let elements = json!([
        {"id": "QuestionnaireResponse.item", "path": "QuestionnaireResponse.item"},
        {"id": "QuestionnaireResponse.item.text", "path": "QuestionnaireResponse.item.text", "min": 1},
        {"id": "QuestionnaireResponse.item.item", "path": "QuestionnaireResponse.item.item", "contentReference": "#QuestionnaireResponse.item"},
    ]);
    held(
        "QuestionnaireResponse",
        &elements,
        &[(
            json!({"status": "completed", "item": [{"linkId": "1", "text": "x", "item": [{"linkId": "2", "item": [{"linkId": "3"}]}]}]}),
            &["QuestionnaireResponse.item[0].item[0].text", "QuestionnaireResponse.item[0].item[0].item[0].text"],
        )],
    );
}

#[test]
fn what_cannot_be_used_is_named() {
    use super::CompileError as E;
    let wrong = |definition: Value| super::compile(&json(&definition.to_string())).map(|_| ());
    let base =
        json!({"resourceType": "StructureDefinition", "url": MINE, "type": "Patient", "derivation": "constraint"});
    assert_eq!(wrong(base.clone()), Err(E::Missing("snapshot")));
    let mut special = base.clone();
    special["derivation"] = json!("specialization");
    assert_eq!(wrong(special), Err(E::NotConstraint));
    let mut other = base.clone();
    other["type"] = json!("Nothing");
    assert_eq!(wrong(other), Err(E::Type));
    let mut deep = base.clone();
    let id = format!("Patient{}", ".x".repeat(500));
    deep["snapshot"] = json!({"element": [{"id": id, "path": id}]});
    assert_eq!(wrong(deep), Err(E::Depth));
    let mut odd = base;
    odd["snapshot"] = json!({"element": [
        {"id": "Patient", "path": "Patient", "constraint": [{"key": "x-1", "severity": "error", "human": "x", "expression": "a.b("}]},
        {"id": "Patient.name", "path": "Patient.name", "slicing": {"discriminator": [{"type": "value", "path": "a[0]"}], "rules": "open"}},
    ]});
    let odd = super::compile(&json(&odd.to_string())).expect("is used");
    assert_eq!(odd.unchecked().len(), 2, "{:?}", odd.unchecked());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn no_definition_and_no_resource_makes_it_panic(seed in 0_usize..1_000, at in 0_usize..40, text in "[a-zA-Z\\[\\]:./#]{0,12}") {
        // Definitions of the package with one text replaced.
        let all = &PACKAGE.definitions;
        let mut value: Value = serde_json::from_str(&all[seed % all.len()].json.to_text()).expect("JSON");
        let element = value.pointer_mut(&format!("/differential/element/{at}"));
        if let Some(Value::Object(element)) = element {
            let key = ["id", "path", "sliceName", "contentReference", "max"][seed % 5];
            element.insert(key.to_owned(), json!(text));
            value.as_object_mut().expect("object").remove("snapshot");
        }
        if let Ok(compiled) = super::compile(&json(&value.to_string())) {
            let mut source = Source { all: Vec::new(), registry: Registry::default() };
            let _ = compiled.find(&text);
            source.check(&EXAMPLES["Patient-example.json"], &[]);
        }
    }
}
