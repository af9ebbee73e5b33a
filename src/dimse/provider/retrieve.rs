//! What C-MOVE and C-GET have in common: the instances that an identifier names, the counts of their
//! sub-operations, and the final response. PS3.4 §C.4.2, §C.4.3.

use bytes::Bytes;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use futures_util::stream::{BoxStream, StreamExt as _};

use crate::access::Actor;
use crate::base::Uid;
use crate::dicom::dimse::{Command, QueryModel, Suboperations};
use crate::dicom::element::{DataSet, put_text};
use crate::dicom::query::{Level, Matching, Query, StudyScope};
use crate::dicom::status::StoreClass;
use crate::dimse::association::Request;
use crate::dimse::end::End;
use crate::dimse::status::{CANCELLED, Failure, MISMATCH, NO_SUBOPERATIONS, PENDING, SUBOPERATION_FAILURES, SUCCESS};
use crate::ops::studies::HeldInstance;
use crate::ops::{Error, Ops};

use super::find::{failure, root};
use super::{Session, with_data_set};

/// How the sub-operations go.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    pub(super) remaining: usize,
    completed: usize,
    warning: usize,
    failed: Vec<Uid>,
}

impl Progress {
    pub(super) fn new(remaining: usize) -> Self {
        Self { remaining, ..Self::default() }
    }

    /// One more is done.
    pub(super) fn count(&mut self, instance: &HeldInstance, class: StoreClass) {
        self.remaining = self.remaining.saturating_sub(1);
        match class {
            StoreClass::Success => self.completed += 1,
            StoreClass::Warning => self.warning += 1,
            StoreClass::Refused | StoreClass::Failed | StoreClass::NotAccepted | StoreClass::Unanswered => {
                self.failed.push(instance.sop_instance_uid.clone());
            }
        }
    }

    fn counts(&self, tells_remaining: bool) -> Suboperations {
        let count = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        Suboperations {
            remaining: tells_remaining.then(|| count(self.remaining)),
            completed: count(self.completed),
            failed: count(self.failed.len()),
            warning: count(self.warning),
        }
    }

    /// A pending response.
    pub(super) fn pending(&self, request: &Request) -> Command {
        request.command.response(PENDING).with_suboperations(self.counts(true))
    }

    /// The final response, and the identifier that goes with it.
    fn last(&self, request: &Request, is_cancelled: bool) -> (u16, Command, Option<DataSet>) {
        let status = if is_cancelled {
            CANCELLED
        } else if self.completed + self.warning == 0 && !self.failed.is_empty() {
            NO_SUBOPERATIONS
        } else if self.warning > 0 || !self.failed.is_empty() {
            SUBOPERATION_FAILURES
        } else {
            SUCCESS
        };
        let counts = self.counts(is_cancelled);
        if self.failed.is_empty() {
            return (status, request.command.response(status).with_suboperations(counts), None);
        }
        let uids: Vec<&str> = self.failed.iter().map(Uid::as_str).collect();
        let uids = uids.join("\\");
        // A list that is too long for the length field of UI is of unknown VR (PS3.5 §6.2.2, note 5).
        let vr = if uids.len() < usize::from(u16::MAX) { VR::UI } else { VR::UN };
        let mut identifier = DataSet::new_empty();
        put_text(&mut identifier, tags::FAILED_SOP_INSTANCE_UID_LIST, vr, uids);
        (status, with_data_set(request, status).with_suboperations(counts), Some(identifier))
    }
}

impl Session {
    /// Sends the final response of a retrieval.
    pub(super) async fn end_retrieval(
        &mut self,
        request: &Request,
        progress: &Progress,
        is_cancelled: bool,
    ) -> Result<u16, End> {
        let (status, response, identifier) = progress.last(request, is_cancelled);
        let identifier = match identifier.map(|identifier| Self::encoded(request, &identifier)).transpose() {
            Ok(identifier) => identifier,
            Err(failure) => return self.refuse(request, &failure).await,
        };
        self.association.send(request.context.id, &response, identifier.as_deref()).await?;
        Ok(status)
    }

