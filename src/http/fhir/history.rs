//! Histories as Bundles. R4 http.html#history, bundle.html#history.

use std::fmt::Write as _;

use actix_web::{HttpRequest, HttpResponse, web};

use crate::base::{ProblemCode, Problems, Timestamp};
use crate::fhir::Json;
use crate::fhir::temporal::Range;
use crate::http::{Caller, EntityTag, FHIR_JSON, HttpError, Params, fhir_format};
use crate::ops::Ops;
use crate::ops::resources::{HistoryEntry, HistoryPage, HistoryQuery, HistoryScope};
use crate::report::fhir::bundle::fhir_base;
use crate::store::Interaction;

use super::read::{known, logical_id, shown};

/// `GET /fhir/r4/{type}/{id}/_history`
pub(super) async fn of_instance(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let (kind, id) = path.into_inner();
    let scope = HistoryScope::Instance { resource_type: known(&kind)?.to_owned(), id: logical_id(&id)? };
    answer(&ops, &caller, &request, scope).await
}

/// `GET /fhir/r4/{type}/_history`
pub(super) async fn of_type(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let scope = HistoryScope::Type(known(&path.into_inner())?.to_owned());
    answer(&ops, &caller, &request, scope).await
}

/// `GET /fhir/r4/_history`
pub(super) async fn of_system(
    ops: web::Data<Ops>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    answer(&ops, &caller, &request, HistoryScope::System).await
}

async fn answer(
    ops: &Ops,
    caller: &Caller,
    request: &HttpRequest,
    scope: HistoryScope,
) -> Result<HttpResponse, HttpError> {
    let format = fhir_format(request)?;
    let asked = Asked::of(request)?;
    let base = fhir_base(&ops.base_url(&caller.actor.tenant));
    let path = match &scope {
        HistoryScope::Instance { resource_type, id } => format!("{base}/{resource_type}/{id}/_history"),
        HistoryScope::Type(resource_type) => format!("{base}/{resource_type}/_history"),
        HistoryScope::System => format!("{base}/_history"),
    };
    let links = Links { path, asked: asked.clone() };
    let query = HistoryQuery {
        scope,
        since: asked.since,
        at: asked.at.map(|(_, range)| range),
        count: asked.count,
        cursor: asked.cursor,
    };
    let page = ops.history(&caller.actor, query).await?;
    Ok(HttpResponse::Ok().content_type(FHIR_JSON).body(shown(bundle(&base, &links, page), format)?))
}

/// The parameters of a history.
#[derive(Debug, Clone)]
struct Asked {
    since: Option<Timestamp>,
    at: Option<(String, Range)>,
    count: usize,
    cursor: Option<String>,
}

impl Asked {
    fn of(request: &HttpRequest) -> Result<Self, HttpError> {
        let mut asked = Self { since: None, at: None, count: USUAL_COUNT, cursor: None };
        let mut problems = Problems::new();
        for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
            match name.as_ref() {
                // Where the form of the answer is read.
                "_format" | "_pretty" => {}
                _ if value.is_empty() => {}
                // A plus sign in a URL is a space.
                "_since" => match Timestamp::parse(&value.replace(' ', "+")) {
                    Some(since) => asked.since = Some(since),
                    None => problems.add("_since", ProblemCode::Value, "is not an instant"),
                },
                "_at" => {
                    let text = value.replace(' ', "+");
                    match Range::parse(&text) {
                        Some(range) => asked.at = Some((text, range)),
                        None => problems.add("_at", ProblemCode::Value, "is not a date or a time"),
                    }
                }
                "_count" => match value.parse::<usize>() {
                    Ok(count) if count > 0 => asked.count = count.min(MAX_COUNT),
                    _ => problems.add("_count", ProblemCode::Value, "is not a number above 0"),
                },
                "_cursor" => asked.cursor = Some(value.into_owned()),
                other => {
                    let shown: String = other
                        .chars()
                        .filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
                        .take(40)
                        .collect();
                    problems.add(shown, ProblemCode::Unsupported, "is not a parameter of histories here");
                }
            }
        }
        problems.into_result(asked).map_err(HttpError::Invalid)
    }
}

struct Links {
    path: String,
    asked: Asked,
}

impl Links {
    fn to(&self, cursor: Option<&str>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("_count", &self.asked.count.to_string());
        if let Some(since) = self.asked.since {
            query.append_pair("_since", &since.to_fhir());
        }
        if let Some((at, _)) = &self.asked.at {
            query.append_pair("_at", at);
        }
        if let Some(cursor) = cursor {
            query.append_pair("_cursor", cursor);
        }
        format!("{}?{}", self.path, query.finish())
    }
}

/// The Bundle, with the stored bytes of each version in it.
fn bundle(base: &str, links: &Links, page: HistoryPage) -> Vec<u8> {
    let mut out = format!(r#"{{"resourceType":"Bundle","type":"history","total":{},"link":["#, page.total);
    push_link(&mut out, "self", &links.to(links.asked.cursor.as_deref()));
    if let Some(next) = &page.next {
        out.push(',');
        push_link(&mut out, "next", &links.to(Some(next)));
    }
    out.push(']');
    let mut bytes = out.into_bytes();
    // R4 json.html: an array is never empty.
    if !page.entries.is_empty() {
        bytes.extend_from_slice(br#","entry":["#);
        for (index, entry) in page.entries.into_iter().enumerate() {
            if index > 0 {
                bytes.push(b',');
            }
            push_entry(&mut bytes, base, entry);
        }
        bytes.push(b']');
    }
    bytes.push(b'}');
    bytes
}

fn push_link(out: &mut String, relation: &str, url: &str) {
    let _ = write!(out, r#"{{"relation":"{relation}","url":{}}}"#, Json::string(url).to_text());
}

fn push_entry(out: &mut Vec<u8>, base: &str, entry: HistoryEntry) {
    let HistoryEntry { stored, interaction } = entry;
    let (kind, id) = (&stored.resource_type, &stored.logical_id);
    let full_url = Json::string(format!("{base}/{kind}/{id}")).to_text();
    out.extend_from_slice(format!(r#"{{"fullUrl":{full_url}"#).as_bytes());
    if let Some(body) = &stored.body {
        out.extend_from_slice(br#","resource":"#);
        out.extend_from_slice(body);
    }
    let (method, url, status) = match interaction {
        Interaction::Create => ("POST", kind.clone(), "201"),
        Interaction::Update => ("PUT", format!("{kind}/{id}"), "200"),
        Interaction::Delete => ("DELETE", format!("{kind}/{id}"), "204"),
    };
    let etag = Json::string(EntityTag::of_version(stored.version_id).to_string()).to_text();
    let made = stored.last_updated.to_fhir();
    let rest = format!(
        r#","request":{{"method":"{method}","url":"{url}"}},"response":{{"status":"{status}","etag":{etag},"lastModified":"{made}"}}}}"#
    );
    out.extend_from_slice(rest.as_bytes());
}

/// Entries of a page where the client names no number.
const USUAL_COUNT: usize = 50;
/// Most entries of a page.
const MAX_COUNT: usize = 1000;
