//! QIDO-RS: searches for studies, series and instances. PS3.18 §10.6.

use std::fmt::Write as _;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::base::ProblemCode;
use crate::config::{Dicomweb, EmptySearch};
use crate::dicom::query::{Level, Parents, Query, QueryError};
use crate::http::{Caller, HttpError};
use crate::ops::Ops;

use super::accept::Accept;
use super::place::{self, Below};
use super::stale;

/// `GET /studies`
pub(super) async fn studies(
    ops: web::Data<Ops>,
    settings: web::Data<Dicomweb>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    search(&ops, &settings, &caller, &request, Level::Study, &Parents::default()).await
}

/// `GET /series`, `GET /studies/{study}/series`
pub(super) async fn series(
    ops: web::Data<Ops>,
    settings: web::Data<Dicomweb>,
    caller: Caller,
    below: Below,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    search(&ops, &settings, &caller, &request, Level::Series, &below.0).await
}

/// `GET /instances`, `GET /studies/{study}/instances`, `GET /studies/{study}/series/{series}/instances`
pub(super) async fn instances(
    ops: web::Data<Ops>,
    settings: web::Data<Dicomweb>,
    caller: Caller,
    below: Below,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    search(&ops, &settings, &caller, &request, Level::Instance, &below.0).await
}

async fn search(
    ops: &Ops,
    settings: &Dicomweb,
    caller: &Caller,
    request: &HttpRequest,
    level: Level,
    parents: &Parents,
) -> Result<HttpResponse, HttpError> {
    let media_type = Accept::of(request).json()?;
    let parameters: Vec<(String, String)> = url::form_urlencoded::parse(request.query_string().as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let query = Query::from_parameters(level, parents, &parameters, u64::from(settings.max_results))?;
    let found = ops.find_studies(&caller.actor, &query).await?;
    let base = place::base(ops, &caller.actor.tenant);
    if found.rows.is_empty() && found.more == 0 && settings.empty_search == EmptySearch::NoContent {
        let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
        stale::mark(&mut response, ops, &caller.actor).await?;
        return Ok(response);
    }
    let mut body = Vec::with_capacity(found.rows.len() * ROW_BYTES + 2);
    body.push(b'[');
    for (number, row) in found.rows.iter().enumerate() {
        if number > 0 {
            body.push(b',');
        }
        row.write_json(&mut body, &base);
    }
    body.push(b']');
    let mut response = HttpResponse::build(StatusCode::OK).content_type(media_type).body(body);
    if found.more > 0 {
        warn(&mut response, &base, &format!("There are {} additional results that can be requested", found.more));
    }
    stale::mark(&mut response, ops, &caller.actor).await?;
    Ok(response)
}

/// Adds a warning for people. PS3.18 §8.3.4.4, RFC 7234 §5.5.
fn warn(response: &mut HttpResponse, base: &str, text: &str) {
    let mut value = String::with_capacity(base.len() + text.len() + 8);
    let _ = write!(value, "299 {base} \"{text}\"");
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().append(header::WARNING, value);
    }
}

impl From<QueryError> for HttpError {
    fn from(error: QueryError) -> Self {
        let detail = error.to_string();
        match error {
            QueryError::Parameter { parameter, detail } => Self::invalid(&parameter, ProblemCode::Value, detail),
            QueryError::Unsupported(name) => {
                Self::invalid(&name, ProblemCode::Unsupported, "is not an attribute that can be searched by")
            }
            QueryError::LowerLevel(tag) => Self::invalid(&tag.to_string(), ProblemCode::Unsupported, detail),
            QueryError::Value(tag) | QueryError::UniqueKey(tag) => {
                Self::invalid(&tag.to_string(), ProblemCode::Value, detail)
            }
            QueryError::Level => Self::invalid("", ProblemCode::Value, detail),
        }
    }
}

/// About as long is the answer for one study.
const ROW_BYTES: usize = 1200;
