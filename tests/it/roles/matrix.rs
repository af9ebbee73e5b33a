//! Every route with a token of every role, with none, and with one that is narrowed too far or just enough.

use causeway::access::{Actor, Decision, Need, Operation, Principal, RequestId, Role, UserId, decide_type};
use causeway::base::TenantId;
use causeway::http::{Route, routes};
use causeway::ops::tokens::TokenRequest;

use crate::each_backend;
use crate::support::{Answer, Backend, Client, TestGateway, token};

each_backend!(
    a_role_opens_what_the_table_says_and_nothing_else,
    without_a_token_only_open_routes_answer,
    a_narrowed_token_opens_what_its_scope_covers,
);

/// A route with its parameters filled in: everything it names is well-formed, and nothing of it exists.
struct Call {
    route: Route,
    resource_type: &'static str,
    path: String,
}

fn calls() -> Vec<Call> {
    let mut calls = Vec::new();
    for route in routes() {
        let of_type = route.path.contains("{type}");
        // Reading an AuditEvent is another thing than reading any other resource.
        let types: &[&str] = if of_type { &["DiagnosticReport", "Patient", "AuditEvent"] } else { &["*"] };
        for resource_type in types {
            let mut path = route.path.replace("{type}", resource_type);
            for (parameter, value) in PARAMETERS {
                path = path.replace(parameter, value);
            }
            assert!(!path.contains('{'), "{path} has a parameter that this test does not know");
            calls.push(Call { route: route.clone(), resource_type, path });
        }
    }
    calls
}

impl Call {
    /// Whether any token of the role comes in, and what the request holds is decided part by part.
    fn is_of_parts(&self) -> bool {
        self.route.operation.need() == Need::Parts
    }

    fn is_open(&self) -> bool {
        self.route.operation.is_public()
    }

    /// What the table of operations says.
    fn is_granted(&self, role: Role) -> bool {
        let request = RequestId::parse("test").expect("valid");
        let mut actor = Actor::system(TenantId::default_tenant(), "test", request).with_roles(&[role]);
        actor.principal = Principal::User { id: UserId::parse("someone").expect("valid"), name: None };
        matches!(decide_type(&actor, self.route.operation, self.resource_type), Decision::Allow(_))
    }

    /// The scope without which a narrowed token is refused, if there is one that helps.
    fn needed_scope(&self) -> Option<String> {
        // The audit log has one operation, whichever door is used.
        let reads = [Operation::FhirRead, Operation::FhirSearch, Operation::FhirHistory, Operation::FhirHistoryAll];
        let of_audit = self.resource_type == "AuditEvent" && reads.contains(&self.route.operation);
        let need = if of_audit { Operation::AuditRead.need() } else { self.route.operation.need() };
        match need {
            Need::Public | Need::WholeToken | Need::Parts => None,
            Need::Scope(name, permission) => Some(format!("user/{name}.{}", permission.letter())),
            Need::ScopeOfNamedType(permission) => Some(format!("user/{}.{}", self.resource_type, permission.letter())),
        }
    }

    async fn of(&self, client: &Client) -> Answer {
        client.send(self.route.method.as_str(), &self.path, &[], b"").await
    }

    fn name(&self) -> String {
        format!("{} {}", self.route.method, self.path)
    }
}

async fn a_role_opens_what_the_table_says_and_nothing_else(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let mut clients = Vec::new();
    for role in Role::ALL {
        clients.push((role, gateway.role(role).await));
    }
    let before = gateway.rows().await;
    let (mut refused, mut let_in) = (0, Vec::new());
    for (role, client) in clients {
        for call in calls() {
            if call.is_granted(role) {
                let_in.push((role, client.clone(), call));
                continue;
            }
            let answer = call.of(&client).await;
            assert_eq!(answer.status, 403, "{role}: {}: {}", call.name(), answer.text());
            assert_eq!(answer.must("www-authenticate"), "Bearer realm=\"causeway\", error=\"insufficient_scope\"");
            refused += 1;
        }
    }
    assert_eq!(gateway.rows().await, before, "what is refused changes nothing");
    assert!(refused > 50 && let_in.len() > 50, "{refused} refused, {} let in", let_in.len());
    for (role, client, call) in let_in {
        let answer = call.of(&client).await;
        assert!(
            !matches!(answer.status, 401 | 403) && answer.status < 500,
            "{role}: {}: {}",
            call.name(),
            answer.text()
        );
    }
}

