//! Access tokens in their first form: signed with the tenant's own key, minted on the server's machine or
//! for the one-time password of the first start.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use crate::access::{Actor, ClientId, Denial, Operation, RequestId, Role, Scopes, TokenId, UserId};
use crate::audit::{AuditEvent, Object, ObjectKind, Outcome};
use crate::base::{LogicalId, Secret, Sha256, TenantId, Timestamp};
use crate::oauth::{Claims, Expected, SigningKey, TokenError, VerifyKey, mint, verify};
use crate::store::{SettingVersion, SettingWrite, StoreError, TokenChange, Write, WriteSet};

use super::{Error, Ops};

/// Signing keys that this node has opened. A tenant's key is never replaced while its tokens live.
#[derive(Default)]
pub(super) struct KeyCache(RwLock<HashMap<TenantId, Arc<SigningKey>>>);

impl KeyCache {
    fn get(&self, tenant: &TenantId) -> Option<Arc<SigningKey>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned()
    }

    fn put(&self, tenant: TenantId, key: Arc<SigningKey>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(tenant, key);
    }
}

/// Tokens whose signature holds, by their digest. What can change about them is asked each time: their age here,
/// and whether they were taken back in the database.
#[derive(Default)]
pub(super) struct TokenCache(RwLock<HashMap<Sha256, Arc<Claims>>>);

impl TokenCache {
    fn get(&self, digest: Sha256, expected: &Expected<'_>, now: Timestamp) -> Option<Arc<Claims>> {
        let seen = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned()?;
        let is_for_us = seen.tenant == *expected.tenant && seen.issuer == expected.issuer;
        let is_young = now < seen.expires_at.plus_seconds(-1) && seen.issued_at <= now;
        (is_for_us && seen.audience == expected.audience && is_young).then_some(seen)
    }

    fn put(&self, digest: Sha256, claims: Claims) -> Arc<Claims> {
        let claims = Arc::new(claims);
        let mut seen = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST_SEEN {
            seen.clear();
        }
        seen.insert(digest, Arc::clone(&claims));
        claims
    }
}

/// Tokens that are remembered; beyond, all are forgotten and looked at again.
const MOST_SEEN: usize = 10_000;

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// Who it is for; a client that acts alone, where the scopes are `system/` ones.
    pub user: UserId,
    /// Their name as it is printed.
    pub name: Option<String>,
    /// What they are to the tenant.
    pub roles: Vec<Role>,
    /// What it is narrowed to, if it is.
    pub scope: Option<String>,
    /// How long it lasts, in seconds; the usual time where absent.
    pub lifetime_seconds: Option<i64>,
}

/// A token that was made.
#[derive(Debug, Clone)]
pub struct Minted {
    /// The token.
    pub token: Secret,
    /// What it says.
    pub claims: Claims,
}

impl Ops {
    /// Makes a token.
    pub async fn mint_token(&self, actor: &Actor, request: TokenRequest) -> Result<Minted, Error> {
        self.authorize(actor, Operation::TokenMint).await?;
        let (minted, event) = self.make_token(actor, request).await?;
        self.desk(actor).commit(WriteSet::new().with(Write::Audit(event))).await?;
        Ok(minted)
    }

    /// Takes a token back by its id. It is refused from then on, on every node.
    pub async fn revoke_token(&self, actor: &Actor, token_id: &TokenId) -> Result<(), Error> {
        self.authorize(actor, Operation::TokenRevoke).await?;
        let expires_at = self.now().plus_seconds(LONGEST_LIFETIME_SECONDS);
        let set = WriteSet::new()
            .with(Write::Token(TokenChange::Revoke { token_id: token_id.as_str().to_owned(), expires_at }))
            .with(Write::Audit(
                self.event(actor, Operation::TokenRevoke).on(Object::new(ObjectKind::Token, token_id.as_str())),
            ));
        Ok(self.desk(actor).commit(set).await?)
    }

