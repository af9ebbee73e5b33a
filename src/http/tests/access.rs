use super::*;
use crate::access::{Decision, decide};

#[tokio::test]
async fn who_shows_no_token_is_asked_for_one_without_an_error_code() {
    let kit = Kit::start(EdgeSettings::default());
    for more in ["", "\r\nAuthorization: Basic dXNlcjpwdw==", "\r\nCookie: access_token=x"] {
        let answer = kit.ask(&format!("GET /fhir/r4/Patient/1 HTTP/1.1{more}"), b"").await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer realm=\"causeway\"")));
        assert_eq!(answer.json().text_at(&["issue", "0", "code"]), Some("login"));
    }
    assert!(kit.house.refusals.lock().expect("not poisoned").is_empty());
}

#[tokio::test]
async fn a_token_that_does_not_hold_is_refused_and_recorded() {
    let kit = Kit::start(EdgeSettings::default());
    let claims = House::claims("default", &[Role::Radiologist], None);
    let expired = Claims { expires_at: NOW.plus_seconds(-600), ..claims.clone() };
    let revoked = Claims { token_id: TokenId::parse("revoked").expect("valid"), ..claims.clone() };
    let foreign = House::claims("north", &[Role::Radiologist], None);
    let answer = kit.get_with("/fhir/r4/Patient/1", &kit.house.token(&expired), "").await;
    assert_eq!((answer.status, answer.json().text_at(&["issue", "0", "code"])), (401, Some("expired")));
    let challenge = answer.header("www-authenticate").expect("a challenge");
    assert!(challenge.starts_with("Bearer realm=\"causeway\", error=\"invalid_token\", error_description="));
    for token in ["x".to_owned(), House::new().radiologist(), kit.house.token(&revoked), kit.house.token(&foreign)] {
        let answer = kit.get_with("/api/reports/1", &token, "").await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"causeway\", error=\"invalid_token\""));
        assert_eq!(answer.json().text_at(&["code"]), Some("unauthenticated"));
    }
    let refusals = kit.house.refusals.lock().expect("not poisoned").clone();
    assert_eq!(
        refusals,
        [
            "default fhir.read token has expired",
            "default report.read token is not a compact JWS",
            "default report.read token key is not known",
            "default report.read token was revoked",
            "default report.read token is of another tenant",
        ]
    );
    let unavailable = kit.get_with("/api/reports/1", "unavailable", "").await;
    assert_eq!((unavailable.status, unavailable.header("retry-after")), (503, Some("5")));
}

#[tokio::test]
async fn credentials_that_are_doubled_misplaced_or_malformed_are_an_error() {
    let kit = Kit::start(EdgeSettings::default());
    let token = kit.house.radiologist();
    let twice = format!("\r\nAuthorization: Bearer {token}\r\nAuthorization: Bearer {token}");
    let both = format!("\r\nAuthorization: Bearer {token}\r\nAuthorization: Basic eDp5");
    let one = format!("\r\nAuthorization: Bearer {token}");
    for (query, more) in [
        ("", twice.as_str()),
        ("", both.as_str()),
        ("", "\r\nAuthorization: Bearer"),
        ("", "\r\nAuthorization: Bearer a b"),
        ("?access_token=x", one.as_str()),
        ("?access_token=x", ""),
    ] {
        let answer = kit.ask(&format!("GET /api/reports/1{query} HTTP/1.1{more}"), b"").await;
        assert_eq!(answer.status, 400, "{query} {more}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"causeway\", error=\"invalid_request\""));
    }
}

#[tokio::test]
async fn who_may_not_is_told_which_scope_is_missing_and_recorded() {
    let kit = Kit::start(EdgeSettings::default());
    let narrowed = kit.house.token(&House::claims("default", &[Role::Radiologist], Some("user/Patient.r openid")));
    assert_eq!(kit.get_with("/fhir/r4/Patient/1", &narrowed, "").await.status, 200);
    let answer = kit.get_with("/fhir/r4/Observation/1", &narrowed, "").await;
    assert_eq!((answer.status, answer.json().text_at(&["issue", "0", "code"])), (403, Some("forbidden")));
    let challenge = "Bearer realm=\"causeway\", error=\"insufficient_scope\", scope=\"user/Observation.r\"";
    assert_eq!(answer.header("www-authenticate"), Some(challenge));
    let forged = kit.get_with("/fhir/r4/A%22%0d%0aX:%20y/1", &narrowed, "").await;
    assert_eq!((forged.status, forged.header("x")), (403, None));

    let auditor = kit.house.token(&House::claims("default", &[Role::Auditor], None));
    let answer = kit.get_with("/api/reports/1", &auditor, "").await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"causeway\", error=\"insufficient_scope\""));
    let last = kit.house.refusals.lock().expect("not poisoned").last().cloned();
    assert_eq!(last.as_deref(), Some("default report.read user:jones: no role of the actor grants it"));
}

