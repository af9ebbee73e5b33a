//! The modules that all our DICOM documents share: patient, study, series, equipment, SOP common. The
//! patient and the study are those of the report, reconciled with the archive before.

use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};

use crate::base::{Sha256, Uid, VersionId};
use crate::dicom::code::put_code;
use crate::dicom::element::{self, DataSet, put_empty, put_optional_text, put_text};
use crate::dicom::part10::{self, TransferSyntax};
use crate::dicom::value::TextVr;

use super::super::{Edition, Rendered, Rendering, Report, ReportStatus, Twin};
use super::concept::Coder;
use super::{SrError, reconcile, terms};

/// Which of our documents it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DocumentKind {
    /// Basic Text SR, PS3.3 §A.35.1.
    BasicTextSr,
    /// Comprehensive SR, PS3.3 §A.35.3.
    ComprehensiveSr,
    /// Encapsulated PDF, PS3.3 §A.45.1.
    EncapsulatedPdf,
    /// Key Object Selection, PS3.3 §A.35.4.
    KeyObjectSelection,
}

impl DocumentKind {
    pub(crate) fn sop_class_uid(self) -> &'static str {
        match self {
            Self::BasicTextSr => uids::BASIC_TEXT_SR_STORAGE,
            Self::ComprehensiveSr => uids::COMPREHENSIVE_SR_STORAGE,
            Self::EncapsulatedPdf => uids::ENCAPSULATED_PDF_STORAGE,
            Self::KeyObjectSelection => uids::KEY_OBJECT_SELECTION_DOCUMENT_STORAGE,
        }
    }

    fn twin(self) -> Twin {
        match self {
            Self::BasicTextSr | Self::ComprehensiveSr => Twin::DicomSr,
            Self::EncapsulatedPdf => Twin::EncapsulatedPdf,
            Self::KeyObjectSelection => Twin::KeyObject,
        }
    }

    /// Modality, series number and series description. The numbers are high, so that documents stand
    /// behind the images where a viewer sorts by them.
    fn series(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::BasicTextSr | Self::ComprehensiveSr => ("SR", "9001", "Imaging report"),
            Self::KeyObjectSelection => ("KO", "9002", "Key images of the report"),
            Self::EncapsulatedPdf => ("DOC", "9003", "Imaging report as PDF"),
        }
    }
}

/// A document under construction: its data set, the reconciled report, codes and losses.
pub(crate) struct Header<'a> {
    pub(crate) rendering: &'a Rendering<'a>,
    /// The report as it is written.
    pub(crate) report: Report,
    pub(crate) set: DataSet,
    pub(crate) coder: Coder,
    kind: DocumentKind,
}

impl<'a> Header<'a> {
    /// Begins a document, unless the report's state forbids it or the archive has another patient.
    pub(crate) fn begin(rendering: &'a Rendering<'a>, kind: DocumentKind) -> Result<Self, SrError> {
        let status = rendering.report.status;
        if matches!(status, ReportStatus::Cancelled | ReportStatus::EnteredInError) {
            return Err(SrError::Status(status.as_str()));
        }
        let (report, mut reconciled) = reconcile(rendering.report, rendering.study)?;
        let mut losses = rendering.missing.clone();
        losses.0.append(&mut reconciled.0);
        let mut header = Self { rendering, report, set: DataSet::new_empty(), coder: Coder::new(losses), kind };
        header.patient();
        header.study();
        header.series();
        header.equipment();
        header.instance();
        Ok(header)
    }

    /// The finished file.
    pub(crate) fn finish(mut self) -> Result<Rendered, SrError> {
        self.coder.schemes.put(&mut self.set);
        let sop_class = Uid::parse(self.kind.sop_class_uid()).ok();
        Ok(Rendered {
            twin: self.kind.twin(),
            bytes: part10::write(&self.set, TransferSyntax::ExplicitVrLittleEndian)?,
            sop: sop_class.map(|sop_class| (sop_class, self.instance_uid(self.rendering.edition.version))),
            losses: self.coder.losses,
        })
    }

    /// The instance of the same kind of document of a version of this report.
    pub(crate) fn instance_uid(&self, version: VersionId) -> Uid {
        Edition::sop_instance_uid(&self.rendering.edition.tenant, &self.report.id, version, self.kind.twin())
    }

    /// The series of this kind of document of this report.
    pub(crate) fn series_uid(&self) -> Uid {
        Edition::series_instance_uid(&self.rendering.edition.tenant, &self.report.id, self.kind.twin())
    }

