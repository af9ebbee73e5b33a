use std::io;

use actix_web::middleware::{Compress, from_fn};
use actix_web::test::{TestRequest, init_service, try_call_service};
use actix_web::{App, http::header};
use metrics_exporter_prometheus::PrometheusBuilder;
use tracing_subscriber::fmt::MakeWriter;

use super::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// What must not be seen outside stands in every part of a request; the log and the figures are searched
/// for it.
#[actix_web::test]
async fn neither_log_nor_figures_hold_what_is_in_requests() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_ansi(false)
        .with_writer(lines.clone())
        .finish();
    let _log = tracing::subscriber::set_default(subscriber);
    let recorder = PrometheusBuilder::new().build_recorder();
    let figures = recorder.handle();
    let _figures = metrics::set_default_local_recorder(&recorder);

    let house = House::new();
    let gate: Arc<dyn Gate> = house.clone();
    let edge = Edge::new(gate, EdgeSettings::default());
    let framed = Arc::clone(&edge);
    let app = init_service(
        App::new()
            .configure(|config| server::application(config, &test_routes(), &edge))
            .wrap(from_fn(super::super::frame::plain))
            .wrap(Compress::default())
            .wrap(from_fn(move |request, next| super::super::frame::frame(Arc::clone(&framed), request, next))),
    )
    .await;
    let token = house.radiologist();
    for (method, path) in [
        ("GET", "/api/reports/CANARY?patientId=CANARY"),
        ("GET", "/CANARY?CANARY=CANARY"),
        ("CANARY", "/api/reports/CANARY"),
        ("POST", "/api/reports?x=CANARY"),
        ("GET", "/api/reports/panic?x=CANARY"),
        ("GET", "/fhir/r4/Patient/CANARY"),
    ] {
        for bearer in [token.clone(), "CANARY".to_owned(), "CANARY CANARY".to_owned()] {
            let request = TestRequest::with_uri(path)
                .method(method.parse().expect("a method"))
                .insert_header((header::AUTHORIZATION, format!("Bearer {bearer}")))
                .insert_header((header::COOKIE, "CANARY=CANARY"))
                .insert_header((header::CONTENT_TYPE, "application/json"))
                .insert_header(("x-request-id", "CANARY CANARY"))
                .set_payload("{\"CANARY\":\"CANARY\",}")
                .to_request();
            try_call_service(&app, request).await.expect("an answer");
        }
    }
    let log = String::from_utf8(lines.0.lock().expect("not poisoned").clone()).expect("text");
    let figures = figures.render();
    for (name, text) in [("log", &log), ("figures", &figures)] {
        assert!(!text.contains("CANARY"), "{name}: {text}");
        assert!(!text.contains(&token[..40]), "{name}");
    }
    assert!(log.contains("http.request{request_id="), "{log}");
    assert!(log.contains("http.route=\"/api/reports/{id}\""), "{log}");
    assert!(log.contains("principal=\"user:jones\""), "{log}");
    let counted = "causeway_http_requests_total{method=\"GET\",route=\"/api/reports/{id}\",status=\"2xx\"} 1";
    assert!(figures.contains(counted), "{figures}");
    assert!(figures.contains("route=\"unmatched\""), "{figures}");
    assert!(figures.contains("method=\"other\""), "{figures}");
}
