//! Writing a Subscription: what it asks for is checked, header values are put away, and what runs behind it is
//! committed with it.

use std::time::Duration;

use crate::access::{Actor, Operation};
use crate::base::{LogicalId, ProblemCode, Problems, VersionId};
use crate::fhir::subscription::{Channel, MASK, Status, Terms, header_parts};
use crate::fhir::{Json, Object};
use crate::store::{StoredResource, SubscriptionChange, SubscriptionState, Write, WriteSet};

use super::super::resources::version;
use super::super::{Error, Ops};
use super::follower::Kept;
use super::rights::Rights;

impl Ops {
    /// A version of a resource as it is to be committed: of a Subscription, with what runs behind it.
    pub(in crate::ops) async fn kept(
        &self,
        actor: &Actor,
        resource_type: &str,
        id: LogicalId,
        before: Option<VersionId>,
        body: Json,
    ) -> Result<(StoredResource, WriteSet), Error> {
        if resource_type == "Subscription" {
            return self.kept_subscription(actor, id, before, body).await;
        }
        let (stored, write) = version(resource_type, id, before, body, self.now());
        Ok((stored, WriteSet::new().with(Write::Resource(write))))
    }

    /// What goes with the deletion of a resource.
    pub(in crate::ops) fn gone(&self, actor: &Actor, resource_type: &str, id: &LogicalId) -> WriteSet {
        if resource_type != "Subscription" {
            return WriteSet::new();
        }
        self.forget_follower(actor, id);
        WriteSet::new().with(Write::Subscription(SubscriptionChange::Remove { id: id.clone() }))
    }

    async fn kept_subscription(
        &self,
        actor: &Actor,
        id: LogicalId,
        before: Option<VersionId>,
        mut body: Json,
    ) -> Result<(StoredResource, WriteSet), Error> {
        let former = match before {
            Some(_) => self.desk(actor).subscription(&id).await?,
            None => None,
        };
        let terms = self.terms(actor, &body)?;
        self.authorize_type(actor, Operation::FhirRead, &terms.resource_type).await?;
        self.authorize_all_binaries(actor, &terms.resource_type).await?;
        self.check_terms(&terms)?;
        let status = wanted(terms.status, former.as_ref())?;
        let endpoint = match &terms.channel {
            Channel::RestHook(url) => Some(url.as_str().to_owned()),
            Channel::WebSocket => None,
        };
        let headers = unmasked(&terms, former.as_ref(), endpoint.as_deref())?;
        settle(&mut body, status, &headers);
        let kept = Kept { v: 1, rights: Rights::of(actor), endpoint, headers };
        let settings = serde_json::to_vec(&kept).map_err(|error| Error::Fault(error.to_string()))?;
        let (stored, write) = version("Subscription", id.clone(), before, body, self.now());
        let job = (status != Status::Off).then(|| self.notify_job(actor, &id, Duration::ZERO));
        let change = SubscriptionChange::Put {
            id,
            version: stored.version_id,
            status,
            channel: terms.channel.as_str(),
            settings,
            most: self.settings().subscriptions.per_tenant,
            job,
        };
        Ok((stored, WriteSet::new().with(Write::Resource(write)).with(Write::Subscription(change))))
    }

    /// What this server does not do, by its settings.
    fn check_terms(&self, terms: &Terms) -> Result<(), Error> {
        let settings = &self.settings().subscriptions;
        let mut problems = Problems::new();
        let least = settings.shortest_heartbeat.as_secs();
        if terms.heartbeat_seconds.is_some_and(|seconds| u64::from(seconds) < least) {
            let said = format!("heartbeats come every {least} s at most");
            problems.add("Subscription.channel.extension", ProblemCode::Unsupported, said);
        }
        let longest = settings.timeout.as_secs();
        if terms.timeout_seconds.is_some_and(|seconds| u64::from(seconds) > longest) {
            let said = format!("a subscriber is waited for {longest} s at most");
            problems.add("Subscription.channel.extension", ProblemCode::Unsupported, said);
        }
        if terms.end.is_some_and(|end| end <= self.now()) && terms.status != Status::Off {
            problems.add("Subscription.end", ProblemCode::BusinessRule, "is past");
        }
        if let Channel::RestHook(url) = &terms.channel
            && let Some(refusal) = self.shared.subscribers.hooks.refusal(url)
        {
            problems.add("Subscription.channel.endpoint", ProblemCode::Unsupported, refusal);
        }
        problems.into_result(()).map_err(Error::Rule)
    }
}

/// The status that a version of a client begins with. What is written is tried again before it is active.
fn wanted(status: Status, former: Option<&SubscriptionState>) -> Result<Status, Error> {
    let said = match (status, former) {
        (Status::Off, _) => return Ok(Status::Off),
        (Status::Requested, _) | (Status::Active, Some(_)) => return Ok(Status::Requested),
        (Status::Active, None) => "is set by the server; a client asks for `requested`",
        (Status::Error, _) => "is set by the server; `requested` makes it try again",
    };
    Err(Error::Rule(Problems::one("Subscription.status", ProblemCode::BusinessRule, said)))
}

/// The header fields with their values; one that the client was shown masked keeps the value that it had, if it goes to
/// the same endpoint.
fn unmasked(terms: &Terms, former: Option<&SubscriptionState>, endpoint: Option<&str>) -> Result<Vec<String>, Error> {
    let kept = former.map(Kept::read).transpose()?.filter(|kept| kept.endpoint.as_deref() == endpoint);
    let mut headers = Vec::with_capacity(terms.headers.len());
    for (index, header) in terms.headers.iter().enumerate() {
        let Some((name, MASK)) = header_parts(header) else {
            headers.push(header.clone());
            continue;
        };
        let known = kept
            .iter()
            .flat_map(|kept| &kept.headers)
            .find(|known| header_parts(known).is_some_and(|(known, _)| known.eq_ignore_ascii_case(name)));
        let Some(known) = known else {
            let at = format!("Subscription.channel.header[{index}]");
            let said = "is masked, and no value is known for it and this endpoint";
            return Err(Error::Rule(Problems::one(at, ProblemCode::Value, said)));
        };
        headers.push(known.clone());
    }
    Ok(headers)
}

/// The body as it is kept: with its status, without header values and without the error of a former version.
fn settle(body: &mut Json, status: Status, headers: &[String]) {
    let Some(object) = body.as_object_mut() else { return };
    object.set("status", Json::string(status.as_str()));
    object.remove("error");
    if let Some(Json::Object(channel)) = object.get_mut("channel")
        && !headers.is_empty()
    {
        let masked = headers.iter().filter_map(|header| header_parts(header));
        channel.set("header", Json::Array(masked.map(|(name, _)| Json::string(format!("{name}: {MASK}"))).collect()));
    }
}

/// The body with a status that the server gives it.
pub(super) fn turned(body: &mut Json, status: Status, error: Option<&str>) {
    let Some(object) = body.as_object_mut() else { return };
    object.set("status", Json::string(status.as_str()));
    object.remove("error");
    if let Some(error) = error {
        // Before the channel, where R4 has it.
        let mut out = Object::new();
        for (name, value) in object.iter() {
            if name == "channel" {
                out.set("error", Json::string(error));
            }
            out.set(name, value.clone());
        }
        *object = out;
    }
}
