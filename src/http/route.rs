//! Routes as a table. Each names its operation, so that there is no route without a policy, and the table
//! of routes and roles can be written from the code.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use actix_web::guard::{self, Guard};
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::access::{Decision, Operation, Role, decide};

use super::HttpError;
use super::edge::Edge;
use super::entrance::enter;
use super::error::allow;

/// One method of one path.
#[derive(Debug, Clone)]
pub struct Route {
    /// Its method. Where GET is, HEAD is too.
    pub method: Method,
    /// Its path at the root, with parameters as `{id}`; `{type}` is the resource type that an operation is
    /// decided by.
    pub path: &'static str,
    /// What is done there; who may is decided by it.
    pub operation: Operation,
    /// Makes its handler: `|| web::to(read_report)`.
    pub handler: fn() -> actix_web::Route,
    /// Most bytes of a body, if it is not the common limit.
    pub max_body_bytes: Option<u64>,
    /// Whether it may take longer than other requests.
    pub is_unhurried: bool,
    /// Whether it speaks of the server and so exists at the root only, not for each tenant.
    pub is_of_server: bool,
    /// Whether the request goes on as a WebSocket: its frames are no body.
    pub is_socket: bool,
}

impl Route {
    /// A route with the common body limit, for each tenant.
    pub const fn new(
        method: Method,
        path: &'static str,
        operation: Operation,
        handler: fn() -> actix_web::Route,
    ) -> Self {
        Self {
            method,
            path,
            operation,
            handler,
            max_body_bytes: None,
            is_unhurried: false,
            is_of_server: false,
            is_socket: false,
        }
    }

    /// A GET (and HEAD).
    pub const fn get(path: &'static str, operation: Operation, handler: fn() -> actix_web::Route) -> Self {
        Self::new(Method::GET, path, operation, handler)
    }

    /// A POST.
    pub const fn post(path: &'static str, operation: Operation, handler: fn() -> actix_web::Route) -> Self {
        Self::new(Method::POST, path, operation, handler)
    }

    /// A PUT.
    pub const fn put(path: &'static str, operation: Operation, handler: fn() -> actix_web::Route) -> Self {
        Self::new(Method::PUT, path, operation, handler)
    }

    /// A DELETE.
    pub const fn delete(path: &'static str, operation: Operation, handler: fn() -> actix_web::Route) -> Self {
        Self::new(Method::DELETE, path, operation, handler)
    }

    /// This route, with another body limit.
    #[must_use]
    pub const fn with_max_body_bytes(mut self, max_body_bytes: u64) -> Self {
        self.max_body_bytes = Some(max_body_bytes);
        self
    }

    /// This route, with the time that looking at much takes.
    #[must_use]
    pub const fn unhurried(mut self) -> Self {
        self.is_unhurried = true;
        self
    }

    /// This route, whose request goes on as a WebSocket.
    #[must_use]
    pub const fn socket(mut self) -> Self {
        self.is_socket = true;
        self
    }

    /// This route, at the root only.
    #[must_use]
    pub const fn of_server(mut self) -> Self {
        self.is_of_server = true;
        self
    }
}

/// Puts all routes into the application: at the root for the default tenant, below `/t/{tenant}` for the
/// others. Their order in the table does not matter.
pub(super) fn mount(config: &mut web::ServiceConfig, routes: &[Route], edge: &Arc<Edge>) {
    let mut of_tenants = web::scope("/t/{tenant}");
    for (branch, routes) in by_branch(routes.iter().filter(|route| !route.is_of_server)) {
        of_tenants = of_tenants.service(scope(branch.1, &routes, edge));
    }
    config.service(of_tenants);
    for (branch, routes) in by_branch(routes.iter()) {
        config.service(scope(branch.1, &routes, edge));
    }
}

/// The routes of a branch behind one look at its prefix: the framework tries routes one after the other, and
/// most of all are of other branches.
fn scope(branch: &'static str, routes: &[&Route], edge: &Arc<Edge>) -> actix_web::Scope {
    let mut scope = web::scope(branch);
    for (path, routes) in by_path(routes.iter().copied()) {
        scope = scope.service(resource(path.0.strip_prefix(branch).unwrap_or(path.0), &routes, edge));
    }
    scope
}

/// Routes by the fixed segments that their paths begin with, two at most; the longer ones come first. A route
/// stands with the others below its own path.
fn by_branch<'a>(
    routes: impl Iterator<Item = &'a Route> + Clone,
) -> BTreeMap<(Reverse<usize>, &'static str), Vec<&'a Route>> {
    let branches: BTreeSet<&'static str> = routes.clone().map(|route| prefix(route.path)).collect();
    let mut found: BTreeMap<_, Vec<&'a Route>> = BTreeMap::new();
    for route in routes {
        let own = if branches.contains(route.path) { route.path } else { prefix(route.path) };
        found.entry((Reverse(own.len()), own)).or_default().push(route);
    }
    found
}

/// The fixed segments that a path begins with, two at most and never its last one.
fn prefix(path: &'static str) -> &'static str {
    let mut end = 0;
    for _ in 0..2 {
        let Some(rest) = path.get(end + 1..) else { break };
        let Some(length) = rest.find('/') else { break };
        if rest.starts_with('{') {
            break;
        }
        end += 1 + length;
    }
    path.get(..end).unwrap_or_default()
}

/// The routes of each path, the more specific path first: that is the order in which they are tried.
fn by_path<'a>(routes: impl Iterator<Item = &'a Route>) -> BTreeMap<Specificity<'a>, Vec<&'a Route>> {
    let mut paths: BTreeMap<Specificity<'a>, Vec<&'a Route>> = BTreeMap::new();
    for route in routes {
        paths.entry(Specificity(route.path)).or_default().push(route);
    }
    paths
}

fn resource(path: &str, routes: &[&Route], edge: &Arc<Edge>) -> actix_web::Resource {
    let mut resource = web::resource(path);
    for route in routes {
        let (edge, facts) = (Arc::clone(edge), (*route).clone());
        let door = from_fn(move |request, next| enter(Arc::clone(&edge), facts.clone(), request, next));
        resource = resource.route((route.handler)().guard(OfMethod(route.method.clone())).wrap(door));
    }
    let methods: Vec<Method> = routes.iter().map(|route| route.method.clone()).collect();
    let names_its_end = routes.first().is_some_and(|route| !route.path.ends_with('}'));
    resource.default_service(web::to(move |method: Method, request: HttpRequest| {
        let is_unknown = !names_its_end && is_operation(request.path()) && method != Method::OPTIONS;
        let methods = methods.clone();
        async move { if is_unknown { Err(HttpError::no_operation()) } else { other_method(&method, methods) } }
    }))
}

/// Whether a path ends in the name of a FHIR operation. R4 operations.html#executing.
pub(super) fn is_operation(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|end| end.starts_with('$') || end.starts_with("%24"))
}

