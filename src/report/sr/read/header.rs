//! Patient, study, order, people and state, from the document's modules.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use crate::base::{Date, LogicalId, TimeOfDay, Uid};
use crate::dicom::code::Code;
use crate::dicom::element::{self, DataSet};

use super::super::super::model::{Author, Concept, Order, Patient, PersonName, Sections, Sex, Study, Verifier};
use super::super::super::{Report, ReportStatus};
use super::super::write::NO_ORGANIZATION;
use super::{Reading, SrReadError, line};

impl Reading<'_> {
    /// The report without its content.
    pub(super) fn header(&mut self, id: LogicalId) -> Result<Report, SrReadError> {
        let study = self.study()?;
        let verifier = self.verifier();
        Ok(Report {
            id,
            status: self.status(verifier.is_some()),
            patient: self.patient(),
            study,
            code: self.code(),
            sections: Sections::default(),
            structured_findings: Vec::new(),
            measurements: Vec::new(),
            key_images: Vec::new(),
            author: self.author(),
            verifier,
            language: None,
            order: self.order(),
        })
    }

    fn text(&self, tag: Tag) -> Option<String> {
        element::text(self.set, tag).map(|text| line(&text)).filter(|text| !text.is_empty())
    }

    fn patient(&mut self) -> Patient {
        let id = self.text(tags::PATIENT_ID).unwrap_or_else(|| {
            self.losses.add("patient.id", "is not said");
            String::new()
        });
        let birth_date = self.text(tags::PATIENT_BIRTH_DATE).and_then(|text| {
            let date = Date::parse_da(&text);
            if date.is_none() {
                self.losses.add("patient.birthDate", "is no date");
            }
            date
        });
        let sex = self.text(tags::PATIENT_SEX).and_then(|text| {
            let sex = Sex::parse(&text);
            if sex.is_none() {
                self.losses.add("patient.sex", "is not one that DICOM knows");
            }
            sex
        });
        let name = self.text(tags::PATIENT_NAME).unwrap_or_default();
        Patient {
            id,
            issuer: self.text(tags::ISSUER_OF_PATIENT_ID),
            name: self.name(&name, "patient.name"),
            birth_date,
            sex,
        }
    }

    fn study(&mut self) -> Result<Study, SrReadError> {
        let uid = self.text(tags::STUDY_INSTANCE_UID).and_then(|uid| Uid::parse(&uid).ok());
        let study_date = self.text(tags::STUDY_DATE).and_then(|text| {
            let date = Date::parse_da(&text);
            if date.is_none() {
                self.losses.add("study.studyDate", "is no date");
            }
            date
        });
        let study_time = self.text(tags::STUDY_TIME).and_then(|text| {
            let time = TimeOfDay::parse_tm(&text).filter(|_| study_date.is_some());
            if time.is_none() {
                self.losses.add("study.studyTime", "is no time, or has no date");
            }
            time
        });
        let referring = self.text(tags::REFERRING_PHYSICIAN_NAME);
        Ok(Study {
            study_instance_uid: uid.ok_or(SrReadError::Identity("study instance UID (0020,000D)"))?,
            accession_number: self.text(tags::ACCESSION_NUMBER),
            study_date,
            study_time,
            modality: None,
            description: self.text(tags::STUDY_DESCRIPTION),
            body_site: None,
            referring_physician: referring.map(|name| self.name(&name, "study.referringPhysician")),
        })
    }

    /// Our documents have the report's code in (0040,A372) in any case. Otherwise it comes from the
    /// content, and is empty until then.
    fn code(&mut self) -> Concept {
        let performed = Code::from_sequence(self.set, tags::PERFORMED_PROCEDURE_CODE_SEQUENCE);
        match performed.filter(|_| self.is_own) {
            Some(code) => self.concept(&code),
            None => Concept { system: String::new(), code: String::new(), display: String::new() },
        }
    }

    pub(super) fn name(&mut self, pn: &str, path: &str) -> PersonName {
        PersonName::from_pn(pn).unwrap_or_else(|| {
            self.losses.add(path, "has more parts than a name can have; they stand in the family name");
            let family = pn.replace(['^', '='], " ");
            PersonName { family: family.chars().take(64).collect(), ..PersonName::default() }
        })
    }

    fn author(&mut self) -> Author {
        let observers = element::items(self.set, tags::AUTHOR_OBSERVER_SEQUENCE);
        let person = observers.iter().find(|item| element::text(item, tags::PERSON_NAME).is_some());
        if observers.len() > usize::from(person.is_some()) {
            self.losses.add("(0040,A078)", "names more than the one author that a report has");
        }
        let name = person.and_then(|item| element::text(item, tags::PERSON_NAME)).unwrap_or_default();
        let id = person.and_then(|item| Code::from_sequence(item, tags::PERSON_IDENTIFICATION_CODE_SEQUENCE));
        Author {
            id: id.map(|code| line(&code.value)).unwrap_or_default(),
            name: self.name(&line(&name), "author.name"),
            role: String::new(),
        }
    }

    fn verifier(&mut self) -> Option<Verifier> {
        let observers = element::items(self.set, tags::VERIFYING_OBSERVER_SEQUENCE);
        if observers.len() > 1 {
            self.losses.add("(0040,A073)", "names more than the one verifier that a report has");
        }
        let item = observers.first()?;
        let name = element::text(item, tags::VERIFYING_OBSERVER_NAME)?;
        let id = Code::from_sequence(item, tags::VERIFYING_OBSERVER_IDENTIFICATION_CODE_SEQUENCE);
        let organization = element::text(item, tags::VERIFYING_ORGANIZATION).map(|text| line(&text));
        Some(Verifier {
            id: id.map(|code| line(&code.value)).unwrap_or_default(),
            name: self.name(&line(&name), "verifier.name"),
            organization: organization.filter(|text| !(self.is_own && text == NO_ORGANIZATION)),
        })
    }

    /// The flags, and our own word behind them where we wrote them. PS3.3 §C.17.2.
    fn status(&mut self, has_verifier: bool) -> ReportStatus {
        let flag = |tag| element::text(self.set, tag).unwrap_or_default();
        let is_verified = flag(tags::VERIFICATION_FLAG) == "VERIFIED" && flag(tags::PRELIMINARY_FLAG) != "PRELIMINARY";
        let description = flag(tags::COMPLETION_FLAG_DESCRIPTION);
        let word = description.split(':').next().unwrap_or_default();
        if let Some(status) =
            ReportStatus::parse(word).filter(|status| self.is_own && status.is_verified() == is_verified)
        {
            return status;
        }
        if !description.is_empty() {
            self.losses.add("(0040,A492)", "is not carried");
        }
        if flag(tags::COMPLETION_FLAG) == "PARTIAL" {
            self.losses.add("status", "the document is partial; it is read as preliminary");
        }
        match (is_verified, has_verifier) {
            (true, true) if element::items(self.set, tags::PREDECESSOR_DOCUMENTS_SEQUENCE).is_empty() => {
                ReportStatus::Final
            }
            (true, true) => ReportStatus::Amended,
            (true, false) => {
                self.losses.add("status", "the document is verified by nobody; it is read as preliminary");
                ReportStatus::Preliminary
            }
            (false, _) => ReportStatus::Preliminary,
        }
    }

    fn order(&mut self) -> Option<Order> {
        let requests = element::items(self.set, tags::REFERENCED_REQUEST_SEQUENCE);
        if requests.len() > 1 {
            self.losses.add("(0040,A370)", "names more than the one order that a report has");
        }
        let item = requests.first()?;
        let text = |tag| element::text(item, tag).map(|text| line(&text));
        let order = Order {
            placer_number: text(tags::PLACER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST),
            filler_number: text(tags::FILLER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST),
            procedure_code: Code::from_sequence(item, tags::REQUESTED_PROCEDURE_CODE_SEQUENCE)
                .map(|code| self.concept(&code)),
        };
        (order != Order::default()).then_some(order)
    }

    /// Names the elements of the document that no part of a report stands for.
    pub(super) fn header_rest(&mut self) {
        let rest: Vec<Tag> = self.set.tags().filter(|tag| !is_read(*tag) && has_value(self.set, *tag)).collect();
        for tag in rest {
            self.losses.add(tag.to_string(), "is not carried");
        }
    }
}

