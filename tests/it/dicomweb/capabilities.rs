//! What is said of the service, and to browsers. PS3.18 §8.9.

use crate::each_backend;
use crate::support::{Backend, PUBLIC_URL, TestGateway};

use super::help::{get, image, integrator, stow};

each_backend!(
    capabilities_are_told_without_a_token,
    the_conformance_statement_is_open_in_every_form,
    browsers_are_told_what_they_may,
    other_methods_are_refused,
);

async fn the_conformance_statement_is_open_in_every_form(backend: Backend) {
    let gateway = TestGateway::with(&backend, &["dimse.max_matches=4321"], "").await;
    let nobody = gateway.nobody();
    for (accept, media, begins) in [
        ("*/*", "text/html; charset=utf-8", "<!DOCTYPE html>"),
        ("text/html,application/xhtml+xml", "text/html; charset=utf-8", "<!DOCTYPE html>"),
        ("text/markdown", "text/markdown; charset=utf-8", "# DICOM Conformance Statement"),
        ("text/plain", "text/plain; charset=utf-8", "# DICOM Conformance Statement"),
        ("application/json", "application/json", "{\"title\":\"DICOM Conformance Statement"),
    ] {
        let page = nobody.send("GET", "/conformance", &[("Accept", accept)], b"").await.expect(200);
        assert_eq!(page.must("content-type"), media);
        assert!(page.text().starts_with(begins), "{accept}");
        for part in
            ["4321", "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.1.2.4.201", "ISO 2022 IR 149", "studies/{study}"]
        {
            assert!(page.text().contains(part), "{part} in {media}");
        }
    }
    nobody.send("GET", "/conformance", &[("Accept", "image/png")], b"").await.expect(406);
    let metadata = nobody.send("GET", "/fhir/r4/metadata", &[], b"").await.expect(200);
    let said = metadata.json()["rest"][0]["documentation"].as_str().expect("words").to_owned();
    assert!(said.contains(&format!("{PUBLIC_URL}/dicom-web ")) && said.contains(&format!("{PUBLIC_URL}/conformance")));
}

async fn capabilities_are_told_without_a_token(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.nobody();
    for path in ["/dicom-web", "/dicom-web/", "/dicomweb/"] {
        let wadl = client.send("OPTIONS", path, &[], b"").await.expect(200);
        assert_eq!(wadl.must("content-type"), "application/vnd.sun.wadl+xml");
        assert!(wadl.text().contains(&format!("<resources base=\"{PUBLIC_URL}/dicom-web/\">")));
    }
    let json = client.send("OPTIONS", "/dicom-web/", &[("Accept", "application/json")], b"").await.expect(200);
    assert_eq!(json.json()["resources"]["base"], format!("{PUBLIC_URL}/dicom-web/"));
    client.send("OPTIONS", "/dicom-web/", &[("Accept", "image/png")], b"").await.expect(406);
    let north = gateway.add_tenant("north").await;
    let theirs = gateway.bearer(&north, None).send("OPTIONS", "/dicom-web/", &[], b"").await.expect(200);
    assert!(theirs.text().contains(&format!("base=\"{PUBLIC_URL}/t/north/dicom-web/\"")));
}

async fn browsers_are_told_what_they_may(backend: Backend) {
    let gateway = TestGateway::with(&backend, &["http.allowed_origins=https://viewer.example"], "").await;
    let client = integrator(&gateway).await;
    stow(&client, &[image(1, 1, 1)]).await.expect(200);
    let asking = [("Origin", "https://viewer.example"), ("Access-Control-Request-Method", "GET")];
    for path in ["/dicom-web/", "/dicom-web/studies", "/wado"] {
        let preflight = gateway.nobody().send("OPTIONS", path, &asking, b"").await.expect(204);
        assert_eq!(preflight.must("access-control-allow-origin"), "https://viewer.example");
        let allowed = preflight.must("access-control-allow-headers").to_ascii_lowercase();
        for name in ["accept", "authorization", "content-type", "range", "if-none-match"] {
            assert!(allowed.contains(name), "{name}");
        }
    }
    let answer = get(&client, "/dicom-web/studies", &[("Origin", "https://viewer.example")]).await.expect(200);
    let exposed = answer.must("access-control-expose-headers").to_ascii_lowercase();
    for name in ["content-type", "content-length", "content-location", "etag", "warning", "location", "link"] {
        assert!(exposed.contains(name), "{name}");
    }
    let path = "/dicom-web/studies/2.25.7.1/metadata";
    let other = get(&client, path, &[("Origin", "https://other.example")]).await.expect(200);
    assert_eq!(other.header("access-control-allow-origin"), None);
    // Where no origin may, a browser that asks is told nothing, rather than what the service can do.
    let gateway = TestGateway::new(&backend).await;
    let silent = gateway.nobody().send("OPTIONS", "/dicom-web/", &asking, b"").await.expect(204);
    assert!(silent.body.is_empty() && silent.header("access-control-allow-origin").is_none());
}

async fn other_methods_are_refused(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    for (method, path, allowed) in [
        ("PUT", "/dicom-web/studies", "GET"),
        ("DELETE", "/dicom-web/studies", "POST"),
        ("POST", "/dicom-web/series", "GET"),
        ("PATCH", "/dicom-web/studies/1.2.3", "DELETE"),
        ("POST", "/dicom-web/studies/1.2.3/metadata", "GET"),
        ("POST", "/wado", "GET"),
    ] {
        let answer = client.send(method, path, &[], b"").await.expect(405);
        assert!(answer.must("allow").contains(allowed), "{method} {path}");
    }
    get(&client, "/dicom-web/patients", &[]).await.expect(404);
    get(&client, "/dicom-web/studies/1.2.3/nonsense", &[]).await.expect(404);
}
