//! The one who acts: every use case takes one, so that nothing is read or written without a tenant, a
//! principal and a request that it can be traced to.

use std::net::IpAddr;

use crate::base::{AeTitle, TenantId};

use super::{ClientId, RequestId, Role, Scopes, TokenId, UserId};

/// Who acts, for which tenant, with which rights, in which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The only tenant whose data they can see.
    pub tenant: TenantId,
    /// The one who acts.
    pub principal: Principal,
    /// The client that a user acts through; the principal itself where a client acts alone.
    pub client_id: Option<ClientId>,
    /// What they are to the tenant.
    pub roles: Vec<Role>,
    /// What their token narrows them to.
    pub scopes: Scopes,
    /// What they say they do it for.
    pub purpose: Option<Purpose>,
    /// The request in which they act.
    pub request_id: RequestId,
    /// The token they showed.
    pub token_id: Option<TokenId>,
    /// Where the request came from; none within the server.
    pub address: Option<IpAddr>,
}

/// The one who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A person.
    User {
        /// Their id in the tenant.
        id: UserId,
        /// Their name as it is printed.
        name: Option<String>,
    },
    /// A system with a registration of its own.
    Client {
        /// Its registration.
        id: ClientId,
    },
    /// A system that speaks DIMSE, by the AE title that it calls with.
    ApplicationEntity {
        /// Its AE title.
        title: AeTitle,
    },
    /// The gateway itself: a job, or the command line on the server's own machine.
    System(&'static str),
}

impl Actor {
    /// The gateway itself, at work on `job` (`report.deliver`, `cli`).
    pub fn system(tenant: TenantId, job: &'static str, request_id: RequestId) -> Self {
        Self {
            tenant,
            principal: Principal::System(job),
            client_id: None,
            roles: Vec::new(),
            scopes: Scopes::unrestricted(),
            purpose: None,
            request_id,
            token_id: None,
            address: None,
        }
    }

    /// This actor with `roles` besides; how the command line on the server's own machine gets its rights.
    #[must_use]
    pub fn with_roles(mut self, roles: &[Role]) -> Self {
        self.roles.extend_from_slice(roles);
        self
    }
}

impl Principal {
    /// One text for the principal, `user:jones`, `client:ris-1`, `ae:CT1` or `system:report.deliver`; what rows
    /// name their owner by and rates are counted by.
    pub fn key(&self) -> String {
        match self {
            Self::User { id, .. } => format!("user:{id}"),
            Self::Client { id } => format!("client:{id}"),
            Self::ApplicationEntity { title } => format!("ae:{title}"),
            Self::System(job) => format!("system:{job}"),
        }
    }
}

macro_rules! purposes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $display:literal;)*) => {
        /// What someone says they use data for: HL7 v3 ActReason, value set PurposeOfUse.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Purpose { $($(#[$doc])* $variant),* }

        impl Purpose {
            /// All purposes.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The code in `http://terminology.hl7.org/CodeSystem/v3-ActReason`.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }

            /// The display of the code.
            pub fn display(self) -> &'static str {
                match self { $(Self::$variant => $display),* }
            }

            /// The purpose of a code.
            pub fn parse(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

purposes! {
    /// To treat the patient.
    Treatment = "TREAT", "treatment";
    /// To treat the patient in an emergency.
    EmergencyTreatment = "ETREAT", "Emergency Treatment";
    /// To override a refusal in an emergency.
    BreakTheGlass = "BTG", "break the glass";
    /// To be paid.
    Payment = "HPAYMT", "healthcare payment";
    /// To run the house.
    Operations = "HOPERAT", "healthcare operations";
    /// To run the systems.
    SystemAdministration = "HSYSADMIN", "health system administration";
    /// Because the patient asked.
    PatientRequest = "PATRQT", "patient requested";
    /// For the health of the public.
    PublicHealth = "PUBHLTH", "public health";
    /// To do research.
    Research = "HRESCH", "healthcare research";
}

impl serde::Serialize for Purpose {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> serde::Deserialize<'de> for Purpose {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&code).ok_or_else(|| serde::de::Error::custom("is not a purpose of use"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_of_different_kinds_never_share_a_key() {
        let user = Principal::User { id: UserId::parse("x").expect("valid"), name: Some("X".into()) };
        let client = Principal::Client { id: ClientId::parse("x").expect("valid") };
        let keys = [user.key(), client.key(), Principal::System("x").key()];
        assert_eq!(keys, ["user:x", "client:x", "system:x"]);
    }

    #[test]
    fn every_purpose_is_found_by_its_code() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::parse(purpose.code()), Some(*purpose));
        }
        assert_eq!(Purpose::parse("treat"), None);
    }
}
