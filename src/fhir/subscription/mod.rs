//! Subscriptions as documents: R4 Subscription by search criteria, and by topic as the Subscriptions R5 Backport IG 1.1.0
//! has it for R4. A Subscription goes in, [`Terms`] come out; what happened goes in, a notification comes out.

mod notification;
mod read;
mod topic;

pub use notification::{Notice, NoticeEvent, NoticeKind};
pub use read::{Channel, MASK, Terms, header_parts};
pub use topic::{TOPICS, Topic};

/// Where a Subscription is. R4 valueset-subscription-status.html.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The client asks for it; the server has not begun.
    Requested,
    /// It runs.
    Active,
    /// The subscriber could not be told; the client has to ask again.
    Error,
    /// It does not run.
    Off,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Requested, Self::Active, Self::Error, Self::Off];

    /// The code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Active => "active",
            Self::Error => "error",
            Self::Off => "off",
        }
    }

    /// The status of a code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == code)
    }
}

/// What a notification says of the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Nothing.
    Empty,
    /// Which one it is.
    IdOnly,
    /// All of it.
    FullResource,
}

impl Content {
    /// The code in the Backport IG.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::IdOnly => "id-only",
            Self::FullResource => "full-resource",
        }
    }

    /// The content of a code.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Empty, Self::IdOnly, Self::FullResource].into_iter().find(|content| content.as_str() == code)
    }
}

/// What every profile and extension of the Backport IG begins with.
pub const BACKPORT: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/";

#[cfg(test)]
mod tests;
