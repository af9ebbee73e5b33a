//! What an access token says. RFC 9068 §2.2, with `tenant` and `name` of our own.

use std::net::IpAddr;

use crate::access::{Actor, ClientId, Principal, RequestId, Role, Scopes, TokenId, UserId};
use crate::base::{TenantId, Timestamp};
use crate::fhir::{Json, Object};

/// The claims of an access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// `iss`: the tenant's issuer.
    pub issuer: String,
    /// `aud`: the base that the token is for.
    pub audience: String,
    /// `sub`: the user; the client itself where it acts alone.
    pub subject: UserId,
    /// `client_id`: the client that the token was issued to.
    pub client_id: ClientId,
    /// `jti`: names the token, for revocation and the audit log.
    pub token_id: TokenId,
    /// `iat`, in whole seconds.
    pub issued_at: Timestamp,
    /// `exp`, in whole seconds.
    pub expires_at: Timestamp,
    /// `tenant`.
    pub tenant: TenantId,
    /// `roles`. RFC 9068 §2.2.3.1.
    pub roles: Vec<Role>,
    /// `scope`. A token without it is not narrowed.
    pub scope: Option<String>,
    /// `name`: the user's name as it is printed in what they do.
    pub name: Option<String>,
}

impl Claims {
    /// The claims as a JSON object.
    pub(super) fn to_json(&self) -> Json {
        let roles = self.roles.iter().map(|role| Json::string(role.as_str())).collect();
        Object::new()
            .with("iss", Json::string(&*self.issuer))
            .with("aud", Json::string(&*self.audience))
            .with("sub", Json::string(self.subject.as_str()))
            .with("client_id", Json::string(self.client_id.as_str()))
            .with("jti", Json::string(self.token_id.as_str()))
            .with("iat", Json::integer(self.issued_at.0.div_euclid(MICROS)))
            .with("exp", Json::integer(self.expires_at.0.div_euclid(MICROS)))
            .with("tenant", Json::string(self.tenant.as_str()))
            .with("roles", Json::Array(roles))
            .with_text("scope", self.scope.as_deref())
            .with_text("name", self.name.as_deref())
            .into()
    }

    /// Who acts with this token, in the request of that id from that address.
    pub fn to_actor(&self, request_id: RequestId, address: Option<IpAddr>) -> Actor {
        let principal = if self.subject.as_str() == self.client_id.as_str() {
            Principal::Client { id: self.client_id.clone() }
        } else {
            Principal::User { id: self.subject.clone(), name: self.name.clone() }
        };
        Actor {
            tenant: self.tenant.clone(),
            principal,
            client_id: Some(self.client_id.clone()),
            roles: self.roles.clone(),
            scopes: self.scope.as_deref().map_or_else(Scopes::unrestricted, Scopes::parse),
            purpose: None,
            request_id,
            token_id: Some(self.token_id.clone()),
            address,
        }
    }
}

/// Microseconds in a second.
pub(super) const MICROS: i64 = 1_000_000;
