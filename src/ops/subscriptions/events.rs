//! What a subscription is asked for: its status, and its events again. Backport IG, operations `$status` and `$events`.

use crate::access::{Actor, Operation};
use crate::audit::Object;
use crate::base::{LogicalId, ProblemCode, Problems, VersionId};
use crate::fhir::subscription::{Content, Notice, NoticeEvent, NoticeKind, Status};
use crate::fhir::{Json, Object as JsonObject};
use crate::report::fhir::bundle::fhir_base;
use crate::store::{Interaction, SubscriptionEvent, SubscriptionState};

use super::super::document::document;
use super::super::{Error, Ops};
use super::follower::Follower;
use super::rights::may_read;

/// Which events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// First number.
    pub since: Option<i64>,
    /// Last number.
    pub until: Option<i64>,
    /// What to say of the resources.
    pub content: Option<Content>,
}

impl Ops {
    /// A searchset of the status of subscriptions: of those named, or of all; of these statuses, or of any.
    pub async fn subscription_status(
        &self,
        actor: &Actor,
        ids: &[LogicalId],
        statuses: &[Status],
    ) -> Result<Json, Error> {
        self.authorize_type(actor, Operation::FhirRead, "Subscription").await?;
        let base = fhir_base(&self.base_url(&actor.tenant));
        let (mut entries, mut seen) = (Vec::new(), Vec::new());
        for state in self.desk(actor).subscriptions().await? {
            let asked = ids.is_empty() || ids.contains(&state.id);
            if !asked || !(statuses.is_empty() || statuses.contains(&state.status)) {
                continue;
            }
            let follower = self.follower(actor, &state).await?;
            let error = self.error_of(actor, &state).await?;
            let notice = Notice {
                base: &base,
                subscription: &state.id,
                topic: follower.terms.topic.map(|topic| topic.url),
                status: state.status,
                kind: NoticeKind::QueryStatus,
                events: state.events,
                content: follower.terms.content,
                error: error.as_deref(),
            };
            let id = LogicalId::random();
            let search = JsonObject::new().with("mode", Json::string("match"));
            let entry = JsonObject::new()
                .with("fullUrl", Json::string(format!("urn:uuid:{id}")))
                .with("resource", notice.status(&id, &[]))
                .with("search", search.into());
            entries.push(entry.into());
            seen.push(Object::resource("Subscription", &state.id, Some(state.version)));
        }
        self.note_read(actor, Operation::FhirRead, seen).await?;
        let total = i64::try_from(entries.len()).unwrap_or(i64::MAX);
        Ok(JsonObject::new()
            .with("resourceType", Json::string("Bundle"))
            .with("type", Json::string("searchset"))
            .with("timestamp", Json::string(self.now().to_fhir()))
            .with("total", Json::integer(total))
            .with_items("entry", entries)
            .into())
    }

    /// The status of one subscription.
    pub async fn status_of_subscription(&self, actor: &Actor, id: &LogicalId) -> Result<Json, Error> {
        self.authorize_type(actor, Operation::FhirRead, "Subscription").await?;
        self.desk(actor).subscription(id).await?.ok_or(Error::NotFound)?;
        self.subscription_status(actor, std::slice::from_ref(id), &[]).await
    }

