//! Binary with its content as it is. R4 binary.html#rest.
//!
//! A body that is no FHIR JSON is the content of a Binary. On the way out the content is decoded piece by piece
//! from the stored text, just as much of it as is asked for.

use std::io;
use std::ops::Range;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;
use futures_util::{Stream, stream};

use crate::base::ProblemCode;
use crate::fhir::binary::{Binary, decode, decoded_len, resource};
use crate::fhir::reference::Target;
use crate::fhir::{Json, JsonLimits, Object};
use crate::http::{
    Disposition, Download, EntityTag, FhirFormat, FhirJson, HttpError, MediaType, Prefer, Return, WholeBody,
    binary_format, fhir_format,
};
use crate::store::StoredResource;

/// The body of a create or of an update: a resource, or the content of a Binary.
#[derive(Debug)]
pub(super) struct WrittenBody {
    /// The resource.
    pub(super) json: Json,
    /// Whether it came as content.
    is_content: bool,
}

impl WrittenBody {
    /// How it is answered. Who sends content and does not take FHIR JSON is not sent any.
    pub(super) fn answered(&self, request: &HttpRequest) -> Result<(FhirFormat, Prefer), HttpError> {
        let mut prefer = Prefer::of(request)?;
        match fhir_format(request) {
            Ok(format) => Ok((format, prefer)),
            Err(HttpError::NotAcceptable) if self.is_content => {
                prefer.wants = Some(Return::Minimal);
                Ok((FhirFormat { is_pretty: false }, prefer))
            }
            Err(error) => Err(error),
        }
    }
}

impl FromRequest for WrittenBody {
    type Error = HttpError;
    type Future = LocalBoxFuture<'static, Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if request.match_info().get("type") != Some("Binary") {
            let json = FhirJson::from_request(request, payload);
            return Box::pin(async move { Ok(Self { json: json.await?.0, is_content: false }) });
        }
        let (kind, context) = (content_type(request), security_context(request));
        if kind.as_ref().is_ok_and(|kind| kind.essence() == "application/fhir+json") {
            let json = FhirJson::from_request(request, payload);
            return Box::pin(async move { of_resource(json.await?.0, context?) });
        }
        let field = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        // As the code that it becomes: one space at most. R4 datatypes.html#code.
        let named = field.unwrap_or_default().split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        // An update names it in its path alone.
        let id = request.match_info().get("id").map(str::to_owned);
        let whole = WholeBody::from_request(request, payload);
        Box::pin(async move {
            let (kind, context, bytes) = (kind?, context?, whole.await?.0);
            let work = move || read((&kind, &named), (id, context), &bytes);
            // Long ones would hold up every other request of this worker.
            tokio::task::spawn_blocking(work).await.map_err(|_join| HttpError::Fault)?
        })
    }
}

fn read(
    (kind, named): (&MediaType, &str),
    (id, context): (Option<String>, Option<String>),
    bytes: &[u8],
) -> Result<WrittenBody, HttpError> {
    if matches!(kind.essence(), "application/json" | "text/json")
        && let Ok(json) = Json::parse(bytes, &JsonLimits::default())
        && json.text_at(&["resourceType"]) == Some("Binary")
    {
        return of_resource(json, context);
    }
    let mut json = resource(named, context.as_deref(), bytes);
    if let (Some(id), Some(binary)) = (id, json.as_object_mut()) {
        binary.set("id", Json::string(id));
    }
    Ok(WrittenBody { json, is_content: true })
}

/// A Binary in JSON, with the context of the header field.
fn of_resource(mut json: Json, context: Option<String>) -> Result<WrittenBody, HttpError> {
    if let Some(context) = context {
        match json.text_at(&["securityContext", "reference"]) {
            Some(own) if own == context => {}
            Some(_) => return Err(no_context("is another one than in the body")),
            None => {
                if let Some(binary) = json.as_object_mut() {
                    binary.set("securityContext", Object::new().with("reference", Json::string(context)).into());
                }
            }
        }
    }
    Ok(WrittenBody { json, is_content: false })
}

