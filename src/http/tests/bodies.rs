use std::io::Write as _;

use async_compression::tokio::write::GzipEncoder;

use super::*;

const JSON: &str = "\r\nContent-Type: application/json";

async fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(bytes).await.expect("written");
    encoder.shutdown().await.expect("finished");
    encoder.into_inner()
}

#[tokio::test]
async fn json_is_read_with_every_digit() {
    let kit = Kit::start(EdgeSettings::default());
    let body = br#"{"value":1.50,"text":"\u00e4"}"#;
    let answer = kit.post("/api/reports", JSON, body).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "{\"value\":1.50,\"text\":\"ä\"}"));
    let chunked = "\r\nContent-Type: application/json; charset=UTF-8\r\nTransfer-Encoding: chunked";
    let token = kit.house.radiologist();
    let head = format!("POST /api/reports HTTP/1.1\r\nAuthorization: Bearer {token}{chunked}");
    let answer = kit.ask(&head, b"3\r\n[1.\r\n3\r\n50]\r\n0\r\n\r\n").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "[1.50]"));
    let long = format!("[{}1]", "1,".repeat(100_000));
    assert_eq!(kit.post("/api/reports", JSON, long.as_bytes()).await.body, long.into_bytes());
}

#[tokio::test]
async fn a_body_that_is_not_json_is_said_to_be_so_and_where() {
    let kit = Kit::start(EdgeSettings::default());
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    for (body, code) in [
        (&b"{\"a\":1,"[..], "structure"),
        (b"{\"a\":1} x", "structure"),
        (b"{\"a\":\"\xff\"}", "structure"),
        (b"\xef\xbb\xbf{}", "structure"),
        (b"[NaN]", "structure"),
        (b"\"\\ud800\"", "structure"),
        (b"{\"a\":1,\"a\":2}", "duplicate"),
        (deep.as_bytes(), "too-long"),
        (b"", "required"),
    ] {
        let answer = kit.post("/api/reports", JSON, body).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json().text_at(&["problems", "0", "code"]), Some(code), "{}", String::from_utf8_lossy(body));
        let fhir = kit.post("/fhir/r4/Patient", "\r\nContent-Type: application/fhir+json", body).await;
        assert_eq!((fhir.status, fhir.json().text_at(&["issue", "0", "code"])), (400, Some(code)));
    }
}

