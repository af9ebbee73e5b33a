//! Rules of the authorization server, without HTTP: the keys that tokens are signed with, what an access
//! token says, and whether one that was shown holds.

mod claims;
mod jws;
mod key;
mod verify;

pub use claims::Claims;
pub use jws::mint;
pub use key::{KeyError, SigningKey, VerifyKey, jwks};
pub use verify::{Expected, TokenError, verify};
