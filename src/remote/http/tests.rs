use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::base::{FixedClock, PeerName, Retry, Timestamp};
use crate::remote::peer::Timeouts;
use crate::remote::testing::{CLIENT, Reply, Server, clock, tls_settings};
use crate::remote::tls::TlsSettings;

async fn get(settings: &PeerSettings, limit: usize) -> Result<Answer, HttpError> {
    let peer = HttpPeer::new(settings, settings.kind, clock()).await?;
    peer.send(&Outgoing::get(peer.url(&["x"]), "application/json", limit)).await
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let clock = FixedClock::at(Timestamp::parse("2026-02-03T04:05:06Z").expect("valid"));
    assert_eq!(wait("120", &clock), Some(Duration::from_mins(2)));
    assert_eq!(wait("Tue, 03 Feb 2026 04:06:06 GMT", &clock), Some(Duration::from_mins(1)));
    assert_eq!(wait("Mon, 02 Feb 2026 04:06:06 GMT", &clock), Some(Duration::ZERO));
    assert_eq!(wait("9999999999", &clock), Some(Duration::from_hours(24)));
    assert_eq!(wait("soon", &clock), None);
}

#[tokio::test]
async fn segments_cannot_leave_the_base() {
    let server = Server::start(|_| Reply::new(200, "")).await;
    let peer = HttpPeer::new(&server.settings(PeerKind::Orthanc), PeerKind::Orthanc, clock()).await.expect("settings");
    assert_eq!(peer.url(&["a/b", "c?d#e"]).path(), "/base/a%2Fb/c%3Fd%23e");
    assert_eq!(peer.url(&[]).path(), "/base");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = Server::start(|_| Reply::new(200, "taken")).await;
    let to = other.url.to_string();
    let server = Server::start(move |_| Reply::new(307, "").with("Location", to.clone())).await;
    let answer = get(&server.settings(PeerKind::Fhir), 10).await.expect("answers");
    assert_eq!(answer.status, 307);
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn an_answer_has_a_greatest_length() {
    let server = Server::start(|_| Reply::new(200, vec![b'x'; 1000])).await;
    let settings = server.settings(PeerKind::Fhir);
    assert_eq!(get(&settings, 1000).await.expect("fits").body.len(), 1000);
    let error = get(&settings, 999).await.expect_err("too long");
    assert!(matches!(error, HttpError::TooLarge { limit: 999 }));
    assert_eq!(error.retry(), Retry::Never);
}

/// A server that writes `first`, and then `more` for as long as it is read, or nothing.
async fn endless(first: &'static [u8], more: Option<Vec<u8>>) -> PeerSettings {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("binds");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.read(&mut [0; 1024]).await;
            let _ = socket.write_all(first).await;
            while let Some(more) = &more {
                if socket.write_all(more).await.is_err() {
                    break;
                }
            }
            tokio::time::sleep(Duration::from_secs(30)).await;
        }
    });
    let url = Url::parse(&format!("http://127.0.0.1:{port}/")).expect("a URL");
    let timeouts = Timeouts { response_seconds: 1, total_seconds: 60, ..Timeouts::default() };
    PeerSettings { timeouts, ..PeerSettings::http(PeerName::parse("peer").expect("valid"), PeerKind::Fhir, url) }
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let chunk = [b"1000\r\n".as_slice(), &[b'x'; 4096], b"\r\n"].concat();
    let settings = endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Some(chunk)).await;
    let error = get(&settings, 1 << 16).await.expect_err("too long");
    assert!(matches!(error, HttpError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn a_silent_server_is_left() {
    for first in [b"".as_slice(), b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123"] {
        let error = get(&endless(first, None).await, 100).await.expect_err("no answer");
        assert!(matches!(error, HttpError::Timeout), "{error}");
        assert_eq!(error.retry(), Retry::Backoff);
    }
}

#[tokio::test]
async fn nobody_there_is_said_without_the_address() {
    let url = {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("binds");
        Url::parse(&format!("http://{}/patient/smith", listener.local_addr().expect("bound"))).expect("a URL")
    };
    let settings = PeerSettings::http(PeerName::parse("peer").expect("valid"), PeerKind::Fhir, url);
    let error = get(&settings, 100).await.expect_err("nobody there");
    assert!(matches!(error, HttpError::Connect(_)), "{error}");
    assert!(!format!("{error} {error:?}").contains("smith"));
}

#[tokio::test]
async fn https_verifies_the_peer_and_shows_our_certificate() {
    let server = Server::start_tls(|_| Reply::new(200, "ok")).await;
    let with = |tls: TlsSettings| PeerSettings { tls: Some(tls), ..server.settings(PeerKind::Fhir) };
    assert_eq!(get(&with(tls_settings()), 10).await.expect("answers").body.as_ref(), b"ok");
    let other_authority = TlsSettings { ca_pem: Some(CLIENT.to_owned()), ..tls_settings() };
    let error = get(&with(other_authority), 10).await.expect_err("unknown authority");
    assert!(matches!(&error, HttpError::Connect(detail) if detail.contains("certificate")), "{error}");
    let anonymous = TlsSettings { client_certificate_pem: None, client_key_pem: None, ..tls_settings() };
    get(&with(anonymous), 10).await.expect_err("no certificate of ours");
}