#[tokio::test]
async fn only_the_media_types_of_a_route_are_taken() {
    let kit = Kit::start(EdgeSettings::default());
    for more in [
        "",
        "\r\nContent-Type: text/plain",
        "\r\nContent-Type: application/xml",
        "\r\nContent-Type: application/jsonx",
        "\r\nContent-Type: application/json; charset=latin1",
        "\r\nContent-Type: json",
        "\r\nContent-Type: application/json\r\nContent-Type: text/plain",
        "\r\nContent-Type: application/fhir+json",
    ] {
        let answer = kit.post("/api/reports", more, b"{}").await;
        assert_eq!((answer.status, answer.json().text_at(&["code"])), (415, Some("unsupported-media-type")), "{more}");
    }
    for (media_type, status) in [
        ("application/fhir+json", 200),
        ("application/fhir+json; fhirVersion=4.0; charset=utf-8", 200),
        ("Application/JSON", 200),
        ("text/json", 200),
        ("application/fhir+json; fhirVersion=5.0", 415),
        ("application/fhir+xml", 415),
    ] {
        let answer = kit.post("/fhir/r4/Patient", &format!("\r\nContent-Type: {media_type}"), b"{}").await;
        assert_eq!(answer.status, status, "{media_type}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_however_its_length_is_told() {
    let kit = Kit::start(EdgeSettings { max_body_bytes: 1000, ..EdgeSettings::default() });
    let answer = kit.post("/api/reports", JSON, &vec![b' '; 1001]).await;
    assert_eq!((answer.status, answer.json().text_at(&["code"])), (413, Some("too-large")));
    let token = kit.house.radiologist();
    let head = format!("POST /api/reports HTTP/1.1\r\nAuthorization: Bearer {token}{JSON}");
    let announced = kit.ask(&format!("{head}\r\nContent-Length: 99999999999"), b"").await;
    assert_eq!(announced.status, 413, "before a byte of it came");
    let mut chunks = Vec::new();
    for _ in 0..20 {
        write!(chunks, "64\r\n{}\r\n", " ".repeat(100)).expect("written");
    }
    let chunked = kit.ask(&format!("{head}\r\nTransfer-Encoding: chunked"), &chunks).await;
    assert_eq!(chunked.status, 413);
    let own = kit.post("/api/raw", "", &vec![b' '; 64 * 1024]).await;
    assert_eq!((own.status, own.text().as_str()), (200, "65536"), "a route may have a limit of its own");
    assert_eq!(kit.post("/api/raw", "", &vec![b' '; 64 * 1024 + 1]).await.status, 413);
    let fhir = kit.post("/fhir/r4/Patient", "\r\nContent-Type: application/fhir+json", &vec![b' '; 1001]).await;
    assert_eq!((fhir.status, fhir.json().text_at(&["issue", "0", "code"])), (413, Some("too-long")));
}

#[tokio::test]
async fn packed_bodies_are_unpacked_within_the_limit() {
    let kit = Kit::start(EdgeSettings { max_body_bytes: 10_000_000, ..EdgeSettings::default() });
    let more = format!("{JSON}\r\nContent-Encoding: gzip");
    let packed = gzip(br#"{"a":1.50}"#).await;
    let answer = kit.post("/api/reports", &more, &packed).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "{\"a\":1.50}"));
    let two = [gzip(b"{\"a\":").await, gzip(b"1}").await].concat();
    assert_eq!(kit.post("/api/reports", &more, &two).await.text(), "{\"a\":1}", "several members are one body");

    let bomb = gzip(&vec![b' '; 9_000_000]).await;
    assert!(bomb.len() < 20_000);
    assert_eq!(kit.post("/api/reports", &more, &bomb).await.status, 413, "by its ratio");
    let large = gzip(&vec![b' '; 11_000_000]).await;
    assert_eq!(kit.post("/api/reports", &more, &large).await.status, 413, "by its size");
    let small = EdgeSettings { max_body_bytes: 1000, ..EdgeSettings::default() };
    let answer = Kit::start(small).post("/api/reports", &more, &gzip(&vec![b' '; 1001]).await).await;
    assert_eq!(answer.status, 413);

    let mut corrupt = packed.clone();
    corrupt[12] ^= 0xff;
    for broken in [&packed[..packed.len() - 4], &corrupt, b"not gzip", b""] {
        let answer = kit.post("/api/reports", &more, broken).await;
        assert_eq!((answer.status, answer.json().text_at(&["code"])), (400, Some("invalid")));
    }
    for encoding in ["br", "deflate", "gzip, gzip", "gzip\r\nContent-Encoding: gzip", "x"] {
        let answer = kit.post("/api/reports", &format!("{JSON}\r\nContent-Encoding: {encoding}"), b"{}").await;
        assert_eq!((answer.status, answer.header("accept-encoding")), (415, Some("gzip")), "{encoding}");
    }
}

#[tokio::test]
async fn a_body_that_ends_early_changes_nothing() {
    let kit = Kit::start(EdgeSettings::default());
    let token = kit.house.radiologist();
    let mut connection = TcpStream::connect(kit.address).await.expect("connects");
    let head = format!(
        "POST /api/reports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}{JSON}\r\nContent-Length: 100\r\n\r\n{{\"a\":1}}"
    );
    connection.write_all(head.as_bytes()).await.expect("written");
    connection.shutdown().await.expect("half closed");
    let answer = read_answer(&mut connection).await;
    assert!(answer.is_none_or(|answer| answer.status == 400));
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let kit = Kit::start(EdgeSettings { body_idle: Duration::from_millis(200), ..EdgeSettings::default() });
    let token = kit.house.radiologist();
    let head = format!("POST /api/reports HTTP/1.1\r\nAuthorization: Bearer {token}{JSON}\r\nContent-Length: 100");
    let answer = kit.ask(&head, b"{\"a\"").await;
    assert_eq!((answer.status, answer.json().text_at(&["code"])), (408, Some("request-timeout")));
}

#[tokio::test]
async fn a_body_that_comes_byte_by_byte_is_not_waited_for_either() {
    let kit = Kit::start(EdgeSettings { body_grace: Duration::from_millis(400), ..EdgeSettings::default() });
    let token = kit.house.radiologist();
    let connection = TcpStream::connect(kit.address).await.expect("connects");
    let (mut reading, mut writing) = connection.into_split();
    let head = format!("POST /api/reports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}{JSON}");
    writing.write_all(format!("{head}\r\nContent-Length: 1000\r\n\r\n").as_bytes()).await.expect("written");
    let dripping = tokio::spawn(async move {
        while writing.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut buffer = [0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(5), reading.read(&mut buffer)).await.expect("in time");
    dripping.abort();
    assert!(buffer[..read.expect("read")].starts_with(b"HTTP/1.1 408"));
}
