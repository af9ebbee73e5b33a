//! Requests to subscribers. Their addresses come from clients, not from administrators, so they are held to more than
//! those of peers: https, and no address of a private network, unless the operator allows it. What a name stands for is
//! looked at when the connection is made, not before.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use tokio::sync::OnceCell;
use url::{Host, Url};

use super::egress::{self, HttpError, USER_AGENT};
use super::tls::{TlsError, TlsSettings, trusting_nobody};

/// Which subscribers are reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HookSettings {
    /// Whether http will do.
    pub allow_http: bool,
    /// Whether addresses of private networks and of this machine will do.
    pub allow_private_addresses: bool,
    /// Authorities that certificates of subscribers must come from; else those of the system.
    pub ca_file: Option<PathBuf>,
}

/// What a subscriber is sent.
#[derive(Debug)]
pub struct HookRequest<'a> {
    /// Whether it puts a resource there rather than posts something.
    pub is_put: bool,
    /// Where.
    pub url: &'a Url,
    /// Header fields that the subscriber asked for: name and value.
    pub headers: &'a [(String, String)],
    /// Media type of the body, if there is one.
    pub content_type: Option<&'a str>,
    /// Body.
    pub body: Vec<u8>,
    /// How long the subscriber may take.
    pub timeout: Duration,
}

/// The client for all subscribers.
pub struct HookClient {
    settings: HookSettings,
    plain: OnceCell<reqwest::Client>,
    encrypted: OnceCell<reqwest::Client>,
}

impl HookClient {
    /// By these settings. Nothing is opened before the first request.
    pub fn new(settings: HookSettings) -> Self {
        Self { settings, plain: OnceCell::new(), encrypted: OnceCell::new() }
    }

