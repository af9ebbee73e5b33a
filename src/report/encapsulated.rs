//! The PDF of a report as a DICOM instance, and the PDF out of one. PS3.3 §A.45.1, §C.24.2.

use dicom_core::VR;
use dicom_core::value::PrimitiveValue;
use dicom_dictionary_std::{tags, uids};

use crate::base::Uid;
use crate::dicom::code::{Code, put_code};
use crate::dicom::element::{self, DataSet, put_empty, put_items, put_text, put_value};
use crate::dicom::sr::SopReference;
use crate::dicom::value::TextVr;

use super::sr::{DocumentKind, Header, SrError, hierarchical, terms};
use super::{Rendered, Rendering};

/// Why there is no PDF in a data set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// It is another kind of instance, or holds another kind of document.
    #[error("is no encapsulated PDF")]
    NotPdf,
    /// The document is missing, or shorter than its length (0042,0015) says.
    #[error("the encapsulated document is missing or cut")]
    Incomplete,
}

/// Wraps a PDF of the report. `sr` is class and instance of its SR twin, from which the PDF derives.
///
/// The pages carry the patient's name, hence `BurnedInAnnotation` YES. A version that follows a verified
/// one names that one's PDF, which has a derived UID like ours, as its predecessor.
pub fn render(rendering: &Rendering<'_>, pdf: &[u8], sr: Option<(&Uid, &Uid)>) -> Result<Rendered, SrError> {
    if !pdf.starts_with(b"%PDF-") {
        return Err(SrError::NotPdf);
    }
    let length = u32::try_from(pdf.len()).or(Err(SrError::NotPdf))?;
    let mut header = Header::begin(rendering, DocumentKind::EncapsulatedPdf)?;
    let concept = header.coder.code(&header.report.code.clone(), "code");
    let title = TextVr::St.fit(&header.report.code.display).text;
    let verification = if header.report.status.is_verified() { "VERIFIED" } else { "UNVERIFIED" };
    let predecessor = rendering.edition.predecessor.as_ref().map(|predecessor| {
        let sop = SopReference {
            sop_class_uid: uids::ENCAPSULATED_PDF_STORAGE.to_owned(),
            sop_instance_uid: header.instance_uid(predecessor.version).to_string(),
        };
        hierarchical(&header.report.study.study_instance_uid, &header.series_uid(), &sop)
    });
    let set = &mut header.set;
    put_text(set, tags::CONVERSION_TYPE, VR::CS, "WSD");
    put_empty(set, tags::ACQUISITION_DATE_TIME, VR::DT);
    put_text(set, tags::BURNED_IN_ANNOTATION, VR::CS, "YES");
    put_text(set, tags::RECOGNIZABLE_VISUAL_FEATURES, VR::CS, "NO");
    put_text(set, tags::VERIFICATION_FLAG, VR::CS, verification);
    put_text(set, tags::DOCUMENT_TITLE, VR::ST, title);
    put_code(set, tags::CONCEPT_NAME_CODE_SEQUENCE, &document_concept(concept));
    if let Some(predecessor) = predecessor {
        put_items(set, tags::PREDECESSOR_DOCUMENTS_SEQUENCE, vec![predecessor]);
    }
    if let Some((sop_class, sop_instance)) = sr {
        let sop = SopReference { sop_class_uid: sop_class.to_string(), sop_instance_uid: sop_instance.to_string() };
        put_items(set, tags::SOURCE_INSTANCE_SEQUENCE, vec![sop.to_item()]);
    }
    put_text(set, tags::MIME_TYPE_OF_ENCAPSULATED_DOCUMENT, VR::LO, MIME_TYPE);
    put_value(set, tags::ENCAPSULATED_DOCUMENT, VR::OB, PrimitiveValue::U8(pdf.into()));
    put_value(set, tags::ENCAPSULATED_DOCUMENT_LENGTH, VR::UL, length);
    header.finish()
}

/// The title of the document in codes: the report's own LOINC code, or that of any imaging report.
fn document_concept(code: Code) -> Code {
    if code.scheme == "LN" { code } else { terms::DIAGNOSTIC_IMAGING_REPORT.to_code() }
}

/// The PDF in a data set, without the byte that pads it to an even length.
pub fn pdf_of(set: &DataSet) -> Result<Vec<u8>, ExtractError> {
    let text = |tag| element::text(set, tag).unwrap_or_default();
    let is_pdf = text(tags::SOP_CLASS_UID) == uids::ENCAPSULATED_PDF_STORAGE
        && text(tags::MIME_TYPE_OF_ENCAPSULATED_DOCUMENT).eq_ignore_ascii_case(MIME_TYPE);
    if !is_pdf {
        return Err(ExtractError::NotPdf);
    }
    let document = set.get(tags::ENCAPSULATED_DOCUMENT).and_then(|element| element.to_bytes().ok());
    let document = document.ok_or(ExtractError::Incomplete)?;
    let length = set.get(tags::ENCAPSULATED_DOCUMENT_LENGTH).and_then(|element| element.to_int::<usize>().ok());
    let pdf = match length {
        Some(length) => document.get(..length).ok_or(ExtractError::Incomplete)?,
        // Older writers do not say: a PDF ends in `%%EOF` and perhaps a line break, never in a zero.
        None => document.strip_suffix(&[0]).unwrap_or(&document),
    };
    if pdf.starts_with(b"%PDF-") { Ok(pdf.to_vec()) } else { Err(ExtractError::NotPdf) }
}

const MIME_TYPE: &str = "application/pdf";

#[cfg(test)]
mod tests {
    use super::super::sr::tests::{Case, uid};
    use super::*;
    use crate::dicom::part10::{self, ReadLimits};

    fn data_set(bytes: &[u8]) -> DataSet {
        part10::read(bytes, &ReadLimits::default()).expect("read").content.data_set
    }

    #[test]
    fn a_pdf_comes_out_as_it_went_in() {
        let case = Case::sample(3);
        let sr = (uid("1.2.840.10008.5.1.4.1.1.88.11"), uid("2.25.7"));
        for pdf in [&b"%PDF-1.7 odd %%EOF"[..], b"%PDF-1.7 even %%EOF\n", b"%PDF-1.7 zero\0"] {
            let render = || case.with(|rendering| render(rendering, pdf, Some((&sr.0, &sr.1)))).expect("rendered");
            let rendered = render();
            assert_eq!(rendered, render());
            let set = data_set(&rendered.bytes);
            assert_eq!(pdf_of(&set).as_deref(), Ok(pdf));
            assert!(element::first_item(&set, tags::SOURCE_INSTANCE_SEQUENCE).is_some());
            let mut cut = set.clone();
            put_value(&mut cut, tags::ENCAPSULATED_DOCUMENT_LENGTH, VR::UL, 1_000_000_u32);
            assert_eq!(pdf_of(&cut), Err(ExtractError::Incomplete));
        }
        let refused = case.with(|rendering| render(rendering, b"<html>", None));
        assert!(matches!(refused, Err(SrError::NotPdf)));
    }

    #[test]
    fn a_foreign_pdf_comes_out() {
        let set = data_set(include_bytes!("../../fixtures/dicom/sr/encapsulated_pdf.dcm"));
        let pdf = pdf_of(&set).expect("a PDF");
        assert!(pdf.starts_with(b"%PDF-") && !pdf.ends_with(b"\0"));
        let sr = data_set(include_bytes!("../../fixtures/dicom/sr/reportsi.dcm"));
        assert_eq!(pdf_of(&sr), Err(ExtractError::NotPdf));
    }
}