async fn without_a_token_only_open_routes_answer(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let north = gateway.add_tenant("north").await;
    let before = gateway.rows().await;
    for (client, is_root) in [(gateway.nobody(), true), (gateway.bearer(&north, None), false)] {
        for call in calls() {
            let answer = call.of(&client).await;
            if call.route.is_of_server && !is_root {
                assert_eq!(answer.status, 404, "{}: {}", call.name(), answer.text());
                continue;
            }
            if call.is_open() {
                assert!(!matches!(answer.status, 401 | 403), "{}: {}", call.name(), answer.text());
                continue;
            }
            assert_eq!(answer.status, 401, "{}: {}", call.name(), answer.text());
            // RFC 6750 §3: who has shown nothing is told no error.
            assert_eq!(answer.must("www-authenticate"), "Bearer realm=\"causeway\"");
            if call.route.method == "GET" {
                let head = client.send("HEAD", &call.path, &[], b"").await;
                assert_eq!(head.status, 401, "HEAD {}", call.path);
            }
        }
    }
    assert_eq!(gateway.rows().await, before, "what is refused changes nothing");
}

async fn a_narrowed_token_opens_what_its_scope_covers(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let tenant = TenantId::default_tenant();
    let narrowed = async |scope: &str| {
        let all = token("everything", &Role::ALL);
        gateway.client(&tenant, TokenRequest { scope: Some(scope.to_owned()), ..all }).await
    };
    let too_small = narrowed("user/Basic.cruds openid").await;
    let wrong_context = narrowed("system/*.cruds system/AuditEvent.r system/Endpoint.cruds patient/*.cruds").await;
    let before = gateway.rows().await;
    for call in calls().iter().filter(|call| !call.is_open() && !call.is_of_parts()) {
        let challenge = match call.needed_scope() {
            Some(scope) => format!("Bearer realm=\"causeway\", error=\"insufficient_scope\", scope=\"{scope}\""),
            None => "Bearer realm=\"causeway\", error=\"insufficient_scope\"".to_owned(),
        };
        for client in [&too_small, &wrong_context] {
            let answer = call.of(client).await;
            assert_eq!(answer.status, 403, "{}: {}", call.name(), answer.text());
            assert_eq!(answer.must("www-authenticate"), challenge, "{}", call.name());
        }
    }
    assert_eq!(gateway.rows().await, before, "what is refused changes nothing");
    for call in calls().iter().filter(|call| !call.is_open()) {
        let Some(scope) = call.needed_scope() else { continue };
        let answer = call.of(&narrowed(&scope).await).await;
        assert!(!matches!(answer.status, 401 | 403), "{} with {scope}: {}", call.name(), answer.text());
    }
}

const PARAMETERS: &[(&str, &str)] = &[
    ("{member}", "Patient"),
    ("{study}", "1.2.3"),
    ("{series}", "1.2.3.4"),
    ("{instance}", "1.2.3.4.5"),
    ("{frames}", "1"),
    ("{way:.*}", "7FE00010"),
    ("{id}", "nothing-has-this-id"),
    ("{exportId}", "nothing-has-this-id"),
    ("{version}", "1"),
    ("{form}", "pdf"),
    ("{name}", "no-such-peer"),
    ("{path:.*}", "tools/find"),
    ("{jti}", "nothing-has-this-id"),
];
