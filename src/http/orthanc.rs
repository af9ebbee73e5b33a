//! `/orthanc/...`: the interface of the Orthanc behind the tenant, as far as the operator lets it through.

use std::io;

use actix_web::body::{BodyStream, SizedStream};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::access::Operation;
use crate::ops::Ops;
use crate::ops::studies::PassRequest;

use super::{Caller, HttpError, Route, WholeBody};

/// The routes. What goes through is a list of settings.
pub(super) fn routes() -> Vec<Route> {
    let route = |method, operation| Route::new(method, PATH, operation, || web::to(pass)).unhurried();
    vec![
        route(Method::GET, Operation::OrthancRead),
        // A question may be posted; whether it is one is decided by the path.
        route(Method::POST, Operation::OrthancRead),
        route(Method::PUT, Operation::OrthancWrite),
        route(Method::DELETE, Operation::OrthancWrite),
    ]
}

/// Any method of `/orthanc/{path}`
async fn pass(
    ops: web::Data<Ops>,
    caller: Caller,
    request: HttpRequest,
    body: WholeBody,
) -> Result<HttpResponse, HttpError> {
    let uri = request.uri();
    // The path as it came: what was decoded on the way would hide what it is.
    let path = below(uri.path()).ok_or(HttpError::NotFound)?;
    let text = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let content_type = text(header::CONTENT_TYPE).unwrap_or("application/json");
    let asked = PassRequest {
        method: request.method().as_str(),
        path,
        query: uri.query().unwrap_or_default(),
        accept: text(header::ACCEPT),
        body: (!body.0.is_empty()).then(|| (body.0.clone(), content_type)),
    };
    let passed = ops.pass_to_archive(&caller.actor, &asked).await?;
    let status = StatusCode::from_u16(passed.status).map_err(|_unknown| HttpError::Fault)?;
    let mut builder = HttpResponse::build(status);
    let bytes = passed.body.map_err(io::Error::other);
    let mut response = match (request.method() == Method::HEAD, passed.length) {
        (true, Some(length)) => builder.body(SizedStream::new(length, stream::empty::<io::Result<Bytes>>())),
        (true, None) => builder.body(BodyStream::new(stream::empty::<io::Result<Bytes>>())),
        (false, Some(length)) => builder.body(SizedStream::new(length, bytes.boxed())),
        (false, None) => builder.body(BodyStream::new(bytes.boxed())),
    };
    for (name, value) in &passed.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    // What Orthanc shows is not for pages of ours: an HTML of its would run with their rights.
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

/// What stands behind `/orthanc/` in a path, at the root or of a tenant.
fn below(path: &str) -> Option<&str> {
    if let Some(rest) = path.strip_prefix("/orthanc/") {
        return Some(rest);
    }
    let (_tenant, rest) = path.strip_prefix("/t/")?.split_once('/')?;
    rest.strip_prefix("orthanc/")
}

const PATH: &str = "/orthanc/{path:.*}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_what_stands_behind_the_prefix() {
        assert_eq!(below("/orthanc/studies/a"), Some("studies/a"));
        assert_eq!(below("/t/north/orthanc/studies/a"), Some("studies/a"));
        assert_eq!(below("/orthanc/orthanc/x"), Some("orthanc/x"));
        assert_eq!(below("/orthanc"), None);
        assert_eq!(below("/t/north/x/orthanc/studies"), None);
    }
}
