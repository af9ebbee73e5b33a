//! Leaf types that every other module may use: identifiers, time, digests, secrets, decimals,
//! field problems, page cursors. Nothing here knows FHIR, DICOM, SQL or sockets.

pub mod cursor;
pub mod date;
pub mod decimal;
pub mod digest;
pub mod id;
pub mod keyring;
pub mod problem;
pub mod retry;
pub mod seal;
pub mod secret;
pub mod time;

pub use cursor::{Cursor, CursorKey};
pub use date::{Date, TimeOfDay};
pub use decimal::Decimal;
pub use digest::{Blake3, Sha256};
pub use id::{AeTitle, LogicalId, PeerName, TenantId, Uid, VersionId};
pub use keyring::{KeyId, KeyPurpose, Keyring, MasterKeys, NamedKey};
pub use problem::{Problem, ProblemCode, Problems};
pub use retry::Retry;
pub use seal::{DataKey, SealError};
pub use secret::Secret;
pub use time::{Clock, FixedClock, SystemClock, Timestamp};
