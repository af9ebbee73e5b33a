//! STOW-RS: instances come in. PS3.18 §10.5.

mod answer;
mod body;
mod instances;
mod metadata;
mod pixels;
mod window;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::base::{ProblemCode, Uid};
use crate::config::Dicomweb;
use crate::dicom::query::StudyScope;
use crate::http::{Caller, HttpError};
use crate::ops::Ops;

use super::accept::Accept;
use super::media::{DICOM, DICOM_JSON, MULTIPART, Media};
use super::multipart::{PartLimits, Splitter};
use super::place::{self, Named};

use body::{Body, PartReader};
use instances::Taking;

/// `POST /studies`
pub(super) async fn store(
    ops: web::Data<Ops>,
    settings: web::Data<Dicomweb>,
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, HttpError> {
    take(&ops, &settings, &caller, None, &request, payload).await
}

/// `POST /studies/{study}`
pub(super) async fn store_in_study(
    ops: web::Data<Ops>,
    settings: web::Data<Dicomweb>,
    caller: Caller,
    named: Named,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, HttpError> {
    let StudyScope { study, .. } = named.0;
    take(&ops, &settings, &caller, Some(study), &request, payload).await
}

async fn take(
    ops: &Ops,
    settings: &Dicomweb,
    caller: &Caller,
    within: Option<Uid>,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, HttpError> {
    let answered_as = Accept::of(request).json()?;
    let form = Form::of(request)?;
    let limit = if matches!(form, Form::Metadata { .. }) {
        settings.max_metadata_request_bytes.0
    } else {
        settings.max_request_bytes.0
    };
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(HttpError::TooLarge);
    }
    let base = place::base(ops, &caller.actor.tenant);
    let taking = Taking { ops: ops.clone(), actor: caller.actor.clone(), within };
    let body = Body::new(payload, limit);
    let splitter = |boundary: &str| {
        let limits = PartLimits {
            max_parts: usize::try_from(settings.max_parts).unwrap_or(usize::MAX),
            max_head_bytes: MAX_HEAD_BYTES,
            max_part_bytes: limit,
        };
        Splitter::new(boundary, limits).map_err(body::malformed)
    };
    let outcomes = match form {
        Form::One => Box::pin(taking.one(body)).await?,
        Form::Parts { boundary } => Box::pin(taking.parts(PartReader::new(body, splitter(&boundary)?))).await?,
        Form::Metadata { boundary } => {
            let parts = PartReader::new(body, splitter(&boundary)?);
            Box::pin(taking.metadata(parts, &base)).await?
        }
    };
    answer::answer(outcomes, &base, answered_as)
}

/// The forms of a request. PS3.18 Table 10.5.1-1, and the single part that others take too.
enum Form {
    /// `application/dicom`.
    One,
    /// `multipart/related; type="application/dicom"`.
    Parts { boundary: String },
    /// `multipart/related; type="application/dicom+json"`.
    Metadata { boundary: String },
}

impl Form {
    fn of(request: &HttpRequest) -> Result<Self, HttpError> {
        let mut fields = request.headers().get_all(header::CONTENT_TYPE);
        let (Some(field), None) = (fields.next(), fields.next()) else { return Err(HttpError::UnsupportedMediaType) };
        let media = field.to_str().ok().and_then(Media::parse).ok_or(HttpError::UnsupportedMediaType)?;
        if media.essence() == DICOM {
            return Ok(Self::One);
        }
        let root = media.root().ok_or(HttpError::UnsupportedMediaType)?;
        let boundary = || {
            let boundary = media.parameter("boundary").filter(|boundary| !boundary.is_empty());
            let missing = || HttpError::invalid("Content-Type", ProblemCode::Required, "must name a boundary");
            boundary.map(str::to_owned).ok_or_else(missing)
        };
        debug_assert_eq!(media.essence(), MULTIPART);
        match root.as_str() {
            // Without a root type, the parts say for themselves what they are.
            DICOM | "" => Ok(Self::Parts { boundary: boundary()? }),
            DICOM_JSON => Ok(Self::Metadata { boundary: boundary()? }),
            _ => Err(HttpError::UnsupportedMediaType),
        }
    }
}

/// Most bytes of the header fields of a part.
const MAX_HEAD_BYTES: usize = 8 * 1024;
