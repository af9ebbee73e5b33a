//! The Authorization header towards HTTP peers: Basic, a fixed bearer token, or a token that an
//! authorization server gives for client credentials (RFC 6749 §4.4), kept until shortly before it
//! expires.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use oauth2::basic::{BasicClient, BasicErrorResponse, BasicTokenResponse};
use oauth2::{AsyncHttpClient, AuthType, ClientId, ClientSecret, RequestTokenError, Scope, TokenResponse, TokenUrl};
use reqwest::header::HeaderValue;
use rsa::RsaPrivateKey;
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::traits::PublicKeyParts as _;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use crate::base::{Clock, Retry, Secret};

use super::egress::{self, HttpError};
use super::peer::Auth;

/// Why no access token could be had.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// A credential holds characters that no header can carry.
    #[error("credentials cannot be written into a header")]
    Credentials,
    /// The private key is not an RSA or EC key in PEM, or cannot sign.
    #[error("private key cannot sign")]
    Key,
    /// The authorization server refuses, with the error code of RFC 6749 §5.2.
    #[error("authorization server answered {0}")]
    Refused(String),
    /// The authorization server could not be reached or failed.
    #[error("authorization server: {0}")]
    Http(#[source] HttpError),
    /// The authorization server gave no bearer token.
    #[error("authorization server answered unreadably")]
    Unreadable,
}

impl TokenError {
    /// Whether the same request may succeed later.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Credentials | Self::Key | Self::Refused(_) => Retry::Never,
            Self::Http(error) => error.retry(),
            Self::Unreadable => Retry::Backoff,
        }
    }
}

/// Gives the Authorization header of each request to one peer.
pub(super) enum Authorizer {
    /// None is sent.
    None,
    /// Always the same.
    Fixed(HeaderValue),
    /// From an authorization server.
    Granted(Box<Granted>),
}

/// Tokens for client credentials.
pub(super) struct Granted {
    http: reqwest::Client,
    token_url: Url,
    client_id: String,
    proof: Proof,
    scopes: Vec<String>,
    clock: Arc<dyn Clock>,
    cached: Mutex<Option<Cached>>,
}

/// How the client shows the authorization server who it is.
enum Proof {
    /// `client_secret_basic`.
    Secret(Secret),
    /// `private_key_jwt`. RFC 7523 §2.2; SMART Backend Services demands RS384 or ES384.
    Assertion { key: EncodingKey, algorithm: Algorithm, key_id: Option<String> },
}

struct Cached {
    header: HeaderValue,
    until: Instant,
}

impl Authorizer {
    /// For the settings of a peer. `http` reaches the authorization server too.
    pub(super) fn new(auth: &Auth, http: reqwest::Client, clock: Arc<dyn Clock>) -> Result<Self, TokenError> {
        match auth {
            Auth::None => Ok(Self::None),
            Auth::Basic { username, password } => {
                let pair = Secret::new(format!("{username}:{}", password.expose()));
                let encoded = Secret::new(STANDARD.encode(pair.expose()));
                sensitive(&format!("Basic {}", encoded.expose())).map(Self::Fixed)
            }
            Auth::Bearer { token } => sensitive(&format!("Bearer {}", token.expose())).map(Self::Fixed),
            Auth::ClientCredentials { token_url, client_id, client_secret, private_key_pem, key_id, scopes } => {
                let proof = match (client_secret, private_key_pem) {
                    (Some(secret), _) => Proof::Secret(secret.clone()),
                    (None, Some(pem)) => assertion_key(pem, key_id.clone())?,
                    (None, None) => return Err(TokenError::Credentials),
                };
                Ok(Self::Granted(Box::new(Granted {
                    http,
                    token_url: token_url.clone(),
                    client_id: client_id.clone(),
                    proof,
                    scopes: scopes.clone(),
                    clock,
                    cached: Mutex::new(None),
                })))
            }
        }
    }

    /// The header for the next request.
    pub(super) async fn header(&self) -> Result<Option<HeaderValue>, TokenError> {
        match self {
            Self::None => Ok(None),
            Self::Fixed(header) => Ok(Some(header.clone())),
            Self::Granted(granted) => granted.header().await.map(Some),
        }
    }

    /// Forgets a cached token that a peer refused. False if there is nothing to forget, so that asking
    /// again would send the same.
    pub(super) fn forget(&self) -> bool {
        match self {
            Self::None | Self::Fixed(_) => false,
            Self::Granted(granted) => granted.cached.lock().unwrap_or_else(PoisonError::into_inner).take().is_some(),
        }
    }
}

impl Granted {
    async fn header(&self) -> Result<HeaderValue, TokenError> {
        if let Some(cached) = self.cached.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
            && Instant::now() < cached.until
        {
            return Ok(cached.header.clone());
        }
        // The lock is not held meanwhile: two tasks may both ask, and either token is good.
        let token = self.request().await?;
        let header = sensitive(&format!("Bearer {}", token.access_token().secret()))?;
        let lifetime = token.expires_in().unwrap_or(LIFETIME_IF_UNSAID);
        let until = Instant::now() + lifetime.saturating_sub(MARGIN).min(LONGEST_LIFETIME);
        *self.cached.lock().unwrap_or_else(PoisonError::into_inner) = Some(Cached { header: header.clone(), until });
        Ok(header)
    }

