//! What is recorded of every use, and how a change to the record shows. An [`AuditEvent`] is built where
//! the use is decided; the store keeps it as a [`Record`], its canonical text; a job seals records into a
//! chain by hash, one chain a tenant; a [`Checkpoint`] on another medium shows when the end was cut off.

mod chain;
mod checkpoint;
mod event;
mod fhir;
mod key;
mod object;
mod record;
mod verify;
mod vocabulary;

pub use chain::{ChainRow, Head, Seal, SealError, seal};
pub use checkpoint::Checkpoint;
pub use event::{Activity, Agent, AgentKind, AuditEvent, ClockState, Outcome};
pub use fhir::{Gateway, to_fhir};
pub use key::{AuditKey, Mac};
pub use object::{Object, ObjectKind};
pub use record::{Record, RecordError};
pub use verify::{BreakKind, ChainBreak, ChainReport, ChainVerifier, verify_chain};
