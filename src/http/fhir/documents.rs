//! `DocumentReference/$docref`. US Core OperationDefinition-docref.html.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::base::ProblemCode;
use crate::http::{Caller, HttpError, OptionalFhirJson, Params, fhir_format};
use crate::ops::Ops;
use crate::ops::resources::DocumentsRequest;

use super::operation::{answer, inputs, of_type, patient_id};

/// `/fhir/r4/DocumentReference/$docref`
pub(super) async fn docref(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    of_type(&path, "DocumentReference")?;
    fhir_format(&request)?;
    let mut inputs = inputs(&request, &body)?;
    let patient = inputs.text("patient");
    let (start, end) = (inputs.time("start"), inputs.time("end"));
    let (types, profiles) = (inputs.tokens("type"), inputs.texts("profile"));
    let on_demand = inputs.flag("on-demand");
    if patient.is_none() {
        inputs.refuse("patient", ProblemCode::Required, "is required");
    }
    let patient = inputs.finish(patient)?;
    let mut used = vec![("patient".to_owned(), patient.clone())];
    used.extend(start.iter().map(|(text, _)| ("start".to_owned(), text.clone())));
    used.extend(end.iter().map(|(text, _)| ("end".to_owned(), text.clone())));
    used.extend(types.iter().map(|token| ("type".to_owned(), token.clone())));
    used.extend(profiles.iter().map(|url| ("profile".to_owned(), url.clone())));
    used.extend(on_demand.map(|flag| ("on-demand".to_owned(), flag.to_string())));
    let asked = DocumentsRequest {
        patient: patient_id("patient", &patient)?,
        start: start.map(|(text, _)| text),
        end: end.map(|(text, _)| text),
        types,
        profiles,
        on_demand_only: on_demand == Some(true),
        used,
    };
    let page = ops.documents(&caller.actor, asked).await?;
    answer(&ops, &caller, &request, ("DocumentReference/$docref", None), &page)
}
