//! The rights of whoever wrote a Subscription, kept with it: what it tells is what they may read.

use crate::access::{Actor, ClientId, Decision, Operation, Principal, RequestId, Role, Scopes, UserId, decide_type};
use crate::base::TenantId;

use super::super::Error;

/// Who wrote it, and what their token left them. Tokens have no patient context: roles and scopes are all there is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rights {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    through: Option<String>,
    roles: Vec<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<String>,
}

impl Rights {
    /// Those of an actor.
    pub(super) fn of(actor: &Actor) -> Self {
        let (user, client) = match &actor.principal {
            Principal::User { id, .. } => (Some(id.as_str().to_owned()), None),
            Principal::Client { id } => (None, Some(id.as_str().to_owned())),
            // None of these can be made an actor of again, so that what one had left behind would do nothing.
            Principal::ApplicationEntity { .. } => (None, Some(String::new())),
            Principal::System(_) => (None, None),
        };
        Self {
            user,
            client,
            through: actor.client_id.as_ref().map(|id| id.as_str().to_owned()),
            roles: actor.roles.clone(),
            scopes: actor.scopes.to_claim(),
        }
    }

    /// An actor with these rights and no others.
    pub(super) fn actor(&self, tenant: &TenantId, request_id: &RequestId) -> Result<Actor, Error> {
        let corrupt = || Error::Fault("the rights of a subscription cannot be read".into());
        let principal = match (&self.user, &self.client) {
            (Some(id), _) => Principal::User { id: UserId::parse(id).map_err(|_form| corrupt())?, name: None },
            (None, Some(id)) => Principal::Client { id: ClientId::parse(id).map_err(|_form| corrupt())? },
            (None, None) => Principal::System("subscription"),
        };
        let through = self.through.as_deref().map(ClientId::parse).transpose().map_err(|_form| corrupt())?;
        let mut actor = Actor::system(tenant.clone(), "subscription", request_id.clone()).with_roles(&self.roles);
        actor.principal = principal;
        actor.client_id = through;
        actor.scopes = self.scopes.as_deref().map_or_else(Scopes::unrestricted, Scopes::parse);
        Ok(actor)
    }
}

/// Whether `actor` may read resources of a type.
pub(super) fn may_read(actor: &Actor, resource_type: &str) -> bool {
    matches!(decide_type(actor, Operation::FhirRead, resource_type), Decision::Allow(_))
}
