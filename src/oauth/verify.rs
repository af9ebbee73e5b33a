//! Whether an access token holds. Everything that an attacker chooses is checked before it is used: the
//! algorithm before a key is looked for, the key before the signature, the signature before a claim is
//! read. Security requirements 1 to 4 of section 11.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::access::{ClientId, Role, TokenId, UserId};
use crate::base::{TenantId, Timestamp};
use crate::fhir::{Json, JsonLimits, Object};

use super::claims::MICROS;
use super::jws::{ALGORITHM, TOKEN_TYPE};
use super::{Claims, VerifyKey};

/// What a token must say to be for us.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// `iss` of the tenant.
    pub issuer: &'a str,
    /// `aud` of the base that is asked.
    pub audience: &'a str,
    /// The tenant of the path.
    pub tenant: &'a TenantId,
    /// How far the clocks of issuer and reader may differ, in seconds.
    pub leeway_seconds: i64,
}

/// Why a token does not hold. For the audit log; the client learns only that it does not, and whether it
/// is because of its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is longer than any token of ours.
    #[error("token is too long")]
    TooLong,
    /// It is not three parts of base64url, or the parts are not JSON objects.
    #[error("token is not a compact JWS")]
    Form,
    /// Its header has a member that no token of ours has.
    #[error("token header has a member that is not taken")]
    HeaderMember,
    /// It is not signed with the one algorithm that is taken.
    #[error("token algorithm is not taken")]
    Algorithm,
    /// It is something else than an access token.
    #[error("token is not an access token")]
    Type,
    /// No key has its name.
    #[error("token key is not known")]
    UnknownKey,
    /// Its signature does not hold.
    #[error("token signature does not hold")]
    Signature,
    /// A claim is missing or is not in its form.
    #[error("token claim {0} is missing or malformed")]
    Claim(&'static str),
    /// It is of another issuer.
    #[error("token is of another issuer")]
    Issuer,
    /// It is for another audience.
    #[error("token is for another audience")]
    Audience,
    /// It is of another tenant.
    #[error("token is of another tenant")]
    Tenant,
    /// It has expired.
    #[error("token has expired")]
    Expired,
    /// It does not hold yet, or was issued in the future.
    #[error("token does not hold yet")]
    NotYet,
    /// It was taken back. Found by whoever keeps the list.
    #[error("token was revoked")]
    Revoked,
}

/// The claims of `token`, if one of `keys` signed it and it says what is expected at `now`.
pub fn verify(token: &str, keys: &[VerifyKey], expected: &Expected<'_>, now: Timestamp) -> Result<Claims, TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLong);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Form)?;
    let (header, payload) = signed.split_once('.').ok_or(TokenError::Form)?;
    if payload.contains('.') {
        return Err(TokenError::Form);
    }
    let header = object(header)?;
    check_header(&header)?;
    let kid = header.get("kid").and_then(Json::as_str).ok_or(TokenError::UnknownKey)?;
    let key = keys.iter().find(|key| key.key_id() == kid).ok_or(TokenError::UnknownKey)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_error| TokenError::Form)?;
    if !key.verify(signed.as_bytes(), &signature) {
        return Err(TokenError::Signature);
    }
    let payload = object(payload)?;
    check_claims(&payload, expected, now)?;
    read_claims(&payload, expected)
}

fn object(part: &str) -> Result<Object, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_error| TokenError::Form)?;
    match Json::parse(&bytes, &LIMITS) {
        Ok(Json::Object(object)) => Ok(object),
        _ => Err(TokenError::Form),
    }
}

