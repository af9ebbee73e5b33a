//! The compact form of a signed token. RFC 7515 §7.1.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::fhir::{Json, Object};

use super::{Claims, KeyError, SigningKey};

/// An access token with these claims, signed with `key`. RFC 9068.
pub fn mint(claims: &Claims, key: &SigningKey) -> Result<String, KeyError> {
    let header = Object::new()
        .with("alg", Json::string(ALGORITHM))
        .with("typ", Json::string(TOKEN_TYPE))
        .with("kid", Json::string(key.verify_key().key_id()));
    sign(&Json::from(header), &claims.to_json(), key)
}

pub(super) fn sign(header: &Json, claims: &Json, key: &SigningKey) -> Result<String, KeyError> {
    let encode = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_text());
    let mut token = format!("{}.{}", encode(header), encode(claims));
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(token)
}

/// The only algorithm that tokens are signed with and accepted in. RFC 7518 §3.4.
pub(super) const ALGORITHM: &str = "ES256";
/// The type of an access token. RFC 9068 §2.1.
pub(super) const TOKEN_TYPE: &str = "at+jwt";