fn has_value(set: &DataSet, tag: Tag) -> bool {
    let value = set.get(tag).map(dicom_core::DataElement::value);
    value.is_some_and(|value| match value.items() {
        Some(items) => !items.is_empty(),
        None => value.multiplicity() > 0,
    })
}

/// Whether the reader has looked at an element, or it speaks of the document and not of the report.
fn is_read(tag: Tag) -> bool {
    READ.contains(&tag)
}

const READ: &[Tag] = &[
    tags::SPECIFIC_CHARACTER_SET,
    tags::INSTANCE_CREATION_DATE,
    tags::INSTANCE_CREATION_TIME,
    tags::INSTANCE_CREATOR_UID,
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::STUDY_DATE,
    tags::SERIES_DATE,
    tags::CONTENT_DATE,
    tags::STUDY_TIME,
    tags::SERIES_TIME,
    tags::CONTENT_TIME,
    tags::ACCESSION_NUMBER,
    tags::MODALITY,
    tags::MANUFACTURER,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::CODING_SCHEME_IDENTIFICATION_SEQUENCE,
    tags::TIMEZONE_OFFSET_FROM_UTC,
    tags::STUDY_DESCRIPTION,
    tags::SERIES_DESCRIPTION,
    tags::MANUFACTURER_MODEL_NAME,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::DEVICE_SERIAL_NUMBER,
    tags::SOFTWARE_VERSIONS,
    tags::CONTRIBUTING_EQUIPMENT_SEQUENCE,
    tags::STUDY_INSTANCE_UID,
    tags::SERIES_INSTANCE_UID,
    tags::STUDY_ID,
    tags::SERIES_NUMBER,
    tags::INSTANCE_NUMBER,
    tags::VALUE_TYPE,
    tags::CONCEPT_NAME_CODE_SEQUENCE,
    tags::CONTINUITY_OF_CONTENT,
    tags::OBSERVATION_DATE_TIME,
    tags::VERIFYING_OBSERVER_SEQUENCE,
    tags::AUTHOR_OBSERVER_SEQUENCE,
    tags::CUSTODIAL_ORGANIZATION_SEQUENCE,
    tags::PREDECESSOR_DOCUMENTS_SEQUENCE,
    tags::REFERENCED_REQUEST_SEQUENCE,
    tags::PERFORMED_PROCEDURE_CODE_SEQUENCE,
    tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
    tags::PERTINENT_OTHER_EVIDENCE_SEQUENCE,
    tags::COMPLETION_FLAG,
    tags::COMPLETION_FLAG_DESCRIPTION,
    tags::VERIFICATION_FLAG,
    tags::PRELIMINARY_FLAG,
    tags::CONTENT_TEMPLATE_SEQUENCE,
    tags::CONTENT_SEQUENCE,
];