/// The algorithm first: a key is chosen only for the one that is taken. `crit`, `jwk`, `jku`, `x5u`, `b64`
/// and whatever else our own tokens do not have is refused, not ignored.
fn check_header(header: &Object) -> Result<(), TokenError> {
    if header.get("alg").and_then(Json::as_str) != Some(ALGORITHM) {
        return Err(TokenError::Algorithm);
    }
    if header.iter().any(|(name, _)| !matches!(name, "alg" | "typ" | "kid")) {
        return Err(TokenError::HeaderMember);
    }
    // RFC 9068 §4: media types are compared without regard to case, `application/` may stand or not.
    let kind = header.get("typ").and_then(Json::as_str).ok_or(TokenError::Type)?.to_ascii_lowercase();
    if kind.strip_prefix("application/").unwrap_or(&kind) == TOKEN_TYPE { Ok(()) } else { Err(TokenError::Type) }
}

fn check_claims(payload: &Object, expected: &Expected<'_>, now: Timestamp) -> Result<(), TokenError> {
    if text(payload, "iss")? != expected.issuer {
        return Err(TokenError::Issuer);
    }
    let for_us = match payload.get("aud") {
        Some(Json::String(audience)) => audience == expected.audience,
        Some(Json::Array(all)) => all.iter().any(|one| one.as_str() == Some(expected.audience)),
        _ => return Err(TokenError::Claim("aud")),
    };
    if !for_us {
        return Err(TokenError::Audience);
    }
    if text(payload, "tenant")? != expected.tenant.as_str() {
        return Err(TokenError::Tenant);
    }
    let now = now.0.div_euclid(MICROS);
    if seconds(payload, "exp")? <= now.saturating_sub(expected.leeway_seconds) {
        return Err(TokenError::Expired);
    }
    let latest = now.saturating_add(expected.leeway_seconds);
    let early = seconds(payload, "iat")? > latest
        || match payload.get("nbf") {
            Some(_) => seconds(payload, "nbf")? > latest,
            None => false,
        };
    if early { Err(TokenError::NotYet) } else { Ok(()) }
}

fn read_claims(payload: &Object, expected: &Expected<'_>) -> Result<Claims, TokenError> {
    let roles = match payload.get("roles") {
        Some(Json::Array(roles)) => roles
            .iter()
            .map(|role| role.as_str().and_then(Role::parse))
            .collect::<Option<Vec<Role>>>()
            .ok_or(TokenError::Claim("roles"))?,
        _ => return Err(TokenError::Claim("roles")),
    };
    Ok(Claims {
        issuer: text(payload, "iss")?.to_owned(),
        audience: expected.audience.to_owned(),
        subject: UserId::parse(text(payload, "sub")?).map_err(|_error| TokenError::Claim("sub"))?,
        client_id: ClientId::parse(text(payload, "client_id")?).map_err(|_error| TokenError::Claim("client_id"))?,
        token_id: TokenId::parse(text(payload, "jti")?).map_err(|_error| TokenError::Claim("jti"))?,
        issued_at: Timestamp(seconds(payload, "iat")?.saturating_mul(MICROS)),
        expires_at: Timestamp(seconds(payload, "exp")?.saturating_mul(MICROS)),
        tenant: TenantId::parse(text(payload, "tenant")?).map_err(|_error| TokenError::Claim("tenant"))?,
        roles,
        scope: optional_text(payload, "scope")?,
        name: optional_text(payload, "name")?,
    })
}

fn text<'a>(payload: &'a Object, name: &'static str) -> Result<&'a str, TokenError> {
    payload.get(name).and_then(Json::as_str).ok_or(TokenError::Claim(name))
}

fn optional_text(payload: &Object, name: &'static str) -> Result<Option<String>, TokenError> {
    payload.get(name).map(|_| text(payload, name).map(str::to_owned)).transpose()
}

/// Whole seconds since 1970, not negative, without fraction or exponent.
fn seconds(payload: &Object, name: &'static str) -> Result<i64, TokenError> {
    let number = payload.get(name).and_then(Json::as_number).ok_or(TokenError::Claim(name))?;
    number.parse::<i64>().ok().filter(|seconds| *seconds >= 0).ok_or(TokenError::Claim(name))
}

/// Longest token that is looked at, so that headers stay below what proxies take.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// Header and claims are flat and few.
const LIMITS: JsonLimits = JsonLimits { depth: 4, values: 500 };

#[cfg(test)]
mod tests;
