//! One association as its requestor: connect, negotiate, exchange messages, release or abort (PS3.8 §7,
//! §9). Every wait has a limit. dicom-ul's own `establish` is not used, because it tells a peer that closes
//! or stays silent from one that wants TLS by guessing, hides why contexts were rejected, and names itself
//! as the implementation.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream as Pieces, StreamExt as _};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::base::AeTitle;
use crate::dicom::dimse::{
    APPLICATION_CONTEXT, AbortReason, AeField, Assembler, AssociateAccept, AssociateRequest, Command, Event, Fragment,
    Fragmenter, Header, Message, Pdu, UserInformation, element, max_fragment_bytes,
};
use crate::dicom::part10::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};

use super::contexts::Proposals;
use super::error::DimseError;

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
    acceptance: AssociateAccept,
    max_fragment_bytes: usize,
    next_message_id: u16,
    assembler: Assembler,
    /// Fragments of one unit that are still to be looked at.
    waiting: VecDeque<Fragment>,
    owes_end: bool,
}

/// A connection, with TLS or without.
trait Stream: AsyncRead + AsyncWrite + Send {}

impl<S: AsyncRead + AsyncWrite + Send> Stream for S {}

impl Association {
    /// Connects and negotiates `proposals`. The peer may have accepted none of them.
    pub(super) async fn request(address: &Address, proposals: &Proposals) -> Result<Self, DimseError> {
        let mut stream = connect(address).await?;
        let request = association_request(address, proposals)
            .to_bytes()
            .map_err(|_detail| DimseError::Protocol("no address that fits an association request"))?;
        write(&mut stream, &request, address.limits.send).await?;
        let what = "answer to the association request";
        let answer = within(what, address.limits.association, read_unit(&mut stream)).await;
        let acceptance = match answer {
            Ok(Pdu::AssociateAccept(acceptance)) => *acceptance,
            Ok(Pdu::AssociateReject(rejection)) => return Err(DimseError::Rejected(rejection)),
            Ok(Pdu::Abort(reason)) => return Err(DimseError::Aborted(reason)),
            Ok(_) => {
                abort(&mut stream, AbortReason::UNEXPECTED_PDU).await;
                return Err(DimseError::Protocol("another unit than the answer to an association request"));
            }
            Err(error) => {
                abort(&mut stream, AbortReason::UNEXPECTED_PDU).await;
                return Err(error);
            }
        };
        let Some(max_fragment_bytes) = max_fragment_bytes(acceptance.user.max_pdu_bytes) else {
            abort(&mut stream, AbortReason::INVALID_PARAMETER).await;
            return Err(DimseError::Protocol("a maximum length that holds no data"));
        };
        Ok(Self {
            stream,
            limits: address.limits,
            acceptance,
            max_fragment_bytes,
            next_message_id: 1,
            assembler: Assembler::default(),
            waiting: VecDeque::new(),
            owes_end: false,
        })
    }

    /// What the peer answered to the proposals.
    pub(super) fn acceptance(&self) -> &AssociateAccept {
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
        self.request_data(context_id, request, data_set).await?;
        let response = self.message().await?;
        check_answer(&response, context_id, message_id, response_field)?;
        Ok(response)
    }

    /// Sends a request, or a response. Any error leaves the association unusable.
    pub(super) async fn request_data(
        &mut self,
        context_id: u8,
        command: &Command,
        data_set: Option<&Bytes>,
    ) -> Result<(), DimseError> {
        let sent = match data_set {
            Some(data_set) => {
                let pieces = futures_util::stream::iter([Ok::<_, DimseError>(data_set.clone())]);
                self.send(context_id, command, Some(pieces)).await
            }
            None => self.send(context_id, command, None::<futures_util::stream::Empty<_>>).await,
        };
        match sent {
            Ok(()) => Ok(()),
            Err(error) => Err(self.reason_of_the_break(error).await),
        }
    }