    /// Who shows this token, or why it does not hold.
    pub async fn authenticate(
        &self,
        tenant: &TenantId,
        token: &str,
        request_id: RequestId,
        address: Option<IpAddr>,
    ) -> Result<Result<Actor, TokenError>, Error> {
        let gateway = Actor::system(tenant.clone(), "authenticate", request_id.clone());
        let keys = self.verify_keys(&gateway).await?;
        let base = self.base_url(tenant);
        let leeway_seconds = i64::try_from(self.settings().clock_skew.as_secs()).unwrap_or(i64::MAX);
        let expected = Expected { issuer: &base, audience: &base, tenant, leeway_seconds };
        let seen = Sha256::of(token.as_bytes());
        let claims = match self.shared.tokens.get(seen, &expected, self.now()) {
            Some(claims) => claims,
            None => match verify(token, &keys, &expected, self.now()) {
                Ok(claims) => self.shared.tokens.put(seen, claims),
                Err(error) => return Ok(Err(error)),
            },
        };
        if self.desk(&gateway).token_is_revoked(claims.token_id.as_str()).await? {
            return Ok(Err(TokenError::Revoked));
        }
        Ok(Ok(claims.to_actor(request_id, address)))
    }

    /// Leaves in the audit log that a token was refused.
    pub async fn note_refused_token(
        &self,
        tenant: &TenantId,
        request_id: RequestId,
        address: Option<IpAddr>,
        why: TokenError,
    ) -> Result<(), Error> {
        let (id, now) = (LogicalId::random(), self.now());
        let event = AuditEvent::token_refused(tenant.clone(), id, now, request_id, address, why.to_string());
        Ok(self.shared.trail.note(event).await?)
    }

    /// Leaves in the audit log that a DICOM association was rejected, and why.
    pub async fn note_refused_association(
        &self,
        tenant: &TenantId,
        request_id: RequestId,
        address: IpAddr,
        calling_ae_title: &str,
        why: &str,
    ) -> Result<(), Error> {
        let (id, now) = (LogicalId::random(), self.now());
        let event =
            AuditEvent::association_refused(tenant.clone(), id, now, request_id, address, calling_ae_title, why);
        Ok(self.shared.trail.note(event).await?)
    }

    /// Leaves in the audit log that someone was refused an operation.
    pub async fn note_denied(&self, actor: &Actor, operation: Operation, denial: &Denial) -> Result<(), Error> {
        let event = self.event(actor, operation).failed(Outcome::SeriousFailure, denial.to_string());
        Ok(self.shared.trail.note(event).await?)
    }

    /// A new one-time password of the first administrator, valid for an hour. It is shown once; only its
    /// digest is kept.
    pub async fn offer_bootstrap(&self, actor: &Actor) -> Result<Secret, Error> {
        let mut bytes = [0; 15];
        crate::base::seal::fill_random(&mut bytes)?;
        let text: Vec<String> = bytes.chunks(3).map(hex::encode).collect();
        let secret = text.join("-");
        let offer = TokenChange::Offer {
            digest: Sha256::of(secret.as_bytes()),
            purpose: BOOTSTRAP,
            expires_at: self.now().plus_seconds(BOOTSTRAP_SECONDS),
        };
        self.desk(actor).commit(WriteSet::new().with(Write::Token(offer))).await?;
        Ok(Secret::new(secret))
    }

    /// A one-time password, if this is the first start: nobody has been let in yet.
    pub async fn first_start_password(&self, actor: &Actor) -> Result<Option<Secret>, Error> {
        if self.desk(actor).setting(SETTING).await?.is_some() {
            return Ok(None);
        }
        self.signing_key(actor).await?;
        self.offer_bootstrap(actor).await.map(Some)
    }

    /// An administrator's token for the one-time password. It works once.
    pub async fn redeem_bootstrap(
        &self,
        tenant: &TenantId,
        password: &Secret,
        request_id: RequestId,
    ) -> Result<Minted, Error> {
        if !self.store().knows_tenant(tenant) {
            return Err(Error::NotFound);
        }
        let gateway = Actor::system(tenant.clone(), "bootstrap", request_id);
        let request = TokenRequest {
            user: UserId::parse("admin").map_err(|error| Error::Fault(error.to_string()))?,
            name: None,
            roles: vec![Role::Admin],
            scope: None,
            lifetime_seconds: Some(BOOTSTRAP_SECONDS),
        };
        let (minted, event) = self.make_token(&gateway, request).await?;
        let redeem = TokenChange::Redeem { digest: Sha256::of(password.expose().as_bytes()), purpose: BOOTSTRAP };
        let set = WriteSet::new().with(Write::Token(redeem)).with(Write::Audit(event));
        match self.desk(&gateway).commit(set).await {
            Err(StoreError::Gone) => Err(Error::Unauthenticated),
            outcome => {
                outcome?;
                Ok(minted)
            }
        }
    }

