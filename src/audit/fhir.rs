//! An event as a FHIR R4 AuditEvent, in the patterns of IHE BALP 1.1: one client agent and one server
//! agent with network, a user agent where there is a person, the objects, their patients, the raw query
//! and the request id as entities.

use crate::access::Purpose;
use crate::base::{LogicalId, Sha256};
use crate::fhir::{Json, Object as JsonObject};

use super::vocabulary::{Code, Pattern, Shown, agent_word, entity_role, shown};
use super::{Agent, AgentKind, AuditEvent, Object, ObjectKind, Outcome};

/// The gateway as its audit events name it.
#[derive(Debug, Clone, Copy)]
pub struct Gateway<'a> {
    /// The name of the installation.
    pub name: &'a str,
    /// Its public address, as host name or IP.
    pub address: &'a str,
    /// The issuer of the tenant's tokens; the namespace of its user ids.
    pub issuer: &'a str,
    /// The base of our own canonical URLs, without trailing solidus.
    pub canonical: &'a str,
}

/// The event as a FHIR AuditEvent.
pub fn to_fhir(event: &AuditEvent, gateway: &Gateway<'_>) -> Json {
    let shown = shown(event.activity);
    let operation = Json::from(
        JsonObject::new()
            .with("system", Json::string(format!("{}/CodeSystem/operation", gateway.canonical)))
            .with("code", Json::string(event.activity.as_str())),
    );
    let outcome = u8::from(event.outcome).to_string();
    let failed = event.outcome != Outcome::Success;
    let purposes: Vec<Json> = event.purpose.map(purpose).into_iter().collect();
    JsonObject::new()
        .with("resourceType", Json::string("AuditEvent"))
        .with("id", Json::string(event.id.as_str()))
        .with("type", coding(shown.kind))
        .with("subtype", Json::Array(vec![coding(shown.subtype), operation]))
        .with("action", Json::string(shown.action))
        .with("recorded", Json::string(event.time.to_fhir()))
        .with("outcome", Json::string(outcome))
        .with_text("outcomeDesc", event.reason.as_deref().filter(|_| failed).map(plain))
        .with_items("purposeOfEvent", purposes)
        .with("agent", Json::Array(agents(event, &shown, gateway)))
        .with("source", source(gateway))
        .with_items("entity", entities(event, gateway))
        .into()
}

fn agents(event: &AuditEvent, shown: &Shown, gateway: &Gateway<'_>) -> Vec<Json> {
    let person = event.agent.kind == AgentKind::User;
    let server = |code: Code, requestor: bool| {
        agent(code, requestor, JsonObject::new().with("display", Json::string(plain(gateway.name))))
            .with("network", network(gateway.address))
    };
    if shown.pattern == Pattern::Application {
        return vec![server(shown.pattern.server(), true).into()];
    }
    let inside = event.agent.kind == AgentKind::Gateway;
    let address = event.source.map_or_else(|| gateway.address.to_owned(), |address| address.to_string());
    let client =
        agent(shown.pattern.client(), !person, client_identity(event, gateway)).with("network", network(&address));
    let receiver = event.destination.as_deref().map(|peer| {
        let who = JsonObject::new().with("display", Json::string(plain(peer)));
        agent(shown.pattern.client(), false, who).with("network", named_network(peer))
    });
    // Where the gateway sends to a peer, the peer is the receiver and the one who asked only asked.
    let mut agents: Vec<Json> = match receiver {
        Some(receiver) if inside => {
            vec![
                receiver.into(),
                server(shown.pattern.server(), true).with("altId", Json::string(&*event.agent.id)).into(),
            ]
        }
        Some(receiver) => {
            let asked = agent(Pattern::Delete.client(), !person, client_identity(event, gateway))
                .with("network", network(&address));
            vec![receiver.into(), server(shown.pattern.server(), false).into(), asked.into()]
        }
        None => vec![client.into(), server(shown.pattern.server(), false).into()],
    };
    if person {
        agents.push(user(&event.agent, shown, event.purpose, gateway));
    }
    agents
}

/// The user agent: no network and no media; the token by its `jti` alone.
fn user(who: &Agent, shown: &Shown, purpose_of_use: Option<Purpose>, gateway: &Gateway<'_>) -> Json {
    let identity = JsonObject::new()
        .with("identifier", identifier(gateway.issuer, &who.id))
        .with_text("display", who.name.as_deref().map(plain));
    let roles = who.roles.iter().map(|role| {
        let code = JsonObject::new()
            .with("system", Json::string(format!("{}/CodeSystem/role", gateway.canonical)))
            .with("code", Json::string(role.as_str()));
        Json::from(JsonObject::new().with("coding", Json::Array(vec![code.into()])))
    });
    let policy = who.token_id.as_ref().map(|jti| Json::string(format!("urn:ietf:params:oauth:jti:{jti}")));
    agent(shown.pattern.user(), true, identity)
        .with_items("role", roles.collect())
        .with_text("name", who.name.as_deref().map(plain))
        .with_items("policy", policy.into_iter().collect())
        .with_items("purposeOfUse", purpose_of_use.map(purpose).into_iter().collect())
        .into()
}

