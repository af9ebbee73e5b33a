//! Requests to an HTTP peer: URLs below its base, authorization, answers of bounded size.

mod preflight;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use reqwest::Method;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::Url;

use crate::base::{Clock, Problems};

use super::auth::Authorizer;
use super::egress::{self, HttpError};
use super::peer::{Auth, PeerKind, PeerSettings};

pub(super) use preflight::Preflight;

/// An HTTP peer that can be asked. Made once and shared: it keeps connections and tokens.
pub(super) struct HttpPeer {
    client: reqwest::Client,
    base: Url,
    authorizer: Authorizer,
    clock: Arc<dyn Clock>,
    response: Duration,
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    method: Method,
    url: Url,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Vec<Bytes>,
    limit: usize,
}

/// An answer of any status whose body has still to come.
pub(super) struct Opened {
    /// Status code.
    pub(super) status: u16,
    /// What Retry-After asked for.
    pub(super) retry_after: Option<Duration>,
    /// Length of the body, if it is known.
    pub(super) length: Option<u64>,
    /// Header fields that are texts.
    pub(super) headers: Vec<(String, String)>,
    /// Body; no pause in it is longer than the peer may take to answer.
    pub(super) body: BoxStream<'static, Result<Bytes, HttpError>>,
}

/// An answer of any status.
#[derive(Debug)]
pub(super) struct Answer {
    /// Status code.
    pub(super) status: u16,
    /// What Retry-After asked for.
    pub(super) retry_after: Option<Duration>,
    /// `Location`.
    pub(super) location: Option<String>,
    /// `ETag`.
    pub(super) etag: Option<String>,
    /// Body.
    pub(super) body: Bytes,
}

impl HttpPeer {
    /// For a peer of `kind` with these settings.
    pub(super) async fn new(settings: &PeerSettings, kind: PeerKind, clock: Arc<dyn Clock>) -> Result<Self, HttpError> {
        let problems = settings.check();
        let (true, Some(base)) = (problems.is_empty() && settings.kind == kind, &settings.url) else {
            return Err(HttpError::Settings(if problems.is_empty() {
                Problems::one("kind", crate::base::ProblemCode::Value, "is of another kind")
            } else {
                problems
            }));
        };
        let mut urls = vec![base];
        if let Auth::ClientCredentials { token_url, .. } = &settings.auth {
            urls.push(token_url);
        }
        let client = egress::client(settings, &urls).await?;
        let authorizer = Authorizer::new(&settings.auth, client.clone(), clock.clone())
            .map_err(|error| HttpError::Token(Box::new(error)))?;
        Ok(Self { client, base: base.clone(), authorizer, clock, response: settings.timeouts.response() })
    }

    /// The URL of a resource below the base; segments are percent-encoded.
    pub(super) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Sends `request`. A 401 to a token from a cache is answered once with a new token.
    pub(super) async fn send(&self, request: &Outgoing) -> Result<Answer, HttpError> {
        let mut answer = self.send_once(request).await?;
        if answer.status == 401 && self.authorizer.forget() {
            answer = self.send_once(request).await?;
        }
        Ok(answer)
    }

    /// Sends `request`, and gives its answer before the body has come. The body may take longer than other exchanges.
    pub(super) async fn open(&self, request: &Outgoing) -> Result<Opened, HttpError> {
        let mut opened = self.open_once(request).await?;
        if opened.status == 401 && self.authorizer.forget() {
            opened = self.open_once(request).await?;
        }
        Ok(opened)
    }

    async fn open_once(&self, request: &Outgoing) -> Result<Opened, HttpError> {
        let length: usize = request.body.iter().map(Bytes::len).sum();
        let mut builder = self.begin(request).await?.timeout(LONGEST_BODY);
        if !request.body.is_empty() {
            let pieces = request.body.clone().into_iter().map(Ok::<_, std::io::Error>);
            builder = builder.header(CONTENT_LENGTH, length).body(reqwest::Body::wrap_stream(stream::iter(pieces)));
        }
        let response = egress::answer(builder, length, self.response).await?;
        let header = |name: HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
        let retry_after = header(RETRY_AFTER).and_then(|value| wait(value, self.clock.as_ref()));
        let text = |(name, value): (&HeaderName, &HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        let headers = response.headers().iter().filter_map(text).collect();
        let (status, length, pause) = (response.status().as_u16(), response.content_length(), self.response);
        let body = stream::try_unfold(response, move |mut response| async move {
            let next = tokio::time::timeout(pause, response.chunk()).await.map_err(|_elapsed| HttpError::Timeout)?;
            Ok::<_, HttpError>(next.map_err(|error| HttpError::from_reqwest(&error))?.map(|piece| (piece, response)))
        });
        Ok(Opened { status, retry_after, length, headers, body: body.boxed() })
    }

    /// Sends `request` with `length` bytes of a body that comes piece by piece. It is sent once.
    pub(super) async fn send_streamed<S, E>(
        &self,
        request: &Outgoing,
        length: u64,
        body: S,
    ) -> Result<Answer, HttpError>
    where
        S: futures_util::Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let builder = self.begin(request).await?.timeout(LONGEST_BODY);
        let builder = builder.header(CONTENT_LENGTH, length).body(reqwest::Body::wrap_stream(body));
        let whole = usize::try_from(length).unwrap_or(usize::MAX);
        let response = egress::answer(builder, whole, self.response).await?;
        self.whole(response, request.limit).await
    }

