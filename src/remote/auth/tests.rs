use std::sync::atomic::{AtomicUsize, Ordering};

use rsa::sha2::Digest as _;
use serde_json::json;

use super::*;
use crate::remote::fhir::FhirPeer;
use crate::remote::peer::{PeerKind, PeerSettings};
use crate::remote::testing::{CLIENT_KEY, Reply, Request, Server, clock};

fn client_credentials(server: &Server, secret: Option<&str>, key: Option<&str>) -> Auth {
    Auth::ClientCredentials {
        token_url: server.url.join("/token").expect("a URL"),
        client_id: "gate way".to_owned(),
        client_secret: secret.map(Secret::new),
        private_key_pem: key.map(Secret::new),
        key_id: key.map(|_| "k1".to_owned()),
        scopes: vec!["system/*.cud".to_owned(), "system/Patient.rs".to_owned()],
    }
}

async fn peer(server: &Server, auth: Auth) -> FhirPeer {
    let settings = PeerSettings { auth, ..server.settings(PeerKind::Fhir) };
    FhirPeer::new(&settings, clock()).await.expect("good settings")
}

fn statement() -> Reply {
    Reply::json(200, &json!({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}))
}

fn token(value: &str, expires_in: u64) -> Reply {
    Reply::json(200, &json!({"access_token": value, "token_type": "Bearer", "expires_in": expires_in}))
}

fn authorizations(server: &Server) -> Vec<String> {
    let resources = server.requests().into_iter().filter(|request| request.target != "/token");
    resources.map(|request| request.header("authorization").unwrap_or("none").to_owned()).collect()
}

#[tokio::test]
async fn fixed_credentials_go_into_the_header() {
    let server = Server::start(|_| statement()).await;
    let basic = Auth::Basic { username: "a".to_owned(), password: Secret::new("pä:ss") };
    let bearer = Auth::Bearer { token: Secret::new("abc.def") };
    for auth in [Auth::None, basic, bearer] {
        peer(&server, auth).await.metadata().await.expect("answers");
    }
    assert_eq!(authorizations(&server), ["none", "Basic YTpww6Q6c3M=", "Bearer abc.def"]);
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_used_until_it_ends() {
    let server = Server::start(|request| match request.target.as_str() {
        "/token" => token("t1", 300),
        _ => statement(),
    })
    .await;
    let peer = peer(&server, client_credentials(&server, Some("s+/ cret"), None)).await;
    for _ in 0..3 {
        peer.metadata().await.expect("answers");
    }
    assert_eq!(authorizations(&server), ["Bearer t1"; 3]);
    let requests = server.requests();
    let asked: Vec<_> = requests.iter().filter(|request| request.target == "/token").collect();
    assert_eq!(asked.len(), 1);
    // RFC 6749 §2.3.1: id and secret are form-encoded before they are joined.
    let expected = STANDARD.encode("gate+way:s%2B%2F+cret");
    assert_eq!(asked[0].header("authorization"), Some(format!("Basic {expected}").as_str()));
    assert_eq!(asked[0].text(), "grant_type=client_credentials&scope=system%2F*.cud+system%2FPatient.rs");
}

#[tokio::test]
async fn a_token_that_ends_at_once_is_not_kept() {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |request| match request.target.as_str() {
        "/token" => token(&format!("t{}", count.fetch_add(1, Ordering::SeqCst)), 10),
        _ => statement(),
    })
    .await;
    let peer = peer(&server, client_credentials(&server, Some("s"), None)).await;
    peer.metadata().await.expect("answers");
    peer.metadata().await.expect("answers");
    assert_eq!(authorizations(&server), ["Bearer t0", "Bearer t1"]);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |request: &Request| match request.target.as_str() {
        "/token" => token(&format!("t{}", count.fetch_add(1, Ordering::SeqCst)), 300),
        _ if request.header("authorization") == Some("Bearer t1") => statement(),
        _ => Reply::new(401, ""),
    })
    .await;
    let peer = peer(&server, client_credentials(&server, Some("s"), None)).await;
    peer.metadata().await.expect("answers with the second token");
    assert_eq!(authorizations(&server), ["Bearer t0", "Bearer t1"]);
    let never = Server::start(|request| match request.target.as_str() {
        "/token" => token("t", 300),
        _ => Reply::new(401, ""),
    })
    .await;
    let peer = self::peer(&never, client_credentials(&never, Some("s"), None)).await;
    let error = peer.metadata().await.expect_err("refused");
    assert!(matches!(error, HttpError::Status { status: 401, .. }));
    assert_eq!(authorizations(&never).len(), 2);
}

