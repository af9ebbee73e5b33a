//! The server: listens, makes the application for each worker, and stops in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, HttpServer, web};
use tokio::task::JoinHandle;

use super::edge::Edge;
use super::form::Form;
use super::frame::{frame, plain};
use super::route::{is_operation, mount};
use super::watch::{Patience, Watch};
use super::{HttpError, Route};

/// Settings of the server.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Where to listen; port 0 takes a free one. On this machine only unless said otherwise.
    pub listen: Vec<SocketAddr>,
    /// Threads that serve.
    pub workers: usize,
    /// Most connections of a worker at one time.
    pub max_connections: usize,
    /// How long the head of a request may take.
    pub head_timeout: Duration,
    /// How long a connection may rest between two requests.
    pub keep_alive: Duration,
    /// How long a client may take nothing of an answer.
    pub stall_timeout: Duration,
    /// How long running requests have when the server stops.
    pub shutdown_timeout: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 8080))],
            workers: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
            max_connections: 4_096,
            head_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            stall_timeout: Duration::from_mins(1),
            shutdown_timeout: Duration::from_secs(30),
        }
    }
}

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<SocketAddr>,
    handle: ServerHandle,
    edge: Arc<Edge>,
    /// Until it has ended.
    serving: Option<JoinHandle<io::Result<()>>>,
    sweeping: JoinHandle<()>,
}

/// Starts a server for `routes` behind `edge`. `configure` adds to each worker's application what the
/// handlers need, as `web::Data`. Needs a tokio runtime.
pub fn start<C>(settings: &ServerSettings, edge: Arc<Edge>, routes: Vec<Route>, configure: C) -> io::Result<Server>
where
    C: Fn(&mut web::ServiceConfig) + Clone + Send + Sync + 'static,
{
    let routes: Arc<[Route]> = routes.into();
    let watch =
        Watch::new(Patience { waiting: settings.keep_alive + settings.head_timeout, stalled: settings.stall_timeout });
    let pace = (settings.keep_alive.min(settings.stall_timeout) / 4).clamp(FASTEST_SWEEP, SLOWEST_SWEEP);
    let (entering, sweeping) = (Arc::clone(&watch), watch);
    let of_workers = Arc::clone(&edge);
    let server = HttpServer::new(move || {
        let framed = Arc::clone(&of_workers);
        App::new()
            .configure(|config| application(config, &routes, &of_workers))
            .configure(configure.clone())
            .wrap(from_fn(plain))
            .wrap(Compress::default())
            .wrap(from_fn(move |request, next| frame(Arc::clone(&framed), request, next)))
    })
    .on_connect(move |io, data| entering.enter(io, data))
    .workers(settings.workers)
    .max_connections(settings.max_connections)
    .client_request_timeout(settings.head_timeout)
    .client_disconnect_timeout(settings.head_timeout)
    .keep_alive(settings.keep_alive)
    .shutdown_timeout(settings.shutdown_timeout.as_secs())
    .tcp_nodelay(true)
    .disable_signals()
    .bind(&*settings.listen)?;
    let addresses = server.addrs();
    let server = server.run();
    let handle = server.handle();
    let sweeping = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(pace);
        loop {
            ticks.tick().await;
            sweeping.sweep();
        }
    });
    Ok(Server { addresses, handle, edge, serving: Some(tokio::spawn(server)), sweeping })
}

impl Server {
    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Takes no new connections, ends event streams, lets running requests finish, and returns.
    pub async fn stop(self) -> io::Result<()> {
        self.edge.stopping().cancel();
        self.handle.stop(true).await;
        self.sweeping.abort();
        match self.serving {
            Some(serving) => serving.await.map_err(io::Error::other)?,
            None => Ok(()),
        }
    }

    /// Runs until the server ends by itself, which it does only when it fails.
    pub async fn failed(&mut self) -> io::Result<()> {
        let Some(serving) = &mut self.serving else { return Ok(()) };
        let ended = serving.await;
        self.serving = None;
        ended.map_err(io::Error::other)?
    }
}

/// The routes, and 404 for the rest.
pub(super) fn application(config: &mut web::ServiceConfig, routes: &[Route], edge: &Arc<Edge>) {
    config.app_data(web::Data::new(Arc::clone(edge)));
    config.app_data(web::PayloadConfig::new(usize::try_from(edge.settings.max_body_bytes).unwrap_or(usize::MAX)));
    mount(config, routes, edge);
    config.default_service(web::to(|request: actix_web::HttpRequest| {
        let path = request.path();
        let is_unknown = Form::of(path) == Form::Fhir && is_operation(path);
        let error = if is_unknown { HttpError::no_operation() } else { HttpError::NotFound };
        async move { Err::<actix_web::HttpResponse, _>(error) }
    }));
}

/// How often connections are looked at, at most and at least.
const FASTEST_SWEEP: Duration = Duration::from_millis(20);
const SLOWEST_SWEEP: Duration = Duration::from_secs(1);
