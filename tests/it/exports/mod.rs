//! Export sessions through HTTP: ordered, watched, fetched, tried again, counted, cleaned up.

mod download;
mod sessions;
mod watch;
