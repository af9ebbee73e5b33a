//! The services: a request comes in, its provider answers it. One file for each.

mod commitment;
mod find;
mod get;
mod move_;
mod retrieve;
mod storage;
mod verification;

use std::sync::Arc;
use std::time::Instant;

use crate::access::Actor;
use crate::base::AeTitle;
use crate::dicom::dimse::{Command, PduError, Service, element, field};
use crate::dicom::element::DataSet;
use crate::dicom::part10::{self, ReadLimits, TransferSyntax};
use crate::ops::Ops;
use crate::telemetry::metric;

use super::association::{Association, Request};
use super::callers::Admitted;
use super::end::End;
use super::serve::Shared;
use super::status::{
    CANCELLED, CLASS_NOT_SUPPORTED, Failure, MISTYPED_ARGUMENT, PROCESSING_FAILURE, SUCCESS, UNRECOGNIZED_OPERATION,
};

/// An association and what is provided on it.
pub(super) struct Session {
    pub(super) association: Association,
    shared: Arc<Shared>,
    actor: Actor,
    calling: AeTitle,
    called: AeTitle,
    /// A report that is sent and not acknowledged.
    report: Option<commitment::Outstanding>,
    /// A request that came while something else was waited for.
    early: Option<Request>,
}

impl Session {
    pub(super) fn new(association: Association, shared: Arc<Shared>, actor: Actor, admitted: Admitted) -> Self {
        let Admitted { calling, called, .. } = admitted;
        Self { association, shared, actor, calling, called, report: None, early: None }
    }

    /// Provides services until the association ends.
    pub(super) async fn run(&mut self) -> End {
        loop {
            let request = match self.early.take() {
                Some(request) => Ok(request),
                None => self.association.command().await,
            };
            let provided = match request {
                Ok(request) => self.provide(request).await,
                Err(end) => Err(end),
            };
            if let Err(end) = provided {
                return end;
            }
        }
    }

    async fn provide(&mut self, request: Request) -> Result<(), End> {
        let (begun, service) = (Instant::now(), request.context.service);
        let command = request.command.field().ok_or(PduError::invalid("a command without Command Field"))?;
        if command & field::RESPONSE != 0 {
            return self.take_response(&request).await;
        }
        let status = match (command, service) {
            // The operation that it was for has ended in the meantime.
            (field::C_CANCEL_RQ, _) => return self.association.drain().await,
            _ if request.command.u16(element::MESSAGE_ID).is_none() => {
                return Err(PduError::invalid("a request without Message ID").into());
            }
            (field::C_ECHO_RQ, Service::Verification) => verification::echo(self, &request).await?,
            (field::C_STORE_RQ, Service::Storage) => Box::pin(storage::store(self, &request)).await?,
            (field::C_FIND_RQ, Service::Find(model)) => Box::pin(find::find(self, &request, model)).await?,
            (field::C_MOVE_RQ, Service::Move(model)) => Box::pin(move_::move_to(self, &request, model)).await?,
            (field::C_GET_RQ, Service::Get(model)) => Box::pin(get::get(self, &request, model)).await?,
            (field::N_ACTION_RQ, Service::StorageCommitment) => Box::pin(commitment::action(self, &request)).await?,
            _ => {
                self.association.drain().await?;
                self.refuse(&request, &Failure::new(UNRECOGNIZED_OPERATION, "unrecognized operation")).await?
            }
        };
        tracing::Span::current().record("dicom.status", tracing::field::display(format_args!("{status:04X}")));
        metrics::counter!(metric::DIMSE_OPERATIONS, "service" => service.as_str(), "outcome" => outcome(status))
            .increment(1);
        metrics::histogram!(metric::DIMSE_SECONDS, "service" => service.as_str()).record(begun.elapsed());
        Ok(())
    }

    /// The only answer that can come without being waited for is the one to a commitment's report.
    async fn take_response(&mut self, request: &Request) -> Result<(), End> {
        self.association.drain().await?;
        let answered = request.command.u16(element::RESPONDED_MESSAGE_ID);
        let is_report = request.command.field() == Some(field::N_EVENT_REPORT_RSP);
        match self.report.take_if(|report| is_report && Some(report.message_id) == answered) {
            Some(report) => {
                commitment::acknowledged(self, &report, request.command.u16(element::STATUS)).await;
                Ok(())
            }
            None => Err(PduError::unexpected("an answer to nothing").into()),
        }
    }

    fn ops(&self) -> &Ops {
        &self.shared.ops
    }

    /// Answers with a status and no data set.
    async fn answer(&mut self, request: &Request, status: u16) -> Result<u16, End> {
        self.association.send(request.context.id, &request.command.response(status), None).await?;
        Ok(status)
    }

    /// Answers with a failure.
    async fn refuse(&mut self, request: &Request, failure: &Failure) -> Result<u16, End> {
        let response = request.command.response(failure.status).with_comment(&failure.comment);
        self.association.send(request.context.id, &response, None).await?;
        Ok(failure.status)
    }

    /// Whether the command names the SOP class of its context, and comes with a data set as it must.
    fn check(request: &Request, sop_class: u16, wants_data_set: bool) -> Result<(), Failure> {
        if request.command.text(sop_class).as_deref() != Some(request.context.sop_class_uid.as_str()) {
            return Err(Failure::new(CLASS_NOT_SUPPORTED, "SOP class is not the one of the context"));
        }
        if request.command.has_data_set() != wants_data_set {
            let comment = if wants_data_set { "data set is missing" } else { "there must be no data set" };
            return Err(Failure::new(MISTYPED_ARGUMENT, comment));
        }
        Ok(())
    }

    /// The data set of a request, in memory: an identifier, or references.
    async fn short_data_set(&mut self, request: &Request, wrong: u16) -> Result<Result<DataSet, Failure>, End> {
        let Some(bytes) = self.association.data_set(MAX_SHORT_BYTES).await? else {
            return Ok(Err(Failure::new(wrong, "data set is too long")));
        };
        let read = part10::read_data_set(&bytes, syntax_of(request), &SHORT);
        Ok(read.map(|read| read.data_set).map_err(|error| Failure::new(wrong, error.to_string())))
    }

    /// A data set of ours, as the context of the request wants it.
    fn encoded(request: &Request, data_set: &DataSet) -> Result<Vec<u8>, Failure> {
        part10::encode(data_set, syntax_of(request)).map_err(|error| {
            tracing::error!(%error, "an answer cannot be encoded");
            Failure::new(PROCESSING_FAILURE, "")
        })
    }
}

/// The syntax of a context that is not for storage; only these two are accepted.
fn syntax_of(request: &Request) -> TransferSyntax {
    TransferSyntax::of_uid(&request.context.transfer_syntax_uid).unwrap_or(TransferSyntax::ImplicitVrLittleEndian)
}

/// The word for a status in metrics.
fn outcome(status: u16) -> &'static str {
    match status {
        SUCCESS => "success",
        CANCELLED => "cancelled",
        0xB000..=0xBFFF => "warning",
        _ => "failure",
    }
}

/// A response to `request` with a data set behind it.
fn with_data_set(request: &Request, status: u16) -> Command {
    request.command.response(status).followed_by_data_set()
}

/// Greatest length of an identifier; a list of 65,535 UIDs stays below.
const MAX_SHORT_BYTES: usize = 8 << 20;
/// What an identifier may hold.
const SHORT: ReadLimits = ReadLimits { max_bytes: MAX_SHORT_BYTES, max_depth: 16, max_elements: 400_000 };
