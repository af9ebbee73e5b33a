//! Whether the server lives and can serve, and its figures.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use crate::access::Operation;
use crate::fhir::{Json, Object};

use super::Route;
use super::edge::Edge;

/// The routes of the server itself: `/health/live`, `/health/ready`, `/metrics`.
pub fn server_routes() -> Vec<Route> {
    vec![
        Route::get("/health/live", Operation::HealthRead, || web::to(live)).of_server(),
        Route::get("/health/ready", Operation::HealthRead, || web::to(ready)).of_server(),
        Route::get("/metrics", Operation::MetricsRead, || web::to(figures)).of_server(),
    ]
}

/// The process answers. Nothing else is looked at: one that waits for its database must not be restarted.
async fn live() -> HttpResponse {
    json(StatusCode::OK, &Object::new().with("status", Json::string("live")).into())
}

async fn ready(edge: web::Data<Arc<Edge>>) -> HttpResponse {
    let readiness = edge.gate.ready().await;
    let stopping = edge.stopping().is_cancelled();
    let word = |works: bool| Json::string(if works { "up" } else { "down" });
    let parts = readiness
        .parts
        .iter()
        .chain(&readiness.beside)
        .map(|(name, works)| ((*name).to_owned(), word(*works)))
        .collect::<Object>();
    let is_ready = readiness.is_ready() && !stopping;
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let said = match (is_ready, stopping) {
        (true, _) => "ready",
        (false, true) => "stopping",
        (false, false) => "not ready",
    };
    json(status, &Object::new().with("status", Json::string(said)).with("parts", parts.into()).into())
}

async fn figures(edge: web::Data<Arc<Edge>>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(edge.gate.metrics())
}

fn json(status: StatusCode, body: &Json) -> HttpResponse {
    HttpResponse::build(status).content_type("application/json").body(body.to_text())
}