    /// The keys that the tenant's tokens can be checked with.
    pub async fn verify_keys(&self, actor: &Actor) -> Result<Vec<VerifyKey>, Error> {
        if let Some(key) = self.shared.keys.get(&actor.tenant) {
            return Ok(vec![key.verify_key().clone()]);
        }
        Ok(vec![self.signing_key(actor).await?.verify_key().clone()])
    }

    /// The key that signs for the tenant; made when it is first needed.
    pub(super) async fn signing_key(&self, actor: &Actor) -> Result<Arc<SigningKey>, Error> {
        if let Some(key) = self.shared.keys.get(&actor.tenant) {
            return Ok(key);
        }
        let fault = |error: crate::oauth::KeyError| Error::Fault(error.to_string());
        if self.desk(actor).setting(SETTING).await?.is_none() {
            let key = SigningKey::generate().map_err(fault)?;
            let write =
                SettingWrite { name: SETTING, expected: SettingVersion::Absent, value: key.to_pkcs8().to_vec() };
            match self.desk(actor).commit(WriteSet::new().with(Write::Setting(write))).await {
                // Another node was faster: its key holds.
                Ok(()) | Err(StoreError::VersionConflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let (bytes, _) =
            self.desk(actor).setting(SETTING).await?.ok_or_else(|| Error::Fault("the signing key is gone".into()))?;
        let key = Arc::new(SigningKey::from_pkcs8(&bytes).map_err(fault)?);
        self.shared.keys.put(actor.tenant.clone(), Arc::clone(&key));
        Ok(key)
    }

    async fn make_token(&self, actor: &Actor, request: TokenRequest) -> Result<(Minted, AuditEvent), Error> {
        let usual = i64::try_from(self.settings().access_token.as_secs()).unwrap_or(i64::MAX);
        let lifetime = request.lifetime_seconds.unwrap_or(usual).clamp(1, LONGEST_LIFETIME_SECONDS);
        let now = self.now();
        let issued_at = Timestamp(now.0 - now.0.rem_euclid(1_000_000));
        let base = self.base_url(&actor.tenant);
        let id = |error: crate::base::id::IdError| Error::Fault(error.to_string());
        let scopes = request.scope.as_deref().map_or_else(Scopes::unrestricted, Scopes::parse);
        let acts_alone = scopes.are_of_client().unwrap_or_default();
        let mut roles = request.roles;
        // What a client may do is in its scopes: roles are made for people.
        if acts_alone && !roles.contains(&Role::Integrator) {
            roles.push(Role::Integrator);
        }
        let claims = Claims {
            issuer: base.clone(),
            audience: base,
            client_id: ClientId::parse(if acts_alone { request.user.as_str() } else { "causeway-cli" }).map_err(id)?,
            subject: request.user,
            token_id: TokenId::parse(LogicalId::random().as_str()).map_err(id)?,
            issued_at,
            expires_at: issued_at.plus_seconds(lifetime),
            tenant: actor.tenant.clone(),
            roles,
            scope: request.scope,
            name: request.name,
        };
        let key = self.signing_key(actor).await?;
        let token = mint(&claims, &key).map_err(|error| Error::Fault(error.to_string()))?;
        let event =
            self.event(actor, Operation::TokenMint).on(Object::new(ObjectKind::Token, claims.token_id.as_str()));
        Ok((Minted { token: Secret::new(token), claims }, event))
    }
}

/// Name of the setting that holds the signing key.
const SETTING: &str = "signing-key";
/// What the one-time password opens.
const BOOTSTRAP: &str = "bootstrap";
/// How long the one-time password, and the token it gives, last.
const BOOTSTRAP_SECONDS: i64 = 3600;
/// Longest lifetime of a token: a year, for systems that cannot ask for a new one.
const LONGEST_LIFETIME_SECONDS: i64 = 366 * 86400;
