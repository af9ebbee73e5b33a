//! An HTTP client that does what it is told: one connection a request, every byte of the request the
//! test's own, the whole answer as it came.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Who asks, and below which path.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    prefix: String,
    token: Option<String>,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// Asks at `address`; `prefix` goes before every path.
    pub(crate) fn new(address: SocketAddr, prefix: impl Into<String>, token: Option<String>) -> Self {
        Self { address, prefix: prefix.into(), token }
    }

    /// The token that is shown.
    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().expect("has a token")
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"").await
    }

    pub(crate) async fn get_if(&self, path: &str, name: &str, value: &str) -> Answer {
        self.send("GET", path, &[(name, value)], b"").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, JSON, body.to_string().as_bytes()).await
    }

    /// A POST without a body.
    pub(crate) async fn act(&self, path: &str) -> Answer {
        self.send("POST", path, &[], b"").await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, JSON, body.to_string().as_bytes()).await
    }

    /// A PUT that is meant for one version.
    pub(crate) async fn put_at(&self, path: &str, tag: &str, body: &Value) -> Answer {
        let headers = [("Content-Type", "application/json"), ("If-Match", tag)];
        self.send("PUT", path, &headers, body.to_string().as_bytes()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], b"").await
    }

    /// Sends a request and reads its answer to the end.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let asked = tokio::time::timeout(LONGEST_WAIT, self.exchange(method, path, headers, body));
        let answered = asked.await.unwrap_or_else(|_elapsed| panic!("no answer to {method} {path}"));
        answered.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// As [`Client::send`], where the server may be gone before it has answered.
    pub(crate) async fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, String> {
        let asked = tokio::time::timeout(LONGEST_WAIT, self.exchange(method, path, headers, body));
        asked.await.unwrap_or_else(|_elapsed| Err("no answer in time".into()))
    }

    /// Sends a body whose length is not told; `chunks` are chunks as they go over the wire.
    pub(crate) async fn send_chunked(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        chunks: &str,
    ) -> Answer {
        let body = format!("{chunks}0\r\n\r\n");
        self.send(method, path, headers, body.as_bytes()).await
    }

    async fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, String> {
        let socket = TcpStream::connect(self.address).await.map_err(|error| format!("no connection: {error}"))?;
        let (mut reader, mut writer) = socket.into_split();
        let mut head =
            format!("{method} {}{path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.prefix, self.address);
        if let Some(token) = &self.token {
            let _ = write!(head, "Authorization: Bearer {token}\r\n");
        }
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let is_chunked = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("transfer-encoding"));
        let may_have_none = matches!(method, "GET" | "HEAD" | "DELETE" | "OPTIONS");
        if !is_chunked && (!body.is_empty() || !may_have_none) {
            let _ = write!(head, "Content-Length: {}\r\n", body.len());
        }
        head.push_str("\r\n");
        let sending = async {
            // A server may answer and close before it has read everything.
            if writer.write_all(head.as_bytes()).await.is_ok() {
                let _maybe_refused = writer.write_all(body).await;
            }
            // Closed only after the answer: a half-closed connection looks like a client that went away.
            std::future::pending::<()>().await;
        };
        let mut bytes = Vec::new();
        tokio::select! {
            _ended = reader.read_to_end(&mut bytes) => {}
            () = sending => {}
        }
        Answer::read(&bytes, method == "HEAD").ok_or_else(|| format!("the answer ended after {} bytes", bytes.len()))
    }
}

impl Answer {
    fn read(bytes: &[u8], of_head: bool) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let rest = &bytes[end + 4..];
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Self { status, headers, body: Vec::new() };
        let is_empty = of_head || matches!(status, 204 | 304);
        answer.body = if is_empty {
            Vec::new()
        } else if answer.header("transfer-encoding") == Some("chunked") {
            chunks(rest)?
        } else {
            let length = answer.header("content-length").and_then(|length| length.parse().ok());
            let length: usize = length.unwrap_or(rest.len());
            rest.get(..length)?.to_vec()
        };
        Some(answer)
    }

    /// This answer, which must have this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert!(self.status == status, "{} rather than {status}: {}", self.status, self.text());
        self
    }

    /// The one field of this name.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
        let first = found.next();
        assert!(found.next().is_none() || name == "vary", "{name} stands more than once");
        first
    }

    /// The field of this name, which must be there.
    #[track_caller]
    pub(crate) fn must(&self, name: &str) -> &str {
        self.header(name).unwrap_or_else(|| panic!("the answer has no {name}: {:?}", self.headers))
    }

    /// The entity tag.
    #[track_caller]
    pub(crate) fn tag(&self) -> String {
        self.must("etag").to_owned()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The paths of the problems that a problem document or an OperationOutcome names, in its order.
    #[track_caller]
    pub(crate) fn named(&self) -> Vec<String> {
        let json = self.json();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match json.get("issue").and_then(Value::as_array) {
            Some(issues) => issues.iter().map(|issue| text(&issue["expression"][0])).collect(),
            None => {
                assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text());
                let problems = json.get("problems").and_then(Value::as_array);
                problems.map(|all| all.iter().map(|problem| text(&problem["path"])).collect()).unwrap_or_default()
            }
        }
    }
}

fn chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?.trim(), 16).ok()?;
        rest = &rest[end + 2..];
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..length)?);
        rest = rest.get(length + 2..)?;
    }
}

const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];
/// Far longer than any answer takes on a busy machine.
const LONGEST_WAIT: Duration = Duration::from_mins(2);
