//! STOW-RS. PS3.18 §10.5.

use serde_json::json;

use crate::each_backend;
use crate::support::{Backend, PUBLIC_URL, TestGateway};

use super::help::{
    AS_STORED, BOUNDARY, DICOM, NO_INSTANCES, Names, body, content_type, data_set, field, file, files, get, image,
    integrator, kept, parts, reasons, stow, stow_to, value,
};

each_backend!(
    what_is_stored_comes_back_to_the_byte,
    a_hundred_parts_are_stored_and_named,
    what_fails_is_said_part_by_part,
    what_is_no_store_request_is_refused,
    metadata_and_bulk_data_become_an_instance,
    the_same_again_is_welcome_and_other_content_is_not,
    broken_files_end_in_a_status,
);

async fn what_is_stored_comes_back_to_the_byte(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    let sent = file("images/CT_small.dcm");
    let names = Names::of(&sent);
    let stored = stow(&client, std::slice::from_ref(&sent)).await.expect(200);
    assert_eq!(stored.must("content-type"), "application/dicom+json");
    let json = stored.json();
    assert_eq!(value(&json, "00081190"), &json!(format!("{PUBLIC_URL}{}", names.of_study())));
    let item = value(&json, "00081199");
    assert_eq!(value(item, "00081155"), &json!(names.instance));
    assert_eq!(value(item, "00081190"), &json!(format!("{PUBLIC_URL}{}", names.path())));
    assert!(json.get("00081198").is_none() && json.get("0008119A").is_none());

    let answer = get(&client, &names.path(), &[AS_STORED]).await.expect(200);
    assert!(answer.must("content-type").starts_with("multipart/related; type=\"application/dicom\"; boundary="));
    let found = parts(&answer);
    let [(head, content)] = found.as_slice() else { panic!("{} parts", found.len()) };
    assert_eq!(field(head, "Content-Type"), Some("application/dicom; transfer-syntax=1.2.840.10008.1.2.1"));
    assert_eq!(field(head, "Content-Location"), Some(format!("{PUBLIC_URL}{}", names.path()).as_str()));
    assert_eq!(field(head, "Content-Length"), Some(content.len().to_string().as_str()));
    assert_eq!(data_set(content), data_set(&sent));
    assert!(content.starts_with(&[0; 128]), "what a sender puts in front is not served");

    // One file as the whole body, which no standard has.
    let image = image(1, 1, 1);
    client.send("POST", "/dicom-web/studies", &[("Content-Type", DICOM)], &image).await.expect(200);
    let answer = get(&client, &Names::of(&image).path(), &[("Accept", DICOM)]).await.expect(200);
    assert_eq!(data_set(&answer.body), data_set(&image));
}

async fn a_hundred_parts_are_stored_and_named(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    let images: Vec<Vec<u8>> = (1..=100).map(|number| image(1, number % 3 + 1, number)).collect();
    let stored = stow_to(&client, "/dicom-web/studies/2.25.7.1", &images).await.expect(200);
    let items = stored.json()["00081199"]["Value"].as_array().cloned().expect("items");
    let named: Vec<String> =
        items.iter().map(|item| value(item, "00081155").as_str().unwrap_or_default().into()).collect();
    let sent: Vec<String> = images.iter().map(|image| Names::of(image).instance).collect();
    assert_eq!(named, sent, "in the order of the parts");
    let answer = get(&client, "/dicom-web/studies/2.25.7.1", &[AS_STORED]).await.expect(200);
    assert_eq!(parts(&answer).len(), 100);
    let found = get(&client, "/dicom-web/studies", &[]).await.expect(200).json();
    assert_eq!((value(&found[0], "00201206"), value(&found[0], "00201208")), (&json!(3), &json!(100)));
}

