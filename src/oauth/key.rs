//! Keys for ES256 (RFC 7518 §3.4): ECDSA over P-256 with SHA-256. A key is named by its thumbprint.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::base::Sha256;
use crate::fhir::{Json, Object};

/// A key cannot be made or read. It says nothing about why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a usable P-256 key")]
pub struct KeyError;

/// A private key that signs tokens and checkpoints.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    pkcs8: Zeroizing<Vec<u8>>,
    public: VerifyKey,
}

/// The public half of a [`SigningKey`].
#[derive(Clone)]
pub struct VerifyKey {
    key_id: String,
    point: Vec<u8>,
    parsed: ParsedPublicKey,
}

impl SigningKey {
    /// A new random key.
    pub fn generate() -> Result<Self, KeyError> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_unspecified| KeyError)?;
        Self::from_pkcs8(document.as_ref())
    }

    /// From its PKCS#8 bytes, as [`SigningKey::to_pkcs8`] gives them.
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes).map_err(|_rejected| KeyError)?;
        let public = VerifyKey::from_point(pair.public_key().as_ref())?;
        Ok(Self { pair, pkcs8: Zeroizing::new(bytes.to_vec()), public })
    }

    /// The private key as PKCS#8 (RFC 5208), to be wrapped by another key before it is stored.
    pub fn to_pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public half.
    pub fn verify_key(&self) -> &VerifyKey {
        &self.public
    }

    /// The signature of `message`: r and s, 32 bytes each.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let signature = self.pair.sign(&SystemRandom::new(), message).map_err(|_unspecified| KeyError)?;
        Ok(signature.as_ref().to_vec())
    }
}

impl VerifyKey {
    /// From an uncompressed point of P-256: `0x04`, x and y. SEC 1 §2.3.3.
    pub fn from_point(point: &[u8]) -> Result<Self, KeyError> {
        if point.len() != POINT_BYTES || point.first() != Some(&0x04) {
            return Err(KeyError);
        }
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_rejected| KeyError)?;
        let mut key = Self { key_id: String::new(), point: point.to_vec(), parsed };
        key.key_id = key.thumbprint();
        Ok(key)
    }

    /// From a JWK (RFC 7517): an EC key on P-256. Its `kid` is not looked at, the key names itself.
    pub fn from_jwk(jwk: &Json) -> Result<Self, KeyError> {
        let is = |member: &str, value: &str| jwk.text_at(&[member]) == Some(value);
        if !is("kty", "EC") || !is("crv", "P-256") || jwk.get("use").is_some_and(|_| !is("use", "sig")) {
            return Err(KeyError);
        }
        let mut point = vec![0x04];
        for member in ["x", "y"] {
            let text = jwk.text_at(&[member]).ok_or(KeyError)?;
            let coordinate = URL_SAFE_NO_PAD.decode(text).map_err(|_error| KeyError)?;
            if coordinate.len() != COORDINATE_BYTES {
                return Err(KeyError);
            }
            point.extend_from_slice(&coordinate);
        }
        Self::from_point(&point)
    }

    /// The `kid`: the JWK thumbprint with SHA-256. RFC 7638.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The uncompressed point.
    pub fn point(&self) -> &[u8] {
        &self.point
    }

    /// The public JWK.
    pub fn to_jwk(&self) -> Json {
        let (x, y) = self.coordinates();
        Object::new()
            .with("kty", Json::string("EC"))
            .with("crv", Json::string("P-256"))
            .with("x", Json::string(x))
            .with("y", Json::string(y))
            .with("kid", Json::string(&*self.key_id))
            .with("use", Json::string("sig"))
            .with("alg", Json::string("ES256"))
            .into()
    }

    /// Whether `signature`, r and s of 32 bytes each, is one of `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        signature.len() == SIGNATURE_BYTES && self.parsed.verify_sig(message, signature).is_ok()
    }

    fn coordinates(&self) -> (String, String) {
        let (x, y) = self.point.get(1..).unwrap_or_default().split_at(COORDINATE_BYTES);
        (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y))
    }

    fn thumbprint(&self) -> String {
        let (x, y) = self.coordinates();
        let members = Object::new()
            .with("crv", Json::string("P-256"))
            .with("kty", Json::string("EC"))
            .with("x", Json::string(x))
            .with("y", Json::string(y));
        URL_SAFE_NO_PAD.encode(Sha256::of(Json::from(members).to_canonical().as_bytes()).as_bytes())
    }
}