    /// PS3.3 §C.7.1.1.
    fn patient(&mut self) {
        let patient = self.report.patient.clone();
        let name = self.coder.name(&patient.name, "patient.name");
        put_optional_text(&mut self.set, tags::PATIENT_NAME, VR::PN, Some(name));
        let id = self.coder.fit(TextVr::Lo, &patient.id, "patient.id");
        put_optional_text(&mut self.set, tags::PATIENT_ID, VR::LO, Some(id));
        if let Some(issuer) = &patient.issuer {
            let issuer = self.coder.fit(TextVr::Lo, issuer, "patient.issuer");
            put_optional_text(&mut self.set, tags::ISSUER_OF_PATIENT_ID, VR::LO, Some(issuer));
        }
        let birth_date = patient.birth_date.as_ref().map(crate::base::Date::to_da);
        put_optional_text(&mut self.set, tags::PATIENT_BIRTH_DATE, VR::DA, birth_date);
        let sex = patient.sex.map(super::super::Sex::as_str);
        put_optional_text(&mut self.set, tags::PATIENT_SEX, VR::CS, sex);
    }

    /// PS3.3 §C.7.2.1.
    fn study(&mut self) {
        let study = self.report.study.clone();
        put_text(&mut self.set, tags::STUDY_INSTANCE_UID, VR::UI, study.study_instance_uid.as_str());
        let date = study.study_date.as_ref().map(crate::base::Date::to_da);
        put_optional_text(&mut self.set, tags::STUDY_DATE, VR::DA, date);
        let time = study.study_time.as_ref().map(crate::base::TimeOfDay::to_tm);
        put_optional_text(&mut self.set, tags::STUDY_TIME, VR::TM, time);
        let accession = study.accession_number.as_deref().unwrap_or_default();
        let accession = self.coder.fit(TextVr::Sh, accession, "study.accessionNumber");
        put_optional_text(&mut self.set, tags::ACCESSION_NUMBER, VR::SH, Some(accession));
        let id = self.rendering.study.study_id.as_deref().map(|id| TextVr::Sh.fit(id).text);
        put_optional_text(&mut self.set, tags::STUDY_ID, VR::SH, id);
        let referring = study.referring_physician.map(|name| {
            let text = self.coder.name(&name, "study.referringPhysician");
            if text.is_empty() {
                self.coder.losses.add("study.referringPhysician", "is empty and is left out");
            }
            text
        });
        put_optional_text(&mut self.set, tags::REFERRING_PHYSICIAN_NAME, VR::PN, referring);
        if let Some(description) = &study.description {
            let description = self.coder.fit(TextVr::Lo, description, "study.description");
            put_optional_text(&mut self.set, tags::STUDY_DESCRIPTION, VR::LO, Some(description));
        }
    }

    /// PS3.3 §C.17.1 and §C.24.1.
    fn series(&mut self) {
        let (modality, number, description) = self.kind.series();
        put_text(&mut self.set, tags::MODALITY, VR::CS, modality);
        let uid = self.series_uid();
        put_text(&mut self.set, tags::SERIES_INSTANCE_UID, VR::UI, uid.as_str());
        put_text(&mut self.set, tags::SERIES_NUMBER, VR::IS, number);
        put_text(&mut self.set, tags::SERIES_DESCRIPTION, VR::LO, description);
        if self.kind != DocumentKind::EncapsulatedPdf {
            put_empty(&mut self.set, tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, VR::SQ);
        }
    }

    /// PS3.3 §C.7.5.1 and, for the content digest, §C.12.1.1.5 (Contributing Equipment).
    fn equipment(&mut self) {
        let edition = self.rendering.edition;
        equipment(&mut self.set, edition);
        let mut item = DataSet::new_empty();
        put_code(&mut item, tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, &terms::PROCESSING_EQUIPMENT.to_code());
        equipment(&mut item, edition);
        put_text(&mut item, tags::CONTRIBUTION_DATE_TIME, VR::DT, edition.recorded_at.to_dicom_dt());
        let digest = self.rendering.content_digest;
        let id = &self.report.id;
        let description = format!("{DIGEST_PREFIX}{digest} report {id} version {}", edition.version);
        put_text(&mut item, tags::CONTRIBUTION_DESCRIPTION, VR::ST, description);
        element::put_items(&mut self.set, tags::CONTRIBUTING_EQUIPMENT_SEQUENCE, vec![item]);
    }

