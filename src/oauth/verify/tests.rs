use aws_lc_rs::hmac;
use proptest::prelude::*;

use super::super::{SigningKey, jws, mint};
use super::*;

const ISSUER: &str = "https://gw.example.org";
const AUDIENCE: &str = "https://gw.example.org/";
const NOW: Timestamp = Timestamp(1_770_000_000 * MICROS);

fn key() -> SigningKey {
    SigningKey::generate().expect("random")
}

fn claims() -> Claims {
    Claims {
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        subject: UserId::parse("jones").expect("valid"),
        client_id: ClientId::parse("viewer").expect("valid"),
        token_id: TokenId::parse("t-1").expect("valid"),
        issued_at: NOW,
        expires_at: NOW.plus_seconds(1800),
        tenant: TenantId::default_tenant(),
        roles: vec![Role::Radiologist],
        scope: Some("user/*.rs".into()),
        name: Some("Dr. A. Jones".into()),
    }
}

fn check(token: &str, key: &SigningKey) -> Result<Claims, TokenError> {
    check_at(token, key, NOW)
}

fn check_at(token: &str, key: &SigningKey, now: Timestamp) -> Result<Claims, TokenError> {
    let tenant = TenantId::default_tenant();
    let expected = Expected { issuer: ISSUER, audience: AUDIENCE, tenant: &tenant, leeway_seconds: 30 };
    verify(token, std::slice::from_ref(key.verify_key()), &expected, now)
}

fn header(key: &SigningKey) -> Object {
    Object::new()
        .with("alg", Json::string("ES256"))
        .with("typ", Json::string("at+jwt"))
        .with("kid", Json::string(key.verify_key().key_id()))
}

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes(), &JsonLimits::default()).expect("JSON")
}

/// A token with one header member changed, signed as it should be.
fn with_header(key: &SigningKey, name: &str, value: Json) -> String {
    jws::sign(&header(key).with(name, value).into(), &claims().to_json(), key).expect("signs")
}

/// A token with one claim changed, signed as it should be.
fn with_claim(key: &SigningKey, name: &str, value: Json) -> String {
    let mut payload = claims().to_json();
    payload.as_object_mut().expect("object").set(name, value);
    jws::sign(&header(key).into(), &payload, key).expect("signs")
}

fn without_claim(key: &SigningKey, name: &str) -> String {
    let mut payload = claims().to_json();
    payload.as_object_mut().expect("object").remove(name);
    jws::sign(&header(key).into(), &payload, key).expect("signs")
}

#[test]
fn a_minted_token_says_what_was_minted() {
    let key = key();
    let token = mint(&claims(), &key).expect("signs");
    assert_eq!(check(&token, &key), Ok(claims()));
    let anonymous = Claims { scope: None, name: None, roles: Vec::new(), ..claims() };
    let token = mint(&anonymous, &key).expect("signs");
    assert_eq!(check(&token, &key), Ok(anonymous));
}

#[test]
fn only_one_algorithm_is_taken_in_one_spelling() {
    let key = key();
    for alg in
        ["none", "None", "NONE", "HS256", "RS256", "PS256", "ES384", "ES256K", "es256", "Es256", "ES256 ", "EdDSA", ""]
    {
        assert_eq!(check(&with_header(&key, "alg", Json::string(alg)), &key), Err(TokenError::Algorithm), "{alg}");
    }
    for alg in [Json::Null, json(r#"["ES256"]"#), json("256"), json(r#"{"alg":"ES256"}"#)] {
        assert_eq!(check(&with_header(&key, "alg", alg), &key), Err(TokenError::Algorithm));
    }
    let mut bare = header(&key);
    bare.remove("alg");
    let token = jws::sign(&bare.into(), &claims().to_json(), &key).expect("signs");
    assert_eq!(check(&token, &key), Err(TokenError::Algorithm));
}

#[test]
fn a_public_key_is_not_taken_as_a_shared_secret() {
    let key = key();
    let jwk = key.verify_key().to_jwk().to_text();
    for secret in [key.verify_key().point(), jwk.as_bytes()] {
        for alg in ["HS256", "ES256"] {
            let encode = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_text());
            let header = Json::from(header(&key).with("alg", Json::string(alg)));
            let signed = format!("{}.{}", encode(&header), encode(&claims().to_json()));
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
            let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()));
            assert!(check(&token, &key).is_err(), "{alg}");
        }
    }
}

