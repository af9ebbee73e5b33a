//! DICOMweb below `/dicom-web` (alias `/dicomweb`), and WADO-URI at `/wado`: instances come in, are searched for, and go
//! out (PS3.18). What is stored, found and may be seen is decided by `ops::studies`; here are media types, multiparts
//! and status codes.

mod accept;
mod capabilities;
mod conformance;
mod delete;
mod media;
mod multipart;
mod place;
mod qido;
mod rendering;
mod stale;
mod stow;
mod wado;
mod wado_uri;

use actix_web::http::Method;
use actix_web::web;

use crate::access::Operation as Op;

use super::Route;

pub use conformance::section as conformance_section;

/// One route below each of the two names of the service.
macro_rules! below {
    ($($method:ident $path:literal $operation:ident $handler:path $(, $more:ident)*;)+) => {
        vec![$(
            Route::$method(concat!("/dicom-web", $path), Op::$operation, || web::to($handler))$(.$more())*,
            Route::$method(concat!("/dicomweb", $path), Op::$operation, || web::to($handler))$(.$more())*,
        )+]
    };
}

/// The routes of DICOMweb. PS3.18 Table 10.1-1.
pub fn routes() -> Vec<Route> {
    let mut routes = below! {
        get "/studies" StudyFind qido::studies;
        get "/series" StudyFind qido::series;
        get "/instances" StudyFind qido::instances;
        get "/studies/{study}/series" StudyFind qido::series;
        get "/studies/{study}/instances" StudyFind qido::instances;
        get "/studies/{study}/series/{series}/instances" StudyFind qido::instances;
        get "/studies/{study}" StudyRead wado::instances, unhurried;
        get "/studies/{study}/series/{series}" StudyRead wado::instances, unhurried;
        get "/studies/{study}/series/{series}/instances/{instance}" StudyRead wado::instances, unhurried;
        get "/studies/{study}/metadata" StudyRead wado::metadata, unhurried;
        get "/studies/{study}/series/{series}/metadata" StudyRead wado::metadata, unhurried;
        get "/studies/{study}/series/{series}/instances/{instance}/metadata" StudyRead wado::metadata;
        get "/studies/{study}/rendered" StudyRead wado::of_study, unhurried;
        get "/studies/{study}/series/{series}/rendered" StudyRead wado::of_study, unhurried;
        get "/studies/{study}/series/{series}/instances/{instance}/rendered" StudyRead wado::of_instance, unhurried;
        get "/studies/{study}/thumbnail" StudyRead wado::thumbnail;
        get "/studies/{study}/series/{series}/thumbnail" StudyRead wado::thumbnail;
        get "/studies/{study}/series/{series}/instances/{instance}/thumbnail" StudyRead wado::thumbnail;
        get "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}" StudyRead wado::frames, unhurried;
        get "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered" StudyRead wado::of_frames,
            unhurried;
        get "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/thumbnail" StudyRead wado::thumbnail;
        get "/studies/{study}/series/{series}/instances/{instance}/bulkdata/{way:.*}" StudyRead wado::bulk, unhurried;
        delete "/studies/{study}" StudyDelete delete::delete, unhurried;
        delete "/studies/{study}/series/{series}" StudyDelete delete::delete, unhurried;
        delete "/studies/{study}/series/{series}/instances/{instance}" StudyDelete delete::delete;
    };
    for route in below! {
        post "/studies" StudyStore stow::store, unhurried;
        post "/studies/{study}" StudyStore stow::store_in_study, unhurried;
    } {
        // How much may come is decided by the form of the request.
        routes.push(route.with_max_body_bytes(u64::MAX));
    }
    for path in ["/dicom-web", "/dicom-web/", "/dicomweb", "/dicomweb/"] {
        routes.push(Route::new(Method::OPTIONS, path, Op::MetadataRead, || web::to(capabilities::capabilities)));
    }
    routes.push(Route::get("/wado", Op::StudyRead, || web::to(wado_uri::retrieve)).unhurried());
    routes
}