fn client_identity(event: &AuditEvent, gateway: &Gateway<'_>) -> JsonObject {
    match &event.agent.client_id {
        Some(client) => JsonObject::new().with("identifier", identifier(gateway.issuer, client.as_str())),
        None if event.agent.kind == AgentKind::Gateway => JsonObject::new()
            .with("display", Json::string(format!("{} ({})", plain(gateway.name), plain(&event.agent.id)))),
        None => JsonObject::new().with("display", Json::string(agent_word(event.agent.kind))),
    }
}

fn agent(code: Code, requestor: bool, who: JsonObject) -> JsonObject {
    JsonObject::new().with("type", concept(code)).with("who", who.into()).with("requestor", Json::Bool(requestor))
}

/// A host name or an IP address. R4 codesystem-network-type.html: 1 machine name, 2 IP address.
fn network(address: &str) -> Json {
    let kind = if address.parse::<std::net::IpAddr>().is_ok() { "2" } else { "1" };
    JsonObject::new().with("address", Json::string(plain(address))).with("type", Json::string(kind)).into()
}

fn named_network(name: &str) -> Json {
    JsonObject::new().with("address", Json::string(plain(name))).with("type", Json::string("1")).into()
}

fn source(gateway: &Gateway<'_>) -> Json {
    let server = Code { system: "http://terminology.hl7.org/CodeSystem/security-source-type", code: "4" };
    JsonObject::new()
        .with("site", Json::string(plain(gateway.address)))
        .with("observer", JsonObject::new().with("display", Json::string(plain(gateway.name))).into())
        .with("type", Json::Array(vec![coding(server)]))
        .into()
}

fn entities(event: &AuditEvent, gateway: &Gateway<'_>) -> Vec<Json> {
    let mut entities: Vec<Json> = event.objects.iter().map(|object| data(object, gateway)).collect();
    let mut patients: Vec<&LogicalId> = Vec::new();
    for patient in event.objects.iter().filter_map(|object| object.patient.as_ref()) {
        if !patients.contains(&patient) {
            patients.push(patient);
        }
    }
    entities.extend(patients.into_iter().map(patient));
    if let Some(query) = &event.query {
        let entity = JsonObject::new()
            .with("type", coding(entity_type("2")))
            .with("role", coding(object_role("24")))
            .with("query", Json::string(query));
        entities.push(entity.into());
    }
    entities.push(request(event));
    entities
}

fn data(object: &Object, gateway: &Gateway<'_>) -> Json {
    let what = match &object.kind {
        ObjectKind::Resource(resource_type) => {
            let version = object.version.map(|version| format!("/_history/{version}")).unwrap_or_default();
            JsonObject::new().with("reference", Json::string(format!("{resource_type}/{}{version}", plain(&object.id))))
        }
        own => {
            let system = format!("{}/sid/{}", gateway.canonical, own.as_str());
            JsonObject::new().with("identifier", identifier(&system, &object.id))
        }
    };
    let detail = |name: &str, value: Option<String>| {
        value.map(|value| {
            Json::from(JsonObject::new().with("type", Json::string(name)).with("valueString", Json::string(value)))
        })
    };
    let details = [
        detail("StudyInstanceUID", object.study_uid.as_ref().map(ToString::to_string)),
        detail("sha256-before", object.before.map(Sha256::to_hex)),
        detail("sha256-after", object.after.map(Sha256::to_hex)),
    ];
    let is_patient = matches!(&object.kind, ObjectKind::Resource(kind) if **kind == *"Patient");
    let (kind, role) = if is_patient { ("1", "1") } else { ("2", entity_role(&object.kind)) };
    JsonObject::new()
        .with("what", what.into())
        .with("type", coding(entity_type(kind)))
        .with("role", coding(object_role(role)))
        .with_items("detail", details.into_iter().flatten().collect())
        .into()
}

fn patient(patient: &LogicalId) -> Json {
    let what = JsonObject::new().with("reference", Json::string(format!("Patient/{patient}")));
    JsonObject::new()
        .with("what", what.into())
        .with("type", coding(entity_type("1")))
        .with("role", coding(object_role("1")))
        .into()
}

fn request(event: &AuditEvent) -> Json {
    let kind = Code { system: "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", code: "XrequestId" };
    let value = JsonObject::new().with("value", Json::string(event.request_id.as_str()));
    JsonObject::new()
        .with("what", JsonObject::new().with("identifier", value.into()).into())
        .with("type", coding(kind))
        .into()
}

fn identifier(system: &str, value: &str) -> Json {
    JsonObject::new().with("system", Json::string(system)).with("value", Json::string(plain(value))).into()
}

fn purpose(purpose: Purpose) -> Json {
    let coding = JsonObject::new()
        .with("system", Json::string("http://terminology.hl7.org/CodeSystem/v3-ActReason"))
        .with("code", Json::string(purpose.code()))
        .with("display", Json::string(purpose.display()));
    JsonObject::new().with("coding", Json::Array(vec![coding.into()])).into()
}

fn concept(code: Code) -> Json {
    JsonObject::new().with("coding", Json::Array(vec![coding(code)])).into()
}

fn coding(code: Code) -> Json {
    JsonObject::new().with("system", Json::string(code.system)).with("code", Json::string(code.code)).into()
}

fn entity_type(code: &'static str) -> Code {
    Code { system: "http://terminology.hl7.org/CodeSystem/audit-entity-type", code }
}

fn object_role(code: &'static str) -> Code {
    Code { system: "http://terminology.hl7.org/CodeSystem/object-role", code }
}

/// A text as FHIR strings may hold it: control characters become spaces. R4 datatypes.html#string.
fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests;
