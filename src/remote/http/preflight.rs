//! What a browser asks before a page of another origin may ask. Fetch §3.2.2.

use reqwest::Method;
use reqwest::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN,
};
use url::Url;

use crate::remote::egress::{self, HttpError};

use super::{HttpPeer, MAX_HEADER_CHARS};

/// The answer.
#[derive(Debug)]
pub(in crate::remote) struct Preflight {
    /// Status code.
    pub(in crate::remote) status: u16,
    /// `Access-Control-Allow-Origin`.
    pub(in crate::remote) allowed_origin: Option<String>,
    /// `Access-Control-Allow-Headers`.
    pub(in crate::remote) allowed_headers: Option<String>,
}

impl HttpPeer {
    /// Asks whether a page of `origin` may GET this with a token. As a browser does, it shows none itself.
    pub(in crate::remote) async fn preflight(&self, url: Url, origin: &str) -> Result<Preflight, HttpError> {
        let request = self
            .client
            .request(Method::OPTIONS, url)
            .header(ORIGIN, origin)
            .header(ACCESS_CONTROL_REQUEST_METHOD, "GET")
            .header(ACCESS_CONTROL_REQUEST_HEADERS, "authorization");
        let response = egress::answer(request, 0, self.response).await?;
        let text = |name: HeaderName| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.map(|value| value.chars().take(MAX_HEADER_CHARS).collect())
        };
        Ok(Preflight {
            status: response.status().as_u16(),
            allowed_origin: text(ACCESS_CONTROL_ALLOW_ORIGIN),
            allowed_headers: text(ACCESS_CONTROL_ALLOW_HEADERS),
        })
    }
}
