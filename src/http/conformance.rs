//! The DICOM conformance statement of this server. PS3.2 Annex N.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::access::Operation;
use crate::dicom::conformance::Statement;

use super::{HttpError, Route, choose_for};

/// `/conformance`, open to everyone: it says nothing of tenants, callers and peers.
pub(super) fn route() -> Route {
    Route::get("/conformance", Operation::MetadataRead, || web::to(statement)).of_server()
}

/// The statement as it is sent, in each form; it is written once.
#[derive(Debug)]
pub struct Written {
    html: String,
    markdown: String,
    json: String,
}

impl Written {
    /// Writes a statement.
    pub fn new(statement: &Statement) -> Arc<Self> {
        Arc::new(Self {
            html: statement.to_html(),
            markdown: statement.to_markdown(),
            json: serde_json::to_string(statement).unwrap_or_default(),
        })
    }
}

async fn statement(written: web::Data<Arc<Written>>, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let media = choose_for(&request, &["text/html", "application/json", "text/markdown", "text/plain"])?;
    let (media, body) = match media {
        "text/html" => ("text/html; charset=utf-8", &written.html),
        "application/json" => ("application/json", &written.json),
        "text/markdown" => ("text/markdown; charset=utf-8", &written.markdown),
        _ => ("text/plain; charset=utf-8", &written.markdown),
    };
    let mut response = HttpResponse::build(StatusCode::OK).content_type(media).body(body.clone());
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    );
    Ok(response)
}
