//! The outermost layer. Every request goes through it, also those that match no route: it gives the
//! request its id and span, holds the limits on URL and header fields and the rate by address, answers
//! preflights, renders errors in the form of the path, and puts on every answer what must be on it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpResponse};
use tracing::Instrument as _;

use crate::access::RequestId;
use crate::telemetry::metric;

use super::HttpError;
use super::address::client;
use super::caller::CurrentRequest;
use super::cors::{self, X_REQUEST_ID};
use super::edge::Edge;
use super::form::Form;
use super::watch::{Connection, Watched};

/// Where a request came from, for the entrance.
#[derive(Debug, Clone, Copy)]
pub(super) struct CameFrom(pub(super) Option<IpAddr>);

/// What is kept of a request while the services behind have it.
struct Kept {
    start: Instant,
    method: Method,
    form: Form,
    request_id: RequestId,
    origin: Option<HeaderValue>,
    connection: Option<Arc<Connection>>,
}

/// Takes a request through the whole edge.
pub(super) async fn frame<B: MessageBody + 'static>(
    edge: Arc<Edge>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<Watched, BoxBody>>, Error> {
    let kept = Kept {
        start: Instant::now(),
        method: request.method().clone(),
        form: Form::of(request.path()),
        request_id: request_id(request.headers()),
        origin: edge.cors.origin(request.headers()),
        connection: request.conn_data::<Arc<Connection>>().cloned(),
    };
    if let Some(connection) = &kept.connection {
        connection.begin();
    }
    let span = tracing::info_span!(
        "http.request",
        request_id = %kept.request_id,
        http.method = method_label(&kept.method),
        http.route = tracing::field::Empty,
        tenant = tracing::field::Empty,
        principal = tracing::field::Empty,
    );
    async move {
        let _counted = InFlight::begin();
        let response = inner(&edge, request, next, &kept).await?;
        Ok(finish(&edge, response, kept))
    }
    .instrument(span)
    .await
}

/// Counts a request for as long as it is being answered, also if its client goes away.
struct InFlight;

impl InFlight {
    fn begin() -> Self {
        metrics::gauge!(metric::HTTP_IN_FLIGHT).increment(1);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!(metric::HTTP_IN_FLIGHT).decrement(1);
    }
}

