use std::time::Instant;

use super::*;

/// The framework's clock ticks twice a second: shorter times than these would be lost in it.
fn impatient() -> ServerSettings {
    ServerSettings {
        head_timeout: Duration::from_secs(1),
        keep_alive: Duration::from_millis(1500),
        stall_timeout: Duration::from_millis(800),
        ..ServerSettings::default()
    }
}

fn impatient_kit() -> Kit {
    Kit::start_with(House::new(), EdgeSettings::default(), &impatient(), test_routes())
}

/// Everything until the server closes, and how long that took; `None` if it did not within ten seconds.
async fn until_closed(connection: &mut TcpStream) -> Option<(Vec<u8>, Duration)> {
    let start = Instant::now();
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), connection.read_to_end(&mut bytes)).await.ok()?;
    read.ok();
    Some((bytes, start.elapsed()))
}

#[tokio::test]
async fn a_head_that_comes_slowly_is_cut_off() {
    let kit = impatient_kit();
    let mut connection = TcpStream::connect(kit.address).await.expect("connects");
    connection.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-A: ").await.expect("written");
    let (answer, took) = until_closed(&mut connection).await.expect("closed");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(answer.is_empty() || parse_answer(&answer).is_some_and(|answer| answer.status == 408));
}

#[tokio::test]
async fn a_second_head_that_comes_byte_by_byte_is_cut_off() {
    let kit = impatient_kit();
    let connection = TcpStream::connect(kit.address).await.expect("connects");
    let (mut reading, mut writing) = connection.into_split();
    writing.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("written");
    let dripping = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if writing.write_all(b"G").await.is_err() {
                return;
            }
        }
    });
    let start = Instant::now();
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(9), reading.read_to_end(&mut bytes)).await;
    dripping.abort();
    assert!(read.is_ok(), "the connection was held");
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    assert!(bytes.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn a_connection_that_rests_is_closed_and_one_that_works_is_not() {
    let kit = impatient_kit();
    let mut connection = TcpStream::connect(kit.address).await.expect("connects");
    for _ in 0..10 {
        connection.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("written");
        assert_eq!(read_answer(&mut connection).await.expect("an answer").status, 200);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let (_, took) = until_closed(&mut connection).await.expect("closed");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_let_go() {
    let kit = impatient_kit();
    let mut connection = TcpStream::connect(kit.address).await.expect("connects");
    let token = kit.house.radiologist();
    let request = format!("GET /api/endless HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
    connection.write_all(request.as_bytes()).await.expect("written");
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (bytes, _) = until_closed(&mut connection).await.expect("closed");
    assert!(bytes.len() < 512 * 1024 * 1024, "{} bytes", bytes.len());
}

#[tokio::test]
async fn a_client_that_takes_its_answer_slowly_gets_all_of_it() {
    let kit = impatient_kit();
    let mut connection = TcpStream::connect(kit.address).await.expect("connects");
    let token = kit.house.radiologist();
    let request = format!("GET /api/endless HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
    connection.write_all(request.as_bytes()).await.expect("written");
    let mut buffer = vec![0; 8 * 1024 * 1024];
    let start = Instant::now();
    let mut total = 0;
    while start.elapsed() < Duration::from_secs(2) {
        let read = connection.read(&mut buffer).await.expect("still open");
        assert!(read > 0, "cut off after {total} bytes");
        total += read;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn header_fields_and_urls_that_are_too_long_are_refused_in_form() {
    let kit = Kit::start(EdgeSettings::default());
    let long = "a".repeat(20 * 1024);
    let answer = kit.get(&format!("/fhir/r4/Patient?x={long}")).await;
    assert_eq!((answer.status, answer.json().text_at(&["issue", "0", "code"])), (414, Some("too-long")));
    let answer = kit.ask(&format!("GET /api/reports HTTP/1.1\r\nX-A: {long}\r\nX-B: {long}"), b"").await;
    assert_eq!((answer.status, answer.json().text_at(&["code"])), (431, Some("headers-too-large")));
    let huge = "a".repeat(300 * 1024);
    for head in [format!("GET /{huge} HTTP/1.1"), format!("GET / HTTP/1.1\r\nX-A: {huge}")] {
        let answer = kit.ask(&head, b"").await;
        assert!((400..500).contains(&answer.status), "{}", answer.status);
    }
    let many = "\r\nX-A: 1".repeat(200);
    let answer = kit.ask(&format!("GET /health/live HTTP/1.1{many}"), b"").await;
    assert!((400..500).contains(&answer.status), "{}", answer.status);
    assert_eq!(kit.get("/health/live").await.status, 200);
}

#[tokio::test]
async fn requests_that_two_servers_could_read_differently_are_refused() {
    let kit = Kit::start(EdgeSettings::default());
    let token = kit.house.radiologist();
    let start = format!("POST /api/raw HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n");
    let smuggled = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        "Content-Length: 5, 5\r\n\r\nabcde",
        "Content-Length: +5\r\n\r\nabcde",
        "Content-Length: -5\r\n\r\nabcde",
        "Content-Length: 0x5\r\n\r\nabcde",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "X-A: 1\r\n folded: 2\r\nContent-Length: 0\r\n\r\n",
        "Host: y\r\nContent-Length: 0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n\r\n",
    ] {
        let mut connection = TcpStream::connect(kit.address).await.expect("connects");
        connection.write_all(format!("{start}{fields}{smuggled}").as_bytes()).await.expect("written");
        let (bytes, _) = until_closed(&mut connection).await.expect("closed");
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.starts_with("HTTP/1.1 400"), "{fields:?}: {text}");
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{fields:?}: {text}");
    }
    let mut connection = TcpStream::connect(kit.address).await.expect("connects");
    connection.write_all(b"GET /health/live HTTP/1.1\r\n\r\n").await.expect("written");
    let (bytes, _) = until_closed(&mut connection).await.expect("closed");
    assert!(bytes.starts_with(b"HTTP/1.1 400"), "a request without Host");
}

#[tokio::test]
async fn what_is_not_http_is_refused_and_harms_nobody() {
    let kit = impatient_kit();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"\x00\x00\x00\x00",
        b"GET\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX\x01: y\r\n\r\n",
    ] {
        let mut connection = TcpStream::connect(kit.address).await.expect("connects");
        connection.write_all(bytes).await.expect("written");
        let (answer, _) = until_closed(&mut connection).await.expect("closed");
        let refused = parse_answer(&answer).is_none_or(|answer| (400..600).contains(&answer.status));
        assert!(refused, "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(kit.get("/health/live").await.status, 200);
}

#[tokio::test]
async fn a_short_answer_comes_in_one_piece() {
    let kit = Kit::start(EdgeSettings::default());
    let mut connection = TcpStream::connect(kit.address).await.expect("connects");
    let mut buffer = [0; 4096];
    for _ in 0..20 {
        connection.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("written");
        let read = connection.read(&mut buffer).await.expect("read");
        assert!(buffer[..read].ends_with(b"{\"status\":\"live\"}"), "{}", String::from_utf8_lossy(&buffer[..read]));
    }
}
