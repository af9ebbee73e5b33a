//! The connection of one association: bytes in, protocol data units out. Waiting for a unit can be broken
//! off at any time, and loses nothing.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::dicom::dimse::{Header, Pdu};

use super::end::End;

/// A connection, with TLS or without.
pub(super) enum Stream {
    /// As it is.
    Plain(TcpStream),
    /// Within TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

/// The units of a connection.
pub(super) struct Wire {
    stream: Stream,
    buffer: BytesMut,
    /// The header of the unit that is being read.
    header: Option<Header>,
    max_data_bytes: u32,
    send_timeout: Duration,
}

impl Wire {
    pub(super) fn new(stream: Stream, max_data_bytes: u32, send_timeout: Duration) -> Self {
        Self { stream, buffer: BytesMut::new(), header: None, max_data_bytes, send_timeout }
    }

    /// Waits for the next unit.
    pub(super) async fn read(&mut self) -> Result<Pdu, End> {
        loop {
            if let Some(pdu) = self.buffered()? {
                return Ok(pdu);
            }
            self.fill().await?;
        }
    }

    /// The next unit, if it has come whole.
    fn buffered(&mut self) -> Result<Option<Pdu>, End> {
        let header = match self.header {
            Some(header) => header,
            None => {
                let Some(bytes) = self.buffer.first_chunk::<{ Header::BYTES }>() else { return Ok(None) };
                let header = Header::parse(*bytes, MAX_ASSOCIATE_BYTES, self.max_data_bytes)?;
                let _read = self.buffer.split_to(Header::BYTES);
                *self.header.insert(header)
            }
        };
        if self.buffer.len() < header.length() {
            return Ok(None);
        }
        self.header = None;
        Ok(Some(header.body(self.buffer.split_to(header.length()).freeze())?))
    }

    async fn fill(&mut self) -> Result<(), End> {
        let missing = self.header.map_or(0, |header| header.length().saturating_sub(self.buffer.len()));
        self.buffer.reserve(missing.max(READ_BYTES));
        let read = match &mut self.stream {
            Stream::Plain(stream) => stream.read_buf(&mut self.buffer).await,
            Stream::Tls(stream) => stream.read_buf(&mut self.buffer).await,
        };
        self.acknowledge();
        match read {
            Ok(0) => Err(End::Lost(std::io::ErrorKind::UnexpectedEof)),
            Ok(_) => Ok(()),
            Err(error) => Err(End::lost(&error)),
        }
    }

    /// Has the kernel acknowledge at once what has come. A peer that gathers small writes until the former
    /// one is acknowledged (RFC 896) would wait 40 ms for every message. The kernel forgets this again and
    /// again, so that it is said again and again; it is a wish, whose failure changes nothing.
    fn acknowledge(&self) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            let _a_wish = self.tcp().set_quickack(true);
        }
    }

    /// The connection below.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn tcp(&self) -> &TcpStream {
        match &self.stream {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => stream.get_ref().0,
        }
    }

    /// Writes units.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), End> {
        let writing = async {
            match &mut self.stream {
                Stream::Plain(stream) => stream.write_all(bytes).await,
                Stream::Tls(stream) => {
                    stream.write_all(bytes).await?;
                    stream.flush().await
                }
            }
        };
        match tokio::time::timeout(self.send_timeout, writing).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(End::lost(&error)),
            Err(_elapsed) => Err(End::Timeout("room to send")),
        }
    }

    /// Waits until the requestor closes, at most `artim`, and closes (PS3.8 §9.2, AA-6 and AA-7). What it still
    /// sends is read and forgotten, because a connection that is closed over unread bytes is reset, and the
    /// requestor might never see what was said last.
    pub(super) async fn close(mut self, artim: Duration) {
        let closing = async {
            match &mut self.stream {
                Stream::Plain(stream) => stream.shutdown().await?,
                Stream::Tls(stream) => stream.shutdown().await?,
            }
            let mut left = MAX_FORGOTTEN_BYTES;
            while left > 0 {
                self.buffer.clear();
                self.buffer.reserve(READ_BYTES);
                let read = match &mut self.stream {
                    Stream::Plain(stream) => stream.read_buf(&mut self.buffer).await?,
                    Stream::Tls(stream) => stream.read_buf(&mut self.buffer).await?,
                };
                if read == 0 {
                    break;
                }
                left = left.saturating_sub(read);
            }
            Ok::<_, std::io::Error>(())
        };
        let _closed_or_not = tokio::time::timeout(artim, closing).await;
    }
}

/// Greatest length of an association request: 128 contexts with all transfer syntaxes there are stay below.
const MAX_ASSOCIATE_BYTES: u32 = 1 << 20;
/// What is read at a time, at least.
const READ_BYTES: usize = 64 << 10;
/// What is read after the end of an association, at most.
const MAX_FORGOTTEN_BYTES: usize = 16 << 20;
