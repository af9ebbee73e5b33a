//! The edge over real sockets. Everything here speaks raw HTTP, so that what a well-behaved client library
//! would not send is sent as well.

mod access;
mod bodies;
mod files;
mod forms;
mod frame;
mod raw;
mod traces;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::access::{Actor, ClientId, Operation, Role, TokenId, UserId};
use crate::base::{TenantId, Timestamp};
use crate::fhir::{Json, JsonLimits};
use crate::oauth::{Claims, Expected, SigningKey, TokenError, mint, verify};

const ISSUER: &str = "https://gw.example.org";
const NOW: Timestamp = Timestamp(1_770_000_000_000_000);

/// A house with real tokens and nothing behind.
struct House {
    key: SigningKey,
    ready: bool,
    refusals: Mutex<Vec<String>>,
}

impl House {
    fn new() -> Arc<Self> {
        let key = SigningKey::generate().expect("random");
        Arc::new(Self { key, ready: true, refusals: Mutex::new(Vec::new()) })
    }

    fn claims(tenant: &str, roles: &[Role], scope: Option<&str>) -> Claims {
        Claims {
            issuer: ISSUER.into(),
            audience: ISSUER.into(),
            subject: UserId::parse("jones").expect("valid"),
            client_id: ClientId::parse("test").expect("valid"),
            token_id: TokenId::parse("t-1").expect("valid"),
            issued_at: NOW,
            expires_at: NOW.plus_seconds(600),
            tenant: TenantId::parse(tenant).expect("valid"),
            roles: roles.to_vec(),
            scope: scope.map(str::to_owned),
            name: None,
        }
    }

    fn token(&self, claims: &Claims) -> String {
        mint(claims, &self.key).expect("signs")
    }

    fn radiologist(&self) -> String {
        self.token(&Self::claims("default", &[Role::Radiologist], None))
    }
}

impl Gate for House {
    fn knows(&self, tenant: &TenantId) -> bool {
        tenant.as_str() == "north"
    }

    fn authenticate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Actor, AuthError>> {
        Box::pin(async move {
            if presented.bearer == "unavailable" {
                return Err(AuthError::Unavailable);
            }
            let expected = Expected { issuer: ISSUER, audience: ISSUER, tenant: presented.tenant, leeway_seconds: 30 };
            let keys = [self.key.verify_key().clone()];
            let claims = verify(presented.bearer, &keys, &expected, NOW)?;
            if claims.token_id.as_str() == "revoked" {
                return Err(TokenError::Revoked.into());
            }
            Ok(claims.to_actor(presented.request_id.clone(), presented.address))
        })
    }

    fn refused<'a>(&'a self, refusal: Refusal<'a>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let cause = match refusal.cause {
                Cause::Token(error) => error.to_string(),
                Cause::Denied(actor, denial) => format!("{}: {denial}", actor.principal.key()),
            };
            let line = format!("{} {} {cause}", refusal.tenant, refusal.operation);
            self.refusals.lock().expect("not poisoned").push(line);
        })
    }

    fn ready(&self) -> BoxFuture<'_, Readiness> {
        Box::pin(
            async move { Readiness { parts: vec![("database", self.ready), ("blobs", true)], beside: Vec::new() } },
        )
    }

    fn metrics(&self) -> String {
        "# TYPE up gauge\nup 1\n".into()
    }
}

/// A server with some routes, on a free port.
struct Kit {
    house: Arc<House>,
    server: Server,
    address: SocketAddr,
}

impl Kit {
    fn start(settings: EdgeSettings) -> Self {
        Self::start_with(House::new(), settings, &ServerSettings::default(), test_routes())
    }

    fn start_with(house: Arc<House>, edge: EdgeSettings, server: &ServerSettings, routes: Vec<Route>) -> Self {
        let gate: Arc<dyn Gate> = house.clone();
        let listen = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
        let settings = ServerSettings { listen, workers: 1, ..server.clone() };
        let server = start(&settings, Edge::new(gate, edge), routes, |_| {}).expect("starts");
        let address = server.addresses()[0];
        Self { house, server, address }
    }

    /// One request on a connection of its own; `head` is without its last empty line.
    async fn ask(&self, head: &str, body: &[u8]) -> Answer {
        let mut connection = TcpStream::connect(self.address).await.expect("connects");
        let head = format!("{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        // A server that refuses early may close before the body is written.
        let _ = connection.write_all(head.as_bytes()).await;
        let _ = connection.write_all(body).await;
        read_answer(&mut connection).await.expect("an answer")
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1"), b"").await
    }

    async fn get_with(&self, path: &str, token: &str, more: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\nAuthorization: Bearer {token}{more}"), b"").await
    }

    async fn post(&self, path: &str, more: &str, body: &[u8]) -> Answer {
        let token = self.house.radiologist();
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}{more}");
        self.ask(&head, body).await
    }
}

