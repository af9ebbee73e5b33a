//! `Observation/$lastn`. R4 observation-operation-lastn.html.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::base::ProblemCode;
use crate::http::{Caller, HttpError, OptionalFhirJson, Params, fhir_format};
use crate::ops::Ops;

use super::operation::{answer, inputs, of_type};

/// `/fhir/r4/Observation/$lastn`
pub(super) async fn lastn(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    of_type(&path, "Observation")?;
    fhir_format(&request)?;
    let mut inputs = inputs(&request, &body)?;
    let most = inputs.number("max");
    if most == Some(0) {
        inputs.refuse("max", ProblemCode::Value, "is a number above 0");
    }
    if inputs.has("_sort") {
        inputs.refuse("_sort", ProblemCode::Unsupported, "the newest come first");
    }
    let pairs = inputs.rest();
    inputs.finish(Some(()))?;
    let mut used = pairs.clone();
    used.extend(most.map(|most| ("max".to_owned(), most.to_string())));
    let page = ops.last_observations(&caller.actor, pairs, most.unwrap_or(1), used).await?;
    answer(&ops, &caller, &request, ("Observation/$lastn", None), &page)
}
