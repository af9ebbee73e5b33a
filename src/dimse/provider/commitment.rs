//! Storage commitment, push model: N-ACTION asks for it, N-EVENT-REPORT says what became of it. PS3.4 §J,
//! PS3.7 §10.1.1, §10.1.4. The request is a job before it is answered. Its report goes out on the same
//! association at once, if nothing else happens on it; whenever it is not acknowledged there, the job sends it
//! on an association of its own.

use crate::base::LogicalId;
use crate::dicom::dimse::{
    Command, CommitmentRequest, CommitmentResult, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, element,
};
use crate::dimse::association::Request;
use crate::dimse::end::End;
use crate::dimse::status::{Failure, INVALID_ARGUMENT, NO_SUCH_ACTION, NO_SUCH_INSTANCE, SUCCESS};

use super::{Session, syntax_of};

/// A report that was sent and not yet acknowledged.
#[derive(Debug, Clone)]
pub(super) struct Outstanding {
    /// The message id of the N-EVENT-REPORT.
    pub(super) message_id: u16,
    /// The job that would send it otherwise.
    job: LogicalId,
}

/// Takes a request for commitment.
pub(super) async fn action(session: &mut Session, request: &Request) -> Result<u16, End> {
    let information = session.short_data_set(request, INVALID_ARGUMENT).await?;
    let asked = check(request).and(information).and_then(|information| {
        CommitmentRequest::parse(&information).map_err(|error| Failure::new(INVALID_ARGUMENT, error.to_string()))
    });
    let asked = match asked {
        Ok(asked) => asked,
        Err(failure) => return session.refuse(request, &failure).await,
    };
    let job = session.ops().request_commitment(&session.actor, &session.calling, &session.called, &asked).await;
    let job = match job {
        Ok(job) => job,
        Err(error) => {
            tracing::error!(%error, "a storage commitment cannot be taken");
            return session.refuse(request, &Failure::from(&error)).await;
        }
    };
    session.answer(request, SUCCESS).await?;
    report(session, request, &asked, job).await?;
    Ok(SUCCESS)
}

fn check(request: &Request) -> Result<(), Failure> {
    Session::check(request, element::REQUESTED_SOP_CLASS, true)?;
    if request.command.text(element::REQUESTED_SOP_INSTANCE).as_deref() != Some(STORAGE_COMMITMENT_INSTANCE) {
        return Err(Failure::new(NO_SUCH_INSTANCE, "not the well-known instance"));
    }
    if request.command.u16(element::ACTION_TYPE) != Some(1) {
        return Err(Failure::new(NO_SUCH_ACTION, "no such action"));
    }
    Ok(())
}

/// Finds out what becomes of a request, and says so unless something else comes in the meantime.
async fn report(
    session: &mut Session,
    request: &Request,
    asked: &CommitmentRequest,
    job: LogicalId,
) -> Result<(), End> {
    if session.report.is_some() {
        return Ok(());
    }
    let (ops, actor) = (session.ops().clone(), session.actor.clone());
    let result = tokio::select! {
        biased;
        early = session.association.next_command() => {
            session.early = Some(early?);
            return Ok(());
        }
        result = ops.commitment_result(&actor.tenant, asked) => result,
    };
    let result: CommitmentResult = match result {
        Ok(result) => result,
        Err(error) => {
            tracing::warn!(%error, "a storage commitment is left to its job");
            return Ok(());
        }
    };
    let information = result.data_set(&session.called);
    let Ok(information) = crate::dicom::part10::encode(&information, syntax_of(request)) else { return Ok(()) };
    let message_id = session.association.message_id();
    let command =
        Command::event_report_request(message_id, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, result.event());
    session.association.send(request.context.id, &command, Some(&information)).await?;
    session.report = Some(Outstanding { message_id, job });
    Ok(())
}

/// The requestor has heard it, and the job has nothing left to do; or it has not, and the job has.
pub(super) async fn acknowledged(session: &Session, report: &Outstanding, status: Option<u16>) {
    if status != Some(SUCCESS) {
        return tracing::warn!("the report of a storage commitment was not acknowledged");
    }
    if let Err(error) = session.ops().commitment_is_known(&session.actor.tenant, &report.job).await {
        tracing::warn!(%error, "a storage commitment will be reported again");
    }
}