    /// As [`Association::exchange`], with a data set that is sent as it comes. An error of its source leaves
    /// the association unusable as well.
    pub(super) async fn exchange_stream(
        &mut self,
        context_id: u8,
        message_id: u16,
        request: &Command,
        data_set: impl Pieces<Item = Result<Bytes, DimseError>>,
        response_field: u16,
    ) -> Result<Message, DimseError> {
        if let Err(error) = self.send(context_id, request, Some(data_set)).await {
            return Err(self.reason_of_the_break(error).await);
        }
        let response = self.message().await?;
        check_answer(&response, context_id, message_id, response_field)?;
        Ok(response)
    }

    async fn send(
        &mut self,
        context_id: u8,
        command: &Command,
        data_set: Option<impl Pieces<Item = Result<Bytes, DimseError>>>,
    ) -> Result<(), DimseError> {
        let mut units = Vec::new();
        let mut fragmenter = Fragmenter::command(context_id, self.max_fragment_bytes);
        fragmenter.push(&command.to_bytes(), &mut units);
        fragmenter.finish(&mut units);
        let Some(data_set) = data_set else { return write(&mut self.stream, &units, self.limits.send).await };
        let mut fragmenter = Fragmenter::data_set(context_id, self.max_fragment_bytes);
        let mut data_set = std::pin::pin!(data_set);
        while let Some(piece) = data_set.next().await {
            for part in piece?.chunks(WRITE_BYTES) {
                fragmenter.push(part, &mut units);
                if units.len() >= WRITE_BYTES {
                    write(&mut self.stream, &units, self.limits.send).await?;
                    units.clear();
                }
            }
        }
        fragmenter.finish(&mut units);
        write(&mut self.stream, &units, self.limits.send).await
    }

    /// Waits for a whole message.
    pub(super) async fn message(&mut self) -> Result<Message, DimseError> {
        let limit = self.limits.response;
        within("answer to a request", limit, async {
            let Event::Command { context_id, command } = self.event().await? else {
                return Err(DimseError::Protocol("a data set without a command"));
            };
            let mut data_set = Vec::new();
            let mut is_whole = !command.has_data_set();
            while !is_whole {
                let Event::Data { bytes, is_last } = self.event().await? else {
                    return Err(DimseError::Protocol("a command within a data set"));
                };
                if data_set.len() + bytes.len() > MAX_ANSWER_BYTES {
                    return Err(DimseError::Protocol("a message that is too long"));
                }
                data_set.extend_from_slice(&bytes);
                is_whole = is_last;
            }
            Ok(Message { context_id, command, data_set })
        })
        .await
    }

    /// Waits for the next command or piece of a data set.
    pub(super) async fn next_event(&mut self) -> Result<Event, DimseError> {
        within("answer to a request", self.limits.response, self.event()).await
    }

    /// Has the end of the data set whose last piece was just given come as an empty piece of its own.
    pub(super) fn put_back_end(&mut self) {
        self.owes_end = true;
    }

    async fn event(&mut self) -> Result<Event, DimseError> {
        if std::mem::take(&mut self.owes_end) {
            return Ok(Event::Data { bytes: Bytes::new(), is_last: true });
        }
        loop {
            while let Some(fragment) = self.waiting.pop_front() {
                if let Some(event) = self.assembler.push(fragment)? {
                    return Ok(event);
                }
            }
            match read_unit(&mut self.stream).await? {
                Pdu::Data(fragments) => self.waiting.extend(fragments),
                Pdu::Abort(reason) => return Err(DimseError::Aborted(reason)),
                Pdu::ReleaseRequest => return Err(DimseError::Protocol("a release in place of an answer")),
                Pdu::AssociateRequest(_) | Pdu::AssociateAccept(_) | Pdu::AssociateReject(_) | Pdu::ReleaseReply => {
                    return Err(DimseError::Protocol("an association unit in place of an answer"));
                }
            }
        }
    }

