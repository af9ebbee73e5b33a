//! A socket that sends what a test wants, right or wrong.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use causeway::dicom::dimse::{
    APPLICATION_CONTEXT, AbortReason, AeField, Assembler, AssociateAccept, AssociateRequest, Command, ContextAnswer,
    ContextProposal, ContextResult, Event, Header, IMPLICIT_LE, Message, Pdu, Rejection, UserInformation,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::title;

pub(super) const VERIFICATION: &str = "1.2.840.10008.1.1";
pub(super) const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

pub(super) struct Raw {
    pub(super) socket: TcpStream,
    assembler: Assembler,
    waiting: std::collections::VecDeque<causeway::dicom::dimse::Fragment>,
}

/// How the other side ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Abort(AbortReason),
    Rejected(Rejection),
    Released,
    Closed,
}

/// A request for Verification in context 1 and CT storage in context 3.
pub(super) fn request() -> AssociateRequest {
    let context = |id, class: &str| ContextProposal {
        id,
        abstract_syntax: class.to_owned(),
        transfer_syntaxes: vec![IMPLICIT_LE.to_owned()],
    };
    AssociateRequest {
        protocol_version: 1,
        called: AeField::of(&title("CAUSEWAY")),
        calling: AeField::of(&title("RAW")),
        application_context: APPLICATION_CONTEXT.to_owned(),
        contexts: vec![context(1, VERIFICATION), context(3, CT)],
        user: UserInformation { max_pdu_bytes: Some(16_384), ..UserInformation::default() },
    }
}

impl Raw {
    pub(super) async fn connect(address: SocketAddr) -> Self {
        Self::of(TcpStream::connect(address).await.expect("connects"))
    }

    pub(super) fn of(socket: TcpStream) -> Self {
        socket.set_nodelay(true).expect("is set");
        Self { socket, assembler: Assembler::default(), waiting: std::collections::VecDeque::new() }
    }

    /// Accepts all that is proposed.
    pub(super) async fn accept(&mut self, request: &AssociateRequest, transfer_syntax: &str) {
        let contexts = request.contexts.iter().map(|context| ContextAnswer {
            id: context.id,
            result: ContextResult::ACCEPTED,
            transfer_syntax: transfer_syntax.to_owned(),
        });
        let accept = AssociateAccept {
            called: request.called,
            calling: request.calling,
            contexts: contexts.collect(),
            user: UserInformation { roles: request.user.roles.clone(), ..UserInformation::default() },
        };
        self.send(&accept.to_bytes().expect("fits")).await;
    }

    /// An association for [`request`].
    pub(super) async fn associated(address: SocketAddr) -> Self {
        let mut raw = Self::connect(address).await;
        raw.send(&request().to_bytes().expect("fits")).await;
        assert!(matches!(raw.unit().await, Some(Pdu::AssociateAccept(_))));
        raw
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        // The other side may have had enough already.
        let _sent_or_not = self.socket.write_all(bytes).await;
    }

    /// The next unit; `None` when the connection ends.
    pub(super) async fn unit(&mut self) -> Option<Pdu> {
        let reading = async {
            let mut header = [0; Header::BYTES];
            self.socket.read_exact(&mut header).await.ok()?;
            let header = Header::parse(header, 1 << 20, 1 << 20).expect("a unit");
            let mut body = vec![0; header.length()];
            self.socket.read_exact(&mut body).await.ok()?;
            Some(header.body(Bytes::from(body)).expect("a good unit"))
        };
        tokio::time::timeout(Duration::from_secs(20), reading).await.expect("something comes in time")
    }

    /// The next message.
    pub(super) async fn message(&mut self) -> Message {
        let mut begun: Option<Message> = None;
        loop {
            while let Some(fragment) = self.waiting.pop_front() {
                match self.assembler.push(fragment).expect("a good fragment") {
                    None => {}
                    Some(Event::Command { context_id, command }) => {
                        let message = Message { context_id, command, data_set: Vec::new() };
                        if !message.command.has_data_set() {
                            return message;
                        }
                        begun = Some(message);
                    }
                    Some(Event::Data { bytes, is_last }) => {
                        let mut message = begun.take().expect("a command first");
                        message.data_set.extend_from_slice(&bytes);
                        if is_last {
                            return message;
                        }
                        begun = Some(message);
                    }
                }
            }
            match self.unit().await {
                Some(Pdu::Data(fragments)) => self.waiting.extend(fragments),
                other => panic!("a message, not {other:?}"),
            }
        }
    }

    /// How it ends, whatever else comes before.
    pub(super) async fn end(&mut self) -> Ended {
        loop {
            match self.unit().await {
                None => return Ended::Closed,
                Some(Pdu::Abort(reason)) => return Ended::Abort(reason),
                Some(Pdu::AssociateReject(rejection)) => return Ended::Rejected(rejection),
                Some(Pdu::ReleaseReply) => return Ended::Released,
                Some(_) => {}
            }
        }
    }

    /// Sends a message in one unit for each part.
    pub(super) async fn send_message(&mut self, context_id: u8, command: &Command, data_set: Option<&[u8]>) {
        self.send(&unit(&[value(context_id, 3, &command.to_bytes())])).await;
        if let Some(data_set) = data_set {
            self.send(&unit(&[value(context_id, 2, data_set)])).await;
        }
    }
}

/// A P-DATA-TF of these values.
pub(super) fn unit(values: &[Vec<u8>]) -> Vec<u8> {
    let body = values.concat();
    let mut out = vec![4, 0];
    out.extend_from_slice(&u32::try_from(body.len()).expect("short").to_be_bytes());
    out.extend_from_slice(&body);
    out
}

/// A presentation data value.
pub(super) fn value(context_id: u8, control: u8, data: &[u8]) -> Vec<u8> {
    let mut out = u32::try_from(data.len() + 2).expect("short").to_be_bytes().to_vec();
    out.extend_from_slice(&[context_id, control]);
    out.extend_from_slice(data);
    out
}
