//! CapabilityStatement, made from what really runs. R4 capabilitystatement.html.

use super::search::definitions::Targets;
use super::search::{Definition, ParamType, Registry};
use super::subscription::{BACKPORT, TOPICS, Topic};
use super::{Json, Object};

/// What a server offers. Everything that is not in here is not offered.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// Version of the software.
    pub software_version: &'a str,
    /// FHIR base URL as clients see it, without a slash at its end.
    pub base_url: &'a str,
    /// When this offer last changed; a FHIR dateTime that all nodes agree on.
    pub date: &'a str,
    /// Media types of the patches that it takes.
    pub patch_formats: &'a [&'a str],
    /// What can be done with the system as a whole: codes of R4 valueset-system-restful-interaction.html.
    pub system_interactions: &'a [&'a str],
    /// Operations on the system as a whole, as those of a resource type.
    pub system_operations: &'a [(&'a str, &'a str)],
    /// Resource types in the order in which they are listed.
    pub resources: &'a [ResourceOffer<'a>],
    /// How callers prove who they are, in words.
    pub security: &'a str,
    /// What else this server offers, and where, in words.
    pub documentation: &'a str,
    /// The search parameters that there are.
    pub registry: &'a Registry,
}

/// What can be done with a resource type.
#[derive(Debug, Clone, Copy)]
pub struct ResourceOffer<'a> {
    /// Resource type.
    pub resource_type: &'a str,
    /// Profiles that resources of ours claim and keep.
    pub supported_profiles: &'a [&'a str],
    /// Codes of R4 valueset-type-restful-interaction.html.
    pub interactions: &'a [&'a str],
    /// Whether writing checks versions.
    pub versioning: Versioning,
    /// What is special about it, in words; empty for nothing.
    pub documentation: &'a str,
    /// Operations on it: name without `$`, and its OperationDefinition: id of one of R4, or the URL of another one.
    pub operations: &'a [(&'a str, &'a str)],
}

/// What versions mean. R4 valueset-versioning-policy.html.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versioning {
    /// Each change makes a version; updates need not name one.
    Versioned,
    /// Each change makes a version, and an update may name the one that it changes.
    VersionedUpdate,
}

/// The statement of a running instance.
pub fn statement(offer: &Offer<'_>) -> Json {
    let software = Object::new().with("name", Json::string(NAME)).with("version", Json::string(offer.software_version));
    let implementation =
        Object::new().with("description", Json::string(DESCRIPTION)).with("url", Json::string(offer.base_url));
    let rest = Object::new()
        .with("mode", Json::string("server"))
        .with("documentation", Json::string(offer.documentation))
        .with("security", Object::new().with("description", Json::string(offer.security)).into())
        .with_items("resource", offer.resources.iter().map(|one| resource(offer.registry, one)).collect())
        .with_items("interaction", interactions(offer.system_interactions))
        .with_items("operation", offer.system_operations.iter().map(operation).collect());
    Object::new()
        .with("resourceType", Json::string("CapabilityStatement"))
        .with("name", Json::string(NAME))
        .with("title", Json::string("What this gateway can do"))
        .with("status", Json::string("active"))
        .with("date", Json::string(offer.date))
        .with("kind", Json::string("instance"))
        .with("software", software.into())
        .with("implementation", implementation.into())
        .with("fhirVersion", Json::string("4.0.1"))
        .with_items("format", vec![Json::string("json"), Json::string("application/fhir+json")])
        .with_items("patchFormat", offer.patch_formats.iter().map(|format| Json::string(*format)).collect())
        .with_items("rest", vec![rest.into()])
        .into()
}

fn resource(registry: &Registry, offer: &ResourceOffer<'_>) -> Json {
    let writes = offer.interactions.contains(&"update");
    let is_searched = offer.interactions.contains(&"search-type");
    let search = |items: Vec<Json>| if is_searched { items } else { Vec::new() };
    let versioning = match offer.versioning {
        Versioning::Versioned => "versioned",
        Versioning::VersionedUpdate => "versioned-update",
    };
    let topics = if offer.resource_type == "Subscription" { topics() } else { Vec::new() };
    Object::new()
        .with_items("extension", topics)
        .with("type", Json::string(offer.resource_type))
        .with("profile", Json::string(format!("http://hl7.org/fhir/StructureDefinition/{}", offer.resource_type)))
        .with_items("supportedProfile", offer.supported_profiles.iter().map(|url| Json::string(*url)).collect())
        .with_text("documentation", Some(offer.documentation).filter(|text| !text.is_empty()))
        .with_items("interaction", interactions(offer.interactions))
        .with("versioning", Json::string(versioning))
        .with("readHistory", Json::Bool(true))
        .with("updateCreate", Json::Bool(writes))
        .with("conditionalCreate", Json::Bool(writes))
        .with("conditionalRead", Json::string("full-support"))
        .with("conditionalUpdate", Json::Bool(writes))
        .with("conditionalDelete", Json::string(if writes { "single" } else { "not-supported" }))
        .with_items("searchInclude", search(includes(registry, offer.resource_type)))
        .with_items("searchRevInclude", search(reverse_includes(registry, offer.resource_type)))
        .with_items("searchParam", search(params(registry, offer.resource_type)))
        .with_items("operation", offer.operations.iter().map(operation).collect())
        .into()
}

