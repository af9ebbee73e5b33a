//! Tokens that were taken back, and secrets that open the door once.

use diesel::prelude::*;

use crate::base::{Sha256, TenantId, Timestamp};

use super::db::{Tx, on};
use super::schema::{one_time_secret, revoked_token};
use super::{Desk, StoreError};

/// A change of tokens or one-time secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenChange {
    /// Takes a token back; the row goes when the token would have expired.
    Revoke {
        /// `jti` of the token.
        token_id: String,
        /// When it would have expired.
        expires_at: Timestamp,
    },
    /// A new one-time secret.
    Offer {
        /// Digest of the secret.
        digest: Sha256,
        /// What it opens.
        purpose: &'static str,
        /// Until when.
        expires_at: Timestamp,
    },
    /// Uses a one-time secret up; [`StoreError::Gone`] if it is unknown, used or expired.
    Redeem {
        /// Digest of the secret.
        digest: Sha256,
        /// What it must open.
        purpose: &'static str,
    },
}

impl Desk<'_> {
    /// Whether a token was taken back.
    pub async fn token_is_revoked(&self, token_id: &str) -> Result<bool, StoreError> {
        let (tenant, token_id) = (self.tenant().clone(), token_id.to_owned());
        self.read_row(move |tx| {
            let found = diesel::dsl::exists(revoked_token::table.find((tenant.as_str(), &token_id)));
            on!(tx, conn => diesel::select(found).get_result(conn)).map_err(StoreError::from)
        })
        .await
    }

    /// Deletes rows that have no more meaning.
    pub async fn sweep_tokens(&self, now: Timestamp) -> Result<(), StoreError> {
        let tenant = self.tenant().clone();
        self.write(move |tx| {
            on!(tx, conn => diesel::delete(revoked_token::table
                .filter(revoked_token::tenant.eq(tenant.as_str()))
                .filter(revoked_token::expires_at.lt(now.0)))
                .execute(conn))?;
            on!(tx, conn => diesel::delete(one_time_secret::table
                .filter(one_time_secret::tenant.eq(tenant.as_str()))
                .filter(one_time_secret::expires_at.lt(now.0)))
                .execute(conn))?;
            Ok(())
        })
        .await
    }
}

/// Applies a change.
pub(super) fn apply(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    change: &TokenChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    match change {
        TokenChange::Revoke { token_id, expires_at } => {
            on!(tx, conn => diesel::insert_into(revoked_token::table)
                .values((
                    revoked_token::tenant.eq(tenant.as_str()),
                    revoked_token::token_id.eq(token_id),
                    revoked_token::revoked_at.eq(now.0),
                    revoked_token::expires_at.eq(expires_at.0),
                ))
                .on_conflict_do_nothing()
                .execute(conn))?;
        }
        TokenChange::Offer { digest, purpose, expires_at } => {
            on!(tx, conn => diesel::insert_into(one_time_secret::table)
                .values((
                    one_time_secret::tenant.eq(tenant.as_str()),
                    one_time_secret::digest.eq(digest.to_hex()),
                    one_time_secret::purpose.eq(*purpose),
                    one_time_secret::created_at.eq(now.0),
                    one_time_secret::expires_at.eq(expires_at.0),
                ))
                .execute(conn))?;
        }
        TokenChange::Redeem { digest, purpose } => {
            let used = on!(tx, conn => diesel::update(one_time_secret::table
                .filter(one_time_secret::tenant.eq(tenant.as_str()))
                .filter(one_time_secret::digest.eq(digest.to_hex()))
                .filter(one_time_secret::purpose.eq(*purpose))
                .filter(one_time_secret::used_at.is_null())
                .filter(one_time_secret::expires_at.gt(now.0)))
                .set(one_time_secret::used_at.eq(now.0))
                .execute(conn))?;
            if used != 1 {
                return Err(StoreError::Gone);
            }
        }
    }
    Ok(())
}
