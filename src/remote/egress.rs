//! The one place that builds HTTP clients. Peers are named by administrators, so their addresses may be
//! private ones; what is held to is the form of the URL, no redirects, no proxy of the environment, no
//! certificates that do not verify, limits on time and size, and no URL in an error.

use std::error::Error as _;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use url::Url;

use crate::base::{ProblemCode, Problems, Retry};

use super::auth::TokenError;
use super::peer::PeerSettings;
use super::tls::{TlsError, TlsSettings, trusting_nobody};

/// Why an HTTP peer gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The settings of the peer are not usable.
    #[error("peer settings are not usable: {0}")]
    Settings(Problems),
    /// Certificates or keys are not usable.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No token could be had.
    #[error("no access token: {0}")]
    Token(#[source] Box<TokenError>),
    /// No connection, or one that does not verify.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The peer did not answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection ended in the middle.
    #[error("connection lost: {0}")]
    Lost(String),
    /// The answer is longer than we take.
    #[error("answer is longer than {limit} bytes")]
    TooLarge {
        /// Greatest length taken.
        limit: usize,
    },
    /// The peer answered with a status that is no success.
    #[error("peer answered {status}{}", detail.as_deref().map(|detail| format!(" ({detail})")).unwrap_or_default())]
    Status {
        /// HTTP status code.
        status: u16,
        /// What the body said in codes, without texts.
        detail: Option<String>,
        /// What Retry-After said.
        retry_after: Option<Duration>,
    },
    /// The answer is not what the interface promises.
    #[error("peer answered unreadably: {0}")]
    Unreadable(&'static str),
}

impl HttpError {
    /// Whether the same attempt may succeed later.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Settings(_) | Self::TooLarge { .. } => Retry::Never,
            Self::Tls(error) => error.retry(),
            Self::Token(error) => error.retry(),
            Self::Status { status, retry_after, .. } => retry_of(*status, *retry_after),
            Self::Connect(_) | Self::Timeout | Self::Lost(_) | Self::Unreadable(_) => Retry::Backoff,
        }
    }

    /// From an error of reqwest, without its URL.
    pub(super) fn from_reqwest(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            Self::Timeout
        } else if error.is_connect() {
            Self::Connect(innermost(error))
        } else {
            Self::Lost(innermost(error))
        }
    }
}

/// What an HTTP status says about trying again. RFC 9110 §15, RFC 6585 §4.
pub(super) fn retry_of(status: u16, retry_after: Option<Duration>) -> Retry {
    match (status, retry_after) {
        (408 | 425 | 429 | 500 | 502 | 503 | 504 | 507, Some(wait)) => Retry::After(wait),
        (408 | 425 | 429 | 500 | 502 | 503 | 504 | 507, None) => Retry::Backoff,
        _ => Retry::Never,
    }
}

/// The words of the innermost cause: the outer ones repeat the URL.
fn innermost(error: &reqwest::Error) -> String {
    let Some(mut cause) = error.source() else { return "request failed".to_owned() };
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string().chars().filter(|character| !character.is_control()).take(200).collect()
}

/// Adds to `problems` what is wrong with the URL of a peer.
pub(super) fn check_url(at: &str, url: &Url, problems: &mut Problems) {
    if !matches!(url.scheme(), "http" | "https") {
        problems.add(at, ProblemCode::Value, "must be http or https");
    } else if url.host_str().is_none_or(str::is_empty) {
        problems.add(at, ProblemCode::Value, "has no host");
    }
    if url.port() == Some(0) {
        problems.add(at, ProblemCode::Value, "has port 0");
    }
    if !url.username().is_empty() || url.password().is_some() {
        problems.add(at, ProblemCode::Value, "must not hold a user name or password; use auth");
    }
    if url.query().is_some() || url.fragment().is_some() {
        problems.add(at, ProblemCode::Value, "must not hold a query or fragment");
    }
}

