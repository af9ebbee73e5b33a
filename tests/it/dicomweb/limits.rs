//! What is too much: parts, heads, bodies, and what becomes too much when it is unpacked.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::each_backend;
use crate::support::{Backend, TestGateway};

use super::help::{BOUNDARY, DICOM, body, content_type, data_set, file, get, image, integrator, stow};

each_backend!(what_is_too_much_is_refused, files_cut_anywhere_are_stored_nowhere);

async fn what_is_too_much_is_refused(backend: Backend) {
    let flags = ["dicomweb.max_request_bytes=1MiB", "dicomweb.max_parts=3", "dicomweb.max_metadata_request_bytes=1MiB"];
    let gateway = TestGateway::with(&backend, &flags, "").await;
    let client = integrator(&gateway).await;
    let kind = content_type(DICOM);
    let headers = [("Content-Type", kind.as_str())];
    let long_head = format!("Content-Type: application/dicom\r\nX: {}", "x".repeat(9000));
    let image = image(1, 1, 1);
    let request = body([(long_head.as_str(), image.as_slice())]);
    client.send("POST", "/dicom-web/studies", &headers, &request).await.expect(413);
    let many: Vec<Vec<u8>> = (0..4).map(|number| super::help::image(2, 1, number)).collect();
    stow(&client, &many).await.expect(413);
    stow(&client, &[vec![0; 2 << 20]]).await.expect(413);
    // Two million zeros of a few bytes.
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(&body([("Content-Type: application/dicom", vec![0; 2 << 20].as_slice())])).expect("is written");
    let bomb = packer.finish().expect("is packed");
    let packed = [headers[0], ("Content-Encoding", "gzip")];
    client.send("POST", "/dicom-web/studies", &packed, &bomb).await.expect(413);
    let json = content_type("application/dicom+json");
    let deep = "[".repeat(500_000);
    let request = body([("Content-Type: application/dicom+json", deep.as_bytes())]);
    client.send("POST", "/dicom-web/studies", &[("Content-Type", &json)], &request).await.expect(400);
    // A head that never ends, and one part that comes byte by byte.
    let endless = format!("--{BOUNDARY}\r\n{}", "x".repeat(100_000));
    client.send("POST", "/dicom-web/studies", &headers, endless.as_bytes()).await.expect(413);
    let chunks: String = body([("Content-Type: application/dicom", b"not much".as_slice())])
        .iter()
        .flat_map(|byte| ['1', '\r', '\n', char::from(*byte), '\r', '\n'])
        .collect();
    client.send_chunked("POST", "/dicom-web/studies", &headers, &chunks).await.expect(400);
    let gzip = |bytes: &[u8]| {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(bytes).expect("is written");
        packer.finish().expect("is packed")
    };
    let fine = gzip(&body([("Content-Type: application/dicom", image.as_slice())]));
    client.send("POST", "/dicom-web/studies", &packed, &fine).await.expect(200);
    get(&client, "/dicom-web/studies", &[]).await.expect(200);
}

async fn files_cut_anywhere_are_stored_nowhere(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    let whole = file("images/CT_small.dcm");
    let begin = whole.len() - data_set(&whole).len();
    for length in (begin..whole.len()).step_by(3001) {
        let answer = stow(&client, &[whole[..length].to_vec()]).await;
        assert!(matches!(answer.status, 400 | 409), "{length}: {}", answer.text());
    }
    assert_eq!(get(&client, "/dicom-web/instances", &[]).await.expect(200).text(), "[]");
    // A deflated data set that grows without end.
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        packer.write_all(&vec![0; 1 << 20]).expect("is written");
    }
    let deflated = file("images/image_dfl.dcm");
    let meta = deflated.len() - data_set(&deflated).len();
    let bomb = [&deflated[..meta], &packer.finish().expect("is packed")].concat();
    let answer = stow(&client, &[bomb]).await;
    assert!(matches!(answer.status, 400 | 409 | 413), "{}", answer.text());
}
