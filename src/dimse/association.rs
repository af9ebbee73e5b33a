//! An association as its acceptor: events in, messages out (PS3.8 §7.3, §9.3.5; PS3.7 §6.3). Data sets are
//! given piece by piece to whoever asks for the next one, so that a slow disk slows the sender.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

use crate::base::AeTitle;
use crate::dicom::dimse::{Assembler, Command, Context, Event, Fragment, Fragmenter, Pdu, PduError, element, field};

use super::end::End;
use super::wire::Wire;

/// An association that was accepted.
pub(super) struct Association {
    wire: Wire,
    contexts: Vec<Context>,
    assembler: Assembler,
    waiting: VecDeque<Fragment>,
    max_fragment_bytes: usize,
    timeouts: Timeouts,
    stopping: CancellationToken,
    next_message_id: u16,
    /// Bytes of data sets that came.
    received_bytes: u64,
}

/// What an accepted association begins with.
pub(super) struct Accepted {
    /// The connection.
    pub(super) wire: Wire,
    /// Contexts that were accepted.
    pub(super) contexts: Vec<Context>,
    /// The longest piece that the requestor takes.
    pub(super) max_fragment_bytes: usize,
    /// How long to wait.
    pub(super) timeouts: Timeouts,
    /// Says when the gateway stops.
    pub(super) stopping: CancellationToken,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// Between messages.
    pub(super) idle: Duration,
    /// Within a message, and for an answer.
    pub(super) message: Duration,
}

/// A command with the context that it came on.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// The context.
    pub(super) context: Context,
    /// The command set.
    pub(super) command: Command,
}

impl Association {
    pub(super) fn new(accepted: Accepted) -> Self {
        let Accepted { wire, contexts, max_fragment_bytes, timeouts, stopping } = accepted;
        Self {
            wire,
            contexts,
            assembler: Assembler::default(),
            waiting: VecDeque::new(),
            max_fragment_bytes,
            timeouts,
            stopping,
            next_message_id: 1,
            received_bytes: 0,
        }
    }

    /// The contexts that were accepted.
    pub(super) fn contexts(&self) -> &[Context] {
        &self.contexts
    }

    /// Bytes of data sets that came so far.
    pub(super) fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    /// Waits for the next command, between messages. A gateway that stops waits for no more.
    pub(super) async fn command(&mut self) -> Result<Request, End> {
        let stopping = self.stopping.clone();
        let idle = self.timeouts.idle;
        tokio::select! {
            biased;
            () = stopping.cancelled() => Err(End::Stopping),
            event = tokio::time::timeout(idle, self.event()) => {
                self.request(event.map_err(|_elapsed| End::Timeout("request"))??)
            }
        }
    }

    /// Waits for the answer to a message of ours, whatever came before it being an error but a C-CANCEL.
    pub(super) async fn response(&mut self) -> Result<Request, End> {
        let limit = self.timeouts.message;
        let event = tokio::time::timeout(limit, self.event()).await;
        self.request(event.map_err(|_elapsed| End::Timeout("answer"))??)
    }

    /// The next command. It may be broken off at any time and loses nothing.
    pub(super) async fn next_command(&mut self) -> Result<Request, End> {
        let event = self.event().await?;
        self.request(event)
    }

    /// Whether the requestor has cancelled the operation that it asked for with `message_id`. Anything else
    /// may not come while the operation goes on, since no operations were negotiated to run beside each
    /// other (PS3.7 §D.3.3.3).
    pub(super) fn is_cancelled(&mut self, message_id: u16) -> Result<bool, End> {
        match self.next_command().now_or_never() {
            None => Ok(false),
            Some(request) => cancels(&request?.command, message_id).map(|()| true),
        }
    }