#[tokio::test]
async fn a_refused_request_is_refused_before_its_body_is_read() {
    let kit = Kit::start(EdgeSettings::default());
    let auditor = kit.house.token(&House::claims("default", &[Role::Auditor], None));
    let head = format!("POST /api/reports HTTP/1.1\r\nAuthorization: Bearer {auditor}\r\nContent-Length: 1000");
    assert_eq!(kit.ask(&head, b"").await.status, 403);
    assert_eq!(kit.ask("POST /api/reports HTTP/1.1\r\nContent-Length: 1000", b"").await.status, 401);
}

#[tokio::test]
async fn each_tenant_has_its_own_paths_and_tokens() {
    let kit = Kit::start(EdgeSettings::default());
    let of_default = kit.house.radiologist();
    let of_north = kit.house.token(&House::claims("north", &[Role::Radiologist], None));
    for (path, token, status, body) in [
        ("/api/reports/1", &of_default, 200, "\"default\""),
        ("/t/north/api/reports/1", &of_north, 200, "\"north\""),
        ("/api/reports/1", &of_north, 401, ""),
        ("/t/north/api/reports/1", &of_default, 401, ""),
        ("/t/default/api/reports/1", &of_default, 404, ""),
        ("/t/south/api/reports/1", &of_default, 404, ""),
        ("/t/NORTH/api/reports/1", &of_north, 404, ""),
        ("/t/north%2F/api/reports/1", &of_north, 404, ""),
        ("/t//api/reports/1", &of_default, 404, ""),
    ] {
        let answer = kit.get_with(path, token, "").await;
        assert_eq!(answer.status, status, "{path}");
        assert!(body.is_empty() || answer.text() == body, "{path}");
    }
    assert_eq!(kit.get("/t/north/fhir/r4/metadata").await.text(), "\"north\"");
}

/// One route for each operation.
fn one_route_each() -> Vec<Route> {
    Operation::ALL
        .iter()
        .map(|operation| {
            let path: &'static str = Box::leak(format!("/api/op/{operation}").into_boxed_str());
            Route::get(path, *operation, || web::to(HttpResponse::NoContent))
        })
        .collect()
}

#[tokio::test]
async fn every_route_lets_in_the_roles_of_the_table_and_no_others() {
    let kit = Kit::start_with(House::new(), EdgeSettings::default(), &ServerSettings::default(), one_route_each());
    for role in Role::ALL {
        let claims = House::claims("default", &[role], None);
        let token = kit.house.token(&claims);
        let actor = claims.to_actor(crate::access::RequestId::parse("r").expect("valid"), None);
        for operation in Operation::ALL {
            let allowed = matches!(decide(&actor, *operation), Decision::Allow(_));
            let answer = kit.get_with(&format!("/api/op/{operation}"), &token, "").await;
            assert_eq!(answer.status, if allowed { 204 } else { 403 }, "{role} {operation}");
            let anonymous = kit.get(&format!("/api/op/{operation}")).await;
            assert_eq!(anonymous.status, if operation.is_public() { 204 } else { 401 }, "{operation}");
        }
    }
}

#[test]
fn the_table_of_routes_is_written_from_them() {
    let table = route_matrix(&server_routes());
    assert_eq!(
        table,
        "| method | path | operation | admin | radiologist | clinician | integrator | auditor |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n\
         | GET | `/health/live` | `health.read` | open | open | open | open | open |\n\
         | GET | `/health/ready` | `health.read` | open | open | open | open | open |\n\
         | GET | `/metrics` | `metrics.read` | yes | - | - | yes | - |\n"
    );
}
