//! Request bodies as handlers get them: never more bytes than is taken, packed or unpacked, and never
//! slower than is waited for.

use std::io;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::Bytes;
use async_compression::tokio::bufread::GzipDecoder;
use futures_util::{Stream, StreamExt, stream};
use tokio::time::Instant;
use tokio_util::io::{ReaderStream, StreamReader};

use super::HttpError;

/// What a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowance {
    /// Most bytes, of the body as it is read.
    pub(super) max_bytes: u64,
    /// Longest wait for the next bytes.
    pub(super) idle: Duration,
    /// How long the lowest rate may be fallen short of.
    pub(super) grace: Duration,
}

/// How a body is packed. RFC 9110 §8.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
}

/// `payload` within its allowance and unpacked. What can be refused by the header fields alone is refused
/// here, before a byte is read.
pub(super) fn guard(payload: Payload, headers: &HeaderMap, allowance: Allowance) -> Result<Payload, HttpError> {
    let packing = packing(headers)?;
    if content_length(headers).is_some_and(|length| length > allowance.max_bytes) {
        return Err(HttpError::TooLarge);
    }
    if matches!(payload, Payload::None) {
        return Ok(payload);
    }
    let arriving = paced(payload, allowance);
    let stream = match packing {
        Packing::Plain => arriving.boxed_local(),
        Packing::Gzip => unpacked(arriving, allowance.max_bytes).boxed_local(),
    };
    Ok(Payload::Stream { payload: stream })
}

fn packing(headers: &HeaderMap) -> Result<Packing, HttpError> {
    let mut values = headers.get_all(header::CONTENT_ENCODING);
    match (values.next(), values.next()) {
        (None, _) => Ok(Packing::Plain),
        (Some(value), None) => match value.to_str().map(|text| text.trim().to_ascii_lowercase()).as_deref() {
            Ok("gzip" | "x-gzip") => Ok(Packing::Gzip),
            Ok("identity") => Ok(Packing::Plain),
            _ => Err(HttpError::UnsupportedEncoding),
        },
        (Some(_), Some(_)) => Err(HttpError::UnsupportedEncoding),
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// The bytes as they arrive: counted, and each awaited for no longer than allowed. A sender that keeps
/// just within the wait is held to a lowest rate as well.
fn paced(payload: Payload, allowance: Allowance) -> impl Stream<Item = Result<Bytes, PayloadError>> {
    let start = Instant::now();
    stream::try_unfold((payload, 0_u64), move |(mut payload, mut received)| async move {
        let slowest = Duration::from_millis(received.saturating_mul(1000) / LOWEST_BYTES_PER_SECOND);
        let deadline = (Instant::now() + allowance.idle).min(start + slowest + allowance.grace);
        let chunk = match tokio::time::timeout_at(deadline, payload.next()).await {
            Err(_elapsed) => return Err(PayloadError::Io(io::ErrorKind::TimedOut.into())),
            Ok(None) => return Ok(None),
            Ok(Some(chunk)) => chunk?,
        };
        received = received.saturating_add(chunk.len() as u64);
        if received > allowance.max_bytes {
            return Err(PayloadError::Overflow);
        }
        Ok(Some((chunk, (payload, received))))
    })
}

/// The bytes unpacked, with a cap on how many they become and on how many times more than they were.
fn unpacked(
    packed: impl Stream<Item = Result<Bytes, PayloadError>> + 'static,
    max_bytes: u64,
) -> impl Stream<Item = Result<Bytes, PayloadError>> {
    let arrived = std::rc::Rc::new(std::cell::Cell::new(0_u64));
    let counter = std::rc::Rc::clone(&arrived);
    let packed = packed.map(move |chunk| {
        let chunk = chunk.map_err(io::Error::other)?;
        counter.set(counter.get().saturating_add(chunk.len() as u64));
        Ok::<_, io::Error>(chunk)
    });
    let mut decoder = GzipDecoder::new(StreamReader::new(Box::pin(packed)));
    decoder.multiple_members(true);
    let unpacked = ReaderStream::with_capacity(decoder, UNPACK_BYTES);
    stream::try_unfold((Box::pin(unpacked), 0_u64), move |(mut unpacked, mut written)| {
        let arrived = std::rc::Rc::clone(&arrived);
        async move {
            let Some(chunk) = unpacked.next().await else {
                return Ok(None);
            };
            let chunk = chunk.map_err(of_io)?;
            written = written.saturating_add(chunk.len() as u64);
            let too_many_times = written > RATIO_FREE_BYTES && written > arrived.get().saturating_mul(MAX_RATIO);
            if written > max_bytes || too_many_times {
                return Err(PayloadError::Overflow);
            }
            Ok(Some((chunk, (unpacked, written))))
        }
    })
}

/// The error that went into the decoder, or the decoder's own: the body is not gzip, or ends early.
fn of_io(error: io::Error) -> PayloadError {
    match error.downcast::<PayloadError>() {
        Ok(error) => error,
        Err(_decoder) => PayloadError::EncodingCorrupted,
    }
}

/// Slower than this in the long run is an attack or a broken line.
const LOWEST_BYTES_PER_SECOND: u64 = 8 * 1024;
/// Most times that a body may grow by unpacking; security requirement 15.
const MAX_RATIO: u64 = 100;
/// Below this the ratio does not matter: short JSON packs well.
const RATIO_FREE_BYTES: u64 = 1024 * 1024;
/// How much is unpacked at a time.
const UNPACK_BYTES: usize = 16 * 1024;