    /// The instances that the identifier of a request names, in order. None is no failure.
    pub(super) async fn wanted(
        &mut self,
        request: &Request,
        model: QueryModel,
    ) -> Result<Result<Vec<HeldInstance>, Failure>, End> {
        let identifier = match self.short_data_set(request, MISMATCH).await? {
            Ok(identifier) => identifier,
            Err(failure) => return Ok(Err(failure)),
        };
        let selected = select(&identifier, model);
        match selected {
            Ok(query) => Ok(instances(self.ops(), &self.actor, &query).await),
            Err(failure) => Ok(Err(failure)),
        }
    }
}

/// The query of an identifier of a retrieval: unique keys alone (PS3.4 §C.4.2.1.4.1), and in the Study Root
/// model the Patient ID, which some send along.
fn select(identifier: &DataSet, model: QueryModel) -> Result<Query, Failure> {
    let wrong = |detail: String| Failure::new(MISMATCH, detail);
    for element in identifier {
        let tag = element.header().tag;
        let is_key = UNIQUE_KEYS.contains(&tag) || NO_KEYS.contains(&tag) || tag.element() == 0;
        if !is_key && !element.value().is_empty_value() {
            return Err(wrong(format!("{tag} is no key of a retrieval")));
        }
    }
    let mut query = Query::from_identifier(identifier, root(model)).map_err(|error| wrong(error.to_string()))?;
    let unique = match query.level {
        Level::Patient => tags::PATIENT_ID,
        Level::Study => tags::STUDY_INSTANCE_UID,
        Level::Series => tags::SERIES_INSTANCE_UID,
        Level::Instance => tags::SOP_INSTANCE_UID,
    };
    query.keys.retain(|key| key.path.len() == 1 && key.path.iter().all(|tag| UNIQUE_KEYS.contains(tag)));
    let is_named = query.matching(unique).is_some_and(|matching| match matching {
        Matching::Single(_) => true,
        Matching::Uids(uids) => !uids.is_empty(),
        _ => false,
    });
    if !is_named {
        return Err(wrong(format!("{unique} must name what is wanted")));
    }
    // Patients are retrieved study by study.
    query.level = query.level.max(Level::Study);
    Ok(query)
}

/// The instances below what a query finds.
async fn instances(ops: &Ops, actor: &Actor, query: &Query) -> Result<Vec<HeldInstance>, Failure> {
    let mut scopes = Vec::new();
    match scopes_by_uid(query) {
        Some(named) => scopes = named,
        None => {
            let mut page = Query { limit: PAGE, ..query.clone() };
            loop {
                let found = ops.find_studies(actor, &page).await.map_err(|error| failure(&error))?;
                page.offset = page.offset.saturating_add(u64::try_from(found.rows.len()).unwrap_or(u64::MAX));
                let is_last = found.more == 0 || found.rows.is_empty();
                scopes.extend(found.rows.into_iter().filter_map(|row| {
                    let (series, instance) = (row.series_instance_uid, row.sop_instance_uid);
                    row.study_instance_uid.map(|study| StudyScope { study, series, instance })
                }));
                if is_last {
                    break;
                }
            }
        }
    }
    let mut instances = Vec::new();
    for scope in &scopes {
        match ops.held_instances(actor, scope).await {
            Ok(held) => instances.extend(held),
            Err(Error::NotFound | Error::Gone) => {}
            Err(error) => return Err(failure(&error)),
        }
    }
    Ok(instances)
}

/// The scopes that UIDs alone name; `None` if a patient has to be looked at.
fn scopes_by_uid(query: &Query) -> Option<Vec<StudyScope>> {
    if query.matching(tags::PATIENT_ID).is_some_and(|matching| *matching != Matching::Universal) {
        return None;
    }
    let uids = |tag: Tag| match query.matching(tag) {
        Some(Matching::Uids(uids)) => Some(uids.as_slice()),
        _ => None,
    };
    let (studies, series) = (uids(tags::STUDY_INSTANCE_UID)?, uids(tags::SERIES_INSTANCE_UID));
    let [study] = studies else {
        return (query.level == Level::Study).then(|| studies.iter().cloned().map(StudyScope::study).collect());
    };
    let scope = |series: Option<&Uid>, instance: Option<&Uid>| StudyScope {
        study: study.clone(),
        series: series.cloned(),
        instance: instance.cloned(),
    };
    Some(match query.level {
        Level::Patient | Level::Study => vec![scope(None, None)],
        Level::Series => series?.iter().map(|series| scope(Some(series), None)).collect(),
        Level::Instance => {
            let series = series?.first();
            uids(tags::SOP_INSTANCE_UID)?.iter().map(|instance| scope(series, Some(instance))).collect()
        }
    })
}

