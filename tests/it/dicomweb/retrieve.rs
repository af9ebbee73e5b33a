//! WADO-RS: instances, metadata, frames, bulk data; and deleting. PS3.18 §10.4.

use serde_json::Value;

use crate::each_backend;
use crate::support::{Backend, PUBLIC_URL, TestGateway};

use super::help::{
    AS_STORED, EXPLICIT, Names, data_set, field, file, files, get, image, integrator, parts, stow, value,
};

each_backend!(
    every_file_comes_back_as_it_was_stored,
    transfer_syntaxes_are_negotiated,
    metadata_is_whole_and_conditional,
    frames_come_in_the_form_that_is_asked_for,
    bulk_data_comes_by_its_uri,
    what_is_deleted_is_gone,
);

const IMPLICIT: &str = "1.2.840.10008.1.2";
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

/// What the file meta information says.
fn syntax_of(file: &[u8]) -> String {
    let tag = [0x02, 0x00, 0x10, 0x00, b'U', b'I'];
    let at = file.windows(6).position(|window| window == tag).expect("is there");
    let length = usize::from(u16::from_le_bytes([file[at + 6], file[at + 7]]));
    String::from_utf8_lossy(&file[at + 8..at + 8 + length]).trim_end_matches('\0').to_owned()
}

async fn every_file_comes_back_as_it_was_stored(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    let mut seen = 0;
    for folder in ["images", "rt", "sr", "charset", "studies"] {
        for name in files(folder) {
            let sent = file(&name);
            let stored = stow(&client, std::slice::from_ref(&sent)).await;
            // The same image in another transfer syntax has its name, too.
            if stored.status > 202 {
                continue;
            }
            let url = value(value(&stored.json(), "00081199"), "00081190").as_str().expect("a URL").to_owned();
            let path = url.strip_prefix(PUBLIC_URL).expect("is ours");
            let answer = get(&client, path, &[AS_STORED]).await.expect(200);
            let (head, content) = parts(&answer).remove(0);
            let syntax = syntax_of(&sent);
            if syntax == IMPLICIT || syntax == BIG_ENDIAN {
                assert_eq!(
                    field(&head, "Content-Type"),
                    Some(format!("application/dicom; transfer-syntax={EXPLICIT}").as_str())
                );
            } else {
                assert_eq!(data_set(&content), data_set(&sent), "{name}");
                assert_eq!(syntax_of(&content), syntax, "{name}");
            }
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
}

async fn transfer_syntaxes_are_negotiated(backend: Backend) {
    for (name, accept, status, syntax) in [
        ("images/CT_small.dcm", "", 200, EXPLICIT),
        ("images/CT_small.dcm", "*/*", 200, EXPLICIT),
        (
            "images/CT_small.dcm",
            "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
            200,
            EXPLICIT,
        ),
        (
            "images/CT_small.dcm",
            "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2",
            406,
            "",
        ),
        (
            "images/CT_small.dcm",
            "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90",
            406,
            "",
        ),
        ("images/CT_small.dcm", "application/dicom+json", 406, ""),
        ("images/CT_small.dcm", "image/jpeg", 406, ""),
        ("images/MR_small_implicit.dcm", "", 200, EXPLICIT),
        ("images/MR_small_bigendian.dcm", "", 200, EXPLICIT),
        ("images/MR_small_RLE.dcm", "", 200, EXPLICIT),
        (
            "images/MR_small_RLE.dcm",
            "multipart/related; type=\"application/dicom\"; transfer-syntax=*",
            200,
            "1.2.840.10008.1.2.5",
        ),
        ("images/MR_small_jp2klossless.dcm", "", 200, EXPLICIT),
        ("images/MR_small_jpeg_ls_lossless.dcm", "", 200, EXPLICIT),
        (
            "images/MR_small_jpeg_ls_lossless.dcm",
            "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.4.80",
            200,
            "1.2.840.10008.1.2.4.80",
        ),
        ("images/SC_rgb_jpeg_dcmtk.dcm", "", 200, "1.2.840.10008.1.2.4.50"),
        (
            "images/SC_rgb_jpeg_dcmtk.dcm",
            "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.1",
            200,
            EXPLICIT,
        ),
        ("images/image_dfl.dcm", "", 200, EXPLICIT),
        ("images/video_h264.dcm", "", 200, "1.2.840.10008.1.2.4.102"),
        (
            "images/video_h264.dcm",
            "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.1",
            406,
            "",
        ),
    ] {
        let gateway = TestGateway::new(&backend).await;
        let client = integrator(&gateway).await;
        let sent = file(name);
        stow(&client, std::slice::from_ref(&sent)).await;
        let path = Names::of(&sent).path();
        let headers: Vec<(&str, &str)> = if accept.is_empty() { vec![] } else { vec![("Accept", accept)] };
        let answer = get(&client, &path, &headers).await;
        assert_eq!(answer.status, status, "{name} {accept}: {}", answer.text());
        if status == 200 {
            let (head, content) = parts(&answer).remove(0);
            let expected = format!("application/dicom; transfer-syntax={syntax}");
            assert_eq!(field(&head, "Content-Type"), Some(expected.as_str()), "{name} {accept}");
            assert_eq!(syntax_of(&content), syntax, "{name} {accept}");
        }
    }
}

async fn metadata_is_whole_and_conditional(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    let sent = file("images/CT_small.dcm");
    let names = Names::of(&sent);
    stow(&client, &[sent, image(1, 2, 2), image(1, 1, 2), image(1, 1, 1)]).await.expect(200);
    let ohif = "application/dicom+json, multipart/related; type=application/octet-stream; transfer-syntax=*; transfer-syntax=*";
    let path = format!("{}/metadata", names.path());
    let answer = get(&client, &path, &[("Accept", ohif)]).await.expect(200);
    assert_eq!(answer.must("content-type"), "application/dicom+json");
    let json = answer.json();
    let instance = &json[0];
    assert_eq!((value(instance, "00280010"), value(instance, "00280030")), (&128.into(), &0.661_468.into()));
    let keys: Vec<&String> = instance.as_object().expect("an object").keys().collect();
    assert!(keys.is_sorted() && keys.iter().all(|key| !key.starts_with("0002") && !key.ends_with("0000")), "{keys:?}");
    assert_eq!(value(instance, "00080005"), "ISO_IR 192");
    let uri = instance["7FE00010"]["BulkDataURI"].as_str().expect("a URI");
    assert_eq!(uri, format!("{PUBLIC_URL}{}/bulkdata/7FE00010", names.path()));
    let tag = answer.tag();
    assert!(!tag.starts_with("W/"));
    let same = get(&client, &path, &[("If-None-Match", &tag)]).await.expect(304);
    assert!(same.body.is_empty());
    let packed = get(&client, &path, &[("Accept-Encoding", "gzip")]).await.expect(200);
    assert_eq!(packed.must("content-encoding"), "gzip");
    get(&client, &path, &[("Accept", "multipart/related; type=\"application/dicom+xml\"")]).await.expect(406);

    let study = get(&client, "/dicom-web/studies/2.25.7.1/metadata", &[]).await.expect(200);
    let numbers = |json: &Value| -> Vec<(i64, i64)> {
        let number = |one: &Value, tag| value(one, tag).as_i64().expect("a number");
        json.as_array().expect("a list").iter().map(|one| (number(one, "00200011"), number(one, "00200013"))).collect()
    };
    assert_eq!(numbers(&study.json()), [(1, 1), (1, 2), (2, 2)]);
    let series = get(&client, "/dicom-web/studies/2.25.7.1/series/2.25.7.1.2/metadata", &[]).await.expect(200);
    assert_eq!(numbers(&series.json()), [(2, 2)]);
    stow(&client, &[image(1, 1, 3)]).await.expect(200);
    let more =
        get(&client, "/dicom-web/studies/2.25.7.1/metadata", &[("If-None-Match", &study.tag())]).await.expect(200);
    assert_eq!(numbers(&more.json()).len(), 4);
    get(&client, "/dicom-web/studies/1.2.3/metadata", &[]).await.expect(404);
}

async fn frames_come_in_the_form_that_is_asked_for(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    let native = file("images/SC_rgb_2frame.dcm");
    let packed = file("images/examples_ybr_color.dcm");
    stow(&client, &[native.clone(), packed.clone()]).await.expect(200);
    let names = Names::of(&native);
    let frames = |list: &str| format!("{}/frames/{list}", names.path());
    let answer = get(&client, &frames("2,1,2"), &[]).await.expect(200);
    assert!(answer.must("content-type").starts_with("multipart/related; type=\"application/octet-stream\"; boundary="));
    let found = parts(&answer);
    assert_eq!(found.len(), 3);
    assert_eq!(found[0].1, found[2].1);
    assert_ne!(found[0].1, found[1].1);
    assert_eq!(found[0].1.len(), 100 * 100 * 3);
    assert!(data_set(&native).windows(30_000).any(|window| window == found[1].1));
    let expected = format!("application/octet-stream; transfer-syntax={EXPLICIT}");
    assert_eq!(field(&found[0].0, "Content-Type"), Some(expected.as_str()));
    assert_eq!(field(&found[0].0, "Content-Location"), Some(format!("{PUBLIC_URL}{}", frames("2")).as_str()));
    for (list, status) in [("0", 404), ("3", 404), ("1,3", 404), ("a", 400), ("1,", 400), ("-1", 400), ("1-2", 400)] {
        let answer = get(&client, &frames(list), &[]).await;
        assert_eq!(answer.status, status, "{list}");
    }
    let single = get(&client, &frames("1"), &[("Accept", "application/octet-stream")]).await.expect(200);
    assert_eq!((single.body.as_slice(), single.must("content-type")), (found[1].1.as_slice(), expected.as_str()));
    get(&client, &frames("1,2"), &[("Accept", "application/octet-stream")]).await.expect(406);
    get(&client, &frames("1"), &[("Accept", "image/jp2")]).await.expect(406);

    let names = Names::of(&packed);
    let frame = format!("{}/frames/3", names.path());
    // As OHIF asks.
    let ohif = "multipart/related; type=application/octet-stream; transfer-syntax=*";
    let stored = parts(&get(&client, &frame, &[("Accept", ohif)]).await.expect(200)).remove(0);
    assert_eq!(field(&stored.0, "Content-Type"), Some("image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50"));
    assert!(stored.1.starts_with(b"\xff\xd8\xff"));
    let decoded = parts(&get(&client, &frame, &[]).await.expect(200)).remove(0);
    assert_eq!(field(&decoded.0, "Content-Type"), Some(expected.as_str()));
    assert!(decoded.1.len() > stored.1.len() * 2);
    get(&client, &frame, &[("Accept", "multipart/related; type=\"image/jpeg\"")]).await.expect(406);
    let baseline = "multipart/related; type=\"image/jpeg\"; transfer-syntax=1.2.840.10008.1.2.4.50";
    get(&client, &frame, &[("Accept", baseline)]).await.expect(200);

    let report = file("sr/test-SR.dcm");
    stow(&client, std::slice::from_ref(&report)).await;
    get(&client, &format!("{}/frames/1", Names::of(&report).path()), &[]).await.expect(404);
}

async fn bulk_data_comes_by_its_uri(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    let sent = file("images/waveform_ecg.dcm");
    stow(&client, std::slice::from_ref(&sent)).await;
    let names = Names::of(&sent);
    let metadata = get(&client, &format!("{}/metadata", names.path()), &[]).await.expect(200).text();
    let uri = metadata.split("\"BulkDataURI\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("has one");
    let path = uri.strip_prefix(PUBLIC_URL).expect("is ours").to_owned();
    let whole = get(&client, &path, &[]).await.expect(200);
    let (head, content) = parts(&whole).remove(0);
    assert_eq!(
        field(&head, "Content-Type"),
        Some(format!("application/octet-stream; transfer-syntax={EXPLICIT}").as_str())
    );
    assert_eq!(field(&head, "Content-Location"), Some(uri));
    assert!(data_set(&sent).windows(content.len()).any(|window| window == content));
    let alone = get(&client, &path, &[("Accept", "application/octet-stream")]).await.expect(200);
    assert_eq!(alone.body, content);
    let headers = [("Accept", "application/octet-stream"), ("Range", "bytes=10-19")];
    let range = get(&client, &path, &headers).await.expect(206);
    assert_eq!(range.body, content[10..20]);
    assert_eq!(range.must("content-range"), format!("bytes 10-19/{}", content.len()));
    assert_eq!(get(&client, &path, &[("Range", "bytes=10-19")]).await.expect(200).body.len(), whole.body.len());
    get(&client, &path, &[("Accept", "image/jpeg")]).await.expect(406);
    get(&client, &format!("{}/bulkdata/00100010", names.path()), &[]).await.expect(404);
    get(&client, &format!("{}/bulkdata/nonsense", names.path()), &[]).await.expect(400);

    let document = file("sr/encapsulated_pdf.dcm");
    stow(&client, std::slice::from_ref(&document)).await;
    let path = Names::of(&document).path();
    for place in ["bulkdata/00420011", "rendered"] {
        let pdf = get(&client, &format!("{path}/{place}"), &[]).await.expect(200);
        assert_eq!(pdf.must("content-type"), "application/pdf");
        assert!(pdf.body.starts_with(b"%PDF-"), "{place}");
        let end = pdf.body.iter().rev().take(8).copied().collect::<Vec<_>>();
        assert!(!end.starts_with(&[0]), "{place}: the byte that fills it up is none of it");
    }
    get(&client, &format!("{path}/rendered"), &[("Accept", "image/jpeg")]).await.expect(406);
}

async fn what_is_deleted_is_gone(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    stow(&client, &[image(1, 1, 1), image(1, 1, 2), image(1, 2, 1), image(2, 1, 1)]).await.expect(200);
    let radiologist = gateway.radiologist().await;
    radiologist.delete("/dicom-web/studies/2.25.7.1").await.expect(403);
    let of = |name: &str| format!("/dicom-web/studies/{name}");
    client.delete(&of("2.25.7.1/series/2.25.7.1.1/instances/2.25.7.1.1.1")).await.expect(204);
    let left = get(&client, &of("2.25.7.1"), &[AS_STORED]).await.expect(200);
    assert_eq!(parts(&left).len(), 2);
    let gone = get(&client, &of("2.25.7.1/series/2.25.7.1.1/instances/2.25.7.1.1.1"), &[AS_STORED]).await;
    assert!(matches!(gone.status, 404 | 410));
    client.delete(&of("2.25.7.1/series/2.25.7.1.1")).await.expect(204);
    client.delete(&of("2.25.7.1")).await.expect(204);
    client.delete(&of("2.25.7.9")).await.expect(404);
    let rows = get(&client, "/dicom-web/studies", &[]).await.expect(200).json();
    assert_eq!(rows.as_array().map(Vec::len), Some(1));
    let gateway = TestGateway::with(&backend, &["dicomweb.delete=false"], "").await;
    let client = integrator(&gateway).await;
    let refused = client.delete(&of("2.25.7.1")).await.expect(405);
    assert!(!refused.must("allow").contains("DELETE"));
}