/// OPTIONS says what there is; any other method is not there.
fn other_method(method: &Method, methods: Vec<Method>) -> Result<HttpResponse, HttpError> {
    if *method != Method::OPTIONS {
        return Err(HttpError::MethodNotAllowed(methods));
    }
    let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
    if let Ok(value) = HeaderValue::from_str(&allow(&methods)) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    Ok(response)
}

/// The method of a route, and HEAD where it is GET.
struct OfMethod(Method);

impl Guard for OfMethod {
    fn check(&self, context: &guard::GuardContext<'_>) -> bool {
        let asked = &context.head().method;
        *asked == self.0 || (self.0 == Method::GET && *asked == Method::HEAD)
    }
}

/// A path ordered so that a fixed segment comes before a parameter in its place.
#[derive(Debug, PartialEq, Eq)]
struct Specificity<'a>(&'a str);

impl Ord for Specificity<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |segment: &str| match segment {
            tail if tail.starts_with('{') && tail.contains(':') => 2,
            parameter if parameter.starts_with('{') => 1,
            _ => 0,
        };
        let keys = |path: &str| -> Vec<(u8, String)> {
            path.split('/').map(|segment| (rank(segment), segment.to_owned())).collect()
        };
        keys(self.0).cmp(&keys(other.0))
    }
}

impl PartialOrd for Specificity<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The table of routes and roles, in Markdown, by the decision that each request meets.
pub fn route_matrix(routes: &[Route]) -> String {
    let mut out = String::from("| method | path | operation |");
    for role in Role::ALL {
        let _ = write!(out, " {role} |");
    }
    out.push_str("\n| --- | --- | --- |");
    out.push_str(&" --- |".repeat(Role::ALL.len()));
    out.push('\n');
    for (path, routes) in by_path(routes.iter()) {
        for route in routes {
            let _ = write!(out, "| {} | `{}` | `{}` |", route.method, path.0, route.operation);
            for role in Role::ALL {
                let _ = write!(out, " {} |", cell(route.operation, role));
            }
            out.push('\n');
        }
    }
    out
}

fn cell(operation: Operation, role: Role) -> &'static str {
    use crate::access::{Actor, Extent, Principal, RequestId, UserId};
    use crate::base::TenantId;
    if operation.is_public() {
        return "open";
    }
    let (Ok(request), Ok(id)) = (RequestId::parse("table"), UserId::parse("table")) else {
        return "-";
    };
    let mut actor = Actor::system(TenantId::default_tenant(), "table", request).with_roles(&[role]);
    actor.principal = Principal::User { id, name: None };
    match decide(&actor, operation) {
        Decision::Allow(Extent::All) => "yes",
        Decision::Allow(Extent::Own) => "own",
        Decision::Deny(_) => "-",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stands_in_the_branch_of_its_fixed_beginning() {
        assert_eq!(prefix("/fhir/r4/{type}/{id}"), "/fhir/r4");
        assert_eq!(prefix("/fhir/r4/metadata"), "/fhir/r4");
        assert_eq!(prefix("/fhir/{type}/{id}"), "/fhir");
        assert_eq!(prefix("/fhir/r4"), "/fhir");
        assert_eq!(prefix("/metrics"), "");
        let handler = || web::to(HttpResponse::Ok);
        let paths = ["/fhir/{type}", "/fhir/r4", "/metrics", "/fhir", "/fhir/r4/{type}", "/fhir/r4/"];
        let routes = paths.map(|path| Route::get(path, Operation::FhirRead, handler));
        let branches = by_branch(routes.iter());
        let found: Vec<(&str, Vec<&str>)> =
            branches.iter().map(|(key, routes)| (key.1, routes.iter().map(|route| route.path).collect())).collect();
        let expected = [
            ("/fhir/r4", vec!["/fhir/r4", "/fhir/r4/{type}", "/fhir/r4/"]),
            ("/fhir", vec!["/fhir/{type}", "/fhir"]),
            ("", vec!["/metrics"]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn fixed_paths_are_tried_before_parameters() {
        let mut paths = [
            "/api/{x:.*}",
            "/api/reports/{id}",
            "/api/reports/export/history",
            "/api/reports",
            "/api/reports/{id}/history",
            "/api/{x}",
        ]
        .map(Specificity);
        paths.sort();
        let order = paths.map(|path| path.0);
        let place = |path: &str| order.iter().position(|each| *each == path);
        assert!(place("/api/reports/export/history") < place("/api/reports/{id}/history"));
        assert!(place("/api/reports/{id}") < place("/api/{x}"));
        assert!(place("/api/{x}") < place("/api/{x:.*}"));
    }
}
