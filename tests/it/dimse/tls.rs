//! Associations within TLS, with and without certificates of callers.

use std::path::Path;

use causeway::base::Secret;
use causeway::remote::dimse::DimsePeer;
use causeway::remote::tls::TlsSettings;

use super::settings;
use crate::support::{Backend, TestGateway};

#[test]
fn a_caller_shows_a_certificate_where_it_must() {
    crate::support::run(async {
        let file = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls").join(name);
        let flag = |key: &str, name: &str| format!("dimse.{key}={}", file(name).display());
        let own = [
            "dimse.tls_listen=127.0.0.1:0".to_owned(),
            flag("tls_certificate_file", "server.pem"),
            flag("tls_key_file", "server-key.pem"),
        ];
        let with_ca = [own.to_vec(), vec![flag("tls_client_ca_file", "ca.pem")]].concat();
        let optional = [with_ca.clone(), vec!["dimse.tls_client_certificate=optional".to_owned()]].concat();
        let nobody = TlsSettings { ca_file: Some(file("ca.pem")), ..TlsSettings::default() };
        let text = |name: &str| std::fs::read_to_string(file(name)).expect("is read");
        let known = TlsSettings {
            client_certificate_pem: Some(text("client.pem")),
            client_key_pem: Some(Secret::new(text("client-key.pem"))),
            ..nobody.clone()
        };
        for (flags, stranger_is_let_in) in [(own.to_vec(), true), (with_ca, false), (optional, true)] {
            let flags: Vec<_> = flags.iter().map(String::as_str).collect();
            let gateway = TestGateway::with(&Backend::Sqlite, &flags, "").await;
            for (tls, is_let_in) in
                [(Some(known.clone()), true), (Some(nobody.clone()), stranger_is_let_in), (None, false)]
            {
                let mut settings = settings(&gateway);
                settings.host = Some("localhost".into());
                settings.port = Some(gateway.dimse_tls().port());
                settings.timeouts.association_seconds = 5;
                settings.tls = tls;
                let echo = DimsePeer::new(&settings).await.expect("good settings").echo().await;
                assert_eq!(echo.is_ok(), is_let_in, "{flags:?}: {echo:?}");
            }
        }
    });
}
