//! Deleting studies, series and instances: in no standard, and widely done. DELETE on what WADO-RS retrieves.

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, web};

use crate::config::Dicomweb;
use crate::http::{Caller, HttpError};
use crate::ops::Ops;

use super::place::Named;

/// `DELETE /studies/{study}`, `.../series/{series}`, `.../instances/{instance}`
pub(super) async fn delete(
    ops: web::Data<Ops>,
    settings: web::Data<Dicomweb>,
    caller: Caller,
    named: Named,
) -> Result<HttpResponse, HttpError> {
    if !settings.delete {
        return Err(HttpError::MethodNotAllowed(vec![Method::GET, Method::HEAD, Method::OPTIONS]));
    }
    ops.delete_study(&caller.actor, &named.0).await?;
    Ok(HttpResponse::new(StatusCode::NO_CONTENT))
}