async fn what_fails_is_said_part_by_part(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    let (good, other, text) = (image(1, 1, 1), image(2, 1, 1), b"not an instance".to_vec());
    let dicom = "Content-Type: application/dicom";
    let mixed = body([
        (dicom, good.as_slice()),
        (dicom, text.as_slice()),
        ("Content-Type: text/plain", text.as_slice()),
        (dicom, other.as_slice()),
    ]);
    let kind = content_type(DICOM);
    let headers = [("Content-Type", kind.as_str())];
    let answer = client.send("POST", "/dicom-web/studies/2.25.7.1", &headers, &mixed).await.expect(202);
    let (failed, others) = reasons(&answer);
    assert_eq!((kept(&answer), failed), (1, vec![0xA901]));
    assert_eq!(others.len(), 2);
    assert!(others.iter().all(|reason| (0xC000..0xD000).contains(reason)), "{others:?}");

    let answer = stow_to(&client, "/dicom-web/studies/2.25.7.9", &[other]).await.expect(409);
    assert_eq!((kept(&answer), reasons(&answer)), (0, (vec![0xA901], vec![])));
    stow(&client, &[text]).await.expect(400);
    stow(&client, &[file("studies/DICOMDIR.dcm")]).await;
    let found = get(&client, "/dicom-web/instances", &[]).await.expect(200).json();
    assert_eq!(found.as_array().map(Vec::len), Some(1), "nothing else is there: {found}");

    // The parts in front of a broken end stay.
    let third = image(3, 1, 1);
    let mut cut = body([(dicom, third.as_slice()), (dicom, good.as_slice())]);
    cut.truncate(cut.len() - 40);
    let answer = client.send("POST", "/dicom-web/studies", &headers, &cut).await.expect(202);
    assert_eq!((kept(&answer), reasons(&answer).1), (1, vec![0xC000]));
}

async fn what_is_no_store_request_is_refused(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    let image = image(1, 1, 1);
    let parts = body([("Content-Type: application/dicom", image.as_slice())]);
    let quoted = content_type(DICOM);
    let other = "multipart/related; type=\"application/dicom\"; boundary=other".to_owned();
    for (kind, status) in [
        (None, 415),
        (Some("text/plain"), 415),
        (Some("multipart/form-data; boundary=x"), 415),
        (Some("multipart/related; type=\"application/dicom+xml\"; boundary=x"), 415),
        (Some("multipart/related; type=\"image/jpeg\"; boundary=x"), 415),
        (Some("multipart/related; type=\"application/dicom\""), 400),
        (Some("multipart/related; type=\"application/dicom\"; boundary=\"\""), 400),
        (Some(other.as_str()), 400),
    ] {
        let headers: Vec<(&str, &str)> = kind.map(|kind| ("Content-Type", kind)).into_iter().collect();
        let answer = client.send("POST", "/dicom-web/studies", &headers, &parts).await;
        assert_eq!(answer.status, status, "{kind:?}: {}", answer.text());
    }
    let headers = [("Content-Type", quoted.as_str()), ("Accept", "application/dicom+xml")];
    client.send("POST", "/dicom-web/studies", &headers, &parts).await.expect(406);
    client.send("POST", "/dicom-web/studies/1..2", &headers[..1], &parts).await.expect(400);
    let empty = format!("--{BOUNDARY}--\r\n");
    client.send("POST", "/dicom-web/studies", &headers[..1], empty.as_bytes()).await.expect(400);
    // As OHIF and others write it, and with a root type that is not said.
    for kind in [
        format!("multipart/related;type=application/dicom;boundary={BOUNDARY}"),
        format!("Multipart/Related; Boundary=\"{BOUNDARY}\""),
    ] {
        client.send("POST", "/dicom-web/studies", &[("Content-Type", &kind)], &parts).await.expect(200);
    }
    let clinician = gateway.role(causeway::access::Role::Clinician).await;
    stow(&clinician, &[image]).await.expect(403);
    let nobody = stow(&gateway.nobody(), &[file("images/CT_small.dcm")]).await.expect(401);
    assert!(nobody.must("www-authenticate").starts_with("Bearer"));
}

