//! Files of exports: type, name, ranges, tags, HEAD, and that every fetch is counted.

use causeway::access::Role;
use serde_json::json;

use crate::each_backend;
use crate::support::samples::{create, export, finished, measured, short};
use crate::support::{Answer, Backend, Client, TestGateway};

each_backend!(files_have_type_name_and_length, ranges_and_tags_are_honoured, every_fetch_is_counted_and_audited,);

async fn made(client: &Client, report: &str, form: &str) -> String {
    let id = export(client, report, form).await;
    assert_eq!(finished(client, &id).await["status"], "completed");
    format!("/api/reports/export/download/{id}")
}

async fn files_have_type_name_and_length(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &measured("final")).await;
    for (form, media_type, ending, magic) in [
        ("fhir", "application/fhir+json", "json", &b"{\"resourceType\":\"Bundle\""[..]),
        ("dicom-sr", "application/dicom", "sr.dcm", &[0; 128][..]),
        ("pdf", "application/pdf", "pdf", b"%PDF-1."),
    ] {
        let path = made(&doctor, &report, form).await;
        let file = doctor.get(&path).await.expect(200);
        assert_eq!(file.header("content-type"), Some(media_type));
        let name = format!("report-{report}-v1.{ending}");
        assert!(file.must("content-disposition").starts_with("attachment"), "{:?}", file.header("content-disposition"));
        assert!(file.must("content-disposition").contains(&name), "{:?}", file.header("content-disposition"));
        assert_eq!(file.must("content-length"), file.body.len().to_string());
        assert_eq!(file.header("content-encoding"), None, "ranges count bytes of the file itself");
        assert_eq!(file.header("cache-control"), Some("no-store"));
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
        assert!(file.body.starts_with(magic), "{form}");
        let packed = doctor.get_if(&path, "Accept-Encoding", "gzip, br").await.expect(200);
        assert!(packed.header("content-encoding").is_none() && packed.body == file.body);
        let head = doctor.send("HEAD", &path, &[], b"").await.expect(200);
        let same = ["content-type", "content-disposition", "content-length", "etag", "last-modified", "accept-ranges"];
        for name in same {
            assert_eq!(head.header(name), file.header(name), "{name}");
        }
        let digest = causeway::base::Sha256::of(&file.body);
        assert_eq!(file.tag(), format!("\"{digest}\""), "the tag is the digest of the bytes");
    }
}

async fn ranges_and_tags_are_honoured(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    let path = made(&doctor, &report, "pdf").await;
    let whole = doctor.get(&path).await.expect(200);
    let (tag, total) = (whole.tag(), whole.body.len());
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    let ask = async |headers: &[(&str, &str)]| -> Answer { doctor.send("GET", &path, headers, b"").await };

    for (range, from, to) in [
        ("bytes=0-0".to_owned(), 0, 1),
        ("bytes=10-19".to_owned(), 10, 20),
        ("bytes=100-".to_owned(), 100, total),
        ("bytes=-7".to_owned(), total - 7, total),
        (format!("bytes={}-{}", total - 1, total + 50), total - 1, total),
        // Over the border of a sealed chunk, wherever that is.
        (format!("bytes=1-{}", total - 2), 1, total - 1),
    ] {
        let part = ask(&[("Range", &range)]).await.expect(206);
        assert!(part.body == whole.body[from..to], "{range}");
        assert_eq!(part.must("content-range"), format!("bytes {from}-{}/{total}", to - 1));
        assert_eq!(part.tag(), tag);
    }
    let outside = ask(&[("Range", &format!("bytes={total}-"))]).await.expect(416);
    assert_eq!(outside.must("content-range"), format!("bytes */{total}"));
    for ignored in ["bytes=5-4", "bytes=0-1,3-4", "lines=0-1", "bytes=x"] {
        assert_eq!(ask(&[("Range", ignored)]).await.expect(200).body.len(), total, "{ignored}");
    }
    ask(&[("Range", "bytes=0-3"), ("If-Range", &tag)]).await.expect(206);
    ask(&[("Range", "bytes=0-3"), ("If-Range", "\"other\"")]).await.expect(200);
    ask(&[("Range", "bytes=0-3"), ("If-Range", &format!("W/{tag}"))]).await.expect(200);
    assert!(ask(&[("If-None-Match", &tag)]).await.expect(304).body.is_empty());
    ask(&[("If-None-Match", "*")]).await.expect(304);
    ask(&[("If-None-Match", "\"other\"")]).await.expect(200);
    ask(&[("If-Modified-Since", whole.must("last-modified"))]).await.expect(304);
    ask(&[("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")]).await.expect(200);
    let head = doctor.send("HEAD", &path, &[("Range", "bytes=0-3")], b"").await.expect(200);
    assert_eq!(head.must("content-length"), total.to_string(), "a range is for GET");
}

async fn every_fetch_is_counted_and_audited(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    let path = made(&doctor, &report, "pdf").await;
    let status = path.replace("download", "status");
    for _ in 0..3 {
        doctor.get(&path).await.expect(200);
    }
    assert_eq!(doctor.get(&status).await.expect(200).json()["downloads"], 3);
    let counted = doctor.get("/api/reports/export/statistics").await.expect(200).json();
    assert_eq!(counted["downloads"], 3);

    let auditor = gateway.role(Role::Auditor).await;
    let log = auditor.get("/api/admin/audit?limit=100").await.expect(200).json();
    let export = path.rsplit('/').next().expect("an id");
    let fetched = log["items"].as_array().expect("events").iter().filter(|event| {
        let text = event.to_string();
        text.contains("export.download") && text.contains(export)
    });
    let fetched: Vec<_> = fetched.collect();
    assert_eq!(fetched.len(), 3);
    assert!(fetched.iter().all(|event| event["outcome"] == "0" && event.to_string().contains("radiologist-1")));
    assert_eq!(auditor.act("/api/admin/audit/verify").await.expect(200).json()["whole"], json!(true));
}
