//! Where things are: what the paths of requests name, and the addresses that answers give out.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use crate::base::{ProblemCode, TenantId, Uid};
use crate::dicom::query::{Parents, StudyScope};
use crate::http::HttpError;
use crate::ops::Ops;

/// The study, series or instance of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named(pub(super) StudyScope);

/// The study and the series of the path of a search; either may be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Below(pub(super) Parents);

impl FromRequest for Named {
    type Error = HttpError;
    type Future = Ready<Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(named(request).map(Self))
    }
}

impl FromRequest for Below {
    type Error = HttpError;
    type Future = Ready<Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let parents = || Ok(Parents { study: uid(request, "study")?, series: uid(request, "series")? });
        ready(parents().map(Self))
    }
}

fn named(request: &HttpRequest) -> Result<StudyScope, HttpError> {
    let study = uid(request, "study")?.ok_or(HttpError::Fault)?;
    Ok(StudyScope { study, series: uid(request, "series")?, instance: uid(request, "instance")? })
}

fn uid(request: &HttpRequest, name: &str) -> Result<Option<Uid>, HttpError> {
    let Some(text) = request.match_info().get(name) else { return Ok(None) };
    uid_of(name, text).map(Some)
}

/// A UID of a request. Leading zeros, which devices write, name what is stored under them.
pub(super) fn uid_of(name: &str, text: &str) -> Result<Uid, HttpError> {
    Uid::parse_lenient(text).map_err(|error| HttpError::invalid(name, ProblemCode::Value, error.to_string()))
}

/// The base of the URLs of a tenant, without a slash at its end: always the public one, whatever the Host field says.
pub(super) fn base(ops: &Ops, tenant: &TenantId) -> String {
    format!("{}/dicom-web", ops.base_url(tenant))
}

/// The address of a study.
pub(super) fn of_study(base: &str, study: &Uid) -> String {
    format!("{base}/studies/{study}")
}

/// The address of an instance.
pub(super) fn of_instance(base: &str, study: &Uid, series: &Uid, instance: &Uid) -> String {
    format!("{base}/studies/{study}/series/{series}/instances/{instance}")
}
