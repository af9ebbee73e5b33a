//! What belongs to another tenant, and who may not look.

use causeway::access::Role;
use causeway::base::TenantId;
use causeway::ops::tokens::TokenRequest;

use crate::each_backend;
use crate::support::{Backend, PUBLIC_URL, TestGateway, token};

use super::help::{AS_STORED, Names, get, image, integrator, parts, stow, value};

each_backend!(what_another_tenant_has_looks_absent, scopes_hold_here_too, urls_never_follow_the_host_field);

async fn what_another_tenant_has_looks_absent(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let ours = integrator(&gateway).await;
    let north = gateway.add_tenant("north").await;
    let theirs = gateway.client(&north, token("theirs", &[Role::Integrator])).await;
    let sent = image(1, 1, 1);
    stow(&ours, std::slice::from_ref(&sent)).await.expect(200);
    let names = Names::of(&sent);
    for place in [
        names.of_study(),
        names.of_series(),
        names.path(),
        format!("{}/metadata", names.path()),
        format!("{}/rendered", names.path()),
        format!("{}/thumbnail", names.of_study()),
        format!("{}/frames/1", names.path()),
        format!("{}/bulkdata/7FE00010", names.path()),
    ] {
        get(&ours, &place, &[]).await.expect(200);
        get(&theirs, &place, &[]).await.expect(404);
    }
    theirs.delete(&names.of_study()).await.expect(404);
    for place in ["/dicom-web/studies", "/dicom-web/series", "/dicom-web/instances"] {
        assert_eq!(get(&theirs, place, &[]).await.expect(200).text(), "[]");
    }
    // The same instance, in a house of its own.
    let stored = stow(&theirs, std::slice::from_ref(&sent)).await.expect(200);
    let url = format!("{PUBLIC_URL}/t/north{}", names.of_study());
    assert_eq!(value(&stored.json(), "00081190"), url.as_str());
    theirs.delete(&names.of_study()).await.expect(204);
    let still = get(&ours, &names.path(), &[AS_STORED]).await.expect(200);
    assert_eq!(parts(&still).len(), 1);
}

async fn scopes_hold_here_too(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let sent = image(1, 1, 1);
    stow(&integrator(&gateway).await, std::slice::from_ref(&sent)).await.expect(200);
    let names = Names::of(&sent);
    for (scope, reads, finds) in [
        ("user/ImagingStudy.r", 200, 403),
        ("user/ImagingStudy.s", 403, 200),
        ("user/ImagingStudy.rs", 200, 200),
        ("user/Patient.rs", 403, 403),
        // A client that acts alone.
        ("system/ImagingStudy.rs", 200, 200),
        ("system/ImagingStudy.s", 403, 200),
    ] {
        let request = TokenRequest { scope: Some(scope.to_owned()), ..token("narrow", &[Role::Integrator]) };
        let client = gateway.client(&TenantId::default_tenant(), request).await;
        assert_eq!(get(&client, &names.path(), &[]).await.status, reads, "{scope}");
        assert_eq!(get(&client, "/dicom-web/studies", &[]).await.status, finds, "{scope}");
        stow(&client, std::slice::from_ref(&sent)).await.expect(403);
    }
    get(&gateway.nobody(), &names.path(), &[]).await.expect(401);
    // An administrator sees no images; a client that acts alone sees what its scopes say, whoever else it is.
    for (scope, status) in [(None, 403), (Some("user/*.cruds"), 403), (Some("system/*.cruds"), 200)] {
        let request = TokenRequest { scope: scope.map(str::to_owned), ..token("admin", &[Role::Admin]) };
        let client = gateway.client(&TenantId::default_tenant(), request).await;
        assert_eq!(get(&client, &names.path(), &[]).await.status, status, "{scope:?}");
    }
}

async fn urls_never_follow_the_host_field(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    let sent = image(1, 1, 1);
    stow(&client, std::slice::from_ref(&sent)).await.expect(200);
    let forged = [("X-Forwarded-Host", "evil.example"), ("Forwarded", "host=evil.example;proto=https")];
    let names = Names::of(&sent);
    for place in ["/dicom-web/instances".to_owned(), format!("{}/metadata", names.path()), names.path()] {
        let answer = get(&client, &place, &forged).await.expect(200);
        let text = answer.text();
        assert!(text.contains(PUBLIC_URL) && !text.contains("evil.example") && !text.contains("127.0.0.1"), "{place}");
    }
}