/// The data set of an instance, as it came.
pub(super) async fn data_set(
    ops: &Ops,
    actor: &Actor,
    held: &HeldInstance,
) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
    let blob = ops.open_instance(actor, held, Some(held.data_set_offset..held.blob.size)).await?;
    Ok(blob.body.map(|piece| piece.map_err(Error::from)).boxed())
}

/// Whether an element has no value; such keys ask for nothing.
trait Emptiness {
    fn is_empty_value(&self) -> bool;
}

impl Emptiness for dicom_core::value::Value<DataSet> {
    fn is_empty_value(&self) -> bool {
        match self {
            Self::Primitive(value) => value.to_raw_str().trim_matches([' ', '\0']).is_empty(),
            Self::Sequence(sequence) => {
                sequence.items().iter().all(|item| item.into_iter().all(|element| element.value().is_empty_value()))
            }
            Self::PixelSequence(_) => false,
        }
    }
}

/// The unique keys of all levels. PS3.4 §C.6.1.1, §C.6.2.1.
const UNIQUE_KEYS: [Tag; 4] =
    [tags::PATIENT_ID, tags::STUDY_INSTANCE_UID, tags::SERIES_INSTANCE_UID, tags::SOP_INSTANCE_UID];
/// What may stand beside keys.
const NO_KEYS: [Tag; 5] = [
    tags::SPECIFIC_CHARACTER_SET,
    tags::QUERY_RETRIEVE_LEVEL,
    tags::QUERY_RETRIEVE_VIEW,
    tags::RETRIEVE_AE_TITLE,
    tags::INSTANCE_AVAILABILITY,
];
/// Matches that are read at a time.
const PAGE: u64 = 500;

#[cfg(test)]
mod tests {
    use super::*;

    fn identifier(level: &str, keys: &[(Tag, VR, &str)]) -> DataSet {
        let mut set = DataSet::new_empty();
        put_text(&mut set, tags::QUERY_RETRIEVE_LEVEL, VR::CS, level);
        for (tag, vr, value) in keys {
            put_text(&mut set, *tag, *vr, *value);
        }
        set
    }

    fn scopes(level: &str, keys: &[(Tag, VR, &str)]) -> Result<Option<usize>, u16> {
        let query = select(&identifier(level, keys), QueryModel::StudyRoot).map_err(|failure| failure.status)?;
        Ok(scopes_by_uid(&query).map(|scopes| scopes.len()))
    }

    #[test]
    fn unique_keys_name_what_is_wanted() {
        let study = (tags::STUDY_INSTANCE_UID, VR::UI, "1.2");
        let studies = (tags::STUDY_INSTANCE_UID, VR::UI, "1.2\\1.3");
        let series = (tags::SERIES_INSTANCE_UID, VR::UI, "1.2.1\\1.2.2\\1.2.3");
        assert_eq!(scopes("STUDY", &[study]), Ok(Some(1)));
        assert_eq!(scopes("STUDY", &[studies]), Ok(Some(2)));
        assert_eq!(scopes("SERIES", &[study, series]), Ok(Some(3)));
        assert_eq!(scopes("SERIES", &[studies, series]), Err(MISMATCH));
        assert_eq!(scopes("SERIES", &[study]), Err(MISMATCH));
        assert_eq!(scopes("STUDY", &[]), Err(MISMATCH));
        assert_eq!(scopes("PATIENT", &[(tags::PATIENT_ID, VR::LO, "P")]), Err(MISMATCH), "not in this model");
        let patient = (tags::PATIENT_ID, VR::LO, "P");
        assert_eq!(scopes("STUDY", &[study, patient]), Ok(None), "the patient has to be looked at");
        assert_eq!(scopes("STUDY", &[study, (tags::MODALITY, VR::CS, "")]), Ok(Some(1)), "asks for nothing");
        assert_eq!(scopes("STUDY", &[study, (tags::STUDY_DATE, VR::DA, "20260101")]), Err(MISMATCH));
    }
}
