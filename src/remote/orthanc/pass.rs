//! Requests that are passed on to Orthanc as they are. Nothing of ours goes along but what is needed to ask: neither
//! credentials nor cookies of the one who asked, and back come type, length and validators alone.

use bytes::Bytes;
use futures_util::stream::BoxStream;
use reqwest::header::HeaderValue;

use crate::remote::egress::HttpError;
use crate::remote::http::Outgoing;

use super::{JSON, OrthancPeer};

/// A request to be passed on.
#[derive(Debug, Clone)]
pub struct Passing<'a> {
    /// Method.
    pub method: &'a str,
    /// Segments of the path below Orthanc's root.
    pub segments: &'a [&'a str],
    /// The query as it came.
    pub query: &'a str,
    /// What the one who asks accepts.
    pub accept: Option<&'a str>,
    /// Body, and its type.
    pub body: Option<(Bytes, &'a str)>,
}

/// What Orthanc answered.
pub struct Passed {
    /// Status code.
    pub status: u16,
    /// Length of the body, if it is known.
    pub length: Option<u64>,
    /// Header fields that may go on.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: BoxStream<'static, Result<Bytes, HttpError>>,
}

impl OrthancPeer {
    /// Passes a request on, HEAD as GET: Orthanc has no HEAD. A redirection of Orthanc is given back without its target, and never followed.
    pub async fn pass(&self, passing: &Passing<'_>) -> Result<Passed, HttpError> {
        let wrong = || HttpError::Unreadable("a request that cannot be sent");
        let url = self.http.url(passing.segments);
        let request = match &passing.body {
            None => Outgoing::get(url, JSON, usize::MAX).without_accept(),
            Some((body, content_type)) => {
                let content_type = HeaderValue::from_str(content_type).map_err(|_form| wrong())?;
                Outgoing::post(url, content_type, JSON, vec![body.clone()], usize::MAX).without_accept()
            }
        };
        let method = if passing.method == "HEAD" { "GET" } else { passing.method };
        let request = request.with_method(method).ok_or_else(wrong)?.with_raw_query(passing.query);
        let request = match passing.accept {
            None => request,
            Some(accept) => request.with_header("accept", accept).ok_or_else(wrong)?,
        };
        let mut opened = self.http.open(&request).await?;
        opened.headers.retain(|(name, _)| GOES_ON.contains(&name.as_str()));
        Ok(Passed { status: opened.status, length: opened.length, headers: opened.headers, body: opened.body })
    }
}

/// Fields of an answer that go on: what describes its body. All others are between Orthanc and us.
const GOES_ON: [&str; 6] =
    ["content-type", "content-disposition", "content-encoding", "etag", "last-modified", "content-range"];
