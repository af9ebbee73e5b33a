//! Who acts, and what they may do. An edge makes an [`Actor`] from a verified token; `ops` asks
//! [`decide`] before it reads or writes, and there is no other way to be allowed. The whole policy is
//! one table in `operation.rs`, from which `docs/access.md` is written.

mod actor;
mod doc;
mod id;
mod operation;
mod pattern;
mod policy;
mod role;
mod scope;

pub use actor::{Actor, Principal, Purpose};
pub use doc::{matrix, page};
pub use id::{ClientId, RequestId, TokenId, UserId};
pub use operation::{Need, Operation};
pub use pattern::{PathPattern, plain_segments};
pub use policy::{Decision, Denial, Extent, decide, decide_type};
pub use role::Role;
pub use scope::{Context, NeededScope, Permission, Scope, Scopes};
