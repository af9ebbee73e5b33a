//! One association as its requestor: connect, negotiate, exchange messages, release or abort (PS3.8 §7,
//! §9). Every wait has a limit. dicom-ul writes the association units; its own `establish` is not used,
//! because it tells a peer that closes or stays silent from one that wants TLS by guessing, hides why
//! contexts were rejected, and names itself as the implementation.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use dicom_ul::Pdu;
use dicom_ul::pdu::{AssociationRQ, PresentationContextProposed, UserVariableItem, write_pdu};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::base::AeTitle;
use crate::dicom::part10::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};

use super::command::{Command, element};
use super::contexts::Proposals;
use super::error::DimseError;
use super::message::{Assembler, Message};
use super::pdu::{Acceptance, Incoming};

/// Where and how to reach a peer.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) called_ae_title: AeTitle,
    pub(super) calling_ae_title: AeTitle,
    pub(super) tls: Option<Tls>,
    pub(super) limits: Limits,
}

/// The client's side of TLS and the name that the peer's certificate must bear.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    pub(super) config: Arc<rustls::ClientConfig>,
    pub(super) server_name: rustls::pki_types::ServerName<'static>,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// TCP connection, and after it the TLS handshake.
    pub(super) connect: Duration,
    /// The answer to the association request.
    pub(super) association: Duration,
    /// The peer taking one unit.
    pub(super) send: Duration,
    /// The answer to a request.
    pub(super) response: Duration,
}

/// An established association.
pub(super) struct Association {
    stream: Pin<Box<dyn Stream>>,
    limits: Limits,
    acceptance: Acceptance,
    max_fragment_bytes: usize,
    next_message_id: u16,
    assembler: Assembler,
    /// Fragments of one unit that came after the end of a message.
    waiting: std::collections::VecDeque<super::pdu::Fragment>,
}

/// A connection, with TLS or without.
trait Stream: AsyncRead + AsyncWrite + Send {}

impl<S: AsyncRead + AsyncWrite + Send> Stream for S {}

impl Association {
    /// Connects and negotiates `proposals`. The peer may have accepted none of them.
    pub(super) async fn request(address: &Address, proposals: &Proposals) -> Result<Self, DimseError> {
        let mut stream = connect(address).await?;
        let request = encode(&association_request(address, proposals))?;
        write(&mut stream, &request, address.limits.send).await?;
        let what = "answer to the association request";
        let answer = within(what, address.limits.association, read_unit(&mut stream)).await;
        let acceptance = match answer {
            Ok(Incoming::Accepted(acceptance)) => acceptance,
            Ok(Incoming::Rejected(rejection)) => return Err(DimseError::Rejected(rejection)),
            Ok(Incoming::Abort(reason)) => return Err(DimseError::Aborted(reason)),
            Ok(_) => {
                abort(&mut stream, UNEXPECTED).await;
                return Err(DimseError::Protocol("another unit than the answer to an association request"));
            }
            Err(error) => {
                abort(&mut stream, UNEXPECTED).await;
                return Err(error);
            }
        };
        let Some(max_fragment_bytes) = max_fragment_bytes(acceptance.max_pdu_bytes) else {
            abort(&mut stream, INVALID_PARAMETER).await;
            return Err(DimseError::Protocol("a maximum length that holds no data"));
        };
        Ok(Self {
            stream,
            limits: address.limits,
            acceptance,
            max_fragment_bytes,
            next_message_id: 1,
            assembler: Assembler::default(),
            waiting: std::collections::VecDeque::new(),
        })
    }

    /// What the peer answered to the proposals.
    pub(super) fn acceptance(&self) -> &Acceptance {
        &self.acceptance
    }

    /// A message id that no outstanding request has.
    pub(super) fn message_id(&mut self) -> u16 {
        let id = self.next_message_id;
        self.next_message_id = id.checked_add(1).unwrap_or(1);
        id
    }

    /// Sends a request and waits for its response: the one of command field `response_field` that
    /// answers message `message_id`. Any error leaves the association unusable.
    pub(super) async fn exchange(
        &mut self,
        context_id: u8,
        message_id: u16,
        request: &Command,
        data_set: Option<&Bytes>,
        response_field: u16,
    ) -> Result<Message, DimseError> {
        let sent = self.send(context_id, request, data_set).await;
        if let Err(error) = sent {
            return Err(self.reason_of_the_break(error).await);
        }
        let response = within("answer to a request", self.limits.response, async {
            loop {
                if let Some(message) = self.next_message().await? {
                    return Ok(message);
                }
            }
        })
        .await?;
        let answers = response.command.u16(element::RESPONDED_MESSAGE_ID) == Some(message_id)
            && response.command.u16(element::COMMAND_FIELD) == Some(response_field)
            && response.context_id == context_id;
        if answers { Ok(response) } else { Err(DimseError::Protocol("an answer to another request")) }
    }