/// An answer as it came.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, Vec<String>>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|values| values.first()).map(String::as_str)
    }

    fn json(&self) -> Json {
        Json::parse(&self.body, &JsonLimits::default()).expect("a JSON body")
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("text")
    }
}

/// Reads one answer, to its length or to the end of the connection; `None` if nothing came, or not within
/// ten seconds.
async fn read_answer(connection: &mut TcpStream) -> Option<Answer> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    let reading = async {
        while let Ok(read @ 1..) = connection.read(&mut buffer).await {
            bytes.extend_from_slice(&buffer[..read]);
            let answer = parse_answer(&bytes);
            let whole =
                |answer: &Answer| answer.header("content-length") == Some(answer.body.len().to_string().as_str());
            if answer.as_ref().is_some_and(whole) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), reading).await.ok()?;
    parse_answer(&bytes)
}

fn parse_answer(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        headers.entry(name.to_ascii_lowercase()).or_default().push(value.trim().to_owned());
    }
    let mut body = bytes[end + 4..].to_vec();
    if headers.get("transfer-encoding").is_some_and(|values| values[0] == "chunked") {
        body = dechunk(&body);
    }
    Some(Answer { status, headers, body })
}

fn dechunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(at) = bytes.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&bytes[..at]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let Some(size) = size.filter(|size| *size > 0 && at + 2 + size <= bytes.len()) else {
            break;
        };
        out.extend_from_slice(&bytes[at + 2..at + 2 + size]);
        bytes = bytes.get(at + 4 + size..).unwrap_or_default();
    }
    out
}

/// Routes that do what endpoints do.
fn test_routes() -> Vec<Route> {
    let mut routes = server_routes();
    routes.extend([
        Route::get("/api/reports/{id}", Operation::ReportRead, || web::to(read_one)),
        Route::put("/api/reports/{id}", Operation::ReportUpdate, || web::to(echo)),
        Route::post("/api/reports", Operation::ReportCreate, || web::to(echo)),
        Route::post("/api/raw", Operation::ReportImport, || web::to(length)).with_max_body_bytes(64 * 1024),
        Route::get("/api/reports/panic", Operation::ReportRead, || web::to(panics)),
        Route::get("/api/long", Operation::ReportRead, || web::to(long)),
        Route::get("/api/file", Operation::ExportDownload, || web::to(files::file)),
        Route::get("/api/events", Operation::ExportStatus, || web::to(events)),
        Route::get("/api/endless", Operation::ReportRead, || web::to(endless)),
        Route::get("/fhir/r4/metadata", Operation::MetadataRead, || web::to(metadata)),
        Route::get("/fhir/r4/{type}/{id}", Operation::FhirRead, || web::to(read_one)),
        Route::post("/fhir/r4/{type}", Operation::ReportImport, || web::to(echo_fhir)),
    ]);
    routes
}

async fn read_one(caller: Caller, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    match request.match_info().query("id") {
        "absent" => Err(HttpError::NotFound),
        "gone" => Err(HttpError::Gone),
        _ => Ok(HttpResponse::Ok().content_type("application/json").body(format!("\"{}\"", caller.actor.tenant))),
    }
}

async fn echo(ApiJson(json): ApiJson) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(json.to_text())
}

async fn echo_fhir(FhirJson(json): FhirJson) -> HttpResponse {
    HttpResponse::Ok().content_type(FHIR_JSON).body(json.to_text())
}

async fn length(WholeBody(bytes): WholeBody) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body(bytes.len().to_string())
}

async fn metadata(AtTenant(tenant): AtTenant) -> HttpResponse {
    HttpResponse::Ok().content_type(FHIR_JSON).body(format!("\"{tenant}\""))
}

#[expect(clippy::panic, reason = "this is what is tested")]
async fn panics(_caller: Caller) -> HttpResponse {
    panic!("patient Doe^Jane is in this message")
}

async fn long(_caller: Caller) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(format!("\"{}\"", "x".repeat(100_000)))
}

async fn events(_caller: Caller, edge: web::Data<Arc<Edge>>) -> HttpResponse {
    EventStream::new(edge.stopping()).respond(futures_util::stream::pending())
}

/// An answer without end.
async fn endless(_caller: Caller) -> HttpResponse {
    let piece = web::Bytes::from(vec![b'x'; 1024 * 1024]);
    let pieces = futures_util::stream::repeat(piece).map(Ok::<_, std::convert::Infallible>);
    HttpResponse::Ok().content_type("application/octet-stream").streaming(pieces)
}