/// The HTTP client for a peer. Without https there is no TLS at all; with it, the peer's certificate
/// comes from the named authorities, or from those of the system where none are named.
pub(super) async fn client(settings: &PeerSettings, urls: &[&Url]) -> Result<reqwest::Client, HttpError> {
    let builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .connect_timeout(settings.timeouts.connect())
        .timeout(settings.timeouts.total())
        .pool_max_idle_per_host(4);
    let with_tls = urls.iter().any(|url| url.scheme() == "https");
    let tls = settings.tls.clone().unwrap_or_default();
    let builder = if !with_tls {
        builder.tls_backend_preconfigured(trusting_nobody())
    } else if tls.has_authorities() {
        builder.tls_backend_preconfigured(tls.client_config().await?)
    } else {
        with_identity(builder, &tls).await?
    };
    builder.build().map_err(|_detail| HttpError::Tls(TlsError::NoAuthorities))
}

async fn with_identity(
    builder: reqwest::ClientBuilder,
    tls: &TlsSettings,
) -> Result<reqwest::ClientBuilder, HttpError> {
    let Some(pem) = tls.client_pem().await? else { return Ok(builder) };
    let identity = reqwest::Identity::from_pem(pem.expose().as_bytes())
        .map_err(|_detail| TlsError::Empty { field: "client_certificate_file", wanted: "certificate and key" })?;
    Ok(builder.identity(identity))
}

/// The answer to a request of `length` bytes. `response` is how long the peer may think; the upload has
/// its own time at [`SLOWEST_UPLOAD`] (reqwest's read timeout would count it as thinking).
pub(super) async fn answer(
    request: reqwest::RequestBuilder,
    length: usize,
    response: Duration,
) -> Result<reqwest::Response, HttpError> {
    let upload = Duration::from_secs(u64::try_from(length / SLOWEST_UPLOAD).unwrap_or_default());
    match tokio::time::timeout(response.saturating_add(upload), request.send()).await {
        Ok(answer) => answer.map_err(|error| HttpError::from_reqwest(&error)),
        Err(_elapsed) => Err(HttpError::Timeout),
    }
}

/// The body of `response`, at most `limit` bytes of it, with no pause longer than `pause`. Nothing
/// beyond the limit is kept in memory.
pub(super) async fn read_capped(
    mut response: reqwest::Response,
    limit: usize,
    pause: Duration,
) -> Result<Bytes, HttpError> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(HttpError::TooLarge { limit });
    }
    let mut body = BytesMut::with_capacity(announced.unwrap_or_default().min(1 << 20));
    loop {
        let next = tokio::time::timeout(pause, response.chunk()).await.map_err(|_elapsed| HttpError::Timeout)?;
        let Some(chunk) = next.map_err(|error| HttpError::from_reqwest(&error))? else { break };
        if body.len() + chunk.len() > limit {
            return Err(HttpError::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Bytes in a second below which an upload counts as stuck.
const SLOWEST_UPLOAD: usize = 64 << 10;
pub(super) const USER_AGENT: &str = concat!("Causeway/", env!("CARGO_PKG_VERSION"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_with_credentials_or_other_schemes_are_refused() {
        let problems = |url: &str| {
            let mut problems = Problems::new();
            check_url("url", &Url::parse(url).expect("parses"), &mut problems);
            problems.iter().count()
        };
        assert_eq!(problems("https://10.0.0.1:8443/fhir"), 0);
        assert_eq!(problems("http://[::1]:8042/"), 0);
        for bad in [
            "file:///etc/passwd",
            "gopher://x/",
            "http://u@x/",
            "http://u:p@x/",
            "http://x:0/",
            "http://x/?a=b",
            "http://x/#f",
            "data:text/plain,x",
        ] {
            assert_ne!(problems(bad), 0, "{bad}");
        }
    }

    #[test]
    fn overload_is_tried_again_and_refusal_is_not() {
        assert_eq!(retry_of(503, Some(Duration::from_secs(7))), Retry::After(Duration::from_secs(7)));
        assert_eq!(retry_of(502, None), Retry::Backoff);
        for never in [301, 400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 501] {
            assert_eq!(retry_of(never, None), Retry::Never, "{never}");
        }
    }
}
