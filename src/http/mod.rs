//! The HTTP edge: the frame that every request goes through, the table of routes, the forms of errors, and
//! what handlers need to read requests and write answers. Handlers of each protocol live in folders of
//! their own and know only `ops`.

mod address;
pub mod api;
mod bearer;
mod body;
mod caller;
mod conditional;
pub mod conformance;
mod cors;
pub mod dicomweb;
mod disposition;
mod download;
mod edge;
mod entrance;
mod error;
pub mod fhir;
mod file;
mod form;
mod frame;
mod gate;
mod health;
mod intake;
mod negotiate;
mod oauth_error;
mod orthanc;
mod outcome;
mod params;
mod prefer;
mod problem;
mod range;
mod rate;
mod route;
mod server;
mod sse;
mod watch;

pub use address::{Network, NetworkError};
pub use body::{ApiJson, FhirDocument, FhirJson, OptionalFhirJson, OptionalJson, PatchBody, WholeBody};
pub use caller::{AtTenant, Caller, CurrentRequest};
pub use conditional::{EntityTag, IfMatch, is_not_modified, last_modified};
pub use disposition::{Disposition, content_disposition};
pub use download::Download;
pub use edge::{Edge, EdgeSettings};
pub use error::{Challenge, HttpError};
pub use gate::{AuthError, Cause, Gate, Presented, Readiness, Refusal};
pub use health::server_routes;
pub use negotiate::{FhirFormat, MediaType, binary_format, choose, choose_for, fhir_format};
pub use oauth_error::to_oauth_error;
pub use outcome::{FHIR_JSON, to_outcome};
pub use params::{Params, Texts};
pub use prefer::{Prefer, Return};
pub use problem::{PROBLEM_JSON, to_problem};
pub use rate::Rate;
pub use route::{Route, route_matrix};
pub use server::{Server, ServerSettings, start};
pub use sse::{EventStream, ServerEvent};

/// All routes of the gateway.
pub fn routes() -> Vec<Route> {
    let mut routes = server_routes();
    routes.push(conformance::route());
    routes.extend(api::routes());
    routes.extend(dicomweb::routes());
    routes.extend(fhir::routes());
    routes.extend(orthanc::routes());
    routes
}

#[cfg(test)]
mod tests;
