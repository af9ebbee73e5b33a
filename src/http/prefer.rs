//! Prefer, as far as FHIR uses it. RFC 7240; R4 http.html#ops.

use actix_web::HttpRequest;

use super::HttpError;
use crate::base::ProblemCode;

/// What a client wants back from a write. R4 http.html#ops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// Header fields only.
    Minimal,
    /// The resource.
    Representation,
    /// An OperationOutcome.
    OperationOutcome,
}

/// What a client prefers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prefer {
    /// What comes back, if it said so.
    pub wants: Option<Return>,
    /// Whether parameters that are not known make the request fail.
    pub is_strict: bool,
}

impl Prefer {
    /// What the header fields of a request say. Preferences that are not known are ignored, as RFC 7240 §2
    /// asks; an unknown value of one that is known is an error.
    pub fn of(request: &HttpRequest) -> Result<Self, HttpError> {
        let mut prefer = Self::default();
        let fields = request.headers().get_all("prefer").filter_map(|value| value.to_str().ok());
        for preference in fields.flat_map(|field| field.split([',', ';'])).map(str::trim) {
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            let value = value.trim().trim_matches('"');
            match (name.trim().to_ascii_lowercase().as_str(), value) {
                ("return", "minimal") => prefer.wants = Some(Return::Minimal),
                ("return", "representation") => prefer.wants = Some(Return::Representation),
                ("return", "OperationOutcome") => prefer.wants = Some(Return::OperationOutcome),
                ("handling", "strict") => prefer.is_strict = true,
                ("handling", "lenient") => prefer.is_strict = false,
                ("return" | "handling", _) => {
                    return Err(HttpError::invalid("Prefer", ProblemCode::Value, "is not known here"));
                }
                _ => {}
            }
        }
        Ok(prefer)
    }
}
