//! Plain reads of FHIR resources.

use crate::access::{Actor, Operation};
use crate::audit::Object;
use crate::base::{LogicalId, VersionId};
use crate::store::StoredResource;

use super::super::{Error, Ops};

impl Ops {
    /// The newest version of a resource. R4 http.html#read.
    pub async fn read_resource(
        &self,
        actor: &Actor,
        resource_type: &str,
        id: &LogicalId,
    ) -> Result<StoredResource, Error> {
        self.authorize_type(actor, Operation::FhirRead, resource_type).await?;
        let found = self.desk(actor).resource(resource_type, id).await?.ok_or(Error::NotFound)?;
        let found = self.seen_by(actor, found)?;
        if found.body.is_none() {
            return Err(Error::Gone);
        }
        let object = Object::resource(resource_type, id, Some(found.version_id));
        self.note_read(actor, Operation::FhirRead, vec![object]).await?;
        Ok(found)
    }

    /// One version of a resource. R4 http.html#vread.
    pub async fn read_resource_version(
        &self,
        actor: &Actor,
        resource_type: &str,
        id: &LogicalId,
        version: VersionId,
    ) -> Result<StoredResource, Error> {
        self.authorize_type(actor, Operation::FhirRead, resource_type).await?;
        let found = self.desk(actor).resource_version(resource_type, id, version).await?.ok_or(Error::NotFound)?;
        let found = self.seen_by(actor, found)?;
        if found.body.is_none() {
            return Err(Error::Gone);
        }
        self.note_read(actor, Operation::FhirRead, vec![Object::resource(resource_type, id, Some(version))]).await?;
        Ok(found)
    }
}
