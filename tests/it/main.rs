//! Integration tests: one binary, both databases. SQLite always; PostgreSQL when `TEST_POSTGRES_URL`
//! names a server on which schemas may be made.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod jobs;
mod migrations;
mod store;
mod support;
//! Tests of the gateway as a whole, in one binary: what spans modules, databases or processes. Each
//! module is marked as a test, so that the lints about panics know their helpers for what they are.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod configuration;
