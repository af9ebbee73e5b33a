//! Who may see a Binary: who may read the type and, where it has a security context, what that refers to.
//! R4 binary.html#security-context.

use crate::access::{Actor, Operation, decide, decide_type};
use crate::fhir::binary::{Binary, Context};
use crate::fhir::reference::{Literal, Target};
use crate::report::fhir::bundle::fhir_base;
use crate::store::StoredResource;

use super::super::{Error, Ops};

impl Ops {
    /// A resource that this actor may see; one that they may not looks as if it were not there.
    pub(super) fn seen_by(&self, actor: &Actor, stored: StoredResource) -> Result<StoredResource, Error> {
        if self.may_see(actor, &stored) { Ok(stored) } else { Err(Error::NotFound) }
    }

    /// Refuses to change what this actor may not see.
    pub(super) fn refuse_hidden(&self, actor: &Actor, former: &StoredResource) -> Result<(), Error> {
        if self.may_see(actor, former) { Ok(()) } else { Err(Error::NotFound) }
    }

    /// Whether an actor who may read its type may see this resource.
    pub(super) fn may_see(&self, actor: &Actor, stored: &StoredResource) -> bool {
        let Some(body) = stored.body.as_deref().filter(|_| stored.resource_type == BINARY) else { return true };
        let reads = |resource_type: &str| decide_type(actor, Operation::FhirRead, resource_type).into_result().is_ok();
        match Binary::find(body).map(|binary| binary.context) {
            Some(Context::None) => true,
            Some(Context::Reference(reference)) => match Target::parse(&reference) {
                Target::Relative(Literal { resource_type, .. }) => reads(resource_type),
                Target::Absolute(base, Literal { resource_type, .. })
                    if base == fhir_base(&self.base_url(&actor.tenant)) =>
                {
                    reads(resource_type)
                }
                _ => sees_all(actor),
            },
            Some(Context::Other) | None => sees_all(actor),
        }
    }

    /// Refuses a look at all Binaries to who may not see each of them: how many there are would tell.
    pub(in crate::ops) async fn authorize_all_binaries(&self, actor: &Actor, resource_type: &str) -> Result<(), Error> {
        if resource_type == BINARY {
            self.authorize(actor, Operation::FhirRead).await?;
        }
        Ok(())
    }
}

/// Whether nothing narrows what an actor may read: what a context elsewhere allows nobody here can say.
fn sees_all(actor: &Actor) -> bool {
    decide(actor, Operation::FhirRead).into_result().is_ok()
}

const BINARY: &str = "Binary";
