//! Cross-origin requests: off unless origins are configured; then exactly those, never with credentials.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};

/// The origins that may read answers in a browser.
#[derive(Debug, Clone, Default)]
pub(super) struct Cors {
    origins: Vec<String>,
}

impl Cors {
    pub(super) fn new(origins: &[String]) -> Self {
        Self { origins: origins.to_vec() }
    }

    /// The request's origin, if it is one of those, to the letter, or if any is known. `null` never is.
    pub(super) fn origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let mut values = headers.get_all(header::ORIGIN);
        let (origin, second) = (values.next()?, values.next());
        let known = second.is_none()
            && origin != "null"
            && self.origins.iter().any(|known| known == ANY || known.as_bytes() == origin.as_bytes());
        known.then(|| origin.clone())
    }

    /// Whether any origin is configured.
    pub(super) fn is_on(&self) -> bool {
        !self.origins.is_empty()
    }

    /// Whether this is a preflight, which is answered before anything else.
    pub(super) fn is_preflight(&self, method: &Method, headers: &HeaderMap) -> bool {
        self.is_on()
            && *method == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    }
}

/// The answer to a preflight; for an origin that is not known it allows nothing.
pub(super) fn preflight(origin: Option<&HeaderValue>) -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
    if origin.is_some() {
        let fields = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED),
            (header::ACCESS_CONTROL_MAX_AGE, "600"),
        ];
        for (name, value) in fields {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

/// Puts what the browser must know on an answer, also on an error: else it hides the error.
pub(super) fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
}

/// Whether a route is open to every origin: what a client reads before it has a token.
pub(super) fn is_open(route: &str) -> bool {
    (route.contains("/fhir") && route.ends_with("/metadata")) || route.contains("/.well-known/")
}

/// A name that is not among the constants of the `http` crate.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Every origin.
const ANY: &str = "*";
const ALLOWED: &str = "Authorization, Content-Type, Accept, Prefer, If-Match, If-None-Match, If-None-Exist, \
                       If-Modified-Since, Range, X-Request-Id, X-Security-Context, DPoP";
const EXPOSED: &str = "Content-Type, Content-Length, Content-Range, Accept-Ranges, Warning, Link, Location, \
                       Content-Location, ETag, Last-Modified, Retry-After, X-Progress, Expires, \
                       WWW-Authenticate, DPoP-Nonce, X-Request-Id, Preference-Applied, Content-Disposition, \
                       Causeway-Archive";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_origins_that_are_configured_are_known() {
        let cors = Cors::new(&["https://viewer.example".to_owned()]);
        let known = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::ORIGIN, HeaderValue::from_str(value).expect("a value"));
            }
            cors.origin(&headers).is_some()
        };
        assert!(known(&["https://viewer.example"]));
        for other in [
            "null",
            "",
            "*",
            "http://viewer.example",
            "https://viewer.example:443",
            "https://viewer.example/",
            "https://VIEWER.example",
            "https://viewer.example.attacker.example",
            "https://attackerviewer.example",
            "https://a.viewer.example",
        ] {
            assert!(!known(&[other]), "{other}");
        }
        assert!(!known(&["https://viewer.example", "https://viewer.example"]));
        assert!(!known(&[]));
        let mut any = HeaderMap::new();
        any.insert(header::ORIGIN, HeaderValue::from_static("https://somewhere.example"));
        assert!(Cors::new(&["*".to_owned()]).origin(&any).is_some());
        let mut null = HeaderMap::new();
        null.insert(header::ORIGIN, HeaderValue::from_static("null"));
        assert!(Cors::new(&["null".to_owned(), "*".to_owned()]).origin(&null).is_none());
    }
}
