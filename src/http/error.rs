//! How a request can fail at this edge, in one enum, and what each failure is in HTTP. The bodies are in
//! `problem.rs`, `outcome.rs` and `oauth_error.rs`; the frame renders the one that the path asks for.

use std::borrow::Cow;
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};

use crate::access::Denial;
use crate::base::{ProblemCode, Problems, Secret, VersionId};
use crate::oauth::TokenError;

/// A request that fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// There is no such thing, or the actor may not know of it.
    #[error("there is nothing at this address")]
    NotFound,
    /// What the request names is not there, and it is said what.
    #[error("what is asked for is not here")]
    Absent(Problems),
    /// It was here, and was deleted.
    #[error("it was deleted")]
    Gone,
    /// `If-Match` names another version than the current one.
    #[error("it was changed in the meantime")]
    VersionMismatch {
        /// The version that the store holds now.
        current: Option<VersionId>,
    },
    /// The request must say by `If-Match` which version it changes.
    #[error("the request must name the version that it changes in If-Match")]
    PreconditionRequired,
    /// The input is not what it should be.
    #[error("the input is not valid")]
    Invalid(Problems),
    /// The input is well-formed, but a rule forbids it.
    #[error("a rule forbids it")]
    Rule(Problems),
    /// It does not go with the present state, for this reason.
    #[error("{0}")]
    Conflict(Cow<'static, str>),
    /// Criteria that have to mean one thing match several.
    #[error("the criteria match more than one resource")]
    ManyMatches,
    /// It asks for more than the limit, which is this.
    #[error("too much at once: {0}")]
    TooCostly(String),
    /// One entry of a Bundle fails, and so all of it.
    #[error("{error}")]
    At {
        /// FHIRPath of what fails.
        path: String,
        /// How.
        error: Box<HttpError>,
    },
    /// A conditional reference does not mean one resource.
    #[error("{}", if *is_many { "the reference means more than one resource" } else { "the reference means no resource" })]
    Unresolved {
        /// FHIRPath of the reference.
        path: String,
        /// The reference: shown to the client, which wrote it, and to nobody else.
        reference: Secret,
        /// Whether it means several rather than none.
        is_many: bool,
    },
    /// Nobody is known to have asked.
    #[error("the request needs a valid access token")]
    Unauthenticated(Challenge),
    /// The credentials are malformed, doubled or in the wrong place. RFC 6750 §3.1 `invalid_request`.
    #[error("credentials are taken from one Authorization header only")]
    BadCredentials,
    /// The actor may not do this.
    #[error("the access token does not allow this")]
    Denied(Denial),
    /// The path knows other methods only.
    #[error("the method is not allowed here")]
    MethodNotAllowed(Vec<Method>),
    /// No form that the client takes can be produced.
    #[error("none of the accepted media types can be produced")]
    NotAcceptable,
    /// The body is in a form that is not taken here.
    #[error("the media type of the body is not taken here")]
    UnsupportedMediaType,
    /// The body is packed in a way that is not taken.
    #[error("the content encoding of the body is not taken here")]
    UnsupportedEncoding,
    /// The body is larger than is taken here.
    #[error("the body is too large")]
    TooLarge,
    /// The URL is longer than is taken.
    #[error("the URL is too long")]
    UriTooLong,
    /// The header fields are larger than is taken.
    #[error("the header fields are too large")]
    HeadersTooLarge,
    /// No part of the asked range exists; the whole has this many bytes.
    #[error("the range lies outside of the content")]
    RangeNotSatisfiable(u64),
    /// The body did not come in time.
    #[error("the body did not come in time")]
    RequestTimeout,
    /// Too many requests; the next one goes after this time.
    #[error("too many requests")]
    RateLimited(Duration),
    /// What it asks for is being made ready.
    #[error("{0}")]
    NotReady(Problems),
    /// It cannot be done now, but may be after this time.
    #[error("the service is busy")]
    Busy(Duration),
    /// A fault of ours. What it was is in the log, under the request id.
    #[error("an internal error occurred")]
    Fault,
}

/// Why nobody is known to have asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// No bearer token was shown.
    Missing,
    /// One was shown that does not hold.
    Invalid(TokenError),
}

impl HttpError {
    /// An input with one thing wrong.
    pub fn invalid(path: &str, code: ProblemCode, detail: impl Into<String>) -> Self {
        Self::Invalid(Problems::one(path, code, detail))
    }

    /// There is no such operation here. R4 operations.html.
    pub fn no_operation() -> Self {
        Self::Absent(Problems::one("", ProblemCode::Unsupported, "there is no such operation here"))
    }

