//! batch and transaction. R4 http.html#transaction.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::access::RequestId;
use crate::fhir::structure::Issue;
use crate::fhir::transaction::{Answer, respond};
use crate::http::{Caller, CurrentRequest, FHIR_JSON, FhirJson, HttpError, Prefer, Return, fhir_format, to_outcome};
use crate::ops::Ops;
use crate::ops::resources::{Done, Processed};
use crate::report::fhir::bundle::fhir_base;
use crate::store::StoredResource;

use super::read::shown;
use super::write::{kept, note_applied};

/// `POST /fhir/r4`
pub(super) async fn process(
    ops: web::Data<Ops>,
    caller: Caller,
    current: CurrentRequest,
    request: HttpRequest,
    body: FhirJson,
) -> Result<HttpResponse, HttpError> {
    let (format, prefer) = (fhir_format(&request)?, Prefer::of(&request)?);
    let Processed { kind, entries } = ops.process_bundle(&caller.actor, body.0).await?;
    let form = Form {
        base: fhir_base(&ops.base_url(&caller.actor.tenant)),
        wants: prefer.wants.unwrap_or(Return::Representation),
        request_id: current.0,
    };
    let answers: Vec<Answer> = entries
        .into_iter()
        .map(|entry| match entry {
            Ok(done) => form.done(done),
            Err(error) => form.failed(&HttpError::from(error)),
        })
        .collect();
    let text = shown(respond(kind, &answers), format)?;
    let mut response = HttpResponse::Ok().content_type(FHIR_JSON).body(text);
    note_applied(response.headers_mut(), prefer);
    Ok(response)
}

/// How entries are answered.
struct Form {
    base: String,
    wants: Return,
    request_id: RequestId,
}

impl Form {
    fn done(&self, done: Done) -> Answer {
        match done {
            Done::Written(written) => {
                let status = if written.is_new { StatusCode::CREATED } else { StatusCode::OK };
                self.kept(status, written.stored, &written.remarks)
            }
            Done::Existing(stored) => self.kept(StatusCode::OK, stored, &[]),
            Done::Deleted(version) => Answer { version, ..plain(StatusCode::NO_CONTENT) },
            Done::Read { stored, is_fresh, wants_body } => {
                let status = if is_fresh { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
                Answer {
                    version: Some(stored.version_id),
                    last_modified: Some(stored.last_updated),
                    resource: stored.body.filter(|_| wants_body && !is_fresh),
                    ..plain(status)
                }
            }
            Done::Found { bundle, wants_body } => {
                Answer { resource: wants_body.then_some(bundle), ..plain(StatusCode::OK) }
            }
        }
    }

    fn kept(&self, status: StatusCode, stored: StoredResource, remarks: &[Issue]) -> Answer {
        let place = format!("{}/{}/{}", self.base, stored.resource_type, stored.logical_id);
        Answer {
            location: Some(format!("{place}/_history/{}", stored.version_id)),
            version: Some(stored.version_id),
            last_modified: Some(stored.last_updated),
            outcome: (self.wants == Return::OperationOutcome).then(|| kept(remarks)),
            resource: stored.body.filter(|_| self.wants == Return::Representation),
            ..plain(status)
        }
    }

    fn failed(&self, error: &HttpError) -> Answer {
        Answer { outcome: Some(to_outcome(error, &self.request_id)), ..plain(error.status()) }
    }
}

fn plain(status: StatusCode) -> Answer {
    Answer { status: status.to_string(), ..Answer::default() }
}
