//! Integration tests: one binary, both databases. SQLite always; PostgreSQL when `TEST_POSTGRES_URL`
//! names a server on which schemas may be made.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod jobs;
mod migrations;
mod store;
mod support;