async fn inner<B: MessageBody + 'static>(
    edge: &Arc<Edge>,
    request: ServiceRequest,
    next: Next<B>,
    kept: &Kept,
) -> Result<ServiceResponse, Error> {
    let peer = request.peer_addr().map(|peer| peer.ip());
    let address = client(peer, request.headers(), &edge.settings.trusted_proxies);
    if let Err(error) = check(edge, &request, address) {
        return Ok(request.error_response(error));
    }
    if edge.cors.is_preflight(&kept.method, request.headers()) {
        return Ok(request.into_response(cors::preflight(kept.origin.as_ref())));
    }
    {
        let mut extensions = request.extensions_mut();
        extensions.insert(CurrentRequest(kept.request_id.clone()));
        extensions.insert(CameFrom(address));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// What can be refused before anyone looks at what is asked.
fn check(edge: &Edge, request: &ServiceRequest, address: Option<IpAddr>) -> Result<(), HttpError> {
    let url_bytes = request.uri().path_and_query().map_or(0, |url| url.as_str().len());
    if url_bytes > edge.settings.max_url_bytes {
        return Err(HttpError::UriTooLong);
    }
    // Name, colon, space, value, line end.
    let header_bytes: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if header_bytes > edge.settings.max_header_bytes {
        return Err(HttpError::HeadersTooLarge);
    }
    edge.take_for_address(address).map_err(|wait| {
        metrics::counter!(metric::HTTP_LIMITED, "by" => "address").increment(1);
        HttpError::RateLimited(wait)
    })
}

/// The client's id of the request if it is fit for logs, else a new one.
fn request_id(headers: &HeaderMap) -> RequestId {
    let mut values = headers.get_all(X_REQUEST_ID);
    let given = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().and_then(|text| RequestId::parse(text).ok()),
        _ => None,
    };
    given.unwrap_or_else(new_request_id)
}

#[expect(clippy::expect_used, reason = "a UUID in its simple form is 32 letters and digits")]
fn new_request_id() -> RequestId {
    RequestId::parse(&uuid::Uuid::new_v4().simple().to_string()).expect("a UUID is a request id")
}

fn finish(edge: &Edge, response: ServiceResponse, kept: Kept) -> ServiceResponse<EitherBody<Watched, BoxBody>> {
    let response = match failure(response.response()) {
        Some(error) => {
            let rendered = kept.form.render(&error, &kept.request_id);
            response.into_response(rendered)
        }
        None => response,
    };
    let route = response.request().match_pattern();
    let mut response = response;
    dress(edge, response.headers_mut(), route.as_deref(), &kept);
    record(route, response.status(), &kept);
    match kept.connection {
        Some(connection) => response.map_body(|_, body| EitherBody::left(connection.send(body))),
        None => response.map_into_right_body(),
    }
}

/// The error that an answer stands for, where it is not rendered yet: ours, one of the framework's, or a
/// bare status that the framework chose.
fn failure(response: &HttpResponse) -> Option<HttpError> {
    if let Some(error) = response.error() {
        if let Some(ours) = error.as_error::<HttpError>() {
            return Some(ours.clone());
        }
        if let Some(payload) = error.as_error::<PayloadError>() {
            return Some(HttpError::of_payload(payload));
        }
        return Some(HttpError::of_status(response.status()));
    }
    let is_bare = response.status().as_u16() >= 400 && !response.headers().contains_key(header::CONTENT_TYPE);
    is_bare.then(|| HttpError::of_status(response.status()))
}

/// Puts on an answer what must be on every one: its id, and that nobody keeps it, guesses its type, frames
/// it or lets another origin read it.
fn dress(edge: &Edge, headers: &mut HeaderMap, route: Option<&str>, kept: &Kept) {
    // Set by `plain` for the packer behind; on the wire it would be wrong (RFC 9110 §12.5.3).
    if headers.get(header::CONTENT_ENCODING).is_some_and(|value| value == "identity") {
        headers.remove(header::CONTENT_ENCODING);
    }
    if let Ok(id) = HeaderValue::from_str(kept.request_id.as_str()) {
        headers.insert(X_REQUEST_ID, id);
    }
    for (name, value) in ALWAYS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    headers.append(header::VARY, HeaderValue::from_static("Authorization, Accept, Origin"));
    if edge.settings.is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000"));
    }
    if edge.cors.is_on() && route.is_some_and(cors::is_open) {
        cors::allow(headers, HeaderValue::from_static("*"));
    } else if let Some(origin) = &kept.origin {
        cors::allow(headers, origin.clone());
    }
}

/// One line in the log and the figures. The route is its pattern: paths hold ids, queries hold more.
fn record(route: Option<String>, status: StatusCode, kept: &Kept) {
    let seconds = kept.start.elapsed().as_secs_f64();
    let route = route.unwrap_or_else(|| "unmatched".to_owned());
    let method = method_label(&kept.method);
    let class = match status.as_u16() {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    };
    metrics::counter!(metric::HTTP_REQUESTS, "method" => method, "route" => route.clone(), "status" => class)
        .increment(1);
    metrics::histogram!(metric::HTTP_REQUEST_SECONDS, "method" => method, "route" => route).record(seconds);
    tracing::info!(http.status = status.as_u16(), duration_ms = seconds * 1000.0, "request finished");
}

/// A method as a label: those that exist, so that nobody can make new labels.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Keeps answers from being packed that gain nothing by it or would lose their strong tag or their range.
pub(super) async fn plain<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let mut response = next.call(request).await?;
    let size = response.response().body().size();
    if !is_worth_packing(response.headers(), size) && !response.headers().contains_key(header::CONTENT_ENCODING) {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("identity"));
    }
    Ok(response)
}

fn is_worth_packing(headers: &HeaderMap, size: actix_web::body::BodySize) -> bool {
    use actix_web::body::BodySize;
    let is_text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|text| {
        let essence = text.split(';').next().unwrap_or_default().trim();
        essence != "text/event-stream"
            && (essence.starts_with("text/")
                || essence.ends_with("json")
                || essence.ends_with("+xml")
                || essence == "application/fhir+ndjson")
    });
    let is_long = match size {
        BodySize::None => false,
        BodySize::Sized(bytes) => bytes >= LEAST_PACKED_BYTES,
        BodySize::Stream => true,
    };
    let has_strong_tag = headers.get(header::ETAG).is_some_and(|tag| !tag.as_bytes().starts_with(b"W/"));
    is_text && is_long && !has_strong_tag && !headers.contains_key(header::ACCEPT_RANGES)
}

/// Shorter answers fit one packet anyway.
const LEAST_PACKED_BYTES: u64 = 1024;

const ALWAYS: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];
