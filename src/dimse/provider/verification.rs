//! Verification: C-ECHO. PS3.4 §A, PS3.7 §9.1.5.

use crate::dicom::dimse::element;
use crate::dimse::association::Request;
use crate::dimse::end::End;
use crate::dimse::status::SUCCESS;

use super::Session;

/// Answers that we are here.
pub(super) async fn echo(session: &mut Session, request: &Request) -> Result<u16, End> {
    session.association.drain().await?;
    match Session::check(request, element::AFFECTED_SOP_CLASS, false) {
        Ok(()) => session.answer(request, SUCCESS).await,
        Err(failure) => session.refuse(request, &failure).await,
    }
}
