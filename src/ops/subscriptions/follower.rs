//! A subscription ready to be matched and told: its terms, its rights, its header values. Read once for a version.

use std::sync::{Arc, PoisonError};

use crate::access::Actor;
use crate::base::{LogicalId, VersionId};
use crate::fhir::Json;
use crate::fhir::search::{QueryContext, QueryLimits, Registry};
use crate::fhir::subscription::{Channel, Terms, header_parts};
use crate::report::fhir::bundle::fhir_base;
use crate::store::SubscriptionState;

use super::super::document::document;
use super::super::{Error, Ops};
use super::rights::Rights;

/// What is kept with a Subscription and not shown.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) v: u8,
    pub(super) rights: Rights,
    /// Where header values go: they are not sent anywhere else.
    pub(super) endpoint: Option<String>,
    /// Whole header fields.
    pub(super) headers: Vec<String>,
}

/// A subscription that is on.
pub(super) struct Follower {
    pub(super) version: VersionId,
    pub(super) terms: Terms,
    pub(super) maker: Actor,
    pub(super) headers: Vec<(String, String)>,
}

impl Kept {
    pub(super) fn read(state: &SubscriptionState) -> Result<Self, Error> {
        serde_json::from_slice(&state.settings)
            .map_err(|_detail| Error::Fault("what is kept with a subscription cannot be read".into()))
    }
}

impl Ops {
    /// The terms of a Subscription of this tenant.
    pub(super) fn terms(&self, actor: &Actor, body: &Json) -> Result<Terms, Error> {
        let base = fhir_base(&self.base_url(&actor.tenant));
        let context =
            QueryContext { registry: Registry::r4(), base: &base, now: self.now(), limits: QueryLimits::default() };
        Terms::read(body, context).map_err(Error::Rule)
    }

    /// A subscription as it is now.
    pub(super) async fn follower(&self, actor: &Actor, state: &SubscriptionState) -> Result<Arc<Follower>, Error> {
        let key = (actor.tenant.clone(), state.id.clone());
        let followers = &self.shared.subscribers.followers;
        let known = followers.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known.filter(|known| known.version == state.version) {
            return Ok(known);
        }
        let stored = self.desk(actor).resource_version("Subscription", &state.id, state.version).await?;
        let body = document(&stored.ok_or(Error::NotFound)?)?;
        let (terms, kept) = (self.terms(actor, &body)?, Kept::read(state)?);
        let goes_there = match &terms.channel {
            Channel::RestHook(url) => kept.endpoint.as_deref() == Some(url.as_str()),
            Channel::WebSocket => false,
        };
        let headers = if goes_there { kept.headers.as_slice() } else { &[] };
        let headers = headers.iter().filter_map(|header| header_parts(header));
        let follower = Arc::new(Follower {
            version: state.version,
            terms,
            maker: kept.rights.actor(&actor.tenant, &actor.request_id)?,
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        });
        let mut followers = followers.lock().unwrap_or_else(PoisonError::into_inner);
        if followers.len() >= MOST_KNOWN {
            followers.clear();
        }
        followers.insert(key, Arc::clone(&follower));
        Ok(follower)
    }

    /// Forgets a subscription that is gone.
    pub(super) fn forget_follower(&self, actor: &Actor, id: &LogicalId) {
        let key = (actor.tenant.clone(), id.clone());
        self.shared.subscribers.followers.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}

/// Subscriptions that are kept ready.
const MOST_KNOWN: usize = 10_000;