    /// The text of a notification with events of a subscription again, a thousand at most. It says no more than
    /// both the asker and the subscription may know.
    pub async fn subscription_events(
        &self,
        actor: &Actor,
        id: &LogicalId,
        query: EventQuery,
    ) -> Result<Vec<u8>, Error> {
        self.authorize(actor, Operation::SubscriptionEvents).await?;
        let state = self.desk(actor).subscription(id).await?.ok_or(Error::NotFound)?;
        let (since, until) = (query.since.unwrap_or(1), query.until.unwrap_or(i64::MAX));
        if since > until {
            let said = "is greater than eventsUntilNumber";
            return Err(Error::Invalid(Problems::one("eventsSinceNumber", ProblemCode::Value, said)));
        }
        let follower = self.follower(actor, &state).await?;
        let content = query.content.unwrap_or(follower.terms.content);
        let events = self.desk(actor).subscription_events(id, since, until, MOST_EVENTS).await?;
        let (told, objects) = self.told(actor, &follower, &events, content).await?;
        let told = told.into_iter().map(|mut event| {
            event.focus = event.focus.filter(|(kind, _)| may_read(actor, kind));
            event
        });
        let told: Vec<NoticeEvent> = told.collect();
        self.note_read(actor, Operation::SubscriptionEvents, objects).await?;
        let error = self.error_of(actor, &state).await?;
        let kind = NoticeKind::QueryEvent;
        let base = fhir_base(&self.base_url(&actor.tenant));
        let notice = notice(&base, &state, &follower, (kind, content), error.as_deref());
        Ok(notice.bundle(&LogicalId::random(), self.now(), &told))
    }

    /// What `Subscription.error` says.
    async fn error_of(&self, actor: &Actor, state: &SubscriptionState) -> Result<Option<String>, Error> {
        if state.status != Status::Error {
            return Ok(None);
        }
        let stored = self.desk(actor).resource_version("Subscription", &state.id, state.version).await?;
        let Some(stored) = stored else { return Ok(None) };
        Ok(document(&stored)?.text_at(&["error"]).map(str::to_owned))
    }

    /// Events as they are told by a subscription, and what the audit log says of it.
    pub(super) async fn told(
        &self,
        actor: &Actor,
        follower: &Follower,
        events: &[SubscriptionEvent],
        content: Content,
    ) -> Result<(Vec<NoticeEvent>, Vec<Object>), Error> {
        let shown = |event: &SubscriptionEvent| may_read(&follower.maker, &event.resource_type);
        let mut bodies = vec![None; events.len()];
        if content == Content::FullResource {
            let wanted: Vec<(usize, (String, LogicalId, VersionId))> = events
                .iter()
                .enumerate()
                .filter(|(_, event)| event.interaction != Interaction::Delete && shown(event))
                .map(|(at, event)| (at, (event.resource_type.clone(), event.logical_id.clone(), event.version_id)))
                .collect();
            let keys: Vec<_> = wanted.iter().map(|(_, key)| key.clone()).collect();
            let found = self.desk(actor).resource_versions(&keys).await?;
            for ((at, _), stored) in wanted.into_iter().zip(found) {
                if let Some(slot) = bodies.get_mut(at) {
                    *slot = stored.and_then(|stored| stored.body);
                }
            }
        }
        let mut objects = Vec::new();
        let told = events.iter().zip(bodies).map(|(event, body)| {
            let focus = shown(event).then(|| (event.resource_type.clone(), event.logical_id.clone()));
            if content != Content::Empty && focus.is_some() {
                objects.push(Object::resource(&event.resource_type, &event.logical_id, Some(event.version_id)));
            }
            let method = match event.interaction {
                Interaction::Create => "POST",
                Interaction::Update => "PUT",
                Interaction::Delete => "DELETE",
            };
            NoticeEvent { number: event.number, happened_at: event.happened_at, focus, method, body }
        });
        let told: Vec<NoticeEvent> = told.collect();
        Ok((told, objects))
    }
}

/// A notification of a subscription.
pub(super) fn notice<'a>(
    base: &'a str,
    state: &'a SubscriptionState,
    follower: &'a Follower,
    (kind, content): (NoticeKind, Content),
    error: Option<&'a str>,
) -> Notice<'a> {
    Notice {
        base,
        subscription: &state.id,
        topic: follower.terms.topic.map(|topic| topic.url),
        status: state.status,
        kind,
        events: state.events,
        content,
        error,
    }
}

/// Events in one answer; the next ones are asked for by number.
const MOST_EVENTS: i64 = 1_000;
