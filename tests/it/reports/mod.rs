//! Reports through HTTP: their life, their lists, the resources that they are kept as, and how they come
//! in from FHIR.

mod import;
mod life;
mod lists;
mod races;
mod resources;