    /// A peer that aborts while we still send makes writing fail; its A-ABORT then says more.
    async fn reason_of_the_break(&mut self, error: DimseError) -> DimseError {
        // What broke was our own source; the peer has nothing to say about it.
        if matches!(error, DimseError::Encode(_)) {
            return error;
        }
        let last_word = tokio::time::timeout(Duration::from_secs(1), read_unit(&mut self.stream)).await;
        match (last_word, error) {
            (Ok(Ok(Pdu::Abort(reason))), DimseError::Lost(_)) => DimseError::Aborted(reason),
            (_, error) => error,
        }
    }

    /// Releases the association. The outcomes are known by now, so a peer that does not reply in time
    /// or breaks off changes nothing. PS3.8 §7.2, with the release collision of §7.2.2.5.
    pub(super) async fn release(mut self) {
        let released = within("reply to a release", self.limits.association, async {
            write(&mut self.stream, &Pdu::RELEASE_REQUEST, self.limits.send).await?;
            loop {
                match read_unit(&mut self.stream).await? {
                    Pdu::ReleaseReply | Pdu::Abort(_) => return Ok(()),
                    Pdu::ReleaseRequest => write(&mut self.stream, &Pdu::RELEASE_REPLY, self.limits.send).await?,
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
        abort(&mut self.stream, AbortReason::BY_USER).await;
    }
}

/// Whether `response` is the one to message `message_id`.
pub(super) fn check_answer(
    response: &Message,
    context_id: u8,
    message_id: u16,
    response_field: u16,
) -> Result<(), DimseError> {
    let answers = response.command.u16(element::RESPONDED_MESSAGE_ID) == Some(message_id)
        && response.command.field() == Some(response_field)
        && response.context_id == context_id;
    if answers { Ok(()) } else { Err(DimseError::Protocol("an answer to another request")) }
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

fn association_request(address: &Address, proposals: &Proposals) -> AssociateRequest {
    AssociateRequest {
        protocol_version: 1,
        called: AeField::of(&address.called_ae_title),
        calling: AeField::of(&address.calling_ae_title),
        application_context: APPLICATION_CONTEXT.to_owned(),
        contexts: proposals.contexts.clone(),
        user: UserInformation {
            max_pdu_bytes: Some(MAX_RECEIVED_BYTES),
            implementation_class_uid: Some(IMPLEMENTATION_CLASS_UID.to_owned()),
            implementation_version: Some(IMPLEMENTATION_VERSION_NAME.to_owned()),
            roles: proposals.roles.clone(),
            extended: Vec::new(),
        },
    }
}

/// Reads one unit whose length is within what we announced.
async fn read_unit(stream: &mut Pin<Box<dyn Stream>>) -> Result<Pdu, DimseError> {
    let lost = |error: std::io::Error| DimseError::lost(&error);
    let mut header = [0; Header::BYTES];
    stream.read_exact(&mut header).await.map_err(lost)?;
    let header = Header::parse(header, MAX_RECEIVED_BYTES, MAX_RECEIVED_BYTES)?;
    let mut body = vec![0; header.length()];
    stream.read_exact(&mut body).await.map_err(lost)?;
    Ok(header.body(body.into())?)
}

async fn write(stream: &mut Pin<Box<dyn Stream>>, bytes: &[u8], limit: Duration) -> Result<(), DimseError> {
    within("room to send", limit, async {
        stream.write_all(bytes).await.map_err(|error| DimseError::lost(&error))?;
        stream.flush().await.map_err(|error| DimseError::lost(&error))
    })
    .await
}

/// Sends A-ABORT with source and reason, as far as the peer still takes it, and closes.
async fn abort(stream: &mut Pin<Box<dyn Stream>>, reason: AbortReason) {
    let _ = write(stream, &reason.to_bytes(), Duration::from_secs(2)).await;
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

/// Greatest length of a unit that we take, and announce.
const MAX_RECEIVED_BYTES: u32 = 131_072;
/// What is gathered before it is written.
const WRITE_BYTES: usize = 128 << 10;
/// Greatest length of the data set of an answer: a match, or a list of instances that failed.
const MAX_ANSWER_BYTES: usize = 16 << 20;
