//! Roles: what a person or a system is to the tenant.

/// A role. Someone may have several; what they may do is what any of them allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Runs the gateway: peers, rules, jobs, tokens. Sees no patient data (security requirement 37).
    Admin,
    /// Writes and verifies reports.
    Radiologist,
    /// Reads reports and takes renditions of them.
    Clinician,
    /// A system that feeds reports in or fetches them.
    Integrator,
    /// Reads the audit log, and nothing else.
    Auditor,
}

impl Role {
    /// All roles, in the order of the columns of the table.
    pub const ALL: [Self; 5] = [Self::Admin, Self::Radiologist, Self::Clinician, Self::Integrator, Self::Auditor];

    /// The text in tokens and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Radiologist => "radiologist",
            Self::Clinician => "clinician",
            Self::Integrator => "integrator",
            Self::Auditor => "auditor",
        }
    }

    /// The role of a text in a token.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::parse(text).ok_or(UnknownRole)
    }
}

/// A text is not the name of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not one of admin, radiologist, clinician, integrator, auditor")]
pub struct UnknownRole;

impl serde::Serialize for Role {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Role {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(UnknownRole))
    }
}