    async fn begin(&self, request: &Outgoing) -> Result<reqwest::RequestBuilder, HttpError> {
        let mut builder = self.client.request(request.method.clone(), request.url.clone());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let authorization = self.authorizer.header().await.map_err(|error| HttpError::Token(Box::new(error)))?;
        Ok(match authorization {
            Some(value) => builder.header(AUTHORIZATION, value),
            None => builder,
        })
    }

    async fn send_once(&self, request: &Outgoing) -> Result<Answer, HttpError> {
        let mut builder = self.begin(request).await?;
        let length: usize = request.body.iter().map(Bytes::len).sum();
        if !request.body.is_empty() {
            // A length in front, not chunks: some servers answer chunked uploads with 411.
            let pieces = request.body.clone().into_iter().map(Ok::<_, std::io::Error>);
            builder = builder.header(CONTENT_LENGTH, length).body(reqwest::Body::wrap_stream(stream::iter(pieces)));
        }
        let response = egress::answer(builder, length, self.response).await?;
        self.whole(response, request.limit).await
    }

    async fn whole(&self, response: reqwest::Response, limit: usize) -> Result<Answer, HttpError> {
        let header = |name: HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
        let retry_after = header(RETRY_AFTER).and_then(|value| wait(value, self.clock.as_ref()));
        let text = |name| header(name).map(|value| value.chars().take(MAX_HEADER_CHARS).collect());
        let (location, etag) = (text(LOCATION), text(ETAG));
        let status = response.status().as_u16();
        let body = egress::read_capped(response, limit, self.response).await?;
        Ok(Answer { status, retry_after, location, etag, body })
    }
}

impl Outgoing {
    /// A GET of at most `limit` bytes.
    pub(super) fn get(url: Url, accept: &'static str, limit: usize) -> Self {
        let headers = vec![(ACCEPT, HeaderValue::from_static(accept))];
        Self { method: Method::GET, url, headers, body: Vec::new(), limit }
    }

    /// A POST of `body`, whose answer has at most `limit` bytes.
    pub(super) fn post(
        url: Url,
        content_type: HeaderValue,
        accept: &'static str,
        body: Vec<Bytes>,
        limit: usize,
    ) -> Self {
        let headers = vec![(ACCEPT, HeaderValue::from_static(accept)), (CONTENT_TYPE, content_type)];
        Self { method: Method::POST, url, headers, body, limit }
    }

    /// A DELETE.
    pub(super) fn delete(url: Url, limit: usize) -> Self {
        Self { method: Method::DELETE, url, headers: Vec::new(), body: Vec::new(), limit }
    }

    /// This request with another method, if there is one of that name.
    pub(super) fn with_method(mut self, method: &str) -> Option<Self> {
        self.method = Method::from_bytes(method.as_bytes()).ok()?;
        Some(self)
    }

    /// This request without the media types that it asks for.
    pub(super) fn without_accept(mut self) -> Self {
        self.headers.retain(|(name, _)| *name != ACCEPT);
        self
    }

    /// This request with a query as it is.
    pub(super) fn with_raw_query(mut self, query: &str) -> Self {
        self.url.set_query(Some(query).filter(|query| !query.is_empty()));
        self
    }

    /// This request as a PUT.
    pub(super) fn into_put(mut self) -> Self {
        self.method = Method::PUT;
        self
    }

    /// This request as a DELETE.
    pub(super) fn into_delete(mut self) -> Self {
        self.method = Method::DELETE;
        self
    }

    /// This request with a header; `None` if the value cannot stand in one.
    pub(super) fn with_header(mut self, name: &'static str, value: &str) -> Option<Self> {
        self.headers.push((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?));
        Some(self)
    }

    /// This request with parameters in its query. Commas stay as they are: Orthanc does not see the list
    /// in `viewport=64%2C64`.
    pub(super) fn with_query<'a>(mut self, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.url.query_pairs_mut().extend_pairs(parameters);
        let query = self.url.query().map(|query| query.replace("%2C", ","));
        self.url.set_query(query.as_deref());
        self
    }
}

impl Opened {
    /// The answer if it is a success, else its error.
    pub(super) fn into_success(self) -> Result<Self, HttpError> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        Err(HttpError::Status { status: self.status, detail: None, retry_after: self.retry_after })
    }
}

impl Answer {
    /// Whether the status is 2xx.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The answer as an error, with what its body says in codes.
    pub(super) fn to_error(&self, detail: Option<String>) -> HttpError {
        HttpError::Status { status: self.status, detail, retry_after: self.retry_after }
    }

    /// The answer if it is a success, else its error.
    pub(super) fn into_success(self) -> Result<Self, HttpError> {
        if self.is_success() { Ok(self) } else { Err(self.to_error(None)) }
    }
}

/// The wait that a Retry-After asks for: seconds or a date (RFC 9110 §10.2.3), at most a day.
fn wait(value: &str, clock: &dyn Clock) -> Option<Duration> {
    let seconds = match value.trim().parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let until = OffsetDateTime::parse(value.trim(), &Rfc2822).ok()?;
            let left = (until - clock.now().to_utc()).whole_seconds();
            u64::try_from(left).unwrap_or_default()
        }
    };
    Some(Duration::from_secs(seconds.min(86_400)))
}

/// The longest that a body may take which comes or goes piece by piece.
const LONGEST_BODY: Duration = Duration::from_hours(6);
/// Greatest number of characters of a header that is kept.
const MAX_HEADER_CHARS: usize = 2_000;

#[cfg(test)]
mod tests;