fn content_type(request: &HttpRequest) -> Result<MediaType, HttpError> {
    let mut fields = request.headers().get_all(header::CONTENT_TYPE);
    let (Some(field), None) = (fields.next(), fields.next()) else { return Err(HttpError::UnsupportedMediaType) };
    let kind = field.to_str().ok().and_then(MediaType::parse).ok_or(HttpError::UnsupportedMediaType)?;
    // A resource that cannot be read is not kept as something else.
    if kind.essence() == "application/fhir+xml" { Err(HttpError::UnsupportedMediaType) } else { Ok(kind) }
}

/// What decides who may read it: a literal reference. R4 binary.html#rest.
fn security_context(request: &HttpRequest) -> Result<Option<String>, HttpError> {
    let mut fields = request.headers().get_all("x-security-context");
    let (Some(field), None) = (fields.next(), fields.next()) else {
        return match request.headers().get_all("x-security-context").count() {
            0 => Ok(None),
            _ => Err(no_context("is one reference")),
        };
    };
    let text = field.to_str().map(str::trim).map_err(|_error| no_context("is a reference"))?;
    match Target::parse(text) {
        Target::Relative(_) | Target::Absolute(..) => Ok(Some(text.to_owned())),
        _ => Err(no_context("is a reference to a resource")),
    }
}

fn no_context(said: &str) -> HttpError {
    HttpError::invalid("X-Security-Context", ProblemCode::Value, said)
}

/// The content of a Binary, or the form in which the request takes it as a resource.
pub(super) async fn content(
    request: &HttpRequest,
    stored: &mut StoredResource,
) -> Result<Result<FhirFormat, HttpResponse>, HttpError> {
    let text = Bytes::from(stored.body.take().ok_or(HttpError::Gone)?);
    let found = {
        let text = text.clone();
        tokio::task::spawn_blocking(move || find(&text)).await.map_err(|_join| HttpError::Fault)?
    };
    let (named, data) = found.ok_or(HttpError::Fault)?;
    if let Some(format) = binary_format(request, &named)? {
        drop(data);
        stored.body = Some(text.into());
        return Ok(Ok(format));
    }
    let kind = MediaType::parse(&named);
    let essence = kind.as_ref().map_or("", MediaType::essence);
    let name = format!("Binary-{}{}", stored.logical_id, extension(essence));
    let download = Download {
        // What is no media type is no more than bytes.
        content_type: if kind.is_some() { named } else { "application/octet-stream".to_owned() },
        total: decoded_len(&data),
        // The bytes of a version never change.
        tag: EntityTag::strong(stored.version_id.to_string()),
        modified: Some(stored.last_updated),
        name,
        // Whoever stored it: it is no page of this server.
        disposition: Disposition::Attachment,
    };
    download.respond(request, |range| async move { Ok(pieces(data, range)) }).await.map(Err)
}

/// Content type and base64 of a stored Binary.
fn find(text: &Bytes) -> Option<(String, Bytes)> {
    let binary = Binary::find(text)?;
    let data = match binary.data {
        std::borrow::Cow::Borrowed("") => Bytes::new(),
        std::borrow::Cow::Borrowed(part) => text.slice_ref(part.as_bytes()),
        std::borrow::Cow::Owned(whole) => Bytes::from(whole),
    };
    Some((binary.content_type, data))
}

/// The bytes of a range, a piece at a time.
fn pieces(data: Bytes, range: Range<u64>) -> impl Stream<Item = io::Result<Bytes>> + 'static {
    let mut at = range.start;
    stream::iter(std::iter::from_fn(move || {
        if at >= range.end {
            return None;
        }
        let piece = at..range.end.min(at.saturating_add(PIECE));
        at = piece.end;
        let broken = || io::Error::new(io::ErrorKind::InvalidData, "the content is not base64");
        Some(decode(&data, piece).map(Bytes::from).ok_or_else(broken))
    }))
}

fn extension(essence: &str) -> &'static str {
    match essence {
        "application/pdf" => ".pdf",
        "application/dicom" => ".dcm",
        "application/json" | "text/json" => ".json",
        "application/xml" | "text/xml" => ".xml",
        "application/zip" => ".zip",
        "image/jpeg" => ".jpg",
        "image/png" => ".png",
        "text/plain" => ".txt",
        "text/csv" => ".csv",
        _ => ".bin",
    }
}

/// Bytes of a piece.
const PIECE: u64 = 48 * 1024;
