//! Deliveries: `/api/reports/{id}/deliver`, `/api/deliveries`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::base::{PeerName, ProblemCode, Problems};
use crate::fhir::{Json, Object};
use crate::http::{ApiJson, Caller, HttpError, Params};
use crate::ops::Ops;
use crate::ops::deliveries::DeliveryQuery;
use crate::report::Twin;
use crate::store::{DeliveryFilter, DeliveryState};

use super::query::{Query, id};
use super::{json, view};

/// `POST /api/reports/{id}/deliver`, with `{peers, formats?}`
pub(super) async fn deliver(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    body: ApiJson,
) -> Result<HttpResponse, HttpError> {
    let (peers, forms) = order(&body.0)?;
    let deliveries = ops.deliver(&caller.actor, &id(&path)?, &peers, &forms).await?;
    let items = deliveries.iter().map(view::delivery).collect();
    Ok(json(StatusCode::ACCEPTED, &Object::new().with("items", Json::Array(items)).into()))
}

/// `GET /api/reports/{id}/deliveries`
pub(super) async fn of_report(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let filter = DeliveryFilter { report: Some(id(&path)?), ..DeliveryFilter::default() };
    page(&ops, &caller, &request, filter).await
}

/// `GET /api/deliveries`
pub(super) async fn list(ops: web::Data<Ops>, caller: Caller, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    page(&ops, &caller, &request, DeliveryFilter::default()).await
}

/// `POST /api/deliveries/{id}/resend`
pub(super) async fn resend(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
) -> Result<HttpResponse, HttpError> {
    let delivery = ops.resend(&caller.actor, &id(&path)?).await?;
    Ok(json(StatusCode::ACCEPTED, &view::delivery(&delivery)))
}

async fn page(
    ops: &Ops,
    caller: &Caller,
    request: &HttpRequest,
    mut filter: DeliveryFilter,
) -> Result<HttpResponse, HttpError> {
    let mut query = Query::of(request);
    filter.peer = query.parsed("peer", "is not the name of a peer", |text| PeerName::parse(text).ok());
    filter.state = query.parsed("state", "is not a state of deliveries", DeliveryState::parse);
    let asked = DeliveryQuery { filter, limit: query.limit(), cursor: query.cursor() };
    query.finish()?;
    let page = ops.deliveries(&caller.actor, asked).await?;
    Ok(json(StatusCode::OK, &view::page(&page, view::delivery)))
}

fn order(body: &Json) -> Result<(Vec<PeerName>, Vec<Twin>), HttpError> {
    let mut problems = Problems::new();
    let Some(members) = body.as_object() else {
        return Err(HttpError::invalid("", ProblemCode::Structure, "is not an object"));
    };
    for (name, _) in members.iter().filter(|(name, _)| !["peers", "formats"].contains(name)) {
        let shown: String = name.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        problems.add(shown, ProblemCode::Structure, "is not a member of this body");
    }
    let peers = items(members, "peers", "is not the name of a peer", &mut problems, |text| PeerName::parse(text).ok());
    let forms = items(members, "formats", "is not a form of a report", &mut problems, Twin::parse);
    problems.into_result((peers, forms)).map_err(HttpError::Invalid)
}

fn items<T>(
    members: &Object,
    name: &str,
    rule: &str,
    problems: &mut Problems,
    parse: impl Fn(&str) -> Option<T>,
) -> Vec<T> {
    let Some(value) = members.get(name) else { return Vec::new() };
    let Some(texts) = value.as_array() else {
        problems.add(name, ProblemCode::Structure, "is not an array");
        return Vec::new();
    };
    let mut out = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match text.as_str().and_then(&parse) {
            Some(item) => out.push(item),
            None => problems.add(format!("{name}[{index}]"), ProblemCode::Value, rule),
        }
    }
    out
}
