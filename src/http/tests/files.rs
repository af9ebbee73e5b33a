use actix_web::HttpRequest;
use futures_util::stream;

use super::*;

/// Ten letters, one a chunk.
pub(super) async fn file(request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let download = Download {
        content_type: "application/json".into(),
        total: 10,
        tag: EntityTag::strong("abc"),
        modified: Some(NOW),
        name: "Müller.json".into(),
        disposition: Disposition::Attachment,
    };
    let open = |range: std::ops::Range<u64>| async move {
        let letters = range.map(|at| web::Bytes::from(vec![b'0' + u8::try_from(at).expect("a digit")]));
        Ok(stream::iter(letters.map(Ok).collect::<Vec<_>>()))
    };
    download.respond(&request, open).await
}

async fn asked(kit: &Kit, more: &str) -> Answer {
    kit.get_with("/api/file", &kit.house.radiologist(), more).await
}

#[tokio::test]
async fn a_file_comes_with_type_name_length_and_tag() {
    let kit = Kit::start(EdgeSettings::default());
    let answer = asked(&kit, "").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "0123456789"));
    for (name, value) in [
        ("content-type", "application/json"),
        ("content-length", "10"),
        ("etag", "\"abc\""),
        ("accept-ranges", "bytes"),
        ("last-modified", "Mon, 02 Feb 2026 02:40:00 GMT"),
        ("content-disposition", "attachment; filename=\"M_ller.json\"; filename*=UTF-8''M%C3%BCller.json"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
}

#[tokio::test]
async fn a_part_of_a_file_is_what_was_asked_for() {
    let kit = Kit::start(EdgeSettings::default());
    for (range, body, content_range) in
        [("bytes=2-4", "234", "bytes 2-4/10"), ("bytes=7-", "789", "bytes 7-9/10"), ("bytes=-1", "9", "bytes 9-9/10")]
    {
        let answer = asked(&kit, &format!("\r\nRange: {range}")).await;
        assert_eq!(
            (answer.status, answer.text().as_str(), answer.header("content-range")),
            (206, body, Some(content_range))
        );
        assert_eq!(answer.header("content-length"), Some(body.len().to_string().as_str()));
    }
    let outside = asked(&kit, "\r\nRange: bytes=10-").await;
    assert_eq!((outside.status, outside.header("content-range")), (416, Some("bytes */10")));
    assert_eq!(outside.json().text_at(&["code"]), Some("range-not-satisfiable"));
    for whole in ["Range: bytes=0-0,2-2", "Range: lines=1", "Range: bytes=0-1\r\nRange: bytes=2-3"] {
        assert_eq!(asked(&kit, &format!("\r\n{whole}")).await.status, 200, "{whole}");
    }
    let many = (0..1000).map(|at| format!("{at}-{at}")).collect::<Vec<_>>().join(",");
    assert_eq!(asked(&kit, &format!("\r\nRange: bytes={many}")).await.status, 200);
    for (tag, status) in [
        ("\"abc\"", 206),
        ("\"abd\"", 200),
        ("W/\"abc\"", 200),
        ("Mon, 02 Feb 2026 02:40:00 GMT", 206),
        ("Mon, 02 Feb 2026 02:40:01 GMT", 200),
        ("x", 200),
    ] {
        let answer = asked(&kit, &format!("\r\nRange: bytes=0-0\r\nIf-Range: {tag}")).await;
        assert_eq!(answer.status, status, "{tag}");
    }
}

#[tokio::test]
async fn a_file_that_the_client_has_is_not_sent_again() {
    let kit = Kit::start(EdgeSettings::default());
    let answer = asked(&kit, "\r\nIf-None-Match: \"abc\"\r\nRange: bytes=0-0").await;
    assert_eq!((answer.status, answer.body.len(), answer.header("etag")), (304, 0, Some("\"abc\"")));
    assert_eq!(asked(&kit, "\r\nIf-None-Match: \"abd\"").await.status, 200);
}
