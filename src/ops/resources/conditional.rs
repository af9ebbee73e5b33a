//! Interactions whose resource is named by search criteria. R4 http.html#ccreate, #cond-update, #patch, #cdelete.
//!
//! Of several that search for the same and find nothing, one makes the resource: the commit is held to what the
//! search found.

use crate::access::{Actor, Operation};
use crate::audit::Object;
use crate::base::{LogicalId, ProblemCode, Problems, VersionId};
use crate::fhir::Json;
use crate::fhir::structure::Issue;
use crate::store::{Counting, Guard, Search, StoreError, StoredResource, Write, WriteSet};

use super::super::{Attempt, Error, Ops};
use super::write::{Expected, Patch, Written, of_client};

/// What became of a conditional create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreatedUnless {
    /// Nothing matched: the resource was made.
    Created(Written),
    /// One matched: it is this, and nothing was made.
    Found(StoredResource),
}

impl Ops {
    /// Keeps a new resource unless one matches the criteria.
    pub async fn create_unless(
        &self,
        actor: &Actor,
        resource_type: &str,
        body: Json,
        criteria: &str,
    ) -> Result<CreatedUnless, Error> {
        self.authorize_type(actor, Operation::FhirCreate, resource_type).await?;
        let (body, remarks) = self.valid(actor, self.writable(actor, resource_type, body)?).await?;
        let body = of_client(body);
        self.with_retries(actor, (resource_type, criteria), || async {
            let (guard, mut found) = self.seen(actor, resource_type, criteria).await?;
            if found.len() > 1 {
                return Err(Error::ManyMatches);
            }
            match found.pop() {
                Some(found) => Ok(Attempt::Done(CreatedUnless::Found(self.seen_by(actor, found)?))),
                None => self
                    .create_guarded(actor, resource_type, LogicalId::random(), (body.clone(), remarks.clone()), guard)
                    .await
                    .map(|attempt| attempt.map(CreatedUnless::Created)),
            }
        })
        .await
    }

    /// Makes a new version of the one resource that matches, or a new resource if none does.
    pub async fn update_where(
        &self,
        actor: &Actor,
        resource_type: &str,
        body: Json,
        criteria: &str,
        expected: &Expected,
    ) -> Result<Written, Error> {
        self.authorize_type(actor, Operation::FhirUpdate, resource_type).await?;
        let body = self.writable(actor, resource_type, body)?;
        let named = match body.text_at(&["id"]) {
            Some(id) => Some(LogicalId::parse(id).map_err(|_form| wrong_id("is not an id"))?),
            None => None,
        };
        self.with_retries(actor, (resource_type, criteria), || async {
            let (guard, mut found) = self.seen(actor, resource_type, criteria).await?;
            if found.len() > 1 {
                return Err(Error::ManyMatches);
            }
            let Some(found) = found.pop() else {
                if *expected != Expected::Whatever {
                    return Err(Error::VersionMismatch { current: None });
                }
                self.authorize_type(actor, Operation::FhirCreate, resource_type).await?;
                if let Some(id) = &named
                    && self.desk(actor).resource(resource_type, id).await?.is_some()
                {
                    return Err(Error::Conflict("the id in the body is that of another resource"));
                }
                let (body, remarks) = self.valid(actor, body.clone()).await?;
                let id = named.clone().unwrap_or_else(LogicalId::random);
                return self.create_guarded(actor, resource_type, id, (of_client(body), remarks), guard).await;
            };
            if named.as_ref().is_some_and(|named| *named != found.logical_id) {
                return Err(wrong_id("is not that of the resource that matches"));
            }
            let mut body = body.clone();
            if let Some(object) = body.as_object_mut() {
                object.set("id", Json::string(found.logical_id.as_str()));
            }
            self.update_resource(actor, resource_type, &found.logical_id, body, expected).await.map(Attempt::Done)
        })
        .await
    }

    /// Makes a new version of the one resource that matches out of its newest one.
    pub async fn patch_where(
        &self,
        actor: &Actor,
        resource_type: &str,
        patch: &Patch,
        criteria: &str,
        expected: &Expected,
    ) -> Result<Written, Error> {
        self.authorize_type(actor, Operation::FhirUpdate, resource_type).await?;
        self.refuse_read_only(actor, resource_type)?;
        let mut found = self.matches(actor, resource_type, criteria, 2).await?;
        if found.len() > 1 {
            return Err(Error::ManyMatches);
        }
        let id = found.pop().ok_or(Error::NotFound)?;
        self.patch_resource(actor, resource_type, &id, patch, expected).await
    }

    /// Deletes the one resource that matches; `None` if none does.
    pub async fn delete_where(
        &self,
        actor: &Actor,
        resource_type: &str,
        criteria: &str,
        expected: &Expected,
    ) -> Result<Option<VersionId>, Error> {
        self.authorize_type(actor, Operation::FhirDelete, resource_type).await?;
        self.refuse_read_only(actor, resource_type)?;
        let mut found = self.matches(actor, resource_type, criteria, 2).await?;
        if found.len() > 1 {
            return Err(Error::ManyMatches);
        }
        match found.pop() {
            Some(id) => self.delete_resource(actor, resource_type, &id, expected).await,
            None => Ok(None),
        }
    }

    /// What matches now, two at most, and what holds a commit to it.
    async fn seen(
        &self,
        actor: &Actor,
        resource_type: &str,
        criteria: &str,
    ) -> Result<(Guard, Vec<StoredResource>), Error> {
        let search: Search = self.criteria(actor, resource_type, criteria, 2).await?;
        let found = self.desk(actor).search(search.clone(), Counting::No).await?.resources;
        let matches = found.iter().map(|one| one.logical_id.clone()).collect();
        Ok((Guard { search, matches }, found))
    }

    async fn create_guarded(
        &self,
        actor: &Actor,
        resource_type: &str,
        id: LogicalId,
        (body, remarks): (Json, Vec<Issue>),
        guard: Guard,
    ) -> Result<Attempt<Written>, Error> {
        let operation = Operation::FhirCreate;
        self.check_parameter(actor, resource_type, &id, &body).await?;
        let (stored, set) = self.kept(actor, resource_type, id, None, body).await?;
        let object = Object::resource(resource_type, &stored.logical_id, Some(stored.version_id));
        let event = self.event(actor, operation).on(object);
        let set = WriteSet::new().with(Write::Guard(Box::new(guard))).and(set).with(Write::Audit(event));
        match self.desk(actor).commit(set).await {
            Ok(()) => Ok(Attempt::Done(Written { stored, is_new: true, remarks })),
            Err(StoreError::VersionConflict { .. }) => Ok(Attempt::Spoilt),
            Err(error) => Err(error.into()),
        }
    }
}

fn wrong_id(said: &str) -> Error {
    Error::Invalid(Problems::one("id", ProblemCode::Invariant, said))
}