/// The topics that can be subscribed to. Backport IG, extension `capability-subscriptiontopic-canonical`.
fn topics() -> Vec<Json> {
    let url = format!("{BACKPORT}capability-subscriptiontopic-canonical");
    let topic = |topic: &Topic| {
        Object::new().with("url", Json::string(url.as_str())).with("valueCanonical", Json::string(topic.url)).into()
    };
    TOPICS.iter().map(topic).collect()
}

/// The search parameters of a type. R4 CapabilityStatement.rest.resource.searchParam.
fn params(registry: &Registry, resource_type: &str) -> Vec<Json> {
    let served = registry.of_type(resource_type).filter(|definition| definition.is_searchable());
    let param = |definition: &std::sync::Arc<Definition>| {
        Object::new()
            .with("name", Json::string(&*definition.code))
            .with("definition", Json::string(&*definition.url))
            .with("type", Json::string(definition.param_type.code()))
            .into()
    };
    served.map(param).collect()
}

fn includes(registry: &Registry, resource_type: &str) -> Vec<Json> {
    let references = registry.of_type(resource_type).filter(|one| one.param_type == ParamType::Reference);
    references.map(|one| Json::string(format!("{resource_type}:{}", one.code))).collect()
}

/// The references that lead to a type by name, and Provenance, whose targets are of any.
fn reverse_includes(registry: &Registry, resource_type: &str) -> Vec<Json> {
    let mut out = Vec::new();
    for source in registry.types() {
        for definition in registry.of_type(source).filter(|one| one.param_type == ParamType::Reference) {
            let leads = match &definition.targets {
                Targets::Any => source == "Provenance" && definition.code == "target",
                Targets::Only(types) => types.iter().any(|target| target == resource_type),
            };
            if leads {
                out.push(Json::string(format!("{source}:{}", definition.code)));
            }
        }
    }
    out
}

fn interactions(codes: &[&str]) -> Vec<Json> {
    codes.iter().map(|code| Object::new().with("code", Json::string(*code)).into()).collect()
}

fn operation((name, definition): &(&str, &str)) -> Json {
    // Those of R4 go by their ids, others by their URLs.
    let definition = if definition.contains("://") {
        (*definition).to_owned()
    } else {
        format!("http://hl7.org/fhir/OperationDefinition/{definition}")
    };
    Object::new().with("name", Json::string(*name)).with("definition", Json::string(definition)).into()
}

const NAME: &str = "Causeway";
const DESCRIPTION: &str = "Interoperability gateway for imaging reports";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::resource_type::RESOURCE_TYPES;

    #[test]
    fn a_statement_lists_what_is_offered_and_nothing_else() {
        let resources: Vec<ResourceOffer<'_>> = RESOURCE_TYPES
            .iter()
            .map(|name| ResourceOffer {
                resource_type: name,
                supported_profiles: &[],
                interactions: &["read"],
                versioning: Versioning::Versioned,
                documentation: "",
                operations: if *name == "ValueSet" { &[("expand", "ValueSet-expand")] } else { &[] },
            })
            .collect();
        let statement = statement(&Offer {
            software_version: "0.1.0",
            base_url: "https://gateway.example/fhir/r4",
            date: "2026-02-01",
            patch_formats: &[],
            system_interactions: &["batch"],
            system_operations: &[("meta", "Resource-meta")],
            resources: &resources,
            security: "bearer tokens",
            documentation: "and more",
            registry: Registry::r4(),
        });
        let listed = statement.at(&["rest", "0", "resource"]).and_then(Json::as_array).expect("resources");
        assert_eq!(listed.len(), RESOURCE_TYPES.len());
        for resource in listed {
            assert_eq!(resource.items("interaction").len(), 1);
            assert_eq!(resource.text_at(&["interaction", "0", "code"]), Some("read"));
            assert!(resource.get("supportedProfile").is_none());
            let is_value_set = resource.text_at(&["type"]) == Some("ValueSet");
            let operation = resource.text_at(&["operation", "0", "definition"]);
            let expected = "http://hl7.org/fhir/OperationDefinition/ValueSet-expand";
            assert_eq!(operation, is_value_set.then_some(expected));
        }
        assert_eq!(statement.text_at(&["rest", "0", "interaction", "0", "code"]), Some("batch"));
        assert_eq!(statement.text_at(&["implementation", "url"]), Some("https://gateway.example/fhir/r4"));
    }
}
