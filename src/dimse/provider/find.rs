//! Query: C-FIND in the Patient Root and Study Root models. PS3.4 §C.4.1, PS3.7 §9.1.2.

use dicom_core::VR;
use dicom_dictionary_std::tags;

use crate::dicom::dimse::{QueryModel, element};
use crate::dicom::element::{DataSet, put_text};
use crate::dicom::query::{Query, Root};
use crate::dimse::association::Request;
use crate::dimse::end::End;
use crate::dimse::status::{
    CANCELLED, Failure, MISMATCH, NOT_AUTHORIZED, OUT_OF_RESOURCES, PENDING, PENDING_WITH_UNSUPPORTED_KEYS, SUCCESS,
    UNABLE_TO_PROCESS,
};
use crate::ops::Error;
use crate::ops::studies::Found;

use super::{Session, with_data_set};

/// Answers with one pending response for each match.
pub(super) async fn find(session: &mut Session, request: &Request, model: QueryModel) -> Result<u16, End> {
    if let Err(failure) = Session::check(request, element::AFFECTED_SOP_CLASS, true) {
        session.association.drain().await?;
        return session.refuse(request, &failure).await;
    }
    let identifier = session.short_data_set(request, MISMATCH).await?;
    let mut query = match identifier.and_then(|identifier| query(&identifier, model)) {
        Ok(query) => query,
        Err(failure) => return session.refuse(request, &failure).await,
    };
    // PS3.4 table C.5.1-1: byte 3 is fuzzy matching of names.
    query.fuzzy = request.context.extended.get(2) == Some(&1);
    query.limit = PAGE;
    let most = session.shared.settings.max_matches;
    loop {
        let found = match session.ops().find_studies(&session.actor, &query).await {
            Ok(found) => found,
            Err(error) => return session.refuse(request, &failure(&error)).await,
        };
        let here = u64::try_from(found.rows.len()).unwrap_or(u64::MAX);
        let all = query.offset.saturating_add(here).saturating_add(found.more);
        if all > most {
            let failure = Failure::new(OUT_OF_RESOURCES, format!("{all} matches, at most {most} are answered"));
            return session.refuse(request, &failure).await;
        }
        match answer(session, request, &query, &found).await? {
            Ok(true) => {}
            Ok(false) => return session.answer(request, CANCELLED).await,
            Err(failure) => return session.refuse(request, &failure).await,
        }
        if found.more == 0 || found.rows.is_empty() {
            return session.answer(request, SUCCESS).await;
        }
        query.offset = query.offset.saturating_add(here);
    }
}

/// Sends the matches of a page; false if the query was cancelled.
async fn answer(
    session: &mut Session,
    request: &Request,
    query: &Query,
    found: &Found,
) -> Result<Result<bool, Failure>, End> {
    let status = if query.ignored.is_empty() { PENDING } else { PENDING_WITH_UNSUPPORTED_KEYS };
    let response = with_data_set(request, status);
    let mut units = Vec::new();
    for row in &found.rows {
        let mut data_set = row.data_set();
        put_text(&mut data_set, tags::QUERY_RETRIEVE_LEVEL, VR::CS, query.level.as_str());
        put_text(&mut data_set, tags::RETRIEVE_AE_TITLE, VR::AE, session.called.as_str());
        if data_set.get(tags::INSTANCE_AVAILABILITY).is_none() {
            put_text(&mut data_set, tags::INSTANCE_AVAILABILITY, VR::CS, "ONLINE");
        }
        let encoded = match Session::encoded(request, &data_set) {
            Ok(encoded) => encoded,
            Err(failure) => return Ok(Err(failure)),
        };
        session.association.append(&mut units, request.context.id, &response, Some(&encoded));
        if units.len() >= WRITE_BYTES {
            session.association.write(&units).await?;
            units.clear();
            if session.association.is_cancelled(request.message_id())? {
                return Ok(Ok(false));
            }
        }
    }
    session.association.write(&units).await?;
    Ok(Ok(!session.association.is_cancelled(request.message_id())?))
}

/// The query of an identifier.
fn query(identifier: &DataSet, model: QueryModel) -> Result<Query, Failure> {
    Query::from_identifier(identifier, root(model)).map_err(|error| Failure::new(MISMATCH, error.to_string()))
}

/// The information model as queries name it.
pub(super) fn root(model: QueryModel) -> Root {
    match model {
        QueryModel::PatientRoot => Root::Patient,
        QueryModel::StudyRoot => Root::Study,
    }
}

/// The failure of a query. PS3.4 table C.4-1.
pub(super) fn failure(error: &Error) -> Failure {
    let failure = Failure::from(error);
    let status = match failure.status {
        OUT_OF_RESOURCES | MISMATCH | NOT_AUTHORIZED => failure.status,
        _ => {
            tracing::error!(%error, "a query cannot be answered");
            UNABLE_TO_PROCESS
        }
    };
    Failure { status, ..failure }
}

/// Matches that are read at a time.
const PAGE: u64 = 500;
/// What is gathered before it is written.
const WRITE_BYTES: usize = 32 << 10;
