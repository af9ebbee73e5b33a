//! The FHIR interface below `/fhir/r4` (and its alias `/fhir`), as far as it goes: reads, writes,
//! histories and Bundles of them, and the CapabilityStatement that says so.

mod binary;
mod bundle;
mod documents;
mod everything;
mod history;
mod last;
mod meta;
mod metadata;
mod operation;
mod read;
mod search;
mod socket;
mod subscriptions;
mod terminology;
mod validate;
mod write;

use actix_web::http::Method;
use actix_web::web;

use crate::access::Operation as Op;

use super::Route;

/// The routes below `/fhir/r4` and `/fhir`.
pub fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::post("/fhir/r4/{type}/{id}/$meta-add", Op::FhirUpdate, || web::to(meta::add)),
        Route::post("/fhir/{type}/{id}/$meta-add", Op::FhirUpdate, || web::to(meta::add)),
        Route::post("/fhir/r4/{type}/{id}/$meta-delete", Op::FhirUpdate, || web::to(meta::delete)),
        Route::post("/fhir/{type}/{id}/$meta-delete", Op::FhirUpdate, || web::to(meta::delete)),
        Route::post("/fhir/r4", Op::FhirBundle, || web::to(bundle::process)).unhurried(),
        Route::post("/fhir/r4/", Op::FhirBundle, || web::to(bundle::process)).unhurried(),
        Route::post("/fhir", Op::FhirBundle, || web::to(bundle::process)).unhurried(),
        Route::post("/fhir/", Op::FhirBundle, || web::to(bundle::process)).unhurried(),
        Route::get("/fhir/r4/metadata", Op::MetadataRead, || web::to(metadata::capabilities)),
        Route::get("/fhir/metadata", Op::MetadataRead, || web::to(metadata::capabilities)),
        Route::get("/fhir/r4", Op::FhirSearch, || web::to(search::of_system)),
        Route::get("/fhir/r4/", Op::FhirSearch, || web::to(search::of_system)),
        Route::get("/fhir", Op::FhirSearch, || web::to(search::of_system)),
        Route::get("/fhir/", Op::FhirSearch, || web::to(search::of_system)),
        Route::post("/fhir/r4/_search", Op::FhirSearch, || web::to(search::of_system_by_form)),
        Route::post("/fhir/_search", Op::FhirSearch, || web::to(search::of_system_by_form)),
        Route::get("/fhir/r4/{type}", Op::FhirSearch, || web::to(search::of_type)),
        Route::get("/fhir/{type}", Op::FhirSearch, || web::to(search::of_type)),
        Route::post("/fhir/r4/{type}/_search", Op::FhirSearch, || web::to(search::of_type_by_form)),
        Route::post("/fhir/{type}/_search", Op::FhirSearch, || web::to(search::of_type_by_form)),
        Route::get("/fhir/r4/{type}/{id}/{member}", Op::FhirSearch, || web::to(search::of_compartment)),
        Route::get("/fhir/{type}/{id}/{member}", Op::FhirSearch, || web::to(search::of_compartment)),
        Route::post("/fhir/r4/{type}/{id}/{member}/_search", Op::FhirSearch, || {
            web::to(search::of_compartment_by_form)
        }),
        Route::post("/fhir/{type}/{id}/{member}/_search", Op::FhirSearch, || web::to(search::of_compartment_by_form)),
        Route::get("/fhir/r4/{type}/{id}", Op::FhirRead, || web::to(read::read)),
        Route::get("/fhir/{type}/{id}", Op::FhirRead, || web::to(read::read)),
        Route::post("/fhir/r4/{type}", Op::FhirCreate, || web::to(write::create)),
        Route::post("/fhir/{type}", Op::FhirCreate, || web::to(write::create)),
        Route::put("/fhir/r4/{type}", Op::FhirUpdate, || web::to(write::update_where)),
        Route::put("/fhir/{type}", Op::FhirUpdate, || web::to(write::update_where)),
        Route::new(Method::PATCH, "/fhir/r4/{type}", Op::FhirUpdate, || web::to(write::patch_where)),
        Route::new(Method::PATCH, "/fhir/{type}", Op::FhirUpdate, || web::to(write::patch_where)),
        Route::delete("/fhir/r4/{type}", Op::FhirDelete, || web::to(write::delete_where)),
        Route::delete("/fhir/{type}", Op::FhirDelete, || web::to(write::delete_where)),
        Route::put("/fhir/r4/{type}/{id}", Op::FhirUpdate, || web::to(write::update)),
        Route::put("/fhir/{type}/{id}", Op::FhirUpdate, || web::to(write::update)),
        Route::new(Method::PATCH, "/fhir/r4/{type}/{id}", Op::FhirUpdate, || web::to(write::patch)),
        Route::new(Method::PATCH, "/fhir/{type}/{id}", Op::FhirUpdate, || web::to(write::patch)),
        Route::delete("/fhir/r4/{type}/{id}", Op::FhirDelete, || web::to(write::delete)),
        Route::delete("/fhir/{type}/{id}", Op::FhirDelete, || web::to(write::delete)),
        Route::get("/fhir/r4/_history", Op::FhirHistoryAll, || web::to(history::of_system)),
        Route::get("/fhir/_history", Op::FhirHistoryAll, || web::to(history::of_system)),
        Route::get("/fhir/r4/{type}/_history", Op::FhirHistoryAll, || web::to(history::of_type)),
        Route::get("/fhir/{type}/_history", Op::FhirHistoryAll, || web::to(history::of_type)),
        Route::get("/fhir/r4/{type}/{id}/_history", Op::FhirHistory, || web::to(history::of_instance)),
        Route::get("/fhir/{type}/{id}/_history", Op::FhirHistory, || web::to(history::of_instance)),
        Route::get("/fhir/r4/{type}/{id}/_history/{version}", Op::FhirRead, || web::to(read::vread)),
        Route::get("/fhir/{type}/{id}/_history/{version}", Op::FhirRead, || web::to(read::vread)),
    ];
    for method in [Method::GET, Method::POST] {
        let operation = |path, operation, handler| Route::new(method.clone(), path, operation, handler);
        routes.extend([
            operation("/fhir/r4/{type}/{id}/$everything", Op::FhirRead, || web::to(everything::of_one)).unhurried(),
            operation("/fhir/{type}/{id}/$everything", Op::FhirRead, || web::to(everything::of_one)).unhurried(),
            operation("/fhir/r4/{type}/$everything", Op::FhirSearch, || web::to(everything::of_all)).unhurried(),
            operation("/fhir/{type}/$everything", Op::FhirSearch, || web::to(everything::of_all)).unhurried(),
            operation("/fhir/r4/{type}/$docref", Op::FhirSearch, || web::to(documents::docref)),
            operation("/fhir/{type}/$docref", Op::FhirSearch, || web::to(documents::docref)),
            operation("/fhir/r4/{type}/$lastn", Op::FhirSearch, || web::to(last::lastn)),
            operation("/fhir/{type}/$lastn", Op::FhirSearch, || web::to(last::lastn)),
            operation("/fhir/r4/$meta", Op::FhirSearch, || web::to(meta::of_system)),
            operation("/fhir/$meta", Op::FhirSearch, || web::to(meta::of_system)),
            operation("/fhir/r4/{type}/$meta", Op::FhirSearch, || web::to(meta::of_type)),
            operation("/fhir/{type}/$meta", Op::FhirSearch, || web::to(meta::of_type)),
            operation("/fhir/r4/{type}/{id}/$meta", Op::FhirRead, || web::to(meta::of_one)),
            operation("/fhir/{type}/{id}/$meta", Op::FhirRead, || web::to(meta::of_one)),
            operation("/fhir/r4/{type}/{id}/_history/{version}/$meta", Op::FhirRead, || web::to(meta::of_version)),
            operation("/fhir/{type}/{id}/_history/{version}/$meta", Op::FhirRead, || web::to(meta::of_version)),
        ]);
        let operation = |path, handler| Route::new(method.clone(), path, Op::FhirRead, handler);
        routes.extend([
            operation("/fhir/r4/{type}/$expand", || web::to(terminology::expand)),
            operation("/fhir/{type}/$expand", || web::to(terminology::expand)),
            operation("/fhir/r4/{type}/{id}/$expand", || web::to(terminology::expand_stored)),
            operation("/fhir/{type}/{id}/$expand", || web::to(terminology::expand_stored)),
            operation("/fhir/r4/{type}/$validate-code", || web::to(terminology::validate_code)),
            operation("/fhir/{type}/$validate-code", || web::to(terminology::validate_code)),
            operation("/fhir/r4/{type}/{id}/$validate-code", || web::to(terminology::validate_code_stored)),
            operation("/fhir/{type}/{id}/$validate-code", || web::to(terminology::validate_code_stored)),
            operation("/fhir/r4/{type}/$lookup", || web::to(terminology::lookup)),
            operation("/fhir/{type}/$lookup", || web::to(terminology::lookup)),
            operation("/fhir/r4/{type}/$subsumes", || web::to(terminology::subsumes)),
            operation("/fhir/{type}/$subsumes", || web::to(terminology::subsumes)),
            operation("/fhir/r4/{type}/{id}/$subsumes", || web::to(terminology::subsumes_stored)),
            operation("/fhir/{type}/{id}/$subsumes", || web::to(terminology::subsumes_stored)),
            operation("/fhir/r4/{type}/$validate", || web::to(validate::of_type)),
            operation("/fhir/{type}/$validate", || web::to(validate::of_type)),
            operation("/fhir/r4/{type}/{id}/$validate", || web::to(validate::of_instance)),
            operation("/fhir/{type}/{id}/$validate", || web::to(validate::of_instance)),
        ]);
        let told = |path, handler| Route::new(method.clone(), path, Op::SubscriptionEvents, handler);
        routes.extend([
            told("/fhir/r4/Subscription/$status", || web::to(subscriptions::status)),
            told("/fhir/Subscription/$status", || web::to(subscriptions::status)),
            told("/fhir/r4/Subscription/{id}/$status", || web::to(subscriptions::status_of_one)),
            told("/fhir/Subscription/{id}/$status", || web::to(subscriptions::status_of_one)),
            told("/fhir/r4/Subscription/{id}/$events", || web::to(subscriptions::events)),
            told("/fhir/Subscription/{id}/$events", || web::to(subscriptions::events)),
            told("/fhir/r4/Subscription/$get-ws-binding-token", || web::to(subscriptions::binding_token)),
            told("/fhir/Subscription/$get-ws-binding-token", || web::to(subscriptions::binding_token)),
            told("/fhir/r4/Subscription/{id}/$get-ws-binding-token", || web::to(subscriptions::binding_token_of_one)),
            told("/fhir/Subscription/{id}/$get-ws-binding-token", || web::to(subscriptions::binding_token_of_one)),
        ]);
    }
    for path in ["/fhir/r4/$subscription-events", "/fhir/$subscription-events"] {
        routes.push(Route::get(path, Op::SubscriptionListen, || web::to(socket::open)).socket());
    }
    routes
}
