//! An HTTP server in this process in the place of a peer: it answers each request as a test tells it to,
//! and keeps what it was sent.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) content_type: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// An answer: status, media type, body.
pub(crate) type Reply = (u16, &'static str, Vec<u8>);

type Answering = dyn Fn(Received) -> Pin<Box<dyn Future<Output = Reply>>> + Send + Sync;

/// A peer that listens until it is dropped.
pub(crate) struct WebPeer {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Received>>>,
    handle: actix_web::dev::ServerHandle,
}

impl WebPeer {
    /// Answers at once.
    pub(crate) fn start(answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let answer = Arc::new(answer);
        Self::start_slow(move |request| {
            let reply = answer(&request);
            async move { reply }
        })
    }

    /// Answers when the future is ready.
    pub(crate) fn start_slow<F: Future<Output = Reply> + 'static>(
        answer: impl Fn(Received) -> F + Send + Sync + 'static,
    ) -> Self {
        let answer: Arc<Answering> = Arc::new(move |request| Box::pin(answer(request)));
        let requests: Arc<Mutex<Vec<Received>>> = Arc::default();
        let kept = Arc::clone(&requests);
        let server = HttpServer::new(move || {
            let (answer, kept) = (Arc::clone(&answer), Arc::clone(&kept));
            App::new().app_data(web::PayloadConfig::new(256 << 20)).default_service(web::to(
                move |request: HttpRequest, body: web::Bytes| {
                    let received = received(&request, &body);
                    kept.lock().expect("not poisoned").push(received.clone());
                    let reply = answer(received);
                    async move { respond(reply.await) }
                },
            ))
        });
        let server = server.workers(1).disable_signals().shutdown_timeout(0).bind(("127.0.0.1", 0)).expect("binds");
        let url = format!("http://{}", server.addrs()[0]);
        let running = server.run();
        let handle = running.handle();
        tokio::spawn(running);
        Self { url, requests, handle }
    }

    /// What came so far.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.requests.lock().expect("not poisoned").clone()
    }
}

impl Drop for WebPeer {
    fn drop(&mut self) {
        let handle = self.handle.clone();
        tokio::spawn(async move { handle.stop(false).await });
    }
}

fn received(request: &HttpRequest, body: &web::Bytes) -> Received {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Received {
        method: request.method().to_string(),
        target: request.uri().to_string(),
        content_type: content_type.unwrap_or_default().to_owned(),
        headers: request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect(),
        body: body.to_vec(),
    }
}

fn respond((status, content_type, body): Reply) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::from_u16(status).expect("a status")).body(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