    /// Why a URL is not reached, as far as it says so itself; names are looked up later.
    pub fn refusal(&self, url: &Url) -> Option<&'static str> {
        if url.scheme() != "https" && !(self.settings.allow_http && url.scheme() == "http") {
            return Some("must be https");
        }
        let private = self.settings.allow_private_addresses;
        match url.host() {
            None => Some("has no host"),
            Some(Host::Ipv4(address)) if !is_reached(IpAddr::V4(address), private) => Some(PRIVATE),
            Some(Host::Ipv6(address)) if !is_reached(IpAddr::V6(address), private) => Some(PRIVATE),
            Some(Host::Domain(name)) if !private && is_local_name(name) => Some(PRIVATE),
            Some(_) => None,
        }
    }

    /// Sends a request. Success is any 2xx; the body of the answer is not looked at.
    pub async fn send(&self, request: HookRequest<'_>) -> Result<(), HttpError> {
        if let Some(refusal) = self.refusal(request.url) {
            return Err(HttpError::Connect(format!("the endpoint {refusal}")));
        }
        let client = self.client(request.url).await?;
        let builder = if request.is_put { client.put(request.url.clone()) } else { client.post(request.url.clone()) };
        let mut builder = builder.timeout(request.timeout);
        for (name, value) in request.headers {
            let (Ok(name), Ok(mut value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
            else {
                return Err(HttpError::Connect("a header field of the subscription cannot be sent".to_owned()));
            };
            value.set_sensitive(true);
            builder = builder.header(name, value);
        }
        if let Some(content_type) = request.content_type {
            builder = builder.header(CONTENT_TYPE, content_type);
        }
        let length = request.body.len();
        let response = egress::answer(builder.body(request.body), length, request.timeout).await?;
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get(reqwest::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok())
            .map(|seconds| Duration::from_secs(seconds.min(3_600)));
        // Read to its end, so that the connection can be used again.
        let _unread = egress::read_capped(response, MOST_ANSWER_BYTES, request.timeout).await;
        if (200..300).contains(&status) {
            return Ok(());
        }
        Err(HttpError::Status { status, detail: None, retry_after })
    }

    async fn client(&self, url: &Url) -> Result<&reqwest::Client, HttpError> {
        if url.scheme() == "https" {
            return self.encrypted.get_or_try_init(|| self.build(true)).await;
        }
        self.plain.get_or_try_init(|| self.build(false)).await
    }

    async fn build(&self, is_encrypted: bool) -> Result<reqwest::Client, HttpError> {
        let resolver = Guarded { private: self.settings.allow_private_addresses };
        let builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .dns_resolver(Arc::new(resolver))
            .connect_timeout(CONNECT)
            .pool_max_idle_per_host(2);
        let builder = match (is_encrypted, &self.settings.ca_file) {
            (false, _) => builder.tls_backend_preconfigured(trusting_nobody()),
            (true, None) => builder,
            (true, Some(_)) => {
                let tls = TlsSettings { ca_file: self.settings.ca_file.clone(), ..TlsSettings::default() };
                builder.tls_backend_preconfigured(tls.client_config().await?)
            }
        };
        builder.build().map_err(|_detail| HttpError::Tls(TlsError::NoAuthorities))
    }
}

/// Looks names up and leaves out the addresses that are not reached.
struct Guarded {
    private: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let reached: Vec<SocketAddr> = found.filter(|address| is_reached(address.ip(), private)).collect();
            if reached.is_empty() {
                return Err("the name stands for no address that is reached".into());
            }
            Ok(Box::new(reached.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one that subscribers may have. Link-local ones, where clouds keep their secrets, never are.
fn is_reached(address: IpAddr, private: bool) -> bool {
    match address {
        IpAddr::V4(address) => is_reached_v4(address, private),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => is_reached_v4(inner, private),
            None => is_reached_v6(address, private),
        },
    }
}

fn is_reached_v4(address: Ipv4Addr, private: bool) -> bool {
    let [first, second, third, _] = address.octets();
    let never = address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || first == 0
        || first >= 240
        || (first == 192 && second == 0 && third == 0);
    let own = address.is_private()
        || address.is_loopback()
        || address.is_documentation()
        // RFC 6598, RFC 2544.
        || (first == 100 && (64..128).contains(&second))
        || (first == 198 && (18..20).contains(&second));
    !never && (private || !own)
}

fn is_reached_v6(address: Ipv6Addr, private: bool) -> bool {
    let first = address.segments()[0];
    let never = address.is_multicast() || address.is_unspecified() || first & 0xffc0 == 0xfe80;
    let own = address.is_loopback() || first & 0xfe00 == 0xfc00 || (first == 0x2001 && address.segments()[1] == 0xdb8);
    !never && (private || !own)
}

/// The IPv4 address that an IPv6 one leads to: mapped (RFC 4291), NAT64 (RFC 6052), 6to4 (RFC 3056).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(of(high, low)),
        // Neither `::` nor `::1`.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 || low > 1 => Some(of(high, low)),
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

/// RFC 6761: names that stand for this machine, whatever the resolver says.
fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

const PRIVATE: &str = "is an address that subscribers may not have";
const CONNECT: Duration = Duration::from_secs(10);
const MOST_ANSWER_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_reached_unless_private_ones_are_allowed() {
        let refused = |url: &str, settings: &HookSettings| {
            HookClient::new(settings.clone()).refusal(&Url::parse(url).expect("parses")).is_some()
        };
        let strict = HookSettings::default();
        for url in [
            "http://ehr.example/hook",
            "https://127.0.0.1/x",
            "https://10.1.2.3/x",
            "https://192.168.0.1/x",
            "https://172.16.0.9/x",
            "https://169.254.169.254/latest/meta-data",
            "https://100.64.0.1/",
            "https://0.0.0.0/",
            "https://[::1]/",
            "https://[fe80::1]/",
            "https://[fd00::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://localhost/",
            "https://x.localhost./",
            "https://2130706433/",
        ] {
            assert!(refused(url, &strict), "{url}");
        }
        for url in ["https://ehr.example/hook", "https://93.184.215.14/x", "https://[2606:4700::1111]/"] {
            assert!(!refused(url, &strict), "{url}");
        }
        let open = HookSettings { allow_http: true, allow_private_addresses: true, ca_file: None };
        for url in ["http://127.0.0.1:8080/x", "https://10.1.2.3/x", "https://[::1]/"] {
            assert!(!refused(url, &open), "{url}");
        }
        for url in ["http://169.254.169.254/", "https://[fe80::1]/", "http://0.0.0.0/", "ftp://x.example/"] {
            assert!(refused(url, &open), "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_that_stands_for_this_machine_is_not_reached() {
        let guarded = Guarded { private: false };
        assert!(guarded.resolve("localhost".parse().expect("a name")).await.is_err());
        let open = Guarded { private: true };
        assert!(open.resolve("localhost".parse().expect("a name")).await.is_ok());
    }
}
