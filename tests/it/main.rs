//! Tests of the gateway as a whole, in one binary: what spans modules, databases or processes. Each
//! module is marked as a test, so that the lints about panics know their helpers for what they are.
//! SQLite always; PostgreSQL when `TEST_POSTGRES_URL` names a server on which schemas may be made.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod blob_crash;
#[cfg(test)]
mod blob_s3;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod deliveries;
#[cfg(test)]
mod dicomweb;
#[cfg(test)]
mod dimse;
#[cfg(test)]
mod exports;
#[cfg(test)]
mod fhir;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod jobs;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod phi;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod search;
#[cfg(test)]
mod store;
#[cfg(test)]
mod studies;
#[cfg(test)]
mod support;
