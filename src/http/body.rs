//! JSON bodies: the right media type, within the limits, read strictly.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;

use crate::base::ProblemCode;
use crate::fhir::json::JsonErrorKind;
use crate::fhir::{Json, JsonError, JsonLimits};

use super::HttpError;
use super::negotiate::MediaType;

/// The JSON body of a request below `/api`: `application/json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiJson(pub Json);

/// As [`ApiJson`] where a body may be left out. One that is there has to be right: `Option<ApiJson>` would
/// take a broken one for none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionalJson(pub Option<Json>);

/// The JSON body of a request below `/fhir`: `application/fhir+json`, or JSON by its plain names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FhirJson(pub Json);

/// As [`FhirJson`] where a body may be left out, as in a GET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionalFhirJson(pub Option<Json>);

/// As [`FhirJson`], with the bytes as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FhirDocument {
    /// What they say.
    pub json: Json,
    /// The bytes.
    pub bytes: Bytes,
}

/// The body of a PATCH, in one of the forms that are taken. R4 http.html#patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatchBody {
    /// `application/json-patch+json`: RFC 6902.
    JsonPatch(Json),
    /// `application/fhir+json`: Parameters of a FHIRPath Patch.
    FhirPathPatch(Json),
}

/// A whole body of any type, within the limit of its route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeBody(pub Bytes);

impl FromRequest for ApiJson {
    type Error = HttpError;
    type Future = LocalBoxFuture<'static, Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = check_type(request, &["application/json"]);
        let payload = payload.take();
        Box::pin(async move {
            checked?;
            read_json(payload).await.map(Self)
        })
    }
}

impl FromRequest for OptionalJson {
    type Error = HttpError;
    type Future = LocalBoxFuture<'static, Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = check_type(request, &["application/json"]);
        let payload = payload.take();
        Box::pin(async move {
            let bytes = read_whole(payload).await?;
            if bytes.is_empty() {
                return Ok(Self(None));
            }
            checked?;
            parse(bytes).await.map(|json| Self(Some(json)))
        })
    }
}

impl FromRequest for FhirJson {
    type Error = HttpError;
    type Future = LocalBoxFuture<'static, Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = check_type(request, FHIR_TYPES);
        let payload = payload.take();
        Box::pin(async move {
            checked?;
            read_json(payload).await.map(Self)
        })
    }
}

impl FromRequest for OptionalFhirJson {
    type Error = HttpError;
    type Future = LocalBoxFuture<'static, Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = check_type(request, FHIR_TYPES);
        let payload = payload.take();
        Box::pin(async move {
            let bytes = read_whole(payload).await?;
            if bytes.is_empty() {
                return Ok(Self(None));
            }
            checked?;
            parse(bytes).await.map(|json| Self(Some(json)))
        })
    }
}

impl FromRequest for FhirDocument {
    type Error = HttpError;
    type Future = LocalBoxFuture<'static, Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = check_type(request, FHIR_TYPES);
        let payload = payload.take();
        Box::pin(async move {
            checked?;
            let bytes = read_whole(payload).await?;
            Ok(Self { json: parse(bytes.clone()).await?, bytes })
        })
    }
}

impl FromRequest for PatchBody {
    type Error = HttpError;
    type Future = LocalBoxFuture<'static, Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json_patch = check_type(request, &["application/json-patch+json"]).is_ok();
        let checked = if is_json_patch { Ok(()) } else { check_type(request, &["application/fhir+json"]) };
        let payload = payload.take();
        Box::pin(async move {
            checked?;
            let json = read_json(payload).await?;
            Ok(if is_json_patch { Self::JsonPatch(json) } else { Self::FhirPathPatch(json) })
        })
    }
}

impl FromRequest for WholeBody {
    type Error = HttpError;
    type Future = LocalBoxFuture<'static, Result<Self, HttpError>>;

    fn from_request(_request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let payload = payload.take();
        Box::pin(async move { read_whole(payload).await.map(Self) })
    }
}

/// Whether the body is said to be one of `types`, in UTF-8, and of R4 where it names a FHIR version.
fn check_type(request: &HttpRequest, types: &[&str]) -> Result<(), HttpError> {
    let mut values = request.headers().get_all(header::CONTENT_TYPE);
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(HttpError::UnsupportedMediaType);
    };
    let media_type = value.to_str().ok().and_then(MediaType::parse).ok_or(HttpError::UnsupportedMediaType)?;
    let is_utf8 = media_type.parameter("charset").is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8"));
    let is_r4 = media_type.parameter("fhirversion").is_none_or(|version| version == "4.0");
    if types.contains(&media_type.essence()) && is_utf8 && is_r4 {
        Ok(())
    } else {
        Err(HttpError::UnsupportedMediaType)
    }
}

async fn read_whole(mut payload: Payload) -> Result<Bytes, HttpError> {
    let Some(first) = payload.next().await else {
        return Ok(Bytes::new());
    };
    let first = first.map_err(|error| HttpError::of_payload(&error))?;
    let mut rest: Option<BytesMut> = None;
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| HttpError::of_payload(&error))?;
        rest.get_or_insert_with(|| BytesMut::from(&*first)).extend_from_slice(&chunk);
    }
    Ok(rest.map_or(first, BytesMut::freeze))
}

async fn read_json(payload: Payload) -> Result<Json, HttpError> {
    parse(read_whole(payload).await?).await
}

async fn parse(bytes: Bytes) -> Result<Json, HttpError> {
    if bytes.is_empty() {
        return Err(HttpError::invalid("", ProblemCode::Required, "the body is empty"));
    }
    let parsed = if bytes.len() > INLINE_BYTES {
        // A long document would hold up every other request of this worker.
        tokio::task::spawn_blocking(move || Json::parse(&bytes, &JsonLimits::default()))
            .await
            .map_err(|_join| HttpError::Fault)?
    } else {
        Json::parse(&bytes, &JsonLimits::default())
    };
    parsed.map_err(of_json)
}

fn of_json(error: JsonError) -> HttpError {
    let code = match error.kind {
        JsonErrorKind::Depth | JsonErrorKind::Values => ProblemCode::TooLong,
        JsonErrorKind::DuplicateKey => ProblemCode::Duplicate,
        _ => ProblemCode::Structure,
    };
    HttpError::invalid("", code, error.to_string())
}

/// What FHIR JSON is called. spec of R4 http.html#mime-type.
const FHIR_TYPES: &[&str] = &["application/fhir+json", "application/json", "text/json"];
/// Up to this length a document is read where it arrives.
const INLINE_BYTES: usize = 64 * 1024;