    async fn send(&mut self, context_id: u8, command: &Command, data_set: Option<&Bytes>) -> Result<(), DimseError> {
        self.send_fragments(context_id, &command.to_bytes(), OF_COMMAND).await?;
        match data_set {
            Some(data_set) => self.send_fragments(context_id, data_set, 0).await,
            None => Ok(()),
        }
    }

    /// Sends `bytes` in units that the peer takes. PS3.8 §9.3.5.
    async fn send_fragments(&mut self, context_id: u8, bytes: &[u8], control: u8) -> Result<(), DimseError> {
        let mut rest = bytes;
        let mut unit = BytesMut::with_capacity(self.max_fragment_bytes.min(bytes.len()) + UNIT_OVERHEAD);
        loop {
            let (piece, tail) = rest.split_at(rest.len().min(self.max_fragment_bytes));
            rest = tail;
            let length = u32::try_from(piece.len()).unwrap_or(u32::MAX);
            unit.clear();
            unit.put_u8(0x04);
            unit.put_u8(0);
            unit.put_u32(length.saturating_add(6));
            unit.put_u32(length.saturating_add(2));
            unit.put_u8(context_id);
            unit.put_u8(control | if rest.is_empty() { IS_LAST } else { 0 });
            unit.put_slice(piece);
            write(&mut self.stream, &unit, self.limits.send).await?;
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    /// Reads one unit and gives the message that it completes, if it does.
    async fn next_message(&mut self) -> Result<Option<Message>, DimseError> {
        while let Some(fragment) = self.waiting.pop_front() {
            if let Some(message) = self.assembler.push(&fragment)? {
                return Ok(Some(message));
            }
        }
        match read_unit(&mut self.stream).await? {
            Incoming::Data(fragments) => {
                self.waiting.extend(fragments);
                Ok(None)
            }
            Incoming::Abort(reason) => Err(DimseError::Aborted(reason)),
            Incoming::ReleaseRequest => Err(DimseError::Protocol("a release in place of an answer")),
            Incoming::Accepted(_) | Incoming::Rejected(_) | Incoming::ReleaseReply => {
                Err(DimseError::Protocol("an association unit in place of an answer"))
            }
        }
    }

    /// A peer that aborts while we still send makes writing fail; its A-ABORT then says more.
    async fn reason_of_the_break(&mut self, error: DimseError) -> DimseError {
        let last_word = tokio::time::timeout(Duration::from_secs(1), read_unit(&mut self.stream)).await;
        match (last_word, error) {
            (Ok(Ok(Incoming::Abort(reason))), DimseError::Lost(_)) => DimseError::Aborted(reason),
            (_, error) => error,
        }
    }

    /// Releases the association. The outcomes are known by now, so a peer that does not reply in time
    /// or breaks off changes nothing. PS3.8 §7.2, with the release collision of §7.2.2.5.
    pub(super) async fn release(mut self) {
        let released = within("reply to a release", self.limits.association, async {
            write(&mut self.stream, &RELEASE_REQUEST, self.limits.send).await?;
            loop {
                match read_unit(&mut self.stream).await? {
                    Incoming::ReleaseReply | Incoming::Abort(_) => return Ok(()),
                    Incoming::ReleaseRequest => write(&mut self.stream, &RELEASE_REPLY, self.limits.send).await?,
                    _ => {}
                }
            }
        })
        .await;
        if let Err(error) = released {
            tracing::debug!(error = %error, "release was not answered");
        }
        let _ = self.stream.shutdown().await;
    }

    /// Aborts the association after an error.
    pub(super) async fn abort(mut self) {
        abort(&mut self.stream, [0, 0]).await;
    }
}

async fn connect(address: &Address) -> Result<Pin<Box<dyn Stream>>, DimseError> {
    let limit = address.limits.connect;
    let socket = within("connection", limit, async {
        let found = tokio::net::lookup_host((address.host.as_str(), address.port)).await;
        let addresses: Vec<_> = found.map_err(|_detail| DimseError::NoAddress)?.collect();
        TcpStream::connect(addresses.as_slice()).await.map_err(|error| DimseError::Connect(error.kind()))
    })
    .await?;
    // A request ends in a short unit; holding it back until the peer acknowledges costs 40 ms each.
    socket.set_nodelay(true).map_err(|error| DimseError::Connect(error.kind()))?;
    let Some(tls) = &address.tls else { return Ok(Box::pin(socket)) };
    let connector = tokio_rustls::TlsConnector::from(tls.config.clone());
    let stream = within("TLS handshake", limit, async {
        connector.connect(tls.server_name.clone(), socket).await.map_err(|error| DimseError::handshake(&error))
    })
    .await?;
    Ok(Box::pin(stream))
}

fn association_request(address: &Address, proposals: &Proposals) -> Pdu {
    let presentation_contexts = proposals
        .0
        .iter()
        .map(|proposal| PresentationContextProposed {
            id: proposal.id,
            abstract_syntax: proposal.sop_class_uid.clone(),
            transfer_syntaxes: proposal.transfer_syntax_uids.clone(),
        })
        .collect();
    Pdu::AssociationRQ(AssociationRQ {
        protocol_version: 1,
        calling_ae_title: address.calling_ae_title.as_str().to_owned(),
        called_ae_title: address.called_ae_title.as_str().to_owned(),
        application_context_name: APPLICATION_CONTEXT.to_owned(),
        presentation_contexts,
        user_variables: vec![
            UserVariableItem::MaxLength(MAX_RECEIVED_BYTES),
            UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.to_owned()),
            UserVariableItem::ImplementationVersionName(IMPLEMENTATION_VERSION_NAME.to_owned()),
        ],
    })
}

fn encode(pdu: &Pdu) -> Result<Vec<u8>, DimseError> {
    let mut bytes = Vec::new();
    write_pdu(&mut bytes, pdu)
        .map_err(|_detail| DimseError::Protocol("no address that fits an association request"))?;
    Ok(bytes)
}

/// Reads one unit whose length is within what we announced.
async fn read_unit(stream: &mut Pin<Box<dyn Stream>>) -> Result<Incoming, DimseError> {
    let lost = |error: std::io::Error| DimseError::lost(&error);
    let mut header = [0; 6];
    stream.read_exact(&mut header).await.map_err(lost)?;
    let [kind, _, a, b, c, d] = header;
    if !(0x01..=0x07).contains(&kind) {
        return Err(DimseError::Protocol("something that is not DICOM"));
    }
    let length = u32::from_be_bytes([a, b, c, d]);
    if length > MAX_RECEIVED_BYTES {
        return Err(DimseError::Protocol("a unit that is longer than announced"));
    }
    let mut body = vec![0; usize::try_from(length).unwrap_or_default()];
    stream.read_exact(&mut body).await.map_err(lost)?;
    Ok(Incoming::parse(kind, body.into())?)
}

async fn write(stream: &mut Pin<Box<dyn Stream>>, bytes: &[u8], limit: Duration) -> Result<(), DimseError> {
    within("room to send", limit, async {
        stream.write_all(bytes).await.map_err(|error| DimseError::lost(&error))?;
        stream.flush().await.map_err(|error| DimseError::lost(&error))
    })
    .await
}

/// Sends A-ABORT with source and reason, as far as the peer still takes it, and closes.
async fn abort(stream: &mut Pin<Box<dyn Stream>>, [source, reason]: [u8; 2]) {
    let unit = [0x07, 0, 0, 0, 0, 4, 0, 0, source, reason];
    let _ = write(stream, &unit, Duration::from_secs(2)).await;
    let _ = stream.shutdown().await;
}

async fn within<T>(
    what: &'static str,
    limit: Duration,
    work: impl Future<Output = Result<T, DimseError>>,
) -> Result<T, DimseError> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_elapsed) => Err(DimseError::Timeout { what, limit }),
    }
}

