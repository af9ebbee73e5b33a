//! What goes over the wire between two application entities, as values: protocol data units and their
//! items (PS3.8 §9.3), command sets (PS3.7 §6.3, §E), messages put together from fragments, and what is
//! answered to an association request. The service class user in `remote::dimse` and the provider in
//! `dimse` both speak in these; neither reads nor writes a byte of its own.

mod associate;
mod command;
mod commitment;
mod fragment;
mod item;
mod message;
mod negotiate;
mod pdu;
mod recode;
mod service;
mod storage_class;
mod syntax;

pub use associate::{
    AeField, AssociateAccept, AssociateRequest, ContextAnswer, ContextProposal, ContextResult, ExtendedNegotiation,
    RoleSelection, UserInformation,
};
pub use command::{Command, CommandError, NO_DATA_SET, Suboperations, element, field};
pub use commitment::{CommitmentError, CommitmentRequest, CommitmentResult, Reference};
pub use fragment::{Fragmenter, max_fragment_bytes};
pub use message::{Assembler, Event, Message};
pub use negotiate::{Context, EXTENDED_FIND, Offered, negotiate};
pub use pdu::{AbortReason, Fragment, Header, Pdu, PduError, Rejection};
pub use recode::{RecodeError, Recoder, can_recode};
pub use service::{PROVIDED, QueryModel, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, Service, VERIFICATION};
pub use storage_class::{is_storage_class, named_storage_classes, storage_classes};
pub use syntax::{
    DEFLATED_LE, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, MESSAGE_SYNTAXES, STORABLE_SYNTAXES, preferred_for_storage,
};

/// DICOM Application Context Name. PS3.7 §A.2.1.
pub const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";
