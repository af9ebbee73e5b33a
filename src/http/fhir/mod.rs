//! The FHIR interface below `/fhir/r4` (and its alias `/fhir`), as far as it goes: plain reads and the
//! CapabilityStatement that says so.

mod metadata;
mod read;

use actix_web::web;

use crate::access::Operation as Op;

use super::Route;

/// The routes below `/fhir/r4` and `/fhir`.
pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/fhir/r4/metadata", Op::MetadataRead, || web::to(metadata::capabilities)),
        Route::get("/fhir/metadata", Op::MetadataRead, || web::to(metadata::capabilities)),
        Route::get("/fhir/r4/{type}/{id}", Op::FhirRead, || web::to(read::read)),
        Route::get("/fhir/{type}/{id}", Op::FhirRead, || web::to(read::read)),
        Route::get("/fhir/r4/{type}/{id}/_history/{version}", Op::FhirRead, || web::to(read::vread)),
        Route::get("/fhir/{type}/{id}/_history/{version}", Op::FhirRead, || web::to(read::vread)),
    ]
}