/// The longest piece that fits into a unit of the peer, cut to an even length. A peer without limit
/// gets units of the size that we take ourselves.
fn max_fragment_bytes(max_pdu_bytes: Option<u32>) -> Option<usize> {
    let unit = match max_pdu_bytes {
        None | Some(0) => MAX_SENT_BYTES,
        Some(limit) => limit.min(MAX_SENT_BYTES),
    };
    let fragment = usize::try_from(unit.checked_sub(6)?).ok()? & !1;
    (fragment > 0).then_some(fragment)
}

/// DICOM Application Context Name. PS3.7 §A.2.1.
const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";
/// Greatest length of a unit that we take, and announce.
const MAX_RECEIVED_BYTES: u32 = 131_072;
/// Greatest length of a unit that we send, whatever the peer allows.
const MAX_SENT_BYTES: u32 = 131_072;
/// Headers of a unit with one data value.
const UNIT_OVERHEAD: usize = 12;
/// Message control header: the fragment belongs to a command. PS3.8 §E.2.
const OF_COMMAND: u8 = 1;
/// Message control header: the fragment is the last one.
const IS_LAST: u8 = 2;
const RELEASE_REQUEST: [u8; 10] = [0x05, 0, 0, 0, 0, 4, 0, 0, 0, 0];
const RELEASE_REPLY: [u8; 10] = [0x06, 0, 0, 0, 0, 4, 0, 0, 0, 0];
/// A-ABORT by the service provider: unexpected PDU.
const UNEXPECTED: [u8; 2] = [2, 2];
/// A-ABORT by the service provider: invalid PDU parameter.
const INVALID_PARAMETER: [u8; 2] = [2, 6];
