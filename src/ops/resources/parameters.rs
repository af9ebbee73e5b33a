//! Search parameters that an administrator adds: a SearchParameter that is active has to be one that we can search by.
//! R4 searchparameter.html. What its rows are made by is the job that the commit puts in.

use std::sync::Arc;

use crate::access::Actor;
use crate::base::{LogicalId, ProblemCode, Problems, TenantId};
use crate::fhir::Json;
use crate::fhir::search::custom;
use crate::fhir::search::definitions::DefinitionError;
use crate::report::fhir::bundle::fhir_base;
use crate::store::Catalog;

use super::super::{Error, Ops};

impl Ops {
    /// The search parameters of a tenant, for its CapabilityStatement: what can be asked is no secret. Those whose rows
    /// are still being made are there too, and say so when they are used.
    pub async fn parameters(&self, tenant: &TenantId) -> Result<Arc<Catalog>, Error> {
        Ok(self.store().catalog_of(tenant).await?)
    }

    /// Tells the store under which addresses a tenant is served: absolute references that begin with one are local.
    pub async fn serve_at(&self, tenant: &TenantId) -> Result<(), Error> {
        let root = self.base_url(tenant);
        let bases = vec![fhir_base(&root), format!("{root}/fhir")];
        Ok(self.store().serve_at(tenant, bases, self.now()).await?)
    }

    /// Refuses an active SearchParameter that cannot be searched by, or whose name is taken.
    pub(super) async fn check_parameter(
        &self,
        actor: &Actor,
        resource_type: &str,
        id: &LogicalId,
        body: &Json,
    ) -> Result<(), Error> {
        if resource_type != "SearchParameter" || !custom::is_active(body) {
            return Ok(());
        }
        let catalog = self.desk(actor).fresh_catalog().await?;
        refuse_unusable(&catalog, id, body).into_result(()).map_err(Error::Rule)
    }
}

/// What is wrong with a SearchParameter that is to be searched by.
pub(super) fn refuse_unusable(catalog: &Catalog, id: &LogicalId, body: &Json) -> Problems {
    if !custom::is_active(body) {
        return Problems::new();
    }
    match catalog.admits(id, body) {
        Ok(_) => Problems::new(),
        Err(error) => Problems::one(place(&error), ProblemCode::BusinessRule, error.to_string()),
    }
}

/// The element that is wrong.
fn place(error: &DefinitionError) -> &'static str {
    match error {
        DefinitionError::Type => "type",
        DefinitionError::Base(_) => "base",
        DefinitionError::Taken(_) => "code",
        DefinitionError::Element(name) => name,
        DefinitionError::Component(_) => "component",
        DefinitionError::Expression(_) => "expression",
        DefinitionError::Fields => "",
    }
}