/// The JWK Set of `keys`. RFC 7517 §5.
pub fn jwks(keys: &[VerifyKey]) -> Json {
    Object::new().with("keys", Json::Array(keys.iter().map(VerifyKey::to_jwk).collect())).into()
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, ***)", self.public.key_id)
    }
}

impl fmt::Debug for VerifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyKey({})", self.key_id)
    }
}

const COORDINATE_BYTES: usize = 32;
const POINT_BYTES: usize = 1 + 2 * COORDINATE_BYTES;
const SIGNATURE_BYTES: usize = 2 * COORDINATE_BYTES;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::JsonLimits;

    #[test]
    fn a_key_survives_being_stored() {
        let key = SigningKey::generate().expect("random");
        let again = SigningKey::from_pkcs8(key.to_pkcs8()).expect("its own bytes");
        let signature = again.sign(b"message").expect("signs");
        assert!(key.verify_key().verify(b"message", &signature));
        assert!(!key.verify_key().verify(b"massage", &signature));
        assert_eq!(key.verify_key().key_id(), again.verify_key().key_id());
        assert!(SigningKey::from_pkcs8(b"nothing").is_err());
        assert!(!format!("{key:?}").contains(&hex::encode(key.to_pkcs8())));
    }

    #[test]
    fn a_public_key_survives_its_jwk() {
        let key = SigningKey::generate().expect("random");
        let jwk = key.verify_key().to_jwk();
        let again = VerifyKey::from_jwk(&jwk).expect("its own JWK");
        assert_eq!(again.key_id(), key.verify_key().key_id());
        assert_eq!(jwk.get("d"), None);
        assert_eq!(jwks(std::slice::from_ref(&again)).at(&["keys", "0"]), Some(&jwk));
    }

    /// The key of RFC 7515 §A.3.1, and its name by the steps of RFC 7638 §3.
    #[test]
    fn a_published_key_is_read_and_named() {
        let text = br#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
        let jwk = Json::parse(text, &JsonLimits::default()).expect("JSON");
        let key = VerifyKey::from_jwk(&jwk).expect("a P-256 key");
        let input = br#"{"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
        assert_eq!(key.key_id(), URL_SAFE_NO_PAD.encode(Sha256::of(input).as_bytes()));
        // RFC 7515 §A.3.1: the signing input and the signature.
        let message = b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = URL_SAFE_NO_PAD
            .decode("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
            .expect("base64url");
        assert!(key.verify(message, &signature));
    }

    #[test]
    fn points_off_the_curve_and_other_keys_are_refused() {
        let mut point = SigningKey::generate().expect("random").verify_key().point().to_vec();
        point[64] ^= 1;
        assert!(VerifyKey::from_point(&point).is_err());
        assert!(VerifyKey::from_point(&[0x04; 65]).is_err());
        assert!(VerifyKey::from_point(&point[..33]).is_err());
        for other in [
            r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#,
            r#"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#,
            r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#,
        ] {
            let jwk = Json::parse(other.as_bytes(), &JsonLimits::default()).expect("JSON");
            assert!(VerifyKey::from_jwk(&jwk).is_err(), "{other}");
        }
    }

    /// CVE-2022-21449: a signature of zeros held for every message.
    #[test]
    fn a_signature_of_zeros_does_not_hold() {
        let key = SigningKey::generate().expect("random");
        assert!(!key.verify_key().verify(b"message", &[0; 64]));
        assert!(!key.verify_key().verify(b"message", &[]));
    }
}