async fn metadata_and_bulk_data_become_an_instance(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    let sent = file("images/CT_small.dcm");
    let names = Names::of(&sent);
    stow(&client, &[sent]).await.expect(200);
    let mut metadata = get(&client, &format!("{}/metadata", names.path()), &[]).await.expect(200).json();
    let frame = get(&client, &format!("{}/frames/1", names.path()), &[]).await.expect(200);
    let pixels = parts(&frame).remove(0).1;
    metadata[0]["00080018"]["Value"][0] = "2.25.99.1".into();
    metadata[0].as_object_mut().expect("an object").retain(|_, element| element.get("BulkDataURI").is_none());
    metadata[0]["7FE00010"] = json!({"vr": "OW", "BulkDataURI": "pixels/1"});
    let text = metadata.to_string();
    let json_part = ("Content-Type: application/dicom+json", text.as_bytes());
    let head = "Content-Type: application/octet-stream\r\nContent-Location: pixels/1";
    let request = body([json_part, (head, pixels.as_slice())]);
    let kind = content_type("application/dicom+json");
    let headers = [("Content-Type", kind.as_str())];
    client.send("POST", "/dicom-web/studies", &headers, &request).await.expect(200);
    let made = Names { instance: "2.25.99.1".into(), ..Names::of(&file("images/CT_small.dcm")) };
    let again = get(&client, &format!("{}/frames/1", made.path()), &[]).await.expect(200);
    assert_eq!(parts(&again).remove(0).1, pixels);
    let shown = get(&client, &format!("{}/metadata", made.path()), &[]).await.expect(200).json();
    for tag in ["00100010", "00280030", "00200032", "00281052", "00080008"] {
        assert_eq!(shown[0][tag], metadata[0][tag], "{tag}");
    }
    // Without its bulk data it is no instance.
    metadata[0]["00080018"]["Value"][0] = "2.25.99.2".into();
    let text = metadata.to_string();
    let alone = body([("Content-Type: application/dicom+json", text.as_bytes())]);
    let answer = client.send("POST", "/dicom-web/studies", &headers, &alone).await.expect(400);
    assert_eq!(reasons(&answer).0, [0xC000]);
    for bad in ["{}", "nonsense", "[1]"] {
        let request = body([("Content-Type: application/dicom+json", bad.as_bytes())]);
        client.send("POST", "/dicom-web/studies", &headers, &request).await.expect(400);
    }
}

async fn the_same_again_is_welcome_and_other_content_is_not(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    let sent = file("images/CT_small.dcm");
    stow(&client, std::slice::from_ref(&sent)).await.expect(200);
    let again = stow(&client, &[sent.clone(), sent.clone()]).await.expect(200);
    assert_eq!(kept(&again), 2);
    let answer = stow(&client, &[file("broken/same_uid_different_content.dcm")]).await.expect(409);
    assert_eq!(reasons(&answer).0, [0x0111]);
    let found = get(&client, "/dicom-web/instances", &[]).await.expect(200).json();
    assert_eq!(found.as_array().map(Vec::len), Some(1));
}

async fn broken_files_end_in_a_status(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    for name in files("broken") {
        let answer = stow(&client, &[file(&name)]).await;
        assert!(matches!(answer.status, 200 | 202 | 400 | 409), "{name}: {}", answer.status);
        let (failed, others) = reasons(&answer);
        assert_eq!(kept(&answer) + failed.len() + others.len(), 1, "{name}: {}", answer.text());
        assert_eq!(kept(&answer) == 1, answer.status < 300, "{name}");
    }
    let odd = stow(&client, &[file("broken/path_traversal_uid.dcm")]).await;
    assert!(matches!(odd.status, 400 | 409));
    // Whole files all go in, whatever they are; some of the broken ones were made of them.
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    for folder in ["charset", "rt", "sr"] {
        for name in files(folder) {
            let answer = stow(&client, &[file(&name)]).await;
            let is_whole = !NO_INSTANCES.iter().any(|other| name.ends_with(other));
            assert_eq!(matches!(answer.status, 200 | 202), is_whole, "{name}: {}", answer.text());
        }
    }
}
