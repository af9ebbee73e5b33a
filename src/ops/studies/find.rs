//! Finding patients, studies, series and instances.

use std::fmt::Write as _;

use std::sync::Arc;

use crate::access::{Actor, Operation};
use crate::base::{ProblemCode, Problems, Uid};
use crate::dicom::query::{Key, Matching, Query};
use crate::store::StudyMatch;

use super::super::{Error, Ops};
use super::found::{FoundRow, Wanted};

/// What a query found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The matches of the page.
    pub rows: Vec<FoundRow>,
    /// How many there are behind this page; exact. A page has at most 10,000 matches, however many the query allows.
    pub more: u64,
}

impl Ops {
    /// What a query finds, in a stable order: studies by date and time, the latest first, then UID; series and
    /// instances by number, then UID; patients by their identifiers.
    pub async fn find_studies(&self, actor: &Actor, query: &Query) -> Result<Found, Error> {
        self.authorize(actor, Operation::StudyFind).await?;
        let unknown = query.keys.iter().find(|key| {
            key.matching != Matching::Universal && Key::of_path(&key.path).is_none_or(|known| known.level > query.level)
        });
        if unknown.is_some() {
            let problem = "cannot be matched at this level";
            return Err(Error::Invalid(Problems::one("query", ProblemCode::Unsupported, problem)));
        }
        let (matches, more) = self.desk(actor).find_studies(query).await?;
        self.shared.trail.note(self.event(actor, Operation::StudyFind).with_query(&asked(query))).await?;
        let wanted = Arc::new(Wanted::of(query));
        let is_short = matches.len() <= SHORT;
        let rows = move || matches.into_iter().map(|found| FoundRow::new(found, &wanted)).collect::<Option<Vec<_>>>();
        let rows = if is_short { rows() } else { self.on_cpu(rows).await? };
        let rows = rows.ok_or_else(|| Error::Fault("attributes of a study cannot be read".into()))?;
        Ok(Found { rows, more })
    }
}

/// The question as the audit log keeps it.
fn asked(query: &Query) -> Vec<u8> {
    let mut text = format!("level={}", query.level.as_str());
    for key in query.keys.iter().filter(|key| key.matching != Matching::Universal) {
        let path: Vec<String> =
            key.path.iter().map(|tag| format!("{:04X}{:04X}", tag.group(), tag.element())).collect();
        let value = match &key.matching {
            Matching::Universal => String::new(),
            Matching::Empty => "\"\"".to_owned(),
            Matching::Single(value) | Matching::Wildcard(value) => value.clone(),
            Matching::Uids(uids) => uids.iter().map(Uid::as_str).collect::<Vec<_>>().join("\\"),
            Matching::OneOf(values) => values.join("\\"),
            Matching::Range { from, until } => {
                format!("{}-{}", from.as_deref().unwrap_or_default(), until.as_deref().unwrap_or_default())
            }
        };
        let _ = write!(text, "&{}={value}", path.join("."));
    }
    text.into_bytes()
}

impl FoundRow {
    /// The match, ready to be written; `None` if what is kept of it cannot be read.
    pub(super) fn new(found: StudyMatch, wanted: &Arc<Wanted>) -> Option<Self> {
        let attributes = super::found::attributes(&found)?;
        Some(Self {
            study_instance_uid: found.study_uid,
            series_instance_uid: found.series_uid,
            sop_instance_uid: found.instance_uid,
            attributes,
            wanted: Arc::clone(wanted),
        })
    }
}

/// Matches that are made ready at once.
const SHORT: usize = 16;
