//! `Patient/$everything`. R4 patient-operation-everything.html.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::base::{LogicalId, ProblemCode};
use crate::fhir::resource_type;
use crate::fhir::temporal::Range;
use crate::http::{Caller, HttpError, OptionalFhirJson, Params, fhir_format};
use crate::ops::Ops;
use crate::ops::resources::EverythingRequest;

use super::operation::{answer, inputs, of_type};
use super::read::logical_id;

/// `/fhir/r4/Patient/{id}/$everything`
pub(super) async fn of_one(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String)>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    let (kind, id) = path.into_inner();
    of_type(&kind, "Patient")?;
    everything(&ops, &caller, Some(logical_id(&id)?), &request, &body).await
}

/// `/fhir/r4/Patient/$everything`
pub(super) async fn of_all(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    of_type(&path, "Patient")?;
    everything(&ops, &caller, None, &request, &body).await
}

async fn everything(
    ops: &Ops,
    caller: &Caller,
    patient: Option<LogicalId>,
    request: &HttpRequest,
    body: &OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    fhir_format(request)?;
    let mut inputs = inputs(request, body)?;
    let (start, end, since) = (inputs.time("start"), inputs.time("end"), inputs.time("_since"));
    let types = inputs.tokens("_type").join(",");
    let (count, cursor) = (inputs.number("_count"), inputs.text("_cursor"));
    let types: Vec<String> = types.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if !types.iter().all(|name| resource_type::is_known(name)) {
        inputs.refuse("_type", ProblemCode::Value, "names a type that R4 does not have");
    }
    if count == Some(0) {
        inputs.refuse("_count", ProblemCode::Value, "is a number above 0");
    }
    inputs.finish(Some(()))?;
    let text =
        |name: &str, time: &Option<(String, Range)>| time.as_ref().map(|(text, _)| (name.to_owned(), text.clone()));
    let used = [
        text("start", &start),
        text("end", &end),
        text("_since", &since),
        (!types.is_empty()).then(|| ("_type".to_owned(), types.join(","))),
        count.map(|count| ("_count".to_owned(), count.to_string())),
    ];
    let range = |time: &Option<(String, Range)>| time.as_ref().map(|(_, range)| *range);
    let path = match &patient {
        Some(id) => format!("Patient/{id}/$everything"),
        None => "Patient/$everything".to_owned(),
    };
    let is_timed = start.is_some() || end.is_some();
    let asked = EverythingRequest {
        patient,
        care: is_timed.then(|| Range::span(range(&start), range(&end))),
        since: range(&since).map(|since| since.from),
        types,
        count,
        cursor: cursor.clone(),
        used: used.into_iter().flatten().collect(),
    };
    let page = ops.everything(&caller.actor, asked).await?;
    answer(ops, caller, request, (&path, cursor.as_deref()), &page)
}
