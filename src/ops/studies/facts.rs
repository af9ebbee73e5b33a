//! What the index knows of a study, as everybody else in the house speaks of studies.

use dicom_dictionary_std::tags;

use crate::access::Actor;
use crate::base::Uid;
use crate::dicom::element::{self, DataSet};
use crate::dicom::json;
use crate::dicom::query::{Level, Matching, Query, StudyScope};
use crate::dicom::study::{InstanceFacts, SeriesFacts, StudyFacts};

use super::super::{Error, Ops};

impl Ops {
    /// The facts of a study that is kept here; `None` if there is no such study. Nobody is asked whether the
    /// actor may, and nothing is left in the audit log: callers answer for both.
    pub(in crate::ops) async fn study_facts(&self, actor: &Actor, study: &Uid) -> Result<Option<StudyFacts>, Error> {
        let instances = self.desk(actor).instances(&StudyScope::study(study.clone())).await?;
        if instances.is_empty() {
            return Ok(None);
        }
        let query = Query::all(Level::Series, MAX_SERIES)
            .with(&[tags::STUDY_INSTANCE_UID], Matching::Uids(vec![study.clone()]));
        let (rows, _) = self.desk(actor).find_studies(&query).await?;
        let unreadable = || Error::Fault("the attributes of a kept study cannot be read".into());
        let of_study = rows.first().ok_or_else(unreadable)?;
        let mut facts = study_of(&json::data_set(&of_study.study).ok_or_else(unreadable)?);
        for row in &rows {
            let (Some(uid), Some(series)) = (&row.series_uid, &row.series) else { continue };
            facts.series.push(series_of(uid, &json::data_set(series).ok_or_else(unreadable)?));
        }
        for instance in instances {
            let series = facts.series.iter_mut().find(|series| series.uid == instance.series_uid);
            // A series beyond the limit of a study has no facts of its own.
            let Some(series) = series else { continue };
            series.instances.push(InstanceFacts {
                uid: instance.instance_uid,
                sop_class_uid: instance.class_uid,
                number: instance.instance.number.and_then(|number| i32::try_from(number).ok()),
                frames: instance.instance.frames.filter(|frames| *frames > 1),
            });
        }
        // Between the two questions a series may have come or gone.
        facts.series.retain(|series| !series.instances.is_empty());
        facts.series.sort_by(|one, other| {
            let number = |series: &SeriesFacts| series.number.unwrap_or(i32::MAX);
            (number(one), one.uid.as_str()).cmp(&(number(other), other.uid.as_str()))
        });
        Ok(Some(facts))
    }
}

fn study_of(set: &DataSet) -> StudyFacts {
    let text = |tag| element::text(set, tag);
    StudyFacts {
        patient_id: text(tags::PATIENT_ID),
        issuer_of_patient_id: text(tags::ISSUER_OF_PATIENT_ID),
        patient_name: text(tags::PATIENT_NAME),
        patient_birth_date: text(tags::PATIENT_BIRTH_DATE),
        patient_sex: text(tags::PATIENT_SEX),
        study_id: text(tags::STUDY_ID),
        accession_number: text(tags::ACCESSION_NUMBER),
        study_date: text(tags::STUDY_DATE),
        study_time: text(tags::STUDY_TIME),
        description: text(tags::STUDY_DESCRIPTION),
        referring_physician: text(tags::REFERRING_PHYSICIAN_NAME),
        series: Vec::new(),
    }
}

fn series_of(uid: &Uid, set: &DataSet) -> SeriesFacts {
    let text = |tag| element::text(set, tag);
    SeriesFacts {
        uid: uid.clone(),
        modality: text(tags::MODALITY).unwrap_or_default(),
        number: text(tags::SERIES_NUMBER).and_then(|number| number.parse().ok()),
        description: text(tags::SERIES_DESCRIPTION),
        body_part: text(tags::BODY_PART_EXAMINED),
        instances: Vec::new(),
    }
}

/// Series of a study that are told of.
const MAX_SERIES: u64 = 10_000;
