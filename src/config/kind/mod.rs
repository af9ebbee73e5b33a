//! The types that settings have, besides those of other modules.

mod choice;
mod duration;
mod listen;
mod plain;
mod secret;
mod size;
mod url;

pub(super) use choice::choice;
pub use listen::Listen;
pub use secret::EnvironmentSecret;
pub use size::ByteSize;
pub(super) use url::redact;
pub use url::{BlobUrl, DatabaseUrl, HttpUrl};