    /// PS3.3 §C.12.1 and what the documents' general modules have in common.
    ///
    /// The times of the document are UTC. (0008,0201) would say so, but it holds for the whole data set
    /// and would move the study's local time: it is written only where there is none. The exact instant
    /// stands with its zone in the verification and in the contribution.
    fn instance(&mut self) {
        let recorded_at = self.rendering.edition.recorded_at;
        let (date, time) = (recorded_at.to_dicom_da(), recorded_at.to_dicom_tm());
        put_text(&mut self.set, tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
        put_text(&mut self.set, tags::SOP_CLASS_UID, VR::UI, self.kind.sop_class_uid());
        let uid = self.instance_uid(self.rendering.edition.version);
        put_text(&mut self.set, tags::SOP_INSTANCE_UID, VR::UI, uid.as_str());
        put_text(&mut self.set, tags::INSTANCE_CREATION_DATE, VR::DA, date.as_str());
        put_text(&mut self.set, tags::INSTANCE_CREATION_TIME, VR::TM, time.as_str());
        put_text(&mut self.set, tags::CONTENT_DATE, VR::DA, date);
        put_text(&mut self.set, tags::CONTENT_TIME, VR::TM, time);
        put_text(&mut self.set, tags::INSTANCE_NUMBER, VR::IS, self.rendering.edition.version.to_string());
        if self.report.study.study_time.is_none() {
            put_text(&mut self.set, tags::TIMEZONE_OFFSET_FROM_UTC, VR::SH, "+0000");
        }
    }

    /// An item of (0040,A370), if the report fulfils an order. PS3.3 Table C.17-3.
    pub(crate) fn request_item(&mut self) -> Option<DataSet> {
        let order = self.report.order.clone()?;
        let study = self.report.study.clone();
        let mut item = DataSet::new_empty();
        put_text(&mut item, tags::STUDY_INSTANCE_UID, VR::UI, study.study_instance_uid.as_str());
        put_empty(&mut item, tags::REFERENCED_STUDY_SEQUENCE, VR::SQ);
        let accession = study.accession_number.map(|number| TextVr::Sh.fit(&number).text);
        put_optional_text(&mut item, tags::ACCESSION_NUMBER, VR::SH, accession);
        for (tag, number, path) in [
            (tags::PLACER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST, &order.placer_number, "order.placerNumber"),
            (tags::FILLER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST, &order.filler_number, "order.fillerNumber"),
        ] {
            let number = self.coder.fit(TextVr::Lo, number.as_deref().unwrap_or_default(), path);
            put_optional_text(&mut item, tag, VR::LO, Some(number));
        }
        put_empty(&mut item, tags::REQUESTED_PROCEDURE_ID, VR::SH);
        let procedure = order.procedure_code.map(|code| self.coder.code(&code, "order.procedureCode"));
        let description = procedure.as_ref().map(|code| code.meaning.clone());
        put_optional_text(&mut item, tags::REQUESTED_PROCEDURE_DESCRIPTION, VR::LO, description);
        match procedure {
            Some(code) => put_code(&mut item, tags::REQUESTED_PROCEDURE_CODE_SEQUENCE, &code),
            None => put_empty(&mut item, tags::REQUESTED_PROCEDURE_CODE_SEQUENCE, VR::SQ),
        }
        Some(item)
    }
}

/// All four are filled, since enhanced documents ask for them (PS3.3 §C.7.5.2).
fn equipment(set: &mut DataSet, edition: &Edition) {
    put_text(set, tags::MANUFACTURER, VR::LO, "Causeway");
    put_text(set, tags::MANUFACTURER_MODEL_NAME, VR::LO, "Causeway");
    put_text(set, tags::DEVICE_SERIAL_NUMBER, VR::LO, edition.tenant.as_str());
    put_text(set, tags::SOFTWARE_VERSIONS, VR::LO, env!("CARGO_PKG_VERSION"));
}

/// What our documents say about the content that they were made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contribution {
    /// SHA-256 of the canonical content.
    pub(crate) digest: Sha256,
    /// Id of the report, as it is written.
    pub(crate) report: Option<String>,
}

/// The content digest and report id of one of our documents; `None` in a stranger's.
pub(crate) fn content_digest(set: &DataSet) -> Option<Contribution> {
    element::items(set, tags::CONTRIBUTING_EQUIPMENT_SEQUENCE).iter().find_map(|item| {
        let description = element::text(item, tags::CONTRIBUTION_DESCRIPTION)?;
        let mut words = description.strip_prefix(DIGEST_PREFIX)?.split(' ');
        let digest = Sha256::parse(words.next()?)?;
        let report = words.next().filter(|word| *word == "report").and_then(|_| words.next()).map(str::to_owned);
        Some(Contribution { digest, report })
    })
}

const DIGEST_PREFIX: &str = "causeway report content sha256:";