    /// The next piece of the data set of the last command; `None` behind the last one.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, End> {
        if !self.assembler.is_within_message() {
            return Ok(None);
        }
        let limit = self.timeouts.message;
        match tokio::time::timeout(limit, self.event()).await.map_err(|_elapsed| End::Timeout("data"))?? {
            Event::Data { bytes, .. } => {
                self.received_bytes += bytes.len() as u64;
                Ok(Some(bytes))
            }
            Event::Command { .. } => Err(PduError::unexpected("a command within a data set").into()),
        }
    }

    /// Reads the rest of a data set and forgets it.
    pub(super) async fn drain(&mut self) -> Result<(), End> {
        while self.piece().await?.is_some() {}
        Ok(())
    }

    /// The data set of the last command; `None` if it is longer than `limit`, then it was read nevertheless.
    pub(super) async fn data_set(&mut self, limit: usize) -> Result<Option<Vec<u8>>, End> {
        let (mut bytes, mut fits) = (Vec::new(), true);
        while let Some(piece) = self.piece().await? {
            fits &= bytes.len() + piece.len() <= limit;
            if fits {
                bytes.extend_from_slice(&piece);
            }
        }
        Ok(fits.then_some(bytes))
    }

    /// Sends a message.
    pub(super) async fn send(&mut self, context_id: u8, command: &Command, data_set: Option<&[u8]>) -> Result<(), End> {
        let mut units = Vec::with_capacity(256);
        self.append(&mut units, context_id, command, data_set);
        self.wire.write(&units).await
    }

    /// Appends the units of a message, to be written together with others.
    pub(super) fn append(&self, units: &mut Vec<u8>, context_id: u8, command: &Command, data_set: Option<&[u8]>) {
        let mut fragmenter = Fragmenter::command(context_id, self.max_fragment_bytes);
        fragmenter.push(&command.to_bytes(), units);
        fragmenter.finish(units);
        if let Some(data_set) = data_set {
            let mut fragmenter = Fragmenter::data_set(context_id, self.max_fragment_bytes);
            fragmenter.push(data_set, units);
            fragmenter.finish(units);
        }
    }

    /// What cuts a data set into units that the requestor takes.
    pub(super) fn fragmenter(&self, context_id: u8) -> Fragmenter {
        Fragmenter::data_set(context_id, self.max_fragment_bytes)
    }

    /// Writes units that [`Association::fragmenter`] has made.
    pub(super) async fn write(&mut self, units: &[u8]) -> Result<(), End> {
        self.wire.write(units).await
    }

    /// A message id for a request of ours.
    pub(super) fn message_id(&mut self) -> u16 {
        let id = self.next_message_id;
        self.next_message_id = id.checked_add(1).unwrap_or(1);
        id
    }

    /// The connection, for its end.
    pub(super) fn into_wire(self) -> Wire {
        self.wire
    }

    async fn event(&mut self) -> Result<Event, End> {
        loop {
            while let Some(fragment) = self.waiting.pop_front() {
                if let Some(event) = self.assembler.push(fragment)? {
                    return Ok(event);
                }
            }
            match self.wire.read().await? {
                Pdu::Data(fragments) => self.waiting.extend(fragments),
                Pdu::ReleaseRequest => return Err(End::Release),
                Pdu::Abort(reason) => return Err(End::Aborted(reason)),
                Pdu::AssociateRequest(_) | Pdu::AssociateAccept(_) | Pdu::AssociateReject(_) | Pdu::ReleaseReply => {
                    return Err(PduError::unexpected("an association unit within an association").into());
                }
            }
        }
    }

    fn request(&self, event: Event) -> Result<Request, End> {
        let Event::Command { context_id, command } = event else {
            return Err(PduError::unexpected("a data set without a command").into());
        };
        let context = self.contexts.iter().find(|context| context.id == context_id).cloned();
        let context = context.ok_or(PduError::invalid("a message on a context that was not accepted"))?;
        Ok(Request { context, command })
    }
}

impl Request {
    /// The message id.
    pub(super) fn message_id(&self) -> u16 {
        self.command.u16(element::MESSAGE_ID).unwrap_or_default()
    }

    /// Who had the instance moved, if this is a C-STORE that comes of a C-MOVE.
    pub(super) fn originator(&self) -> Option<AeTitle> {
        AeTitle::parse(&self.command.text(element::MOVE_ORIGINATOR)?).ok()
    }
}

/// Whether `command` cancels the operation of `message_id`; anything else may not come now.
pub(super) fn cancels(command: &Command, message_id: u16) -> Result<(), End> {
    let is_cancel = command.field() == Some(field::C_CANCEL_RQ)
        && command.u16(element::RESPONDED_MESSAGE_ID) == Some(message_id)
        && !command.has_data_set();
    if is_cancel { Ok(()) } else { Err(PduError::unexpected("a request before the answer to the last one").into()) }
}
