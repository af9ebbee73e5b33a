//! What an archive knows of a study: enough for ImagingStudy and for the evidence of an SR.

use crate::base::Uid;

/// A study as an archive describes it. Empty values are what the archive left empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StudyFacts {
    /// Patient ID (0010,0020), if the archive said.
    pub patient_id: Option<String>,
    /// Issuer of the patient ID (0010,0021).
    pub issuer_of_patient_id: Option<String>,
    /// Patient's name (0010,0010) as PN text.
    pub patient_name: Option<String>,
    /// Birth date (0010,0030) as DA text.
    pub patient_birth_date: Option<String>,
    /// Sex (0010,0040).
    pub patient_sex: Option<String>,
    /// Study ID (0020,0010).
    pub study_id: Option<String>,
    /// Accession number (0008,0050).
    pub accession_number: Option<String>,
    /// Study date (0008,0020) as DA text.
    pub study_date: Option<String>,
    /// Study time (0008,0030) as TM text.
    pub study_time: Option<String>,
    /// Study description (0008,1030).
    pub description: Option<String>,
    /// Referring physician (0008,0090) as PN text.
    pub referring_physician: Option<String>,
    /// Series, ordered by series number and then by UID.
    pub series: Vec<SeriesFacts>,
}

/// A series of a study.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SeriesFacts {
    /// Series instance UID (0020,000E).
    pub uid: Uid,
    /// Modality (0008,0060).
    pub modality: String,
    /// Series number (0020,0011).
    pub number: Option<i32>,
    /// Series description (0008,103E).
    pub description: Option<String>,
    /// Body part examined (0018,0015).
    pub body_part: Option<String>,
    /// Instances, ordered by instance number and then by UID.
    pub instances: Vec<InstanceFacts>,
}

/// An instance of a series.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct InstanceFacts {
    /// SOP instance UID (0008,0018).
    pub uid: Uid,
    /// SOP class UID (0008,0016).
    pub sop_class_uid: Uid,
    /// Instance number (0020,0013).
    pub number: Option<i32>,
    /// Number of frames (0028,0008), where there is more than one.
    pub frames: Option<u32>,
}

impl StudyFacts {
    /// The series and instance facts of an image, if the archive knows it.
    pub fn instance(&self, sop_instance_uid: &Uid) -> Option<(&SeriesFacts, &InstanceFacts)> {
        self.series.iter().find_map(|series| {
            let instance = series.instances.iter().find(|instance| instance.uid == *sop_instance_uid)?;
            Some((series, instance))
        })
    }
}
