//! The house behind the HTTP frame: tokens, readiness, figures.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::access::Actor;
use crate::base::TenantId;
use crate::http::{AuthError, Cause, Gate, Presented, Readiness, Refusal};
use crate::ops::Ops;
use crate::telemetry::Metrics;

pub(super) struct House {
    ops: Ops,
    metrics: Metrics,
}

impl House {
    pub(super) fn new(ops: Ops, metrics: Metrics) -> Arc<Self> {
        Arc::new(Self { ops, metrics })
    }
}

impl Gate for House {
    fn knows(&self, tenant: &TenantId) -> bool {
        self.ops.store().knows_tenant(tenant)
    }

    fn authenticate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Actor, AuthError>> {
        Box::pin(async move {
            let Presented { tenant, bearer, request_id, address } = presented;
            match self.ops.authenticate(tenant, bearer, request_id.clone(), address).await {
                Ok(outcome) => Ok(outcome?),
                Err(error) => {
                    tracing::warn!(%error, "tokens cannot be checked");
                    Err(AuthError::Unavailable)
                }
            }
        })
    }

    fn refused<'a>(&'a self, refusal: Refusal<'a>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let Refusal { tenant, operation, request_id, address, cause } = refusal;
            let noted = match cause {
                Cause::Token(why) => self.ops.note_refused_token(tenant, request_id.clone(), address, why).await,
                Cause::Denied(actor, denial) => self.ops.note_denied(actor, operation, denial).await,
            };
            if let Err(error) = noted {
                tracing::error!(%error, "a refusal is not in the audit log");
            }
        })
    }

    fn ready(&self) -> BoxFuture<'_, Readiness> {
        Box::pin(async {
            let (database, blobs) = tokio::join!(self.ops.store().ping(), self.ops.blobs().probe());
            let archive = self.ops.archives_are_fresh().await.map(|is_fresh| ("archive", is_fresh));
            Readiness {
                parts: vec![("database", database.is_ok()), ("blobs", blobs.is_ok())],
                beside: archive.into_iter().collect(),
            }
        })
    }

    fn metrics(&self) -> String {
        self.metrics.render()
    }
}