    /// The status. STYLE section 3 and R4 http.html#rejecting-updates.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::Absent(_) => StatusCode::NOT_FOUND,
            Self::Gone => StatusCode::GONE,
            Self::VersionMismatch { .. } | Self::ManyMatches | Self::Unresolved { is_many: true, .. } => {
                StatusCode::PRECONDITION_FAILED
            }
            Self::Unresolved { is_many: false, .. } => StatusCode::NOT_FOUND,
            Self::At { error, .. } => error.status(),
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::Invalid(_) | Self::BadCredentials => StatusCode::BAD_REQUEST,
            Self::Rule(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::Denied(_) => StatusCode::FORBIDDEN,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::UnsupportedMediaType | Self::UnsupportedEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge | Self::TooCostly(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::RangeNotSatisfiable(_) => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy(_) | Self::NotReady(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The problems with the input, where that is what failed.
    pub fn problems(&self) -> Option<&Problems> {
        match self {
            Self::Invalid(problems) | Self::Rule(problems) | Self::Absent(problems) | Self::NotReady(problems) => {
                Some(problems)
            }
            Self::At { error, .. } => error.problems(),
            _ => None,
        }
    }

    /// The header fields that belong to the failure.
    pub fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let field = |name: HeaderName, value: String| {
            HeaderValue::from_str(&value).ok().map(|value| (name, value)).into_iter().collect()
        };
        match self {
            Self::Unauthenticated(_) | Self::BadCredentials | Self::Denied(_) => {
                field(header::WWW_AUTHENTICATE, self.bearer_challenge())
            }
            Self::MethodNotAllowed(methods) => field(header::ALLOW, allow(methods)),
            Self::UnsupportedEncoding => field(header::ACCEPT_ENCODING, "gzip".to_owned()),
            Self::RangeNotSatisfiable(total) => field(header::CONTENT_RANGE, format!("bytes */{total}")),
            Self::NotReady(_) => field(header::RETRY_AFTER, NOT_READY_SECONDS.to_string()),
            Self::RateLimited(after) | Self::Busy(after) => field(header::RETRY_AFTER, seconds(*after).to_string()),
            Self::RequestTimeout => field(header::CONNECTION, "close".to_owned()),
            Self::At { error, .. } => error.headers(),
            _ => Vec::new(),
        }
    }

    /// The challenge of RFC 6750 §3. Without a token it has no error code, because the client may not
    /// have known that it needs one.
    fn bearer_challenge(&self) -> String {
        let mut challenge = format!("Bearer realm=\"{REALM}\"");
        match self {
            Self::Unauthenticated(Challenge::Invalid(error)) => {
                challenge.push_str(", error=\"invalid_token\"");
                if *error == TokenError::Expired {
                    challenge.push_str(", error_description=\"the access token has expired\"");
                }
            }
            Self::BadCredentials => challenge.push_str(", error=\"invalid_request\""),
            Self::Denied(Denial::Scope(Some(needed))) => {
                challenge.push_str(", error=\"insufficient_scope\", scope=\"");
                // A resource type from the path is never put into a header as it came.
                let needed: String = needed.to_string().chars().filter(|letter| is_scope_letter(*letter)).collect();
                challenge.push_str(&needed);
                challenge.push('"');
            }
            Self::Denied(_) => challenge.push_str(", error=\"insufficient_scope\""),
            _ => {}
        }
        challenge
    }

    /// What a status that the framework chose means here.
    pub(super) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed(Vec::new()),
            StatusCode::NOT_ACCEPTABLE => Self::NotAcceptable,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::REQUEST_TIMEOUT => Self::RequestTimeout,
            status if status.is_client_error() => Self::invalid("", ProblemCode::Structure, "the request is malformed"),
            _ => Self::Fault,
        }
    }

    /// What a failure to read a body means.
    pub(super) fn of_payload(error: &PayloadError) -> Self {
        match error {
            PayloadError::Overflow => Self::TooLarge,
            PayloadError::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => Self::RequestTimeout,
            PayloadError::EncodingCorrupted => {
                Self::invalid("", ProblemCode::Structure, "the body is not what its content encoding says")
            }
            _ => Self::invalid("", ProblemCode::Structure, "the body ended early"),
        }
    }
}

impl ResponseError for HttpError {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    /// Without a body: the frame renders it in the form of the path.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status())
    }
}

impl From<Problems> for HttpError {
    fn from(problems: Problems) -> Self {
        Self::Invalid(problems)
    }
}

/// The value of an `Allow` field. Where GET is, HEAD is, and OPTIONS always. RFC 9110 §10.2.1.
pub(super) fn allow(methods: &[Method]) -> String {
    let mut names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if names.contains(&"GET") && !names.contains(&"HEAD") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    names.join(", ")
}

/// Whole seconds, rounded up, at least one. RFC 9110 §10.2.3.
pub(super) fn seconds(after: Duration) -> u64 {
    (after.as_secs() + u64::from(after.subsec_nanos() > 0)).max(1)
}

fn is_scope_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '/' | '.' | '*')
}

/// When to ask again for what is being made ready.
const NOT_READY_SECONDS: u64 = 5;
/// The protection space of every bearer challenge.
const REALM: &str = "causeway";
