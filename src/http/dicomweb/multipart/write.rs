//! Writes multipart bodies.

use std::fmt::Write as _;

use bytes::Bytes;

/// The boundary of one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http::dicomweb) struct Boundary(String);

impl Boundary {
    /// A new one of 128 random bits: nothing that is stored can hold it but by chance, nor be made to.
    pub(in crate::http::dicomweb) fn random() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()))
    }

    /// The media type of the body whose parts are of `root`.
    pub(in crate::http::dicomweb) fn content_type(&self, root: &str) -> String {
        format!("multipart/related; type=\"{root}\"; boundary={}", self.0)
    }

    /// What stands in front of the content of a part. Header values are ours or were checked: none has a line end.
    pub(in crate::http::dicomweb) fn before_part(
        &self,
        is_first: bool,
        content_type: &str,
        location: Option<&str>,
        length: Option<u64>,
    ) -> Bytes {
        let line_end = if is_first { "" } else { "\r\n" };
        let mut head = format!("{line_end}--{}\r\nContent-Type: {content_type}\r\n", self.0);
        if let Some(length) = length {
            let _ = write!(head, "Content-Length: {length}\r\n");
        }
        if let Some(location) = location {
            let _ = write!(head, "Content-Location: {location}\r\n");
        }
        head.push_str("\r\n");
        head.into()
    }

    /// What stands behind the last part.
    pub(in crate::http::dicomweb) fn end(&self) -> Bytes {
        format!("\r\n--{}--\r\n", self.0).into()
    }
}
