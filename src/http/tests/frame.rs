use super::*;

#[tokio::test]
async fn the_server_says_whether_it_lives_and_can_serve() {
    let kit = Kit::start(EdgeSettings::default());
    assert_eq!(kit.get("/health/live").await.status, 200);
    let ready = kit.get("/health/ready").await;
    assert_eq!((ready.status, ready.json().text_at(&["parts", "database"])), (200, Some("up")));

    let sick = House { key: SigningKey::generate().expect("random"), ready: false, refusals: Mutex::default() };
    let kit = Kit::start_with(Arc::new(sick), EdgeSettings::default(), &ServerSettings::default(), server_routes());
    assert_eq!(kit.get("/health/live").await.status, 200);
    let ready = kit.get("/health/ready").await;
    assert_eq!((ready.status, ready.json().text_at(&["parts", "database"])), (503, Some("down")));
}

#[tokio::test]
async fn figures_are_for_those_who_run_the_server_and_at_the_root_only() {
    let kit = Kit::start(EdgeSettings::default());
    assert_eq!(kit.get("/metrics").await.status, 401);
    assert_eq!(kit.get_with("/metrics", &kit.house.radiologist(), "").await.status, 403);
    let admin = kit.house.token(&House::claims("default", &[Role::Admin], None));
    let figures = kit.get_with("/metrics", &admin, "").await;
    assert_eq!((figures.status, figures.text().as_str()), (200, "# TYPE up gauge\nup 1\n"));
    let other = kit.house.token(&House::claims("north", &[Role::Admin], None));
    assert_eq!(kit.get_with("/t/north/metrics", &other, "").await.status, 404);
    assert_eq!(kit.get_with("/metrics", &other, "").await.status, 401);
}

