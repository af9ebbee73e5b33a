//! Pictures, thumbnails and pages. PS3.18 §10.4.1.1.3.

use crate::each_backend;
use crate::support::{Backend, TestGateway};

use super::help::{Names, field, file, get, image, integrator, parts, stow};

each_backend!(images_are_shown_as_pictures, what_has_no_pixels_is_no_picture, parameters_are_held_to_their_form);

async fn images_are_shown_as_pictures(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    let (ct, moving) = (file("images/CT_small.dcm"), file("images/examples_ybr_color.dcm"));
    stow(&client, &[ct.clone(), moving.clone()]).await.expect(200);
    let names = Names::of(&ct);
    for (accept, media, signature) in [
        ("", "image/jpeg", b"\xff\xd8\xff".as_slice()),
        ("image/png", "image/png", b"\x89PNG"),
        ("image/gif", "image/gif", b"GIF8"),
        ("image/*", "image/jpeg", b"\xff\xd8\xff"),
        ("image/webp, image/png;q=0.5", "image/png", b"\x89PNG"),
    ] {
        let headers: Vec<(&str, &str)> = if accept.is_empty() { vec![] } else { vec![("Accept", accept)] };
        for place in ["rendered", "frames/1/rendered", "thumbnail", "frames/1/thumbnail"] {
            let answer = get(&client, &format!("{}/{place}", names.path()), &headers).await.expect(200);
            assert_eq!(answer.must("content-type"), media, "{accept} {place}");
            assert!(answer.body.starts_with(signature), "{accept} {place}");
        }
    }
    for place in [names.of_study(), names.of_series()] {
        assert_eq!(
            get(&client, &format!("{place}/thumbnail"), &[]).await.expect(200).must("content-type"),
            "image/jpeg"
        );
        let accept = [("Accept", "multipart/related; type=\"image/png\"")];
        let all = get(&client, &format!("{place}/rendered"), &accept).await.expect(200);
        assert_eq!(field(&parts(&all)[0].0, "Content-Type"), Some("image/png"));
        let one = get(&client, &format!("{place}/rendered"), &[("Accept", "image/png")]).await.expect(200);
        assert_eq!(parts(&all)[0].1, one.body);
    }
    // The query says as much as the field.
    let by_query = get(&client, &format!("{}/rendered?accept=image/png", names.path()), &[]).await.expect(200);
    assert_eq!(by_query.must("content-type"), "image/png");
    let width = |png: &[u8]| u32::from_be_bytes(png[16..20].try_into().expect("four bytes"));
    let png = [("Accept", "image/png")];
    assert_eq!(width(&by_query.body), 128);
    let small = get(&client, &format!("{}/rendered?viewport=64,64", names.path()), &png).await.expect(200);
    assert_eq!(width(&small.body), 64);
    let windowed = get(&client, &format!("{}/rendered?window=40,400,linear", names.path()), &png).await.expect(200);
    assert_ne!(windowed.body, by_query.body);
    let noted = get(&client, &format!("{}/rendered?annotation=patient", names.path()), &[]).await.expect(200);
    assert!(noted.must("warning").starts_with("299 "));

    let names = Names::of(&moving);
    let gif = get(&client, &format!("{}/rendered", names.path()), &[]).await.expect(200);
    assert_eq!(gif.must("content-type"), "image/gif");
    get(&client, &format!("{}/frames/1,2/rendered", names.path()), &[]).await.expect(200);
    get(&client, &format!("{}/frames/1,2/rendered", names.path()), &png).await.expect(406);
    get(&client, &format!("{}/frames/31/rendered", names.path()), &[]).await.expect(404);
    get(&client, &format!("{}/frames/x/rendered", names.path()), &[]).await.expect(400);
    get(&client, &format!("{}/rendered", names.path()), &[("Accept", "application/dicom")]).await.expect(406);
}

async fn what_has_no_pixels_is_no_picture(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    for name in ["images/waveform_ecg.dcm", "sr/kos.dcm"] {
        let sent = file(name);
        stow(&client, std::slice::from_ref(&sent)).await;
        for place in ["rendered", "thumbnail"] {
            let answer = get(&client, &format!("{}/{place}", Names::of(&sent).path()), &[]).await;
            let is_page = name.starts_with("sr") && place == "rendered";
            assert_eq!(answer.status, if is_page { 200 } else { 406 }, "{name} {place}");
        }
    }
    let report = file("sr/test-SR.dcm");
    stow(&client, std::slice::from_ref(&report)).await;
    let path = format!("{}/rendered", Names::of(&report).path());
    let page = get(&client, &path, &[]).await.expect(200);
    assert!(page.must("content-type").starts_with("text/html"));
    let text = get(&client, &path, &[("Accept", "text/plain")]).await.expect(200);
    assert!(text.must("content-type").starts_with("text/plain") && text.text().lines().count() > 10, "{}", text.text());
    get(&client, &path, &[("Accept", "image/jpeg")]).await.expect(406);
}

async fn parameters_are_held_to_their_form(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    let sent = image(1, 1, 1);
    stow(&client, std::slice::from_ref(&sent)).await.expect(200);
    let path = Names::of(&sent).path();
    for bad in
        ["window=1", "window=1,0,linear", "viewport=0,1", "quality=0", "annotation=all", "iccprofile=x", "zoom=1"]
    {
        get(&client, &format!("{path}/rendered?{bad}"), &[]).await.expect(400);
    }
}