#[tokio::test]
async fn a_signed_assertion_stands_for_the_secret() {
    let server = Server::start(|request| match request.target.as_str() {
        "/token" => token("t1", 300),
        _ => statement(),
    })
    .await;
    peer(&server, client_credentials(&server, None, Some(CLIENT_KEY))).await.metadata().await.expect("answers");
    let requests = server.requests();
    let asked = requests.iter().find(|request| request.target == "/token").expect("asked");
    assert_eq!(asked.header("authorization"), None);
    let form: std::collections::HashMap<_, _> =
        url::form_urlencoded::parse(&asked.body).map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
    assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let header = jsonwebtoken::decode_header(&form["client_assertion"]).expect("a JWT");
    assert_eq!((header.alg, header.kid.as_deref()), (Algorithm::ES256, Some("k1")));
    let claims = form["client_assertion"].split('.').nth(1).expect("three parts");
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).expect("base64");
    let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
    assert_eq!(claims["iss"], "gate way");
    assert_eq!(claims["aud"], server.url.join("/token").expect("a URL").as_str());
    assert_eq!(claims["exp"].as_i64().expect("a number") - claims["iat"].as_i64().expect("a number"), 240);
}

#[tokio::test]
async fn a_refusing_authorization_server_is_told_from_a_broken_one() {
    let error_of = async |reply: Reply| {
        let server = Server::start(move |_| reply.clone()).await;
        peer(&server, client_credentials(&server, Some("hidden"), None)).await.metadata().await.expect_err("no token")
    };
    let refused = error_of(Reply::json(401, &json!({"error": "invalid_client", "error_description": "x"}))).await;
    assert_eq!(refused.to_string(), "no access token: authorization server answered invalid_client");
    assert_eq!(refused.retry(), Retry::Never);
    assert_eq!(error_of(Reply::new(503, "busy")).await.retry(), Retry::Backoff);
    assert_eq!(error_of(Reply::new(200, "hello")).await.retry(), Retry::Backoff);
    let other = Reply::json(200, &json!({"access_token": "a\nb", "token_type": "Bearer"}));
    assert_eq!(error_of(other).await.retry(), Retry::Never);
}

#[tokio::test]
async fn a_key_that_cannot_sign_is_refused_at_once() {
    let server = Server::start(|_| statement()).await;
    let settings = PeerSettings {
        auth: client_credentials(&server, None, Some("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")),
        ..server.settings(PeerKind::Fhir)
    };
    let error = FhirPeer::new(&settings, clock()).await.err().expect("refused");
    assert_eq!(error.to_string(), "no access token: private key cannot sign");
}

#[tokio::test]
async fn an_rsa_key_signs_in_either_form() {
    for pem in [RSA_KEY_PKCS8, RSA_KEY_PKCS1] {
        let server = Server::start(|request| match request.target.as_str() {
            "/token" => token("t1", 300),
            _ => statement(),
        })
        .await;
        peer(&server, client_credentials(&server, None, Some(pem))).await.metadata().await.expect("answers");
        let requests = server.requests();
        let asked = requests.iter().find(|request| request.target == "/token").expect("asked");
        let form: std::collections::HashMap<_, _> = url::form_urlencoded::parse(&asked.body).collect();
        let (signed, signature) = form["client_assertion"].rsplit_once('.').expect("three parts");
        let header = jsonwebtoken::decode_header(form["client_assertion"].as_bytes()).expect("a JWT");
        assert_eq!(header.alg, Algorithm::RS384);
        let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(signature).expect("base64");
        let key = RsaPrivateKey::from_pkcs8_pem(RSA_KEY_PKCS8).expect("a key").to_public_key();
        let digest = rsa::sha2::Sha384::digest(signed);
        key.verify(rsa::Pkcs1v15Sign::new::<rsa::sha2::Sha384>(), &digest, &signature).expect("is ours");
    }
}

#[tokio::test]
async fn a_short_rsa_key_is_refused() {
    let server = Server::start(|_| statement()).await;
    let settings = PeerSettings {
        auth: client_credentials(&server, None, Some(SHORT_RSA_KEY)),
        ..server.settings(PeerKind::Fhir)
    };
    let error = FhirPeer::new(&settings, clock()).await.err().expect("refused");
    assert_eq!(error.to_string(), "no access token: private key cannot sign");
}

/// An RSA key of 2048 bits that is used nowhere else.
const RSA_KEY_PKCS8: &str = include_str!("../../../fixtures/tls/rsa-key-pkcs8.pem");
/// The same key in the older form.
const RSA_KEY_PKCS1: &str = include_str!("../../../fixtures/tls/rsa-key-pkcs1.pem");
/// An RSA key of 1024 bits.
const SHORT_RSA_KEY: &str = include_str!("../../../fixtures/tls/rsa-key-short.pem");