#[test]
fn headers_that_bring_or_point_to_a_key_are_refused() {
    let key = key();
    let other = self::key();
    let brought = other.verify_key().to_jwk();
    let members = [
        ("jwk", brought),
        ("jku", Json::string("https://attacker.example/jwks")),
        ("x5u", Json::string("https://attacker.example/chain")),
        ("x5c", json(r#"["AAAA"]"#)),
        ("x5t", Json::string("AAAA")),
        ("crit", json(r#"["b64"]"#)),
        ("crit", json("[]")),
        ("b64", Json::Bool(false)),
        ("zip", Json::string("DEF")),
        ("enc", Json::string("A256GCM")),
        ("cty", Json::string("JWT")),
        ("x", Json::Null),
    ];
    for (name, value) in members {
        assert_eq!(check(&with_header(&key, name, value), &key), Err(TokenError::HeaderMember), "{name}");
    }
}

#[test]
fn the_name_of_a_key_is_only_looked_up() {
    let key = key();
    let long = "k".repeat(4096);
    for kid in ["../../etc/passwd", "' OR 1=1 --", "", "\u{0}", "https://attacker.example", long.as_str()] {
        assert_eq!(check(&with_header(&key, "kid", Json::string(kid)), &key), Err(TokenError::UnknownKey), "{kid:?}");
    }
    assert_eq!(check(&with_header(&key, "kid", json("[0]")), &key), Err(TokenError::UnknownKey));
    let huge = with_header(&key, "kid", Json::string("k".repeat(10 * 1024)));
    assert_eq!(check(&huge, &key), Err(TokenError::TooLong));
}

#[test]
fn a_token_signed_by_another_key_under_our_name_is_refused() {
    let (ours, theirs) = (key(), key());
    let token = jws::sign(&header(&ours).into(), &claims().to_json(), &theirs).expect("signs");
    assert_eq!(check(&token, &ours), Err(TokenError::Signature));
    assert_eq!(check(&mint(&claims(), &theirs).expect("signs"), &ours), Err(TokenError::UnknownKey));
}

#[test]
fn other_kinds_of_token_are_not_access_tokens() {
    let key = key();
    for typ in ["JWT", "jwt", "logout+jwt", "dpop+jwt", "rt+jwt", "at+jwtx", "", "application/jwt"] {
        assert_eq!(check(&with_header(&key, "typ", Json::string(typ)), &key), Err(TokenError::Type), "{typ}");
    }
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
        assert!(check(&with_header(&key, "typ", Json::string(typ)), &key).is_ok(), "{typ}");
    }
}

#[test]
fn a_signature_that_was_cut_or_changed_does_not_hold() {
    let key = key();
    let token = mint(&claims(), &key).expect("signs");
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let zeros = URL_SAFE_NO_PAD.encode([0; 64]);
    for other in ["", "AA", &signature[..80], zeros.as_str()] {
        assert_eq!(check(&format!("{signed}.{other}"), &key), Err(TokenError::Signature), "{other}");
    }
    for other in [format!("{signature}="), format!("{signature}\n"), signature.replace(['-', '_'], "+") + "+"] {
        assert!(matches!(check(&format!("{signed}.{other}"), &key), Err(TokenError::Form)), "{other}");
    }
}

#[test]
fn texts_that_are_not_three_parts_of_json_objects_are_refused() {
    let key = key();
    let token = mint(&claims(), &key).expect("signs");
    for other in
        ["", ".", "..", "...", "a.b", "a.b.c", &format!("{token}."), &format!(".{token}"), &format!(" {token}")]
    {
        assert!(matches!(check(other, &key), Err(TokenError::Form)), "{other:?}");
    }
    let duplicate = URL_SAFE_NO_PAD
        .encode(format!(r#"{{"alg":"ES256","alg":"none","typ":"at+jwt","kid":"{}"}}"#, key.verify_key().key_id()));
    let rest = token.split_once('.').expect("parts").1;
    assert_eq!(check(&format!("{duplicate}.{rest}"), &key), Err(TokenError::Form));
}

#[test]
fn tokens_of_others_are_refused() {
    let key = key();
    assert_eq!(check(&with_claim(&key, "iss", Json::string("https://gw.example.org/")), &key), Err(TokenError::Issuer));
    assert_eq!(check(&with_claim(&key, "tenant", Json::string("north")), &key), Err(TokenError::Tenant));
    assert_eq!(check(&with_claim(&key, "aud", Json::string("viewer")), &key), Err(TokenError::Audience));
    assert_eq!(check(&with_claim(&key, "aud", json("[]")), &key), Err(TokenError::Audience));
    let several = Json::Array(vec![Json::string("x"), Json::string(AUDIENCE)]);
    assert!(check(&with_claim(&key, "aud", several), &key).is_ok());
}

#[test]
fn time_is_kept_with_a_little_leeway() {
    let key = key();
    let token = mint(&claims(), &key).expect("signs");
    assert!(check_at(&token, &key, NOW.plus_seconds(1800 + 29)).is_ok());
    assert_eq!(check_at(&token, &key, NOW.plus_seconds(1800 + 30)), Err(TokenError::Expired));
    assert!(check_at(&token, &key, NOW.plus_seconds(-30)).is_ok());
    assert_eq!(check_at(&token, &key, NOW.plus_seconds(-31)), Err(TokenError::NotYet));
    let later = with_claim(&key, "nbf", Json::integer(1_770_000_060));
    assert_eq!(check(&later, &key), Err(TokenError::NotYet));
    for exp in ["1.7e9", "1770000001.5", "-1", "99999999999999999999"] {
        let token = with_claim(&key, "exp", Json::Number(exp.into()));
        assert_eq!(check(&token, &key), Err(TokenError::Claim("exp")), "{exp}");
    }
    let forever = with_claim(&key, "exp", Json::Number("9223372036854775807".into()));
    assert!(check(&forever, &key).is_ok());
    assert_eq!(check(&with_claim(&key, "exp", Json::string("1770001800")), &key), Err(TokenError::Claim("exp")));
}

#[test]
fn a_claim_that_is_missing_or_malformed_is_named() {
    let key = key();
    for name in ["iss", "aud", "sub", "client_id", "jti", "iat", "exp", "tenant", "roles"] {
        assert_eq!(check(&without_claim(&key, name), &key), Err(TokenError::Claim(name)), "{name}");
    }
    assert_eq!(check(&with_claim(&key, "jti", Json::string("")), &key), Err(TokenError::Claim("jti")));
    assert_eq!(check(&with_claim(&key, "sub", Json::string("a b")), &key), Err(TokenError::Claim("sub")));
    assert_eq!(check(&with_claim(&key, "roles", json(r#"["root"]"#)), &key), Err(TokenError::Claim("roles")));
    assert_eq!(check(&with_claim(&key, "roles", Json::string("admin")), &key), Err(TokenError::Claim("roles")));
    assert_eq!(check(&with_claim(&key, "scope", json("[]")), &key), Err(TokenError::Claim("scope")));
}

#[test]
fn a_client_that_acts_alone_is_no_user() {
    use crate::access::{Principal, RequestId};
    let request = || RequestId::parse("r").expect("valid");
    assert!(matches!(claims().to_actor(request(), None).principal, Principal::User { .. }));
    let alone = Claims { subject: UserId::parse("viewer").expect("valid"), ..claims() };
    assert!(matches!(alone.to_actor(request(), None).principal, Principal::Client { .. }));
    let unnarrowed = Claims { scope: None, ..claims() };
    assert!(!unnarrowed.to_actor(request(), None).scopes.is_restricted());
    let empty = Claims { scope: Some(String::new()), ..claims() };
    assert!(empty.to_actor(request(), None).scopes.is_restricted());
}

proptest! {
    #[test]
    fn any_text_is_refused_without_panic(text in "\\PC{0,200}") {
        prop_assert!(check(&text, &key()).is_err());
    }

    #[test]
    fn near_tokens_are_refused_without_panic(header in "\\PC{0,60}", payload in "\\PC{0,60}", signature in proptest::collection::vec(any::<u8>(), 0..80)) {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let token = format!("{}.{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()), encode(&signature));
        prop_assert!(check(&token, &key()).is_err());
    }

    #[test]
    fn a_changed_character_anywhere_breaks_a_token(at in 0_usize..2000, letter in "[A-Za-z0-9_.-]") {
        let key = key();
        let token = mint(&claims(), &key).expect("signs");
        let at = at % token.len();
        let mut changed = token.clone();
        changed.replace_range(at..=at, &letter);
        prop_assume!(changed != token);
        prop_assert!(check(&changed, &key).is_err());
    }
}