    async fn request(&self) -> Result<BasicTokenResponse, TokenError> {
        let client = BasicClient::new(ClientId::new(self.client_id.clone()))
            .set_token_uri(TokenUrl::from_url(self.token_url.clone()));
        let client = match &self.proof {
            Proof::Secret(secret) => client.set_client_secret(ClientSecret::new(secret.expose().to_owned())),
            Proof::Assertion { .. } => client.set_auth_type(AuthType::RequestBody),
        };
        let mut request = client.exchange_client_credentials();
        for scope in &self.scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        if let Proof::Assertion { key, algorithm, key_id } = &self.proof {
            request = request
                .add_extra_param("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                .add_extra_param("client_assertion", self.assertion(key, *algorithm, key_id.clone())?);
        }
        let http = TokenHttp(&self.http);
        let answered: BoxFuture<'_, _> = Box::pin(request.request_async(&http));
        answered.await.map_err(refusal)
    }

    /// A signed statement of who we are. RFC 7523 §3; at most five minutes (SMART Backend Services).
    fn assertion(&self, key: &EncodingKey, algorithm: Algorithm, key_id: Option<String>) -> Result<String, TokenError> {
        let now = self.clock.now().to_utc().unix_timestamp();
        let claims = serde_json::json!({
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.token_url.as_str(),
            "iat": now,
            "exp": now + 240,
            "jti": Uuid::new_v4().to_string(),
        });
        let header = Header { kid: key_id, ..Header::new(algorithm) };
        jsonwebtoken::encode(&header, &claims, key).map_err(|_detail| TokenError::Key)
    }
}

/// Our HTTP client in the shape that the oauth2 crate asks for.
struct TokenHttp<'a>(&'a reqwest::Client);

impl<'c> AsyncHttpClient<'c> for TokenHttp<'_> {
    type Error = HttpError;
    type Future = BoxFuture<'c, Result<oauth2::HttpResponse, HttpError>>;

    fn call(&'c self, request: oauth2::HttpRequest) -> Self::Future {
        Box::pin(exchange(self.0, request))
    }
}

/// Sends one request of the oauth2 crate with our client.
async fn exchange(http: &reqwest::Client, request: oauth2::HttpRequest) -> Result<oauth2::HttpResponse, HttpError> {
    let request = reqwest::Request::try_from(request).map_err(|error| HttpError::from_reqwest(&error))?;
    let request = reqwest::RequestBuilder::from_parts(http.clone(), request);
    let response = egress::answer(request, 0, LONGEST_WAIT).await?;
    let status = response.status();
    // RFC 6749 §5.2 knows 400 and 401; anything else has no body that the oauth2 crate could read.
    if !(status.is_success() || matches!(status.as_u16(), 400 | 401)) {
        return Err(HttpError::Status { status: status.as_u16(), detail: None, retry_after: None });
    }
    let content_type = response.headers().get(reqwest::header::CONTENT_TYPE).cloned();
    let body = egress::read_capped(response, MAX_TOKEN_BYTES, LONGEST_WAIT).await?;
    let mut answer = oauth2::HttpResponse::new(body.to_vec());
    *answer.status_mut() = status;
    if let Some(value) = content_type {
        answer.headers_mut().insert(reqwest::header::CONTENT_TYPE, value);
    }
    Ok(answer)
}

fn refusal(error: RequestTokenError<HttpError, BasicErrorResponse>) -> TokenError {
    match error {
        RequestTokenError::ServerResponse(response) => {
            let code = response.error().to_string();
            TokenError::Refused(code.chars().filter(char::is_ascii_graphic).take(64).collect())
        }
        RequestTokenError::Request(error) => TokenError::Http(error),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => TokenError::Unreadable,
    }
}

/// The key of a PEM text and the algorithm that it signs with.
fn assertion_key(pem: &Secret, key_id: Option<String>) -> Result<Proof, TokenError> {
    if let Some(key) = rsa_key(pem.expose())? {
        return Ok(Proof::Assertion { key, algorithm: Algorithm::RS384, key_id });
    }
    for algorithm in [Algorithm::ES384, Algorithm::ES256] {
        if let Ok(key) = EncodingKey::from_ec_pem(pem.expose().as_bytes())
            && jsonwebtoken::encode(&Header::new(algorithm), &serde_json::json!({}), &key).is_ok()
        {
            return Ok(Proof::Assertion { key, algorithm, key_id });
        }
    }
    Err(TokenError::Key)
}

/// An RSA key in either of its PEM forms (RFC 8017 appendix A.1.2, RFC 5958), if `pem` is one. It has to hold
/// together, and to be long enough that a signature proves something (RFC 7518 §3.3).
fn rsa_key(pem: &str) -> Result<Option<EncodingKey>, TokenError> {
    let Ok(key) = RsaPrivateKey::from_pkcs8_pem(pem).or_else(|_other| RsaPrivateKey::from_pkcs1_pem(pem)) else {
        return Ok(None);
    };
    if key.size() * 8 < SHORTEST_RSA_KEY || key.validate().is_err() {
        return Err(TokenError::Key);
    }
    let der = key.to_pkcs1_der().map_err(|_detail| TokenError::Key)?;
    Ok(Some(EncodingKey::from_rsa_der(der.as_bytes())))
}

fn sensitive(text: &str) -> Result<HeaderValue, TokenError> {
    let mut value = HeaderValue::from_str(text).map_err(|_detail| TokenError::Credentials)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Bits of the shortest RSA key that may sign. RFC 7518 §3.3.
const SHORTEST_RSA_KEY: usize = 2048;
/// Greatest length of a token response.
const MAX_TOKEN_BYTES: usize = 256 << 10;
/// How long the authorization server may take to answer.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long a token is used whose server does not say.
const LIFETIME_IF_UNSAID: Duration = Duration::from_mins(5);
/// How long before its end a token is not used any more.
const MARGIN: Duration = Duration::from_secs(30);
/// How long a token is used at most.
const LONGEST_LIFETIME: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests;
