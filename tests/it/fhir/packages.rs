//! Packages of implementation guides: installed, used, and taken away again.

use causeway::access::{Actor, Role};
use causeway::app::Services;
use causeway::base::TenantId;
use causeway::fhir::package::DefinitionKind;
use causeway::ops::Error;
use serde_json::{Value, json};

use crate::each_backend;
use crate::support::{Backend, TestGateway, token};

each_backend!(
    a_package_is_installed_once,
    what_is_no_package_is_refused_and_leaves_nothing,
    its_value_sets_and_code_systems_answer_questions,
    its_profiles_are_in_the_capability_statement,
    a_tenant_sees_its_own_packages_only,
);

pub(super) const US_CORE: &[u8] = include_bytes!("../../../fixtures/fhir/us_core_610.tgz");
const CATEGORIES: &str = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category";

pub(super) fn admin() -> Actor {
    Services::command_actor(&TenantId::default_tenant(), &[Role::Admin])
}

/// A gateway that has US Core.
pub(super) async fn with_us_core(backend: &Backend) -> TestGateway {
    let gateway = TestGateway::new(backend).await;
    gateway.ops().add_package(&admin(), US_CORE.to_vec()).await.expect("is installed");
    gateway
}

async fn a_package_is_installed_once(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let ops = gateway.ops();
    let added = ops.add_package(&admin(), US_CORE.to_vec()).await.expect("is installed");
    assert_eq!((added.package.name.as_str(), added.package.version.as_str()), ("hl7.fhir.us.core", "6.1.0"));
    assert!(!added.was_there);
    let count = |kind| added.definitions.iter().find(|(each, _)| *each == kind).map(|(_, count)| *count);
    assert_eq!(count(DefinitionKind::StructureDefinition), Some(59));
    assert_eq!(count(DefinitionKind::SearchParameter), Some(106));
    assert!(added.unused.iter().all(|part| part.contains("resources of type")), "{:?}", added.unused);
    assert!(added.missing.iter().any(|(name, _)| name == "us.nlm.vsac"), "{:?}", added.missing);
    let again = ops.add_package(&admin(), US_CORE.to_vec()).await.expect("is there");
    assert!(again.was_there);
    assert_eq!(ops.packages(&admin()).await.expect("listed").len(), 1);

    let patient = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
    let kind = DefinitionKind::StructureDefinition;
    let found = ops.installed_definitions(&admin(), kind, Some(patient)).await.expect("found");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].json.text_at(&["type"]), Some("Patient"));
    assert_eq!(found[0].package.0, "hl7.fhir.us.core");
    let all = ops.installed_definitions(&admin(), DefinitionKind::SearchParameter, None).await.expect("found");
    assert_eq!(all.len(), 106);

    assert!(matches!(ops.remove_package(&admin(), "hl7.fhir.us.core", Some("5.0.0")).await, Err(Error::NotFound)));
    let removed = ops.remove_package(&admin(), "hl7.fhir.us.core", None).await.expect("removed");
    assert_eq!(removed.len(), 1);
    assert!(ops.packages(&admin()).await.expect("listed").is_empty());
    assert!(ops.installed_definitions(&admin(), kind, Some(patient)).await.expect("asked").is_empty());
    assert!(matches!(ops.remove_package(&admin(), "hl7.fhir.us.core", None).await, Err(Error::NotFound)));
}

async fn what_is_no_package_is_refused_and_leaves_nothing(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    for bytes in [&b"no package"[..], &US_CORE[..1000]] {
        let refused = gateway.ops().add_package(&admin(), bytes.to_vec()).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }
    assert!(gateway.ops().packages(&admin()).await.expect("listed").is_empty());
    let integrator = Services::command_actor(&TenantId::default_tenant(), &[Role::Integrator]);
    let refused = gateway.ops().add_package(&integrator, US_CORE.to_vec()).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
}

async fn its_value_sets_and_code_systems_answer_questions(backend: Backend) {
    let gateway = with_us_core(&backend).await;
    let client = gateway.role(Role::Clinician).await;
    let set = "http://hl7.org/fhir/us/core/ValueSet/us-core-documentreference-category";
    let expanded = client.get(&format!("/fhir/r4/ValueSet/$expand?url={set}")).await.expect(200).json();
    assert_eq!(expanded["expansion"]["contains"][0]["code"], "clinical-note");
    let found = client.get(&format!("/fhir/r4/CodeSystem/$lookup?system={CATEGORIES}&code=clinical-note")).await;
    assert!(found.expect(200).text().contains("Clinical Note"));
    gateway.ops().remove_package(&admin(), "hl7.fhir.us.core", None).await.expect("removed");
    client.get(&format!("/fhir/r4/ValueSet/$expand?url={set}")).await.expect(404);
}

async fn its_profiles_are_in_the_capability_statement(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let supported = |statement: &Value, kind: &str| {
        let resources = statement["rest"][0]["resource"].as_array().expect("resources").clone();
        let resource = resources.into_iter().find(|each| each["type"] == kind).expect("is listed");
        assert!(resource["operation"].as_array().expect("some").iter().any(|one| one["name"] == "validate"));
        resource["supportedProfile"].clone()
    };
    let nobody = gateway.nobody();
    let before = nobody.get("/fhir/r4/metadata").await.expect(200).json();
    assert_eq!(supported(&before, "Patient"), Value::Null);
    gateway.ops().add_package(&admin(), US_CORE.to_vec()).await.expect("is installed");
    let after = nobody.get("/fhir/r4/metadata").await.expect(200).json();
    let base = "http://hl7.org/fhir/us/core/StructureDefinition/";
    assert_eq!(supported(&after, "Patient"), json!([format!("{base}us-core-patient")]));
    assert_eq!(supported(&after, "DiagnosticReport").as_array().map(Vec::len), Some(2));
}

async fn a_tenant_sees_its_own_packages_only(backend: Backend) {
    let mut gateway = with_us_core(&backend).await;
    let north = gateway.add_tenant("north").await;
    gateway.restart().await;
    let theirs = gateway.client(&north, token("n", &[Role::Radiologist])).await;
    let ours = gateway.role(Role::Radiologist).await;
    let bare = json!({"resourceType": "Patient",
        "meta": {"profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"]}});
    ours.post("/fhir/r4/Patient", &bare).await.expect(422);
    theirs.post("/fhir/r4/Patient", &bare).await.expect(201);
    let actor = Services::command_actor(&north, &[Role::Admin]);
    assert!(gateway.ops().packages(&actor).await.expect("listed").is_empty());
}
