//! A storage peer in the same process, on dicom-ul's units, that behaves as a test tells it to.

use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use dicom_ul::Pdu;
use dicom_ul::association::read_pdu_from_wire_async;
use dicom_ul::pdu::{
    AssociationAC, AssociationRJ, AssociationRJResult, AssociationRJServiceUserReason, AssociationRJSource,
    AssociationRQ, PDataValue, PDataValueType, PresentationContextProposed, PresentationContextResult,
    PresentationContextResultReason, UserVariableItem, write_pdu,
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::dicom::dimse::{Command, element};

/// What the peer does with the n-th message of an association.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reply {
    Status(u16),
    StatusWithComment(u16, &'static str),
    StatusInPiecesOfOneByte(u16),
    AnswerToAnotherMessage,
    DataWithoutCommand,
    Abort,
    Close,
    Silence,
}

/// How the peer answers an association request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Greeting {
    Accept,
    Reject { transient: bool },
    Silence,
    Close,
    Garbage,
}

/// The transfer syntax of a proposed context that a peer accepts; `None` rejects the context.
pub(super) type Choice = fn(&PresentationContextProposed) -> Option<String>;

#[derive(Clone)]
pub(super) struct Scp {
    pub(super) greeting: Greeting,
    pub(super) choose: Choice,
    pub(super) replies: Vec<Reply>,
    pub(super) max_pdu_bytes: u32,
    pub(super) tls: Option<tokio_rustls::TlsAcceptor>,
    pub(super) seen: Arc<Mutex<Seen>>,
}

/// What the peer was sent.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) requests: Vec<AssociationRQ>,
    /// Context id, command set and data set of each message.
    pub(super) messages: Vec<(u8, Command, Vec<u8>)>,
    /// The longest P-DATA-TF body.
    pub(super) longest_unit: usize,
    pub(super) released: usize,
    pub(super) aborted: usize,
}

impl Scp {
    /// Accepts everything in the first transfer syntax proposed, and answers with these statuses.
    pub(super) fn new(replies: &[Reply]) -> Self {
        Self {
            greeting: Greeting::Accept,
            choose: |proposed| proposed.transfer_syntaxes.first().cloned(),
            replies: replies.to_vec(),
            max_pdu_bytes: 16_384,
            tls: None,
            seen: Arc::default(),
        }
    }

    /// Listens until the test ends; gives the port.
    pub(super) async fn listen(&self) -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("binds");
        let port = listener.local_addr().expect("bound").port();
        let scp = self.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let scp = scp.clone();
                tokio::spawn(async move {
                    match &scp.tls {
                        None => scp.serve(socket).await,
                        Some(acceptor) => {
                            if let Ok(socket) = acceptor.accept(socket).await {
                                scp.serve(socket).await;
                            }
                        }
                    }
                });
            }
        });
        port
    }

    async fn serve(&self, mut socket: impl AsyncRead + AsyncWrite + Unpin) {
        let mut buffer = BytesMut::new();
        let Ok(Pdu::AssociationRQ(request)) = read_pdu_from_wire_async(&mut socket, &mut buffer, 1 << 20, true).await
        else {
            return;
        };
        self.seen.lock().expect("not poisoned").requests.push(request.clone());
        match self.greeting {
            Greeting::Accept => write(&mut socket, &self.acceptance(&request)).await,
            Greeting::Reject { transient } => {
                let result = if transient { AssociationRJResult::Transient } else { AssociationRJResult::Permanent };
                let reason = AssociationRJServiceUserReason::CalledAETitleNotRecognized;
                let source = AssociationRJSource::ServiceUser(reason);
                return write(&mut socket, &Pdu::AssociationRJ(AssociationRJ { result, source })).await;
            }
            Greeting::Silence => return tokio::time::sleep(std::time::Duration::from_mins(1)).await,
            Greeting::Close => return,
            Greeting::Garbage => {
                let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
                return;
            }
        }
        let (mut command, mut data_set, mut answered) = (Vec::new(), Vec::new(), 0);
        while let Ok(pdu) = read_pdu_from_wire_async(&mut socket, &mut buffer, 1 << 20, true).await {
            let values = match pdu {
                Pdu::PData { data } => data,
                Pdu::ReleaseRQ => {
                    self.seen.lock().expect("not poisoned").released += 1;
                    return write(&mut socket, &Pdu::ReleaseRP).await;
                }
                _ => {
                    self.seen.lock().expect("not poisoned").aborted += 1;
                    return;
                }
            };
            let length: usize = values.iter().map(|value| value.data.len() + 6).sum();
            {
                let mut seen = self.seen.lock().expect("not poisoned");
                seen.longest_unit = seen.longest_unit.max(length);
            }
            for value in values {
                let of_command = value.value_type == PDataValueType::Command;
                if of_command { &mut command } else { &mut data_set }.extend_from_slice(&value.data);
                if !value.is_last || (of_command && Command::parse(&command).expect("a command").has_data_set()) {
                    continue;
                }
                let request = Command::parse(&std::mem::take(&mut command)).expect("a command");
                let id = value.presentation_context_id;
                let message = (id, request.clone(), std::mem::take(&mut data_set));
                self.seen.lock().expect("not poisoned").messages.push(message);
                let reply = self.replies.get(answered).or(self.replies.last()).copied().expect("a reply");
                answered += 1;
                if !reply.send(&mut socket, id, &request).await {
                    return;
                }
            }
        }
    }

    fn acceptance(&self, request: &AssociationRQ) -> Pdu {
        let result = |proposed: &PresentationContextProposed| {
            let chosen = (self.choose)(proposed);
            PresentationContextResult {
                id: proposed.id,
                reason: match chosen {
                    Some(_) => PresentationContextResultReason::Acceptance,
                    None => PresentationContextResultReason::AbstractSyntaxNotSupported,
                },
                transfer_syntax: chosen.unwrap_or_else(|| "1.2.840.10008.1.2".to_owned()),
            }
        };
        Pdu::AssociationAC(AssociationAC {
            protocol_version: 1,
            calling_ae_title: request.calling_ae_title.clone(),
            called_ae_title: request.called_ae_title.clone(),
            application_context_name: request.application_context_name.clone(),
            presentation_contexts: request.presentation_contexts.iter().map(result).collect(),
            user_variables: vec![
                UserVariableItem::MaxLength(self.max_pdu_bytes),
                UserVariableItem::ImplementationVersionName("TESTPEER".to_owned()),
            ],
        })
    }
}

