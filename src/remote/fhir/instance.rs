//! Single resources at a FHIR server: read, create and update, by id or by criteria. R4 http.html.

use reqwest::header::HeaderValue;
use url::Url;

use crate::base::LogicalId;
use crate::fhir::{Json, JsonLimits, resource_type};
use crate::remote::egress::HttpError;
use crate::remote::http::{Answer, Outgoing};

use super::retry::Twice;
use super::{FHIR_JSON, FhirError, FhirPeer, MAX_ANSWER_BYTES, refusal};

/// What a server did with a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// HTTP status code: 201 made, 200 changed, or there already.
    pub status: u16,
    /// Where it is now, as the server wrote it: absolute or relative, with or without its version.
    pub location: Option<String>,
    /// `ETag` of the version.
    pub etag: Option<String>,
    /// The resource as the server has it, if it said so.
    pub resource: Option<Json>,
}

/// Which resource an update is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressed<'a> {
    /// The one with the id in the body, made if there is none. With a version (an ETag, `W/"3"`) only if that is the
    /// newest one.
    Id {
        /// `If-Match`.
        if_match: Option<&'a str>,
    },
    /// The one that a search finds, made if there is none: `identifier=system|value`, encoded.
    Criteria(&'a str),
}

impl FhirPeer {
    /// The newest version of a resource; `None` if there is none, or no more.
    pub async fn read(&self, resource_type: &str, id: &LogicalId) -> Result<Option<Json>, FhirError> {
        let segments = [known(resource_type)?, id.as_str()];
        let request = Outgoing::get(self.http.url(&segments), FHIR_JSON, MAX_ANSWER_BYTES);
        match self.call(&request, Twice::Harmless).await {
            Ok(answer) => resource_of(&answer, resource_type).map(Some),
            Err(FhirError::Refused { status: 404 | 410, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a resource; with criteria only if nothing matches them. Without criteria it is not sent again where the
    /// server may have done it.
    pub async fn create(&self, resource: &Json, if_none_exist: Option<&str>) -> Result<Kept, FhirError> {
        let kind = type_of(resource)?;
        let mut request = post(self.http.url(&[kind]), resource);
        let twice = if let Some(criteria) = if_none_exist {
            request = request.with_header("if-none-exist", criteria).ok_or(FhirError::NotSendable("If-None-Exist"))?;
            Twice::Harmless
        } else {
            Twice::Harmful
        };
        self.call(&request, twice).await.map(|answer| kept(&answer))
    }

    /// Makes a new version of a resource, or the first one.
    pub async fn update(&self, resource: &Json, addressed: Addressed<'_>) -> Result<Kept, FhirError> {
        let kind = type_of(resource)?;
        let (url, if_match) = match addressed {
            Addressed::Id { if_match } => {
                let id = resource.text_at(&["id"]).ok_or(FhirError::NotSendable("id"))?;
                (self.http.url(&[kind, id]), if_match)
            }
            Addressed::Criteria(criteria) => {
                if criteria.is_empty() {
                    return Err(FhirError::NotSendable("criteria"));
                }
                let mut url = self.http.url(&[kind]);
                url.set_query(Some(criteria));
                (url, None)
            }
        };
        let mut request = post(url, resource).into_put();
        // A second update that names a version would fail on the first one.
        let twice = if if_match.is_some() { Twice::Harmful } else { Twice::Harmless };
        if let Some(version) = if_match {
            request = request.with_header("if-match", version).ok_or(FhirError::NotSendable("If-Match"))?;
        }
        self.call(&request, twice).await.map(|answer| kept(&answer))
    }

    /// Calls until there is an answer that stands, or patience ends.
    pub(super) async fn call(&self, request: &Outgoing, twice: Twice) -> Result<Answer, FhirError> {
        let mut attempt = 0;
        loop {
            let answer = self.http.send(request).await.map_err(FhirError::from);
            let error = match answer {
                Ok(answer) if answer.is_success() => return Ok(answer),
                Ok(answer) => refusal(&answer),
                Err(error) => error,
            };
            let Some(wait) = self.patience.wait(attempt, &error, twice) else { return Err(error) };
            tracing::debug!(attempt, ?wait, "a FHIR server is asked again");
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }
}

fn kept(answer: &Answer) -> Kept {
    let resource = Json::parse(&answer.body, &JsonLimits::default()).ok();
    let resource = resource.filter(|resource| resource.text_at(&["resourceType"]) != Some("OperationOutcome"));
    Kept { status: answer.status, location: answer.location.clone(), etag: answer.etag.clone(), resource }
}

/// The resource of this type that an answer is.
pub(super) fn resource_of(answer: &Answer, resource_type: &str) -> Result<Json, FhirError> {
    let resource = Json::parse(&answer.body, &JsonLimits::default()).ok();
    let resource = resource.filter(|resource| resource.text_at(&["resourceType"]) == Some(resource_type));
    Ok(resource.ok_or(HttpError::Unreadable("another resource than was asked for"))?)
}

fn type_of(resource: &Json) -> Result<&str, FhirError> {
    known(resource.text_at(&["resourceType"]).unwrap_or_default())
}

pub(super) fn known(resource_type: &str) -> Result<&str, FhirError> {
    if resource_type::is_known(resource_type) { Ok(resource_type) } else { Err(FhirError::NotSendable("resourceType")) }
}

fn post(url: Url, resource: &Json) -> Outgoing {
    let content_type = HeaderValue::from_static("application/fhir+json; charset=utf-8");
    Outgoing::post(url, content_type, FHIR_JSON, vec![resource.to_text().into()], MAX_ANSWER_BYTES)
}
