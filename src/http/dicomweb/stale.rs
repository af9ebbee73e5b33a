//! Answers from the index while the archive behind cannot be asked: they say so.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderName, HeaderValue};

use crate::access::Actor;
use crate::http::HttpError;
use crate::ops::Ops;

/// Marks an answer if the index may not be what the archive behind would say: `Warning: 110` (RFC 7234 §5.5.1), and
/// since when in a field of ours.
pub(super) async fn mark(response: &mut HttpResponse, ops: &Ops, actor: &Actor) -> Result<(), HttpError> {
    let Some(stale) = ops.staleness(actor).await? else { return Ok(()) };
    let since = stale.since.map(|since| format!("; since=\"{}\"", since.to_fhir())).unwrap_or_default();
    let headers = response.headers_mut();
    headers.append(header::WARNING, HeaderValue::from_static("110 - \"Response is Stale\""));
    if let Ok(value) = HeaderValue::from_str(&format!("stale{since}")) {
        headers.insert(ARCHIVE, value);
    }
    Ok(())
}

/// Of answers from an index that may be stale.
const ARCHIVE: HeaderName = HeaderName::from_static("causeway-archive");