impl Reply {
    /// Sends the reply; false if the association is over.
    async fn send(self, socket: &mut (impl AsyncWrite + Unpin), id: u8, request: &Command) -> bool {
        let respond = |status, message_id| {
            let request_field = request.u16(element::COMMAND_FIELD).expect("a field");
            Command::default()
                .with_u16(element::COMMAND_FIELD, request_field | 0x8000)
                .with_u16(element::RESPONDED_MESSAGE_ID, message_id)
                .with_u16(element::DATA_SET_TYPE, 0x0101)
                .with_u16(element::STATUS, status)
        };
        let message_id = request.u16(element::MESSAGE_ID).expect("an id");
        let value = |value_type, is_last, data: &[u8]| PDataValue {
            presentation_context_id: id,
            value_type,
            is_last,
            data: data.to_vec(),
        };
        let whole = |command: Command| vec![value(PDataValueType::Command, true, &command.to_bytes())];
        let data = match self {
            Self::Status(status) => whole(respond(status, message_id)),
            Self::StatusWithComment(status, comment) => {
                whole(respond(status, message_id).with_uid(element::ERROR_COMMENT, comment))
            }
            Self::StatusInPiecesOfOneByte(status) => {
                let bytes = respond(status, message_id).to_bytes();
                for (index, byte) in bytes.iter().enumerate() {
                    let data = vec![value(PDataValueType::Command, index + 1 == bytes.len(), &[*byte])];
                    write(socket, &Pdu::PData { data }).await;
                }
                return true;
            }
            Self::AnswerToAnotherMessage => whole(respond(0, message_id.wrapping_add(7))),
            Self::DataWithoutCommand => vec![value(PDataValueType::Data, true, b"x")],
            Self::Abort => {
                let source = dicom_ul::pdu::AbortRQSource::ServiceUser;
                write(socket, &Pdu::AbortRQ { source }).await;
                return false;
            }
            Self::Close => return false,
            Self::Silence => {
                tokio::time::sleep(std::time::Duration::from_mins(1)).await;
                return false;
            }
        };
        write(socket, &Pdu::PData { data }).await;
        true
    }
}

async fn write(socket: &mut (impl AsyncWrite + Unpin), pdu: &Pdu) {
    let mut bytes = Vec::new();
    write_pdu(&mut bytes, pdu).expect("writes");
    let _ = socket.write_all(&bytes).await;
    let _ = socket.flush().await;
}