#[tokio::test]
async fn the_id_of_a_request_is_kept_if_it_is_fit_and_made_if_not() {
    let kit = Kit::start(EdgeSettings::default());
    let kept = kit.ask("GET /health/live HTTP/1.1\r\nX-Request-Id: order-7.a_b", b"").await;
    assert_eq!(kept.header("x-request-id"), Some("order-7.a_b"));
    let long = "a".repeat(65);
    for bad in ["a b", "a;b", "", long.as_str(), "x\r\nX-Request-Id: y"] {
        let made = kit.ask(&format!("GET /nothing HTTP/1.1\r\nX-Request-Id: {bad}"), b"").await;
        let id = made.header("x-request-id").expect("an id").to_owned();
        assert_eq!(id.len(), 32, "{bad}");
        assert_eq!(made.json().text_at(&["requestId"]), Some(id.as_str()));
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_form_of_the_path() {
    let kit = Kit::start(EdgeSettings::default());
    for (path, media_type, place, value) in [
        ("/api/nothing", "application/problem+json", "code", "not-found"),
        ("/", "application/problem+json", "code", "not-found"),
        ("/fhir/r4/a/b/c", "application/fhir+json; charset=utf-8", "resourceType", "OperationOutcome"),
        ("/oauth/nothing", "application/json", "error", "invalid_request"),
        ("/t/north/fhir/r4/a/b/c", "application/fhir+json; charset=utf-8", "resourceType", "OperationOutcome"),
        ("/t/south/fhir/r4/metadata", "application/fhir+json; charset=utf-8", "resourceType", "OperationOutcome"),
    ] {
        let answer = kit.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (404, Some(media_type)), "{path}");
        assert_eq!(answer.json().text_at(&[place]), Some(value), "{path}");
    }
}

#[tokio::test]
async fn other_methods_are_told_which_there_are() {
    let kit = Kit::start(EdgeSettings::default());
    for method in ["DELETE", "PATCH", "TRACE", "BREW"] {
        let answer = kit.ask(&format!("{method} /api/reports/1 HTTP/1.1"), b"").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, PUT, HEAD, OPTIONS")), "{method}");
        assert_eq!(answer.json().text_at(&["code"]), Some("method-not-allowed"));
    }
    let answer = kit.ask("POST /fhir/r4/metadata HTTP/1.1\r\nContent-Length: 0", b"").await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    assert_eq!(answer.json().text_at(&["issue", "0", "code"]), Some("not-supported"));
    let options = kit.ask("OPTIONS /api/reports HTTP/1.1", b"").await;
    assert_eq!((options.status, options.header("allow")), (204, Some("POST, OPTIONS")));
}

#[tokio::test]
async fn head_is_wherever_get_is_and_has_no_body() {
    let kit = Kit::start(EdgeSettings::default());
    let token = kit.house.radiologist();
    for path in ["/health/live", "/fhir/r4/metadata", "/api/reports/1", "/api/file", "/api/long"] {
        let got = kit.get_with(path, &token, "").await;
        let head = kit.ask(&format!("HEAD {path} HTTP/1.1\r\nAuthorization: Bearer {token}"), b"").await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-length"), got.header("content-length"), "{path}");
        assert_eq!(head.header("content-type"), got.header("content-type"), "{path}");
    }
    let absent = kit.ask(&format!("HEAD /api/reports/absent HTTP/1.1\r\nAuthorization: Bearer {token}"), b"").await;
    assert_eq!((absent.status, absent.body.len()), (404, 0));
}

#[tokio::test]
async fn every_answer_is_kept_from_caches_frames_and_guesses() {
    let kit = Kit::start(EdgeSettings { is_https: true, ..EdgeSettings::default() });
    let token = kit.house.radiologist();
    for path in ["/health/live", "/nothing", "/api/reports/1", "/api/reports/absent", "/fhir/r4/metadata"] {
        let answer = kit.get_with(path, &token, "").await;
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cross-origin-resource-policy", "same-origin"),
            ("strict-transport-security", "max-age=63072000"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        assert!(
            answer.header("content-security-policy").is_some_and(|policy| policy.starts_with("default-src 'none'"))
        );
        assert!(answer.headers["vary"].iter().any(|value| value == "Authorization, Accept, Origin"), "{path}");
        assert_eq!(answer.header("content-encoding"), None, "{path}");
        assert_eq!(answer.header("server"), None);
    }
}

#[tokio::test]
async fn a_handler_that_panics_costs_one_answer_and_tells_nothing() {
    let kit = Kit::start(EdgeSettings::default());
    let token = kit.house.radiologist();
    for _ in 0..3 {
        let answer = kit.get_with("/api/reports/panic", &token, "").await;
        assert_eq!((answer.status, answer.json().text_at(&["code"])), (500, Some("fault")));
        assert!(!answer.text().contains("Doe"));
    }
    assert_eq!(kit.get("/health/live").await.status, 200);
}

#[tokio::test]
async fn too_many_requests_from_an_address_or_a_user_are_told_when_to_come_again() {
    let kit = Kit::start(EdgeSettings { address_rate: Some(Rate::new(1, 3)), ..EdgeSettings::default() });
    for _ in 0..3 {
        assert_eq!(kit.get("/health/live").await.status, 200);
    }
    let early = kit.get("/fhir/r4/metadata").await;
    assert_eq!((early.status, early.header("retry-after")), (429, Some("1")));
    assert_eq!(early.json().text_at(&["issue", "0", "code"]), Some("throttled"));

    let kit = Kit::start(EdgeSettings { user_rate: Some(Rate::new(1, 2)), ..EdgeSettings::default() });
    let jones = kit.house.radiologist();
    let mut smith = House::claims("default", &[Role::Radiologist], None);
    smith.subject = UserId::parse("smith").expect("valid");
    let smith = kit.house.token(&smith);
    for _ in 0..2 {
        assert_eq!(kit.get_with("/api/reports/1", &jones, "").await.status, 200);
    }
    assert_eq!(kit.get_with("/api/reports/1", &jones, "").await.status, 429);
    assert_eq!(kit.get_with("/api/reports/1", &smith, "").await.status, 200, "another user's bucket");
}

#[tokio::test]
async fn long_answers_are_packed_for_those_who_take_it() {
    let kit = Kit::start(EdgeSettings::default());
    let token = kit.house.radiologist();
    let packed = kit.get_with("/api/long", &token, "\r\nAccept-Encoding: gzip").await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() < 5_000 && packed.body.starts_with(&[0x1f, 0x8b]));
    for (path, accepted) in [("/api/long", "identity"), ("/api/reports/1", "gzip"), ("/api/file", "gzip")] {
        let plain = kit.get_with(path, &token, &format!("\r\nAccept-Encoding: {accepted}")).await;
        assert_eq!((plain.status, plain.header("content-encoding")), (200, None), "{path} {accepted}");
    }
    let none = kit.get_with("/api/long", &token, "\r\nAccept-Encoding: identity;q=0, *;q=0").await;
    assert_eq!((none.status, none.header("content-type")), (406, Some(PROBLEM_JSON)));
}

#[tokio::test]
async fn other_origins_read_answers_only_where_they_are_configured() {
    let kit = Kit::start(EdgeSettings::default());
    let answer = kit.ask("GET /health/live HTTP/1.1\r\nOrigin: https://viewer.example", b"").await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let preflight = "OPTIONS /api/reports HTTP/1.1\r\nAccess-Control-Request-Method: POST\r\nOrigin: ";
    let answer = kit.ask(&format!("{preflight}https://viewer.example"), b"").await;
    assert_eq!(answer.header("access-control-allow-origin"), None);

    let origins = vec!["https://viewer.example".to_owned()];
    let kit = Kit::start(EdgeSettings { allowed_origins: origins, ..EdgeSettings::default() });
    let answer = kit.ask(&format!("{preflight}https://viewer.example"), b"").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("https://viewer.example")));
    assert!(answer.header("access-control-allow-headers").is_some_and(|value| value.contains("If-Match")));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    let answer = kit.ask(&format!("{preflight}https://attacker.example"), b"").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, None));
    assert_eq!(answer.header("access-control-allow-methods"), None);
    for (path, status) in [("/api/reports/1", 401), ("/nothing", 404)] {
        let answer = kit.ask(&format!("GET {path} HTTP/1.1\r\nOrigin: https://viewer.example"), b"").await;
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (status, Some("https://viewer.example"))
        );
    }
    let open = kit.ask("GET /fhir/r4/metadata HTTP/1.1\r\nOrigin: https://anyone.example", b"").await;
    assert_eq!(open.header("access-control-allow-origin"), Some("*"));
    let closed = kit.ask("GET /health/live HTTP/1.1\r\nOrigin: null", b"").await;
    assert_eq!(closed.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn a_server_that_stops_finishes_what_it_began() {
    let kit = Kit::start(EdgeSettings::default());
    let token = kit.house.radiologist();
    let Kit { server, address, .. } = kit;
    let mut connection = TcpStream::connect(address).await.expect("connects");
    let request =
        format!("GET /api/long HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n");
    connection.write_all(request.as_bytes()).await.expect("written");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (answer, stopped) = tokio::join!(read_answer(&mut connection), server.stop());
    stopped.expect("stops");
    assert_eq!(answer.expect("an answer").body.len(), 100_002);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_server_that_stops_ends_its_event_streams() {
    let kit = Kit::start(EdgeSettings::default());
    let token = kit.house.radiologist();
    let Kit { server, address, .. } = kit;
    let mut connection = TcpStream::connect(address).await.expect("connects");
    let request = format!(
        "GET /api/events HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).await.expect("written");
    let mut buffer = [0; 4096];
    let read = connection.read(&mut buffer).await.expect("read");
    let head = String::from_utf8_lossy(&buffer[..read]).to_ascii_lowercase();
    assert!(head.contains("content-type: text/event-stream") && !head.contains("content-encoding"), "{head}");
    let stopping = tokio::time::timeout(Duration::from_secs(5), server.stop()).await.expect("in time");
    stopping.expect("stops");
}
